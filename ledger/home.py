"""A home: the directory where one operator keeps keys, databases, policy, and what they were made for.

    home.toml               format, origin, development or not, and `[settings]`
    chain.json              the contract, see `anchoring.binding`
    keystore/<name>.pem     keys, encrypted or in a token: `log` signs checkpoints, `chain` sends anchors
    secrets/passphrase      of a development home only
    ledger.db, desk.db      databases, unless settings name others
    audit.db                the auditors' catalogue, which may be removed
    reports.db              what consumers have reported, sealed, and scans; where the home takes reports
    search.db               what people search without a code, which may be removed
    office.db               accounts, sessions, machines of an office; secrets/office-key opens what is secret there
    devchain/, anvil/       the chain of a development home
    witnesses.json          who is asked to cosign, see `cosigning.witnesses`
    policy.json, trust.json for verifiers; policy-next.json waits for the root to publish it

Rules: what is made once is never overwritten; an interrupted `create_home` is finished by the same call;
a home of another format, origin or kind is refused; one process at a time has the ledger (`lock_ledger`).

>>> home = create_home(Path("hengzheng-home"), origin="ledger.example/2026", development=True)
>>> with lock_ledger(home):
...     home.keystore.label("log").public_key
"""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from ledger.chain.finality import Finality, parse_finality
from ledger.core.errors import HomeLockedError, InputError, NotFoundError, StateError, UnavailableError
from ledger.core.note import check_key_name
from ledger.files import PRIVATE_FILE, create_file, make_private_directory
from ledger.keystore import KeyAlgorithm, Keystore
from ledger.passphrase import Passphrase, read_passphrase_file
from ledger.settings import ANVIL, DEVCHAIN, Settings, load_settings, parse_toml
from ledger.token_uri import TokenUri

DEFAULT_HOME: Final = Path("hengzheng-home")
HOME_FORMAT: Final = 3
"""Version of this layout; until 1.0 no home of another version is opened."""

LOG_KEY: Final = "log"
"""Name of the key that signs checkpoints, receipts and refusals."""

CHAIN_KEY: Final = "chain"
"""Name of the account that sends anchors."""

_CONFIG: Final = "home.toml"
_MAX_CONFIG_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Home:
    """An opened home."""

    path: Path
    origin: str
    """Name of the log."""
    development: bool
    """Nobody outside relies on what this home signs."""
    settings: Settings

    @property
    def keystore(self) -> Keystore:
        """The home's keys."""
        return Keystore(self.path / "keystore")

    @property
    def database_url(self) -> str:
        """Where the ledger lives."""
        return self.settings.database or f"sqlite:///{self.path.resolve() / 'ledger.db'}"

    @property
    def desk_database_url(self) -> str:
        """Where the institution's desk keeps its drafts."""
        return self.settings.desk_database or f"sqlite:///{self.path.resolve() / 'desk.db'}"

    @property
    def office_database_url(self) -> str:
        """Where an office keeps accounts and sessions."""
        return self.settings.office_database or f"sqlite:///{self.path.resolve() / 'office.db'}"

    @property
    def reports_database_url(self) -> str:
        """Where lies what consumers have reported."""
        return self.settings.reports_database or f"sqlite:///{self.path.resolve() / 'reports.db'}"

    @property
    def audit_database_url(self) -> str:
        """Where the auditors' catalogue lies, which follows from the ledger."""
        return self.settings.audit_database or f"sqlite:///{self.path.resolve() / 'audit.db'}"

    @property
    def search_database_url(self) -> str:
        """Where lies what people search without a code, which follows from the ledger."""
        return self.settings.search_database or f"sqlite:///{self.path.resolve() / 'search.db'}"

    @property
    def finality(self) -> Finality:
        """When a block counts as final."""
        return parse_finality(self.settings.finality)

    @property
    def zone(self) -> ZoneInfo:
        """Calendar dates are dates of this zone."""
        return ZoneInfo(self.settings.zone)

    @property
    def passphrase_path(self) -> Path:
        """Where a development home keeps its passphrase."""
        return self.path / "secrets" / "passphrase"

    @property
    def policy_path(self) -> Path:
        """Where verifiers find what to believe."""
        return self.path / "policy.json"

    @property
    def next_policy_path(self) -> Path:
        """Where the policy waits that is to be published next."""
        return self.path / "policy-next.json"

    @property
    def witnesses_path(self) -> Path:
        """Where the operator names the witnesses, and where each is asked."""
        return self.path / "witnesses.json"

    @property
    def trust_path(self) -> Path:
        """Where verifiers find the trust list."""
        return self.path / "trust.json"


