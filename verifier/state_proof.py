"""What proofs about the ledger's states have in common: the state that they are under, and what vouches for it.

A proof about a sticker, or that something is absent, is no document: it is never VALID. Where everything holds, its
verdict is what follows for whoever holds the thing in hand.

>>> opened, found = open_state(proof, None, session, now)
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

from ledger.core.anchor import AnchorReceipt
from ledger.core.checkpoint import Checkpoint
from ledger.core.errors import InputError, VerificationError
from ledger.core.evidence import Established, Evidence
from ledger.core.ids import LeafIndex
from ledger.core.status import Registers
from ledger.core.step import Check, Outcome, Sentence, Step, Verdict, not_checked, passed
from verifier import checks
from verifier.freshness import Age
from verifier.report import Report, StickerSummary, build_report
from verifier.session import Session
from verifier.verify import ChainLook, check_anchors
from verifier.witnessing import judge_witnesses


class StateProof(Protocol):
    """What every such proof holds."""

    @property
    def checkpoint(self) -> str: ...  # noqa: D102 -- as in `StickerProof`
    @property
    def evidence(self) -> Evidence: ...  # noqa: D102 -- as in `StickerProof`
    @property
    def receipt(self) -> AnchorReceipt | None: ...  # noqa: D102 -- as in `StickerProof`


@dataclass(frozen=True, slots=True)
class OpenedState:
    """The ledger's state under a proof, once its evidence holds."""

    checkpoint: Checkpoint
    before: Registers
    """At the position of the event that the proof is about; without one, in all."""
    established: Established
    age: Age


def open_state(
    proof: StateProof,
    index: LeafIndex | None,
    session: Session,
    now: datetime,
    look: ChainLook | None = None,
) -> tuple[OpenedState | None, list[Check]]:
    """Return the state that a proof is under, None if it does not hold, and steps 1, 13 to 16.

    Args:
        proof: parsed, of the policy's log.
        index: of the event that it is about.
        session: what to believe.
        now: the verifier's clock, aware UTC.
        look: step 16.
    """
    found = [passed(Step.INTEGRITY, "canonical, as it was written", "规范格式，与写出时一致")]
    try:
        checkpoint = session.open_checkpoint(proof.checkpoint)
    except (InputError, VerificationError) as err:
        return None, [*found, checks.from_error(Step.CHECKPOINT, err)]
    size = checkpoint.tree_size
    found.append(passed(Step.CHECKPOINT, f"{size} leaves, signed by the log", f"共{size}条，账本签名有效"))
    witnessing = judge_witnesses(session, proof.checkpoint, now)
    found += [witnessing.check, *check_anchors(proof.receipt, checkpoint, session, look)]
    try:
        before, established = session.open_evidence_alone(proof.evidence, checkpoint, index)
    except (InputError, VerificationError) as err:
        return None, [*found, checks.from_error(Step.AUTHORITY, err)]
    stated_at = established.stated_at if proof.receipt is None else proof.receipt.anchored_at
    age = witnessing.judge_age(stated_at, now, session.policy)
    return OpenedState(checkpoint, before, established, age), found


def judge_shown(en: str, zh: str, age: Age) -> Check:
    """Step 19: what the map shows, and how old that is."""
    en, zh = f"{en}, {age.text.en}", f"{zh}，{age.text.zh}"
    if age.is_too_old:
        return not_checked(Step.STATUS, f"{en}: older than the policy allows", f"{zh}：超过策略允许的时限")
    return passed(Step.STATUS, en, zh)


_NEEDED: Final = frozenset({Step.CHECKPOINT, Step.AUTHORITY, Step.STATUS})


def report_state(
    found: Sequence[Check],
    verdict: Verdict,
    session: Session,
    note: Sentence | None,
    look: ChainLook | None,
    sticker: StickerSummary | None = None,
) -> Report:
    """Return the report: INVALID if a step failed, UNKNOWN if one that is needed was not checked, else `verdict`.

    Args:
        found: the steps.
        verdict: what follows for whoever holds the thing in hand.
        session: its policy says whether a quorum of witnesses is needed.
        note: what is shown.
        look: of step 16, which is needed if it was asked for.
        sticker: what is shown, for programs.
    """
    report = build_report(found, None, session.policy, None, complete=False)
    outcomes = {check.step: check.outcome for check in report.checks}
    if Outcome.FAILED in outcomes.values():
        return report
    needed = _NEEDED | (session.policy.required & {Step.QUORUM}) | ({Step.CHAIN} if look else set())
    holds = all(outcomes[step] is Outcome.PASSED for step in needed)
    return replace(
        report,
        verdict=verdict if holds else Verdict.UNKNOWN,
        authentic=holds and verdict is not Verdict.INVALID,
        note=note,
        sticker=sticker,
    )
