"""An institution's desk, opened with its seal and its way to a ledger, for commands that act after the issue.

>>> with open_desk(home, None, "seal", None, None) as desk:
...     desk.gateway.registers()
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from issuer.amending import Amender, Amendment
from issuer.cli import INSTITUTION_FILE, Gateway, keep_file, open_desk_store, open_gateway, read_institution
from issuer.profile import ANY_DAY, DeskProfile, parse_institution_file
from issuer.saying_store import SayingStore
from issuer.signing import Seal
from issuer.speaking import Speaker
from issuer.store import DeskStore, StoredAct
from ledger.cli import find_given_passphrase
from ledger.core.errors import StateError
from ledger.core.supplement import ActProof, encode_act_proof
from ledger.home import open_home
from ledger.local import read_clock


@dataclass(frozen=True, slots=True)
class OpenDesk:
    """An institution's desk, open, and its way to the ledger."""

    profile: DeskProfile
    gateway: Gateway
    store: DeskStore
    make_seal: Callable[[], Seal]

    def amend(self, asked: Amendment) -> StoredAct:
        """Say something of a certificate, see `Amender.amend`; the same again changes nothing."""
        amender = Amender(self.store, self.gateway, self.make_seal, read_clock, secrets.token_bytes)
        return amender.amend(asked)

    def prove(self, stored: StoredAct) -> bytes:
        """Return the proof that the ledger has an act.

        Raises:
            StateError: it has not.
            UnavailableError: the ledger is out of reach.
        """
        if stored.leaf_index is None:
            raise StateError(f"{stored.number}: the act is not in the log: {stored.reason or 'ask again'}")
        proof = self.gateway.ledger.entry_proof(stored.leaf_index)
        return encode_act_proof(ActProof(stored.statement, proof))

    def make_speaker(self) -> Speaker:
        """Return what speaks of instruments and stickers from this desk.

        Raises:
            UnavailableError: the desk's database is out of reach.
        """
        sayings = SayingStore(self.store.database)
        sayings.prepare()
        return Speaker(sayings, self.gateway, self.make_seal, read_clock, secrets.token_bytes)


@contextmanager
def open_desk(
    home: Path, institution: Path | None, key: str, url: str | None, passphrase_file: Path | None
) -> Iterator[OpenDesk]:
    """Open the desk of a home.

    Args:
        home: its folder.
        institution: the institution's file; None: the one kept in the home.
        key: name of the seal key in the keystore.
        url: of a ledger; None: the home's own.
        passphrase_file: of the keystore; None: asked for, or the home's own.

    Raises:
        InputError: no such institution, key or file.
        UnavailableError: the ledger or the database is out of reach.
    """
    opened = open_home(home)
    passphrase = find_given_passphrase(opened, passphrase_file)
    raw = read_institution(opened, institution)
    file = parse_institution_file(raw, ANY_DAY if opened.development else None)
    signer = opened.keystore.open_signer(key, passphrase)

    def make_seal() -> Seal:
        return Seal(signer, opened.origin, file.content.id, read_clock())

    with (
        open_gateway(opened, passphrase, url) as gateway,
        open_desk_store(opened, file, gateway) as store,
    ):
        keep_file(opened.path / INSTITUTION_FILE, raw)
        yield OpenDesk(file.profile, gateway, store, make_seal)
