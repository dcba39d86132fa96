"""Stickers and instruments over HTTP: every state through real events, and proofs that the verifier believes."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from acts import People
from api_world import ENGLISH, JSON, ApiWorld, long_path
from mutations import walk
from page_reader import look, look_json
from sticker_world import PUMP, ROLL, SCALE, StickerWorld, name_instrument
from world import AUTHORITY, World, make_signer

from api.app import LedgerParts, Parts, build_api
from api.routes.verdicts import PAGE_CACHE
from api.severity import SEVERITY
from api.shown import Shown
from api.things import Things
from api.verdicts import Verdicts
from ledger.core.absence_proof import Absence, parse_absence_proof
from ledger.core.bundle import parse_bundle
from ledger.core.canonical import encode_canonical_json
from ledger.core.data import load_rule_book
from ledger.core.errors import StoreUnavailableError, UnavailableError
from ledger.core.event import EventType
from ledger.core.ids import InstrumentId
from ledger.core.policy import encode_policy
from ledger.core.qr import compute_code, encode_digits, format_code
from ledger.core.step import Outcome, Step, Verdict
from ledger.core.sticker import compute_sticker_id
from ledger.core.sticker_proof import StickerStanding, parse_sticker_proof
from ledger.core.sticker_use import StickerReason
from ledger.store.engine import Database
from ledger.store.migrations import migrate
from ledger.store.unit_of_work import SqlStore
from verifier.absence_proof import verify_absence_proof
from verifier.cli import main
from verifier.report import DISCLAIMER
from verifier.session import Session
from verifier.sticker_proof import REASON_WORDS, verify_sticker_proof
from verifier.verify import verify_bundle

NEVER = "本系统从未发放此码"
FIELDS = ("SN00000001", "EX-1224", "S-000000")
MADE_UP = (
    compute_sticker_id(replace(ROLL, roll="ZZZZZZZ"), 1),
    compute_sticker_id(replace(ROLL, count=500), 300),
    compute_sticker_id(replace(ROLL, seed=bytes([1]) * 16), 5),
)
PARTS = [{"id": "1"}, {"id": "2"}]


@pytest.fixture
def sqlite(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/log.sqlite3")
    migrate(database)
    yield SqlStore(database)
    database.close()


@pytest.fixture
def desk(sqlite):
    with ApiWorld(store=sqlite) as world:
        yield StickerWorld(world.found())


def session(desk):
    return Session(desk.served.policy, load_rule_book(), None)


def see(desk, number=0, **headers):
    return look(desk.served, f"/s/{desk.sticker(number)}", **headers)


def says(desk, path):
    """Return the one word of a page, which its JSON must say too."""
    page = look(desk.served, path)
    members = desk.served.client.get(path, headers=JSON).json()
    if "shown" in members:
        look_json(desk.served, path)
        assert page.response.status_code == desk.served.client.get(path, headers=JSON).status_code
    return members.get("shown", page.style)


def fetch(desk, path, **headers):
    """Return a file, which the log publishes under its newest checkpoint."""
    desk.served.seconds += 2
    response = desk.served.client.get(path, headers=headers)
    assert response.status_code == 200, response.text
    return response


def check_sticker(desk, number=0, now=None):
    raw = fetch(desk, f"/s/{desk.sticker(number)}/proof.json").content
    return verify_sticker_proof(parse_sticker_proof(raw), session(desk), now or desk.served.now)


def with_parts(number=1):
    """Return the change of a record that names two parts."""
    return {"instrument": World().record(number)["instrument"] | {"parts": PARTS}}


# --- the life of a sticker ----------------------------------------------------------------------------------


def live(desk):
    """Walk one sticker through its life; return what was shown, and what its proof showed, at every step."""
    path, seen = f"/s/{desk.sticker(0)}", []

    def take():
        report, shown = check_sticker(desk)
        assert not [check for check in report.checks if check.outcome is Outcome.FAILED]
        seen.append((says(desk, path), shown.standing.value))

    take()
    desk.bind(desk.sticker(0), PUMP)
    take()
    desk.verify(1)
    take()
    desk.served.anchor()
    take()
    desk.verify(1, fails=True)
    take()
    desk.release(desk.sticker(0), PUMP, reason=StickerReason.VERIFICATION_FAILED)
    take()
    desk.bind(desk.sticker(0), SCALE)
    desk.verify(2)
    desk.served.anchor()
    take()
    desk.bind(desk.sticker(1), SCALE)
    take()
    return seen


LIFE = [
    ("STICKER_UNUSED", "UNUSED"),
    ("STICKER_PENDING", "BOUND"),
    ("PENDING", "BOUND"),
    ("VALID", "BOUND"),
    ("FAILED", "BOUND"),
    ("STICKER_RELEASED", "RELEASED"),
    ("VALID", "BOUND"),
    ("STICKER_REPLACED", "REPLACED"),
]


def test_the_life_of_a_sticker_on_both_kinds_of_database(store):
    with ApiWorld(store=store) as world:
        assert live(StickerWorld(world.found())) == LIFE


@pytest.mark.parametrize("sticker", MADE_UP)
def test_what_was_never_given_out_is_shown_with_its_proof(desk, sticker):
    page = look(desk.served, f"/s/{sticker}")
    assert (page.response.status_code, page.headline) == (404, "从未发放此码")
    assert "截至2026年11月02日" in page.text
    assert NEVER in page.text
    assert not [field for field in (*FIELDS, "福州市计量所") if field in page.text]
    assert page.response.headers["cache-control"] == "no-store"
    english = look(desk.served, f"/s/{sticker}", **ENGLISH)
    assert english.headline == "Never given out"
    assert "had never given out this code as of 2 November 2026" in english.text
    members = look_json(desk.served, f"/s/{sticker}")
    assert (members["shown"], members["verdict"], members["authentic"]) == (
        "NEVER_GIVEN_OUT",
        "INVALID",
        False,
    )
    raw = fetch(desk, "/" + members["proof"])
    assert raw.headers["cache-control"] == "no-store"
    report, shown = verify_sticker_proof(parse_sticker_proof(raw.content), session(desk), desk.served.now)
    assert (shown.standing, report.verdict) == (StickerStanding.NEVER_GIVEN_OUT, Verdict.INVALID)


def test_an_unused_sticker_is_grey_and_shows_no_field(desk):
    page = see(desk)
    assert (page.response.status_code, page.style, page.headline) == (200, "unused", "贴纸已发放，未启用")
    assert format_code(desk.sticker(0)) in page.text
    assert "福州市计量所" in page.text
    assert DISCLAIMER.zh not in page.text
    assert see(desk, **ENGLISH).headline == "Sticker given out, not in use"
    assert page.response.headers["cache-control"] == PAGE_CACHE


def test_a_sticker_of_a_withdrawn_roll_is_not_in_use(desk):
    desk.withdraw()
    assert says(desk, f"/s/{desk.sticker(0)}") == "STICKER_UNUSED"


def test_a_sticker_before_its_certificate_is_grey(desk):
    desk.bind(desk.sticker(0), PUMP)
    page = see(desk)
    assert (page.response.status_code, page.style, page.headline) == (
        200,
        "waiting",
        "检定已完成，证书签发中",
    )
    assert DISCLAIMER.zh not in page.text
    assert "2026年11月02日 16:05起在此启用" in page.text


def test_a_sticker_shows_the_newest_document(desk):
    desk.bind(desk.sticker(0), PUMP)
    code = desk.verify(1)
    desk.served.anchor()
    page = see(desk)
    assert (page.style, page.headline) == ("valid", "检定有效")
    assert all(field in page.text for field in FIELDS)
    assert DISCLAIMER.zh in page.text
    members = look_json(desk.served, f"/s/{desk.sticker(0)}")
    assert (members["code"], members["verdict"]) == (code, "VALID")
    assert members["instrument"] == {"id": PUMP.hex()}
    assert members["sticker"]["standing"] == "BOUND"
    assert (
        members["sticker"]["newest_document"]
        == parse_bundle(fetch(desk, f"/c/{code}/bundle.json").content).leaf_index
    )


def test_a_new_sticker_in_place_of_a_damaged_one_stays_green(desk):
    """The certificate is older than the sticker, and in force."""
    desk.bind(desk.sticker(0), PUMP)
    desk.verify(1)
    desk.release(desk.sticker(0), PUMP)
    desk.bind(desk.sticker(1), PUMP)
    desk.served.anchor()
    assert [says(desk, f"/s/{desk.sticker(number)}") for number in (0, 1)] == ["STICKER_RELEASED", "VALID"]


def test_a_sticker_put_on_before_the_end_does_not_hide_it(desk):
    desk.verify(1)
    desk.bind(desk.sticker(0), PUMP)
    desk.served.anchor()
    desk.served.now = datetime(2027, 5, 1, 16, 0, tzinfo=UTC)
    desk.served.seconds += 2
    assert says(desk, f"/s/{desk.sticker(0)}") == "EXPIRED"


def test_a_sticker_put_on_after_the_end_waits_for_a_certificate(desk):
    desk.verify(1)
    desk.served.anchor()
    desk.served.now = datetime(2027, 5, 3, 2, 0, tzinfo=UTC)
    desk.bind(desk.sticker(0), PUMP)
    page = see(desk)
    assert (page.style, page.headline) == ("waiting", "检定已完成，证书签发中")


@pytest.mark.parametrize("fails", ["rejected", "needs"])
def test_a_sticker_hides_no_harder_fact(desk, fails):
    code = desk.verify(1, fails=fails == "rejected")
    if fails == "needs":
        desk.split(code, SCALE)
    desk.bind(desk.sticker(0), PUMP)
    desk.served.anchor()
    wanted = "FAILED" if fails == "rejected" else "NEEDS_REVERIFICATION"
    assert says(desk, f"/s/{desk.sticker(0)}") == wanted


@pytest.mark.parametrize("reason", StickerReason)
def test_a_released_sticker_says_why_and_shows_no_field(desk, reason):
    desk.bind(desk.sticker(0), PUMP)
    desk.verify(1)
    desk.release(desk.sticker(0), PUMP, reason=reason)
    page = see(desk)
    assert (page.response.status_code, page.style, page.headline) == (200, "cancelled", "贴纸已停用")
    assert REASON_WORDS[reason].zh in page.text
    assert REASON_WORDS[reason].en in see(desk, **ENGLISH).text
    assert not [field for field in FIELDS if field in page.text]


def test_an_authority_may_take_it_off(desk):
    desk.bind(desk.sticker(0), PUMP)
    desk.release(desk.sticker(0), PUMP, reason=StickerReason.COPIED, speaker=AUTHORITY)
    assert says(desk, f"/s/{desk.sticker(0)}") == "STICKER_RELEASED"
    report, shown = check_sticker(desk)
    assert (shown.speaker, report.verdict) == (AUTHORITY, Verdict.INVALID)


def test_a_replaced_sticker_shows_no_field(desk):
    for number in (0, 1):
        desk.bind(desk.sticker(number), PUMP)
    desk.verify(1)
    page = see(desk)
    assert (page.style, page.headline) == ("superseded", "贴纸已被更换")
    assert not [field for field in FIELDS if field in page.text]
    assert see(desk, 1).style == "pending"


def test_an_id_may_be_typed_as_people_type(desk):
    sticker = desk.sticker(0)
    spellings = [
        sticker.lower(),
        format_code(sticker),
        format_code(sticker).lower(),
        sticker.replace("0", "O"),
    ]
    assert {says(desk, f"/s/{spelling}") for spelling in spellings} == {"STICKER_UNUSED"}


@pytest.mark.parametrize(
    "path",
    [
        *("/s/", "/s/X", f"/s/{MADE_UP[0][:-1]}", "/s/" + "U" * 16, "/s/%00", "/s/" + "0" * 65),
        *("/i/", "/i/00", "/i/" + "0" * 31, "/i/" + "A" * 32, "/i/" + "0" * 33, "/i/%00"),
        *(f"/i/{PUMP.hex()}?part=", f"/i/{PUMP.hex()}?part=123456789", f"/i/{PUMP.hex()}?part=%00"),
    ],
)
def test_what_nobody_can_have_printed_is_not_found(desk, path):
    for headers in ({}, JSON):
        response = desk.served.client.get(path, headers=headers)
        assert response.status_code == 404
        assert response.headers["cache-control"] == "no-store"
        bare, _, query = path.partition("?")
        assert desk.served.client.get(f"{bare}/proof.json?{query}", headers=headers).status_code == 404


def test_a_wrong_check_symbol_is_a_typing_error(desk):
    sticker = desk.sticker(0)
    changed = sticker[:-1] + ("0" if sticker[-1] != "0" else "1")
    page = look(desk.served, f"/s/{changed}")
    assert (page.response.status_code, page.style, page.headline) == (404, "unknown", "未查到此证书")


def test_a_page_of_a_twin_promises_no_check_that_would_fail(desk):
    """No bundle shows that two registrations are one instrument: the page names the server's verdict as such."""
    desk.bind(desk.sticker(0), PUMP)
    one, other = desk.verify(1), desk.verify(2)
    desk.same(one, other)
    desk.served.anchor()
    scripts = {path: desk.served.client.get(path).text.count("<script") for path in paths_of(desk)}
    assert scripts == dict(zip(paths_of(desk), (2, 0, 2), strict=True))


