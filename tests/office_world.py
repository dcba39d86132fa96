"""An office for tests: two institutions and two authorities over a log in memory, one account for each role.

>>> with open_office_world(tmp_path) as world:
...     world.browser("operator").get("/").status_code
200
"""

import itertools
import secrets
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

import orjson
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from desk_world import NOW, CountingRandomness, MemoryGateway, apply, document, rows
from photos import KEPT
from starlette.testclient import TestClient
from world import AUTHORITY, INSTITUTION, ORIGIN, VERIFIED_ON, World, make_signer

from api.copies.cells import Cell
from api.copies.evidence import Evidence
from api.copies.findings import Finding
from api.copies.rules import CodeKind, Rule, Seen
from api.office import enrolment
from api.office.accounts import Machine
from api.office.application import OPERATIONS, build_office, guard_office
from api.office.call import Office
from api.office.copy_store import CopyStore
from api.office.passwords import PasswordHasher
from api.office.report_store import REPORT_KEY, CaseStore
from api.office.roles import PEOPLE, PEOPLE_OF, OfficeRole
from api.office.secret_box import SecretBox
from api.office.signed_requests import build_parameters, build_signature_base, spell_digest
from api.office.site import Site
from api.office.store import OfficeStore
from api.office.tenants import AuthorityTenant, make_tenant
from api.office.totp import compute_code
from api.reports.file import FileHead, write_file
from api.reports.kinds import About, Route
from api.reports.store import WaitingReport
from issuer.deciding.decider import Decider
from issuer.deciding.kinds import KINDS
from issuer.deciding.planning import plan_registration
from issuer.deciding.store import DecisionStore
from issuer.known_instruments import parse_registration
from issuer.profile import parse_institution_file
from issuer.registering import Given, Picture, Registrar
from issuer.rounds.preparing import Chosen, Plan, prepare_round
from issuer.rounds.store import Device, StoredFinding, StoredRound
from issuer.signoff.approving import Approver
from issuer.signoff.correcting import Corrections
from issuer.signoff.office import Person
from issuer.signoff.signing_off import Named, SigningOff
from issuer.signoff.writing import Writer
from issuer.sticker_desk import StickerDesk
from ledger.catalogue.uses import list_mentioned, parse_used
from ledger.core.act import ReasonCode
from ledger.core.canonical import encode_canonical_json
from ledger.core.category import Category
from ledger.core.data import load_rule_book
from ledger.core.encoding import encode_base64
from ledger.core.errors import InputError, UnavailableError
from ledger.core.event import EventType, certificate_subject
from ledger.core.ids import InstitutionId
from ledger.core.register_fields import Name
from ledger.core.report import compute_report_digest
from ledger.core.statement import IssueClaims, parse_signed_statement
from ledger.core.sticker import compute_sticker_id
from ledger.keystore import KeyAlgorithm, KeyLabel
from ledger.store.engine import Database

REPORTS_PRIVATE = X25519PrivateKey.from_private_bytes(b"\1" * 32)
"""Opens what was reported to either authority."""
AUTHORITY_TENANT = InstitutionId(AUTHORITY)
OTHER_AUTHORITY = InstitutionId("CN-36")
"""Of another province: the institutions here are none of its business."""
KEY_PASSPHRASE = "the passphrase of an authority's key"
OTHER = InstitutionId("350100-02")
"""The second institution of the office."""
INSTITUTIONS = (INSTITUTION, OTHER)
EVERY_ROLE = tuple(sorted(PEOPLE))
PASSWORD = "a long pass phrase"
HOST = "q.example.cn"
URL = "http://localhost:8003"
ORIGIN_HEADERS = {"Origin": URL}


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now

    def move(self, **by):
        self.now += timedelta(**by)


def institution_file(institution, zh, en):
    members = {
        "institution": {
            "id": institution,
            "name": {"zh": zh, "en": en},
            "division": "350100",
            "state": "active",
        },
        "scopes": {},
        "desk": {"numbers": {"pattern": "{prefix}{year}-{counter:06d}", "prefix": "JY"}},
    }
    return parse_institution_file(orjson.dumps(members), None)


