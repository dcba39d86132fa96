"""Reports of consumers at an authority's desk: a plain queue, opened by a passphrase, handled in steps."""

import base64
from collections.abc import Sequence
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import Response

from api.office.call import Call
from api.office.operations import AUTHORITIES, Operation
from api.office.pages import write_page
from api.office.report_store import REPORT_KEY, Case, CaseStore, Step
from api.office.roles import OfficeRole
from api.office.routes.region import DECIDERS, VIEWERS
from api.office.signing_desk import read_id
from api.office.store import NOT_HERE
from api.reports.deadlines import Clock, load_deadlines
from api.reports.file import open_file
from api.reports.form import FIELDS
from api.reports.kinds import INSTRUMENTS, ROUTES, SPOKEN, CaseState, list_next
from ledger.core.canonical import JsonObject
from ledger.core.errors import InputError, NotFoundError, StateError
from ledger.core.step import Sentence
from ledger.core.text import has_forbidden_character
from ledger.passphrase import Passphrase

PAGE: Final = 100
MAX_SENTENCE: Final = 500
MAX_NOTE: Final = 2000
MAX_FORM_BYTES: Final = 48 * 1024
"""Of a step: a letter of Chinese takes 9 bytes in a form."""
_HIGHEST: Final = 2**53
_OPENED: Final = Sentence("Opened", "打开查看")


def list_reports(call: Call) -> Response:
    """Show the queue: what is open, oldest first; or everything, newest first."""
    store = call.authority.reports
    if store is None:
        return write_page(call, "office/reports.html", takes=False, rows=(), everything=False, older=None)
    everything = call.form.text("all") == "yes"
    before = call.form.whole("before", _HIGHEST, least=1, most=_HIGHEST)
    found = store.list_cases(only_open=not everything, limit=PAGE + 1, before=before)
    steps = store.list_steps(found[:PAGE])
    rows = [(one, _at(one.sent_at_ms), _list_clocks(call, one, steps[one.id])) for one in found[:PAGE]]
    older = found[PAGE - 1].position if len(found) > PAGE else None
    return write_page(
        call,
        "office/reports.html",
        takes=True,
        rows=[(one, at, one.state.say(one.route), _next_clock(clocks)) for one, at, clocks in rows],
        everything=everything,
        older=older,
        routes=ROUTES,
    )


def show_report(call: Call) -> Response:
    """Show a case, sealed: its steps, its clocks, what may come next."""
    return _write_case(call, _find(call))


def open_report(call: Call) -> Response:
    """Open a case for one look, and record that; the key is opened by the passphrase of this one request."""
    case = _find(call)
    try:
        said = _open(call, case)
    except InputError as err:
        return _write_case(call, case, problem=err)
    return _write_case(call, case, said=said)


def take_step(call: Call) -> Response:
    """Record the next step, with a sentence for whoever holds the case code where the step has one."""
    case = _find(call)
    try:
        state, sentence = _read_step(call, case)
        note = read_lines(call, "note", MAX_NOTE)
    except InputError as err:
        return _write_case(call, case, problem=err)
    now_ms = int(call.now.timestamp() * 1000)
    _require_store(call).take_step(case, state, call.known.name, sentence or None, note or None, now_ms)
    return call.go(f"/reports/{case.position}")


def _require_store(call: Call) -> CaseStore:
    store = call.authority.reports
    if store is None:
        raise NotFoundError(NOT_HERE)
    return store


def _find(call: Call) -> Case:
    found = _require_store(call).find(read_id(call.part("report")))
    if found is None:
        raise NotFoundError(NOT_HERE)
    return found


def _open(call: Call, case: Case) -> JsonObject:
    """Return what was written.

    Raises:
        InputError: no passphrase, a wrong one, or no such key here.
    """
    home, text = call.authority.home, call.form.text("passphrase")
    if home is None or REPORT_KEY not in home.keystore:
        raise InputError(
            "this office does not hold the key to which reports are sealed",
            field="passphrase",
            zh="本系统不持有用于打开举报投诉内容的密钥",
        )
    if not text:
        raise InputError(
            "opens the key for this one look; it is needed",
            field="passphrase",
            zh="必须填写，仅用于本次打开",
        )
    try:
        key = home.keystore.open_private_key(REPORT_KEY, Passphrase(text.encode()))
    except InputError as err:
        raise InputError(err.reason, field="passphrase", zh="口令有误，未打开") from None
    store = _require_store(call)
    said = open_file(store.read_file(case), key)
    store.note_opened(case, call.known.name, int(call.now.timestamp() * 1000))
    return said


