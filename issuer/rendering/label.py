"""What stands on one label, whichever sheet it is printed on.

>>> Label("7KQ2-M9X0-01RC-CF83", (text,), "q.example.cn", "7KQ2-M9X0-01RC-CF83", Words("福州市计量所", ""))
"""

from dataclasses import dataclass

from issuer.rendering.wording import Words


@dataclass(frozen=True, slots=True)
class LabelLine:
    """One thing that a label says."""

    field: str
    """Where it comes from, for a refusal: `instrument.serial`."""
    words: Words | None
    """What it is; None: it speaks for itself."""
    value: str
    """Empty: a line to write on by hand."""
    large: bool = False


@dataclass(frozen=True, slots=True)
class Label:
    """What stands on one label."""

    name: str
    """Number or id, for refusals and for the name of a picture."""
    qr_texts: tuple[str, ...]
    """Texts that the code may have, the preferred one first."""
    host: str
    """Printed in words, as the code is: so a look-alike site is noticed."""
    code: str
    """In groups, with hyphens; to be typed where the picture is scratched."""
    issuer: Words
    """Name of the institution; the English one may be empty."""
    title: Words | None = None
    lines: tuple[LabelLine, ...] = ()
    hint: Words | None = None
    banner: Words | None = None
