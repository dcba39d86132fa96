"""`hengzheng serve office`: the homes of institutions, one ledger, one office, run until it is told to stop.

The office's own database lies in the first home (setting `office_database`), and the key of its secret box beside
the home's other secrets. It talks to the ledger, to its databases, and to nothing else.

>>> with open_office(home, [], None, "http://localhost:8003", ledger=None, seal_key="seal") as office:
...     create_office(office)
"""

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final

from api.copies.opening import open_scans
from api.office.call import Office
from api.office.copy_taking import CopyLoop, CopyTaking
from api.office.passwords import PasswordHasher
from api.office.region_documents import LocalCatalogue, RegionCatalogue, RemoteCatalogue
from api.office.report_store import CaseStore
from api.office.report_taking import ReportTaking, TakingLoop
from api.office.secret_box import SecretBox, load_box_key
from api.office.shared_ledger import SharedLedger
from api.office.site import parse_site
from api.office.store import OfficeStore
from api.office.tenants import AuthorityTenant, is_authority_home, open_tenants
from api.query import open_auditor
from api.reports.opening import open_reports
from issuer.cli import open_gateway
from issuer.deciding.decider import Decider
from ledger.cli import find_given_passphrase
from ledger.core.data import load_rule_book
from ledger.core.errors import InputError
from ledger.home import Home, open_home
from ledger.local import read_clock
from ledger.passphrase import Passphrase
from ledger.store.engine import Database

BOX_KEY: Final = "office-key"


@contextmanager
def open_store(home: Home) -> Iterator[OfficeStore]:
    """Open the office's own database for as long as the block."""
    with closing(Database(home.office_database_url)) as database:
        store = OfficeStore(database, home.origin)
        store.prepare()
        yield store


def open_box(home: Home) -> SecretBox:
    """Return the box of an office's secrets; its key is made if it is not there."""
    return SecretBox(load_box_key(home.passphrase_path.parent / BOX_KEY))


@contextmanager
def open_office(
    home: Home,
    others: Sequence[Path],
    passphrase_file: Path | None,
    url: str,
    *,
    ledger: str | None,
    seal_key: str,
    auditor: str | None = None,
) -> Iterator[Office]:
    """Open everything that an office needs for as long as the block.

    Args:
        home: of the first institution, and of the office.
        others: homes of further institutions.
        passphrase_file: opens the seals of homes that are not for development.
        url: where browsers reach the office.
        ledger: URL of the ledger; None: the home's own, which no other process has then.
        seal_key: name of each institution's seal in its keystore.
        auditor: URL of the role auditor, which authorities ask for documents of their region; None: the home's
            own catalogue where the home's own ledger is opened, else nobody.
    """
    site = parse_site(url)
    homes = [home, *map(open_home, others)]
    with ExitStack() as stack:
        opened = [
            (one, _find_passphrase(one, passphrase_file, opens_ledger=one is home and ledger is None))
            for one in homes
        ]
        gateway = stack.enter_context(open_gateway(home, opened[0][1], ledger))
        shared = SharedLedger(gateway, time.monotonic)
        book = load_rule_book()
        tenants = stack.enter_context(open_tenants(opened, shared, book, read_clock, seal_key=seal_key))
        yield Office(
            stack.enter_context(open_store(home)),
            tenants,
            shared,
            site,
            PasswordHasher(),
            open_box(home),
            read_clock,
            secrets.token_bytes,
            home.development,
            upload_days=home.settings.upload_days,
            catalogue=_open_catalogue(stack, home, ledger, auditor)
            if any(map(is_authority_home, homes))
            else None,
        )


@contextmanager
def taking_reports(office: Office, file: Path | None) -> Iterator[None]:
    """Take reports, and notes of scans, for every authority of an office that has a key for reports.

    The authority's signing key stays open meanwhile: whoever takes reports may be an authority of its own, whose
    powers are few, see decision 0037.

    Raises:
        InputError: no passphrase opens the key, or the keystore does not hold it.
    """
    with ExitStack() as stack:
        for tenant in office.tenants.values():
            if isinstance(tenant, AuthorityTenant) and tenant.reports is not None:
                taking = _make_taking(stack, office, tenant, tenant.reports, file)
                stack.enter_context(TakingLoop(taking))
                if tenant.copies is not None:
                    inbox = open_scans(taking.inbox, tenant.origin)
                    stack.enter_context(CopyLoop(CopyTaking(inbox, tenant.copies, tenant.id)))
        yield


def _make_taking(
    stack: ExitStack, office: Office, tenant: AuthorityTenant, cases: CaseStore, file: Path | None
) -> ReportTaking:
    home = tenant.home
    assert home is not None  # noqa: S101 -- whoever has cases was opened from a home
    key = office.gateway.registers().authorities[tenant.id].key
    name = next((label.name for label in home.keystore.labels() if label.public == key.multikey), None)
    if name is None:
        raise InputError(f"{home.path} does not hold the key of {tenant.id}", field="keystore")
    database = stack.enter_context(closing(Database(home.reports_database_url, moves_log=False)))
    inbox = open_reports(database, home.origin)
    decider = Decider(
        tenant.id, tenant.origin, tenant.decisions, office.gateway, office.clock, office.randomness
    )
    signer = home.keystore.open_signer(name, find_given_passphrase(home, file))
    return ReportTaking(inbox, cases, decider, office.gateway, signer, office.clock, tenant.busy, home.zone)


def _find_passphrase(home: Home, file: Path | None, *, opens_ledger: bool) -> Passphrase | None:
    """Return what opens a seal, or the home's own ledger; an authority's key is never opened at the start."""
    if is_authority_home(home) and not opens_ledger:
        return None
    return find_given_passphrase(home, file)


def _open_catalogue(
    stack: ExitStack, home: Home, ledger: str | None, auditor: str | None
) -> RegionCatalogue | None:
    if auditor is not None:
        return stack.enter_context(closing(RemoteCatalogue(auditor)))
    return None if ledger is not None else LocalCatalogue(stack.enter_context(open_auditor(home)))
