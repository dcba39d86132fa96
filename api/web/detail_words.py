"""What people read below a verdict: events, reasons, roles and codes, in Chinese and English."""

from types import MappingProxyType
from typing import Final

from ledger.core.act import ReasonCode
from ledger.core.anchor import AnchorGrade
from ledger.core.event import EventType
from ledger.core.lot import LotStatus
from ledger.core.record import Purpose, Role, VerificationKind
from ledger.core.statement import Conclusion, DocumentKind, IssueClaims
from ledger.core.step import Sentence
from ledger.core.sticker_use import StickerReason

EVENTS: Final = MappingProxyType(
    {
        EventType.SUPPLEMENT: Sentence("Supplement to the certificate", "出具补充件"),
        EventType.CANCEL: Sentence("Certificate cancelled by the authority", "计量行政部门注销证书"),
        EventType.WITHDRAW: Sentence("Certificate withdrawn", "撤回证书"),
        EventType.SUSPEND: Sentence("Suspended, under investigation", "暂停使用/调查"),
        EventType.REINSTATE: Sentence("Reinstated", "恢复"),
        EventType.REVERIFY_NEEDED: Sentence("Must be verified again", "要求重新检定"),
        EventType.OPENED_FOR_REPAIR: Sentence("Seal opened for repair", "拆封修理"),
        EventType.LOT: Sentence("Said of the lot", "批次处理"),
        EventType.INSTRUMENT: Sentence("Instrument registered", "登记器具信息"),
        EventType.STICKER_BOUND: Sentence("Sticker put on", "粘贴合格证"),
        EventType.STICKER_UNBOUND: Sentence("Sticker taken off", "停用合格证"),
        EventType.INSTRUMENT_SAME_AS: Sentence("Found to be the same as another", "认定与另一登记为同一器具"),
        EventType.INSTRUMENT_SPLIT: Sentence("Found to be several instruments", "认定为多台器具"),
    }
)
"""Of every event that can stand in the history of an instrument; issues have `say_issue`."""

ISSUED: Final = MappingProxyType(
    {
        (DocumentKind.VERIFICATION, True): Sentence("Verified: passed", "检定合格，出具检定证书"),
        (DocumentKind.VERIFICATION, False): Sentence("Verified: failed", "检定不合格，出具检定结果通知书"),
        (DocumentKind.CALIBRATION, True): Sentence("Calibrated, not verified", "校准（不是检定）"),
        (DocumentKind.PAPER, True): Sentence("Paper certificate entered", "登记纸质证书"),
    }
)
REPLACED: Final = Sentence("Certificate corrected and issued anew", "更正并换发证书")

