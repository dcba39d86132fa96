"""Rules that hold a document against the registers, as of its verification date: scope, persons, materials.

What counts is what was registered when the document came into the log; what has been registered since about the
same day makes a warning of it, see `judging`. Where a register is kept whole for an institution, who or what is
not in it is refused; where it is not, that cannot be judged.

>>> check_scope(record, registers).outcome
<Outcome.PASSED: 'PASSED'>
"""

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Final

from ledger.core.authority import Register
from ledger.core.errors import Reason
from ledger.core.event import material_subject, person_subject, scope_subject
from ledger.core.person import PersonContent, name_person
from ledger.core.record import Record, Role, Signatory
from ledger.core.register_fields import RegisterState
from ledger.core.regulation import normalise_citation
from ledger.core.rule_result import RuleResult, judge, judge_failed, judge_open
from ledger.core.scope import Basis, ReadingRange, ScopeContent
from ledger.core.standard import MaterialContent
from ledger.core.status import Registers
from ledger.core.step import Outcome, Sentence
from ledger.core.unit import compute_base_value, parse_unit

KEY_ENDED: Final = "PERSON_KEY_ENDED"
"""Speaks against what is signed after it, never against what was signed before."""

_ROLE_NAMES: Final = {Role.OPERATOR: "检定员", Role.CHECKER: "核验员", Role.APPROVER: "批准人"}


def is_whole(register: Register, record: Record, registers: Registers) -> bool:
    """Say whether a register is kept whole for the institution that issues a document."""
    institution = registers.institutions.get(record.issuer.id)
    return institution is not None and register in institution.registers


# --- scope ------------------------------------------------------------------------------------------------


def find_scope(record: Record, registers: Registers) -> ScopeContent | None:
    """Return the line that a document names, as it was on the verification date, else as it is."""
    subject = scope_subject(record.issuer.id, record.issuer.scope_id)
    on_the_day = registers.find_on(subject, ScopeContent, record.verified_on)
    return on_the_day or registers.find_newest(subject, ScopeContent)


def check_scope(record: Record, registers: Registers) -> RuleResult:
    """Compare a document with the line of the authorisation that it names, as of the verification date."""
    scope = find_scope(record, registers)
    if scope is None:
        return judge_failed(
            [
                Reason(
                    "SCOPE",
                    "issuer.scope_line_id",
                    f"institution {record.issuer.id} has no scope line {record.issuer.scope_id}",
                    f"机构{record.issuer.id}没有授权项{record.issuer.scope_id}",
                )
            ]
        )
    reasons = [*_find_scope_breaches(record, scope), *_find_scope_limits(record, scope)]
    covered = Sentence(
        f"covered by scope line {scope.id} of authorisation {scope.authorisation_no}",
        f"在授权证书{scope.authorisation_no}第{scope.id}项范围内",
    )
    if reasons or scope.basis is Basis.EXAMINED or scope.follow_up is None:
        return judge(reasons, covered.en, covered.zh)
    sentence = Sentence(
        f"{covered.en}, granted on the institution's pledge, to be followed up by {scope.follow_up}",
        f"{covered.zh}（告知承诺，应于{scope.follow_up}前核查）",
    )
    return RuleResult(Outcome.PASSED, sentence, warning=scope.follow_up < record.verified_on)


def _find_scope_breaches(record: Record, scope: ScopeContent) -> Iterable[Reason]:
    category, division = (
        record.instrument.category,
        "" if record.instrument.site is None else record.instrument.site.division,
    )
    if scope.state is not RegisterState.ACTIVE:
        yield Reason("SCOPE", "issuer.scope_line_id", f"is {scope.state.value}", "该授权项已暂停或撤销")
    if record.issuer.authorisation_no != scope.authorisation_no:
        yield Reason(
            "SCOPE",
            "issuer.authorisation_no",
            f"is not {scope.authorisation_no}",
            f"应为{scope.authorisation_no}",
        )
    if category not in scope.categories:
        yield Reason(
            "SCOPE",
            "instrument.category",
            f"{category.name} is outside the scope",
            f"{category.name}不在授权范围内",
        )
    if record.kind not in scope.kinds:
        yield Reason(
            "SCOPE", "kind", f"{record.kind.value} is outside the scope", f"{record.kind.value}不在授权范围内"
        )
    if not division.startswith(scope.division):
        yield Reason(
            "SCOPE",
            "instrument.site.division",
            f"{division or 'no division'} is outside the region {scope.division}",
            f"{division or '未注明区划'}不在授权区域{scope.division}内",
        )
    if not scope.valid_from <= record.verified_on <= scope.valid_until:
        yield Reason(
            "SCOPE",
            "verified_on",
            f"{record.verified_on} is not within {scope.valid_from} to {scope.valid_until}",
            f"{record.verified_on}不在授权期限{scope.valid_from}至{scope.valid_until}内",
        )


