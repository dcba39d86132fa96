"""Rules about measurement standards: registered, in force, public for mandatory work, traceable, fine enough.

>>> check_standards(record, registers, book, roots=frozenset({"NIM"})).outcome
<Outcome.PASSED: 'PASSED'>
"""

from collections.abc import Iterable, Iterator

from ledger.core.authority import Register
from ledger.core.errors import Reason
from ledger.core.event import standard_subject
from ledger.core.quantity import compute_uncertainty_ratio
from ledger.core.record import Record, ReferenceStandard
from ledger.core.register_fields import RegisterState
from ledger.core.register_rules import find_material_reasons, is_whole
from ledger.core.regulation import RuleBook, RuleRow
from ledger.core.rule_result import RuleResult, judge_failed, judge_open, judge_passed
from ledger.core.rules import find_cited_rule
from ledger.core.standard import StandardContent
from ledger.core.statement import DocumentKind
from ledger.core.status import Registers
from ledger.core.step import Sentence
from ledger.core.traceability import Chain, walk_chain


def check_standards(
    record: Record, registers: Registers, book: RuleBook, roots: frozenset[str] | None = None
) -> RuleResult:
    """Check what the document was measured with, as of the verification date.

    Args:
        record: the document.
        registers: hold the standards, and those that they are traced to.
        book: says which uncertainty a regulation allows.
        roots: external roots of traceability that are believed; None: whoever asks judges none.
    """
    rule = find_cited_rule(record, book)
    reasons = [*_find_stated_expiries(record), *_find_uncertainties(record, rule)]
    reasons += find_material_reasons(record, registers)
    is_kept = is_whole(Register.STANDARD, record, registers)
    unknown, chains = [], []
    for number, stated in enumerate(record.standards):
        content = find_standard_on(record, stated, registers)
        if content is None:
            unknown.append((f"standards[{number}].id", stated.id))
        else:
            reasons += _find_standard_faults(record, stated, content, number, rule)
            chains.append(walk_chain(content.reference, record.verified_on, registers))
            reasons += _list_breaks(chains[-1], number, content, record)
    if is_kept:
        reasons += _list_missing(record, unknown)
    if reasons:
        return judge_failed(list(dict.fromkeys(reasons)))
    if unknown or not record.standards:
        names = [name for _, name in unknown]
        en, zh = ", ".join(names) or "none is named", "、".join(names) or "未注明"
        return judge_open([], f"measurement standards not on record: {en}", f"计量标准未见登记：{zh}")
    return _judge_ends(chains, roots)


def find_standard_on(
    record: Record, stated: ReferenceStandard, registers: Registers
) -> StandardContent | None:
    """Return how a standard of the institution was registered on the verification date."""
    subject = standard_subject(record.issuer.id, stated.id)
    return registers.find_on(subject, StandardContent, record.verified_on)


def is_mandatory_work(record: Record, rule: RuleRow | None) -> bool:
    """Say whether a verification is mandatory (强制检定): by category and purpose of the instrument."""
    is_listed = rule is not None and rule.control is not None and rule.control.is_mandatory
    verifies = record.document_kind is DocumentKind.VERIFICATION
    return is_listed and verifies and record.instrument.purpose is not None


def _list_missing(record: Record, unknown: list[tuple[str, str]]) -> Iterator[Reason]:
    if not record.standards:
        yield Reason("STANDARD_MISSING", "standards", "none is named", "未注明所用计量标准")
    for field, name in unknown:
        yield Reason("STANDARD_UNREGISTERED", field, f"{name} is not registered", f"{name}未登记")


def _judge_ends(chains: list[Chain], roots: frozenset[str] | None) -> RuleResult:
    """Say where all chains end, and whether that is as far as they must go."""
    primaries = sorted({name for chain in chains for name in chain.primaries})
    external = sorted({name for chain in chains for name in chain.roots})
    unproved = sorted({name for chain in chains for name in chain.unproved})
    ends = _describe_ends(primaries, external)
    if unproved:
        return judge_open(
            [],
            f"{ends.en}; known by their number alone: {', '.join(unproved)}",
            f"{ends.zh}；仅有编号、未附证书摘要：{'、'.join(unproved)}",
        )
    strange = [name for name in external if roots is not None and name not in roots]
    if strange:
        return judge_open(
            [],
            f"{ends.en}; the policy does not name {', '.join(strange)}",
            f"{ends.zh}；策略未列{'、'.join(strange)}",
        )
    return judge_passed(ends.en, ends.zh)


def _describe_ends(primaries: list[str], external: list[str]) -> Sentence:
    en = [
        *(f"the primary standard {name}" for name in primaries),
        *(f"{name} (external)" for name in external),
    ]
    zh = [*(f"国家基准{name}" for name in primaries), *(f"{name}（外部）" for name in external)]
    return Sentence(f"traced to {', '.join(en) or 'nothing'}", f"溯源至{'、'.join(zh) or '无'}")