def _read_step(call: Call, case: Case) -> tuple[CaseState, str]:
    try:
        state = CaseState(call.form.need("step"))
    except ValueError:
        raise InputError("is none of those offered", field="step", zh="不在可选范围内") from None
    if call.form.need("seen") != case.state:
        raise StateError(_CHANGED.en, zh=_CHANGED.zh)
    if state not in list_next(case.state, case.route):
        raise InputError("does not follow what was done so far", field="step", zh="与当前状态不衔接")
    sentence = read_lines(call, "sentence", MAX_SENTENCE)
    if state in SPOKEN and not sentence:
        why = "says to whoever holds the case code why, or what came of it; it is needed"
        raise InputError(why, field="sentence", zh="须向持案件码者说明理由或结果，必须填写")
    return state, sentence


_CHANGED: Final = Sentence(
    "Somebody has taken another step since; nothing was recorded. Look at the case again.",
    "其间已有其他处理，未作记录；请重新查看本件。",
)


def read_lines(call: Call, name: str, most: int) -> str:
    """Return a text of several lines."""
    found = call.form.values.get(name, ())
    text = (found[0] if found else "").replace("\r\n", "\n").strip()
    if len(found) > 1 or len(text) > most or has_forbidden_character(text.replace("\n", " ")):
        raise InputError(
            f"is given once, with at most {most} printable characters",
            field=name,
            zh=f"限填写一次，不超过{most}个可显示字符",
        )
    return text


def _write_case(
    call: Call, case: Case, *, said: JsonObject | None = None, problem: InputError | None = None
) -> Response:
    store = _require_store(call)
    steps = store.list_steps([case])[case.id]
    return write_page(
        call,
        "office/report.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if problem else HTTPStatus.OK,
        case=case,
        sent_at=_at(case.sent_at_ms),
        state=case.state.say(case.route),
        steps=[(_at(one.at_ms), one, _say_step(one, case)) for one in steps],
        clocks=_list_clocks(call, case, steps),
        choices=[(one, one.say(case.route)) for one in list_next(case.state, case.route)],
        spoken=[one.say(case.route) for one in CaseState if one in SPOKEN],
        said=None if said is None else _list_said(said),
        photos=[] if said is None else _list_photos(said),
        problem=problem,
        routes=ROUTES,
        may_decide=OfficeRole.AUTHORITY in call.known.roles,
        values=call.form,
        max_sentence=MAX_SENTENCE,
        max_note=MAX_NOTE,
    )


def _say_step(step: Step, case: Case) -> Sentence:
    return _OPENED if step.state is None else step.state.say(case.route)


def _list_said(said: JsonObject) -> list[tuple[Sentence, str | Sentence]]:
    """Return what was written, by the words of the form."""
    shown: list[tuple[Sentence, str | Sentence]] = []
    for name, words in FIELDS.items():
        value = said.get(name)
        if isinstance(value, str):
            shown.append((words, INSTRUMENTS.get(value, value) if name == "kind" else value))
    return shown


def _list_photos(said: JsonObject) -> list[str]:
    """Return photographs as addresses that hold them; what is no base64 is left out."""
    found = said.get("photos")
    photos: Sequence[Any] = found if isinstance(found, list) else ()
    return [f"data:image/jpeg;base64,{one}" for one in photos if isinstance(one, str) and _is_base64(one)]


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except ValueError:
        return False
    return True


def _list_clocks(call: Call, case: Case, steps: Sequence[Step]) -> list[Clock]:
    zone = call.authority.zone

    def day_of(milliseconds: int) -> date:
        return datetime.fromtimestamp(milliseconds / 1000, zone).date()

    events = [(CaseState.TAKEN, day_of(case.sent_at_ms))]
    later = [(one.state, day_of(one.at_ms)) for one in steps if one.state is not None]
    events += [pair for pair in later if pair[0] is not CaseState.TAKEN]
    return load_deadlines().list_clocks(case.route, events, call.authority.today())


def _next_clock(clocks: Sequence[Clock]) -> Clock | None:
    """Return the clock that runs and ends first."""
    return min((one for one in clocks if one.met_on is None), key=lambda one: one.due, default=None)


def _at(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


OPERATIONS: Final = (
    Operation(
        "reports.list",
        "GET",
        "/reports",
        list_reports,
        VIEWERS,
        Sentence("Reports of consumers", "投诉举报"),
        in_menu=True,
        desks=AUTHORITIES,
    ),
    Operation(
        "reports.show",
        "GET",
        "/reports/{report}",
        show_report,
        VIEWERS,
        Sentence("A report", "投诉举报件"),
        resource="report",
        desks=AUTHORITIES,
    ),
    Operation(
        "reports.open",
        "POST",
        "/reports/{report}/open",
        open_report,
        DECIDERS,
        Sentence("Open a report for one look", "打开查看"),
        resource="report",
        signs=True,
        desks=AUTHORITIES,
    ),
    Operation(
        "reports.step",
        "POST",
        "/reports/{report}/step",
        take_step,
        DECIDERS,
        Sentence("Record the next step", "登记办理结果"),
        resource="report",
        signs=True,
        desks=AUTHORITIES,
    ),
)
