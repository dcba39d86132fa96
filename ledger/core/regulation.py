"""Verification regulations (JJG) by version: in force when, how long a verification is good, which limits.

The rule book is data with dates, never code: a new version of a regulation is a new row, and the verification
date says which one applies. A row speaks of one category under one version; its limits are those of the
regulation. Each row and each limit has its own trust tag; what is not exactly V must not decide anything.

>>> book = load_rule_book()
>>> rule = book.find_rule(Category.PRICE_SCALE, date(2027, 1, 8))
>>> rule.regulation_id, rule.is_confirmed
('JJG 1204-2025(试行)', False)
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from typing import Final

from ledger.core.calendar_rules import MAX_MONTHS, ValidityKind, compute_last_valid_date
from ledger.core.category import Category, parse_category
from ledger.core.constants import RULE_BOOK_DOMAIN
from ledger.core.errors import MalformedDocumentError
from ledger.core.ids import Digest
from ledger.core.limit import CONFIRMED, Limit, parse_limits, parse_tags
from ledger.core.table import TableRow, read_table
from ledger.core.unit import Unit, parse_unit

RULE_COLUMNS: Final = (
    "category_code",
    "name_zh",
    "name_en",
    "regulation",
    "effective_on",
    "superseded_on",
    "superseded_by",
    "control",
    "verification_mode",
    "validity_months",
    "accuracy_or_mpe",
    "seal_points",
    "uncertainty_share",
    "restricted_units",
    "confidence",
    "note",
)
_DASHES: Final = str.maketrans(dict.fromkeys("‐‑‒–—―−", "-"))
_SHARE: Final = re.compile(r"1/([1-9][0-9]?)")


class Control(StrEnum):
    """How the catalogue of instruments under mandatory control treats a category."""

    TYPE_APPROVAL_AND_VERIFICATION = "P+V"
    VERIFICATION = "V"
    STANDARD = "standard"
    """A measurement standard, not a working instrument."""

    @property
    def is_mandatory(self) -> bool:
        """Whether verification is compulsory for the purposes that the law names."""
        return self is not Control.STANDARD


class VerificationMode(StrEnum):
    """Whether an instrument is verified again."""

    PERIODIC = "periodic"
    FIRST_ONLY_LIMITED_USE = "first_only_limited_use"
    """只做首次强制检定, 限期使用, 到期轮换."""
    FIRST_ONLY_SCRAP = "first_only_scrap"
    """只做首次强制检定, 失准报废: no date at all."""


_KIND_BY_MODE: Final = {
    VerificationMode.PERIODIC: ValidityKind.DATE,
    VerificationMode.FIRST_ONLY_LIMITED_USE: ValidityKind.SERVICE_LIFE,
    VerificationMode.FIRST_ONLY_SCRAP: ValidityKind.NONE,
}


@dataclass(frozen=True, slots=True)
class RuleRow:
    """What one version of a regulation says of one category."""

    category: Category
    name_zh: str
    name_en: str
    regulation_id: str | None
    """As certificates cite it, `JJG 443-2023(试行)`; None for OTHER, which has no rules."""
    effective_on: date | None
    """First day in force; None: not on record, taken as in force from the beginning."""
    superseded_on: date | None
    """First day no longer in force; None: in force."""
    superseded_by: str | None
    control: Control | None
    verification_mode: VerificationMode | None
    validity_months: int | None
    accuracy_prose: str
    """Class or limits in words, for people."""
    seal_points: int | None
    uncertainty_share: Fraction | None
    """Largest U / |MPE| of the standards used; JJF 1094: one third."""
    restricted_units: tuple[Unit, ...]
    """Units of restricted use that this category may use, as mmHg."""
    confidence: str
    note: str
    limits: tuple[Limit, ...]

    @property
    def is_confirmed(self) -> bool:
        """Whether mode and period were found in public text; only then may they decide."""
        return self.confidence == CONFIRMED

    @property
    def validity_kind(self) -> ValidityKind | None:
        """Kind of date the rule asks for; None for OTHER, whose validity is as its document says."""
        return None if self.verification_mode is None else _KIND_BY_MODE[self.verification_mode]


@dataclass(frozen=True, slots=True)
class ExpiryBound:
    """How long a rule lets a verification be good."""

    kind: ValidityKind | None
    """None: the rule says nothing."""
    latest: date | None
    """Last day allowed; None: there must be no date (kind NONE), or the rule says nothing."""


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rules at one state of knowledge."""

    rows: tuple[RuleRow, ...]
    digest: Digest
    """Names this state in reports: SHA-256 over both tables."""

    def rules_of(self, category: Category) -> tuple[RuleRow, ...]:
        """Return the rows of a category, newest version first.

        Raises:
            MalformedDocumentError: no rule for this category.
        """
        rows = [row for row in self.rows if row.category is category]
        if not rows:
            raise MalformedDocumentError(f"no rule for category {category.name}", field="category")
        return tuple(sorted(rows, key=_effective_from, reverse=True))

    def find_rule(self, category: Category, on: date) -> RuleRow | None:
        """Return the rule by which an instrument is verified on this day, None if none is in force.

        Where an old and a new version are both in force (transition), the newer one.

        Raises:
            MalformedDocumentError: no rule for this category at all.
        """
        return next((row for row in self.rules_of(category) if is_in_force(row, on)), None)

    def rule_named(self, category: Category, regulation_id: str) -> RuleRow | None:
        """Return the rule that a certificate cites, None if the book does not know that version.

        A category without regulation (OTHER) takes any name. `JJG443—2023` cites `JJG 443-2023(试行)`, see
        `normalise_citation`.

        Raises:
            MalformedDocumentError: no rule for this category at all.
        """
        cited = normalise_citation(regulation_id)
        for row in self.rules_of(category):
            if row.regulation_id is None or normalise_citation(row.regulation_id) == cited:
                return row
        return None


