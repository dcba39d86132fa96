"""An authority's desk over HTTP: registers of its region, changes previewed and signed, documents decided about."""

import re

import pytest
from office_world import (
    AUTHORITY_TENANT,
    KEY_PASSPHRASE,
    MATERIAL,
    OTHER,
    OTHER_AUTHORITY,
    documents_of,
    open_office_world,
)
from world import INSTITUTION, SCOPE

from api.office.routes.rulings import _parse_named, spell_named
from issuer.tables import DocumentState
from ledger.core.act import NamedInstrument
from ledger.core.event import certificate_subject, material_subject, scope_subject
from ledger.core.register_fields import RegisterState
from ledger.core.status import Status

SUBJECT = scope_subject(INSTITUTION, SCOPE)
PATH = f"/region/{SUBJECT.hex()}"
CHANGE = {"state": "suspended", "from": "2026-11-03", "ground": "现场检查不合格"}
DECISION = {
    "decision.number": "闽市监检撤〔2026〕3号",
    "decision.ground": "《中华人民共和国计量法》第二十六条",
    "decision.dated": "2026-11-02",
    "decision.remedy": "可在六十日内申请行政复议",
}
RULING = {
    "act": "CANCEL",
    "reason": "STANDARD_INVALID",
    "from": "2026-11-02",
    "ground": "标准器失准",
    **DECISION,
}
NEW = {**{name: value for name, value in MATERIAL.items() if name != "state"}, "ground": "新批号"}
PERSON = {
    "institution": INSTITUTION,
    "id": "P-0199",
    "qualification": "registered",
    "roles": ["operator", "checker"],
    "categories": ["FUEL_DISPENSER"],
    "from": "2026-01-01",
    "until": "2028-12-31",
    "ground": "新注册",
}
STANDARD = {
    "institution": INSTITUTION,
    "id": "STD-9",
    "name": "二等标准金属量器标准装置",
    "exam_no": "〔2025〕闽量标证字第0088号",
    "categories": ["FUEL_DISPENSER"],
    "range": "(1~100) L",
    "u": "U=0.05 %, k=2",
    "mandatory": "yes",
    "instruments": "\n".join(
        (
            f"Q-1 | Z2026-001 | 2026-01-10 | 2027-01-09 | {'ab' * 32} | root:NIM",
            "Q-2|Z2026-002|2026-01-10|2027-01-09",
        )
    ),
    "from": "2026-01-01",
    "until": "2029-12-31",
    "ground": "考核合格",
}


@pytest.fixture
def world(tmp_path):
    with open_office_world(tmp_path, roles=("authority", "administrator", "auditor", "operator")) as world:
        yield world


@pytest.fixture
def authority(world):
    return world.browser("authority", AUTHORITY_TENANT)


def read_fingerprint(page):
    return re.search(r'name="fingerprint" value="([0-9a-f]{64})"', page)[1]


def sign(world, browser, path, form, preview, **changes):
    """Look, then sign what was shown; return the answer."""
    looked = world.post(browser, preview, form)
    assert looked.status_code == 200, looked.text
    again = {**form, "fingerprint": read_fingerprint(looked.text), "passphrase": KEY_PASSPHRASE, **changes}
    return world.post(browser, path, again)


def scope_of(world):
    return world.gateway.registers().scopes[INSTITUTION, SCOPE]


def keystore(world, tenant=AUTHORITY_TENANT):
    return world.office.tenants[tenant].home


def stored(world, tenant=AUTHORITY_TENANT):
    found = world.office.tenants[tenant].decisions
    return [one for first, _ in found.list_newest(100) for one in found.list_together(first.taken_together)]


# --- registers ----------------------------------------------------------------------------------------------