@dataclass
class OfficeWorld:
    """What a test holds of an office."""

    office: Office
    app: object
    clock: Clock
    gateway: MemoryGateway
    secrets: dict = field(default_factory=dict)
    accounts: dict = field(default_factory=dict)
    machines: dict = field(default_factory=dict)

    def enrol(self, name, roles, tenant=INSTITUTION, pid="P-approver"):
        """Make an account that can log in; return its id."""
        with self.office.store.write() as writing:
            account, code = enrolment.add_account(self.office, writing, tenant, name, f"{name}某", pid, roles)
        _, secret = enrolment.choose_password(self.office, tenant, name, code, PASSWORD, PASSWORD)
        shown = compute_code(secret, self.clock.now)
        enrolment.confirm_app(self.office, tenant, name, code, shown)
        self.secrets[tenant, name] = secret
        self.accounts[tenant, name] = account.id
        return account.id

    def client(self, language="en"):
        """Return a browser that is not logged in."""
        headers = {**ORIGIN_HEADERS, "Accept-Language": language, "Sec-Fetch-Site": "same-origin"}
        return TestClient(self.app, base_url=URL, headers=headers, follow_redirects=False)

    def browser(self, name, tenant=INSTITUTION, language="en"):
        """Return a browser in which somebody is logged in."""
        client = self.client(language)
        self.clock.move(seconds=30)
        answer = client.post("/login", data=self.login_form(name, tenant))
        assert answer.status_code == 303, answer.text
        client.form_token = find_form_token(client.get("/account").text)
        return client

    def login_form(self, name, tenant=INSTITUTION, /, **changes):
        secret = self.secrets.get((tenant, name), bytes(20))
        code = compute_code(secret, self.clock.now)
        return {"tenant": tenant, "name": name, "password": PASSWORD, "code": code, **changes}

    def add_machine(self, name, tenant=INSTITUTION):
        """Register a machine; return its id."""
        signer = make_signer(f"machine {tenant} {name}")
        identity = enrolment.make_id(self.office, "m")
        machine = Machine(
            identity,
            tenant,
            name,
            signer.public_key.multikey,
            is_active=True,
            created_by="a-0",
            created_at=self.clock.now,
        )
        with self.office.store.write() as writing:
            writing.add_machine(machine)
        self.machines[identity] = signer
        return identity

    def sign(self, machine, method, path, body=b"", **changes):
        """Return the headers of a signed request."""
        signer = self.machines[machine]
        created = changes.get("created", self.clock.now)
        expires = changes.get("expires", created + timedelta(seconds=60))
        nonce = changes.get("nonce", f"n-{next(_NUMBERS)}")
        parameters = build_parameters(created, expires, nonce, machine, signer.public_key.algorithm)
        digest = spell_digest(body)
        values = [("@method", method), ("@target-uri", URL + path), ("content-digest", digest)]
        signature = encode_base64(signer.sign(build_signature_base(values, parameters)))
        return {
            "Content-Digest": digest,
            "Signature-Input": f"sig={parameters}",
            "Signature": f"sig=:{signature}:",
        }

    def post(self, client, path, data=None, **options):
        """Send a form as the page of somebody logged in would."""
        token = getattr(client, "form_token", "")
        return client.post(path, data={"form_token": token, **(data or {})}, **options)

    def issue(self, *values, tenant=INSTITUTION):
        """Issue documents at an institution's desk; return their numbers."""
        desk = self.office.tenants[tenant].make_desk(self.gateway)
        checked = desk.check_rows(rows(*values))
        assert not checked.faults, checked.faults
        return [one.number for one in desk.issue(checked.documents).documents]

    def sign_off(self, tenant=INSTITUTION, count=1):
        """Begin so many things of the sign-off; return the ids of the last ones, as paths have them."""
        signoff = self.office.tenants[tenant].make_signoff(self.gateway)
        application = Writer(signoff).accept(APPLICATION, "P-operator")
        values = [
            begin_draft(number, request_id=f"D-{tenant}-{number}") for number in range(101, 101 + count)
        ]
        drafts = Writer(signoff).create(values, "P-operator", application=application.id)
        ids = [one.id for one in drafts]
        signing, approver = SigningOff(signoff), Approver(signoff)
        named = Named("P-checker", "P-approver")
        batch = 0
        for one in ids:
            assert not signing.submit([one], Person("P-operator"), named).refused
            assert not signing.check([one], Person("P-checker")).refused
            batch = approver.draw([one], "P-approver").id
        request = None
        for note in range(count):
            reason = list(ReasonCode)[note]
            number = documents_number(signoff)
            request = Corrections(signoff).ask(EventType.SUSPEND, number, reason, "x", "P-operator")
        return {"draft": str(ids[-1]), "batch": str(batch), "request": str(request.id)}

    def decide(self, tenant=AUTHORITY_TENANT):
        """Decide something that the log refuses, at an authority's desk; return its id, as paths have it."""
        chosen = self.office.tenants[tenant]
        desk = Decider(chosen.id, ORIGIN, chosen.decisions, self.gateway, self.clock, CountingRandomness())
        registers = self.gateway.registers()
        members = {**MATERIAL, "lot": f"lot of {tenant}"}
        for _ in range(1 if tenant == AUTHORITY_TENANT else 7):
            planned, _ = plan_registration(KINDS["material"], members, registers, {})
            done = desk.decide([planned], make_signer("a key of nobody"), "测试", "某人")
        return str(done[0].taken_together)

    def report(self, tenant=AUTHORITY_TENANT, count=1, photos=(), **changes):
        """Let reports of consumers lie at an authority's desk; return the number of the last."""
        store = self.office.tenants[tenant].reports
        for _ in range(count):
            head = FileHead(
                case=secrets.token_bytes(8),
                authority=tenant,
                taken_at=self.clock.now.replace(second=0, microsecond=0),
                **{"route": Route.TIP, "about": About.SHORT_WEIGHT, "institution": INSTITUTION, **changes},
            )
            said = {**REPORTED, **({"photos": list(photos)} if photos else {})}
            raw = write_file(head, said, REPORTS_PRIVATE.public_key(), secrets.token_bytes(16))
            at_ms = int(self.clock.now.timestamp() * 1000)
            waiting = WaitingReport(head.case, compute_report_digest(raw), raw, at_ms, 30_000)
            store.add([waiting], at_ms)
        return str(store.list_cases(only_open=False, limit=1)[0].position)

    def note(self, tenant=AUTHORITY_TENANT, count=1, **changes):
        """Let notes of scans lie at an authority's desk; return the number of the last."""
        store = self.office.tenants[tenant].copies
        for _ in range(count):
            store.take([make_finding(secrets.token_bytes(8), tenant, self.clock.now, **changes)])
        return str(store.list_notes(only_open=False, limit=1)[0].position)

    def counter(self, tenant=INSTITUTION):
        """Return who speaks of instruments and stickers for an institution."""
        return self.office.tenants[tenant].make_speaker(self.gateway)

    def put_on(self, tenant=INSTITUTION, serial="REG-1"):
        """Register an instrument, allot a roll, and put its first sticker on; return their ids."""
        speaker = self.counter(tenant)
        raw = orjson.dumps({**NAMEPLATE, "serial": serial})
        content = parse_registration(raw, tenant)
        registrar = Registrar(speaker, VERIFIED_ON)
        registered, _ = registrar.register(content, [], Given(None, frozenset(), ""), Picture(KEPT))
        desk = StickerDesk(speaker)
        roll = desk.allot(10)
        sticker = compute_sticker_id(roll, 0)
        desk.bind(sticker, registered.id, "1")
        return {"instrument": registered.id.hex(), "roll": roll.roll, "sticker": sticker}

    def go_round(self, tenant=INSTITUTION):
        """Prepare a round, register a device, and hold a finding of it; return the ids of the first two."""
        chosen = self.office.tenants[tenant]
        application = Writer(chosen.make_signoff(self.gateway)).accept(APPLICATION, "P-operator")
        round_ = round_of(tenant, self.office, application.id)
        device = Device(
            round_.id.replace("r-", "d-"), "P-operator", "tablet", make_signer(tenant).public_key.multikey, 1
        )
        with chosen.rounds.write() as writing:
            writing.add_round(round_)
            writing.add_device(device)
            writing.add_finding(held_finding(round_, device))
        return {"round": round_.id, "device": device.id}


