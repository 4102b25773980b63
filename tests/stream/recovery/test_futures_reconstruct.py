"""What is made of the answers: tables of what was told and answered, and of the events and doubts that follow."""

from __future__ import annotations

from decimal import Decimal

import pytest
from futures_answers import (
    COINM_SCOPE,
    SCOPE,
    account,
    algo,
    algo_update,
    amendment,
    answered,
    at,
    balance_row,
    balances,
    baseline_of,
    fill,
    found,
    income,
    knowing,
    leverage_update,
    order,
    order_row,
    position_row,
    positions,
    report,
    story,
    trade,
    trade_lite,
)

from trio_binance_uds.events import (
    AccountConfigUpdate,
    AccountUpdate,
    AlgoUpdate,
    CoinmOrderTradeUpdate,
    OrderTradeUpdate,
    UsdmOrderTradeUpdate,
)
from trio_binance_uds.products import COINM_FUTURES
from trio_binance_uds.stream.recovery.futures.answers import OrderAnswer
from trio_binance_uds.stream.recovery.futures.dialect import inverse_average, linear_average
from trio_binance_uds.stream.recovery.futures.evidence import Evidence
from trio_binance_uds.stream.recovery.futures.knowledge import Knowledge
from trio_binance_uds.stream.recovery.futures.ledger import Ledger
from trio_binance_uds.stream.recovery.futures.reconstruct import Reconstruction
from trio_binance_uds.stream.recovery.futures.scope import Scope

NEW = report("NEW", "NEW", 1000)


def texts(result: Reconstruction) -> list[str]:
    return [doubt.text for doubt in result.doubts]


