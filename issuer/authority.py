"""Decisions of the root and of authorities: drafted, endorsed by each key that must agree, signed; offline.

A draft is a small JSON file that travels between key holders. It becomes a statement when the last of them
signs it; only then does it go to a log. Beside what they register, authorities decide about certificates: those
decisions are acts, which nobody endorses.

>>> draft = draft_decision(EventType.SCOPE, "ledger.example/1", "CN-35", content, 0, event_id)
>>> raw = sign_decision(draft, signer)
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Final

from ledger.core.act import Act, find_act_fault
from ledger.core.act_content import ActContent, parse_act_content
from ledger.core.authority import RootContent, parse_root_content
from ledger.core.canonical import encode_canonical_json, parse_json
from ledger.core.encoding import encode_hex
from ledger.core.errors import BrokenSignatureError, InputError, MalformedDocumentError
from ledger.core.event import CONTENT_TYPES, LINK_TYPES, EventType
from ledger.core.fields import Reader
from ledger.core.fold_documents import AUTHORITY_ACTS, OPENER_ACTS
from ledger.core.ids import KeyId
from ledger.core.register_content import CONTENT_PARSERS, parse_content
from ledger.core.signature import PublicKey, Signer, verify_signature
from ledger.core.statement import (
    ActClaims,
    Endorsement,
    RegisterClaims,
    Statement,
    compute_endorsed_bytes,
    parse_signed_statement,
    sign_statement,
)

DRAFT_TYPE: Final = "hengzheng/decision/v1"
MAX_ENDORSEMENTS: Final = 128
"""In one draft: of every root key, and of a new one."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A register event, or an authority's act, on its way to being signed."""

    event_type: EventType
    origin: str
    """The log it is meant for; signed, so it is good in no other."""
    issuer: str
    """ROOT, or the id of the authority that decides."""
    content: bytes
    """Canonical JSON, see `ledger.core.authority` and `ledger.core.act`."""
    expected_version: int
    event_id: bytes
    """8 random bytes."""
    endorsements: tuple[Endorsement, ...] = ()


def draft_decision(
    event_type: EventType, origin: str, issuer: str, content: bytes, expected_version: int, event_id: bytes
) -> Decision:
    """Return a draft whose content has been read and found well-formed.

    Raises:
        InputError: not such an event, or its content is malformed or lacks the decision that it needs.
    """
    if event_type in CONTENT_TYPES:
        _check_content(event_type, parse_act_content(event_type, content))
    else:
        parse_content(event_type, content)
    return Decision(event_type, origin, issuer, content, expected_version, event_id)


def _check_content(event_type: EventType, content: ActContent) -> None:
    fault = None
    if isinstance(content, Act):
        fault = find_act_fault(event_type, content, by_authority=event_type in AUTHORITY_ACTS)
    if fault is not None:
        raise MalformedDocumentError(fault, field="content.decision")


def endorse_decision(decision: Decision, signer: Signer) -> Decision:
    """Return the draft with one more endorsement; endorsing twice changes nothing.

    Raises:
        InputError: an act, which nobody endorses.
    """
    if decision.event_type in CONTENT_TYPES:
        raise InputError(f"{decision.event_type.name} is signed by the authority alone", field="event")
    message = _endorsed_bytes(decision)
    added = Endorsement(signer.public_key.key_id, signer.sign(message))
    others = [item for item in decision.endorsements if item.key_id != added.key_id]
    return replace(decision, endorsements=tuple(sorted([*others, added], key=lambda item: item.key_id)))


def verify_endorsement(decision: Decision, key: PublicKey) -> None:
    """Check that this key has endorsed the draft.

    Raises:
        BrokenSignatureError: it has not, or the signature is wrong.
    """
    message = _endorsed_bytes(decision)
    for item in decision.endorsements:
        if item.key_id == key.key_id:
            verify_signature(key, item.signature, message)
            return
    raise BrokenSignatureError(f"key {encode_hex(key.key_id)} has not endorsed this decision")


def sign_decision(decision: Decision, signer: Signer) -> bytes:
    """Return the statement's bytes.

    Raises:
        MalformedDocumentError: the statement would be too long.
    """
    statement = Statement(
        decision.event_type, decision.issuer, _build_claims(decision), decision.expected_version
    )
    return sign_statement(statement, signer, decision.origin)


