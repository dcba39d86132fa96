"""Sites and pledges as their keepers write them, and what is said of them in the ledger.

    site     {"id": "M-01", "name": {"zh": "示例农贸市场"}, "division": "350102", "kind": "market",
              "instruments": ["0101…"], "fair_scales": ["0101…"]}
    pledge   {"text": {"zh": ["诚信经营。"]}, "compensation": {"zh": ["假一赔十。"]}, "until": "2027-02-27"}

Members are those of norm §5.7; who speaks, the state and the day are added here. The same again changes nothing.

>>> SiteDesk(speaker).register(content).leaf_index
21
"""

from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

from issuer.saying_store import Saying
from issuer.speaking import Speaker, read_content
from issuer.tables import DocumentState
from ledger.core.authority import InstitutionContent, Trade
from ledger.core.canonical import JsonObject, JsonValue, encode_canonical_json, parse_json
from ledger.core.errors import InputError, StateError
from ledger.core.event import EventType
from ledger.core.fields import Reader
from ledger.core.ids import InstitutionId
from ledger.core.pledge import (
    PledgeContent,
    PledgeState,
    Promise,
    encode_pledge,
    parse_pledge,
    parse_promise,
)
from ledger.core.site import SiteContent, SiteName, encode_site, parse_site
from ledger.core.status import Status

_LISTS = ("instruments", "fair_scales")


def parse_site_file(raw: bytes, keeper: InstitutionContent) -> SiteContent:
    """Read a site as people write it: JSON, spelled freely; `state` is active unless it says otherwise.

    Args:
        raw: the file.
        keeper: who enters it; an owner enters its own.

    Raises:
        InputError: not such an object; the member is named.
    """
    value = parse_json(raw)
    if not isinstance(value, dict):
        raise InputError("expected an object", field="site")
    for name, given in (("keeper", keeper.id), ("owner", keeper.id if keeper.trade is Trade.OWNER else None)):
        if given is not None and value.get(name, given) != given:
            raise InputError(f"is {given}, who speaks here", field=name)
    own = {"owner": keeper.id} if keeper.trade is Trade.OWNER else {}
    members: JsonObject = {"state": "active", **value, "keeper": keeper.id, **own}
    members |= {name: _sort(members[name], name) for name in _LISTS if members.get(name)}
    kept: JsonObject = {name: each for name, each in members.items() if name not in _LISTS or each}
    try:
        return parse_site(encode_canonical_json(kept))
    except InputError as err:
        raise _rename(err) from None


def parse_promise_file(raw: bytes, today: date) -> Promise:
    """Read what is promised, as people write it: JSON, spelled freely.

    Raises:
        InputError: not such an object, or it has ended; the member is named.
    """
    reader = Reader(parse_json(raw), "")
    promise = parse_promise(reader)
    reader.finish()
    if promise.until is not None and promise.until < today:
        raise InputError(f"has ended on {promise.until}", field="until", zh="承诺的最后一天已过")
    return promise


def _sort(value: JsonValue, name: str) -> JsonValue:
    """Return a list of ids in the order that the norm asks for; one that stands there twice is a mistake."""
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise InputError("expected a list of ids", field=name)
    texts = sorted(str(each) for each in value)
    twice = next((one for one, other in pairwise(texts) if one == other), None)
    if twice is not None:
        raise InputError(f"{twice} stands there twice", field=name, zh=f"{twice}重复")
    return [*texts]


def _rename(error: InputError) -> InputError:
    field = None if error.field is None else error.field.removeprefix("content.")
    return type(error)(error.reason, field=field, zh=error.zh)


