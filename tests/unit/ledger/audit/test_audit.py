"""The audit of a published log: an honest one passes, and every way to lie ends with its place."""

import hashlib
import json
import os
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_in_memory import (
    CHAIN,
    START,
    MemoryLedger,
    make_record,
    make_signer,
    seal_record,
)
from published import FilesSource, publish, write_files
from witnesses import cosign, cosign_falsely, make_quorum

from ledger.audit.documents import Documents
from ledger.audit.reading import FolderSource
from ledger.audit.replay import audit_log
from ledger.audit.report import report_members
from ledger.core.anchor import encode_anchor_list
from ledger.core.canonical import encode_canonical_json, parse_canonical_json
from ledger.core.checkpoint import Checkpoint, sign_checkpoint
from ledger.core.entry import encode_leaf, parse_header, parse_leaf
from ledger.core.errors import ContradictionError, InputError, NotFoundError, PolicyMismatchError, StateError
from ledger.core.ids import CertificateNumber, LeafIndex, RootHash, TreeSize
from ledger.core.maphead import build_maphead
from ledger.core.status import Status
from ledger.core.step import Step, failed, not_checked, passed


def make_ledger(count=3):
    """Return a log with several checkpoints, and one leaf without effect."""
    ledger = MemoryLedger().found()
    ledger.publish()
    ledger.issue_many(count)
    ledger.publish()
    ledger.append(ledger.sign_issue(seal_record(make_record(99), make_signer("seal")), "stranger"))
    ledger.issue(count)
    ledger.publish()
    return ledger


def audit(files, ledger, **options):
    policy = options.pop("policy", None) or ledger.policy()
    return audit_log(FilesSource(files), policy, **options)


def find(files, ledger, **options):
    """Return file, leaf index and sentence of the contradiction that must be there."""
    report = audit(files, ledger, **options)
    assert report.exit_code == 1
    assert len(report_members(report)["contradictions"]) == 1
    return report.contradiction.file, report.contradiction.leaf_index, report.contradiction.reason


@pytest.fixture(scope="module")
def small():
    ledger = make_ledger()
    return ledger, publish(ledger, receipts=[ledger.receipt(size) for size in (6, 10)])


@pytest.fixture(scope="module")
def large():
    """A log of 530 leaves: full and partial tiles, two levels."""
    ledger = MemoryLedger().found()
    ledger.publish()
    ledger.issue_many(523)
    ledger.publish()
    return ledger, publish(ledger, receipts=[ledger.receipt(6)])


# --- what holds ---------------------------------------------------------------------------------------------


def test_an_honest_log_has_no_contradictions(small):
    ledger, files = small
    report = audit(files, ledger)
    members = report_members(report)
    assert report.exit_code == 0
    assert (members["entries"], members["contradictions"]) == (13, [])
    assert members["void"] == [{"leaf_index": 10, "reason": "the key is not registered"}]
    assert members["mapheads"] == 3
    assert members["map_root"] == ledger.maps[13].root_hash.hex()
    assert members["anchors"] == {"receipts": 2, "newest_size": 10}
    assert members["not_looked_up"] == ["anchors", "documents"]
    assert members["environment"] == "development"
    json.dumps(members)


def test_progress_ends_with_all_leaves(large):
    ledger, files = large
    steps = []
    audit(files, ledger, on_progress=lambda done, of_all: steps.append((done, of_all)))
    assert steps == [(256, 530), (512, 530), (530, 530)]


@pytest.mark.parametrize("count", [249, 250, 251, 505, 506])
def test_logs_at_the_turn_of_a_tile_hold(count):
    ledger = MemoryLedger().found().issue_many(count)
    files = publish(ledger)
    assert ledger.size == count + 6
    assert audit(files, ledger).exit_code == 0


def test_a_production_policy_is_named(small):
    ledger, files = small
    policy = ledger.policy(development=False, contract=None)
    assert report_members(audit(files, ledger, policy=policy))["environment"] == "production"


# --- files --------------------------------------------------------------------------------------------------


