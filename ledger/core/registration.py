"""INSTRUMENT: what institutions have registered of an instrument, beside what their documents say.

A registration holds the nameplate, the codes (三码), which parts are in use and which are not any more, where seals
belong, who has answered whether an instrument that looks like another one is the same, and a photograph. It is a
subject of its own: registering changes nothing of what documents say of the instrument; no document waits for it.

>>> parse_instrument_content(encode_instrument_content(content)) == content
True
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from ledger.core.canonical import JsonObject, encode_canonical_json
from ledger.core.category import Category, parse_category
from ledger.core.encoding import encode_hex
from ledger.core.event import registration_subject
from ledger.core.fields import Reader
from ledger.core.ids import InstrumentId, Subject
from ledger.core.instrument import MAX_IDENTITY_BYTES, MAX_PART_BYTES
from ledger.core.photo import Photograph, encode_photograph, parse_photograph
from ledger.core.register_fields import division_members, open_content, parse_division

MAX_PARTS: Final = 64
MAX_SEAL_POINTS: Final = 32
MAX_ANSWERS: Final = 64
CODE_NAMES: Final = ("production", "repair", "verification")
"""生产码, 维修码, 检定码."""

_INSTRUMENT_BYTES: Final = 16
_FIRST_YEAR: Final = 1800
_LAST_YEAR: Final = 9999
_PERSON_BYTES: Final = 32


class Likeness(StrEnum):
    """What a person found out about an instrument that looks like another one."""

    SAME = "same"
    """One instrument: the other id was given to it by mistake, or because its nameplate was read differently."""
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether this instrument is another one that looks like it, by the word of a person."""

    other: InstrumentId
    """16 bytes."""
    likeness: Likeness
    person: str
    """Public pseudonym, within the institution that registers."""
    answered_on: date


@dataclass(frozen=True, slots=True)
class InstrumentContent:
    """What is registered of an instrument."""

    id: InstrumentId
    """16 bytes, under which its documents name it."""
    category: Category
    model: str | None
    serial: str
    maker: str | None
    type_approval_no: str | None
    year: int | None
    """In which it was made."""
    codes: tuple[tuple[str, str], ...]
    """Pairs of one of `CODE_NAMES` and the code, by name."""
    parts: tuple[str, ...]
    """Ids of the parts in use (nozzles, lanes, phases), in their order on the instrument."""
    retired: tuple[str, ...]
    """Ids of parts that are not in use any more."""
    seal_points: tuple[str, ...]
    """Where seals belong."""
    division: str
    """Where it stands, at most to the county; "" if nobody said."""
    answers: tuple[Answer, ...]
    """By the other instrument's id, each once."""
    photo: Photograph | None = None
    """Of the instrument with its nameplate and seals; its bytes come with the statement."""

    @property
    def subject(self) -> Subject:
        """Return the registration, which the statement is about."""
        return registration_subject(self.id)


def encode_instrument_content(content: InstrumentContent) -> bytes:
    """Return the canonical bytes of an INSTRUMENT content."""
    members: JsonObject = {
        "id": encode_hex(content.id),
        "category": content.category.name,
        "serial": content.serial,
        **division_members(content.division),
    }
    given: JsonObject = {
        "model": content.model or "",
        "maker": content.maker or "",
        "cpa_no": content.type_approval_no or "",
        "year": content.year or 0,
        "codes": {**dict(content.codes)},
        "parts": [*content.parts],
        "retired": [*content.retired],
        "seal_points": [*content.seal_points],
        "answers": [_encode_answer(answer) for answer in content.answers],
        "photo": {} if content.photo is None else encode_photograph(content.photo),
    }
    return encode_canonical_json(members | {name: value for name, value in given.items() if value})


def parse_instrument_content(raw: bytes) -> InstrumentContent:
    """Parse an INSTRUMENT content.

    Raises:
        InputError: not such a content; a part is in use and not in use, or something stands there twice.
    """
    reader = open_content(raw)
    photo = reader.opt_object("photo")
    content = InstrumentContent(
        id=InstrumentId(reader.hex("id", _INSTRUMENT_BYTES)),
        category=parse_category(reader.text("category", max_bytes=40), "content.category"),
        model=reader.opt_text("model", max_bytes=MAX_IDENTITY_BYTES),
        serial=reader.text("serial", max_bytes=MAX_IDENTITY_BYTES),
        maker=reader.opt_text("maker", max_bytes=MAX_IDENTITY_BYTES),
        type_approval_no=reader.opt_text("cpa_no", max_bytes=64),
        year=reader.opt_integer("year", _FIRST_YEAR, _LAST_YEAR),
        codes=_parse_codes(reader.opt_object("codes")),
        parts=_parse_list(reader, "parts", MAX_PART_BYTES, MAX_PARTS),
        retired=_parse_list(reader, "retired", MAX_PART_BYTES, MAX_PARTS),
        seal_points=_parse_list(reader, "seal_points", MAX_IDENTITY_BYTES, MAX_SEAL_POINTS),
        division=parse_division(reader),
        answers=_parse_answers(reader),
        photo=None if photo is None else parse_photograph(photo),
    )
    if set(content.parts) & set(content.retired):
        reader.refuse("retired", "names a part that is in use")
    if any(answer.other == content.id for answer in content.answers):
        reader.refuse("answers", "names the instrument itself")
    reader.finish()
    return content


def _parse_list(reader: Reader, name: str, max_bytes: int, most: int) -> tuple[str, ...]:
    """Return a list of texts, absent if empty, in the order that is given, each once."""
    texts = reader.opt_texts(name, max_bytes=max_bytes, most=most)
    if texts is not None and (not texts or len(set(texts)) != len(texts)):
        reader.refuse(name, "expected at least one, each once")
    return tuple(texts or ())


def _parse_codes(reader: Reader | None) -> tuple[tuple[str, str], ...]:
    if reader is None:
        return ()
    found = [(name, reader.opt_text(name, max_bytes=MAX_IDENTITY_BYTES)) for name in CODE_NAMES]
    codes = tuple((name, code) for name, code in found if code is not None)
    if not codes:
        reader.refuse(CODE_NAMES[0], "expected at least one code")
    reader.finish()
    return codes


def _encode_answer(answer: Answer) -> JsonObject:
    return {
        "id": encode_hex(answer.other),
        "is": answer.likeness.value,
        "by": answer.person,
        "on": answer.answered_on.isoformat(),
    }


def _parse_answers(reader: Reader) -> tuple[Answer, ...]:
    items = reader.opt_objects("answers", least=1, most=MAX_ANSWERS)
    answers = tuple(_parse_answer(item) for item in items or ())
    others = [answer.other for answer in answers]
    if others != sorted(set(others)):
        reader.refuse("answers", "expected each instrument once, by id")
    return answers


def _parse_answer(reader: Reader) -> Answer:
    answer = Answer(
        other=InstrumentId(reader.hex("id", _INSTRUMENT_BYTES)),
        likeness=reader.enum("is", Likeness),
        person=reader.text("by", max_bytes=_PERSON_BYTES),
        answered_on=reader.date("on"),
    )
    reader.finish()
    return answer