def test_the_region_is_listed_and_searched(world, authority):
    page = authority.get("/region").text
    assert INSTITUTION in page
    assert OTHER in page
    assert SUBJECT.hex() in page
    found = authority.get("/region", params={"q": f"{OTHER} s1"}).text
    assert scope_subject(OTHER, SCOPE).hex() in found
    assert SUBJECT.hex() not in found
    assert "Nothing is registered" in authority.get("/region", params={"kind": "block"}).text
    assert SUBJECT.hex() not in authority.get("/region", params={"on": "2024-12-31"}).text, "from 2025 on"
    assert authority.get("/region", params={"on": "x"}).status_code == 422


def test_another_province_sees_its_own_region_first(world):
    browser = world.browser("authority", OTHER_AUTHORITY)
    assert SUBJECT.hex() not in browser.get("/region").text
    assert SUBJECT.hex() in browser.get("/region", params={"all": "yes"}).text


@pytest.mark.parametrize("subject", ["00" * 32, "zz", "AB"])
def test_what_is_not_registered_is_not_found(authority, subject):
    assert authority.get(f"/region/{subject}").status_code == 404


def test_a_scope_line_is_suspended_as_it_was_shown(world, authority):
    world.issue(*documents_of(2))
    looked = world.post(authority, f"{PATH}/preview", CHANGE).text
    assert re.search(r"<dt>in all</dt><dd>2</dd>", looked)
    assert re.search(r"<dt>verified from 2026-11-03 on</dt><dd>0</dd>", looked)
    assert keystore(world).opened == 0, "a preview opens no key"
    done = sign(world, authority, f"{PATH}/decide", CHANGE, f"{PATH}/preview")
    assert done.status_code == 303
    assert (scope_of(world).state, str(scope_of(world).valid_from)) == (RegisterState.SUSPENDED, "2026-11-03")
    page = authority.get(done.headers["location"]).text
    (decision,) = stored(world)
    assert f"leaf {decision.leaf_index}" in page
    assert (decision.ground, decision.person) == ("现场检查不合格", "authority某")
    assert keystore(world).opened == 1
    assert "suspended" in authority.get(PATH).text
    back = sign(world, authority, f"{PATH}/decide", {**CHANGE, "state": "active"}, f"{PATH}/preview")
    assert back.status_code == 303
    assert scope_of(world).state is RegisterState.ACTIVE
    assert "Decision 2" in authority.get("/decisions/2").text
    assert authority.get("/decisions").text.count("/decisions/") == 2


@pytest.mark.parametrize(
    ("changes", "sentence", "zh"),
    [
        ({"state": ""}, "must be filled in", "必须填写"),
        ({"state": "lost"}, "none of those offered", "不在可选范围内"),
        ({"from": ""}, "must be filled in", "必须填写"),
        ({"from": "soon"}, "date", "日期"),
        ({"ground": " "}, "it is kept for ever", "必须填写理由"),
        ({"from": "2031-01-01"}, "ends before it begins", "截止日期早于起始日期"),
    ],
)
def test_a_change_that_cannot_be_is_refused_by_field(world, changes, sentence, zh):
    for language, wanted in (("en", sentence), ("zh-CN", zh)):
        browser = world.browser("authority", AUTHORITY_TENANT, language)
        answer = world.post(browser, f"{PATH}/preview", {**CHANGE, **changes})
        assert answer.status_code == 422
        assert wanted in answer.text
    assert stored(world) == []


def test_what_stands_so_already_is_not_signed(world, authority):
    same = {**CHANGE, "state": "active", "from": "2025-01-01"}
    answer = world.post(authority, f"{PATH}/preview", same)
    assert answer.status_code == 409
    assert "it stands so already" in answer.text


@pytest.mark.parametrize(
    ("passphrase", "sentence"),
    [("", "it is needed"), ("short", "16 characters"), ("another passphrase of theirs", "wrong passphrase")],
)
def test_nothing_is_signed_with_a_wrong_passphrase(world, authority, passphrase, sentence):
    answer = sign(world, authority, f"{PATH}/decide", CHANGE, f"{PATH}/preview", passphrase=passphrase)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'name="fingerprint"' in answer.text, "it can be signed from here"
    assert passphrase == "" or passphrase not in answer.text
    assert stored(world) == []


