r"""The due dates of a site's instruments as an iCalendar file (RFC 5545), for the calendar of who looks after them.

An instrument that is due is an all-day event on its last day, with a reminder 30 days before. Only what stands in
the ledger is told: nothing that a calendar could mistake for an order.

>>> write_calendar(view, "v.example.cn", Language.ZH)
b'BEGIN:VCALENDAR\r\n...'
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from api.negotiation import Language
from api.sites.instruments import NoWord, Standing
from api.sites.view import SiteView
from ledger.core.encoding import encode_hex
from verifier.report import DocumentStatus

_LINE_BYTES: Final = 75
"""Longest line without its end (RFC 5545 §3.1)."""
_DUE: Final = {
    DocumentStatus.VALID,
    DocumentStatus.EXPIRED,
    DocumentStatus.SERVICE_LIFE_ENDED,
    NoWord.CANNOT_CHECK,
}
"""Last days stay in calendars while nobody can look: they say when to verify again, not that all is well."""
_WORDS: Final = {
    Language.ZH: ("检定到期", "出厂编号", "距检定到期还有30天", "检定到期日历"),
    Language.EN: (
        "Verification due",
        "serial number",
        "Verification due in 30 days",
        "verification due dates",
    ),
}


def write_calendar(view: SiteView, host: str, language: Language) -> bytes:
    """Return the file, UTF-8.

    Args:
        view: the site; its instruments with a last day get an event each.
        host: of the site's page; makes the ids of events unique.
        language: of the words.
    """
    name = view.content.name
    title = name.zh if language is Language.ZH or name.en is None else name.en
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Hengzheng//Sites//ZH",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{_escape(f'{title} · {_WORDS[language][3]}')}",
    ]
    for standing in (*view.fair_scales, *view.instruments):
        if standing.valid_until is not None and standing.status in _DUE:
            lines += _write_event(standing, title, view.as_of, host, language)
    lines.append("END:VCALENDAR")
    return "".join(_fold(line) for line in lines).encode()


def _write_event(
    standing: Standing, place: str, stamp: datetime, host: str, language: Language
) -> Iterator[str]:
    due, serial, soon, _ = _WORDS[language]
    day = standing.valid_until
    if day is None:
        return
    what = " ".join(text for text in (standing.name, standing.model) if text)
    number = "" if standing.serial is None else f" {serial} {standing.serial}"
    yield "BEGIN:VEVENT"
    yield f"UID:{encode_hex(standing.id)}.{day:%Y%m%d}@{host.partition(':')[0]}"
    yield f"DTSTAMP:{stamp:%Y%m%dT%H%M%SZ}"
    yield f"DTSTART;VALUE=DATE:{day:%Y%m%d}"
    yield f"DTEND;VALUE=DATE:{day + timedelta(days=1):%Y%m%d}" if day.year < 9999 else "DURATION:P1D"
    yield f"SUMMARY:{_escape(f'{due}: {what}{number}')}"
    yield f"LOCATION:{_escape(place)}"
    yield f"URL:https://{host}/i/{encode_hex(standing.id)}"
    yield "TRANSP:TRANSPARENT"
    yield from (
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        f"DESCRIPTION:{_escape(soon)}",
        "TRIGGER:-P30D",
        "END:VALARM",
    )
    yield "END:VEVENT"


def _escape(text: str) -> str:
    """Return a value of the type TEXT (RFC 5545 §3.3.11)."""
    for character in "\\;,":
        text = text.replace(character, f"\\{character}")
    return text.replace("\n", "\\n")


def _fold(line: str) -> str:
    """Return a content line in pieces of at most 75 bytes, whole characters each (RFC 5545 §3.1)."""
    pieces, size = [""], 0
    for character in line:
        width = len(character.encode())
        if size + width > _LINE_BYTES:
            pieces.append(" ")
            size = 1
        pieces[-1] += character
        size += width
    return "\r\n".join(pieces) + "\r\n"
