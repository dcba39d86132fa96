"""What a page shows beside the verdict, as rows of words: nameplate, document, history, persons, standards, anchor.

Nothing personal: names, addresses and owners stand in the record as commitments, which are left out here.

>>> list_plate(document, record, Language.EN)[0]
('Instrument', 'Fuel dispenser (燃油加油机)')
"""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from api.details import Details, trace_standards
from api.negotiation import Language
from api.shown import Shown
from api.web.data import find_division, find_kind
from api.web.detail_words import (
    CODES,
    EVENTS,
    GRADES,
    KINDS,
    LOT_STATUSES,
    PURPOSES,
    REASONS,
    ROLES,
    STICKER_REASONS,
    say_issue,
)
from api.web.words import CONCLUSIONS, DOCUMENTS, say, say_date, say_instant
from ledger.core.act import Act
from ledger.core.encoding import encode_hex
from ledger.core.event import ISSUE_TYPES, EventType, instrument_subject
from ledger.core.link import SameAs, Split
from ledger.core.lot import LotContent
from ledger.core.qr import compute_code
from ledger.core.record import DocumentType, Record
from ledger.core.register_fields import Name
from ledger.core.statement import IssueClaims
from ledger.core.step import Sentence
from ledger.core.sticker_use import StickerBinding, StickerRelease
from ledger.history import Happening, History
from verifier.report import DocumentSummary

Row = tuple[str, str]

_CAUSES: Final = MappingProxyType(
    {
        Shown.WITHDRAWN: EventType.WITHDRAW,
        Shown.CANCELLED: EventType.CANCEL,
        Shown.SUSPENDED: EventType.SUSPEND,
        Shown.NEEDS_REVERIFICATION: EventType.REVERIFY_NEEDED,
    }
)
"""Verdicts that an act brings about, with that act."""
_ENDED_BY_REINSTATEMENT: Final = (EventType.WITHDRAW, EventType.CANCEL, EventType.SUSPEND)
_OF_DOCUMENT: Final = {Shown.WITHDRAWN, Shown.CANCELLED}
"""Of these, those that stand against one document; the others stand against its instrument."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a history."""

    day: str
    words: str
    notes: str
    """Number, reason and part, as far as there are any."""
    speaker: str
    code: str | None
    """Short code of the document, if the event issued one."""
    is_own: bool
    """Whether it is the document that the page is about."""


@dataclass(frozen=True, slots=True)
class Step:
    """One measurement standard of a chain of traceability."""

    depth: int
    name: str
    notes: str


def list_plate(document: DocumentSummary, record: Record | None, language: Language) -> list[Row]:
    """Return what stands on the nameplate and on the instrument itself, to be compared."""
    fields = [
        (Sentence("Instrument", "器具名称"), _name_instrument(document, language)),
        (Sentence("Maker", "制造单位"), document.maker),
        (Sentence("Model", "型号规格"), document.model),
        (Sentence("Serial number", "出厂编号"), document.serial),
    ]
    rows = [(say(name, language), value) for name, value in fields if value is not None]
    return rows if record is None else [*rows, *_list_further(record, language)]


def _name_instrument(document: DocumentSummary, language: Language) -> str | None:
    """Return what the document calls its instrument, and in English what kind that is: names are Chinese."""
    kind = None if language is Language.ZH else find_kind(document.category)
    if kind is None or document.instrument is None:
        return document.instrument
    return f"{kind.en[0].upper()}{kind.en[1:]} ({document.instrument})"


def _list_further(record: Record, language: Language) -> Iterator[Row]:
    instrument = record.instrument
    for name, value in (
        (Sentence("Range", "测量范围"), instrument.range),
        (Sentence("Accuracy class", "准确度等级"), instrument.accuracy_class),
        (Sentence("Software", "软件标识"), None if instrument.software is None else instrument.software.id),
    ):
        if value is not None:
            yield say(name, language), value
    for kind, code in instrument.codes:
        yield say(CODES[kind], language), code
    for seal in record.seals:
        yield f"{say(Sentence('Seal', '铅封'), language)} · {seal.point}", seal.no
    for part in instrument.parts:
        yield f"{say(Sentence('Part', '部件'), language)} {part.id}", _join(part.name, part.serial) or part.id
    if instrument.purpose is not None:
        yield say(Sentence("Use", "用途"), language), say(PURPOSES[instrument.purpose], language)
    if instrument.site is not None and instrument.site.division:
        place = say_division(instrument.site.division, language)
        yield say(Sentence("Region of use", "使用地"), language), place