def test_what_has_changed_since_it_was_shown_is_shown_again(world, authority):
    looked = read_fingerprint(world.post(authority, f"{PATH}/preview", CHANGE).text)
    other = {**CHANGE, "state": "withdrawn"}
    assert sign(world, authority, f"{PATH}/decide", other, f"{PATH}/preview").status_code == 303
    late = {**CHANGE, "fingerprint": looked, "passphrase": KEY_PASSPHRASE}
    answer = world.post(authority, f"{PATH}/decide", late)
    assert answer.status_code == 409
    assert "has changed since; nothing was signed" in answer.text
    assert scope_of(world).state is RegisterState.WITHDRAWN
    forged = {**CHANGE, "fingerprint": "0" * 64, "passphrase": KEY_PASSPHRASE}
    assert world.post(authority, f"{PATH}/decide", forged).status_code == 409
    assert len(stored(world)) == 1


def test_another_provinces_decision_is_refused_with_the_folds_sentence(world):
    for language, word in (("en", "refused"), ("zh-CN", "该声明不产生效力")):
        browser = world.browser("authority", OTHER_AUTHORITY, language)
        done = sign(world, browser, f"{PATH}/decide", CHANGE, f"{PATH}/preview")
        page = browser.get(done.headers["location"]).text
        assert word in page
        assert "division 350100 is outside that of authority CN-36" in page
    assert scope_of(world).state is RegisterState.ACTIVE
    assert {one.state for one in stored(world, OTHER_AUTHORITY)} == {DocumentState.VOIDED}


def test_a_ledger_out_of_reach_leaves_the_signed_decision_waiting(world, authority):
    world.gateway.fail("submit")
    done = sign(world, authority, f"{PATH}/decide", CHANGE, f"{PATH}/preview")
    page = authority.get(done.headers["location"]).text
    assert "not yet in the ledger" in page
    (signed,) = stored(world)
    opened = keystore(world).opened
    again = world.post(authority, f"{done.headers['location']}/submit")
    assert again.status_code == 303
    (logged,) = stored(world)
    assert (logged.state, logged.statement) == (DocumentState.LOGGED, signed.statement)
    assert keystore(world).opened == opened, "what is signed needs no key any more"
    world.post(authority, f"{done.headers['location']}/submit")
    assert stored(world) == [logged]


def test_what_another_decision_has_overtaken_is_not_signed_again_by_itself(world, authority):
    """The answer to the first is lost; a second is decided; the first, handed in again, is what it was."""
    world.gateway.fail("submit", written=True)
    done = sign(world, authority, f"{PATH}/decide", CHANGE, f"{PATH}/preview")
    (waits,) = stored(world)
    assert waits.state is DocumentState.SIGNED
    other = {**CHANGE, "state": "withdrawn"}
    assert sign(world, authority, f"{PATH}/decide", other, f"{PATH}/preview").status_code == 303
    world.post(authority, f"{done.headers['location']}/submit")
    assert {one.state for one in stored(world)} == {DocumentState.LOGGED}
    assert scope_of(world).state is RegisterState.WITHDRAWN


# --- registering --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "form"), [("material", NEW), ("person", PERSON), ("standard", STANDARD)])
def test_a_thing_is_registered_by_its_form_and_renewed_from_it(world, authority, kind, form):
    assert authority.get(f"/registering/{kind}").status_code == 200
    done = sign(world, authority, f"/registering/{kind}/decide", form, f"/registering/{kind}")
    assert done.status_code == 303, done.text
    (decision,) = stored(world)
    assert decision.state is DocumentState.LOGGED, decision.reason
    page = authority.get(f"/registering/{kind}", params={"of": decision.subject.hex()}).text
    assert form["until"] in page
    assert "checked" in page or kind == "material"
    renewed = {**form, "until": "2029-06-30"}
    again = sign(world, authority, f"/registering/{kind}/decide", renewed, f"/registering/{kind}")
    assert again.status_code == 303
    versions = world.gateway.registers().versions[decision.subject]
    assert [str(one.content.valid_until) for one in versions] == [form["until"], "2029-06-30"]
    assert "2029-06-30" in authority.get(f"/region/{decision.subject.hex()}").text


