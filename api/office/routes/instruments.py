"""Instruments: what the institution knows; registered and changed once likely matches are answered."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from api.office.call import Call
from api.office.counter import Counter, localise
from api.office.instrument_view import (
    ENTRIES,
    GOOD,
    STATUS_WORDS,
    KnownInstrument,
    compare,
    fill_form,
    read_members,
    search,
)
from api.office.operations import Operation
from api.office.pages import write_page
from api.office.roles import READERS, OfficeRole
from api.office.routes.sticker_words import REASON_WORDS
from api.office.signing_desk import SigningDesk, read_id
from issuer.known_instruments import parse_registration
from issuer.matching import Match
from issuer.preview import as_members
from issuer.registering import Given
from ledger.core.canonical import encode_canonical_json, reread_canonical_json
from ledger.core.encoding import encode_hex, parse_hex
from ledger.core.errors import InputError, StateError, StoreUnavailableError, UnavailableError
from ledger.core.event import instrument_subject
from ledger.core.ids import CertificateNumber, InstrumentId
from ledger.core.registration import InstrumentContent, Likeness
from ledger.core.status import SubjectState
from ledger.core.step import Sentence

PAGE: Final = 50
_MOST: Final = 10**7
_ANSWER: Final = "answer-"
_OPERATORS: Final = frozenset({OfficeRole.OPERATOR})
_OF_FORM: Final = ("category", *(entry.name for entry in ENTRIES))
_LONGEST: Final = {entry.name: entry.most for entry in ENTRIES} | {"category": 40}
LIKENESS_WORDS: Final = {
    Likeness.SAME: Sentence("the same instrument", "同一器具"),
    Likeness.DIFFERENT: Sentence("another instrument", "不同器具"),
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the form of a registration says."""

    content: InstrumentContent
    given: Given
    fields: Mapping[str, str]


# --- what there is ------------------------------------------------------------------------------------------


def list_instruments(call: Call) -> Response:
    """Show instruments in which every word of a text stands."""
    text = call.form.text("q", most=100)
    start = call.form.whole("from", 0, least=0, most=_MOST)
    found = search(Counter(call).list_known(), text)
    return write_page(
        call,
        "office/instruments.html",
        instruments=found[start : start + PAGE],
        count=len(found),
        start=start,
        following=start + PAGE if len(found) > start + PAGE else None,
        q=text,
        categories=_list_categories(call),
        may_register=OfficeRole.OPERATOR in call.known.roles,
    )


def _list_categories(call: Call) -> dict[str, str]:
    return {rule.category.name: rule.name_zh for rule in call.tenant.rule_book.rows}


def show_instrument(call: Call) -> Response:
    """Show one instrument: identity, parts, seals, codes, state, documents and stickers."""
    known = Counter(call).find_instrument(call.part("instrument"))
    if known.id != call.part("instrument"):
        return call.go(f"/instruments/{known.id}")
    return write_instrument(call, known)


def write_instrument(
    call: Call,
    known: KnownInstrument,
    status: int = HTTPStatus.OK,
    problem: InputError | StateError | None = None,
    *,
    waiting: int | None = None,
) -> Response:
    """Write the page of an instrument.

    Args:
        call: the request.
        known: the instrument.
        status: of the answer.
        problem: why what was asked was not done.
        waiting: how much waits for the ledger, where that is out of reach; None: it was not asked.
    """
    counter = Counter(call)
    content = counter.describe(known)
    states = _find_states(call, known.keys, content)
    with call.tenant.said.read() as book:
        moves = book.list_on(known.keys)
        versions = book.list_registrations(known.key)
        on_now = [one for one in moves if book.list_moves(one.content.binding.sticker)[-1] == one]
    return write_page(
        call,
        "office/instrument.html",
        status,
        problem=problem,
        waiting=waiting,
        photo=None if known.content is None else known.content.photo,
        known=known,
        content=content,
        fields=fill_form(content),
        entries=[entry for entry in ENTRIES if not entry.only_new],
        states=states,
        status_words=STATUS_WORDS,
        good=GOOD,
        twins=_find_twins(call, known),
        documents=call.tenant.documents.list_about([known.id, *known.aliases]),
        seals=_read_seals(call, known),
        moves=moves,
        on_now=[one for one in on_now if one.content.reason is None],
        seen=moves[0].position if moves else 0,
        versions=list(reversed(versions)),
        likeness=LIKENESS_WORDS,
        reasons=REASON_WORDS,
        categories=_list_categories(call),
        today=call.tenant.today(),
        may_change=OfficeRole.OPERATOR in call.known.roles,
        encode_hex=encode_hex,
    )


