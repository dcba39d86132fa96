"""A desk with its sign-off, opened from a home for one command, with the keys of whoever acts.

>>> with open_signoff_desk(DeskPlace(home)) as desk:
...     SigningOff(desk.office).submit(ids, desk.open_person("P-0107", None), named)
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from issuer.cli import (
    DEFAULT_SEAL_KEY,
    INSTITUTION_FILE,
    Gateway,
    keep_file,
    open_gateway,
    read_base_date,
    read_institution,
)
from issuer.profile import ANY_DAY, InstitutionFile, parse_institution_file
from issuer.signoff.office import Office, Person
from issuer.signoff.store import SignOffStore
from ledger.cli import find_given_passphrase
from ledger.core.data import load_rule_book
from ledger.core.errors import InputError
from ledger.core.signature import Signer
from ledger.failpoint import failpoint
from ledger.home import Home, find_passphrase, open_home
from ledger.local import read_clock
from ledger.passphrase import Passphrase, ask_passphrase, read_passphrase_file
from ledger.store.engine import Database


@dataclass(frozen=True, slots=True)
class SignOffDesk:
    """A desk with sign-off, open, and its way to the ledger."""

    home: Home
    office: Office
    gateway: Gateway
    seal_name: str
    passphrase: Passphrase | None
    """Of the home's own keys; None where no step has needed it."""

    def open_person(self, person: str, path: Path | None) -> Person:
        """Return who acts, with their key from the keystore if one is registered."""
        key = self.office.find_key(person, self.gateway.registers())
        if key is None:
            return Person(person)
        labels = self.home.keystore.labels()
        name = next((label.name for label in labels if label.public == key), None)
        if name is None:
            raise InputError(f"this home does not hold {key}, with which {person} signs", field="keystore")
        return Person(person, self.home.keystore.open_signer(name, _read_passphrase(self.home, path)))

    def open_seal(self) -> Signer:
        """Return what seals."""
        label = self.home.keystore.label(self.seal_name)
        passphrase = self.passphrase
        if passphrase is None and label.token is None:
            passphrase = _read_passphrase(self.home, None)
        return self.home.keystore.open_signer(self.seal_name, passphrase)


def _read_passphrase(home: Home, path: Path | None) -> Passphrase:
    if path is not None:
        return read_passphrase_file(path)
    return find_passphrase(home) if home.development else ask_passphrase()


@dataclass(frozen=True, slots=True)
class DeskPlace:
    """Which home, and how to its ledger."""

    home: Path
    institution: Path | None = None
    seal_name: str = DEFAULT_SEAL_KEY
    ledger: str | None = None
    passphrase_file: Path | None = None
    base_date: str | None = None


@contextmanager
def open_signoff_desk(where: DeskPlace) -> Iterator[SignOffDesk]:
    """Open the desk; where a ledger has a URL, no passphrase of the home is asked for before it is needed."""
    opened = open_home(where.home)
    passphrase = None
    if where.ledger is None or where.passphrase_file is not None:
        passphrase = find_given_passphrase(opened, where.passphrase_file)
    raw = read_institution(opened, where.institution)
    day = read_base_date(opened, where.base_date)
    file = parse_institution_file(raw, day or ANY_DAY if opened.development else None)
    with (
        open_gateway(opened, passphrase, where.ledger) as gateway,
        _open_known(opened, file, gateway) as store,
    ):
        keep_file(opened.path / INSTITUTION_FILE, raw)
        seal_key = opened.keystore.label(where.seal_name).public_key
        office = Office(
            file.profile,
            seal_key,
            opened.origin,
            store,
            gateway,
            load_rule_book(),
            read_clock,
            secrets.token_bytes,
            failpoint,
            day,
        )
        yield SignOffDesk(opened, office, gateway, where.seal_name, passphrase)


@contextmanager
def open_signoff_memory(home: Path) -> Iterator[SignOffStore]:
    """Open the desk's database alone, for commands that ask the ledger nothing."""
    opened = open_home(home)
    raw = read_institution(opened, None)
    file = parse_institution_file(raw, ANY_DAY if opened.development else None)
    with _open_store(opened, file) as store:
        yield store


@contextmanager
def _open_store(home: Home, file: InstitutionFile) -> Iterator[SignOffStore]:
    database = Database(home.desk_database_url)
    try:
        store = SignOffStore(database, file.content.id, home.origin)
        store.prepare()
        yield store
    finally:
        database.close()


@contextmanager
def _open_known(home: Home, file: InstitutionFile, gateway: Gateway) -> Iterator[SignOffStore]:
    """Open the desk's database, which is made for one institution for ever: one that the log knows."""
    if file.content.id not in gateway.registers().institutions:
        raise InputError(f"the log knows no institution {file.content.id}", field="institution.id")
    with _open_store(home, file) as store:
        yield store
