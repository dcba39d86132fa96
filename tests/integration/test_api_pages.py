"""Verdict pages: one verdict each, fields only with good evidence, nothing personal, nothing that runs."""

import html
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from api_world import ENGLISH, HOST, JSON, ApiWorld, entry, long_path
from further_kinds import GUARDED, make_value, make_values, to_calibration, to_paper
from page_reader import look, look_json
from world import World, make_signer

from api.negotiation import choose_language
from api.schemas.problems import ProblemShape
from api.verdicts import Verdicts
from api.web.pages import PageWriter
from ledger.core.errors import StoreUnavailableError
from ledger.core.event import instrument_subject
from ledger.core.ids import LeafIndex
from ledger.core.policy import DEFAULT_REQUIRED
from ledger.core.qr import compute_code, encode_digits, parse_code
from ledger.core.register_fields import RegisterState
from ledger.core.status import Status, SubjectState
from ledger.core.step import Step
from ledger.store.records import Withheld
from verifier.report import DISCLAIMER, DocumentStatus

MAX_PAGE_BYTES = 15_000
ANOTHER = {"no": "2026-0000101", "nonce": "ab" * 16}
FIELDS = (
    "SN00000001",
    "EX-1224",
    "示例机械有限公司",
    "燃油加油机",
    "2026-0000001",
    "福州市计量所",
    "2026年11月02日",
)


@pytest.fixture
def served():
    with ApiWorld() as world:
        world.found()
        yield world


@pytest.fixture
def valid(served):
    code = served.issue(1)
    served.anchor()
    return code


# --- the states ---------------------------------------------------------------------------------------------


def make_valid(served):
    path = f"/c/{served.issue(1)}"
    served.anchor()
    return path


def make_pending(served):
    return f"/c/{served.issue(1)}"


def make_expired(served):
    path = make_valid(served)
    served.now = datetime(2027, 5, 1, 16, 0, tzinfo=UTC)
    served.seconds += 1
    return path


def make_superseded(served):
    path = make_valid(served)
    served.submit(served.sign(1, version=1, **ANOTHER))
    return path


def make_failed(served):
    path = f"/c/{served.reject(1)}"
    served.anchor()
    return path


def make_failed_since(served):
    path = make_valid(served)
    served.submit(served.sign_rejection(1, version=1, **ANOTHER))
    return path


def make_attention(served):
    served.now += timedelta(days=40)
    return make_valid(served)


def make_tampered(served):
    raw = bytearray(served.sign(1).raw)
    raw[-1] ^= 1
    return f"/q/{encode_digits(bytes(raw))}"


def make_damaged(served):
    """Somebody changed the stored certificate."""
    path = make_valid(served)
    digest, body = next(iter(served.store.data.documents.items()))
    served.store.data.documents[digest] = body.replace(b"EX-1224", b"EX-1225")
    return path


def make_unlogged(served):
    return long_path(served.sign(1))


def make_stranger(served):
    return long_path(World("other.example/log").issue(1, seal=make_signer("stranger")))


def make_unknown(served):
    return f"/c/{compute_code(b'never')}"


def make_mistyped(served):
    code = make_unknown(served)
    return code[:-1] + ("0" if code[-1] != "0" else "1")


def make_unreachable(served):
    path = make_valid(served)

    def fail():
        raise StoreUnavailableError("postgresql://secret")

    served.store.read = fail
    return path


def withhold(served, *related):
    """Take the content of the only document away, on which these subjects bear."""
    (digest,) = served.store.data.documents
    del served.store.data.documents[digest]
    served.store.data.withheld[digest] = Withheld("榕市监〔2026〕8号", 1, b"".join(related))


def make_withheld(served):
    path = make_valid(served)
    withhold(served)
    return path


def to_kind(served, convert, **changes):
    """Return the address of a document that verifies nothing, about the instrument of `make_valid`."""
    record = convert(served.world.record(1), **changes)
    return f"/c/{served.submit(served.world.issue(1, record=record))}"


