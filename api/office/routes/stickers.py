"""Stickers: rolls allotted and withdrawn, stickers put on and taken off, lists by state, sheets to print."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from typing import Any, Final

from starlette.responses import Response

from api.office.call import Call
from api.office.counter import Counter, Place, RollView, localise
from api.office.instrument_view import KnownInstrument
from api.office.operations import Operation
from api.office.pages import write_page
from api.office.printing import (
    make_source,
    print_sheet,
    read_first_slot,
    read_template,
    require_room,
)
from api.office.roles import READERS, STAFF, OfficeRole
from api.office.routes.sticker_words import REASON_WORDS, STATE_WORDS
from issuer.rendering.label_templates import TEMPLATES
from issuer.said_book import Move, Said, StickerState
from issuer.sticker_labels import check_allotted, check_roll, list_roll_labels
from issuer.sticker_sheets import PAPER_ONLY, LabelDesk, LabelRefusal
from ledger.core.encoding import encode_hex
from ledger.core.errors import InputError, StateError, StoreUnavailableError, UnavailableError
from ledger.core.ids import CertificateNumber, InstrumentId
from ledger.core.qr import format_code
from ledger.core.step import Sentence
from ledger.core.sticker import MAX_STICKERS, StickerId, compute_sticker_id, encode_sticker_url, find_number
from ledger.core.sticker_use import StickerReason

PAGE: Final = 100
MAX_SHEET_BYTES: Final = 64 * 1024
"""Of the form with numbers of documents, one a line."""
_MOST_LINES: Final = 1200
_MOST: Final = 10**7
_PDF: Final = "application/pdf"
_OPERATORS: Final = frozenset({OfficeRole.OPERATOR})
_ADMINISTRATORS: Final = frozenset({OfficeRole.ADMINISTRATOR})
_KEEPERS: Final = _OPERATORS | _ADMINISTRATORS
_SEERS: Final = READERS | _ADMINISTRATORS
"""Who sees rolls and how many are left; what stickers stand on is for those who read documents."""

Problem = InputError | StateError


def _act(call: Call, act: Callable[[], str], write: Callable[..., Response]) -> Response:
    """Say something and show the page that comes after it; else the same page, with what stood against it.

    Args:
        call: who asks.
        act: returns where to go.
        write: writes the page with a status, and a problem or that the ledger is away.
    """
    try:
        return call.go(act())
    except InputError as err:
        return write(HTTPStatus.UNPROCESSABLE_ENTITY, problem=localise(err))
    except StateError as err:
        return write(HTTPStatus.CONFLICT, problem=err)
    except StoreUnavailableError:
        raise
    except UnavailableError:
        return write(HTTPStatus.SERVICE_UNAVAILABLE, is_away=True)


# --- rolls ------------------------------------------------------------------------------------------------


def list_rolls(call: Call) -> Response:
    """Show the rolls, and how many of their stickers are where."""
    return _write_rolls(call)


def _write_rolls(
    call: Call, status: int = HTTPStatus.OK, problem: Problem | None = None, *, is_away: bool = False
) -> Response:
    roles = call.known.roles
    return write_page(
        call,
        "office/stickers.html",
        status,
        rolls=list(reversed(Counter(call).list_rolls())),
        waiting=call.tenant.said.count_waiting(),
        problem=problem,
        is_away=is_away,
        may_allot=OfficeRole.ADMINISTRATOR in roles,
        may_bind=OfficeRole.OPERATOR in roles,
        may_read=bool(roles & READERS),
        may_print=bool(roles & STAFF),
        may_deliver=bool(roles & _KEEPERS),
        most=MAX_STICKERS,
    )


def allot(call: Call) -> Response:
    """Allot a roll."""

    def act() -> str:
        call.form.need("stickers", most=12)
        count = call.form.whole("stickers", 0, least=1, most=MAX_STICKERS)
        counter = Counter(call)
        roll = counter.say(lambda: counter.stickers.allot(count))
        counter.note("roll-allotted", f"{roll.roll} {count}")
        return f"/stickers/rolls/{roll.roll}"

    return _act(call, act, lambda status, **more: _write_rolls(call, status, **more))


def deliver(call: Call) -> Response:
    """Hand in what waits for the ledger."""

    def act() -> str:
        counter = Counter(call)
        counter.say(counter.stickers.finish)
        return "/stickers"

    return _act(call, act, lambda status, **more: _write_rolls(call, status, **more))


def show_roll(call: Call) -> Response:
    """Show one roll, and the stickers of it that were ever put on."""
    return _write_roll(call, Counter(call).find_roll(call.part("roll")))


def _write_roll(
    call: Call,
    roll: RollView,
    status: int = HTTPStatus.OK,
    problem: Problem | None = None,
    *,
    is_away: bool = False,
) -> Response:
    content, roles = roll.content, call.known.roles
    may_read = bool(roles & READERS)
    listed = _list_of_roll(call, roll) if may_read else _Listed("", (), (), None)
    given = {name: call.form.text(name, most=40) for name in ("from", "to", "start", "template", "date_line")}
    return write_page(
        call,
        "office/roll.html",
        status,
        roll=roll,
        first=format_code(compute_sticker_id(content, 0)),
        last=format_code(compute_sticker_id(content, content.count - 1)),
        listed=listed,
        rows=_describe(call, listed.moves),
        given=given,
        templates=TEMPLATES.values(),
        problem=problem,
        waiting=call.tenant.said.count_waiting() if is_away else None,
        may_withdraw=OfficeRole.ADMINISTRATOR in roles and roll.is_ours and roll.is_active,
        may_print=bool(roles & _KEEPERS) and roll.is_active,
        may_read=may_read,
        state_words=STATE_WORDS,
        reasons=REASON_WORDS,
    )


@dataclass(frozen=True, slots=True)
class _Listed:
    """Stickers of a roll in one state, a page of them."""

    state: str
    moves: Sequence[Said[Move]]
    """What happened last to those that were ever put on."""
    unused: Sequence[tuple[str, str]]
    """Id of those that were not, as it is and as it is printed."""
    following: int | None
    """Number with which the next page begins; None: there is none."""


def _list_of_roll(call: Call, roll: RollView) -> _Listed:
    """Return the stickers of a roll that are in the state that is asked for; in use, if none is."""
    left = StickerState.FREE if roll.is_active else StickerState.WITHDRAWN
    state = call.form.text("state", most=20) or StickerState.BOUND
    start = call.form.whole("after", 0, least=0, most=_MOST)
    with call.tenant.said.read() as book:
        used = {find_number(each): book.list_moves(each)[-1] for each in book.list_used(roll.content.roll)}
    if state == left:
        numbers = (number for number in range(start, roll.content.count) if number not in used)
        chosen = list(islice(numbers, PAGE + 1))
        ids = [compute_sticker_id(roll.content, number) for number in chosen[:PAGE]]
        unused = [(each, format_code(each)) for each in ids]
        return _Listed(state, (), unused, chosen[PAGE] if chosen[PAGE:] else None)
    found = [number for number, move in used.items() if number >= start and _find_state(move) == state]
    moves = [used[number] for number in found[:PAGE]]
    return _Listed(state, moves, (), found[PAGE] if found[PAGE:] else None)


def withdraw(call: Call) -> Response:
    """Withdraw what is left of a roll."""
    counter = Counter(call)
    roll = counter.find_roll(call.part("roll"))

    def act() -> str:
        code = roll.content.roll
        _require_again(call, code)
        counter.say(lambda: counter.stickers.withdraw(code), "roll-withdrawn", code)
        return f"/stickers/rolls/{code}"

    return _act(call, act, lambda status, **more: _write_roll(call, roll, status, **more))


def _require_again(call: Call, code: str) -> None:
    """Let nobody withdraw a roll by one click.

    Raises:
        InputError: its name was not typed.
    """
    if call.form.text("again", most=20).strip().upper() != code:
        raise InputError(f"type {code} to withdraw it for ever", field="again", zh=f"请输入{code}以确认停用")


def print_roll(call: Call) -> Response:
    """Give out a sheet of stickers of a roll."""
    roll = Counter(call).find_roll(call.part("roll"))
    content, form = roll.content, call.form
    try:
        template = read_template(form.text("template", most=40))
        slot = read_first_slot(template, form.whole("start", 1, least=1, most=_MOST))
        first, last = _read_range(call, content.count, template.count - slot)
        check_roll(content, first, last, call.tenant.id)
        require_room(last - first + 1, template, slot, "to")
        check_allotted(content, call.office.gateway.registers())
        source, date_line = make_source(call.tenant), form.text("date_line", most=5) == "yes"
        labels = list(list_roll_labels(content, range(first, last + 1), source, date_line=date_line))
        pdf = print_sheet(call.tenant, labels, template, slot, call.now)
    except InputError as err:
        return _write_roll(call, roll, HTTPStatus.UNPROCESSABLE_ENTITY, localise(err))
    Counter(call).note("stickers-printed", f"{content.roll} {first}-{last}")
    return _give_out(pdf, f"stickers-{content.roll}-{first}-{last}.pdf")


def _read_range(call: Call, count: int, page: int) -> tuple[int, int]:
    """Return the first and the last sticker that are asked for; one page, where no last one is named.

    Raises:
        InputError: the roll of `count` stickers has no such numbers, or the last one comes before the first.
    """
    first = call.form.whole("from", 0, least=0, most=count - 1)
    last = call.form.whole("to", min(first + page, count) - 1, least=0, most=count - 1)
    if first > last:
        raise InputError(f"{first} is beyond {last}", field="from", zh=f"{first}大于{last}")
    return first, last


def _give_out(pdf: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(pdf, headers=headers, media_type=_PDF)


# --- stickers ---------------------------------------------------------------------------------------------


def list_stickers(call: Call) -> Response:
    """Show stickers that were ever put on, by state and by what somebody typed or scanned."""
    form, counter = call.form, Counter(call)
    state, text = form.text("state", most=20), form.text("q", most=300).strip()
    start = form.whole("from", 0, least=0, most=_MOST)
    if text:
        try:
            sticker, _ = counter.read_sticker(text)
        except InputError as err:
            return _write_list(call, [], state, text, start, localise(err))
        return call.go(f"/stickers/{sticker}")
    with call.tenant.said.read() as book:
        moves = book.list_newest()
    chosen = [one for one in moves if state in {"", _find_state(one)}]
    return _write_list(call, chosen, state, text, start)


def _find_state(last: Said[Move]) -> StickerState:
    return StickerState.BOUND if last.content.reason is None else StickerState.RELEASED


def _write_list(
    call: Call,
    moves: list[Said[Move]],
    state: str,
    text: str,
    start: int,
    problem: InputError | None = None,
) -> Response:
    return write_page(
        call,
        "office/sticker_list.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if problem else HTTPStatus.OK,
        rows=_describe(call, moves[start : start + PAGE]),
        count=len(moves),
        following=start + PAGE if len(moves) > start + PAGE else None,
        state=state,
        q=text,
        problem=problem,
        state_words=STATE_WORDS,
        reasons=REASON_WORDS,
    )


def _describe(call: Call, moves: Sequence[Said[Move]]) -> list[dict[str, Any]]:
    """Return what lists show of what happened last to stickers."""
    known = Counter(call).list_known()
    kept = {alias: one for one in known.values() for alias in (one.id, *one.aliases)}
    return [_describe_move(move, kept) for move in moves]


def _describe_move(move: Said[Move], kept: dict[str, KnownInstrument]) -> dict[str, Any]:
    binding = move.content.binding
    instrument_id = encode_hex(binding.instrument_id)
    return {
        "sticker": binding.sticker,
        "printed": format_code(binding.sticker),
        "instrument_id": instrument_id,
        "instrument": kept.get(instrument_id),
        "part": binding.part,
        "at": binding.effective_at,
        "reason": move.content.reason,
        "waits": move.waits,
        "leaf": move.leaf_index,
        "state": _find_state(move),
    }


def show_sticker(call: Call) -> Response:
    """Show one sticker: where it stands, and where it stood."""
    sticker, roll = Counter(call).find_sticker(call.part("sticker"))
    return _write_sticker(call, sticker, roll)


def _write_sticker(
    call: Call,
    sticker: StickerId,
    roll: RollView,
    status: int = HTTPStatus.OK,
    problem: Problem | None = None,
    *,
    is_away: bool = False,
) -> Response:
    known = Counter(call).list_known()
    with call.tenant.said.read() as book:
        moves = book.list_moves(sticker)
        is_on = bool(moves) and moves[-1].content.reason is None
        replaced = book.list_replaced(moves[-1], _list_keys(known, moves[-1])) if is_on else []
    state = Counter(call).find_state(sticker, roll)
    is_operator = OfficeRole.OPERATOR in call.known.roles
    return write_page(
        call,
        "office/sticker.html",
        status,
        sticker=sticker,
        printed=format_code(sticker),
        number=find_number(sticker),
        url=encode_sticker_url(sticker, call.tenant.host),
        roll=roll,
        state=state,
        moves=_describe(call, list(reversed(moves))),
        replaced=[(each, format_code(each)) for each in replaced],
        seen=moves[-1].position if moves else 0,
        problem=problem,
        waiting=call.tenant.said.count_waiting() if is_away else None,
        state_words=STATE_WORDS,
        reasons=REASON_WORDS,
        given_reason=call.form.text("reason", most=40) if problem else "",
        may_unbind=is_operator and is_on,
        may_bind=is_operator and not is_on and roll.is_active,
    )


def _list_keys(known: Mapping[str, KnownInstrument], move: Said[Move]) -> list[InstrumentId]:
    """Return every id of the instrument that a sticker stands on."""
    key = move.content.binding.instrument_id
    return next((one.keys for one in known.values() if key in one.keys), [key])


def start_binding(call: Call) -> Response:
    """Show the form for putting a sticker on."""
    return _write_binding(call)


def _write_binding(
    call: Call, status: int = HTTPStatus.OK, problem: Problem | None = None, *, is_away: bool = False
) -> Response:
    given = {name: call.form.text(name, most=300) for name in ("sticker", "where", "part", "put_on")}
    return write_page(
        call,
        "office/sticker_bind.html",
        status,
        given=given,
        problem=problem,
        waiting=call.tenant.said.count_waiting() if is_away else None,
        host=call.tenant.host,
    )


def bind(call: Call) -> Response:
    """Put a sticker on an instrument, or a part of one; the one before is released."""

    def act() -> str:
        counter, form = Counter(call), call.form
        sticker, roll = counter.read_sticker(form.text("sticker", most=300))
        place = counter.find_place(form.need("where"), form.text("part", most=20).strip())
        put_on = counter.read_moment("put_on")

        def put() -> None:
            if not _stands_there(call, sticker, place.instrument_id, place.part):
                _require_free(call, sticker, roll)
                _require_seen(call, place.instrument)
            counter.stickers.bind(sticker, place.instrument_id, place.part, put_on)
            _release_of_other_ids(call, place, sticker)

        counter.say(put, "sticker-put-on", sticker)
        return f"/stickers/{sticker}"

    return _act(call, act, lambda status, **more: _write_binding(call, status, **more))


def _release_of_other_ids(call: Call, place: Place, sticker: StickerId) -> None:
    """Release what stands in the same place by another id of the instrument: to the desk that is another place."""
    with call.tenant.said.read() as book:
        standing = book.list_standing(place.instrument.keys)
    for binding in standing:
        if binding.part == place.part and binding.sticker != sticker:
            Counter(call).stickers.release(binding.sticker, StickerReason.REPLACED)


def _stands_there(call: Call, sticker: StickerId, instrument_id: bytes, part: str | None) -> bool:
    """Tell whether a sticker stands there already: the same form sent twice."""
    with call.tenant.said.read() as book:
        moves = book.list_moves(sticker)
    last = moves[-1].content if moves else None
    if last is None or last.reason is not None:
        return False
    return (last.binding.instrument_id, last.binding.part) == (instrument_id, part)


def _require_free(call: Call, sticker: StickerId, roll: RollView) -> None:
    """Refuse a sticker that stands on something else, or whose roll is withdrawn.

    Raises:
        InputError: the roll is withdrawn.
        StateError: it stands on something else; which is said.
    """
    with call.tenant.said.read() as book:
        moves = book.list_moves(sticker)
    if moves and moves[-1].content.reason is None:
        (row,) = _describe(call, [moves[-1]])
        known: KnownInstrument | None = row["instrument"]
        where = row["instrument_id"] if known is None else f"{known.maker} {known.model} {known.serial}"
        raise StateError(
            f"{row['printed']} stands on {where}: take it off there first",
            zh=f"{row['printed']}仍在{where}上，请先解除绑定",
        )
    if not roll.is_active:
        why = f"roll {roll.content.roll} is withdrawn: none of its stickers is put on any more"
        raise InputError(why, field="sticker", zh=f"卷号{roll.content.roll}已停用，其中的标志不能再启用")


def _require_seen(call: Call, instrument: KnownInstrument) -> None:
    """Refuse who has seen other stickers on an instrument than there are now, if the form says what was seen.

    Raises:
        StateError: somebody was first.
    """
    if "seen" not in call.form.values:
        return
    with call.tenant.said.read() as book:
        moves = book.list_on(instrument.keys)
    newest = moves[0].position if moves else 0
    if call.form.whole("seen", 0, least=0, most=2**53) != newest:
        raise StateError(
            "since this page was shown another sticker was put on this instrument, or taken off: look again",
            zh="显示本页之后，该器具的标志已有变化，请重新查看",
        )


def unbind(call: Call) -> Response:
    """Take a sticker off."""
    counter = Counter(call)
    sticker, roll = counter.find_sticker(call.part("sticker"))

    def act() -> str:
        reason, since = _parse_reason(call.form.need("reason", most=40)), counter.read_moment("since")

        def take_off() -> None:
            _require_as_seen(call, sticker, reason)
            counter.stickers.release(sticker, reason, since)

        counter.say(take_off, "sticker-taken-off", f"{sticker} {reason}")
        return f"/stickers/{sticker}"

    return _act(call, act, lambda status, **more: _write_sticker(call, sticker, roll, status, **more))


def _parse_reason(text: str) -> StickerReason:
    if text not in set(StickerReason):
        raise InputError("choose one of the list", field="reason", zh="请从列表中选择")
    return StickerReason(text)


def _require_as_seen(call: Call, sticker: StickerId, reason: StickerReason) -> None:
    """Refuse what somebody else has changed since the page was shown; the same sent twice is none.

    Raises:
        StateError: the sticker was put on something else, or taken off for another reason.
    """
    with call.tenant.said.read() as book:
        moves = book.list_moves(sticker)
    if moves and moves[-1].content.reason is reason:
        return
    seen = call.form.whole("seen", 0, least=0, most=2**53)
    if moves and moves[-1].position != seen:
        raise StateError(
            "since this page was shown something else has happened to the sticker: look again",
            zh="显示本页之后，该标志已有变化，请重新查看",
        )


# --- sheets of documents ------------------------------------------------------------------------------------


def start_sheet(call: Call) -> Response:
    """Show the form for stickers of documents."""
    return _write_sheet(call, "\n".join(call.form.texts("number", most=_MOST_LINES)))


def _write_sheet(
    call: Call,
    numbers: str,
    status: int = HTTPStatus.OK,
    problem: InputError | None = None,
    refused: list[LabelRefusal] | None = None,
) -> Response:
    return write_page(
        call,
        "office/sticker_sheet.html",
        status,
        numbers=numbers,
        given={name: call.form.text(name, most=40) for name in ("template", "start")},
        templates=TEMPLATES.values(),
        problem=problem,
        refused=refused or [],
        paper_only=PAPER_ONLY,
    )


def print_documents(call: Call) -> Response:
    """Give out a sheet of stickers of documents in force; all of them, or none and why."""
    form, tenant = call.form, call.tenant
    text = "\n".join(form.texts("numbers", most=1))
    try:
        numbers = _read_numbers(text)
        template = read_template(form.text("template", most=40))
        slot = read_first_slot(template, form.whole("start", 1, least=1, most=_MOST))
        require_room(len(numbers), template, slot, "numbers")
        desk = LabelDesk(make_source(tenant), call.office.gateway, tenant.desk, tenant.today())
        labels, refused = desk.collect(numbers)
        if refused:
            return _write_sheet(call, text, HTTPStatus.UNPROCESSABLE_ENTITY, refused=refused)
        pdf = print_sheet(tenant, labels, template, slot, call.now)
    except InputError as err:
        return _write_sheet(call, text, HTTPStatus.UNPROCESSABLE_ENTITY, localise(err))
    Counter(call).note(
        "stickers-printed", ", ".join(numbers[:3]) + (f" … {len(numbers)}" if numbers[3:] else "")
    )
    return _give_out(pdf, "stickers.pdf")


def _read_numbers(text: str) -> list[CertificateNumber]:
    """Return the numbers of documents, one a line, each once.

    Raises:
        InputError: none, or one that cannot be a number.
    """
    lines = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    if not lines:
        raise InputError("name one or more", field="numbers", zh="请填写一个或多个编号")
    for place, line in enumerate(lines, start=1):
        if len(line) > 64 or not line.isprintable():
            raise InputError(
                f"line {place} is no number of a document", field="numbers", zh=f"第{place}行不是证书编号"
            )
    return [CertificateNumber(line) for line in lines]


def _page(
    name: str,
    route: str,
    answer: Callable[[Call], Response],
    roles: frozenset[OfficeRole],
    title: Sentence,
    **more: Any,  # noqa: ANN401 -- members of an operation
) -> Operation:
    method, _, path = route.partition(" ")
    return Operation(name, method, path, answer, roles, title, **more)


_SHEET: Final = Sentence("Print stickers", "打印标志")

OPERATIONS: Final = (
    _page(
        "stickers.rolls", "GET /stickers", list_rolls, _SEERS, Sentence("Stickers", "合格标志"), in_menu=True
    ),
    _page("stickers.allot", "POST /stickers/rolls", allot, _ADMINISTRATORS, Sentence("Allot a roll", "发放")),
    _page(
        "stickers.deliver",
        "POST /stickers/deliver",
        deliver,
        _KEEPERS,
        Sentence("Hand in what waits", "提交待入账内容"),
    ),
    _page(
        "stickers.roll",
        "GET /stickers/rolls/{roll}",
        show_roll,
        _SEERS,
        Sentence("A roll", "一卷标志"),
        resource="roll",
    ),
    _page(
        "stickers.withdraw",
        "POST /stickers/rolls/{roll}/withdraw",
        withdraw,
        _ADMINISTRATORS,
        Sentence("Withdraw a roll", "停用一卷标志"),
        resource="roll",
    ),
    _page(
        "stickers.print-roll",
        "GET /stickers/rolls/{roll}/sheet.pdf",
        print_roll,
        _KEEPERS,
        _SHEET,
        resource="roll",
    ),
    _page(
        "stickers.list", "GET /stickers/list", list_stickers, READERS, Sentence("Stickers in use", "标志清单")
    ),
    _page(
        "stickers.bind-form", "GET /stickers/bind", start_binding, _OPERATORS, Sentence("Put on", "启用标志")
    ),
    _page("stickers.bind", "POST /stickers/bind", bind, _OPERATORS, Sentence("Put a sticker on", "启用标志")),
    _page("stickers.sheet", "GET /stickers/sheet", start_sheet, STAFF, _SHEET),
    _page("stickers.print", "POST /stickers/sheet", print_documents, STAFF, _SHEET),
    _page(
        "stickers.show",
        "GET /stickers/{sticker}",
        show_sticker,
        READERS,
        Sentence("A sticker", "标志详情"),
        resource="sticker",
    ),
    _page(
        "stickers.unbind",
        "POST /stickers/{sticker}/unbind",
        unbind,
        _OPERATORS,
        Sentence("Take a sticker off", "解除标志"),
        resource="sticker",
    ),
)
