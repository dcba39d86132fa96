"""Where the values of a measurement standard come from: the walk along the certificates of its main instruments.

A step leads from a standard to the one that a main instrument was compared with, as registered on the day of that
comparison. It ends well at a primary standard, and as well as the root is trusted at an external root; it ends
open where a certificate is known by its number alone. A standard that is not there, was not in force or leads
back to itself breaks the chain.

>>> walk_chain(reference, date(2026, 11, 2), registers).breaks
()
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from ledger.core.event import standard_subject
from ledger.core.register_fields import RegisterState
from ledger.core.standard import MainInstrument, StandardContent, StandardReference
from ledger.core.status import Registers
from ledger.core.step import Sentence

MAX_STEPS = 16
"""Between a working standard and a primary one lie six or fewer."""


@dataclass(frozen=True, slots=True)
class Chain:
    """Where a walk has ended, in every branch of it."""

    breaks: tuple[Sentence, ...]
    """Why a branch leads nowhere."""
    primaries: frozenset[str]
    """Primary standards that it has come to, by name."""
    roots: frozenset[str]
    """External roots."""
    unproved: frozenset[str]
    """Certificates that are known by their number alone."""


@dataclass(frozen=True, slots=True)
class _End:
    """One end of a walk; exactly one member is set."""

    broken: Sentence | None = None
    primary: str | None = None
    root: str | None = None
    unproved: str | None = None


def walk_chain(reference: StandardReference, day: date, registers: Registers) -> Chain:
    """Follow a standard to where its values come from.

    Args:
        reference: the standard.
        day: on which it was used.
        registers: hold the standards, see `list_sources`.
    """
    ends = list(_walk(reference, day, registers, ()))
    return Chain(
        tuple(dict.fromkeys(end.broken for end in ends if end.broken is not None)),
        frozenset(end.primary for end in ends if end.primary is not None),
        frozenset(end.root for end in ends if end.root is not None),
        frozenset(end.unproved for end in ends if end.unproved is not None),
    )


def list_sources(content: StandardContent) -> list[StandardReference]:
    """Return the standards of this log that a standard's main instruments were compared with."""
    sources = (instrument.source for instrument in content.instruments)
    return [source for source in sources if isinstance(source, StandardReference)]


def _walk(
    reference: StandardReference, day: date, registers: Registers, path: tuple[StandardReference, ...]
) -> Iterator[_End]:
    name = f"{reference.institution}/{reference.id}"
    if reference in path:
        yield _End(Sentence(f"{name} is traced to itself", f"{name}溯源至其自身"))
        return
    content = registers.find_on(standard_subject(reference.institution, reference.id), StandardContent, day)
    if content is None:
        yield _End(Sentence(f"{name} is not registered", f"{name}未登记"))
    elif (fault := _find_fault(content, name, day)) is not None:
        yield _End(fault)
    elif len(path) >= MAX_STEPS:
        yield _End(Sentence(f"more than {MAX_STEPS} steps", f"溯源超过{MAX_STEPS}级"))
    elif content.is_primary:
        yield _End(primary=content.name)
    elif not content.instruments:
        yield _End(Sentence(f"{name} names no main instrument", f"{name}未列主标准器"))
    else:
        for instrument in content.instruments:
            yield from _follow(instrument, registers, (*path, reference))


def _find_fault(content: StandardContent, name: str, day: date) -> Sentence | None:
    if content.state is not RegisterState.ACTIVE:
        return Sentence(f"{name} was {content.state.value} on {day}", f"{name}在{day}已暂停或撤销")
    if content.valid_until < day:
        return Sentence(
            f"{name} had run out on {day}: {content.examination_no} is good until {content.valid_until}",
            f"{name}在{day}已过有效期：{content.examination_no}有效期至{content.valid_until}",
        )
    return None


def _follow(
    instrument: MainInstrument, registers: Registers, path: tuple[StandardReference, ...]
) -> Iterator[_End]:
    if instrument.source is None:
        yield _End(unproved=instrument.certificate_no)
    elif isinstance(instrument.source, StandardReference):
        yield from _walk(instrument.source, instrument.dated, registers, path)
    else:
        yield _End(root=instrument.source)