def _find_scope_limits(record: Record, scope: ScopeContent) -> Iterable[Reason]:
    """Find what goes beyond classes, regulations and range of a line that limits them."""
    stated = record.class_awarded or record.instrument.accuracy_class or "-"
    if scope.classes and stated not in scope.classes:
        yield Reason(
            "SCOPE", "instrument.class", f"class {stated} is outside the scope", f"等级{stated}不在授权范围内"
        )
    covered = {normalise_citation(citation) for citation in scope.regulations}
    for name, cited in _list_cited(record):
        if covered and normalise_citation(cited) not in covered:
            yield Reason("SCOPE", f"{name}.id", f"{cited} is outside the scope", f"{cited}不在授权范围内")
    if scope.range is not None:
        yield from _find_readings_outside(record, scope.range)


def _list_cited(record: Record) -> list[tuple[str, str]]:
    """Return what a document was made by: its specification, if it has one, and its regulation."""
    cited = [("specification", record.specification), ("regulation", record.regulation)]
    return [(name, item.id) for name, item in cited if item is not None] or [("regulation", "-")]


def _find_readings_outside(record: Record, covered: ReadingRange) -> Iterable[Reason]:
    lower, upper = (compute_base_value(value, covered.unit) for value in (covered.lower, covered.upper))
    for number, result in enumerate(record.results):
        unit = None if result.unit is None else parse_unit(result.unit)
        if unit is None or unit.dimension is not covered.unit.dimension:
            continue
        for position, point in enumerate(result.points):
            if point.nominal is not None and not lower <= compute_base_value(point.nominal, unit) <= upper:
                yield Reason(
                    "SCOPE",
                    f"results[{number}].points[{position}].nominal",
                    f"is not within {covered.lower} to {covered.upper} {covered.unit.code}",
                    f"不在授权测量范围{covered.lower}至{covered.upper} {covered.unit.code}内",
                )


# --- persons ----------------------------------------------------------------------------------------------


def check_persons(record: Record, registers: Registers) -> RuleResult:
    """Check that roles are kept apart, and that each person is registered, qualified and signs with their key."""
    reasons = list(_find_role_faults(record, registers))
    is_kept = is_whole(Register.PERSON, record, registers)
    unknown = []
    for number, person in enumerate(record.persons):
        content = find_person_on(record, person, registers)
        if content is not None:
            reasons += _find_person_faults(record, person, content, number)
        elif is_kept:
            who = _say_role(person.role)
            en, zh = f"{who.en} is not registered", f"{who.zh}未登记"
            reasons.append(Reason("PERSON_UNREGISTERED", f"persons[{number}].pid", en, zh))
        else:
            unknown.append(_say_role(person.role))
        reasons += _find_key_faults(record, person, content, number, registers)
    count = len(record.persons)
    if unknown:
        en, zh = ", ".join(who.en for who in unknown), "、".join(who.zh for who in unknown)
        return judge_open(
            reasons,
            f"{count} persons are named; the registration of {en} is not on record",
            f"注明{count}名人员；{zh}的资格登记不在记录中，未核对",
        )
    return judge(reasons, f"{count} persons are registered and qualified", f"{count}名人员均已登记且具备资格")


def _say_role(role: Role) -> Sentence:
    """Name a person by the role: sentences are shown to everybody, pseudonyms are not."""
    return Sentence(f"the {role.value}", _ROLE_NAMES[role])


def find_person_on(record: Record, person: Signatory, registers: Registers) -> PersonContent | None:
    """Return how a person was registered on the verification date."""
    subject = person_subject(record.issuer.id, person.person_id)
    return registers.find_on(subject, PersonContent, record.verified_on)


