"""Runs the verifier's modules for browsers in node, and says what they answer beside Python.

A script is the text of `async ({load, outcome, curves}, payload) => answer`: `load("cbor")` gives the module,
`outcome(() => …)` gives `{"value": …}` or `{"error": class, "message": …}`. Bytes, big integers, maps and
decimals travel as `{"$hex"}`, `{"$big"}`, `{"$map"}`, `{"$decimal"}`; `dump` writes Python's values in the same
way: fields in camelCase, dates as days, instants as milliseconds, enumerations as their values.
"""

import dataclasses
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path

import pytest

from ledger.core.errors import LedgerError

ROOT = Path(__file__).resolve().parent.parent
BROWSER = ROOT / "verifier" / "browser"
NOBLE = ROOT / "node_modules" / "@noble" / "curves"
_RUNNER = Path(__file__).with_name("browser_runner.mjs")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_CALL = """async ({load, outcome}, {module, name, calls}) => {
  const run = (await load(module))[name]
  const answers = []
  for (const call of calls) answers.push(await outcome(() => run(...call)))
  return answers
}"""


def find_node() -> str:
    """Return the path of node; skip the test without it, fail in CI."""
    node = shutil.which("node")
    if node is None or not NOBLE.is_dir():
        message = "node or node_modules is missing (npm ci)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return node


def run_node(script, payload=None, *, noble=NOBLE, timeout=300):
    """Return what the script answers; curves come from the folder `noble` where WebCrypto does not do."""
    node = find_node()
    task = {"folder": str(BROWSER), "noble": str(noble), "script": script, "payload": dump(payload)}
    done = subprocess.run(
        [node, str(_RUNNER)],
        input=json.dumps(task),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def call_node(module: str, name: str, calls: list[list]) -> list[dict]:
    """Call one function with each list of arguments in turn, and return every outcome."""
    return run_node(_CALL, {"module": module, "name": name, "calls": calls})


def call_python(function: Callable, call: list) -> dict:
    """Return the outcome of the same call here; a last argument of type `dict` holds keyword arguments."""
    *args, last = call or [None]
    try:
        value = function(*args, **last) if isinstance(last, Keywords) else function(*call)
    except LedgerError as err:
        return {"error": type(err).__name__, "message": str(err)}
    return {"value": dump(value)}


class Keywords(dict):
    """Keyword arguments by their names in Python; the browser's function takes them as one object."""


class AsMap(dict):
    """What the browser's module holds in a `Map`, whatever its keys are."""


def assert_same(module: str, name: str, function: Callable, calls: list[list]) -> list[dict]:
    """Require of both sides the same value, or the same class of error, for each call; return the outcomes."""
    answers = call_node(module, name, calls)
    assert len(answers) == len(calls)
    for call, theirs in zip(calls, answers, strict=True):
        ours = call_python(function, call)
        assert strip(theirs) == strip(ours), (call, ours, theirs)
    return answers


def strip(outcome: dict) -> dict:
    """Return value or class of error, without the sentence."""
    return {name: value for name, value in outcome.items() if name != "message"}


def camel(name: str) -> str:
    """Return `leafIndex` for `leaf_index`."""
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)


def dump(value):  # noqa: C901, PLR0911, PLR0912 - one line a kind of value
    """Return what stands for a value in JSON."""
    if isinstance(value, Enum):
        return dump(value.value)
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, int):
        return value if abs(value) < 1 << 53 else {"$big": str(value)}
    if isinstance(value, (bytes, bytearray)):
        return {"$hex": bytes(value).hex()}
    if isinstance(value, datetime):
        return (value - _EPOCH) // timedelta(milliseconds=1)
    if isinstance(value, date):
        return (value - _EPOCH.date()).days
    if isinstance(value, timedelta):
        return value // timedelta(milliseconds=1)
    if isinstance(value, Decimal):
        sign, digits, exponent = value.as_tuple()
        number = int("".join(map(str, digits))) * (-1 if sign else 1)
        return {"$decimal": [str(number), exponent]}
    if isinstance(value, Keywords):
        return {camel(name): dump(item) for name, item in value.items()}
    if isinstance(value, Mapping):
        return _dump_mapping(value)
    if isinstance(value, (list, tuple)):
        return [dump(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return {"$set": sorted((dump(item) for item in value), key=json.dumps)}
    if dataclasses.is_dataclass(value):
        return {camel(field.name): dump(getattr(value, field.name)) for field in dataclasses.fields(value)}
    message = f"no way to write a {type(value).__name__} for node"
    raise TypeError(message)


def _dump_mapping(value):
    if all(isinstance(name, str) for name in value) and not isinstance(value, AsMap):
        return {name: dump(item) for name, item in value.items()}
    return {"$map": [[dump(key), dump(item)] for key, item in value.items()]}