def paths_of(desk):
    return f"/s/{desk.sticker(0)}", f"/i/{PUMP.hex()}", f"/i/{SCALE.hex()}"


# --- codes that nobody was given ----------------------------------------------------------------------------


def test_a_long_code_of_nobody_is_proved_absent(desk):
    issued = World("other.example/log").issue(1, seal=make_signer("stranger"))
    page = look(desk.served, long_path(issued))
    assert (page.response.status_code, page.headline) == (404, "从未发放此码")
    assert NEVER in page.text
    members = look_json(desk.served, long_path(issued))
    assert members["proof"] == f"q/{encode_digits(issued.raw)}/absence.json"
    raw = fetch(desk, "/" + members["proof"]).content
    report, absence = verify_absence_proof(parse_absence_proof(raw), session(desk), desk.served.now)
    assert (absence, report.verdict) == (Absence.NO_CERTIFICATE, Verdict.INVALID)


def test_a_code_of_an_institution_that_nobody_knows(desk):
    record = desk.served.world.record(1, institution="999999-99")
    path = long_path(desk.served.world.issue(1, record=record))
    assert says(desk, path) == "NEVER_GIVEN_OUT"


def test_a_signed_statement_that_is_not_logged_says_so_with_its_proof(desk):
    issued = desk.served.sign(1)
    members = look_json(desk.served, long_path(issued))
    assert members["shown"] == "NOT_LOGGED"
    raw = fetch(desk, "/" + members["proof"]).content
    assert parse_absence_proof(raw).missing.number == "2026-0000001"


