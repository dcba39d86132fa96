"""What import-linter cannot say: the core's allow-list, where web3 may appear, what loading brings in."""

import ast
import json
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("api", "contracts", "issuer", "ledger", "verifier")

CORE_ALLOWED = {"cryptography", "nacl", "orjson", "cbor2", "py_ecc", "py_arkworks_bls12381"}
CORE_BANNED = {
    *("asyncio", "concurrent", "multiprocessing", "signal", "subprocess", "threading"),
    *("ftplib", "http", "smtplib", "socket", "socketserver", "ssl", "urllib", "xmlrpc"),
    *("logging", "os", "shutil", "sqlite3", "tempfile"),
    *("random", "secrets", "time", "uuid"),
}
"""Standard library modules whose use would make the core impure."""

CLOCKS_AND_FILES = {"now", "today", "utcnow", "urandom", "token_bytes", "open", "input", "print"}

WEB3_FILES = {Path("ledger/chain/client.py"), Path("verifier/chain.py")}

HEAVY = {
    *("web3", "eth", "eth_tester", "coincurve", "aiohttp", "requests"),
    *("fastapi", "starlette", "uvicorn", "pydantic", "pydantic_settings", "jinja2"),
    *("sqlalchemy", "alembic", "psycopg"),
    *("py_ecc", "py_arkworks_bls12381"),
    *("asn1crypto", "pyhanko", "typst", "lxml", "PIL", "zxingcpp"),
    *("api", "issuer"),
}

BACKENDS = frozenset({"ledger.core.bls_arkworks", "ledger.core.bls_py_ecc"})
"""Loaded by the first BLS key only: py-ecc brings a third of a second with it."""


def _sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def _imported(source: Path) -> Iterator[str]:
    """Yield the dotted name of everything that a file imports, wherever in the file it does so."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." if node.level else str(node.module)


@pytest.mark.parametrize("source", _sources("ledger/core"), ids=lambda path: path.name)
def test_the_core_imports_only_what_an_auditor_needs(source):
    foreign = {
        name
        for name in _imported(source)
        if not (name == "ledger.core" or name.startswith("ledger.core."))
        and name.partition(".")[0] not in CORE_ALLOWED | (sys.stdlib_module_names - CORE_BANNED)
    }
    assert not foreign


@pytest.mark.parametrize("source", _sources("ledger/core"), ids=lambda path: path.name)
def test_the_core_reads_no_clock_and_no_file(source):
    calls = {
        getattr(node.func, "attr", None) or getattr(node.func, "id", None)
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Call)
    }
    assert not calls & CLOCKS_AND_FILES


def test_web3_appears_where_the_chain_is_talked_to_and_nowhere_else():
    users = {
        path.relative_to(ROOT)
        for path in _sources(*PACKAGES)
        if any(name.partition(".")[0] == "web3" for name in _imported(path))
    }
    assert users <= WEB3_FILES


def _ledger_parts(source: Path) -> set[str]:
    """Return which parts of the ledger a file imports, as `core`, `store`."""
    return {
        [*name.split("."), "ledger itself"][1]
        for name in _imported(source)
        if name.partition(".")[0] == "ledger"
    }


def test_the_issuer_gets_the_log_as_an_argument():
    curious = {path.name for path in _sources("issuer") if _ledger_parts(path) - {"core"}}
    commands = {name for name in curious if name.endswith("cli.py")}
    openings = {"desk_opening.py", "signoff_opening.py"}
    assert curious - commands == openings, "what opens a home for commands is theirs too"


def test_the_verifier_uses_nothing_of_the_ledger_but_its_core():
    assert not {path.name for path in _sources("verifier") if _ledger_parts(path) - {"core"}}


def test_routes_know_neither_database_nor_chain():
    curious = {path.name for path in _sources("api/routes") if _ledger_parts(path) & {"store", "chain"}}
    assert not curious


def _loaded_by(module: str) -> set[str]:
    """Return the top-level names that a fresh interpreter holds after importing one module."""
    program = f"import json, sys; import {module}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


def _modules(package: str, *, but: frozenset[str] = frozenset()) -> list[str]:
    found = pkgutil.walk_packages([str(ROOT / package.replace(".", "/"))], prefix=f"{package}.")
    return [package, *sorted(module.name for module in found if module.name not in but)]


@pytest.mark.parametrize("module", _modules("verifier", but=frozenset({"verifier.chain"})))
def test_loading_the_verifier_loads_nothing_heavy(module):
    loaded = _loaded_by(module)
    assert not loaded & HEAVY
    assert not {name for name in loaded if name.startswith("eth_")}


def test_loading_the_core_loads_nothing_heavy():
    program = ", ".join(_modules("ledger.core", but=BACKENDS))
    loaded = _loaded_by(program)
    assert not loaded & (HEAVY | {"verifier", "contracts", "typer", "rich", "structlog"})


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_is_typed_and_starts_empty(package):
    assert (ROOT / package / "py.typed").exists()
    tree = ast.parse((ROOT / package / "__init__.py").read_text())
    assert [type(node) for node in tree.body] in ([], [ast.Expr]), "a docstring only"