def test_every_file_is_missed(large):
    ledger, files = large
    for path in files:
        rest = {name: content for name, content in files.items() if name != path}
        if path == "checkpoint":
            with pytest.raises(NotFoundError):
                audit(rest, ledger)
        else:
            assert find(rest, ledger) == (path, None, "is missing")


def test_every_file_cut_off_or_prolonged_is_found(large):
    ledger, files = large
    for path, content in files.items():
        for changed in (content[:-1], content[:-32], content + b"\0", content + content[-32:], b""):
            if path == "checkpoint":
                with pytest.raises(InputError, match="checkpoint"):
                    audit(files | {path: changed}, ledger)
            else:
                assert find(files | {path: changed}, ledger)[0] == path


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/003",
        "tile/0/000.p/17",
        "tile/0/002.p/17",
        "tile/entries/000.p/255",
        "tile/1/000",
        "tile/2/000.p/1",
        "tile/readme",
        "tile/0/.002.0123456789abcdef",
    ],
)
def test_an_additional_file_is_found(large, path):
    ledger, files = large
    content = files["tile/0/000"][: 32 * 17]
    assert find(files | {path: content}, ledger) == (path, None, "does not belong to a log of 530 leaves")


def test_other_files_beside_the_tree_are_nobodys_business(large):
    ledger, files = large
    assert audit(files | {"README": b"x", "policy.json": b"x"}, ledger).exit_code == 0


def change(raw, at, by):
    return raw[:at] + bytes([raw[at] ^ by]) + raw[at + 1 :]


def judge(files, ledger):
    """Return the exit code, and the file that is named."""
    try:
        report = audit(files, ledger)
    except (InputError, StateError) as err:
        return 2, "checkpoint" if isinstance(err, PolicyMismatchError) else err.field
    return report.exit_code, report.contradiction and report.contradiction.file


def test_every_changed_byte_of_a_small_log_is_found(small):
    ledger, files = small
    pair = {"tile/0/000.p/13", "tile/entries/000.p/13"}
    for path, content in files.items():
        for at in range(len(content)):
            code, place = judge(files | {path: change(content, at, 1 << at % 8)}, ledger)
            assert code in {1, 2}, (path, at)
            assert place == path or {place, path} == pair, (path, at)


@given(st.data())
def test_any_changed_byte_of_a_larger_log_is_found(large, data):
    ledger, files = large
    path = data.draw(st.sampled_from(sorted(files)))
    at = data.draw(st.integers(0, len(files[path]) - 1))
    code, place = judge(files | {path: change(files[path], at, data.draw(st.integers(1, 255)))}, ledger)
    assert code in {1, 2}
    assert place == path or {place.rpartition("/")[2], path.rpartition("/")[2]} <= {
        "000",
        "001",
        "002.p",
        "18",
    }


def test_a_changed_leaf_is_named_by_its_index(large):
    ledger, files = large
    at = files["tile/entries/001"].index(ledger.leaves[300])
    for path, place in (("tile/entries/001", at + 140), ("tile/0/001", 32 * 44 + 5)):
        changed = files | {path: change(files[path], place, 1)}
        assert find(changed, ledger) == ("tile/0/001", 300, "is not the hash of the leaf in tile/entries/001")


def test_a_changed_hash_of_an_upper_tile_is_named(large):
    ledger, files = large
    changed = files | {"tile/1/000.p/2": change(files["tile/1/000.p/2"], 40, 1)}
    assert find(changed, ledger) == ("tile/1/000.p/2", None, "hash 1 is not that of tile/0/001")


def test_leaves_and_tiles_changed_together_end_at_the_checkpoint(small):
    ledger, files = small
    other = make_ledger()
    other.leaves[-1] = encode_leaf(replace(parse_header(other.leaves[-1]), sequenced_at_ms=10**13), b"")
    changed = publish(other, 13) | {name: files[name] for name in ("checkpoint", "anchors.json")}
    assert find(changed, ledger) == ("checkpoint", None, "states another root than the leaves give")


# --- checkpoints --------------------------------------------------------------------------------------------


