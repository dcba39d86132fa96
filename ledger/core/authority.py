"""Contents of register statements: who may decide what, and since when.

Every content is a canonical JSON object; the log stores it inside the statement, so a bundle that carries the
leaf carries the fact. The root names its keys and signs authorities; an authority registers institutions,
their keys and the scope of their authorisation, within its division codes.

>>> parse_key_content(encode_key_content(content)) == content
True
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final, TypeVar

from ledger.core.canonical import JsonObject, encode_canonical_json, parse_canonical_json
from ledger.core.category import Category, parse_category
from ledger.core.certificate import VerificationKind
from ledger.core.credit_code import CreditCode, parse_credit_code
from ledger.core.encoding import encode_hex, encode_instant
from ledger.core.errors import MalformedDocumentError
from ledger.core.event import EventType
from ledger.core.fields import Reader
from ledger.core.ids import ID_PATTERN, InstitutionId
from ledger.core.signature import PublicKey, parse_multikey

SUITES: Final = ("ed25519", "p-256", "sha-256")
"""What this version computes; leaf 0 names them so that others can be added."""

DIVISION_PATTERN: Final = r"[0-9]{2,12}"
"""A division code (GB/T 2260, GB/T 10114) or a prefix of one; an absent one means anywhere."""

ROOT_ISSUER: Final = "ROOT"
"""Id under which the root speaks; no authority and no institution may have it."""

EnumT = TypeVar("EnumT", bound=StrEnum)


class Power(StrEnum):
    """What an authority may register, and decide."""

    CERTIFICATE = "certificate"
    """To cancel, suspend and reinstate certificates, and to ask for another verification."""
    INSTITUTION = "institution"
    KEY = "key"
    SCOPE = "scope"


class Trade(StrEnum):
    """What a registered organisation does."""

    VERIFICATION = "verification"
    """Verifies, and issues; what no content says otherwise."""
    REPAIR = "repair"
    """Repairs instruments (修理单位): says which it has opened."""
    OWNER = "owner"
    """Uses instruments (使用单位): says which were opened."""


class RegisterState(StrEnum):
    """Whether a registered thing counts from now on."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Name:
    """A name in Chinese and, if there is one, in English."""

    zh: str
    en: str | None


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


@dataclass(frozen=True, slots=True)
class ScopeContent:
    """One line of an authorisation (计量授权): what, how, where and when an institution may verify."""

    institution: InstitutionId
    id: str
    authorisation_no: str
    categories: frozenset[Category]
    kinds: frozenset[VerificationKind]
    division: str
    valid_from: date
    valid_until: date
    state: RegisterState


RegisterContent = (
    RootContent
    | AuthorityContent
    | PolicyContent
    | InstitutionContent
    | KeyContent
    | CompromiseContent
    | ScopeContent
)


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
    reader = _reader(raw)
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
        "name": _name_members(content.name),
        "key": content.key.multikey,
        "powers": [power.value for power in sorted(content.powers)],
        "from": content.valid_from.isoformat(),
        "until": content.valid_until.isoformat(),
        "state": content.state.value,
    }
    return encode_canonical_json(members | _division_members(content.division))


def parse_authority_content(raw: bytes) -> AuthorityContent:
    """Parse a DELEGATE content.

    Raises:
        InputError: not such a content.
    """
    reader = _reader(raw)
    content = AuthorityContent(
        id=_parse_own_id(reader),
        name=_parse_name(reader),
        key=parse_multikey(reader.text("key", max_bytes=64)),
        division=_parse_division(reader),
        powers=_parse_set(reader, "powers", Power),
        valid_from=reader.date("from"),
        valid_until=reader.date("until"),
        state=reader.enum("state", RegisterState),
    )
    reader.finish()
    _check_period(content.valid_from, content.valid_until)
    return content


def encode_institution_content(content: InstitutionContent) -> bytes:
    """Return the canonical bytes of an INSTITUTION content."""
    members: JsonObject = {
        "id": content.id,
        "name": _name_members(content.name),
        "state": content.state.value,
    }
    if content.credit_code is not None:
        members["credit_code"] = content.credit_code
    if content.trade is not Trade.VERIFICATION:
        members["trade"] = content.trade.value
    return encode_canonical_json(members | _division_members(content.division))


