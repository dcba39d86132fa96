"""Rules that a document must keep, shared by the desk's gate, the log's admission and the verifier.

Each rule is a pure function of the record and of what the ledger or the rule book says, and returns a
`RuleResult`: its outcome is what the verifier reports, its reasons are what the gate refuses for. The two
differ in one point only: where a rule row is unconfirmed the verifier cannot judge (NOT_CHECKED), while the
gate still refuses what goes beyond it.

>>> check_limits(record, book).outcome
<Outcome.PASSED: 'PASSED'>
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from ledger.core.calendar_rules import ValidityKind
from ledger.core.category import Category
from ledger.core.certificate import Certificate
from ledger.core.errors import InputError, Reason
from ledger.core.exact import EXACT, fraction_from_decimal
from ledger.core.ids import Digest
from ledger.core.instrument import compute_seals_digest, compute_statement_serial
from ledger.core.limit import (
    Limit,
    compute_limit_in_error_unit,
    compute_load_in_intervals,
    judge_indication_error,
    limit_for,
)
from ledger.core.quantity import Quantity
from ledger.core.record import Point, Record, Result, Role, VerificationKind
from ledger.core.regulation import (
    RuleBook,
    RuleRow,
    is_in_force,
    is_unit_admitted,
    latest_allowed_valid_until,
)
from ledger.core.rule_result import RuleResult, judge, judge_failed, judge_open, judge_passed
from ledger.core.signatories import find_person
from ledger.core.statement import Conclusion, DocumentKind, IssueClaims, Statement
from ledger.core.step import Outcome, Sentence
from ledger.core.unit import UNITS, parse_unit

_VALIDITY_NAMES: Final = {
    ValidityKind.DATE: "date",
    ValidityKind.SERVICE_LIFE: "service_life",
    ValidityKind.NONE: "none",
}
_ZERO: Final = Decimal(0)
_ONE: Final = Decimal(1)
_HUNDRED: Final = Decimal(100)
_HALF: Final = Decimal("0.5")
_HALF_PLACES: Final = {-places: EXACT.scaleb(_HALF, -places) for places in range(31)}


def check_binding(statement: Statement, certificate: Certificate) -> RuleResult:
    """Compare every field of an issue statement with the certificate it speaks of."""
    claims, record = statement.claims, certificate.record
    if not isinstance(claims, IssueClaims):
        return judge_failed([Reason("BINDING", "statement.type", "is not an issue", "不是签发声明")])
    expected = build_issue_claims(record, certificate.digest, claims.part)
    reasons = [
        Reason("BINDING", f"statement.{name}", "differs from the certificate", "与证书不一致")
        for name in IssueClaims.__dataclass_fields__
        if getattr(claims, name) != getattr(expected, name)
    ]
    if statement.issuer != record.issuer.id:
        reasons.append(Reason("BINDING", "statement.issuer", "differs from the certificate", "与证书不一致"))
    if claims.part is not None and claims.part not in {part.id for part in record.instrument.parts}:
        reasons.append(
            Reason("BINDING", "statement.part", "the certificate has no such part", "证书中无此部件")
        )
    return judge(reasons, "statement and certificate say the same", "声明与证书内容一致")


def build_issue_claims(record: Record, digest: bytes, part: str | None = None) -> IssueClaims:
    """Return what the statement about this record must say.

    Args:
        record: the verification record.
        digest: 32 bytes over the complete published certificate.
        part: set when the document is about one part only.
    """
    seals = [(seal.no, seal.point) for seal in record.seals]
    return IssueClaims(
        number=record.number,
        instrument_id=record.instrument.id,
        part=part,
        serial=compute_statement_serial(record.instrument.serial),
        category=record.instrument.category,
        conclusion=record.conclusion,
        verified_on=record.verified_on,
        valid_until=record.validity.until,
        validity_kind=record.validity.kind,
        certificate_digest=Digest(digest),
        seals_digest=compute_seals_digest(seals) if seals else None,
        predecessor=None if record.replaces is None else record.replaces.number,
        lot=None if record.lot is None else record.lot.no,
        kind=record.document_kind,
    )


def check_regulation(record: Record, book: RuleBook) -> RuleResult:
    """Check that the regulation cited is one for this category, in force on the verification date."""
    if record.instrument.category is Category.OTHER:
        return judge_open(list(_find_kind_faults(record)), _NO_RULES.en, _NO_RULES.zh)
    rule, reasons = _find_rule(record, book)
    if rule is None:
        reasons += _find_kind_faults(record)
        return RuleResult(Outcome.NOT_CHECKED, _unknown_regulation(record), tuple(reasons))
    if not is_in_force(rule, record.verified_on):
        day = record.verified_on
        en, zh = f"{rule.regulation_id} is not in force on {day}", f"{rule.regulation_id}在{day}不是现行规程"
        reasons.append(Reason("REGULATION", "regulation.id", en, zh))
    reasons += [*_find_unit_faults(record, rule), *_find_kind_faults(record)]
    if not rule.is_confirmed:
        sentence = Sentence("the data of this regulation are not confirmed", "该规程的数据未经确认")
        return RuleResult(Outcome.NOT_CHECKED, sentence, tuple(reasons))
    return judge(reasons, f"{rule.regulation_id} is in force", f"{rule.regulation_id}现行有效")


def _find_kind_faults(record: Record) -> Iterable[Reason]:
    """Find what the kind of verification (检定类别) asks for and the document lacks."""
    is_arbitration = record.kind is VerificationKind.ARBITRATION
    if is_arbitration and record.commission_no is None:
        yield Reason("COMMISSION", "commission_no", "needed for an arbitration", "仲裁检定须注明委托文号")
    if record.commission_no is not None and not is_arbitration:
        yield Reason("COMMISSION", "commission_no", "is for arbitrations only", "仅用于仲裁检定")
    if record.kind is VerificationKind.IN_SERVICE and record.conclusion is Conclusion.PASS:
        yield Reason(
            "KIND",
            "kind",
            "an in-service inspection that passes is no verification, and gives no certificate",
            "使用中检查合格不属于检定，不出具检定证书",
        )


def _find_unit_faults(record: Record, rule: RuleRow) -> Iterable[Reason]:
    texts = {text for result in record.results for text in (result.unit, result.error_unit)}
    for text in sorted(text for text in texts if text is not None):
        if not is_unit_admitted(rule, parse_unit(text)):
            yield Reason(
                "UNIT", "results.unit", f"{text} is not for this category", f"{text}不得用于此类器具"
            )


def check_expiry(record: Record, book: RuleBook) -> RuleResult:
    """Check that the validity ends no later than the rule allows, and not earlier without a reason."""
    if record.conclusion is Conclusion.FAIL:
        return judge_passed("a rejection notice has no validity", "检定结果通知书无有效期")
    rule, _ = _find_rule(record, book)
    if record.instrument.category is Category.OTHER or rule is None:
        return _no_rules()
    reasons = list(_find_expiry_breaches(record, rule))
    if not rule.is_confirmed:
        sentence = Sentence("the period of this rule is not confirmed", "该规程的检定周期数据未经确认")
        return RuleResult(Outcome.NOT_CHECKED, sentence, tuple(reasons))
    return judge(reasons, "the validity keeps the regulation's period", "有效期符合规程")


def _find_expiry_breaches(record: Record, rule: RuleRow) -> Iterable[Reason]:
    validity = record.validity
    try:
        bound = latest_allowed_valid_until(rule, record.verified_on)
    except InputError as err:
        yield Reason("EXPIRY", "verified_on", err.reason, "检定日期过大")
        return
    if bound.kind is None:
        return
    if validity.kind is not bound.kind:
        name = _VALIDITY_NAMES[bound.kind]
        yield Reason(
            "EXPIRY", "validity.kind", f"this rule asks for the kind {name}", f"该规程的有效期类型应为{name}"
        )
    elif validity.until is not None and bound.latest is not None:
        if validity.until > bound.latest:
            yield Reason(
                "EXPIRY",
                "validity.until",
                f"later than {bound.latest}, the last day allowed",
                f"晚于规程允许的{bound.latest}",
            )
        elif validity.until < bound.latest and validity.reason is None:
            yield Reason(
                "EXPIRY",
                "validity.reason",
                f"needed where the validity ends before {bound.latest}",
                f"有效期早于{bound.latest}时须说明原因",
            )


def check_limits(record: Record, book: RuleBook) -> RuleResult:
    """Recompute every error and judge it as the regulation does; contradictions within the document fail."""
    rule = find_cited_rule(record, book)
    reasons: list[Reason] = []
    open_items: set[str] = set()
    for number, result in enumerate(record.results):
        limits = _list_limits(record, result, rule)
        if None in limits or not limits:
            open_items.add(result.item)
        for position, member, en, zh in _find_point_faults(result, limits):
            reasons.append(Reason("LIMITS", f"results[{number}].points[{position}].{member}", en, zh))
        if result.passed and not all(point.passed for point in result.points):
            reasons.append(
                Reason("LIMITS", f"results[{number}].pass", "contradicts its points", "与各点结论不符")
            )
    if reasons:
        return judge_failed(reasons)
    count = sum(len(result.points) for result in record.results)
    if open_items or not count:
        return RuleResult(
            Outcome.NOT_CHECKED,
            Sentence(
                f"limit not confirmed: {', '.join(sorted(open_items)) or 'no results'}",
                f"限值未经确认：{'、'.join(sorted(open_items)) or '无检定数据'}",
            ),
        )
    return judge_passed(f"{count} readings judged as the regulation does", f"{count}个示值按规程判定无误")


def _list_limits(record: Record, result: Result, rule: RuleRow | None) -> list[Limit | None]:
    """Return the limit that decides about each point: None where none is on record, or none is confirmed."""
    if rule is None:
        return [None] * len(result.points)
    unit, accuracy_class = (
        parse_unit(result.error_unit),
        record.class_awarded or record.instrument.accuracy_class,
    )
    in_service = record.kind is VerificationKind.IN_SERVICE
    one = limit_for(rule.limits, result.item, accuracy_class=accuracy_class, unit=unit, in_service=in_service)
    if one is not None or record.instrument.scale_interval is None:
        return [_if_confirmed(one)] * len(result.points)
    return [
        _if_confirmed(_find_stepped_limit(record, result, point, rule, record.instrument.scale_interval))
        for point in result.points
    ]


def _if_confirmed(limit: Limit | None) -> Limit | None:
    return limit if limit is not None and limit.is_confirmed else None


def _find_stepped_limit(
    record: Record, result: Result, point: Point, rule: RuleRow, interval: Quantity
) -> Limit | None:
    """Return the limit of a weighing instrument at one load: stated in e, by steps of the load in e (OIML R 76)."""
    if point.nominal is None or result.unit is None:
        return None
    try:
        load = compute_load_in_intervals(Quantity(point.nominal, parse_unit(result.unit)), interval)
    except InputError:  # not masses: nothing of this kind
        return None
    limit = limit_for(
        rule.limits,
        result.item,
        accuracy_class=record.class_awarded or record.instrument.accuracy_class,
        unit=UNITS["e"],
        load=load,
        in_service=record.kind is VerificationKind.IN_SERVICE,
    )
    return (
        None if limit is None else compute_limit_in_error_unit(limit, interval, parse_unit(result.error_unit))
    )


def _find_point_faults(result: Result, limits: list[Limit | None]) -> Iterable[tuple[int, str, str, str]]:
    """Yield the position of a point, the member to blame, and why in English and Chinese."""
    for position, (point, limit) in enumerate(zip(result.points, limits, strict=True)):
        expected_mpe, passed = None if limit is None else limit.maximum_permissible_error, bool(point.passed)
        stated, error = point.indication_error, compute_indication_error(result, point)
        if error is None or not error.compare(stated):
            error = ExactError(stated)  # the same number, without the quotient
        elif not _is_rounding_of(stated, error):
            yield position, "error", "does not follow from nominal and measured", "与标准值和示值计算不符"
        mpe = point.maximum_permissible_error
        if mpe is not None and expected_mpe is not None and mpe != expected_mpe:
            yield position, "mpe", f"is not {expected_mpe}", f"应为{expected_mpe}"
        if _contradicts_limit(error, limit, mpe, passed=passed):
            yield position, "pass", "contradicts the error and its limit", "与误差及最大允许误差不符"


class ExactError(NamedTuple):
    """An indication error as a quotient of two decimals, since 1/3 has no decimal form."""

    numerator: Decimal
    denominator: Decimal = _ONE
    """Above 0."""

    def compare(self, limit: Decimal) -> Decimal:
        """Return a number that is below, at or above 0 where the error is below, at or above the limit."""
        return EXACT.subtract(self.numerator, EXACT.multiply(limit, self.denominator))

    def to_fraction(self) -> Fraction:
        """Return the same number as a fraction."""
        return fraction_from_decimal(self.numerator) / fraction_from_decimal(self.denominator)


def compute_indication_error(result: Result, point: Point) -> ExactError | None:
    """Return the error that follows from nominal and measured value, in the result's error unit.

    None where the point has no such pair, or its units do not allow the computation.
    """
    nominal, measured = point.nominal, point.measured
    if nominal is None or measured is None or result.unit is None:
        return None
    difference = EXACT.subtract(measured, nominal)
    if result.error_unit == "%":
        return ExactError(EXACT.multiply(difference, _HUNDRED), nominal) if nominal > _ZERO else None
    if result.unit == result.error_unit:
        return ExactError(difference)
    source, target = parse_unit(result.unit), parse_unit(result.error_unit)
    if source.dimension is not target.dimension:
        return None
    factor = source.factor / target.factor
    return ExactError(EXACT.multiply(difference, Decimal(factor.numerator)), Decimal(factor.denominator))


def find_misstated_error(result: Result, point: Point) -> bool:
    """Say whether a stated error is not the one that follows from nominal and measured value."""
    error = compute_indication_error(result, point)
    return error is not None and not _is_rounding_of(point.indication_error, error)


def _is_rounding_of(stated: Decimal, error: ExactError) -> bool:
    """Say whether the stated error is the computed one to within half of its last place."""
    distance = error.compare(stated).copy_abs()
    half = EXACT.multiply(_half_a_place(stated), error.denominator)
    return distance <= half


def _half_a_place(value: Decimal) -> Decimal:
    """Return half the weight of the last place that was written: 0.005 for 0.30, 0.5 for 12."""
    exponent = value.as_tuple().exponent
    return _HALF_PLACES.get(int(exponent)) or EXACT.scaleb(_HALF, min(int(exponent), 0))


def _contradicts_limit(error: ExactError, limit: Limit | None, mpe: Decimal | None, *, passed: bool) -> bool:
    """Say whether a point's own judgement is wrong: by the regulation's limit, else by the limit it states."""
    if limit is not None:
        return _is_within(error, limit) != passed
    return mpe is not None and _contradicts_stated_limit(error, mpe, passed=passed)


def _is_within(error: ExactError, limit: Limit) -> bool:
    """Say the same as `judge_indication_error`; without fractions where nothing is rounded."""
    if limit.rounding_interval is not None:
        return judge_indication_error(limit, error.to_fraction())
    numerator, denominator = error
    lower, upper = limit.lower, limit.upper
    if denominator is not _ONE:  # a reading is one number more often than a quotient
        lower = None if lower is None else EXACT.multiply(lower, denominator)
        upper = EXACT.multiply(upper, denominator)
    if lower is None:
        return _ZERO <= numerator <= upper if limit.is_inclusive else _ZERO <= numerator < upper
    return lower <= numerator <= upper if limit.is_inclusive else lower < numerator < upper


def _contradicts_stated_limit(error: ExactError, mpe: Decimal, *, passed: bool) -> bool:
    """Say whether a point contradicts itself, however its regulation may round.

    How the error is rounded before it is judged is not known here; no rounding to the last place in which the
    limit is written moves it by more than half of that place.
    """
    size = ExactError(error.numerator.copy_abs(), error.denominator)
    half = _half_a_place(mpe)
    if passed:
        return size.compare(EXACT.add(mpe.copy_abs(), half)) > 0
    return size.compare(EXACT.subtract(mpe.copy_abs(), half)) < 0


@dataclass(frozen=True, slots=True)
class Clocks:
    """The instants of one document, aware UTC; None where that has not happened or is not known."""

    sealed_at: datetime
    sequenced_at: datetime | None
    anchored_at: datetime | None
    now: datetime


def check_times(
    record: Record, clocks: Clocks, zone: ZoneInfo, tolerance: timedelta, lag: timedelta
) -> RuleResult:
    """Check the order verified <= persons' signatures <= issued <= sealed <= sequenced <= anchored <= now.

    Operator and checker sign before the approver, whose signature is the issue. Times that are merely ahead of
    `now` may be the fault of the clock here: they are NOT_CHECKED, while the desk and the log refuse them.

    Args:
        record: the document.
        clocks: what else is known of its times.
        zone: calendar dates are dates of this zone.
        tolerance: by which two clocks may disagree.
        lag: a document that entered the log later than this after its verification gets a warning.
    """
    events = _list_events(record, clocks)
    faults = [*_find_backward_steps(events, tolerance), *_find_date_faults(record, clocks, zone, tolerance)]
    if faults:
        return judge_failed(faults)
    ahead = [event for event in events if event.at - clocks.now > tolerance]
    if ahead:
        sentence = Sentence("the clock here is behind the document's", "本机时钟早于文件时间")
        reasons = tuple(
            Reason("TIME", event.field, f"{event.en} is ahead of the clock here", f"{event.zh}晚于本机时钟")
            for event in ahead
        )
        return RuleResult(Outcome.NOT_CHECKED, sentence, reasons, warning=True)
    late = local_date(clocks.sequenced_at or clocks.now, zone) - record.verified_on
    what = _DEEDS[record.document_kind]
    sentence = Sentence(
        f"in order; logged {late.days} days after the {what.en}",
        f"次序正确；{what.zh}后{late.days}日载入账本",
    )
    is_prompt = record.document_kind is not DocumentKind.PAPER
    return RuleResult(Outcome.PASSED, sentence, warning=is_prompt and late > lag)


_DEEDS: Final = {
    DocumentKind.VERIFICATION: Sentence("verification", "检定"),
    DocumentKind.CALIBRATION: Sentence("calibration", "校准"),
    DocumentKind.PAPER: Sentence("verification on paper", "纸质证书所载检定"),
}


def local_date(instant: datetime, zone: ZoneInfo) -> date:
    """Return the calendar date of an instant in a zone; in UTC where the zone's would leave the calendar."""
    try:
        return instant.astimezone(zone).date()
    except OverflowError:
        return instant.date()


