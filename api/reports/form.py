"""The form of a report: fields of a browser -> what was said, or every field that is wrong, by its name.

>>> read_form({"route": "tip", "about": "SHORT_WEIGHT", "place": "某某市场12号摊", ...}, [], takers)
Given(route=<Route.TIP: 'tip'>, ...)
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeVar

from api.reports.case_code import CaseCode, parse_case_code
from api.reports.kinds import INSTRUMENTS, About, Route
from api.reports.photos import MAX_PHOTO_BYTES, MAX_PHOTOS
from api.typed import fold_width
from ledger.core.canonical import JsonObject
from ledger.core.errors import InputError
from ledger.core.step import Sentence
from ledger.core.text import has_forbidden_character

MAX_TEXT: Final = 2000
MAX_PLACE: Final = 200
MAX_CODE: Final = 600
MAX_ASKED: Final = 500
MAX_NAME: Final = 60
MAX_CONTACT: Final = 100
TRAP: Final = "website"
"""A field that people do not see; whoever fills in everything fills it in."""
_PHONE: Final = re.compile(r"\+?\(?[0-9][0-9 ()-]{5,24}")
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s.]{2,}")
EnumT = TypeVar("EnumT", bound=StrEnum)

FIELDS: Final[Mapping[str, Sentence]] = {
    "route": Sentence("Way", "方式"),
    "about": Sentence("What is wrong", "反映的问题"),
    "code": Sentence("Code on the sticker", "合格证上的编码"),
    "kind": Sentence("Kind of instrument", "器具种类"),
    "region": Sentence("Region", "所在地区"),
    "place": Sentence("Where the instrument stands", "器具所在地点"),
    "text": Sentence("What happened", "情况说明"),
    "photo": Sentence("Photographs", "照片"),
    "name": Sentence("Your name", "您的姓名"),
    "phone": Sentence("Telephone", "联系电话"),
    "email": Sentence("E-mail", "电子邮箱"),
    "asked": Sentence("What you ask for", "您的诉求"),
    "case": Sentence("Case code", "案件码"),
    "form": Sentence("Form", "表单"),
    TRAP: Sentence("Leave empty", "请留空"),
}
"""Field -> how the page calls it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one field."""

    field: str
    words: Sentence


class FormError(InputError):
    """A form cannot be taken as it is; every fault is named."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Name the first in the message, and keep all."""
        first = faults[0]
        super().__init__(first.words.en, field=first.field, zh=first.words.zh)
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody has reported, before it is sealed."""

    route: Route
    about: About
    code: str
    """As scanned or typed, "" where there is none."""
    region: str
    """Id of the authority that was chosen, "" where none was."""
    case: CaseCode
    said: JsonObject = field(repr=False)
    """What is sealed; without photographs."""
    photos: tuple[bytes, ...] = field(repr=False)
    """As they came."""


def read_form(values: Mapping[str, Sequence[str]], photos: Sequence[bytes]) -> Given:
    """Return what was said.

    Args:
        values: fields of the form, each with all that came under its name.
        photos: files that were chosen.

    Raises:
        FormError: with every field that is wrong.
    """
    reading = _Reading(values)
    route = reading.choose("route", Route)
    about = reading.choose("about", About)
    code, case = reading.line("code", MAX_CODE), _read_case(reading)
    said = _read_said(reading, route, about, code)
    if reading.line(TRAP, MAX_TEXT):
        reading.fault(TRAP, "must stay empty: it is there for programs", "必须留空：该项用于识别程序")
    _check_photos(reading, photos)
    if reading.faults or route is None or about is None or case is None:
        raise FormError(reading.faults)
    return Given(route, about, code, reading.line("region", 12), case, said, tuple(photos))


class _Reading:
    """Reads fields one by one, and remembers what is wrong with them."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        self._values = values
        self.faults: list[Fault] = []

    def fault(self, name: str, en: str, zh: str) -> None:
        if all(one.field != name for one in self.faults):
            self.faults.append(Fault(name, Sentence(en, zh)))

    def text(self, name: str, most: int, *, lines: bool = False) -> str:
        """Return a field without spaces around it, "" where it is absent or wrong."""
        found = self._values.get(name, ())
        if len(found) > 1:
            self.fault(name, "is given twice", "重复填写")
            return ""
        text = (found[0] if found else "").replace("\r\n", "\n").strip()
        if len(text) > most:
            self.fault(
                name, f"has {len(text)} characters; at most {most}", f"共{len(text)}个字符，最多{most}个"
            )
            return ""
        if has_forbidden_character(text.replace("\n", " ") if lines else text):
            self.fault(name, "has characters that cannot be printed", "含有无法显示的字符")
            return ""
        return text

    def line(self, name: str, most: int) -> str:
        return self.text(name, most)

    def need(self, name: str, most: int, *, lines: bool = False) -> str:
        found = self.text(name, most, lines=lines)
        if not found:
            self.fault(name, "must be filled in", "必须填写")
        return found

    def choose(self, name: str, kind: type[EnumT]) -> EnumT | None:
        found = self.text(name, MAX_NAME)
        try:
            return kind(found)
        except ValueError:
            self.fault(name, "choose one", "请选择一项")
            return None


def _read_case(reading: _Reading) -> CaseCode | None:
    try:
        return parse_case_code(reading.line("case", MAX_NAME))
    except InputError:
        reading.fault(
            "case", "was damaged and is another one now: send the form again", "已损坏，现已更换，请再次提交"
        )
        return None


def _read_said(reading: _Reading, route: Route | None, about: About | None, code: str) -> JsonObject:
    needs_text = route is Route.COMPLAINT or about is About.OTHER
    text = (reading.need if needs_text else reading.text)("text", MAX_TEXT, lines=True)
    has_no_code = about is About.NO_STICKER or not code
    place = (reading.need if has_no_code else reading.text)("place", MAX_PLACE)
    kind = reading.line("kind", MAX_NAME)
    if kind not in INSTRUMENTS and (kind or has_no_code):
        reading.fault("kind", "choose one", "请选择一项")
    said = {"code": code, "place": place, "kind": kind, "text": text}
    if route is Route.COMPLAINT:
        said |= _read_person(reading)
    return {name: value for name, value in said.items() if value}


def _read_person(reading: _Reading) -> dict[str, str]:
    name = reading.need("name", MAX_NAME)
    phone, email = fold_width(reading.line("phone", MAX_CONTACT)), reading.line("email", MAX_CONTACT)
    if not phone and not email:
        reading.fault(
            "phone", "give a telephone number or an e-mail address", "联系电话和电子邮箱至少填写一项"
        )
    if phone and not _PHONE.fullmatch(phone):
        reading.fault("phone", "is no telephone number", "不是电话号码")
    if email and not _EMAIL.fullmatch(email):
        reading.fault("email", "is no e-mail address", "不是电子邮箱地址")
    return {
        "name": name,
        "phone": phone,
        "email": email,
        "asked": reading.need("asked", MAX_ASKED, lines=True),
    }


def _check_photos(reading: _Reading, photos: Sequence[bytes]) -> None:
    if len(photos) > MAX_PHOTOS:
        reading.fault("photo", f"at most {MAX_PHOTOS} photographs", f"最多{MAX_PHOTOS}张照片")
    if any(len(raw) > MAX_PHOTO_BYTES for raw in photos):
        reading.fault("photo", "each has at most 5 MiB", "每张不超过5 MiB")
