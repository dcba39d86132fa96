"""The page of a pack, opened from a folder without network: it checks the pack, and says what was changed."""

import base64
import hashlib
import json
import re
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from attacks import ATTACKS, prepare
from bls_witnesses import certify, make_bls_quorum
from browsers import ROOT, chromium, find_violations
from evidence_packs import change_page, pack_files, pack_of, read_all, read_page, unpack
from ledger_in_memory import NOW, MemoryLedger
from verdict_states import ACTS, RichSite, make_shown
from verdict_visit import LANGUAGES, OPEN_ALL, SIZES
from witnesses import cosign, make_quorum

from api.evidence.archive import read_manifest
from api.evidence.judging import judge
from api.evidence.page import build_script
from api.shown import Shown
from api.web.words import LOOKS, say
from ledger.core.data import load_rule_book
from ledger.core.encoding import encode_base64, encode_instant
from ledger.core.entry import HEADER_BYTES, parse_header
from ledger.core.status import Status
from ledger.core.step import Step
from verifier.session import Session

ARTEFACTS = ROOT / "test-artifacts" / "evidence"
SHOWN = (
    Shown.VALID,
    Shown.PENDING,
    Shown.ATTENTION,
    Shown.SUPERSEDED,
    Shown.FAILED,
    Shown.FAILED_SINCE,
    Shown.CALIBRATED,
    Shown.PAPER,
    Shown.TAMPERED,
    *ACTS,
)
WITHOUT_ED25519 = """
const original = crypto.subtle.importKey.bind(crypto.subtle);
crypto.subtle.importKey = (format, key, algorithm, ...more) =>
  (algorithm.name ?? algorithm) === "Ed25519" ? Promise.reject(new DOMException("x", "NotSupportedError")) :
  original(format, key, algorithm, ...more);
"""
WITHOUT_SUBTLE = "Object.defineProperty(crypto, 'subtle', { value: undefined });"
NOBLE = (ROOT / "api" / "web" / "static" / "vendor" / "noble" / "ed25519.js").is_file()


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def packs():
    """A pack of each state, as bytes, and the policy that it was made under."""
    found = {}
    for shown in SHOWN:
        with RichSite().found() as served:
            path = make_shown(served, shown)
            found[shown] = pack_of(served, path.rpartition("/")[2]), served.policy
    return found


@pytest.fixture
def valid(packs, tmp_path):
    return unpack(packs[Shown.VALID][0], tmp_path / "pack")


class Opened:
    """A page of a folder in a browser that has no network."""

    def __init__(self, context, folder, before):
        self.requests, self.errors = [], []
        self.page = context.new_page()
        self.page.add_init_script(before)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda said: said.type == "error" and self.errors.append(said.text))
        self.url = (folder / "verify.html").as_uri()
        self.page.goto(self.url)

    @property
    def shown(self):
        return self.page.get_attribute("#main", "data-shown")

    def text(self, selector="main"):
        return self.page.inner_text(selector)

    def steps(self):
        """Return the outcome of every step by its code."""
        found = self.page.eval_on_selector_all(
            ".steps li", "(all) => all.map((each) => [each.dataset.step, each.className])"
        )
        return dict(found)

    def drop(self, *paths):
        """Choose these files, and return what is said of each."""
        self.page.set_input_files("#picker", [str(path) for path in paths])
        self.page.locator("#dropped li").nth(len(paths) - 1).wait_for()
        said = self.page.eval_on_selector_all(
            "#dropped li", "(all) => all.map((e) => [e.className, e.textContent])"
        )
        return {text.partition("：")[0].partition(": ")[0]: (kind, text) for kind, text in said}


@contextmanager
def opened(browser, folder, language="zh", width=360, *, before="", now=None, settle=True, **options):
    context = browser.new_context(
        locale=LANGUAGES[language],
        viewport={"width": width, "height": SIZES.get(width, 640)},
        offline=True,
        **options,
    )
    if now is not None:
        context.clock.set_fixed_time(now)
    try:
        found = Opened(context, folder, before)
        if settle:
            found.page.wait_for_selector("html[data-done]", timeout=60_000)
        yield found
    finally:
        context.close()


