"""A client of others, as a program, reads every entry of our log over HTTP; the environment says which one.

`HENGZHENG_TLOG_CLIENT="program {url} {vkey}"` names it (see CONTRIBUTING); without it, it is the small reader in
`tests/tlog_client.py`, written from the C2SP specifications alone. A client that has not read what it says is found
out: it must refuse logs in which a single byte differs.
"""

import os
import shlex
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from line import Line, meter, write_rows
from served_home import serve

from ledger.core.note import NoteVerifier, encode_vkey
from ledger.core.signature import Ed25519Signer
from ledger.home import LOG_KEY, open_home

DEFAULT = (
    f"{shlex.quote(sys.executable)} {Path(__file__).resolve().parents[1] / 'tlog_client.py'} {{url}} {{vkey}}"
)
PATIENCE = 300


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """A log of some 270 entries: full and partial tiles on both levels."""
    made = Line(tmp_path_factory.mktemp("read"))
    made.init()
    made.set_up_authority()
    rows = [meter(number) for number in range(1, 266)]
    made.issue(write_rows(made.out / "rows.jsonl", rows), anchor=False, out=False)
    made.run("log", "export", made.out / "log")
    return made


@pytest.fixture(scope="module")
def vkey(line):
    home = open_home(line.home)
    return encode_vkey(NoteVerifier(home.origin, home.keystore.label(LOG_KEY).public_key))


def read(url, vkey):
    """Run the client; return its exit code and what it said."""
    words = shlex.split(os.environ.get("HENGZHENG_TLOG_CLIENT", DEFAULT))
    done = subprocess.run(
        [word.format(url=url, vkey=vkey) for word in words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextmanager
def static(folder):
    """Serve a folder as any static server would."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def test_it_reads_every_entry_from_a_running_server(line, vkey):
    with serve(line.home, "all") as server:
        code, said = read(server.url, vkey)
    assert code == 0, said


def test_it_reads_the_exported_files_from_any_static_server(line, vkey):
    with static(line.out / "log") as url:
        code, said = read(url, vkey)
    assert code == 0, said


@pytest.mark.parametrize("name", ["tile/entries/000", "tile/entries/001.p/*", "checkpoint"])
def test_it_refuses_a_log_in_which_a_byte_differs(line, vkey, tmp_path, name):
    folder = tmp_path / "log"
    shutil.copytree(line.out / "log", folder)
    (path,) = folder.glob(name)
    content = path.read_bytes()
    path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    with static(folder) as url:
        code, _ = read(url, vkey)
    assert code != 0


def test_it_refuses_the_log_of_another_key(line):
    stranger = NoteVerifier(open_home(line.home).origin, Ed25519Signer(bytes(32)).public_key)
    with static(line.out / "log") as url:
        code, _ = read(url, encode_vkey(stranger))
    assert code != 0
