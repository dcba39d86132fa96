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
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib.metadata import version

from fastapi import FastAPI

from api import describe, problems
from api.allowance import Allowance
from api.auditing import Auditor
from api.limits import Guard
from api.past import Past
from api.ready import ReadyAnswers
from api.routes import audit, bundles, certificates, entries, find, log, past, proofs, sites, tiles, verdicts
from api.routes.entries import FindStates, Taking
from api.routes.log import ReadStanding
from api.sites.finding import Finder
from api.sites.view import Sites
from api.verdicts import ReceiptReading, Verdicts
from api.web.pages import STYLE_SOURCE, PageWriter
from api.web.site_page import SitePageWriter
from ledger.bundling import find_bundles
from ledger.core.data import load_rule_book
from ledger.core.policy import Policy
from ledger.proving import ProofStore, Prover
from ledger.register_list import RegisterList
from ledger.search.search import Search
from ledger.standing import is_read_only
from ledger.wire import MAX_MAP_SUBJECTS, MAX_REQUEST_BYTES, MAX_SUBJECTS

BODY_LIMITS = {
    "/entries": MAX_REQUEST_BYTES,
    "/subjects": MAX_SUBJECTS * 80,
    "/map-proofs": MAX_MAP_SUBJECTS * 80,
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
    search: Search | None = None
    """Finds without a code; None: this process does not."""
    report_path: str | None = None
    """Where people report an instrument without a certificate, as `report`; None: nowhere here."""


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


def create_app(parts: Parts) -> Guard:
    """Return the application of the roles whose parts are given, behind its limits."""
    return Guard(build_api(parts), BODY_LIMITS, HEADERS)


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
    desk = Verdicts(public.store, parts.prover, parts.receipts, public.policy, public.clock, is_behind)
    answers = ReadyAnswers(desk.read_state, public.monotonic)
    app.include_router(verdicts.make_router(desk, answers, PageWriter(public.policy, public.host)))
    app.include_router(certificates.make_router(desk, answers, parts.registers))
    earlier = Past(parts.prover, parts.receipts, public.policy, public.clock)
    app.include_router(past.make_router(earlier, answers))
    places = Sites(public.store, parts.prover, public.policy, public.clock, is_behind, public.search)
    writer = SitePageWriter(public.policy, public.host, load_rule_book(), public.report_path)
    app.include_router(sites.make_router(places, answers, writer, public.host))
    if public.search is not None:
        finder = Finder(public.store, public.search, public.policy, public.clock)
        allowance = Allowance(public.clock, secrets.token_bytes)
        app.include_router(find.make_router(finder, allowance, writer))