def test_a_second_statement_of_a_number_that_is_taken_is_not_denied(desk):
    desk.served.issue(1)
    other = desk.served.sign(1, nonce="ab" * 16)
    stranger = desk.served.world.issue(1, seal=make_signer("stranger"))
    for issued, shown in ((other, "NOT_LOGGED"), (stranger, "NOT_FOUND")):
        assert says(desk, long_path(issued)) == shown
        assert "proof" not in look_json(desk.served, long_path(issued))
        assert desk.served.client.get(f"{long_path(issued)}/absence.json").status_code == 404


def test_a_short_code_that_is_unknown_is_not_called_false(desk):
    path = f"/c/{compute_code(b'never')}"
    page = look(desk.served, path)
    assert (page.response.status_code, page.style, page.headline) == (404, "unchecked", "暂时无法核验")
    assert "本服务器没有此码的记录；这并不表明该码是假的" in page.text
    english = look(desk.served, path, **ENGLISH).text
    assert "This server does not know this code. That does not show that it is false." in english
    assert page.response.headers["cache-control"] == "no-store"


# --- instruments --------------------------------------------------------------------------------------------


def test_an_instrument_shows_its_newest_document(desk):
    path = f"/i/{PUMP.hex()}"
    assert says(desk, path) == "NOT_VERIFIED"
    desk.register(PUMP)
    assert says(desk, path) == "NOT_VERIFIED"
    first = desk.verify(1)
    assert says(desk, path) == "PENDING"
    desk.served.anchor()
    assert look_json(desk.served, path)["code"] == first
    second = desk.verify(1, fails=True)
    desk.served.anchor()
    members = look_json(desk.served, path)
    assert (members["shown"], members["code"]) == ("FAILED", second)


