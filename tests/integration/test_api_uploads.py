"""Signed PDFs that are handed in: judged by what this server's registers say of their keys by now."""

import hashlib
import html
import re
from dataclasses import dataclass
from datetime import date, timedelta
from threading import Barrier, Thread

import pytest
from acts import People
from api_world import HOST, SHANGHAI, ApiWorld, entry
from printed import LETTERHEAD, NAME, rewrite, typesetter
from world import INSTITUTION

from api.shown import Shown
from api.trusting import TrustingSessions
from api.web.words import LOOKS
from issuer.outputs import build_qr_text
from issuer.rendering.document import DocumentContent
from issuer.rendering.pades import issue_seal, sign_pdf
from ledger.core.act import ReasonCode
from ledger.core.bundle import parse_bundle
from ledger.core.errors import LogIntegrityError, NotFoundError, StoreUnavailableError
from ledger.core.event import EventType
from ledger.core.register_fields import RegisterState
from ledger.core.supplement import Supplement

INTACT = {"en": "The file is unaltered, as it was issued.", "zh": "文件完整，与签发时一致。"}
UNSHOWN = {
    "en": "Nothing shows that this file is as it was issued.",
    "zh": "无法确认该文件与签发时一致",
}


@dataclass
class Outcome:
    """What stands above the forms of the scanner's page."""

    style: str
    text: str


def read_outcome(answer):
    assert answer.status_code == 200
    section = re.search('<section class="verdict ([a-z]+)">(.*?)</section>', answer.text, re.DOTALL)
    return Outcome(section[1], html.unescape(section[2]))


class Handed:
    """A served log with one anchored certificate, its institution's seal, and what is handed in."""

    def __init__(self, served):
        self.served = served.found()
        self.people = People(served.world)
        self.issued = served.sign(1)
        self.code = served.submit(self.issued)
        served.anchor()
        self.seal = issue_seal(served.world.seal, INSTITUTION, NAME)

    def render(self, **more):
        raw = self.served.client.get(f"/c/{self.code}/bundle.json").content
        bundle = parse_bundle(raw)
        content = DocumentContent(
            certificate=bundle.certificate,
            bundle=raw,
            disclosure=None,
            qr_text=build_qr_text(bundle.statement_raw, HOST),
            letterhead=LETTERHEAD,
            zone=SHANGHAI,
            development=True,
            **more,
        )
        return typesetter().render(content, self.served.now)

    def render_supplement(self):
        certificate = parse_bundle(self.served.client.get(f"/c/{self.code}/bundle.json").content).certificate
        return self.render(
            supplement=Supplement(
                issuer=INSTITUTION,
                number=certificate.record.number,
                certificate_digest=certificate.digest,
                reason=ReasonCode.TYPO,
                paragraphs=("测量范围应为 (5~600) L/min。",),
                made_on=date(2026, 11, 2),
            )
        )

    def sign(self, pdf):
        """Sign, and let a minute pass."""
        raw = sign_pdf(pdf, self.seal, self.served.now + timedelta(seconds=10))
        self.pass_time(timedelta(minutes=1))
        return raw

    def pass_time(self, time):
        self.served.now += time
        self.served.seconds += time.total_seconds()

    def say(self, raw):
        (result,) = self.served.post([entry(raw)]).json()["results"]
        assert "index" in result, result
        self.served.anchor()
        self.pass_time(timedelta(hours=1))

    def send(self, raw, language="en"):
        return self.served.client.post("/scan", params={"lang": language}, files={"file": ("a.pdf", raw)})


@pytest.fixture
def handed():
    with ApiWorld() as served:
        yield Handed(served)


def forge(pdf):
    def change(opened):
        words = b"BT /F1 24 Tf 100 600 Td (Another instrument) Tj ET"
        opened.pages[0].Contents = opened.make_stream(words)

    return rewrite(pdf, change)


