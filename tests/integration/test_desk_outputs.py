import os

import pytest
import zxingcpp
from api_world import ApiWorld
from desk_world import FlakyDatabase, MemoryGateway, document, fetch, make_desk, rows
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from world import Issued

from issuer.outputs import (
    DocumentFiles,
    build_qr_text,
    encode_folder_name,
    has_newest_bundle,
    write_outputs,
)
from issuer.rendering.qr import write_bulk
from ledger.bundling import build_bundles
from ledger.core.bundle import parse_bundle
from ledger.core.errors import InputError
from ledger.core.ids import CertificateNumber, LeafIndex, TreeSize
from ledger.core.qr import parse_qr_text

HOST = "q.example.cn"
NUMBER = CertificateNumber("JY2026-000001")
NAMES = {"certificate.json", "bundle.json", "qr.png", "qr.svg"}


def make_files(number="JY2026-000001", statement=b"s" * 200, bundle=b"{}"):
    return DocumentFiles(CertificateNumber(number), b'{"certificate":1}', statement, bundle)


def test_four_files_are_written_and_the_picture_holds_the_statement(tmp_path):
    folder = write_outputs(tmp_path, make_files(), HOST)
    assert folder == tmp_path / "certificates" / "JY2026-000001"
    assert {path.name for path in folder.iterdir()} == NAMES
    [found] = zxingcpp.read_barcodes(Image.open(folder / "qr.png").convert("L"))
    assert parse_qr_text(found.text, host=HOST).statement == b"s" * 200
    assert (folder / "qr.svg").read_bytes().startswith(b"<?xml")


def test_a_long_statement_is_named_by_its_code(tmp_path):
    files = make_files(statement=b"s" * 215)
    assert build_qr_text(files.statement, HOST).startswith(f"https://{HOST}/c/")
    folder = write_outputs(tmp_path, files, HOST, writer=write_bulk)
    [found] = zxingcpp.read_barcodes(Image.open(folder / "qr.png").convert("L"))
    assert found.text == build_qr_text(files.statement, HOST)


def test_writing_again_leaves_equal_files_alone_and_replaces_others(tmp_path):
    folder = write_outputs(tmp_path, make_files(), HOST)
    for path in folder.iterdir():
        os.utime(path, ns=(1, 1))
    write_outputs(tmp_path, make_files(bundle=b'{"newer":1}'), HOST)
    touched = {path.name for path in folder.iterdir() if path.stat().st_mtime_ns != 1}
    assert touched == {"bundle.json"}
    assert (folder / "bundle.json").read_bytes() == b'{"newer":1}'
    assert {path.name for path in folder.iterdir()} == NAMES


def test_a_file_that_cannot_be_put_in_place_leaves_no_draft(tmp_path):
    folder = tmp_path / "certificates" / "JY2026-000001"
    (folder / "bundle.json").mkdir(parents=True)
    with pytest.raises(OSError, match=r"bundle\.json"):
        write_outputs(tmp_path, make_files(), HOST)
    assert {path.name for path in folder.iterdir()} == {"bundle.json", "certificate.json"}


def test_what_a_killed_run_left_behind_is_taken_away(tmp_path):
    folder = write_outputs(tmp_path, make_files(), HOST)
    for name in (".bundle.json.0123456789abcdef", ".qr.png.ffffffffffffffff"):
        folder.joinpath(name).write_bytes(b"{")
    folder.joinpath(".keep").write_bytes(b"not ours")
    before = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    write_outputs(tmp_path, make_files(), HOST)
    assert {path.name for path in folder.iterdir()} == {*before, ".keep"}


def test_a_document_without_a_bundle_yet_keeps_the_one_it_had(tmp_path):
    folder = write_outputs(tmp_path, make_files(bundle=None), HOST)
    assert {path.name for path in folder.iterdir()} == NAMES - {"bundle.json"}
    write_outputs(tmp_path, make_files(bundle=b"{}"), HOST)
    write_outputs(tmp_path, make_files(bundle=None), HOST)
    assert (folder / "bundle.json").read_bytes() == b"{}"


ANCHORED = 14
"""Leaves under the newest anchor: the founding ones, two documents, a MAPHEAD each."""


