"""Sphinx directives that write what the table of products says: places, routes, lives and types of events.

``.. product-overview::`` has a row for each product; ``.. product-facts:: usdm-futures`` has all that the table knows
of one. Both read the products and environments themselves, so that the pages cannot say something else.
"""

from __future__ import annotations

from collections.abc import Iterator

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

import trio_binance_uds as uds

_ENVIRONMENTS = (uds.PRODUCTION, uds.TESTNET, uds.DEMO, uds.DEMO_BINANCEFUTURE)
# Products that are made: how they are spelled in a program, and one of them.
_MADE = {
    "isolated_margin(symbol)": uds.isolated_margin("BTCUSDT"),
    "margin_listen_key(CROSS_MARGIN)": uds.margin_listen_key(uds.CROSS_MARGIN),
}


def _products() -> dict[str, uds.Product]:
    """Return the products by how a program spells them."""
    named = {id(product): product for product in uds.PRODUCTS.values()}
    spelled = {name: value for name, value in vars(uds).items() if id(value) in named}
    order = list(uds.PRODUCTS.values())
    return dict(sorted(spelled.items(), key=lambda item: order.index(item[1]))) | _MADE


def _row(cells: list[str]) -> Iterator[str]:
    for number, cell in enumerate(cells):
        yield f"   {'* -' if number == 0 else '  -'} {cell}"


def _kind(product: uds.Product) -> str:
    return f":py:class:`~trio_binance_uds.{type(product.mechanism).__name__}`"


def _made_by(product: uds.Product) -> str:
    match product.mechanism:
        case (
            uds.ListenKeyStream(rest=rest, path=path)
            | uds.ListenTokenSubscription(rest=rest, path=path)
        ):
            return f"``POST {path}`` at ``{uds.PRODUCTION.url(rest)}``"
        case _:
            return "nothing: the subscription is signed"


def _life(product: uds.Product) -> str:
    match product.mechanism:
        case uds.ListenKeyStream(life=life, has_only_post=True):
            return f"{life / 60:g} min after the last ``POST``"
        case uds.ListenKeyStream(life=life):
            return f"{life / 60:g} min after the last ``POST`` or ``PUT``"
        case uds.ListenTokenSubscription(validity=validity):
            return "24 h at most" if validity is None else f"{validity / 3600:g} h"
        case _:
            return "that of the connection, 24 h"


def _prolonged_by(product: uds.Product) -> str:
    match product.mechanism:
        case uds.ListenKeyStream(path=path, has_only_post=True):
            return f"``POST {path}`` again, whose answer tells the key; there is no ``PUT`` and no ``DELETE``"
        case uds.ListenKeyStream(path=path, put_names_key=True):
            return f"``PUT {path}``, which names the key: its answer is about that key"
        case uds.ListenKeyStream(path=path, put_tells_key=True):
            return f"``PUT {path}``, whose answer tells the key"
        case uds.ListenKeyStream(path=path):
            return f"``PUT {path}``, and a ``POST``, whose answer tells the key, as that of ``PUT`` does not"
        case uds.ListenTokenSubscription():
            return "another token, and a second subscription with it on the same connection"
        case _:
            return "nothing: a new connection takes over before its end"


def _socket(product: uds.Product, environment: uds.Environment) -> str:
    mechanism = product.mechanism
    try:
        url = environment.url(mechanism.connects_to)
        if isinstance(mechanism, uds.ListenKeyStream | uds.ListenTokenSubscription):
            environment.url(mechanism.rest)
    except uds.NotOffered:
        return "not offered"
    if (
        isinstance(mechanism, uds.ListenTokenSubscription)
        and environment is not uds.PRODUCTION
    ):
        # The hosts are spot's, which are everywhere; no page says that they know margin there.
        return f"``{url}``, if margin is there at all: nothing says so"
    if isinstance(mechanism, uds.ListenKeyStream):
        if mechanism.place is uds.KeyPlace.SUBSCRIPTION:
            names = ", ".join(f"``<listenKey>@{topic}``" for topic in mechanism.topics)
            return f"``{url}``, with a subscription to {names}"
        url += (
            "?listenKey=<listenKey>"
            if mechanism.place is uds.KeyPlace.QUERY
            else "/<listenKey>"
        )
    return f"``{url}``"


class Generated(SphinxDirective):
    """What the directives have in common."""

    def parse(self, lines: list[str]) -> list[nodes.Node]:
        container = nodes.container()
        self.state.nested_parse(
            StringList(lines, source="the table of products"),
            self.content_offset,
            container,
        )
        return container.children


class ProductOverview(Generated):
    """The directive ``product-overview``."""

    def run(self) -> list[nodes.Node]:
        lines = [".. list-table::", "   :header-rows: 1", "   :widths: 18 22 30 30", ""]
        lines += _row(
            [
                "product",
                "mechanism",
                "key or token made by",
                "events arrive on, in production",
            ]
        )
        for product in _products().values():
            name = product.name.replace(":BTCUSDT", ":SYMBOL")
            lines += _row(
                [
                    f"``{name}``",
                    _kind(product),
                    _made_by(product),
                    _socket(product, uds.PRODUCTION),
                ]
            )
        return self.parse(lines)


class ProductFacts(Generated):
    """The directive ``product-facts``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        found = [
            item
            for item in _products().items()
            if item[1].name.partition(":")[0] == self.arguments[0]
        ]
        if not found:
            raise self.error(f"there is no product {self.arguments[0]}")
        ((spelling, product),) = found
        lines = [".. list-table::", "   :widths: 22 78", ""]
        lines += _row(
            ["opened with", f"``open_user_data_stream(credentials, {spelling})``"]
        )
        lines += _row(["mechanism", _kind(product)])
        lines += _row(["key or token made by", _made_by(product)])
        lines += _row(["prolonged by", _prolonged_by(product)])
        lines += _row(["life", _life(product)])
        for environment in _ENVIRONMENTS:
            lines += _row(
                [f"events, {environment.name}", _socket(product, environment)]
            )
        lines += _row(
            [
                "types of events",
                ", ".join(f"``{name}``" for name in product.event_types),
            ]
        )
        return self.parse(lines)


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("product-overview", ProductOverview)
    app.add_directive("product-facts", ProductFacts)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
