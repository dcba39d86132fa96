"""What must hold of a home after any fault, and what must hold once the same command has come to its end."""

import io
import random
from collections import Counter

from PIL import Image

from ledger.core.bundle import parse_bundle
from ledger.core.certificate import parse_certificate
from ledger.core.entry import parse_leaf
from ledger.core.event import EventType
from ledger.core.statement import parse_signed_statement

FILES = {"certificate.json", "bundle.json", "qr.png", "qr.svg"}


def assert_sound(line):
    """Nothing doubled, nothing skipped, nothing half there; return number -> leaf index of what is in the log."""
    line.run("doctor")
    logged = find_issues(line)
    desk = line.desk()
    assert_numbers(desk)
    known = {number: index for _, number, state, index in desk if state == "logged"}
    assert known.items() <= logged.items()
    signed = {number for _, number, state, _ in desk if state == "signed"}
    assert logged.keys() == known.keys() | (logged.keys() & signed)
    for path in line.out.glob("certificates/*/*"):
        if path.name in FILES:
            assert_whole(path)
    return logged


def assert_complete(line, count, url):
    """Every one of `count` documents is issued once, anchored once and proved; return what `assert_sound` does."""
    logged = assert_sound(line)
    desk = line.desk()
    assert (len(desk), Counter(row[2] for row in desk)) == (count, {"logged": count})
    sizes = [size for size, state in line.anchors() if state == "final"]
    assert len(sizes) == len(line.anchors())
    assert line.events(url) == sizes
    assert sizes[-1] == len(line.leaves())
    folders = line.folders()
    assert len(folders) == count
    assert {frozenset(path.name for path in folder.iterdir()) for folder in folders} == {frozenset(FILES)}
    for folder in random.Random(count).sample(folders, min(count, 20)):
        report = line.verify(folder / "bundle.json", "--chain", url, code=0)
        assert (report["verdict"], report["document"]["number"]) == ("VALID", folder.name)
        assert line.verify(folder / "qr.png", code=3)["document"]["number"] == folder.name
    return logged


def assert_numbers(desk):
    """One series from 1 without gap, each request once, and no number voided."""
    counters = [int(number.rpartition("-")[2]) for _, number, _, _ in desk]
    assert counters == list(range(1, len(desk) + 1))
    assert len({request for request, *_ in desk}) == len(desk)
    assert {state for _, _, state, _ in desk} <= {"signed", "logged"}


def find_issues(line):
    found = {}
    for index, raw in enumerate(line.leaves()):
        leaf = parse_leaf(raw)
        if leaf.header.type is EventType.ISSUE:
            statement = parse_signed_statement(leaf.statement_raw).statement
            assert found.setdefault(statement.claims.number, index) == index
    return found


def assert_whole(path):
    raw = path.read_bytes()
    if path.name == "qr.png":
        Image.open(io.BytesIO(raw)).load()
    elif path.name == "qr.svg":
        assert raw.rstrip().endswith(b"</svg>")
    elif path.name == "bundle.json":
        assert parse_bundle(raw).certificate.record.number == path.parent.name
    else:
        assert parse_certificate(raw).record.number == path.parent.name
