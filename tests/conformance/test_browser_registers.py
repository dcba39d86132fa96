"""The browser's registers and folds beside Python's: contents and whole logs, good and bad."""

import json
import os
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

from browser_node import run_node
from browser_registers import (
    SHOW,
    fold_here,
    fold_there,
    leave_acts,
    list_statements,
    run_here,
    without_message,
)
from ledger_in_memory import INSTITUTION, START, MemoryLedger, make_signer
from mutations import ODD_VALUES, added, removed, replaced, walk
from random_lives import live
from registered import (
    BLOCK,
    MATERIAL,
    PARENT,
    PERSON,
    PUMP_LIMITS,
    PUMP_RULE,
    STANDARD,
    TYPE,
    RegisteredLedger,
)
from stickers import ROLL, StickerLedger

from ledger.core.authority import CompromiseContent, encode_compromise_content
from ledger.core.canonical import encode_canonical_json
from ledger.core.encoding import parse_base64
from ledger.core.entry import HEADER_BYTES
from ledger.core.errors import InputError
from ledger.core.event import EventType
from ledger.core.person import encode_person_content
from ledger.core.published_rule import encode_regulation_content
from ledger.core.register_content import CONTENT_PARSERS, parse_content
from ledger.core.register_fields import RegisterState
from ledger.core.scope import Basis, ReadingRange, encode_scope_content
from ledger.core.standard import encode_material_content, encode_standard_content
from ledger.core.statement import RegisterClaims, parse_signed_statement
from ledger.core.status import Void
from ledger.core.sticker import encode_roll_content
from ledger.core.type_approval import encode_block_content, encode_type_approval_content
from ledger.core.unit import UNITS

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
LONG = os.environ.get("HENGZHENG_LONG") == "1"

# --- contents ---------------------------------------------------------------------------------------------

_FOUND = MemoryLedger().found()
(_LINE,) = _FOUND.registers.scopes.values()
_FULL_LINE = replace(
    _LINE,
    classes=frozenset({"0.3", "0.5"}),
    regulations=frozenset({"JJG 443-2023(试行)"}),
    range=ReadingRange(Decimal(5), Decimal("100.0"), UNITS["L"]),
    basis=Basis.PLEDGED,
    follow_up=date(2026, 12, 31),
)


def take_contents(ledger: MemoryLedger) -> list[tuple[EventType, bytes]]:
    """Return what the register statements of a log hold."""
    statements = [parse_signed_statement(leaf[HEADER_BYTES:]).statement for leaf in ledger.leaves]
    return [(one.type, one.claims.content) for one in statements if isinstance(one.claims, RegisterClaims)]


def follow_roots() -> MemoryLedger:
    ledger = MemoryLedger().found()
    ledger.append(ledger.next_root("root", "second root"))
    ledger.append(ledger.publish_policy(1))
    return ledger


CONTENTS = [
    *take_contents(follow_roots()),
    (EventType.KEY_COMPROMISED_FROM, encode_compromise_content(
        CompromiseContent(INSTITUTION, make_signer("seal").public_key, START))),
    (EventType.SCOPE, encode_scope_content(_FULL_LINE)),
    (EventType.PERSON, encode_person_content(replace(PERSON, key=make_signer("P").public_key))),
    (EventType.STANDARD, encode_standard_content(STANDARD)),
    (EventType.STANDARD, encode_standard_content(replace(PARENT, is_primary=True, is_mandatory=True))),
    (EventType.REFERENCE_MATERIAL, encode_material_content(MATERIAL)),
    (EventType.REGULATION, encode_regulation_content(PUMP_RULE, PUMP_LIMITS, RegisterState.ACTIVE)),
    (EventType.TYPE_APPROVAL, encode_type_approval_content(replace(TYPE, valid_until=date(2030, 1, 1)))),
    (EventType.BLOCK, encode_block_content(
        replace(BLOCK, models=frozenset({"A", "𝄞", "\uff21"}), serials=frozenset({"1"})))),
    (EventType.STICKER_ALLOTTED, encode_roll_content(ROLL)),
]  # fmt: skip
"""Of each kind one that is good, with as many members as it can have."""

