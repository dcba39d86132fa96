"""What may happen to a sticker, and to what it stands on; each life returns what the sticker's page shows then.

>>> valid(StickerWorld(served))
'VALID'
"""

from datetime import UTC, datetime

from sticker_world import PUMP, SCALE
from world import AUTHORITY, World

from ledger.core.sticker_use import StickerReason

PARTS = [{"id": "1"}, {"id": "2"}]


def with_parts(number=1):
    return {"instrument": World().record(number)["instrument"] | {"parts": PARTS}}


def bind(desk, part=None, number=0, instrument=PUMP):
    desk.bind(desk.sticker(number), instrument, part)


def unused(_):
    return "STICKER_UNUSED"


def of_withdrawn_roll(desk):
    desk.withdraw()
    return "STICKER_UNUSED"


def waiting(desk):
    bind(desk)
    return "STICKER_PENDING"


def not_anchored(desk):
    bind(desk)
    desk.verify(1)
    return "PENDING"


def valid(desk):
    not_anchored(desk)
    desk.served.anchor()
    return "VALID"


def failed(desk):
    valid(desk)
    desk.verify(1, fails=True)
    return "FAILED"


def released(desk):
    valid(desk)
    desk.release(desk.sticker(0), PUMP, reason=StickerReason.COPIED, speaker=AUTHORITY)
    return "STICKER_RELEASED"


def moved(desk):
    released(desk)
    bind(desk, instrument=SCALE)
    desk.verify(2)
    desk.served.anchor()
    return "VALID"


def replaced(desk):
    valid(desk)
    bind(desk, number=1)
    return "STICKER_REPLACED"


def expired(desk):
    valid(desk)
    desk.served.now = datetime(2027, 5, 1, 16, 0, tzinfo=UTC)
    return "EXPIRED"


def put_on_after_the_end(desk):
    desk.verify(1)
    desk.served.anchor()
    desk.served.now = datetime(2027, 5, 3, 2, 0, tzinfo=UTC)
    bind(desk)
    return "STICKER_PENDING"


def part_of_the_whole(desk):
    bind(desk, "1")
    desk.verify(1, **with_parts())
    desk.served.anchor()
    return "VALID"


def part_that_the_whole_does_not_name(desk):
    bind(desk, "2")
    instrument = World().record(1)["instrument"] | {"parts": PARTS[:1]}
    desk.verify(1, instrument=instrument)
    desk.served.anchor()
    return "STICKER_PENDING"


def part_with_its_own_older_than_the_whole(desk):
    bind(desk, "1")
    desk.verify(1, "1", fails=True, **with_parts())
    desk.verify(1, **with_parts())
    desk.served.anchor()
    return "VALID"


def part_with_its_own_newer(desk):
    part_of_the_whole(desk)
    desk.verify(1, "1", fails=True, **with_parts())
    return "FAILED"


def part_with_its_own_while_the_whole_does_not_name_it(desk):
    bind(desk, "2")
    desk.verify(1, "2", **with_parts())
    desk.verify(1, instrument=World().record(1)["instrument"] | {"parts": PARTS[:1]})
    desk.served.anchor()
    return "VALID"


def whole_with_a_part_that_failed_since(desk):
    bind(desk)
    desk.verify(1, **with_parts())
    desk.served.anchor()
    desk.verify(1, "2", fails=True, **with_parts())
    return "FAILED"


def whole_with_a_part_verified_since(desk):
    bind(desk)
    desk.verify(1, **with_parts())
    desk.verify(1, "2", **with_parts())
    desk.served.anchor()
    return "VALID"


def whole_of_parts_alone(desk):
    desk.register(PUMP)
    bind(desk)
    for part in ("1", "2"):
        desk.verify(1, part, **with_parts())
    desk.served.anchor()
    return "VALID"


def whole_of_parts_one_of_them_failed(desk):
    desk.register(PUMP)
    bind(desk)
    desk.verify(1, "1", **with_parts())
    desk.verify(1, "2", fails=True, **with_parts())
    desk.served.anchor()
    return "FAILED"


def whole_of_parts_one_of_them_open(desk):
    desk.register(PUMP)
    bind(desk)
    desk.verify(1, "1", **with_parts())
    desk.served.anchor()
    return "STICKER_PENDING"


def twice_registered(desk):
    bind(desk)
    one, other = desk.verify(1), desk.verify(2)
    desk.same(one, other)
    desk.served.anchor()
    return "VALID"


def split(desk):
    bind(desk)
    desk.split(desk.verify(1), SCALE)
    desk.served.anchor()
    return "NEEDS_REVERIFICATION"


def split_off(desk):
    bind(desk, instrument=SCALE)
    desk.split(desk.verify(1), SCALE)
    desk.served.anchor()
    return "NEEDS_REVERIFICATION"


LIVES = (
    *(unused, of_withdrawn_roll, waiting, not_anchored, valid, failed, released, moved, replaced, expired),
    *(put_on_after_the_end, part_of_the_whole, part_that_the_whole_does_not_name),
    *(part_with_its_own_older_than_the_whole, part_with_its_own_newer),
    *(part_with_its_own_while_the_whole_does_not_name_it, whole_with_a_part_that_failed_since),
    *(whole_with_a_part_verified_since, whole_of_parts_alone, whole_of_parts_one_of_them_failed),
    *(whole_of_parts_one_of_them_open, twice_registered, split, split_off),
)
