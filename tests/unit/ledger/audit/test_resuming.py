"""An audit that was killed goes on; a state file that is not its own changes nothing of what is found."""

import stat

import pytest
from ledger_in_memory import MemoryLedger, make_record, make_signer, seal_record
from published import FilesSource, publish

import ledger.core.replay
from ledger.audit import replay
from ledger.audit.replay import audit_log
from ledger.audit.report import report_members
from ledger.audit.resuming import Milestone, StateFile, load_key
from ledger.core.errors import InputError, UnavailableError
from ledger.core.ids import TreeSize
from ledger.core.merkle import build_root

KEY = bytes(range(32))


@pytest.fixture(scope="module")
def honest():
    """350 leaves and two that are VOID, one of them because its signature is broken."""
    made = MemoryLedger().found()
    made.publish()
    made.issue_many(300)
    made.append(made.sign_issue(seal_record(make_record(900), make_signer("seal")), "stranger"))
    made.append(break_signature(made.sign_issue(seal_record(make_record(901), make_signer("seal")), "seal")))
    for number in range(400, 440):
        made.issue(number)
    made.publish()
    return made, publish(made, receipts=[made.receipt(TreeSize(6))])


def break_signature(raw: bytes) -> bytes:
    return raw[:-1] + bytes([raw[-1] ^ 1])


@pytest.fixture
def count_signatures(monkeypatch):
    verified = []
    real = replay.verify_statement

    def verify(signed, key, origin):
        verified.append(signed.raw)
        real(signed, key, origin)

    monkeypatch.setattr(replay, "verify_statement", verify)
    monkeypatch.setattr("ledger.audit.signatures.verify_statement", verify)
    monkeypatch.setattr(ledger.core.replay, "verify_statement", verify)
    return verified


def state_of(tmp_path, made, key=KEY, **policy):
    return StateFile(tmp_path / "state", key, made.policy(**policy))


def milestone(made, size):
    return Milestone(TreeSize(size), build_root(TreeSize(size), made.tree().read))


def kill_at(size):
    def stop(done, _all):
        if done >= size:
            raise KeyboardInterrupt

    return stop


def test_a_killed_audit_goes_on_and_finds_the_same(honest, tmp_path, count_signatures, monkeypatch):
    made, files = honest
    monkeypatch.setattr(replay, "SAVED_LEAVES", 256)
    whole = audit_log(FilesSource(files), made.policy())
    everything = len(count_signatures)
    state = state_of(tmp_path, made)
    with pytest.raises(KeyboardInterrupt):
        audit_log(FilesSource(files), made.policy(), on_progress=kill_at(made.size), state=state)
    assert state.load() == milestone(made, 256)
    count_signatures.clear()
    resumed = audit_log(FilesSource(files), made.policy(), state=state)
    assert report_members(resumed) == report_members(whole)
    assert len(count_signatures) < everything - 240
    assert state.load() == milestone(made, made.size)
    count_signatures.clear()
    again = audit_log(FilesSource(files), made.policy(), state=state)
    assert report_members(again) == report_members(whole)
    assert len(count_signatures) == 1, "the one leaf that is VOID because of its signature"


def test_a_grown_log_goes_on_in_the_middle_of_a_file(honest, tmp_path, count_signatures):
    made, files = honest
    older = publish(made, size=6, receipts=[made.receipt(TreeSize(6))])
    state = state_of(tmp_path, made)
    assert audit_log(FilesSource(older), made.policy(), state=state).exit_code == 0
    count_signatures.clear()
    assert audit_log(FilesSource(files), made.policy(), state=state).exit_code == 0
    assert len(count_signatures) == made.size - 6 - 1 - 1, "all but the founding, a MAPHEAD, a stranger's"


def liars_log():
    """A log that let in, as if it took effect, a statement whose signature does not verify."""
    liar = MemoryLedger().found()
    liar.publish()
    liar.issue_many(20)
    liar.force(break_signature(liar.sign_issue(seal_record(make_record(60), make_signer("seal")), "seal")))
    for number in range(70, 75):
        liar.issue(number)
    liar.publish()
    return liar, publish(liar)


