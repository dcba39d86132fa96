"""Where the values of a measurement standard come from: the walk along the certificates of its main instruments.

A step leads from a standard to the one that a main instrument was compared with, as registered on the day of that
comparison. It ends well at a primary standard, and as well as the root is trusted at an external root; it ends
open where a certificate is known by its number alone. A standard that is not there, was not in force or leads
back to itself breaks the chain. What a register can make of it costs no more than 17 visits a standard and day.

>>> walk_chain(reference, date(2026, 11, 2), registers).breaks
()
"""

from dataclasses import dataclass
from datetime import date

from ledger.core.event import standard_subject
from ledger.core.register_fields import RegisterState
from ledger.core.standard import MainInstrument, StandardContent, StandardReference
from ledger.core.status import Registers
from ledger.core.step import Sentence

_Path = tuple[StandardReference, ...]
_Place = tuple[StandardReference, date, int]
"""A standard, the day for which it counts, and how many steps lead to it."""

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
    walk = _Walk(registers)
    walk.visit(reference, day, ())
    ends = walk.ends
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


class _Walk:
    """One walk, which comes to each standard once a step and day, however many ways lead there.

    A standard is known by those above which it stands: where another way comes to it later, from one of these, it
    is traced to itself, and nothing else would be found by walking on.
    """

    def __init__(self, registers: Registers) -> None:
        self._registers = registers
        self.ends: list[_End] = []
        """In the order in which the whole tree of ways would come to them first."""
        self._below: dict[_Place, frozenset[StandardReference]] = {}

    def visit(self, reference: StandardReference, day: date, path: _Path) -> frozenset[StandardReference]:
        """Take up where a standard ends; return it and all that it leads to."""
        if reference in path:
            self.ends.append(_describe_circle(reference))
            return frozenset({reference})
        place = (reference, day, len(path))
        if place in self._below:
            circles = (above for above in path if above in self._below[place])
            self.ends.extend(_describe_circle(above) for above in circles)
        else:
            self._below[place] = self._visit_first(reference, day, path)
        return self._below[place]

    def _visit_first(
        self, reference: StandardReference, day: date, path: _Path
    ) -> frozenset[StandardReference]:
        subject = standard_subject(reference.institution, reference.id)
        content = self._registers.find_on(subject, StandardContent, day)
        end = _find_end(content, f"{reference.institution}/{reference.id}", day, len(path))
        below = {reference}
        if end is not None:
            self.ends.append(end)
        elif content is not None:
            for instrument in content.instruments:
                below |= self._follow(instrument, (*path, reference))
        return frozenset(below)

    def _follow(self, instrument: MainInstrument, path: _Path) -> frozenset[StandardReference]:
        if isinstance(instrument.source, StandardReference):
            return self.visit(instrument.source, instrument.dated, path)
        if instrument.source is None:
            self.ends.append(_End(unproved=instrument.certificate_no))
        else:
            self.ends.append(_End(root=instrument.source))
        return frozenset()


def _describe_circle(reference: StandardReference) -> _End:
    name = f"{reference.institution}/{reference.id}"
    return _End(Sentence(f"{name} is traced to itself", f"{name}溯源至其自身"))


def _find_end(content: StandardContent | None, name: str, day: date, steps: int) -> _End | None:
    """Return the end that a standard is; None: its main instruments lead on."""
    if content is None:
        return _End(Sentence(f"{name} is not registered", f"{name}未登记"))
    if (fault := _find_fault(content, name, day)) is not None:
        return _End(fault)
    if steps >= MAX_STEPS:
        return _End(Sentence(f"more than {MAX_STEPS} steps", f"溯源超过{MAX_STEPS}级"))
    if content.is_primary:
        return _End(primary=content.name)
    if not content.instruments:
        return _End(Sentence(f"{name} names no main instrument", f"{name}未列主标准器"))
    return None


def _find_fault(content: StandardContent, name: str, day: date) -> Sentence | None:
    if content.state is not RegisterState.ACTIVE:
        return Sentence(f"{name} was {content.state.value} on {day}", f"{name}在{day}已暂停或撤销")
    if content.valid_until < day:
        return Sentence(
            f"{name} had run out on {day}: {content.examination_no} is good until {content.valid_until}",
            f"{name}在{day}已过有效期：{content.examination_no}有效期至{content.valid_until}",
        )
    return None
