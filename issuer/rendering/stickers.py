"""Labels as PDF/A-3 for sheets and label printers, and as PNG: a code and the words beside it, many at once.

The words are as large as fit, within what the template allows; what does not fit even in the smallest letters is
refused, never cut. Modules are drawn as areas, a whole number of printer dots each. Letters that no font has are
refused as on documents. The same labels, template and time give the same bytes.

>>> press = StickerPress(())
>>> sheets = press.fit(labels, find_template("a4-3x8"))
>>> [pdf] = press.render(sheets, first_slot=0, made_at=made_at)
"""

import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Final

import typst
from PIL import Image

from issuer.rendering.fonts import explain_unprintable, find_unprintable, load_fonts
from issuer.rendering.label import Label
from issuer.rendering.label_layout import PER_POINT, Layout, Row, lay_out
from issuer.rendering.label_templates import MM_PER_INCH, TEMPLATES, LabelTemplate
from issuer.rendering.qr import Level, Modules, PrintStyle, choose_level, render_svg, write_bulk
from issuer.rendering.wording import STICKER_SHEET
from ledger.core.canonical import JsonObject
from ledger.core.errors import InputError

STANDARD: Final = "a-3b"
"""Without the tags of a-3a: a label has one reading order, and ten thousand of them have no outline."""

EXPOSED_MM: Final = 37
"""From this width on a long code has level Q."""

LABELS_OF_A_FILE: Final = 1200
"""More labels become several files: fifty sheets of 24, so that a jam costs little, and so does the memory."""

PICTURES_AT_ONCE: Final = 200
"""Labels that are made into pictures in one go: a picture takes a hundred times the room of its file."""

_TYPESETTER_MEMORY: Final = 10
"""Runs for which the typesetter remembers what it has made, in case that it is asked for again."""

_INK: Final = 128
_LEVELS: Final = (Level.Q, Level.M)


@dataclass(frozen=True, slots=True)
class FittedLabel:
    """A label with the code that its template holds, and its words at their places."""

    label: Label
    qr_text: str
    level: Level
    dots: int
    """Printer dots of a module."""
    modules: Modules
    layout: Layout


@dataclass(frozen=True, slots=True)
class FittedLabels:
    """Labels that a template holds."""

    template: LabelTemplate
    labels: tuple[FittedLabel, ...]


