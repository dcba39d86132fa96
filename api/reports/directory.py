"""Who takes a report, and what a scanned code is about: from the log's own registers, never from what was sent.

The authority in charge is the one whose division is the longest beginning of the institution's, among those that
take reports at this site. Where no code names an institution, whoever reports says where the instrument stands.

>>> directory.find("7KQ2-M9X0-01RC-CF83").institution
'350100-01'
>>> directory.in_charge("350100-01").id
'CN-35'
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from api.typed import fold_typed
from ledger.core.act_content import parse_act_content
from ledger.core.authority import AuthorityContent, InstitutionContent
from ledger.core.entry import parse_leaf
from ledger.core.errors import InputError, NotFoundError
from ledger.core.event import EventType, instrument_subject, report_subject, sticker_subject
from ledger.core.ids import Digest, InstitutionId, InstrumentId, LeafIndex
from ledger.core.qr import parse_code, parse_digits
from ledger.core.register_content import parse_content
from ledger.core.register_fields import Name, RegisterState
from ledger.core.report import MOST_REPORTS
from ledger.core.statement import (
    ActClaims,
    IssueClaims,
    RegisterClaims,
    SignedStatement,
    parse_signed_statement,
)
from ledger.core.status import Status
from ledger.core.sticker import RollContent, StickerId, find_roll, is_of_roll
from ledger.core.sticker_use import StickerBinding
from ledger.proving import ProofStore, Prover

MAX_CODE: Final = 600
_INSTRUMENT_DIGITS: Final = 32


@dataclass(frozen=True, slots=True)
class Taker:
    """An authority that takes reports at this site."""

    id: str
    name: Name
    division: str
    key: X25519PublicKey
    """To which reports are sealed."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a code is about, as far as the log knows it."""

    instrument: InstrumentId | None
    institution: InstitutionId | None
    part: str | None = None
    """Of the instrument, where a sticker stands on one."""


NOTHING: Final = Named(None, None)


def read_takers(texts: Sequence[str]) -> dict[str, X25519PublicKey]:
    """Return authority -> key, as the home's settings have them: `CN-35=9f3c…`."""
    pairs = (text.partition("=") for text in texts)
    return {name: X25519PublicKey.from_public_bytes(bytes.fromhex(key)) for name, _, key in pairs}


