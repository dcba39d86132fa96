"""Seeded changes of bytes, for comparing two readers of a format."""

import random


def mutate(seed: random.Random, raw: bytes, rounds: int) -> list[bytes]:
    """Return `raw` with bytes replaced, dropped, doubled, cut off or with one bit turned, so many times."""
    found = []
    for _ in range(rounds):
        changed = bytearray(raw)
        for _ in range(seed.choice((1, 1, 1, 2, 4))):
            _change(seed, changed)
        found.append(bytes(changed))
    return found


def _change(seed: random.Random, changed: bytearray) -> None:
    at = seed.randrange(len(changed) + 1)
    match seed.randrange(5):
        case 0:
            changed[at : at + 1] = bytes([seed.randrange(256)])
        case 1:
            del changed[at : at + seed.choice((1, 1, 2, 9))]
        case 2:
            changed[at:at] = changed[at : at + seed.choice((1, 2, 5))]
        case 3:
            del changed[at:]
        case 4 if at < len(changed):
            changed[at] ^= 1 << seed.randrange(8)
