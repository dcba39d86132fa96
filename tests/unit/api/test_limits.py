"""The guard in front of an application, asked as a server asks it (ASGI)."""

import asyncio
import json

import pytest

from api.limits import MAX_HEADER_BYTES, MAX_TARGET_BYTES, MAX_UNDER_WAY, USUAL_BODY_BYTES, Guard

LIMITS = {"/large": 1000}
HEADERS = {"X-Content-Type-Options": "nosniff", "Content-Type": "never/used"}


class Asked:
    """One request, and what came of it."""

    def __init__(
        self, *messages, method="POST", path="/large", headers=(), query=b"", client=("10.0.0.1", 1)
    ):
        self.scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query,
            "headers": list(headers),
            "client": client,
        }
        self.messages = list(messages)
        self.received = 0
        self.sent = []

    async def receive(self):
        if not self.messages:
            await asyncio.sleep(3600)
        self.received += 1
        return self.messages.pop(0)

    async def send(self, message):
        self.sent.append(message)

    async def run(self, guard):
        await guard(self.scope, self.receive, self.send)
        return self

    @property
    def status(self):
        return self.sent[0]["status"]

    @property
    def headers(self):
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def body(self):
        return b"".join(message.get("body", b"") for message in self.sent[1:])


class Echo:
    """Answers with what it was sent."""

    def __init__(self):
        self.methods = []

    async def __call__(self, scope, receive, send):
        self.methods.append(scope["method"])
        message = await receive()
        assert not message["more_body"]
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}
        )
        await send({"type": "http.response.body", "body": b"echo:" + message["body"]})


def part(body, *, more=False):
    return {"type": "http.request", "body": body, "more_body": more}


def run(asked, **options):
    echo = Echo()
    asyncio.run(asked.run(Guard(echo, LIMITS, HEADERS, **options)))
    asked.echo = echo
    return asked


def length(number):
    return [(b"content-length", str(number).encode())]


def assert_problem(asked, status):
    assert asked.status == status
    assert asked.echo.methods == [], "the application never saw it"
    assert asked.headers["connection"] == "close"
    assert asked.headers["x-content-type-options"] == "nosniff"
    assert json.loads(asked.body)["status"] == status


def test_a_body_arrives_in_one_piece():
    asked = run(Asked(part(b"ab", more=True), part(b"", more=True), part(b"cd")))
    assert asked.body == b"echo:abcd"


@pytest.mark.parametrize("size", [0, 1, 999, 1000])
def test_a_body_up_to_its_limit_passes(size):
    assert run(Asked(part(bytes(size)), headers=length(size))).body == b"echo:" + bytes(size)


def test_a_body_that_says_it_is_too_long_is_refused_before_it_is_read():
    asked = run(Asked(part(bytes(1001)), headers=length(1001)))
    assert_problem(asked, 413)
    assert asked.received == 0


def test_a_body_that_does_not_say_how_long_it_is_is_read_up_to_its_limit():
    asked = run(Asked(*(part(bytes(400), more=True) for _ in range(9))))
    assert_problem(asked, 413)
    assert asked.received == 3


def test_a_body_that_is_longer_than_it_says_is_refused():
    assert_problem(run(Asked(part(bytes(1001)), headers=length(3))), 413)


@pytest.mark.parametrize(("size", "passes"), [(USUAL_BODY_BYTES, True), (USUAL_BODY_BYTES + 1, False)])
def test_other_paths_have_the_usual_limit(size, passes):
    asked = run(Asked(part(bytes(size)), path="/other", headers=length(size)))
    assert (asked.status == 200) is passes


@pytest.mark.parametrize("value", [b"", b"x", b"-1", b"1e3", b"+1", b"9" * 19, "٣".encode(), b"9" * 5000])
def test_a_length_that_is_none_is_refused(value):
    assert_problem(run(Asked(part(b""), headers=[(b"content-length", value)])), 400)


def test_a_body_that_does_not_arrive_in_time_is_refused():
    asked = run(Asked(part(b"a", more=True)), body_seconds=0.05)
    assert_problem(asked, 408)


def test_a_body_that_breaks_off_is_not_taken_for_the_whole():
    assert_problem(run(Asked(part(b"a", more=True), {"type": "http.disconnect"})), 400)


def test_get_and_head_are_not_asked_for_a_body():
    for method in ("GET", "HEAD"):
        asked = run(Asked(method=method))
        assert (asked.status, asked.received) == (200, 0)


def test_head_is_answered_as_get_without_the_body():
    asked = run(Asked(method="HEAD"))
    assert asked.echo.methods == ["GET"]
    assert asked.body == b""
    assert asked.scope["method"] == "HEAD", "the server still knows what was asked"


def test_headers_are_added_and_never_doubled():
    headers = run(Asked(part(b""))).sent[0]["headers"]
    assert headers.count((b"x-content-type-options", b"nosniff")) == 1
    assert [value for name, value in headers if name == b"content-type"] == [b"text/plain"]


@pytest.mark.parametrize(("extra", "passes"), [(0, True), (1, False)])
def test_addresses_have_a_limit(extra, passes):
    asked = run(Asked(method="GET", path="/" + "a" * (MAX_TARGET_BYTES - 1 - 10), query=b"b" * (10 + extra)))
    assert (asked.status == 200) is passes
    assert passes or asked.status == 414


@pytest.mark.parametrize(("extra", "passes"), [(0, True), (1, False)])
def test_headers_have_a_limit(extra, passes):
    asked = run(Asked(method="GET", headers=[(b"x", b"a" * (MAX_HEADER_BYTES - 1 + extra))]))
    assert (asked.status == 200) is passes
    assert passes or asked.status == 431


@pytest.mark.parametrize(
    ("own", "other"),
    [("10.0.0.1", "10.0.0.2"), ("2001:db8:1:2::{:x}", "2001:db8:1:3::1")],
    ids=["an address", "a network of IPv6"],
)
def test_one_caller_has_a_limited_number_of_requests_under_way(own, other):
    def ask(guard, address, number=0):
        return Asked(method="GET", client=(address.format(number), 1)).run(guard)

    async def main():
        release = asyncio.Event()

        async def slow(scope, receive, send):
            await release.wait()
            await Echo()(scope, receive, send)

        guard = Guard(slow, LIMITS, HEADERS)
        tasks = [asyncio.create_task(ask(guard, own, number)) for number in range(MAX_UNDER_WAY)]
        await asyncio.sleep(0)
        refused = await asyncio.wait_for(ask(guard, own, MAX_UNDER_WAY), timeout=1)
        tasks.append(asyncio.create_task(ask(guard, other)))
        await asyncio.sleep(0)
        release.set()
        return refused, await asyncio.gather(*tasks), await ask(guard, own)

    refused, done, again = asyncio.run(main())
    assert refused.status == 429
    assert refused.headers["retry-after"]
    assert {asked.status for asked in done} == {200}
    assert again.status == 200


def test_a_request_that_fails_is_no_longer_under_way():
    async def main():
        async def broken(scope, receive, send):
            raise RuntimeError

        guard = Guard(broken, LIMITS, HEADERS)
        for _ in range(MAX_UNDER_WAY + 1):
            with pytest.raises(RuntimeError):
                await Asked(method="GET").run(guard)

    asyncio.run(main())


def test_what_is_not_http_passes_untouched():
    async def main():
        seen = []

        async def app(scope, receive, send):
            seen.append(scope["type"])

        await Guard(app, LIMITS, HEADERS)({"type": "lifespan"}, None, None)
        return seen

    assert asyncio.run(main()) == ["lifespan"]
