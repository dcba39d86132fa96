"""Certificates as PDF/A-3: typeset, signed, and checked, with their bundles inside."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from fixture import HOST, INSTITUTION, NOW, ZONE, make_signer
from measuring import Figures, repeat, summarise, time_work

from issuer.outputs import build_qr_text
from issuer.rendering.document import DocumentContent, Typesetter
from issuer.rendering.pades import issue_seal, sign_pdf
from issuer.rendering.sheet import Letterhead
from ledger.core.bundle import parse_bundle
from ledger.core.data import load_rule_book
from ledger.core.policy import Policy
from verifier.pdf import verify_pdf
from verifier.session import Session

ItemT = TypeVar("ItemT")


def measure_printing(
    bundles: Sequence[bytes], policy: Policy, rounds: int, seconds: float
) -> tuple[dict[str, Figures], dict[str, int]]:
    """Return the figures of the documents of these bundles, and the size of one."""
    typesetter, seal = Typesetter(()), issue_seal(make_signer("seal"), INSTITUTION, "福州市计量所")
    contents = [_make_content(raw) for raw in bundles]
    made_at = NOW + timedelta(hours=1)
    unsigned = [typesetter.render(content, made_at) for content in contents]
    signed = [sign_pdf(pdf, seal, made_at) for pdf in unsigned]
    session = Session(policy, load_rule_book(), None)

    def measure(items: Sequence[ItemT], work: Callable[[ItemT], object]) -> Figures:
        def do() -> None:
            for item in items:
                work(item)

        return summarise(len(items), repeat(lambda: time_work(do), rounds=rounds, seconds=seconds))

    return {
        "pdf_unsigned": measure(contents, lambda content: typesetter.render(content, made_at)),
        "pdf_signed": measure(
            contents, lambda content: sign_pdf(typesetter.render(content, made_at), seal, made_at)
        ),
        "pdf_signature": measure(unsigned, lambda pdf: sign_pdf(pdf, seal, made_at)),
        "pdf_verify": measure(signed, lambda raw: verify_pdf(raw, session, made_at)),
    }, {"pdf_bytes": len(signed[0])}


def _make_content(raw: bytes) -> DocumentContent:
    bundle = parse_bundle(raw)
    text = build_qr_text(bundle.statement_raw, HOST)
    return DocumentContent(bundle.certificate, raw, None, text, Letterhead(), ZONE, development=True)