REASONS: Final = MappingProxyType(
    {
        ReasonCode.TYPO: Sentence("clerical error", "笔误"),
        ReasonCode.WRONG_INSTRUMENT: Sentence("wrong instrument", "器具信息有误"),
        ReasonCode.WRONG_RESULT: Sentence("wrong result", "检定结果有误"),
        ReasonCode.STANDARD_INVALID: Sentence("measurement standard not valid", "计量标准失效"),
        ReasonCode.OUT_OF_SCOPE: Sentence("out of scope", "超出授权范围"),
        ReasonCode.PERSON_UNQUALIFIED: Sentence("person not qualified", "人员资格不符"),
        ReasonCode.FAILED_SPOT_CHECK: Sentence("failed a spot check", "抽查不合格"),
        ReasonCode.SEAL_BROKEN: Sentence("seal broken", "铅封损坏"),
        ReasonCode.REPAIRED: Sentence("repaired", "修理"),
        ReasonCode.INSTRUMENT_SCRAPPED: Sentence("instrument scrapped", "器具报废"),
        ReasonCode.RELOCATED: Sentence("instrument moved", "器具移装"),
        ReasonCode.FORGED: Sentence("forged", "伪造"),
        ReasonCode.KEY_COMPROMISED: Sentence("key compromised", "密钥泄露"),
        ReasonCode.COURT_OR_AUTHORITY_ORDER: Sentence("order of a court or authority", "法院或主管部门决定"),
        ReasonCode.CRM_RECALLED: Sentence("reference material recalled", "标准物质召回"),
        ReasonCode.REG_MISAPPLIED: Sentence("regulation misapplied", "规程适用有误"),
    }
)
STICKER_REASONS: Final = MappingProxyType(
    {
        StickerReason.VERIFICATION_FAILED: Sentence("verification failed", "检定不合格"),
        StickerReason.REPLACED: Sentence("another one was put on", "已换贴"),
        StickerReason.DAMAGED: Sentence("damaged", "损坏"),
        StickerReason.LOST: Sentence("lost", "遗失"),
        StickerReason.WRONG_INSTRUMENT: Sentence("wrong instrument", "器具信息有误"),
        StickerReason.TYPO: Sentence("clerical error", "笔误"),
        StickerReason.INSTRUMENT_SCRAPPED: Sentence("instrument scrapped", "器具报废"),
        StickerReason.COPIED: Sentence("seen in two places", "疑似复制"),
        StickerReason.COURT_OR_AUTHORITY_ORDER: Sentence(
            "order of a court or authority", "法院或主管部门决定"
        ),
    }
)
LOT_STATUSES: Final = MappingProxyType(
    {
        LotStatus.VALID: Sentence("nothing stands against the lot any more", "批次已无不利记载"),
        LotStatus.FAILED: Sentence("the lot failed", "批次不合格"),
        LotStatus.SUSPENDED: Sentence("the lot is suspended", "批次已暂停"),
        LotStatus.CANCELLED: Sentence("the lot is cancelled", "批次已注销"),
        LotStatus.WITHDRAWN: Sentence("the lot is withdrawn", "批次已撤回"),
    }
)

ROLES: Final = MappingProxyType(
    {
        Role.OPERATOR: Sentence("Verified by", "检定员"),
        Role.CHECKER: Sentence("Checked by", "核验员"),
        Role.APPROVER: Sentence("Approved by", "批准人"),
    }
)
PURPOSES: Final = MappingProxyType(
    {
        Purpose.TRADE: Sentence("trade", "贸易结算"),
        Purpose.SAFETY: Sentence("safety", "安全防护"),
        Purpose.HEALTH: Sentence("health", "医疗卫生"),
        Purpose.ENVIRONMENT: Sentence("environment", "环境监测"),
    }
)
KINDS: Final = MappingProxyType(
    {
        VerificationKind.INITIAL: Sentence("initial", "首次检定"),
        VerificationKind.PERIODIC: Sentence("subsequent, periodic", "后续检定（周期检定）"),
        VerificationKind.AFTER_REPAIR: Sentence("subsequent, after repair", "后续检定（修理后）"),
        VerificationKind.WITHIN_VALIDITY: Sentence(
            "subsequent, within the period of validity", "后续检定（有效期内）"
        ),
        VerificationKind.ARBITRATION: Sentence("arbitration", "仲裁检定"),
        VerificationKind.SAMPLING: Sentence("by sampling", "抽样检定"),
        VerificationKind.IMPORT: Sentence("of an import", "进口检定"),
        VerificationKind.IN_SERVICE: Sentence("in-service inspection", "使用中检查"),
        VerificationKind.CALIBRATION: Sentence("calibration", "校准"),
    }
)
CODES: Final = MappingProxyType(
    {
        "production": Sentence("Production code", "生产码"),
        "repair": Sentence("Repair code", "维修码"),
        "verification": Sentence("Verification code", "检定码"),
    }
)
"""三码."""

GRADES: Final = MappingProxyType(
    {
        AnchorGrade.INCLUDED: Sentence("in a block", "已入块"),
        AnchorGrade.SAFE: Sentence("safe", "已确认"),
        AnchorGrade.FINAL: Sentence("final", "已最终确定"),
    }
)


def say_issue(event_type: EventType, claims: IssueClaims) -> Sentence:
    """Return what an issue did."""
    if event_type is EventType.REPLACE:
        return REPLACED
    is_rejection = claims.is_verification and claims.conclusion is Conclusion.FAIL
    return ISSUED[claims.kind, not is_rejection]
