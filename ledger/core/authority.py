"""Contents of register statements: who may decide what, and since when.

Every content is a canonical JSON object; the log stores it inside the statement, so a bundle that carries the
leaf carries the fact. The root names its keys and signs authorities; an authority registers institutions,
their keys and the scope of their authorisation, within its division codes.

>>> parse_key_content(encode_key_content(content)) == content
True
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from ledger.core.canonical import JsonObject, encode_canonical_json
from ledger.core.credit_code import CreditCode, parse_credit_code
from ledger.core.encoding import encode_hex, encode_instant
from ledger.core.errors import MalformedDocumentError
from ledger.core.fields import Reader
from ledger.core.ids import ID_PATTERN, InstitutionId
from ledger.core.register_fields import (
    Name,
    RegisterState,
    check_period,
    division_members,
    name_members,
    open_content,
    parse_division,
    parse_institution_id,
    parse_name,
    parse_set,
    parse_yes,
)
from ledger.core.signature import PublicKey, parse_multikey

SUITES: Final = ("ed25519", "p-256", "sha-256")
"""What this version computes; leaf 0 names them so that others can be added."""

ROOT_ISSUER: Final = "ROOT"
"""Id under which the root speaks; no authority and no institution may have it."""


class Power(StrEnum):
    """What an authority may register, and decide."""

    CERTIFICATE = "certificate"
    """To cancel, suspend and reinstate certificates, and to ask for another verification."""
    INSTITUTION = "institution"
    KEY = "key"
    SCOPE = "scope"
    PERSON = "person"
    STANDARD = "standard"
    """Measurement standards, and lots of reference materials."""
    REGULATION = "regulation"
    TYPE_APPROVAL = "type_approval"
    """Type approvals, and blocks of what a maker has made."""


class Register(StrEnum):
    """Registers that an authority may keep whole for an institution."""

    PERSON = "person"
    STANDARD = "standard"
    TYPE_APPROVAL = "type_approval"


class Trade(StrEnum):
    """What a registered organisation does."""

    VERIFICATION = "verification"
    """Verifies, and issues; what no content says otherwise."""
    REPAIR = "repair"
    """Repairs instruments (修理单位): says which it has opened."""
    OWNER = "owner"
    """Uses instruments (使用单位): says which were opened."""


@dataclass(frozen=True, slots=True)
class RootContent:
    """Leaf 0: the keys that every trust in this log starts from."""

    version: int
    origin: str
    keys: tuple[PublicKey, ...]
    threshold: int
    """Number of root keys that must endorse a root decision: 1 <= threshold <= len(keys)."""
    log_key: PublicKey
    """Signs checkpoints, receipts and refusals; the same in every version."""
    predecessor: str | None
    """Origin of the log that this one continues, if any."""
    previous: bytes | None = None
    """SHA-256 of the content of the version before, 32 bytes; absent in version 1."""


@dataclass(frozen=True, slots=True)
class AuthorityContent:
    """DELEGATE: a metrology authority (计量行政部门), its key, region, powers and period."""

    id: str
    name: Name
    key: PublicKey
    division: str
    powers: frozenset[Power]
    valid_from: date
    valid_until: date
    state: RegisterState


@dataclass(frozen=True, slots=True)
class InstitutionContent:
    """A verification institution (法定计量检定机构 or 授权机构), or who else has a word about instruments."""

    id: InstitutionId
    name: Name
    credit_code: CreditCode | None
    division: str
    state: RegisterState
    trade: Trade = Trade.VERIFICATION
    registers: frozenset[Register] = frozenset()
    """What is kept whole for it: who, or what, is not in there must not stand in its documents."""
    checker_may_approve: bool = False
    """Whether approver and checker may be one person, as in county institutes."""


@dataclass(frozen=True, slots=True)
class KeyContent:
    """A seal key of an institution; its first registration is endorsed by the key itself."""

    institution: InstitutionId
    key: PublicKey
    state: RegisterState


@dataclass(frozen=True, slots=True)
class CompromiseContent:
    """Somebody else may have signed with a key: it ends, and what it signed since then is not believed."""

    institution: InstitutionId
    key: PublicKey
    since: datetime
    """Aware UTC, whole milliseconds. Earlier statements stay good where an anchor or witnesses of a time up to
    then cover them."""


@dataclass(frozen=True, slots=True)
class PolicyContent:
    """What the root recommends to verifiers: the digest of a policy file; it rules nobody by itself."""

    version: int
    digest: bytes
    """32 bytes: SHA-256 of the canonical policy file."""


def encode_root_content(content: RootContent) -> bytes:
    """Return the canonical bytes of a ROOT content."""
    members: JsonObject = {
        "version": content.version,
        "origin": content.origin,
        "keys": [key.multikey for key in content.keys],
        "threshold": content.threshold,
        "log_key": content.log_key.multikey,
        "suites": list(SUITES),
    }
    if content.predecessor is not None:
        members["predecessor"] = content.predecessor
    if content.previous is not None:
        members["previous"] = encode_hex(content.previous)
    return encode_canonical_json(members)


def parse_root_content(raw: bytes) -> RootContent:
    """Parse a ROOT content.

    Raises:
        InputError: not such a content, or keys and threshold make no sense.
    """
    reader = open_content(raw)
    version = reader.integer("version", 1, 2**31)
    origin = reader.text("origin", max_bytes=120, pattern=r"[^+\s]+")
    keys = tuple(parse_multikey(text) for text in reader.texts("keys", max_bytes=64))
    threshold = reader.integer("threshold", 1, 64)
    log_key = parse_multikey(reader.text("log_key", max_bytes=64))
    suites = tuple(reader.texts("suites", max_bytes=32))
    predecessor = reader.opt_text("predecessor", max_bytes=120)
    previous = reader.opt_hex("previous", 32)
    reader.finish()
    if (previous is None) != (version == 1):
        raise MalformedDocumentError("every version but the first names the one before", field="previous")
    if len({key.key_id for key in keys}) != len(keys) or not threshold <= len(keys) <= 64:
        raise MalformedDocumentError(
            "expected distinct keys, at least as many as the threshold", field="keys"
        )
    if suites != SUITES:
        raise MalformedDocumentError(f"expected exactly {list(SUITES)}", field="suites")
    return RootContent(version, origin, keys, threshold, log_key, predecessor, previous)


def encode_authority_content(content: AuthorityContent) -> bytes:
    """Return the canonical bytes of a DELEGATE content."""
    members: JsonObject = {
        "id": content.id,
        "name": name_members(content.name),
        "key": content.key.multikey,
        "powers": [power.value for power in sorted(content.powers)],
        "from": content.valid_from.isoformat(),
        "until": content.valid_until.isoformat(),
        "state": content.state.value,
    }
    return encode_canonical_json(members | division_members(content.division))


def parse_authority_content(raw: bytes) -> AuthorityContent:
    """Parse a DELEGATE content.

    Raises:
        InputError: not such a content.
    """
    reader = open_content(raw)
    content = AuthorityContent(
        id=_parse_own_id(reader),
        name=parse_name(reader),
        key=parse_multikey(reader.text("key", max_bytes=64)),
        division=parse_division(reader),
        powers=parse_set(reader, "powers", Power),
        valid_from=reader.date("from"),
        valid_until=reader.date("until"),
        state=reader.enum("state", RegisterState),
    )
    reader.finish()
    check_period(content.valid_from, content.valid_until)
    return content


def encode_institution_content(content: InstitutionContent) -> bytes:
    """Return the canonical bytes of an INSTITUTION content."""
    members: JsonObject = {
        "id": content.id,
        "name": name_members(content.name),
        "state": content.state.value,
    }
    if content.credit_code is not None:
        members["credit_code"] = content.credit_code
    if content.trade is not Trade.VERIFICATION:
        members["trade"] = content.trade.value
    if content.registers:
        members["registers"] = [register.value for register in sorted(content.registers)]
    if content.checker_may_approve:
        members["checker_may_approve"] = True
    return encode_canonical_json(members | division_members(content.division))


def parse_institution_content(raw: bytes) -> InstitutionContent:
    """Parse an INSTITUTION content.

    Raises:
        InputError: not such a content, or the credit code's check character is wrong (GB 32100).
    """
    reader = open_content(raw)
    code = reader.opt_text("credit_code", max_bytes=18)
    content = InstitutionContent(
        id=InstitutionId(_parse_own_id(reader)),
        name=parse_name(reader),
        credit_code=None if code is None else parse_credit_code(code, field="content.credit_code"),
        division=parse_division(reader),
        state=reader.enum("state", RegisterState),
        trade=_parse_trade(reader),
        registers=parse_set(reader, "registers", Register) if "registers" in reader else frozenset(),
        checker_may_approve=parse_yes(reader, "checker_may_approve"),
    )
    reader.finish()
    return content


def encode_key_content(content: KeyContent) -> bytes:
    """Return the canonical bytes of a KEY content."""
    return encode_canonical_json(
        {"institution": content.institution, "key": content.key.multikey, "state": content.state.value}
    )


def parse_key_content(raw: bytes) -> KeyContent:
    """Parse a KEY content.

    Raises:
        InputError: not such a content.
    """
    reader = open_content(raw)
    content = KeyContent(
        institution=parse_institution_id(reader),
        key=parse_multikey(reader.text("key", max_bytes=64)),
        state=reader.enum("state", RegisterState),
    )
    reader.finish()
    return content


def encode_compromise_content(content: CompromiseContent) -> bytes:
    """Return the canonical bytes of a KEY_COMPROMISED_FROM content."""
    return encode_canonical_json(
        {
            "institution": content.institution,
            "key": content.key.multikey,
            "since": encode_instant(content.since),
        }
    )


def parse_compromise_content(raw: bytes) -> CompromiseContent:
    """Parse a KEY_COMPROMISED_FROM content.

    Raises:
        InputError: not such a content.
    """
    reader = open_content(raw)
    content = CompromiseContent(
        institution=parse_institution_id(reader),
        key=parse_multikey(reader.text("key", max_bytes=64)),
        since=reader.instant("since"),
    )
    reader.finish()
    return content


def encode_policy_content(content: PolicyContent) -> bytes:
    """Return the canonical bytes of a POLICY content."""
    return encode_canonical_json({"version": content.version, "digest": encode_hex(content.digest)})


def parse_policy_content(raw: bytes) -> PolicyContent:
    """Parse a POLICY content.

    Raises:
        InputError: not such a content.
    """
    reader = open_content(raw)
    content = PolicyContent(reader.integer("version", 1, 2**31), reader.hex("digest", 32))
    reader.finish()
    return content


def _parse_own_id(reader: Reader) -> str:
    own_id = reader.text("id", max_bytes=12, pattern=ID_PATTERN)
    if own_id == ROOT_ISSUER:
        reader.refuse("id", "ROOT names the root itself")
    return own_id


def _parse_trade(reader: Reader) -> Trade:
    """Return the trade; verification has one spelling only: no member."""
    if "trade" not in reader:
        return Trade.VERIFICATION
    trade = reader.enum("trade", Trade)
    if trade is Trade.VERIFICATION:
        reader.refuse("trade", "verification goes without saying")
    return trade
