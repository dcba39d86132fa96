"""What a pack says in plain language, in Chinese and English: the words of its report and of its README."""

from types import MappingProxyType
from typing import Final

from api.shown import Shown
from ledger.core.step import Sentence

TITLE: Final = Sentence("What this evidence pack shows", "存证包说明")
STATE: Final = Sentence("State of the document", "证书状态")
INSTRUMENT: Final = Sentence("Which instrument", "是哪台器具")
DOCUMENT: Final = Sentence("What was found, and by whom", "检定了什么、由谁检定")
CHECKED: Final = Sentence("What was checked, and what was not", "核验了什么、没有核验什么")
EVENTS: Final = Sentence("What happened, in order", "事情经过（按时间先后）")
ADVICE: Final = Sentence("What to do", "该怎么做")
LIMITS: Final = Sentence("What this proves, and what it does not", "能证明什么、不能证明什么")
HOW: Final = Sentence("How to check it", "怎样核验")
FILES: Final = Sentence("Files", "文件")

AS_OF: Final = Sentence(
    "As of {at}: {headline}. {sentence} What came later is only to be found online.",
    "截至{at}：{headline}。{sentence}此后的变化只能联网查询。",
)
NO_FIELDS: Final = Sentence(
    "The evidence does not hold, or does not reach: no field of the document is repeated here.",
    "证据不成立或不充分，此处不列出文件内容。",
)
COUNTED: Final = Sentence(
    "{passed} of {all} steps passed, {failed} failed, {unchecked} were not checked. Not passed:",
    "共{all}步：通过{passed}步，未通过{failed}步，未做{unchecked}步。其中未通过或未做的：",
)
ALL_PASSED: Final = Sentence("All {all} steps passed.", "全部{all}步均已通过。")
NO_HISTORY: Final = Sentence(
    "This pack was made from a proof file alone: the history of the instrument is not in it.",
    "本存证包仅由证明文件制成，不含器具历史记录。",
)
IS_CUT: Final = Sentence("Older events are in the ledger, not here.", "更早的记录在账本中，此处未列出。")
IS_OWN: Final = Sentence("(this document)", "（本文件）")

_PROVES: Final = Sentence(
    "It proves that this record was signed by the institution named in it, stands in the ledger since the "
    "time stated, and has not been changed since; and how it stood when the pack was made.",
    "能证明：本记录由所载机构签名，自所述时间起载入账本，此后未被改动；以及装包时的状态。",
)
_PROVES_NOTHING: Final = Sentence(
    "The evidence in this pack does not hold, or does not reach: it proves nothing of the document.",
    "本包中的证据不成立或不充分，不能证明该文件的任何内容。",
)
_PROVES_NOT: Final = (
    Sentence(
        "It does not prove that the measurement was made as recorded, nor that the instrument measures right "
        "now. Whether it counts as evidence in a case is for the authority or the court to decide.",
        "不能证明：检定操作确如记录所述进行，也不证明器具此刻称量准确。能否作为证据采信，由主管部门或法院认定。",
    ),
    Sentence(
        "Names of persons, addresses and owners are not in the public record, and not in this pack.",
        "个人姓名、地址、所有人等信息不在公开记录中，本存证包也不含这些信息。",
    ),
)


def list_limits(*, holds: bool) -> tuple[Sentence, ...]:
    """Return what a pack proves, and what not; `holds`: whether its evidence does."""
    return (_PROVES if holds else _PROVES_NOTHING, *_PROVES_NOT)


STEPS: Final = (
    Sentence(
        "Unpack the ZIP and open verify.html by a double click. No network is needed: the page checks the proofs "
        "by itself, and sends nothing.",
        "解压后双击打开 verify.html。无需联网：页面自行核验证明文件，不发送任何数据。",
    ),
    Sentence(
        "On a computer with the program hengzheng, in the same folder: "
        "hengzheng verify bundle.json --policy policy.json. It takes the ZIP itself, too.",
        "在装有 hengzheng 程序的电脑上，于同一文件夹运行：hengzheng verify bundle.json --policy policy.json，"
        "也可直接核验ZIP文件。",
    ),
    Sentence(
        "The policy says what is believed. It came with the pack: compare its digest, which verify.html shows, "
        "with the one that the authority has published.",
        "policy.json 规定了信任依据，随本包提供：请将 verify.html 显示的摘要与主管部门公布的摘要核对。",
    ),
    Sentence(
        "Whether a file was damaged or changed: drop it on verify.html, or run sha256sum -c SHA256SUMS. "
        "That list is not signed; what counts is the check above.",
        "检查文件是否损坏或被改动：把文件拖到 verify.html 上，或运行 sha256sum -c SHA256SUMS。"
        "该清单未签名，以上述核验为准。",
    ),
)