def test_a_forged_state_hides_nothing(tmp_path):
    liar, files = liars_log()
    found = audit_log(FilesSource(files), liar.policy()).contradiction
    assert found.leaf_index == 26
    forged = milestone(liar, liar.size)
    believed = state_of(tmp_path, liar)
    believed.save(forged)
    assert audit_log(FilesSource(files), liar.policy(), state=believed).exit_code == 0, "the key is the point"
    for strange in (bytes(32), b"\1" * 32):
        StateFile(tmp_path / "state", strange, liar.policy()).save(forged)
        report = audit_log(FilesSource(files), liar.policy(), state=believed)
        assert report.contradiction.leaf_index == 26


def test_no_member_of_a_state_can_be_changed(honest, tmp_path):
    made, _ = honest
    state = state_of(tmp_path, made)
    state.save(milestone(made, 256))
    raw = (tmp_path / "state").read_bytes()
    for at in range(len(raw)):
        (tmp_path / "state").write_bytes(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
        assert state.load() is None, at
    for content in (b"", b"{}", b"[]", raw[:-1], raw + b" ", b"\xff"):
        (tmp_path / "state").write_bytes(content)
        assert state.load() is None
    (tmp_path / "state").unlink()
    assert state.load() is None


def test_a_state_is_good_for_one_policy_alone(honest, tmp_path):
    made, _ = honest
    state_of(tmp_path, made).save(milestone(made, 256))
    assert state_of(tmp_path, made).load() is not None
    assert state_of(tmp_path, made, version=2).load() is None
    assert state_of(tmp_path, made, key=bytes(32)).load() is None


def test_a_state_of_other_leaves_counts_for_nothing(honest, tmp_path, count_signatures):
    made, files = honest
    audit_log(FilesSource(files), made.policy())
    everything = len(count_signatures)
    for size, root in (
        (256, bytes(32)),
        (made.size, bytes(32)),
        (made.size + 1, bytes(32)),
        (2**40, bytes(32)),
    ):
        state = state_of(tmp_path, made)
        state.save(Milestone(TreeSize(size), root))
        count_signatures.clear()
        assert audit_log(FilesSource(files), made.policy(), state=state).exit_code == 0
        assert len(count_signatures) == everything


def test_every_changed_file_is_found_below_the_milestone_too(honest, tmp_path):
    made, files = honest
    for path, content in files.items():
        state = state_of(tmp_path, made)
        state.save(milestone(made, made.size))
        at = len(content) // 2
        changed = files | {path: content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]}
        try:
            assert audit_log(FilesSource(changed), made.policy(), state=state).exit_code == 1, path
        except InputError:
            assert path == "checkpoint"


def test_a_contradiction_is_no_milestone(tmp_path):
    liar, files = liars_log()
    state = state_of(tmp_path, liar)
    assert audit_log(FilesSource(files), liar.policy(), state=state).exit_code == 1
    assert state.load() is None


def test_the_key_is_made_once_and_is_private(tmp_path):
    path = tmp_path / "state" / "hengzheng" / "audit.key"
    key = load_key(path)
    assert len(key) == 32
    assert load_key(path) == key != load_key(tmp_path / "other")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_bytes(b"short")
    with pytest.raises(InputError, match="no key"):
        load_key(path)


def test_an_unreachable_source_says_so_when_going_on(honest, tmp_path):
    made, files = honest
    state = state_of(tmp_path, made)
    state.save(milestone(made, 256))

    class Gone(FilesSource):
        def read(self, path, most):
            if path.startswith("tile/0"):
                raise UnavailableError("gone")
            return super().read(path, most)

    with pytest.raises(UnavailableError):
        audit_log(Gone(files), made.policy(), state=state)


def test_a_source_that_turns_while_it_is_read_gains_nothing(tmp_path):
    """First it shows the tiles of the state's leaves, then those of others: all of them are verified then."""
    liar, false = liars_log()
    good = MemoryLedger().found()
    good.publish()
    good.issue_many(26)
    good.publish()
    assert good.size == liar.size
    true = publish(good)
    state = state_of(tmp_path, liar)
    state.save(milestone(good, good.size))
    shown = []

    class Turning(FilesSource):
        def read(self, path, most):
            if path.startswith("tile/0") and path not in shown:
                shown.append(path)
                return true[path]
            return super().read(path, most)

    assert audit_log(Turning(false), liar.policy(), state=state).contradiction.leaf_index == 26
    assert shown