class TestOrders:
    def test_an_order_placed_and_filled_in_the_gap_is_told_from_its_beginning_with_the_trades_own_figures(self) -> None:
        knowledge = knowing()
        evidence = answered(
            knowledge,
            order(status="FILLED", executedQty="1", avgPrice="102.00000", updated=3000),
            fills=(
                trade(51, 2000, "0.4", price="105", maker=False, realizedPnl="1.5", commission="0.02"),
                trade(52, 3000, "0.6"),
            ),
        )
        result = found(knowledge, evidence)
        assert story(result.events) == [
            "NEW NEW 0/1@100",
            "TRADE PARTIALLY_FILLED 0.4/1@100",
            "TRADE FILLED 1/1@100",
        ]
        assert texts(result) == []
        first, partly, last = result.events
        assert isinstance(first, UsdmOrderTradeUpdate)
        assert isinstance(partly, UsdmOrderTradeUpdate)
        assert isinstance(last, UsdmOrderTradeUpdate)
        assert first.transaction_time == first.event_time == at(1000)
        assert (first.trade_id, first.commission, first.bids_notional) == (0, None, None)
        assert (partly.trade_id, partly.last_filled_price, partly.last_filled_quantity) == (
            51,
            Decimal(105),
            Decimal("0.4"),
        )
        assert (partly.commission, partly.commission_asset, partly.is_maker) == (Decimal("0.02"), "BBB", False)
        assert (partly.realized_profit, partly.average_price) == (Decimal("1.5"), Decimal(105))
        assert partly.fill_key == ("AAABBB", 51)
        assert last.average_price == Decimal(102)
        assert all(event.recovered and event.account == "usdm-futures" for event in result.events)
        assert set(partly.raw) == {"order", "trade"}

    @pytest.mark.parametrize(
        ("told", "answer", "fills", "amendments", "expected"),
        [
            pytest.param(
                [NEW],
                order(status="CANCELED", updated=2000),
                (),
                (),
                ["CANCELED CANCELED 0/1@100"],
                id="canceled",
            ),
            pytest.param(
                [NEW],
                order(status="EXPIRED_IN_MATCH", updated=2000),
                (),
                (),
                ["EXPIRED EXPIRED_IN_MATCH 0/1@100"],
                id="expired in match",
            ),
            pytest.param(
                [NEW, fill(51, 1500, "0.4", "0.4")],
                order(status="PARTIALLY_FILLED", executedQty="0.7", updated=2000),
                (trade(51, 1500, "0.4"), trade(52, 2000, "0.3")),
                (),
                ["TRADE PARTIALLY_FILLED 0.7/1@100"],
                id="only what was not told",
            ),
            pytest.param(
                [NEW, fill(51, 1500, "0.4", "0.4")],
                order(status="PARTIALLY_FILLED", executedQty="0.7", updated=1500),
                (trade(51, 1500, "0.4"), trade(52, 1500, "0.3")),
                (),
                ["TRADE PARTIALLY_FILLED 0.7/1@100"],
                id="two fills in one millisecond, one of them told",
            ),
            pytest.param(
                [NEW],
                order(origQty="3", price="98", updated=3000, executedQty="0.5", status="PARTIALLY_FILLED"),
                (trade(51, 3000, "0.5"),),
                (amendment(1, 2000, ("1", "2"), ("100", "99")), amendment(2, 3000, ("2", "3"), ("99", "98"))),
                ["AMENDMENT NEW 0/2@99", "AMENDMENT NEW 0/3@98", "TRADE PARTIALLY_FILLED 0.5/3@98"],
                id="modified twice, filled by the second in the same millisecond",
            ),
            pytest.param(
                [NEW, report("AMENDMENT", "NEW", 2000, q="2")],
                order(origQty="3", updated=2500),
                (),
                (amendment(1, 2000, ("1", "2")), amendment(2, 2500, ("2", "3"))),
                ["AMENDMENT NEW 0/3@100"],
                id="the modification that was told is not told again",
            ),
            pytest.param(
                [],
                order(origQty="2", updated=2000),
                (),
                (amendment(1, 2000, ("1", "2")),),
                ["NEW NEW 0/1@100", "AMENDMENT NEW 0/2@100"],
                id="placed and modified in the gap",
            ),
            pytest.param(
                [],
                order(
                    clientOrderId="settlement_autoclose-5",
                    status="FILLED",
                    executedQty="1",
                    avgPrice="100",
                    updated=2000,
                ),
                (trade(51, 2000, "1"),),
                (),
                ["TRADE FILLED 1/1@100"],
                id="a settlement has no beginning",
            ),
            pytest.param([], order(status="REJECTED", updated=1000), (), (), [], id="no stream tells a refusal"),
            pytest.param(
                [NEW],
                order(executedQty="0.2", status="PARTIALLY_FILLED", updated=2000),
                (trade(51, 2000, "0.2"), trade(52, 2500, "0.8")),
                (),
                ["TRADE PARTIALLY_FILLED 0.2/1@100"],
                id="a fill that is newer than the answer of its order is left to the stream",
            ),
        ],
    )
    def test_what_follows_what_was_told(
        self,
        told: list[object],
        answer: OrderAnswer,
        fills: tuple[object],
        amendments: tuple[object],
        expected: list[str],
    ) -> None:
        knowledge = knowing(*told)  # type: ignore[arg-type]
        evidence = answered(knowledge, answer, fills=fills, amendments=amendments)  # type: ignore[arg-type]
        result = found(knowledge, evidence)
        assert story(result.events) == expected
        assert texts(result) == []

    @pytest.mark.parametrize(("is_maker", "is_said"), [(True, True), (False, False)])
    def test_what_came_first_is_said_to_be_unknown_where_a_maker_was_modified_and_filled(
        self, is_maker: bool, is_said: bool
    ) -> None:
        knowledge = knowing(NEW)
        answer = order(origQty="2", updated=2000, executedQty="0.5", status="PARTIALLY_FILLED")
        fills, changes = (trade(51, 2000, "0.5", maker=is_maker),), (amendment(1, 2000, ("1", "2")),)
        result = found(knowledge, answered(knowledge, answer, fills=fills, amendments=changes))
        assert story(result.events) == ["AMENDMENT NEW 0/2@100", "TRADE PARTIALLY_FILLED 0.5/2@100"]
        assert texts(result) == []
        assert [remark.startswith("what came first to order 1 of AAABBB at 20") for remark in result.remarks] == (
            [True] if is_said else []
        )

    def test_a_trade_lite_that_was_told_does_not_stand_for_the_order_report(self) -> None:
        knowledge = knowing(NEW, trade_lite(51, 2000))
        answer = order(status="PARTIALLY_FILLED", executedQty="0.4", updated=2000)
        result = found(knowledge, answered(knowledge, answer, fills=(trade(51, 2000, "0.4"),)))
        assert story(result.events) == ["TRADE PARTIALLY_FILLED 0.4/1@100"]

    def test_what_was_told_as_ended_stays_ended_whatever_is_answered_later(self) -> None:
        knowledge = knowing(NEW, report("CANCELED", "CANCELED", 2000))
        result = found(knowledge, answered(knowledge, order(), still_open=(order(),)))
        assert story(result.events) == []
        assert "order 1 of AAABBB has ended, but is listed as open" in texts(result)

    def test_an_answer_that_is_older_than_what_was_told_counts_for_nothing(self) -> None:
        knowledge = knowing(NEW, fill(51, 1500, "0.4", "0.4"))
        result = found(knowledge, answered(knowledge, order()))
        assert story(result.events) == []
        assert texts(result) == ["the history of AAABBB is behind"]

    def test_what_ended_before_the_stream_began_is_none_of_its_business(self) -> None:
        knowledge = knowing()
        evidence = answered(
            knowledge,
            order(created=-900, status="FILLED", executedQty="1", updated=-500),
            fills=(trade(51, -500, "1"),),
        )
        assert found(knowledge, evidence).events == ()

    def test_of_an_order_that_nobody_spoke_of_only_what_happened_since_is_told(self) -> None:
        knowledge = knowing()
        answer = order(created=-900, status="FILLED", executedQty="1", updated=2000, origQty="1", avgPrice="100")
        fills = (trade(50, -500, "0.6"), trade(51, 2000, "0.4"))
        changes = (amendment(1, -600, ("3", "2")), amendment(2, 1000, ("2", "1")))
        result = found(knowledge, answered(knowledge, answer, fills=fills, amendments=changes))
        assert story(result.events) == ["AMENDMENT PARTIALLY_FILLED 0.6/1@100", "TRADE FILLED 1/1@100"]
        assert texts(result) == []

    @pytest.mark.parametrize(
        ("answer", "fills", "doubt"),
        [
            (
                order(status="FILLED", executedQty="1", updated=2000),
                (trade(51, 1500, "0.4"),),
                "order 1 of AAABBB is filled by 0.6 more than its trades say",
            ),
            (
                order(status="PARTIALLY_FILLED", executedQty="0.4", updated=2000),
                (trade(51, 1500, "0.4"), trade(52, 2000, "0.1")),
                "order 1 of AAABBB is filled by 0.1 less than its trades say",
            ),
            (order(price="99", updated=2000), (), "order 1 of AAABBB was modified in a way that is not listed"),
        ],
    )
    def test_what_does_not_add_up_is_a_doubt(self, answer: OrderAnswer, fills: tuple[object], doubt: str) -> None:
        knowledge = knowing(NEW)
        assert texts(found(knowledge, answered(knowledge, answer, fills=fills))) == [doubt]  # type: ignore[arg-type]

    def test_modifications_that_do_not_follow_from_each_other_are_a_doubt(self) -> None:
        knowledge = knowing(NEW)
        changes = (amendment(2, 2000, ("5", "3")),)
        result = found(knowledge, answered(knowledge, order(origQty="3", updated=2000), amendments=changes))
        assert texts(result) == ["order 1 of AAABBB was modified in a way that is not listed"]

    def test_a_modification_that_came_after_the_order_was_answered_is_left_to_the_stream(self) -> None:
        knowledge = knowing(NEW)
        changes = (amendment(1, 2500, ("1", "2")),)
        result = found(knowledge, answered(knowledge, order(), amendments=changes))
        assert story(result.events) == []
        assert texts(result) == []

    def test_a_modification_in_the_millisecond_of_what_was_told_is_left_as_it_was_told(self) -> None:
        knowledge = knowing(report("NEW", "NEW", 1000, q="2"))
        assert found(knowledge, answered(knowledge, order(updated=1000))).events == ()

    def test_fills_lost_in_an_earlier_gap_do_not_spoil_the_figures_of_those_that_are_there(self) -> None:
        knowledge = knowing(NEW, fill(55, 1500, "0.1", "0.1"))
        answer = order(status="FILLED", executedQty="1", updated=3000, avgPrice="100")
        result = found(knowledge, answered(knowledge, answer, fills=(trade(60, 3000, "0.2"),)))
        assert story(result.events) == ["TRADE FILLED 1/1@100"]
        assert texts(result) == ["order 1 of AAABBB is filled by 0.7 more than its trades say"]

    def test_an_order_that_was_open_must_have_a_fate(self) -> None:
        knowledge = knowing(NEW)
        evidence = answered(knowledge)
        knowledge.placed = type(knowledge.placed)()
        text = "order 1 of AAABBB is neither among the open orders nor known to have ended"
        assert texts(found(knowledge, evidence)) == [text]
        evidence.not_found.add(("AAABBB", 1))
        assert texts(found(knowledge, evidence)) == ["order 1 of AAABBB cannot be found any more"]

    def test_a_trade_of_an_order_that_nobody_knows_is_a_doubt(self) -> None:
        knowledge = knowing()
        result = found(knowledge, answered(knowledge, fills=(trade(51, 2000, "1", order_id=9),)))
        assert texts(result) == ["order 9 of AAABBB has traded, but cannot be found"]

    def test_a_history_that_lacks_what_was_told_of_late_is_behind(self) -> None:
        knowledge = knowing(NEW, fill(51, 1500, "1", "1"))
        assert texts(found(knowledge, answered(knowledge, incomes=()))) == ["the history of AAABBB is behind"]
        ended = order(status="PARTIALLY_FILLED", executedQty="0.5", updated=1400)
        evidence = answered(knowledge, ended, still_open=())
        assert texts(found(knowledge, evidence)) == ["the history of AAABBB is behind"]

    def test_a_commission_that_is_not_listed_shows_that_the_income_is_behind(self) -> None:
        knowledge = knowing(NEW, fill(51, 1500, "1", "1"))
        full = order(status="FILLED", executedQty="1", updated=1500)
        listed = income("COMMISSION", "-0.01", 1500, tradeId="51")
        assert texts(found(knowledge, answered(knowledge, full, incomes=(listed,)))) == []
        assert texts(found(knowledge, answered(knowledge, full, incomes=()))) == ["the history of AAABBB is behind"]

    def test_what_was_told_long_ago_need_not_be_listed(self) -> None:
        knowledge = knowing(NEW, fill(51, 1500, "1", "1"))
        evidence = Evidence(knowledge, at(5000), at(9000))
        evidence.add_open_orders([])
        evidence.add_history(None, [])
        evidence.add_incomes([])
        assert evidence.lagging_symbols() == []

    def test_the_income_gives_trades_away_that_are_not_listed(self) -> None:
        knowledge = knowing()
        paid = income("COMMISSION", "-0.01", 2000, tradeId="77", symbol="CCCBBB")
        result = found(knowledge, answered(knowledge, incomes=(paid,)))
        assert texts(result) == ["the income tells of trades of CCCBBB that are not listed"]

    def test_coinm_reports_name_the_account_and_the_margin_and_weigh_prices_by_contracts(self) -> None:
        knowledge = Knowledge()
        knowledge.begin(at(0))
        knowledge.account_alias = "xYz1"
        row = {"symbol": "BTCUSD_PERP", "origQty": "4", "executedQty": "3", "avgPrice": "125", "updated": 3000}
        evidence = Evidence(knowledge, at(0), at(60_000))
        evidence.add_history("BTCUSD_PERP", [order(status="PARTIALLY_FILLED", **row)])
        same = {"symbol": "BTCUSD_PERP", "marginAsset": "BTC"}
        evidence.add_fills([trade(1, 2000, "1", price="100", **same), trade(2, 2500, "1", price="200", **same)])
        evidence.add_fills([trade(3, 3000, "1", price="120", **same)])
        reports = found(knowledge, evidence, COINM_SCOPE).events
        assert all(isinstance(one, CoinmOrderTradeUpdate) for one in reports)
        second = reports[2]
        assert isinstance(second, CoinmOrderTradeUpdate)
        assert (second.account_alias, second.margin_asset, second.ask_quantity) == ("xYz1", "BTC", None)
        assert second.average_price == Decimal("133.33333333")
        assert linear_average([(Decimal(1), Decimal(100)), (Decimal(1), Decimal(200))]) == 150
        assert round(inverse_average([(Decimal(1), Decimal(100)), (Decimal(1), Decimal(200))]), 2) == Decimal("133.33")

    @pytest.mark.parametrize("scope", [COINM_SCOPE, SCOPE], ids=["coinm", "usdm"])
    def test_of_a_fill_at_a_price_of_0_nobody_knows_the_average(self, scope: Scope) -> None:
        knowledge = Knowledge()
        knowledge.begin(at(0))
        row = {"symbol": "BTCUSD_PERP", "origQty": "4", "executedQty": "3", "avgPrice": "125", "updated": 3000}
        evidence = Evidence(knowledge, at(0), at(60_000))
        evidence.add_history("BTCUSD_PERP", [order(status="PARTIALLY_FILLED", **row)])
        same = {"symbol": "BTCUSD_PERP", "marginAsset": "BTC"}
        evidence.add_fills([trade(1, 2000, "1", price="0", **same), trade(2, 3000, "2", price="200", **same)])
        fills = [one for one in found(knowledge, evidence, scope).events if isinstance(one, OrderTradeUpdate)][1:]
        assert [one.average_price for one in fills] == [0, 125]

    def test_what_an_answer_lacks_stands_as_it_was_told(self) -> None:
        knowledge = knowing(NEW)
        raw = order_row(status="CANCELED", updated=2000)
        del raw["selfTradePreventionMode"], raw["priceMatch"]
        (one,) = found(knowledge, answered(knowledge, OrderAnswer.read(raw))).events
        assert isinstance(one, OrderTradeUpdate)
        assert (one.self_trade_prevention_mode, one.price_match_mode) == ("EXPIRE_MAKER", "NONE")

    def test_what_neither_tells_is_none(self) -> None:
        raw = order_row()
        del raw["selfTradePreventionMode"], raw["stopPrice"]
        knowledge = knowing()
        (one,) = found(knowledge, answered(knowledge, OrderAnswer.read(raw))).events
        assert isinstance(one, OrderTradeUpdate)
        assert (one.self_trade_prevention_mode, one.stop_price) == (None, 0)


