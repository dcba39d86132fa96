"""What people read of copied stickers: a hint, a warning, and why they are asked where they are.

>>> HINTS[CopyMark.SUSPECTED].zh
'近期在相距较远的地点都扫到过此贴纸，请仔细核对铭牌和铅封。'
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from api.copies.marks import CopyMark
from api.copies.watch import Ask
from api.web.words import Look
from ledger.core.step import Sentence

_TWO_LABELS: Final = '<path d="M3 3h12v12H3Z"/><path d="M9 15v6h12V9h-6M6.5 7h5M6.5 11h5"/>'
COPIED: Final = Look(
    "copied",
    _TWO_LABELS,
    Sentence("Possibly copied", "可能被复制"),
    Sentence(
        "The authority has found copies of it. Compare nameplate and seals; if they differ, call 12315.",
        "主管部门核实，此码曾被复制。请核对铭牌和铅封，不一致请拨打12315。",
    ),
)
"""In place of the look of a record that is in order; a harder fact keeps its own."""
RECORD: Final = Sentence("Its record: {headline}.", "此码对应的检定记录：{headline}。")
WHOSE: Final = Sentence(
    "The warning is the authority's; it is no part of the record or of its proof, which stand as before.",
    "此提示由主管部门作出，不属于检定记录及其证明，二者未变。",
)
HINTS: Final = MappingProxyType(
    {
        CopyMark.SUSPECTED: Sentence(
            "This sticker was scanned at places far apart lately. Compare nameplate and seals with care.",
            "近期在相距较远的地点都扫到过此贴纸，请仔细核对铭牌和铅封。",
        ),
        CopyMark.OUTSIDE: Sentence(
            "This sticker was scanned far from where its instrument stands lately. "
            "Compare nameplate and seals with care.",
            "近期在远离器具使用地的地方扫到过此贴纸，请仔细核对铭牌和铅封。",
        ),
        CopyMark.CONFIRMED: COPIED.sentence,
    }
)
"""Beside the verdict, which stays as it is."""


@dataclass(frozen=True, slots=True)
class ScanNote:
    """What a page says and asks beside its verdict."""

    mark: CopyMark | None = None
    ask: Ask | None = None


NOTHING: Final = ScanNote()