def make_calibrated(served):
    path = to_kind(served, to_calibration, no="XZ-1")
    served.anchor()
    return path


def make_paper(served):
    path = to_kind(served, to_paper)
    served.anchor()
    return path


STATES = {
    "valid": (make_valid, 200, "valid", "检定有效", "Valid"),
    "pending": (make_pending, 200, "pending", "有效，待存证", "Valid – not yet anchored"),
    "attention": (make_attention, 200, "attention", "检定有效，请留意", "Valid, with a remark"),
    "expired": (make_expired, 200, "expired", "已过有效期", "Expired"),
    "superseded": (make_superseded, 200, "superseded", "已有新证书", "Replaced"),
    "failed": (make_failed, 200, "failed", "检定不合格", "Failed verification"),
    "failed since": (make_failed_since, 200, "failed", "其后检定不合格", "Failed a later verification"),
    "calibrated": (make_calibrated, 200, "calibrated", "校准证书（不是检定）", "Calibrated – not verified"),
    "paper": (
        make_paper,
        200,
        "paper",
        "纸质证书登记（不是电子证书）",
        "From paper – not an electronic certificate",
    ),
    "tampered": (make_tampered, 200, "tampered", "内容与登记不符", "Does not match the register"),
    "damaged": (make_damaged, 200, "tampered", "内容与登记不符", "Does not match the register"),
    "withheld": (make_withheld, 200, "withheld", "依法不予公开", "Content withheld by law"),
    "not logged": (make_unlogged, 404, "unknown", "未载入账本", "Not in the ledger"),
    "of a stranger": (make_stranger, 404, "tampered", "从未发放此码", "Never given out"),
    "unknown": (make_unknown, 404, "unchecked", "暂时无法核验", "Cannot check right now"),
    "mistyped": (make_mistyped, 404, "unknown", "未查到此证书", "Not found"),
    "cannot check": (make_unreachable, 503, "unchecked", "暂时无法核验", "Cannot check right now"),
}
WITHOUT_FIELDS = (
    "tampered",
    "damaged",
    "withheld",
    "not logged",
    "of a stranger",
    "unknown",
    "mistyped",
    "cannot check",
)
RELIED_ON = ("valid", "pending", "attention")

every_state = pytest.mark.parametrize("name", STATES)


@every_state
def test_each_state_has_one_verdict_in_both_languages(served, name):
    make, status, style, zh, en = STATES[name]
    path = make(served)
    for headers, lang, headline in (({}, "zh-CN", zh), (ENGLISH, "en", en)):
        page = look(served, path, **headers)
        assert page.response.status_code == status
        assert (page.style, page.headline) == (style, headline)
        assert [attrs.get("role") for attrs in page.find("h1")] == ["status"]
        assert page.texts["title"].startswith(headline)
        assert page.find("html")[0]["lang"] == page.response.headers["content-language"] == lang
        words = {words for state in STATES.values() for words in state[3:]} - {headline}
        assert not {word for word in words if word in page.texts["h1"] + page.texts["title"]} - {
            zh,
            en,
            "Valid",
            "检定有效",
            "检定不合格",
        }


@every_state
def test_each_page_is_small_and_keeps_to_itself(served, name):
    path = STATES[name][0](served)
    for headers in ({}, ENGLISH):
        page = look(served, path, **headers)
        assert len(page.response.content) <= MAX_PAGE_BYTES
        tags = {tag for tag, _ in page.tags}
        assert not tags & {"script", "iframe", "img", "link", "form", "object", "embed", "base"}
        addresses = [
            attrs[key] for _, attrs in page.tags for key in ("href", "src", "action") if key in attrs
        ]
        assert addresses
        assert not [address for address in addresses if "//" in address or address.startswith(("/", "data:"))]
        assert not [
            attrs for _, attrs in page.tags if any(key.startswith("on") or key == "style" for key in attrs)
        ]
        assert "set-cookie" not in page.response.headers