class SiteDesk:
    """Enters the sites of one keeper."""

    def __init__(self, speaker: Speaker) -> None:
        """Take who speaks for the keeper."""
        self._speaker = speaker

    def register(self, content: SiteContent) -> Saying:
        """Enter a site, or a new version of it; the same again changes nothing.

        Raises:
            StateError: the log refuses it; with the reason.
            UnavailableError: the log is out of reach: ask the same again.
        """
        raw, newest = encode_site(content), self._speaker.finish(content.subject)
        if newest is not None and _is_said(newest, EventType.SITE, raw):
            return newest
        return self._speaker.say(EventType.SITE, content.subject, raw)

    def list_entered(self) -> list[tuple[SiteContent, Saying]]:
        """Return every site as it was entered last, in the order of the newest entries."""
        known = self._speaker.store.list_newest(EventType.SITE)
        return [(parse_site(read_content(saying)), saying) for saying in known]

    def find(self, site: SiteName) -> SiteContent:
        """Return a site as it was entered last.

        Raises:
            InputError: it was not entered here.
        """
        for content, _ in self.list_entered():
            if content.site == site:
                return content
        raise InputError(
            f"{site.id} of {site.keeper} was not entered from this desk",
            field="--site",
            zh="本台未登记该场所",
        )


@dataclass(frozen=True, slots=True)
class Stated:
    """A pledge as its owner has said it last."""

    content: PledgeContent
    saying: Saying


class PledgeDesk:
    """Speaks of the pledges of one owner."""

    def __init__(self, speaker: Speaker, today: date) -> None:
        """Take who speaks for the owner, and the day of what is said now."""
        self._speaker = speaker
        self._today = today

    def make(self, site: SiteName | None, promise: Promise) -> Stated:
        """Make a pledge, or change the one that stands; the same again changes nothing.

        Raises:
            StateError: the log refuses it; with the reason.
            UnavailableError: the log is out of reach: ask the same again.
        """
        content = PledgeContent(self._owner, site, PledgeState.ACTIVE, self._today, promise)
        newest = self._find_newest(content)
        if newest is not None and newest.content.promise == promise:
            return newest
        if self._stands(content):
            content = replace(content, state=PledgeState.CHANGED)
        return self._say(content)

    def withdraw(self, site: SiteName | None) -> Stated:
        """Withdraw a pledge; one that was withdrawn stays so.

        Raises:
            StateError: none was made, or the log refuses it; with the reason.
            UnavailableError: the log is out of reach: ask the same again.
        """
        content = PledgeContent(self._owner, site, PledgeState.WITHDRAWN, self._today, None)
        newest = self._find_newest(content)
        if newest is not None and newest.content.promise is None:
            return newest
        if not self._stands(content):
            raise StateError("no such pledge stands", zh="没有可撤回的承诺")
        return self._say(content)

    def find(self, site: SiteName | None) -> Stated:
        """Return the pledge that stands, as it was said last.

        Raises:
            StateError: none stands.
        """
        content = PledgeContent(self._owner, site, PledgeState.WITHDRAWN, self._today, None)
        newest = self._find_newest(content)
        if newest is None or newest.content.promise is None:
            raise StateError("no such pledge stands", zh="没有有效的承诺")
        return newest

    @property
    def _owner(self) -> InstitutionId:
        return InstitutionId(self._speaker.institution)

    def _find_newest(self, content: PledgeContent) -> Stated | None:
        """Return what was said last of the same pledge and is in the log by now."""
        newest = self._speaker.finish(content.subject)
        if newest is None or newest.state is not DocumentState.LOGGED:
            return None
        return Stated(parse_pledge(read_content(newest)), newest)

    def _stands(self, content: PledgeContent) -> bool:
        state = self._speaker.log.find_states([content.subject]).get(content.subject)
        return state is not None and state.status is Status.ACTIVE

    def _say(self, content: PledgeContent) -> Stated:
        said = self._speaker.say(EventType.PLEDGE, content.subject, encode_pledge(content))
        return Stated(content, said)


def _is_said(newest: Saying, event_type: EventType, raw: bytes) -> bool:
    is_there = newest.state is DocumentState.LOGGED and newest.type is event_type
    return is_there and read_content(newest) == raw
