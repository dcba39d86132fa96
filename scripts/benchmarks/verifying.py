"""Checking bundles offline: every step, from bytes to a report, in one session."""

import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from fixture import NOW, World, make_signer
from measuring import Figures, Stopwatch, repeat, summarise, time_work

from ledger.core.bundle import parse_bundle
from ledger.core.data import load_rule_book
from ledger.core.policy import Policy
from ledger.core.signature import verify_signature
from ledger.core.step import Verdict
from verifier.session import Session
from verifier.verify import verify_bundle


def make_policy() -> Policy:
    """Return what a verifier of the measured world believes; it is the same in each of them."""
    with tempfile.TemporaryDirectory(prefix="hengzheng-bench-") as folder, World(Path(folder)) as world:
        return world.policy


def verify_all(bundles: Sequence[bytes], policy: Policy) -> None:
    """Check bundles in a new session; one that is not VALID is an error of the bench."""
    session = Session(policy, load_rule_book(), trust_list=None)
    now = NOW + timedelta(minutes=1)
    for raw in bundles:
        report = verify_bundle(parse_bundle(raw), session, now)
        if report.verdict is not Verdict.VALID:
            raise RuntimeError(f"a bundle of the bench is {report.verdict}: {report.checks}")


def measure_verifying(bundles: Sequence[bytes], policy: Policy, rounds: int, seconds: float) -> Figures:
    """Return the figures of checking these bundles."""
    verify_all(bundles[:50], policy)
    work = repeat(lambda: time_work(lambda: verify_all(bundles, policy)), rounds=rounds, seconds=seconds)
    return summarise(len(bundles), work)


def measure_signatures(count: int, rounds: int, seconds: float) -> dict[str, Figures]:
    """Return what bare Ed25519 signing and checking cost here: two of each stand in every issue and check."""
    signer = make_signer("seal")
    messages = [number.to_bytes(200) for number in range(count)]
    signed = [(message, signer.sign(message)) for message in messages]

    def sign() -> Stopwatch:
        return time_work(lambda: [signer.sign(message) for message in messages])

    def check() -> None:
        for message, signature in signed:
            verify_signature(signer.public_key, signature, message)

    return {
        "ed25519_sign": summarise(count, repeat(sign, rounds=rounds, seconds=seconds)),
        "ed25519_verify": summarise(count, repeat(lambda: time_work(check), rounds=rounds, seconds=seconds)),
    }
