"""Reasons and flags as the desk stores them and devices get them: code, field, a sentence in each language.

>>> describe_faults([make_fault("CLOCK", "made_at", "ahead", "快")])
[{'code': 'CLOCK', 'field': 'made_at', 'en': 'ahead', 'zh': '快'}]
"""

from collections.abc import Iterable

from issuer.faults import Fault, describe_fault
from ledger.core.canonical import JsonObject, JsonValue, as_object


def make_fault(code: str, field: str, en: str, zh: str) -> Fault:
    """Return a reason that is of no row."""
    return Fault(None, code, field, en, zh)


def describe_faults(faults: Iterable[Fault]) -> list[JsonValue]:
    """Return faults as stored and as devices get them."""
    return [{**describe_fault(one), "field": one.field or ""} for one in faults]


def read_faults(remarks: JsonObject, name: str) -> tuple[Fault, ...]:
    """Return the reasons, or the flags, that were stored."""
    listed = remarks.get(name, [])
    members = [as_object(one) for one in listed] if isinstance(listed, list) else []
    return tuple(
        Fault(None, str(one["code"]), str(one["field"]) or None, str(one["en"]), str(one["zh"]))
        for one in members
    )
