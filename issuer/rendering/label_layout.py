"""Where the words of a label go: lines, their places and the size of their letters.

The largest letters that hold everything are taken; where none do, first the hint is left out, then a long value may
break, then the English names of lines go. Nothing is ever cut: what does not fit then is no layout at all. This is
done here, not by the typesetter, whose own trying costs two megabytes a label.

All lengths are thousandths of a point. Widths are those of the font, without kerning, which only makes lines
shorter; letters of Chinese are one em wide in every font.

>>> lay_out(label, width=80_000, height=80_000, sizes=range(10_000, 4_999, -500)).size
8500
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final, NamedTuple

from PIL import ImageFont
from pylopdf_fonts_zh_cn import sans_path

from issuer.rendering.label import Label, LabelLine
from issuer.rendering.wording import Words

PER_POINT: Final = 1000
WRITING_ROOM: Final = 12 * PER_POINT
"""Height of a line to write on by hand."""

_WIDE: Final = "\u2e80"
"""From here on letters are one em wide."""
_LINE: Final = 1150
"""Height of a line, in thousandths of its letters' size."""
_SPACE: Final = 500
"""Between the upper and the lower words, likewise."""
_INSET: Final = 250
"""Around the words of the banner, likewise."""
_SMALL: Final = 720
_LARGE: Final = 1150
_TITLE: Final = 1500
_BANNER: Final = 800
_ATOM: Final = re.compile(
    r"[（《「【]*[\u2e80-\U0010ffff][，。、；：！？）》」】]*|[^\s\u2e80-\U0010ffff]+[，。、；：！？）》」】]*|\s+"
)


class Run(NamedTuple):
    """Words in letters of one size."""

    text: str
    scale: int = 1000
    """In thousandths of the label's size."""
    keep: bool = False
    """Stays on one line where a line holds it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of words, at its place."""

    top: int
    runs: tuple[Run, ...]
    left: int = 0
    is_light: bool = False
    """Light on dark."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The words of a label, from the upper left corner of their room."""

    size: int
    rows: tuple[Row, ...]
    bars: tuple[tuple[int, int], ...]
    """Top and height of what is dark below light words."""
    rules: tuple[int, ...]
    """Where lines to write on lie."""


class Attempt(NamedTuple):
    """What is left out, and whether values may break."""

    brevity: int
    """0: nothing is left out; 1: the hint; 2: English names of lines too, and the title is smaller."""
    is_whole: bool


ATTEMPTS: Final = (
    Attempt(0, is_whole=True),
    Attempt(1, is_whole=True),
    Attempt(0, is_whole=False),
    Attempt(1, is_whole=False),
    Attempt(2, is_whole=True),
    Attempt(2, is_whole=False),
)


def lay_out(label: Label, width: int, height: int, sizes: Iterable[int]) -> Layout | None:
    """Return the layout with the largest letters that fit; None: none do.

    Args:
        label: its words.
        width: of the room for them.
        height: likewise.
        sizes: of letters, the largest first.
    """
    tried = tuple(sizes)
    for attempt in ATTEMPTS:
        for size in tried:
            if attempt.is_whole and not _is_whole(label, width, size):
                continue
            found = _try(label, width, height, size, attempt.brevity)
            if found is not None:
                return found
    return None


def measure_text(text: str) -> int:
    """Return the width of a text in thousandths of its size."""
    advance = _load_advance()
    return sum(1000 if letter >= _WIDE else advance(letter) for letter in text)


@lru_cache(maxsize=8192)
def break_lines(runs: tuple[Run, ...], width: int) -> tuple[tuple[Run, ...], ...]:
    """Return runs as lines.

    Args:
        runs: one after the other.
        width: of a line, in thousandths of the label's size.
    """
    lines: list[list[Run]] = [[]]
    used = 0
    for run, atom in _list_atoms(runs, width):
        room = measure_text(atom) * run.scale // 1000
        if used + room > width and lines[-1]:
            lines.append([])
            used = 0
        if used or not atom.isspace():
            lines[-1].append(run._replace(text=atom))
            used += room
    return tuple(joined for line in lines if (joined := tuple(_join(line))))


def _list_atoms(runs: Sequence[Run], width: int) -> Iterator[tuple[Run, str]]:
    """Yield what is not broken: letters of Chinese, words of Latin, letters of words that no line holds."""
    for run in runs:
        fits = measure_text(run.text) * run.scale <= width * 1000
        for atom in [run.text] if run.keep and fits else _ATOM.findall(run.text):
            if measure_text(atom) * run.scale <= width * 1000:
                yield run, atom
            else:
                yield from ((run, letter) for letter in atom)


