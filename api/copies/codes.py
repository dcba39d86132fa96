"""Which code a page was about, and how that stands: from the path and what the page says. Pure.

Of what nobody was given only the roll is named; whether that was ever allotted is asked later, see `judging`.

>>> identify("/s/7KQ2M9X0A1B2C3D4", finding)
Observed(kind=<CodeKind.STICKER: 's'>, code='7KQ2M9X0A1B2C3D4', standing=<Standing.BOUND: 'BOUND'>, is_mobile=False)
"""

from dataclasses import dataclass
from typing import Final

from api.copies.rules import CodeKind, Standing
from api.shown import Shown
from api.verdicts import Finding
from ledger.core.category import Category
from ledger.core.errors import InputError
from ledger.core.qr import parse_code
from ledger.core.sticker_proof import StickerStanding
from verifier.report import StickerSummary

MOBILE: Final = frozenset({Category.TAXIMETER.name, Category.BREATH_ALCOHOL.name})
"""Instruments that are used wherever they are driven or carried."""
_STANDINGS: Final = {
    StickerStanding.BOUND: Standing.BOUND,
    StickerStanding.UNUSED: Standing.UNUSED,
    StickerStanding.REPLACED: Standing.RETIRED,
    StickerStanding.RELEASED: Standing.RETIRED,
}
_UNKNOWN: Final = frozenset({Shown.NEVER_GIVEN_OUT, Shown.UNKNOWN_CODE, Shown.NOT_LOGGED})


@dataclass(frozen=True, slots=True)
class Observed:
    """A code as a page was about it."""

    kind: CodeKind
    code: str
    standing: Standing
    is_mobile: bool

    @property
    def key(self) -> tuple[CodeKind, str]:
        """Return under what it is kept."""
        return self.kind, self.code


def identify(path: str, finding: Finding) -> Observed | None:
    """Return what a page was about; None: nothing that is counted.

    Args:
        path: of the page: `/s/…`, `/c/…` or `/q/…`; instruments (`/i/…`) have no printed code, and are not counted.
        finding: what the page says.
    """
    letter = path[1:2]
    if path[2:3] != "/" or letter not in {"s", "c", "q"}:
        return None
    report = finding.report
    if letter == "s" and report is not None and report.sticker is not None:
        return _of_sticker(report.sticker, _is_mobile(finding))
    if finding.shown in _UNKNOWN:
        return Observed(CodeKind.ROLL, "", Standing.UNKNOWN, is_mobile=False)
    if letter != "s" and finding.code is not None and not finding.is_withheld:
        return Observed(CodeKind.DOCUMENT, finding.code, Standing.BOUND, _is_mobile(finding))
    return None


def name_printed(path: str, finding: Finding) -> tuple[CodeKind, str] | None:
    """Return kind and symbols of the code on the thing itself, known or not; None: it has none."""
    letter, _, text = path[1:].partition("/")
    if letter == "q":
        return None if finding.code is None else (CodeKind.DOCUMENT, finding.code)
    try:
        return (CodeKind.STICKER if letter == "s" else CodeKind.DOCUMENT), parse_code(text)
    except InputError:
        return None


def _of_sticker(sticker: StickerSummary, is_mobile: bool) -> Observed:
    standing = _STANDINGS.get(StickerStanding(sticker.standing))
    if standing is None:
        return Observed(CodeKind.ROLL, sticker.roll, Standing.UNKNOWN, is_mobile=False)
    return Observed(CodeKind.STICKER, sticker.id, standing, is_mobile)


def _is_mobile(finding: Finding) -> bool:
    document = None if finding.report is None else finding.report.document
    return document is not None and document.category in MOBILE
