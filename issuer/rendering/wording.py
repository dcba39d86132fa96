"""The words of printed documents, Chinese and English side by side on one document.

`LABELS` are those of the fields that a document must bear; the other tables say codes of the record in words.
A code that a table lacks, as the item of a regulation that is not here yet, is printed as it is.

>>> LABELS["valid_until"]
Words(zh='有效期至', en='Valid until')

Source: JJF 1069-2012; ISO/IEC 17025:2017 §7.8.2.1; the rules on marks and certificates of verification of 1987.
"""

from typing import Final, NamedTuple

from ledger.core.act import ReasonCode
from ledger.core.calendar_rules import ValidityKind
from ledger.core.decision import AcceptanceRule
from ledger.core.record import DocumentType, PlaceKind, Purpose, Role, VerificationKind
from ledger.core.statement import Conclusion


class Words(NamedTuple):
    """One thing said in both languages."""

    zh: str
    en: str


TITLES: Final = {
    DocumentType.VERIFICATION_CERTIFICATE: Words("检定证书", "Verification Certificate"),
    DocumentType.REJECTION_NOTICE: Words("检定结果通知书", "Rejection Notice"),
    DocumentType.CALIBRATION_CERTIFICATE: Words("校准证书", "Calibration Certificate"),
    DocumentType.PAPER_REGISTER: Words("纸质证书登记证明", "Proof of Entry of a Paper Certificate"),
}

SECTIONS: Final = {
    "conclusion": Words("检定结论", "Conclusion"),
    "client": Words("送检单位", "Client"),
    "instrument": Words("计量器具", "Measuring instrument"),
    "parts": Words("部件", "Parts"),
    "verification": Words("检定条件", "Conditions of verification"),
    "standards": Words("所用计量标准", "Measurement standards used"),
    "standard_instruments": Words("主标准器", "Main instruments of the standards"),
    "materials": Words("所用标准物质", "Reference materials used"),
    "results": Words("检定结果", "Results of verification"),
    "seals": Words("铅封", "Seals"),
    "persons": Words("签发人员", "Persons responsible"),
    "seal": Words("检定专用章（电子）", "Electronic seal of the institution"),
    "statements": Words("声明", "Statements"),
    "decision": Words("符合性判定", "Statement of conformity"),
    "comparisons": Words("计量比对", "Comparisons"),
    "paper": Words("纸质证书登记", "Entry of the paper certificate"),
    "supplement_reason": Words("补充原因", "Reason for the supplement"),
    "added": Words("补充内容", "What is added"),
    "supplemented": Words("所补充的证书", "Certificate that is supplemented"),
}