def _find_states(
    call: Call, keys: Iterable[InstrumentId], content: InstrumentContent
) -> list[tuple[str, SubjectState | None]] | None:
    """Return the newest state of the whole, "", and of each part in use; None: the ledger is out of reach.

    An instrument with several ids stands as the one of which the ledger has heard last.
    """
    try:
        found = []
        for part in (None, *content.parts):
            subjects = [instrument_subject(key, part) for key in keys]
            states = call.office.gateway.find_states(subjects).values()
            newest = max(states, key=lambda state: state.last_event, default=None)
            found.append((part or "", newest))
    except UnavailableError:
        return None
    return found


def _find_twins(call: Call, known: KnownInstrument) -> list[KnownInstrument]:
    """Return the known instruments that an authority has found to be the same as one."""
    try:
        twins = call.office.gateway.registers().twins
    except UnavailableError:
        return []
    others = {subject for key in known.keys for subject in twins.get(instrument_subject(key, None), ())}
    if not others:
        return []
    all_known = Counter(call).list_known().values()
    return [
        one
        for one in all_known
        if one.id != known.id and others & {instrument_subject(key, None) for key in one.keys}
    ]


def _read_seals(call: Call, known: KnownInstrument) -> list[tuple[str, str]]:
    """Return number and place of each seal, by the newest document."""
    if known.newest is None:
        return []
    with call.tenant.desk.read() as desk:
        stored = desk.fetch(CertificateNumber(known.newest.number))
    record = as_members(as_members(reread_canonical_json(stored.certificate)).get("credentialSubject", {}))
    seals = record.get("seals", [])
    items = [as_members(one) for one in seals] if isinstance(seals, list) else []
    return [(str(one.get("no", "")), str(one.get("point", ""))) for one in items]


# --- register and change ------------------------------------------------------------------------------------


def start(call: Call) -> Response:
    """Show the form for an instrument, filled in from a draft if one is named."""
    return _write_form(call, None, _begin(call))


def _begin(call: Call) -> dict[str, str]:
    draft = call.form.text("draft", most=16)
    if not draft:
        return {}
    content = as_members(SigningDesk(call).describe(read_id(draft))["content"])
    instrument = as_members(content.get("instrument", {}))
    given = {name: str(instrument[name]) for name in _OF_FORM if isinstance(instrument.get(name), (str, int))}
    parts = instrument.get("parts", [])
    items = [as_members(one) for one in parts] if isinstance(parts, list) else []
    given["parts"] = ", ".join(str(one.get("id", "")) for one in items)
    division = as_members(instrument.get("site", {})).get("division")
    return given | ({"division": division} if isinstance(division, str) else {})


def edit(call: Call) -> Response:
    """Show the form of an instrument that is known."""
    known = Counter(call).find_instrument(call.part("instrument"))
    return _write_form(call, known, fill_form(Counter(call).describe(known)))


def _write_form(
    call: Call,
    known: KnownInstrument | None,
    fields: Mapping[str, str],
    status: int = HTTPStatus.OK,
    problem: InputError | StateError | None = None,
    *,
    is_away: bool = False,
) -> Response:
    return write_page(
        call,
        "office/instrument_form.html",
        status,
        known=known,
        fields=fields,
        entries=[entry for entry in ENTRIES if known is None or not entry.only_new],
        categories=_list_categories(call),
        problem=problem,
        waiting=call.tenant.said.count_waiting() if is_away else None,
    )


def register(call: Call) -> Response:
    """Register an instrument; one that looks like a known one is asked about first."""
    return _register(call, None)


def change(call: Call) -> Response:
    """Register an instrument that is known with other members, as its next version."""
    return _register(call, Counter(call).find_instrument(call.part("instrument")))


def _register(call: Call, known: KnownInstrument | None) -> Response:
    counter, fields = Counter(call), dict[str, str]()
    try:
        asked = _read_asked(call, known, fields)
        others = counter.list_alike(asked.content.serial)
        found = counter.say(lambda: _answer_or_register(counter, asked, others))
    except InputError as err:
        return _write_form(call, known, fields, HTTPStatus.UNPROCESSABLE_ENTITY, localise(err))
    except StateError as err:
        return _write_form(call, known, fields, HTTPStatus.CONFLICT, err)
    except StoreUnavailableError:
        raise
    except UnavailableError:
        return _write_form(call, known, fields, HTTPStatus.SERVICE_UNAVAILABLE, is_away=True)
    if isinstance(found, InstrumentContent):
        counter.note("instrument-registered", encode_hex(found.id))
        return call.go(f"/instruments/{encode_hex(found.id)}")
    return _write_matches(call, known, asked, found)


