"""The ZIP around a workbook: opened only if it is what it says, and never larger than it may be.

Names inside are used as keys, never as paths: nothing is unpacked. Refused are bombs (by declared and by actual
size, by ratio, by number, by overlap), encryption, links, names that lead elsewhere, and the same name twice.

>>> container = open_container(file)
>>> b"".join(container.read("xl/workbook.xml"))[:5]
b'<?xml'
"""

import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from ledger.core.errors import InputError, MalformedDocumentError

MAX_ENTRIES: Final = 1_000
MAX_UNPACKED_BYTES: Final = 256 * 1024 * 1024
"""Of all entries together."""
MAX_RATIO: Final = 200
"""Unpacked to packed, for entries of more than a mebibyte; sheets of equal rows come to about 30."""
_FREE_BYTES: Final = 1024 * 1024
_CHUNK: Final = 64 * 1024
_HEADER_BYTES: Final = 30
_OLE_MAGIC: Final = bytes.fromhex("d0cf11e0a1b11ae1")
_ELSEWHERE: Final = re.compile(r"^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)|[\x00-\x1f\\]")
_ENCRYPTED: Final = 0x1 | 0x40
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})

"".encode("cp437")  # what zipfile decodes names with: loaded now, as nothing can be opened later


@dataclass(frozen=True, slots=True)
class Container:
    """A ZIP that has passed every check that needs no unpacking."""

    archive: zipfile.ZipFile
    entries: Mapping[str, zipfile.ZipInfo]

    def __contains__(self, name: str) -> bool:
        """Tell whether there is an entry of this name."""
        return name in self.entries

    def read(self, name: str) -> Iterator[bytes]:
        """Yield the content of an entry in chunks.

        Raises:
            InputError: no such entry, or it is damaged or longer than it says.
        """
        entry = self.entries.get(name)
        if entry is None:
            raise MalformedDocumentError(f"the workbook has no part {name}", field="file")
        total = 0
        try:
            with self.archive.open(entry) as stream:
                while chunk := stream.read(_CHUNK):
                    total += len(chunk)
                    if total > entry.file_size:
                        raise MalformedDocumentError(f"{name} is longer than it says", field="file")
                    yield chunk
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as err:
            raise MalformedDocumentError(f"{_quote(name)} is damaged inside the file", field="file") from err


def open_container(file: BinaryIO) -> Container:
    """Open the ZIP of a workbook.

    Raises:
        InputError: not a ZIP, or one that is not to be unpacked.
    """
    _refuse_other_kinds(file)
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as err:
        raise MalformedDocumentError("not an XLSX workbook, or cut off", field="file") from err
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise InputError(f"the file has {len(entries)} parts; at most {MAX_ENTRIES} are read", field="file")
    for entry in entries:
        _check_entry(entry)
    total = sum(entry.file_size for entry in entries)
    if total > MAX_UNPACKED_BYTES:
        message = f"unpacks to {total} bytes; at most {MAX_UNPACKED_BYTES} are read"
        raise InputError(message, field="file")
    _refuse_overlaps(entries)
    named = {entry.filename: entry for entry in entries}
    if len(named) != len(entries):
        raise MalformedDocumentError("two parts of the file have the same name", field="file")
    return Container(archive, named)


def _refuse_other_kinds(file: BinaryIO) -> None:
    start = file.read(len(_OLE_MAGIC))
    file.seek(0)
    if start == _OLE_MAGIC:
        message = "is encrypted with a password, or an old .xls: save it as .xlsx without a password"
        raise InputError(message, field="file")


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = _quote(entry.orig_filename)
    if _ELSEWHERE.search(entry.orig_filename):
        raise InputError(f"the part {name} has a name that leads out of the file", field="file")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise InputError(f"the part {name} is a link", field="file")
    if entry.flag_bits & _ENCRYPTED:
        raise InputError(f"the part {name} is encrypted; save the file without a password", field="file")
    if entry.compress_type not in _METHODS:
        raise InputError(f"the part {name} is packed in a way that workbooks do not use", field="file")
    if entry.file_size > max(_FREE_BYTES, MAX_RATIO * entry.compress_size):
        message = f"the part {name} unpacks to more than {MAX_RATIO} times its size"
        raise InputError(message, field="file")


def _refuse_overlaps(entries: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse entries that share packed bytes: so a small file could unpack to a large one."""
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise InputError("parts of the file overlap each other", field="file")
        end = entry.header_offset + _HEADER_BYTES + entry.compress_size


def _quote(name: str) -> str:
    return ascii(name[:80])
