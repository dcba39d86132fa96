"""The ZIP itself: the same files give the same bytes, and say of each other what they are.

Order, times (1 January 1980) and rights are fixed, so that two packs of one state of the log can be compared as
they are. `manifest.json` names every file with its SHA-256 and what it is, and what is not there with the reason;
`SHA256SUMS` is for `sha256sum -c`. Neither is signed, and neither counts as evidence: they show which file was
damaged or changed, what is true is shown by the signatures inside.

>>> write_archive({"code": "Y0E5Q0BVPKA486WB"}, [PackFile("a.txt", b"a", Sentence("a text", "文本"))], [])[:2]
b'PK'
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ledger.core.step import Sentence

PACK_TYPE: Final = "hengzheng/evidence/v1"
MANIFEST: Final = "manifest.json"
SUMS: Final = "SHA256SUMS"

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_READABLE: Final = 0o100644 << 16
_UNIX: Final = 3
_LEVEL: Final = 9


@dataclass(frozen=True, slots=True)
class PackFile:
    """One file of a pack."""

    name: str
    """ASCII, without folder."""
    raw: bytes
    what: Sentence
    """What it is, for people."""

    @property
    def digest(self) -> str:
        """Return SHA-256 over the bytes, hex."""
        return hashlib.sha256(self.raw).hexdigest()


@dataclass(frozen=True, slots=True)
class Absent:
    """A file that packs have, and this one has not."""

    name: str
    reason: Sentence


def write_archive(head: Mapping[str, Any], files: Sequence[PackFile], absent: Sequence[Absent]) -> bytes:
    """Return the ZIP of these files, in this order, with manifest and sums behind them.

    Args:
        head: what the manifest says of the pack as a whole, JSON members.
        files: each name once.
        absent: what is not in it.
    """
    manifest = PackFile(MANIFEST, _write_manifest(head, files, absent), Sentence("list of files", "文件清单"))
    listed = [*files, manifest]
    sums = "".join(f"{file.digest}  {file.name}\n" for file in listed)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        for name, raw in [*((file.name, file.raw) for file in listed), (SUMS, sums.encode())]:
            archive.writestr(_describe(name), raw, compresslevel=_LEVEL)
    return packed.getvalue()


def _describe(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, _UNIX, _READABLE
    return info


def _write_manifest(head: Mapping[str, Any], files: Sequence[PackFile], absent: Sequence[Absent]) -> bytes:
    members = {
        "type": PACK_TYPE,
        **head,
        "files": [
            {"name": file.name, "bytes": len(file.raw), "sha256": file.digest, **_say(file.what)}
            for file in files
        ],
        "absent": [{"name": each.name, **_say(each.reason)} for each in absent],
    }
    return (json.dumps(members, ensure_ascii=False, indent=1) + "\n").encode()


def _say(sentence: Sentence) -> dict[str, str]:
    return {"en": sentence.en, "zh": sentence.zh}


def read_manifest(raw: bytes) -> dict[str, Any]:
    """Return the manifest of a pack that was made here."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        members: dict[str, Any] = json.loads(archive.read(MANIFEST))
    return members
