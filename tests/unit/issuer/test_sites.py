"""Sites and pledges as people write them, and what the desk says of them."""

import json
from dataclasses import replace
from datetime import date

import pytest
from desk_counter import WORLD, Counter
from sites import MARKET, OWNER, PROMISE
from stickers import PUMP, SCALE
from world import ORIGIN, make_signer, submit

from issuer.cli import Gateway
from issuer.signing import Seal
from issuer.sites import PledgeDesk, SiteDesk, parse_promise_file, parse_site_file
from issuer.speaking import Speaker
from ledger.core.authority import InstitutionContent, Trade
from ledger.core.errors import InputError, StateError
from ledger.core.event import EventType
from ledger.core.ids import InstitutionId
from ledger.core.pledge import Paragraphs, PledgeState, Promise
from ledger.core.register_fields import Name, RegisterState

TODAY = date(2026, 11, 2)
KEEPER = InstitutionContent(
    OWNER, Name("示例市场管理有限公司", None), None, "350102", RegisterState.ACTIVE, Trade.OWNER
)
INSTITUTE = replace(KEEPER, id=InstitutionId("350100-01"), trade=Trade.VERIFICATION, division="350100")
SITE = {
    "id": "M-01",
    "name": {"zh": "示例农贸市场", "en": "Example Market"},
    "division": "350102",
    "kind": "market",
    "address": {"zh": "鼓楼区示例路1号", "en": "1 Example Road, Gulou"},
    "instruments": [SCALE.hex(), PUMP.hex()],
    "fair_scales": [SCALE.hex()],
}
PLEDGE = {"text": {"zh": ["诚信经营。"]}, "compensation": {"zh": ["假一赔十。"]}, "until": "2027-02-27"}


def write(value, **changes):
    members = value | changes
    return json.dumps({name: each for name, each in members.items() if each is not None}).encode()


# --- files ------------------------------------------------------------------------------------------------


def test_a_site_is_read_as_its_keeper_writes_it():
    assert parse_site_file(write(SITE), KEEPER) == MARKET
    assert parse_site_file(write(SITE, keeper=OWNER, owner=OWNER, state="active"), KEEPER) == MARKET
    closed = parse_site_file(write(SITE, state="withdrawn"), KEEPER)
    assert closed.state is RegisterState.WITHDRAWN
    theirs = parse_site_file(write(SITE), INSTITUTE)
    assert (theirs.site.keeper, theirs.owner) == (INSTITUTE.id, None)
    assert parse_site_file(write(SITE, owner=OWNER), INSTITUTE).owner == OWNER
    empty = parse_site_file(write(SITE, instruments=[], fair_scales=[]), KEEPER)
    assert empty.instruments == ()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": None}, "id"),
        ({"id": "m 1"}, "id"),
        ({"name": None}, "name"),
        ({"name": {"zh": ""}}, "name.zh"),
        ({"division": None}, "division"),
        ({"division": "福州"}, "division"),
        ({"kind": "bazaar"}, "kind"),
        ({"keeper": "350102-M8"}, "keeper"),
        ({"owner": "350102-M8"}, "owner"),
        ({"instruments": [PUMP.hex(), PUMP.hex()]}, "instruments"),
        ({"instruments": [1]}, "instruments"),
        ({"instruments": "x"}, "instruments"),
        ({"instruments": ["0101"]}, "instruments"),
        ({"fair_scales": ["03" * 16]}, "fair_scales"),
        ({"state": "open"}, "state"),
        ({"phone": "0591"}, None),
    ],
)
def test_what_is_wrong_with_a_site_is_named(change, field):
    with pytest.raises(InputError) as caught:
        parse_site_file(write(SITE, **change), KEEPER)
    assert field is None or field in (caught.value.field or ""), caught.value
    assert field is not None or "phone" in str(caught.value)


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b'"x"', b"\xff"])
def test_a_file_that_is_no_object_is_refused(raw):
    with pytest.raises(InputError):
        parse_site_file(raw, KEEPER)
    with pytest.raises(InputError):
        parse_promise_file(raw, TODAY)