def test_an_unknown_instrument_is_proved_absent(desk):
    path = f"/i/{PUMP.hex()}"
    page = look(desk.served, path)
    assert (page.response.status_code, page.headline) == (404, "无检定记录")
    assert page.response.headers["cache-control"] == "no-store"
    for part in ("", "?part=1"):
        file = fetch(desk, f"{path}/proof.json{part}")
        report, absence = verify_absence_proof(
            parse_absence_proof(file.content), session(desk), desk.served.now
        )
        assert (absence, report.verdict) == (Absence.NO_INSTRUMENT, Verdict.INVALID)
        assert file.headers["cache-control"] == "no-store"


def test_a_registered_instrument_without_verification_says_so(desk):
    desk.register(PUMP)
    page = look(desk.served, f"/i/{PUMP.hex()}")
    assert (page.response.status_code, page.style, page.headline) == (200, "unknown", "无检定记录")
    members = look_json(desk.served, f"/i/{PUMP.hex()}")
    raw = fetch(desk, "/" + members["proof"]).content
    report, absence = verify_absence_proof(parse_absence_proof(raw), session(desk), desk.served.now)
    assert (absence, report.verdict) == (Absence.NO_VERIFICATION, Verdict.UNKNOWN)
    assert members["parts"] == [{"part": name, "shown": "NOT_VERIFIED"} for name in ("1", "2")]


