"""A door in front of long bodies, asked through the guard as a server asks it (ASGI)."""

import asyncio

import pytest
from starlette.responses import Response

from api.door import MAX_OF_CALLER, MAX_UNDER_WAY, Door
from api.limits import Guard

HEADERS = {"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}
OWN = {"Retry-After": "2", "Referrer-Policy": "same-origin"}
CALLERS = [f"203.0.113.{number}" for number in range(MAX_UNDER_WAY)]


def write_busy(request):
    return Response(f"busy: {request.method}", 503, OWN)


class Served:
    """A guard with a door, before an application that answers when it is told to."""

    def __init__(self):
        self.release = asyncio.Event()
        doors = {"/long": Door(write_busy), "/other": Door(write_busy)}
        self.guard = Guard(self.answer, {"/long": 100}, HEADERS, doors=doors)
        self.tasks = []

    async def answer(self, scope, receive, send):
        await self.release.wait()
        await Response("taken")(scope, receive, send)

    async def ask(self, address, method="POST", path="/long", body=b"x"):
        """Return status and headers; None where the answer is still waited for."""
        started = []

        async def receive():
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message):
            if message["type"] == "http.response.start":
                headers = {name.decode(): value.decode() for name, value in message["headers"]}
                started.append((message["status"], headers))

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [],
            "client": (address, 1),
        }
        self.tasks.append(asyncio.create_task(self.guard(scope, receive, send)))
        for _ in range(5):
            await asyncio.sleep(0)
        return started[0] if started else None

    async def finish(self):
        self.release.set()
        await asyncio.gather(*self.tasks)


def run(drill):
    async def main():
        served = Served()
        found = await drill(served)
        await served.finish()
        return found

    return asyncio.run(main())


def test_few_are_let_in_at_a_time_and_the_next_when_one_has_gone():
    async def drill(served):
        waiting = [await served.ask(address) for address in CALLERS]
        refused = await served.ask("198.51.100.9")
        await served.finish()
        return waiting, refused, await served.ask("198.51.100.9")

    waiting, refused, again = run(drill)
    assert waiting == [None] * MAX_UNDER_WAY
    assert refused[0] == 503
    assert again[0] == 200


def test_one_caller_does_not_shut_out_the_others():
    async def drill(served):
        of_one = [await served.ask("203.0.113.7") for _ in range(MAX_OF_CALLER + 1)]
        return of_one, await served.ask("198.51.100.9")

    (*waiting, refused), other = run(drill)
    assert waiting == [None] * MAX_OF_CALLER
    assert refused[0] == 503
    assert other is None, "let in"


def test_nor_do_all_addresses_of_one_ipv6_network():
    async def drill(served):
        of_one = [await served.ask(f"2001:db8:1:2::{number:x}") for number in range(MAX_UNDER_WAY)]
        return of_one, await served.ask("198.51.100.9")

    of_one, other = run(drill)
    assert [one is None for one in of_one].count(True) == MAX_OF_CALLER
    assert other is None, "let in"


def test_the_answer_at_the_door_carries_the_security_headers():
    async def drill(served):
        return [await served.ask("203.0.113.7") for _ in range(MAX_OF_CALLER + 1)][-1]

    status, headers = run(drill)
    assert status == 503
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["retry-after"] == "2"
    assert headers["referrer-policy"] == "same-origin", "what a page says of itself stays"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_bodies_that_are_refused_in_the_end_pass_the_same_door(method):
    async def drill(served):
        return [await served.ask("203.0.113.7", method) for _ in range(MAX_OF_CALLER + 1)][-1]

    assert run(drill)[0] == 503


def test_each_path_has_a_door_of_its_own_and_reading_needs_none():
    async def drill(served):
        for _ in range(MAX_OF_CALLER):
            await served.ask("203.0.113.7")
        ways = (("POST", "/other"), ("POST", "/open"), ("GET", "/long"), ("HEAD", "/long"))
        return [await served.ask("203.0.113.7", method, path) for method, path in ways]

    assert run(drill) == [None] * 4, "let in"


def test_who_is_refused_for_the_body_has_left():
    async def drill(served):
        found = [await served.ask("203.0.113.7", body=bytes(101)) for _ in range(MAX_OF_CALLER + 1)]
        return [status for status, _ in found]

    assert run(drill) == [413] * (MAX_OF_CALLER + 1)
