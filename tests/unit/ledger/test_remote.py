"""A ledger behind HTTP: what an honest server answers is taken, whatever a lying one answers is not."""

import base64
import hashlib
import json
from dataclasses import replace

import httpx2
import pytest
from api_world import FOUNDED, ApiWorld
from world import AUTHORITY, Issued, World, make_signer

from ledger.bundling import build_bundles
from ledger.core.anchor import ChainIdentity, encode_receipt, parse_receipt, sign_receipt
from ledger.core.bundle import parse_bundle
from ledger.core.canonical import encode_canonical_json
from ledger.core.errors import (
    AlreadyIssuedError,
    BrokenSignatureError,
    DocumentRefusedError,
    InclusionProofError,
    InputError,
    NotFoundError,
    StaleVersionError,
    UnavailableError,
    VerificationError,
)
from ledger.core.event import certificate_subject, instrument_subject
from ledger.core.fields import Reader
from ledger.core.fold import find_subject
from ledger.core.ids import CertificateNumber, InstitutionId, LeafIndex
from ledger.core.statement import parse_signed_statement
from ledger.core.status import Status
from ledger.log import Log
from ledger.remote import RemoteLedger, _split
from ledger.submission import Acknowledgement, Refusal, Submission
from ledger.wire import MAX_ANSWER_BYTES, MAX_BUNDLES, MAX_ENTRIES, MAX_REQUEST_BYTES, Entry, encode_entries

URL = "http://127.0.0.1:8000"


@pytest.fixture
def served():
    with ApiWorld("ledger") as world:
        world.found()
        yield world


@pytest.fixture
def remote(served):
    with RemoteLedger(URL, served.policy, transport=served.client._transport) as ledger:
        yield ledger


class Liar:
    """A server in front of an honest one that changes what it answers."""

    def __init__(self, served):
        self.served = served
        self.requests = []

    def open(self, change, policy=None):
        def handle(request):
            self.requests.append(request)
            honest = self.served.client._transport.handle_request(request)
            honest.read()
            return change(honest)

        return RemoteLedger(URL, policy or self.served.policy, transport=httpx2.MockTransport(handle))

    def lie(self, change):
        """Open a ledger whose JSON answers are changed in place."""

        def change_response(response):
            members = json.loads(response.content)
            change(members)
            raw = json.dumps(members, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
            return httpx2.Response(response.status_code, content=raw.encode())

        return self.open(change_response)


@pytest.fixture
def liar(served):
    return Liar(served)


def pair(issued):
    return issued.raw, issued.body


# --- an honest server ---------------------------------------------------------------------------------------


def test_statements_are_acknowledged_with_their_leaves(served, remote):
    items = [served.sign(number) for number in (1, 2, 3)]
    results = remote.submit([pair(item) for item in items])
    assert [result.leaf_index for result in results] == [FOUNDED, FOUNDED + 1, FOUNDED + 2]
    leaves = [entry.leaf for entry in served.store.data.entries[FOUNDED:-1]]
    assert [result.leaf for result in results] == leaves
    assert results == served.ledger.submit([pair(item) for item in items])


def test_a_register_event_travels_without_a_body(served, remote):
    (result,) = remote.submit([(served.world.institution("350100-02"), None)])
    assert isinstance(result, Acknowledgement)


def test_nothing_is_sent_for_nothing(remote):
    assert remote.submit([]) == []
    assert remote.find_states([]) == {}


def test_many_statements_travel_in_several_requests(served, liar):
    items = [served.world.institution(f"I-{number}") for number in range(MAX_ENTRIES + 1)]
    with liar.open(lambda response: response) as ledger:
        results = ledger.submit([(item, None) for item in items])
    assert len({result.leaf_index for result in results}) == len(items)
    assert len(liar.requests) == 2


def test_no_request_is_larger_than_the_server_takes():
    pairs = [(bytes(200), bytes(250_000))] * 100
    batches = list(_split(pairs))
    assert sum(len(batch) for batch in batches) == 100
    assert max(len(encode_entries(batch)) for batch in batches) <= MAX_REQUEST_BYTES
    assert len(batches) < 6


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda served: served.sign(1, no="2026-0000009"), AlreadyIssuedError, "taken"),
        (lambda served: served.sign(9, no="2026-0000010", nonce="ef" * 16), StaleVersionError, "version"),
        (lambda served: World("other.example/log").issue(3), DocumentRefusedError, "signature"),
    ],
)
def test_a_refusal_comes_back_as_its_error(served, remote, make, error, text):
    served.issue(9, nonce="ee" * 16)
    (result,) = remote.submit([pair(make(served))])
    assert isinstance(result, Refusal)
    assert isinstance(result.error, error)
    assert text in str(result.error)


