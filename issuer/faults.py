"""What is wrong with an input document, as data: one entry per fault: a whole batch is reported at once.

>>> Fault(7, "EXPIRY", "validity.until", "later than 2027-05-19, the last day allowed", "…").text
'row 7: validity.until: later than 2027-05-19, the last day allowed'
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from ledger.core.errors import (
    AlreadyIssuedError,
    DocumentRefusedError,
    InputError,
    NonCanonicalEncodingError,
    Reason,
    UnitError,
)

_KINDS: Final[tuple[tuple[type[Exception], str, str], ...]] = (
    (AlreadyIssuedError, "ALREADY_ISSUED", "重复签发"),
    (UnitError, "UNIT", "计量单位有误"),
    (NonCanonicalEncodingError, "SPELLING", "写法有误"),
    (InputError, "MALFORMED", "内容有误"),
)
"""Kind of exception -> code, and the words that open the Chinese sentence; the first that fits."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One reason why a document is not issued."""

    row: int | None
    """Row of the table or line of the file, from 1; None for a single document."""
    code: str
    """Stable upper-case code, as `MALFORMED`, `SCOPE`."""
    field: str | None
    """Path of the member to blame; None where it is the document as a whole."""
    en: str
    zh: str

    @property
    def text(self) -> str:
        """Return row, field and reason as one English sentence."""
        return _join(None if self.row is None else f"row {self.row}", self.field, self.en)

    @property
    def text_zh(self) -> str:
        """Return row, field and reason as one Chinese sentence."""
        return _join(None if self.row is None else f"第{self.row}行", self.field, self.zh)


def describe_fault(fault: Fault) -> dict[str, Any]:
    """Return a reason as members of a result: code, field and a sentence in each language."""
    return {"code": fault.code, "field": fault.field, "en": fault.en, "zh": fault.zh}


MAX_ERRORS: Final = 50
"""So many of one document are told; whoever mends them learns of the rest."""


@dataclass(slots=True)
class Gathering:
    """Errors of one document, gathered so that its author sees them all at once."""

    errors: list[InputError] = field(default_factory=list)
    spoiled: set[str] = field(default_factory=set)
    """Paths of members of which an error is known, or which could not be worked out because of one."""

    @property
    def is_full(self) -> bool:
        """Return whether no more errors are noted."""
        return len(self.errors) >= MAX_ERRORS

    @contextmanager
    def watch(self, path: str) -> Iterator[None]:
        """Note an input error that the block raises as one of the member at this path."""
        try:
            yield
        except InputError as err:
            self.add(err, path)

    def add(self, error: InputError, path: str) -> None:
        """Note an error of the member at this path."""
        if not self.is_full:
            self.errors.append(error)
        self.spoiled.add(path)

    def is_spoiled(self, path: str) -> bool:
        """Tell whether something is wrong with the member at this path, with a part of it or with its whole."""
        return any(_holds(path, one) or _holds(one, path) for one in self.spoiled)


def list_faults(error: InputError | AlreadyIssuedError, row: int | None = None) -> list[Fault]:
    """Return what an exception says, one fault for each of its reasons."""
    if isinstance(error, DocumentRefusedError):
        return [_from_reason(reason, row) for reason in error.reasons]
    code, opening = next((code, zh) for kind, code, zh in _KINDS if isinstance(error, kind))
    field_name = error.field if isinstance(error, InputError) else "request_id"
    message = error.reason if isinstance(error, InputError) else str(error)
    return [Fault(row, code, field_name, message, f"{opening}：{error.zh or message}")]


def merge_errors(errors: Sequence[InputError]) -> InputError:
    """Return one error that says all of them, for callers who can take one only."""
    if len(errors) == 1:
        return errors[0]
    return type(errors[0])("; ".join(str(error) for error in errors))


def _holds(outer: str, path: str) -> bool:
    """Tell whether a path is, or lies within, another one."""
    return path == outer or path.startswith((f"{outer}.", f"{outer}["))


def _from_reason(reason: Reason, row: int | None) -> Fault:
    return Fault(row, reason.code, reason.field, reason.en, reason.zh)


def _join(*parts: str | None) -> str:
    return ": ".join(part for part in parts if part is not None)