class _Event(NamedTuple):
    """Something that happened to a document, and when."""

    field: str
    en: str
    zh: str
    at: datetime


def _list_events(record: Record, clocks: Clocks) -> list[_Event]:
    """Return what is known, in the order in which it must have happened."""
    signed = {person.role: person.signed_at for person in record.persons if person.signed_at is not None}
    approved_at = signed.pop(Role.APPROVER, None)
    known = (
        (
            "persons.signed_at",
            "the operator's or checker's signature",
            "检定员或核验员签名",
            max(signed.values(), default=None),
        ),
        ("persons.signed_at", "the approver's signature", "批准人签名", approved_at),
        ("proof.created", "the seal", "盖章", clocks.sealed_at),
        ("sequenced_at", "the entry in the log", "载入账本", clocks.sequenced_at),
        ("anchored_at", "the anchor", "存证", clocks.anchored_at),
    )
    return [_Event(field, en, zh, at) for field, en, zh, at in known if at is not None]


def _find_backward_steps(events: Sequence[_Event], tolerance: timedelta) -> Iterable[Reason]:
    latest = None
    for event in events:
        if latest is not None and latest.at - event.at > tolerance:
            yield Reason(
                "TIME", event.field, f"{event.en} is before {latest.en}", f"{event.zh}早于{latest.zh}"
            )
        if latest is None or event.at > latest.at:
            latest = event


