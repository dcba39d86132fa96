"""One log for each state that a verdict page can show, made by what really happens to documents.

>>> STATES["expired"][0](served)
'/c/8WJ4-...'
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from acts import People
from api_world import ApiWorld, entry, long_path
from further_kinds import to_calibration, to_paper
from registered import INSTITUTE, PARENT, STANDARD
from sticker_world import PUMP, StickerWorld
from world import AUTHORITY, INSTITUTION, World, make_signer

from api.shown import Shown
from api.static_files import StaticFiles
from ledger.core.errors import StoreUnavailableError
from ledger.core.event import EventType
from ledger.core.qr import compute_code, encode_digits
from ledger.core.standard import encode_standard_content
from ledger.store.records import Withheld

ANOTHER = {"no": "2026-0000101", "nonce": "ab" * 16}


def make_valid(served):
    path = f"/c/{served.issue(1)}"
    served.anchor()
    return path


def make_corrected(served, reason):
    """Return the address of a certificate that was replaced, and the code of what took its place."""
    path = make_valid(served)
    replaces = {"no": "2026-0000001", "reason": reason.value}
    return path, served.submit(served.sign(1, version=1, replaces=replaces, **ANOTHER))


def make_pending(served):
    return f"/c/{served.issue(1)}"


def make_expired(served):
    path = make_valid(served)
    served.now = datetime(2027, 5, 1, 16, 0, tzinfo=UTC)
    served.seconds += 1
    return path


def make_superseded(served):
    path = make_valid(served)
    served.submit(served.sign(1, version=1, **ANOTHER))
    return path


def make_failed(served):
    path = f"/c/{served.reject(1)}"
    served.anchor()
    return path


def make_failed_since(served):
    path = make_valid(served)
    served.submit(served.sign_rejection(1, version=1, **ANOTHER))
    return path


def make_attention(served):
    served.now += timedelta(days=40)
    return make_valid(served)


def make_tampered(served):
    raw = bytearray(served.sign(1).raw)
    raw[-1] ^= 1
    return f"/q/{encode_digits(bytes(raw))}"


def make_damaged(served):
    """Somebody changed the stored certificate."""
    path = make_valid(served)
    digest, body = next(iter(served.store.data.documents.items()))
    served.store.data.documents[digest] = body.replace(b"EX-1224", b"EX-1225")
    return path


def make_unlogged(served):
    return long_path(served.sign(1))


def make_stranger(served):
    return long_path(World("other.example/log").issue(1, seal=make_signer("stranger")))


def make_unknown(served):
    return f"/c/{compute_code(b'never')}"


def make_mistyped(served):
    code = make_unknown(served)
    return code[:-1] + ("0" if code[-1] != "0" else "1")


def make_unreachable(served):
    path = make_valid(served)

    def fail():
        raise StoreUnavailableError("postgresql://secret")

    served.store.read = fail
    return path


def withhold(served, *related):
    """Take the content of the only document away, on which these subjects bear."""
    (digest,) = served.store.data.documents
    del served.store.data.documents[digest]
    served.store.data.withheld[digest] = Withheld("榕市监〔2026〕8号", 1, b"".join(related))


def make_withheld(served):
    path = make_valid(served)
    withhold(served)
    return path


def to_kind(served, convert, **changes):
    """Return the address of a document that verifies nothing, about the instrument of `make_valid`."""
    record = convert(served.world.record(1), **changes)
    return f"/c/{served.submit(served.world.issue(1, record=record))}"


def make_calibrated(served):
    path = to_kind(served, to_calibration, no="XZ-1")
    served.anchor()
    return path


def make_paper(served):
    path = to_kind(served, to_paper)
    served.anchor()
    return path


STATES = {
    "valid": (make_valid, 200, "valid", "检定有效", "Valid"),
    "pending": (make_pending, 200, "pending", "有效，待存证", "Valid – not yet anchored"),
    "attention": (make_attention, 200, "attention", "检定有效，请留意", "Valid, with a remark"),
    "expired": (make_expired, 200, "expired", "已过有效期", "Expired"),
    "superseded": (make_superseded, 200, "superseded", "已有新证书", "Replaced"),
    "failed": (make_failed, 200, "failed", "检定不合格", "Failed verification"),
    "failed since": (make_failed_since, 200, "failed", "其后检定不合格", "Failed a later verification"),
    "calibrated": (make_calibrated, 200, "calibrated", "校准证书（不是检定）", "Calibrated – not verified"),
    "paper": (
        make_paper,
        200,
        "paper",
        "纸质证书登记（不是电子证书）",
        "From paper – not an electronic certificate",
    ),
    "tampered": (make_tampered, 200, "tampered", "内容与登记不符", "Does not match the register"),
    "damaged": (make_damaged, 200, "tampered", "内容与登记不符", "Does not match the register"),
    "withheld": (make_withheld, 200, "withheld", "依法不予公开", "Content withheld by law"),
    "not logged": (make_unlogged, 404, "unknown", "未载入账本", "Not in the ledger"),
    "of a stranger": (make_stranger, 404, "tampered", "从未发放此码", "Never given out"),
    "unknown": (make_unknown, 404, "unchecked", "暂时无法核验", "Cannot check right now"),
    "mistyped": (make_mistyped, 404, "unknown", "未查到此证书", "Not found"),
    "cannot check": (make_unreachable, 503, "unchecked", "暂时无法核验", "Cannot check right now"),
}

# --- a record with everything in it -------------------------------------------------------------------------


class RichWorld(World):
    """A world whose records say all that a page can show."""

    def record(self, number, institution=INSTITUTION, **changes):
        record = super().record(number, institution)
        record["instrument"] |= {
            "range": "(5~70) L/min",
            "class": "0.3",
            "purpose": "trade",
            "software": {"id": "V1.2"},
            "codes": {"production": "PC-350100-001", "repair": "RC-77", "verification": "VC-9001"},
            "parts": [{"id": "1", "name": "92号油枪"}, {"id": "2", "name": "95号油枪", "serial": "Q-2"}],
        }
        record["seals"] = [{"no": "A1001", "point": "主板与机壳"}, {"no": "A1002", "point": "编码器"}]
        record["standards"] = [
            {
                "id": STANDARD.id,
                "name": STANDARD.name,
                "exam_no": STANDARD.examination_no,
                "exam_until": STANDARD.valid_until.isoformat(),
                "range": STANDARD.range,
                "u": STANDARD.uncertainty,
                "instruments": [{"no": "17-1", "cert_no": "SL-0017-01", "until": "2027-08-31"}],
            }
        ]
        record.update(changes)
        return record


class RichSite(ApiWorld):
    """A served log with the institute's standard, and the standard that it was compared with."""

    def __init__(self, static=None, **policy):
        self.static = static or StaticFiles()
        super().__init__(world=RichWorld(), **policy)
        self.people = People(self.world)

    def parts(self, roles="all"):
        parts = super().parts(roles)
        return replace(parts, public=replace(parts.public, static=self.static))

    def found(self):
        world = self.world
        parts = [replace(part, until=date(2027, 8, 31)) for part in STANDARD.instruments]
        contents = (PARENT, replace(STANDARD, instruments=tuple(parts)))
        standards = [
            world.by_authority(EventType.STANDARD, encode_standard_content(content)) for content in contents
        ]
        founding = [*self.people.founding(), world.institution(INSTITUTE, division="350000"), *standards]
        answer = self.post([entry(raw) for raw in founding]).json()
        assert all("index" in result for result in answer["results"]), answer
        return self

    def issue_and_act(self, event_type, speaker):
        """Return the address of a certificate, anchored, on which somebody has acted since."""
        issued = self.sign(1)
        path = f"/c/{self.submit(issued)}"
        self.anchor()
        answer = self.post([entry(self.people.act_on(issued, event_type, speaker, 1))]).json()
        assert "index" in answer["results"][0], answer
        return path


