"""A device comes to the page that the server shows, of stickers and instruments, from the files alone."""

from dataclasses import replace
from urllib.parse import quote

import pytest
from api_world import JSON, ApiWorld, long_path
from browser_cases import RULE_BOOK, to_ms
from browser_node import run_node
from sticker_lives import (
    LIVES,
    bind,
    twice_registered,
    valid,
    whole_of_parts_one_of_them_open,
    whole_with_a_part_that_failed_since,
    with_parts,
)
from sticker_world import PUMP, ROLL, SCALE, StickerWorld
from world import World, make_signer

from ledger.core.policy import encode_policy
from ledger.core.register_fields import RegisterState
from ledger.core.sticker import compute_sticker_id

ASK = """async ({load}, {cases}) => {
  const {checkOnDevice} = await load("device")
  const found = []
  for (const {files, ...one} of cases) {
    const asked = []
    const ask = files && (async (path) => { asked.push(path); return files[path] ?? null })
    const {report, ...rest} = await checkOnDevice({...one, ask: ask ?? null})
    const checks = report?.checks.map(({step, outcome, reason}) => [step.code, outcome, reason.en]) ?? []
    const {verdict, status, sticker} = report ?? {verdict: null, status: null, sticker: null}
    found.push({...rest, verdict, status, checks, asked, sticker})
  }
  return found
}"""


def ask(*cases):
    return run_node(ASK, {"cases": list(cases)})


class Visitor:
    """What a page's script fetches of one address, and hands to the device."""

    def __init__(self, desk):
        self.desk = desk
        self.client = desk.served.client

    def get(self, path):
        response = self.client.get(path)
        return response.text if response.status_code == 200 else None

    def collect(self, path):
        """Return what the server shows there, and what the device is given."""
        self.desk.served.seconds += 2
        page = self.client.get(path, headers=JSON).json()
        bare, _, query = path.partition("?part=")
        kind, name = bare.strip("/").split("/")
        expected = {{"s": "sticker", "i": "instrument", "q": "digits", "c": "code"}[kind]: name}
        given = {"expected": expected | ({"part": query} if query else {})}
        if "code" in page:
            record = bare if kind in "qc" else f"/c/{page['code']}"
            given |= {"bundleText": self.get(f"{record}/bundle.json")}
            newest = self.get(f"/c/{page['code']}/newest.json")
            given |= {} if newest is None else {"newestText": newest}
        if kind == "s" or "code" not in page:
            given |= {"proofText": self.get("/" + page["proof"])}
        if kind == "q" and "code" not in page:
            given |= {"trustText": self.get("/trust.json")}
        return page["shown"], given | self.believe() | ({"files": self.list_files()} if kind in "si" else {})

    def believe(self):
        served = self.desk.served
        policy = encode_policy(served.policy).decode()
        return {"policyText": policy, "ruleBook": RULE_BOOK, "remembered": None, "now": to_ms(served.now)}

    def list_files(self):
        """Return every file for which a device may ask."""
        paths = [
            f"i/{one.hex()}/proof.json{part}" for one in (PUMP, SCALE) for part in ("", "?part=1", "?part=2")
        ]
        paths += [f"c/{code}/bundle.json" for code in self.desk.documents]
        return {path: text for path in paths if (text := self.get(f"/{path}")) is not None}


@pytest.fixture
def desk():
    with ApiWorld() as world:
        yield StickerWorld(world.found())


def test_a_device_shows_of_a_sticker_what_the_server_shows():
    cases, wanted = [], []
    for live in LIVES:
        with ApiWorld() as world:
            desk = StickerWorld(world.found())
            expected = live(desk)
            shown, given = Visitor(desk).collect(f"/s/{desk.sticker(0)}")
            assert shown == expected, live.__name__
            cases.append(given)
            wanted.append((live.__name__, shown))
    found = ask(*cases)
    answers = [(name, each["shown"]) for (name, _), each in zip(wanted, found, strict=True)]
    assert answers == wanted, [each["reason"] for each in found]
    assert all(each["checkedByDevice"] for each in found)
    assert {each["sticker"]["standing"] for each in found if each["sticker"]} == {
        *("UNUSED", "BOUND", "RELEASED", "REPLACED")
    }


