"""The whole error tree, drawn once; five branches, by what the caller must do.

    LedgerError
    ├─ InputError         fix the document; never retry        exit 2
    │   ├─ MalformedDocumentError      ├─ NonCanonicalEncodingError   ├─ UnitError
    │   ├─ PolicyMismatchError         ├─ OutOfTimeError (of a reader)
    │   └─ DocumentRefusedError (carries every Reason at once)
    ├─ VerificationError  evidence fails; never softened       exit 1
    │   ├─ BrokenSignatureError        ├─ InclusionProofError
    │   ├─ ConsistencyProofError       ├─ AnchorMismatchError
    │   └─ ContradictionError
    ├─ StateError         right request, wrong moment          exit 2
    │   ├─ NotFoundError ─ ContentWithheldError  ├─ AlreadyIssuedError  ├─ StaleVersionError  ├─ WrongChainError
    │   └─ ReadOnlyError (carries its sentence in Chinese too)
    ├─ UnavailableError   store or chain out of reach          exit 3
    │   ├─ StoreUnavailableError  ├─ ChainUnavailableError  ├─ HomeLockedError
    │   └─ TokenUnavailableError
    └─ LogIntegrityError  our own records disagree             exit 4, stop writing
        ├─ ChainContradictionError    the chain contradicts what it showed before: stop anchoring, nothing else
        └─ DamagedRowError (names the row)

`parse_*` functions raise only `InputError`, whatever the bytes. Adapters translate foreign exceptions at
their own edge with `raise ... from err`. "Could not look" is never an error of this tree: it is the outcome
NOT_CHECKED of a verification step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

ErrorT = TypeVar("ErrorT", bound="LedgerError")


class LedgerError(Exception):
    """Root of everything this product raises on purpose."""

    zh: str | None = None
    """The sentence in Chinese, where people read it on a page."""


def copy_error(error: ErrorT) -> ErrorT:
    """Return the same error with all it says, and without the frames that it came through.

    Who keeps an error keeps these frames by its traceback, and with them whatever was being read. An error that is
    raised again, perhaps in two threads at once, is a copy each time.

    >>> copy_error(InputError("too long", field="file")).field
    'file'
    """
    kind = type(error)
    copied = kind.__new__(kind)  # not by calling it: what an error takes is not always what it keeps
    copied.args = error.args
    copied.__dict__.update(error.__dict__)
    return copied


class InputError(LedgerError):
    """The given document or value is wrong; the same input will never be accepted.

    `field` names the member (`instrument.serial`) or the row (`row 7: serial`), if one is to blame.
    """

    def __init__(self, message: str, *, field: str | None = None, zh: str | None = None) -> None:
        super().__init__(message if field is None else f"{field}: {message}")
        self.field = field
        self.reason = message
        self.zh = zh


class MalformedDocumentError(InputError):
    """Not of the expected shape: a member is missing, unknown, of the wrong type or out of range."""


class NonCanonicalEncodingError(InputError):
    """Well-formed, but not in the one spelling that this format allows."""


class OutOfTimeError(InputError):
    """Not read within the time allowed; on a machine with less to do it may be."""


class UnitError(InputError):
    """Not a unit of measurement this product knows, or units that cannot be compared."""


class PolicyMismatchError(InputError):
    """The document belongs to another log than the policy's, or the policy itself cannot be used."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One ground for refusing a document."""

    code: str
    """Stable upper-case code, as `SCOPE`, `EXPIRY`."""
    field: str
    """Path of the member to blame, as `validity.until`."""
    en: str
    """One plain sentence in English."""
    zh: str
    """The same sentence in Chinese."""


class DocumentRefusedError(InputError):
    """A well-formed document that must not be issued or admitted; every reason is given at once."""

    def __init__(self, reasons: Sequence[Reason]) -> None:
        super().__init__("; ".join(f"{reason.field}: {reason.en}" for reason in reasons))
        self.reasons = tuple(reasons)


class VerificationError(LedgerError):
    """The evidence does not hold. Never softened, never retried."""


class BrokenSignatureError(VerificationError):
    """A signature does not verify with the key that it names."""


class InclusionProofError(VerificationError):
    """An inclusion proof does not lead to the root it should lead to."""


class MapProofError(VerificationError):
    """A proof of the status map does not lead to the root it should lead to, or does not show a subject."""


class ConsistencyProofError(VerificationError):
    """Two tree heads are not prefix and extension of one log."""


class AnchorMismatchError(VerificationError):
    """The chain, or a receipt about it, says something else than the evidence at hand."""


class ContradictionError(VerificationError):
    """A published log contradicts itself, or the policy.

    `file` is the path in the tree of files, or of a document; `leaf_index` the leaf, if one is to blame.
    """

    def __init__(self, message: str, *, file: str = "", leaf_index: int | None = None) -> None:
        place = file if leaf_index is None else f"{file}, leaf {leaf_index}"
        super().__init__(f"{place}: {message}" if place else message)
        self.file = file
        self.leaf_index = leaf_index
        self.reason = message


class StateError(LedgerError):
    """A right request at the wrong moment."""

    def __init__(self, message: str = "", *, zh: str | None = None) -> None:
        super().__init__(message)
        self.zh = zh


class NotFoundError(StateError):
    """No such record."""


class ContentWithheldError(NotFoundError):
    """The bytes of this document have been taken away, as the law demanded; its place in the log has not."""

    def __init__(self, message: str) -> None:
        super().__init__(message, zh="该文件内容依法不予公开")


class AlreadyIssuedError(StateError):
    """This number, digest or request key is taken by other content."""


class StaleVersionError(StateError):
    """The expected version of a subject is no longer its newest one."""


class WrongChainError(StateError):
    """The node serves another chain or contract than this home was made for."""


class ReadOnlyError(StateError):
    """Somebody outside holds more of this log, or another log, than this ledger does: nothing is written."""

    zh: str

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en, zh=zh)
        self.en = en


class UnavailableError(LedgerError):
    """Something outside this process cannot be reached now; a later try may succeed."""


class StoreUnavailableError(UnavailableError):
    """The database is out of reach."""


class ChainUnavailableError(UnavailableError):
    """The node is out of reach or does not answer in time."""


class HomeLockedError(UnavailableError):
    """Another process holds this home's log."""


class TokenUnavailableError(UnavailableError):
    """The token that holds a key is away, or does not answer as it should."""


class LogIntegrityError(LedgerError):
    """Our own records disagree: stop writing and call a person."""


class ChainContradictionError(LogIntegrityError):
    """The chain, or its node, contradicts what it showed before: anchoring waits for a person, issuing goes on."""


class DamagedRowError(LogIntegrityError):
    """A stored row is not what it must be.

    `table`, `key` and `column` name it, as `entries`, `leaf_index 7`, `issuer`; the column is empty where the
    whole row is missing or too many. `expected` says what it should be.
    """

    def __init__(
        self, table: str, key: str = "", column: str = "", expected: str = "in order", reason: str = ""
    ) -> None:
        place = f"table {table}, row {key}" + (f", column {column}" if column else "")
        super().__init__(f"{place}: should be {expected}" + (f" ({reason})" if reason else ""))
        self.table = table
        self.key = key
        self.column = column
        self.expected = expected
