"""What somebody hands in to be checked: a picture of a code, a signed PDF, a proof bundle.

A picture is read in a process of its own that can do nothing else; documents are parsed by the verifier's
strict parsers, under their limits. What is said of a document is about the file as it was handed in, and then
about how the document that it names stands now.

>>> UploadDesk(verdicts, policy, clock).look(raw)
FileFinding(shown=<Shown.VALID: 'VALID'>, ...)
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from api.choosing import GOOD, choose_shown
from api.shown import Shown
from api.verdicts import Finding, Verdicts
from ledger.confined.runner import Limits, read_confined
from ledger.core.bundle import parse_bundle
from ledger.core.data import load_rule_book
from ledger.core.errors import InputError, MalformedDocumentError, NotFoundError
from ledger.core.policy import Policy
from ledger.core.step import Check, Outcome
from verifier.pdf import parse_sealed_pdf, verify_pdf
from verifier.report import Report
from verifier.session import Session
from verifier.verify import verify_bundle

MAX_FILE_BYTES: Final = 10 * 1024 * 1024
_PICTURES: Final = Limits(
    memory_bytes=1024 * 1024 * 1024, cpu_seconds=10, wall_seconds=20, answer_bytes=64 * 1024
)
_READER: Final = "api.picture_reader:read_picture"


@dataclass(frozen=True, slots=True)
class FileFinding:
    """What was found out about a document that was handed in."""

    report: Report
    """Of the file itself, every step."""
    now: Finding | None
    """How the document that the file names stands now; None: this server does not hold it."""

    @property
    def is_altered(self) -> bool:
        """Tell whether the file's own evidence fails."""
        return any(check.outcome is Outcome.FAILED for check in self.report.checks)

    @property
    def failures(self) -> list[Check]:
        """Return the steps that failed."""
        return [check for check in self.report.checks if check.outcome is Outcome.FAILED]


class UploadDesk:
    """Looks at files. Safe to share between threads."""

    def __init__(self, verdicts: Verdicts, policy: Policy, clock: Callable[[], datetime]) -> None:
        """Take who knows how documents stand, what is believed, and the time, aware UTC."""
        self._verdicts = verdicts
        self._session = Session(policy, load_rule_book(), None)
        self._policy = policy
        self._clock = clock

    def look(self, raw: bytes) -> str | FileFinding:
        """Return the text of the code in a picture, or what was found out about a document.

        Args:
            raw: the whole file, at most `MAX_FILE_BYTES`.

        Raises:
            InputError: neither a picture with one QR code, nor a document of this kind; or of another log.
            UnavailableError: the store is out of reach.
        """
        if not raw:
            raise MalformedDocumentError("no file was chosen, or it is empty", field="file")
        if raw.startswith(b"%PDF-"):
            bundle = parse_bundle(parse_sealed_pdf(raw).bundle)
            return self._judge(verify_pdf(raw, self._session, self._clock()), bundle.statement_raw)
        if raw.lstrip()[:1] == b"{":
            bundle = parse_bundle(raw)
            return self._judge(verify_bundle(bundle, self._session, self._clock()), bundle.statement_raw)
        return _read_picture(raw)

    def choose_shown(self, finding: FileFinding) -> Shown:
        """Return the one verdict that people read: of the file if it is altered, else of its document now.

        Nothing is green that this server does not hold: the file tells how it stood when the file was made.
        """
        if finding.is_altered:
            return Shown.TAMPERED
        if finding.now is not None:
            return finding.now.shown
        shown = choose_shown(finding.report, self._policy)
        return Shown.CANNOT_CHECK if shown in GOOD else shown

    def _judge(self, report: Report, statement: bytes) -> FileFinding:
        try:
            return FileFinding(report, self._verdicts.of_statement(statement))
        except NotFoundError:
            return FileFinding(report, None)


def _read_picture(raw: bytes) -> str:
    rows = read_confined(_READER, raw, _PICTURES)
    if len(rows) != 1 or not isinstance(rows[0], str):
        raise InputError("no QR code was found in the picture", field="file")
    return rows[0]