class TestConditionalOrders:
    def story(self, result: Reconstruction) -> list[tuple[str, int | None]]:
        return [(str(one.algo_status), one.order_id) for one in result.events if isinstance(one, AlgoUpdate)]

    def test_one_that_was_placed_triggered_and_finished_in_the_gap_is_told_around_its_order(self) -> None:
        knowledge = knowing()
        real = order(9, type="MARKET", created=2000, status="FILLED", executedQty="1", avgPrice="90.5", updated=2000)
        stop = algo(algoStatus="FINISHED", actualOrderId="9", triggered=2000, updated=2001)
        evidence = answered(knowledge, real, fills=(trade(51, 2000, "1", order_id=9),), algos=(stop,))
        result = found(knowledge, evidence)
        assert self.story(result) == [("NEW", None), ("TRIGGERED", 9), ("FINISHED", 9)]
        assert [type(one) for one in result.events] == [
            AlgoUpdate,
            UsdmOrderTradeUpdate,
            UsdmOrderTradeUpdate,
            AlgoUpdate,
            AlgoUpdate,
        ]
        last = result.events[-1]
        assert isinstance(last, AlgoUpdate)
        assert (last.average_price, last.executed_quantity) == (Decimal("90.5"), Decimal(1))
        assert (last.actual_order_type, last.trigger_time, last.failed_reason) == ("MARKET", at(2000), None)
        assert texts(result) == []

    @pytest.mark.parametrize(
        ("told", "changes", "expected"),
        [
            ([], {"algoStatus": "CANCELED", "updated": 2000}, [("NEW", None), ("CANCELED", None)]),
            (["NEW"], {"algoStatus": "CANCELED", "updated": 2000}, [("CANCELED", None)]),
            (["NEW"], {"algoStatus": "REJECTED", "updated": 2000, "triggered": 2000}, [("REJECTED", None)]),
            (["NEW"], {"algoStatus": "TRIGGERED", "updated": 2000, "actualOrderId": "9"}, [("TRIGGERED", 9)]),
            (["NEW", "TRIGGERED"], {"algoStatus": "TRIGGERED", "updated": 2000, "actualOrderId": "9"}, []),
            (["NEW", "CANCELED"], {"algoStatus": "CANCELED", "updated": 2000}, []),
            ([], {"created": -500, "algoStatus": "EXPIRED", "updated": 2000}, [("EXPIRED", None)]),
            ([], {"created": -500, "algoStatus": "EXPIRED", "updated": -100}, []),
        ],
    )
    def test_only_rungs_that_were_not_told_are_told(
        self, told: list[str], changes: dict[str, object], expected: list[object]
    ) -> None:
        knowledge = knowing(*[algo_update(status, 1000) for status in told])
        assert self.story(found(knowledge, answered(knowledge, algos=(algo(**changes),)))) == expected

    def test_one_that_was_open_must_have_a_fate(self) -> None:
        knowledge = knowing(algo_update("NEW", 1000))
        evidence = answered(knowledge)
        assert texts(found(knowledge, evidence)) == ["conditional order 7 was not told about"]
        evidence.conditionals_not_found.add(7)
        assert texts(found(knowledge, evidence)) == ["conditional order 7 cannot be found any more"]
        evidence.add_conditional(algo())
        assert texts(found(knowledge, evidence)) == []

    def test_where_they_cannot_be_asked_about_that_matters_once_there_were_some(self) -> None:
        knowledge = knowing()
        knowledge.lacks_conditional_routes = True
        assert texts(found(knowledge, answered(knowledge))) == []
        knowledge.observe(algo_update("NEW", 1000))
        knowledge.observe(algo_update("CANCELED", 1100))
        assert texts(found(knowledge, answered(knowledge))) == ["the venue cannot be asked about conditional orders"]


