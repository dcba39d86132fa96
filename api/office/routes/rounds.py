"""Pages of rounds: prepare one, see what devices brought back, compare two devices, revoke a device."""

from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from api.office.call import Call
from api.office.due import DueItem, choose, list_due
from api.office.enrolment import make_id
from api.office.operations import Operation
from api.office.pages import write_page
from api.office.roles import READERS, OfficeRole
from api.office.routes.sites import STANDINGS
from api.office.routes.staff import ADMINISTRATORS, WATCHERS
from api.office.signing_desk import SigningDesk, read_id
from issuer.rounds.content import KINDS, parse_round
from issuer.rounds.finding import Finding, parse_finding
from issuer.rounds.preparing import Chosen, Plan, prepare_round
from issuer.rounds.receiving import Receiver, find_rivals, read_remarks
from issuer.rounds.store import StoredFinding, StoredRound
from issuer.signoff.changes import read_whole_record
from issuer.signoff.office import to_ms
from issuer.signoff.store import StoredDraft
from issuer.signoff.view import STATE_WORDS, describe_application
from ledger.core.canonical import JsonObject
from ledger.core.encoding import encode_hex
from ledger.core.errors import InputError, NotFoundError, StateError
from ledger.core.ids import CertificateNumber
from ledger.core.standard import StandardContent
from ledger.core.step import Sentence

SHOWN: Final = 50
"""Rounds of the list."""
MAX_PARTS: Final = 24
_MARK: Final = "\u241f"
"""Between the parts of a nameplate, in forms."""
OPERATORS: Final = frozenset({OfficeRole.OPERATOR})
APPROVERS: Final = frozenset({OfficeRole.APPROVER})
KIND_WORDS: Final = {
    "initial": Sentence("initial", "首次检定"),
    "periodic": Sentence("periodic", "周期检定"),
    "after_repair": Sentence("after repair", "修理后检定"),
}
ITEM_WORDS: Final = {
    "indication_error": Sentence("Indication error", "示值误差"),
    "indication_error_low": Sentence("Indication error, low zone", "低区示值误差"),
    "indication_error_high": Sentence("Indication error, high zone", "高区示值误差"),
    "error_in_use": Sentence("Error in use", "使用误差"),
    "eccentricity": Sentence("Eccentric loading", "偏载"),
    "repeatability": Sentence("Repeatability", "重复性"),
}
STICKER_WORDS: Final = {
    "waiting": Sentence("waits for its document", "待证书入账后登记"),
    "bound": Sentence("bound", "已登记"),
    "refused": Sentence("not bound", "未登记"),
    "dropped": Sentence("left out", "不再登记"),
}
FINDING_WORDS: Final = {
    "drafted": Sentence("became a draft", "已转为草稿"),
    "held": Sentence("waits, with reasons", "待处理"),
    "replaced": Sentence("replaced by a later revision", "已被后续版本代替"),
}


def list_rounds(call: Call) -> Response:
    """Show the newest rounds, and how much came back of each."""
    with call.tenant.rounds.read() as reading:
        stored, counts = reading.list_rounds(limit=SHOWN), reading.count_findings()
    rounds = [(one, parse_round(one.content), counts.get(one.id, (0, 0))) for one in stored]
    return write_page(
        call, "office/rounds.html", rounds=rounds, may_prepare=OfficeRole.OPERATOR in call.known.roles
    )


# --- prepare ------------------------------------------------------------------------------------------------


def start_round(call: Call) -> Response:
    """Show the instruments of a site to choose from."""
    return _write_start(call)


def _find_due(call: Call) -> list[DueItem]:
    tenant, today = call.tenant, call.tenant.today()
    items = list_due(tenant.instruments.list_all(), tenant.documents.list_newest(), today)
    site = call.form.text("site") if "site" in call.form.values else None
    return choose(items, site=site, when="", today=today)


def _write_start(call: Call, status: int = HTTPStatus.OK, problem: InputError | None = None) -> Response:
    with call.tenant.desk.read() as desk:
        applications = [describe_application(one) for one in reversed(desk.list_applications())][:SHOWN]
    found = _find_due(call)
    sites = sorted({one.site for one in _find_all(call)})
    names = ("title", "day", "kind", "application", "u", "k", "category", "parts", "e")
    return write_page(
        call,
        "office/round_new.html",
        status,
        items=found[:200],
        count=len(found),
        sites=sites,
        site=call.form.text("site") if "site" in call.form.values else None,
        applications=applications,
        given={name: call.form.text(name) for name in names},
        chosen=set(call.form.texts("instrument", most=400)),
        kinds=KIND_WORDS,
        categories={rule.category.name: rule.name_zh for rule in call.tenant.rule_book.rows},
        standings=STANDINGS,
        today=call.tenant.today(),
        problem=problem,
    )


def _find_all(call: Call) -> list[DueItem]:
    tenant = call.tenant
    return list_due(tenant.instruments.list_all(), tenant.documents.list_newest(), tenant.today())


