"""A public site that watches scans, over a served ledger in memory with a roll of stickers.

with open_copies_world("sqlite:////tmp/reports.db") as world:
    world.scan(world.sticker)
    world.tell(world.sticker, FUZHOU)
    world.judging.go_round()
"""

import re
import secrets
from contextlib import closing, contextmanager
from dataclasses import replace

from reports_world import ReportsWorld
from starlette.testclient import TestClient
from sticker_world import PUMP, StickerWorld
from world import AUTHORITY

from api.copies.cells import Cell
from api.copies.findings import FindingAnswer, FindingState
from api.copies.judging import Judging
from api.copies.rules import CodeKind, load_numbers
from api.copies.store import ScanStore
from api.copies.watch import Watch
from api.static_files import StaticFiles
from ledger.core.sticker import compute_sticker_id
from ledger.store.engine import Database

FUZHOU, NEARBY, BEIJING = Cell(260, 1192), Cell(261, 1193), Cell(399, 1163)
XIAMEN, NANCHANG, WUHAN = Cell(244, 1180), Cell(286, 1158), Cell(305, 1143)


class CopiesWorld(ReportsWorld):
    """A served ledger whose site watches scans; a pump has a sticker and a certificate."""

    def __init__(self, database, **options):
        self.watch = None
        self.static = StaticFiles()
        super().__init__(database, **options)
        self.desk = StickerWorld(self)
        self.sticker = self.desk.sticker(0)
        self.desk.bind(self.sticker, PUMP)
        self.code = str(self.desk.verify(1))
        self.anchor()

    def parts(self, roles="all"):
        parts = super().parts(roles)
        if self.watch is None:
            scans = ScanStore(self.intake.store, self.world.origin)
            directory, tokens = self.intake.directory, self.intake.tokens
            self.watch = Watch(scans, directory, tokens, self.clock, secrets.token_bytes)
            self.judging = Judging(self.watch, load_numbers(), 90)
        return replace(parts, public=replace(parts.public, watch=self.watch, static=self.static))

    def browse(self, address="203.0.113.7", language="en"):
        """Return a browser at another address; all of them see one application."""
        return TestClient(
            self.app,
            client=(address, 50000),
            headers={"Accept-Language": language},
            follow_redirects=False,
            raise_server_exceptions=False,
        )

    def beyond(self, number):
        """Return an id that looks like one of the roll, and was never given out."""
        return compute_sticker_id(replace(self.desk.roll, count=1000), 100 + number)

    @property
    def scans(self):
        return self.watch.store

    def look(self, path, address="203.0.113.7", language="en", **headers):
        """Open a page; the marks that the last round found are on it."""
        self.seconds += 2
        return self.browse(address, language).get(path, headers=headers)

    def scan(self, sticker=None, address="203.0.113.7", **more):
        return self.look(f"/s/{sticker or self.sticker}", address, **more)

    def ask_of(self, page):
        """Return what the page sends along with a place."""
        return dict(re.findall(r'data-(kind|code|scan)="([^"]*)"', page.partition('id="place"')[2]))

    def tell(self, path=None, cell=FUZHOU, address="203.0.113.7", **changes):
        """Open a page, and tell a place as its script does."""
        page = self.look(path or f"/s/{self.sticker}", address)
        fields = {**self.ask_of(page.text), "cell": str(cell), **changes}
        return self.browse(address).post("/place", data=fields)

    def find(self, authority=AUTHORITY):
        """Return what the desk of an authority would fetch, after a round."""
        self.judging.go_round()
        return self.scans.list_renewed(authority, 0, 100)

    def answer(self, finding, *states):
        """Let the authority say something of a finding."""
        now_ms = int(self.now.timestamp() * 1000)
        given = [FindingAnswer(finding.id, number, state, now_ms) for number, state in enumerate(states, 1)]
        self.scans.answer(finding.authority, given)
        self.judging.go_round()

    def confirm(self, path=None):
        """Let the sticker be found far apart, and confirmed as copied."""
        self.tell(path, FUZHOU, "203.0.113.7")
        self.tell(path, BEIJING, "198.51.100.9")
        (finding,) = self.find()
        self.answer(finding, FindingState.CONFIRMED)
        return finding


@contextmanager
def open_copies_world(url, **options):
    with closing(Database(url)) as database, CopiesWorld(database, **options) as world:
        yield world


STICKER, DOCUMENT, ROLL = CodeKind.STICKER, CodeKind.DOCUMENT, CodeKind.ROLL
