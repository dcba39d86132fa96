"""The counter of the caller's institution: what it says of instruments and stickers, by its seal.

Everything that is said is signed and kept first, then handed in (`issuer.speaking`). What the ledger could not
take waits, and goes along with the next thing that is said here. Rolls are those that the ledger has for the
institution, and those that were allotted here and still wait.

>>> counter = Counter(call)
>>> counter.say(lambda: counter.stickers.bind(sticker, instrument_id, None))
Saying(position=12, ...)
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import Final, TypeVar

from api.office.call import Call
from api.office.instrument_view import KnownInstrument, find_serial, list_known
from api.office.store import NOT_HERE
from issuer.faults import Gathering, list_faults
from issuer.identity import find_instrument_id
from issuer.known_instruments import describe_issued
from issuer.preview import as_members
from issuer.registering import Registrar
from issuer.said_book import RollCounts, StickerState
from issuer.sticker_desk import StickerDesk
from ledger.core.canonical import JsonObject
from ledger.core.certificate import parse_certificate
from ledger.core.errors import InputError, NotFoundError, StateError, UnavailableError
from ledger.core.ids import CertificateNumber, InstrumentId
from ledger.core.instrument import normalise_for_search
from ledger.core.qr import format_code
from ledger.core.register_fields import RegisterState
from ledger.core.registration import InstrumentContent
from ledger.core.statement import IssueClaims, parse_signed_statement
from ledger.core.sticker import RollContent, StickerId, find_roll, is_of_roll, parse_sticker_id

T = TypeVar("T")

_SCHEME: Final = "https://"
_WRONG_SYMBOL: Final = "wrong place"
_LONGEST: Final = 300
_AWAY: Final = "ledger out of reach"
_MINUTES: Final = ("%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S")


@dataclass(frozen=True, slots=True)
class RollView:
    """A roll of the institution."""

    content: RollContent
    counts: RollCounts
    waits: bool
    """Whether what was said of it last waits for the log."""
    is_ours: bool
    """Whether it was allotted here, so that it can be withdrawn here."""

    @property
    def is_active(self) -> bool:
        """Tell whether its stickers may be put on."""
        return self.content.state is RegisterState.ACTIVE


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sticker is put."""

    instrument: KnownInstrument
    instrument_id: InstrumentId
    part: str | None


