"""Sheets of stickers from the office's pages: one PDF for a download, made one at a time.

>>> print_sheet(tenant, labels, find_template("a4-3x8"), 0, made_at)
b'%PDF-...'
"""

from collections.abc import Sequence
from datetime import datetime
from threading import Lock
from typing import Final

from api.office.tenants import Tenant
from issuer.rendering.label import Label
from issuer.rendering.label_templates import TEMPLATES, LabelTemplate
from issuer.rendering.stickers import LABELS_OF_A_FILE, StickerPress, check_first_slot
from issuer.rendering.wording import Words
from issuer.sticker_labels import StickerSource
from ledger.core.errors import InputError

_BUSY: Final = Lock()
"""A sheet of a thousand labels takes a core for seconds."""


def read_template(name: str) -> LabelTemplate:
    """Return the format of labels that a form names.

    Raises:
        InputError: none, or an unknown one.
    """
    if name not in TEMPLATES:
        raise InputError("choose one of the list", field="template", zh="请从列表中选择")
    return TEMPLATES[name]


def find_room(template: LabelTemplate, first_slot: int) -> int:
    """Return how many labels one download holds.

    Args:
        template: what they are printed on.
        first_slot: where the first label stands on the first page, from 0.
    """
    return max(LABELS_OF_A_FILE // template.count, 1) * template.count - first_slot


def read_first_slot(template: LabelTemplate, start: int) -> int:
    """Return where the first label stands, from 0.

    Args:
        template: what is printed on.
        start: the same as people count, from 1.

    Raises:
        InputError: a page has no such place.
    """
    try:
        check_first_slot(template, start - 1)
    except InputError as err:
        raise InputError(
            err.reason, field="start", zh=f"{template.name}每页有1至{template.count}号标签"
        ) from None
    return start - 1


def require_room(count: int, template: LabelTemplate, first_slot: int, field: str) -> None:
    """Refuse more labels than one download holds.

    Raises:
        InputError: too many; the field is named.
    """
    room = find_room(template, first_slot)
    if count > room:
        why = f"{count} labels; one file holds {room}: print the others in another one"
        raise InputError(why, field=field, zh=f"共{count}枚，一个文件最多{room}枚，请分次打印")


def make_source(tenant: Tenant) -> StickerSource:
    """Return what all stickers of an institution have in common."""
    institution = tenant.institution
    name = Words(institution.content.name.zh, institution.letterhead.name_en or "")
    return StickerSource(tenant.id, name, tenant.host, tenant.development)


def print_sheet(
    tenant: Tenant, labels: Sequence[Label], template: LabelTemplate, first_slot: int, made_at: datetime
) -> bytes:
    """Return labels as one PDF.

    Raises:
        InputError: a label's code or words do not fit, or a character that no font has.
    """
    with _BUSY:
        press = StickerPress(tenant.font_folders)
        (pdf,) = press.render(press.fit(labels, template), first_slot, made_at)
    return pdf