def account_after(
    knowledge: Knowledge,
    wallet: dict[str, object] | None = None,
    held: dict[str, object] | None = None,
    *fills: object,
    incomes: tuple[object, ...] = (),
) -> Evidence:
    executed = str(len(fills))
    history = [order(status="PARTIALLY_FILLED", origQty="9", executedQty=executed, updated=5000)] if fills else []
    evidence = answered(knowledge, *history, fills=fills, incomes=incomes)  # type: ignore[arg-type]
    evidence.balances = balances(wallet or balance_row("1000", -5))
    evidence.positions = positions(held or position_row("0", None))
    return evidence


class TestBalancesAndPositions:
    def updates(self, result: Reconstruction) -> list[AccountUpdate]:
        return [one for one in result.events if isinstance(one, AccountUpdate)]

    def test_what_has_not_changed_is_not_told(self) -> None:
        knowledge = knowing()
        result = found(knowledge, account_after(knowledge))
        assert self.updates(result) == []
        assert texts(result) == []

    def test_a_trade_explains_the_position_and_the_wallet(self) -> None:
        knowledge = knowing()
        sold = trade(51, 5000, "1", realizedPnl="2", commission="0.5")
        evidence = account_after(knowledge, balance_row("1001.5", 5000), position_row("-1", 5000), sold)
        result = found(knowledge, evidence)
        assert texts(result) == []
        wallet, held = self.updates(result)
        assert wallet.event_reason_type == held.event_reason_type == "RECOVERED"
        assert wallet.transaction_time == held.transaction_time == at(5000)
        assert wallet.account_alias is None
        (balance,) = wallet.balances
        assert (balance.asset, balance.wallet_balance, balance.balance_change) == ("BBB", Decimal("1001.5"), 0)
        (position,) = held.positions
        assert (position.position_amount, position.entry_price) == (-1, 100)
        assert (position.breakeven_price, position.accumulated_realized) == (Decimal("100.02"), None)
        assert (position.margin_type, position.margin_asset) == (None, "BBB")

    def test_funding_and_transfers_of_the_income_explain_the_wallet_and_are_its_change(self) -> None:
        knowledge = knowing()
        incomes = (income("FUNDING_FEE", "-0.25", 100_000, 1), income("TRANSFER", "50", 200_000, 2, symbol=""))
        result = found(knowledge, account_after(knowledge, balance_row("1049.75", 300_000), incomes=incomes))
        assert texts(result) == []
        ((balance,),) = [one.balances for one in self.updates(result)]
        assert balance.balance_change == Decimal("49.75")

    def test_an_income_of_the_last_minute_may_be_in_the_wallet_or_not(self) -> None:
        for wallet in ("1000", "999.75"):
            knowledge = knowing()
            incomes = (income("FUNDING_FEE", "-0.25", 100_000),)
            result = found(knowledge, account_after(knowledge, balance_row(wallet, 120_000), incomes=incomes))
            assert texts(result) == []

    def test_an_income_that_was_told_with_the_wallet_is_not_counted_again(self) -> None:
        knowledge = knowing(account(100_300, wallet="999.75", reason="FUNDING_FEE", change="-0.25"))
        incomes = (income("FUNDING_FEE", "-0.25", 100_000),)
        result = found(knowledge, account_after(knowledge, balance_row("999.75", 100_300), incomes=incomes))
        assert texts(result) == []
        assert self.updates(result) == []

    def test_fills_that_were_told_without_their_account_update_explain_too(self) -> None:
        knowledge = knowing(NEW, fill(51, 2000, "0.4", "0.4", n="0.5", rp="3"))
        evidence = account_after(knowledge, balance_row("1002.5", 2000), position_row("-0.4", 2000))
        evidence.add_history(None, [order(status="PARTIALLY_FILLED", executedQty="0.4", updated=2000)])
        evidence.add_open_orders([order(status="PARTIALLY_FILLED", executedQty="0.4", updated=2000)])
        evidence.add_incomes([income("COMMISSION", "-0.5", 2000, tradeId="51")])
        result = found(knowledge, evidence)
        assert texts(result) == []
        assert len(self.updates(result)) == 2

    @pytest.mark.parametrize(
        ("wallet", "held", "doubts"),
        [
            (
                balance_row("1010", 5000),
                None,
                ["the wallet has changed by +10 BBB, which fills and income do not explain"],
            ),
            (
                None,
                position_row("2", 5000),
                ["the BOTH position of AAABBB has changed by +2, which no known fills explain"],
            ),
        ],
    )
    def test_what_nothing_explains_is_told_and_is_a_doubt(
        self, wallet: dict[str, object], held: dict[str, object], doubts: list[str]
    ) -> None:
        knowledge = knowing()
        result = found(knowledge, account_after(knowledge, wallet, held))
        assert texts(result) == doubts
        assert len(self.updates(result)) == 1

    def test_an_answer_that_is_older_than_what_was_told_is_not_told(self) -> None:
        knowledge = knowing(account(5000, wallet="1200", amount="3"))
        evidence = account_after(knowledge, balance_row("1000", 4000), position_row("0", 4000))
        result = found(knowledge, evidence)
        assert self.updates(result) == []
        assert "what is answered of BBB, AAABBB is older than what was told" in texts(result)
        assert any(doubt.is_stale for doubt in result.doubts)

    def test_a_position_that_is_not_listed_any_more_was_closed_by_its_last_fill(self) -> None:
        knowledge = knowing(account(2000, wallet="1000", amount="3"))
        sold = [trade(51, 3000, "1"), trade(52, 4000, "2")]
        evidence = account_after(knowledge, balance_row("999.98", 4000), None, *sold)
        evidence.orders[("AAABBB", 1)] = order(status="PARTIALLY_FILLED", origQty="9", executedQty="3", updated=4000)
        evidence.positions = {}
        result = found(knowledge, evidence)
        assert texts(result) == []
        _, gone = self.updates(result)
        assert gone.transaction_time == at(4000)
        assert [(one.position_amount, one.entry_price) for one in gone.positions] == [(0, 0)]

    def test_a_position_that_is_gone_for_no_known_reason_is_a_doubt(self) -> None:
        knowledge = knowing(account(2000, wallet="1000", amount="3"))
        evidence = account_after(knowledge, balance_row("1000", 2000))
        evidence.positions = {}
        result = found(knowledge, evidence)
        assert texts(result) == ["the BOTH position of AAABBB has changed by -3, which no known fills explain"]
        assert self.updates(result)[0].transaction_time == at(2000)

    def test_in_the_millisecond_of_the_answer_some_fills_may_be_in_and_some_not(self) -> None:
        knowledge = knowing()
        sold = [trade(number, 5000, "1", commission="0") for number in (51, 52, 53)]
        evidence = account_after(knowledge, balance_row("1000", -5), position_row("-2", 5000), *sold)
        assert texts(found(knowledge, evidence)) == []

    def test_what_a_profit_is_in_must_be_known_for_the_wallet_to_prove_anything(self) -> None:
        knowledge = knowing()
        knowledge.margin_assets.clear()
        gain = trade(51, 5000, "1", realizedPnl="2", commission="0", commissionAsset="CCC")
        held = position_row("-1", 5000)
        del held["marginAsset"]
        evidence = account_after(knowledge, balance_row("1002", 5000), held, gain)
        result = found(knowledge, evidence)
        assert texts(result) == ["what AAABBB is margined in is not known, so the balances prove nothing"]
        evidence.add_incomes([income("REALIZED_PNL", "2", 5000, tradeId="51")])
        assert texts(found(knowledge, evidence)) == []

    def test_what_the_profit_of_the_last_fill_was_in_need_not_be_known_while_nothing_has_changed(self) -> None:
        gain = report("TRADE", "FILLED", 2000, t=50, l="1", L="100", z="1", rp="2")
        knowledge = knowing(gain, account(2000, wallet="1002", amount="0"))
        knowledge.margin_assets.clear()
        evidence = account_after(knowledge, balance_row("1002", 2000))
        del evidence.positions[("AAABBB", "BOTH")]
        assert texts(found(knowledge, evidence)) == []
        evidence.balances = balances(balance_row("1003", 5000))
        assert texts(found(knowledge, evidence)) == [
            "the wallet has changed by +1 BBB, which fills and income do not explain"
        ]

    def test_too_many_possibilities_prove_nothing(self) -> None:
        knowledge = knowing()
        kinds = [income(f"KIND_{n}", str(2**n), 1000, n) for n in range(13)]
        result = found(knowledge, account_after(knowledge, balance_row("1001", 1000), incomes=tuple(kinds)))
        assert texts(result) == ["the wallet has changed by +1 BBB, which fills and income do not explain"]

    def test_without_a_baseline_what_was_never_told_is_told_without_a_change(self) -> None:
        knowledge = Knowledge()
        knowledge.begin(at(0))
        evidence = account_after(knowledge, balance_row("5", 5000), position_row("2", 5000, marginType="isolated"))
        evidence.balances = {**balances(balance_row("0", None, asset="CCC")), **(evidence.balances or {})}
        result = found(knowledge, evidence)
        wallet, held = self.updates(result)
        assert [(one.asset, one.balance_change) for one in wallet.balances] == [("BBB", None)]
        assert held.positions[0].margin_type == "isolated"
        assert texts(result) == []

    def test_a_new_row_is_compared_with_nothing_once_there_is_a_baseline(self) -> None:
        knowledge = knowing()
        evidence = account_after(knowledge)
        evidence.balances = balances(balance_row("1000", -5), balance_row("7", 5000, asset="CCC"))
        assert texts(found(knowledge, evidence)) == [
            "the wallet has changed by +7 CCC, which fills and income do not explain"
        ]

    def test_a_change_that_may_have_had_two_reasons_is_told_without_either(self) -> None:
        knowledge = knowing()
        gain = trade(51, 5000, "1", realizedPnl="5", commission="0")
        incomes = (income("TRANSFER", "5", 5000),)
        evidence = account_after(knowledge, balance_row("1005", 5000), position_row("-1", 5000), gain, incomes=incomes)
        wallet, _ = self.updates(found(knowledge, evidence))
        assert wallet.balances[0].balance_change is None

    def test_coinm_updates_name_the_account(self) -> None:
        knowledge = knowing(account(100, wallet="1000", product=COINM_FUTURES, i="aLiA"))
        evidence = account_after(knowledge, balance_row("1010", 5000))
        updates = self.updates(found(knowledge, evidence, COINM_SCOPE))
        assert [one.account_alias for one in updates] == ["aLiA"]


