"""`hengzheng verify pack.zip`: the proofs in a pack by one's own policy, and every file against the pack's sums."""

import hashlib
import io
import json
import struct
import zipfile
from dataclasses import replace

import pytest
from evidence_packs import pack_files, pack_of, read_all
from ledger_in_memory import NOW, MemoryLedger
from verdict_states import RichSite, make_shown

from api.evidence.archive import read_manifest
from api.shown import Shown
from ledger.core.data import load_rule_book
from ledger.core.errors import InputError, MalformedDocumentError, PolicyMismatchError
from ledger.core.event import EventType
from ledger.core.policy import encode_policy
from ledger.core.step import Step, Verdict
from verifier import cli, pack
from verifier.pack import verify_pack
from verifier.report import DocumentStatus
from verifier.session import Session

LEDGER = MemoryLedger().found()
FIRST, SECOND = (LEDGER.issue(number) for number in (1, 2))
SESSION = LEDGER.session()
PACK = pack_files(SESSION.policy, LEDGER.bundle(FIRST))
FILES = read_all(PACK)


def zip_of(files, method=zipfile.ZIP_DEFLATED):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, raw in files.items():
            archive.writestr(name, raw)
    return packed.getvalue()


def outcomes(report):
    return {check.step: check.outcome.value for check in report.checks}


def reason(report, step):
    return next(check.reason for check in report.checks if check.step is step)


def test_a_pack_is_what_its_bundle_is():
    report = verify_pack(PACK, SESSION, NOW)
    assert (report.verdict, report.status) == (Verdict.VALID, DocumentStatus.VALID)
    assert outcomes(report)[Step.INTEGRITY] == "PASSED"


@pytest.mark.parametrize("shown", [Shown.CANCELLED, Shown.SUSPENDED, Shown.SUPERSEDED, Shown.FAILED_SINCE])
def test_how_it_stands_is_what_its_newest_proof_shows(shown):
    with RichSite().found() as served:
        code = make_shown(served, shown).rpartition("/")[2]
        raw = pack_of(served, code)
        session = pack_session(served.policy)
        report = verify_pack(raw, session, served.now)
        without = verify_pack(repack(raw, drop="newest.json"), session, served.now)
    assert report.status == shown.value
    assert report.verdict.value == read_manifest(raw)["verdict"]
    assert outcomes(without)[Step.INTEGRITY] == "FAILED", "a newest proof that was taken out is missed"


def pack_session(policy):
    return Session(policy, load_rule_book(), None)


def repack(raw, drop=None, **changes):
    files = {name: content for name, content in read_all(raw).items() if name != drop}
    return zip_of(files | {name.replace("__", "."): content for name, content in changes.items()})


@pytest.mark.parametrize("name", [name for name in FILES if name not in {"SHA256SUMS", "bundle.json"}])
def test_a_file_that_was_changed_or_taken_out_is_named(name):
    changed = zip_of(FILES | {name: FILES[name] + b" "})
    missing = repack(PACK, drop=name)
    for raw in (changed, missing):
        report = verify_pack(raw, SESSION, NOW)
        assert report.verdict is Verdict.INVALID
        assert name in reason(report, Step.INTEGRITY).en
        assert name in reason(report, Step.INTEGRITY).zh
        assert report.document is None


def test_a_file_that_was_added_is_named():
    report = verify_pack(zip_of(FILES | {"more.txt": b"x"}), SESSION, NOW)
    assert "more.txt" in reason(report, Step.INTEGRITY).en


def with_sums(files):
    sums = "".join(
        f"{hashlib.sha256(raw).hexdigest()}  {name}\n" for name, raw in files.items() if name != "SHA256SUMS"
    )
    return zip_of(files | {"SHA256SUMS": sums.encode()})


