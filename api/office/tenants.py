"""The institutions of an office: each with its own home, that is database, keystore, profile and seal.

Institutions are kept apart by what they have: a request is answered from the home of its caller's institution, no
other home can be reached by anything that a request says.

>>> tenants = open_tenants([home], gateway)
>>> tenants[InstitutionId("350100-01")].name.zh
'某市计量所'
"""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from threading import Lock
from typing import Final

from api.office.document_index import DocumentIndex
from api.office.said_index import SaidIndex
from issuer.gateway import LedgerGateway
from issuer.instrument_store import InstrumentStore
from issuer.issuing import Desk
from issuer.profile import InstitutionFile, parse_institution_file
from issuer.rounds.store import RoundStore
from issuer.saying_store import SayingStore
from issuer.signing import Seal
from issuer.signoff.office import Office as SignOffOffice
from issuer.signoff.office import OfficeLog
from issuer.signoff.store import SignOffStore
from issuer.speaking import Speaker
from ledger.core.errors import InputError, NotFoundError, StateError
from ledger.core.ids import InstitutionId
from ledger.core.register_fields import Name
from ledger.core.regulation import RuleBook
from ledger.core.signature import Signer
from ledger.failpoint import failpoint
from ledger.home import Home
from ledger.passphrase import Passphrase
from ledger.store.engine import Database

INSTITUTION_FILE: Final = "institution.json"
_ANY_DAY: Final = date(2000, 1, 1)


@dataclass(frozen=True, slots=True)
class Tenant:
    """One institution of an office."""

    institution: InstitutionFile
    desk: SignOffStore
    """Its documents, and the drafts that become documents."""
    instruments: InstrumentStore
    """Its ledger of instruments (台账)."""
    rounds: RoundStore
    """Its rounds, their devices and what these brought back."""
    documents: DocumentIndex
    """Its documents, by what people search for."""
    sayings: SayingStore
    """What it says of instruments and stickers."""
    said: SaidIndex
    """The same, as people ask for it."""
    seal: Signer = field(repr=False)
    origin: str
    rule_book: RuleBook
    clock: Callable[[], datetime]
    development: bool
    """Whether its home is for trying out."""
    host: str
    """Where the codes of its stickers lead to."""
    home: Home | None = None
    """Where its keys lie; None in tests that need none."""
    busy: Lock = field(default_factory=Lock, repr=False)
    """Held by who changes the desk: one at a time works on one store."""

    @property
    def id(self) -> InstitutionId:
        """Return the institution's id."""
        return self.institution.content.id

    @property
    def name(self) -> Name:
        """Return how it is called."""
        return self.institution.content.name

    @property
    def font_folders(self) -> list[Path]:
        """Return where fonts lie for letters that the package lacks."""
        folder = None if self.home is None else self.home.settings.font_folder
        return [] if folder is None else [Path(folder)]

    def today(self) -> date:
        """Return the day in the institution's zone."""
        return self.clock().astimezone(self.institution.profile.zone).date()

    def make_desk(self, gateway: LedgerGateway, persons: Sequence[Signer] = ()) -> Desk:
        """Return the institution's desk; who issues with it holds `busy`."""
        return Desk(
            self.institution.profile,
            self.seal,
            self.origin,
            self.desk,
            gateway,
            self.rule_book,
            self.clock,
            secrets.token_bytes,
            persons=persons,
        )

    def make_speaker(self, gateway: OfficeLog) -> Speaker:
        """Return who speaks of instruments and stickers; who says something holds `busy`."""

        def make_seal() -> Seal:
            return Seal(self.seal, self.origin, self.id, self.clock())

        return Speaker(self.sayings, gateway, make_seal, self.clock, secrets.token_bytes)

    def make_signoff(self, gateway: OfficeLog) -> SignOffOffice:
        """Return what the institution's sign-off works with; who changes something with it holds `busy`."""
        return SignOffOffice(
            self.institution.profile,
            self.seal.public_key,
            self.origin,
            self.desk,
            gateway,
            self.rule_book,
            self.clock,
            secrets.token_bytes,
            failpoint,
        )


Tenants = Mapping[InstitutionId, Tenant]


@contextmanager
def open_tenants(
    homes: Sequence[tuple[Home, Passphrase]],
    gateway: LedgerGateway,
    rule_book: RuleBook,
    clock: Callable[[], datetime],
    *,
    seal_key: str,
) -> Iterator[Tenants]:
    """Open the homes of institutions for as long as the block.

    Raises:
        InputError: two homes are of one institution, or the log does not know it.
        StateError: they belong to different logs, or only some are for development.
        NotFoundError: a home holds no institution's file.
    """
    first = homes[0][0]
    with ExitStack() as stack:
        tenants: dict[InstitutionId, Tenant] = {}
        for home, passphrase in homes:
            if (home.origin, home.development) != (first.origin, first.development):
                raise StateError(f"{home.path} is a home of another log or another kind than {first.path}")
            signer = home.keystore.open_signer(seal_key, passphrase)
            tenant = _open_tenant(stack, home, signer, gateway, rule_book, clock)
            if tenant.id in tenants:
                raise InputError(f"two homes are of the institution {tenant.id}", field="--tenant")
            tenants[tenant.id] = tenant
        yield tenants


def read_institution(home: Home) -> InstitutionFile:
    """Return what the file of a home's institution says.

    Raises:
        NotFoundError: there is none.
        InputError: it cannot be read.
    """
    try:
        raw = (home.path / INSTITUTION_FILE).read_bytes()
    except FileNotFoundError:
        why = f"{home.path} has no {INSTITUTION_FILE}: put the institution's file there"
        raise NotFoundError(why) from None
    return parse_institution_file(raw, _ANY_DAY if home.development else None)


def _open_tenant(
    stack: ExitStack,
    home: Home,
    seal: Signer,
    gateway: LedgerGateway,
    rule_book: RuleBook,
    clock: Callable[[], datetime],
) -> Tenant:
    institution = read_institution(home)
    if institution.content.id not in gateway.registers().institutions:
        raise InputError(f"the log knows no institution {institution.content.id}", field="institution.id")
    database = Database(home.desk_database_url)
    stack.callback(database.close)
    return make_tenant(
        database,
        institution,
        seal,
        home.origin,
        rule_book,
        clock,
        development=home.development,
        host=home.settings.host,
        home=home,
    )


def make_tenant(
    database: Database,
    institution: InstitutionFile,
    seal: Signer,
    origin: str,
    rule_book: RuleBook,
    clock: Callable[[], datetime],
    *,
    development: bool,
    host: str,
    home: Home | None = None,
) -> Tenant:
    """Return an institution whose desk lies in a database, its tables made."""
    desk = SignOffStore(database, institution.content.id, origin)
    desk.prepare()
    instruments = InstrumentStore(database)
    instruments.prepare()
    rounds = RoundStore(database)
    rounds.prepare()
    sayings = SayingStore(database)
    sayings.prepare()
    return Tenant(
        institution,
        desk,
        instruments,
        rounds,
        DocumentIndex(desk),
        sayings,
        SaidIndex(sayings),
        seal,
        origin,
        rule_book,
        clock,
        development,
        host,
        home,
    )
