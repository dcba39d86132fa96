"""A refutation: two leaves and one map path that show a log to have stated a false status map.

One leaf is the event that the map denies; the other is the MAPHEAD that states the map. Both stand in one tree that
the log has signed, so that whoever holds the file needs nobody else, and no replay, to see that the log lied.

A leaf denies a map's word about a subject, if it is earlier than the MAPHEAD and
- it changed the subject, and the map does not know the subject, or knows nothing as new;
- it is the subject's last event by the map's own word, and it does not give the state that the map has;
- it is the subject's last event, or its current certificate, by the map's own word, and cannot be that.

Not every lie has so short an answer: a state that the map takes from an event of another instrument, as if the two
were the same, is found by replaying the leaves.

>>> verify_refutation(parse_refutation(raw), NoteVerifier(origin, log_key))
'the status map under 9 leaves does not know that leaf 7 changed subject 1d0f7c684c0f3a9e'
"""

from dataclasses import dataclass
from typing import Final

from ledger.core.canonical import encode_canonical_json, parse_canonical_json
from ledger.core.checkpoint import require_log, verify_checkpoint
from ledger.core.encoding import encode_base64, encode_hex, parse_base64
from ledger.core.entry import MAX_LEAF_BYTES, Leaf, parse_leaf
from ledger.core.errors import VerificationError
from ledger.core.event import ACT_TYPES, ISSUE_TYPES, LINK_TYPES, EventType, certificate_subject
from ledger.core.fields import Reader
from ledger.core.fold import list_changed
from ledger.core.fold_documents import TRANSITIONS
from ledger.core.ids import InstitutionId, LeafIndex, Subject
from ledger.core.map_proof import MAX_MAP_PROOF_BYTES, open_map_proof
from ledger.core.maphead import get_map_root, require_maphead
from ledger.core.merkle import hash_leaf, verify_multi_proof
from ledger.core.note import MAX_NOTE_BYTES, NoteVerifier
from ledger.core.statement import IssueClaims, Statement, parse_signed_statement
from ledger.core.status import Status, SubjectState, find_issued_status

REFUTATION_TYPE: Final = "hengzheng/refutation/v1"
MAX_REFUTATION_BYTES: Final = 1 << 20
_MAX_LEAF_TEXT: Final = (MAX_LEAF_BYTES + 2) // 3 * 4
_MAX_MAP_TEXT: Final = (MAX_MAP_PROOF_BYTES + 2) // 3 * 4


@dataclass(frozen=True, slots=True)
class Refutation:
    """What shows a map to be false; nothing is verified yet."""

    origin: str
    checkpoint: str
    """Signed note of the tree that both leaves stand in."""
    subject: Subject
    """About which the map says something false."""
    leaf_index: LeafIndex
    leaf: bytes
    maphead: bytes
    """The last leaf under the checkpoint."""
    proof: tuple[bytes, ...]
    """Batched inclusion of both, 32 bytes each, in the order of `merkle.build_multi_proof`."""
    map_proof: bytes
    """What the map says of the subject, see `core.map_proof`."""


def encode_refutation(refutation: Refutation) -> bytes:
    """Return the canonical bytes of the file."""
    return encode_canonical_json(
        {
            "type": REFUTATION_TYPE,
            "origin": refutation.origin,
            "checkpoint": refutation.checkpoint,
            "subject": encode_hex(refutation.subject),
            "leaf": {"index": refutation.leaf_index, "leaf": encode_base64(refutation.leaf)},
            "maphead": encode_base64(refutation.maphead),
            "proof": [encode_base64(item) for item in refutation.proof],
            "map": encode_base64(refutation.map_proof),
        }
    )


def parse_refutation(raw: bytes) -> Refutation:
    """Parse a refutation, strictly; nothing in it is verified yet.

    Raises:
        InputError: not such a file.
    """
    reader = Reader(parse_canonical_json(raw, max_bytes=MAX_REFUTATION_BYTES), "refutation")
    reader.text("type", max_bytes=40, pattern=REFUTATION_TYPE)
    leaf = reader.object("leaf")
    refutation = Refutation(
        origin=reader.text("origin", max_bytes=120),
        checkpoint=reader.lines("checkpoint", max_bytes=MAX_NOTE_BYTES),
        subject=Subject(reader.hex("subject", 32)),
        leaf_index=LeafIndex(leaf.integer("index", 0, 2**53 - 1)),
        leaf=parse_base64(leaf.text("leaf", max_bytes=_MAX_LEAF_TEXT)),
        maphead=parse_base64(reader.text("maphead", max_bytes=_MAX_LEAF_TEXT)),
        proof=tuple(parse_base64(text, size=32) for text in reader.texts("proof", max_bytes=44)),
        map_proof=parse_base64(reader.text("map", max_bytes=_MAX_MAP_TEXT)),
    )
    leaf.finish()
    reader.finish()
    return refutation


