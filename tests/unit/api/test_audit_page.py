"""The report of an audit as a page: self-contained, in two languages, and nothing in it is code."""

from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from ledger_in_memory import INSTITUTION, START, MemoryLedger, make_record, make_signer, seal_record
from published import FilesSource, publish

from api.web.audit_page import _EVENTS, _LOT_STATUSES, _STATUSES, write_page
from ledger.audit.replay import audit_log
from ledger.audit.report import Doubt, report_members
from ledger.core.act import ReasonCode
from ledger.core.event import DEFINED_TYPES, EventType
from ledger.core.fold_documents import TRANSITIONS
from ledger.core.ids import TreeSize
from ledger.core.lot import LotContent, LotStatus, encode_lot
from ledger.core.register_fields import Name
from ledger.core.step import Step, not_checked

HOSTILE = '<script>alert("x")</script>'
NOW = datetime(2026, 3, 3, 17, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def audited():
    """A log with an institution of a hostile name, and a VOID leaf."""
    made = MemoryLedger().found()
    made.publish()
    made.issue_many(3)
    made.append(made.sign_issue(seal_record(make_record(99), make_signer("seal")), "stranger"))
    made.append(made.institution(version=1, name=Name(HOSTILE, 'A & B "quoted"')))
    made.publish()
    return made, publish(made, receipts=[made.receipt(TreeSize(6))])


class Page(HTMLParser):
    def __init__(self, raw):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], []
        self.feed(raw.decode())
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *each) for each in attrs]

    def handle_data(self, data):
        self.text.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


def page_of(report, made, place="log"):
    return Page(write_page(report, place, made.policy(), NOW))


def test_an_honest_log(audited):
    made, files = audited
    report = audit_log(FilesSource(files), made.policy())
    words = page_of(report, made).words
    for mention in (
        "No contradiction",
        "未发现矛盾",
        made.origin,
        report.checkpoint.root_hash.hex(),
        report.map_root.hex(),
        "the key is not registered",
        "出具证书 ISSUE 3 1",
        "2026-03-04 01:30 Asia/Shanghai",
        "Development environment",
        "the anchors, in the contract on the chain",
        "未核对证书原件",
        "whether a measurement was made as recorded",
        f"in force by its own state VALID {3}",
    ):
        assert mention in words, mention


def test_nothing_in_it_is_code_or_comes_from_elsewhere(audited):
    made, files = audited
    report = audit_log(FilesSource(files), made.policy())
    page = page_of(report, made, place=f"https://{HOSTILE}")
    assert not {"script", "link", "img", "iframe", "object", "form"} & set(page.tags)
    assert page.tags.count("style") == 1
    assert not [
        each for each in page.attributes if each[1] in {"src", "href", "style"} or each[1].startswith("on")
    ]
    assert HOSTILE in page.words, "as text"
    assert 'A & B "quoted"' in page.words


def test_a_contradiction_has_its_place(audited):
    made, files = audited
    name = next(path for path in files if path.startswith("tile/entries"))
    changed = files | {name: files[name][:-1] + bytes([files[name][-1] ^ 1])}
    report = audit_log(FilesSource(changed), made.policy())
    words = page_of(report, made).words
    assert "This log contradicts itself" in words
    assert "账本自相矛盾" in words
    assert report.contradiction.file in words
    assert f"Leaf {report.contradiction.leaf_index}" in words
    assert report.contradiction.reason in words
    assert "No contradiction" not in words


def test_before_anything_was_verified_there_is_a_page_too(audited):
    made, files = audited
    report = audit_log(FilesSource(files | {"anchors.json": b"{}"}), made.policy())
    assert "anchors.json" in page_of(report, made).words


def test_doubts_are_not_called_good(audited):
    made, files = audited
    doubt = not_checked(Step.CHAIN, "the node is silent", "节点无应答")
    report = audit_log(FilesSource(files), made.policy(), look=lambda _: doubt)
    assert report.anchors.doubts == (Doubt(TreeSize(6), "the node is silent"),)
    words = page_of(report, made).words
    assert "a node could not confirm every anchor" in words
    assert "anchor of 6 leaves: the node is silent" in words


def test_every_type_has_a_name():
    assert set(_EVENTS) == {each.name for each in DEFINED_TYPES}


def test_every_status_that_an_event_can_leave_has_a_name():
    acted = {transition.after.name for transition in TRANSITIONS.values()}
    assert set(_STATUSES) == {"VALID", "FAILED", "SUPERSEDED"} | acted
    assert set(_LOT_STATUSES) >= {status.name for status in LotStatus}


def test_what_was_replaced_and_what_was_said_of_lots_is_counted():
    made = MemoryLedger().found()
    made.publish()
    made.issue(1, lot={"no": "L1", "size": 2})
    made.issue(2, lot={"no": "L2", "size": 2})
    replaces = {"no": "JY2026-000001", "reason": "TYPO"}
    made.issue_record(make_record(1, no="R-1", replaces=replaces))
    for lot, status in (("L1", LotStatus.SUSPENDED), ("L2", LotStatus.SUSPENDED), ("L1", LotStatus.FAILED)):
        content = LotContent(INSTITUTION, lot, status, ReasonCode.FAILED_SPOT_CHECK, START)
        made.append(made.sign_content(EventType.LOT, encode_lot(content), content.subject))
    made.publish()
    report = audit_log(FilesSource(publish(made)), made.policy())
    members = report_members(report)
    assert members["certificates"] == {"VALID": 2, "SUPERSEDED": 1}
    assert members["lots"] == {"FAILED": 1, "SUSPENDED": 1}
    assert members["institutions"] == {"350100-01": {"passed": 3, "failed": 0}}
    words = page_of(report, made).words
    for mention in (
        "已换发 · replaced by a corrected certificate SUPERSEDED 1",
        "批次不合格 · the lot failed FAILED 1",
        "换发 REPLACE 1 0",
        "批次 LOT 3 0",
    ):
        assert mention in words, mention


def test_counts_follow_acts():
    made = MemoryLedger().found()
    made.publish()
    made.issue_many(4)
    made.issue(50)
    made.act(EventType.WITHDRAW, 50)
    made.publish()
    members = report_members(audit_log(FilesSource(publish(made)), made.policy()))
    assert members["certificates"] == {"VALID": 4, "WITHDRAWN": 1}
    assert members["lots"] == {}
    assert members["events"]["ISSUE"] == {"effective": 5, "void": 0}
    assert members["events"]["WITHDRAW"] == {"effective": 1, "void": 0}
    assert members["institutions"] == {"350100-01": {"passed": 5, "failed": 0}}