@dataclass(frozen=True, slots=True)
class Counter:
    """What one request may say of instruments and stickers of its caller's institution."""

    call: Call

    @property
    def stickers(self) -> StickerDesk:
        """Return what puts stickers on and takes them off."""
        return StickerDesk(self.call.tenant.make_speaker(self.call.office.gateway))

    @property
    def registrar(self) -> Registrar:
        """Return what registers instruments."""
        tenant = self.call.tenant
        return Registrar(tenant.make_speaker(self.call.office.gateway), tenant.today())

    def say(self, act: Callable[[], T], event: str = "", detail: str = "") -> T:
        """Say something while nobody else does; what waits from earlier goes along.

        Args:
            act: says it.
            event: what the access log calls it; "": the caller writes it down.
            detail: about which sticker or roll.

        Raises:
            UnavailableError: the ledger is out of reach: what was signed waits.
        """
        tenant = self.call.tenant
        with tenant.busy:
            try:
                said = act()
            except UnavailableError:
                self.note(event, f"{detail} · {_AWAY}")
                raise
            self.note(event, detail)
            if tenant.said.count_waiting():
                with suppress(UnavailableError, StateError):
                    self.stickers.finish()
            return said

    def note(self, event: str, detail: str) -> None:
        """Write into the access log who has said something: the seal signs for the institution alone."""
        call = self.call
        if not event:
            return
        with call.office.store.write() as writing:
            writing.note(
                event,
                call.now,
                tenant=call.tenant.id,
                account=call.known.id,
                name=call.known.name,
                address=call.address,
                detail=detail,
            )

    # --- instruments ------------------------------------------------------------------------------------------

    def list_known(self) -> dict[str, KnownInstrument]:
        """Return every instrument that the institution knows, by its id."""
        with self.call.tenant.said.read() as book:
            registered = book.list_instruments()
        return list_known(registered, self.call.tenant.documents.list_instruments())

    def find_instrument(self, text: str) -> KnownInstrument:
        """Return an instrument by its id, or by one that was found to be the same.

        Raises:
            NotFoundError: the institution knows none.
        """
        known = self.list_known()
        found = known.get(text) or next((one for one in known.values() if text in one.aliases), None)
        if found is None:
            raise NotFoundError(NOT_HERE)
        return found

    def find_drafted(self, instrument: JsonObject) -> KnownInstrument:
        """Return the instrument that a draft is about.

        Args:
            instrument: as the draft has it.

        Raises:
            InputError: it is not known yet, or the draft does not tell it apart.
        """
        given, owner = instrument.get("id"), as_members(instrument.get("owner", {})).get("code")
        code = owner if isinstance(owner, str) else None
        found = given or find_instrument_id(instrument, code, self.call.tenant.id, Gathering())
        try:
            return self.find_instrument(str(found))
        except NotFoundError:
            raise InputError(
                "is not known yet: register it first", field="instrument", zh="尚未登记"
            ) from None

    def describe(self, known: KnownInstrument) -> InstrumentContent:
        """Return what is known of an instrument: as registered, else as its newest document has it."""
        if known.content is not None or known.newest is None:
            assert known.content is not None  # noqa: S101 -- one of the two is always there
            return known.content
        return self._read_issued(known.newest.number)

    def _read_issued(self, number: str) -> InstrumentContent:
        with self.call.tenant.desk.read() as desk:
            stored = desk.fetch(CertificateNumber(number))
        return describe_issued(parse_certificate(stored.certificate).record.instrument)

    def list_alike(self, serial: str) -> list[InstrumentContent]:
        """Return the instruments of documents whose serial number is spelled like this one."""
        wanted = normalise_for_search(serial)
        documents = self.call.tenant.documents.list_instruments().values()
        alike = [one.number for one in documents if normalise_for_search(one.serial) == wanted]
        return [self._read_issued(number) for number in alike]

    # --- rolls ------------------------------------------------------------------------------------------------

    def list_rolls(self) -> list[RollView]:
        """Return the rolls of the institution, oldest first; those that authorities have allotted come last."""
        with suppress(UnavailableError):
            return self._list_rolls(self._fetch_rolls())
        return self._list_rolls({})

    def _fetch_rolls(self) -> dict[str, RollContent]:
        tenant = self.call.tenant
        rolls = self.call.office.gateway.registers().rolls
        return {code: roll for code, roll in rolls.items() if roll.institution == tenant.id}

    def _list_rolls(self, logged: dict[str, RollContent]) -> list[RollView]:
        views, left = list[RollView](), dict(logged)
        with self.call.tenant.said.read() as book:
            for said in book.list_rolls():
                in_ledger = left.pop(said.content.roll, None)
                content = said.content if said.waits or in_ledger is None else in_ledger
                views.append(RollView(content, book.count(content), said.waits, is_ours=True))
            for roll in left.values():
                views.append(RollView(roll, book.count(roll), waits=False, is_ours=False))
        return views

    def find_roll(self, code: str) -> RollView:
        """Return a roll.

        Raises:
            NotFoundError: it is none of the institution's.
        """
        found = next((one for one in self.list_rolls() if one.content.roll == code), None)
        if found is None:
            raise NotFoundError(NOT_HERE)
        return found

    # --- stickers ---------------------------------------------------------------------------------------------

    def find_sticker(self, text: str) -> tuple[StickerId, RollView]:
        """Return a sticker that was given out to the institution, and its roll.

        Raises:
            NotFoundError: it was not.
        """
        try:
            sticker = parse_sticker_id(text)
        except InputError:
            raise NotFoundError(NOT_HERE) from None
        roll = self.find_roll(find_roll(sticker))
        if sticker != text or not is_of_roll(sticker, roll.content):
            raise NotFoundError(NOT_HERE)
        return sticker, roll

    def read_sticker(self, text: str) -> tuple[StickerId, RollView]:
        """Return a sticker by what somebody typed or scanned, and its roll.

        Raises:
            InputError: it is none, or none of the institution's.
        """
        sticker = read_sticker(text, self.call.tenant.host)
        try:
            return self.find_sticker(sticker)
        except NotFoundError:
            why = f"{format_code(sticker)} was not given out to this institution"
            raise InputError(
                why, field="sticker", zh=f"{format_code(sticker)}不是发放给本机构的标志"
            ) from None

    def find_place(self, text: str, part: str) -> Place:
        """Return where a sticker is put.

        Args:
            text: a document's number, an instrument's id, or a serial number that only one has.
            part: of the instrument; "": the whole, or the part that the document is about.

        Raises:
            InputError: no such instrument or part, or several have the serial number.
        """
        place = self._find_place(text)
        chosen = part or place.part
        if chosen is not None:
            self._require_part(place.instrument, chosen)
        return replace(place, part=chosen)

    def _find_place(self, text: str) -> Place:
        known = self.list_known()
        document = self.call.tenant.documents.find(text)
        if document is not None:
            with self.call.tenant.desk.read() as desk:
                stored = desk.fetch(CertificateNumber(document.number))
            claims = parse_signed_statement(stored.statement).statement.claims
            assert isinstance(claims, IssueClaims)  # noqa: S101 -- the desk's documents are issues
            instrument = self.find_instrument(document.instrument_id)
            return Place(instrument, claims.instrument_id, claims.part)
        with suppress(NotFoundError):
            instrument = self.find_instrument(text.lower())
            return Place(instrument, instrument.key, None)
        found = find_serial(known, text)
        if len(found) != 1:
            raise _say_place(found)
        return Place(found[0], found[0].key, None)

    def _require_part(self, instrument: KnownInstrument, part: str) -> None:
        content = self.describe(instrument)
        if part in content.retired:
            raise InputError(f"{part} is not in use any more", field="part", zh=f"部件{part}已停用")
        if part not in content.parts:
            names = ", ".join(content.parts)
            raise InputError(
                f"the instrument has no part {part}; it has {names or 'none that is known: register it first'}",
                field="part",
                zh=f"该器具没有部件{part}；" + (f"已知部件：{names}" if names else "尚无已知部件，请先登记"),
            )

    def find_state(self, sticker: StickerId, roll: RollView) -> StickerState:
        """Return where a sticker of a roll is."""
        with self.call.tenant.said.read() as book:
            state = book.find_state(sticker, roll.content)
        assert state is not None  # noqa: S101 -- `find_sticker` has asked whether the roll gave it out
        return state

    def read_moment(self, name: str) -> datetime | None:
        """Return a time of the institution's zone, as pages give it; None where none is given.

        Raises:
            InputError: no such time, or it lies in the future.
        """
        text = self.call.form.text(name, most=30).strip()
        if not text:
            return None
        moment = next(_parse_moments(text, self.call.tenant.institution.profile.zone), None)
        if moment is None:
            raise InputError(
                "is no time, as 2026-11-02 16:40", field=name, zh="不是时间，应如 2026-11-02 16:40"
            )
        if moment > self.call.now:
            raise InputError("is in the future", field=name, zh="不能晚于现在")
        return moment