def _find_role_faults(record: Record, registers: Registers) -> Iterator[Reason]:
    by_role = {person.role: person.person_id for person in record.persons}
    institution = registers.institutions.get(record.issuer.id)
    shared = institution is not None and institution.checker_may_approve
    for role in Role:
        if role not in by_role:
            yield Reason("PERSONS", "persons", f"no {role.value} is named", f"未注明{_ROLE_NAMES[role]}")
    for one, other in combinations(Role, 2):
        allowed = shared and (one, other) == (Role.CHECKER, Role.APPROVER)
        if by_role.get(one) is not None and by_role.get(one) == by_role.get(other) and not allowed:
            yield Reason(
                "PERSONS",
                "persons",
                f"{one.value} and {other.value} are one person",
                f"{_ROLE_NAMES[one]}与{_ROLE_NAMES[other]}为同一人",
            )


def _find_person_faults(
    record: Record, person: Signatory, content: PersonContent, number: int
) -> Iterator[Reason]:
    """Find what a person's registration does not cover."""
    who, field = _say_role(person.role), f"persons[{number}].pid"
    if content.state is not RegisterState.ACTIVE:
        en, zh = f"{who.en} is {content.state.value}", f"{who.zh}的登记已暂停或撤销"
        yield Reason("PERSON_EXPIRED", field, en, zh)
    elif content.valid_until < record.verified_on:
        until = content.valid_until
        en, zh = f"{who.en} was registered until {until}", f"{who.zh}的登记有效期至{until}"
        yield Reason("PERSON_EXPIRED", field, en, zh)
    if person.role not in content.roles:
        en, zh = f"{who.en} is not registered for this role", f"{who.zh}未登记此项职责"
        yield Reason("PERSON_ROLE", field, en, zh)
    if record.instrument.category not in content.categories:
        category = record.instrument.category.name
        en, zh = f"{who.en} is not registered for {category}", f"{who.zh}的登记项目不含{category}"
        yield Reason("PERSON_ITEM", field, en, zh)


def _find_key_faults(
    record: Record, person: Signatory, content: PersonContent | None, number: int, registers: Registers
) -> Iterator[Reason]:
    """Require that whoever has a key signs with it, and with no other."""
    field, who = f"persons[{number}].key", _say_role(person.role)
    if person.key is None:
        if content is not None and content.key is not None:
            yield Reason(
                "PERSON_KEY", field, f"{who.en} must sign with their own key", f"{who.zh}须用本人密钥签名"
            )
        return
    known = registers.keys.get(person.key.key_id)
    if (
        known is None
        or known.key != person.key
        or known.owner != name_person(record.issuer.id, person.person_id)
    ):
        yield Reason("PERSON_KEY", field, f"is not registered for {who.en}", f"密钥未登记在{who.zh}名下")
    elif known.compromised_from is not None:
        since = f"{known.compromised_from:%Y-%m-%d %H:%M} UTC"
        en, zh = f"the key of {who.en} is compromised from {since} on", f"{who.zh}的密钥自{since}起失密"
        yield Reason("PERSON_KEY", field, en, zh)
    elif known.until is not None and (content is None or content.state is RegisterState.ACTIVE):
        yield Reason(KEY_ENDED, field, f"the key of {who.en} has ended", f"{who.zh}的密钥已停用")


# --- reference materials ----------------------------------------------------------------------------------


def find_material_reasons(record: Record, registers: Registers) -> Iterator[Reason]:
    """Find lots of reference materials that were recalled or had run out; a part of `check_standards`."""
    for number, used in enumerate(record.reference_materials):
        subject = material_subject(used.id, used.lot)
        content = registers.find_on(subject, MaterialContent, record.verified_on)
        field, what = f"crms[{number}].lot", f"{used.id} {used.lot}"
        if content is None:
            if is_whole(Register.STANDARD, record, registers):
                yield Reason("CRM_UNREGISTERED", field, f"{what} is not registered", f"{what}未登记")
        elif content.state is not RegisterState.ACTIVE:
            yield Reason("CRM_RECALLED", field, f"{what} was recalled", f"{what}已被召回")
        elif content.valid_until < record.verified_on:
            until = content.valid_until
            yield Reason("CRM_EXPIRED", field, f"{what} was good until {until}", f"{what}有效期至{until}")
