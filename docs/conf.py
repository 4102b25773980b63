"""Sphinx settings."""

from __future__ import annotations

import builtins
import re
import sys
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import attrs
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.util import logging

import trio_binance_uds
import trio_binance_uds.sandbox

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "trio_binance_uds"
author = "The trio_binance_uds authors"
copyright = author
release = version = installed_version("trio-binance-uds")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "command_help",
    "field_names",
    "measured",
    "number_search",
    "product_tables",
    "wire_events",
]
exclude_patterns = ["_build", "newsfragments"]
templates_path = ["_templates"]

html_theme = "furo"
html_title = f"{project} {release}"
html_static_path = ["_static"]
html_css_files = ["pages.css"]

# What is typed can be copied, without the prompt; what a program prints cannot.
copybutton_selector = ".highlight-python pre, .highlight-console pre, .highlight-ini pre, .highlight-docker pre"
copybutton_prompt_text = "$ "
copybutton_line_continuation_character = "\\"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

# Building needs no network, so the names of other projects cannot be looked up; what is ours must resolve.
nitpick_ignore_regex = [
    (
        r"py:.*",
        r"(abc|collections|contextlib|datetime|decimal|enum|opentelemetry|os|pathlib|ssl|trio|typing)\..+",
    ),
    (
        r"py:.*",
        "|".join(
            [
                "Any",
                "Decimal",
                "Random",
                "datetime",
                *filter(str.isidentifier, dir(builtins)),
            ]
        ),
    ),
    (
        r"py:class",
        r"EventTypes|History|Mechanism|\w+Word",
    ),  # names of unions and the like, which are no target
    (
        r"py:attr",
        r".+",
    ),  # an attribute is described with its class, and is no target of its own
]

# Of other classes the constructor is not for users, and the signature would only be long.
CONSTRUCTED_BY_USERS = {
    "Backoff",
    "Environment",
    "Network",
    "Rollover",
    "StreamMetrics",
    "Timeouts",
    "TrialOrder",
}

PUBLIC = {
    name: package.__name__
    for package in (trio_binance_uds, trio_binance_uds.sandbox)
    for name in package.__all__
}


def publish_under_public_names() -> None:
    """Let what a package re-exports call that package its module, so that headings show the public name."""
    for name, package in PUBLIC.items():
        value = getattr(sys.modules[package], name)
        if getattr(value, "__module__", "").startswith(package) and hasattr(
            value, "__qualname__"
        ):
            value.__module__ = package


def show_signature(
    app: Sphinx,
    what: str,
    name: str,
    value: Any,
    options: Any,
    signature: str | None,
    returns: str | None,
) -> tuple[str, str | None] | None:
    """Show how to construct what users construct, with the defaults' values, and of other classes only the name."""
    if what not in ("class", "exception") or signature is None:
        return None
    if value.__name__ not in CONSTRUCTED_BY_USERS:
        return "", None
    fields = attrs.fields(value)
    bare = [
        field.name
        if field.default is attrs.NOTHING
        else f"{field.name}={field.default!r}"
        for field in fields
    ]
    return f"({', '.join(['*', *bare] if fields[0].kw_only else bare)})", None


def adapt_docstring(
    app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]
) -> None:
    """Keep napoleon from taking the ``a`` of an entry ``a, b: text``, or of a property's ``a: text``, for a type."""
    lines[:] = [
        re.sub(
            r"^( +\w+)((?:, \w+)+:)",
            lambda found: found[1] + found[2].replace(" ", ""),
            x,
        )
        for x in lines
    ]
    if what == "property" and lines:
        lines[0] = lines[0].replace(": ", " \N{EN DASH} ")


def find_public_name(
    app: Sphinx, env: Any, node: pending_xref, contents: nodes.TextElement
) -> nodes.Node | None:
    """Resolve a reference by the public name, wherever in the package it was written."""
    target = node.get("reftarget", "")
    name, _, member = target.removeprefix("~").rpartition(".")
    for candidate in (target.rpartition(".")[2], f"{name.rpartition('.')[2]}.{member}"):
        package = PUBLIC.get(candidate.partition(".")[0])
        if node.get("refdomain") == "py" and package is not None:
            domain = env.get_domain("py")
            full = f"{package}.{candidate}"
            if full in domain.objects:
                kind = domain.objects[full].objtype
                role = domain.role_for_objtype(kind)
                return domain.resolve_xref(
                    env, node["refdoc"], app.builder, role, full, node, contents
                )
    return None


def check_that_all_is_documented(app: Sphinx, env: Any) -> None:
    """Warn, which is an error here, of every public name that no page documents."""
    documented = env.get_domain("py").objects
    for name, package in PUBLIC.items():
        if name[0] != "_" and f"{package}.{name}" not in documented:
            logging.getLogger(__name__).warning(
                "%s.%s is public, and no page documents it", package, name
            )


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    publish_under_public_names()
    app.connect("env-check-consistency", check_that_all_is_documented)
    app.connect("autodoc-process-signature", show_signature)
    app.connect(
        "autodoc-process-docstring", adapt_docstring, priority=400
    )  # napoleon has 500
    app.connect("missing-reference", find_public_name)
