"""Rows of a file as drafts of the sign-off: whom each row names, and which way its file must go. Pure.

A document of which a person with a registered key answers carries that person's proof, so that no file alone can
issue it: its rows become drafts, which operator, checker and approver sign one after the other. Only a file that
names nobody with a key is issued at once, its persons signing by the times that it says.

>>> row = read_file_row(Row(5, value), institution)
>>> row.number, row.people[Role.OPERATOR].pid
(5, 'P-0107')
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from issuer.batch import Row
from issuer.drafting import Request, read_request
from ledger.core.canonical import JsonObject, JsonValue
from ledger.core.errors import MalformedDocumentError
from ledger.core.fields import Reader
from ledger.core.ids import InstitutionId
from ledger.core.record import DocumentType, Role

ONLY_ROW: Final = 0
"""Number of the only document of a file that has no rows."""
_TIME: Final = "signed_at"
"""Member that says when a person has signed, as a time or as a day offset; a draft is signed when it is signed."""


class Way(StrEnum):
    """How documents of a file come about."""

    ISSUE = "issue"
    """At once: nobody whom it names has a key."""
    SIGN_OFF = "sign_off"
    """As drafts, which people sign."""


@dataclass(frozen=True, slots=True)
class FoundWay:
    """Which way a file goes, and why."""

    way: Way
    keyed: tuple[str, ...] = ()
    """Persons whom the file names and who have keys of their own; none: the file names nobody."""


@dataclass(frozen=True, slots=True)
class NamedPerson:
    """A person as a row names one."""

    pid: str
    name: str | None
    key: str | None
    """Multikey; None: the row says none."""
    has_time: bool
    """Whether the row says when this person signed; who signs a draft does so when they sign."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """One row as a draft."""

    number: int
    """Row of the table, or line of the file, from 1; `ONLY_ROW`: there are none."""
    request: Request
    """Of the whole row as it was given: the same row, in whatever file, is the same draft."""
    people: Mapping[Role, NamedPerson]
    """Those whom it names."""
    content: JsonObject
    """What the draft will hold: the row without its persons, with a request id."""


def find_way(rows: Iterable[Row], has_key: Callable[[str], bool]) -> FoundWay:
    """Return which way a file goes.

    Args:
        rows: of the file; what cannot be read in one says nothing here.
        has_key: tells whether a person, by public pseudonym, has a registered key.
    """
    named: dict[str, bool] = {}
    needs_nobody = True
    for row in rows:
        value = row.value or {}
        for pid, brings_key in _list_pids(value.get("persons")):
            named[pid] = named.get(pid, False) or brings_key
        needs_nobody = needs_nobody and value.get("doc_type") == DocumentType.PAPER_REGISTER
    keyed = sorted(pid for pid, brings_key in named.items() if brings_key or has_key(pid))
    if keyed or not (named or needs_nobody):
        return FoundWay(Way.SIGN_OFF, tuple(keyed))
    return FoundWay(Way.ISSUE)


def _list_pids(persons: "JsonValue | None") -> Iterable[tuple[str, bool]]:
    for person in persons if isinstance(persons, list) else []:
        if isinstance(person, dict) and isinstance(pid := person.get("pid"), str):
            yield pid, "key" in person


def read_file_row(row: Row, institution: InstitutionId) -> FileRow:
    """Read a row as a draft.

    Raises:
        InputError: it could not be read as a row, or its persons, its request id or its spelling are wrong.
    """
    if row.error is not None:
        raise row.error
    value = row.value or {}
    request = read_request(value, institution)
    if "issued_on" in value:
        zh = "为批准之日，尚不可知，请留空"
        message = "is the day of the approval, which nobody knows yet: leave it out"
        raise MalformedDocumentError(message, field="issued_on", zh=zh)
    people = _read_people(value.get("persons", []))
    content = {name: item for name, item in value.items() if name != "persons"}
    return FileRow(row.number or ONLY_ROW, request, people, {**content, "request_id": request.id})


def _read_people(value: JsonValue) -> dict[Role, NamedPerson]:
    if not isinstance(value, list):
        raise MalformedDocumentError("a list is expected here", field="persons")
    people: dict[Role, NamedPerson] = {}
    for place, item in enumerate(value):
        members = (
            {name: one for name, one in item.items() if name != _TIME} if isinstance(item, dict) else item
        )
        reader = Reader(members, f"persons[{place}]")
        role = reader.enum("role", Role)
        if role in people:
            reader.refuse("role", f"a second {role.value} is named")
        people[role] = NamedPerson(
            reader.text("pid", max_bytes=40),
            reader.opt_text("name"),
            reader.opt_text("key"),
            has_time=isinstance(item, dict) and _TIME in item,
        )
        reader.finish()
    return people