def _answer_or_register(
    counter: Counter, asked: _Asked, others: list[InstrumentContent]
) -> InstrumentContent | list[Match]:
    """Return what is registered; or what must be answered first, and nothing is registered."""
    registrar, given = counter.registrar, asked.given
    answered = given.different | (frozenset() if given.same is None else {given.same})
    matches = registrar.find_unanswered(asked.content, others)
    if any(match.known.id not in answered for match in matches):
        return matches
    return registrar.register(asked.content, others, given)[0]


def _read_asked(call: Call, known: KnownInstrument | None, fields: dict[str, str]) -> _Asked:
    """Return what the form says; `fields` is filled with it, so that nothing typed is lost."""
    form = call.form
    for name in _OF_FORM:
        fields[name] = form.text(name, most=_LONGEST[name]).strip()
    members = read_members(fields if known is None else fields | {"id": known.id})
    if known is not None:
        members["id"] = known.id
    content = parse_registration(encode_canonical_json(members), call.tenant.id)
    return _Asked(content, _read_given(call), fields)


def _read_given(call: Call) -> Given:
    """Return what the caller answers about instruments that look alike.

    Raises:
        InputError: an answer that is none, two that are the same, or the account has no person of the register.
    """
    same, different = list[InstrumentId](), set[InstrumentId]()
    for name in call.form.values:
        if not name.startswith(_ANSWER):
            continue
        other, said = _parse_id(name.removeprefix(_ANSWER)), call.form.text(name, most=20)
        if said == Likeness.SAME:
            same.append(other)
        elif said == Likeness.DIFFERENT:
            different.add(other)
        else:
            raise InputError(
                "say whether it is the same or another one", field="answers", zh="请选择是否同一器具"
            )
    if len(same) > 1:
        raise InputError(
            "one instrument is the same as one other at most", field="answers", zh="至多与一台器具相同"
        )
    person = SigningDesk(call).person if same or different else ""
    return Given(same[0] if same else None, frozenset(different), person)


def _parse_id(text: str) -> InstrumentId:
    try:
        return InstrumentId(parse_hex(text, size=16))
    except InputError:
        raise InputError("is about no instrument", field="answers", zh="所答并非器具") from None


def _write_matches(
    call: Call, known: KnownInstrument | None, asked: _Asked, matches: list[Match]
) -> Response:
    """Show what an instrument looks like, side by side; nothing is registered before the answer."""
    all_known = Counter(call).list_known()
    shown = [
        (match, all_known.get(encode_hex(match.known.id)), list(compare(asked.content, match.known)))
        for match in matches
    ]
    return write_page(
        call,
        "office/instrument_match.html",
        HTTPStatus.CONFLICT,
        known=known,
        content=asked.content,
        fields=asked.fields,
        matches=shown,
        person=call.known.pid,
        answer=_ANSWER,
        likeness=LIKENESS_WORDS,
        encode_hex=encode_hex,
    )


OPERATIONS: Final = (
    Operation(
        "instruments.list",
        "GET",
        "/instruments",
        list_instruments,
        READERS,
        Sentence("Instruments", "器具"),
        in_menu=True,
    ),
    Operation(
        "instruments.new",
        "GET",
        "/instruments/new",
        start,
        _OPERATORS,
        Sentence("Register an instrument", "登记器具"),
    ),
    Operation(
        "instruments.register",
        "POST",
        "/instruments",
        register,
        _OPERATORS,
        Sentence("Register an instrument", "登记器具"),
        signs=True,
    ),
    Operation(
        "instruments.show",
        "GET",
        "/instruments/{instrument}",
        show_instrument,
        READERS,
        Sentence("An instrument", "器具详情"),
        resource="instrument",
    ),
    Operation(
        "instruments.edit",
        "GET",
        "/instruments/{instrument}/edit",
        edit,
        _OPERATORS,
        Sentence("Change an instrument", "变更器具登记"),
        resource="instrument",
    ),
    Operation(
        "instruments.change",
        "POST",
        "/instruments/{instrument}",
        change,
        _OPERATORS,
        Sentence("Change an instrument", "变更器具登记"),
        resource="instrument",
        signs=True,
    ),
)