def prepare(call: Call) -> Response:
    """Make a round of the chosen instruments."""
    try:
        stored = _prepare(call)
    except InputError as err:
        return _write_start(call, HTTPStatus.UNPROCESSABLE_ENTITY, err)
    with call.tenant.busy, call.tenant.rounds.write() as writing:
        writing.add_round(stored)
    return call.go(f"/rounds/{stored.id}")


def _prepare(call: Call) -> StoredRound:
    form, tenant = call.form, call.tenant
    plan = Plan(
        id=make_id(call.office, "r"),
        institution=tenant.id,
        title=form.need("title"),
        day=form.day("day", tenant.today()),
        kind=form.text("kind", most=20) or KINDS[1],
        application=_read_application(call),
        person=SigningDesk(call).person,
        prepared_at=call.now.replace(microsecond=0),
        host=tenant.host,
        uncertainty=form.text("u", most=30).strip() or None,
        coverage_factor=form.text("k", most=30).strip() or None,
    )
    registers = call.office.gateway.registers()
    registered = [one for one in registers.list_newest(StandardContent) if one.institution == tenant.id]
    rolls = [one for one in registers.rolls.values() if one.institution == tenant.id]
    book = registers.rules.over(tenant.rule_book)
    prepared = prepare_round(plan, _read_chosen(call), registered, book, rolls)
    return StoredRound(plan.id, prepared.content, prepared.private, plan.person, to_ms(call.now))


def _read_application(call: Call) -> int:
    """Return the application under which the round is made.

    Raises:
        InputError: none, or not one of this institution.
    """
    number = call.form.whole("application", 0, least=0, most=2**53 - 1)
    try:
        with call.tenant.desk.read() as desk:
            desk.fetch_application(number)
    except NotFoundError:
        raise InputError(
            "choose the application that was accepted", field="application", zh="请选择已受理的委托"
        ) from None
    return number


def _read_chosen(call: Call) -> list[Chosen]:
    """Return the instruments that were ticked, as they are known here.

    Raises:
        InputError: one is not of this institution.
    """
    form, tenant = call.form, call.tenant
    known = {spell_item(one): one for one in _find_all(call)}
    listed = {one.key: one for one in tenant.instruments.list_all()}
    parts = form.whole("parts", 0, least=0, most=MAX_PARTS)
    chosen = []
    for name in form.texts("instrument", most=400):
        item = known.get(name)
        if item is None:
            raise InputError("is not on the list any more", field="instrument", zh="已不在清单中")
        row = listed.get((item.name, item.model, item.serial, item.maker))
        record = None if item.number is None else _read_record(call, item.number)
        division = tenant.institution.content.division
        category, interval = form.text("category", most=40), form.text("e", most=30).strip()
        chosen.append(Chosen(record, row, category, parts, division, interval))
    return chosen


def _read_record(call: Call, number: str) -> JsonObject:
    with call.tenant.desk.read() as desk:
        files = desk.fetch(CertificateNumber(number))
    return read_whole_record(files.certificate, files.disclosure)


def spell_item(item: DueItem) -> str:
    """Return how a form names an instrument: its newest document, else its nameplate."""
    return item.number or _MARK.join([item.name, item.model, item.serial, item.maker])


# --- what came back -----------------------------------------------------------------------------------------


def show_round(call: Call) -> Response:
    """Show a round: its instruments, what devices brought back, and where two of them differ."""
    return _write_round(call)


def _write_round(
    call: Call, status: int = HTTPStatus.OK, problem: StateError | InputError | None = None
) -> Response:
    with call.tenant.rounds.read() as reading:
        stored = reading.fetch_round(call.part("round"))
        findings = reading.list_findings(stored.id)
        rivals = find_rivals(reading, findings)
        devices = {one.id: one for one in reading.list_devices()}
    round_ = parse_round(stored.content)
    drafts = _find_drafts(call, findings)
    shown = {one.position: one for one in findings} | {
        one.position: one for group in rivals.values() for one in group
    }
    whole = {position: parse_finding(one.content) for position, one in shown.items()}
    flow_units = {item.key: item.flow_unit for item in round_.items.values()}
    return write_page(
        call,
        "office/round.html",
        status,
        stored=stored,
        round=round_,
        digest=encode_hex(round_.digest),
        by_item={
            item: [one for one in findings if one.item == item and one.state != "replaced"]
            for item in round_.items
        },
        replaced=[one for one in findings if one.state == "replaced"],
        rivals=rivals,
        whole=whole,
        devices=devices,
        drafts=_find_drafts(call, list(shown.values())),
        remarks=read_remarks,
        list_errors=lambda one: list_errors(whole[one.position], flow_units.get(one.instrument)),
        stickers=SigningDesk(call).preview_stickers(drafts.values()),
        sticker_states=STICKER_WORDS,
        may_bind=OfficeRole.APPROVER in call.known.roles,
        draft_states=STATE_WORDS,
        states=FINDING_WORDS,
        kinds=KIND_WORDS,
        person=call.known.pid,
        is_operator=OfficeRole.OPERATOR in call.known.roles,
        problem=problem,
    )


