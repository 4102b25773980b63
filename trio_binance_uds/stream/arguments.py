"""Checks of what the user gives when opening a stream: what does not fit is refused in words that say what to do."""

from __future__ import annotations

from trio_binance_uds import checks
from trio_binance_uds.credentials import Credentials
from trio_binance_uds.link.network import Network
from trio_binance_uds.link.settings import Timeouts
from trio_binance_uds.link.transport import TransportKind
from trio_binance_uds.products import Environment, Product, find_environment, find_product
from trio_binance_uds.stream.backoff import Backoff
from trio_binance_uds.stream.recovery import Recovery
from trio_binance_uds.stream.rollover import Rollover

_MAX_NAME = 100
_HOW_TO_OPEN = "open_user_data_stream(credentials, product)"
_HOW_TO_MAKE = "Credentials.from_secret(api_key, secret), from_file() or from_environment()"


def checked_credentials(credentials: Credentials, product: Product | str) -> Credentials:
    """Return the credentials.

    Raises:
        TypeError: they are something else. The message does not quote it, as it may be a secret.
    """
    if isinstance(product, Credentials):
        raise TypeError(f"the credentials come first and then the product: {_HOW_TO_OPEN}")
    checks.an(Credentials, "the first argument", credentials, f"credentials, from {_HOW_TO_MAKE}")
    return credentials


def found_product(product: Product | str) -> Product:
    """Return the product, or that of this name.

    Raises:
        TypeError: it is neither a product nor a name.
        ValueError: there is no product of this name.
    """
    if isinstance(product, str):
        return find_product(product)
    checks.an(Product, "the second argument", product, "a product such as SPOT, or the name of one such as 'spot'")
    return product


def found_environment(environment: Environment | str) -> Environment:
    """Return the environment, or that of this name.

    Raises:
        TypeError: it is neither an environment nor a name.
        ValueError: there is no environment of this name.
    """
    if isinstance(environment, str):
        return find_environment(environment)
    checks.an(Environment, "environment", environment, "such as TESTNET, or a name such as 'testnet'")
    return environment


def found_transport(transport: TransportKind | str) -> TransportKind:
    """Return the kind of transport, or that of this name.

    Raises:
        TypeError: it is no text.
        ValueError: there is none of this name.
    """
    checks.an(str, "transport", transport, f"one of {', '.join(TransportKind)}")
    try:
        return TransportKind(transport)
    except ValueError:
        known = ", ".join(TransportKind)
        raise ValueError(f"there is no transport {checks.shown(transport)}; there are {known}") from None


def check_options(
    *,
    network: Network,
    timeouts: Timeouts,
    backoff: Backoff,
    rollover: Rollover,
    recovery: Recovery,
    max_buffer: int,
    max_buffer_bytes: int,
    logon: bool | None,
    delete_listen_key_on_exit: bool,
    seed: int | None,
) -> None:
    """Check that each option is of its type; what is inside of them has been checked when they were made.

    Raises:
        TypeError, ValueError: one is not.
    """
    options = {"network": network, "timeouts": timeouts, "backoff": backoff, "rollover": rollover, "recovery": recovery}
    for (name, value), kind in zip(options.items(), (Network, Timeouts, Backoff, Rollover, Recovery), strict=True):
        checks.an(kind, name, value, f"made by {kind.__name__}(...)")
    checks.count("max_buffer", max_buffer, least=2, why=", one event and one gap")
    checks.count("max_buffer_bytes", max_buffer_bytes, least=1)
    if logon is not None:
        checks.an(bool, "logon", logon, "True, False, or None for whenever the key can")
    checks.an(bool, "delete_listen_key_on_exit", delete_listen_key_on_exit, "True or False")
    if seed is not None:
        checks.an(int, "seed", seed, "a whole number or None")


def stream_name(name: str | None, product: Product) -> str:
    """Return the name of a stream: the given one, or the product's.

    Raises:
        TypeError: it is not a text.
        ValueError: it is a text that cannot stand in a log line: empty, too long, or with control characters.
    """
    if name is None:
        return product.name
    checks.an(str, "the name of a stream", name, "a text such as 'alice'")
    if not name or name != name.strip() or not name.isprintable() or len(name) > _MAX_NAME:
        raise ValueError(
            f"the name of a stream must be 1 to {_MAX_NAME} printable characters, without blanks at its ends, "
            f"got {checks.shown(name)}"
        )
    return name