# --- making and opening -----------------------------------------------------------------------------------


def create_home(
    path: Path,
    *,
    origin: str,
    development: bool,
    passphrase: Passphrase | None = None,
    settings: Mapping[str, Any] | None = None,
    log_token: TokenUri | None = None,
) -> Home:
    """Make a home with its keys, or finish one that was begun; an equal one that exists is simply opened.

    Args:
        path: the directory; absent, empty, or such a home.
        origin: name of the log, as `ledger.example/2026`.
        development: a passphrase is made up and kept in the home.
        passphrase: opens the keys; needed unless this is for development.
        settings: those that are not to have their default.
        log_token: where the log key lies or is made; None: in a file.

    Raises:
        InputError: a bad origin or setting, a production home without passphrase, node or finality, or a token
            that does not sign checkpoints.
        StateError: something else is there, as a log key elsewhere.
        TokenUnavailableError: the token is away or out of order.
    """
    chosen = dict(settings or {})
    if not (path / _CONFIG).exists():
        _check_new(path, origin, chosen, passphrase, development=development)
        path.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            config = _encode_config(origin, chosen, development=development)
            create_file(path / _CONFIG, config, mode=PRIVATE_FILE)
    home = _open_equal(path, origin, chosen, development=development)
    if log_token is not None:
        _enter_log_key(home, log_token)
    for name, algorithm in ((LOG_KEY, KeyAlgorithm.ED25519), (CHAIN_KEY, KeyAlgorithm.SECP256K1)):
        if name not in home.keystore:
            home.keystore.create(name, algorithm, passphrase or _ensure_passphrase(home))
    return home


def _enter_log_key(home: Home, token: TokenUri) -> None:
    """Let the log key be one of a token.

    Raises:
        StateError: there is a log key already, in a file.
    """
    if LOG_KEY not in home.keystore:
        home.keystore.create_in_token(LOG_KEY, KeyAlgorithm.ED25519, token)
    elif home.keystore.label(LOG_KEY).token is None:
        raise StateError(f"{home.path} has its log key in a file already; a log keeps its key")


def open_home(path: Path) -> Home:
    """Open a home.

    Raises:
        NotFoundError: there is none.
        StateError: a home of another format.
        InputError: its file cannot be read.
    """
    config = _load_config(path)
    if config.get("format") != HOME_FORMAT:
        raise StateError(
            f"{path} is a home of format {config.get('format')}, this version opens format {HOME_FORMAT}: "
            "make a new home"
        )
    origin, development, table = config.get("origin"), config.get("development"), config.get("settings", {})
    if not isinstance(origin, str) or not isinstance(development, bool) or not isinstance(table, dict):
        raise InputError("origin, development or settings is missing or of the wrong kind", field=_CONFIG)
    check_key_name(origin)
    return Home(path, origin, development, load_settings(table))


def find_passphrase(home: Home) -> Passphrase:
    """Return the passphrase that a development home keeps.

    Raises:
        InputError: there is none: this home's passphrase is given by its owner.
    """
    if not home.passphrase_path.exists():
        raise InputError("this home keeps none; give it with --passphrase-file", field="passphrase")
    return read_passphrase_file(home.passphrase_path)


@contextmanager
def lock_ledger(home: Home) -> Iterator[None]:
    """Hold the home's ledger as the only process; the system gives it back even after SIGKILL.

    Raises:
        HomeLockedError: another process has it.
    """
    with (home.path / "ledger.lock").open("a+", encoding="ascii") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            holder = stream.read(20).strip() or "unknown"
            raise HomeLockedError(f"the ledger of {home.path} is in use by the process {holder}") from None
        stream.truncate(0)
        stream.write(f"{os.getpid()}\n")
        stream.flush()
        yield


@contextmanager
def lock_catalogue(home: Home) -> Iterator[None]:
    """Wait until no other process writes to the catalogue in the home; a catalogue elsewhere is not waited for."""
    with _wait_alone(home, "audit.lock" if home.settings.audit_database is None else None):
        yield


