"""An office for tests: persons with keys or without, drafts in a real database, a log in memory that really folds.

>>> with open_office(tmp_path) as office:
...     office.pass_all(office.submit(office.create(3)))
"""

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta

from desk_world import NOW, PROFILE, CountingRandomness, FlakyDatabase, MemoryGateway, apply, document, rows
from world import AUTHORITY, INSTITUTION, ORIGIN, VERIFIED_ON, Clock, make_signer

from issuer.amending import Amender
from issuer.delivery import pass_by
from issuer.signing import Seal
from issuer.signoff.approving import Approver
from issuer.signoff.correcting import Corrections
from issuer.signoff.office import Office, Person
from issuer.signoff.signing_off import Named, SigningOff
from issuer.signoff.store import SignOffStore
from issuer.signoff.taking_over import Taker
from issuer.signoff.writing import Writer
from ledger.core.category import Category
from ledger.core.data import load_rule_book
from ledger.core.event import EventType
from ledger.core.ids import InstitutionId
from ledger.core.person import PersonContent, Qualification, encode_person_content
from ledger.core.record import Role
from ledger.core.register_fields import RegisterState

OPERATOR, CHECKER, APPROVER = "P-0107", "P-0112", "P-0003"
NAMED = Named(CHECKER, APPROVER)
APPLICATION = {
    "applicant": {"name": "福州示例石油有限公司", "code": "91350100M000100Y43"},
    "received_on": "2026-11-01",
    "what": "燃油加油机 4 台",
}
FILE = hashlib.sha256(b"round.xlsx").digest()
SECOND = timedelta(seconds=1)


def person_content(name, **changes):
    content = PersonContent(
        institution=InstitutionId(INSTITUTION),
        id=name,
        qualification=Qualification.REGISTERED,
        roles=frozenset(Role),
        categories=frozenset(Category),
        valid_from=date(2024, 1, 1),
        valid_until=date(2028, 12, 31),
        state=RegisterState.ACTIVE,
        key=make_signer(name).public_key,
    )
    return replace(content, **changes)


class SigningGateway(MemoryGateway):
    """A log in memory that has persons with keys, and can be asked for states."""

    def register(self, event_type, content, endorsers=(), version=0):
        raw = self.world._register(
            event_type,
            AUTHORITY,
            content,
            self.world.authority_key,
            endorsers=list(endorsers),
            version=version,
        )
        self.take(raw)

    def take(self, raw):
        apply(self.founded, self.states, raw, self.size, issues=self.issues)
        self.size += 1

    def register_person(self, name, *, keyed=True, version=0, **changes):
        content = person_content(name, **({} if keyed else {"key": None}), **changes)
        self.register(
            EventType.PERSON, encode_person_content(content), [make_signer(name)] if keyed else [], version
        )


@dataclass
class TestOffice:
    """An office, and short ways to move its drafts."""

    __test__ = False
    office: Office
    gateway: SigningGateway
    database: FlakyDatabase
    clock: Clock

    @property
    def seal(self):
        return self.gateway.world.seal

    @property
    def writer(self):
        return Writer(self.office)

    @property
    def signing(self):
        return SigningOff(self.office)

    @property
    def approver(self):
        return Approver(self.office)

    @property
    def corrections(self):
        return Corrections(self.office)

    @property
    def amender(self):
        def make_seal():
            return Seal(self.seal, ORIGIN, self.office.profile.institution, self.clock())

        return Amender(self.office.store, self.gateway, make_seal, self.clock, CountingRandomness(b"acts"))

    def person(self, name):
        has_key = self.office.find_key(name, self.gateway.registers()) is not None
        return Person(name, make_signer(name) if has_key else None)

    def tick(self, seconds=1):
        self.clock.move(seconds=seconds)

    def create(self, *numbers, person=OPERATOR, **changes):
        """Make drafts of pumps; return their ids."""
        application = self.writer.accept(APPLICATION, person)
        values = [content(number, **changes) for number in numbers]
        return [draft.id for draft in self.writer.create(values, person, application=application.id)]

    def import_rows(self, count):
        """Make drafts of a file of pumps, as an office does; return their ids."""
        application = self.writer.accept(APPLICATION, OPERATOR).id
        taker = Taker(self.office)
        look = taker.look(rows(*map(content, range(1, count + 1))), OPERATOR)
        assert not look.faults, [fault.text for fault in look.faults]
        taker.take(look, FILE, application, OPERATOR)
        with self.office.store.read() as desk:
            return [one.draft for one in desk.rows.list_of_file(FILE, count)]

    def submit(self, ids, person=OPERATOR, named=NAMED, **options):
        self.tick()
        return self.signing.submit(ids, self.person(person), named, **options)

    def check(self, ids, person=CHECKER, **options):
        self.tick()
        return self.signing.check(ids, self.person(person), **options)

    def give_back(self, ids, person=CHECKER, reason="读数有误", **options):
        return self.signing.give_back(ids, person, reason, **options)

    def draw(self, ids, person=APPROVER, *, opened=True):
        batch = self.approver.draw(ids, person)
        for draft in sorted(batch.sample) if opened else ():
            self.approver.open(draft, person)
        return batch.id

    def approve(self, ids, person=APPROVER, **options):
        """Draw, open what was drawn, and approve."""
        self.tick()
        return self.approver.approve(self.draw(ids, person), self.person(person), self.seal, **options)

    def sign_all(self, ids):
        """Take drafts through every step; return what became of the approval."""
        assert not self.submit(ids).refused
        assert not self.check(ids).refused
        return self.approve(ids)

    def draft(self, id_):
        with self.office.store.read() as desk:
            return desk.fetch_draft(id_)

    def voided(self):
        with self.office.store.read() as desk:
            return list(desk.find_voided())

    def reopen(self, **changes):
        return replace(self, office=replace(self.office, **changes))


def content(number, **changes):
    """Return an input document of a pump as an operator begins it."""
    value = document(number)
    for name in ("persons", "applicant"):
        value.pop(name)
    return value | changes


@contextmanager
def open_office(
    folder, *, keyed=(OPERATOR, CHECKER, APPROVER), gateway=None, database=None, failpoint=pass_by
):
    """Yield an office whose persons are registered, `keyed` with keys of their own."""
    database = database or FlakyDatabase(folder / "desk.db")
    if gateway is None:
        gateway = SigningGateway()
        for name in (OPERATOR, CHECKER, APPROVER):
            gateway.register_person(name, keyed=name in keyed)
    store = SignOffStore(database, PROFILE.institution, ORIGIN)
    store.prepare()
    clock = Clock(NOW)
    profile = replace(PROFILE, staff={OPERATOR: "林示例", CHECKER: "陈示例", APPROVER: "张示例"})
    office = Office(
        profile,
        gateway.world.seal.public_key,
        ORIGIN,
        store,
        gateway,
        load_rule_book(),
        clock,
        CountingRandomness(),
        failpoint,
    )
    try:
        yield TestOffice(office, gateway, database, clock)
    finally:
        database.close()


__all__ = ["VERIFIED_ON", "TestOffice", "content", "open_office"]