def test_an_unknown_register_is_not_found(authority):
    assert authority.get("/registering/institution").status_code == 404
    assert authority.get("/registering/nothing").status_code == 404
    assert authority.get("/registering/person", params={"of": SUBJECT.hex()}).status_code == 404


OTHERS = {
    "scope": {
        "institution": INSTITUTION,
        "id": "S9",
        "authorisation_no": "（闽）法计（2026）35009号",
        "categories": ["PRICE_SCALE"],
        "kinds": ["periodic"],
        "division": "3501",
        "range.lower": "0",
        "range.upper": "30",
        "range.unit": "kg",
        "follow_up": "2027-01-01",
        "classes": "III\nII",
        "from": "2026-01-01",
        "until": "2029-12-31",
        "ground": "告知承诺",
    },
    "type-approval": {
        "number": "2018F258-32",
        "category": "FUEL_DISPENSER",
        "maker": "示例机械有限公司",
        "models": "EX-1224\nEX-1200",
        "software": f"fw 2.1 | {'cd' * 32}\nfw 2.0",
        "from": "2018-05-01",
        "ground": "型式批准",
    },
    "block": {
        "id": "B1",
        "maker": "示例机械有限公司",
        "serials": "SN1\nSN2",
        "from": "2026-11-01",
        "ground": "作弊",
        **DECISION,
    },
    "regulation": {
        "rule.category_code": "FUEL_DISPENSER",
        "rule.name_zh": "燃油加油机",
        "rule.name_en": "fuel dispenser",
        "rule.regulation": "JJG 443-2023(试行)",
        "rule.effective_on": "2023-09-01",
        "rule.control": "P+V",
        "rule.verification_mode": "periodic",
        "rule.validity_months": "6",
        "limits": "|indication_error||||-0.30|0.30|%|yes||",
        "state": "active",
        "ground": "发布",
    },
}


@pytest.mark.parametrize("kind", OTHERS)
def test_every_other_register_has_its_form_too(world, authority, kind):
    done = sign(world, authority, f"/registering/{kind}/decide", OTHERS[kind], f"/registering/{kind}")
    assert done.status_code == 303, done.text
    (decision,) = stored(world)
    assert decision.state is DocumentState.LOGGED, decision.reason
    page = authority.get(f"/region/{decision.subject.hex()}")
    assert page.status_code == 200
    assert authority.get(f"/registering/{kind}", params={"of": decision.subject.hex()}).status_code == 200


@pytest.mark.parametrize(
    ("kind", "form", "changes", "sentence", "zh"),
    [
        ("material", NEW, {"name": ""}, "must be filled in", "必须填写"),
        ("material", NEW, {"until": "2020-01-01"}, "ends before it begins", "截止日期早于起始日期"),
        ("material", NEW, {"until": "x"}, "is a date", "应为日期"),
        ("material", NEW, {"name": "x" * 201}, "at most 200", "不超过200"),
        ("person", PERSON, {"roles": ["king"]}, "none of those offered", "不在可选范围内"),
        ("person", PERSON, {"id": "林 示例"}, "Pseudonym", "内容不符合要求"),
        ("standard", STANDARD, {"instruments": "a|b|c|d|e|f|g"}, "line 1 has 7 cells", "第1行有7列"),
        ("standard", STANDARD, {"instruments": "Q-1|Z|2026-01-10"}, "missing", "缺少该项"),
        ("block", OTHERS["block"], {"decision.number": ""}, "must be filled in", "必须填写"),
        ("scope", OTHERS["scope"], {"range.upper": "-1"}, "ends below where it begins", "上限小于下限"),
    ],
)
def test_a_registration_that_cannot_be_is_refused_by_field(world, kind, form, changes, sentence, zh):
    for language, wanted in (("en", sentence), ("zh-CN", zh)):
        browser = world.browser("authority", AUTHORITY_TENANT, language)
        answer = world.post(browser, f"/registering/{kind}", {**form, **changes})
        assert answer.status_code == 422
        assert wanted in answer.text
        assert form["ground"] in answer.text, "what was typed is still there"
    assert stored(world) == []