def judge_in_python(raw, policy):
    files = read_all(raw)
    return judge(files["bundle.json"], files.get("newest.json"), Session(policy, load_rule_book(), None))


# --- what it says ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_without_network(browser, packs, tmp_path, language, width):
    """Verdict and steps are those of Python; nothing is asked of anybody; axe-core finds nothing."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    for shown, (raw, policy) in packs.items():
        folder = unpack(raw, tmp_path / shown.value)
        expected = judge_in_python(raw, policy)
        with opened(browser, folder, language, width, now=expected.at) as found:
            look = LOOKS[shown]
            words = look.headline.en if language == "en" else look.headline.zh
            assert (found.shown, found.text("h1")) == (shown.value, words)
            at = expected.at.astimezone(policy.zone)
            as_of = f"截至{at.year}年{at.month}月{at.day}日 {at:%H:%M}的状态"
            assert language == "en" or as_of in found.text("section.verdict")
            assert found.page.get_attribute("html", "lang") == LANGUAGES[language]
            found.page.screenshot(path=str(ARTEFACTS / f"{shown.value.lower()}-{language}-{width}.png"))
            found.page.evaluate(OPEN_ALL)
            outcomes = {check.step.code: check.outcome.value for check in expected.report.checks}
            assert found.steps() == outcomes
            assert found.requests == [found.url], "the page itself, and nothing else"
            assert found.errors == []
            assert find_violations(found.page) in ([], None)
            wide, seen = found.page.evaluate(
                "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
            )
            assert wide <= seen


def test_reasons_are_those_of_python(browser, packs, tmp_path):
    raw, policy = packs[Shown.CANCELLED]
    expected = judge_in_python(raw, policy)
    with opened(browser, unpack(raw, tmp_path / "pack"), "en") as found:
        found.page.evaluate(OPEN_ALL)
        text = found.text(".steps")
        for check in expected.report.checks:
            assert f"{check.step.number}. {check.step.title.en}: {check.reason.en}" in text


def test_it_says_as_of_when_and_where_newer_states_are(browser, valid):
    at = datetime.fromisoformat(read_manifest_of(valid)["as_of"]["at"])
    with opened(browser, valid, now=at + timedelta(days=1)) as found:
        card = found.text("section.verdict")
        assert "截至2026年11月2日 16:05的状态" in card
        assert "只能联网查询" in card
        assert "按今天的日期，结论不变" in found.text("#now")
        assert f"https://v.example.cn/c/{read_manifest_of(valid)['code']}" in found.text("#now")
        assert found.text("#checker") == "本机已离线自行核验"


def read_manifest_of(folder):
    return json.loads((folder / "manifest.json").read_text("utf-8"))


def test_by_todays_date_it_has_expired_and_then_it_had_not(browser, valid):
    with opened(browser, valid, now=datetime(2028, 1, 1, tzinfo=UTC)) as found:
        assert found.text("h1") == "检定有效"
        assert "已过有效期" in found.text("#now")
        assert found.page.locator("#now .expired").count() == 1


def test_a_clock_before_the_pack_says_nothing_of_today(browser, valid):
    with opened(browser, valid, now=datetime(2020, 1, 1, tzinfo=UTC)) as found:
        assert found.text("h1") == "检定有效"
        assert "本机时间早于装包时间" in found.text("#now")


def test_the_language_is_switched_by_a_button(browser, valid):
    with opened(browser, valid) as found:
        found.page.click("#language")
        assert (found.text("h1"), found.page.get_attribute("html", "lang")) == ("Valid", "en")
        found.page.keyboard.press("Enter")
        assert (found.text("h1"), found.page.get_attribute("html", "lang")) == ("检定有效", "zh-CN")


def test_the_policys_digest_is_shown_with_what_it_is_for(browser, valid):
    with opened(browser, valid) as found:
        digest = hashlib.sha256((valid / "policy.json").read_bytes()).hexdigest()
        assert digest in found.text(".hash")
        assert "与主管部门公布的摘要核对" in found.text()


def test_the_record_is_shown_and_what_is_personal_is_not(browser, tmp_path):
    with RichSite().found() as served:
        code = served.issue(1, applicant={"sd": "ab" * 32})
        served.anchor()
        folder = unpack(pack_of(served, code), tmp_path / "pack")
    with opened(browser, folder) as found:
        found.page.evaluate(OPEN_ALL)
        assert "EX-1224" in found.text(".record")
        assert "个人信息，不公开" in found.text(".record")
        assert "ab" * 32 not in found.text()


def test_each_event_is_proved_to_be_in_the_ledger(browser, packs, tmp_path):
    folder = unpack(packs[Shown.CANCELLED][0], tmp_path / "pack")
    with opened(browser, folder) as found:
        found.page.evaluate(OPEN_ALL)
        text = found.text(".events")
        assert text.index("检定合格") < text.index("注销证书"), "in their order"
        assert found.page.locator(".events .same").count() == found.page.locator(".events li").count() >= 2


# --- devices that lack something ------------------------------------------------------------------------------


@pytest.mark.skipif(not NOBLE, reason="no curves: run ./scripts/vendor")
@pytest.mark.parametrize("before", [WITHOUT_ED25519, WITHOUT_SUBTLE])
def test_a_device_without_webcrypto_checks_with_what_the_page_holds(browser, valid, before):
    with opened(browser, valid, before=before) as found:
        assert (found.shown, found.text("#checker")) == ("VALID", "本机已离线自行核验")
        assert found.errors == []


def test_a_device_that_cannot_compute_says_so_and_is_not_green(browser, valid, monkeypatch):
    page = valid / "verify.html"
    script = re.search(r'<script type="module">(.*?)</script>', page.read_text("utf-8"), re.DOTALL)[1]
    bare = re.sub(r'noble_\["[^"]+"\] = once_', "void once_", script)
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (script, bare)]
    page.write_text(page.read_text("utf-8").replace(script, bare).replace(*digests), "utf-8")
    with opened(browser, valid, before=WITHOUT_SUBTLE) as found:
        assert found.shown == "CANNOT_CHECK"
        assert found.text("h1") == "暂时无法核验"
        assert "本机不能自检" in found.text("#checker")
        assert "EX-1224" not in found.text()


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_script_it_says_that_nothing_was_checked(browser, valid, language):
    with opened(browser, valid, language, java_script_enabled=False, settle=False) as found:
        text = found.text()
        assert "未作任何核验" in text
        assert "nothing has been checked" in text
        assert "hengzheng verify bundle.json --policy policy.json" in text
        assert found.page.locator(".verdict.valid").count() == 0
        found.page.screenshot(path=str(ARTEFACTS / f"no-script-{language}.png"))


def test_the_report_needs_no_script(browser, packs, tmp_path):
    folder = unpack(packs[Shown.SUSPENDED][0], tmp_path / "pack")
    for width in SIZES:
        with opened(browser, folder, width=width, settle=False) as found:
            found.page.goto((folder / "report.html").as_uri())
            assert "已暂停使用" in found.text("section[lang=zh-CN]")
            assert "Suspended" in found.text("section[lang=en]")
            assert find_violations(found.page) in ([], None)
            found.page.screenshot(path=str(ARTEFACTS / f"report-{width}.png"), full_page=True)


# --- lies -----------------------------------------------------------------------------------------------------


def with_bundle(change):
    def apply(data):
        members = json.loads(data["bundle"])
        change(members)
        members.pop("digest")
        members["digest"] = hashlib.sha256(spell(members).encode()).hexdigest()
        return data | {"bundle": spell(members)}

    return apply


def spell(members):
    return json.dumps(members, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def forge_serial(members):
    members["certificate"]["credentialSubject"]["instrument"]["serial"] = "SN-FORGED"


def forge_root(members):
    lines = members["checkpoint"].split("\n")
    lines[2] = base64.b64encode(bytes(32)).decode()
    members["checkpoint"] = "\n".join(lines)


def forge_block(members):
    members["receipt"]["block_number"] += 1


@pytest.mark.parametrize(
    ("change", "step"),
    [(forge_serial, Step.SEAL), (forge_root, Step.CHECKPOINT), (forge_block, Step.RECEIPT)],
)
def test_a_changed_proof_is_red_and_names_the_step(browser, valid, change, step):
    change_page(valid, with_bundle(change))
    with opened(browser, valid) as found:
        assert (found.shown, found.text("h1")) == ("TAMPERED", "内容与登记不符")
        assert found.steps()[step.code] == "FAILED"
        assert "SN-FORGED" not in found.text()
        assert "EX-1224" not in found.text(), "no field of what does not hold"
        assert "请勿依据本存证包" in found.text("#differs")
        assert found.page.locator(".events").count() == 0


def test_another_documents_proof_in_its_place_is_red(browser, valid):
    with RichSite().found() as served:
        other = served.issue(2)
        served.issue(1)
        served.anchor()
        bundle = read_page(read_all(pack_of(served, other))["verify.html"])["bundle"]
    change_page(valid, lambda data: data | {"bundle": bundle, "newest": None})
    with opened(browser, valid) as found:
        assert found.shown == "TAMPERED"
        assert found.steps()[Step.BINDING.code] == "FAILED"


def test_an_older_state_for_the_newest_is_not_believed(browser, packs, tmp_path):
    """A cancelled document, packed again without its newest state: the verdict is another than the pack claims."""
    raw, _ = packs[Shown.CANCELLED]
    folder = unpack(raw, tmp_path / "pack")
    change_page(folder, lambda data: data | {"newest": None})
    with opened(browser, folder) as found:
        assert found.page.locator("#differs").count() == 1


def test_a_claim_of_another_verdict_is_caught(browser, packs, tmp_path):
    folder = unpack(packs[Shown.CANCELLED][0], tmp_path / "pack")
    change_page(folder, lambda data: data | {"shown": "VALID"})
    with opened(browser, folder) as found:
        assert found.text("h1") == "已注销"
        assert "请勿依据本存证包" in found.text("#differs")


@pytest.mark.parametrize("member", ["policy", "rules"])
def test_another_policy_or_table_is_no_ground(browser, valid, member):
    changed = {
        "policy": lambda data: data["policy"].replace('"log_key":"z6Mk', '"log_key":"z6Mm'),
        "rules": lambda data: data["rules"] | {"rules": data["rules"]["rules"] + "\n"},
    }[member]
    change_page(valid, lambda data: data | {member: changed(data)})
    with opened(browser, valid) as found:
        assert found.shown in {"CANNOT_CHECK", "TAMPERED"}
        assert found.page.locator(".verdict.valid").count() == 0


FORGED_LOOK = {
    "style": "valid",
    "icon": "",
    "headline": {"en": "Forged", "zh": "有效"},
    "sentence": {"en": "Forged", "zh": "有效"},
}


def forge_words(data):
    """Put into the data of a pack what would make every verdict look good, if the page took it from there."""
    good = [shown.value for shown in LOOKS]
    return data | {
        "looks": dict.fromkeys(good, FORGED_LOOK),
        "relied_on": good,
        "dated": good,
        "disclaimer": FORGED_LOOK["headline"],
        "zone": "Asia/Shanghai",
        "host": "evil.test",
        "files": [each | FORGED_LOOK["headline"] for each in data["files"]],
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_look_comes_from_the_data_of_a_pack(browser, packs, tmp_path, language):
    folder = unpack(packs[Shown.CANCELLED][0], tmp_path / "pack")
    change_page(folder, forge_words)
    with opened(browser, folder, language) as found:
        look = LOOKS[Shown.CANCELLED]
        assert found.text("h1") == (look.headline.en if language == "en" else look.headline.zh)
        assert found.page.locator(f"section.verdict.{look.style}").count() == 1
        assert found.page.locator(".verdict.valid").count() == 0
        assert found.page.locator("section.verdict svg circle").count() == 1, "its own icon"
        found.page.evaluate(OPEN_ALL)
        for forged in ("Forged", "evil.test", "不证明此刻称量准确"):
            assert forged not in found.text()


@pytest.mark.parametrize("at", [datetime(2026, 11, 2, 8, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)])
def test_the_time_is_that_of_the_proofs_whatever_the_data_say(browser, valid, at):
    change_page(valid, lambda data: data | {"at": int(at.timestamp() * 1000)})
    with opened(browser, valid, now=datetime(2028, 1, 1, tzinfo=UTC)) as found:
        assert "截至2026年11月2日 16:05的状态" in found.text("section.verdict")
        assert "已过有效期" in found.text("#now"), "the device's own clock is asked all the same"


def test_nothing_around_the_script_stays_on_the_page(browser, packs, tmp_path):
    """Who packs can write a style and elements of their own; the policy of the page with them."""
    folder = unpack(packs[Shown.CANCELLED][0], tmp_path / "pack")
    page = folder / "verify.html"
    text = page.read_text("utf-8").replace(
        "<main", '<h1 class="verdict valid" style="color:red">检定有效</h1><main'
    )
    text = text.replace("</style>", "h1{visibility:hidden}</style>").replace("<body", '<body class="valid"')
    text = re.sub(r"style-src '[^']*'", "style-src 'unsafe-inline'", text)
    page.write_text(text, "utf-8")
    with opened(browser, folder) as found:
        assert found.text("body").count("检定有效") == 0
        assert found.page.locator("h1").count() == 1
        assert found.page.locator("h1").is_visible()
        assert found.page.locator("style").count() == 0
        assert found.page.locator(".valid").count() == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_forged_words_of_an_event_are_not_said_to_be_in_the_ledger(browser, packs, tmp_path, language):
    """The mark stands beside what the leaf itself says; other words are shown apart, as somebody's."""
    forged = {"day": "2031", "words": "恢复 FORGED", "notes": "FORGED", "speaker": "FORGED"}
    folder = unpack(packs[Shown.CANCELLED][0], tmp_path / "pack")
    words = {"en": forged, "zh": forged, "is_own": True}
    change_page(folder, lambda data: data | {"events": [each | words for each in data["events"]]})
    with opened(browser, folder, language) as found:
        found.page.evaluate(OPEN_ALL)
        items = found.page.locator(".events li").all()
        assert len(items) >= 2
        for item in items:
            added = item.locator(".added").inner_text()
            assert "FORGED" in added
            assert "未经核验" in added or "not checked" in added
            proved = item.inner_text().replace(added, "")
            assert "FORGED" not in proved
            assert "2031" not in proved
            assert "账本中有此条" in proved or "in the ledger" in proved
        text = found.text(".events")
        assert "注销证书" in text or "cancelled" in text, "by its leaf"
        assert text.count("（本文件）") + text.count("(this document)") == 1