@pytest.mark.parametrize("query", ["", "?part=1", "?part=2"])
def test_a_device_shows_of_an_instrument_what_the_server_shows(query):
    cases, wanted = [], []
    for live in LIVES:
        with ApiWorld() as world:
            desk = StickerWorld(world.found())
            live(desk)
            path = f"/i/{PUMP.hex()}{query}"
            page = world.client.get(path, headers=JSON).json()
            if page.get("instrument", {}).get("is_same") or {"code", "proof"}.isdisjoint(page):
                continue  # the page has nothing that a device could check
            shown, given = Visitor(desk).collect(path)
            cases.append(given)
            wanted.append((live.__name__, shown))
    found = ask(*cases)
    assert [(name, each["shown"]) for (name, _), each in zip(wanted, found, strict=True)] == wanted
    assert all(each["checkedByDevice"] for each in found)
    assert {"VALID", "FAILED", "NOT_VERIFIED"} <= {shown for _, shown in wanted}


@pytest.mark.parametrize("live", [whole_with_a_part_that_failed_since, whole_of_parts_one_of_them_open])
def test_the_document_of_one_part_is_not_that_of_the_whole(live, desk):
    live(desk)
    given = Visitor(desk).collect(f"/i/{PUMP.hex()}?part=1")[1]
    answer = ask(given | {"expected": {"instrument": PUMP.hex()}, "files": {}})[0]
    assert answer["shown"] not in {"VALID", "PENDING", "ATTENTION"}
    assert answer["verdict"] != "VALID"


def test_a_device_shows_of_what_is_not_there_what_the_server_shows(desk):
    stranger = World("other.example/log").issue(1, seal=make_signer("stranger"))
    unknown = desk.served.world.issue(1, record=desk.served.world.record(1, institution="999999-99"))
    signed = desk.served.sign(1)
    desk.register(SCALE)
    paths = {
        long_path(stranger): "NEVER_GIVEN_OUT",
        long_path(unknown): "NEVER_GIVEN_OUT",
        long_path(signed): "NOT_LOGGED",
        f"/i/{PUMP.hex()}": "NOT_VERIFIED",
        f"/i/{PUMP.hex()}?part={quote('7')}": "NOT_VERIFIED",
        f"/i/{SCALE.hex()}": "NOT_VERIFIED",
    }
    for roll, number in (
        (replace(ROLL, roll="ZZZZZZZ"), 1),
        (replace(ROLL, count=500), 300),
        (replace(ROLL, seed=bytes([1]) * 16), 5),
    ):
        paths[f"/s/{compute_sticker_id(roll, number)}"] = "NEVER_GIVEN_OUT"
    collected = [Visitor(desk).collect(path) for path in paths]
    assert [shown for shown, _ in collected] == list(paths.values())
    found = ask(*(given for _, given in collected))
    assert [each["shown"] for each in found] == list(paths.values()), [each["reason"] for each in found]


def test_that_nothing_verifies_a_whole_is_shown_by_the_proof_of_that(desk):
    """The one part that has a document does not stand for it."""
    whole_of_parts_one_of_them_open(desk)
    shown, given = Visitor(desk).collect(f"/i/{PUMP.hex()}")
    assert "bundleText" not in given
    assert (shown, ask(given)[0]["shown"]) == ("NOT_VERIFIED", "NOT_VERIFIED")


def test_a_part_that_nobody_has_registered_is_missed_all_the_same(desk):
    desk.register(PUMP, parts=("1",))
    bind(desk)
    desk.verify(1, "1", **with_parts())
    desk.served.anchor()
    shown, given = Visitor(desk).collect(f"/s/{desk.sticker(0)}")
    assert (shown, ask(given)[0]["shown"]) == ("STICKER_PENDING", "STICKER_PENDING")


def test_an_instrument_that_was_split_off_must_be_verified(desk):
    desk.split(desk.verify(1), SCALE)
    desk.served.anchor()
    shown, given = Visitor(desk).collect(f"/i/{SCALE.hex()}")
    assert (shown, ask(given)[0]["shown"]) == ("NEEDS_REVERIFICATION", "NEEDS_REVERIFICATION")


