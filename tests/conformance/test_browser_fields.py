"""The browser's strict reader of JSON objects beside Python's: every kind of member, good and bad."""

import json
import random
from enum import StrEnum

from browser_node import Keywords, dump, run_node

from ledger.core.errors import LedgerError
from ledger.core.fields import Reader

SEED = random.Random(20261126)


class State(StrEnum):
    """What the member `enum` may say."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


ODD = [
    "", "a", " a", "a ", "a\u3000", "a\u0000", "a\nb", "中" * 9, "x" * 17, "x" * 16, "\u202ea", "-0", "0.05",
      "12", "1e3", "2026-02-28", "2026-02-30", "2026-02-28T00:00:00Z",
    "2026-02-28T00:00:00.000Z", "ff00", "FF00", "ff0", "AAA=", "AB==", "active", "ACTIVE", "constructor",
      "__proto__", "toString", 0, 1, -1, 5, 11, 2**53 - 1, True, False, [], ["a"], ["a", "b"],
    ["a", 1], [""], ["a"] * 4, [{}], [{"a": "b"}], [{"a": "b", "c": 1}], {}, {"a": "b"}, {"a": "b", "c": 1},
      {"a": 1},
]  # fmt: skip

READS = {
    "text": [
        {},
        {"max_bytes": 16},
        {"pattern": "[a-z]+"},
        {"max_bytes": 4, "pattern": "[^b]*"},
        {"pattern": "a|b"},
    ],
    "lines": [{"max_bytes": 16}],
    "integer": [(0, 10), (-5, 5)],
    "boolean": [()],
    "decimal": [()],
    "date": [()],
    "instant": [()],
    "hex": [(2,), (0,)],
    "base64": [{}, {"size": 2}],
    "members": [()],
    "values": [{}, {"least": 1, "most": 3}],
    "texts": [{}, {"least": 1, "most": 3, "max_bytes": 3, "pattern": "[a-z]"}],
    "enum": [()],
    "object": [()],
    "objects": [{}, {"least": 1, "most": 1}],
}
OPTIONAL = (
    "text",
    "integer",
    "boolean",
    "decimal",
    "date",
    "instant",
    "hex",
    "base64",
    "enum",
    "object",
    "objects",
    "texts",
)

SCRIPT = """async ({load, outcome}, cases) => {
  const {Reader} = await load("fields")
  const kind = {ACTIVE: "active", SUSPENDED: "suspended"}
  const open = (reader) => { const text = reader.text("a"); reader.finish(); return [reader.path, text] }
  return Promise.all(cases.map(([value, method, rest]) => outcome(() => {
    const reader = new Reader(value, "doc")
    const name = method.replace(/^opt/, "").toLowerCase()
    const found = reader[method]("m", ...(name === "enum" ? [kind] : rest))
    const shown = found === null ? null : name === "object" ? open(found)
       : name === "objects" ? found.map(open) : found
    const left = reader.has("m")
    reader.finish()
    return [shown, left]
  })))
}"""


def run(value, method, rest):
    reader = Reader(value, "doc")
    name = method.removeprefix("opt_")
    keywords = rest if isinstance(rest, dict) else {}
    given = () if isinstance(rest, dict) else rest
    found = getattr(reader, method)("m", *([State] if name == "enum" else given), **keywords)
    shown = found
    if found is not None and name in {"object", "objects"}:
        shown = open_reader(found) if name == "object" else [open_reader(one) for one in found]
    left = "m" in reader
    reader.finish()
    return [shown, left]


def open_reader(reader):
    text = reader.text("a")
    reader.finish()
    return [reader.path, text]


def settle(case):
    try:
        return {"value": dump(run(*case))}
    except LedgerError as err:
        return {"error": type(err).__name__, "message": str(err)}


def list_cases():
    for method, options in READS.items():
        names = [method, f"opt_{method}"] if method in OPTIONAL else [method]
        for name in names:
            for rest in options:
                yield from (({"m": value}, name, rest) for value in ODD)
                yield {}, name, rest
                yield {"m": "active", "n": 1}, name, rest
                yield {"m": 3, "z": 1, "y": 2}, name, rest


def test_every_kind_of_member():
    cases = list(list_cases())
    asked = []
    for value, method, rest in cases:
        name = "opt" + method[4:].title() if method.startswith("opt_") else method
        asked.append([value, name, [Keywords(rest)] if isinstance(rest, dict) else list(rest)])
    found, ours = run_node(SCRIPT, asked), [settle(case) for case in cases]
    for case, theirs, mine in zip(cases, found, ours, strict=True):
        assert theirs.get("error") == mine.get("error"), (case, theirs, mine)
        assert theirs.get("value") == mine.get("value"), (case, theirs, mine)
    assert {one.get("error") for one in ours} == {None, "MalformedDocumentError", "NonCanonicalEncodingError"}


def test_refusals_name_the_same_member():
    """People look for the member that is named, so both name the same one."""
    cases = [case for case in list_cases() if case[1] in {"text", "texts", "objects", "object", "date"}]
    asked = [
        [value, method, [Keywords(rest)] if isinstance(rest, dict) else list(rest)]
        for value, method, rest in cases
    ]
    for theirs, mine in zip(run_node(SCRIPT, asked), (settle(case) for case in cases), strict=True):
        if "error" in mine:
            assert theirs["message"].split(":")[0] == mine["message"].split(":")[0]


def test_what_is_no_object_is_not_read():
    values = [1, "x", True, [], [{}], json.loads("{}")]
    script = """async ({load, outcome}, values) => {
      const {Reader} = await load("fields")
      return Promise.all([...values, null, undefined].map(async (value) => (await outcome(() =>
        new Reader(value).path)).error ?? null))
    }"""
    assert (
        run_node(script, values) == ["MalformedDocumentError"] * 5 + [None] + ["MalformedDocumentError"] * 2
    )
