"""What a DCC says in words, in both languages: one table for each list of codes.

>>> say_item("repeatability")
Sentence(en='Repeatability', zh='重复性')
"""

from types import MappingProxyType
from typing import Final

from ledger.core.calendar_rules import ValidityKind
from ledger.core.decision import AcceptanceRule
from ledger.core.record import DocumentType, Purpose, Role, VerificationKind
from ledger.core.statement import Conclusion
from ledger.core.step import Sentence

DOCUMENTS: Final = MappingProxyType(
    {
        DocumentType.VERIFICATION_CERTIFICATE: Sentence("Verification certificate", "检定证书"),
        DocumentType.REJECTION_NOTICE: Sentence("Rejection notice", "检定结果通知书"),
        DocumentType.CALIBRATION_CERTIFICATE: Sentence("Calibration certificate", "校准证书"),
    }
)
KINDS: Final = MappingProxyType(
    {
        VerificationKind.INITIAL: Sentence("initial verification", "首次检定"),
        VerificationKind.PERIODIC: Sentence("periodic verification", "周期检定"),
        VerificationKind.AFTER_REPAIR: Sentence("verification after repair", "修理后检定"),
        VerificationKind.WITHIN_VALIDITY: Sentence("verification within the validity", "有效期内检定"),
        VerificationKind.ARBITRATION: Sentence("arbitration verification", "仲裁检定"),
        VerificationKind.SAMPLING: Sentence("verification by sampling", "抽样检定"),
        VerificationKind.IMPORT: Sentence("verification of an import", "进口检定"),
        VerificationKind.IN_SERVICE: Sentence("in-service inspection", "使用中检查"),
        VerificationKind.CALIBRATION: Sentence("calibration", "校准"),
    }
)
ROLES: Final = MappingProxyType(
    {
        Role.OPERATOR: Sentence("operator", "检定员"),
        Role.CHECKER: Sentence("checker", "核验员"),
        Role.APPROVER: Sentence("approver", "批准人"),
    }
)
PURPOSES: Final = MappingProxyType(
    {
        Purpose.TRADE: Sentence("trade settlement", "贸易结算"),
        Purpose.SAFETY: Sentence("safety protection", "安全防护"),
        Purpose.HEALTH: Sentence("medical care", "医疗卫生"),
        Purpose.ENVIRONMENT: Sentence("environmental monitoring", "环境监测"),
    }
)
CONCLUSIONS: Final = MappingProxyType(
    {
        Conclusion.PASS: Sentence("passed the verification", "检定合格"),
        Conclusion.FAIL: Sentence("failed the verification", "检定不合格"),
    }
)
CONFORMITIES: Final = MappingProxyType(
    {
        Conclusion.PASS: Sentence("conforms to the requirement", "符合要求"),
        Conclusion.CONDITIONAL: Sentence(
            "undecided: within the guard band of the requirement", "待定：处于保护带内"
        ),
        Conclusion.FAIL: Sentence("does not conform to the requirement", "不符合要求"),
    }
)
"""Conclusions of a calibration certificate."""
NO_CONFORMITY: Final = Sentence("no statement of conformity", "不作符合性结论")
NEXT_CALIBRATION: Final = Sentence("Next calibration, as agreed with the customer:", "与客户约定的复校日期")
DECISION_RULES: Final = MappingProxyType(
    {
        AcceptanceRule.SIMPLE: Sentence("simple acceptance", "简单接受"),
        AcceptanceRule.GUARDED: Sentence("guarded acceptance", "带保护带的接受"),
    }
)
CALIBRATOR: Final = Sentence("operator", "校准员")
"""Whoever has measured, of a calibration certificate."""
UNTIL: Final = MappingProxyType(
    {
        ValidityKind.DATE: Sentence("Valid until", "有效期至"),
        ValidityKind.SERVICE_LIFE: Sentence("To be used until", "限期使用至"),
        ValidityKind.NONE: Sentence("Without a date of expiry", "无有效期限"),
    }
)
CODES: Final = MappingProxyType(
    {
        "production": Sentence("Production code", "生产码"),
        "repair": Sentence("Repair code", "维修码"),
        "verification": Sentence("Verification code", "检定码"),
    }
)
NON_SI: Final = MappingProxyType(
    {
        "CNY": Sentence("yuan, the currency of China (ISO 4217 CNY)", "人民币元（ISO 4217 CNY）"),
        "e": Sentence("verification scale interval e of the instrument", "被检器具的检定分度值 e"),
    }
)
"""Units of the product's table that D-SI has no form for, by code, and what they are."""

_ITEMS: Final = MappingProxyType(
    {
        "indication_error": Sentence("Error of indication", "示值误差"),
        "indication_error_low": Sentence("Error of indication, lower range", "示值误差（低区）"),
        "indication_error_high": Sentence("Error of indication, upper range", "示值误差（高区）"),
        "error_in_use": Sentence("Error in use", "使用误差"),
        "eccentricity": Sentence("Eccentric loading", "偏载"),
        "repeatability": Sentence("Repeatability", "重复性"),
    }
)

NOT_STATED: Final = Sentence("not stated in the record", "记录未载明")
NOT_DISCLOSED: Final = Sentence("not disclosed in this copy", "本副本未公开")


def say_item(item: str) -> Sentence:
    """Return the name of an item of verification; one that is not in the table is named by its code."""
    return _ITEMS.get(item) or Sentence(item, item)