def assert_good(answer):
    outcome = read_outcome(answer)
    assert outcome.style == LOOKS[Shown.VALID].style
    assert INTACT["en"] in outcome.text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_genuine_pdf_is_green_and_unaltered(handed, language):
    raw = handed.sign(handed.render())
    outcome = read_outcome(handed.send(raw, language))
    assert outcome.style == LOOKS[Shown.VALID].style
    assert INTACT[language] in outcome.text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_pdf_under_a_key_that_is_compromised_by_now_is_not_relied_on(handed, language):
    pdf = handed.render()
    handed.pass_time(timedelta(hours=1))
    handed.say(handed.served.world.compromise(handed.served.now))
    outcome = read_outcome(handed.send(handed.sign(forge(pdf)), language))
    assert outcome.style == LOOKS[Shown.TAMPERED].style
    assert UNSHOWN[language] in outcome.text
    assert {"en": "compromised from", "zh": "失密"}[language] in outcome.text
    assert INTACT[language] not in outcome.text
    assert handed.code in outcome.text, "the issued document can be read instead"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_pdf_under_a_key_that_has_ended_by_now_cannot_be_checked(handed, language):
    pdf = handed.render()
    assert_good(handed.send(handed.sign(pdf)))
    handed.say(handed.served.world.key(version=1, state=RegisterState.WITHDRAWN))
    outcome = read_outcome(handed.send(handed.sign(forge(pdf)), language))
    assert outcome.style == LOOKS[Shown.CANNOT_CHECK].style
    assert UNSHOWN[language] in outcome.text
    assert {"en": "key of the PDF's signature has ended", "zh": "PDF签名密钥已停用"}[language] in outcome.text
    assert INTACT[language] not in outcome.text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_supplement_that_was_never_logged_cannot_be_checked(handed, language):
    outcome = read_outcome(handed.send(handed.sign(handed.render_supplement()), language))
    assert outcome.style == LOOKS[Shown.CANNOT_CHECK].style
    assert UNSHOWN[language] in outcome.text
    assert {"en": "this supplement was issued", "zh": "没有该补充件的签发记录"}[language] in outcome.text
    assert INTACT[language] not in outcome.text
    assert "--act" not in outcome.text


def test_a_supplement_that_the_log_has_is_unaltered(handed):
    raw = handed.sign(handed.render_supplement())
    other = handed.sign(handed.render_supplement())
    act = handed.people.act_on(
        handed.issued,
        EventType.SUPPLEMENT,
        INSTITUTION,
        1,
        reason=ReasonCode.TYPO,
        document=hashlib.sha256(raw).digest(),
    )
    handed.say(act)
    assert_good(handed.send(raw))
    assert read_outcome(handed.send(other)).style == LOOKS[Shown.CANNOT_CHECK].style


def test_registers_out_of_reach_are_no_verdict(handed, monkeypatch):
    raw = handed.sign(handed.render())

    def fail(*_):
        raise StoreUnavailableError("gone")

    monkeypatch.setattr("ledger.register_list.RegisterList.trust_list", fail)
    answer = handed.send(raw)
    assert answer.status_code == 503
    assert "cannot be looked up right now" in answer.text


def test_a_server_without_registers_calls_no_file_unaltered(handed):
    raw = handed.sign(handed.render())
    with ApiWorld() as empty:
        empty.now = handed.served.now
        outcome = read_outcome(empty.client.post("/scan?lang=en", files={"file": ("a.pdf", raw)}))
    assert outcome.style == LOOKS[Shown.CANNOT_CHECK].style
    assert UNSHOWN["en"] in outcome.text


# --- the session ----------------------------------------------------------------------------------------------


class Registers:
    def __init__(self, *lists):
        self.lists = list(lists)

    def trust_list(self):
        found = self.lists[0] if len(self.lists) == 1 else self.lists.pop(0)
        if isinstance(found, Exception):
            raise found
        return found


def test_a_session_is_made_anew_only_when_the_trust_list_changes(handed):
    served = handed.served
    first = served.client.get("/trust.json").content
    handed.say(served.world.key(version=1, state=RegisterState.WITHDRAWN))
    second = served.client.get("/trust.json").content
    assert first != second
    sessions = TrustingSessions(served.policy, Registers(NotFoundError("empty"), first, bytes(first), second))
    nothing, one, same, other = (sessions.open() for _ in range(4))
    assert nothing.trusted is None
    assert one is same is not other
    key = served.world.seal.public_key.key_id
    assert one.find_end_of_key(key) is None
    assert other.find_end_of_key(key) is not None


def test_threads_share_one_session(handed):
    sessions = TrustingSessions(
        handed.served.policy, Registers(handed.served.client.get("/trust.json").content)
    )
    together, found = Barrier(4), []

    def open_session():
        together.wait()
        found.append(sessions.open())

    threads = [Thread(target=open_session) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len({id(each) for each in found}) == 1


@pytest.mark.parametrize("raw", [b"{}", b"rubbish"])
def test_a_trust_list_that_does_not_hold_is_our_own_fault(handed, raw):
    with pytest.raises(LogIntegrityError, match="trust list of this server"):
        TrustingSessions(handed.served.policy, Registers(raw)).open()


def test_a_store_that_goes_away_leaves_no_session_of_before(handed):
    raw = handed.served.client.get("/trust.json").content
    sessions = TrustingSessions(handed.served.policy, Registers(raw, StoreUnavailableError("gone"), raw))
    first = sessions.open()
    with pytest.raises(StoreUnavailableError):
        sessions.open()
    assert sessions.open() is first
