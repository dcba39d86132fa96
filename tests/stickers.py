"""A ledger with a roll of stickers, and what is registered of an instrument.

>>> StickerLedger().registers.rolls[ROLL.roll].count
100
"""

from datetime import UTC, date, datetime

from ledger_in_memory import INSTITUTION, make_signer
from registered import RegisteredLedger

from ledger.core.act import Decision
from ledger.core.category import Category
from ledger.core.event import EventType
from ledger.core.ids import InstrumentId
from ledger.core.register_fields import RegisterState
from ledger.core.registration import Answer, InstrumentContent, Likeness, encode_instrument_content
from ledger.core.sticker import RollContent, compute_sticker_id, encode_roll_content
from ledger.core.sticker_use import (
    StickerBinding,
    StickerReason,
    StickerRelease,
    encode_binding,
    encode_release,
)

NOW = datetime(2026, 2, 28, 8, tzinfo=UTC)
ROLL = RollContent("7KQ2M9X", INSTITUTION, 100, bytes(16), RegisterState.ACTIVE)
PUMP, SCALE = InstrumentId(bytes([1]) * 16), InstrumentId(bytes([2]) * 16)
FIRST, SECOND = compute_sticker_id(ROLL, 0), compute_sticker_id(ROLL, 1)
DECISION = Decision("闽市监〔2026〕1号", "计量法第二十六条", date(2026, 2, 28), None, "可申请行政复议")
REGISTRATION = InstrumentContent(
    id=PUMP,
    category=Category.FUEL_DISPENSER,
    model="EX-1224",
    serial="SN20240001",
    maker="示例机械有限公司",
    type_approval_no="2018F258-32",
    year=2024,
    codes=(("production", "PC-1"), ("verification", "VC-9")),
    parts=("1", "2"),
    retired=("3",),
    seal_points=("主板与机壳",),
    division="350102",
    answers=(Answer(SCALE, Likeness.DIFFERENT, "P-0107", date(2026, 11, 2)),),
)


class StickerLedger(RegisteredLedger):
    """A ledger with a roll of 100 stickers."""

    def __init__(self):
        super().__init__()
        self.append(self.allot())

    def allot(self, content=ROLL, *, version=0, issuer=None, by="seal"):
        raw = encode_roll_content(content)
        issuer = issuer or content.institution
        return self.register(EventType.STICKER_ALLOTTED, issuer, raw, make_signer(by), version=version)

    def bind(self, sticker=FIRST, instrument=PUMP, part=None, **options):
        content = StickerBinding(sticker, instrument, part, NOW)
        raw = encode_binding(content)
        return self.sign_content(EventType.STICKER_BOUND, raw, content.subject, **options)

    def release(self, sticker=FIRST, instrument=PUMP, part=None, decision=None, **options):
        binding = StickerBinding(sticker, instrument, part, NOW)
        raw = encode_release(StickerRelease(binding, StickerReason.DAMAGED, decision))
        return self.sign_content(EventType.STICKER_UNBOUND, raw, binding.subject, **options)

    def enter(self, content=REGISTRATION, **options):
        raw = encode_instrument_content(content)
        return self.sign_content(EventType.INSTRUMENT, raw, content.subject, **options)

    def say(self, raw):
        return self.outcomes[self.append(raw)]