def test_an_event_without_effect_is_called_so(browser, tmp_path, monkeypatch):
    """A leaf that a log has kept although nothing came of it: nobody can pass it off as having happened."""
    with RichSite().found() as served:
        code = served.issue(1)
        monkeypatch.setattr(served.log, "_keep_void", True)
        served.submit(served.sign(1, no="2026-0000009", nonce="cd" * 16))
        served.anchor()
        folder = unpack(pack_of(served, code), tmp_path / "pack")
        void = describe_void(served)
    change_page(folder, lambda data: data | {"events": [*data["events"], data["events"][-1] | void]})
    with opened(browser, folder) as found:
        found.page.evaluate(OPEN_ALL)
        assert "账本中有此条，但无效力" in found.text(".events li:last-child")


def describe_void(served):
    """Return the one leaf without effect, as a pack has its events."""
    entries = enumerate(served.store.data.entries)
    [(index, leaf)] = [
        (at, one.leaf) for at, one in entries if parse_header(one.leaf[:HEADER_BYTES]).status == Status.VOID
    ]
    header = parse_header(leaf[:HEADER_BYTES])
    return {
        "leaf_index": index,
        "type": header.type.name,
        "sequenced_at": encode_instant(header.sequenced_at),
        "leaf": encode_base64(leaf),
        "inclusion": [
            encode_base64(each) for each in served.prover.inclusion(index, served.log.head.tree_size)
        ],
    }


