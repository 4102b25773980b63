"""Which opener fits a product: one for each class of mechanisms. Nothing else tells mechanisms apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_binance_uds.credentials import Credentials
from trio_binance_uds.link.clock import ServerClock
from trio_binance_uds.link.openers.contract import Opener
from trio_binance_uds.link.openers.ws_api import WsApiOpener, wants_logon
from trio_binance_uds.products import Host, ListenKeyStream, ListenTokenSubscription, Product, WsApiSubscription

if TYPE_CHECKING:
    from trio_binance_uds.link.rest.client import Rest


def rest_hosts(product: Product) -> tuple[Host, ...]:
    """Return where the product's mechanism and history have REST APIs; with none, REST need not even be imported."""
    hosts = (getattr(part, "rest", None) for part in (product.mechanism, product.history))
    return tuple(host for host in hosts if host is not None)


def opener_for(
    product: Product,
    url: str,
    rest: Rest | None,
    credentials: Credentials,
    clock: ServerClock,
    *,
    logon: bool | None,
    delete_listen_key_on_exit: bool,
) -> Opener:
    """Return the opener of a new stream.

    Raises:
        ValueError: an option does not fit the mechanism. CredentialsError is one too: the key cannot do what the option
            asks for.
        NotOffered: the environment lacks a host.
    """
    mechanism = product.mechanism
    if logon and not isinstance(mechanism, WsApiSubscription):
        raise ValueError(f"logon=True is for products that subscribe on a session, which {product.name} does not")
    if delete_listen_key_on_exit and not isinstance(mechanism, ListenKeyStream):
        raise ValueError(
            f"delete_listen_key_on_exit=True is for products with a listen key, which {product.name} is not"
        )
    if delete_listen_key_on_exit and isinstance(mechanism, ListenKeyStream) and mechanism.has_only_post:
        raise ValueError(
            f"delete_listen_key_on_exit=True is for products whose listen key can be deleted, which that of "
            f"{product.name} cannot: its route has POST alone"
        )
    if isinstance(mechanism, WsApiSubscription):
        return WsApiOpener(url, by_logon=wants_logon(credentials, logon))
    # Imported here, as most streams of spot need no REST.
    assert rest is not None
    if isinstance(mechanism, ListenTokenSubscription):
        from trio_binance_uds.link.openers.listen_token import ListenTokenOpener

        rest_api = rest.at(mechanism.rest, time_path=mechanism.rest.time_path)
        return ListenTokenOpener(mechanism, url, rest_api, clock)
    from trio_binance_uds.link.openers.listen_key import ListenKeyOpener

    return ListenKeyOpener(
        product.name,
        mechanism,
        url,
        rest.at(mechanism.rest, time_path=mechanism.time_path),
        clock,
        delete_on_exit=delete_listen_key_on_exit,
    )
