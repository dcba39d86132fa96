"""A printer and a camera in numpy and Pillow: what becomes of a QR picture between the sheet and the phone.

The printed picture gets its stain and the spread of its ink; the camera turns it by any angle, tilts it by
up to 30 degrees in any direction, sees it through a lens with blur, in uneven light and low contrast, with
noise, and saves a JPEG of quality 70. All chance comes from the given generator: same seed, same pictures.
"""

import io
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

QUIET_ZONE = 4
FINDER = 7


@dataclass(frozen=True, slots=True)
class Conditions:
    """How bad the day is; the defaults are a person in a hurry in front of a pump."""

    pixels_per_module: float = 4.0
    """In the final picture, before tilting."""
    stain: float = 0.0
    """Share of the code's area under one round stain, black or white, off the three finder patterns."""
    tilt: float = 30.0
    """Largest angle between sheet and sensor, in degrees."""
    spread: float = 0.12
    """Sigma of the ink's spread, in modules."""
    blur: float = 1.0
    """Sigma of the lens, in pixels."""
    noise: float = 6.0
    """Sigma of the sensor's noise, of 255."""
    light: float = 0.18
    """Brightness gained at one edge and lost at the other."""
    dark_level: float = 45.0
    light_level: float = 215.0
    quality: int = 70
    """Of the JPEG."""


def photograph(picture: bytes, modules: int, conditions: Conditions, rng: np.random.Generator) -> bytes:
    """Return a JPEG of a printed picture.

    `picture` is a PNG of a code with its quiet zone and nothing else, `modules` its width in modules.
    """
    sheet = Image.open(io.BytesIO(picture)).convert("L")
    dots = sheet.width / modules
    if conditions.stain:
        _stain(sheet, modules, dots, conditions.stain, rng)
    sheet = sheet.filter(ImageFilter.GaussianBlur(conditions.spread * dots))
    seen = np.asarray(_shoot(sheet, conditions.pixels_per_module * modules, conditions.tilt, rng), float)
    seen = conditions.dark_level + seen * (conditions.light_level - conditions.dark_level) / 255
    seen *= _light(len(seen), conditions.light, rng)
    blurred = Image.fromarray(_clip(seen)).filter(ImageFilter.GaussianBlur(conditions.blur))
    noisy = np.asarray(blurred, float) + rng.normal(0, conditions.noise, seen.shape)
    buffer = io.BytesIO()
    Image.fromarray(_clip(noisy)).save(buffer, "JPEG", quality=conditions.quality)
    return buffer.getvalue()


def _stain(sheet: Image.Image, modules: int, dots: float, share: float, rng: np.random.Generator) -> None:
    """Draw one stain of this share of the code's area that leaves the finder patterns alone."""
    start, end = QUIET_ZONE * dots, (modules - QUIET_ZONE) * dots
    radius = (end - start) * math.sqrt(share / math.pi)
    finder = FINDER * dots / 2
    finders = [
        (start + finder, start + finder),
        (end - finder, start + finder),
        (start + finder, end - finder),
    ]
    while True:
        x, y = rng.uniform(start, end, 2)
        if all(math.hypot(x - a, y - b) > radius + finder * math.sqrt(2) for a, b in finders):
            break
    shade = int(rng.choice([0, 255]))
    ImageDraw.Draw(sheet).ellipse((x - radius, y - radius, x + radius, y + radius), fill=shade)


def _shoot(sheet: Image.Image, pixels: float, tilt: float, rng: np.random.Generator) -> Image.Image:
    """Return the sheet turned and tilted, `pixels` wide, on a light table; sampled three times too finely."""
    oversampling = 3
    width = int(pixels * 1.6) + 20
    centre, half = width * oversampling / 2, pixels * oversampling / 2
    turn, axis = rng.uniform(0, 2 * math.pi, 2)
    angle = math.radians(rng.uniform(0, tilt))
    corners = [_project(u, v, turn, axis, angle) for u, v in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    seen = [(centre + x * half, centre + y * half) for x, y in corners]
    side = sheet.width
    back = _solve_homography(seen, [(0, 0), (side, 0), (side, side), (0, side)])
    size = (width * oversampling, width * oversampling)
    large = sheet.transform(size, Image.Transform.PERSPECTIVE, back, Image.Resampling.BILINEAR, fillcolor=235)
    return large.reduce(oversampling)


def _project(u: float, v: float, turn: float, axis: float, angle: float) -> tuple[float, float]:
    """Return where a corner of the turned and tilted sheet appears, seen from four half widths away."""
    distance = 4.0
    x, y = u * math.cos(turn) - v * math.sin(turn), u * math.sin(turn) + v * math.cos(turn)
    along, across = x * math.cos(axis) + y * math.sin(axis), y * math.cos(axis) - x * math.sin(axis)
    scale = distance / (distance + along * math.sin(angle))
    along *= math.cos(angle)
    x, y = along * math.cos(axis) - across * math.sin(axis), along * math.sin(axis) + across * math.cos(axis)
    return x * scale, y * scale


def _solve_homography(sources: list[tuple[float, float]], targets: list[tuple[float, float]]) -> list[float]:
    """Return the eight coefficients that Pillow's perspective transform takes."""
    rows, values = [], []
    for (x, y), (u, v) in zip(sources, targets, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return list(np.linalg.solve(np.array(rows, float), np.array(values, float)))


def _light(width: int, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Return a plane of brightness, brighter towards one side."""
    direction = rng.uniform(0, 2 * math.pi)
    ramp = np.linspace(-1, 1, width)
    return 1 + strength * (math.cos(direction) * ramp[None, :] + math.sin(direction) * ramp[:, None])


def _clip(plane: np.ndarray) -> np.ndarray:
    return np.clip(plane, 0, 255).astype(np.uint8)
