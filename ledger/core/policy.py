"""What a verifier believes before it looks at anything: its policy file.

A policy pins the log (origin, key, root), the contract, the witnesses, the hosts whose QR codes count, and the
steps without which a document is UNKNOWN. Nothing in a bundle can add to it.

>>> parse_policy(encode_policy(policy)) == policy
True
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from ledger.core.anchor import AnchorGrade, ChainIdentity, encode_chain_identity, parse_chain_identity
from ledger.core.canonical import JsonObject, encode_canonical_json, parse_json
from ledger.core.encoding import encode_hex
from ledger.core.errors import InputError, MalformedDocumentError, PolicyMismatchError
from ledger.core.fields import Reader
from ledger.core.ids import Digest
from ledger.core.note import NoteVerifier, check_key_name
from ledger.core.qr import parse_host
from ledger.core.quorum import WitnessQuorum, encode_quorum, parse_quorum
from ledger.core.signature import PublicKey, parse_multikey
from ledger.core.step import Step

POLICY_TYPE: Final = "hengzheng/policy/v1"
DEFAULT_ZONE: Final = "Asia/Shanghai"
FINALITY_PATTERN: Final = r"immediate|depth:[1-9][0-9]{0,4}|tag:safe|tag:finalized"
DEFAULT_REQUIRED: Final = (
    Step.INTEGRITY,
    Step.BINDING,
    Step.SEAL,
    Step.STATEMENT,
    Step.KEY,
    Step.AUTHORITY,
    Step.SCOPE,
    Step.INCLUSION,
    Step.CHECKPOINT,
    Step.RECEIPT,
    Step.TIME,
    Step.STATUS,
)
_STEPS: Final = {step.code: step for step in Step}


@dataclass(frozen=True, slots=True)
class ContractPin:
    """The contract that holds this log's heads."""

    chain: ChainIdentity
    code_hash: bytes
    """32 bytes: SHA-256 of the contract's run-time code."""
    finality: str
    """When an anchor is settled: `immediate`, `depth:N`, `tag:safe` or `tag:finalized`."""

    def is_settled(self, grade: AnchorGrade) -> bool:
        """Say whether a receipt of this grade is as settled as the finality rule asks."""
        if self.finality == "immediate" or grade is AnchorGrade.FINAL:
            return True
        return self.finality == "tag:safe" and grade is AnchorGrade.SAFE


@dataclass(frozen=True, slots=True)
class Policy:
    """A verifier's trust anchors and demands."""

    version: int
    origin: str
    log_key: PublicKey
    root_version: int
    """From which the verifier walks to later ones."""
    root_digest: bytes
    """32 bytes: SHA-256 of the ROOT content."""
    contract: ContractPin | None
    hosts: tuple[str, ...]
    required: frozenset[Step]
    lag_warning: timedelta
    """A document that came into the log later than this after its verification date gets a warning."""
    clock_tolerance: timedelta
    max_status_age: timedelta | None
    """A status that is proved for an instant longer ago than this is UNKNOWN; None: any age will do."""
    zone: ZoneInfo
    """Calendar dates are dates of this zone."""
    development: bool
    """Marks every report as no production trust; without it no development chain is believed."""
    witnesses: WitnessQuorum | None = None
    """Who must have cosigned a checkpoint; None: nobody is asked for."""
    published_rules: bool = False
    """Whether only regulations that an authority has published count; else the product's tables fill the gaps."""
    traceability_roots: frozenset[str] = frozenset()
    """External roots of traceability that are believed, as registers of standards name them."""


def encode_policy(policy: Policy) -> bytes:
    """Return the canonical bytes of a policy file."""
    members: JsonObject = {
        "type": POLICY_TYPE,
        "version": policy.version,
        "origin": policy.origin,
        "log_key": policy.log_key.multikey,
        "root": {"version": policy.root_version, "digest": encode_hex(policy.root_digest)},
        "hosts": list(policy.hosts),
        "required": [step.code for step in sorted(policy.required, key=lambda step: step.number)],
        "lag_warning_days": policy.lag_warning.days,
        "clock_tolerance_seconds": int(policy.clock_tolerance.total_seconds()),
        "zone": policy.zone.key,
        "development": policy.development,
    }
    if policy.max_status_age is not None:
        members["max_status_age_seconds"] = int(policy.max_status_age.total_seconds())
    if policy.contract is not None:
        members["contract"] = encode_chain_identity(policy.contract.chain) | {
            "code_hash": encode_hex(policy.contract.code_hash),
            "finality": policy.contract.finality,
        }
    if policy.witnesses is not None:
        members["witnesses"] = encode_quorum(policy.witnesses)
    if policy.published_rules:
        members["published_rules"] = True
    if policy.traceability_roots:
        members["traceability_roots"] = [*sorted(policy.traceability_roots)]
    return encode_canonical_json(members)


