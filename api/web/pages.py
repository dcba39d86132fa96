"""Finding -> page: one verdict, its fields only where the evidence holds, everything escaped.

The verdict, its icon and its words are in the page itself, so that they are read before any script has come; the
script then lets the device check the proof, and says whose verdict it is.

>>> PageWriter(policy, "v.example.cn").write(finding, choose_language("zh-CN", None))
b'<!doctype html>...'
"""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from api.copies.marks import CopyMark
from api.details import Details
from api.negotiation import Language, Tongue
from api.photos import ShownPhoto
from api.reports.kinds import About
from api.shown import RELIED_ON, Shown
from api.sites.view import Promised
from api.static_files import StaticFiles
from api.verdicts import Finding
from api.web.copy_words import COPIED, HINTS, NOTHING, RECORD, WHOSE, ScanNote
from api.web.data import list_advice
from api.web.places import list_places
from api.web.pledges import list_pledges
from api.web.remark_words import say_days_left, say_warning
from api.web.replaced_words import choose_look, say_replacing
from api.web.sections import (
    list_anchor,
    list_chain,
    list_events,
    list_facts,
    list_persons,
    list_plate,
    say_cause,
)
from api.web.thing_words import say_part, say_thing
from api.web.words import (
    INCLUDED,
    NEXT_CALIBRATION,
    NO_NEWER,
    SERVICE_LIFE_ENDED,
    UNTIL,
    WITHHELD,
    say,
    say_date,
    say_instant,
    say_outcome,
    say_zone,
)
from ledger.core.policy import Policy
from ledger.core.qr import format_code
from ledger.core.record import DocumentType
from ledger.core.register_fields import Name
from ledger.core.step import Outcome, Sentence, Step
from ledger.history import History
from ledger.place_reading import LoggedSite
from verifier.browser import PACK
from verifier.report import DISCLAIMER, STATUS_WORDS, DocumentStatus, DocumentSummary, Report

STYLE: Final = files("api.web").joinpath("templates/page.css").read_text(encoding="utf-8").strip()
STYLE_SOURCE: Final = "'sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode() + "'"
"""Names the one style sheet in the content security policy."""