def test_states_of_subjects_come_back(served, remote):
    served.issue(1)
    raw = served.sign(1).raw
    subject = find_subject(parse_signed_statement(raw).statement)
    document = certificate_subject(InstitutionId("350100-01"), CertificateNumber("2026-0000001"))
    states = remote.find_states([subject, document, instrument_subject(bytes(16))])
    assert states == served.ledger.find_states([subject, document])
    assert states[subject].status is Status.VALID


def test_registers_come_back_verified(served, remote):
    assert remote.registers == served.log.registers


def test_registers_are_fetched_again_only_when_they_changed(served, liar):
    with liar.open(lambda response: response) as ledger:
        first = ledger.registers
        served.issue(1)
        assert ledger.registers is first
        remote_change = served.world.institution("350100-02")
        ledger.submit([(remote_change, None)])
        assert "350100-02" in ledger.registers.institutions
    statuses = [request.headers.get("if-none-match") is not None for request in liar.requests]
    assert statuses == [False, True, False, True]


def test_a_path_stands_before_the_routes(served):
    seen = []

    def handle(request):
        seen.append(request.url.path)
        return httpx2.Response(503)

    with (
        RemoteLedger(f"{URL}/prefix/", served.policy, transport=httpx2.MockTransport(handle)) as ledger,
        pytest.raises(UnavailableError),
    ):
        ledger.submit([(b"x", None)])
    assert seen == ["/prefix/entries"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ledger.example.cn",
        "ftp://127.0.0.1",
        "http://ledger.example.cn",
        "https://",
        "http://127.0.0.1.example.cn",
    ],
)
def test_statements_travel_only_where_nobody_listens(served, url):
    with pytest.raises(InputError, match="ledger"):
        RemoteLedger(url, served.policy)


# --- bundles ------------------------------------------------------------------------------------------------


def wanted(*items, first=FOUNDED):
    """Return what is wanted of documents that were submitted one after the other, each with its MAPHEAD."""
    return {LeafIndex(first + 2 * place): Entry(item.raw, item.body) for place, item in enumerate(items)}


@pytest.fixture
def items(served):
    """Three documents in the leaves 10, 12 and 14; the first two are anchored."""
    items = [served.sign(number) for number in (1, 2, 3)]
    for item in items[:2]:
        served.submit(item)
    served.anchor()
    served.submit(items[2])
    return items


def test_bundles_come_back_as_the_ledger_makes_them(served, remote, items):
    expected = build_bundles(served.prover, served.receipts, [LeafIndex(10), LeafIndex(12)])
    assert remote.bundles(wanted(*items)) == expected
    served.anchor()
    assert set(remote.bundles(wanted(*items))) == {10, 12, 14}


def test_a_log_that_is_anchored_nowhere_gives_bundles_without_receipts(served, items):
    policy = replace(served.policy, contract=None)
    with RemoteLedger(URL, policy, transport=served.client._transport) as ledger:
        bundles = ledger.bundles(wanted(*items))
    assert [parse_bundle(bundles[index]).receipt is None for index in (10, 12, 14)] == [False, False, True]


def test_nothing_is_asked_for_where_nothing_is_wanted_or_anchored(served, liar):
    item = served.sign(1)
    served.submit(item)
    with liar.open(lambda response: response) as ledger:
        assert ledger.bundles({}) == {}
        assert liar.requests == []
        assert ledger.bundles(wanted(item)) == {}
    assert [request.url.path for request in liar.requests] == ["/healthz"]


def test_many_bundles_are_asked_for_in_parts(served, liar):
    items = [served.sign(number) for number in range(MAX_BUNDLES + 1)]
    for item in items:
        served.submit(item)
    served.anchor()
    with liar.open(lambda response: response) as ledger:
        bundles = ledger.bundles(wanted(*items))
    assert len(bundles) == MAX_BUNDLES + 1
    assert [request.url.path for request in liar.requests] == ["/healthz", "/bundles", "/bundles"]