def test_an_event_that_is_not_in_the_ledger_is_marked(browser, valid):
    def change(data):
        event = data["events"][0]
        leaf = bytearray(base64.b64decode(event["leaf"]))
        leaf[-1] ^= 1
        return data | {"events": [event | {"leaf": base64.b64encode(leaf).decode()}, *data["events"][1:]]}

    change_page(valid, change)
    with opened(browser, valid) as found:
        found.page.evaluate(OPEN_ALL)
        assert "未能证明账本中有此条" in found.text(".events li")


@pytest.mark.parametrize(
    "change", [{"type": "CANCEL"}, {"sequenced_at": "2020-01-01T00:00:00Z"}, {"leaf_index": 0}]
)
def test_an_event_that_says_something_else_than_its_leaf_is_marked(browser, valid, change):
    change_page(valid, lambda data: data | {"events": [data["events"][0] | change, *data["events"][1:]]})
    with opened(browser, valid) as found:
        found.page.evaluate(OPEN_ALL)
        assert "未能证明账本中有此条" in found.text(".events li")


def test_data_that_cannot_be_read_is_neither_good_nor_bad(browser, valid):
    page = valid / "verify.html"
    page.write_text(page.read_text("utf-8").replace('id="data">{', 'id="data">{{'), "utf-8")
    with opened(browser, valid) as found:
        assert "未作任何核验" in found.text("h1")
        assert found.page.locator(".verdict.unchecked").count() == 1