def test_an_instrument_that_was_registered_twice_is_shown_by_its_sticker(desk):
    """The document names the other registration; that it is the same instrument, the sticker's proof shows."""
    twice_registered(desk)
    shown, given = Visitor(desk).collect(f"/s/{desk.sticker(0)}")
    claimed = given["bundleText"]
    assert PUMP.hex() not in claimed
    assert (shown, ask(given)[0]["shown"]) == ("VALID", "VALID")


def test_a_document_that_was_sent_and_does_not_count_is_told_apart(desk):
    """A page shows a photograph beside the document that it names: it is no evidence for another's sticker."""
    valid(desk)
    other = desk.verify(2)
    desk.served.anchor()
    path = f"/s/{desk.sticker(0)}"
    visitor = Visitor(desk)
    honest = visitor.collect(path)[1]
    sent = {name: visitor.get(f"/c/{other}/{name[:-4]}.json") for name in ("bundleText", "newestText")}
    answers = ask(honest, honest | {name: text for name, text in sent.items() if text is not None})
    assert [(each["shown"], each["isSentUsed"]) for each in answers] == [("VALID", True), ("VALID", False)]
    desk.release(desk.sticker(0), PUMP)
    assert ask(visitor.collect(path)[1] | sent)[0]["isSentUsed"] is False


def test_an_id_may_be_typed_as_people_type(desk):
    valid(desk)
    given = Visitor(desk).collect(f"/s/{desk.sticker(0)}")[1]
    typed = [desk.sticker(0).lower(), desk.sticker(0).replace("0", "O"), "-".join(desk.sticker(0))]
    found = ask(*(given | {"expected": {"sticker": text}} for text in typed))
    assert [each["shown"] for each in found] == ["VALID"] * 3


def test_a_device_asks_for_no_more_than_it_needs(desk):
    whole_with_a_part_that_failed_since(desk)
    found = ask(Visitor(desk).collect(f"/s/{desk.sticker(0)}")[1])[0]
    assert len(found["asked"]) <= 2
    desk.release(desk.sticker(0), PUMP)
    assert ask(Visitor(desk).collect(f"/s/{desk.sticker(0)}")[1])[0]["asked"] == []


def test_a_sticker_that_was_put_on_and_taken_off_again_is_no_step_back(desk):
    """The device sees a later state of the log each time, whatever has become of the sticker."""
    remembered, seen = None, []
    valid(desk)
    path = f"/s/{desk.sticker(0)}"
    for happens in (
        lambda: None,
        lambda: desk.release(desk.sticker(0), PUMP),
        lambda: bind(desk),
        lambda: desk.allot(replace(ROLL, state=RegisterState.SUSPENDED)),
    ):
        happens()
        shown, given = Visitor(desk).collect(path)
        answer = ask(given | {"remembered": remembered})[0]
        assert (answer["shown"], answer["reason"]) == (shown, None)
        remembered = answer["remember"]
        seen.append(remembered["checkpoint"]["size"])
    assert seen == sorted(set(seen))


def test_an_earlier_proof_is_a_step_back(desk):
    valid(desk)
    path = f"/s/{desk.sticker(0)}"
    older = Visitor(desk).collect(path)[1]
    desk.release(desk.sticker(0), PUMP)
    remembered = ask(Visitor(desk).collect(path)[1] | {"remembered": ask(older)[0]["remember"]})[0][
        "remember"
    ]
    answer = ask(older | {"remembered": remembered})[0]
    assert (answer["shown"], answer["verdict"]) == ("CANNOT_CHECK", "UNKNOWN")
    assert "has already seen the log with" in answer["reason"]["en"]
    assert answer["remember"] == remembered


def test_files_of_two_states_are_fetched_again(desk):
    valid(desk)
    path = f"/s/{desk.sticker(0)}"
    older = Visitor(desk).collect(path)[1]
    desk.verify(2)
    newer = Visitor(desk).collect(path)[1]
    for one, other in ((older, newer), (newer, older)):
        mixed = one | {name: other[name] for name in ("bundleText", "newestText", "files") if name in other}
        answer = ask(mixed)[0]
        assert (answer["shown"], answer["isOutOfStep"]) == ("CANNOT_CHECK", True)
    assert [each["isOutOfStep"] for each in ask(older, newer)] == [False, False]