def test_documents_that_were_exchanged_are_noticed(remote, items):
    first, second, _ = items
    with pytest.raises(VerificationError, match="another document"):
        remote.bundles(wanted(second, first))


@pytest.mark.parametrize("kept", ["raw", "body"])
def test_statement_and_certificate_must_both_be_the_own(remote, items, kept):
    mixed = Issued(items[0].raw, items[1].body) if kept == "raw" else Issued(items[1].raw, items[0].body)
    with pytest.raises(VerificationError, match="another document"):
        remote.bundles(wanted(mixed))


def test_a_server_that_does_not_know_the_document_is_told_apart(served, items, liar):
    def claim_more(response):
        return (
            httpx2.Response(200, json={"anchored_size": 99})
            if b"anchored_size" in response.content
            else response
        )

    with liar.open(claim_more) as ledger, pytest.raises(NotFoundError):
        ledger.bundles(wanted(served.sign(4), first=16))
    with liar.open(claim_more) as ledger, pytest.raises(VerificationError, match="without its receipt"):
        ledger.bundles(wanted(items[2], first=14))


def test_bundles_that_the_server_exchanged_are_noticed(items, liar):
    def swap(response):
        lines = response.content.split(b"\n")
        return httpx2.Response(200, content=b"\n".join(reversed(lines)))

    with liar.open(swap) as ledger, pytest.raises(VerificationError, match="another document"):
        ledger.bundles(wanted(*items[:2]))


def change_bundle(change):
    """Return what changes the members of the first bundle, with the digest set right again."""

    def change_response(response):
        if not response.content.startswith(b'{"certificate"'):
            return response
        first, *others = response.content.split(b"\n")
        members = json.loads(first)
        change(members)
        members.pop("digest", None)
        members["digest"] = hashlib.sha256(encode_canonical_json(members)).hexdigest()
        return httpx2.Response(200, content=b"\n".join([encode_canonical_json(members), *others]))

    return change_response


def other_receipt(**changes):
    def change(members):
        receipt = members["receipt"]
        made = parse_receipt(Reader(dict(receipt)))
        made = replace(made, **{name: to for name, to in changes.items() if name != "signer"})
        signer = changes.get("signer", World().log_key)
        signed = sign_receipt(
            made.chain, made.tree_size, made.root_hash, made.tx_hash, made.block_number, made.block_hash,
            made.anchored_at, made.grade, signer,
        )  # fmt: skip
        members["receipt"] = encode_receipt(signed)

    return change


