"""PLEDGE: what an owner promises of the instruments at its sites (诚信计量自我承诺), in its own words.

Nobody has verified a pledge: it is the owner's word alone, and is never shown as a certificate is. There is one
of all sites of an owner, and one of each site that the owner speaks of apart. What was promised before stays in
the log; the newest statement says what is promised now.

>>> parse_pledge(encode_pledge(content)) == content
True
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from ledger.core.canonical import JsonObject, encode_canonical_json
from ledger.core.event import pledge_subject
from ledger.core.fields import Reader
from ledger.core.ids import InstitutionId, Subject
from ledger.core.register_fields import check_period, open_content, parse_institution_id
from ledger.core.site import SiteName, parse_site_name

MAX_PARAGRAPHS: Final = 16
MAX_PARAGRAPH_BYTES: Final = 600


class PledgeState(StrEnum):
    """What becomes of a pledge."""

    ACTIVE = "active"
    """It is made, for the first time or after it was withdrawn."""
    CHANGED = "changed"
    """It is made anew, and takes the place of the one before."""
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Paragraphs:
    """Paragraphs in Chinese and, if there are any, in English."""

    zh: tuple[str, ...]
    en: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Promise:
    """What is promised."""

    text: Paragraphs
    compensation: Paragraphs | None = None
    """What the owner pays who was given short measure (承诺赔付)."""
    until: date | None = None
    """Last day on which it holds; None: until it is changed or withdrawn."""


@dataclass(frozen=True, slots=True)
class PledgeContent:
    """What an owner says of its pledge."""

    owner: InstitutionId
    site: SiteName | None
    """The one site that it is about; None: all sites of the owner."""
    state: PledgeState
    made_on: date
    """The day on which this was said, by the owner's word; the log refuses one that is still to come."""
    promise: Promise | None
    """None exactly where the pledge is withdrawn."""

    @property
    def subject(self) -> Subject:
        """Return the pledge, which the statement is about."""
        return pledge_subject(self.owner, None if self.site is None else (self.site.keeper, self.site.id))


def encode_pledge(content: PledgeContent) -> bytes:
    """Return the canonical bytes of a PLEDGE content."""
    members: JsonObject = {
        "owner": content.owner,
        "state": content.state.value,
        "made_on": content.made_on.isoformat(),
    }
    if content.site is not None:
        members["site"] = {"keeper": content.site.keeper, "id": content.site.id}
    if content.promise is not None:
        members |= _encode_promise(content.promise)
    return encode_canonical_json(members)


def parse_pledge(raw: bytes) -> PledgeContent:
    """Parse a PLEDGE content.

    Raises:
        InputError: not such a content; a pledge that is withdrawn says more, or another says nothing.
    """
    reader = open_content(raw)
    state, made_on = reader.enum("state", PledgeState), reader.date("made_on")
    content = PledgeContent(
        owner=parse_institution_id(reader, "owner"),
        site=_parse_site(reader.opt_object("site")),
        state=state,
        made_on=made_on,
        promise=None if state is PledgeState.WITHDRAWN else parse_promise(reader),
    )
    if content.promise is not None and content.promise.until is not None:
        check_period(made_on, content.promise.until)
    reader.finish()
    return content


def parse_promise(reader: Reader) -> Promise:
    """Return the members `text`, `compensation` and `until`."""
    compensation = reader.opt_object("compensation")
    return Promise(
        text=_parse_paragraphs(reader.object("text")),
        compensation=None if compensation is None else _parse_paragraphs(compensation),
        until=reader.opt_date("until"),
    )


def _encode_promise(promise: Promise) -> JsonObject:
    members: JsonObject = {"text": _encode_paragraphs(promise.text)}
    if promise.compensation is not None:
        members["compensation"] = _encode_paragraphs(promise.compensation)
    if promise.until is not None:
        members["until"] = promise.until.isoformat()
    return members


def _encode_paragraphs(paragraphs: Paragraphs) -> JsonObject:
    members: JsonObject = {"zh": [*paragraphs.zh]}
    return members | {"en": [*paragraphs.en]} if paragraphs.en else members


def _parse_paragraphs(reader: Reader) -> Paragraphs:
    zh = reader.texts("zh", max_bytes=MAX_PARAGRAPH_BYTES, least=1, most=MAX_PARAGRAPHS)
    en = reader.opt_texts("en", max_bytes=MAX_PARAGRAPH_BYTES, least=1, most=MAX_PARAGRAPHS)
    reader.finish()
    return Paragraphs(tuple(zh), tuple(en or ()))


def _parse_site(reader: Reader | None) -> SiteName | None:
    if reader is None:
        return None
    name = parse_site_name(reader)
    reader.finish()
    return name
