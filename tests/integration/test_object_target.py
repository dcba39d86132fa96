"""Export to an object store: a foreign server that speaks S3, on this machine, in a process of its own."""

import hashlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import obstore
import pytest
from bare_log import bare_leaf, make_bare_store
from line import Line, run
from obstore.store import S3Store
from tlog_client import read_log
from world import ORIGIN

from api.ready import ASK_AGAIN, IMMUTABLE
from ledger.core.errors import InputError, StateError, UnavailableError
from ledger.core.tiles import list_files, tile_path
from ledger.export import export_log
from ledger.object_target import BucketTarget, describe_object, open_bucket, read_profile

PLACE = "s3://transparency/logs/2026"
SECRET = "not-a-secret-of-anybody"


@pytest.fixture(scope="module")
def endpoint():
    """moto's server on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                httpx2.get(f"{url}/moto-api/", trust_env=False)
                break
            except httpx2.HTTPError:
                assert process.poll() is None
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture
def bucket(endpoint, tmp_path, monkeypatch):
    """An empty bucket; keys and endpoint stand in shared files, as AWS programs have them."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    (tmp_path / "config").write_text(f"[profile mirror]\nregion = us-east-1\nendpoint_url = {endpoint}\n")
    keys = f"[mirror]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = {SECRET}\n"
    (tmp_path / "credentials").write_text(keys)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_PROFILE", "mirror")
    httpx2.post(f"{endpoint}/moto-api/reset", trust_env=False)
    httpx2.put(f"{endpoint}/transparency", trust_env=False)
    return S3Store(
        "transparency",
        prefix="logs/2026",
        config={
            "endpoint": endpoint,
            "region": "us-east-1",
            "aws_access_key_id": "k",
            "aws_secret_access_key": "s",
        },
        client_options={"allow_http": True},
    )


def export(size, place=PLACE, *, store=None, origin=ORIGIN):
    with (store or make_bare_store(size)).read() as reading, open_bucket(place) as target:
        return export_log(reading, [], origin, target)


def objects(bucket):
    return {meta["path"]: meta for metas in obstore.list(bucket) for meta in metas}


def expected(size):
    return {"checkpoint", "anchors.json", *(tile_path(tile) for tile in list_files(size))}


def test_a_foreign_reader_finds_every_entry_in_exactly_the_objects_of_the_checkpoint(bucket):
    done = export(600)
    assert objects(bucket).keys() == expected(600)
    entries, size, _ = read_log(lambda path: bytes(obstore.get(bucket, path).bytes()))
    assert (size, entries) == (600, [bare_leaf(index) for index in range(600)])
    assert (done.written, done.removed) == (len(list_files(600)), 0)


def test_headers_are_those_of_our_own_server(bucket):
    export(300)
    for path in expected(300):
        attributes = obstore.get(bucket, path).attributes
        assert attributes == describe_object(path), path
        assert attributes["Cache-Control"] == (IMMUTABLE if path.startswith("tile/") else ASK_AGAIN)


def test_again_nothing_is_sent_and_a_grown_log_sends_what_is_new(bucket):
    export(300)
    before = objects(bucket)
    assert export(300).written == 0
    done = export(700)
    names = {size: {tile_path(tile) for tile in list_files(size)} for size in (300, 700)}
    assert (done.written, done.removed) == (len(names[700] - names[300]), len(names[300] - names[700]))
    after = objects(bucket)
    assert after.keys() == expected(700)
    for path in names[300] & names[700]:
        assert after[path]["last_modified"] == before[path]["last_modified"]


@pytest.mark.parametrize("at", [0, 1, 4, 6])
def test_an_export_that_breaks_off_shows_no_checkpoint_and_goes_on(bucket, monkeypatch, at):
    export(300)
    real, left = BucketTarget._put, [at]

    def put(self, path, content):
        if left[0] == 0:
            raise UnavailableError("gone")
        left[0] -= 1
        real(self, path, content)

    monkeypatch.setattr(BucketTarget, "_put", put)
    with pytest.raises(UnavailableError):
        export(700)
    note = bytes(obstore.get(bucket, "checkpoint").bytes()).decode()
    assert note.split("\n")[1] == "300"
    assert {tile_path(tile) for tile in list_files(300)} <= objects(bucket).keys(), "the old log is whole"
    monkeypatch.setattr(BucketTarget, "_put", real)
    export(700)
    assert objects(bucket).keys() == expected(700)


def test_the_checkpoint_comes_when_all_else_is_there(bucket, monkeypatch):
    real, done = BucketTarget._put, []

    def put(self, path, content):
        time.sleep(0.2 if path.startswith("tile/") else 0)
        real(self, path, content)
        done.append(path)

    monkeypatch.setattr(BucketTarget, "_put", put)
    export(700)
    assert done[-1] == "checkpoint"
    assert set(done) == expected(700)