def say_division(code: str, language: Language) -> str:
    """Return a division as people read it: the province by its name, and the whole code."""
    province = find_division(code)
    if province is None:
        return say(Sentence(f"division {code}", f"区划代码{code}"), language)
    name = say(province, language)
    return say(Sentence(f"{name} (division {code})", f"{name}（区划代码{code}）"), language)


def list_facts(document: DocumentSummary, record: Record | None, language: Language) -> list[Row]:
    """Return what the document says beside that."""
    calibrates = document.document_type == DocumentType.CALIBRATION_CERTIFICATE
    maker = Sentence("Institution", "校准机构" if calibrates else "检定机构")
    day = Sentence("Calibrated on", "校准日期") if calibrates else Sentence("Verified on", "检定日期")
    facts = [
        (Sentence("Document", "文件"), say(DOCUMENTS[document.document_type], language)),
        (Sentence("Number", "证书编号"), document.number),
        (maker, document.institution),
        (day, say_date(document.verified_on, language)),
    ]
    if record is not None:
        facts += _list_grounds(record, language)
    if document.conclusion is not None:
        words = CONCLUSIONS[document.document_type][document.conclusion]
        facts.append((Sentence("Conclusion", "结论"), say(words, language)))
    if document.entered_on is not None:
        facts.append((Sentence("Entered on", "登记日期"), say_date(document.entered_on, language)))
    if document.entered_on is not None and document.valid_until is not None:
        said = Sentence("Valid until, as the paper has it", "纸质证书所载有效期至")
        facts.append((said, say_date(document.valid_until, language)))
    return [(say(name, language), value) for name, value in facts]


def _list_grounds(record: Record, language: Language) -> Iterator[tuple[Sentence, str]]:
    """Return on what occasion and by which regulation or specification."""
    if record.document_type is not DocumentType.CALIBRATION_CERTIFICATE:
        yield Sentence("Kind", "检定类别"), say(KINDS[record.kind], language)
    if record.regulation is not None:
        words = f"{record.regulation.id} {record.regulation.title}"
        yield Sentence("Regulation", "依据规程"), words
    if record.specification is not None:
        words = f"{record.specification.id} {record.specification.title}"
        yield Sentence("Specification", "依据规范"), words


def list_persons(record: Record, language: Language) -> list[Row]:
    """Return who answers for the document: roles and public pseudonyms, never names."""
    return [(say(ROLES[person.role], language), person.person_id) for person in record.persons]


def list_chain(details: Details, language: Language) -> list[Step]:
    """Return the standards and reference materials that were used, and where their values come from."""
    until = Sentence("valid until", "有效期至")
    steps = []
    for link in trace_standards(details.record, details.registers):
        notes = [link.number]
        if link.until is not None:
            notes.append(f"{say(until, language)} {say_date(link.until, language)}")
        if link.uncertainty is not None:
            notes.append(link.uncertainty)
        if link.is_primary:
            notes.append(
                say(Sentence("primary standard, where the chain ends", "国家计量基准，溯源终点"), language)
            )
        if link.ends:
            ends = say(Sentence("traced to: ", "溯源至："), language) + _separator(language).join(link.ends)
            notes.append(ends)
        steps.append(Step(link.depth, link.name, " · ".join(notes)))
    lot = say(Sentence("lot", "批号"), language)
    steps += [Step(0, each.id, f"{lot} {each.lot}") for each in details.record.reference_materials]
    return steps


def list_anchor(details: Details, zone: ZoneInfo, language: Language) -> list[Row]:
    """Return where the log's state is kept outside it, as the log has signed it; nothing: not anchored yet."""
    receipt = details.receipt
    rows = [(Sentence("Place in the ledger", "账本位置"), str(details.leaf_index))]
    if receipt is not None:
        rows += [
            (Sentence("Block", "区块"), str(receipt.block_number)),
            (Sentence("Time of the block", "区块时间"), say_instant(receipt.anchored_at, zone, language)),
            (Sentence("State", "状态"), say(GRADES[receipt.grade], language)),
            (Sentence("Chain", "链"), str(receipt.chain.chain_id)),
            (Sentence("Contract", "合约"), f"0x{encode_hex(receipt.chain.contract)}"),
            (Sentence("Transaction", "交易"), f"0x{encode_hex(receipt.tx_hash)}"),
        ]
    return [(say(name, language), value) for name, value in rows]


