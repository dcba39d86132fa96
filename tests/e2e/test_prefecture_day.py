"""A prefecture's day in the office: a LIMS hands in, three people sign in a browser, one standard lapses at noon.

Ledger and office are processes of their own. What was issued before noon stays; what comes after with that standard
is refused at the desk, and the rest goes on; what is forced into the ledger all the same is INVALID for everybody.
`HENGZHENG_LONG=1` takes a thousand certificates.
"""

import base64
import json
import os
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx2
import pytest
from browsers import ARTEFACTS, chromium, find_violations
from line import DAY, INSTITUTION
from served_home import serve
from signoff_line import APPROVER, CHECKER, OPERATOR, PEOPLE, STANDARD, SignOffLine

from api.office.signed_requests import build_parameters, build_signature_base, spell_digest
from api.office.totp import compute_code
from ledger.core.canonical import as_object, encode_canonical_json, parse_canonical_json
from ledger.core.certificate import build_document, parse_certificate
from ledger.core.data_integrity import create_proof, join_proofs
from ledger.core.encoding import encode_base64, encode_instant
from ledger.core.entry import parse_leaf
from ledger.core.errors import DocumentRefusedError
from ledger.core.event import EventType
from ledger.core.rules import build_issue_claims
from ledger.core.statement import Statement, parse_signed_statement, sign_statement
from ledger.core.step import Step
from ledger.home import find_passphrase
from ledger.keystore import KeyAlgorithm
from ledger.local import open_ledger, read_clock
from ledger.passphrase import Passphrase
from ledger.submission import Acknowledgement, Refusal, Submission

COUNT = 1000 if os.environ.get("HENGZHENG_LONG") else 48
PASSWORD = "a long pass phrase"
PAGES = {
    OPERATOR: (
        *("/applications", "/drafts", "/drafts/new", "/drafts/{draft}/edit", "/drafts/1", "/corrections"),
        "/voided",
    ),
    CHECKER: ("/checks",),
    APPROVER: ("/approvals", "/batches/1"),
}
SECOND = STANDARD | {"id": "350100-18", "exam_no": "〔2024〕闽量标榕证字第018号"}


class Prefecture(SignOffLine):
    """A line with two standards, of which one is suspended at noon."""

    def register(self):
        super().register()
        self.run("authority", "submit", self.decide("standard", SECOND))

    def pump(self, number):
        """Return what the LIMS knows of a pump; every second one was verified with the second standard."""
        used = STANDARD if number % 2 else SECOND
        stated = {name: used[name] for name in ("id", "name", "exam_no", "range", "u")}
        return self.content(number, standards=[stated | {"exam_until": used["until"]}])

    def read_secret(self, name):
        return Passphrase(self.secret(name).read_bytes().strip())

    def issues(self):
        """Return index and certificate of every issue in the log, in order."""
        with open_ledger(self.opened, self.passphrase) as ledger, ledger.store.read() as reading:
            leaves = [
                (at, parse_leaf(raw))
                for at, raw in enumerate(reading.read_leaves(0, ledger.log.head.tree_size))
            ]
            issued = [(at, leaf) for at, leaf in leaves if leaf.header.type is EventType.ISSUE]
            bodies = reading.read_documents([leaf.header.certificate_digest for _, leaf in issued])
            return [(at, bodies[leaf.header.certificate_digest]) for at, leaf in issued]

    def find_issued(self, standard):
        """Return a certificate that was issued with this standard."""
        return next(body for _, body in self.issues() if standard.encode() in body)

    def suspend(self, url):
        """Let the authority suspend the second standard, from the day of the verifications on."""
        changed = SECOND | {"state": "suspended", "from": DAY.isoformat()}
        statement = self.decide("standard", changed, version=1)
        self.run("authority", "submit", statement, "--ledger", url)