def find_issued_on(record: Record, zone: ZoneInfo) -> date | None:
    """Return the day of issue; None: the approver, whose signature it is, has not signed yet."""
    approver = find_person(record.persons, Role.APPROVER)
    if record.issued_on is not None or approver is None or approver.signed_at is None:
        return record.issued_on
    return local_date(approver.signed_at, zone)


def _find_date_faults(
    record: Record, clocks: Clocks, zone: ZoneInfo, tolerance: timedelta
) -> Iterable[Reason]:
    issued_on = find_issued_on(record, zone)
    verification = datetime.combine(record.verified_on, time.min, zone)
    for person in record.persons:
        if person.signed_at is None:
            continue
        if verification - person.signed_at > tolerance:
            yield Reason("TIME", "persons.signed_at", "is before the verification", "早于检定日期")
        if person.role is Role.APPROVER and local_date(person.signed_at, zone) != issued_on:
            yield Reason(
                "TIME", "issued_on", "is not the day of the approver's signature", "与批准人签名日期不符"
            )
    if record.paper is not None and (
        datetime.combine(record.paper.entered_on, time.min, zone) - clocks.sealed_at > tolerance
    ):
        yield Reason("TIME", "paper.entered_on", "is after the seal", "晚于盖章时间")
    if issued_on is None:
        return
    if issued_on < record.verified_on:
        yield Reason("TIME", "issued_on", "is before the verification", "早于检定日期")
    if datetime.combine(issued_on, time.min, zone) - clocks.sealed_at > tolerance:
        yield Reason("TIME", "issued_on", "is after the seal", "晚于盖章时间")


def find_cited_rule(record: Record, book: RuleBook) -> RuleRow | None:
    """Return the rule that a document cites; None: none, or none that is on record."""
    return None if record.instrument.category is Category.OTHER else _find_rule(record, book)[0]


def _find_rule(record: Record, book: RuleBook) -> tuple[RuleRow | None, list[Reason]]:
    if record.regulation is None:
        return None, [Reason("REGULATION", "regulation", "is missing", "未注明检定规程")]
    name = record.instrument.category.name
    try:
        rule = book.rule_named(record.instrument.category, record.regulation.id)
    except InputError:
        rule = None
    if rule is not None:
        return rule, []
    return None, [
        Reason("REGULATION", "regulation.id", f"no rule of {name} has this name", f"{name}没有此规程的数据")
    ]


def _unknown_regulation(record: Record) -> Sentence:
    cited = "none" if record.regulation is None else record.regulation.id
    return Sentence(f"regulation not on record: {cited}", f"规程数据中没有：{cited}")


def _no_rules() -> RuleResult:
    return RuleResult(Outcome.NOT_CHECKED, _NO_RULES)


_NO_RULES: Final = Sentence("no rules for this category", "此类器具没有规程数据")