STRANGE = (
    *ODD_VALUES, "ROOT", "examined", "verification", "false", "active", "2026-02-28", "9999-12-31", "0000-01-01",
    "10", "0.1", "-5", "L", "斤", "℃", "a\ufeffb", "a b", "a\u3000", "1" * 65, "衡" * 70, 2**53, ["b", "a"], ["a", "a"],
    ["\uff21", "𝄞"], ["𝄞", "\uff21"], ["OTHER"], ["periodic"], ["person", "standard"], {"root": "NIM"}, 7, 65,
    "91350100M000100Y43", "91350100M000100Y44", "7KQ2M9X001RCCF83", "7kq2m9x001rccf83",
    make_signer("other").public_key.multikey, {"zh": "所"}, {"zh": "所", "en": ""},
)  # fmt: skip


def spoil(raw: bytes) -> list[bytes]:
    """Return what becomes of a content by one change anywhere."""
    value = json.loads(raw)
    found = [raw, raw + b" ", raw[:-1], b"", b"[]", b"{}", b"null", b"7", raw.replace(b'":', b'": ', 1)]
    changed = [added(value, ())]
    for path, item in walk(value):
        changed.append(removed(value, path))
        changed += [replaced(value, path, odd) for odd in STRANGE]
        if isinstance(item, dict):
            changed.append(added(value, path))
        if isinstance(item, list) and item:
            changed += [
                replaced(value, path, item * 2),
                replaced(value, path, item[::-1]),
                added(value, path),
            ]
    for one in changed:
        try:
            found.append(encode_canonical_json(one))
        except (InputError, TypeError, ValueError):
            found.append(json.dumps(one).encode())
    return found


PARSE_SCRIPT = (
    """async ({load, outcome}, {calls}) => {
  const { parseContent } = await load("register_content")
  const show = """
    + SHOW
    + """
  const answers = []
  for (const [type, raw] of calls) answers.push(await outcome(() => show(parseContent(type, raw))))
  return answers
}"""
)


def test_contents_of_every_kind_are_read_or_refused_alike():
    assert {event for event, _ in CONTENTS} == set(CONTENT_PARSERS)
    cases = [(event, raw) for event, good in CONTENTS for raw in spoil(good)]
    cases += [(event, raw) for event in EventType for _, raw in CONTENTS]
    theirs = run_node(PARSE_SCRIPT, {"calls": cases})
    for (event, raw), found in zip(cases, theirs, strict=True):
        assert without_message(found) == run_here(parse_content, event, raw), (event, raw)
    good = [found for found in theirs if "value" in found]
    assert len(CONTENTS) < len(good) < len(theirs) / 2, "both sides of the line are met"


# --- whole logs -------------------------------------------------------------------------------------------


def read_logs() -> list[list[tuple[bytes, int]]]:
    """Return the statements of every log among the vectors that the browser folds, with their times."""
    logs = [json.loads(path.read_bytes()) for path in sorted(VECTORS.glob("fold/*/log.json"))]
    return [
        leave_acts(
            [(parse_base64(entry["statement"]), entry["sequenced_at_ms"]) for entry in log["statements"]]
        )
        for log in logs
    ]


def assert_folded_alike(logs: list[list[tuple[bytes, int]]]) -> list[dict]:
    found = fold_there(logs)
    for number, (log, theirs) in enumerate(zip(logs, found, strict=True)):
        ours = fold_here(log)
        for index, (header, other) in enumerate(zip(ours["headers"], theirs["headers"], strict=True)):
            assert other == header, (number, index)
        assert theirs["states"] == ours["states"], number
        assert theirs["registers"] == ours["registers"], number
    return found


def test_the_logs_among_the_vectors_are_folded_alike():
    logs = read_logs()
    assert len(logs) >= 10
    assert_folded_alike(logs)


def test_random_lives_are_folded_alike():
    ledgers = [live(seed, 60) for seed in range(400 if LONG else 40)]
    assert_folded_alike([leave_acts(list_statements(ledger.leaves)) for ledger in ledgers])
    outcomes = [outcome for ledger in ledgers for outcome in ledger.outcomes]
    void = [outcome for outcome in outcomes if isinstance(outcome, Void)]
    assert len(outcomes) / 4 < len(void) < len(outcomes) * 3 / 4, "much has effect, and much has none"


def test_logs_whose_registers_are_whole_are_folded_alike():
    ledgers = [RegisteredLedger(), StickerLedger(), follow_roots()]
    assert_folded_alike([leave_acts(list_statements(ledger.leaves)) for ledger in ledgers])