def _find_stated_expiries(record: Record) -> Iterator[Reason]:
    """Find standards, and their instruments, whose certificate had run out by the document's own word."""
    for number, standard in enumerate(record.standards):
        if standard.examination_until < record.verified_on:
            yield _expired(f"standards[{number}].exam_until", standard.examination_no, record)
        for position, instrument in enumerate(standard.instruments):
            if instrument.until < record.verified_on:
                field = f"standards[{number}].instruments[{position}].until"
                yield _expired(field, instrument.certificate_no, record)


def _expired(field: str, certificate_no: str, record: Record) -> Reason:
    return Reason(
        "STANDARD_EXPIRED",
        field,
        f"certificate {certificate_no} had run out on the verification date {record.verified_on}",
        f"证书{certificate_no}在检定日期{record.verified_on}已过有效期",
    )


def _find_standard_faults(
    record: Record, stated: ReferenceStandard, content: StandardContent, number: int, rule: RuleRow | None
) -> Iterator[Reason]:
    """Compare a standard as the document states it with what is registered."""
    path, name = f"standards[{number}]", stated.id
    if content.state is not RegisterState.ACTIVE:
        en, zh = f"{name} is {content.state.value}", f"{name}已暂停或撤销"
        yield Reason("STANDARD_STATE", f"{path}.id", en, zh)
    if content.valid_until < record.verified_on:
        yield _expired(f"{path}.exam_until", content.examination_no, record)
    yield from _find_differences(stated, content, path)
    if record.instrument.category not in content.categories:
        category = record.instrument.category.name
        yield Reason(
            "STANDARD_SCOPE", f"{path}.id", f"{name} is not for {category}", f"{name}不适用于{category}"
        )
    is_entitled = content.public_no is not None or content.is_mandatory
    if is_mandatory_work(record, rule) and not is_entitled:
        yield Reason(
            "STANDARD_NOT_PUBLIC",
            f"{path}.id",
            f"{name} is neither public nor authorised for mandatory verification",
            f"{name}不是社会公用计量标准，也未获授权用于强制检定",
        )
    for instrument in content.instruments:
        if instrument.until < record.verified_on:
            yield _expired(f"{path}.instruments", instrument.certificate_no, record)


def _find_differences(stated: ReferenceStandard, content: StandardContent, path: str) -> Iterator[Reason]:
    pairs = (
        ("exam_no", stated.examination_no, content.examination_no),
        ("exam_until", stated.examination_until, content.valid_until),
        ("range", stated.range, content.range),
        ("u", stated.uncertainty, content.uncertainty),
    )
    for name, said, registered in pairs:
        if said != registered:
            yield _differs(f"{path}.{name}", str(registered))
    known = {instrument.no: instrument for instrument in content.instruments}
    for position, instrument in enumerate(stated.instruments):
        field, found = f"{path}.instruments[{position}]", known.get(instrument.no)
        if found is None:
            yield _differs(f"{field}.no", ", ".join(sorted(known)) or "-")
            continue
        if instrument.certificate_no != found.certificate_no:
            yield _differs(f"{field}.cert_no", found.certificate_no)
        if instrument.until != found.until:
            yield _differs(f"{field}.until", str(found.until))
        if instrument.certificate_digest not in {None, found.certificate_digest}:
            yield Reason("STANDARD_DIFFERS", f"{field}.cert_hash", "is not as registered", "与登记不一致")


def _differs(field: str, registered: str) -> Reason:
    return Reason("STANDARD_DIFFERS", field, f"is registered as {registered}", f"登记内容为{registered}")


def _list_breaks(chain: Chain, number: int, content: StandardContent, record: Record) -> Iterable[Reason]:
    """Return where a chain breaks; what is wrong with the standard itself has been said already."""
    is_sound = content.state is RegisterState.ACTIVE and content.valid_until >= record.verified_on
    for sentence in chain.breaks if is_sound else ():
        yield Reason("STANDARD_CHAIN", f"standards[{number}].id", sentence.en, sentence.zh)


def _find_uncertainties(record: Record, rule: RuleRow | None) -> Iterable[Reason]:
    """Find readings whose U is more than the share of |MPE| that the regulation allows (JJF 1094: 1/3)."""
    share = None if rule is None else rule.uncertainty_share
    if share is None or record.document_kind is not DocumentKind.VERIFICATION:
        return
    for number, result in enumerate(record.results):
        for position, point in enumerate(result.points):
            uncertainty, limit = point.expanded_uncertainty, point.maximum_permissible_error
            if uncertainty is None or not limit:
                continue
            if compute_uncertainty_ratio(uncertainty, limit) > share:
                yield Reason(
                    "UNCERTAINTY",
                    f"results[{number}].points[{position}].u",
                    f"is more than {share} of the maximum permissible error {limit}",
                    f"大于最大允许误差{limit}的{share}",
                )