@pytest.fixture(scope="module")
def anchored():
    """Two anchored documents with their bundles, and one that is not anchored."""
    with ApiWorld("ledger") as world:
        world.found()
        items = [world.sign(number) for number in (1, 2)]
        for item in items:
            world.submit(item)
        world.anchor()
        items.append(world.sign(3))
        world.submit(items[2])
        bundles = build_bundles(world.prover, world.receipts, [LeafIndex(index) for index in (10, 12, 14)])
        return [*zip(items, bundles.values(), strict=True)]


def is_newest(folder, item, anchored_size=ANCHORED):
    return has_newest_bundle(folder, NUMBER, (item.raw, item.body), TreeSize(anchored_size))


def put(folder, item, bundle):
    return write_outputs(folder, DocumentFiles(NUMBER, item.body, item.raw, bundle), HOST)


def test_a_bundle_with_a_receipt_is_newest_once_it_lies_there(tmp_path, anchored):
    item, bundle = anchored[0]
    assert not is_newest(tmp_path, item)
    put(tmp_path, item, None)
    assert not is_newest(tmp_path, item)
    put(tmp_path, item, bundle)
    assert is_newest(tmp_path, item)
    assert not is_newest(tmp_path, item, ANCHORED + 1)


def test_another_bundle_or_none_is_not_the_newest(tmp_path, anchored):
    (item, bundle), (other, other_bundle), (waiting, not_anchored) = anchored
    put(tmp_path, waiting, not_anchored)
    assert not is_newest(tmp_path, waiting)
    digest = parse_bundle(bundle).stated_digest.hex().encode()
    damaged = bundle.replace(digest, digest[::-1])
    for wrong in (other_bundle, damaged, bundle[:-1], b"", b"{}", bundle + b"\n"):
        put(tmp_path, item, wrong)
        assert not is_newest(tmp_path, item)
    put(tmp_path, item, bundle)
    assert not is_newest(tmp_path, Issued(item.raw, other.body))
    assert not is_newest(tmp_path, Issued(other.raw, item.body))


def test_a_folder_in_the_place_of_the_bundle_is_not_the_newest(tmp_path, anchored):
    (tmp_path / "certificates" / NUMBER / "bundle.json").mkdir(parents=True)
    assert not is_newest(tmp_path, anchored[0][0])


def test_a_host_that_is_none_is_refused(tmp_path):
    with pytest.raises(InputError):
        write_outputs(tmp_path, make_files(), "Q.example.cn")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("number", "name"),
    [
        ("JY2026-000001", "JY2026-000001"),
        ("a.b_c-D", "a.b_c-D"),
        ("С/1", "%D0%A1%2F1"),
        ("../../etc", "..%2F..%2Fetc"),
        (".", "%2E"),
        ("..", "%2E%2E"),
        ("...", "%2E%2E%2E"),
        (".a", ".a"),
        ("100%", "100%25"),
        ("a b~", "a%20b%7E"),
        ("闽〔2026〕", "%E9%97%BD%E3%80%942026%E3%80%95"),
    ],
)
def test_a_folder_name_is_the_number_percent_encoded(number, name):
    assert encode_folder_name(CertificateNumber(number)) == name


@given(st.text(min_size=1, max_size=60), st.text(min_size=1, max_size=60))
def test_two_numbers_never_share_a_folder_nor_leave_theirs(one, other):
    names = [encode_folder_name(CertificateNumber(number)) for number in (one, other)]
    assert (names[0] == names[1]) == (one == other)
    assert all(name not in {".", ".."} and "/" not in name and name.isascii() for name in names)


def test_files_of_an_issued_document(tmp_path):
    database = FlakyDatabase(tmp_path / "desk.db")
    desk = make_desk(database, MemoryGateway())
    [item] = desk.issue(desk.check_rows(rows(document(1))).documents).documents
    found = fetch(desk, item.number)
    files = DocumentFiles(item.number, found.certificate, found.statement, b"{}")
    folder = write_outputs(tmp_path, files, HOST)
    assert (folder / "certificate.json").read_bytes() == found.certificate
    assert b"salt" not in b"".join(path.read_bytes() for path in folder.iterdir())
    database.close()