def test_a_changed_script_does_not_run(browser, valid):
    page = valid / "verify.html"
    page.write_text(
        page.read_text("utf-8").replace("\nstart()\n", "\nglobalThis.ran = 1; start()\n"), "utf-8"
    )
    with opened(browser, valid, settle=False) as found:
        found.page.wait_for_timeout(500)
        assert found.page.evaluate("typeof ran") == "undefined"
        assert "正在核验" in found.text()
        assert found.page.locator(".verdict.valid").count() == 0


# --- files that are dropped on it -----------------------------------------------------------------------------


def test_all_files_of_the_folder_are_as_they_were_packed(browser, valid):
    names = {each["name"] for each in read_page((valid / "verify.html").read_bytes())["files"]}
    assert {"README.txt", "bundle.json", "policy.json", "document.pdf"} <= names
    with opened(browser, valid) as found:
        said = found.drop(*(valid / name for name in sorted(names)))
        assert {kind for kind, _ in said.values()} == {"same"}
        assert set(said) == names


@pytest.mark.parametrize("name", ["document.pdf", "report.txt", "policy.json", "certificate.json"])
def test_a_file_that_was_changed_is_named(browser, valid, name):
    path = valid / name
    path.write_bytes(path.read_bytes().replace(b"1", b"2", 1) + b" ")
    with opened(browser, valid) as found:
        said = found.drop(path, valid / "bundle.json")
        assert said[name][0] == "changed"
        assert f"与装包时的 {name} 不一致" in said[name][1]
        assert said["bundle.json"][0] == "same"


