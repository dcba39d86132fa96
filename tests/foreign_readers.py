"""Readers for the confined process that do what a hostile file might make one do."""

import os
import socket
import subprocess
import time
from pathlib import Path


def echo(file):
    yield file.read().decode()
    file.seek(0)
    yield len(file.read())


def nothing(file):
    return []


def refuse(file):
    from ledger.core.errors import InputError

    yield "taken"
    raise InputError("is not what it says", field="row 2")


def refuse_whole(file):
    from ledger.core.errors import MalformedDocumentError

    raise MalformedDocumentError("is nothing")


def fail(file):
    yield "taken"
    raise KeyError("secret")


def eat(file):
    yield len(b"x" * (400 * 1024**2))


def say_much(file):
    for _ in range(300):
        yield "x" * 10_000


def eat_slowly(file):
    kept = []
    while True:
        kept.append(bytearray(1024**2))


def spin(file):
    while True:
        pass


def sleep(file):
    time.sleep(600)
    yield 1


def talk(file):
    while True:
        yield "x" * 10_000


def end(file):
    yield "taken"
    os._exit(0)


def crash(file):
    yield "taken"
    os.abort()


def lie(file):
    import sys

    sys.stdout.write('{"row":1}\n{"row":2}\n{"end":7}\n')
    sys.stdout.flush()
    os._exit(0)


def babble(file):
    import sys

    sys.stdout.write('{"row":1}\nnot json\n[]\n')
    sys.stdout.flush()
    os._exit(0)


ATTEMPTS = {
    "open": lambda: open("/etc/passwd"),  # noqa: PTH123, SIM115 -- what is tried
    "write": lambda: open("/tmp/hengzheng-confined", "w"),  # noqa: PTH123, SIM115 -- what is tried
    "connect": lambda: socket.create_connection(("127.0.0.1", 9), 1),
    "socket": socket.socket,
    "pipe": os.pipe,
    "dup": lambda: os.dup(0),
    "run": lambda: subprocess.run(["/bin/true"], check=True),
    "raise a limit": lambda: __import__("resource").setrlimit(7, (100, 100)),
}


def attempt(file):
    """Try what the file names; say what came of it."""
    try:
        ATTEMPTS[file.read().decode()]()
    except (OSError, RuntimeError, ValueError) as err:
        yield type(err).__name__
    else:
        yield "done"


def look(file):
    """Say what the process was given."""
    import sys

    descriptors = []
    for number in range(64):
        try:
            os.fstat(number)
        except OSError:
            continue
        descriptors.append(number)
    yield {
        "environment": sorted(os.environ),
        "cwd": str(Path.cwd()),
        "isolated": sys.flags.isolated,
        "open": descriptors,
    }