def read_sticker(text: str, host: str) -> StickerId:
    """Return the sticker that somebody typed or scanned.

    Args:
        text: 16 letters and digits, spelled freely, or the text of the code.
        host: where codes of the institution lead to.

    Raises:
        InputError: the code of something else or of another site, or a wrong id.
    """
    text = text.strip()
    if not text:
        raise InputError("must be filled in", field="sticker", zh="必须填写")
    if "/" in text[:_LONGEST]:
        site, _, rest = text.removeprefix(_SCHEME).partition("/")
        if not text.startswith(_SCHEME) or site != host:
            why = f"this code leads to {site[:60]!r}, not to {host}: do not use it"
            raise InputError(why, field="sticker", zh=f"该码指向{site[:60]!r}，而不是{host}，请勿使用")
        if not rest.startswith("s/"):
            why = "this is the code of a document, not that of a sticker"
            raise InputError(why, field="sticker", zh="这是证书的二维码，不是标志的二维码")
        text = rest.removeprefix("s/")
    try:
        return parse_sticker_id(text)
    except InputError as err:
        is_wrong = _WRONG_SYMBOL in err.reason
        zh = "编号中有字符写错或位置不对" if is_wrong else "标志编号应为16位字母和数字"
        raise InputError(err.reason, field="sticker", zh=zh) from None


def localise(error: InputError) -> InputError:
    """Return an error with a sentence in Chinese, and its field as forms call it."""
    field = error.field
    if field is not None:
        field = field.removeprefix("instrument.").removeprefix("content.").partition("[")[0]
    zh = error.zh or list_faults(error)[0].zh
    return InputError(error.reason, field=field, zh=zh)


def _parse_moments(text: str, zone: tzinfo) -> Iterator[datetime]:
    for pattern in _MINUTES:
        with suppress(ValueError, OverflowError):  # in the year 1 of a zone UTC has no time
            yield datetime.strptime(text, pattern).replace(tzinfo=zone).astimezone(UTC)


def _say_place(found: list[KnownInstrument]) -> InputError:
    if found:
        listed = ", ".join(f"{one.maker} {one.model}" for one in found[:5])
        return InputError(
            f"{len(found)} instruments have this serial number ({listed}): put it on from the page of one",
            field="where",
            zh=f"有{len(found)}台器具使用该出厂编号（{listed}），请在器具页面中启用",
        )
    return InputError(
        "no document, instrument or serial number that this institution knows",
        field="where",
        zh="本机构没有该编号的证书或器具；请先登记",
    )