def test_another_documents_record_is_found_though_the_sums_are_right():
    other = read_all(pack_files(SESSION.policy, LEDGER.bundle(SECOND)))
    for name in ("certificate.json", "newest.json"):
        content = other["certificate.json"] if name == "certificate.json" else other["bundle.json"]
        report = verify_pack(with_sums(FILES | {name: content}), SESSION, NOW)
        assert report.verdict is Verdict.INVALID
        assert outcomes(report)[Step.BINDING] == "FAILED"
        assert name in reason(report, Step.BINDING).en


def test_a_forged_proof_is_found_though_the_sums_are_right():
    forged = FILES["bundle.json"].replace(b"SN", b"XN", 1)
    assert forged != FILES["bundle.json"]
    record = json.dumps(
        json.loads(forged)["certificate"], ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    report = verify_pack(
        with_sums(FILES | {"bundle.json": forged, "certificate.json": record.encode()}), SESSION, NOW
    )
    assert report.verdict is Verdict.INVALID
    assert outcomes(report)[Step.SEAL] == "FAILED"


def test_what_is_believed_is_ones_own_policy():
    """A pack with another policy in it is judged by the verifier's own."""
    other = with_sums(FILES | {"policy.json": b"{}"})
    assert verify_pack(other, SESSION, NOW).verdict is Verdict.VALID
    elsewhere = replace(SESSION.policy, origin="other.example/log")
    with pytest.raises(PolicyMismatchError):
        verify_pack(PACK, pack_session(elsewhere), NOW)


@pytest.fixture(scope="module")
def cancelled():
    """Return a log, and its first document before and after it was cancelled."""
    ledger = MemoryLedger().found()
    index = ledger.issue(1)
    ledger.issue(2)
    before = ledger.publish()
    ledger.act(EventType.CANCEL)
    after = ledger.publish()
    return ledger, ledger.bundle(index, before), ledger.bundle(index, after)


def test_a_proof_from_before_a_cancellation_is_not_the_newest(cancelled):
    ledger, before, after = cancelled
    session = ledger.session()
    report = verify_pack(with_sums({"bundle.json": after, "newest.json": before}), session, NOW)
    assert (report.verdict, report.status) == (Verdict.INVALID, DocumentStatus.CANCELLED)


def test_an_older_state_as_the_newest_leaves_the_status_open():
    ledger = MemoryLedger().found()
    number = ledger.issue(1)
    before = ledger.publish()
    ledger.issue(2)
    after = ledger.publish()
    files = {"bundle.json": ledger.bundle(number, after), "newest.json": ledger.bundle(number, before)}
    report = verify_pack(with_sums(files), ledger.session(), NOW)
    assert report.verdict is Verdict.UNKNOWN
    assert "older state" in reason(report, Step.STATUS).en


def test_two_states_of_one_size_are_found():
    ledger, other = MemoryLedger().found(), MemoryLedger().found()
    number, same = ledger.issue(1), other.issue(1)
    ledger.issue(2)
    other.issue(3)
    assert ledger.publish() == other.publish()
    files = {"bundle.json": ledger.bundle(number), "newest.json": other.bundle(same)}
    report = verify_pack(with_sums(files), ledger.session(), NOW)
    assert report.verdict is Verdict.INVALID
    assert "two different states" in reason(report, Step.CHECKPOINT).en


# --- no pack --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        b"PK\x03\x04",
        PACK[:1000],
        PACK[:-30],
        zip_of({}),
        zip_of({"a.txt": b"x"}),
        repack(PACK, drop="bundle.json"),
        repack(PACK, drop="SHA256SUMS"),
        zip_of(FILES | {"SHA256SUMS": b"no sums"}),
        zip_of(FILES | {"SHA256SUMS": b"0" * 64 + b"  x\n" * 100}),
        zip_of(FILES | {"bundle.json": b"{}"}),
        zip_of(FILES | {"newest.json": b"no proof"}),
        zip_of(FILES | {"../x": b"x"}),
        zip_of(FILES | {"/etc/x": b"x"}),
        zip_of(FILES | {"folder/x": b"x"}),
        zip_of({f"f{number}": b"x" for number in range(65)}),
        zip_of(FILES, zipfile.ZIP_BZIP2),
        zip_of(FILES, zipfile.ZIP_LZMA),
    ],
)
def test_what_is_no_pack_is_refused_with_a_sentence(raw):
    with pytest.raises(InputError) as caught:
        verify_pack(raw, SESSION, NOW)
    assert "Traceback" not in str(caught.value)


