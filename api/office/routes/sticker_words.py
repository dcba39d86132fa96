"""What pages call the states of stickers, and the reasons why one is taken off."""

from typing import Final

from issuer.said_book import StickerState
from ledger.core.step import Sentence
from ledger.core.sticker_use import StickerReason

STATE_WORDS: Final = {
    StickerState.FREE: Sentence("free", "未启用"),
    StickerState.BOUND: Sentence("in use", "已启用"),
    StickerState.RELEASED: Sentence("released", "已解除"),
    StickerState.WITHDRAWN: Sentence("withdrawn", "已停用"),
}
REASON_WORDS: Final = {
    StickerReason.VERIFICATION_FAILED: Sentence("verification failed", "检定不合格"),
    StickerReason.REPLACED: Sentence("replaced by another", "已更换"),
    StickerReason.DAMAGED: Sentence("damaged", "破损"),
    StickerReason.LOST: Sentence("lost", "丢失"),
    StickerReason.WRONG_INSTRUMENT: Sentence("on the wrong instrument", "贴错器具"),
    StickerReason.TYPO: Sentence("typed wrongly", "录入错误"),
    StickerReason.INSTRUMENT_SCRAPPED: Sentence("the instrument is scrapped", "器具报废"),
    StickerReason.COPIED: Sentence("seen in two places", "疑似复制"),
    StickerReason.COURT_OR_AUTHORITY_ORDER: Sentence("by order of court or authority", "法院或主管部门要求"),
}