def test_a_changed_bundle_is_named_and_judged(browser, valid):
    path = valid / "bundle.json"
    members = json.loads(path.read_text("utf-8"))
    forge_serial(members)
    path.write_text(spell(members), "utf-8")
    with opened(browser, valid) as found:
        kind, text = found.drop(path)["bundle.json"]
        assert kind == "changed"
        assert "内容与登记不符" in text


def test_another_documents_bundle_is_named_so(browser, valid):
    with RichSite().found() as served:
        other = served.issue(2)
        served.issue(1)
        served.anchor()
        files = read_all(pack_of(served, other))
    for name in ("bundle.json", "other.json"):
        (valid / name).write_bytes(files["bundle.json"])
        with opened(browser, valid) as found:
            kind, text = found.drop(valid / name)[name]
            assert kind == "changed"
            assert "另一份证书的证明文件" in text


@pytest.mark.parametrize("raw", [b"", b"{}", b"\xff\xfe", b"[1]", b'{"type":"hengzheng/bundle/v1"}', b"null"])
def test_what_is_nothing_of_ours_is_said_to_be_so(browser, valid, raw):
    (valid / "x.json").write_bytes(raw)
    with opened(browser, valid) as found:
        kind, text = found.drop(valid / "x.json")["x.json"]
        assert kind in {"", "changed"}
        assert "未改动" not in text
        assert found.errors == []


