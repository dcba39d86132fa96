"""The page to read and print: the same sheet, escaped, and never taken for evidence."""

import re
from html.parser import HTMLParser

import pytest
from ledger_in_memory import MemoryLedger, make_record, make_rejection
from printed import make_content, make_personal_record

from issuer.rendering import wording
from issuer.rendering.page import render_page
from ledger.core.errors import VerificationError

VOID = {"meta", "br", "rect", "path"}


class Reader(HTMLParser):
    """Collects words, and refuses tags that do not close."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.open, self.links = [], [], []

    def handle_starttag(self, tag, attrs):
        self.links += [value for name, value in attrs if name in {"src", "href", "action", "style"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data.strip())


def read(raw: bytes) -> Reader:
    reader = Reader()
    reader.feed(raw.decode())
    assert reader.open == []
    return reader


def make(record, members=None, **changes):
    ledger = MemoryLedger().found()
    return make_content(ledger, ledger.issue_record(record, force=True), members, **changes)


def test_it_says_what_the_sheet_says_and_that_it_proves_nothing():
    reader = read(render_page(make(make_record(1))))
    assert {
        *(
            "检定证书",
            "Verification Certificate",
            "JY2026-000001",
            "SK52",
            "SN00000001",
            "20.02",
            "2026-08-27",
        ),
        *(wording.UNSIGNED.zh, wording.UNSIGNED.en, wording.BANNER.zh, wording.DISCLAIMER.zh),
    } <= set(reader.words)


def test_nothing_is_fetched_and_nothing_runs():
    raw = render_page(make(make_record(1)))
    assert read(raw).links == []
    assert not re.search(rb"<script|javascript:|url\(|@import|<link|<iframe|<img", raw)
    assert b"default-src 'none'" in raw


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "a&b", "{{ 7*7 }}", "</td>", '" onclick="x'])
def test_values_are_texts(text):
    record = make_record(1)
    record["instrument"]["name"] = text
    assert text in read(render_page(make(record))).words


def test_a_holders_page_shows_personal_values_and_a_public_one_none():
    record, members = make_personal_record(1)
    assert "林示例" in read(render_page(make(record, members))).words
    assert "林示例".encode() not in render_page(make(record))


def test_a_wrong_disclosure_is_refused():
    record, _ = make_personal_record(1)
    with pytest.raises(VerificationError):
        render_page(make(record, make_personal_record(1, {"applicant": "x"})[1]))


def test_a_rejection_notice_is_red_and_has_no_disclaimer():
    raw = render_page(make(make_rejection(1), development=False))
    words = read(raw).words
    assert b"#a4001d" in raw
    assert wording.REJECTED.zh in words
    assert not {wording.DISCLAIMER.zh, wording.BANNER.zh} & set(words)


def test_the_same_input_gives_the_same_bytes():
    assert render_page(make(make_record(1))) == render_page(make(make_record(1)))