LABELS: Final = {
    "number": Words("证书编号", "No."),
    "notice_number": Words("通知书编号", "No."),
    "authorisation": Words("授权证书号", "Authorisation No."),
    "scope": Words("授权项目", "Scope line"),
    "institution_id": Words("机构代码", "Institution code"),
    "address": Words("地址", "Address"),
    "telephone": Words("电话", "Telephone"),
    "postcode": Words("邮编", "Postcode"),
    "email": Words("电子邮箱", "E-mail"),
    "applicant": Words("送检单位", "Applicant"),
    "owner": Words("使用单位", "Owner or user"),
    "name": Words("器具名称", "Instrument"),
    "model": Words("型号/规格", "Model"),
    "serial": Words("出厂编号", "Serial number"),
    "maker": Words("制造单位", "Manufacturer"),
    "year": Words("出厂年份", "Year of make"),
    "range": Words("测量范围", "Measuring range"),
    "class": Words("准确度等级", "Accuracy class"),
    "scale_interval": Words("检定分度值 e", "Verification scale interval e"),
    "type_approval": Words("型式批准号", "Type approval No."),
    "purpose": Words("用途", "Use"),
    "local_id": Words("器具内部编号", "Instrument No."),
    "instrument_id": Words("器具唯一码", "Ledger id"),
    "software": Words("软件标识", "Software"),
    "production": Words("生产码", "Production code"),
    "repair": Words("维修码", "Repair code"),
    "verification": Words("检定码", "Verification code"),
    "division": Words("使用地区划码", "Division of use"),
    "site": Words("使用地点", "Place of use"),
    "sticker": Words("标识编号", "Sticker No."),
    "lot": Words("批号（数量）", "Lot (size)"),
    "regulation": Words("检定依据", "Regulation"),
    "kind": Words("检定类别", "Kind of verification"),
    "commission": Words("仲裁委托编号", "Commission No."),
    "place_kind": Words("检定场所", "Place"),
    "place": Words("检定地点", "Location"),
    "temperature": Words("温度", "Temperature"),
    "humidity": Words("相对湿度", "Humidity"),
    "environment": Words("其他条件", "Other conditions"),
    "raw_record": Words("原始记录号", "Raw record No."),
    "adjusted": Words("调修说明", "Adjustment"),
    "conclusion": Words("检定结论", "Conclusion"),
    "class_awarded": Words("评定等级", "Class awarded"),
    "verified_on": Words("检定日期", "Verified on"),
    "issued_on": Words("签发日期", "Issued on"),
    "valid_until": Words("有效期至", "Valid until"),
    "service_life": Words("限期使用至", "To be used until"),
    "validity_reason": Words("有效期说明", "Reason for period"),
    "replaces": Words("代替证书编号", "Replaces No."),
    "replace_reason": Words("换发原因", "Reason"),
    "replace_changed": Words("更改内容", "Changed"),
    "part": Words("部位", "Part"),
    "part_name": Words("名称", "Name"),
    "standard": Words("计量标准名称", "Standard"),
    "uncertainty": Words("不确定度/准确度等级/最大允许误差", "Uncertainty, class or MPE"),
    "examination": Words("考核证书号", "Examination certificate No."),
    "until": Words("有效期至", "Valid until"),
    "standard_no": Words("编号", "No."),
    "material": Words("标准物质编号", "Reference material"),
    "material_lot": Words("批号", "Lot"),
    "certificate_no": Words("证书编号", "Certificate No."),
    "nominal": Words("标准值", "Reference"),
    "measured": Words("示值", "Indication"),
    "error": Words("误差", "Error"),
    "mpe": Words("最大允许误差（绝对值）", "Limit, magnitude"),
    "u": Words("扩展不确定度", "Uncertainty U"),
    "verdict": Words("结论", "Result"),
    "seal_no": Words("铅封号", "Seal No."),
    "seal_point": Words("位置", "Position"),
    "role": Words("职责", "Role"),
    "person": Words("姓名", "Name"),
    "person_id": Words("人员编号", "Person No."),
    "signed_at": Words("签名时间", "Signed at"),
    "person_key": Words("本人签名密钥", "Own signature, key"),
    "sealed_by": Words("签章机构", "Sealed by"),
    "sealed_at": Words("签章时间", "Sealed at"),
    "key": Words("印章密钥", "Seal key"),
    "digest": Words("记录摘要 SHA-256", "Record digest SHA-256"),
    "specification": Words("校准依据", "Specification"),
    "decision_rule": Words("判定规则", "Decision rule"),
    "requirement": Words("判定依据的要求", "Requirement"),
    "comparison": Words("比对", "Comparison"),
    "own_value": Words("本机构结果（U，k=2）", "Own result (U, k=2)"),
    "reference_value": Words("参考值（U，k=2）", "Reference (U, k=2)"),
    "normalised_error": Words("En", "En"),
    "supplemented": Words("所补充的证书编号", "Supplement to No."),
    "document": Words("文件", "Document"),
    "added": Words("补充", "Added"),
    "made_on": Words("补充日期", "Made on"),
    "scan": Words("纸质证书扫描件 SHA-256", "SHA-256 of the scanned paper"),
    "entered_by": Words("登记人员编号", "Entered by, No."),
    "entered_on": Words("登记日期", "Entered on"),
}

