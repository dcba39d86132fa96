"""An evidence pack: the proofs in it, and whether its files are those that it names.

A pack is a ZIP (`api/evidence`). What it shows is shown by `bundle.json` and, of how the document stands, by
`newest.json`, which must not be of an older state of the log; everything beside them is for people. What is
believed comes from the verifier's own policy, never from the pack's. A file that is not the one which the pack
names fails step 1, with its name; a record or a proof of another document fails step 2.

>>> verify_pack(raw, session, now).verdict
<Verdict.VALID: 'VALID'>
"""

import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from ledger.core.bundle import ProofBundle, parse_bundle
from ledger.core.errors import MalformedDocumentError
from ledger.core.step import Check, Step, failed
from verifier.newest import join_states
from verifier.report import Report
from verifier.session import Session
from verifier.verify import ChainLook, verify_bundle

MAX_FILES: Final = 64
MAX_UNPACKED_BYTES: Final = 64 * 1024 * 1024
"""Of all files together, whatever they say of their own size."""

_BUNDLE: Final = "bundle.json"
_NEWEST: Final = "newest.json"
_CERTIFICATE: Final = "certificate.json"
_SUMS: Final = "SHA256SUMS"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SUM: Final = re.compile(r"([0-9a-f]{64})  (\S{1,64})")
_ENTRY: Final = b"PK\x01\x02"
"""Begins each entry of a ZIP's directory."""
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_BROKEN: Final = (
    *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError),
    *(OverflowError, RuntimeError, UnicodeError, ValueError),
)
"""What the standard library raises over a file that is no ZIP, or a damaged one."""


def verify_pack(raw: bytes, session: Session, now: datetime, look: ChainLook | None = None) -> Report:
    """Check a pack, offline unless `look` is given.

    Args:
        raw: the whole ZIP.
        session: what to believe.
        now: the verifier's clock, aware UTC.
        look: step 16, for the proof under the anchor.

    Raises:
        InputError: no pack, too large, or its proof is of another log.
    """
    files = _unpack(raw)
    bundle = parse_bundle(_require(files, _BUNDLE))
    newest = parse_bundle(files[_NEWEST]) if _NEWEST in files else None
    faults = [*_check_files(files), *_check_belonging(files, bundle, newest)]
    report = verify_bundle(bundle, session, now, look, carrier=lambda _: faults)
    if newest is None or faults:
        return report
    return join_states((bundle, report), (newest, verify_bundle(newest, session, now)), session)


def _check_files(files: Mapping[str, bytes]) -> list[Check]:
    """Compare every file with the sum that the pack has for it."""
    sums = dict(_read_sums(_require(files, _SUMS)))
    present = {name: hashlib.sha256(content).hexdigest() for name, content in files.items() if name != _SUMS}
    wrong = sorted(name for name in sums.keys() | present.keys() if sums.get(name) != present.get(name))
    if not wrong:
        return []
    names = ", ".join(wrong)
    return [
        failed(
            Step.INTEGRITY,
            f"not as this pack was made, changed, missing or added: {names}",
            f"与装包时不一致（被改动、缺失或添加）：{names}",
        )
    ]


def _check_belonging(
    files: Mapping[str, bytes], bundle: ProofBundle, newest: ProofBundle | None
) -> Iterator[Check]:
    """Find what is of another document than the proof is."""
    if files.get(_CERTIFICATE, bundle.certificate.raw) != bundle.certificate.raw:
        yield failed(
            Step.BINDING,
            f"{_CERTIFICATE} is not the record of the proof",
            f"{_CERTIFICATE} 不是该证明文件的记录",
        )
    elif newest is not None and newest.statement_raw != bundle.statement_raw:
        yield failed(Step.BINDING, f"{_NEWEST} is of another document", f"{_NEWEST} 属于另一份证书")


def _read_sums(raw: bytes) -> Iterator[tuple[str, str]]:
    """Yield name and digest of each line."""
    lines = raw.decode("ascii", errors="replace").splitlines()
    if len(lines) > MAX_FILES:
        raise MalformedDocumentError(f"{_SUMS} has more than {MAX_FILES} lines", field="document")
    for line in lines:
        found = _SUM.fullmatch(line)
        if found is None:
            raise MalformedDocumentError(f"{_SUMS} has a line that is no sum of a file", field="document")
        yield found[2], found[1]


def _require(files: Mapping[str, bytes], name: str) -> bytes:
    if name not in files:
        raise MalformedDocumentError(f"this ZIP is no evidence pack: it has no {name}", field="document")
    return files[name]


def _unpack(raw: bytes) -> dict[str, bytes]:
    """Return the files of a ZIP by name, within fixed bounds."""
    # the standard library reads a directory to its end first: half a gigabyte of memory for 40 MB of entries
    if raw.count(_ENTRY) > 2 * MAX_FILES:
        raise MalformedDocumentError("this ZIP has too many files, or one twice", field="document")
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            return _read_all(archive)
    except _BROKEN as err:
        raise MalformedDocumentError("this ZIP is damaged, or no evidence pack", field="document") from err


def _read_all(archive: zipfile.ZipFile) -> dict[str, bytes]:
    infos = archive.infolist()
    names = {info.filename for info in infos}
    if len(infos) > MAX_FILES or len(names) != len(infos):
        raise MalformedDocumentError("this ZIP has too many files, or one twice", field="document")
    files: dict[str, bytes] = {}
    left = MAX_UNPACKED_BYTES
    for info in infos:
        if _NAME.fullmatch(info.filename) is None or info.compress_type not in _METHODS:
            raise MalformedDocumentError("this ZIP has folders, or files of other kinds", field="document")
        with archive.open(info) as file:
            content = file.read(left + 1)
        left -= len(content)
        if left < 0:
            raise MalformedDocumentError(
                f"this ZIP holds more than {MAX_UNPACKED_BYTES} bytes", field="document"
            )
        files[info.filename] = content
    return files
