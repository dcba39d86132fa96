"""Templates of label sheets as data: where labels lie on the paper, and how large a code each of them holds.

    paper ─ left, top ─► label 0   label 1   …      row by row, a pitch apart
                         ┌──────┬───────────┐
                         │ code │ words     │       both inside the padding: no sheet is fed straight
                         └──────┴───────────┘

A module is a whole number of printer dots, at least 0.40 mm printed by laser and 0.45 mm printed thermally, and at
most 0.70 mm, so that words keep their room. A template for a label printer is one label a page, cut to whole dots:
what is drawn then falls on the dots of the print head.

>>> find_template("a4-3x8").count
24

Source of the sizes: sheets of 63.5 x 33.9, 63.5 x 38.1, 99.1 x 38.1, 99.1 x 57 and 38.1 x 21.2 mm, sold under many
names; rolls of 40 x 30, 60 x 40 and 80 x 50 mm.
"""

from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from ledger.core.errors import InputError

MM_PER_INCH: Final = Decimal("25.4")
LASER_MODULE_MM: Final = Decimal("0.40")
THERMAL_MODULE_MM: Final = Decimal("0.45")
MAX_MODULE_MM: Final = Decimal("0.70")

_A4: Final = (Decimal(210), Decimal(297))
_LASER_DPI: Final = 600
_GAP_MM: Final = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class LabelTemplate:
    """One format of labels; all lengths in millimetres."""

    name: str
    paper: tuple[Decimal, Decimal]
    """Width and height of a page."""
    columns: int
    rows: int
    left: Decimal
    """From the edge of the paper to the first label."""
    top: Decimal
    pitch: tuple[Decimal, Decimal]
    """From a label's edge to that of the next one, across and down."""
    size: tuple[Decimal, Decimal]
    """Width and height of a label."""
    padding: Decimal
    """Kept clear on each side of a label."""
    code: Decimal
    """Widest code with its quiet zone."""
    dpi: int
    """Of the printer."""
    min_module: Decimal
    """Smallest module that prints well."""
    text_points: tuple[Decimal, Decimal]
    """Largest and smallest letters."""
    cut_marks: bool = False

    @property
    def count(self) -> int:
        """Labels of a page."""
        return self.columns * self.rows

    @property
    def min_dots(self) -> int:
        """Fewest dots of a module."""
        return int(self._to_dots(self.min_module).to_integral_value(ROUND_CEILING))

    @property
    def max_dots(self) -> int:
        """Most dots of a module."""
        return int(self._to_dots(MAX_MODULE_MM))

    @property
    def code_dots(self) -> int:
        """Dots across the widest code."""
        return int(self._to_dots(self.code))

    @property
    def gap(self) -> Decimal:
        """Between a code, whose quiet zone is light already, and the words."""
        return _GAP_MM

    def to_mm(self, dots: int) -> Decimal:
        """Return the length of so many dots, exact to a micrometre."""
        return (dots * MM_PER_INCH / self.dpi).quantize(Decimal("0.001"))

    def snap(self, length: Decimal) -> int:
        """Return the whole number of dots that is not longer than this length."""
        return int(self._to_dots(length).to_integral_value(ROUND_FLOOR))

    def cut_to_label(self) -> "LabelTemplate":
        """Return the template of one label a page, of whole dots, for pictures of single labels."""
        width, height = (self.snap(length) * MM_PER_INCH / self.dpi for length in self.size)
        none, size = Decimal(0), (width, height)
        return replace(
            self,
            paper=size,
            size=size,
            columns=1,
            rows=1,
            left=none,
            top=none,
            pitch=size,
            cut_marks=False,
        )

    def _to_dots(self, length: Decimal) -> Decimal:
        return length * self.dpi / MM_PER_INCH


def find_template(name: str) -> LabelTemplate:
    """Return a template by its name.

    Raises:
        InputError: there is none; with the names that there are.
    """
    found = TEMPLATES.get(name)
    if found is None:
        raise InputError(f"no template {name!r}; there are {', '.join(TEMPLATES)}", field="--template")
    return found


def _build_sheet(
    columns: int, rows: int, size: tuple[str, str], pitch: tuple[str, str], code: str, *, padding: str = "2"
) -> LabelTemplate:
    """Return a template for A4, printed by laser, with equal margins on opposite sides."""
    width, height = Decimal(size[0]), Decimal(size[1])
    across, down = Decimal(pitch[0]), Decimal(pitch[1])
    return LabelTemplate(
        name=f"a4-{columns}x{rows}",
        paper=_A4,
        columns=columns,
        rows=rows,
        left=(_A4[0] - (columns - 1) * across - width) / 2,
        top=(_A4[1] - (rows - 1) * down - height) / 2,
        pitch=(across, down),
        size=(width, height),
        padding=Decimal(padding),
        code=Decimal(code),
        dpi=_LASER_DPI,
        min_module=LASER_MODULE_MM,
        text_points=(Decimal(10), Decimal(5)),
    )


def _build_roll(width: int, height: int, code: str, padding: str, dpi: int, smallest: str) -> LabelTemplate:
    """Return a template for a label printer, which prints thermally."""
    size = (Decimal(width), Decimal(height))
    return LabelTemplate(
        name=f"label-{width}x{height}-{dpi}",
        paper=size,
        columns=1,
        rows=1,
        left=Decimal(0),
        top=Decimal(0),
        pitch=size,
        size=size,
        padding=Decimal(padding),
        code=Decimal(code),
        dpi=dpi,
        min_module=THERMAL_MODULE_MM,
        text_points=(Decimal(10), Decimal(smallest)),
    ).cut_to_label()


_SMALLEST: Final = {203: "5.7", 300: "5"}
"""By dots per inch: a Chinese letter needs 16 dots."""

_ALL: Final = (
    _build_sheet(3, 8, ("63.5", "33.9"), ("66.04", "33.9"), "29.9"),
    _build_sheet(3, 7, ("63.5", "38.1"), ("66.04", "38.1"), "32"),
    _build_sheet(2, 7, ("99.1", "38.1"), ("101.6", "38.1"), "34.1"),
    _build_sheet(2, 5, ("99.1", "57"), ("101.6", "57"), "45"),
    _build_sheet(5, 13, ("38.1", "21.2"), ("40.6", "21.2"), "18.2", padding="1.5"),
    replace(
        _build_sheet(3, 7, ("60", "40"), ("60", "40"), "36"),
        name="a4-cut-60x40",
        cut_marks=True,
    ),
    *(
        _build_roll(width, height, code, padding, dpi, smallest)
        for width, height, code, padding in (
            (40, 30, "23", "1"),
            (60, 40, "37", "1.5"),
            (80, 50, "47", "1.5"),
        )
        for dpi, smallest in _SMALLEST.items()
    ),
)

TEMPLATES: Final = {template.name: template for template in _ALL}
"""By name, in the order in which they are listed."""
