"""The policy of a home: what its settings ask for, what the root has published, and which of the two is served.

Verifiers pin a policy and believe a later one only once the root has published its digest, so publication is the
switch: until the first one the settings rule, as version 1; from then on the published file is served, byte for
byte, and what the settings ask for beyond it waits as the next version, to be published.

>>> read_choice(home, store).served.version
3
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from ledger.anchoring.binding import pin_contract
from ledger.core.authority import PolicyContent, encode_root_content
from ledger.core.entry import parse_leaf
from ledger.core.errors import InputError, LogIntegrityError, NotFoundError
from ledger.core.event import SubjectKind, compute_subject
from ledger.core.ids import Digest
from ledger.core.policy import DEFAULT_REQUIRED, ContractPin, Policy, compute_policy_digest, parse_policy
from ledger.core.register_content import RegisterContent, parse_content
from ledger.core.replay import replay_registers
from ledger.core.statement import RegisterClaims, parse_signed_statement
from ledger.core.status import Registers
from ledger.core.step import Sentence, Step
from ledger.cosigning.witnesses import HomeWitnesses, load_witnesses
from ledger.home import Home
from ledger.store.unit_of_work import SqlStore

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
LAG_WARNING: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Published:
    """The newest policy that the root has published."""

    version: int
    digest: Digest
    """SHA-256 of the canonical file."""
    count: int
    """How many have been published: the version of the subject that a next publication expects."""


@dataclass(frozen=True, slots=True)
class PolicyChoice:
    """Which policy a home serves."""

    served: Policy
    proposed: Policy | None
    """What the settings ask for, as the version to publish next; None: nothing but what is served."""
    published: Published | None

    @property
    def is_published(self) -> bool:
        """Whether verifiers that have pinned an older policy believe the one that is served."""
        return self.published is not None and is_published_as(self.served, self.published)

    @property
    def notice(self) -> Sentence | None:
        """Return what the operator has to do; None: nothing."""
        if self.published is None or self.proposed is None:
            return None
        newest, following = self.published.version, self.proposed.version
        if self.is_published:
            return Sentence(
                f"the settings ask for another policy than version {newest}, which the root has published and "
                f"which is served until it publishes version {following}: `hengzheng authority policy` drafts that",
                f"设置所要求的核验策略与信任根已发布的第{newest}版不同；信任根发布第{following}版之前，仍提供第{newest}版。"
                "请用 `hengzheng authority policy` 起草发布",
            )
        return Sentence(
            f"the policy that the root has published as version {newest} is not in this home: put it there as "
            f"policy.json, or publish version {following} with `hengzheng authority policy`; until then devices "
            "that have pinned a policy refuse the one that is served",
            f"信任根发布的第{newest}版核验策略不在本目录中：请将其放回 policy.json，"
            f"或用 `hengzheng authority policy` 发布第{following}版；"
            "在此之前，已固定核验策略的设备会拒绝当前提供的策略",
        )


def build_policy(
    home: Home, registers: Registers, witnesses: HomeWitnesses | None = None, version: int = 1
) -> Policy:
    """Return what a home's settings ask for: its newest root, its log key, its contract and its witnesses.

    Raises:
        NotFoundError: the log has no root yet.
    """
    root = registers.root
    if root is None:
        raise NotFoundError("the log has no root yet: run `hengzheng authority`")
    return Policy(
        version=version,
        origin=home.origin,
        log_key=root.log_key,
        root_version=root.version,
        root_digest=hashlib.sha256(encode_root_content(root)).digest(),
        contract=_find_contract(home),
        hosts=(home.settings.host,),
        required=frozenset(DEFAULT_REQUIRED) | (frozenset() if witnesses is None else {Step.QUORUM}),
        lag_warning=LAG_WARNING,
        clock_tolerance=CLOCK_TOLERANCE,
        max_status_age=None,
        zone=home.zone,
        development=home.development,
        witnesses=None if witnesses is None else witnesses.quorum,
        published_rules=home.settings.published_rules,
        traceability_roots=frozenset(home.settings.traceability_roots),
    )


def choose_policy(
    wanted: Policy,
    registers: Registers,
    published: Published | None,
    served: Policy | None = None,
    waiting: Policy | None = None,
) -> PolicyChoice:
    """Return which policy is served, and what is to be published.

    A published policy keeps the version of the root that it pins: verifiers walk from there to the newest, and a
    device refuses another root than its own.

    Args:
        wanted: what the settings ask for, whatever its version.
        registers: what the log establishes now.
        published: the newest one of the same log.
        served: what has been served so far; its version never falls.
        waiting: what was written down to be published next.
    """
    floor = 1 if served is None else served.version
    if published is None:
        return PolicyChoice(replace(wanted, version=floor), None, None)
    pins = [
        replace(wanted, version=published.version, root_version=number, root_digest=digest)
        for number, digest in enumerate(registers.roots, 1)
    ]
    held = [policy for policy in (served, waiting) if policy is not None]
    found = next((one for one in (*pins, *held) if is_published_as(one, published)), None)
    if found is None:
        unpublished = replace(wanted, version=max(published.version + 1, floor))
        return PolicyChoice(unpublished, unpublished, published)
    proposed = replace(wanted, root_version=found.root_version, root_digest=found.root_digest)
    if replace(proposed, version=found.version) == found:
        return PolicyChoice(found, None, published)
    return PolicyChoice(found, replace(proposed, version=found.version + 1), published)


def is_published_as(policy: Policy, published: Published) -> bool:
    """Return whether the root has published this very policy."""
    return policy.version == published.version and compute_policy_digest(policy) == published.digest


# --- reading --------------------------------------------------------------------------------------------------


def read_choice(home: Home, store: SqlStore) -> PolicyChoice:
    """Return which policy a home serves, from its log as it is stored; needs neither key nor lock.

    Raises:
        NotFoundError: the log has no root yet.
        UnavailableError: the store is out of reach.
    """
    with store.read() as queries:
        leaves = [(entry.leaf_index, entry.leaf) for entry in queries.read_register_leaves()]
    return find_choice(home, store, replay_registers(leaves), load_witnesses(home))


def find_choice(
    home: Home, store: SqlStore, registers: Registers, witnesses: HomeWitnesses | None
) -> PolicyChoice:
    """As `read_choice`, with registers and witnesses that are known already."""
    wanted = build_policy(home, registers, witnesses)
    served, waiting = _read(home, home.policy_path), _read(home, home.next_policy_path)
    return choose_policy(wanted, registers, find_published(store), served, waiting)


def find_published(store: SqlStore) -> Published | None:
    """Return the newest policy that the root has published in a log; None: none yet.

    Raises:
        UnavailableError: the store is out of reach.
        LogIntegrityError: the stored state names a leaf that publishes none.
    """
    subject = compute_subject(SubjectKind.POLICY, b"")
    with store.read() as queries:
        state = queries.find_states([subject]).get(subject)
        if state is None:
            return None
        leaf = queries.read_leaves_at([state.last_event]).get(state.last_event)
    content = None if leaf is None else _parse_content(leaf)
    if not isinstance(content, PolicyContent):
        raise LogIntegrityError(f"leaf {state.last_event} publishes no policy, and the stored state says so")
    return Published(content.version, Digest(content.digest), state.version)


def _read(home: Home, path: Path) -> Policy | None:
    """Return a policy of this home's log; what cannot be read is not there, and is written anew."""
    try:
        policy = parse_policy(path.read_bytes())
    except (FileNotFoundError, InputError):
        return None
    return policy if policy.origin == home.origin else None


def _parse_content(leaf: bytes) -> RegisterContent | None:
    statement = parse_signed_statement(parse_leaf(leaf).statement_raw).statement
    claims = statement.claims
    return parse_content(statement.type, claims.content) if isinstance(claims, RegisterClaims) else None


def _find_contract(home: Home) -> ContractPin | None:
    try:
        return pin_contract(home)
    except NotFoundError:
        return None