@every_state
def test_each_page_says_where_it_comes_from_and_that_it_is_for_development(served, name):
    page = look(served, STATES[name][0](served))
    assert HOST in page.text
    assert "开发环境，不得用于实际业务" in page.text


@pytest.mark.parametrize("name", WITHOUT_FIELDS)
def test_a_page_without_good_evidence_shows_no_field(served, name):
    text = look(served, STATES[name][0](served)).text
    assert not [field for field in FIELDS if field in text and field != "2026年11月02日"]
    assert "铭牌" not in text


@pytest.mark.parametrize("name", [name for name in STATES if name not in WITHOUT_FIELDS])
def test_a_page_with_good_evidence_shows_what_to_compare_first(served, name):
    text = look(served, STATES[name][0](served)).text
    places = [text.index(field) for field in FIELDS[:4]]
    assert places == sorted(places)
    assert text.index("请与器具铭牌核对") < places[0] < text.index("证书信息")


@every_state
def test_what_a_green_page_is_not_is_said_on_it(served, name):
    path = STATES[name][0](served)
    assert (DISCLAIMER.zh in look(served, path).text) is (name in RELIED_ON)
    assert (DISCLAIMER.en in look(served, path, **ENGLISH).text) is (name in RELIED_ON)


@pytest.mark.parametrize(
    ("name", "verdict", "status", "shown"),
    [
        ("valid", "VALID", "VALID", "VALID"),
        ("pending", "UNKNOWN", "VALID", "PENDING"),
        ("attention", "ATTENTION", "VALID", "ATTENTION"),
        ("expired", "ATTENTION", "EXPIRED", "EXPIRED"),
        ("superseded", "ATTENTION", "SUPERSEDED", "SUPERSEDED"),
        ("failed", "INVALID", "FAILED", "FAILED"),
        ("failed since", "INVALID", "FAILED_SINCE", "FAILED_SINCE"),
        ("calibrated", "ATTENTION", "CALIBRATED", "CALIBRATED"),
        ("paper", "ATTENTION", "PAPER", "PAPER"),
        ("tampered", "INVALID", None, "TAMPERED"),
        ("damaged", "INVALID", None, "TAMPERED"),
        ("withheld", "UNKNOWN", "VALID", "CONTENT_WITHHELD"),
        ("not logged", "UNKNOWN", "VALID", "NOT_LOGGED"),
    ],
)
def test_programs_read_the_same_verdict(served, name, verdict, status, shown):
    members = look_json(served, STATES[name][0](served))
    assert (members["verdict"], members["status"], members["shown"]) == (verdict, status, shown)
    assert members["environment"] == "development"
    assert [check["step"] for check in members["checks"]] == list(range(1, 21))
    assert ("document" in members) is (shown != "TAMPERED")


@pytest.mark.parametrize(
    ("name", "status"), [("unknown", 404), ("of a stranger", 404), ("cannot check", 503)]
)
def test_programs_read_a_problem_where_there_is_no_verdict(served, name, status):
    path = STATES[name][0](served)
    response = served.client.get(path, headers=JSON)
    if name == "of a stranger":
        assert response.status_code == 404
        return
    assert ProblemShape.model_validate(response.json()).status == response.status_code == status
    assert "secret" not in response.text


def test_a_certificate_is_valid_to_the_end_of_its_last_day_in_the_policys_zone(served):
    path = make_expired(served)
    assert look(served, path).style == "expired"
    served.now -= timedelta(seconds=1)
    served.seconds += 1
    page = look(served, path)
    assert page.style == "valid"
    assert "2027年05月01日（含当日）" in page.text


def test_the_end_of_a_service_life_has_its_own_words(served):
    path = make_expired(served)
    finding = replace_status(served, path)
    assert "已到使用期限" in finding


