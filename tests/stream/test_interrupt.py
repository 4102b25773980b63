"""Ctrl-C is heard by the body of the stream first, whichever task of the library it lands in."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import attrs
import pytest
import trio
import trio.testing

import trio_binance_uds as uds
from trio_binance_uds.sandbox import KeySpace, Sandbox, SandboxAccount, open_sandbox

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "50000", "quantity": "0.1"}


@attrs.define
class Heard:
    """What a program heard of Ctrl-C."""

    in_body: list[str] = attrs.Factory(list)
    cancelled: Any = None
    is_key_left: bool = False


def interrupting(monkeypatch: pytest.MonkeyPatch, where: str, turn: int) -> Callable[[], None]:
    """Have a function of the library raise SIGINT in its given turn, from when the result is called on."""
    module, _, name = where.rpartition(":")
    owner_name, _, attribute = name.rpartition(".")
    owner: Any = __import__(module, fromlist=["_"])
    if owner_name:
        owner = getattr(owner, owner_name)
    real = getattr(owner, attribute)
    state = {"armed": False, "left": turn}

    def once(*args: Any, **options: Any) -> Any:
        if state["armed"]:
            state["left"] -= 1
            if state["left"] == 0:
                state["armed"] = False
                signal.raise_signal(signal.SIGINT)
        return real(*args, **options)

    monkeypatch.setattr(owner, attribute, once)
    return lambda: state.update(armed=True)


async def trade(
    sandbox: Sandbox,
    account: SandboxAccount,
    product: uds.Product,
    arm: Callable[[], None],
    heard: Heard,
    **options: Any,
) -> None:
    async with uds.open_user_data_stream(
        account.credentials,
        product,
        environment=sandbox.environment,
        network=sandbox.network,
        delete_listen_key_on_exit=product.name != "spot",
        **options,
    ) as stream:
        order = None
        try:
            if product is uds.SPOT:
                order = await stream.request("order.place", ORDER)
            arm()
            for _ in range(10):
                account.call("order.place" if product is uds.SPOT else "POST /fapi/v1/order", **ORDER)
                await trio.sleep(2)
                sandbox.faults.cut()
                await trio.sleep(5)
        except BaseException as error:
            heard.in_body.append(type(error).__name__)
            raise
        finally:
            with trio.CancelScope(shield=True), trio.move_on_after(60):
                if order is not None:
                    heard.cancelled = await until_connected(stream, order["orderId"])


async def until_connected(stream: uds.UserDataStream, order_id: int) -> Any:
    while True:
        try:
            return await stream.request("order.cancel", {"symbol": "BTCUSDT", "orderId": order_id})
        except uds.NotConnected:
            await trio.sleep(0.5)


def run(product: uds.Product, monkeypatch: pytest.MonkeyPatch, where: str, turn: int, **options: Any) -> Heard:
    heard = Heard()
    arm = interrupting(monkeypatch, where, turn)

    async def main() -> None:
        async with open_sandbox(in_memory=True) as sandbox:
            account = sandbox.add_account(balances={"USDT": "100000"}, usdm={"USDT": "100000"})
            sandbox.desks["usdm"].set_mark_price("BTCUSDT", "60000")
            try:
                with trio.fail_after(600):
                    await trade(sandbox, account, product, arm, heard, **options)
            finally:
                heard.is_key_left = sandbox.listen_keys.of(account.uid, KeySpace.USDM) is not None

    with pytest.raises(KeyboardInterrupt):
        trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    return heard


PLACES = [
    "trio_binance_uds.stream.supervisor:Supervisor._take",
    "trio_binance_uds.stream.supervisor:Supervisor._on_report",
    "trio_binance_uds.stream.delivery:Delivery._deliver",
    "trio_binance_uds.stream.recovery.inquiry:check_answer",
    "trio_binance_uds.link.connection:Connection.end",
    "trio_binance_uds.link.intake:Intake.on_event",
    "trio_binance_uds.stream.recovery.spot.recovery:reconstruct",
]


@pytest.mark.parametrize("turn", [1, 2, 3])
@pytest.mark.parametrize("where", PLACES)
def test_the_body_hears_it_and_can_still_cancel_its_order(
    where: str, turn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = run(uds.SPOT, monkeypatch, where, turn)
    assert heard.in_body == ["KeyboardInterrupt"]
    assert heard.cancelled["status"] == "CANCELED"


@pytest.mark.parametrize(
    "where",
    [
        "trio_binance_uds.link.transport.trio_ws:_Watched.receive_some",
        "trio_binance_uds.link.transport.trio_ws:TrioWebsocketTransport._set_end",
        "trio_binance_uds.stream.supervisor:Supervisor._on_report",
    ],
)
def test_so_it_is_on_the_other_transport(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = run(uds.SPOT, monkeypatch, where, 2, transport="trio-websocket")
    assert heard.in_body == ["KeyboardInterrupt"]
    assert heard.cancelled["status"] == "CANCELED"


@pytest.mark.parametrize("turn", [1, 2])
@pytest.mark.parametrize(
    "where", ["trio_binance_uds.stream.supervisor:Supervisor._take", "trio_binance_uds.link.intake:Intake.on_event"]
)
def test_a_listen_key_is_deleted_where_that_was_asked_for(
    where: str, turn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = run(uds.USDM_FUTURES, monkeypatch, where, turn)
    assert heard.in_body == ["KeyboardInterrupt"]
    assert not heard.is_key_left