class StickerPress:
    """Makes sheets of labels; reads fonts and template once. Not to be shared between threads."""

    def __init__(self, font_folders: Sequence[Path]) -> None:
        """Read the fonts.

        Args:
            font_folders: with fonts for letters that the package lacks.

        Raises:
            InputError: a folder is not there.
        """
        found = load_fonts(font_folders)
        template = files("issuer.rendering").joinpath("templates", "stickers.typ")
        self._families = found.families
        self._compiler = typst.Compiler(str(template), font_paths=found.fonts)
        self._empty = self._build_inputs(next(iter(TEMPLATES.values())), (), 0)

    @staticmethod
    def fit(
        labels: Sequence[Label], template: LabelTemplate, advance: Callable[[int], object] = bool
    ) -> FittedLabels:
        """Return the labels with codes of the template's size.

        Args:
            labels: at least one.
            template: what they are printed on.
            advance: is told after each label that it was one.

        Raises:
            InputError: the template holds none of the codes of a label, or not its words; sizes are named.
        """
        fitted = []
        for label in labels:
            fitted.append(fit_label(label, template))
            advance(1)
        return FittedLabels(template, tuple(fitted))

    def render(
        self,
        sheets: FittedLabels,
        first_slot: int,
        made_at: datetime,
        advance: Callable[[int], object] = bool,
    ) -> list[bytes]:
        """Return the sheets as PDFs, of whole pages and at most 1,200 labels each.

        Args:
            sheets: from `fit`.
            first_slot: where the first label stands on the first page, from 0; those before stay free.
            made_at: aware; stands in the files as their date.
            advance: is told after each file how many labels it has.

        Raises:
            InputError: no such slot, no label at all, or a character that no font has.
        """
        check_first_slot(sheets.template, first_slot)
        if not sheets.labels:
            raise InputError("there is no label to print", field="labels")
        made = []
        per_file = max(LABELS_OF_A_FILE // sheets.template.count, 1) * sheets.template.count
        for start in range(-first_slot, len(sheets.labels), per_file):
            chunk = FittedLabels(sheets.template, sheets.labels[max(start, 0) : start + per_file])
            made.append(self._render_file(chunk, max(-start, 0), made_at))
            advance(len(chunk.labels))
            self._forget()
        return made

    def render_pictures(self, sheets: FittedLabels) -> Iterator[tuple[Label, bytes]]:
        """Yield each label as a PNG in black and white, in the dots of its printer.

        Letters that no font has are found by `render` alone, which comes first.
        """
        single = sheets.template.cut_to_label()
        for start in range(0, len(sheets.labels), PICTURES_AT_ONCE):
            chunk = sheets.labels[start : start + PICTURES_AT_ONCE]
            inputs = self._build_inputs(single, chunk, 0)
            made = self._compiler.compile(format="png", ppi=single.dpi, sys_inputs=inputs)
            pages = [made] if isinstance(made, bytes) else made or []
            for fitted, page in zip(chunk, pages, strict=True):
                yield fitted.label, _blacken(page, single.dpi)
            self._forget()

    def _render_file(self, sheets: FittedLabels, first_slot: int, made_at: datetime) -> bytes:
        inputs = self._build_inputs(sheets.template, sheets.labels, first_slot)
        try:
            made = self._compiler.compile(
                format="pdf",
                pdf_standards=[STANDARD],
                timestamp=made_at.replace(microsecond=0),
                sys_inputs=inputs,
                pdf_tags=False,
            )
        except typst.TypstError as err:
            raise explain_refusal(err.message, sheets) from err
        if not isinstance(made, bytes):
            raise InputError("the typesetter made no sheets", field="labels")
        return made + b"\n"

    def _forget(self) -> None:
        """Let the typesetter forget the labels that it has made, which no other run asks for."""
        for _ in range(_TYPESETTER_MEMORY):
            self._compiler.compile(format="pdf", sys_inputs=self._empty)

    def _build_inputs(
        self, template: LabelTemplate, labels: Sequence[FittedLabel], first_slot: int
    ) -> dict[str, str]:
        return {
            "template": json.dumps(_describe_template(template, first_slot)),
            "labels": json.dumps([_describe(fitted, template) for fitted in labels], ensure_ascii=False),
            "fonts": json.dumps(self._families),
            "title": " ".join(STICKER_SHEET),
        }


def check_first_slot(template: LabelTemplate, slot: int) -> None:
    """Check that a page has this place for a label, counted from 0.

    Raises:
        InputError: it has not.
    """
    if not 0 <= slot < template.count:
        raise InputError(
            f"{template.name} has the labels 1 to {template.count} on a page, not {slot + 1}",
            field="--start",
        )


def fit_label(label: Label, template: LabelTemplate) -> FittedLabel:
    """Return a label with the first of its codes that the template holds, and its words beside it.

    Raises:
        InputError: it holds no code, or not the words; sizes are named.
    """
    text, level, modules, dots = _choose_code(label, template)
    layout = _place_words(label, template, modules.side * dots)
    return FittedLabel(label, text, level, dots, modules, layout)


def _choose_code(label: Label, template: LabelTemplate) -> tuple[str, Level, Modules, int]:
    """Return text, level, modules and the dots of each."""
    smallest = []
    for text in label.qr_texts:
        for level in _choose_levels(text, template):
            modules = write_bulk(text, level)
            side = modules.side
            dots = min(template.code_dots // side, template.max_dots)
            if _is_readable(text, level, dots, side, template):
                return text, level, modules, dots
            smallest.append(side)
    side = min(smallest)
    raise InputError(
        f"{label.name}: {template.name} holds a code of {template.code.quantize(Decimal('0.1'))} mm, this one "
        f"needs {template.to_mm(side * template.min_dots).quantize(Decimal('0.1'))} mm: {side} modules of "
        f"{template.to_mm(template.min_dots).quantize(Decimal('0.01'))} mm",
        field="--template",
    )


def _place_words(label: Label, template: LabelTemplate, dots: int) -> Layout:
    """Return the words of a label in the room beside a code of so many dots."""
    width, height = _find_room(template, dots)
    largest, smallest = (int(points * PER_POINT) for points in template.text_points)
    layout = lay_out(label, width, height, (*range(largest, smallest, -PER_POINT // 2), smallest))
    if layout is None:
        across, down = (length.quantize(Decimal("0.1")) for length in template.size)
        raise InputError(
            f"{label.name}: {template.name}, {across} x {down} mm, does not hold its words in letters of "
            f"{template.text_points[1]} points; take a larger template",
            field="--template",
        )
    return layout


def _find_room(template: LabelTemplate, dots: int) -> tuple[int, int]:
    """Return width and height of the room for words, in thousandths of a point."""
    width = template.size[0] - 2 * template.padding - template.gap - template.to_mm(dots)
    height = template.size[1] - 2 * template.padding
    return int(width * 72 * PER_POINT / MM_PER_INCH), int(height * 72 * PER_POINT / MM_PER_INCH)


def explain_refusal(message: str, sheets: FittedLabels) -> InputError:
    """Return why the typesetter made nothing, with the label and what on it is to blame."""
    letters = find_unprintable(message)
    if letters is None:
        return InputError(f"the sheets cannot be typeset: {message}", field="labels")
    for fitted in sheets.labels:
        for field, text in _walk(fitted.label):
            if letters in text:
                return InputError(f"{fitted.label.name}: {explain_unprintable(letters)}", field=field)
    return InputError(explain_unprintable(letters), field="labels")


def _walk(label: Label) -> Iterator[tuple[str, str]]:
    """Yield the origin and the text of everything on a label that is not ours."""
    for line in label.lines:
        yield line.field, line.value
    yield "issuer.name", label.issuer.zh
    yield "letterhead.name_en", label.issuer.en


def _choose_levels(text: str, template: LabelTemplate) -> Sequence[Level]:
    """Return the levels to try: Q for what is short, and for what is long where it may be wide enough."""
    usual = choose_level(text)
    return _LEVELS if usual is Level.M and template.code >= EXPOSED_MM else (usual,)


def _is_readable(text: str, level: Level, dots: int, side: int, template: LabelTemplate) -> bool:
    """Tell whether modules of so many dots are large enough, and level Q of a long code is worth its room."""
    raised = level is not choose_level(text)
    return dots >= template.min_dots and (not raised or template.to_mm(dots * side) >= EXPOSED_MM)


def _describe_template(template: LabelTemplate, first_slot: int) -> JsonObject:
    """Return a template in the typesetter's terms: lengths in inches, as text, and counts."""
    return {
        "paper": [_spell_inches(length) for length in template.paper],
        "columns": template.columns,
        "rows": template.rows,
        "origin": [_spell_inches(template.left), _spell_inches(template.top)],
        "pitch": [_spell_inches(length) for length in template.pitch],
        "size": [_spell_inches(length) for length in template.size],
        "cut_marks": template.cut_marks,
        "first_slot": first_slot,
    }


def _describe(fitted: FittedLabel, template: LabelTemplate) -> JsonObject:
    """Return a label in the typesetter's terms; the code lies on whole dots."""
    layout, dots = fitted.layout, fitted.modules.side * fitted.dots
    style = PrintStyle(fitted.dots, template.dpi, fitted.level)
    svg = render_svg(fitted.qr_text, style, writer=lambda _text, _level: fitted.modules)
    left, top = template.snap(template.padding), (template.snap(template.size[1]) - dots) // 2
    return {
        "svg": svg.decode(),
        "alt": fitted.qr_text,
        "code": [f"{Decimal(count) / template.dpi:.9f}" for count in (left, top, dots)],
        "words": [
            _spell_inches(template.padding + template.to_mm(dots) + template.gap),
            _spell_inches(template.padding),
        ],
        "width": _spell_points(_find_room(template, dots)[0]),
        "rows": [_describe_row(row, layout.size) for row in layout.rows],
        "bars": [[_spell_points(length) for length in bar] for bar in layout.bars],
        "rules": [_spell_points(top) for top in layout.rules],
    }


def _describe_row(row: Row, size: int) -> JsonObject:
    tallest = max(run.scale for run in row.runs)
    return {
        "place": [_spell_points(row.left), _spell_points(row.top)],
        "height": _spell_points(tallest * size // 1000),
        "light": row.is_light,
        "runs": [[run.text, _spell_points(run.scale * size // 1000)] for run in row.runs],
    }


def _spell_inches(length: Decimal) -> str:
    return f"{length / MM_PER_INCH:.9f}"


def _spell_points(length: int) -> str:
    return f"{Decimal(length) / PER_POINT:f}"


def _blacken(page: bytes, dpi: int) -> bytes:
    """Return a picture without grey, which knows its size on paper."""
    with Image.open(io.BytesIO(page)) as opened:
        grey = opened.convert("L")
    buffer = io.BytesIO()
    grey.point(lambda shade: 255 if shade >= _INK else 0, mode="1").save(buffer, "PNG", dpi=(dpi, dpi))
    return buffer.getvalue()