def test_a_persons_new_key_is_not_registered_without_its_endorsement(world, authority):
    key = world.gateway.world.root_key.public_key.multikey
    form = {**PERSON, "key": key}
    done = sign(world, authority, "/registering/person/decide", form, "/registering/person")
    (decision,) = stored(world)
    assert decision.state is DocumentState.VOIDED
    assert decision.reason in authority.get(done.headers["location"]).text.replace("&#39;", "'")


# --- documents ----------------------------------------------------------------------------------------------


def ticks(page):
    return re.findall(r'name="document" value="([^"]+)" checked', page)


def test_documents_are_found_by_filter_and_cancelled_as_shown(world, authority):
    numbers = world.issue(*documents_of(3))
    page = authority.get("/rulings", params={"institution": INSTITUTION}).text
    chosen = ticks(page)
    assert len(chosen) == 3
    form = {**RULING, "document": chosen[:2]}
    looked = world.post(authority, "/rulings", form)
    assert "<dt>reached by it</dt><dd>2</dd>" in looked.text
    done = sign(world, authority, "/rulings/decide", form, "/rulings")
    assert done.status_code == 303, done.text
    decided = stored(world)
    assert [one.state for one in decided] == [DocumentState.LOGGED] * 2
    statuses = [world.gateway.states[certificate_subject(INSTITUTION, one)].status for one in numbers]
    assert statuses == [Status.CANCELLED, Status.CANCELLED, Status.VALID]
    page = authority.get(done.headers["location"]).text
    assert page.count("leaf ") >= 2
    assert DECISION["decision.number"] in page
    left = authority.get("/rulings", params={"institution": INSTITUTION, "status": "VALID"}).text
    assert len(ticks(left)) == 1


@pytest.mark.parametrize("part", [None, "1", "-", "*", "枪 1", "%2A"])
def test_a_box_to_tick_names_every_part_that_can_be(part):
    named = NamedInstrument(INSTITUTION, "JY 2026-1", bytes(16), part)
    assert _parse_named(spell_named(named)) == named


def test_the_preview_shows_until_when_a_decision_holds(world, authority):
    (number,) = world.issue(*documents_of(1))
    form = {**RULING, "list": f"{INSTITUTION} {number}", "decision.until": "2031-07-19"}
    assert "<dd>2031-07-19</dd>" in world.post(authority, "/rulings", form).text


def test_documents_are_cancelled_by_list(world, authority):
    (number,) = world.issue(*documents_of(1))
    form = {**RULING, "list": f"{INSTITUTION} {number}\r\n"}
    looked = world.post(authority, "/rulings", form)
    assert "<dt>reached by it</dt><dd>1</dd>" in looked.text
    shown = re.findall(r'name="document" value="([^"]+)"', looked.text)
    signed = {**RULING, "document": shown, "fingerprint": read_fingerprint(looked.text)}
    done = world.post(authority, "/rulings/decide", {**signed, "passphrase": KEY_PASSPHRASE})
    assert done.status_code == 303
    assert world.gateway.states[certificate_subject(INSTITUTION, number)].status is Status.CANCELLED


def test_two_documents_of_one_instrument_follow_each_other(world, authority):
    first = world.issue(*documents_of(1))
    again = {**documents_of(1)[0], "request_id": "again", "verified_on": "2026-11-03"}
    again["persons"] = [
        {**one, "signed_at": one["signed_at"].replace("-02T", "-03T")} for one in again["persons"]
    ]
    again["issued_on"] = "2026-11-03"
    second = world.issue(again)
    chosen = ticks(authority.get("/rulings", params={"institution": INSTITUTION}).text)
    assert len(chosen) == 2
    assert (
        sign(world, authority, "/rulings/decide", {**RULING, "document": chosen}, "/rulings").status_code
        == 303
    )
    assert {one.state for one in stored(world)} == {DocumentState.LOGGED}
    for number in (*first, *second):
        assert world.gateway.states[certificate_subject(INSTITUTION, number)].status is Status.CANCELLED