def compute_policy_digest(policy: Policy) -> Digest:
    """Return what the root publishes of a policy, and what devices show: SHA-256 of its canonical file."""
    return Digest(hashlib.sha256(encode_policy(policy)).digest())


def parse_policy(raw: bytes) -> Policy:
    """Parse a policy file; people may format it as they like.

    Raises:
        InputError: not a policy, or one for production that names a development chain.
    """
    value = parse_json(raw)
    if not isinstance(value, dict):
        raise MalformedDocumentError("a policy is a JSON object")
    reader = Reader(value, "policy")
    reader.text("type", max_bytes=40, pattern=POLICY_TYPE)
    root = reader.object("root")
    log = _parse_log(reader)
    policy = Policy(
        version=reader.integer("version", 1, 2**31),
        origin=log.name,
        log_key=log.key,
        root_version=root.integer("version", 1, 2**31),
        root_digest=root.hex("digest", 32),
        contract=_parse_contract(reader.opt_object("contract")),
        hosts=tuple(_parse_host(text) for text in reader.texts("hosts", max_bytes=260)),
        required=frozenset(_parse_step(text) for text in reader.texts("required", max_bytes=20)),
        lag_warning=timedelta(days=reader.integer("lag_warning_days", 0, 10_000)),
        clock_tolerance=timedelta(seconds=reader.integer("clock_tolerance_seconds", 0, 86_400)),
        max_status_age=_parse_max_age(reader),
        zone=_parse_zone(reader.text("zone", max_bytes=64)),
        development=reader.boolean("development"),
        witnesses=_parse_witnesses(reader.opt_object("witnesses"), log),
        published_rules=reader.opt_boolean("published_rules") or False,
        traceability_roots=frozenset(reader.opt_texts("traceability_roots", max_bytes=64) or ()),
    )
    root.finish()
    reader.finish()
    if policy.contract is not None and policy.contract.chain.is_development and not policy.development:
        chain_id = policy.contract.chain.chain_id
        raise PolicyMismatchError(
            f"chain {chain_id} is a development chain, and this policy is not marked as one for development",
            field="policy.contract.chain_id",
        )
    return policy


def require_origin(policy: Policy, origin: str) -> None:
    """Refuse evidence of another log.

    Raises:
        PolicyMismatchError: the policy pins another origin.
    """
    if policy.origin != origin:
        raise PolicyMismatchError(f"this is of the log {origin}; the policy is for {policy.origin}")


def _parse_log(reader: Reader) -> NoteVerifier:
    origin, text = reader.text("origin", max_bytes=120), reader.text("log_key", max_bytes=64)
    try:
        check_key_name(origin)
    except InputError as err:
        reader.refuse("origin", err.reason)
    try:
        return NoteVerifier(origin, parse_multikey(text))
    except InputError as err:
        reader.refuse("log_key", err.reason)


def _parse_host(text: str) -> str:
    try:
        return parse_host(text)
    except InputError as err:
        raise MalformedDocumentError(f"{text!a}: {err.reason}", field="policy.hosts") from None


def _parse_contract(reader: Reader | None) -> ContractPin | None:
    if reader is None:
        return None
    pin = ContractPin(
        parse_chain_identity(reader),
        reader.hex("code_hash", 32),
        reader.text("finality", max_bytes=20, pattern=FINALITY_PATTERN),
    )
    reader.finish()
    return pin


def _parse_witnesses(reader: Reader | None, log: NoteVerifier) -> WitnessQuorum | None:
    if reader is None:
        return None
    quorum = parse_quorum(reader)
    try:
        quorum.require_other_key(log.key)
    except InputError as err:
        reader.refuse("keys", err.reason)
    return quorum


def _parse_step(text: str) -> Step:
    step = _STEPS.get(text)
    if step is None:
        raise MalformedDocumentError(f"no step has the name {text!a}", field="policy.required")
    return step


def _parse_max_age(reader: Reader) -> timedelta | None:
    seconds = reader.opt_integer("max_status_age_seconds", 1, 10 * 366 * 86_400)
    return None if seconds is None else timedelta(seconds=seconds)


def _parse_zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError) as err:  # not found is a KeyError
        raise MalformedDocumentError(f"no time zone has the name {text!a}", field="policy.zone") from err