def test_a_file_is_named_as_it_is_whatever_its_name(browser, valid):
    path = valid / "<img src=x onerror=ran=1>.json"
    path.write_bytes(b"{}")
    with opened(browser, valid) as found:
        assert "<img" in found.drop(path).popitem()[1][1]
        assert found.page.evaluate("typeof ran") == "undefined"


# --- what is hard ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_of_a_document_runs(browser, tmp_path, attack):
    served, _, code, went = prepare(attack)
    with served:
        folder = unpack(pack_of(served, code), tmp_path / "pack")
    assert len(went) >= 20
    for name in ("verify.html", "report.html"):
        # without the policy, so that it is shown that the pages need none
        with opened(browser, folder, bypass_csp=True) as found:
            if name != "verify.html":
                found.page.goto((folder / name).as_uri())
            found.page.evaluate(OPEN_ALL)
            assert attack in found.text("main")
            assert found.page.evaluate("typeof ran") == "undefined"
            for unwanted in ("img", "iframe", "[href^=javascript]", "[onfocus]", "main script"):
                assert found.page.locator(unwanted).count() == 0
            assert found.errors == []


@pytest.mark.parametrize("kind", ["lines", "certificate"])
def test_witnesses_are_counted_offline(browser, tmp_path, kind):
    """Cosignatures of witnesses, and a quorum certificate, for which the page holds BLS12-381 too."""
    if kind == "certificate" and not NOBLE:
        pytest.skip("no curves: run ./scripts/vendor")
    ledger = MemoryLedger().found()
    index = ledger.issue(1)
    at = NOW - timedelta(minutes=30)
    if kind == "lines":
        session = ledger.session(witnesses=make_quorum("w1", "w2", "w3", threshold=2))
        note = cosign(ledger.checkpoint(), at, "w1", "w2")
    else:
        session = ledger.session(witnesses=make_bls_quorum(7, threshold=4))
        note = certify(ledger.checkpoint(), at, 0, 1, 2, 3)
    raw = pack_files(session.policy, ledger.bundle(index, checkpoint=note))
    folder = unpack(raw, tmp_path / "pack")
    with opened(browser, folder) as found:
        assert found.shown == read_manifest(raw)["shown"]
        assert found.steps()[Step.QUORUM.code] == "PASSED"
        assert found.steps() == {
            check.step.code: check.outcome.value
            for check in judge_in_python(raw, session.policy).report.checks
        }


def test_words_are_those_of_the_pages():
    """They stand in the script, so that its digest covers them."""
    looks = json.loads(re.search("^const LOOKS = (.*);$", build_script(), re.MULTILINE)[1])
    assert set(looks) == {shown.value for shown in LOOKS}
    for shown, look in LOOKS.items():
        assert looks[shown.value]["headline"] == {"en": look.headline.en, "zh": look.headline.zh}
        assert (looks[shown.value]["style"], looks[shown.value]["icon"]) == (look.style, look.icon)
        assert say(look.headline, "zh-CN")
