"""Values and errors can be copied, and pickled for another process; what is secret stays where it is."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import attrs
import pytest
import trio
import trio.testing

import trio_binance_uds as uds
from support.products import SAMPLED
from trio_binance_uds.errors import UserDataStreamError
from trio_binance_uds.sandbox import open_sandbox

AT = datetime(2026, 5, 6, 7, 8, 9, 123456, UTC)

WAYS: list[Callable[[Any], Any]] = [
    copy.copy,
    copy.deepcopy,
    *[
        lambda value, protocol=protocol: pickle.loads(pickle.dumps(value, protocol))
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
    ],
]
every_way = pytest.mark.parametrize(
    "travelled", WAYS, ids=["copy", "deepcopy", *[f"pickle{n}" for n in range(2, pickle.HIGHEST_PROTOCOL + 1)]]
)

REQUEST: dict[str, Any] = {"method": "order.place"}
GONE: dict[str, Any] = {**REQUEST, "status": 410, "code": -2010, "msg": "no"}
REFUSED: dict[str, Any] = {**GONE, "data": {"serverTime": 1}}
ERRORS: dict[type[UserDataStreamError], UserDataStreamError] = {
    type(error): error
    for error in (
        uds.UserDataStreamError("of all"),
        uds.CredentialsError("a key"),
        uds.NotOffered("a host"),
        uds.ConnectFailed("no way"),
        uds.HandshakeRejected("refused", status=503, retry_after=2.5, code=-1),
        uds.StreamFailed("over"),
        uds.RequestError("nothing", **REQUEST),
        uds.NotConnected("not sent", **REQUEST),
        uds.OutcomeUnknown("sent", **REQUEST, client_order_id="mine", status=500, code=-1006),
        uds.ApiError(**REFUSED),
        uds.RateLimited(**REFUSED),
        uds.AuthenticationFailed(**REFUSED),
        uds.ClockSkew(**REFUSED),
        uds.Retired(**GONE, what="listen keys", since=date(2026, 2, 20), replaced_by="tokens"),
    )
}


def _kinds(kind: type[UserDataStreamError]) -> Iterator[type[UserDataStreamError]]:
    yield kind
    for inherited in kind.__subclasses__():
        yield from _kinds(inherited)


def test_the_samples_are_of_every_public_error() -> None:
    public = {value for name in uds.__all__ if isinstance(value := getattr(uds, name), type)}
    assert {kind for kind in public if issubclass(kind, BaseException)} <= ERRORS.keys()
    assert set(_kinds(UserDataStreamError)) <= ERRORS.keys()


@every_way
@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_an_error_travels_with_all_that_it_says(kind: type[UserDataStreamError], travelled: Any) -> None:
    error = ERRORS[kind]
    other = travelled(error)
    assert type(other) is kind
    assert str(other) == str(error)
    assert other.args == error.args
    assert other.__dict__ == error.__dict__


@every_way
def test_the_reason_of_a_failed_stream_travels_with_it_and_a_foreign_one_does_not_keep_it_here(travelled: Any) -> None:
    failed = uds.StreamFailed("over")
    failed.__cause__ = uds.AuthenticationFailed(**REFUSED)
    failed.__cause__.__cause__ = KeyError(lambda: "cannot be pickled")
    failed.add_note("seen by the bot")
    other = travelled(failed)
    assert isinstance(other.__cause__, uds.AuthenticationFailed)
    assert other.__cause__.code == -2010
    assert other.__cause__.__cause__ is None or travelled is copy.copy, "a copy shares the cause itself"
    assert other.__notes__ == ["seen by the bot"]


def _events() -> Iterator[tuple[uds.Event, uds.Event]]:
    """Yield each event twice: once its raw has not been read yet, and once it has."""
    for sampled in SAMPLED:
        for payload in sampled.payloads.values():
            for changed in (payload, {**payload, "e": "new"}, {**payload, "E": "not a time", "s": []}):
                twice = [uds.decode_frame(json.dumps(changed), sampled.product) for _ in range(2)]
                assert isinstance(twice[0], uds.Event)
                assert isinstance(twice[1], uds.Event)
                yield twice[0], twice[1]


@every_way
def test_every_event_travels_whether_or_not_its_raw_was_read(travelled: Any) -> None:
    kinds = set()
    for event, same in _events():
        other = travelled(event)
        kinds.add(type(other))
        assert other == event == same
        assert hash(other) == hash(same)
        assert (other.raw, other.account, other.stream) == (same.raw, same.account, same.stream)
        assert travelled(same).raw == same.raw
        assert attrs.evolve(other, stream="alice").stream == "alice"
    assert len(kinds) > 30


NOTICES = [
    uds.Disconnected(at=AT, cause=uds.DisconnectCause.CONNECTION_LOST, stream="alice"),
    uds.LeaseAtRisk(at=AT, expires_at=AT, account="spot", detail="why"),
    uds.Gap(cause=uds.GapCause.LINK_LOST, since=AT, until=AT, stream="alice"),
]
VALUES: list[Any] = [
    *NOTICES,
    *[uds.PRODUCTION, uds.TESTNET, uds.DEMO, uds.PRODUCTION.override(spot_rest="https://example.test")],
    *[uds.Recovery(symbols=("BTCUSDT",)), uds.Timeouts(), uds.Backoff(), uds.Rollover(), uds.Network()],
    uds.LinkRecord(number=1, up_since=AT),
    uds.ApiFailure(code=-1, msg="no", data={"x": 1}),
    uds.Response(id=1, status=200, result={"x": 1}),
]


@every_way
@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_notices_environments_and_options_travel(value: Any, travelled: Any) -> None:
    other = travelled(value)
    assert type(other) is type(value)
    assert other == value
    assert getattr(other, "stream", None) == getattr(value, "stream", None)


PRODUCTS = [
    *uds.PRODUCTS.values(),
    uds.isolated_margin("BTCUSDT"),
    uds.margin_accounts(uds.CROSS_MARGIN, uds.isolated_margin("BTCUSDT")),
    uds.usdm_futures(events=["ORDER_TRADE_UPDATE"]),
    uds.Product("of-mine", uds.SPOT.mechanism, uds.MARGIN_RISK.event_types),
]


@every_way
@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.name)
def test_products_travel_with_their_events(product: uds.Product, travelled: Any) -> None:
    for _ in range(2):  # The second time when what is asked for first has been kept.
        other = travelled(product)
        assert other == product
        assert other.event_types == product.event_types
        assert other.accounts == product.accounts


def test_a_product_that_has_travelled_has_no_decoder_of_its_own_to_be_kept_for_ever() -> None:
    for product in uds.PRODUCTS.values():
        assert pickle.loads(pickle.dumps(product)).event_types is product.event_types


@every_way
async def test_statistics_travel(autojump_clock: trio.testing.MockClock, travelled: Any) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(balances={"USDT": "10000"}, cross_margin={"USDT": "10"})
        for product in (uds.SPOT, uds.CROSS_MARGIN):
            async with uds.open_user_data_stream(
                account.credentials, product, environment=sandbox.environment, network=sandbox.network
            ) as stream:
                await trio.sleep(1)
                statistics = stream.statistics()
                assert travelled(statistics) == statistics
        environment = travelled(sandbox.environment)
        assert environment == sandbox.environment


@every_way
def test_credentials_do_not_travel(travelled: Any) -> None:
    if travelled is copy.copy or travelled is copy.deepcopy:
        return
    with pytest.raises(TypeError):
        travelled(uds.Credentials.from_secret("k" * 8, "s" * 8))


def test_dir_names_everything_that_is_public() -> None:
    assert set(uds.__all__) <= set(dir(uds))
    assert set(uds.events.__all__) <= set(dir(uds.events))


def test_what_the_venue_has_taken_away_is_no_value_error() -> None:
    for kind in ERRORS:
        assert not issubclass(kind, ValueError) or kind is uds.CredentialsError
    assert issubclass(uds.Retired, uds.NotOffered)