def test_the_proof_of_a_verified_instrument_is_its_bundle(desk):
    desk.verify(1)
    desk.served.anchor()
    raw = fetch(desk, f"/i/{PUMP.hex()}/proof.json").content
    report = verify_bundle(parse_bundle(raw), session(desk), desk.served.now)
    assert report.verdict is Verdict.VALID


def test_a_part_that_failed_shows_on_the_whole(desk):
    desk.verify(1, **with_parts())
    desk.served.anchor()
    path = f"/i/{PUMP.hex()}"
    assert look_json(desk.served, path)["parts"] == [{"part": "1"}, {"part": "2"}]
    failed = desk.verify(1, "2", fails=True, **with_parts())
    desk.served.anchor()
    members = look_json(desk.served, path)
    assert (members["shown"], members["code"]) == ("FAILED", failed)
    assert members["parts"] == [{"part": "1"}, {"part": "2", "shown": "FAILED", "code": failed}]
    page = look(desk.served, path)
    assert page.headline == "检定不合格"
    assert "随整机证书" in page.text
    assert says(desk, f"{path}?part=2") == "FAILED"
    assert says(desk, f"{path}?part=1") == "FAILED_SINCE"
    desk.bind(desk.sticker(0), PUMP)
    assert says(desk, f"/s/{desk.sticker(0)}") == "FAILED"


def test_each_part_may_have_its_own_document(desk):
    one = desk.verify(1, "1", **with_parts())
    desk.register(PUMP)
    desk.served.anchor()
    path = f"/i/{PUMP.hex()}"
    members = look_json(desk.served, path)
    assert members["shown"] == "NOT_VERIFIED"
    assert members["parts"] == [
        {"part": "1", "shown": "VALID", "until": "2027-05-01", "code": one},
        {"part": "2", "shown": "NOT_VERIFIED"},
    ]
    assert says(desk, f"{path}?part=1") == "VALID"
    assert says(desk, f"{path}?part=2") == "NOT_VERIFIED"
    desk.bind(desk.sticker(0), PUMP, "2")
    assert says(desk, f"/s/{desk.sticker(0)}") == "STICKER_PENDING"
    assert look_json(desk.served, f"/s/{desk.sticker(0)}")["instrument"]["part"] == "2"
    assert "对应器具的部件2" in see(desk).text


@pytest.mark.parametrize(("days", "takes_long"), [(0, False), (30, False), (31, True), (400, True)])
def test_a_certificate_that_is_issued_for_long_is_asked_for_at_the_institution(desk, days, takes_long):
    desk.register(PUMP)
    desk.bind(desk.sticker(0), PUMP)
    desk.served.now += timedelta(days=days)
    desk.served.seconds += 1
    page = see(desk)
    assert (page.style, page.headline) == ("waiting", "检定已完成，证书签发中")
    assert ("签发时间较长，已超过30天，请向检定机构查询。" in page.text) is takes_long
    english = look(desk.served, f"/s/{desk.sticker(0)}", **ENGLISH).text
    assert ("more than 30 days by now: please ask the institution" in english) is takes_long
    assert not re.search("无效|不合格", page.response.text.partition("</section>")[0])
    desk.verify(1)
    assert "签发时间较长" not in see(desk).text


def test_an_older_document_does_not_make_it_shorter(desk):
    """The sticker was put on after the last day of the document before: another certificate is to come."""
    desk.verify(1)
    desk.served.anchor()
    desk.served.now += timedelta(days=200)
    desk.bind(desk.sticker(0), PUMP)
    desk.served.now += timedelta(days=31)
    desk.served.seconds += 1
    assert see(desk).headline == "检定已完成，证书签发中"
    assert "签发时间较长" in see(desk).text


def test_parts_that_all_have_documents_make_a_whole(desk):
    for part in ("1", "2"):
        desk.verify(1, part, **with_parts())
    desk.served.anchor()
    desk.register(PUMP, parts=("1", "2", "nonsense"))
    desk.served.anchor()
    assert says(desk, f"/i/{PUMP.hex()}") == "VALID"


@pytest.mark.parametrize(
    ("language", "words"), [("zh", "对应器具的部件1"), ("en", "For part 1 of the instrument")]
)
def test_the_page_of_a_part_says_so_and_keeps_it_in_another_language(desk, language, words):
    code = desk.verify(1, "1", **with_parts())
    other = {"zh": "en", "en": "zh"}[language]
    pages = {
        f"/c/{code}": f"?lang={other}",
        f"/i/{PUMP.hex()}?part=1": f"?part=1&amp;lang={other}",
    }
    for path, link in pages.items():
        page = desk.served.client.get(path, headers={"Accept-Language": language}).text
        assert words in page
        assert f'<a href="{link}"' in page