def test_a_checkpoint_of_another_key_is_refused(small):
    ledger, files = small
    head = Checkpoint(ledger.origin, TreeSize(13), RootHash(ledger.tree().root()))
    note = sign_checkpoint(head, make_signer("other"))
    file, _, sentence = find(files | {"checkpoint": note.encode()}, ledger)
    assert (file, sentence) == ("checkpoint", "no known key signed this note")
    assert "tree_size" not in report_members(audit(files | {"checkpoint": note.encode()}, ledger))


def test_a_checkpoint_may_be_cosigned_by_anybody_but_not_falsely_by_a_known_witness(small):
    ledger, files = small
    cosigned = cosign(files["checkpoint"].decode(), START, "w1", "w2").encode()
    known = ledger.policy(witnesses=make_quorum("w1", "w2", threshold=2))
    for policy in (ledger.policy(), known):
        assert audit(files | {"checkpoint": cosigned}, ledger, policy=policy).exit_code == 0
    false = {"checkpoint": cosign_falsely(cosigned.decode(), "w2").encode()}
    assert audit(files | false, ledger).exit_code == 0
    assert find(files | false, ledger, policy=known) == (
        "checkpoint",
        None,
        "the cosignature of w2.example does not hold",
    )


def test_another_log_than_the_policys_is_told_apart(small):
    _, files = small
    other = MemoryLedger("ledger.example/other").found()
    with pytest.raises(PolicyMismatchError, match=r"ledger\.example/2026"):
        audit(files, other)


def test_an_older_checkpoint_leaves_files_over(small):
    ledger, files = small
    older = ledger.checkpoint(10).encode()
    assert find(files | {"checkpoint": older}, ledger)[0] == "tile/0/000.p/13"


def test_a_checkpoint_whose_last_leaf_is_no_maphead_is_found():
    ledger = make_ledger()
    ledger.issue(50)
    files = publish(ledger, 14)
    assert find(files, ledger) == ("checkpoint", None, "its last leaf does not state the status map")


def test_another_root_than_the_pinned_one_is_found(small):
    ledger, files = small
    policy = ledger.policy(root_digest=bytes(32))
    place = ("tile/entries/000.p/13", 0, "is not the root that the policy pins")
    assert find(files, ledger, policy=policy) == place


def test_a_log_that_does_not_begin_with_its_root_is_found():
    ledger = MemoryLedger()
    ledger.append(ledger.authority())
    assert find(publish(ledger), ledger)[1:] == (0, "is not the root that the policy pins")


# --- leaves, signed by a log that lies ----------------------------------------------------------------------


def test_a_wrong_maphead_is_found():
    ledger = make_ledger()
    header = build_maphead(bytes(32), ledger.now_ms, (LeafIndex(12), 3))
    ledger._add(encode_leaf(header, b""), None)
    file, index, sentence = find(publish(ledger, 14), ledger)
    assert (file, index) == ("tile/entries/000.p/14", 13)
    assert "states another status map" in sentence


@pytest.mark.parametrize(
    "header",
    [
        {"prev": LeafIndex(5)},
        {"version": 5},
        {"status": int(Status.VALID)},
        {"sequenced_at_ms": 1_767_225_600_000},
    ],
)
def test_a_maphead_with_another_header_is_found(header):
    ledger = make_ledger()
    ledger.leaves[12] = encode_leaf(replace(parse_leaf(ledger.leaves[12]).header, **header), b"")
    assert find(publish(ledger, 13), ledger)[1] == 12


def test_a_forged_leaf_is_found():
    ledger = make_ledger()
    ledger.force(ledger.sign_issue(seal_record(make_record(60), make_signer("seal")), "stranger"))
    ledger.publish()
    file, index, sentence = find(publish(ledger), ledger)
    assert (file, index) == ("tile/entries/000.p/15", 13)
    assert "header" in sentence


def test_a_leaf_said_to_be_void_is_found():
    ledger = make_ledger()
    raw = ledger.sign_issue(seal_record(make_record(60), make_signer("seal")))
    ledger.force(raw, status=int(Status.VOID), version=0, prev=None)
    ledger.publish()
    assert find(publish(ledger), ledger)[1] == 13


def test_a_damaged_leaf_is_found():
    ledger = make_ledger()
    ledger.leaves[7] = ledger.leaves[7][:-1]
    assert find(publish(ledger, 13), ledger)[:2] == ("tile/entries/000.p/13", 7)


