"""Step 14: which of the policy's witnesses have cosigned the checkpoint, and as of when it holds because of them.

A false line of a known witness is FAILED, and so is a false quorum certificate under the policy's list. Fewer
witnesses than the policy asks for is no fault of the document: it is NOT_CHECKED, "not yet witnessed", and
whatever age the log states for itself does not count as fresh. A key in the policy that nobody has proved makes it
NOT_CHECKED too: the policy is at fault.

>>> judge_witnesses(session, note, now).check.reason.en
'cosigned by 2 of 3 witnesses, 2 are needed: w1.example, w2.example; as of 2026-03-01 01:00 UTC'
"""

from dataclasses import dataclass
from datetime import datetime

from ledger.core.errors import InputError, PolicyMismatchError, VerificationError
from ledger.core.policy import Policy
from ledger.core.quorum import Signed, WitnessQuorum, find_quorum_time, list_signed
from ledger.core.quorum_certificate import Certified
from ledger.core.step import Check, Outcome, Sentence, Step, failed, not_checked, passed
from verifier.freshness import Age, judge_age
from verifier.session import Session


@dataclass(frozen=True, slots=True)
class Witnessing:
    """What the witnesses say of one checkpoint."""

    check: Check
    as_of: datetime | None
    """The threshold-th newest time; None without a quorum, or where the policy names no witnesses."""

    def judge_age(self, stated_at: datetime, now: datetime, policy: Policy) -> Age:
        """Return how old a status under this checkpoint is.

        Args:
            stated_at: what the log says, by its receipt or its own clock; counts where no witnesses are named.
            now: the verifier's clock, aware UTC.
            policy: names witnesses, or none, and the greatest age.
        """
        if policy.witnesses is None or self.as_of is not None:
            return judge_age(self.as_of or stated_at, now, policy.max_status_age)
        text = judge_age(stated_at, now, None).text
        said = Sentence(f"{text.en} by the log's own word, not witnessed", f"{text.zh}（仅账本自称，未见证）")
        return Age(said, policy.max_status_age is not None)


def judge_witnesses(session: Session, note: str, now: datetime) -> Witnessing:
    """Check the cosignatures of a checkpoint that the log has signed.

    Args:
        session: its policy names the witnesses.
        note: the checkpoint with all its lines.
        now: the verifier's clock, aware UTC; later times do not count, but for the policy's tolerance.
    """
    policy = session.policy
    if policy.witnesses is None:
        return Witnessing(not_checked(Step.QUORUM, "the policy names no witnesses", "策略未指定见证方"), None)
    try:
        found = session.open_cosignatures(note)
    except PolicyMismatchError as err:
        return Witnessing(not_checked(Step.QUORUM, str(err), f"策略中的见证方密钥不可用：{err}"), None)
    except (InputError, VerificationError) as err:
        return Witnessing(failed(Step.QUORUM, str(err), f"见证签名不成立：{err}"), None)
    latest = now + policy.clock_tolerance
    signed = list_signed(found, policy.witnesses, latest)
    certified = list_signed([item for item in found if isinstance(item, Certified)], policy.witnesses, latest)
    as_of = find_quorum_time(signed, policy.witnesses)
    return Witnessing(_describe(signed, len(certified), policy.witnesses, as_of), as_of)


def _describe(signed: list[Signed], certified: int, quorum: WitnessQuorum, as_of: datetime | None) -> Check:
    """Say who has signed; `certified` of them by certificates, which may have signed lines too."""
    names, needed, of = (
        ", ".join(item.witness.name for item in signed),
        quorum.threshold,
        len(quorum.names),
    )
    if as_of is None:
        en = f"not yet witnessed: cosigned by {len(signed)} of {of} witnesses, {needed} are needed"
        zh = f"尚未见证：{of}个见证方中已有{len(signed)}个签名，需要{needed}个"
        text = Sentence(f"{en}: {names}", f"{zh}：{names}") if names else Sentence(en, zh)
        return Check(Step.QUORUM, Outcome.NOT_CHECKED, text)
    instant = f"{as_of:%Y-%m-%d %H:%M} UTC"
    en = f", {certified} of them by a quorum certificate" if certified else ""
    zh = f"，其中{certified}个由法定人数证书证明" if certified else ""
    return passed(
        Step.QUORUM,
        f"cosigned by {len(signed)} of {of} witnesses, {needed} are needed{en}: {names}; as of {instant}",
        f"{of}个见证方中已有{len(signed)}个签名（需要{needed}个{zh}）：{names}；截至{instant}",
    )
