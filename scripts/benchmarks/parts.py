"""Where the time of a check goes: each part alone, warm, in microseconds a bundle.

The parts are those that cost most; they overlap where one contains another, and say so by their names. Unlike a
profiler, a stopwatch around a loop adds nothing to what it measures.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from fixture import make_signer
from measuring import repeat, summarise, time_work

from ledger.core.bundle import ProofBundle, parse_bundle
from ledger.core.canonical import parse_canonical_json
from ledger.core.certificate import parse_certificate
from ledger.core.data import load_rule_book
from ledger.core.data_integrity import parse_proof, verify_proof
from ledger.core.policy import Policy
from ledger.core.rules import check_binding, check_limits
from ledger.core.statement import parse_signed_statement, verify_statement

ROUNDS: Final = 5


def time_parts_of_check(bundles: Sequence[bytes], policy: Policy) -> dict[str, float]:
    """Return the microseconds a bundle of reading it and of the parts of its check."""
    key, book = make_signer("seal").public_key, load_rule_book()
    parsed = [parse_bundle(raw) for raw in bundles]
    signed = [parse_signed_statement(bundle.statement_raw) for bundle in parsed]

    def check_seal(bundle: ProofBundle) -> None:
        certificate = bundle.certificate
        proof = parse_proof(certificate.proofs[0])
        verify_proof(certificate.document, proof, key, digest=certificate.document_digest)

    parts: dict[str, tuple[Callable[[Any], object], Iterable[Any]]] = {
        "read the bundle": (parse_bundle, bundles),
        "- of it JSON, strictly": (parse_canonical_json, bundles),
        "- of it the certificate": (lambda bundle: parse_certificate(bundle.certificate.raw), parsed),
        "read the statement": (lambda bundle: parse_signed_statement(bundle.statement_raw), parsed),
        "check the seal": (check_seal, parsed),
        "check the statement's signature": (lambda one: verify_statement(one, key, policy.origin), signed),
        "judge the readings": (lambda bundle: check_limits(bundle.certificate.record, book), parsed),
        "compare statement and certificate": (
            lambda pair: check_binding(pair[0].statement, pair[1].certificate),
            list(zip(signed, parsed, strict=True)),
        ),
    }
    return {name: _time_each(work, list(items)) for name, (work, items) in parts.items()}


def _time_each(work: Callable[[Any], object], items: Sequence[Any]) -> float:
    def do_all() -> None:
        for item in items:
            work(item)

    done = repeat(lambda: time_work(do_all), rounds=ROUNDS, seconds=10)
    return 1e6 / summarise(len(items), done)["per_core_s"]