def replace_status(served, path):
    """Write the page of the same finding, as if the date were the end of a service life."""
    verdicts = Verdicts(served.store, served.prover, served.receipts, served.policy, served.clock)
    finding = verdicts.of_code(parse_code(path.removeprefix("/c/")))
    ended = replace(finding, report=replace(finding.report, status=DocumentStatus.SERVICE_LIFE_ENDED))
    return PageWriter(served.policy, HOST).write(ended, choose_language("zh", None)).decode()


def test_a_required_step_that_nobody_can_take_is_never_green():
    with ApiWorld(required=frozenset({*DEFAULT_REQUIRED, Step.QUORUM})) as served:
        served.found()
        path = make_valid(served)
        page = look(served, path)
        assert (page.response.status_code, page.style) == (503, "unchecked")


def test_a_production_policy_shows_no_banner():
    with ApiWorld(development=False, contract=None, required=frozenset({Step.SEAL})) as served:
        served.found()
        page = look(served, make_valid(served))
        assert "开发环境" not in page.text


# --- what changes -------------------------------------------------------------------------------------------


def test_a_page_follows_the_log(served):
    path = make_pending(served)
    assert look(served, path).style == "pending"
    served.anchor()
    assert look(served, path).style == "valid"
    newer = served.submit(served.sign(1, version=1, **ANOTHER))
    assert look(served, path).style == "superseded"
    assert look(served, f"/c/{newer}").style == "pending"
    served.submit(served.sign_rejection(1, version=2, no="2026-0000201", nonce="ac" * 16))
    assert look(served, path).style == look(served, f"/c/{newer}").style == "failed"


def test_a_replaced_certificate_leads_to_the_newest(served, valid):
    newer = served.submit(served.sign(1, version=1, **ANOTHER))
    page = look(served, f"/c/{valid}?lang=en")
    links = [attrs["href"] for attrs in page.find("a")]
    assert f"../c/{newer}?lang=en" in links
    assert look_json(served, f"/c/{valid}")["newer"] == newer
    served.anchor()
    assert look(served, f"/c/{newer}").style == "valid"


def find_status_check(served, path):
    return next(check for check in look_json(served, path)["checks"] if check["name"] == "status")


def test_how_a_document_stands_is_proved_as_of_the_newest_checkpoint(served, valid):
    path = f"/c/{valid}"
    served.submit(served.sign(2))
    served.now += timedelta(hours=3)
    served.seconds += 1
    check = find_status_check(served, path)
    assert (check["name"], check["outcome"]) == ("status", "PASSED")
    assert (
        check["reason"] == "the newest document of this instrument, as of 2026-11-02 08:05 UTC, 3 hours old"
    )
    size = served.log.head.tree_size
    served.submit(served.sign(1, version=1, **ANOTHER))
    check = find_status_check(served, path)
    assert check["outcome"] == "PASSED"
    assert check["reason"].startswith(f"leaf {size} is newer, as of 2026-11-02 11:05 UTC")


def test_a_status_older_than_the_policy_allows_is_never_green():
    with ApiWorld(
        required=frozenset({*DEFAULT_REQUIRED, Step.STATUS}), max_status_age=timedelta(hours=2)
    ) as served:
        path = make_valid(served.found())
        assert look(served, path).style == "valid"
        served.now += timedelta(hours=2, minutes=1)
        served.seconds += 1
        page = look(served, path)
        assert (page.response.status_code, page.style) == (503, "unchecked")


def test_an_expired_certificate_that_was_replaced_leads_to_the_newest(served):
    path = make_expired(served)
    newer = served.submit(served.sign(1, version=1, **ANOTHER))
    assert look(served, path).style == "superseded"
    assert look_json(served, path)["newer"] == newer