def test_a_name_that_stands_twice_is_refused():
    packed = io.BytesIO(PACK)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(packed, "a") as archive:
        archive.writestr("report.txt", b"another")
    with pytest.raises(MalformedDocumentError, match="one twice"):
        verify_pack(packed.getvalue(), SESSION, NOW)


def test_a_place_beyond_every_file_is_refused():
    """An entry that begins at 2^63 in the extended field of its own (ZIP64)."""
    raw = bytearray(zip_of(FILES, zipfile.ZIP_STORED))
    at, end = raw.rfind(b"PK\x01\x02"), raw.rfind(b"PK\x05\x06")
    name, field = int.from_bytes(raw[at + 28 : at + 30], "little"), struct.pack("<HHQ", 1, 8, 2**63)
    struct.pack_into("<I", raw, end + 12, int.from_bytes(raw[end + 12 : end + 16], "little") + len(field))
    struct.pack_into("<I", raw, at + 42, 0xFFFFFFFF)
    struct.pack_into("<H", raw, at + 30, len(field))
    raw[at + 46 + name : at + 46 + name] = field
    with pytest.raises(MalformedDocumentError, match="damaged"):
        verify_pack(bytes(raw), SESSION, NOW)


def test_a_long_directory_is_not_read(monkeypatch):
    raw = zip_of({f"f{number}": b"" for number in range(1000)})
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(MalformedDocumentError, match="too many files"):
        verify_pack(raw, SESSION, NOW)


def test_a_bomb_is_not_unpacked(monkeypatch):
    monkeypatch.setattr(pack, "MAX_UNPACKED_BYTES", 1024 * 1024)
    for size in (2 * 1024 * 1024, 64 * 1024 * 1024):
        with pytest.raises(MalformedDocumentError, match="more than 1048576 bytes"):
            verify_pack(zip_of({"a": bytes(size)}), SESSION, NOW)


@pytest.mark.parametrize("seed", range(40))
def test_damage_anywhere_is_refused_or_found(seed):
    """One byte of the ZIP changed: a sentence, a failed step, or the very same files."""
    at = (seed * 7919 + 31) % len(PACK)
    raw = bytearray(PACK)
    raw[at] ^= 1 << (seed % 8)
    try:
        report = verify_pack(bytes(raw), SESSION, NOW)
    except InputError:
        return
    if report.verdict is Verdict.VALID:
        assert read_all(bytes(raw)) == FILES


def test_the_command_takes_a_pack(tmp_path, capsys):
    (tmp_path / "pack.zip").write_bytes(PACK)
    (tmp_path / "policy.json").write_bytes(encode_policy(SESSION.policy))
    words = [str(tmp_path / "pack.zip"), "--policy", str(tmp_path / "policy.json"), "--json", "--at"]
    assert cli.main([*words, f"{NOW:%Y-%m-%dT%H:%M:%SZ}"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "VALID"
    (tmp_path / "pack.zip").write_bytes(repack(PACK, drop="report.txt"))
    assert cli.main([*words, f"{NOW:%Y-%m-%dT%H:%M:%SZ}"]) == 1
    assert "report.txt" in capsys.readouterr().out
    (tmp_path / "pack.zip").write_bytes(PACK[:500])
    assert cli.main([*words, f"{NOW:%Y-%m-%dT%H:%M:%SZ}"]) == 2
    assert "no evidence pack" in json.loads(capsys.readouterr().out)["error"]