KINDS: Final = {
    VerificationKind.INITIAL: Words("首次检定", "initial"),
    VerificationKind.PERIODIC: Words("后续检定（周期检定）", "subsequent, periodic"),
    VerificationKind.AFTER_REPAIR: Words("后续检定（修理后检定）", "subsequent, after repair"),
    VerificationKind.WITHIN_VALIDITY: Words("后续检定（有效期内检定）", "subsequent, within validity"),
    VerificationKind.ARBITRATION: Words("仲裁检定", "arbitration"),
    VerificationKind.SAMPLING: Words("抽样检定", "sampling"),
    VerificationKind.IMPORT: Words("进口检定", "of an import"),
    VerificationKind.IN_SERVICE: Words("使用中检查", "in-service inspection"),
    VerificationKind.CALIBRATION: Words("校准", "calibration"),
}

REWORDED: Final = {
    DocumentType.CALIBRATION_CERTIFICATE: {
        SECTIONS["conclusion"]: Words("校准结论", "Conclusion"),
        SECTIONS["verification"]: Words("校准条件", "Conditions of calibration"),
        SECTIONS["results"]: Words("校准结果", "Results of calibration"),
        SECTIONS["seal"]: Words("校准专用章（电子）", "Electronic seal of the institution"),
        LABELS["verified_on"]: Words("校准日期", "Calibrated on"),
        LABELS["valid_until"]: Words("与客户约定的复校日期", "Next calibration, as agreed"),
        LABELS["kind"]: Words("类别", "Kind"),
        LABELS["place_kind"]: Words("校准场所", "Place"),
        LABELS["place"]: Words("校准地点", "Location"),
        LABELS["mpe"]: Words("判定限值（绝对值）", "Limit judged by, magnitude"),
    },
    DocumentType.PAPER_REGISTER: {
        SECTIONS["conclusion"]: Words("纸质证书所载结论", "Conclusion, as the paper has it"),
        SECTIONS["verification"]: Words("纸质证书所载检定", "Verification, as the paper has it"),
        SECTIONS["seal"]: Words("登记印章（电子）", "Electronic seal of the entry"),
        LABELS["number"]: Words("纸质证书编号", "No. of the paper"),
        LABELS["verified_on"]: Words("纸质证书所载检定日期", "Verified on, by the paper"),
        LABELS["issued_on"]: Words("纸质证书所载签发日期", "Issued on, by the paper"),
        LABELS["valid_until"]: Words("纸质证书所载有效期至", "Valid until, by the paper"),
        LABELS["service_life"]: Words("纸质证书所载限期使用至", "To be used until, by the paper"),
    },
}
"""What documents that verify nothing call otherwise: words of `SECTIONS` and `LABELS` -> their own."""

DECISION_RULES: Final = {
    AcceptanceRule.SIMPLE: Words("简单接受", "simple acceptance"),
    AcceptanceRule.GUARDED: Words("带保护带的接受", "guarded acceptance"),
}

CONFORMITIES: Final = {
    None: Words("不作符合性结论", "No statement of conformity"),
    Conclusion.PASS: Words("符合", "Conforms"),
    Conclusion.CONDITIONAL: Words("待定", "Undecided within the uncertainty"),
    Conclusion.FAIL: Words("不符合", "Does not conform"),
}
"""Conclusions of a calibration certificate."""

ROLES: Final = {
    Role.OPERATOR: Words("检定员", "Operator"),
    Role.CHECKER: Words("核验员", "Checker"),
    Role.APPROVER: Words("批准人", "Approver"),
}

CALIBRATOR: Final = Words("校准员", "Operator")
"""Whoever has measured, of a calibration certificate."""

PLACES: Final = {
    PlaceKind.LABORATORY: Words("实验室", "laboratory"),
    PlaceKind.ON_SITE: Words("现场", "on site"),
}

PURPOSES: Final = {
    Purpose.TRADE: Words("贸易结算", "trade"),
    Purpose.SAFETY: Words("安全防护", "safety"),
    Purpose.HEALTH: Words("医疗卫生", "health"),
    Purpose.ENVIRONMENT: Words("环境监测", "environment"),
}