LIES = {
    "another index": lambda members: members["leaf"].update(index=12),
    "another hash": lambda members: members["inclusion"].__setitem__(0, base64.b64encode(bytes(32)).decode()),
    "a hash less": lambda members: members["inclusion"].pop(),
    "another origin": lambda members: members.update(origin="other.example/log"),
    "no receipt": lambda members: members.pop("receipt"),
    "a receipt of another key": other_receipt(signer=make_signer("other")),
    "a receipt of another size": other_receipt(tree_size=12),
    "a receipt of another root": other_receipt(root_hash=bytes(32)),
    "a receipt of another chain": other_receipt(chain=ChainIdentity(1, bytes(32), bytes(20), bytes(32))),
    "a changed receipt": lambda members: members["receipt"].update(block_number=8),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_bundle_that_does_not_hold_is_rejected(items, liar, lie):
    with liar.open(change_bundle(lie)) as ledger, pytest.raises(VerificationError):
        ledger.bundles(wanted(*items[:2]))


def test_the_lies_are_told_by_what_they_change(items, liar):
    with liar.open(change_bundle(lambda _: None)) as ledger:
        assert set(ledger.bundles(wanted(*items[:2]))) == {10, 12}
    with liar.open(change_bundle(other_receipt())) as ledger:
        assert set(ledger.bundles(wanted(*items[:2]))) == {10, 12}


@pytest.mark.parametrize("raw", [b"", b"{}", b"<html></html>", b'{"certificate":{}}'])
def test_what_is_no_bundle_is_rejected(items, liar, raw):
    def answer(response):
        return response if b"anchored_size" in response.content else httpx2.Response(200, content=raw)

    with liar.open(answer) as ledger, pytest.raises(UnavailableError, match="cannot be read"):
        ledger.bundles(wanted(items[0]))


def test_a_bundle_with_a_wrong_digest_is_rejected(items, liar):
    def damage(response):
        start = response.content.find(b'"digest":"') + 10
        digit = b"1" if response.content[start : start + 1] == b"0" else b"0"
        is_bundle = response.content.startswith(b'{"certificate"')
        raw = response.content[:start] + digit + response.content[start + 1 :]
        return httpx2.Response(200, content=raw) if is_bundle else response

    with liar.open(damage) as ledger, pytest.raises(VerificationError, match="damaged"):
        ledger.bundles(wanted(items[0]))


@pytest.mark.parametrize("change", [lambda raw: raw + b"\n" + raw, lambda raw: raw.split(b"\n")[0]])
def test_another_number_of_bundles_is_rejected(items, liar, change):
    def change_response(response):
        is_bundle = response.content.startswith(b'{"certificate"')
        return httpx2.Response(200, content=change(response.content)) if is_bundle else response

    with liar.open(change_response) as ledger, pytest.raises(VerificationError, match="for 2 documents"):
        ledger.bundles(wanted(*items[:2]))


# --- a lying one --------------------------------------------------------------------------------------------


def another_index(members):
    members["results"][0]["index"] = 4


def another_header(members):
    header = bytearray(base64.b64decode(members["results"][0]["header"]))
    header[50] ^= 1
    members["results"][0]["header"] = base64.b64encode(header).decode()


def another_hash(members):
    members["results"][0]["inclusion"][0] = base64.b64encode(bytes(32)).decode()


def a_hash_less(members):
    members["results"][0]["inclusion"].pop()


def a_hash_more(members):
    members["results"][0]["inclusion"].append(base64.b64encode(bytes(32)).decode())


@pytest.mark.parametrize("change", [another_index, another_header, another_hash, a_hash_less, a_hash_more])
def test_a_receipt_without_the_leaf_is_rejected(served, liar, change):
    with liar.lie(change) as ledger, pytest.raises(InclusionProofError):
        ledger.submit([pair(served.sign(1))])


def test_the_leaf_of_another_statement_is_rejected(served, liar):
    """The proof holds, but for another leaf: with our own statement behind the header it does not."""
    served.issue(1)

    def change(members):
        members["results"][0] = served.post(
            [{"statement": base64.b64encode(served.sign(1).raw).decode()}]
        ).json()["results"][0]

    with liar.lie(change) as ledger, pytest.raises(VerificationError):
        ledger.submit([pair(served.sign(2))])


def test_a_checkpoint_of_another_key_is_rejected(served, liar):
    policy = replace(served.policy, log_key=make_signer("other").public_key)
    with liar.open(lambda response: response, policy) as ledger, pytest.raises(BrokenSignatureError):
        ledger.submit([pair(served.sign(1))])


def test_a_checkpoint_of_another_log_is_rejected(served, liar):
    policy = replace(served.policy, origin="other.example/log")
    with liar.open(lambda response: response, policy) as ledger, pytest.raises(InputError):
        ledger.submit([pair(served.sign(1))])


def test_an_older_checkpoint_that_does_not_hold_the_leaf_is_rejected(served, liar):
    old = served.log.checkpoint
    with (
        liar.lie(lambda members: members.update(checkpoint=old)) as ledger,
        pytest.raises(InclusionProofError),
    ):
        ledger.submit([pair(served.sign(1))])


@pytest.mark.parametrize("results", [[], "twice"])
def test_another_number_of_results_is_rejected(served, liar, results):
    def change(members):
        members["results"] = members["results"] * 2 if results else []

    with liar.lie(change) as ledger, pytest.raises(VerificationError, match="results for 1"):
        ledger.submit([pair(served.sign(1))])


def test_a_refusal_of_another_key_is_rejected(served, liar):
    policy = replace(served.policy, log_key=make_signer("other").public_key)
    with liar.open(lambda response: response, policy) as ledger, pytest.raises(BrokenSignatureError):
        ledger.submit([(b"nonsense", None)])


def test_a_changed_reason_is_rejected(liar):
    def change(members):
        members["results"][0]["refusal"]["reasons"][0]["code"] = "STALE_VERSION"

    with liar.lie(change) as ledger, pytest.raises(BrokenSignatureError):
        ledger.submit([(b"nonsense", None)])


def test_the_refusal_of_another_statement_is_rejected(served, liar):
    other = served.post([{"statement": base64.b64encode(b"other").decode()}]).json()["results"]
    with (
        liar.lie(lambda members: members.update(results=other)) as ledger,
        pytest.raises(VerificationError, match="another statement"),
    ):
        ledger.submit([(b"nonsense", None)])


def test_a_leaf_without_effect_is_no_acknowledgement(served):
    """A log that keeps void leaves proves this one; it is still not issued."""
    bad = served.sign(1)
    log = Log(served.store, served.log.origin, served.world.log_key, served.clock, keep_void=True)
    log.append([Submission(parse_signed_statement(served.world.issue(1, version=7).raw), bad.body)])
    raw = served.world.issue(1, version=7).raw
    with (
        RemoteLedger(URL, served.policy, transport=served.client._transport) as ledger,
        pytest.raises(VerificationError, match="without effect"),
    ):
        ledger.submit([(raw, bad.body)])


def test_registers_of_another_root_are_rejected(served, liar):
    policy = replace(served.policy, root_digest=bytes(32))
    with liar.open(lambda response: response, policy) as ledger, pytest.raises(VerificationError):
        _ = ledger.registers


def test_registers_with_a_changed_leaf_are_rejected(liar):
    def change(members):
        leaf = members["evidence"]["leaves"][1]
        raw = bytearray(base64.b64decode(leaf["leaf"]))
        raw[-1] ^= 1
        leaf["leaf"] = base64.b64encode(raw).decode()

    with liar.lie(change) as ledger, pytest.raises(VerificationError):
        _ = ledger.registers


# --- a broken one -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "response",
    [
        httpx2.Response(200, content=b"<html>welcome</html>"),
        httpx2.Response(200, content=b""),
        httpx2.Response(200, content=b"{}"),
        httpx2.Response(200, content=b'{"results":[1]}'),
        httpx2.Response(500),
        httpx2.Response(502, content=b"bad gateway"),
        httpx2.Response(503, json={"detail": "later"}),
        httpx2.Response(429),
        httpx2.Response(302, headers={"Location": "https://elsewhere.example/"}),
        httpx2.Response(204),
        httpx2.Response(418),
    ],
    ids=lambda response: str(response.status_code),
)
def test_an_answer_that_cannot_be_read_leaves_everything_open(served, response):
    with (
        RemoteLedger(URL, served.policy, transport=httpx2.MockTransport(lambda _: response)) as ledger,
        pytest.raises(UnavailableError),
    ):
        ledger.submit([(b"x", None)])


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, NotFoundError), (409, AlreadyIssuedError), (413, InputError), (422, InputError)],
)
def test_a_problem_comes_back_as_its_error(served, status, error):
    response = httpx2.Response(status, json={"detail": "what is wrong", "status": status})
    with (
        RemoteLedger(URL, served.policy, transport=httpx2.MockTransport(lambda _: response)) as ledger,
        pytest.raises(error, match="what is wrong"),
    ):
        ledger.submit([(b"x", None)])


@pytest.mark.parametrize(
    "error", [httpx2.ConnectError("x"), httpx2.ReadTimeout("x"), httpx2.RemoteProtocolError("x")]
)
def test_a_server_out_of_reach_leaves_everything_open(served, error):
    def fail(_request):
        raise error

    with (
        RemoteLedger(URL, served.policy, transport=httpx2.MockTransport(fail)) as ledger,
        pytest.raises(UnavailableError, match="out of reach"),
    ):
        ledger.submit([(b"x", None)])


def test_an_answer_without_end_is_cut(served):
    response = httpx2.Response(200, content=bytes(MAX_ANSWER_BYTES + 1))
    with (
        RemoteLedger(URL, served.policy, transport=httpx2.MockTransport(lambda _: response)) as ledger,
        pytest.raises(UnavailableError, match="more than it should"),
    ):
        ledger.submit([(b"x", None)])


def test_the_key_of_an_authority_is_no_institution(remote):
    assert AUTHORITY not in remote.registers.institutions
