"""What stickers say, from their two sources: rolls that were allotted, and certificates that are in force.

A sticker of a roll stands for nothing until it is bound: it bears its id, the host and the institution, nothing
else. One of a certificate says that the instrument has passed, so there is none of a document that must not be
relied on: the QR code of such a document is on its paper only.

>>> find_refusals(record, standing, date(2026, 11, 3))
[Sentence(en='it is withdrawn', zh='已撤回')]
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from issuer.rendering.label import Label, LabelLine
from issuer.rendering.wording import (
    LABELS,
    STICKER_BANNER,
    STICKER_HINT,
    STICKER_TITLE,
    VALIDITY_LABELS,
    Words,
)
from ledger.core.calendar_rules import ValidityKind
from ledger.core.errors import InputError
from ledger.core.ids import InstitutionId
from ledger.core.qr import QrForm, choose_form, compute_code, encode_long_url, encode_short_url, format_code
from ledger.core.record import DocumentType, Record, VerificationKind
from ledger.core.register_fields import RegisterState
from ledger.core.statement import Conclusion
from ledger.core.status import Registers, Status, SubjectState
from ledger.core.step import Sentence
from ledger.core.sticker import RollContent, compute_sticker_id, encode_sticker_url

UNKNOWN: Final = Sentence("the desk has no document of this number", "本机构没有该编号的文件")
NOT_LOGGED: Final = Sentence("it is not in the log", "未记入账本")

_REJECTED: Final = Sentence(
    "it is a rejection notice; the old sticker is to be unbound", "为检定结果通知书；原有标识应解除绑定"
)
_OTHER_TYPE: Final = Sentence("it is no verification certificate", "不是检定证书")
_IN_SERVICE: Final = Sentence(
    "it is about an in-service inspection; the sticker of the verification stays",
    "为使用中检查；原检定标识继续有效",
)
_NEWER: Final = Sentence("its instrument has a newer document", "该器具已有更新的证书")
_SAID_OF_DOCUMENTS: Final = {
    Status.FAILED: Sentence("it states a failure", "检定不合格"),
    Status.SUPERSEDED: Sentence("it is superseded", "已被代替"),
    Status.CANCELLED: Sentence("it is cancelled", "已注销"),
    Status.WITHDRAWN: Sentence("it is withdrawn", "已撤回"),
    Status.SUSPENDED: Sentence("it is suspended", "已暂停使用"),
}
_SAID_OF_INSTRUMENTS: Final = {
    Status.FAILED: Sentence("its instrument has failed a later verification", "其后检定不合格"),
    Status.NEEDS_REVERIFICATION: Sentence("its instrument must be verified again", "须重新检定"),
}
_SAID_OF_LOTS: Final = {
    Status.FAILED: Sentence("its lot has failed", "所属批次不合格"),
    Status.CANCELLED: Sentence("its lot is cancelled", "所属批次已注销"),
    Status.WITHDRAWN: Sentence("its lot is withdrawn", "所属批次已撤回"),
    Status.SUSPENDED: Sentence("its lot is suspended", "所属批次已暂停使用"),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """Newest states of a document, of the instrument or part that it is about, and of its lot."""

    document: SubjectState | None
    instrument: SubjectState | None
    lot: SubjectState | None


@dataclass(frozen=True, slots=True)
class StickerSource:
    """What all stickers of one run have in common."""

    institution: InstitutionId
    name: Words
    """Of the institution; the English one may be empty."""
    host: str
    development: bool

    @property
    def banner(self) -> Words | None:
        """What stands on stickers that nobody may rely on."""
        return STICKER_BANNER if self.development else None


def check_roll(roll: RollContent, first: int, last: int, institution: InstitutionId) -> None:
    """Check that these stickers of a roll may be printed.

    Raises:
        InputError: another institution's roll, one that is not active, or no such numbers.
    """
    if roll.institution != institution:
        raise InputError(
            f"roll {roll.roll} is allotted to {roll.institution}, this home is that of {institution}",
            field="roll.institution",
            zh=f"卷号{roll.roll}已发放给{roll.institution}，不是本机构{institution}",
        )
    if roll.state is not RegisterState.ACTIVE:
        raise InputError(
            f"roll {roll.roll} is {roll.state.value}: no sticker of it can be bound any more",
            field="roll.state",
            zh=f"卷号{roll.roll}已停用，其中的标志不能再启用",
        )
    if last >= roll.count:
        raise InputError(f"roll {roll.roll} has the numbers 0 to {roll.count - 1}, not {last}", field="--to")
    if first > last:
        raise InputError(f"{first} is beyond {last}, where the stickers end", field="--from")


def check_allotted(roll: RollContent, registers: Registers) -> None:
    """Check that the ledger has a roll as it stands in a file: nobody could bind a sticker of another one.

    Raises:
        InputError: it has not, or the roll was withdrawn since.
    """
    known = registers.rolls.get(roll.roll)
    if known is None:
        raise InputError(
            f"the ledger knows no roll {roll.roll}: allot it first",
            field="roll.roll",
            zh=f"账本中没有卷号{roll.roll}，请先发放",
        )
    if known.state is not roll.state:
        raise InputError(
            f"roll {roll.roll} is {known.state.value} by now",
            field="roll.state",
            zh=f"卷号{roll.roll}的状态已有变化",
        )
    if known != roll:
        raise InputError(
            f"roll {roll.roll} was allotted with another count or seed",
            field="roll",
            zh=f"与账本中的卷号{roll.roll}不一致",
        )


def list_roll_labels(
    roll: RollContent, numbers: range, source: StickerSource, *, date_line: bool
) -> Iterator[Label]:
    """Yield labels of a roll.

    Args:
        roll: the roll; see `check_roll`.
        numbers: of the stickers.
        source: institution and host.
        date_line: leave a line for the end of validity, to be written by hand.
    """
    lines = (LabelLine("valid_until", LABELS["valid_until"], ""),) if date_line else ()
    for number in numbers:
        sticker = compute_sticker_id(roll, number)
        yield Label(
            name=format_code(sticker),
            qr_texts=(encode_sticker_url(sticker, source.host),),
            host=source.host,
            code=format_code(sticker),
            issuer=source.name,
            lines=lines,
            hint=STICKER_HINT,
            banner=source.banner,
        )


def find_refusals(record: Record, standing: Standing, today: date) -> list[Sentence]:
    """Return every reason why there is no sticker of a document; none if there is one.

    Args:
        record: of the document.
        standing: newest states that the log knows.
        today: in the zone of the institution; the last day of validity counts.
    """
    return [*_list_own_reasons(record, today), *_list_stated_reasons(standing)]


def build_certificate_label(record: Record, statement: bytes, source: StickerSource) -> Label:
    """Return the label of a certificate that nothing speaks against.

    Args:
        record: of the certificate.
        statement: signed, goes into the code as far as there is room.
        source: English name of the institution, and host.
    """
    code = compute_code(statement)
    short = encode_short_url(code, source.host)
    has_long = choose_form(statement).form is QrForm.LONG
    return Label(
        name=record.number,
        qr_texts=(encode_long_url(statement, source.host), short) if has_long else (short,),
        host=source.host,
        code=format_code(code),
        issuer=Words(record.issuer.name, source.name.en),
        title=STICKER_TITLE,
        lines=tuple(_list_lines(record)),
        banner=source.banner,
    )


def _list_lines(record: Record) -> Iterator[LabelLine]:
    validity, instrument = record.validity, record.instrument
    if validity.until is not None:
        yield LabelLine(
            "validity.until", VALIDITY_LABELS[validity.kind], validity.until.isoformat(), large=True
        )
    yield LabelLine("instrument.name", LABELS["name"], instrument.name)
    if instrument.model is not None:
        yield LabelLine("instrument.model", LABELS["model"], instrument.model)
    yield LabelLine("instrument.serial", LABELS["serial"], instrument.serial)
    yield LabelLine("no", LABELS["number"], record.number)


def _list_own_reasons(record: Record, today: date) -> Iterator[Sentence]:
    """Yield what the document says against itself."""
    if record.document_type is DocumentType.REJECTION_NOTICE:
        yield _REJECTED
    elif record.document_type is not DocumentType.VERIFICATION_CERTIFICATE:
        yield _OTHER_TYPE
    elif record.kind is VerificationKind.IN_SERVICE:
        yield _IN_SERVICE
    elif record.conclusion is not Conclusion.PASS:
        yield _SAID_OF_DOCUMENTS[Status.FAILED]
    until = record.validity.until
    if until is not None and until < today:
        if record.validity.kind is ValidityKind.SERVICE_LIFE:
            yield Sentence(f"its service life has ended on {until}", f"使用期限已于{until}届满")
        else:
            yield Sentence(f"it has expired on {until}", f"已于{until}过期")


def _list_stated_reasons(standing: Standing) -> Iterator[Sentence]:
    """Yield what the log says against a document; a document that fails says so itself."""
    document, instrument, lot = standing.document, standing.instrument, standing.lot
    if document is None or instrument is None:
        yield NOT_LOGGED
        return
    if document.status not in {Status.VALID, Status.FAILED}:
        yield _describe(document.status, _SAID_OF_DOCUMENTS)
    is_newest = instrument.current_certificate == document.current_certificate
    if is_newest and instrument.status is Status.NEEDS_REVERIFICATION:
        yield _SAID_OF_INSTRUMENTS[instrument.status]
    elif not is_newest and document.status is not Status.SUPERSEDED:
        yield _SAID_OF_INSTRUMENTS.get(instrument.status, _NEWER)
    if lot is not None and lot.status is not Status.VALID:
        yield _describe(lot.status, _SAID_OF_LOTS)


def _describe(status: Status, words: dict[Status, Sentence]) -> Sentence:
    return words.get(status, Sentence(f"it is {status.name}", f"状态为{status.name}"))
