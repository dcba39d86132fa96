"""What a document that verifies nothing must hold, and must not: calibration certificates, and what is from paper.

A calibration certificate (校准证书) states values with their expanded uncertainty, by a method that it names; a
conclusion, its decision rule and a date only where its customer has asked for them. A paper register
(纸质证书登记) says what stands on a paper certificate, and who has entered it when.

>>> check_kind(record)

Source: ISO/IEC 17025:2017 §7.8.4, §7.8.6.
"""

from collections.abc import Mapping
from typing import Final

from ledger.core.calendar_rules import ValidityKind
from ledger.core.errors import MalformedDocumentError
from ledger.core.record import Record, Result
from ledger.core.statement import Conclusion, DocumentKind

_CALIBRATION: Final = "calibration"


def check_kind(record: Record) -> None:
    """Refuse members that a document of this kind does not have, and the lack of those that it must have.

    Raises:
        MalformedDocumentError: the member is named.
    """
    if record.document_kind is DocumentKind.CALIBRATION:
        _check_calibration(record)
    if record.document_kind is DocumentKind.PAPER:
        _check_paper(record)
    for name in _STRANGE[record.document_kind]:
        if getattr(record, _ATTRIBUTES.get(name, name)):
            raise MalformedDocumentError(f"is not for a {_spell_type(record)}", field=name)
    is_calibration = record.document_kind is DocumentKind.CALIBRATION
    if is_calibration != (record.kind.value == _CALIBRATION):
        raise MalformedDocumentError(f"{record.kind.value} is not for a {_spell_type(record)}", field="kind")
    if record.validity.agreed and not is_calibration:
        raise MalformedDocumentError(f"is not for a {_spell_type(record)}", field="validity.agreed")


_OF_CALIBRATIONS: Final = ("specification", "decision_rule", "comparisons")
_NOT_OF_CALIBRATIONS: Final = ("class_awarded", "seals", "sticker_id", "lot", "commission_no")
_NOT_OF_PAPERS: Final = (
    *("place", "environment", "standards", "crms", "results", "adjusted", "seals", "sticker_id", "lot"),
    *("persons", "commission_no"),
)
_STRANGE: Final[Mapping[DocumentKind, tuple[str, ...]]] = {
    DocumentKind.VERIFICATION: (*_OF_CALIBRATIONS, "paper"),
    DocumentKind.CALIBRATION: (*_NOT_OF_CALIBRATIONS, "paper"),
    DocumentKind.PAPER: (*_OF_CALIBRATIONS, *_NOT_OF_PAPERS),
}
_ATTRIBUTES: Final = {"crms": "reference_materials"}
"""Member -> attribute of `Record`, where the two differ."""


def _spell_type(record: Record) -> str:
    return record.document_type.value.replace("_", " ")


def _check_calibration(record: Record) -> None:
    """Require a method, values with their uncertainty, and a decision rule for whatever is concluded."""
    if record.specification is None and record.regulation is None:
        raise MalformedDocumentError("the specification that was followed is missing", field="specification")
    if not any(result.points for result in record.results):
        raise MalformedDocumentError("a calibration certificate states values", field="results")
    for number, result in enumerate(record.results):
        _check_uncertainties(result, f"results[{number}]")
    if record.conclusion is None and record.decision_rule is not None:
        raise MalformedDocumentError("nothing is concluded by it", field="decision_rule")
    if record.conclusion is not None and record.decision_rule is None:
        raise MalformedDocumentError("needed where conformity is stated", field="decision_rule")
    validity = record.validity
    if validity.kind is ValidityKind.SERVICE_LIFE:
        raise MalformedDocumentError("a calibration certificate ends no service life", field="validity.kind")
    if (validity.kind is ValidityKind.DATE) != validity.agreed:
        reason = "a calibration certificate has a date if the customer has agreed on one, and only then"
        raise MalformedDocumentError(reason, field="validity.agreed")


def _check_uncertainties(result: Result, path: str) -> None:
    if result.coverage_factor is None or result.coverage_factor < 1:
        raise MalformedDocumentError("needed: the coverage factor, at least 1", field=f"{path}.k")
    for position, point in enumerate(result.points):
        if point.expanded_uncertainty is None or point.expanded_uncertainty <= 0:
            reason = "needed: the expanded uncertainty, above 0"
            raise MalformedDocumentError(reason, field=f"{path}.points[{position}].u")


def _check_paper(record: Record) -> None:
    """Require what the entry is of, and that it was made after the paper."""
    if record.paper is None:
        raise MalformedDocumentError("this member is missing", field="paper")
    if record.issued_on is not None and record.paper.entered_on < record.issued_on:
        raise MalformedDocumentError("is before the paper was issued", field="paper.entered_on")
    if record.conclusion is Conclusion.FAIL and record.validity.kind is not ValidityKind.NONE:
        raise MalformedDocumentError("a paper that concludes fail has no validity", field="validity")