@contextmanager
def lock_search(home: Home) -> Iterator[None]:
    """As `lock_catalogue`, for what people search without a code."""
    with _wait_alone(home, "search.lock" if home.settings.search_database is None else None):
        yield


@contextmanager
def _wait_alone(home: Home, name: str | None) -> Iterator[None]:
    """Wait for a lock file of the home, and hold it; without a name for nothing.

    Raises:
        UnavailableError: the home cannot be written.
    """
    if name is None:
        yield
        return
    try:
        stream = (home.path / name).open("a+", encoding="ascii")
    except OSError as err:
        raise UnavailableError(f"{home.path / name} cannot be written: {err.strerror}") from err
    with stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


# --- home.toml --------------------------------------------------------------------------------------------


def _check_new(
    path: Path, origin: str, settings: Mapping[str, Any], passphrase: Passphrase | None, *, development: bool
) -> None:
    """Refuse what no home can be made of.

    Raises:
        InputError: an argument is missing or wrong.
        StateError: the place is taken.
    """
    check_key_name(origin)
    load_settings(settings)
    if not development:
        if passphrase is None:
            raise InputError("a home that is not for development needs one", field="passphrase")
        if settings.get("node", DEVCHAIN) in {DEVCHAIN, ANVIL}:
            raise InputError(
                "a home that is not for development needs the URL of a node", field="settings.node"
            )
        if "finality" not in settings:
            raise InputError("say when a block of this chain is final", field="settings.finality")
    if "?" in str(path.resolve()):
        raise InputError("a '?' in it cannot be part of a database address", field="home")
    if path.exists() and not path.is_dir():
        raise StateError(f"{path} is not a directory")
    if path.exists() and not all(_is_draft(entry) for entry in path.iterdir()):
        raise StateError(f"{path} is not empty and no home; choose another directory")


def _is_draft(path: Path) -> bool:
    """Return whether a file is what an interrupted run left of `home.toml`."""
    return path.name.startswith(f".{_CONFIG}.")


def _open_equal(path: Path, origin: str, settings: Mapping[str, Any], *, development: bool) -> Home:
    """Open the home that is there, if it was made for the same.

    Raises:
        StateError: it was made for something else.
    """
    stored = open_home(path)
    table = _load_config(path).get("settings", {})
    if stored.origin != origin:
        raise StateError(f"{path} is the home of the log {stored.origin}, not of {origin}")
    if stored.development is not development:
        raise StateError(f"{path} is {'' if stored.development else 'not '}for development")
    for name, value in settings.items():
        if table.get(name) != value:
            raise StateError(f"{path} exists with another {name}; change it in {path / _CONFIG}")
    return stored


def _load_config(path: Path) -> dict[str, Any]:
    try:
        with (path / _CONFIG).open("rb") as stream:
            return parse_toml(stream.read(_MAX_CONFIG_BYTES), _CONFIG)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(f"there is no home at {path}: make one with `hengzheng init`") from None
    except OSError as err:
        raise InputError(f"cannot be read: {err.strerror}", field=str(path / _CONFIG)) from err


def _encode_config(origin: str, settings: Mapping[str, Any], *, development: bool) -> bytes:
    lines = [
        f"format = {HOME_FORMAT}",
        f"origin = {_encode_toml(origin)}",
        f"development = {_encode_toml(development)}",
        "",
        "[settings]",
        *(f"{name} = {_encode_toml(value)}" for name, value in settings.items()),
    ]
    return "\n".join([*lines, ""]).encode()


def _encode_toml(value: str | int | bool) -> str:
    """Return a value as TOML spells it, which for these kinds is JSON's way.

    Raises:
        InputError: a text with control characters, which the two escape differently.
    """
    if isinstance(value, str) and not value.isprintable():
        raise InputError("has characters that cannot be printed", field="settings")
    return json.dumps(value, ensure_ascii=False)


def _ensure_passphrase(home: Home) -> Passphrase:
    """Return the passphrase of a development home, made up if there is none yet.

    Raises:
        InputError: the home is not for development.
    """
    if not home.development:
        return find_passphrase(home)
    make_private_directory(home.passphrase_path.parent)
    with suppress(FileExistsError):
        create_file(home.passphrase_path, secrets.token_urlsafe(32).encode() + b"\n", mode=PRIVATE_FILE)
    return find_passphrase(home)