ITEMS: Final = {
    "indication_error": Words("示值误差", "Error of indication"),
    "indication_error_low": Words("示值误差（低区）", "Error of indication, lower zone"),
    "indication_error_high": Words("示值误差（高区）", "Error of indication, upper zone"),
    "error_in_use": Words("使用误差", "Error in use"),
    "eccentricity": Words("偏载", "Eccentric loading"),
    "repeatability": Words("重复性", "Repeatability"),
}

VALIDITY_LABELS: Final = {
    ValidityKind.DATE: LABELS["valid_until"],
    ValidityKind.SERVICE_LIFE: LABELS["service_life"],
}

REASONS: Final = {
    ReasonCode.TYPO: Words("笔误", "clerical error"),
    ReasonCode.WRONG_INSTRUMENT: Words("器具信息有误", "wrong instrument"),
    ReasonCode.WRONG_RESULT: Words("检定结果有误", "wrong result"),
    ReasonCode.STANDARD_INVALID: Words("计量标准失效", "measurement standard not valid"),
    ReasonCode.OUT_OF_SCOPE: Words("超出授权范围", "out of scope"),
    ReasonCode.PERSON_UNQUALIFIED: Words("人员资格不符", "person not qualified"),
    ReasonCode.FAILED_SPOT_CHECK: Words("抽查不合格", "failed a spot check"),
    ReasonCode.SEAL_BROKEN: Words("铅封损坏", "seal broken"),
    ReasonCode.REPAIRED: Words("修理", "repaired"),
    ReasonCode.INSTRUMENT_SCRAPPED: Words("器具报废", "instrument scrapped"),
    ReasonCode.RELOCATED: Words("器具移装", "instrument moved"),
    ReasonCode.FORGED: Words("伪造", "forged"),
    ReasonCode.KEY_COMPROMISED: Words("密钥泄露", "key compromised"),
    ReasonCode.COURT_OR_AUTHORITY_ORDER: Words("法院或主管部门决定", "order of a court or authority"),
    ReasonCode.CRM_RECALLED: Words("标准物质召回", "reference material recalled"),
    ReasonCode.REG_MISAPPLIED: Words("规程适用有误", "regulation misapplied"),
}

PASSED: Final = Words("合格", "Pass")
FAILED: Final = Words("不合格", "Fail")
ADJUSTED: Final = Words("已调修", "adjusted")
NOT_ADJUSTED: Final = Words("未调修", "not adjusted")
BEFORE_ADJUSTMENT: Final = Words("调修前", "before adjustment")
NOT_PUBLIC: Final = Words("不公开（见持证人副本）", "not public; in the holder's copy")
BANNER: Final = Words("开发环境，不得用于实际业务", "DEVELOPMENT ENVIRONMENT, not for real use")
HOLDERS_COPY: Final = Words("持证人副本，含个人信息", "Holder's copy, holds personal data")
PUBLIC_COPY: Final = Words("公开副本", "Public copy")
ELECTRONIC: Final = {
    DocumentType.VERIFICATION_CERTIFICATE: Words("本证书为电子证书", "This is an electronic certificate"),
    DocumentType.REJECTION_NOTICE: Words("本通知书为电子文件", "This is an electronic notice"),
    DocumentType.CALIBRATION_CERTIFICATE: Words(
        "本证书为电子校准证书，不是检定证书",
        "This is an electronic calibration certificate, not a verification certificate",
    ),
    DocumentType.PAPER_REGISTER: Words(
        "本件为纸质证书登记证明，不是电子证书",
        "This proves the entry of a paper certificate; it is not an electronic certificate",
    ),
}
NOT_A_CERTIFICATE: Final = Words(
    "据纸质证书登记，不是电子证书", "ENTERED FROM PAPER, not an electronic certificate"
)
"""On every page of what is from paper."""
ACCENTS: Final = {
    DocumentType.VERIFICATION_CERTIFICATE: "#0b6b3a",
    DocumentType.REJECTION_NOTICE: "#a4001d",
    DocumentType.CALIBRATION_CERTIFICATE: "#22313f",
    DocumentType.PAPER_REGISTER: "#7a5600",
}
"""Colours of titles: green is for what is verified, and for nothing else."""
UNSIGNED: Final = Words(
    "本页未经签名，不作为凭证；请核验已签名的PDF或扫描二维码。",
    "This page is not signed and proves nothing: check the signed PDF, or scan the code.",
)
END_MARK: Final = Words("以下空白", "End of document")

