"""The ZIP of a pack: the same files give the same bytes, and each is named with its digest."""

import hashlib
import io
import json
import zipfile

from evidence_packs import read_all

from api.evidence.archive import MANIFEST, SUMS, Absent, PackFile, read_manifest, write_archive
from ledger.core.step import Sentence

WHAT = Sentence("a text", "一段文字")
FILES = [PackFile("b.txt", b"b" * 3000, WHAT), PackFile("a.json", b"{}", WHAT)]
ABSENT = [Absent("c.pdf", Sentence("no font", "没有字体"))]
HEAD = {"code": "YEQYV3V1MXZYRY9B"}


def write():
    return write_archive(HEAD, FILES, ABSENT)


def test_equal_files_give_equal_bytes():
    assert write() == write()
    assert write() != write_archive(HEAD, FILES[::-1], ABSENT)
    assert write() != write_archive(HEAD | {"code": "0"}, FILES, ABSENT)


def test_order_times_and_rights_are_fixed():
    with zipfile.ZipFile(io.BytesIO(write())) as archive:
        infos = archive.infolist()
        assert archive.testzip() is None
    assert [info.filename for info in infos] == ["b.txt", "a.json", MANIFEST, SUMS]
    assert {info.date_time for info in infos} == {(1980, 1, 1, 0, 0, 0)}
    assert {info.external_attr >> 16 for info in infos} == {0o100644}
    assert {info.compress_type for info in infos} == {zipfile.ZIP_DEFLATED}
    assert {info.create_system for info in infos} == {3}
    assert not any(info.extra or info.comment for info in infos)


def test_manifest_and_sums_name_every_file():
    files = read_all(write())
    members = json.loads(files[MANIFEST])
    assert members == read_manifest(write())
    assert members["type"] == "hengzheng/evidence/v1"
    assert members["code"] == HEAD["code"]
    assert [each["name"] for each in members["files"]] == ["b.txt", "a.json"]
    for each in members["files"]:
        assert each["sha256"] == hashlib.sha256(files[each["name"]]).hexdigest()
        assert each["bytes"] == len(files[each["name"]])
        assert (each["en"], each["zh"]) == ("a text", "一段文字")
    assert members["absent"] == [{"name": "c.pdf", "en": "no font", "zh": "没有字体"}]
    sums = dict(line.split("  ")[::-1] for line in files[SUMS].decode().splitlines())
    assert set(sums) == {"b.txt", "a.json", MANIFEST}
    assert all(hashlib.sha256(files[name]).hexdigest() == digest for name, digest in sums.items())