# --- receipts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"signer": make_signer("other")}, "does not verify"),
        ({"chain": replace(CHAIN, contract=bytes(20))}, "another contract"),
        ({"chain": replace(CHAIN, chain_id=1)}, "another contract"),
        ({"root_hash": RootHash(bytes(32))}, "another root"),
        ({"tree_size": TreeSize(20)}, "newer than the checkpoint"),
    ],
)
def test_a_receipt_that_does_not_hold_is_found(small, changes, words):
    ledger, files = small
    anchors = encode_anchor_list(ledger.origin, [ledger.receipt(10, **changes)])
    file, index, sentence = find(files | {"anchors.json": anchors}, ledger)
    assert (file, index) == ("anchors.json", None)
    assert words in sentence


def test_a_receipt_of_no_checkpoint_is_found(small):
    ledger, files = small
    anchors = encode_anchor_list(ledger.origin, [ledger.receipt(8)])
    assert "no MAPHEAD" in find(files | {"anchors.json": anchors}, ledger)[2]


def test_every_member_of_a_receipt_is_signed(small):
    ledger, files = small
    members = parse_canonical_json(files["anchors.json"])
    changes = {
        "anchored_at": "2026-03-01T01:00:01Z",
        "block_hash": "06" * 32,
        "block_number": 8,
        "grade": "safe",
        "tx_hash": "05" * 32,
    }
    for name, value in changes.items():
        receipts = [members["receipts"][0], members["receipts"][1] | {name: value}]
        raw = encode_canonical_json(members | {"receipts": receipts})
        assert "receipt of 10 leaves" in find(files | {"anchors.json": raw}, ledger)[2]


@pytest.mark.parametrize("raw", [b"{}", b"[]", b"\xff", encode_anchor_list("ledger.example/other", [])])
def test_another_file_in_place_of_the_receipts_is_found(small, raw):
    ledger, files = small
    assert find(files | {"anchors.json": raw}, ledger)[0] == "anchors.json"


def test_a_policy_without_a_contract_takes_receipts_as_the_logs_word(small):
    ledger, files = small
    assert audit(files, ledger, policy=ledger.policy(contract=None)).exit_code == 0


# --- the contract -------------------------------------------------------------------------------------------


def test_anchors_are_looked_up_when_asked_for(small):
    ledger, files = small
    asked = []

    def look(checkpoint):
        asked.append((checkpoint.origin, checkpoint.tree_size, checkpoint.root_hash))
        return passed(Step.CHAIN, "seen", "已核对")

    report = audit(files, ledger, look=look)
    assert asked == [(ledger.origin, size, ledger.receipt(size).root_hash) for size in (6, 10)]
    assert report.exit_code == 0
    assert report_members(report)["anchors"] == {"receipts": 2, "newest_size": 10, "seen": 2, "doubts": []}
    assert report_members(report)["not_looked_up"] == ["documents"]


def test_an_anchor_that_the_contract_has_otherwise_is_a_contradiction(small):
    ledger, files = small
    place = find(files, ledger, look=lambda _: failed(Step.CHAIN, "holds another root", "不同"))
    assert place == ("anchors.json", None, "the receipt of 6 leaves: holds another root")


def test_an_anchor_that_nobody_can_look_up_is_no_contradiction(small):
    ledger, files = small
    report = audit(files, ledger, look=lambda _: not_checked(Step.CHAIN, "out of reach", "无法连接"))
    assert (report.exit_code, report.contradiction) == (3, None)
    doubts = report_members(report)["anchors"]["doubts"]
    assert doubts == [{"tree_size": size, "reason": "out of reach"} for size in (6, 10)]


# --- documents ----------------------------------------------------------------------------------------------


def write_documents(ledger, folder, but=()):
    for index, document in ledger.documents.items():
        if index not in but:
            (folder / f"{index}").mkdir(parents=True)
            (folder / f"{index}" / "certificate.json").write_bytes(encode_canonical_json(document.credential))
    (folder / "notes.txt").write_text("something else")
    return Documents(folder)