def make_finding(id_, authority, now, **changes):
    """Return a sticker that was scanned in Fuzhou and in Beijing within an hour."""
    hour, at_ms = int(now.timestamp()) // 3600, int(now.timestamp() * 1000)
    seen = tuple(Seen(cell, hour, 1) for cell in (Cell(260, 1192), Cell(399, 1163)))
    members = {
        "kind": CodeKind.STICKER,
        "code": "7KQ2M9X0000CW2TT",
        "rule": Rule.TRAVEL,
        "institution": INSTITUTION,
        "instrument": bytes(16),
        "part": None,
        "is_mobile": False,
        "evidence": Evidence(seen),
        "found_at_ms": at_ms,
        "renewed_at_ms": at_ms,
    }
    return Finding(id=id_, authority=authority, **{**members, **changes})


REPORTED = {
    "code": "Y0E5Q0BVPKA486WB",
    "kind": "SCALE",
    "place": "某某市场12号摊",
    "text": "少了三两\n复称仍少",
}
MATERIAL = {
    "id": "GBW(E)130070",
    "lot": "2025-03",
    "name": "乙醇气体标准物质",
    "value": "200 µmol/mol, U=2%, k=2",
    "from": "2025-03-01",
    "until": "2027-02-28",
    "state": "active",
}


