"""What a replayed log consists of: leaves by type, documents by institution and by status, lots by status.

>>> counts = Counts()
>>> counts.take(replay.take(leaf))
>>> counts.list_events()
(EventCount(event='ISSUE', effective=1, void=0),)
"""

from collections import Counter
from collections.abc import Mapping

from ledger.audit.report import EventCount, InstitutionCount
from ledger.core.authority import InstitutionContent
from ledger.core.event import EventType, certificate_subject
from ledger.core.ids import InstitutionId, Subject
from ledger.core.register_content import parse_content
from ledger.core.register_fields import Name
from ledger.core.replay import Replayed
from ledger.core.statement import Conclusion, IssueClaims, RegisterClaims, Statement
from ledger.core.status import Effect, Status, SubjectState, Void
from ledger.core.status_map import SUBJECT_BYTES


class Counts:
    """Counts leaves as they are replayed; 32 bytes a document."""

    def __init__(self) -> None:
        self._effective: Counter[EventType] = Counter()
        self._void: Counter[EventType] = Counter()
        self._issued: Counter[tuple[str, Conclusion | None]] = Counter()
        self._names: dict[str, Name] = {}
        self._documents = bytearray()
        self._lots: set[Subject] = set()

    def take(self, replayed: Replayed) -> None:
        """Count one leaf; MAPHEADs are no events."""
        if replayed.signed is None:
            return
        statement = replayed.signed.statement
        if isinstance(replayed.outcome, Void):
            self._void[statement.type] += 1
            return
        self._effective[statement.type] += 1
        claims = statement.claims
        if isinstance(claims, IssueClaims):
            if claims.is_verification:
                self._issued[statement.issuer, claims.conclusion] += 1
            self._documents += certificate_subject(InstitutionId(statement.issuer), claims.number)
        elif isinstance(claims, RegisterClaims) and statement.type is EventType.INSTITUTION:
            self._note_name(statement, claims)
        elif statement.type is EventType.LOT and isinstance(replayed.outcome, Effect):
            self._lots.add(replayed.outcome.subject)

    def _note_name(self, statement: Statement, claims: RegisterClaims) -> None:
        content = parse_content(statement.type, claims.content)
        if isinstance(content, InstitutionContent):
            self._names[content.id] = content.name

    def list_events(self) -> tuple[EventCount, ...]:
        """Return the counts of all types that there were."""
        types = sorted(self._effective.keys() | self._void.keys())
        return tuple(EventCount(each.name, self._effective[each], self._void[each]) for each in types)

    def list_institutions(self) -> tuple[InstitutionCount, ...]:
        """Return what every registered institution has issued, by its id."""
        return tuple(
            InstitutionCount(
                each,
                name.zh,
                name.en,
                self._issued[each, Conclusion.PASS],
                self._issued[each, Conclusion.FAIL],
            )
            for each, name in sorted(self._names.items())
        )

    def count_certificates(self, states: Mapping[Subject, SubjectState]) -> dict[str, int]:
        """Return how many documents have each status, in the order of the codes."""
        found: Counter[Status] = Counter()
        for at in range(0, len(self._documents), SUBJECT_BYTES):
            found[states[Subject(bytes(self._documents[at : at + SUBJECT_BYTES]))].status] += 1
        return {status.name: found[status] for status in sorted(found)}

    def count_lots(self, states: Mapping[Subject, SubjectState]) -> dict[str, int]:
        """Return how many lots of which something was said have each status, in the order of the codes."""
        found = Counter(states[lot].status for lot in self._lots)
        return {status.name: found[status] for status in sorted(found)}