class TestSettings:
    def test_what_was_set_in_the_gap_is_told_as_of_when_it_was_found(self) -> None:
        knowledge = knowing(leverage_update(5, 1000, "CCCBBB"))
        evidence = answered(knowledge)
        evidence.leverages = {"AAABBB": 10, "CCCBBB": 5, "NEWBBB": 3}
        evidence.is_multi_assets_mode = True
        events = found(knowledge, evidence).events
        assert all(isinstance(one, AccountConfigUpdate) and one.transaction_time == at(60_000) for one in events)
        assert [(one.symbol, one.leverage, one.is_multi_assets_mode) for one in events] == [  # type: ignore[attr-defined]
            ("AAABBB", 10, None),
            (None, None, True),
        ]
        for one in events:
            knowledge.observe(one)
        assert found(knowledge, evidence).events == ()

    def test_what_was_never_known_is_no_change(self) -> None:
        knowledge = Knowledge()
        knowledge.begin(at(0))
        evidence = answered(knowledge)
        evidence.is_multi_assets_mode = True
        assert found(knowledge, evidence).events == ()


class TestScope:
    def test_only_types_that_the_stream_was_asked_for_are_recovered(self) -> None:
        knowledge = knowing(account(100, wallet="1000", amount="0"))
        evidence = account_after(knowledge, balance_row("1010", 5000), position_row("-1", 5000), trade(51, 5000, "1"))
        evidence.leverages = {"AAABBB": 3}
        evidence.add_conditionals([algo()])
        kinds = {
            "ORDER_TRADE_UPDATE": {UsdmOrderTradeUpdate},
            "ACCOUNT_UPDATE": {AccountUpdate},
            "ALGO_UPDATE": {AlgoUpdate},
            "ACCOUNT_CONFIG_UPDATE": {AccountConfigUpdate},
        }
        for event_type, expected in kinds.items():
            scope = Scope(dialect=SCOPE.dialect, account="x", types=frozenset({event_type, "listenKeyExpired"}))
            result = found(knowledge, evidence, scope)
            assert {type(one) for one in result.events} == expected
            assert scope.lacking() == []
            assert event_type == "ORDER_TRADE_UPDATE" or texts(result) == []

    def test_fills_that_are_wanted_in_short_only_are_not_recovered_and_that_is_said(self) -> None:
        scope = Scope(dialect=SCOPE.dialect, account="x", types=frozenset({"TRADE_LITE"}))
        assert scope.lacking() == [
            "fills are recovered as ORDER_TRADE_UPDATE only, which this stream was not asked for"
        ]


