"""What somebody hands in to be checked: a picture of a code, a signed PDF, a proof bundle.

A picture is read in a process of its own that can do nothing else; documents are parsed by the verifier's
strict parsers, under their limits. What is said of a document is about the file as it was handed in, and then
about how the document that it names stands now. The file is judged by what this server's registers say of its keys
by now, not only by the evidence in it; of a supplement the log must have that very file.

>>> UploadDesk(verdicts, sessions, prover, clock).look(raw)
FileFinding(shown=<Shown.VALID: 'VALID'>, ...)
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from api.choosing import GOOD, choose_shown
from api.shown import Shown
from api.trusting import TrustingSessions
from api.verdicts import Finding, Verdicts
from ledger.confined.runner import Limits, read_confined
from ledger.core.act import Act
from ledger.core.bundle import parse_bundle
from ledger.core.errors import InputError, MalformedDocumentError, NotFoundError
from ledger.core.event import EventType
from ledger.core.step import Check, Outcome, Step
from ledger.core.supplement import ActProof
from ledger.proving import Prover
from verifier.pdf import parse_sealed_pdf, verify_pdf
from verifier.report import Report
from verifier.session import Session
from verifier.verify import verify_bundle

MAX_FILE_BYTES: Final = 10 * 1024 * 1024
_PICTURES: Final = Limits(
    memory_bytes=1024 * 1024 * 1024, cpu_seconds=10, wall_seconds=20, answer_bytes=64 * 1024
)
_READER: Final = "api.picture_reader:read_picture"


_OF_THE_FILE: Final = (Step.INTEGRITY, Step.BINDING, Step.SEAL, Step.INCLUSION)
"""What must have passed before a file is said to be as it was issued; the last is, of a supplement, its own."""


@dataclass(frozen=True, slots=True)
class FileFinding:
    """What was found out about a document that was handed in."""

    report: Report
    """Of the file itself, every step."""
    now: Finding | None
    """How the document that the file names stands now; None: this server does not hold it."""
    knows_keys: bool = True
    """Whether the registers of this server had a word in it; without them nothing is known of a key's end."""

    @property
    def is_altered(self) -> bool:
        """Tell whether the file's own evidence fails."""
        return bool(self.failures)

    @property
    def is_intact(self) -> bool:
        """Tell whether everything shows that the file is as it was issued."""
        return self.knows_keys and self.report.authentic and not (self.failures or self.doubts)

    @property
    def failures(self) -> list[Check]:
        """Return the steps that failed."""
        return [check for check in self.report.checks if check.outcome is Outcome.FAILED]

    @property
    def doubts(self) -> list[Check]:
        """Return the steps about the file itself that nothing was at hand for."""
        own = (check for check in self.report.checks if check.step in _OF_THE_FILE)
        return [check for check in own if check.outcome is Outcome.NOT_CHECKED]


class UploadDesk:
    """Looks at files. Safe to share between threads."""

    def __init__(
        self,
        verdicts: Verdicts,
        sessions: TrustingSessions,
        prover: Prover,
        clock: Callable[[], datetime],
    ) -> None:
        """Take what looking at files needs.

        Args:
            verdicts: knows how documents stand.
            sessions: what is believed, and what has become of keys.
            prover: over the same store, for the acts of supplements.
            clock: returns the time, aware UTC.
        """
        self._verdicts = verdicts
        self._sessions = sessions
        self._prover = prover
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
            return self._look_at_pdf(raw)
        if raw.lstrip()[:1] == b"{":
            bundle, session = parse_bundle(raw), self._sessions.open()
            report = verify_bundle(bundle, session, self._clock())
            return FileFinding(report, self._find_now(bundle.statement_raw), _knows_keys(session))
        return _read_picture(raw)

    def choose_shown(self, finding: FileFinding) -> Shown:
        """Return the one verdict that people read: of the file if it is altered, else of its document now.

        Nothing is green that this server does not hold: the file tells how it stood when the file was made. Nor is
        a file of which nothing shows that it is as it was issued, however well its document stands.
        """
        if finding.is_altered:
            return Shown.TAMPERED
        if finding.now is None:
            shown = choose_shown(finding.report, self._sessions.policy)
            return Shown.CANNOT_CHECK if shown in GOOD else shown
        shown = finding.now.shown
        return Shown.CANNOT_CHECK if shown in GOOD and not finding.is_intact else shown

    def _look_at_pdf(self, raw: bytes) -> FileFinding:
        sealed = parse_sealed_pdf(raw)
        bundle, session = parse_bundle(sealed.bundle), self._sessions.open()
        now = self._find_now(bundle.statement_raw)
        is_supplement = sealed.supplement is not None
        act = self._find_act(raw, now) if is_supplement and now is not None else None
        return FileFinding(verify_pdf(raw, session, self._clock(), act=act), now, _knows_keys(session))

    def _find_now(self, statement: bytes) -> Finding | None:
        try:
            return self._verdicts.of_statement(statement)
        except NotFoundError:
            return None

    def _find_act(self, raw: bytes, now: Finding) -> ActProof | None:
        """Return the proof that the log has this very file as a supplement; None: it does not show here."""
        digest = hashlib.sha256(raw).digest()
        for happening in self._verdicts.history_of(now)[0].happenings:
            is_supplement = happening.signed.statement.type is EventType.SUPPLEMENT
            content = happening.content
            if is_supplement and isinstance(content, Act) and content.document == digest:
                try:
                    return ActProof(
                        happening.signed.raw, self._prover.tlog_proof(happening.leaf_index).encode()
                    )
                except NotFoundError:  # under no checkpoint yet
                    return None
        return None


def _knows_keys(session: Session) -> bool:
    return session.trusted is not None


def _read_picture(raw: bytes) -> str:
    rows = read_confined(_READER, raw, _PICTURES)
    if len(rows) != 1 or not isinstance(rows[0], str):
        raise InputError("no QR code was found in the picture", field="file")
    return rows[0]