def test_what_is_cancelled_already_is_not_reached(world, authority):
    world.issue(*documents_of(2))
    chosen = ticks(authority.get("/rulings", params={"institution": INSTITUTION}).text)
    sign(world, authority, "/rulings/decide", {**RULING, "document": chosen[:1]}, "/rulings")
    looked = world.post(authority, "/rulings", {**RULING, "document": chosen}).text
    assert "<dt>reached by it</dt><dd>1</dd>" in looked
    assert "not reached, stays as it is" in looked
    none = world.post(authority, "/rulings", {**RULING, "document": chosen[:1]})
    assert 'name="passphrase"' not in none.text
    forced = {**RULING, "document": chosen[:1], "passphrase": KEY_PASSPHRASE, "fingerprint": "0" * 64}
    assert world.post(authority, "/rulings/decide", forced).status_code == 409
    back = {**RULING, "act": "REINSTATE", "document": chosen[:1]}
    assert sign(world, authority, "/rulings/decide", back, "/rulings").status_code == 303


def test_a_document_that_changes_after_the_preview_is_looked_at_again(world, authority):
    world.issue(*documents_of(1))
    chosen = ticks(authority.get("/rulings", params={"institution": INSTITUTION}).text)
    form = {**RULING, "document": chosen}
    seen = read_fingerprint(world.post(authority, "/rulings", form).text)
    sign(world, authority, "/rulings/decide", {**form, "act": "SUSPEND"}, "/rulings")
    late = world.post(
        authority, "/rulings/decide", {**form, "fingerprint": seen, "passphrase": KEY_PASSPHRASE}
    )
    assert late.status_code == 409
    assert "nothing was signed" in late.text
    assert len(stored(world)) == 1


def test_another_province_does_not_decide_about_documents(world):
    world.issue(*documents_of(1))
    browser = world.browser("authority", OTHER_AUTHORITY)
    chosen = ticks(browser.get("/rulings", params={"institution": INSTITUTION}).text)
    done = sign(world, browser, "/rulings/decide", {**RULING, "document": chosen}, "/rulings")
    (decision,) = stored(world, OTHER_AUTHORITY)
    assert decision.state is DocumentState.VOIDED
    assert "is outside that of authority CN-36" in browser.get(done.headers["location"]).text


@pytest.mark.parametrize(
    ("changes", "sentence", "zh"),
    [
        ({"act": ""}, "must be filled in", "必须填写"),
        ({"act": "WITHDRAW"}, "not an authority", "不是主管部门"),
        ({"reason": "BECAUSE"}, "none of those offered", "不在可选范围内"),
        ({"from": "2027-01-01"}, "in the future", "不能晚于今日"),
        ({"from": ""}, "must be filled in", "必须填写"),
        ({"from": "0001-01-01"}, "not before 1970-01-01", "不早于1970-01-01"),
        ({"ground": ""}, "kept for ever", "必须填写理由"),
        (dict.fromkeys(DECISION, ""), "must be filled in", "必须填写"),
        ({"decision.remedy": ""}, "must be filled in", "必须填写"),
        ({"decision.until": "2020-01-01"}, "ends before it begins", "截止日期早于起始日期"),
        ({"list": "", "document": []}, "at least one", "至少选择一份"),
        ({"list": "one-word"}, "line 1", "第1行"),
        ({"list": f"{INSTITUTION} JY1999-000001"}, "has no document JY1999-000001", "没有"),
        ({"document": "350100-01 zz - X"}, "not a document of this list", "证书列表有误"),
        ({"document": "350100-01 00 - X"}, "not a document of this list", "证书列表有误"),
    ],
)
def test_a_ruling_that_cannot_be_is_refused_by_field(world, changes, sentence, zh):
    (number,) = world.issue(*documents_of(1))
    for language, wanted in (("en", sentence), ("zh-CN", zh)):
        browser = world.browser("authority", AUTHORITY_TENANT, language)
        form = {**RULING, "list": f"{INSTITUTION} {number}", **changes}
        answer = world.post(browser, "/rulings", form)
        assert answer.status_code == 422
        assert wanted in answer.text
    assert stored(world) == []


