"""Rounds for tests: a desk with drafts, a round of pumps, and devices that sign as the page does.

>>> with open_round(tmp_path, 2) as rounds:
...     rounds.take(rounds.device(), rounds.finding("1"))[0].state
'drafted'
"""

from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field

from signoff_world import APPLICATION, OPERATOR, TestOffice, content, open_office
from world import INSTITUTION, VERIFIED_ON

from issuer.rounds.content import parse_round
from issuer.rounds.finding import FINDING_DOMAIN
from issuer.rounds.judging import Series, compute_results, find_conclusion
from issuer.rounds.preparing import Chosen, Plan, prepare_round
from issuer.rounds.receiving import Receiver, Sent
from issuer.rounds.store import Device, RoundStore, StoredRound
from ledger.core.canonical import encode_canonical_json
from ledger.core.signature import P256Signer

READINGS = (("20.00", "20.02"), ("20.00", "20.03"), ("20.00", "20.02"))


def record(number, parts=("1",)):
    """Return the record of an earlier document of a pump with these nozzles."""
    value = content(number)
    value.pop("request_id")
    named = [{"id": part, "name": f"{part}号枪"} for part in parts]
    value["instrument"] = {**value["instrument"], "parts": named}
    return {**value, "no": f"JY2025-{number:06d}", "validity": {"kind": "date", "until": "2026-11-19"}}


def make_plan(**changes):
    members = {
        "id": "r-0000000000000001",
        "institution": INSTITUTION,
        "title": "示例加油站",
        "day": VERIFIED_ON,
        "kind": "periodic",
        "application": 1,
        "person": OPERATOR,
        "prepared_at": None,
        "host": "v.example.cn",
        "uncertainty": "0.05",
        "coverage_factor": "2",
    }
    return Plan(**{**members, **changes})


def chosen(number, parts=("1",)):
    return Chosen(record(number, parts), None, "", 0, "350100")


@dataclass
class TestRounds:
    """A desk and its rounds."""

    __test__ = False
    office: TestOffice
    store: RoundStore
    content: bytes
    signers: dict = field(default_factory=dict)

    @property
    def round(self):
        return parse_round(self.content)

    def device(self, number=1, person=OPERATOR):
        """Register a device; return its id."""
        identity = f"d-{number:016x}"
        signer = P256Signer(number.to_bytes(32, "big"))
        with self.store.write() as writing:
            if writing.find_device(identity) is None:
                writing.add_device(
                    Device(identity, person, f"tablet {number}", signer.public_key.multikey, 1)
                )
        self.signers[identity] = signer
        return identity

    def results(self, *series, item="1"):
        """Return what a device computes of series of one instrument."""
        return compute_results(series, self.round.measure(self.round.items.get(item, self.round.items["1"])))

    def finding(self, item="1", device="d-0000000000000001", readings=READINGS, **changes):
        """Return what a device writes down of one instrument: the same of each nozzle."""
        parts = self.round.items.get(item, self.round.items["1"]).parts
        series = [Series("indication_error", part, tuple(readings)) for part in parts]
        given = changes.get("results") or [None]
        results = given if isinstance(given[0], dict) else self.results(*series, item=item)
        value = {
            "v": 1,
            "round": self.round.id,
            "round_digest": self.round.digest.hex(),
            "device": device,
            "item": item,
            "revision": 1,
            "made_at": "2026-11-03T07:50:00Z",
            "verified_on": VERIFIED_ON.isoformat(),
            "nameplate": "agrees",
            "seals_before": "intact",
            "adjusted": False,
            "standards": ["STD-1"],
            "temperature": "22.4",
            "results": results,
            "conclusion": find_conclusion(results),
            "seals": [{"no": "B2001", "point": "主板与壳体"}],
            "stickers": [],
        }
        return {name: one for name, one in {**value, **deepcopy(changes)}.items() if one is not ...}

    def send(self, value, signer=None):
        raw = value if isinstance(value, bytes) else encode_canonical_json(value)
        signer = signer or self.signers.get(value["device"]) or P256Signer(bytes(31) + b"\x63")
        return Sent(raw, signer.sign(FINDING_DOMAIN + raw))

    def receiver(self, person=OPERATOR):
        return Receiver(self.store, self.office.writer, person, self.office.clock())

    def take(self, *values, person=OPERATOR, sent_at=None):
        sent = [one if isinstance(one, Sent) else self.send(one) for one in values]
        now = self.office.clock()
        return self.receiver(person).take(self.round.id, sent, sent_at or now)

    def draft_content(self, draft):
        from ledger.core.canonical import parse_canonical_json

        with self.office.office.store.read() as desk:
            key = desk.fetch_draft(draft).key
            return parse_canonical_json(desk.fetch_contents([key])[key])

    def findings(self):
        with self.store.read() as reading:
            return reading.list_findings(self.round.id)


@contextmanager
def open_round(folder, instruments=1, parts=("1",), **options):
    """Yield a desk with one round of pumps, which is stored."""
    with open_office(folder, **options) as office:
        application = office.writer.accept(APPLICATION, OPERATOR)
        store = RoundStore(office.database)
        store.prepare()
        plan = make_plan(application=application.id, prepared_at=office.clock().replace(microsecond=0))
        pumps = [chosen(number, parts) for number in range(1, instruments + 1)]
        prepared = prepare_round(plan, pumps, [], office.office.rule_book)
        with store.write() as writing:
            writing.add_round(StoredRound(plan.id, prepared.content, prepared.private, OPERATOR, 1))
        yield TestRounds(office, store, prepared.content)