def _find_drafts(call: Call, findings: list[StoredFinding]) -> dict[int, StoredDraft]:
    ids = sorted({one.draft for one in findings if one.draft is not None})
    with call.tenant.desk.read() as desk:
        found: dict[int, StoredDraft] = {}
        for start in range(0, len(ids), 256):
            found |= desk.find_drafts(ids[start : start + 256])
    return found


def list_errors(finding: Finding, flow_unit: str | None) -> list[tuple[str, Sentence, str]]:
    """Return part, item and errors of each series of a finding, as the page compares them."""
    rows = []
    for result in finding.results:
        points = result.get("points")
        listed = points if isinstance(points, list) else []
        errors = ", ".join(str(one.get("error")) for one in listed if isinstance(one, dict))
        code = str(result.get("item", ""))
        named = ITEM_WORDS.get(code, Sentence(code, code))
        if result.get("flow"):
            flow = f"{result['flow']} {flow_unit or ''}".strip()
            named = Sentence(f"{named.en} at {flow}", f"{named.zh}（流量 {flow}）")
        if result.get("before_adjustment"):
            named = Sentence(f"{named.en} before adjustment", f"调修前{named.zh}")
        rows.append((str(result.get("part", "")), named, f"{errors} {result.get('error_unit', '')}"))
    return rows


def make_draft(call: Call) -> Response:
    """Make a draft of a finding that waits."""
    signing = SigningDesk(call)
    try:
        with signing.alone():
            receiver = Receiver(call.tenant.rounds, signing.writer, signing.person, call.now)
            taken = receiver.make_draft(call.part("round"), read_id(call.part("finding")))
    except NotFoundError:
        raise
    except (InputError, StateError) as err:
        return _write_round(call, HTTPStatus.CONFLICT, err)
    return call.go(f"/drafts/{taken.draft}")


def bind_stickers(call: Call) -> Response:
    """Bind the stickers of a round that wait, and try again those that were refused."""
    with call.tenant.rounds.read() as reading:
        stored = reading.fetch_round(call.part("round"))
        drafts = sorted({one.draft for one in reading.list_findings(stored.id) if one.draft is not None})
    SigningDesk(call).bind_stickers(drafts)
    return call.go(f"/rounds/{stored.id}")


# --- devices ------------------------------------------------------------------------------------------------


def list_devices(call: Call) -> Response:
    """Show which devices bring findings back."""
    with call.tenant.rounds.read() as reading:
        devices = reading.list_devices()
    may_change = OfficeRole.ADMINISTRATOR in call.known.roles
    return write_page(call, "office/devices.html", devices=devices, may_change=may_change)


def revoke_device(call: Call) -> Response:
    """Take nothing more from a device."""
    with call.tenant.busy, call.tenant.rounds.write() as writing:
        device = writing.find_device(call.part("device"))
        if device is None:
            raise NotFoundError("there is nothing under this name here")
        writing.revoke_device(device.id, call.known.name, to_ms(call.now))
    with call.office.store.write() as office:
        office.note(
            "device-revoked",
            call.now,
            tenant=call.tenant.id,
            account=call.known.id,
            name=device.label,
            address=call.address,
            detail=device.id,
        )
    return call.go("/devices")


_ROUND: Final = Sentence("A round", "任务单")
_REVOKE: Final = Sentence("Revoke a device", "停用设备")

OPERATIONS: Final = (
    Operation(
        "rounds.list", "GET", "/rounds", list_rounds, READERS, Sentence("Rounds", "现场任务"), in_menu=True
    ),
    Operation("rounds.new", "GET", "/rounds/new", start_round, OPERATORS, Sentence("New round", "新建任务单")),
    Operation("rounds.prepare", "POST", "/rounds", prepare, OPERATORS, Sentence("Prepare a round", "编制任务单")),
    Operation("rounds.show", "GET", "/rounds/{round}", show_round, READERS, _ROUND, resource="round"),
    Operation(
        "rounds.draft",
        "POST",
        "/rounds/{round}/findings/{finding}/draft",
        make_draft,
        OPERATORS,
        Sentence("Make a draft of a finding", "将现场记录转为草稿"),
        resource="round",
    ),
    Operation(
        "rounds.stickers",
        "POST",
        "/rounds/{round}/stickers",
        bind_stickers,
        APPROVERS,
        Sentence("Bind the stickers of a round", "登记现场所贴标志"),
        resource="round",
        signs=True,
    ),
    Operation(
        "devices.list", "GET", "/devices", list_devices, WATCHERS, Sentence("Devices", "现场设备"), in_menu=True
    ),
    Operation(
        "devices.revoke", "POST", "/devices/{device}/revoke", revoke_device, ADMINISTRATORS, _REVOKE,
        resource="device",
    ),
)  # fmt: skip
