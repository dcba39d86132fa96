"""Which labels a sheet of stickers gets: one of each certificate in force, all or none, and what their codes hold.

>>> labels, refused = LabelDesk(source, gateway, store, today).collect([CertificateNumber("JY2026-000001")])
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Protocol

from issuer.checking import cut
from issuer.rendering.label import Label
from issuer.rendering.stickers import FittedLabels
from issuer.sticker_labels import (
    NOT_LOGGED,
    UNKNOWN,
    Standing,
    StickerSource,
    build_certificate_label,
    find_refusals,
)
from issuer.store import DeskStore, DocumentBytes
from ledger.core.certificate import parse_certificate
from ledger.core.errors import InputError
from ledger.core.event import certificate_subject, instrument_subject, lot_subject
from ledger.core.ids import CertificateNumber, Subject
from ledger.core.qr import LongForm, parse_qr_text
from ledger.core.statement import IssueClaims, parse_signed_statement
from ledger.core.status import SubjectState
from ledger.core.step import Sentence

MAX_LABELS: Final = 10_000
"""Labels of one run, whose sheets stay in memory until all of them have been made."""
PAPER_ONLY: Final = Sentence("its QR code is on the paper only", "其二维码只印在纸质文件上")

_CHUNK: Final = 64


class States(Protocol):
    """A log that knows how things stand."""

    def find_states(self, subjects: Sequence[Subject]) -> Mapping[Subject, SubjectState]:
        """Return the newest states of those subjects that have one."""
        ...


@dataclass(frozen=True, slots=True)
class LabelRefusal:
    """A document of which there is no sticker, and why."""

    number: CertificateNumber
    reason: Sentence


@dataclass(frozen=True, slots=True)
class LabelDesk:
    """An institution's desk, and its way to the ledger."""

    source: StickerSource
    gateway: States
    store: DeskStore
    today: date

    def collect(self, numbers: Sequence[CertificateNumber]) -> tuple[list[Label], list[LabelRefusal]]:
        """Return a label of each certificate, and every reason against one."""
        wanted = list(dict.fromkeys(numbers))
        require_count(len(wanted))
        labels: list[Label] = []
        refused: list[LabelRefusal] = []
        for chunk in cut(wanted, _CHUNK):
            found = self._fetch(chunk)
            states = self._find_states(found.values())
            for number, entry in found.items():
                if isinstance(entry, Sentence):
                    refused.append(LabelRefusal(number, entry))
                    continue
                record = parse_certificate(entry.certificate).record
                document, instrument, lot = self._list_touched(entry)
                standing = Standing(
                    states.get(document), states.get(instrument), None if lot is None else states.get(lot)
                )
                reasons = find_refusals(record, standing, self.today)
                refused += [LabelRefusal(number, reason) for reason in reasons]
                if not reasons:
                    labels.append(build_certificate_label(record, entry.statement, self.source))
        return labels, refused

    def _fetch(
        self, numbers: Sequence[CertificateNumber]
    ) -> dict[CertificateNumber, DocumentBytes | Sentence]:
        """Return the bytes of each document; why there are none where it is unknown or not in the log."""
        found: dict[CertificateNumber, DocumentBytes | Sentence] = {}
        with self.store.read() as desk:
            known = desk.find_documents(numbers)
            for number in numbers:
                if number not in known:
                    found[number] = UNKNOWN
                elif known[number].leaf_index is None:
                    found[number] = NOT_LOGGED
                else:
                    found[number] = desk.fetch(number)
        return found

    def _find_states(self, entries: Iterable[DocumentBytes | Sentence]) -> Mapping[Subject, SubjectState]:
        documents = [entry for entry in entries if isinstance(entry, DocumentBytes)]
        touched = {subject for entry in documents for subject in self._list_touched(entry) if subject}
        return self.gateway.find_states(list(touched)) if touched else {}

    def _list_touched(self, stored: DocumentBytes) -> tuple[Subject, Subject, Subject | None]:
        """Return the subjects of a document: itself, the instrument or part, and its lot if it has one."""
        claims = parse_signed_statement(stored.statement).statement.claims
        if not isinstance(claims, IssueClaims):
            raise InputError("the statement is not about a certificate", field="statement")
        issuer = self.source.institution
        return (
            certificate_subject(issuer, claims.number),
            instrument_subject(claims.instrument_id, claims.part),
            None if claims.lot is None else lot_subject(issuer, claims.lot),
        )


def require_count(count: int) -> None:
    """Refuse more labels than one run prints.

    Raises:
        InputError: too many.
    """
    if count > MAX_LABELS:
        raise InputError(
            f"{count} labels; one run prints {MAX_LABELS}: print the others in another one", field="labels"
        )


def describe_forms(sheets: FittedLabels) -> dict[str, Any]:
    """Say how many codes hold their statement, and why the others do not."""
    labels = sheets.labels
    whole = sum(isinstance(parse_qr_text(fitted.qr_text, host=None), LongForm) for fitted in labels)
    too_long = sum(len(fitted.label.qr_texts) == 1 for fitted in labels)
    no_room = len(labels) - whole - too_long
    members: dict[str, Any] = {"codes_with_statement": whole, "codes_looked_up_online": no_room + too_long}
    if no_room or too_long:
        name, size = sheets.template.name, f"{sheets.template.code:f} mm"
        members["note"] = (
            "codes looked up online only name their certificate and prove nothing offline; for "
            f"{no_room} of them {name}, with room for {size}, is too small, {too_long} statements are too long"
        )
        members["note_zh"] = (
            f"须联网查询的二维码仅含查询码，不能离线核验：{no_room} 个因标签 {name} 仅容 {size} 的二维码，"
            f"{too_long} 个因签名声明过长"
        )
    return members
