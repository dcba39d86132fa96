"""A witness's directory: its keys, its database, the logs that it watches, and what shows their faults to others.

    witness.json            name, development or not
    keystore/witness.pem    encrypted key
    keystore/witness-bls.pem    the same of its BLS key, if it has one
    bls.vkey                public: the BLS key under the witness's name, with its proof of possession
    secrets/passphrase      of a development witness only
    witness.db              what it has seen, replayed and signed; never restored from a backup
    logs/<id>.json          one log each: its policy, the address of its server, perhaps a node
    evidence/<id>.json      checkpoints and leaves that show a log's fault

Rules: what is made once is never overwritten; one process at a time serves it.

>>> home = create_witness(Path("hengzheng-witness"), name="w1.example", development=True, passphrase=None)
>>> add_log(home, policy_raw, url="https://ledger.example.cn", node=None)
"""

import fcntl
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from ledger.core.bls import BlsSigner, load_arkworks
from ledger.core.canonical import JsonObject, encode_canonical_json, parse_json
from ledger.core.cosignature import Witness
from ledger.core.errors import (
    HomeLockedError,
    InputError,
    MalformedDocumentError,
    NotFoundError,
    StateError,
)
from ledger.core.fields import Reader
from ledger.core.note import check_key_name
from ledger.core.policy import Policy, parse_policy
from ledger.core.quorum_certificate import (
    BlsWitness,
    encode_bls_witness,
    make_bls_witness,
    parse_bls_witness,
)
from ledger.files import PRIVATE_FILE, create_file, make_private_directory, replace_file
from ledger.http_client import make_client
from ledger.keystore import KeyAlgorithm, Keystore
from ledger.passphrase import Passphrase, read_passphrase_file

DEFAULT_WITNESS: Final = Path("hengzheng-witness")
WITNESS_KEY: Final = "witness"
BLS_KEY: Final = "witness-bls"
WITNESS_TYPE: Final = "hengzheng/witness/v1"
WATCHED_TYPE: Final = "hengzheng/watched-log/v1"
_CONFIG: Final = "witness.json"


@dataclass(frozen=True, slots=True)
class WatchedConfig:
    """One log as the operator of the witness has configured it."""

    policy: Policy
    url: str
    """Where its files are read: https, or http of this machine."""
    node: str | None
    """Where its contract is read; None: it is not."""


@dataclass(frozen=True, slots=True)
class WitnessHome:
    """An opened directory."""

    path: Path
    name: str
    """In its signature lines."""
    development: bool
    """Nobody outside relies on what it signs."""

    @property
    def keystore(self) -> Keystore:
        """Its keys."""
        return Keystore(self.path / "keystore")

    @property
    def identity(self) -> Witness:
        """Name and public key."""
        return Witness(self.name, self.keystore.label(WITNESS_KEY).public_key)

    @property
    def bls(self) -> BlsWitness | None:
        """Name, BLS key and its proof of possession; None if the witness has none.

        Raises:
            InputError: the file is none of this witness.
        """
        try:
            found = parse_bls_witness(self.bls_path.read_text("ascii").removesuffix("\n"))
        except FileNotFoundError:
            return None
        except (InputError, UnicodeDecodeError) as err:
            raise MalformedDocumentError("holds no BLS vkey of a witness", field=str(self.bls_path)) from err
        if (found.name, found.key.hex()) != (self.name, self.keystore.label(BLS_KEY).public):
            raise MalformedDocumentError(f"is not of {self.name} and its BLS key", field=str(self.bls_path))
        return found

    @property
    def bls_path(self) -> Path:
        """Where the vkey of its BLS key stands: the proof in it takes the secret to make."""
        return self.path / "bls.vkey"

    @property
    def database_url(self) -> str:
        """Where it keeps what it has seen and signed."""
        return f"sqlite:///{self.path.resolve() / 'witness.db'}"

    @property
    def evidence(self) -> Path:
        """Folder for what shows faults to others."""
        return self.path / "evidence"

    @property
    def passphrase_path(self) -> Path:
        """Where a development witness keeps its passphrase."""
        return self.path / "secrets" / "passphrase"


def create_witness(
    path: Path, *, name: str, development: bool, passphrase: Passphrase | None, bls: bool = False
) -> WitnessHome:
    """Make a witness's directory with its keys, or finish one that was begun; an equal one is simply opened.

    Args:
        path: the directory.
        name: in its signature lines, as `witness.example.cn`; for ever.
        development: a passphrase is made up and kept.
        passphrase: opens the keys; needed unless this is for development.
        bls: it has a BLS key too; one that is there already gets one.

    Raises:
        InputError: a bad name, no passphrase, or not the one that opens the key that is there.
        StateError: another witness is there.
    """
    check_key_name(name)
    if passphrase is None and not development:
        raise InputError("a witness that is not for development needs one", field="passphrase")
    path.mkdir(parents=True, exist_ok=True)
    members: JsonObject = {"type": WITNESS_TYPE, "name": name, "development": development}
    with suppress(FileExistsError):
        create_file(path / _CONFIG, encode_canonical_json(members) + b"\n", mode=PRIVATE_FILE)
    home = open_witness(path)
    if (home.name, home.development) != (name, development):
        raise StateError(f"{path} is the witness {home.name}; choose another directory")
    if WITNESS_KEY not in home.keystore:
        home.keystore.create(WITNESS_KEY, KeyAlgorithm.ED25519, passphrase or _ensure_passphrase(home))
    if bls and home.bls is None:
        _add_bls_key(home, passphrase or find_witness_passphrase(home))
    return home


