"""What stands behind a verdict and is shown below it: record, anchor, traceability, history. Nothing personal.

>>> [link.name for link in trace_standards(record, registers)]
['燃油加油机检定装置', '二等标准金属量器标准装置']
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from ledger.core.anchor import AnchorReceipt
from ledger.core.event import standard_subject
from ledger.core.ids import LeafIndex
from ledger.core.record import Record
from ledger.core.standard import MainInstrument, StandardContent, StandardReference
from ledger.core.status import Registers

MAX_LINKS: Final = 64
"""Standards of one list."""


@dataclass(frozen=True, slots=True)
class Details:
    """What the bundle holds beside what the report says."""

    record: Record
    part: str | None
    """Of the instrument, which the document is about; None: the whole."""
    leaf_index: LeafIndex
    receipt: AnchorReceipt | None
    """As the log has signed it."""
    registers: Registers | None
    """What the bundle's evidence establishes; None: it does not hold."""


@dataclass(frozen=True, slots=True)
class Link:
    """One measurement standard on the way to where values come from."""

    depth: int
    """0: used in the verification itself."""
    name: str
    number: str
    """Of its examination certificate (计量标准考核证书)."""
    until: date | None
    uncertainty: str | None
    is_primary: bool = False
    ends: tuple[str, ...] = ()
    """External roots, and certificates known by their number alone, that its main instruments lead to."""


def trace_standards(record: Record, registers: Registers | None) -> list[Link]:
    """Return the standards of a record, each once, before those that it was compared with.

    Args:
        record: names the standards that were used.
        registers: hold what is registered of them; None: only the record's own words are known.
    """
    links: dict[tuple[StandardReference, date], Link] = {}
    for used in record.standards:
        reference = StandardReference(record.issuer.id, used.id)
        content = _find(reference, record.verified_on, registers)
        if content is None or registers is None:
            links[reference, record.verified_on] = Link(
                0, used.name, used.examination_no, used.examination_until, used.uncertainty
            )
        else:
            _walk(content, record.verified_on, registers, links)
    return list(links.values())


def _walk(
    content: StandardContent,
    day: date,
    registers: Registers,
    links: dict[tuple[StandardReference, date], Link],
    depth: int = 0,
) -> None:
    """Add a standard and those behind it; each is walked once, so that no shape of the register takes long."""
    if (content.reference, day) in links or len(links) >= MAX_LINKS:
        return
    links[content.reference, day] = _describe(content, depth)
    for instrument in () if content.is_primary else content.instruments:
        if isinstance(instrument.source, StandardReference):
            source = _find(instrument.source, instrument.dated, registers)
            if source is not None:
                _walk(source, instrument.dated, registers, links, depth + 1)


def _describe(content: StandardContent, depth: int) -> Link:
    ends = () if content.is_primary else tuple(dict.fromkeys(_list_ends(content.instruments)))
    return Link(
        depth,
        content.name,
        content.examination_no,
        content.valid_until,
        content.uncertainty,
        content.is_primary,
        ends,
    )


def _list_ends(instruments: tuple[MainInstrument, ...]) -> Iterator[str]:
    for instrument in instruments:
        if instrument.source is None:
            yield instrument.certificate_no
        elif isinstance(instrument.source, str):
            yield instrument.source


def _find(reference: StandardReference, day: date, registers: Registers | None) -> StandardContent | None:
    if registers is None:
        return None
    return registers.find_on(standard_subject(reference.institution, reference.id), StandardContent, day)