def _join(line: Sequence[Run]) -> Iterator[Run]:
    """Yield a line with neighbours of one size as one run, and no blank at its end."""
    joined: list[Run] = []
    for run in line:
        if joined and joined[-1].scale == run.scale:
            joined[-1] = run._replace(text=joined[-1].text + run.text)
        else:
            joined.append(run)
    if joined:
        joined[-1] = joined[-1]._replace(text=joined[-1].text.rstrip())
    return (run for run in joined if run.text)


def _is_whole(label: Label, width: int, size: int) -> bool:
    """Tell whether host and values stand on one line each."""
    texts = [(label.host, 1000), *((line.value, _find_scale(line, 0)) for line in label.lines)]
    return all(measure_text(text) * scale // 1000 * size <= width * 1000 for text, scale in texts)


def _try(label: Label, width: int, height: int, size: int, brevity: int) -> Layout | None:
    """Return the layout in letters of this size, if it fits."""
    line = width * 1000 // size
    upper = _Column(size, line)
    if label.banner is not None:
        upper.add_bar(label.banner)
    for runs in _list_upper(label, brevity):
        upper.add(runs)
        if runs[-1].text == "":
            upper.add_rule()
    lower = _Column(size, line)
    for runs in _list_lower(label, brevity):
        lower.add(runs)
    space = size * _SPACE // 1000 if upper.bottom else 0
    if upper.bottom + space + lower.bottom > height:
        return None
    start = height - lower.bottom if upper.bottom else (height - lower.bottom) // 2
    moved = (Row(row.top + start, row.runs) for row in lower.rows)
    return Layout(size, (*upper.rows, *moved), tuple(upper.bars), tuple(upper.rules))


def _list_upper(label: Label, brevity: int) -> Iterator[tuple[Run, ...]]:
    """Yield title and lines; an empty last run stands for a line to write on."""
    if label.title is not None:
        title = Run(label.title.zh, _TITLE if brevity < ATTEMPTS[-1].brevity else 1300, keep=True)
        yield (title,) if brevity > 1 else (title, Run(" " + label.title.en, 900, keep=True))
    for line in label.lines:
        value = Run(line.value, _find_scale(line, brevity), keep=True)
        yield value if line.words is None else _name(line.words, brevity), value


def _list_lower(label: Label, brevity: int) -> Iterator[tuple[Run, ...]]:
    """Yield institution, hint, host and code."""
    yield (Run(label.issuer.zh),)
    if label.issuer.en:
        yield (Run(label.issuer.en, _SMALL),)
    if label.hint is not None and brevity < 1:
        yield Run(label.hint.zh + " ", _SMALL, keep=True), Run(label.hint.en, _SMALL, keep=True)
    yield (Run(label.host, keep=True),)
    middle = len(label.code) // 2 + 1
    yield Run(label.code[:middle], keep=True), Run(label.code[middle:], keep=True)


def _name(words: Words, brevity: int) -> Run:
    """Return the name of a line."""
    return Run(f"{words.zh} {words.en}  " if brevity < ATTEMPTS[-1].brevity else f"{words.zh}  ", _SMALL)


def _find_scale(line: LabelLine, brevity: int) -> int:
    return _LARGE if line.large and brevity < ATTEMPTS[-1].brevity else 1000


class _Column:
    """Lines, one below the other."""

    def __init__(self, size: int, width: int) -> None:
        self._size = size
        self._width = width
        self.rows: list[Row] = []
        self.bars: list[tuple[int, int]] = []
        self.rules: list[int] = []
        self.bottom = 0

    def add(self, runs: tuple[Run, ...], *, inset: int = 0, is_light: bool = False) -> None:
        """Add a paragraph; `inset` is kept free on both sides, in thousandths of the size."""
        for line in break_lines(runs, self._width - 2 * inset):
            self.rows.append(Row(self.bottom, line, inset * self._size // 1000, is_light))
            self.bottom += max(run.scale for run in line) * _LINE // 1000 * self._size // 1000

    def add_bar(self, words: Words) -> None:
        """Add words in light letters on dark ground."""
        start, inset = self.bottom, _INSET * self._size // 1000
        self.bottom += inset
        self.add(
            (Run(words.zh + " ", _BANNER, keep=True), Run(words.en, _BANNER, keep=True)),
            inset=_INSET,
            is_light=True,
        )
        self.bottom += inset
        self.bars.append((start, self.bottom - start))
        self.bottom += inset

    def add_rule(self) -> None:
        """Add a line to write on."""
        self.bottom += WRITING_ROOM
        self.rules.append(self.bottom)
        self.bottom += self._size * _SPACE // 1000


@cache
def _load_advance() -> Callable[[str], int]:
    """Return a function that knows how far a letter advances, in thousandths of its size."""
    font = ImageFont.truetype(str(sans_path()), 1000, layout_engine=ImageFont.Layout.BASIC)

    @cache
    def advance(letter: str) -> int:
        return round(font.getlength(letter))

    return advance