def test_documents_are_found_by_their_digests(small, tmp_path):
    ledger, files = small
    report = audit(files, ledger, documents=write_documents(ledger, tmp_path, but={7}))
    assert report.exit_code == 0
    assert report_members(report)["documents"] == {"checked": 3, "missing": [7, 10]}
    assert report_members(report)["not_looked_up"] == ["anchors"]


def test_a_document_that_says_something_else_is_a_contradiction(tmp_path):
    ledger = make_ledger()
    credential = seal_record(make_record(70), make_signer("seal"))
    index = ledger.append(ledger.sign_issue(credential, number=CertificateNumber("JY2026-999999")))
    files = publish(ledger)
    (tmp_path / "x").write_bytes(encode_canonical_json(credential))
    file, leaf, sentence = find(files, ledger, documents=Documents(tmp_path))
    assert (file, leaf) == (str(tmp_path / "x"), index)
    assert "statement.number" in sentence


def test_a_document_that_is_no_certificate_is_a_contradiction(tmp_path):
    ledger = make_ledger()
    credential = seal_record(make_record(70), make_signer("seal"))
    (tmp_path / "x").write_bytes(b"{}")
    digest = hashlib.sha256(b"{}").digest()
    ledger.append(ledger.sign_issue(credential, certificate_digest=digest))
    assert "no certificate" in find(publish(ledger), ledger, documents=Documents(tmp_path))[2]


def test_documents_that_are_no_folder_are_wrong_input(tmp_path):
    with pytest.raises(InputError, match="no folder"):
        Documents(tmp_path / "nowhere")


# --- folders ------------------------------------------------------------------------------------------------


def test_a_folder_is_read_as_it_stands(large, tmp_path):
    ledger, files = large
    source = FolderSource(write_files(files, tmp_path))
    assert audit_log(source, ledger.policy()).exit_code == 0
    (tmp_path / "tile" / "empty").mkdir()
    assert audit_log(source, ledger.policy()).exit_code == 0, "an empty folder is no file"


@pytest.mark.parametrize("make", ["link", "folder_link", "broken_link", "pipe", "tile_link"])
def test_what_is_no_plain_file_is_found(small, tmp_path, make):
    ledger, files = small
    folder = write_files(files, tmp_path / "log")
    place = folder / "tile" / "0" / "000.p" / "13"
    if make == "link":
        place.rename(tmp_path / "elsewhere")
        place.symlink_to(tmp_path / "elsewhere")
    elif make == "folder_link":
        (folder / "tile" / "more").symlink_to(tmp_path)
    elif make == "broken_link":
        (folder / "tile" / "more").symlink_to(tmp_path / "nowhere")
    elif make == "pipe":
        os.mkfifo(folder / "tile" / "more")
    else:
        (folder / "tile").rename(tmp_path / "tile")
        (folder / "tile").symlink_to(tmp_path / "tile")
    report = audit_log(FolderSource(folder), ledger.policy())
    assert report.contradiction.file == {"link": "tile/0/000.p/13", "tile_link": "tile"}.get(
        make, "tile/more"
    )


def test_a_folder_in_place_of_a_file_and_a_file_in_place_of_a_folder_are_found(small, tmp_path):
    ledger, files = small
    folder = write_files(files, tmp_path)
    (folder / "tile" / "0" / "000.p" / "13").unlink()
    (folder / "tile" / "0" / "000.p" / "13").mkdir()
    assert audit_log(FolderSource(folder), ledger.policy()).contradiction.file == "tile/0/000.p/13"
    (folder / "tile" / "0" / "000.p" / "13").rmdir()
    (folder / "tile" / "0" / "000.p").rmdir()
    (folder / "tile" / "0" / "000.p").write_bytes(b"x")
    assert audit_log(FolderSource(folder), ledger.policy()).contradiction.file == "tile/0/000.p"


def test_a_file_much_too_long_is_not_read_whole(tmp_path):
    (tmp_path / "x").write_bytes(bytes(100))
    assert FolderSource(tmp_path).read("x", 100) == bytes(100)
    with pytest.raises(ContradictionError, match="longer than 99"):
        FolderSource(tmp_path).read("x", 99)