def _build_claims(decision: Decision) -> ActClaims | RegisterClaims:
    if decision.event_type in CONTENT_TYPES:
        return ActClaims(decision.event_id, decision.content)
    return RegisterClaims(decision.event_id, decision.content, decision.endorsements)


def follow_root(before: bytes, keys: tuple[PublicKey, ...], threshold: int) -> RootContent:
    """Return the root that follows another.

    Args:
        before: signed statement of the newest root.
        keys: of the new one; what is kept of the old is among them.
        threshold: how many of them must agree from then on.

    Raises:
        InputError: not the statement of a root.
    """
    statement = parse_signed_statement(before).statement
    if statement.type is not EventType.ROOT or not isinstance(statement.claims, RegisterClaims):
        raise InputError("not the statement of a root", field="--after")
    content = parse_root_content(statement.claims.content)
    return replace(
        content,
        version=content.version + 1,
        keys=keys,
        threshold=threshold,
        previous=hashlib.sha256(statement.claims.content).digest(),
    )


def encode_decision(decision: Decision) -> bytes:
    """Return the draft as a file."""
    return encode_canonical_json(
        {
            "type": DRAFT_TYPE,
            "event": decision.event_type.name,
            "origin": decision.origin,
            "issuer": decision.issuer,
            "content": parse_json(decision.content),
            "expected_version": decision.expected_version,
            "event_id": encode_hex(decision.event_id),
            "endorsements": [
                {"key_id": encode_hex(item.key_id), "signature": encode_hex(item.signature)}
                for item in decision.endorsements
            ],
        }
    )


def parse_decision(raw: bytes) -> Decision:
    """Parse a draft file; people may have looked at it and formatted it.

    Raises:
        InputError: not a draft, or its content is malformed.
    """
    value = parse_json(raw)
    if not isinstance(value, dict):
        raise MalformedDocumentError("a decision is a JSON object")
    reader = Reader(value, "decision")
    reader.text("type", max_bytes=40, pattern=DRAFT_TYPE)
    decision = draft_decision(
        parse_event_type(reader.text("event", max_bytes=40)),
        reader.text("origin", max_bytes=120),
        reader.text("issuer", max_bytes=12),
        encode_canonical_json(reader.members("content")),
        reader.integer("expected_version", 0, 2**32 - 1),
        reader.hex("event_id", 8),
    )
    most = 0 if decision.event_type in CONTENT_TYPES else MAX_ENDORSEMENTS
    endorsements = tuple(_parse_endorsement(item) for item in reader.objects("endorsements", most=most))
    reader.finish()
    return replace(decision, endorsements=endorsements)


def parse_event_type(text: str) -> EventType:
    """Return the event of this name; a short name will do for the longest.

    Raises:
        InputError: no such event.
    """
    name = text.upper().replace("-", "_")
    name = _SHORT_NAMES.get(name, name)
    known = [event_type.name for event_type in (*CONTENT_PARSERS, *sorted(DECIDED_TYPES))]
    if name not in known:
        raise InputError(f"{text!r} is none of {', '.join(known)}", field="event")
    return EventType[name]


DECIDED_TYPES: Final = AUTHORITY_ACTS | OPENER_ACTS | LINK_TYPES | {EventType.LOT, EventType.STICKER_UNBOUND}
"""What is decided, or said, of documents and instruments, beside what is registered."""

_SHORT_NAMES: Final = {
    "REVERIFY": "REVERIFY_NEEDED",
    "OPENED": "OPENED_FOR_REPAIR",
    "SAME_AS": "INSTRUMENT_SAME_AS",
    "SPLIT": "INSTRUMENT_SPLIT",
    "COMPROMISED": "KEY_COMPROMISED_FROM",
    "MATERIAL": "REFERENCE_MATERIAL",
    "ROLL": "STICKER_ALLOTTED",
    "UNBIND": "STICKER_UNBOUND",
}


def _endorsed_bytes(decision: Decision) -> bytes:
    return compute_endorsed_bytes(
        decision.event_type, decision.origin, decision.content, decision.expected_version
    )


def _parse_endorsement(reader: Reader) -> Endorsement:
    endorsement = Endorsement(KeyId(reader.hex("key_id", 8)), reader.hex("signature", 64))
    reader.finish()
    return endorsement
