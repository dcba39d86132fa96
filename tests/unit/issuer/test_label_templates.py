"""Templates: labels lie on the paper and apart; a module is whole dots of a size that prints."""

from decimal import Decimal

import pytest

from issuer.rendering.label_templates import (
    LASER_MODULE_MM,
    MAX_MODULE_MM,
    TEMPLATES,
    THERMAL_MODULE_MM,
    find_template,
)
from ledger.core.errors import InputError

every_template = pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)


@every_template
def test_labels_lie_on_the_paper_and_apart(template):
    across, down = template.pitch
    width, height = template.size
    assert across >= width or template.columns == 1
    assert down >= height or template.rows == 1
    assert template.left + (template.columns - 1) * across + width <= template.paper[0]
    assert template.top + (template.rows - 1) * down + height <= template.paper[1]
    assert min(template.left, template.top) >= 0


@every_template
def test_a_code_lies_inside_its_label(template):
    for length in template.size:
        assert template.code + 2 * template.padding <= length + Decimal("0.1")  # whole dots
    assert template.snap(template.size[1]) >= template.code_dots


@every_template
def test_modules_are_as_large_as_the_printer_needs(template):
    thermal = template.name.startswith("label-")
    needed = THERMAL_MODULE_MM if thermal else LASER_MODULE_MM
    assert template.min_module == needed
    assert template.to_mm(template.min_dots) >= needed > template.to_mm(template.min_dots - 1)
    assert template.to_mm(template.max_dots) <= MAX_MODULE_MM < template.to_mm(template.max_dots + 1)


@pytest.mark.parametrize(
    ("name", "dots", "module"),
    [("label-60x40-203", 4, "0.500"), ("label-60x40-300", 6, "0.508"), ("a4-3x8", 10, "0.423")],
)
def test_smallest_modules_in_dots(name, dots, module):
    """As in the measured recommendation: 4 dots at 203 dpi are 0.50 mm, 6 at 300 dpi 0.51 mm."""
    template = TEMPLATES[name]
    assert template.min_dots == dots
    assert template.to_mm(dots) == Decimal(module)


@every_template
def test_a_single_label_is_a_page_of_whole_dots(template):
    single = template.cut_to_label()
    assert single.count == 1
    for length, whole in zip(single.paper, template.size, strict=True):
        dots = length * template.dpi / Decimal("25.4")
        assert abs(dots - round(dots)) < Decimal("1e-9")
        assert 0 <= whole - length < Decimal("25.4") / template.dpi
    assert single.cut_to_label() == single


def test_names_are_found_and_others_named():
    assert find_template("a4-3x8").count == 24
    with pytest.raises(InputError, match=r"no template 'a4-9x9'; there are a4-3x8, ") as caught:
        find_template("a4-9x9")
    assert caught.value.field == "--template"
