"""Printed documents from what the desk keeps: certificate, disclosure and bundle to one PDF.

A document is made on demand, after its certificate has been anchored, by whoever holds the seal key; made again
it has the newest bundle and another time of signing. Two copies exist: the public one, and the holder's, which
shows and embeds the personal members.

>>> press = Press(Typesetter(()), seal, letterhead, "q.example.cn", zone, development=False)
>>> pdf = press.print_document(stored, bundle, made_at, holder=False)
"""

from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from issuer.outputs import build_qr_text
from issuer.rendering.document import DocumentContent, Typesetter
from issuer.rendering.pades import PdfSeal, sign_pdf
from issuer.rendering.page import render_page
from issuer.rendering.sheet import Letterhead
from issuer.store import DocumentBytes
from ledger.core.certificate import parse_certificate
from ledger.core.disclosure import parse_disclosure
from ledger.core.errors import StateError
from ledger.core.ids import CertificateNumber
from ledger.core.status import Status, SubjectState
from ledger.core.supplement import Supplement

PRINTABLE = frozenset({Status.VALID, Status.FAILED})
"""A certificate with another status is not in force: nobody gets a fresh signature on it."""


@dataclass(frozen=True, slots=True)
class Press:
    """What all documents of one run have in common."""

    typesetter: Typesetter
    seal: PdfSeal | None
    """None leaves documents unsigned."""
    letterhead: Letterhead
    host: str
    """Lower-case DNS name that QR codes lead to."""
    zone: ZoneInfo
    development: bool

    def print_document(
        self, stored: DocumentBytes, bundle: bytes, made_at: datetime, *, holder: bool
    ) -> bytes:
        """Return the PDF of a document.

        Args:
            stored: what the desk keeps of it.
            bundle: its proof bundle.
            made_at: aware; time of making, and of the signature.
            holder: show and embed the personal members, if it has any.

        Raises:
            InputError: a character that no font has; the member is named.
            VerificationError: the disclosure is not that of the certificate.
        """
        pdf = self.typesetter.render(self._build_content(stored, bundle, holder=holder), made_at)
        return pdf if self.seal is None else sign_pdf(pdf, self.seal, made_at)

    def print_supplement(
        self, stored: DocumentBytes, bundle: bytes, supplement: Supplement, made_at: datetime
    ) -> bytes:
        """Return the PDF of a supplement to a document; arguments and errors as above."""
        content = replace(self._build_content(stored, bundle, holder=False), supplement=supplement)
        pdf = self.typesetter.render(content, made_at)
        return pdf if self.seal is None else sign_pdf(pdf, self.seal, made_at)

    def print_page(self, stored: DocumentBytes, *, holder: bool) -> bytes:
        """Return a document as an HTML page, which is never signed; arguments and errors as above."""
        return render_page(self._build_content(stored, None, holder=holder))

    def _build_content(self, stored: DocumentBytes, bundle: bytes | None, *, holder: bool) -> DocumentContent:
        disclosure = stored.disclosure if holder else None
        return DocumentContent(
            parse_certificate(stored.certificate),
            bundle,
            None if disclosure is None else parse_disclosure(disclosure),
            build_qr_text(stored.statement, self.host),
            self.letterhead,
            self.zone,
            self.development,
        )


def is_in_force(state: SubjectState | None) -> bool:
    """Tell whether a certificate in this state is in force."""
    return state is None or state.status in PRINTABLE


def require_in_force(number: CertificateNumber, state: SubjectState | None) -> None:
    """Check that a document may be printed.

    Raises:
        StateError: its certificate is withdrawn, cancelled, suspended or replaced.
    """
    if state is not None and not is_in_force(state):
        raise StateError(
            f"{number} is {state.status.name}: no document is made of a certificate not in force"
        )