def test_a_part_that_the_certificate_does_not_name(desk):
    desk.verify(1, **with_parts())
    path = f"/i/{PUMP.hex()}?part=9"
    members = look_json(desk.served, path)
    assert (members["shown"], members["verdict"]) == ("NOT_VERIFIED", "UNKNOWN")
    assert "proof" not in members
    assert desk.served.client.get(f"/i/{PUMP.hex()}/proof.json?part=9").status_code == 404


def test_a_part_left_open_leaves_nothing_good_said_of_the_whole(desk):
    """The document of another part is told of that part alone; a sticker's device still has to look at it."""
    one = desk.verify(1, "1", **with_parts())
    desk.register(PUMP)
    desk.bind(desk.sticker(0), PUMP)
    desk.served.anchor()
    own, sticker = f"/i/{PUMP.hex()}", f"/s/{desk.sticker(0)}"
    for path, shown in ((own, "NOT_VERIFIED"), (sticker, "STICKER_PENDING")):
        members = look_json(desk.served, path)
        assert (members["shown"], members["verdict"], members["status"]) == (shown, "UNKNOWN", None)
        assert "document" not in members
        assert members["parts"][0]["code"] == one
        page = look(desk.served, path)
        for field in (*FIELDS, format_code(one)):
            assert field not in page.response.text
    assert look_json(desk.served, sticker)["sticker"]["standing"] == "BOUND"
    assert f'data-code="{one}"' in look(desk.served, sticker).response.text
    members = look_json(desk.served, own)
    assert "code" not in members
    assert members["proof"] == f"i/{PUMP.hex()}/proof.json", "which shows that nothing verifies the whole"
    assert "data-code" not in look(desk.served, own).response.text


def test_what_stands_against_a_part_that_the_document_does_not_name_is_no_good_word(desk):
    plate = desk.served.world.record(1)["instrument"]
    part = desk.documents[desk.verify(1, "4", instrument=plate | {"parts": [{"id": "4"}]})]
    whole = desk.verify(1, **with_parts())
    desk.register(PUMP, parts=("1", "2", "4"))
    desk.served.anchor()
    path = f"/i/{PUMP.hex()}"
    assert says(desk, path) == "VALID"
    act = People(desk.served.world).act_on(part, EventType.REVERIFY_NEEDED, AUTHORITY, 1)
    desk.hand_in(act)
    members = look_json(desk.served, path)
    assert (members["shown"], members["verdict"], members["status"]) == (
        "NEEDS_REVERIFICATION",
        "UNKNOWN",
        None,
    )
    assert members["code"] == whole
    assert members["document"]["number"], "it is that of the whole"
    outcomes = {check["name"]: check["outcome"] for check in members["checks"]}
    assert outcomes[Step.STATUS.code] == "NOT_CHECKED"


def test_a_registration_says_nothing_against_a_certificate(desk):
    """Any institution may register what it likes of anybody's instrument."""
    desk.verify(1, **with_parts())
    desk.register(PUMP, parts=("1", "2", "nonsense"))
    desk.served.anchor()
    members = look_json(desk.served, f"/i/{PUMP.hex()}")
    assert members["shown"] == "VALID"
    assert members["parts"][-1] == {"part": "nonsense", "shown": "NOT_VERIFIED"}


def test_instruments_that_are_the_same_follow_each_other(desk):
    one, other = desk.verify(1), desk.verify(2)
    desk.same(one, other)
    desk.served.anchor()
    newest = [look_json(desk.served, f"/i/{each.hex()}") for each in (PUMP, SCALE)]
    assert [members["code"] for members in newest] == [other, other]
    assert [members["instrument"].get("is_same") for members in newest] == [True, None]
    assert "曾重复登记" in look(desk.served, f"/i/{PUMP.hex()}").text
    desk.bind(desk.sticker(0), PUMP)
    assert look_json(desk.served, f"/s/{desk.sticker(0)}")["code"] == other


def test_a_split_instrument_says_so(desk):
    code = desk.verify(1)
    desk.split(code, SCALE)
    desk.served.anchor()
    for instrument in (PUMP, SCALE):
        path = f"/i/{instrument.hex()}"
        members = look_json(desk.served, path)
        assert (members["shown"], members["instrument"]["is_split"]) == ("NEEDS_REVERIFICATION", True)
        assert "多台器具" in look(desk.served, path).text
    assert "code" not in look_json(desk.served, f"/i/{SCALE.hex()}")


