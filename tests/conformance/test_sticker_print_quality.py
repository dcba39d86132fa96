"""Print quality gate of label sheets: the code on the page of every template is read from at least 97 % of photos.

The page is drawn by poppler, in a label printer's dots or at 300 dpi; the code is cut out with its quiet zone and
photographed as in `test_qr_print_quality`: 3.5 pixels per module, and again with a stain on a tenth of the code.
Seeds are fixed; they are never changed to make a template pass.
"""

import os
import zlib

import numpy as np
import pytest
from camera import Conditions, photograph
from labels import CERTIFICATES, MADE_AT, certificate_label, crop_code, press, roll_label

from issuer.rendering.label_templates import TEMPLATES
from issuer.rendering.stickers import fit_label
from ledger.core.errors import InputError
from verifier.picture import read_qr_picture

LONG = os.environ.get("HENGZHENG_LONG") == "1"
LABELS, PHOTOS = (50, 10) if LONG else (2, 8)
"""Different labels, and photos of each; the long form takes 500 photos of every template."""
NEEDED = 0.97

CASES = [(name, roll_label) for name in TEMPLATES] + [(name, certificate_label) for name in CERTIFICATES]


@pytest.mark.parametrize(("name", "make"), CASES, ids=[f"{name}-{make.__name__}" for name, make in CASES])
@pytest.mark.parametrize("stain", [0.0, 0.1], ids=["clean", "stained"])
def test_a_printed_code_is_read(name, make, stain, tmp_path):
    template = TEMPLATES[name]
    rng = np.random.default_rng(zlib.crc32(f"{name} {make.__name__} {stain}".encode()))
    read = 0
    for number in range(LABELS):
        fitted = fit_label(make(number), template)
        side = fitted.modules.side
        [pdf] = press().render(press().fit([fitted.label], template), 0, MADE_AT)
        width = float(template.to_mm(side * fitted.dots))
        code = crop_code(pdf, tmp_path, template, width, min(template.dpi, 300))
        conditions = Conditions(pixels_per_module=3.5, stain=stain)
        for _ in range(PHOTOS):
            try:
                read += read_qr_picture(photograph(code, side, conditions, rng)) == fitted.qr_text
            except InputError:
                continue
    assert read / (LABELS * PHOTOS) >= NEEDED
