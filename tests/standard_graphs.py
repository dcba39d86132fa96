"""Registers of standards as small graphs, and the walk along them written literally, as the yardstick.

    registered = Registered({"A": [{"sources": [("B", DAY), "NIM", None]}], "B": [{"is_primary": True}]})
    walk_literally(name("A"), DAY, registered).primaries     # {"B"}

A graph says of each standard its versions, oldest first, and of a version what it was compared with: another
standard as of a day, an external root, or a certificate that is known by its number alone.
"""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import strategies as st
from registered import INSTITUTION, PARENT, STANDARD

from ledger.core.event import standard_subject
from ledger.core.register_fields import RegisterState
from ledger.core.standard import StandardReference
from ledger.core.step import Sentence
from ledger.core.traceability import MAX_STEPS, Chain

DAY = date(2026, 11, 2)
SINCE = date(2000, 1, 1)
UNTIL = date(2030, 1, 1)


def name(text):
    return StandardReference(INSTITUTION, text)


class Registered:
    """Stands for the registers: standards by day."""

    def __init__(self, graph):
        self.versions = {
            standard_subject(INSTITUTION, text): [make_content(text, **version) for version in versions]
            for text, versions in graph.items()
        }
        self.looks = 0
        """How often it was asked."""

    def find_on(self, subject, kind, day):
        self.looks += 1
        fitting = [one for one in self.versions.get(subject, ()) if one.valid_from <= day]
        return fitting[-1] if fitting else None


def make_content(text, *, sources=(), is_primary=False, state="active", since=SINCE, until=UNTIL):
    return replace(
        STANDARD,
        institution=INSTITUTION,
        id=text,
        name="top" if text.endswith("top") else text,
        is_primary=is_primary,
        state=RegisterState(state),
        valid_from=since,
        valid_until=until,
        instruments=tuple(make_instrument(number, source) for number, source in enumerate(sources)),
    )


def make_instrument(number, source):
    dated = source[1] if isinstance(source, tuple) else DAY
    leads_to = name(source[0]) if isinstance(source, tuple) else source
    return replace(PARENT.instruments[0], no=str(number), source=leads_to, dated=dated)


def make_ladder(levels):
    """Return a graph of so many steps, with two standards on each, which both lead to both of the next."""
    both = {
        f"{step}-{side}": [{"sources": [(f"{step + 1}-{other}", DAY) for other in (0, 1)]}]
        for step in range(levels - 1)
        for side in (0, 1)
    }
    last = {f"{levels - 1}-{side}": [{"sources": [("top", DAY)]}] for side in (0, 1)}
    return both | last | {"top": [{"is_primary": True}]}


# --- at random ----------------------------------------------------------------------------------------------

_NAMES = st.sampled_from("ABCDEF")
_DAYS = st.sampled_from([DAY, DAY - timedelta(days=400), DAY - timedelta(days=4000)])
_SOURCES = st.lists(
    st.one_of(st.tuples(_NAMES, _DAYS), st.tuples(_NAMES, _DAYS), st.sampled_from(["NIM", None])), max_size=4
)
_VERSION = st.fixed_dictionaries(
    {"sources": _SOURCES},
    optional={
        "is_primary": st.sampled_from([False, False, True]),
        "state": st.sampled_from(["active", "active", "active", "suspended"]),
        "until": st.sampled_from([UNTIL, UNTIL, DAY - timedelta(days=1000)]),
    },
)
_VERSIONS = st.lists(_VERSION, min_size=1, max_size=2).map(
    lambda versions: [
        version | {"since": since}
        for version, since in zip(versions, [SINCE, DAY - timedelta(days=800)], strict=False)
    ]
)
CASES = st.dictionaries(_NAMES, _VERSIONS, min_size=1)
"""Graphs of up to six standards with up to two versions each; what a standard leads to need not be there."""


# --- literally ----------------------------------------------------------------------------------------------


def walk_literally(reference, day, registered):
    """Return what following every way finds; it takes as long as there are ways."""
    chain = {"breaks": {}, "primaries": set(), "roots": set(), "unproved": set()}
    _walk(reference, day, registered, (), chain)
    return Chain(
        tuple(chain["breaks"]),
        frozenset(chain["primaries"]),
        frozenset(chain["roots"]),
        frozenset(chain["unproved"]),
    )


def _walk(reference, day, registered, path, chain):
    label = f"{reference.institution}/{reference.id}"
    content = registered.find_on(standard_subject(reference.institution, reference.id), None, day)
    broken = _find_break(label, content, day, is_circle=reference in path)
    if broken is None and len(path) >= MAX_STEPS:
        broken = f"more than {MAX_STEPS} steps", f"溯源超过{MAX_STEPS}级"
    if broken is None and not content.is_primary and not content.instruments:
        broken = f"{label} names no main instrument", f"{label}未列主标准器"
    if broken is not None:
        chain["breaks"][Sentence(*broken)] = True
    elif content.is_primary:
        chain["primaries"].add(content.name)
    else:
        for instrument in content.instruments:
            _follow(instrument, registered, (*path, reference), chain)


def _follow(instrument, registered, path, chain):
    if instrument.source is None:
        chain["unproved"].add(instrument.certificate_no)
    elif isinstance(instrument.source, str):
        chain["roots"].add(instrument.source)
    else:
        _walk(instrument.source, instrument.dated, registered, path, chain)


def _find_break(label, content, day, *, is_circle):
    if is_circle:
        return f"{label} is traced to itself", f"{label}溯源至其自身"
    if content is None:
        return f"{label} is not registered", f"{label}未登记"
    if content.state is not RegisterState.ACTIVE:
        return f"{label} was {content.state.value} on {day}", f"{label}在{day}已暂停或撤销"
    if content.valid_until < day:
        number, until = content.examination_no, content.valid_until
        en = f"{label} had run out on {day}: {number} is good until {until}"
        return en, f"{label}在{day}已过有效期：{number}有效期至{until}"
    return None
