"""Printed documents for tests: a document of a log in memory as PDF, signed or not, and ways to spoil it.

>>> raw = sign(render(LEDGER, INDEX))
>>> verify_pdf(raw, LEDGER.session(), NOW).verdict
<Verdict.VALID: 'VALID'>
"""

import hashlib
import io
import shutil
import subprocess
from datetime import timedelta
from functools import cache

import pikepdf
import pytest
from ledger_in_memory import INSTITUTION, NOW, SHANGHAI, MemoryLedger, make_record, make_signer

from issuer.outputs import build_qr_text
from issuer.rendering.document import DocumentContent, Typesetter
from issuer.rendering.pades import issue_seal, sign_pdf
from issuer.rendering.sheet import Letterhead
from ledger.core.canonical import encode_canonical_json
from ledger.core.certificate import parse_certificate
from ledger.core.disclosure import DisclosedMember, Disclosure, conceal
from ledger.core.signature import P256Signer, Signer

HOST = "v.example.cn"
NAME = "福州市计量所"
MADE_AT = NOW - timedelta(hours=1)
LETTERHEAD = Letterhead(
    "Fuzhou Institute of Metrology", "福州市鼓楼区示例路8号", "0591-87650000", "350001", "jl@fz.example"
)
PERSONAL = {
    "applicant": {"name": "福州示例石油有限公司", "code": "91350100M000100Y43"},
    "persons.0.name": "林示例",
    "persons.1.name": "陈示例",
    "persons.2.name": "张示例",
}


@cache
def typesetter() -> Typesetter:
    return Typesetter(())


def make_personal_record(number: int = 1, personal: dict = PERSONAL, **changes):
    """Return a record with commitments, and the disclosure of the values behind them (of no certificate yet)."""
    record, members = make_record(number, **changes), {}
    for path, value in personal.items():
        salt = hashlib.sha256(path.encode()).digest()[:16]
        members[path] = DisclosedMember(salt, value)
        *steps, last = path.split(".")
        container = record
        for step in steps:
            container = container[int(step)] if step.isdigit() else container[step]
        container[last] = conceal(value, salt)
    return record, members


def make_content(ledger: MemoryLedger, index: int, members=None, **changes) -> DocumentContent:
    """Return the content of the document at a leaf; `members` make it a holder's copy."""
    document = ledger.documents[index]
    certificate = parse_certificate(encode_canonical_json(document.credential))
    values = {
        "certificate": certificate,
        "bundle": ledger.bundle(index),
        "disclosure": None if members is None else Disclosure(certificate.digest, members),
        "qr_text": build_qr_text(document.statement_raw, HOST),
        "letterhead": LETTERHEAD,
        "zone": SHANGHAI,
        "development": True,
    }
    return DocumentContent(**values | changes)


def render(ledger: MemoryLedger, index: int, members=None, **changes) -> bytes:
    return typesetter().render(make_content(ledger, index, members, **changes), MADE_AT)


def sign(pdf: bytes, signer: Signer | str = "seal", at=MADE_AT, institution: str = INSTITUTION) -> bytes:
    key = make_signer(signer) if isinstance(signer, str) else signer
    return sign_pdf(pdf, issue_seal(key, institution, NAME), at)


def make_p256(name: str) -> P256Signer:
    return P256Signer(hashlib.sha256(name.encode()).digest())


def rewrite(pdf: bytes, change) -> bytes:
    """Return a PDF after `change` was done to it by pikepdf, in the plain form that our verifier reads."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        change(opened)
        output = io.BytesIO()
        opened.save(
            output,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
            deterministic_id=True,
            fix_metadata_version=False,
        )
    return output.getvalue()


def attachments(pdf: bytes) -> dict[str, tuple[bytes, str]]:
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        return {str(spec.F): (spec.EF.F.read_bytes(), str(spec.AFRelationship)) for spec in opened.Root.AF}


def read_text(pdf: bytes, tmp_path) -> str:
    """Return the words of a PDF in the order of reading, as another program finds them."""
    if shutil.which("pdftotext") is None:
        pytest.skip("poppler's pdftotext is not installed")
    (tmp_path / "document.pdf").write_bytes(pdf)
    command = ["pdftotext", "-layout", str(tmp_path / "document.pdf"), "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout.decode()