def parse_rule_book(rules_csv: str, limits_csv: str) -> RuleBook:
    """Read both tables into a rule book.

    Raises:
        InputError: not such tables; a limit of a regulation that no rule names; or two rules of one category
            with the same name, or in force from the same day.
    """
    limits = parse_limits(limits_csv)
    rows = tuple(parse_rule(row, limits) for row in read_table("rules", rules_csv, RULE_COLUMNS))
    _check_names(rows, limits)
    return RuleBook(rows, compute_rule_book_digest(rules_csv, limits_csv))


def compute_rule_book_digest(rules_csv: str, limits_csv: str) -> Digest:
    """Return SHA-256(RULE_BOOK_DOMAIN || SHA-256(rules) || SHA-256(limits)), texts in UTF-8.

    Raises:
        MalformedDocumentError: text with lone surrogates.
    """
    try:
        parts = [hashlib.sha256(text.encode()).digest() for text in (rules_csv, limits_csv)]
    except UnicodeEncodeError:
        raise MalformedDocumentError("a table holds text that is not Unicode") from None
    return Digest(hashlib.sha256(RULE_BOOK_DOMAIN + b"".join(parts)).digest())


@lru_cache(maxsize=1024)
def normalise_citation(regulation_id: str) -> str:
    """Return a key that is equal for all usual ways to cite one version of a regulation.

    Width, white space, kind of dash and the mark (试行) make no difference: number and year name a version.
    """
    plain = unicodedata.normalize("NFKC", regulation_id).translate(_DASHES)
    return "".join(plain.split()).upper().removesuffix("(试行)")


def is_in_force(rule: RuleRow, on: date) -> bool:
    """Return whether a verification on this day may be made under this version."""
    has_begun = rule.effective_on is None or rule.effective_on <= on
    return has_begun and (rule.superseded_on is None or on < rule.superseded_on)


def is_unit_admitted(rule: RuleRow, unit: Unit) -> bool:
    """Return whether results of this category may be stated in this unit; mmHg is for blood pressure only."""
    return not unit.is_restricted or unit in rule.restricted_units


