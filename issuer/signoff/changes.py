"""In which members two records differ: what a replacement says of itself, signed.

    {"no": "JY2026-000001", "reason": "TYPO", "changed": ["instrument.serial"]}

Paths are those of disclosure files: names, and positions from 0, joined by dots. Of a list whose length has
changed, and of a member that is there on one side only, the path is that of the whole. Personal members count by
their values, never by their commitments, whose salts differ in any case; only their paths are published.

>>> list_changes({"instrument": {"serial": "17"}}, {"instrument": {"serial": "71"}})
['instrument.serial']
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, Final

from ledger.core.canonical import JsonObject, JsonValue, as_object, parse_canonical_json
from ledger.core.disclosure import DisclosedMember, parse_disclosure
from ledger.core.record_parsing import MAX_CHANGED

_OF_THE_DESK: Final = frozenset({"v", "no", "nonce", "issuer", "issued_on", "persons", "replaces"})
"""Members that differ between any two documents, or say who answers for each."""
_CLOSED: Final = frozenset({"applicant", "instrument.owner"})
"""Personal members with members of their own, which the record does not show: named as wholes."""


def list_changes(older: JsonObject, newer: JsonObject) -> list[str]:
    """Return the paths in which two records differ, rising; the coarser ones where there are too many.

    Args:
        older: record with its personal values in the clear.
        newer: likewise.
    """
    paths = sorted(set(_compare(_keep(older), _keep(newer), "")))
    depth = max((path.count(".") for path in paths), default=0)
    while len(paths) > MAX_CHANGED and depth:
        paths = sorted({".".join(path.split(".")[:depth]) for path in paths})
        depth -= 1
    return paths


def read_whole_record(certificate: bytes, disclosure: bytes | None) -> JsonObject:
    """Return the record of a document with its personal values in the clear.

    Raises:
        InputError: not a document, or not its disclosure.
    """
    document = as_object(parse_canonical_json(certificate))
    record = as_object(document["credentialSubject"])
    return reveal(record, {} if disclosure is None else parse_disclosure(disclosure).members)


def reveal(record: JsonObject, members: Mapping[str, DisclosedMember]) -> JsonObject:
    """Return a copy of a record with values in the places of commitments."""
    whole: Any = deepcopy(record)
    for path, member in members.items():
        *steps, last = path.split(".")
        container = whole
        for step in steps:
            container = container[int(step)] if isinstance(container, list) else container[step]
        container[int(last) if isinstance(container, list) else last] = member.value
    return as_object(whole)


def _keep(record: JsonObject) -> JsonObject:
    return {name: value for name, value in record.items() if name not in _OF_THE_DESK}


def _compare(older: JsonValue, newer: JsonValue, path: str) -> Iterator[str]:
    if isinstance(older, dict) and isinstance(newer, dict) and path not in _CLOSED:
        for name in older.keys() | newer.keys():
            inner = f"{path}.{name}" if path else name
            if name in older and name in newer:
                yield from _compare(older[name], newer[name], inner)
            else:
                yield inner
    elif isinstance(older, list) and isinstance(newer, list) and len(older) == len(newer):
        for position, (one, other) in enumerate(zip(older, newer, strict=True)):
            yield from _compare(one, other, f"{path}.{position}")
    elif older != newer:
        yield path
