"""Signs of copied stickers at an authority's desk: what scans suggest, and what a person makes of it.

Nothing turns amber on any page before somebody here has confirmed it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from api.copies.cells import PER_DEGREE, Cell, find_cell, least_km
from api.copies.findings import EnteredArea, FindingState, list_next
from api.copies.rules import CodeKind, Rule, Seen, load_numbers
from api.office.call import Call
from api.office.copy_store import CopyStore, Note
from api.office.instrument_view import STATUS_WORDS
from api.office.operations import AUTHORITIES, Operation
from api.office.pages import write_page
from api.office.roles import OfficeRole
from api.office.routes.region import DECIDERS, VIEWERS
from api.office.routes.reports import read_lines
from api.office.signing_desk import read_id
from api.office.store import NOT_HERE
from api.web.words import say_instant
from issuer.signoff.office import OfficeLog
from ledger.core.errors import InputError, NotFoundError, StateError
from ledger.core.event import instrument_subject, placement_subject, sticker_subject
from ledger.core.ids import InstrumentId
from ledger.core.qr import ShortCode, format_code
from ledger.core.status import Status
from ledger.core.step import Sentence
from ledger.core.sticker import StickerId, parse_sticker_id

PAGE: Final = 100
MAX_REASON: Final = 500
MOST_KM: Final = 3000
MAX_FORM_BYTES: Final = 24 * 1024
"""Of a step: a letter of Chinese takes 9 bytes in a form."""
_HIGHEST: Final = 2**53
_CHANGED: Final = "somebody has decided about it since; nothing was recorded"
_CHANGED_ZH: Final = "其间已有其他处理，未作记录"
_UNUSED: Final = Sentence("not in use", "未启用")
_IN_USE: Final = Sentence("in use", "在用")
_REPLACED: Final = Sentence("replaced by another one", "已被更换")
_RELEASED: Final = Sentence("out of use", "已停用")
_NO_STATE: Final = Sentence("nothing in the ledger", "账本中无记录")


@dataclass(frozen=True, slots=True)
class Row:
    """One observation, as the table has it."""

    place: str
    """Corners of its cell in degrees."""
    when: str
    callers: int
    least_km: int | None
    """From the row before, at least."""


def list_copies(call: Call) -> Response:
    """Show the queue: what waits for somebody or is confirmed, or everything; newest first."""
    return _write_list(call)


def show_note(call: Call) -> Response:
    """Show a note: what was seen where and when, how the sticker stands now, what was decided."""
    return _write_note(call, _find(call))


def take_step(call: Call) -> Response:
    """Record what a person decided, with the reason."""
    note = _find(call)
    try:
        state, reason = _read_step(call, note)
    except InputError as err:
        return _write_note(call, note, problem=err)
    now_ms = int(call.now.timestamp() * 1000)
    _require_store(call).take_step(note, state, call.known.name, reason, now_ms)
    return call.go(f"/copies/{note.position}")


def enter_area(call: Call) -> Response:
    """Record where the instrument of a sticker belongs; the place is rounded before it is stored."""
    store = _require_store(call)
    try:
        entered = _read_area(call)
    except InputError as err:
        return _write_list(call, problem=err)
    store.enter_area(entered, call.known.name)
    return call.go("/copies")


def _require_store(call: Call) -> CopyStore:
    store = call.authority.copies
    if store is None:
        raise NotFoundError(NOT_HERE)
    return store


def _find(call: Call) -> Note:
    found = _require_store(call).find(read_id(call.part("note")))
    if found is None:
        raise NotFoundError(NOT_HERE)
    return found


# --- what was typed -----------------------------------------------------------------------------------------


def _read_step(call: Call, note: Note) -> tuple[FindingState, str]:
    try:
        state = FindingState(call.form.need("step"))
    except ValueError:
        raise InputError("is none of those offered", field="step", zh="不在可选范围内") from None
    if call.form.need("seen") != note.state:
        raise StateError(_CHANGED, zh=_CHANGED_ZH)
    if state not in list_next(note.state):
        raise InputError("does not follow what was decided so far", field="step", zh="与当前状态不衔接")
    reason = read_lines(call, "reason", MAX_REASON)
    if not reason:
        raise InputError("must be filled in", field="reason", zh="必须填写")
    return state, reason


def _read_area(call: Call) -> EnteredArea:
    try:
        sticker = parse_sticker_id(call.form.need("sticker", most=40))
    except InputError as err:
        why, zh = "is the id of a sticker, 16 letters and digits", "应为16位贴纸编号"
        raise InputError(why, field="sticker", zh=zh) from err
    cell = find_cell(_read_degrees(call, "latitude", 90), _read_degrees(call, "longitude", 180))
    usual = load_numbers()[Rule.OUTSIDE, "area_km"]
    km = call.form.whole("km", usual, least=1, most=MOST_KM)
    return EnteredArea(sticker, cell.south, cell.west, km, int(call.now.timestamp() * 1000))


def _read_degrees(call: Call, name: str, most: int) -> float:
    text = call.form.need(name, most=20)
    try:
        found = Decimal(text) if text.isascii() else Decimal("NaN")
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or abs(found) > most:
        why, zh = (
            f"is in degrees from -{most} to {most}, as 26.07",
            f"应为-{most}至{most}之间的度数，如 26.07",
        )
        raise InputError(why, field=name, zh=zh)
    return float(found)


# --- pages --------------------------------------------------------------------------------------------------


def _write_list(call: Call, problem: InputError | None = None) -> Response:
    store = call.authority.copies
    if store is None:
        return write_page(call, "office/copies.html", takes=False)
    everything = call.form.text("all") == "yes"
    before = call.form.whole("before", _HIGHEST, least=1, most=_HIGHEST)
    found = store.list_notes(only_open=not everything, limit=PAGE + 1, before=before)
    return write_page(
        call,
        "office/copies.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if problem else HTTPStatus.OK,
        takes=True,
        rows=[(one, _spell_code(one), _at(one.finding.renewed_at_ms)) for one in found[:PAGE]],
        everything=everything,
        older=found[PAGE - 1].position if len(found) > PAGE else None,
        areas=[
            (
                format_code(ShortCode(one.entered.code)),
                _spell_cell(Cell(one.entered.south, one.entered.west)),
                one,
            )
            for one in store.list_areas(PAGE)
        ],
        usual_km=load_numbers()[Rule.OUTSIDE, "area_km"],
        may_decide=OfficeRole.AUTHORITY in call.known.roles,
        problem=problem,
        values=call.form,
    )


def _write_note(call: Call, note: Note, problem: InputError | None = None) -> Response:
    store, finding = _require_store(call), note.finding
    is_sticker = finding.kind is CodeKind.STICKER
    return write_page(
        call,
        "office/copy.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if problem else HTTPStatus.OK,
        note=note,
        code=_spell_code(note),
        is_sticker=is_sticker,
        found_at=_at(finding.found_at_ms),
        renewed_at=_at(finding.renewed_at_ms),
        sticker_now=_say_sticker(call.office.gateway, note) if is_sticker else None,
        instrument_now=_say_instrument(call.office.gateway, note),
        rows=_list_rows(call, finding.evidence.seen),
        counted=finding.evidence.counted,
        counted_on=None if finding.evidence.counted is None else _to_day(finding.evidence.counted.day),
        area=next(iter(store.list_areas(1, finding.code)), None) if is_sticker else None,
        steps=[(_at(one.at_ms), one) for one in store.list_steps(note)],
        choices=list_next(note.state),
        may_decide=OfficeRole.AUTHORITY in call.known.roles,
        problem=problem,
        values=call.form,
        max_reason=MAX_REASON,
    )


def _list_rows(call: Call, seen: Sequence[Seen]) -> list[Row]:
    rows: list[Row] = []
    before: Seen | None = None
    for one in seen:
        begin = datetime.fromtimestamp(one.hour * 3600, UTC)
        when = say_instant(begin, call.authority.zone, call.language)
        apart = None if before is None else int(least_km(before.cell, one.cell))
        rows.append(Row(_spell_cell(one.cell), when, one.count, apart))
        before = one
    return rows


def _spell_cell(cell: Cell) -> str:
    """Return a cell by its corners: `26.0–26.1° N, 119.2–119.3° E`."""
    north = "N" if cell.south >= 0 else "S"
    east = "E" if cell.west >= 0 else "W"
    return f"{_spell_range(cell.south)}° {north}, {_spell_range(cell.west)}° {east}"


def _spell_range(tenths: int) -> str:
    low, high = sorted((abs(tenths), abs(tenths + 1)))
    return f"{Decimal(low) / PER_DEGREE:.1f}–{Decimal(high) / PER_DEGREE:.1f}"


def _spell_code(note: Note) -> str:
    code = note.finding.code
    return code if note.finding.kind is CodeKind.ROLL else format_code(ShortCode(code))


def _say_sticker(log: OfficeLog, note: Note) -> Sentence:
    """Return how a sticker stands now, as the log has it."""
    finding, own = note.finding, sticker_subject(StickerId(ShortCode(note.finding.code)))
    wanted = [own]
    if finding.instrument is not None:
        wanted.append(placement_subject(InstrumentId(finding.instrument), finding.part))
    states = log.find_states(wanted)
    state = states.get(own)
    if state is None:
        return _UNUSED
    if state.status is not Status.ACTIVE:
        return _RELEASED
    placed = states.get(wanted[-1])
    return _REPLACED if placed is not None and placed.last_event != state.last_event else _IN_USE


def _say_instrument(log: OfficeLog, note: Note) -> Sentence | None:
    """Return how the instrument stands now; None: none is known."""
    if note.finding.instrument is None:
        return None
    subject = instrument_subject(InstrumentId(note.finding.instrument))
    state = log.find_states([subject]).get(subject)
    return _NO_STATE if state is None else STATUS_WORDS.get(state.status, _NO_STATE)


def _to_day(day: int) -> datetime:
    return datetime.fromtimestamp(day * 86_400, UTC)


def _at(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


OPERATIONS: Final = (
    Operation(
        "copies.list",
        "GET",
        "/copies",
        list_copies,
        VIEWERS,
        Sentence("Signs of copied stickers", "贴纸疑似复制"),
        in_menu=True,
        desks=AUTHORITIES,
    ),
    Operation(
        "copies.show",
        "GET",
        "/copies/{note}",
        show_note,
        VIEWERS,
        Sentence("A sign of a copied sticker", "疑似复制详情"),
        resource="note",
        desks=AUTHORITIES,
    ),
    Operation(
        "copies.step",
        "POST",
        "/copies/{note}/step",
        take_step,
        DECIDERS,
        Sentence("Confirm, dismiss or lift", "确认、排除或解除"),
        resource="note",
        signs=True,
        desks=AUTHORITIES,
    ),
    Operation(
        "copies.area",
        "POST",
        "/copies/areas",
        enter_area,
        DECIDERS,
        Sentence("Enter where an instrument belongs", "录入使用区域"),
        signs=True,
        desks=AUTHORITIES,
    ),
)
