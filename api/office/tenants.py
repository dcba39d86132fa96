"""The institutions and authorities of an office: each with its own home, that is database and keystore.

An institution's home has a profile and a seal; an authority's has a file `authority.json` with its id, and the
authority's key, which is opened for one decision and never kept.

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
from zoneinfo import ZoneInfo

from api.office.copy_store import CopyStore
from api.office.document_index import DocumentIndex
from api.office.report_store import REPORT_KEY, CaseStore
from api.office.roles import TenantKind
from api.office.said_index import SaidIndex
from issuer.deciding.store import DecisionStore
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
from ledger.core.canonical import as_object, parse_json
from ledger.core.errors import InputError, NotFoundError, StateError
from ledger.core.fields import Reader
from ledger.core.ids import ID_PATTERN, InstitutionId
from ledger.core.register_fields import Name
from ledger.core.regulation import RuleBook
from ledger.core.signature import Signer
from ledger.failpoint import failpoint
from ledger.home import Home
from ledger.passphrase import Passphrase
from ledger.store.engine import Database

INSTITUTION_FILE: Final = "institution.json"
AUTHORITY_FILE: Final = "authority.json"
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
    def kind(self) -> TenantKind:
        """Return whose desk it is."""
        return TenantKind.INSTITUTION

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone of its days."""
        return self.institution.profile.zone

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


@dataclass(frozen=True, slots=True)
class AuthorityTenant:
    """One authority of an office."""

    id: InstitutionId
    """Of the authority; no institution has the same."""
    name: Name
    decisions: DecisionStore
    origin: str
    zone: ZoneInfo
    rule_book: RuleBook
    clock: Callable[[], datetime]
    home: Home | None = None
    """Where its key lies; None in tests that need none."""
    reports: CaseStore | None = None
    """What consumers have reported to it; None: it takes no reports."""
    copies: CopyStore | None = None
    """What scans suggest about stickers in its region; None: it takes no reports, and no notes."""
    busy: Lock = field(default_factory=Lock, repr=False)
    """Held by who decides: one at a time."""

    @property
    def kind(self) -> TenantKind:
        """Return whose desk it is."""
        return TenantKind.AUTHORITY

    def today(self) -> date:
        """Return the day in the authority's zone."""
        return self.clock().astimezone(self.zone).date()


AnyTenant = Tenant | AuthorityTenant
Tenants = Mapping[InstitutionId, AnyTenant]


@contextmanager
def open_tenants(
    homes: Sequence[tuple[Home, Passphrase | None]],
    gateway: LedgerGateway,
    rule_book: RuleBook,
    clock: Callable[[], datetime],
    *,
    seal_key: str,
) -> Iterator[Tenants]:
    """Open the homes of institutions and authorities for as long as the block.

    Args:
        homes: each with what opens the institution's seal; an authority's needs none.
        gateway: the log.
        rule_book: of the product.
        clock: returns the time, aware UTC.
        seal_key: name of each institution's seal.

    Raises:
        InputError: two homes are of one tenant, the log does not know it, or no passphrase for a seal.
        StateError: they belong to different logs, or only some are for development.
        NotFoundError: a home holds no institution's or authority's file.
    """
    first = homes[0][0]
    with ExitStack() as stack:
        tenants: dict[InstitutionId, AnyTenant] = {}
        for home, passphrase in homes:
            if (home.origin, home.development) != (first.origin, first.development):
                raise StateError(f"{home.path} is a home of another log or another kind than {first.path}")
            if is_authority_home(home):
                tenant: AnyTenant = _open_authority(stack, home, gateway, rule_book, clock)
            elif passphrase is None:
                raise InputError("is needed to open an institution's seal", field="passphrase")
            else:
                signer = home.keystore.open_signer(seal_key, passphrase)
                tenant = _open_tenant(stack, home, signer, gateway, rule_book, clock)
            if tenant.id in tenants:
                message = f"two homes are of the {tenant.kind} {tenant.id}"
                raise InputError(message, field="--tenant")
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


def is_authority_home(home: Home) -> bool:
    """Tell whether a home is an authority's."""
    return (home.path / AUTHORITY_FILE).is_file()


def read_authority(home: Home) -> InstitutionId:
    """Return which authority's home it is: `{"authority": "CN-35"}`.

    Raises:
        InputError: the file cannot be read, or says something else.
    """
    raw = (home.path / AUTHORITY_FILE).read_bytes()
    reader = Reader(as_object(parse_json(raw), AUTHORITY_FILE), "")
    found = reader.text("authority", max_bytes=12, pattern=ID_PATTERN)
    reader.finish()
    return InstitutionId(found)


def read_tenant(home: Home) -> tuple[InstitutionId, TenantKind]:
    """Return whose home it is.

    Raises:
        NotFoundError: it says of nobody.
        InputError: what it says cannot be read.
    """
    if is_authority_home(home):
        return read_authority(home), TenantKind.AUTHORITY
    return read_institution(home).content.id, TenantKind.INSTITUTION


def _open_authority(
    stack: ExitStack,
    home: Home,
    gateway: LedgerGateway,
    rule_book: RuleBook,
    clock: Callable[[], datetime],
) -> AuthorityTenant:
    identity = read_authority(home)
    known = gateway.registers().authorities.get(identity)
    if known is None:
        raise InputError(f"the log knows no authority {identity}", field="authority")
    database = Database(home.desk_database_url)
    stack.callback(database.close)
    decisions = DecisionStore(database)
    decisions.prepare()
    reports, copies = None, None
    if REPORT_KEY in home.keystore:
        reports, copies = CaseStore(database, identity), CopyStore(database, identity)
        reports.prepare()
        copies.prepare()
    return AuthorityTenant(
        identity,
        known.name,
        decisions,
        home.origin,
        home.zone,
        rule_book,
        clock,
        home=home,
        reports=reports,
        copies=copies,
    )


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