ACTS = {
    Shown.WITHDRAWN: (EventType.WITHDRAW, INSTITUTION),
    Shown.CANCELLED: (EventType.CANCEL, AUTHORITY),
    Shown.SUSPENDED: (EventType.SUSPEND, AUTHORITY),
    Shown.NEEDS_REVERIFICATION: (EventType.REVERIFY_NEEDED, AUTHORITY),
}
NAMES = {
    Shown.TAMPERED: "damaged",
    Shown.FAILED_SINCE: "failed since",
    Shown.CONTENT_WITHHELD: "withheld",
    Shown.NOT_LOGGED: "not logged",
    Shown.NOT_FOUND: "mistyped",
    Shown.UNKNOWN_CODE: "unknown",
    Shown.NEVER_GIVEN_OUT: "of a stranger",
    Shown.CANNOT_CHECK: "cannot check",
}


def make_not_verified(desk):
    desk.register(PUMP)
    return f"/i/{PUMP.hex()}"


def make_unused(desk):
    return f"/s/{desk.sticker(0)}"


def make_bound(desk):
    desk.bind(desk.sticker(0), PUMP)
    return f"/s/{desk.sticker(0)}"


def make_released(desk):
    path = make_bound(desk)
    desk.release(desk.sticker(0), PUMP)
    return path


def make_replaced(desk):
    path = make_bound(desk)
    desk.bind(desk.sticker(1), PUMP)
    return path


THINGS = {
    Shown.NOT_VERIFIED: make_not_verified,
    Shown.STICKER_UNUSED: make_unused,
    Shown.STICKER_PENDING: make_bound,
    Shown.STICKER_RELEASED: make_released,
    Shown.STICKER_REPLACED: make_replaced,
}
"""Verdicts on stickers and instruments."""


def make_shown(served, shown):
    """Bring about that a page shows this, and return its address."""
    if shown in THINGS:
        return THINGS[shown](StickerWorld(served))
    if shown in ACTS:
        return served.issue_and_act(*ACTS[shown])
    return STATES[NAMES.get(shown, shown.value.lower())][0](served)