@pytest.mark.parametrize("table", ["pages", "replaced"])
def test_a_status_map_that_was_changed_is_no_verdict(served, valid, table):
    """Nothing is given out that does not follow from what the log signed."""
    served.submit(served.sign(1, version=1, **ANOTHER))
    found = getattr(served.store.data, table)
    found.update({place: bytes(len(raw)) for place, raw in found.items()})
    assert served.client.get(f"/c/{valid}", headers=JSON).status_code == 500


def test_a_key_that_ended_later_does_not_harm_an_older_certificate(served, valid):
    served.post([entry(served.world.key(version=1, state=RegisterState.WITHDRAWN))])
    assert look(served, f"/c/{valid}").style == "valid"


def test_the_last_known_state_is_shown_while_nobody_can_look(served):
    path = make_valid(served)
    assert look(served, path).style == "valid"

    def fail():
        raise StoreUnavailableError("x")

    served.store.read = fail
    served.seconds += 5
    page = look(served, path)
    assert (page.response.status_code, page.style) == (503, "unchecked")
    assert "最后一次已知状态： 检定有效" in page.text or "最后一次已知状态：检定有效" in page.text
    assert page.response.headers["cache-control"] == "no-store"


# --- what must not come out ---------------------------------------------------------------------------------

ATTACKS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus=alert(1) x='",
    "</title><svg onload=alert(1)>",
    "{{7*7}}{% raw %}",
    "javascript:alert(1)",
    "--></style><b>",
    "&lt;script&gt;",
    "﻿a\u00adb",
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_text_of_a_certificate_is_inert(served, attack):
    record = served.world.record(1)
    texts = {"name": attack, "serial": attack[:64], "model": attack, "maker": attack}
    record["instrument"] |= texts
    record["no"] = attack[:64]
    record["issuer"]["name"] = attack
    code = served.submit(served.world.issue(1, record=record))
    served.anchor()
    for headers in ({}, ENGLISH):
        page = look(served, f"/c/{code}", **headers)
        assert page.style == "valid"
        plain = look(served, f"/c/{served_plain(served)}", **headers)
        assert [tag for tag, _ in page.tags] == [tag for tag, _ in plain.tags]
        assert not [attrs for _, attrs in page.tags if any(key.startswith("on") for key in attrs)]
        assert html.escape(attack, quote=False).replace("&quot;", '"') in page.response.text.replace(
            "&#34;", '"'
        ).replace("&#39;", "'")


def served_plain(served):
    """Return the code of a certificate without attacks, issued once."""
    issued = served.sign(2)
    served.post([entry(issued.raw, issued.body)])
    served.anchor()
    return compute_code(issued.raw)


def test_text_in_an_address_is_inert(served):
    for attack in ATTACKS:
        response = served.client.get(f"/c/{attack}")
        assert "alert(1)" not in response.text
        assert "alert(1)" not in served.client.get(f"/c/x?lang={attack}").text


def test_personal_members_never_appear(served):
    digest = "cd" * 32
    record = served.world.record(1)
    record["applicant"] = {"sd": digest}
    record["instrument"] |= {"owner": {"sd": digest}}
    record["instrument"]["site"]["address"] = {"sd": digest}
    record["place"] = {"kind": "on_site", "where": {"sd": digest}}
    for person in record["persons"]:
        person["name"] = {"sd": digest}
    code = served.submit(served.world.issue(1, record=record))
    served.anchor()
    for headers in ({}, ENGLISH, JSON):
        text = served.client.get(f"/c/{code}", headers=headers).text
        assert digest not in text
        assert not [pid for pid in ("P-operator", "P-checker", "P-approver") if pid in text]
    assert "P-operator" not in served.client.get("/certificates/2026-0000001").text


# --- documents that verify nothing --------------------------------------------------------------------------


def facts(page):
    return html.unescape(page.response.text)


