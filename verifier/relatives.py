"""What bears on a document's instrument beside its own state: its parts, or the whole of which it is a part.

A document about the whole is no better than the worst part that it names, one about a part no better than the
whole. What was said before the newest document of the instrument is settled by it: whoever verifies the whole
verifies its parts.

>>> [each.text.en for each in find_relatives(claims, ["1", "2"], proven, instrument)]
['its part 2 failed a later verification by leaf 9']
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ledger.core.event import list_relatives
from ledger.core.ids import LeafIndex
from ledger.core.map_proof import ProvenStates
from ledger.core.statement import IssueClaims
from ledger.core.status import Status, SubjectState
from ledger.core.step import Sentence
from verifier.report import STATUS_WORDS, DocumentStatus

_AGAINST: Final = {
    Status.FAILED: DocumentStatus.FAILED_SINCE,
    Status.NEEDS_REVERIFICATION: DocumentStatus.NEEDS_REVERIFICATION,
    Status.SUSPENDED: DocumentStatus.SUSPENDED,
}


@dataclass(frozen=True, slots=True)
class Relative:
    """A part of a document's instrument, or the whole of which it is a part, with what counts against it."""

    part: str | None
    """None: the whole."""
    status: DocumentStatus
    state: SubjectState

    @property
    def since(self) -> LeafIndex:
        """Return which leaf says it."""
        return self.state.last_event

    @property
    def text(self) -> Sentence:
        """Return it in words."""
        words = STATUS_WORDS[self.status]
        en = "the whole" if self.part is None else f"its part {self.part}"
        zh = "整机" if self.part is None else f"部件{self.part}"
        return Sentence(f"{en} {words.en} by leaf {self.since}", f"{zh}由账本第{self.since}条：{words.zh}")


def find_relatives(
    claims: IssueClaims, parts: Iterable[str], proven: ProvenStates, instrument: SubjectState
) -> list[Relative]:
    """Return what stands against parts, or the whole, since the newest document of the instrument.

    Args:
        claims: what the document's statement says.
        parts: ids of the parts that the document names.
        proven: the status map.
        instrument: newest state of what the document is about.

    Raises:
        MapProofError: the proof does not show one of them.
    """
    found = []
    for part, subject in list_relatives(claims.instrument_id, claims.part, parts):
        state = proven.find(subject)
        status = None if state is None else find_status_against(state, instrument)
        if state is not None and status is not None:
            found.append(Relative(part, status, state))
    return found


def find_status_against(relative: SubjectState, instrument: SubjectState) -> DocumentStatus | None:
    """Return what the newest state of a part, or of the whole, says against a document; None: nothing.

    Args:
        relative: of the part, or of the whole.
        instrument: of what the document is about; its newest document settles what was said before.
    """
    newest = -1 if instrument.current_certificate is None else instrument.current_certificate
    return _AGAINST.get(relative.status) if relative.last_event > newest else None