def parse_institution_content(raw: bytes) -> InstitutionContent:
    """Parse an INSTITUTION content.

    Raises:
        InputError: not such a content, or the credit code's check character is wrong (GB 32100).
    """
    reader = _reader(raw)
    code = reader.opt_text("credit_code", max_bytes=18)
    content = InstitutionContent(
        id=InstitutionId(_parse_own_id(reader)),
        name=_parse_name(reader),
        credit_code=None if code is None else parse_credit_code(code, field="content.credit_code"),
        division=_parse_division(reader),
        state=reader.enum("state", RegisterState),
        trade=_parse_trade(reader),
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
    reader = _reader(raw)
    content = KeyContent(
        institution=InstitutionId(reader.text("institution", max_bytes=12, pattern=ID_PATTERN)),
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
    reader = _reader(raw)
    content = CompromiseContent(
        institution=InstitutionId(reader.text("institution", max_bytes=12, pattern=ID_PATTERN)),
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
    reader = _reader(raw)
    content = PolicyContent(reader.integer("version", 1, 2**31), reader.hex("digest", 32))
    reader.finish()
    return content


def encode_scope_content(content: ScopeContent) -> bytes:
    """Return the canonical bytes of a SCOPE content."""
    members: JsonObject = {
        "institution": content.institution,
        "id": content.id,
        "authorisation_no": content.authorisation_no,
        "categories": [category.name for category in sorted(content.categories, key=lambda item: item.name)],
        "kinds": [kind.value for kind in sorted(content.kinds)],
        "from": content.valid_from.isoformat(),
        "until": content.valid_until.isoformat(),
        "state": content.state.value,
    }
    return encode_canonical_json(members | _division_members(content.division))


def parse_scope_content(raw: bytes) -> ScopeContent:
    """Parse a SCOPE content.

    Raises:
        InputError: not such a content.
    """
    reader = _reader(raw)
    content = ScopeContent(
        institution=InstitutionId(reader.text("institution", max_bytes=12, pattern=ID_PATTERN)),
        id=reader.text("id", max_bytes=12, pattern=ID_PATTERN),
        authorisation_no=reader.text("authorisation_no", max_bytes=120),
        categories=_parse_categories(reader),
        kinds=_parse_set(reader, "kinds", VerificationKind),
        division=_parse_division(reader),
        valid_from=reader.date("from"),
        valid_until=reader.date("until"),
        state=reader.enum("state", RegisterState),
    )
    reader.finish()
    _check_period(content.valid_from, content.valid_until)
    return content


CONTENT_PARSERS: Final[Mapping[EventType, Callable[[bytes], RegisterContent]]] = {
    EventType.ROOT: parse_root_content,
    EventType.DELEGATE: parse_authority_content,
    EventType.POLICY: parse_policy_content,
    EventType.INSTITUTION: parse_institution_content,
    EventType.KEY: parse_key_content,
    EventType.KEY_COMPROMISED_FROM: parse_compromise_content,
    EventType.SCOPE: parse_scope_content,
}
"""How the content of each register event is read."""


def parse_content(event_type: EventType, raw: bytes) -> RegisterContent:
    """Parse the content of a register event.

    Raises:
        InputError: not the content of such an event.
    """
    parse = CONTENT_PARSERS.get(event_type)
    if parse is None:
        raise MalformedDocumentError(f"{event_type.name} is not a register event")
    return parse(raw)


def _reader(raw: bytes) -> Reader:
    value = parse_canonical_json(raw)
    if not isinstance(value, dict):
        raise MalformedDocumentError("register content is not an object")
    return Reader(value, "content")


def _parse_own_id(reader: Reader) -> str:
    own_id = reader.text("id", max_bytes=12, pattern=ID_PATTERN)
    if own_id == ROOT_ISSUER:
        reader.refuse("id", "ROOT names the root itself")
    return own_id


def _parse_division(reader: Reader) -> str:
    return reader.opt_text("division", max_bytes=12, pattern=DIVISION_PATTERN) or ""


def _parse_trade(reader: Reader) -> Trade:
    """Return the trade; verification has one spelling only: no member."""
    if "trade" not in reader:
        return Trade.VERIFICATION
    trade = reader.enum("trade", Trade)
    if trade is Trade.VERIFICATION:
        reader.refuse("trade", "verification goes without saying")
    return trade


def _parse_name(reader: Reader) -> Name:
    inner = reader.object("name")
    name = Name(inner.text("zh", max_bytes=200), inner.opt_text("en", max_bytes=200))
    inner.finish()
    return name


def _name_members(name: Name) -> JsonObject:
    return {"zh": name.zh} if name.en is None else {"zh": name.zh, "en": name.en}


def _division_members(division: str) -> JsonObject:
    return {"division": division} if division else {}


def _parse_set(reader: Reader, name: str, kind: type[EnumT]) -> frozenset[EnumT]:
    texts = _parse_sorted_texts(reader, name)
    try:
        return frozenset(kind(text) for text in texts)
    except ValueError:
        known = ", ".join(member.value for member in kind)
        raise MalformedDocumentError(f"unknown value; known are {known}", field=f"content.{name}") from None


def _parse_categories(reader: Reader) -> frozenset[Category]:
    texts = _parse_sorted_texts(reader, "categories")
    return frozenset(parse_category(text, "content.categories") for text in texts)


def _parse_sorted_texts(reader: Reader, name: str) -> list[str]:
    texts = reader.texts(name, max_bytes=64)
    if not texts or texts != sorted(set(texts)):
        raise MalformedDocumentError("expected at least one, each once, in order", field=f"content.{name}")
    return texts


def _check_period(valid_from: date, valid_until: date) -> None:
    if valid_until < valid_from:
        raise MalformedDocumentError("ends before it begins", field="content.until")
