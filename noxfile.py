"""What can be run here: ``nox --list`` shows it, ``nox`` runs all that CI runs.

Everything comes from PyPI through pip. A Python that this machine lacks is skipped, and the closing summary says so;
the Python that runs nox is always among those that are tested.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nox
from packaging.requirements import Requirement

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "virtualenv"  # pip's own settings (mirror, certificates) hold in every session
nox.options.reuse_venv = "yes"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False  # nox's own default in CI is True
nox.options.sessions = ["lint", "types", "docs", "changelog", "tests", "long_proofs", "tests_lowest"]

ROOT = Path(__file__).parent
PYPROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
PYTHONS = sorted({"3.11", "3.12", "3.13", RUNNING}, key=lambda version: int(version.partition(".")[2]))


def activate_pyenv_pythons() -> None:
    """Make pyenv's shims answer: for a version that is installed but not activated they fail, as if it were missing."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    one_of_each = [path.name for python in PYTHONS for path in sorted(versions.glob(f"{python}.*"))[-1:]]
    if one_of_each:
        os.environ["PYENV_VERSION"] = ":".join(one_of_each)


activate_pyenv_pythons()


def group(name: str) -> list[str]:
    """Return what a dependency group of pyproject.toml lists."""
    return nox.project.dependency_groups(PYPROJECT, name)


def lowest() -> list[str]:
    """Return the lowest version of each library that pyproject.toml claims to work with, as ``name==version``."""
    project = PYPROJECT["project"]
    extras = [line for extra in project["optional-dependencies"].values() for line in extra]
    wanted = [Requirement(line) for line in [*project["dependencies"], *extras]]
    return [
        f"{requirement.name}=={specifier.version}"
        for requirement in wanted
        for specifier in requirement.specifier
        if specifier.operator == ">="
    ]


def install(session: nox.Session, *requirements: str) -> None:
    """Install the package in place with all its extras, and these."""
    session.install("--quiet", "--editable", ".[cli,opentelemetry,sandbox]", *requirements)


def pytest(session: nox.Session, *options: str, more: int = 0) -> None:
    """Run the test suite in a few processes side by side, one for each core, or some ``more``."""
    workers = min(4, os.cpu_count() or 1) + more
    session.run("python", "-m", "pytest", f"--numprocesses={workers}", *options, *session.posargs)


# Proofs by many runs, real sockets or processes of their own. Traced they would take three times as long.
WITHOUT_LONG_PROOFS = ("-m", "not long")
# The Python that runs nox proves every case. What another Python or an older library can break is code, so there each
# test function runs with at most three of its parameters.
FEW = (*WITHOUT_LONG_PROOFS, "--few")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The tests of the modules, on each Python; arguments after -- go to pytest, instead of what is chosen here.

    On the Python that runs nox every line and branch of the package must run.
    """
    install(session, *group("test"), *group("coverage"))
    if session.posargs:
        pytest(session)
    elif session.python == RUNNING:
        pytest(session, *WITHOUT_LONG_PROOFS, "--cov", "--cov-report=")
        session.run("python", "-m", "coverage", "report")
    else:
        pytest(session, *FEW)


@nox.session
def long_proofs(session: nox.Session) -> None:
    """Simulated days, real sockets, cancellation at every step: about the library and not about a version of Python."""
    install(session, *group("test"))
    # Those on real sockets wait for much of their time, and leave their core to another one.
    pytest(session, "-m", "long", more=1)


@nox.session
def tests_lowest(session: nox.Session) -> None:
    """A few cases of each test with the lowest version of each library that pyproject.toml claims."""
    install(session, *lowest(), *group("test"))
    pytest(session, *FEW)


@nox.session
def published(session: nox.Session) -> None:
    """Compare with samples that Binance has published: ``nox -s published -- DIR`` says where they are."""
    if len(session.posargs) != 1:
        session.error("say where the samples are, as in: nox -s published -- DIR")
    install(session, *group("test"))
    session.run("python", "-m", "pytest", "--quiet", f"--published={Path(session.posargs[0]).absolute()}")


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff (its ASYNC rules among them), formatting, spelling."""
    session.install("--quiet", *group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("codespell")


@nox.session
def types(session: nox.Session) -> None:
    """mypy and pyright on the package; the public API of the installed package must be completely typed."""
    session.install("--quiet", ".[cli,opentelemetry,sandbox]", *group("types"))
    session.run("mypy")
    session.run("pyright")
    session.chdir(session.create_tmp())  # so that what was installed is looked at, and not the source tree
    session.run("pyright", "--verifytypes", "trio_binance_uds", "--ignoreexternal")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation, warnings being errors; its search must find what people look for. See docs/_build/html."""
    install(session, *group("docs"))
    session.run("sphinx-build", "-W", "--keep-going", "-n", "-E", "-q", "-b", "html", "docs", "docs/_build/html")
    session.run("python", "docs/_check/search.py", "docs/_build/html")


@nox.session
def changelog(session: nox.Session) -> None:
    """Show what the next release notes say; a fragment with a wrong name is an error."""
    session.install("--quiet", *group("changelog"))
    session.run("towncrier", "build", "--draft", "--version", PYPROJECT["project"]["version"])


@nox.session
def demo(session: nox.Session) -> None:
    """Watch an account of a Binance that runs on this machine; arguments after -- go to the command."""
    install(session)
    session.run("trio-binance-uds", "watch", "--sandbox", *session.posargs)


@nox.session
def soak(session: nox.Session) -> None:
    """Live a thousand hours of faults, a hundred on each other market, and some months; takes about two hours."""
    install(session, *group("test"))
    session.run("python", "-m", "simulation.soak", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def bench(session: nox.Session) -> None:
    """Compare what it costs with what other clients cost; ``--quick``, ``--publish`` and others: see ``-- --help``.

    Numbers are for comparing on one machine, and nothing fails for being slow. The other clients are installed into
    environments of their own, from PyPI and npm; one that cannot be had is left out.
    """
    install(session, *group("test"))
    session.run("python", "-m", "benchmarks", *session.posargs, env={"PYTHONPATH": "tests"})