class Day:
    """The office as its people and its LIMS meet it."""

    def __init__(self, line, url, browser):
        self.line, self.url, self.codes = line, url, {}
        self.context = {name: self.open(browser) for name in (*PEOPLE, "guan")}
        self.lims = line.opened.keystore.open_signer("lims", line.passphrase)
        self.machine = ""
        self.sent = 0

    def open(self, browser):
        context = browser.new_context(locale="zh-CN", viewport={"width": 1280, "height": 900})
        context.route(re.compile(r"^https?://(?!localhost|127\.0\.0\.1)"), lambda route: route.abort())
        return context.new_page()

    def enrol(self, name, code):
        with httpx2.Client(base_url=self.url, headers={"Origin": self.url}, trust_env=False) as client:
            whom = {"tenant": INSTITUTION, "name": name, "code": code}
            page = client.post("/enrol", data={**whom, "password": PASSWORD, "again": PASSWORD})
            spelled = re.search(r"<code>([A-Z2-7 ]+)</code>", page.text)[1].replace(" ", "")
            shown = compute_code(base64.b32decode(spelled), datetime.now(UTC))
            done = client.post("/enrol/app", data={**whom, "shown": shown})
            self.codes[name] = re.findall(r"<li><code>([A-Z0-9-]+)</code>", done.text)

    def log_in(self, name):
        page = self.context[name]
        page.goto(f"{self.url}/login")
        page.fill("[name=name]", name)
        page.fill("[name=password]", PASSWORD)
        page.fill("[name=code]", self.codes[name].pop())
        page.click("form[action='/login'] button")
        page.wait_for_url(f"{self.url}/")
        return page

    def add_lims(self):
        page = self.log_in("guan")
        page.goto(f"{self.url}/machines")
        page.fill("#f-name", "lims")
        page.fill("#f-key", self.lims.public_key.multikey)
        page.click("form[action='/machines'] button")
        self.machine = page.locator("td code").first.inner_text()

    def call(self, path, body):
        """Send a request of the LIMS, signed."""
        self.sent += 1
        raw, now = json.dumps(body).encode(), datetime.now(UTC)
        parameters = build_parameters(
            now, now + timedelta(seconds=60), f"n-{self.sent}", self.machine, self.lims.public_key.algorithm
        )
        digest = spell_digest(raw)
        values = [("@method", "POST"), ("@target-uri", self.url + path), ("content-digest", digest)]
        signature = encode_base64(self.lims.sign(build_signature_base(values, parameters)))
        headers = {
            "Content-Type": "application/json",
            "Content-Digest": digest,
            "Signature-Input": f"sig={parameters}",
            "Signature": f"sig=:{signature}:",
        }
        with httpx2.Client(trust_env=False, timeout=300) as client:
            answer = client.post(self.url + path, content=raw, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def hand_in(self, numbers):
        """Let the LIMS accept an application and hand in drafts for the operator."""
        applicant = {"name": "福州示例石油有限公司", "code": "91350100M000100Y43"}
        asked = {"applicant": applicant, "received_on": DAY.isoformat(), "what": "加油机"}
        application = self.call("/api/applications", asked | {"accepted_by": OPERATOR})["application"]
        drafts = [self.line.pump(number) for number in numbers]
        body = {"application": application, "operator": OPERATOR, "drafts": drafts}
        return [one["draft"] for one in self.call("/api/drafts", body)["drafts"]]

    def tick_all(self, page, *, form):
        page.locator(f"form[action='{form}'] input[data-tick-all]").check()
        assert not page.locator(f"form[action='{form}'] input[name=draft]:not(:checked)").count()

    def submit(self):
        """Sign and submit all that is open, as the operator."""
        page = self.context[OPERATOR]
        page.goto(f"{self.url}/drafts")
        self.tick_all(page, form="/drafts/submit")
        page.fill("#f-checker", CHECKER)
        page.fill("#f-approver", APPROVER)
        self.sign(page, OPERATOR, "签名并提交所选")
        return page

    def check(self):
        page = self.context[CHECKER]
        page.goto(f"{self.url}/checks")
        self.tick_all(page, form="/checks")
        self.sign(page, CHECKER, "核验并签名所选")
        return page

    def approve(self):
        """Put all that waits together, open the sample, approve."""
        page = self.context[APPROVER]
        page.goto(f"{self.url}/approvals")
        page.click("text=所选组成批次并抽样")
        page.wait_for_url(re.compile(r"/batches/\d+$"))
        batch = page.url
        while (left := page.locator("form[action$='/open'] button")).count():
            if not page.locator(".tag.bad").count():
                break
            page.locator("tr", has=page.locator(".tag.bad")).first.locator("button").click()
            page.wait_for_load_state()
            page.goto(batch)
        assert left.count()
        self.sign(page, APPROVER, "批准并盖章全部待批准文件")
        return page

    def sign(self, page, name, button):
        page.fill("#f-passphrase", self.line.secret(name).read_text("utf-8").strip())
        with page.expect_navigation(timeout=300_000):
            page.click(f"button:has-text('{button}')")

    def look_at(self, name, path):
        """Keep how a page looks in both languages and at two widths; nothing of it is against accessibility."""
        page = self.context[name]
        for language, width in ((language, width) for language in ("zh", "en") for width in (360, 1280)):
            page.set_viewport_size({"width": width, "height": 800})
            page.goto(f"{self.url}{path}?lang={language}")
            self.keep(page, f"{path.strip('/').replace('/', '-')}-{language}-{width}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            assert not find_violations(page), path
        page.goto(f"{self.url}/?lang=zh")
        page.set_viewport_size({"width": 1280, "height": 900})

    def keep(self, page, title):
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=ARTEFACTS / f"day-{title}.png", full_page=COUNT < 100)


def read_round(page):
    """Return how many drafts were done, and what is said of those that were refused."""
    done = int(re.search(r"完成：(\d+)", page.inner_text("[role=status]"))[1])
    refused = page.locator("[role=alert] li")
    return done, refused.all_inner_texts()


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    line = Prefecture(tmp_path_factory.mktemp("prefecture"))
    with line.chain():
        line.found()
        line.register()
        line.passphrase = find_passphrase(line.opened)
        line.opened.keystore.create("lims", KeyAlgorithm.ED25519, line.passphrase)
        line.run("anchor")
        (line.home / "institution.json").write_bytes(line.institution.read_bytes())
        yield line


def test_a_prefectures_day(line):
    codes = {}
    for name, role in {**PEOPLE, "guan": "administrator"}.items():
        words = ("--display", name, "--role", role, *(("--pid", name) if name in PEOPLE else ()))
        codes[name] = line.run("office", "account", "add", name, *words)["code"]
    with (
        serve(line.home, "ledger", "--anchor-seconds", 0) as ledger,
        serve(line.home, "office", "--ledger", ledger.url) as server,
        chromium() as browser,
    ):
        day = Day(line, f"http://localhost:{urlsplit(server.url).port}", browser)
        for name, code in codes.items():
            day.enrol(name, code)
        day.add_lims()
        for name in PEOPLE:
            day.log_in(name)
        morning = day.hand_in(range(1, COUNT // 2 + 1))
        assert read_round(day.submit()) == (len(morning), [])
        assert read_round(day.check()) == (len(morning), [])
        page = day.approve()
        assert read_round(page) == (len(morning), [])
        day.keep(page, "approved")

        afternoon = day.hand_in(range(COUNT // 2 + 1, COUNT + 1))
        line.suspend(ledger.url)
        page = day.submit()
        done, refused = read_round(page)
        day.keep(page, "refused")
        assert done == len(afternoon) // 2
        assert len(refused) == len(afternoon) - done
        assert all("350100-18" in text and "暂停" in text for text in refused), refused[0]
        for name, paths in PAGES.items():
            for path in paths:
                day.look_at(name, path.format(draft=afternoon[1]))
        day.check()
        assert read_round(day.approve())[0] == done

    forced = force(line, done + len(morning))
    found = line.verify(forced)
    failed = {check["step"] for check in found["checks"] if check["outcome"] == "FAILED"}
    assert (found["verdict"], failed) == ("INVALID", {Step.STANDARDS.number})
    before = line.out / "before.json"
    index = min(index for index, _ in line.issues())
    with open_ledger(line.opened, line.passphrase) as ledger:
        before.write_bytes(ledger.bundles([index])[index])
    found = line.verify(before)
    assert found["verdict"] == "VALID", "of the first standard, and from the morning"


def force(line, number):
    """Put a document with the suspended standard into the log, past its admission; return its bundle."""
    opened, passphrase = line.opened, line.passphrase
    record = as_object(parse_canonical_json(line.find_issued(SECOND["id"])))["credentialSubject"]
    record = as_object(record) | {"no": f"JY2026-9{number:05d}", "nonce": "ab" * 16}
    record["instrument"] = as_object(record["instrument"]) | {"serial": "SN-FORCED", "id": "cd" * 16}
    seal = opened.keystore.open_signer("seal", passphrase)
    people = [opened.keystore.open_signer(name, line.read_secret(name)) for name in PEOPLE]
    document = build_document(record, seal.public_key.did_key)
    now = read_clock().replace(microsecond=0) - timedelta(seconds=10)
    signers = enumerate([*people, seal])
    proofs = [create_proof(document, by, encode_instant(now + timedelta(seconds=at))) for at, by in signers]
    body = encode_canonical_json(join_proofs(document, proofs))
    certificate = parse_certificate(body)
    claims = build_issue_claims(certificate.record, certificate.digest)
    raw = sign_statement(Statement(EventType.ISSUE, INSTITUTION, claims, 0), seal, opened.origin)
    with open_ledger(opened, passphrase) as ledger:
        (refused,) = ledger.submit([(raw, body)])
        assert isinstance(refused, Refusal)
        assert isinstance(refused.error, DocumentRefusedError)
        assert "STANDARD_STATE" in {reason.code for reason in refused.error.reasons}
        (taken,) = ledger.log.append([Submission(parse_signed_statement(raw), body)])
        assert isinstance(taken, Acknowledgement)
    line.run("anchor")
    path = line.out / "forced.json"
    with open_ledger(opened, passphrase) as ledger:
        path.write_bytes(ledger.bundles([taken.leaf_index])[taken.leaf_index])
    return path
