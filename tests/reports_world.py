"""A public site that takes reports, over a served ledger in memory; its reports lie in a real database.

with open_reports_world("sqlite:////tmp/reports.db") as world:
    code = world.send(text="少了三两")
    world.client.get(f"/reports/{code}").text
"""

import io
import re
import secrets
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta

from api_world import SHANGHAI, ApiWorld, entry
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from PIL import Image
from starlette.testclient import TestClient
from world import AUTHORITY, make_signer

from api.app import create_app
from api.reports.deadlines import load_deadlines
from api.reports.directory import Directory
from api.reports.floods import ScanTokens
from api.reports.intake import Intake
from api.reports.store import ReportStore
from ledger.core.register_fields import Name
from ledger.store.engine import Database

COUNTY = "CN-3501"
"""An authority of the city, below the one of the province."""
PRIVATE = {AUTHORITY: X25519PrivateKey.from_private_bytes(b"\1" * 32)}
PRIVATE[COUNTY] = X25519PrivateKey.from_private_bytes(b"\2" * 32)
TIP = {
    "route": "tip",
    "about": "SHORT_WEIGHT",
    "kind": "SCALE",
    "place": "某某市场12号摊",
    "text": "买两斤少了三两\n第二次复称仍少",
}
COMPLAINT = {
    **TIP,
    "route": "complaint",
    "name": "投诉人甲",
    "phone": "138 0000 0000",
    "email": "jia@example.cn",
    "asked": "退还差价",
}


class ReportsWorld(ApiWorld):
    """A served ledger whose site takes reports for one authority, or two."""

    def __init__(self, database, *, takers=(AUTHORITY,)):
        self.database = database
        self.takers = takers
        super().__init__()
        self.found()
        if COUNTY in takers:
            name = Name("福州市市场监督管理局", "Fuzhou Administration for Market Regulation")
            raw = self.world.authority(key=make_signer("county"), id=COUNTY, division="3501", name=name)
            answer = self.post_raw(raw)
            assert "index" in answer, answer

    def post_raw(self, raw):
        return self.post([entry(raw)]).json()["results"][0]

    def parts(self, roles="all"):
        parts = super().parts(roles)
        store = ReportStore(self.database, self.world.origin)
        store.prepare()
        keys = {name: PRIVATE[name].public_key() for name in self.takers}
        self.directory = Directory(self.store, self.prover, keys)
        self.intake = Intake(
            store,
            self.directory,
            ScanTokens(bytes(32)),
            load_deadlines(),
            self.clock,
            secrets.token_bytes,
            SHANGHAI,
            1095,
        )
        return replace(parts, public=replace(parts.public, reports=self.intake))

    @property
    def reports(self):
        return self.intake.store

    def browse(self, address="203.0.113.7", language="en"):
        """Return a browser at another address."""
        return TestClient(
            create_app(self.parts()),
            client=(address, 50000),
            headers={"Accept-Language": language},
            follow_redirects=False,
            raise_server_exceptions=False,
        )

    def fill(self, browser, **changes):
        """Open the form and return its fields, as a browser without script sends them."""
        asked = {name: changes[name] for name in ("route", "code", "about", "scan") if changes.get(name)}
        page = browser.get("/report", params={"route": "tip", **asked})
        assert page.status_code == 200, page.text
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        return {**(COMPLAINT if changes.get("route") == "complaint" else TIP), **hidden, **changes}

    def post_form(self, browser, fields, photos=()):
        files = [("photo", (f"{number}.jpg", raw)) for number, raw in enumerate(photos)]
        data = {name: value for name, value in fields.items() if value is not None}
        return browser.post("/report", data=data, files=files or [("photo", ("", b""))])

    def send(self, browser=None, photos=(), **changes):
        """Report something; return the case code."""
        browser = browser or self.browse()
        answer = self.post_form(browser, self.fill(browser, **changes), photos)
        assert answer.status_code == 303, answer.text
        return re.fullmatch(r"reports/([0-9A-Z]{18})\?new=1", answer.headers["location"])[1]

    def waiting(self, authority=AUTHORITY):
        return self.reports.list_waiting(authority, 64)

    def move(self, **by):
        self.now += timedelta(**by)

    @property
    def today(self):
        return self.now.date()


@contextmanager
def open_reports_world(url, **options):
    with closing(Database(url)) as database, ReportsWorld(database, **options) as world:
        yield world


def make_photo(kind="JPEG", size=(640, 480), comment=b"taken at home"):
    """Return a photograph with what a camera writes into it."""
    out = io.BytesIO()
    picture = Image.effect_noise(size, 40).convert("RGB")
    exif = Image.Exif()
    exif[0x010E] = comment.decode()
    exif[0x0110] = "Camera of somebody"
    more = {"comment": comment} if kind == "JPEG" else {}
    picture.save(out, kind, exif=exif.tobytes(), icc_profile=b"profile of somebody", **more)
    return out.getvalue()