def test_the_order_of_severity_covers_every_verdict_on_a_document():
    others = {
        *(Shown.NOT_FOUND, Shown.NOT_LOGGED, Shown.UNKNOWN_CODE, Shown.NEVER_GIVEN_OUT),
        *(shown for shown in Shown if shown.value.startswith("STICKER_")),
    }
    assert set(SEVERITY) | others == set(Shown)
    assert len(set(SEVERITY)) == len(SEVERITY)


# --- servers that are behind, out of reach, or lie ----------------------------------------------------------


def make_behind(desk):
    """Return what a server says that knows that others hold more."""
    served = desk.served
    parts = served.store, served.prover, served.receipts, served.policy, served.clock
    return Things(*parts, Verdicts(*parts, lambda: True), lambda: True)


def test_a_server_that_is_behind_is_never_sure(desk):
    desk.bind(desk.sticker(0), PUMP)
    desk.verify(1)
    desk.served.anchor()
    desk.bind(desk.sticker(1), SCALE)
    behind = make_behind(desk)
    assert [behind.of_sticker(desk.sticker(number)).shown for number in range(3)] == [Shown.CANNOT_CHECK] * 3
    assert behind.of_instrument(PUMP).shown is Shown.CANNOT_CHECK
    for look_up in (lambda: behind.of_sticker(MADE_UP[0]), lambda: behind.of_instrument(name_instrument(9))):
        with pytest.raises(UnavailableError):
            look_up()


def test_a_state_that_is_too_old_is_not_relied_on(sqlite):
    with ApiWorld(store=sqlite, max_status_age=timedelta(hours=1)) as world:
        desk = StickerWorld(world.found())
        desk.bind(desk.sticker(1), PUMP)
        stranger = World("other.example/log").issue(1, seal=make_signer("stranger"))
        paths = {
            f"/s/{desk.sticker(0)}": "STICKER_UNUSED",
            f"/s/{desk.sticker(1)}": "STICKER_PENDING",
            f"/s/{MADE_UP[0]}": "NEVER_GIVEN_OUT",
            f"/i/{PUMP.hex()}": "NOT_VERIFIED",
            f"/i/{SCALE.hex()}": "NOT_VERIFIED",
            long_path(stranger): "NEVER_GIVEN_OUT",
        }
        assert {path: says(desk, path) for path in paths} == paths
        world.now += timedelta(hours=2)
        world.seconds += 2
        assert {says(desk, path) for path in paths} == {"CANNOT_CHECK"}


def test_a_store_out_of_reach_is_no_verdict(desk):
    def fail():
        raise StoreUnavailableError("postgresql://secret")

    desk.served.store.read = fail
    for path in (f"/s/{desk.sticker(0)}", f"/i/{PUMP.hex()}"):
        page = look(desk.served, path)
        assert (page.response.status_code, page.headline) == (503, "暂时无法核验")
        assert "secret" not in page.text


def test_an_older_state_is_told_by_its_age(desk):
    """A server keeps showing the proof from before the release: only its age tells, and the policy's limit."""
    desk.bind(desk.sticker(0), PUMP)
    older = fetch(desk, f"/s/{desk.sticker(0)}/proof.json").content
    desk.release(desk.sticker(0), PUMP)
    later = desk.served.now + timedelta(days=2)
    strict = Session(replace(desk.served.policy, max_status_age=timedelta(days=1)), load_rule_book(), None)
    report, shown = verify_sticker_proof(parse_sticker_proof(older), strict, later)
    assert (shown.standing, report.verdict, report.authentic) == (
        StickerStanding.BOUND,
        Verdict.UNKNOWN,
        False,
    )


def swap(mine, other, name):
    document = json.loads(mine) | {name: json.loads(other)[name]}
    return encode_canonical_json(document)


@pytest.mark.parametrize("name", ["checkpoint", "evidence", "event", "map", "sticker"])
def test_parts_of_two_good_proofs_do_not_make_one(desk, name):
    """An older binding, a hidden release, another sticker's instrument."""
    desk.bind(desk.sticker(0), PUMP)
    desk.bind(desk.sticker(1), SCALE)
    older = fetch(desk, f"/s/{desk.sticker(0)}/proof.json").content
    desk.release(desk.sticker(0), PUMP)
    newer = fetch(desk, f"/s/{desk.sticker(0)}/proof.json").content
    other = fetch(desk, f"/s/{desk.sticker(1)}/proof.json").content
    for one, two in ((newer, older), (older, newer), (newer, other), (other, newer)):
        if json.loads(one)[name] == json.loads(two)[name]:
            continue
        proof = parse_sticker_proof(swap(one, two, name))
        report, shown = verify_sticker_proof(proof, session(desk), desk.served.now)
        assert (shown, report.verdict) == (None, Verdict.INVALID)


