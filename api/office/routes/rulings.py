"""An authority decides about documents of its region: by filter or by list, previewed, one act for each."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from http import HTTPStatus
from typing import Final
from urllib.parse import quote, unquote

from starlette.responses import Response

from api.office.call import Call
from api.office.deciding_desk import DecidingDesk
from api.office.deciding_words import EVENT_WORDS, list_labels, name_error, say_status
from api.office.operations import AUTHORITIES, Operation
from api.office.pages import write_page
from api.office.region_documents import DocumentRow, RegionCatalogue, find_at, find_documents
from api.office.roles import OfficeRole
from api.office.routes.region import DECIDERS, VIEWERS, read_ground
from issuer.deciding.forms import DECISION_FIELDS, read_decision
from issuer.deciding.planning import (
    ACTS,
    Affected,
    Planned,
    Ruling,
    check_ruling,
    compute_fingerprint,
    plan_acts,
)
from issuer.rendering.wording import REASONS
from ledger.core.act import NamedInstrument, ReasonCode, parse_decision
from ledger.core.category import Category
from ledger.core.encoding import parse_hex
from ledger.core.errors import InputError, StateError
from ledger.core.event import EventType, certificate_subject
from ledger.core.fields import Reader
from ledger.core.ids import CertificateNumber, InstitutionId, InstrumentId, Subject
from ledger.core.record_parsing import FIRST_DAY
from ledger.core.status import SubjectState
from ledger.core.step import Sentence

MAX_DOCUMENTS: Final = 1000
"""Of one decision."""
MAX_FORM_BYTES: Final = 512 * 1024
LONG_FORMS: Final = ("/rulings", "/rulings/decide")
_FILTERS: Final = ("institution", "category", "used", "status", "verified_from", "verified_to")
_CARRIED: Final = ("act", "reason", "from", "ground", *(field.name for field in DECISION_FIELDS))
_STATUSES: Final = ("VALID", "SUSPENDED", "CANCELLED")
_NOBODY: Final = InputError(
    "this office was started without --auditor: nobody looks documents up; give them as a list elsewhere",
    zh="本系统启动时未指定 --auditor，无法查询证书",
)


def show_rulings(call: Call) -> Response:
    """Show the filter, and the documents that fit."""
    given = {name: text for name in _FILTERS if (text := call.form.text(name).strip())}
    rows: Sequence[DocumentRow] = ()
    is_whole, problem = True, None
    if given:
        try:
            found = find_documents(_catalogue(call), given, most=MAX_DOCUMENTS)
            rows, is_whole = found.rows, found.is_whole
        except InputError as err:
            problem = name_error(err)
    return _write_form(call, rows, given, problem, is_whole=is_whole)


def _catalogue(call: Call) -> RegionCatalogue:
    if call.office.catalogue is None:
        raise _NOBODY
    return call.office.catalogue


def _write_form(
    call: Call,
    rows: Sequence[DocumentRow],
    given: dict[str, str],
    problem: InputError | None = None,
    *,
    is_whole: bool = True,
    ticked: frozenset[str] = frozenset(),
) -> Response:
    registers = call.office.gateway.registers()
    words = {row.category.name: (row.name_en, row.name_zh) for row in call.authority.rule_book.rows}
    return write_page(
        call,
        "office/rulings.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if problem else HTTPStatus.OK,
        rows=[(row, spell_named(row.named), say_status(row.status)) for row in rows],
        is_whole=is_whole,
        ticked=ticked,
        given={name: given.get(name, "") for name in _FILTERS},
        values=call.form.values if call.request.method == "POST" else {},
        problem=problem,
        institutions=sorted(registers.institutions),
        categories=[(one.name, words.get(one.name, (one.name, one.name))) for one in Category],
        statuses=[(code, say_status(code)) for code in _STATUSES],
        acts=[(event.name, EVENT_WORDS[event]) for event in ACTS],
        reasons=[(code.value, found) for code, found in REASONS.items()],
        decision_fields=DECISION_FIELDS,
        today=call.authority.today(),
        labels=list_labels(()) | _FILTER_LABELS,
        may_decide=OfficeRole.AUTHORITY in call.known.roles,
        has_asked=bool(given),
    )


_FILTER_LABELS: Final = {
    "institution": ("Institution", "机构代码"),
    "category": ("Category", "器具类别"),
    "used": ("Named in the document", "证书引用"),
    "status": ("Status", "状态"),
    "verified_from": ("Verified from", "检定日期自"),
    "verified_to": ("Verified to", "检定日期至"),
}


_NO_PART: Final = "*"
"""No part is spelled like this, see `quote`."""


def spell_named(named: NamedInstrument) -> str:
    """Return a document as a box to tick has it: institution, instrument, part, number."""
    part = _NO_PART if named.part is None else quote(named.part, safe="")
    return f"{named.issuer} {named.instrument_id.hex()} {part} {named.number}"


def _parse_named(text: str) -> NamedInstrument:
    cells = text.split(" ", 3)
    try:
        issuer, instrument, part, number = cells
        identity = InstrumentId(parse_hex(instrument))
    except (ValueError, InputError):
        raise InputError("is not a document of this list", field="documents", zh="证书列表有误") from None
    if len(identity) != 16:
        raise InputError("is not a document of this list", field="documents", zh="证书列表有误")
    return NamedInstrument(
        InstitutionId(issuer),
        CertificateNumber(number),
        identity,
        None if part == _NO_PART else unquote(part),
    )


# --- preview and decision -----------------------------------------------------------------------------------


def preview(call: Call) -> Response:
    """Show each document, how it stands, and whether the decision reaches it."""
    chosen: list[NamedInstrument] = []
    try:
        chosen += _read_documents(call)
        ruling = _read_ruling(call)
        read_ground(call)
    except InputError as err:
        return _refuse(call, chosen, err)
    planned, affected = _plan(call, ruling, chosen)
    return _write_preview(call, ruling, planned, affected)


def decide(call: Call) -> Response:
    """Sign and hand in one act for each document that was shown."""
    form = call.form
    chosen: list[NamedInstrument] = []
    with call.authority.busy:
        try:
            chosen += _read_documents(call)
            ruling, ground = _read_ruling(call), read_ground(call)
        except InputError as err:
            return _refuse(call, chosen, err)
        planned, affected = _plan(call, ruling, chosen)
        try:
            _require_some(planned)
            done = DecidingDesk(call).decide(
                planned, form.text("passphrase", most=1024), ground, form.text("fingerprint", most=64)
            )
        except (InputError, StateError) as err:
            return _write_preview(call, ruling, planned, affected, err)
    return call.go(f"/decisions/{done[0].taken_together}")


def _require_some(planned: Sequence[Planned]) -> None:
    if not planned:
        raise StateError("no document is left that this reaches", zh="没有可作此处理的证书")


def _refuse(call: Call, chosen: Sequence[NamedInstrument], err: InputError) -> Response:
    states = _find_states(call, chosen)
    rows = []
    for named in chosen:
        state = states.get(named.certificate)
        status = "" if state is None else state.status.name
        index = None if state is None else state.current_certificate
        if index is not None:
            rows.append(DocumentRow(named, index, "", "", "", status))
    ticked = frozenset(spell_named(named) for named in chosen)
    return _write_form(call, rows, {}, name_error(err), ticked=ticked)


def _read_documents(call: Call) -> list[NamedInstrument]:
    """Return the documents that were ticked, and those that stand in the list, each once.

    Raises:
        InputError: none, too many, or one that the ledger does not have; it is named.
    """
    ticked = [_parse_named(text) for text in call.form.texts("document", most=MAX_DOCUMENTS)]
    listed = "\n".join(call.form.values.get("list", ()))
    lines = [line.split(None, 1) for line in listed.splitlines() if line.strip()]
    if len(lines) + len(ticked) > MAX_DOCUMENTS:
        raise InputError(
            f"at most {MAX_DOCUMENTS} of one decision", field="documents", zh=f"一次最多{MAX_DOCUMENTS}份"
        )
    ticked += [_look_up(call, cells, number) for number, cells in enumerate(lines, 1)]
    if not ticked:
        raise InputError("tick or list at least one", field="documents", zh="至少选择一份证书")
    return list(dict.fromkeys(ticked))


def _look_up(call: Call, cells: Sequence[str], line: int) -> NamedInstrument:
    """Return the document of a line `350100-01 JY2026-000001`."""
    if len(cells) != 2:
        raise InputError(
            f"line {line}: institution and number, with a space between",
            field="documents",
            zh=f"第{line}行：应为机构代码、空格、证书编号",
        )
    issuer, number = InstitutionId(cells[0]), CertificateNumber(cells[1].strip())
    subject = certificate_subject(issuer, number)
    state = call.office.gateway.find_states([subject]).get(subject)
    index = None if state is None else state.current_certificate
    row = None if index is None else find_at(_catalogue(call), index)
    if row is None or (row.named.issuer, row.named.number) != (issuer, number):
        raise InputError(
            f"line {line}: the ledger has no document {number} of {issuer}",
            field="documents",
            zh=f"第{line}行：账本中没有{issuer}的证书{number}",
        )
    return row.named


def _read_ruling(call: Call) -> Ruling:
    """Return what is decided.

    Raises:
        InputError: a field is not filled in as it must be.
    """
    form = call.form
    act, reason = form.need("act", most=40), form.need("reason", most=40)
    if act not in {event.name for event in ACTS}:
        raise InputError("is not an authority's act", field="act", zh="不是主管部门可作的处理")
    if reason not in {code.value for code in ReasonCode}:
        raise InputError("is none of those offered", field="reason", zh="不在可选范围内")
    form.need("from", most=10)
    day = form.day("from", FIRST_DAY)
    if day < FIRST_DAY:
        raise InputError(f"not before {FIRST_DAY}", field="from", zh=f"不早于{FIRST_DAY}")
    begins = datetime.combine(day, time(), call.authority.zone).astimezone(UTC)
    members = read_decision(form.values)
    decision = None if members is None else parse_decision(Reader(members, "decision"))
    ruling = Ruling(EventType[act], ReasonCode(reason), begins, decision)
    check_ruling(ruling, call.now)
    return ruling


def _plan(
    call: Call, ruling: Ruling, chosen: Sequence[NamedInstrument]
) -> tuple[list[Planned], list[Affected]]:
    return plan_acts(ruling, chosen, _find_states(call, chosen))


def _find_states(call: Call, chosen: Sequence[NamedInstrument]) -> Mapping[Subject, SubjectState]:
    subjects = [subject for named in chosen for subject in (named.certificate, named.subject)]
    return call.office.gateway.find_states(subjects) if subjects else {}


def _write_preview(
    call: Call,
    ruling: Ruling,
    planned: Sequence[Planned],
    affected: Sequence[Affected],
    problem: InputError | StateError | None = None,
) -> Response:
    status = HTTPStatus.OK
    if problem is not None:
        is_input = isinstance(problem, InputError)
        status = HTTPStatus.UNPROCESSABLE_ENTITY if is_input else HTTPStatus.CONFLICT
    carried = [(name, value) for name in _CARRIED for value in call.form.values.get(name, ())]
    carried += [("document", spell_named(one.named)) for one in affected]
    return write_page(
        call,
        "office/ruling_plan.html",
        status,
        event=EVENT_WORDS[ruling.event],
        reason=REASONS[ruling.reason],
        ruling=ruling,
        affected=[(one, say_status(one.status), say_status(one.after)) for one in affected],
        reached=len(planned),
        fingerprint=compute_fingerprint(planned),
        carried=carried,
        ground=call.form.text("ground", most=400),
        problem=problem,
        labels=list_labels(()),
    )


OPERATIONS: Final = (
    Operation(
        "rulings.show",
        "GET",
        "/rulings",
        show_rulings,
        VIEWERS,
        Sentence("Documents of the region", "辖区证书"),
        in_menu=True,
        desks=AUTHORITIES,
    ),
    Operation(
        "rulings.preview",
        "POST",
        "/rulings",
        preview,
        DECIDERS,
        Sentence("Preview of a decision about documents", "预览对证书的处理"),
        desks=AUTHORITIES,
    ),
    Operation(
        "rulings.decide",
        "POST",
        "/rulings/decide",
        decide,
        DECIDERS,
        Sentence("Cancel, suspend, reinstate documents", "注销、暂停、恢复证书"),
        signs=True,
        desks=AUTHORITIES,
    ),
)