def test_what_a_broken_first_export_sent_is_not_sent_again(bucket, monkeypatch):
    export(700)
    obstore.delete(bucket, ["checkpoint", "tile/0/001"])
    changed = bytes(obstore.get(bucket, "tile/0/000").bytes())
    obstore.put(bucket, "tile/0/000", changed[:-1] + bytes([changed[-1] ^ 1]))
    assert export(700).written == 2, "what is missing, and what is not as it should be"
    assert bytes(obstore.get(bucket, "tile/0/000").bytes()) == changed
    assert read_log(lambda path: bytes(obstore.get(bucket, path).bytes()))[1] == 700


def test_a_place_with_other_objects_or_another_log_is_left_as_it_is(bucket):
    obstore.put(bucket, "tile/0/readme.txt", b"somebody's")
    with pytest.raises(StateError, match="no file of an exported log"):
        export(300)
    assert objects(bucket).keys() == {"tile/0/readme.txt"}
    obstore.delete(bucket, "tile/0/readme.txt")
    export(300)
    before = objects(bucket)
    with pytest.raises(StateError, match="name another place"):
        export(300, origin="ledger.example/other")
    with pytest.raises(StateError, match="name another place"):
        export(300, store=make_bare_store(200))
    assert objects(bucket) == before


def test_other_prefixes_are_not_touched(bucket):
    export(300, "s3://transparency/logs/20261")
    export(300)
    assert objects(bucket).keys() == expected(300)


@pytest.mark.parametrize(
    "place",
    [
        "s3://",
        "s3:///x",
        "s3://UPPER/x",
        "s3://transparency/../x",
        "s3://transparency/a//b",
        "gs://x/y",
        "http://x",
    ],
)
def test_a_place_that_is_none_is_refused(place, bucket):
    with pytest.raises(InputError, match="neither a folder nor"), open_bucket(place):
        pass


def test_a_bucket_that_is_not_there_is_told(bucket):
    with pytest.raises(InputError, match="no such bucket"):
        export(300, "s3://nowhere/x")


def test_a_store_out_of_reach_is_not_an_input_fault(bucket, tmp_path):
    (tmp_path / "config").write_text("[profile mirror]\nendpoint_url = http://127.0.0.1:9\nregion = x\n")
    with pytest.raises(UnavailableError, match="out of reach"):
        export(300)


@pytest.mark.parametrize(
    ("files", "profile", "mention"),
    [
        ({}, "absent", "no profile 'absent'"),
        ({"config": "no section"}, "mirror", "cannot be read"),
        (
            {"config": "[profile mirror]\nrole_arn = arn:aws:iam::1:role/x\n", "credentials": ""},
            "mirror",
            "role_arn",
        ),
        (
            {"config": "[profile mirror]\nendpoint_url = http://store.example\n"},
            "mirror",
            "endpoint_url: is the https",
        ),
        ({"config": "[profile mirror]\nendpoint_url = store\n"}, "mirror", "endpoint_url: is the https"),
        ({"config": "[profile mirror]\nsso_session = x\n", "credentials": ""}, "mirror", "sso_session"),
    ],
)
def test_a_profile_that_cannot_be_used_is_named(bucket, tmp_path, monkeypatch, files, profile, mention):
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    monkeypatch.setenv("AWS_PROFILE", profile)
    with pytest.raises(InputError, match=mention) as caught:
        export(300)
    assert SECRET not in str(caught.value)


def test_profiles_are_read_as_aws_reads_them(tmp_path):
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text("[default]\nregion = cn-north-1\n[profile other]\nregion = x\n")
    (tmp_path / ".aws" / "credentials").write_text(
        "[default]\naws_access_key_id = a\n[other]\naws_access_key_id = b\n"
    )
    home = {"HOME": str(tmp_path)}
    assert read_profile(home) == {"region": "cn-north-1", "aws_access_key_id": "a"}
    assert read_profile(home | {"AWS_PROFILE": "other"}) == {"region": "x", "aws_access_key_id": "b"}
    assert read_profile({"HOME": str(tmp_path / "none")}) == {}


def test_the_command_tells_the_same_as_for_a_folder_and_no_secret(bucket, tmp_path):
    line = Line(tmp_path / "line")
    line.init()
    line.set_up_authority()
    folder = line.run("log", "export", tmp_path / "log")
    answer = run("log", "export", PLACE, "--home", line.home, "--json")
    assert (answer.code, answer.members) == (0, folder)
    assert SECRET not in answer.out + answer.err
    assert {
        path.relative_to(tmp_path / "log").as_posix(): path.read_bytes()
        for path in Path(tmp_path / "log").rglob("*")
        if path.is_file()
    } == {path: bytes(obstore.get(bucket, path).bytes()) for path in objects(bucket)}
    etags = {path: meta["e_tag"].strip('"') for path, meta in objects(bucket).items()}
    for path, tag in etags.items():
        assert tag == hashlib.md5(bytes(obstore.get(bucket, path).bytes())).hexdigest()
