"""Fonts of everything that is printed, and what the typesetter says of a letter that none of them has.

Fonts come from a package (Noto Sans SC and Noto Serif SC, OFL-1.1) and from folders that the operator names; those
of the machine are never used.

>>> load_fonts(()).families
('Noto Sans SC', 'Noto Serif SC')
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typst
from pylopdf_fonts_zh_cn import sans_path

from ledger.core.errors import InputError

FAMILIES: Final = ("Noto Sans SC", "Noto Serif SC")
"""Fonts of the package; families of further folders are asked after them."""

_UNPRINTABLE: Final = re.compile(r'the text `"(.*?)"`', re.DOTALL)
_ESCAPE: Final = re.compile(r"\\u\{([0-9a-f]{1,6})\}")


@dataclass(frozen=True, slots=True)
class FontSet:
    """Fonts, read once."""

    fonts: typst.Fonts
    families: tuple[str, ...]
    """In the order in which they are asked for a letter."""


def load_fonts(folders: Sequence[Path]) -> FontSet:
    """Read the fonts of the package and of these folders.

    Raises:
        InputError: a folder is not there.
    """
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"{folder} is no folder with fonts", field="settings.font_folder")
    found = typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[str(sans_path().parent), *map(str, folders)],
    )
    return FontSet(found, tuple(dict.fromkeys([*FAMILIES, *found.families()])))


def load_letters(found: FontSet) -> None:
    """Read every font whole: it is else read when its first letter is set, which may be too late to open a file."""
    lines = (f'#text(font: "{family}")[检 a]' for family in found.families)
    typst.Compiler("\n".join(lines).encode(), font_paths=found.fonts).compile(format="pdf")


def find_unprintable(message: str) -> str | None:
    """Return the letters that no font has, from the typesetter's refusal; None: it refuses something else."""
    found = _UNPRINTABLE.search(message)
    return None if found is None else _ESCAPE.sub(lambda code: chr(int(code[1], 16)), found[1])


def explain_unprintable(letters: str) -> str:
    """Return what to do about letters that no font has."""
    codes = " ".join(f"U+{ord(letter):04X}" for letter in letters)
    return f"no font has the character {letters} ({codes}); name a folder with one by the setting font_folder"