class Directory:
    """Follows the registers of one log. Safe to share between threads; raises as the store does."""

    def __init__(self, store: ProofStore, prover: Prover, keys: Mapping[str, X25519PublicKey]) -> None:
        """Read nothing yet.

        Args:
            store: where the log lives.
            prover: of the same log.
            keys: of the authorities that take reports here.
        """
        self._store = store
        self._prover = prover
        self._keys = keys
        self._lock = Lock()
        self._seen = 0
        self._authorities: dict[str, AuthorityContent] = {}
        self._divisions: dict[InstitutionId, str] = {}
        self._rolls: dict[str, RollContent] = {}

    def list_takers(self) -> list[Taker]:
        """Return every active authority that takes reports here, by division."""
        with self._lock:
            self._update()
            found = [self._authorities[name] for name in self._keys if name in self._authorities]
        active = [one for one in found if one.state is RegisterState.ACTIVE]
        active.sort(key=lambda one: (one.division, one.id))
        return [Taker(one.id, one.name, one.division, self._keys[one.id]) for one in active]

    def in_charge(self, institution: InstitutionId | None) -> Taker | None:
        """Return who takes a report about what an institution has issued; None: nobody follows from it."""
        takers = self.list_takers()
        if institution is None:
            return takers[0] if len(takers) == 1 else None
        with self._lock:
            division = self._divisions.get(institution, "")
        fitting = [one for one in takers if division.startswith(one.division)]
        return max(fitting, key=lambda one: len(one.division), default=None)

    def find(self, text: str) -> Named:
        """Return what a code is about: short code, sticker, digits of a long code, or id of an instrument.

        What nobody knows is about nothing; that it was on a sticker is worth a report all the same.
        """
        last = fold_typed(text).rstrip("/").rpartition("/")[2].partition("?")[0]
        for look in (self._find_sticker, self._find_document, self._find_long, self._find_instrument):
            try:
                return look(last)
            except (InputError, NotFoundError):
                continue
        return NOTHING

    def find_holder(self, roll: str) -> InstitutionId | None:
        """Return to whom a roll of stickers was allotted; None: nobody has it."""
        with self._lock:
            self._update()
            found = self._rolls.get(roll)
        return None if found is None else found.institution

    def find_division(self, institution: InstitutionId) -> str | None:
        """Return the division of an institution; None: the log knows none of this id."""
        with self._lock:
            self._update()
            return self._divisions.get(institution)

    def find_logged(self, digests: Sequence[Digest]) -> dict[Digest, LeafIndex]:
        """Return in which leaf each report is; those that are in none are left out."""
        found: dict[Digest, LeafIndex] = {}
        for start in range(0, len(digests), MOST_REPORTS):
            subjects = {report_subject(digest): digest for digest in digests[start : start + MOST_REPORTS]}
            with self._store.read() as reading:
                states = reading.find_states(list(subjects))
            found |= {subjects[subject]: state.last_event for subject, state in states.items()}
        return found

    def _find_sticker(self, text: str) -> Named:
        sticker = StickerId(parse_code(text))
        with self._lock:
            self._update()
            roll = self._rolls.get(find_roll(sticker))
        if roll is None or not is_of_roll(sticker, roll):
            raise NotFoundError("no sticker has this id")
        with self._store.read() as reading:
            state = reading.find_states([sticker_subject(sticker)]).get(sticker_subject(sticker))
            leaves = {} if state is None else reading.read_leaves_at([state.last_event])
        for leaf in leaves.values():
            signed = parse_signed_statement(parse_leaf(leaf).statement_raw)
            if signed.statement.type is EventType.STICKER_BOUND and isinstance(
                signed.statement.claims, ActClaims
            ):
                bound = parse_act_content(signed.statement.type, signed.statement.claims.content)
                if isinstance(bound, StickerBinding):
                    return Named(bound.instrument_id, roll.institution, bound.part)
        return Named(None, roll.institution)

    def _find_document(self, text: str) -> Named:
        return _read_issue(
            parse_signed_statement(parse_leaf(self._prover.find_code(parse_code(text)).leaf).statement_raw)
        )

    def _find_long(self, text: str) -> Named:
        raw = parse_digits(text)
        self._prover.find_statement(raw)
        return _read_issue(parse_signed_statement(raw))

    def _find_instrument(self, text: str) -> Named:
        if len(text) != _INSTRUMENT_DIGITS:
            raise NotFoundError("no instrument has this id")
        try:
            instrument = InstrumentId(bytes.fromhex(text))
        except ValueError:
            raise NotFoundError("no instrument has this id") from None
        state = self._prover.find_state(instrument_subject(instrument))
        newest = state.last_event if state.current_certificate is None else state.current_certificate
        signed = parse_signed_statement(self._prover.statement(newest))
        return Named(instrument, _read_issue(signed).institution)

    def _update(self) -> None:
        with self._store.read() as reading:
            leaves = reading.read_register_leaves(self._seen)
        for entry in leaves:
            leaf = parse_leaf(entry.leaf)
            if leaf.header.status is not Status.VOID:
                self._take(parse_signed_statement(leaf.statement_raw))
            self._seen = entry.leaf_index + 1

    def _take(self, signed: SignedStatement) -> None:
        claims = signed.statement.claims
        if not isinstance(claims, RegisterClaims):
            return
        match parse_content(signed.statement.type, claims.content):
            case AuthorityContent() as authority:
                self._authorities[authority.id] = authority
            case InstitutionContent() as institution:
                self._divisions[institution.id] = institution.division
            case RollContent() as roll:
                self._rolls[roll.roll] = roll
            case _:
                pass


def _read_issue(signed: SignedStatement) -> Named:
    claims = signed.statement.claims
    if not isinstance(claims, IssueClaims):
        raise NotFoundError("this is about no instrument")
    return Named(claims.instrument_id, InstitutionId(signed.statement.issuer), claims.part)