def test_the_baseline_tells_nothing_and_never_replaces_what_the_stream_told() -> None:
    knowledge = Knowledge()
    knowledge.begin(at(0))
    knowledge.observe(account(10, wallet="1234", amount="2"))
    knowledge.observe(report("NEW", "NEW", 5, order_id=3))
    open_before = order(created=-900)
    changing = order(2, created=-900, updated=4)
    stops = (algo(7, created=-50), algo(8, created=-50, updated=4))
    knowledge.take_baseline(baseline_of(open_before, changing, order(3, created=5), conditionals=stops), at(0), at(20))
    assert knowledge.orders.keys() == {("AAABBB", 1), ("AAABBB", 3)}
    assert list(knowledge.untold_at_start) == [("AAABBB", 2)]
    assert knowledge.conditionals.keys() == {7}
    assert knowledge.untold_conditionals_at_start == {8: "AAABBB"}
    assert knowledge.balances["BBB"].state.wallet == 1234
    assert knowledge.positions["AAABBB", "BOTH"].state.amount == 2
    assert knowledge.leverages == {"AAABBB": 20}
    knowledge.observe(report("CANCELED", "CANCELED", 30, order_id=2))
    knowledge.observe(algo_update("CANCELED", 30, number=8))
    assert not knowledge.untold_at_start
    assert not knowledge.untold_conditionals_at_start


def test_a_ledger_without_answers_finds_nothing() -> None:
    knowledge = knowing(account(100, wallet="1000", amount="3"))
    ledger = Ledger(knowledge, answered(knowledge))
    assert (ledger.changed_balances(), ledger.changed_positions(), ledger.unexplained_balances()) == ([], [], {})
