"""A development home that certifies its own checkpoints: keys, store, published notes, and what doctor says."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from world import ORIGIN, World, submit

from ledger.core.errors import InputError, LogIntegrityError, NotFoundError, StateError
from ledger.core.quorum_certificate import open_certificates
from ledger.cosigning.cosigner import REFRESH, Cosigner
from ledger.cosigning.development import create_development_witnesses, open_development_signers
from ledger.cosigning.publishing import find_anchorable
from ledger.cosigning.witnesses import load_witnesses
from ledger.doctor.diagnosis import diagnose
from ledger.home import create_home, find_passphrase
from ledger.keystore import KeyAlgorithm
from ledger.passphrase import Passphrase
from ledger.proving import Prover
from ledger.store.records import StoredCosignature

WORLD = World()


@pytest.fixture
def home(tmp_path):
    made = create_home(tmp_path / "home", origin=ORIGIN, development=True)
    create_development_witnesses(made, 7)
    return made


class Stage:
    def __init__(self, log, store, home):
        self.log, self.store = log, store
        self.named = load_witnesses(home)
        self.quorum = self.named.quorum
        self.prover = Prover(store, ORIGIN, self.quorum)
        self.now = datetime.now(UTC)
        self.signers = open_development_signers(home, self.named)
        self.cosigner = Cosigner(store, self.prover, self.named, lambda: self.now, self.signers)

    def published(self):
        found = self.prover.published_checkpoint()
        return found.tree_size, open_certificates(found.note, self.quorum.bls)


@pytest.fixture
def stage(log, store, home):
    return Stage(log, store, home)


def test_seven_keys_certify_the_log_as_it_grows(stage):
    size = stage.log.head.tree_size
    with stage.store.read() as reading, pytest.raises(NotFoundError, match="by 4 of 7 witnesses"):
        find_anchorable(reading, stage.quorum)
    assert stage.cosigner.ask_all() == 7
    found_size, signed = stage.published()
    assert found_size == size
    assert [one.witness.name for one in signed] == [f"witness-{number}.development" for number in range(1, 8)]
    assert {one.cosigned_at for one in signed} == {stage.now.replace(second=0, microsecond=0)}
    submit(stage.log, WORLD.issue(1))
    assert stage.published()[0] == size, "what is not certified yet is not published"
    stage.cosigner.ask_all()
    assert stage.published()[0] == stage.log.head.tree_size > size
    with stage.store.read() as reading:
        assert find_anchorable(reading, stage.quorum).tree_size == stage.log.head.tree_size
    assert diagnose(stage.store, ORIGIN)["checkpoints"] > 1


def test_an_idle_log_is_certified_again_when_its_certificate_is_old(stage):
    stage.cosigner.ask_all()
    stage.now += timedelta(minutes=2)
    stage.cosigner.ask_all()
    assert {one.cosigned_at for one in stage.published()[1]} == {
        (stage.now - timedelta(minutes=2)).replace(second=0, microsecond=0)
    }
    stage.now += REFRESH
    stage.cosigner.ask_all()
    assert {one.cosigned_at for one in stage.published()[1]} == {stage.now.replace(second=0, microsecond=0)}


def test_witnesses_of_different_minutes_stand_in_two_certificates(stage):
    some = dict(list(stage.signers.items())[:3])
    Cosigner(stage.store, stage.prover, stage.named, lambda: stage.now, some).ask_all()
    stage.now += timedelta(minutes=3)
    stage.cosigner.ask_all()
    found = stage.prover.published_checkpoint()
    assert found.note.count("/quorum ") == 2
    times = [one.cosigned_at for one in open_certificates(found.note, stage.quorum.bls)]
    assert [times.count(at) for at in sorted(set(times))] == [3, 4]


def test_doctor_finds_a_false_signature_and_the_store_keeps_all(stage):
    stage.cosigner.ask_all()
    size = stage.log.head.tree_size
    with stage.store.read() as reading:
        vkey, stored = next(iter(reading.read_cosignatures(size).items()))
    with (
        pytest.raises(LogIntegrityError, match="refuses a change"),
        stage.store.database.write() as connection,
    ):
        connection.execute(text("DELETE FROM cosignatures"))
    with stage.store.write() as queries:
        queries.add_cosignature(StoredCosignature(size, vkey, stored.cosigned_at + 60, stored.signature))
    with pytest.raises(LogIntegrityError, match="does not hold"):
        diagnose(stage.store, ORIGIN)


# --- the home -----------------------------------------------------------------------------------------------


def test_the_same_again_changes_nothing_and_other_witnesses_stay(home):
    before = home.witnesses_path.read_bytes()
    create_development_witnesses(home, 7)
    assert home.witnesses_path.read_bytes() == before
    with pytest.raises(StateError, match="names other witnesses"):
        create_development_witnesses(home, 3)
    assert home.witnesses_path.read_bytes() == before


def test_a_home_for_production_has_none(home, tmp_path):
    settings = {"node": "http://127.0.0.1:9", "finality": "depth:3"}
    passphrase = Passphrase(b"correct horse battery")
    production = create_home(
        tmp_path / "other", origin=ORIGIN, development=False, passphrase=passphrase, settings=settings
    )
    with pytest.raises(InputError, match="development"):
        create_development_witnesses(production, 7)
    production.witnesses_path.write_bytes(home.witnesses_path.read_bytes())
    with pytest.raises(InputError, match="only a home for development signs as its own witness"):
        load_witnesses(production)


def test_a_key_without_its_proof_is_refused_where_the_file_is_read(home):
    members = json.loads(home.witnesses_path.read_bytes())
    members["witnesses"][0]["bls"] = members["witnesses"][0]["bls"].replace("witness-1.", "witness-9.")
    home.witnesses_path.write_text(json.dumps(members))
    with pytest.raises(InputError, match="the key id"):
        load_witnesses(home)


def test_another_key_of_the_same_name_is_noticed(home):
    named = load_witnesses(home)
    path = home.path / "keystore" / "development-witness-1.pem"
    path.unlink()
    with pytest.raises(NotFoundError):
        open_development_signers(home, named)
    home.keystore.create("development-witness-1", KeyAlgorithm.BLS, find_passphrase(home))
    with pytest.raises(InputError, match=r"is not the key of witness-1\.development"):
        open_development_signers(home, named)
