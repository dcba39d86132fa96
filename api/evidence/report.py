"""The report of a pack for people who know nothing of proofs: sections of plain sentences, as a page and as text.

>>> list_sections(told, Language.ZH)[0].title
'证书状态'
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from api.evidence import words
from api.evidence.judging import Judged
from api.evidence.page import TEMPLATES, name_source, read_asset
from api.evidence.telling import ToldHistory
from api.negotiation import Language
from api.replacing import Replacing
from api.shown import RELIED_ON
from api.web.replaced_words import choose_look, say_replacing
from api.web.sections import list_facts, list_plate
from api.web.words import UNTIL, say, say_date, say_instant, say_outcome, say_zone
from ledger.core.policy import Policy
from ledger.core.qr import format_code
from ledger.core.step import Outcome, Sentence
from verifier.report import DISCLAIMER

Row = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Section:
    """One heading with what stands below it."""

    title: str
    texts: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportContent:
    """What a report tells."""

    judged: Judged
    history: ToldHistory | None
    policy: Policy
    host: str
    replacing: Replacing | None = None


def write_page(content: ReportContent) -> bytes:
    """Return the report as a page without scripts, Chinese first, UTF-8."""
    style = read_asset("report.css").strip()
    page = TEMPLATES.get_template("report.html").render(
        style=style,
        security=f"default-src 'none'; style-src {name_source(style)}; img-src data:; base-uri 'none'; "
        "form-action 'none'",
        code=format_code(content.judged.code),
        development=content.policy.development,
        languages=[
            (language.value, say(words.TITLE, language), list_sections(content, language))
            for language in Language
        ],
    )
    return page.encode()


def write_text(content: ReportContent) -> str:
    """Return the report as text, Chinese first."""
    return "\n\n\n".join("\n".join(_list_lines(content, language)) for language in Language) + "\n"


def list_sections(content: ReportContent, language: Language) -> list[Section]:
    """Return the report in one language."""
    judged = content.judged
    sections = [Section(say(words.STATE, language), texts=tuple(_say_state(content, language)))]
    if judged.details is not None and judged.report.document is not None:
        sections += _list_document(content, language)
    sections.append(_say_steps(judged, language))
    sections.append(_say_events(content.history, language))
    advice = words.list_advice(judged.shown)
    open_places = {"host": content.host, "code": judged.code}
    sections.append(
        Section(
            say(words.ADVICE, language),
            items=tuple(say(each, language).format(**open_places) for each in advice),
        )
    )
    limits = words.list_limits(holds=judged.details is not None)
    sections.append(Section(say(words.LIMITS, language), items=_say_all(limits, language)))
    sections.append(Section(say(words.HOW, language), items=_say_all(words.STEPS, language)))
    return sections


def _say_state(content: ReportContent, language: Language) -> Iterator[str]:
    judged = content.judged
    look, zone = choose_look(judged.shown, content.replacing), content.policy.zone
    at = f"{say_instant(judged.at, zone, language)} ({say_zone(zone, language)})"
    yield say(words.AS_OF, language).format(
        at=at, headline=say(look.headline, language), sentence=say(look.sentence, language)
    )
    if content.replacing is not None:
        yield say_replacing(content.replacing, language)
    if judged.details is None:
        yield say(words.NO_FIELDS, language)
    if judged.shown in RELIED_ON:
        yield say(DISCLAIMER, language)


def _list_document(content: ReportContent, language: Language) -> Iterator[Section]:
    document, details = content.judged.report.document, content.judged.details
    if document is None or details is None:
        return
    record = details.record
    yield Section(say(words.INSTRUMENT, language), rows=tuple(list_plate(document, record, language)))
    facts = list_facts(document, record, language)
    if document.valid_until is not None and document.entered_on is None:
        until = say(UNTIL[record.validity.kind], language)
        facts.append((until, say_date(document.valid_until, language)))
    yield Section(say(words.DOCUMENT, language), rows=tuple(facts))


def _say_steps(judged: Judged, language: Language) -> Section:
    checks = judged.report.checks
    left = [check for check in checks if check.outcome is not Outcome.PASSED or check.warning]
    count = {outcome: sum(check.outcome is outcome for check in checks) for outcome in Outcome}
    sentence = words.COUNTED if left else words.ALL_PASSED
    text = say(sentence, language).format(
        all=len(checks),
        passed=count[Outcome.PASSED],
        failed=count[Outcome.FAILED],
        unchecked=count[Outcome.NOT_CHECKED],
    )
    shows = judged.details is not None
    items = []
    for check in left:
        line = f"{check.step.number}. {say(check.step.title, language)} · {say(say_outcome(check), language)}"
        tells = shows or check.outcome is Outcome.FAILED
        items.append(f"{line} · {say(check.reason, language)}" if tells else line)
    return Section(say(words.CHECKED, language), texts=(text,), items=tuple(items))


def _say_events(history: ToldHistory | None, language: Language) -> Section:
    title = say(words.EVENTS, language)
    if history is None:
        return Section(title, texts=(say(words.NO_HISTORY, language),))
    items = []
    for told in history.events:
        event = told.en if language is Language.EN else told.zh
        own = say(words.IS_OWN, language) if event.is_own else ""
        parts = [event.day, f"{event.words}{own}", event.notes, event.speaker]
        items.append(" · ".join(part for part in parts if part))
    cut = (say(words.IS_CUT, language),) if history.is_cut else ()
    return Section(title, texts=cut, items=tuple(items))


def _say_all(sentences: Sequence[Sentence], language: Language) -> tuple[str, ...]:
    return tuple(say(each, language) for each in sentences)


def _list_lines(content: ReportContent, language: Language) -> Iterator[str]:
    code = format_code(content.judged.code)
    yield f"{say(words.TITLE, language)} · {code}"
    if content.policy.development:
        yield "开发环境，不得用于实际业务 DEVELOPMENT ENVIRONMENT, not for real use"
    for section in list_sections(content, language):
        yield from ("", f"== {section.title}")
        yield from section.texts
        yield from (f"{name}: {value}" for name, value in section.rows)
        yield from (f"- {item}" for item in section.items)
