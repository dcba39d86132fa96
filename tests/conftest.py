"""What every test shares: hypothesis profiles, closed sockets, the switch for long drills.

CI=true           derandomised examples, so that the same tree gives the same verdict
HENGZHENG_LONG=1  many more examples, and the tests marked `slow`
"""

import ipaddress
import multiprocessing
import os
import socket
import sys
from multiprocessing import forkserver

import pytest
import tally
from hypothesis import HealthCheck, settings

LONG = os.environ.get("HENGZHENG_LONG") == "1"

settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True, database=None, print_blob=True)
settings.register_profile("long", settings.get_profile("dev"), max_examples=2_000, print_blob=True)
settings.load_profile("long" if LONG else "ci" if os.environ.get("CI") == "true" else "dev")


class OutsideConnectionError(RuntimeError):
    """A test reached for another machine. No OSError, so that no retry loop swallows it."""


def _is_loopback(host: object) -> bool:
    text = host.decode() if isinstance(host, bytes) else str(host)
    if text in {"", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(text.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _is_name(host: object) -> bool:
    """Say whether looking this up would ask a name server."""
    if host is None or _is_loopback(host):
        return False
    try:
        ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host))
    except ValueError:
        return True
    return False


def _refuse_outside(event: str, args: tuple) -> None:
    """Stop connections and look-ups that would leave this machine (an audit hook, PEP 578).

    It sees what Python's own socket module does; libpq and other C libraries go unseen.
    """
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        sock, address = args[:2]
        if address and sock.family in {socket.AF_INET, socket.AF_INET6} and not _is_loopback(address[0]):
            message = f"tests may reach this machine only, not {address[0]}"
            raise OutsideConnectionError(message)
    elif event in {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"} and _is_name(
        args[0]
    ):
        message = f"tests may not look up host names: {args[0]}"
        raise OutsideConnectionError(message)


def pytest_configure() -> None:
    sys.addaudithook(_refuse_outside)


def pytest_sessionfinish(session) -> None:
    """Hand what drills have counted to the process that writes the summary, where several run tests."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["drills"] = tally.LINES


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node) -> None:
    tally.LINES.extend(getattr(node, "workeroutput", {}).get("drills", []))


def pytest_terminal_summary(terminalreporter) -> None:
    if tally.LINES:
        terminalreporter.section("drills")
        for line in tally.LINES:
            terminalreporter.write_line(line)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not LONG:
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="a long drill: make drill, or HENGZHENG_LONG=1"))


@pytest.fixture(scope="session")
def processes():
    """A server that has loaded everything once, so that each process of a drill starts in milliseconds."""
    context = multiprocessing.get_context("forkserver")
    postgres = ("psycopg", "sqlalchemy.dialects.postgresql.psycopg")
    context.set_forkserver_preload(["log_worker", "line_worker", "crash_worker", "call_worker", *postgres])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        forkserver.ensure_running()
    return context