STATEMENTS: Final = (
    Words(
        "未经本机构书面批准，不得部分复制本文件；部分复制无效。",
        "This document is void if copied in part without the institution's written approval.",
    ),
    Words("检定结果仅对所检计量器具有效。", "The results hold for the instrument described here only."),
    Words(
        "以所附机读记录和电子签名为准；扫描二维码，或用 hengzheng verify 离线核验本文件，可查其现行状态。",
        "The attached record and the electronic signatures decide. Scan the code, or check this file offline by "
        "hengzheng verify, to learn how it stands now.",
    ),
)

CALIBRATION_STATEMENTS: Final = (
    STATEMENTS[0],
    Words("校准结果仅对所校计量器具有效。", "The results hold for the instrument described here only."),
    Words(
        "扩展不确定度 U 按 k 值给出；校准不等于检定，本证书不表明该器具检定合格。",
        "Expanded uncertainties U are stated with their k. A calibration is no verification: this certificate does "
        "not say that the instrument was verified.",
    ),
    STATEMENTS[2],
)
PAPER_STATEMENTS: Final = (
    Words(
        "本件据纸质证书登记，以纸质证书原件为准；登记时未按当时的规程、授权和人员资格核对。",
        "This was entered from a paper certificate, and the paper decides; it was not held against the "
        "regulations, authorisations and qualifications of its day.",
    ),
    Words(
        "本件不是检定证书，不得作为电子证书使用。",
        "This is no verification certificate, and must not be used as an electronic certificate.",
    ),
    STATEMENTS[2],
)

SUPPLEMENT: Final = Words("补充件", "Supplement")
SUPPLEMENT_ACCENT: Final = "#1a3a5c"
SUPPLEMENT_ELECTRONIC: Final = Words(
    "本补充件为电子文件，与所补充的证书一并使用",
    "This is an electronic supplement, to be used together with its certificate",
)
SUPPLEMENT_STATEMENTS: Final = (
    Words(
        "本补充件只补充、不代替所列证书；其状态以账本为准。",
        "This adds to the certificate named here and does not replace it; the ledger says how that stands.",
    ),
    STATEMENTS[0],
    Words(
        "账本载有本文件全部字节的摘要；请连同证明文件（.act.json）用 hengzheng verify 离线核验。",
        "The ledger holds the digest of this file, every byte of it: check it offline, with the proof beside it "
        "(.act.json), by hengzheng verify.",
    ),
)

REJECTED: Final = Words(
    "该计量器具检定不合格，不得使用。", "This instrument has failed its verification and must not be used."
)

DISCLAIMER: Final = Words(
    "本页证明检定记录真实且在有效期内，不证明此刻称量准确；请核对铭牌、铅封，可用公平秤复称或拨打12315。",
    "This shows that the verification record is genuine and in its period of validity; it does not show that "
    "the instrument measures right now. Compare nameplate and seals, use a fair scale, or call 12315.",
)
"""The verifier's sentence word for word: on everything that may be read as a green answer."""

STICKER_TITLE: Final = Words("检定合格", "Verified")
"""On stickers of certificates; a sticker of a roll stands for nothing until it is bound, and says so little."""
STICKER_HINT: Final = Words("扫码查询检定状态", "Scan for verification status")
STICKER_BANNER: Final = Words("开发环境，不得使用", "DEVELOPMENT, do not use")
STICKER_SHEET: Final = Words("检定标识", "Verification stickers")
