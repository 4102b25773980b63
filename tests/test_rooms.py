"""The rooms of the package, and what may be imported where: docs/decisions/0001 says why."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs

PACKAGE = "trio_binance_uds"
ROOT = Path(__file__).parents[1] / PACKAGE


@attrs.frozen
class Room:
    """What the modules of a room may import, as names inside the package and as third-party libraries."""

    may_import: frozenset[str] = attrs.field(converter=frozenset)
    third_party: frozenset[str] = attrs.field(converter=frozenset, default=())


# A room may import itself and what stands here, nothing else. The order is the order of the layers.
ROOMS = {
    "events": Room(["texts"], ["attrs"]),
    "errors": Room([]),
    "nurseries": Room([], ["trio"]),
    "logs": Room([]),
    "texts": Room([]),
    "tracebacks": Room([]),
    "checks": Room([], ["attrs"]),
    "products": Room(["events", "errors", "checks"], ["attrs"]),
    "credentials": Room(["events", "errors"], ["attrs", "cryptography", "nacl"]),
    "wire": Room(["events", "errors", "texts", "products", "credentials"], ["attrs"]),
    "link": Room(
        ["events", "errors", "nurseries", "logs", "texts", "tracebacks", "checks", "products", "credentials", "wire"],
        ["attrs", "trio"],
    ),
    "stream": Room(
        [
            "events",
            "errors",
            "nurseries",
            "logs",
            "texts",
            "tracebacks",
            "checks",
            "products",
            "credentials",
            "wire",
            "link",
        ],
        ["attrs", "trio"],
    ),
    "account": Room(
        ["events", "errors", "nurseries", "products", "credentials", "wire", "link", "stream"], ["attrs", "trio"]
    ),
    # A sandbox hands out what a client needs to reach it: credentials, an environment and a network.
    "sandbox": Room(
        ["events", "errors", "nurseries", "products", "credentials", "wire", "link.network"], ["attrs", "trio"]
    ),
    # The command uses what everybody may use: the package itself and its public sub-packages.
    "cli": Room(["", "sandbox"], ["attrs", "trio"]),
    "doctor": Room(
        [
            "events",
            "errors",
            "nurseries",
            "texts",
            "checks",
            "products",
            "credentials",
            "wire",
            "link",
            "stream",
        ],
        ["attrs", "trio"],
    ),
    # For those who run a program: an extra, so the front door does not re-export it.
    "opentelemetry": Room(["events", "nurseries", "checks", "wire", "stream"], ["attrs", "trio"]),
    # The front door re-exports; it must not pull in what needs an extra.
    "": Room(["events", "errors", "products", "credentials", "wire", "link", "stream", "account", "doctor"]),
}

# Third-party libraries that one module (or one sub-package) of a room may import, so that replacing the library is
# a change in that place.
ONE_PLACE = {
    "msgspec": ["wire.json_text"],
    "websockets": ["link.transport", "sandbox"],
    "trio_websocket": ["link.transport"],
    "h11": ["link.transport", "sandbox"],
    "httpx": ["link.rest"],
    "hypercorn": ["sandbox"],
    "trustme": ["sandbox"],
    "cryptography": ["credentials", "sandbox"],
    "nacl": ["credentials"],
    "rich": ["cli"],
    "opentelemetry": ["opentelemetry"],
}

# A room that is about such a library as a whole may spread it over its modules.
SPREAD = frozenset({("credentials", "cryptography"), ("cli", "rich")})

# One event loop, and no second thread of control.
FORBIDDEN = frozenset({"asyncio", "anyio", "concurrent", "multiprocessing", "sniffio", "threading"})


@attrs.frozen
class Module:
    """A module of the package: its name without the package's ('' is the package itself) and its syntax tree."""

    name: str
    tree: ast.Module = attrs.field(repr=False, eq=False)
    is_package: bool

    @property
    def room(self) -> str:
        return self.name.partition(".")[0]


def _modules() -> Iterator[Module]:
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        yield Module(name, ast.parse(path.read_text("utf-8"), str(path)), is_package)


MODULES = list(_modules())
NAMES = {module.name for module in MODULES}


