"""Finding -> page: one verdict, its fields only where the evidence holds, everything escaped.

>>> PageWriter(policy, "v.example.cn").write(finding, choose_language("zh-CN", None))
b'<!doctype html>...'
"""

import base64
import hashlib
from collections.abc import Callable
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from api.negotiation import Language, Tongue
from api.reports.kinds import About
from api.verdicts import Finding, Shown
from api.web.words import (
    CONCLUSIONS,
    DOCUMENTS,
    INCLUDED,
    LOOKS,
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
from ledger.core.step import Outcome, Sentence
from verifier.report import DISCLAIMER, STATUS_WORDS, DocumentStatus, DocumentSummary, Report

STYLE: Final = files("api.web").joinpath("templates/page.css").read_text(encoding="utf-8").strip()
STYLE_SOURCE: Final = "'sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode() + "'"
"""Names the one style sheet in the content security policy."""

_FIELDLESS: Final = {
    Shown.TAMPERED,
    Shown.NOT_LOGGED,
    Shown.NOT_FOUND,
    Shown.CANNOT_CHECK,
    Shown.CONTENT_WITHHELD,
}
_RELIED_ON: Final = {Shown.VALID, Shown.PENDING, Shown.ATTENTION}
_VERIFYING_NOTHING: Final = {Shown.CALIBRATED, Shown.PAPER}
_DATED: Final = {*_RELIED_ON, Shown.EXPIRED, Shown.CALIBRATED}

_REPORTED: Final = (About.MISMATCH, About.SEAL_BROKEN, About.SHORT_WEIGHT)
MakeLink = Callable[[str, About | None], str]

_TEMPLATES: Final = Environment(
    loader=PackageLoader("api.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class PageWriter:
    """Writes the pages of one site."""

    def __init__(self, policy: Policy, host: str, make_link: MakeLink | None = None) -> None:
        """Read the template.

        Args:
            policy: of the verifier behind the pages.
            host: name of the site.
            make_link: where people report something about a code; None: nothing is reported here.
        """
        self._policy = policy
        self._host = host
        self._make_link = make_link
        self._template = _TEMPLATES.get_template("verdict.html")

    def write(self, finding: Finding, tongue: Tongue, last: Finding | None = None) -> bytes:
        """Return the page of a finding, UTF-8.

        Args:
            finding: what was found.
            tongue: language of the page.
            last: what was found when it could last be checked.
        """
        language = tongue.language
        look, report = LOOKS[finding.shown], finding.report

        def t(en: str, zh: str) -> str:
            return say(Sentence(en, zh), language)

        document = None if report is None or finding.shown in _FIELDLESS else report.document
        page = self._template.render(
            t=t,
            say=lambda sentence: say(sentence, language),
            language=language.value,
            query=f"?lang={language[:2]}" if tongue.is_asked else "",
            style=STYLE,
            development=self._policy.development,
            look=look,
            headline=_headline(finding, language),
            sentence=say(look.sentence, language),
            remarks=_remarks(finding, language),
            until=None if document is None else _until(finding, document, language),
            last=None if last is None else f"{_headline(last, language)} ({self._as_of(last, language)})",
            newer=finding.newer,
            document=document,
            plate=() if document is None else _plate(document, language),
            facts=() if document is None else _facts(document, language),
            disclaimer=say(DISCLAIMER, language) if finding.shown in _RELIED_ON else None,
            checks=() if report is None else _checks(report, finding.shown, language),
            code=None if finding.is_withheld else finding.code,
            report_links=self._list_links(finding),
            spaced_code=None if finding.code is None else format_code(finding.code),
            checked_on=f"{say_date(finding.checked_on, language)} · {say_zone(self._policy.zone, language)}",
            as_of=self._as_of(finding, language),
            host=self._host,
        )
        return page.encode()

    def _list_links(self, finding: Finding) -> list[tuple[str, Sentence]]:
        """Return where to report what is wrong with the instrument that a code stands on."""
        if self._make_link is None or finding.code is None:
            return []
        return [(self._make_link(finding.code, about), about.words) for about in _REPORTED]

    def _as_of(self, finding: Finding, language: Language) -> str | None:
        if finding.as_of is None:
            return None
        return say_instant(finding.as_of, self._policy.zone, language)


def _headline(finding: Finding, language: Language) -> str:
    status = None if finding.report is None else finding.report.status
    if finding.shown is Shown.EXPIRED and status is DocumentStatus.SERVICE_LIFE_ENDED:
        return say(SERVICE_LIFE_ENDED, language)
    return say(LOOKS[finding.shown].headline, language)


def _remarks(finding: Finding, language: Language) -> list[str]:
    if finding.is_withheld and finding.report is not None and finding.report.status is not None:
        return [f"{say(WITHHELD, language)} {say(STATUS_WORDS[finding.report.status], language)}"]
    document = None if finding.report is None else finding.report.document
    verifies = document is None or document.document_type != DocumentType.CALIBRATION_CERTIFICATE
    if finding.shown is Shown.EXPIRED and finding.newer is None and verifies:
        return [say(NO_NEWER, language)]
    if finding.shown in {Shown.ATTENTION, *_VERIFYING_NOTHING} and finding.report is not None:
        return [say(check.reason, language) for check in finding.report.checks if check.warning]
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


def _plate(document: DocumentSummary, language: Language) -> list[tuple[str, str]]:
    """Return what stands on the nameplate."""
    fields = (
        (Sentence("Serial number", "出厂编号"), document.serial),
        (Sentence("Model", "型号规格"), document.model),
        (Sentence("Maker", "制造单位"), document.maker),
        (Sentence("Instrument", "器具名称"), document.instrument),
    )
    return [(say(name, language), value) for name, value in fields if value is not None]


def _facts(document: DocumentSummary, language: Language) -> list[tuple[str, str]]:
    """Return what the document says beside that."""
    calibrates = document.document_type == DocumentType.CALIBRATION_CERTIFICATE
    maker = Sentence("Institution", "校准机构" if calibrates else "检定机构")
    day = Sentence("Calibrated on", "校准日期") if calibrates else Sentence("Verified on", "检定日期")
    facts = [
        (Sentence("Document", "文件"), say(DOCUMENTS[document.document_type], language)),
        (Sentence("Number", "证书编号"), document.number),
        (maker, document.institution),
        (day, say_date(document.verified_on, language)),
    ]
    if document.conclusion is not None:
        words = CONCLUSIONS[document.document_type][document.conclusion]
        facts.append((Sentence("Conclusion", "结论"), say(words, language)))
    if document.entered_on is not None:
        facts.append((Sentence("Entered on", "登记日期"), say_date(document.entered_on, language)))
    if document.entered_on is not None and document.valid_until is not None:
        said = Sentence("Valid until, as the paper has it", "纸质证书所载有效期至")
        facts.append((said, say_date(document.valid_until, language)))
    return [(say(name, language), value) for name, value in facts]


def _checks(report: Report, shown: Shown, language: Language) -> list[dict[str, Any]]:
    """Return the steps; where no fields are shown, reasons would tell them: only failures have theirs then."""
    return [
        {
            "number": check.step.number,
            "outcome": check.outcome.value,
            "word": say(say_outcome(check), language),
            "title": say(check.step.title, language),
            "reason": say(check.reason, language)
            if shown not in _FIELDLESS or check.outcome is Outcome.FAILED
            else None,
        }
        for check in report.checks
    ]
