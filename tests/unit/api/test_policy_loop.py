import asyncio
import threading
from dataclasses import replace

import pytest
from ledger_in_memory import MemoryLedger
from structlog.testing import capture_logs

from api.policy_loop import CurrentApp, PolicyLoop
from ledger.core.errors import InputError, PolicyMismatchError, StoreUnavailableError
from ledger.core.policy import encode_policy

ENOUGH = 10.0


@pytest.fixture(scope="module")
def policy():
    return replace(MemoryLedger().found().policy(), version=3)


class Looking:
    """A loop whose thread is not started, and what it has handed on."""

    def __init__(self, path, policy):
        self.path, self.seen = path, []
        path.write_bytes(encode_policy(policy))
        self.loop = PolicyLoop(path, policy, self.seen.append)

    def look(self, raw):
        self.path.write_bytes(raw if isinstance(raw, bytes) else encode_policy(raw))
        self.loop.look()
        return self.seen


@pytest.fixture
def looking(tmp_path, policy):
    return Looking(tmp_path / "policy.json", policy)


def test_a_later_policy_is_taken_up_once(looking, policy):
    later = replace(policy, version=4)
    assert looking.look(policy) == []
    assert looking.look(later) == [later]
    assert looking.look(later) == [later]


def test_so_is_one_of_the_same_version_as_with_the_first_anchor(looking, policy):
    anchored = replace(policy, contract=None)
    assert looking.look(anchored) == [anchored]


def test_a_lower_version_is_not_served(looking, policy):
    with capture_logs() as logs:
        assert looking.look(replace(policy, version=2)) == []
    assert [(line["event"], line["version"], line["served"]) for line in logs] == [
        ("an older policy is not served", 2, 3)
    ]


def test_nor_is_one_lower_than_what_was_served_meanwhile(looking, policy):
    looking.look(replace(policy, version=5))
    assert looking.look(replace(policy, version=4)) == [replace(policy, version=5)]


def test_one_that_is_only_formatted_otherwise_changes_nothing(looking, policy):
    assert looking.look(encode_policy(policy).replace(b",", b",\n ")) == []


@pytest.mark.parametrize("raw", [b"", b"{}", b"{", b'{"type":"hengzheng/policy/v1"}'])
def test_what_is_no_policy_is_refused_once_and_for_all(looking, raw):
    with pytest.raises(InputError):
        looking.look(raw)
    assert looking.look(raw) == []


def test_what_could_not_be_taken_up_is_taken_up_at_the_next_look(tmp_path, policy):
    """The application is made anew, for which the store may be out of reach at that moment."""
    served, later = [], replace(policy, version=4)

    def serve(newer):
        served.append(newer)
        if len(served) == 1:
            raise StoreUnavailableError("out of reach")

    path = tmp_path / "policy.json"
    loop = PolicyLoop(path, policy, serve)
    path.write_bytes(encode_policy(later))
    with pytest.raises(StoreUnavailableError):
        loop.look()
    loop.look()
    loop.look()
    assert served == [later, later]


def test_nor_is_the_policy_of_another_log_taken_up(looking, policy):
    with pytest.raises(PolicyMismatchError):
        looking.look(replace(policy, version=9, origin="other.example/2026"))
    assert looking.seen == []


def test_the_thread_goes_on_after_a_bad_file(tmp_path, policy):
    path, done = tmp_path / "policy.json", threading.Event()
    with PolicyLoop(path, policy, lambda _: done.set(), seconds=0.001) as loop:
        path.write_bytes(b"{")
        path.write_bytes(encode_policy(replace(policy, version=4)))
        assert done.wait(ENOUGH)
    assert not loop._thread.is_alive()


def test_a_request_ends_with_the_application_that_it_began_with():
    said = []

    async def old(scope, receive, send):
        current.exchange(new)
        await asyncio.sleep(0)
        said.append("old")

    async def new(scope, receive, send):
        said.append("new")

    current = CurrentApp(old)

    async def ask_twice():
        await current({}, None, None)
        await current({}, None, None)

    asyncio.run(ask_twice())
    assert said == ["old", "new"]
