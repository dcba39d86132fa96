"""Vectors of photograph proofs: a picture, its proof, and the bundle beside which they stand."""

import base64
from dataclasses import replace
from datetime import date
from typing import Any, Final

from ledger_in_memory import MemoryLedger
from registered import INSTITUTE, RegisteredLedger
from stickers import REGISTRATION
from vector_kind import Kind, show

from ledger.core.event import EventType
from ledger.core.ids import LeafIndex
from ledger.core.merkle import build_inclusion_proof
from ledger.core.photo import describe_photo
from ledger.core.photo_proof import PhotoProof, encode_photo_proof
from ledger.core.policy import encode_policy
from ledger.core.registration import InstrumentContent, encode_instrument_content
from ledger.core.statement import IssueClaims, parse_signed_statement
from ledger.core.status import Status

PICTURE: Final = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7"
    "gYKBTmCNl4x9lnN+gXz/2wBDARUXFx4aHjshITt8U0ZTfHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8"
    "fHx8fHx8fHz/wAARCAAMABADASIAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUF"
    "BAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVW"
    "V1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi"
    "4+Tl5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcFBAQAAQJ3AAEC"
    "AxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRomJygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVm"
    "Z2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPExcbHyMnK0tPU1dbX2Nna4uPk5ebn6Onq"
    "8vP09fb3+Pn6/9oADAMBAAIRAxEAPwC9bW897dTRQzRxLEiN80RcksW/2h/doubeeyuoYppo5VlR2+WIoQVK/wC0f71RS20Ezbpo"
    "I5GAxlkBOKIraCFt0MEcbEYyqAHFWQf/2Q=="
)
"""16 by 12 pixels, as bytes: what a library makes of a picture changes with its version."""
TAKEN_ON: Final = date(2026, 2, 28)


class PhotoLedger(RegisteredLedger):
    """A ledger with one document, whose instrument is registered again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.document = self.issue(1)
        claims = parse_signed_statement(self.documents[self.document].statement_raw).statement.claims
        assert isinstance(claims, IssueClaims)
        self.content = replace(REGISTRATION, id=claims.instrument_id, answers=())

    def say(self, raw: bytes | None = PICTURE, **options: Any) -> bytes:
        """Return a registration with this picture."""
        content: InstrumentContent = replace(self.content, **options.pop("content", {}))
        content = replace(content, photo=None if raw is None else describe_photo(raw, TAKEN_ON))
        return self.sign_content(
            EventType.INSTRUMENT, encode_instrument_content(content), content.subject, **options
        )

    def prove(self, index: int, size: int | None = None, **changes: Any) -> PhotoProof:
        """Return the proof of a leaf, honest but for the changes."""
        size = size or self.publish()
        inclusion = build_inclusion_proof(LeafIndex(index), size, self.tree().read)
        given = PhotoProof(
            self.origin, self.checkpoint(size), LeafIndex(index), self.leaves[index], inclusion
        )
        return replace(given, **changes)


def build_photo_proofs() -> Kind:
    """Return the vectors of photographs."""
    kind = Kind(
        "photo_proof",
        {
            "photo_proof.json": "the file",
            "photo.jpg": "the picture",
            "bundle.json": "of a document of the same institution",
            "policy.json": "what they are judged under",
            "expected.json": "of a good case what the registration says of the picture; of a `_fail` case whether "
            "the file cannot be read (`parse`), is of another log (`log`), does not hold (`evidence`), or is later "
            "than the bundle (`late`)",
        },
    )
    ledger = PhotoLedger()
    policy = encode_policy(ledger.policy())
    older = ledger.bundle(ledger.document)

    def add(
        name: str, why: str, proof: PhotoProof | bytes, photo: bytes = PICTURE, *, fails: str = "evidence"
    ) -> None:
        raw = proof if isinstance(proof, bytes) else encode_photo_proof(proof)
        expected = (
            {"fails": fails}
            if name.endswith("_fail")
            else {"width": 16, "height": 12, "taken_on": str(TAKEN_ON)}
        )
        kind.add(
            name,
            why,
            photo_proof_json=raw,
            photo_jpg=photo,
            bundle_json=older if fails == "late" else bundle,
            policy_json=policy,
            expected_json=show(expected),
        )

    first = ledger.append(ledger.say())
    bare = ledger.append(ledger.say(None))
    other = ledger.append(ledger.say(content={"id": bytes([9]) * 16}))
    theirs = ledger.append(ledger.say(issuer=INSTITUTE, by="thief"))
    forced = ledger.force(ledger.say(by="thief"), status=Status.ACTIVE)
    voided = ledger.append(ledger.say(version=77))
    bundle = ledger.bundle(ledger.document)
    size = ledger.publish()
    good = ledger.prove(first, size)
    raw = encode_photo_proof(good)
    add("registered", "the institution of the document has registered it", good)
    add("late_fail", "the bundle is older than the registration", good, fails="late")
    add("other_picture_fail", "another picture", good, PICTURE[:-3] + b"\x00" + PICTURE[-2:])
    add("comment_fail", "a comment in the picture", good, PICTURE[:2] + b"\xff\xfe\x00\x04ab" + PICTURE[2:])
    add("behind_fail", "something behind the picture", good, PICTURE + b"\0")
    add("none_fail", "the registration names no picture", ledger.prove(bare, size))
    add("other_instrument_fail", "of another instrument", ledger.prove(other, size))
    add("other_institution_fail", "by another institution", ledger.prove(theirs, size))
    add("thief_fail", "by a key that is not registered", ledger.prove(forced, size))
    add("void_fail", "a registration without effect", ledger.prove(voided, size))
    add("document_fail", "the leaf is an issue", ledger.prove(ledger.document, size))
    add("moved_fail", "at another index", replace(good, leaf_index=LeafIndex(first + 1)))
    add("inclusion_fail", "a hash is missing", replace(good, inclusion=good.inclusion[:-1]))
    leaf = good.leaf[:200] + bytes([good.leaf[200] ^ 1]) + good.leaf[201:]
    add("changed_fail", "the leaf is changed", replace(good, leaf=leaf))
    unsigned = MemoryLedger(log="thief").found().checkpoint()
    add("unsigned_fail", "a checkpoint by another key", replace(good, checkpoint=unsigned))
    add("other_log_fail", "of another log", replace(good, origin="ledger.example/other"), fails="log")
    for name, why, broken in (
        ("cut", "cut off", raw[:-1]),
        ("spaced", "not canonical", raw.replace(b",", b", ", 1)),
        ("member", "an unknown member", raw.replace(b'"type":', b'"tyqe":"x","type":', 1)),
        ("type", "another type", raw.replace(b"photo-proof/v1", b"photo-proof/v2")),
    ):
        add(f"{name}_fail", why, broken, fails="parse")
    return kind