def test_a_promise_is_read_as_its_owner_writes_it():
    promise = parse_promise_file(write(PLEDGE), TODAY)
    assert promise == Promise(Paragraphs(("诚信经营。",)), Paragraphs(("假一赔十。",)), date(2027, 2, 27))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"text": None}, "text"),
        ({"text": {"zh": []}}, "text.zh"),
        ({"text": {"zh": ["长" * 201]}}, "text.zh"),
        ({"compensation": {"en": ["x"]}}, "compensation.zh"),
        ({"until": "2026-11-01"}, "until"),
        ({"until": "soon"}, "until"),
        ({"signed": True}, None),
    ],
)
def test_what_is_wrong_with_a_promise_is_named(change, field):
    with pytest.raises(InputError) as caught:
        parse_promise_file(write(PLEDGE, **change), TODAY)
    assert field is None or field in (caught.value.field or ""), caught.value


# --- the desk ---------------------------------------------------------------------------------------------


class OwnersCounter(Counter):
    """The desk of an owner."""

    def __init__(self, path):
        super().__init__(path)
        key = make_signer("owner")
        submit(
            self.log,
            WORLD.institution(OWNER, trade=Trade.OWNER, division="350102"),
            WORLD.key(OWNER, key),
        )

    def speaker(self, gateway=None):
        def make_seal():
            return Seal(make_signer("owner"), ORIGIN, OWNER, self.clock())

        gateway = gateway or Gateway(self.ledger)
        return Speaker(self.sayings, gateway, make_seal, self.clock, self.randomness)

    def events(self):
        types = [leaf.header.type for leaf in self.leaves()]
        return [each for each in types if each in {EventType.SITE, EventType.PLEDGE}]


@pytest.fixture
def counter(tmp_path):
    return OwnersCounter(tmp_path)


def test_the_same_site_again_changes_nothing(counter):
    desk = SiteDesk(counter.speaker())
    first = desk.register(MARKET)
    assert first.leaf_index is not None
    assert desk.register(MARKET) == first
    later = desk.register(replace(MARKET, fair_scales=()))
    assert later.leaf_index > first.leaf_index
    assert [content.fair_scales for content, _ in desk.list_entered()] == [()]
    assert counter.events() == [EventType.SITE] * 2
    assert desk.find(MARKET.site).fair_scales == ()
    with pytest.raises(InputError, match="was not entered from this desk"):
        desk.find(replace(MARKET.site, id="M-99"))


def test_a_pledge_is_made_then_changed_then_withdrawn(counter):
    SiteDesk(counter.speaker()).register(MARKET)
    desk = PledgeDesk(counter.speaker(), TODAY)
    first = desk.make(MARKET.site, PROMISE)
    assert first.content.state is PledgeState.ACTIVE
    assert desk.make(MARKET.site, PROMISE) == first, "the same again changes nothing"
    other = Promise(Paragraphs(("缺一赔十。",)))
    assert desk.make(MARKET.site, other).content.state is PledgeState.CHANGED
    assert desk.find(MARKET.site).content.promise == other
    gone = desk.withdraw(MARKET.site)
    assert gone.content.state is PledgeState.WITHDRAWN
    assert desk.withdraw(MARKET.site) == gone
    with pytest.raises(StateError, match="no such pledge stands"):
        desk.find(MARKET.site)
    assert desk.make(MARKET.site, other).content.state is PledgeState.ACTIVE
    assert counter.events() == [EventType.SITE, *[EventType.PLEDGE] * 4]


def test_nothing_is_withdrawn_that_does_not_stand(counter):
    desk = PledgeDesk(counter.speaker(), TODAY)
    with pytest.raises(StateError, match="no such pledge stands"):
        desk.withdraw(None)
    assert counter.events() == []


def test_a_pledge_of_a_site_that_is_not_there_is_refused_with_the_reason(counter):
    desk = PledgeDesk(counter.speaker(), TODAY)
    with pytest.raises(StateError, match="is not in use"):
        desk.make(MARKET.site, PROMISE)
    assert desk.make(None, PROMISE).content.site is None
    SiteDesk(counter.speaker()).register(MARKET)
    assert desk.make(MARKET.site, PROMISE).content.state is PledgeState.ACTIVE