def latest_allowed_valid_until(rule: RuleRow, verified_on: date) -> ExpiryBound:
    """Return the last day up to which a verification of this day may be declared good.

    Raises:
        MalformedDocumentError: the date lies beyond the year 9999.
    """
    if rule.validity_months is None:
        return ExpiryBound(rule.validity_kind, None)
    return ExpiryBound(rule.validity_kind, compute_last_valid_date(verified_on, rule.validity_months))


def _effective_from(rule: RuleRow) -> date:
    return rule.effective_on or date.min


def parse_rule(row: TableRow, limits: tuple[Limit, ...]) -> RuleRow:
    """Read one row of the table of rules.

    Args:
        row: its cells.
        limits: of this and of other regulations.

    Raises:
        InputError: not such a row, or its members contradict each other.
    """
    regulation = row.optional_text("regulation")
    rule = RuleRow(
        category=parse_category(row.text("category_code"), row.path("category_code")),
        name_zh=row.text("name_zh"),
        name_en=row.text("name_en"),
        regulation_id=regulation,
        effective_on=row.optional_date("effective_on"),
        superseded_on=row.optional_date("superseded_on"),
        superseded_by=row.optional_text("superseded_by"),
        control=row.optional_code("control", Control),
        verification_mode=row.optional_code("verification_mode", VerificationMode),
        validity_months=row.optional_count("validity_months", MAX_MONTHS),
        accuracy_prose=row.optional_text("accuracy_or_mpe") or "",
        seal_points=row.optional_count("seal_points", 99),
        uncertainty_share=_parse_share(row),
        restricted_units=_parse_restricted_units(row),
        confidence=parse_tags(row, "confidence"),
        note=row.optional_text("note") or "",
        limits=tuple(limit for limit in limits if limit.regulation_id == regulation),
    )
    _check_rule(rule, row)
    return rule


def _parse_share(row: TableRow) -> Fraction | None:
    text = row.optional_text("uncertainty_share")
    if text is None:
        return None
    found = _SHARE.fullmatch(text)
    if found is None:
        raise MalformedDocumentError("expected 1/n", field=row.path("uncertainty_share"))
    return Fraction(1, int(found[1]))


def _parse_restricted_units(row: TableRow) -> tuple[Unit, ...]:
    column = "restricted_units"
    units = [parse_unit(code, field=row.path(column)) for code in (row.optional_text(column) or "").split()]
    if not all(unit.is_restricted for unit in units):
        raise MalformedDocumentError("a unit of general use needs no mention", field=row.path(column))
    return tuple(units)


def _check_rule(rule: RuleRow, row: TableRow) -> None:
    has_rules = None not in {rule.regulation_id, rule.control, rule.verification_mode}
    if not has_rules and rule.category is not Category.OTHER:
        raise MalformedDocumentError("regulation, control and mode are needed", field=row.label)
    has_period = rule.validity_kind in {ValidityKind.DATE, ValidityKind.SERVICE_LIFE}
    if has_period != (rule.validity_months is not None):
        raise MalformedDocumentError("mode and period disagree", field=row.path("validity_months"))
    if (rule.superseded_on is None) != (rule.superseded_by is None):
        raise MalformedDocumentError("a successor and its date go together", field=row.path("superseded_by"))
    if rule.superseded_on is not None and rule.superseded_on <= _effective_from(rule):
        raise MalformedDocumentError("superseded before it came into force", field=row.path("superseded_on"))


def _check_names(rows: tuple[RuleRow, ...], limits: tuple[Limit, ...]) -> None:
    for keys in (
        [(r.category, normalise_citation(r.regulation_id or "")) for r in rows],
        [(r.category, _effective_from(r)) for r in rows],
    ):
        if len(set(keys)) != len(keys):
            raise MalformedDocumentError(
                "two rows of one category have the same name or first day", field="rules"
            )
    unknown = {limit.regulation_id for limit in limits} - {row.regulation_id for row in rows}
    if unknown:
        raise MalformedDocumentError(f"limits of unknown regulations: {sorted(unknown)}", field="limits")