def _add_bls_key(home: WitnessHome, passphrase: Passphrase) -> None:
    """Make the key, or go on where making it broke off; its vkey is written last, and makes it one."""
    home.keystore.open_signer(WITNESS_KEY, passphrase)  # one passphrase opens both
    if BLS_KEY not in home.keystore:
        home.keystore.create(BLS_KEY, KeyAlgorithm.BLS, passphrase)
    signer = home.keystore.open_bls_signer(BLS_KEY, passphrase)
    vkey = encode_bls_witness(make_bls_witness(home.name, signer))
    with suppress(FileExistsError):
        create_file(home.bls_path, vkey.encode() + b"\n")


def open_witness(path: Path) -> WitnessHome:
    """Open a witness's directory.

    Raises:
        NotFoundError: there is none.
        InputError: its file cannot be read.
    """
    reader = _read(path / _CONFIG, f"there is no witness at {path}: make one with `hengzheng witness init`")
    reader.text("type", max_bytes=40, pattern=WITNESS_TYPE)
    home = WitnessHome(path, reader.text("name", max_bytes=255), reader.boolean("development"))
    reader.finish()
    check_key_name(home.name)
    return home


def find_witness_passphrase(home: WitnessHome) -> Passphrase:
    """Return the passphrase that a development witness keeps.

    Raises:
        InputError: there is none.
    """
    if not home.passphrase_path.exists():
        raise InputError("this witness keeps none; give it with --passphrase-file", field="passphrase")
    return read_passphrase_file(home.passphrase_path)


def open_bls_signer(home: WitnessHome, passphrase: Passphrase) -> BlsSigner | None:
    """Return what signs shares of quorum certificates; None if the witness has no BLS key.

    Raises:
        InputError: wrong passphrase, or a damaged file.
        StateError: there is only the library whose signing takes a time that depends on the key.
    """
    if home.bls is None:
        return None
    if not home.development:
        try:
            load_arkworks()
        except ImportError as err:
            raise StateError(
                "only py-arkworks-bls12381 signs for others, and it is not installed here"
            ) from err
    return home.keystore.open_bls_signer(BLS_KEY, passphrase)


def add_log(home: WitnessHome, policy_raw: bytes, *, url: str, node: str | None) -> WatchedConfig:
    """Watch a log from now on, or with another address.

    Args:
        home: the witness.
        policy_raw: the log's policy file, which the witness's operator believes.
        url: of the log's server.
        node: URL of a node at which to read the log's contract.

    Raises:
        InputError: no policy, or an address that is none.
        StateError: the same log is watched under another key or root.
    """
    policy = parse_policy(policy_raw)
    make_client(url, field="--url").close()
    if node is not None and policy.contract is None:
        raise InputError("the policy names no contract to look at", field="--node")
    path = _log_path(home, policy.origin)
    if path.exists():
        known = _load_log(path).policy
        if (known.log_key, known.root_digest) != (policy.log_key, policy.root_digest):
            raise StateError(f"{policy.origin} is watched under another key or root: that is another log")
    members: JsonObject = {"type": WATCHED_TYPE, "url": url, "policy": parse_json(policy_raw)}
    if node is not None:
        members["node"] = node
    make_private_directory(path.parent)
    replace_file(path, encode_canonical_json(members) + b"\n", mode=PRIVATE_FILE)
    return _load_log(path)


def load_logs(home: WitnessHome) -> list[WatchedConfig]:
    """Return the logs that are watched.

    Raises:
        InputError: a file cannot be read.
    """
    return [_load_log(path) for path in sorted((home.path / "logs").glob("*.json"))]


@contextmanager
def lock_witness(home: WitnessHome) -> Iterator[None]:
    """Serve this witness as the only process; the system gives it back even after SIGKILL.

    Raises:
        HomeLockedError: another process has it.
    """
    with (home.path / "witness.lock").open("a", encoding="ascii") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HomeLockedError(f"another process serves the witness of {home.path}") from None
        yield


def _log_path(home: WitnessHome, origin: str) -> Path:
    return home.path / "logs" / f"{sha256(origin.encode()).hexdigest()[:16]}.json"


def _load_log(path: Path) -> WatchedConfig:
    reader = _read(path, f"{path} is gone")
    reader.text("type", max_bytes=40, pattern=WATCHED_TYPE)
    url = reader.text("url", max_bytes=2000)
    policy = parse_policy(encode_canonical_json(reader.members("policy")))
    node = reader.opt_text("node", max_bytes=2000)
    reader.finish()
    return WatchedConfig(policy, url, node)


def _read(path: Path, absent: str) -> Reader:
    try:
        value = parse_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(absent) from None
    except InputError as err:
        raise MalformedDocumentError(err.reason, field=str(path)) from err
    return Reader(value, path.name)


def _ensure_passphrase(home: WitnessHome) -> Passphrase:
    make_private_directory(home.passphrase_path.parent)
    with suppress(FileExistsError):
        create_file(home.passphrase_path, secrets.token_urlsafe(32).encode() + b"\n", mode=PRIVATE_FILE)
    return find_witness_passphrase(home)
