"""Every refusal that a derivatives desk can give, with Binance's codes and texts.

Source: Binance USD-M Futures, COIN-M Futures, Options Trading and Portfolio Margin, "Error Codes" (2026-05-28).
"""

from __future__ import annotations

from trio_binance_uds.sandbox.exchange.refusals import (
    Refusal,
    bad_combination,
    bad_symbol,
    mandatory,
    no_such_order,
    not_valid,
)

__all__ = [
    "Refusal",
    "bad_combination",
    "bad_symbol",
    "mandatory",
    "no_such_order",
    "not_valid",
]


def window_too_long(hours: int) -> Refusal:
    return Refusal(-1127, f"More than {hours} hours between startTime and endTime.")


def starts_after_end() -> Refusal:
    return Refusal(-1023, "Start time is greater than end time.")


def too_precise() -> Refusal:
    return Refusal(-1111, "Precision is over the maximum defined for this asset.")


def bad_order_type() -> Refusal:
    return Refusal(-1116, "Invalid orderType.")


def bad_time_in_force() -> Refusal:
    return Refusal(-1115, "Invalid timeInForce.")


def cancel_rejected() -> Refusal:
    return Refusal(-2011, "Unknown order sent.")


def would_trigger() -> Refusal:
    return Refusal(-2021, "Order would immediately trigger.")


def reduce_only_rejected() -> Refusal:
    return Refusal(-2022, "ReduceOnly Order is rejected.")


def not_positive_quantity() -> Refusal:
    return Refusal(-4003, "Quantity less than or equal to zero.")


def not_positive_price() -> Refusal:
    return Refusal(-4001, "Price less than 0.")


def price_off_tick() -> Refusal:
    return Refusal(-4014, "Price not increased by tick size.")


def bad_client_id() -> Refusal:
    return Refusal(-4015, "Client order id is not valid.")


def quantity_off_step() -> Refusal:
    return Refusal(-4023, "Qty not increased by step size.")


def bad_leverage(leverage: int) -> Refusal:
    return Refusal(-4028, f"Leverage {leverage} is not valid.")


def same_margin_type() -> Refusal:
    return Refusal(-4046, "No need to change margin type.")


def margin_type_has_orders() -> Refusal:
    return Refusal(-4047, "Margin type cannot be changed if there exists open orders.")


def margin_type_has_position() -> Refusal:
    return Refusal(-4048, "Margin type cannot be changed if there exists position.")


def same_position_mode() -> Refusal:
    return Refusal(-4059, "No need to change position side.")


def position_side_mismatch() -> Refusal:
    return Refusal(-4061, "Order's position side does not match user's setting.")


def position_mode_has_orders() -> Refusal:
    return Refusal(-4067, "Position side cannot be changed if there exists open orders.")


def position_mode_has_position() -> Refusal:
    return Refusal(-4068, "Position side cannot be changed if there exists position.")


def duplicate_client_id() -> Refusal:
    return Refusal(-4116, "ClientOrderId is duplicated.")


def needs_algo_route() -> Refusal:
    return Refusal(
        -4120, "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."
    )


def too_small_notional(least: object) -> Refusal:
    return Refusal(-4164, f"Order's notional must be no smaller than {least} (unless you choose reduce only).")


def multi_assets_needs_cross() -> Refusal:
    return Refusal(
        -4167, "Unable to adjust to Multi-Assets mode with symbols of USDⓈ-M Futures under isolated-margin mode."
    )


def isolated_needs_single_asset() -> Refusal:
    return Refusal(-4168, "Unable to adjust to isolated-margin mode under the Multi-Assets mode.")


def fok_rejected() -> Refusal:
    return Refusal(
        -5021,
        "Due to the order could not be filled immediately, the FOK order has been rejected. "
        "The order will not be recorded in the order history",
    )


def post_only_rejected() -> Refusal:
    return Refusal(
        -5022,
        "Due to the order could not be executed as maker, the Post Only order will be rejected. "
        "The order will not be recorded in the order history",
    )


def only_limit_orders() -> Refusal:
    return Refusal(-5025, "Only limit order is supported.")


def unknown_option_order() -> Refusal:
    return Refusal(-6063, "Unknown order sent.")


def no_such_option_order() -> Refusal:
    return Refusal(-2013, "Order does not exist")


def nothing_to_modify() -> Refusal:
    return Refusal(-5027, "No need to modify the order.")


def bad_stp_mode() -> Refusal:
    return Refusal(-5039, "Invalid self trade prevention mode.")


def bad_good_till_date() -> Refusal:
    return Refusal(
        -5040,
        "The goodTillDate timestamp must be greater than the current time plus 600 seconds and "
        "smaller than 253402300799000.",
    )


def no_price_to_match() -> Refusal:
    return Refusal(-5041, "No depth matches this BBO order.")