def imported(module: Module) -> Iterator[str]:
    """Yield the dotted name of all that a module imports, inside functions and for type checking only as well."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = _absolute(module, node)
            for alias in node.names:
                # "from package import name" may import a module or a value of the package.
                full = f"{source}.{alias.name}"
                yield full if _inside(full) in NAMES else source


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        assert node.module is not None
        return node.module
    parts = [PACKAGE, *filter(None, module.name.split("."))]
    package = parts if module.is_package else parts[:-1]
    return ".".join([*package[: len(package) - node.level + 1], *([node.module] if node.module else [])])


def _inside(name: str) -> str | None:
    """Return a dotted name without the package's, or None for what is not ours."""
    return "" if name == PACKAGE else name.removeprefix(f"{PACKAGE}.") if name.startswith(f"{PACKAGE}.") else None


def _is_in(name: str, place: str) -> bool:
    return name == place or name.startswith(f"{place}.")


def third_party(module: Module) -> set[str]:
    """Return the top-level names of the third-party libraries that a module imports."""
    tops = {name.partition(".")[0] for name in imported(module)}
    return tops - sys.stdlib_module_names - {PACKAGE}


def test_every_module_is_in_a_room_of_the_table() -> None:
    assert {module.room for module in MODULES} <= set(ROOMS)


def test_imports_inside_the_package_point_down() -> None:
    offenders = [f"{module.name or PACKAGE} imports {name}" for module in MODULES for name in _imported_upward(module)]
    assert not offenders


def _imported_upward(module: Module) -> Iterator[str]:
    allowed = ROOMS[module.room].may_import
    for name in imported(module):
        inside = _inside(name)
        if inside is None or (module.room and _is_in(inside, module.room)):
            continue
        public = module.room == "cli" and inside in allowed
        below = module.room != "cli" and any(_is_in(inside, place) for place in allowed)
        if not public and not below:
            yield name


def test_a_third_party_library_is_imported_in_its_place_only() -> None:
    offenders = [
        f"{module.name or PACKAGE} imports {library}"
        for module in MODULES
        for library in third_party(module)
        if library not in ROOMS[module.room].third_party
        and not any(_is_in(module.name, place) for place in ONE_PLACE.get(library, []))
    ]
    assert not offenders


def test_a_third_party_library_has_one_module_in_each_room() -> None:
    importers: dict[tuple[str, str], set[str]] = {}
    for module in MODULES:
        for library in third_party(module) & ONE_PLACE.keys():
            if (module.room, library) not in SPREAD:
                importers.setdefault((module.room, library), set()).add(module.name)
    offenders = {library: names for (_, library), names in importers.items() if len(names) > 1}
    assert not offenders


def test_there_is_one_event_loop_and_no_thread() -> None:
    offenders = [f"{module.name or PACKAGE} uses {name}" for module in MODULES for name in _concurrency(module)]
    assert not offenders


def _concurrency(module: Module) -> Iterator[str]:
    names = set(imported(module))
    yield from {name.partition(".")[0] for name in names} & FORBIDDEN
    yield from names & {"trio.to_thread"}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute):
            used = ast.unparse(node)
            if used in {"time.sleep", "trio.to_thread", "trio.from_thread"}:
                yield used


def test_what_is_logged_names_its_stream() -> None:
    offenders = [module.name for module in MODULES if module.room not in ("logs", "cli", "sandbox") and _logs(module)]
    assert not offenders


def _logs(module: Module) -> bool:
    made = {ast.unparse(node.func) for node in ast.walk(module.tree) if isinstance(node, ast.Call)}
    return bool(made & {"logging.getLogger", "getLogger"})


def test_a_module_says_its_one_job_first() -> None:
    assert not [module.name or PACKAGE for module in MODULES if not ast.get_docstring(module.tree)]


def test_only_products_and_openers_tell_products_apart() -> None:
    products = _product_names()
    offenders = [
        f"{module.name}, line {node.lineno}: {ast.unparse(node)}"
        for module in MODULES
        if module.room != "products" and not module.name.startswith("link.open")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Compare)
        and {ast.unparse(part).rpartition(".")[2] for part in (node.left, *node.comparators)} & products
    ]
    assert not offenders


def _product_names() -> set[str]:
    """Return the names of the constants in the table of products, which is all that stands there in capitals."""
    (products,) = (module for module in MODULES if module.name == "products.products")
    return {
        target.id
        for node in products.tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id.isupper() and not target.id.startswith("_")
    }


def test_the_table_of_products_is_seen_by_the_test_above() -> None:
    assert {"SPOT", "CROSS_MARGIN", "USDM_FUTURES"} <= _product_names()