def list_events(
    history: History, names: Mapping[str, Name], details: Details, zone: ZoneInfo, language: Language
) -> list[Event]:
    """Return the events of an instrument, the newest first.

    Args:
        history: of the instrument.
        names: what those who speak in it are called.
        details: of the document that the page is about.
        zone: in which days begin.
        language: of the page.
    """

    def to_event(happening: Happening) -> Event:
        statement = happening.signed.statement
        is_issue = statement.type in ISSUE_TYPES
        local = happening.header.sequenced_at.astimezone(zone).date()
        return Event(
            day=say_date(local, language),
            words=say(_name_event(happening), language),
            notes=" · ".join(_list_notes(happening, language)),
            speaker=_say_name(names.get(statement.issuer), statement.issuer, language),
            code=compute_code(happening.signed.raw) if is_issue else None,
            is_own=happening.leaf_index == details.leaf_index,
        )

    return [to_event(happening) for happening in history.happenings]


def say_cause(
    shown: Shown, history: History, details: Details, zone: ZoneInfo, language: Language
) -> str | None:
    """Return why and on which day a document was taken out of force; None: nobody did that by an act of its own.

    Args:
        shown: what the page says.
        history: of the instrument, the newest first.
        details: of the document that the page is about.
        zone: in which days begin.
        language: of the page.
    """
    own = details.record.issuer.id, details.record.number
    acts = list(_list_standing(_CAUSES.get(shown), history))
    of_this = [each for each in acts if (each[1].issuer, each[1].number) == own]
    found = next(iter(of_this if shown in _OF_DOCUMENT else [*of_this, *acts]), None)
    if found is None:
        return None
    happening, act = found
    day = say_date(happening.header.sequenced_at.astimezone(zone).date(), language)
    return f"{say(Sentence('Reason: ', '原因：'), language)}{say(REASONS[act.reason], language)} · {day}"


def _list_standing(cause: EventType | None, history: History) -> Iterator[tuple[Happening, Act]]:
    """Yield the acts of a type that nothing has settled since, the newest first."""
    settled: set[Hashable] = set()
    for happening in history.happenings:
        statement, act = happening.signed.statement, happening.content
        claims = statement.claims
        if isinstance(claims, IssueClaims):
            if statement.type is EventType.ISSUE and claims.is_verification:
                settled.add(
                    (EventType.REVERIFY_NEEDED, instrument_subject(claims.instrument_id, claims.part))
                )
        elif isinstance(act, Act):
            if statement.type is EventType.REINSTATE:
                settled |= {(each, act.certificate) for each in _ENDED_BY_REINSTATEMENT}
            about = act.subject if cause is EventType.REVERIFY_NEEDED else act.certificate
            if statement.type is cause and (cause, about) not in settled:
                yield happening, act


def _name_event(happening: Happening) -> Sentence:
    statement = happening.signed.statement
    if isinstance(statement.claims, IssueClaims):
        return say_issue(statement.type, statement.claims)
    if isinstance(happening.content, LotContent):
        return LOT_STATUSES[happening.content.status]
    return EVENTS.get(statement.type, Sentence(statement.type.name, statement.type.name))


def _list_notes(happening: Happening, language: Language) -> Iterator[str]:
    """Return number or sticker, reason and part of an event."""
    claims, content = happening.signed.statement.claims, happening.content
    part: str | None = None
    if isinstance(claims, IssueClaims):
        yield claims.number
        part = claims.part
    elif isinstance(content, StickerBinding | StickerRelease):
        binding = content.binding if isinstance(content, StickerRelease) else content
        yield binding.sticker
        part = binding.part
        if isinstance(content, StickerRelease):
            yield say(STICKER_REASONS[content.reason], language)
    elif isinstance(content, Act | LotContent | SameAs | Split):
        yield say(REASONS[content.reason], language)
        if content.decision is not None:
            yield content.decision.number
        part = _find_part(content)
    if part is not None:
        yield f"{say(Sentence('part', '部件'), language)} {part}"


def _find_part(content: Act | LotContent | SameAs | Split) -> str | None:
    """Return the part that an act or a link is about."""
    match content:
        case Act():
            return content.part
        case SameAs() | Split():
            return content.instrument.part
        case LotContent():
            return None


def _say_name(name: Name | None, speaker: str, language: Language) -> str:
    if name is None:
        return speaker
    return name.en or name.zh if language is Language.EN else name.zh


def _separator(language: Language) -> str:
    return "、" if language is Language.ZH else ", "


def _join(*texts: str | None) -> str:
    return " · ".join(text for text in texts if text is not None)