class MemoryKeystore:
    """Stands for a home and its keystore: a key, one for reports, one passphrase, how often keys were opened."""

    def __init__(self, signer):
        self.signer = signer
        self.opened = 0

    @property
    def keystore(self):
        return self

    def labels(self):
        return [KeyLabel("authority", KeyAlgorithm.ED25519, self.signer.public_key.multikey)]

    def open_signer(self, name, passphrase):
        if (name, passphrase.raw) != ("authority", KEY_PASSPHRASE.encode()):
            raise InputError("wrong passphrase, or the file is damaged", field="authority")
        self.opened += 1
        return self.signer

    def __contains__(self, name):
        return name == REPORT_KEY

    def open_private_key(self, name, passphrase):
        if (name, passphrase.raw) != (REPORT_KEY, KEY_PASSPHRASE.encode()):
            raise InputError("wrong passphrase, or the file is damaged", field="reports")
        self.opened += 1
        return REPORTS_PRIVATE


class MemoryCatalogue:
    """Stands for the auditors' catalogue: asks what a log in memory has issued."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.is_away = False

    def ask(self, given):
        if self.is_away:
            raise UnavailableError("the auditors' catalogue is out of reach")
        if given.get("category", "OTHER") not in Category.__members__:
            raise InputError(f"{given['category']!r} is none of them", field="category")
        rows = [row for row in map(self._row, self.gateway.entries.items()) if row and self._fits(row, given)]
        size, _, after = given.get("next", "-").partition("-")
        if size:
            rows = [row for row in rows if int(after) < row["leaf_index"] < int(size)]
        limit = int(given["limit"])
        rows.sort(key=lambda row: row["leaf_index"])
        later = None if len(rows) <= limit else f"{self.gateway.size}-{rows[limit - 1]['leaf_index']}"
        return [{**row, "used": None} for row in rows[:limit]], later

    def _row(self, entry):
        raw, index = entry
        statement = parse_signed_statement(raw).statement
        claims = statement.claims
        if not isinstance(claims, IssueClaims):
            return None
        issuer = InstitutionId(statement.issuer)
        state = self.gateway.states[certificate_subject(issuer, claims.number)]
        return {
            "leaf_index": int(index),
            "document_leaf": int(index),
            "institution": statement.issuer,
            "number": claims.number,
            "instrument": claims.instrument_id.hex(),
            "part": claims.part,
            "serial": claims.serial.text,
            "category": claims.category.name,
            "verified_on": claims.verified_on.isoformat(),
            "status": state.status.name,
            "used": list_mentioned(statement, self.gateway.certificates[claims.number]).used,
        }

    def _fits(self, row, given):
        used = given.get("used")
        if used is not None and not row["used"] & parse_used(used, self.gateway.registers()):
            return False
        if any(row[name] != given[name] for name in ("institution", "category", "status") if name in given):
            return False
        begin, end = given.get("verified_from", ""), given.get("verified_to", "9")
        return begin <= row["verified_on"] <= end


NAMEPLATE = {
    "category": "FUEL_DISPENSER",
    "model": "EX-1224",
    "serial": "REG-1",
    "maker": "示例机械有限公司",
    "year": 2024,
    "parts": ["1", "2"],
    "retired": ["3"],
    "seal_points": ["主板与机壳"],
    "codes": {"production": "PC-1"},
    "division": "350102",
}


def held_finding(round_, device):
    """Return a finding that waits, of a device of somebody else."""
    content = {
        "v": 1,
        "round": round_.id,
        "round_digest": "00" * 32,
        "device": device.id,
        "item": "1",
        "revision": 1,
        "made_at": "2026-11-03T07:50:00Z",
        "verified_on": VERIFIED_ON.isoformat(),
        "nameplate": "differs",
        "seals_before": "none",
        "adjusted": False,
        "standards": [],
        "results": [],
        "conclusion": "fail",
        "seals": [],
        "stickers": [],
    }
    return StoredFinding(
        position=0,
        round=round_.id,
        device=device.id,
        item="1",
        revision=1,
        instrument=bytes(32),
        person="P-operator",
        verified_on=VERIFIED_ON,
        content=encode_canonical_json(content),
        signature=bytes(64),
        received_at_ms=1,
        state="held",
        draft=None,
        remarks={"reasons": [], "flags": []},
    )


def round_of(tenant, office, application):
    """Return a round of the first pump that an institution has verified, with an id of its own."""
    record = document(1)
    record.pop("applicant")
    plan = Plan(
        f"r-{INSTITUTIONS.index(tenant):016x}",
        tenant,
        "示例加油站",
        VERIFIED_ON,
        "periodic",
        application,
        "P-operator",
        office.clock(),
        HOST,
    )
    prepared = prepare_round(plan, [Chosen(record, None, "", 0, "")], [], load_rule_book())
    return StoredRound(plan.id, prepared.content, prepared.private, "P-operator", 1)


def documents_number(signoff):
    """Return the number of a document that the institution has issued."""
    with signoff.store.read() as desk:
        return next(desk.list_documents()).number


def begin_draft(number, **changes):
    """Return an input document as an operator begins it."""
    value = document(number)
    for name in ("persons", "applicant"):
        value.pop(name)
    return value | changes


APPLICATION = {"applicant": {"name": "福州示例石油有限公司"}, "received_on": "2026-11-01", "what": "加油机"}
_NUMBERS = itertools.count()
ZONE = ZoneInfo("Asia/Shanghai")


def find_form_token(page):
    """Return the token that the forms of a page carry."""
    return page.partition('name="form_token" value="')[2].partition('"')[0]


@contextmanager
def open_office_world(folder, *, urls=None, roles=EVERY_ROLE, operations=OPERATIONS):
    """Open an office; an account and its name for each role, with both institutions.

    Args:
        folder: for the SQLite files.
        urls: addresses of three databases in place of them: the office's, and each institution's desk.
        roles: who has an account.
        operations: of the application.
    """
    urls = urls or [f"sqlite:///{folder}/{name}.db" for name in ("office", "desk-1", "desk-2")]
    world, clock = World(), Clock()
    gateway = MemoryGateway(world)
    other_seal = make_signer("seal of the other institution")
    other_key = make_signer("the other authority")
    for raw in (
        world.authority(
            key=other_key, id=OTHER_AUTHORITY, division="36", name=Name("江西省市场监督管理局", None)
        ),
        world.institution(OTHER),
        world.key(OTHER, other_seal),
        world.scope(OTHER),
    ):
        apply(gateway.founded, gateway.states, raw, gateway.size)
        gateway.size += 1
    with (
        closing(Database(urls[0])) as mine,
        closing(Database(urls[1])) as one,
        closing(Database(urls[2])) as two,
    ):
        store = OfficeStore(mine, ORIGIN)
        store.prepare()
        book = load_rule_book()
        names = {
            INSTITUTION: (one, world.seal, "福州市计量所", "Fuzhou Institute of Metrology"),
            OTHER: (two, other_seal, "厦门市计量所", "Xiamen Institute of Metrology"),
        }
        tenants = {
            institution: make_tenant(
                database,
                institution_file(institution, zh, en),
                seal,
                ORIGIN,
                book,
                clock,
                development=True,
                host=HOST,
            )
            for institution, (database, seal, zh, en) in names.items()
        }
        for identity, key, database in (
            (AUTHORITY, world.authority_key, one),
            (OTHER_AUTHORITY, other_key, two),
        ):
            decisions = DecisionStore(database)
            decisions.prepare()
            reports = CaseStore(database, identity)
            reports.prepare()
            copies = CopyStore(database, identity)
            copies.prepare()
            name, home = gateway.founded.authorities[identity].name, MemoryKeystore(key)
            tenants[InstitutionId(identity)] = AuthorityTenant(
                InstitutionId(identity),
                name,
                decisions,
                ORIGIN,
                ZONE,
                book,
                clock,
                home=home,
                reports=reports,
                copies=copies,
            )
        office = Office(
            store,
            tenants,
            gateway,
            Site(URL),
            PasswordHasher(memory_kib=32, passes=1, lanes=1),
            SecretBox(bytes(32)),
            clock,
            CountingRandomness(),
            development=True,
            catalogue=MemoryCatalogue(gateway),
        )
        app = guard_office(build_office(office, operations), office)
        made = OfficeWorld(office, app, clock, gateway)
        for tenant, found in tenants.items():
            for role in roles:
                if role in PEOPLE_OF[found.kind]:
                    made.enrol(role, frozenset({OfficeRole(role)}), tenant)
        yield made


def documents_of(count):
    """Return input documents of different instruments."""
    return [document(number) for number in range(1, count + 1)]
