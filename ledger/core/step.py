"""The numbered steps of a verification, their outcomes and their sentences in English and Chinese.

A step is PASSED, FAILED or NOT_CHECKED; "could not look" is NOT_CHECKED, never FAILED and never PASSED.

>>> Check(Step.INCLUSION, Outcome.PASSED, Sentence("leaf 7 of 9", "第7条，共9条")).step.number
12
"""

from dataclasses import dataclass
from enum import Enum, StrEnum


class Outcome(StrEnum):
    """What one step found."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    NOT_CHECKED = "NOT_CHECKED"


class Verdict(StrEnum):
    """What the steps together say; INVALID is the machine's word for "do not rely on this"."""

    VALID = "VALID"
    ATTENTION = "ATTENTION"
    INVALID = "INVALID"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Sentence:
    """One plain sentence in both languages."""

    en: str
    zh: str


class Step(Enum):
    """Number, title in English and title in Chinese; the order is the specification."""

    INTEGRITY = (1, "file integrity", "文件完整性")
    BINDING = (2, "parts belong together", "各部分相互对应")
    SEAL = (3, "institution seal on the certificate", "机构印章签名")
    STATEMENT = (4, "signature of the statement", "声明签名")
    KEY = (5, "key active at its position in the log", "密钥在登记位置有效")
    AUTHORITY = (6, "authority of the institution", "机构授权链")
    SCOPE = (7, "scope of the authorisation", "授权范围")
    PERSONS = (8, "persons", "检定、核验、批准人员")
    REGULATION = (9, "verification regulation in force", "检定规程现行有效")
    STANDARDS = (10, "measurement standards", "计量标准")
    LIMITS = (11, "results within limits", "结果在允许范围内")
    INCLUSION = (12, "included in the ledger", "已载入账本")
    CHECKPOINT = (13, "signed state of the ledger", "账本签名状态")
    QUORUM = (14, "witnesses", "见证")
    RECEIPT = (15, "anchor receipt", "存证回执")
    CHAIN = (16, "seen on chain", "链上核对")
    TIME = (17, "order of the times", "时间顺序")
    EXPIRY = (18, "validity within the regulation", "有效期符合规程")
    STATUS = (19, "newest status", "最新状态")
    TYPE = (20, "type approval and blocks", "型式批准与停止检定")

    __hash__ = object.__hash__
    """Members are single objects; the hash of Enum would look at the name each time."""

    @property
    def number(self) -> int:
        """Return the step's number, from 1."""
        return self.value[0]

    @property
    def title(self) -> Sentence:
        """Return what the step is called."""
        return Sentence(self.value[1], self.value[2])

    @property
    def code(self) -> str:
        """Return the step's name in policies and reports."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Check:
    """What one step found in one document."""

    step: Step
    outcome: Outcome
    reason: Sentence
    warning: bool = False
    """PASSED, but people should look: the verdict becomes ATTENTION."""


def passed(step: Step, en: str, zh: str, *, warning: bool = False) -> Check:
    """Return a step that passed."""
    return Check(step, Outcome.PASSED, Sentence(en, zh), warning)


def failed(step: Step, en: str, zh: str) -> Check:
    """Return a step that failed."""
    return Check(step, Outcome.FAILED, Sentence(en, zh))


def not_checked(step: Step, en: str, zh: str) -> Check:
    """Return a step that could not be looked at."""
    return Check(step, Outcome.NOT_CHECKED, Sentence(en, zh))