# --- the command, caches, files -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "code", "zh"),
    [
        ("/s/{made_up}/proof.json", 1, "从未发放"),
        ("/s/{unused}/proof.json", 3, "尚未启用"),
        ("/s/{bound}/proof.json", 3, "贴于器具"),
        ("/s/{released}/proof.json", 1, "收回"),
        ("/i/{unknown}/proof.json", 1, "没有器具"),
        ("/q/{digits}/absence.json", 1, "没有机构"),
    ],
)
def test_the_command_takes_the_file(desk, tmp_path, capsys, path, code, zh):
    for number in (1, 2):
        desk.bind(desk.sticker(number), name_instrument(number))
    desk.release(desk.sticker(2), SCALE)
    desk.served.anchor()
    stranger = World("other.example/log").issue(1, seal=make_signer("stranger"))
    names = {
        "made_up": MADE_UP[2],
        "unused": desk.sticker(0),
        "bound": desk.sticker(1),
        "released": desk.sticker(2),
        "unknown": InstrumentId(bytes(16)).hex(),
        "digits": encode_digits(stranger.raw),
    }
    file, policy = tmp_path / "proof.json", tmp_path / "policy.json"
    file.write_bytes(fetch(desk, path.format(**names)).content)
    policy.write_bytes(encode_policy(desk.served.policy))
    at = desk.served.now.isoformat().replace("+00:00", "Z")
    for as_json in ([], ["--json"]):
        assert main([str(file), "--policy", str(policy), "--at", at, *as_json]) == code
        out = capsys.readouterr().out
        assert zh in (json.loads(out)["note_zh"] if as_json else out)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_page_is_kept_until_the_log_moves(desk, language):
    path, headers = f"/s/{desk.sticker(0)}", {"Accept-Language": language}
    first = desk.served.client.get(path, headers=headers)
    known = headers | {"If-None-Match": first.headers["etag"]}
    assert desk.served.client.get(path, headers=known).status_code == 304
    desk.bind(desk.sticker(0), PUMP)
    assert desk.served.client.get(path, headers=known).status_code == 200


def test_parts_have_answers_of_their_own(desk):
    desk.verify(1, "1", **with_parts())
    path = f"/i/{PUMP.hex()}"
    assert [says(desk, path + part) for part in ("?part=1", "?part=2", "?part=1")] == [
        "PENDING",
        "NOT_VERIFIED",
        "PENDING",
    ]


def test_the_newest_bundle_stands_beside_the_anchored_one(desk):
    code = desk.verify(1)
    desk.served.anchor()
    anchored = fetch(desk, f"/c/{code}/bundle.json").content
    assert fetch(desk, f"/c/{code}/newest.json").content == anchored
    desk.verify(1, fails=True)
    assert fetch(desk, f"/c/{code}/bundle.json").content == anchored
    newest = fetch(desk, f"/c/{code}/newest.json")
    assert newest.headers["cache-control"] == PAGE_CACHE
    statuses = [
        verify_bundle(parse_bundle(raw), session(desk), desk.served.now).status
        for raw in (anchored, newest.content)
    ]
    assert statuses == ["VALID", "FAILED_SINCE"]
    known = {"If-None-Match": newest.headers["etag"]}
    assert desk.served.client.get(f"/c/{code}/newest.json", headers=known).status_code == 304
    assert desk.served.client.get(f"/c/{compute_code(b'never')}/newest.json").status_code == 404


def test_no_chain_is_asked_and_nothing_personal_is_told(desk):
    desk.bind(desk.sticker(0), PUMP)
    desk.verify(1, applicant={"sd": "ab" * 32})
    for path in (f"/s/{desk.sticker(0)}", f"/i/{PUMP.hex()}"):
        names = {item[0][-1] for item in walk(look_json(desk.served, path))}
        assert not names & {"applicant", "address", "persons", "owner", "names"}


def test_the_routes_are_of_the_public_role_alone():
    ledger = LedgerParts(None, None)
    paths = build_api(Parts(None, None, None, ledger=ledger)).openapi()["paths"]
    assert not [path for path in paths if path.startswith(("/s/", "/i/"))]