_ONLINE: Final = Sentence(
    "Look up how it stands today: https://{host}/c/{code}", "查询今天的状态：https://{host}/c/{code}"
)
_NAMEPLATE: Final = Sentence(
    "Compare maker, model, serial number and seals with the instrument itself.",
    "将制造单位、型号、出厂编号、铅封与实物逐一核对。",
)
_REPORT: Final = Sentence(
    "If something is wrong, or in doubt, call 12315 or go to the market supervision bureau; hand in the ZIP "
    "unchanged.",
    "如有不符或疑问，请拨打12315或向当地市场监督管理部门反映，并原样提交本ZIP文件。",
)
_ARBITRATION: Final = Sentence(
    "In a dispute over the measurement, the bureau can order an arbitration verification (仲裁检定): leave the "
    "instrument and its seals as they are.",
    "对计量结果有争议的，可向市场监督管理部门申请仲裁检定；在此之前请勿改变器具及其铅封的现状。",
)
_DO_NOT_RELY: Final = Sentence(
    "Do not rely on this document for the instrument as it is today.",
    "请勿再以本文件作为该器具现状的依据。",
)
_GENUINE: Final = frozenset(
    {Shown.VALID, Shown.PENDING, Shown.ATTENTION, Shown.CALIBRATED, Shown.PAPER, Shown.CANNOT_CHECK}
)


def list_advice(shown: Shown) -> tuple[Sentence, ...]:
    """Return what to do; places for `host` and `code` are open."""
    first = () if shown in _GENUINE else (_DO_NOT_RELY,)
    return (*first, _ONLINE, _NAMEPLATE, _REPORT, _ARBITRATION)


FILE_WORDS: Final = MappingProxyType(
    {
        "README.txt": Sentence("read this first", "请先阅读"),
        "verify.html": Sentence("checks the pack, offline", "离线核验页"),
        "report.html": Sentence("report in plain language", "通俗说明（网页）"),
        "report.txt": Sentence("the same as text", "通俗说明（文本）"),
        "document.pdf": Sentence(
            "the document to read and print, unsigned", "可阅读、打印的文件（未签名副本）"
        ),
        "certificate.json": Sentence(
            "the record, byte for byte as published", "记录原文（与公布时逐字节一致）"
        ),
        "bundle.json": Sentence("its proof, under the newest anchor", "证明文件（截至最新存证）"),
        "newest.json": Sentence("proof of its newest state", "最新状态证明"),
        "history.json": Sentence(
            "events of the instrument, each with its proof", "器具历史记录，每条附账本证明"
        ),
        "policy.json": Sentence("what is believed", "核验策略（信任依据）"),
        "rules.json": Sentence("table of regulations and limits", "检定规程与允差表"),
        "trust.json": Sentence("institutions and keys, with proofs", "机构与密钥清单，附证明"),
        "receipts.json": Sentence("receipts of the anchors", "存证回执"),
        "LICENSES.txt": Sentence(
            "licences of others' parts of verify.html", "verify.html 所含第三方组件的许可"
        ),
    }
)

BANNER: Final = Sentence("EVIDENCE COPY, unsigned · {headline}", "存证副本，未签名 · {headline}")
"""On every page of the readable document."""

NO_PDF: Final = MappingProxyType(
    {
        "evidence": Sentence(
            "no readable copy is made of what does not hold", "证据不成立或不充分，不制作可读副本"
        ),
        "letters": Sentence(
            "it cannot be printed here: a character has no font, or it is too long; the record itself is in "
            "certificate.json",
            "此处无法制作：含字库没有的字符，或内容过长；记录原文见 certificate.json",
        ),
        "later": Sentence(
            "it could not be printed just now; the record itself is in certificate.json",
            "暂时无法制作；记录原文见 certificate.json",
        ),
    }
)
NO_NEWEST: Final = Sentence("the same as bundle.json", "与 bundle.json 相同")
NO_TRUST: Final = Sentence("not at hand, or too long for a pack", "未提供，或过长未装入")
NO_RECEIPT: Final = Sentence("not anchored yet", "尚未存证")
ABSENT: Final = Sentence("What is not in this pack:", "本包未包含：")
UNSIGNED: Final = Sentence(
    "document.pdf is a copy for reading: it shows the public record and holds the proof, and the institution has "
    "not signed it as a file. A signed PDF is to be had from the institution.",
    "document.pdf 为阅读副本，载有公开记录及证明文件，未经机构对PDF文件签名；签名版PDF请向出具机构索取。",
)

README_TITLE: Final = Sentence("Evidence pack of a verification record", "检定记录存证包")
README_WHAT: Final = Sentence(
    "Everything about one document that the ledger holds: the record, its proofs, what happened since, a report in "
    "plain language, and a page that checks all of it without network. For disputes; hand it in as it is.",
    "一份检定文件在账本中的全部材料：记录原文、证明文件、此后经过、通俗说明，以及可离线核验的页面。用于投诉、仲裁等争议处理，请原样提交。",
)
SCRIPT: Final = Sentence(
    "SHA-256 of the script in verify.html, to be compared with what the authority publishes:",
    "verify.html 中核验脚本的 SHA-256，可与主管部门公布的值核对：",
)