PAGE_SECURITY: Final = (
    f"default-src 'none'; script-src 'self'; connect-src 'self'; style-src {STYLE_SOURCE}; "
    "img-src 'self' data: blob:; worker-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""Content security policy of a verdict page: scripts of this site, and nothing in the page itself runs."""

_FIELDLESS: Final = {
    Shown.TAMPERED,
    Shown.NOT_LOGGED,
    Shown.NOT_FOUND,
    Shown.CANNOT_CHECK,
    Shown.CONTENT_WITHHELD,
    Shown.UNKNOWN_CODE,
    Shown.NEVER_GIVEN_OUT,
    Shown.NOT_VERIFIED,
    Shown.STICKER_UNUSED,
    Shown.STICKER_RELEASED,
    Shown.STICKER_REPLACED,
}
_PROVED: Final = {
    Shown.TAMPERED,
    Shown.WITHDRAWN,
    Shown.CANCELLED,
    Shown.FAILED,
    Shown.FAILED_SINCE,
    Shown.SUSPENDED,
    Shown.NEEDS_REVERIFICATION,
    Shown.SUPERSEDED,
    Shown.EXPIRED,
    Shown.PENDING,
    Shown.ATTENTION,
    Shown.VALID,
    Shown.CALIBRATED,
    Shown.PAPER,
}
"""Verdicts that a bundle proves."""
_PROVED_ALONE: Final = {
    Shown.NEEDS_REVERIFICATION,
    Shown.NOT_LOGGED,
    Shown.NEVER_GIVEN_OUT,
    Shown.NOT_VERIFIED,
    Shown.STICKER_UNUSED,
    Shown.STICKER_PENDING,
    Shown.STICKER_RELEASED,
    Shown.STICKER_REPLACED,
}
"""Verdicts that a file of another kind proves: how a sticker stands, or what the ledger lacks."""
_VERIFYING_NOTHING: Final = {Shown.CALIBRATED, Shown.PAPER}
_DATED: Final = {*RELIED_ON, Shown.EXPIRED, Shown.CALIBRATED}
_TURNS_AMBER: Final = {*RELIED_ON, Shown.STICKER_PENDING}
"""What a confirmed copy outweighs on the page; every other state asks for more care than that by itself."""

_REPORTED: Final = (About.MISMATCH, About.SEAL_BROKEN, About.SHORT_WEIGHT)

_TEMPLATES: Final = Environment(
    loader=PackageLoader("api.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


MakeLink = Callable[[str, About | None], str]
"""From a short code, and what is wrong, to where that is reported, from the root of the site."""


@dataclass(frozen=True, slots=True)
class Offers:
    """What else the application has, for pages to lead to."""

    static: StaticFiles | None = None
    """Scripts; None: the page has none, and says that the verdict is the server's."""
    make_link: MakeLink | None = None
    """Where people report what is wrong with the instrument of a code; None: nothing is reported here."""


@dataclass(frozen=True, slots=True)
class Past:
    """What has happened to the instrument of a finding, and what is promised of it."""

    history: History
    names: Mapping[str, Name]
    """Of those who speak in it."""
    pledges: Sequence[Promised] = ()
    """Of owners of sites which name the instrument; self-declared."""
    places: Sequence[LoggedSite] = ()
    """Where it is used, by the word of whoever entered these sites."""
    photo: ShownPhoto | None = None
    """That the institution of the document has registered."""


@dataclass(frozen=True, slots=True)
class _Device:
    """Addresses of what a device checks with, from the root of the site."""

    script: str
    old_script: str
    module: str | None
    """None: the verifier is not shipped; the script then says that the device cannot check."""


class PageWriter:
    """Writes the pages of one site."""

    def __init__(self, policy: Policy, host: str, offers: Offers | None = None) -> None:
        self._policy = policy
        self._host = host
        self._offers = offers or Offers()
        self._device = _find_device(self._offers.static)
        static = self._offers.static
        self._place_script = None if static is None else static.address("page", "place.js")
        self._template = _TEMPLATES.get_template("verdict.html")

    def write(
        self,
        finding: Finding,
        tongue: Tongue,
        last: Finding | None = None,
        past: Past | None = None,
        note: ScanNote = NOTHING,
    ) -> bytes:
        """Return the page of a finding, UTF-8.

        Args:
            finding: what was found.
            tongue: language of the page.
            last: what was found when it could last be checked.
            past: of the instrument; left out where no field is shown.
            note: what scans of the code suggest, and whether the page asks for a place.
        """
        language = tongue.language
        is_copied = note.mark is CopyMark.CONFIRMED and finding.shown in _TURNS_AMBER
        look, report = COPIED if is_copied else choose_look(finding.shown, finding.replacing), finding.report
        headline = say(look.headline, language) if is_copied else _headline(finding, language)

        def t(en: str, zh: str) -> str:
            return say(Sentence(en, zh), language)

        is_fieldless = finding.shown in _FIELDLESS or finding.is_withheld or finding.is_partial
        document = None if report is None or is_fieldless else report.document
        details = None if document is None else finding.details
        record = None if details is None else details.record
        held = None if finding.is_withheld else finding.code
        code = None if finding.is_partial else held
        page = self._template.render(
            t=t,
            language=language.value,
            query=f"?lang={language[:2]}" if tongue.is_asked else "",
            kept=_keep_part(finding),
            style=STYLE,
            development=self._policy.development,
            look=look,
            shown=finding.shown.value,
            size=None if finding.shown in RELIED_ON else finding.tree_size,
            device=self._device if _can_be_checked(finding) else None,
            headline=headline,
            sentence=say(look.sentence, language),
            remarks=[
                *([_say_record(finding, language)] if is_copied else ()),
                *([] if finding.replacing is None else [say_replacing(finding.replacing, language)]),
                *_remarks(finding, self._policy.zone, language),
                *self._list_causes(finding, details, past, language),
                *say_thing(finding, self._policy.zone, language),
            ],
            is_copied=is_copied,
            hint=_choose_hint(note, language, is_copied=is_copied),
            ask=None if self._place_script is None else note.ask,
            place_script=self._place_script,
            until=None if document is None else _until(finding, document, language),
            left=None if document is None else _say_left(finding, document, language),
            last=None if last is None else f"{_headline(last, language)} ({self._as_of(last, language)})",
            newer=finding.newer,
            document=document,
            institution=None if document is None else _name_institution(document, details, language),
            plate=() if document is None else list_plate(document, record, language),
            facts=() if document is None else list_facts(document, record, language),
            reports=self._list_reports(finding, code, language),
            report_path=None if self._offers.make_link is None else _find_report(finding, tongue),
            disclaimer=say(DISCLAIMER, language) if finding.shown in RELIED_ON else None,
            checks=() if report is None else _checks(report, language, is_fieldless=is_fieldless),
            code=code,
            checked_code=held,
            proof=finding.proof,
            parts=[(each.part, say_part(each, language)) for each in finding.parts],
            spaced_code=None if finding.code is None or finding.is_partial else format_code(finding.code),
            checked_on=f"{say_date(finding.checked_on, language)} · {say_zone(self._policy.zone, language)}",
            as_of=self._as_of(finding, language),
            host=self._host,
            **self._render_details(finding, details, past, language),
        )
        return page.encode()

    def _render_details(
        self, finding: Finding, details: Details | None, past: Past | None, language: Language
    ) -> dict[str, Any]:
        """Return what is folded away below the verdict."""
        if details is None:
            names = ("events", "persons", "chain", "anchor", "advice", "traced", "pledges", "places")
            return dict.fromkeys(names, ()) | {"is_cut": False, "photo": None}
        zone = self._policy.zone
        report = finding.report
        traced = None if report is None else _find_reason(report, Step.STANDARDS, language)
        return {
            "events": () if past is None else list_events(past.history, past.names, details, zone, language),
            "is_cut": past is not None and past.history.is_cut,
            "persons": list_persons(details.record, language),
            "chain": list_chain(details, language),
            "traced": traced,
            "pledges": () if past is None else list_pledges(past.pledges, language),
            "places": () if past is None else list_places(past.places, details.record.issuer.id, language),
            "photo": None
            if past is None or past.photo is None
            else _show_photo(past.photo, details, language),
            "anchor": list_anchor(details, zone, language),
            "advice": [say(line, language) for line in list_advice(details.record.instrument.category)],
        }

    def _list_causes(
        self, finding: Finding, details: Details | None, past: Past | None, language: Language
    ) -> list[str]:
        if details is None or past is None:
            return []
        cause = say_cause(finding.shown, past.history, details, self._policy.zone, language)
        return [] if cause is None else [cause]

    def _list_reports(self, finding: Finding, code: str | None, language: Language) -> list[tuple[str, str]]:
        """Return what may be reported of a document; with the sticker that was scanned, where one was."""
        make_link = self._offers.make_link
        if code is None or make_link is None:
            return []
        sticker = None if finding.report is None else finding.report.sticker
        scanned = code if sticker is None else sticker.id
        return [(make_link(scanned, about), say(about.words, language)) for about in _REPORTED]

    def _as_of(self, finding: Finding, language: Language) -> str | None:
        if finding.as_of is None:
            return None
        return say_instant(finding.as_of, self._policy.zone, language)


def _show_photo(photo: ShownPhoto, details: Details, language: Language) -> dict[str, Any]:
    """Return a picture as `verdict.html` shows it."""
    instrument, found = details.record.instrument, photo.photograph
    what = " ".join(text for text in (instrument.name, instrument.model) if text)
    alt = Sentence(
        f"Photograph of {what}, serial number {instrument.serial}, with nameplate and seals",
        f"{what}（出厂编号{instrument.serial}）的照片，含铭牌和铅封",
    )
    return {
        "name": photo.name,
        "proof": f"{photo.name}.json?by={quote(photo.issuer)}",
        "width": found.width,
        "height": found.height,
        "alt": say(alt, language),
        "taken_on": say_date(found.taken_on, language),
    }


def _find_device(static: StaticFiles | None) -> _Device | None:
    if static is None:
        return None
    script, old = static.address("page", "check.js"), static.address("page", "old.js")
    if script is None or old is None:
        return None
    module = static.address("verifier", PACK) or static.address("verifier", "device.js")
    return _Device(script, old, module)


def _can_be_checked(finding: Finding) -> bool:
    """Say whether a device can check the verdict: whether there is a proof of it.

    That two registrations are one instrument shows the proof of a sticker on it, and no document of the other.
    """
    facts = finding.instrument
    is_of_other = facts is not None and facts.is_same and not _is_of_sticker(finding)
    has_bundle = finding.code is not None and not finding.is_withheld and not is_of_other
    by_bundle = has_bundle and finding.shown in _PROVED
    return by_bundle or (finding.proof is not None and finding.shown in _PROVED_ALONE)


def _find_report(finding: Finding, tongue: Tongue) -> str:
    """Return where what has no document is reported, from the root of the site; a sticker's id goes along."""
    sticker = None if finding.report is None else finding.report.sticker
    asked = {} if sticker is None else {"code": sticker.id}
    if tongue.is_asked:
        asked["lang"] = tongue.language[:2]
    return f"report?{urlencode(asked)}" if asked else "report"


def _keep_part(finding: Finding) -> str:
    """Return what of the address another language keeps: the part that was asked for by `?part=`."""
    facts = finding.instrument
    if facts is None or facts.part is None or _is_of_sticker(finding):
        return ""
    return f"part={quote(facts.part, safe='')}&"


def _is_of_sticker(finding: Finding) -> bool:
    return finding.report is not None and finding.report.sticker is not None


def _headline(finding: Finding, language: Language) -> str:
    status = None if finding.report is None else finding.report.status
    if finding.shown is Shown.EXPIRED and status is DocumentStatus.SERVICE_LIFE_ENDED:
        return say(SERVICE_LIFE_ENDED, language)
    return say(choose_look(finding.shown, finding.replacing).headline, language)


def _remarks(finding: Finding, zone: ZoneInfo, language: Language) -> list[str]:
    if finding.is_withheld and finding.report is not None and finding.report.status is not None:
        return [f"{say(WITHHELD, language)} {say(STATUS_WORDS[finding.report.status], language)}"]
    document = None if finding.report is None else finding.report.document
    verifies = document is None or document.document_type != DocumentType.CALIBRATION_CERTIFICATE
    if finding.shown is Shown.EXPIRED and finding.newer is None and verifies:
        return [say(NO_NEWER, language)]
    if finding.shown in {Shown.PENDING, Shown.ATTENTION, *_VERIFYING_NOTHING} and finding.report is not None:
        warned = [check for check in finding.report.checks if check.warning]
        return [say_warning(check, finding.ended, zone, language) for check in warned]
    return []


def _until(finding: Finding, document: DocumentSummary, language: Language) -> str | None:
    if finding.shown not in _DATED or finding.validity_kind is None:
        return None
    words = say(UNTIL[finding.validity_kind], language)
    if document.document_type == DocumentType.CALIBRATION_CERTIFICATE:
        words = say(NEXT_CALIBRATION, language)
    if document.valid_until is None:
        return None if finding.shown in _VERIFYING_NOTHING else words
    included = "" if finding.shown is Shown.EXPIRED else say(INCLUDED, language)
    return f"{words} {say_date(document.valid_until, language)}{included}"


def _say_left(finding: Finding, document: DocumentSummary, language: Language) -> str | None:
    if finding.shown not in RELIED_ON or document.valid_until is None:
        return None
    return say_days_left(document.valid_until, finding.checked_on, language)


def _name_institution(document: DocumentSummary, details: Details | None, language: Language) -> str:
    """Return who issued it: as the document says, and in English as the institution is registered."""
    if language is Language.ZH or details is None or details.registers is None:
        return document.institution
    registered = details.registers.institutions.get(details.record.issuer.id)
    if registered is None or registered.name.en is None:
        return document.institution
    return f"{registered.name.en} ({document.institution})"


def _find_reason(report: Report, step: Step, language: Language) -> str | None:
    """Return how a step ended, with its reason."""
    for check in report.checks:
        if check.step is step:
            return f"{say(say_outcome(check), language)} · {say(check.reason, language)}"
    return None


def _checks(report: Report, language: Language, *, is_fieldless: bool) -> list[dict[str, Any]]:
    """Return the steps; where no fields are shown, reasons would tell them: only failures have theirs then."""
    return [
        {
            "number": check.step.number,
            "outcome": check.outcome.value,
            "word": say(say_outcome(check), language),
            "title": say(check.step.title, language),
            "reason": say(check.reason, language)
            if not is_fieldless or check.outcome is Outcome.FAILED
            else None,
        }
        for check in report.checks
    ]


def _say_record(finding: Finding, language: Language) -> str:
    """Return what the record of a copied code says by itself."""
    return say(RECORD, language).format(headline=_headline(finding, language))


def _choose_hint(note: ScanNote, language: Language, *, is_copied: bool) -> str | None:
    """Return what stands below the verdict: a hint, or whose the warning is that stands in it."""
    if note.mark is None:
        return None
    return say(WHOSE if is_copied else HINTS[note.mark], language)
