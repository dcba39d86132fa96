"""Verdict pages: one verdict each, fields only with good evidence, nothing personal, nothing that runs."""

import html
from dataclasses import replace
from datetime import timedelta

import pytest
from api_world import ENGLISH, HOST, JSON, ApiWorld, entry
from further_kinds import GUARDED, make_value, make_values, to_calibration
from page_reader import look, look_json
from verdict_states import (
    ANOTHER,
    STATES,
    RichSite,
    make_calibrated,
    make_damaged,
    make_expired,
    make_paper,
    make_pending,
    make_shown,
    make_superseded,
    make_valid,
    to_kind,
    withhold,
)

from api.negotiation import choose_language
from api.schemas.problems import ProblemShape
from api.shown import Shown
from api.verdicts import Verdicts
from api.web.pages import Offers, PageWriter
from api.web.words import LOOKS
from ledger.core.errors import StoreUnavailableError
from ledger.core.event import instrument_subject
from ledger.core.ids import LeafIndex
from ledger.core.policy import DEFAULT_REQUIRED
from ledger.core.qr import compute_code, parse_code
from ledger.core.register_fields import RegisterState
from ledger.core.status import Status, SubjectState
from ledger.core.step import Step
from verifier.report import DISCLAIMER, DocumentStatus

MAX_PAGE_BYTES = 15_000
FIELDS = (
    "燃油加油机",
    "示例机械有限公司",
    "EX-1224",
    "SN00000001",
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

WITHOUT_FIELDS = (
    *("tampered", "damaged", "withheld", "not logged"),
    *("of a stranger", "unknown", "mistyped", "cannot check"),
)
RELIED_ON = ("valid", "pending", "attention")
UNCHECKABLE = ("tampered", "withheld", "unknown", "mistyped", "cannot check")
"""Where there is no proof: the page has no script."""

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
        assert int(page.response.headers["content-length"]) <= MAX_PAGE_BYTES
        assert page.response.headers["content-encoding"] == "gzip"
        tags = {tag for tag, _ in page.tags}
        assert not tags & {"iframe", "img", "form", "object", "embed", "base"}
        assert [attrs["href"] for attrs in page.find("link")] == ["data:,"]
        assert "script" not in page.texts
        scripts = [attrs["src"] for attrs in page.find("script")]
        assert [source.split("@")[0] for source in scripts] == ["../static/page"] * len(scripts)
        assert bool(scripts) is (name not in UNCHECKABLE)
        addresses = [
            attrs[key]
            for tag, attrs in page.tags
            for key in ("href", "src", "action")
            if key in attrs and tag != "link"
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
    assert ("document" in members) is (shown not in {"TAMPERED", "CONTENT_WITHHELD"})


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


@pytest.mark.parametrize(
    ("name", "address", "word"),
    [
        ("mistyped", "../scan", "重新扫码"),
        ("unknown", "../scan", "重新扫码"),
        ("cannot check", "", "重试"),
    ],
)
def test_where_nothing_could_be_said_the_next_step_is_a_link(served, name, address, word):
    page = look(served, STATES[name][0](served))
    links = [attrs["href"] for attrs in page.find("a") if attrs.get("class") == "next"]
    assert address in links
    assert word in page.text


@pytest.mark.parametrize("name", ["valid", "of a stranger", "damaged"])
def test_no_other_page_asks_to_scan_again(served, name):
    page = look(served, STATES[name][0](served))
    assert "重新扫码" not in page.text
    assert "重试" not in page.text


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
        shown = [pid for pid in ("P-operator", "P-checker", "P-approver") if pid in text]
        assert len(shown) == (0 if headers is JSON else 3)
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
    assert "<dt>结论</dt>" not in page
    assert '<p class="until">' not in page


def test_neither_is_called_newer_or_older_than_a_verification(served):
    calibrated = to_kind(served, to_calibration, no="XZ-1")
    code = served.submit(served.sign(1, version=1))
    served.anchor()
    assert look(served, calibrated).style == "calibrated"
    assert look(served, f"/c/{code}").style == "valid"
    newer = [attrs["href"] for attrs in look(served, calibrated).find("a") if attrs.get("class") == "next"]
    assert not [address for address in newer if code in address]


def test_what_is_withheld_still_says_how_it_stands(served):
    path = make_valid(served)
    withhold(served)
    assert "在有效期内" in look(served, path).text
    served.submit(served.sign_rejection(1, version=1, **ANOTHER))
    page = look(served, path)
    assert (page.style, page.headline) == ("failed", "其后检定不合格")
    assert "该文件内容依法不予公开" in page.text
    assert look_json(served, path)["shown"] == "FAILED_SINCE"


@pytest.mark.parametrize("stands", ["in order", "past its last day", "failed since"])
def test_of_what_is_withheld_no_field_is_told_however_it_stands(served, stands):
    path = make_valid(served)
    withhold(served)
    if stands == "past its last day":
        served.now += timedelta(days=300)
    if stands == "failed since":
        served.submit(served.sign_rejection(1, version=1, **ANOTHER))
    instrument = served.world.record(1)["instrument"]["id"]
    for address in (path, f"/i/{instrument}")[: 1 if stands == "failed since" else 2]:
        assert "document" not in look_json(served, address)
        for headers in ({}, ENGLISH):
            page = look(served, address, **headers)
            for field in (
                "SN00000001",
                "2026-0000001",
                "福州市计量所",
                "2027年05月01日",
                "1 May 2027",
                "铭牌核对",
            ):
                assert field not in page.response.text


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


# --- what else a page holds -----------------------------------------------------------------------------------


@pytest.fixture
def rich():
    with RichSite() as world:
        world.found()
        yield world


def read(served, path, **headers):
    """Return the words of a page, with single spaces between them."""
    return " ".join(look(served, path, **headers).text.split())


def write(served, path, offers):
    """Write the page of a document as an application that has these things does."""
    verdicts = Verdicts(served.store, served.prover, served.receipts, served.policy, served.clock)
    finding = verdicts.of_code(parse_code(path.removeprefix("/c/")))
    writer = PageWriter(served.policy, HOST, offers)
    return html.unescape(writer.write(finding, choose_language("zh", None)).decode())


@pytest.mark.parametrize("headers", [{}, ENGLISH])
def test_a_remark_is_made_in_the_glance_before_the_anchor_too(served, headers):
    def read_glance(path):
        return look(served, path, **headers).response.text.partition("</section>")[0]

    quiet = read_glance(make_pending(served))
    served.now += timedelta(days=40)
    remarked = read_glance(f"/c/{served.issue(2)}")
    remark = "logged 40 days after" if headers else "40日载入账本"
    assert (remark in quiet, remark in remarked) == (False, True)
    assert all(("10 minutes" if headers else "10分钟") in glance for glance in (quiet, remarked))


def test_reports_are_offered_only_where_there_are_any(rich):
    path = make_valid(rich)
    code = path.removeprefix("/c/")
    assert "/report" not in look(rich, path).response.text
    page = write(rich, path, Offers(make_link=lambda code, about: f"report?code={code}&about={about}"))
    for about, words in (
        ("MISMATCH", "与实物不符"),
        ("SEAL_BROKEN", "铅封损坏"),
        ("SHORT_WEIGHT", "缺斤短两"),
    ):
        assert f'<a href="../report?code={code}&about={about}">{words}</a>' in page
    assert page.index("与实物不符") < page.index("本页证明检定记录真实") < page.index("证书信息")


def test_what_does_not_match_the_register_can_be_reported(rich):
    path = make_damaged(rich)
    page = write(rich, path, Offers(make_link=lambda code, about: f"report?code={code}&about={about}"))
    assert "内容与登记不符" in page
    assert f'href="../report?code={path.removeprefix("/c/")}&about=MISMATCH"' in page


def test_the_proof_of_the_newest_state_is_offered(rich):
    path = make_valid(rich)
    assert f"..{path}/newest.json" in write(rich, path, Offers())


def test_what_to_compare_holds_seals_software_codes_parts_use_and_place(rich):
    text = read(rich, make_valid(rich))
    plate = text[text.rindex("请与器具铭牌核对") : text.index("证书信息")]
    for words in (
        "铅封 · 主板与机壳 A1001",
        "铅封 · 编码器 A1002",
        "软件标识 V1.2",
        "生产码 PC-350100-001",
        "维修码 RC-77",
        "检定码 VC-9001",
        "部件 1 92号油枪",
        "部件 2 95号油枪 · Q-2",
        "用途 贸易结算",
        "使用地 福建省（区划代码350102）",
    ):
        assert words in plate


def test_standards_are_shown_up_to_where_their_values_come_from(rich):
    text = read(rich, make_valid(rich))
    chain = text[text.index("计量标准与量值溯源") : text.index("账本与区块链存证")]
    places = [
        chain.index(words) for words in ("标准金属量器标准装置", "一等标准金属量器标准装置", "溯源至：NIM")
    ]
    assert places == sorted(places)
    assert "策略未列NIM" in chain


def test_where_it_is_anchored_is_said_as_the_log_has_signed_it(rich):
    path = make_pending(rich)
    assert "区块 7" not in read(rich, path)
    rich.anchor()
    text = read(rich, path)
    for words in ("区块 7", "链 31337", f"合约 0x{'02' * 20}", f"交易 0x{'04' * 32}", "已最终确定"):
        assert words in text


def test_history_leads_to_every_document_of_the_instrument(rich):
    path = make_superseded(rich)
    newer = look_json(rich, path)["newer"]
    for address, other in ((path, newer), (f"/c/{newer}", path.removeprefix("/c/"))):
        page = look(rich, address)
        events = page.response.text[page.response.text.index('class="events"') :]
        assert f'href="../c/{other}"' in events
        assert events.count("检定合格，出具检定证书") == 2
        assert "（本文件）" in events


def test_acts_stand_in_the_history_with_reason_decision_and_who_it_was(rich):
    path = make_shown(rich, Shown.CANCELLED)
    text = read(rich, path)
    assert "计量行政部门注销证书 检定结果有误 · 闽市监检撤〔2026〕3号 · 福建省市场监督管理局" in text
    english = read(rich, path, **ENGLISH)
    assert "Certificate cancelled by the authority wrong result" in english
    assert "Fuzhou Institute of Metrology (福州市计量所)" in english


def test_advice_is_for_the_kind_of_instrument(rich):
    text = read(rich, make_valid(rich))
    assert "怎样自己查看" in text
    assert "数量和金额都应为零" in text
    assert "水表" not in text


@pytest.mark.parametrize("shown", [Shown.TAMPERED, Shown.NOT_LOGGED, Shown.CONTENT_WITHHELD])
def test_without_good_evidence_there_is_nothing_of_it_in_the_details(rich, shown):
    text = look(rich, make_shown(rich, shown)).response.text
    for words in ("历史记录", "签署人员", "量值溯源", "存证</summary>", "certificate.json"):
        assert words not in text


@pytest.mark.parametrize("shown", Shown)
def test_every_verdict_can_be_brought_about_and_is_what_its_page_says(rich, shown):
    page = look(rich, make_shown(rich, shown))
    assert page.headline == LOOKS[shown].headline.zh
    assert [attrs["data-shown"] for attrs in page.find("p") if "data-shown" in attrs] in ([], [shown.value])