def verify_refutation(refutation: Refutation, log: NoteVerifier) -> str:
    """Return in which way the log has contradicted itself.

    Args:
        refutation: parsed, not verified.
        log: whose checkpoint it must be.

    Raises:
        InputError: a leaf, the map proof or the checkpoint is malformed.
        PolicyMismatchError: it is about another log.
        VerificationError: something in it does not hold, or leaf and map do not contradict each other.
    """
    require_log(refutation.origin, log)
    checkpoint = verify_checkpoint(refutation.checkpoint, log)
    last = LeafIndex(checkpoint.tree_size - 1)
    if refutation.leaf_index >= last:
        raise VerificationError("the leaf is not earlier than the one that states the map")
    hashes = {
        refutation.leaf_index: hash_leaf(refutation.leaf),
        last: hash_leaf(refutation.maphead),
    }
    verify_multi_proof(hashes, checkpoint.tree_size, refutation.proof, checkpoint.root_hash)
    map_root = get_map_root(require_maphead(refutation.maphead))
    state = open_map_proof(refutation.map_proof, map_root).find(refutation.subject)
    index, leaf = refutation.leaf_index, parse_leaf(refutation.leaf)
    found = find_contradiction(index, leaf, refutation.subject, state)
    if found is None:
        raise VerificationError(f"leaf {index} does not contradict the status map")
    return f"the status map under {checkpoint.tree_size} leaves {found}"


def find_contradiction(
    index: LeafIndex, leaf: Leaf, subject: Subject, state: SubjectState | None
) -> str | None:
    """Say how a map's word about a subject contradicts an earlier leaf, after "the map"; None: it does not.

    Args:
        index: of the leaf.
        leaf: any leaf that stands in front of the MAPHEAD.
        subject: any.
        state: what the map has for the subject.
    """
    changed = _list_changes(leaf)
    if subject in changed and (state is None or state.last_event < index):
        return f"does not know that leaf {index} changed subject {encode_hex(subject)[:16]}"
    if state is not None and state.last_event == index:
        return _compare_last_event(index, leaf, subject, state, changed)
    if state is not None and state.current_certificate == index and not _may_be_newest(leaf, subject):
        return f"names leaf {index} as the newest document, which is none"
    return None


def list_suspects(newest: LeafIndex | None, stated: SubjectState | None) -> list[LeafIndex]:
    """Return the leaves among which one contradicts a map, if a leaf does, where it should say something else.

    Args:
        newest: the newest leaf that names the subject; None: none does.
        stated: what the map has for the subject.
    """
    known = [] if newest is None else [newest]
    if stated is not None:
        known.append(stated.last_event)
        known += [] if stated.current_certificate is None else [stated.current_certificate]
    return sorted(set(known))


def _list_changes(leaf: Leaf) -> dict[Subject, Status | None]:
    """Return the subjects that a leaf is known to have changed, and to which status where the leaf tells."""
    header = leaf.header
    if header.type is EventType.MAPHEAD or header.status == Status.VOID:
        return {}
    statement = parse_signed_statement(leaf.statement_raw).statement
    return (
        dict.fromkeys(list_changed(statement))
        | _list_statuses(statement)
        | {header.subject: Status(header.status)}
    )


def _list_statuses(statement: Statement) -> dict[Subject, Status | None]:
    """Return the statuses of certificates that follow from a statement alone."""
    claims = statement.claims
    if isinstance(claims, IssueClaims):
        issuer = InstitutionId(statement.issuer)
        document = certificate_subject(issuer, claims.number)
        found: dict[Subject, Status | None] = {document: find_issued_status(claims)}
        if claims.predecessor is not None:
            found[certificate_subject(issuer, claims.predecessor)] = Status.SUPERSEDED
        return found
    if statement.type in TRANSITIONS:
        _, certificate = list_changed(statement)
        return {certificate: TRANSITIONS[statement.type].after}
    return {}


def _compare_last_event(
    index: LeafIndex,
    leaf: Leaf,
    subject: Subject,
    state: SubjectState,
    changed: dict[Subject, Status | None],
) -> str | None:
    """Compare a subject's last event with the state that the map has after it."""
    header = leaf.header
    if not changed:
        return f"counts leaf {index} as an event, which has no effect"
    if subject not in changed:
        is_about_instrument = header.type in _SPREADING
        return None if is_about_instrument else f"counts leaf {index}, which is about something else"
    status, version = changed[subject], header.version if subject == header.subject else None
    if status is not None and state.status is not status:
        return f"says {state.status.name} after leaf {index}, which left {status.name}"
    if version is not None and state.version != version:
        return f"says version {state.version} after leaf {index}, which made version {version}"
    is_newest = _may_be_newest(leaf, subject) and status is not Status.SUPERSEDED
    if is_newest and state.current_certificate != index:
        return f"names another document as the newest than leaf {index}, which is it"
    if not is_newest and _is_document(leaf) and state.current_certificate == index:
        return f"names leaf {index} as the newest document, which is none"
    return None


_SPREADING: Final = ISSUE_TYPES | ACT_TYPES | LINK_TYPES | {EventType.STICKER_UNBOUND}
"""What may change subjects beside those that it surely changes: instruments that are the same as its own; the place
of a sticker."""


def _may_be_newest(leaf: Leaf, subject: Subject) -> bool:
    """Say whether a document can be a subject's newest: a calibration is no instrument's."""
    if not _is_document(leaf):
        return False
    claims = parse_signed_statement(leaf.statement_raw).statement.claims
    verifies = isinstance(claims, IssueClaims) and claims.is_verification
    return verifies or subject != leaf.header.subject


def _is_document(leaf: Leaf) -> bool:
    return leaf.header.type in ISSUE_TYPES and leaf.header.status != Status.VOID