def test_nobody_looking_is_never_none(world, authority):
    """A catalogue out of reach, or none at all: pages say so, and decide about registers all the same."""
    world.issue(*documents_of(1))
    world.office.catalogue.is_away = True
    assert "out of reach" in world.post(authority, f"{PATH}/preview", CHANGE).text
    assert authority.get("/rulings", params={"institution": INSTITUTION}).status_code == 503
    assert sign(world, authority, f"{PATH}/decide", CHANGE, f"{PATH}/preview").status_code == 303
    object.__setattr__(world.office, "catalogue", None)
    back = {**CHANGE, "state": "active"}
    assert "without --auditor" in world.post(authority, f"{PATH}/preview", back).text
    answer = authority.get("/rulings", params={"institution": INSTITUTION})
    assert (answer.status_code, "without --auditor" in answer.text) == (422, True)
    assert "without --auditor" in authority.get("/").text


def test_a_wrong_filter_is_named(authority):
    answer = authority.get("/rulings", params={"category": "SPACESHIP"})
    assert answer.status_code == 422
    assert "Category" in answer.text


# --- whose desk ---------------------------------------------------------------------------------------------


def test_desks_of_other_kinds_have_none_of_it(world, authority):
    operator = world.browser("operator")
    reader = world.browser("authority", INSTITUTION)
    for path in ("/region", "/rulings", "/decisions", f"{PATH}", "/registering/standard"):
        assert operator.get(path).status_code == 404
        assert reader.get(path).status_code == 404, (
            "at an institution's desk an authority reads its documents"
        )
    for path in ("/documents", "/drafts", "/registers", "/imports"):
        assert authority.get(path).status_code == 404
    assert world.post(reader, f"{PATH}/decide", CHANGE).status_code == 404


def test_an_auditor_of_the_authority_reads_and_decides_nothing(world):
    auditor = world.browser("auditor", AUTHORITY_TENANT)
    for path in ("/region", PATH, "/rulings", "/decisions"):
        page = auditor.get(path)
        assert page.status_code == 200
        assert 'method="post" action="/r' not in page.text
    assert auditor.get("/registering/standard").status_code == 403
    assert world.post(auditor, f"{PATH}/preview", CHANGE).status_code == 403


def test_another_authoritys_decision_is_not_found(world, authority):
    mine, theirs = world.decide(), world.decide(OTHER_AUTHORITY)
    assert authority.get(f"/decisions/{mine}").status_code == 200
    assert authority.get(f"/decisions/{theirs}").status_code == 404
    assert world.post(authority, f"/decisions/{theirs}/submit").status_code == 404


def test_an_authoritys_accounts_have_roles_of_its_desk(world):
    browser = world.browser("administrator", AUTHORITY_TENANT)
    page = browser.get("/staff").text
    assert 'value="authority"' in page
    assert 'value="operator"' not in page
    wrong = {"name": "wang", "display": "王示例", "pid": "P-1", "roles": "operator"}
    assert world.post(browser, "/staff", wrong).status_code == 422
    assert world.post(browser, "/staff", {**wrong, "roles": "authority"}).status_code == 200


def test_a_material_of_this_desk_is_suspended_too(world, authority):
    sign(world, authority, "/registering/material/decide", NEW, "/registering/material")
    subject = material_subject(MATERIAL["id"], MATERIAL["lot"])
    path = f"/region/{subject.hex()}"
    done = sign(world, authority, f"{path}/decide", CHANGE, f"{path}/preview")
    assert done.status_code == 303
    newest = world.gateway.registers().versions[subject][-1].content
    assert newest.state is RegisterState.SUSPENDED
