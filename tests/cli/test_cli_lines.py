"""The events of every product as people read them: each has a line, in the columns of its kind."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import attrs
import pytest

from support import product_payloads as payloads
from support.products import COINM, MARGIN_RISK, OPTIONS, PORTFOLIO_MARGIN, SAMPLED, USDM, Sampled
from trio_binance_uds import (
    AccountUpdatePosition,
    AlgoUpdate,
    Event,
    OptionsBalance,
    OptionsPosition,
    decode_frame,
)
from trio_binance_uds.cli.account_lines import balance_text, position_text
from trio_binance_uds.cli.pretty import render

PRODUCTS = {sampled.product.name: sampled for sampled in SAMPLED}
LINES = [
    (
        "margin",
        "executionReport",
        "fill      LINKUSDT   BUY   LIMIT        FILLED         9.1/9.1  @ 17.01     5500120  "
        "+9.1 @ 17.009  fee 0.0091 LINK  carry-3",
    ),
    (
        "margin",
        "outboundAccountPosition",
        "balance   LINK 9.1",
    ),
    (
        "margin",
        "balanceUpdate",
        "transfer  LINK       -2.5",
    ),
    (
        "margin",
        "listStatus",
        "list      LINKUSDT   OCO   #41          EXECUTING  of 5500121",
    ),
    (
        "margin",
        "eventStreamTerminated",
        "stream    the subscription has ended",
    ),
    (
        "margin",
        "serverShutdown",
        "server    is going to close this connection",
    ),
    (
        "margin-risk",
        "MARGIN_LEVEL_STATUS_CHANGE",
        "risk      MARGIN CALL  margin level 1.23",
    ),
    (
        "margin-risk",
        "USER_LIABILITY_CHANGE",
        "debt      LINK       borrow    principal 4, interest 0.000021",
    ),
    (
        "margin-risk",
        "listenKeyExpired",
        "stream    a listen key has expired",
    ),
    (
        "usdm-futures",
        "ORDER_TRADE_UPDATE",
        "fill      LINKUSDT     SELL  LIMIT        PARTIAL      21.3/41.3  @ 17.455    "
        "…741993  short  +11.3 @ 17.456  fee 0.00013877 BNB  profit -3.052  reduce only displaced  hedge-204",
    ),
    (
        "usdm-futures",
        "TRADE_LITE",
        "lite      LINKUSDT     SELL                              of 41.3  @ 17.455    "
        "…741993  +11.3 @ 17.456  hedge-204",
    ),
    (
        "usdm-futures",
        "ACCOUNT_UPDATE",
        "account   funding fee LINKUSDT  USDC 1204.55 (-20)  BNB 0.81  LINKUSDT short -20.5 @ 17.4011",
    ),
    (
        "usdm-futures",
        "ACCOUNT_CONFIG_UPDATE",
        "config    LINKUSDT     leverage 12",
    ),
    (
        "usdm-futures",
        "MARGIN_CALL",
        "call      LINKUSDT +730.1 at 15.0021 needs 55.7011",
    ),
    (
        "usdm-futures",
        "ALGO_UPDATE",
        "algo      LINKUSDT     BUY   TRAILING     TRIGGERED    1.25/5.25  if 18.01    "
        "3300127  long  Margin is insufficient  guard-9",
    ),
    (
        "usdm-futures",
        "CONDITIONAL_ORDER_TRIGGER_REJECT",
        "algo      LINKUSDT     REJECTED   …741993  Would trigger.",
    ),
    (
        "usdm-futures",
        "STRATEGY_UPDATE",
        "strategy  LINKUSDT     GRID  WORKING    …200044  operation 8007",
    ),
    (
        "usdm-futures",
        "GRID_UPDATE",
        "grid      LINKUSDT     GRID  CANCELLED  …200044  profit -0.0125",
    ),
    (
        "usdm-futures",
        "listenKeyExpired",
        "stream    a listen key has expired",
    ),
    (
        "coinm-futures",
        "ORDER_TRADE_UPDATE",
        "fill      LINKUSD_PERP  SELL  LIMIT        PARTIAL      21.3/41.3  @ 17.455    "
        "…741993  short  +11.3 @ 17.456  fee 0.00013877 BNB  profit -3.052  post only  hedge-204",
    ),
    (
        "coinm-futures",
        "ACCOUNT_UPDATE",
        "account   funding fee LINKUSDT  USDC 1204.55 (-20)  BNB 0.81  LINKUSDT short -20.5 @ 17.4011",
    ),
    (
        "coinm-futures",
        "ACCOUNT_CONFIG_UPDATE",
        "config    LINKUSD_PERP  leverage 12",
    ),
    (
        "coinm-futures",
        "MARGIN_CALL",
        "call      LINKUSDT +730.1 at 15.0021 needs 55.7011",
    ),
    (
        "coinm-futures",
        "ALGO_UPDATE",
        "algo      LINKUSDT     BUY   TRAILING     TRIGGERED    1.25/5.25  if 18.01    "
        "3300127  long  Margin is insufficient  guard-9",
    ),
    (
        "coinm-futures",
        "STRATEGY_UPDATE",
        "strategy  LINKUSDT     GRID  WORKING    …200044  operation 8007",
    ),
    (
        "coinm-futures",
        "GRID_UPDATE",
        "grid      LINKUSDT     GRID  CANCELLED  …200044  profit -0.0125",
    ),
    (
        "coinm-futures",
        "listenKeyExpired",
        "stream    a listen key has expired",
    ),
    (
        "options",
        "ACCOUNT_UPDATE",
        "totals    equity 5021.1  wallet 5044  positions -22.9  needs 81.05",
    ),
    (
        "options",
        "BALANCE_POSITION_UPDATE",
        "account   order        USDT 5044  ETH-260925-4200-P -0.3 @ 88.6",
    ),
    (
        "options",
        "GREEK_UPDATE",
        "greeks    ETHUSDT delta 0.1102 gamma -0.0009 theta 3.441 vega -1.9",
    ),
    (
        "options",
        "ORDER_TRADE_UPDATE",
        "fill      ETH-260925-4200-P    SELL  LIMIT        PARTIAL        0.3/0.5  @ 88.6      "
        "…365999  +0.3 @ 88.6  fee 0.041 USDT  profit +1.1  wing-1",
    ),
    (
        "options",
        "RISK_LEVEL_CHANGE",
        "risk      REDUCE ONLY  has 412.1, needs 399.05",
    ),
    (
        "options",
        "listenKeyExpired",
        "stream    a listen key has expired",
    ),
    (
        "portfolio-margin",
        "executionReport",
        "fill      margin  LINKUSDT     BUY   LIMIT        FILLED         9.1/9.1  @ 17.01     "
        "5500120  +9.1 @ 17.009  fee 0.0091 LINK  carry-3",
    ),
    (
        "portfolio-margin",
        "outboundAccountPosition",
        "balance   margin  LINK 9.1",
    ),
    (
        "portfolio-margin",
        "balanceUpdate",
        "transfer  margin  LINK       -2.5",
    ),
    (
        "portfolio-margin",
        "listStatus",
        "list      LINKUSDT   OCO   #41          EXECUTING  of 5500121",
    ),
    (
        "portfolio-margin",
        "ORDER_TRADE_UPDATE",
        "fill      UM      LINKUSDT     SELL  LIMIT        PARTIAL      21.3/41.3  @ 17.455    "
        "…741993  short  +11.3 @ 17.456  fee 0.00013877 BNB  profit -3.052  hedge-204",
    ),
    (
        "portfolio-margin",
        "ACCOUNT_UPDATE",
        "account   CM      order        USDC 1204.55 (-20)  BNB 0.81  LINKUSDT short -20.5 @ 17.4011",
    ),
    (
        "portfolio-margin",
        "ACCOUNT_CONFIG_UPDATE",
        "config    UM      LINKUSDT     leverage 12",
    ),
    (
        "portfolio-margin",
        "ALGO_UPDATE",
        "algo      UM      LINKUSDT     BUY   TRAILING     TRIGGERED    1.25/5.25  if 18.01    "
        "3300127  long  Margin is insufficient  guard-9",
    ),
    (
        "portfolio-margin",
        "CONDITIONAL_ORDER_TRADE_UPDATE",
        "algo      CM      LINKUSD_PERP  BUY   STOP LIMIT   TRIGGERED           12  "
        "@ 18.2 if 18.15  70416    is order …741995  fence-2",
    ),
    (
        "portfolio-margin",
        "liabilityChange",
        "debt      margin  LINK       borrow    principal 4, interest 0.000021  owes 11.000021",
    ),
    (
        "portfolio-margin",
        "openOrderLoss",
        "reserved  margin  USDC -1.25  LINK -0.0000001",
    ),
    (
        "portfolio-margin",
        "riskLevelChange",
        "risk      MARGIN CALL  uniMMR 1.14  equity 830.1, needs 728.16",
    ),
    (
        "portfolio-margin",
        "listenKeyExpired",
        "stream    a listen key has expired",
    ),
    (
        "portfolio-margin-pro",
        "PM_PRO_ACCOUNT_UPDATE",
        "totals    uniMMR 4.2  equity 830.1  needs 197.65  available 520.1",
    ),
    (
        "portfolio-margin-pro",
        "riskLevelChange",
        "risk      NORMAL       uniMMR 1.14  equity 830.1, needs 728.16",
    ),
    (
        "portfolio-margin-pro",
        "listenKeyExpired",
        "stream    a listen key has expired",
    ),
    (
        "cross-margin@listen-key",
        "marginLevelChange",
        "risk      NORMAL       margin level 1.31",
    ),
    (
        "cross-margin@listen-key",
        "liabilityChange",
        "debt      debt change  LINK principal 4, interest 0.000021  USDC principal 0, interest 0",
    ),
    (
        "stocks",
        "orderReport",
        "order     MSFT       BUY   LIMIT        PARTIAL    1285.15625/4000  @ 411.25    …1be7a1  worth 1285.15625",
    ),
    (
        "stocks",
        "listenKeyExpired",
        "stream    a listen key has expired",
    ),
]
# With its listen key, margin says what it says on two streams.
LINES += [
    ("cross-margin@listen-key", name, said) for product, name, said in LINES if product in ("margin", "margin-risk")
]


def event(sampled: Sampled, name: str, **changes: Any) -> Event:
    """Return the sample of an event, with some members of its object changed; ``None`` takes one away."""
    payload = json.loads(json.dumps(sampled.payloads[name]))
    inner = next((payload[key] for key in ("o", "ao", "so", "a") if isinstance(payload.get(key), dict)), payload)
    inner.update(changes)
    for key in [key for key, value in changes.items() if value is None]:
        del inner[key]
    decoded = decode_frame(json.dumps(payload), sampled.product)
    assert isinstance(decoded, Event)
    return decoded


def text(item: Event) -> str:
    """Return the line without its time."""
    return render(item).plain[14:]


@pytest.mark.parametrize(("product", "name", "expected"), LINES)
def test_every_event_has_a_line_of_its_own(product: str, name: str, expected: str) -> None:
    assert text(event(PRODUCTS[product], name)) == expected


def test_no_event_is_without_a_line() -> None:
    told = {(product, name) for product, name, _ in LINES}
    assert told == {(name, kind) for name, sampled in PRODUCTS.items() for kind in sampled.payloads}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"x": "AMENDMENT"}, "  modified  "),
        ({"x": "CALCULATED", "o": "LIQUIDATION"}, "  liquidation  "),
        ({"er": "77"}, "  reason 77  "),
        ({"rp": "1.50"}, "  profit +1.5  "),
        ({"ps": "LONG"}, "  long  "),
    ],
)
def test_an_order_of_futures_says_what_is_special_about_it(changes: dict[str, Any], words: str) -> None:
    assert words in text(event(USDM, "ORDER_TRADE_UPDATE", **changes))


def test_an_order_for_stocks_by_quantity_says_how_many_shares_there_are() -> None:
    ordered = text(event(PRODUCTS["stocks"], "orderReport", N=None, fq=0, FN=0, s="accepted", o="market", p=None))
    assert ordered == "order     MSFT       BUY   MARKET       ACCEPTED        0/12.5              …1be7a1"


def test_an_order_without_a_fill_says_no_more_than_there_is() -> None:
    changes = {"t": 0, "x": "NEW", "X": "NEW", "l": "0", "z": "0", "n": None, "N": None, "rp": "0", "er": "0"}
    expected = "order     LINKUSD_PERP  SELL  LIMIT        NEW             0/41.3  @ 17.455    …741993  hedge-204"
    assert text(event(COINM, "ORDER_TRADE_UPDATE", **changes, ps="BOTH")) == expected


def test_a_fill_of_options_can_come_without_a_commission() -> None:
    line = text(event(OPTIONS, "ORDER_TRADE_UPDATE", n=None, N=None))
    assert "+0.3 @ 88.6  profit" in line


def test_a_loan_whose_interest_is_not_known_says_so() -> None:
    loan = attrs.evolve(event(MARGIN_RISK, "USER_LIABILITY_CHANGE"), interest=None)
    assert "interest not known" in text(loan)


def test_a_conditional_order_that_closes_a_position_is_about_all_of_it() -> None:
    assert "  TRIGGERED          all  " in text(event(USDM, "ALGO_UPDATE", q="0"))
    assert "  TRIGGERED          all  " in text(event(PORTFOLIO_MARGIN, "CONDITIONAL_ORDER_TRADE_UPDATE", q="0"))


def test_a_conditional_order_names_the_order_that_it_has_become() -> None:
    told = event(USDM, "ALGO_UPDATE", rm=None, ai="9007199254741993", aq=None)
    assert isinstance(told, AlgoUpdate)
    assert "  is order …741993  " in text(told)
    assert "is order" not in text(attrs.evolve(told, order_id=None))
    assert "is order" not in text(event(PORTFOLIO_MARGIN, "CONDITIONAL_ORDER_TRADE_UPDATE", i=None))


@pytest.mark.parametrize(("on", "word"), [(True, "on"), (False, "off")])
def test_the_mode_of_multi_assets_is_told(on: bool, word: str) -> None:
    payload = {"e": "ACCOUNT_CONFIG_UPDATE", "E": 1_782_907_200_457, "T": 1_782_907_200_456, "ai": {"j": on}}
    decoded = decode_frame(json.dumps(payload), USDM.product)
    assert isinstance(decoded, Event)
    assert text(decoded) == f"config    multi-assets mode {word}"


def test_without_a_position_there_are_no_greeks() -> None:
    assert text(event(OPTIONS, "GREEK_UPDATE", G=[])) == "greeks    none"


def test_a_balance_says_what_has_come_or_gone() -> None:
    balance = OptionsBalance(asset="USDT", balance=Decimal("5.50"), balance_change=Decimal("-1.0"))
    assert balance_text(balance) == "USDT 5.5 (-1)"
    assert balance_text(attrs.evolve(balance, balance_change=None)) == "USDT 5.5"


def test_a_position_that_is_closed_is_flat() -> None:
    flat = OptionsPosition(
        symbol="BTC-C", quantity=Decimal("0.0"), position_value=Decimal(0), average_entry_price=Decimal(0)
    )
    assert position_text(flat) == "BTC-C flat"
    one_way = AccountUpdatePosition(
        symbol="BTCUSDT",
        position_amount=Decimal("0.50"),
        entry_price=Decimal("60000.0"),
        breakeven_price=None,
        accumulated_realized=None,
        unrealized_pnl=Decimal(0),
        position_side="BOTH",
    )
    assert position_text(one_way) == "BTCUSDT +0.5 @ 60000"
    assert position_text(attrs.evolve(one_way, position_side="LONG")) == "BTCUSDT long +0.5 @ 60000"


def test_a_risk_is_red_and_calm_is_green() -> None:
    def style(item: Event) -> str:
        return str(render(item).spans[1].style)

    assert style(event(PORTFOLIO_MARGIN, "riskLevelChange")) == "bold red"
    assert style(event(PRODUCTS["portfolio-margin-pro"], "riskLevelChange")) == "bold green"


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_columns_of_futures_stay_aligned_whatever_is_left_out(width: int) -> None:
    lines = [
        render(event(USDM, "ORDER_TRADE_UPDATE", **changes), width).plain
        for changes in ({}, {"t": 0, "rp": "0"}, {"X": "NEW", "rp": "9"})
    ]
    assert len({line.index("/41.3") for line in lines}) == 1


@pytest.mark.parametrize("product", PRODUCTS)
def test_no_secret_is_shown(product: str) -> None:
    for name in PRODUCTS[product].payloads:
        assert payloads.LISTEN_KEY not in render(event(PRODUCTS[product], name)).plain