def test_an_entry_from_paper_says_so_in_full(served):
    path = make_paper(served)
    zh, en = facts(look(served, path)), facts(look(served, path, **ENGLISH))
    for words in ("纸质证书登记，不是电子证书", "合格（照录纸质证书）", "登记日期", "纸质证书所载有效期至"):
        assert words in zh
    for words in (
        "not an electronic certificate",
        "passed, as the paper has it",
        "Entered on",
        "Ask for the paper",
    ):
        assert words in en
    assert DISCLAIMER.zh not in zh
    assert "检定有效" not in zh
    assert '<p class="until">' not in zh


def test_a_calibration_says_what_it_concludes_and_until_when(served):
    agreed = {"kind": "date", "until": "2027-11-01", "agreed": True}
    point = make_value("0.10", measured="20.02", mpe="0.30")
    concluded = {"conclusion": "pass", "decision_rule": GUARDED, "results": make_values(point)}
    path = to_kind(served, to_calibration, no="XZ-2", validity=agreed, **concluded)
    served.anchor()
    zh, en = facts(look(served, path)), facts(look(served, path, **ENGLISH))
    for words in (
        "校准证书",
        "校准日期",
        "符合（按证书所述判定规则）",
        "与客户约定的复校日期 2027年11月01日",
        "校准机构",
    ):
        assert words in zh
    assert "Next calibration, as agreed with the customer 1 November 2027 (inclusive)" in en
    for words in ("检定日期", "检定有效", "有效期至", DISCLAIMER.zh):
        assert words not in zh


def test_a_calibration_without_conclusion_says_none(served):
    page = facts(look(served, make_calibrated(served)))
    assert "结论" not in page.split("怎么核验的")[0]
    assert '<p class="until">' not in page


def test_neither_is_called_newer_or_older_than_a_verification(served):
    calibrated = to_kind(served, to_calibration, no="XZ-1")
    code = served.submit(served.sign(1, version=1))
    served.anchor()
    assert look(served, calibrated).style == "calibrated"
    assert look(served, f"/c/{code}").style == "valid"
    assert f"../c/{code}" not in look(served, calibrated).response.text


def test_what_is_withheld_still_says_how_it_stands(served):
    path = make_valid(served)
    withhold(served)
    assert "在有效期内" in look(served, path).text
    served.submit(served.sign_rejection(1, version=1, **ANOTHER))
    page = look(served, path)
    assert (page.style, page.headline) == ("failed", "其后检定不合格")
    assert "该文件内容依法不予公开" in page.text
    assert look_json(served, path)["shown"] == "FAILED_SINCE"


def test_what_is_withheld_is_no_better_than_the_parts_that_it_named(served):
    path = make_valid(served)
    instrument = served.world.record(1)["instrument"]["id"]
    part = instrument_subject(bytes.fromhex(instrument), "2")
    withhold(served, part)
    assert look_json(served, path)["shown"] == "CONTENT_WITHHELD"
    served.store.data.states[part] = SubjectState(Status.FAILED, 1, LeafIndex(2**20), LeafIndex(2**20))
    served.seconds += 1
    served.now += timedelta(minutes=1)
    assert look_json(served, path)["shown"] == "FAILED_SINCE"


def test_no_page_offers_the_proof_of_what_is_withheld(served):
    path = make_valid(served)
    assert "bundle.json" in look(served, path).response.text
    served.seconds += 120  # answers are kept for a while
    withhold(served)
    served.now += timedelta(minutes=2)
    page = look(served, path)
    assert "bundle.json" not in page.response.text
    assert page.headline == "依法不予公开"


def test_the_bundle_of_what_is_withheld_is_unavailable_for_legal_reasons(served, valid):
    withhold(served)
    answer = served.client.get(f"/c/{valid}/bundle.json")
    assert (answer.status_code, answer.json()["type"]) == (451, "urn:hengzheng:problem:content-withheld")
    assert answer.json()["zh"] == "该文件内容依法不予公开"
    assert ProblemShape.model_validate_json(answer.content)
