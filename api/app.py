"""Roles put together: which routes an application has, from parts that an entry point has opened.

    public   verdict pages, bundles, status by number and as of a past date, map proofs, sites, finding without a
             code; no key, and the log is only read
    ledger   statements in, bundles out; checkpoint, registers, states of subjects, map proofs
    all      both
    auditor  every leaf, filtered, with proofs; no key, reads only, a process of its own

>>> app = create_app(Parts(prover, receipts, registers, public=PublicParts(store, policy, "v.example.cn", clock)))
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from importlib.metadata import version

from fastapi import FastAPI
from starlette.types import ASGIApp

from api import describe, problems
from api.allowance import Allowance
from api.auditing import Auditor
from api.copies.watch import Watch
from api.door import Door
from api.evidence.desk import EvidenceDesk, Shelf
from api.limits import Guard
from api.past import Past
from api.people import PeoplePages
from api.photos import Photos
from api.ready import ReadyAnswers
from api.reports.intake import Intake
from api.reports.pages import ReportPages
from api.routes import (
    audit,
    bundles,
    certificates,
    entries,
    evidence,
    find,
    log,
    look,
    past,
    place,
    proofs,
    reports,
    scan,
    sites,
    start,
    static,
    things,
    tiles,
    verdicts,
)
from api.routes import photos as photo_routes
from api.routes.entries import FindStates, Taking
from api.routes.log import ReadStanding
from api.routes.verdicts import Beside, Counter
from api.sites.finding import Finder
from api.sites.view import Sites
from api.slashes import RelativeRedirects
from api.static_files import StaticFiles
from api.things import Things
from api.trusting import TrustingSessions
from api.uploads import UploadDesk
from api.verdicts import ReceiptReading, Verdicts
from api.web.look_page import LookPage
from api.web.pages import STYLE_SOURCE, Offers, PageWriter
from api.web.problem_page import ProblemPage
from api.web.scan_page import ScanPage
from api.web.site_page import SitePageWriter
from api.web.start_page import StartPage
from ledger.bundling import find_bundles
from ledger.core.data import load_rule_book
from ledger.core.errors import NotFoundError
from ledger.core.event import roll_subject
from ledger.core.policy import Policy
from ledger.core.qr import ShortCode
from ledger.core.sticker import StickerId, find_roll
from ledger.proving import ProofStore, Prover
from ledger.register_list import RegisterList
from ledger.search.search import Search
from ledger.standing import is_read_only
from ledger.wire import MAX_MAP_SUBJECTS, MAX_REQUEST_BYTES, MAX_SUBJECTS

BODY_LIMITS = {
    "/entries": MAX_REQUEST_BYTES,
    "/subjects": MAX_SUBJECTS * 80,
    "/map-proofs": MAX_MAP_SUBJECTS * 80,
    scan.FORM_PATH: scan.MAX_BODY_BYTES,
}
"""Path -> longest body in bytes; a subject takes 64 digits, its quotes and a comma."""

HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src {STYLE_SOURCE}; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class PublicParts:
    """What the role public needs."""

    store: ProofStore
    policy: Policy
    host: str
    """Name of the site, as it stands in QR codes."""
    clock: Callable[[], datetime]
    """Returns the time, aware UTC."""
    monotonic: Callable[[], float] = time.monotonic
    """Returns seconds that never run back."""
    static: StaticFiles = field(default_factory=StaticFiles)
    """Scripts of the pages."""
    reports: Intake | None = None
    """Takes what consumers report; None: nothing is reported at this site."""
    watch: Watch | None = None
    """Watches scans for copied stickers; None: nobody takes notes of them at this site."""
    search: Search | None = None
    """Finds without a code; None: this process does not."""


@dataclass(frozen=True, slots=True)
class LedgerParts:
    """What the role ledger needs."""

    intake: Taking
    find_states: FindStates


@dataclass(frozen=True, slots=True)
class Parts:
    """What an application is made of."""

    prover: Prover
    receipts: ReceiptReading
    registers: RegisterList
    public: PublicParts | None = None
    ledger: LedgerParts | None = None
    auditor: Auditor | None = None
    read_standing: ReadStanding | None = None
    """Says how the ledger stands towards chain and witnesses; None where nobody knows."""


def create_app(parts: Parts) -> ASGIApp:
    """Return the application of the roles whose parts are given, behind its limits."""
    if parts.public is None:
        return Guard(RelativeRedirects(build_api(parts)), BODY_LIMITS, HEADERS)
    public = parts.public
    guard = Guard(
        RelativeRedirects(build_api(parts)),
        BODY_LIMITS | ({} if public.reports is None else {reports.FORM_PATH: reports.MAX_BODY_BYTES}),
        HEADERS,
        doors=_make_doors(public),
    )
    return PeoplePages(guard, ProblemPage(is_development=lambda: public.policy.development))


def _make_doors(public: PublicParts) -> dict[str, Door]:
    """Return a door for every path that takes long bodies from anybody."""
    doors = {scan.FORM_PATH: Door(scan.make_busy_page(ScanPage(public.policy)))}
    if public.reports is not None:
        pages = _make_report_pages(public, public.reports)
        doors[reports.FORM_PATH] = Door(reports.make_busy_page(pages))
    return doors


def build_api(parts: Parts) -> FastAPI:
    """Return the application without its limits."""
    app = FastAPI(
        title="Hengzheng",
        version=version("hengzheng"),
        description="Certificate ledger for legal metrology.",
        docs_url=None,
        redoc_url=None,
    )
    app.include_router(log.make_router(parts.prover, parts.receipts, parts.read_standing))
    app.include_router(tiles.make_router(parts.prover, parts.receipts))
    if parts.public is not None or parts.ledger is not None:
        app.include_router(proofs.make_router(parts.prover))
    if parts.public is not None:
        _add_public(app, parts, parts.public)
    if parts.ledger is not None:
        ledger = parts.ledger
        app.include_router(entries.make_router(ledger.intake, ledger.find_states, parts.registers))
        app.include_router(bundles.make_router(partial(find_bundles, parts.prover, parts.receipts)))
    if parts.auditor is not None:
        app.include_router(audit.make_router(parts.auditor))
    problems.install(app)
    describe.install(app)
    return app


def _add_public(app: FastAPI, parts: Parts, public: PublicParts) -> None:
    read = parts.read_standing
    is_behind = (lambda: is_read_only(read())) if read is not None else None
    of_home = public.store, parts.prover, parts.receipts, public.policy, public.clock
    desk = Verdicts(*of_home, is_behind)
    watch = public.watch
    read_state = desk.read_state if watch is None else lambda: (desk.read_state(), watch.version)
    answers = ReadyAnswers(read_state, public.monotonic, desk.count_withheld)
    make_link = None if public.reports is None else public.reports.make_link
    writer = PageWriter(public.policy, public.host, Offers(public.static, make_link))
    places = Sites(
        public.store, parts.prover, public.policy, public.clock, is_behind, public.search, desk.is_unsure
    )
    photos = Photos(public.store, parts.prover)
    beside = Beside(places.list_pledges_about, places.list_places_of, photos.find)
    counter = Counter(desk, answers, writer, beside, watch)
    app.include_router(verdicts.make_router(desk, counter))
    app.include_router(things.make_router(Things(*of_home, desk, is_behind), counter))
    scanner = ScanPage(public.policy)
    trust = ReadyAnswers(desk.read_state, public.monotonic)
    app.include_router(scan.make_worker_router(public.static, scanner, parts.registers, trust))
    app.include_router(photo_routes.make_router(photos, counter))
    app.include_router(static.make_router(public.static, public.policy))
    app.include_router(certificates.make_router(desk, answers, parts.registers))
    shelf = Shelf(desk, parts.prover, parts.registers, public.policy, public.host, is_behind)
    _add_evidence(app, public, shelf)
    _add_files(app, parts, public, desk, scanner)
    earlier = Past(parts.prover, parts.receipts, public.policy, public.clock)
    app.include_router(past.make_router(earlier, answers))
    app.include_router(look.make_router(LookPage(public.policy, public.host, public.static)))
    if public.reports is not None:
        pages = _make_report_pages(public, public.reports)
        app.include_router(reports.make_router(public.reports, pages, parts.prover))
    if watch is not None:
        app.include_router(place.make_router(watch))
    _add_places(app, public, answers, places, desk)


def _add_files(
    app: FastAPI, parts: Parts, public: PublicParts, verdicts: Verdicts, scanner: ScanPage
) -> None:
    """Add the scanner, which looks at files that anybody hands in: each caller has few."""
    sessions = TrustingSessions(public.policy, parts.registers)
    desk = UploadDesk(verdicts, sessions, parts.prover, public.clock)
    allowance = Allowance(public.clock, secrets.token_bytes, scan.A_MINUTE, scan.A_DAY)
    app.include_router(scan.make_router(desk, scanner, partial(_find_path, parts.prover), allowance))


def _add_evidence(app: FastAPI, public: PublicParts, shelf: Shelf) -> None:
    """Add evidence packs, which are dear to make: each caller has few."""
    allowance = Allowance(public.clock, secrets.token_bytes, evidence.A_MINUTE, evidence.A_DAY)
    app.include_router(evidence.make_router(EvidenceDesk(shelf), allowance))


def _add_places(
    app: FastAPI, public: PublicParts, answers: ReadyAnswers, places: Sites, desk: Verdicts
) -> None:
    """Add the pages of sites, the search without a code, and the page from which all this is reached."""
    report_path = None if public.reports is None else reports.BARE_PATH
    writer = SitePageWriter(public.policy, public.host, load_rule_book(), report_path)
    app.include_router(sites.make_router(places, answers, writer, public.host))
    start_page = StartPage(
        public.policy, public.host, finds=public.search is not None, reports=public.reports is not None
    )
    app.include_router(start.make_router(start_page))
    if public.search is not None:
        finder = Finder(public.store, public.search, public.policy, public.clock, desk.is_unsure)
        allowance = Allowance(public.clock, secrets.token_bytes)
        app.include_router(find.make_router(finder, allowance, writer))


def _make_report_pages(public: PublicParts, intake: Intake) -> ReportPages:
    return ReportPages(public.host, public.policy, intake.zone, intake.keep_days)


def _find_path(prover: Prover, code: ShortCode) -> str:
    """Return the page of sixteen symbols: of a sticker if the log has its roll, else of a document."""
    try:
        prover.find_state(roll_subject(find_roll(StickerId(code))))
    except NotFoundError:
        return f"/c/{code}"
    return f"/s/{code}"
