"""`POST /entries`, `POST /subjects`, `/registers`: what goes in, and every way in which it must not."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from api_world import FOUNDED, ApiWorld, entry
from world import INSTITUTION, Issued, World, make_signer

from api.schemas.entries import EntriesAnswer, SubjectsAnswer
from api.schemas.problems import ProblemShape
from ledger.core.canonical import encode_canonical_json
from ledger.core.checkpoint import verify_checkpoint
from ledger.core.errors import LogIntegrityError
from ledger.core.event import instrument_subject
from ledger.core.fold import find_subject
from ledger.core.note import NoteVerifier
from ledger.core.refusal import parse_refusal, verify_refusal
from ledger.core.register_fields import RegisterState
from ledger.core.statement import parse_signed_statement
from ledger.core.trust import open_trust_list, parse_trust_list
from ledger.wire import MAX_ENTRIES, MAX_REQUEST_BYTES, MAX_SUBJECTS, parse_answer

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def served():
    with ApiWorld("ledger") as world:
        world.found()
        yield world


def send(served, raw, path="/entries", **headers):
    if isinstance(raw, str):
        raw = raw.encode("utf-8", "surrogatepass")
    return served.client.post(path, content=raw, headers=JSON | headers)


def assert_problem(response, status):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    return ProblemShape.model_validate(response.json())


# --- what goes in -------------------------------------------------------------------------------------------


def test_a_certificate_is_logged_and_proved(served):
    issued = served.sign(1)
    response = served.post([entry(issued.raw, issued.body)])
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    EntriesAnswer.model_validate(response.json())
    answer = parse_answer(response.content)
    verifier = NoteVerifier(served.log.origin, served.world.log_key.public_key)
    assert verify_checkpoint(answer.checkpoint, verifier).tree_size == FOUNDED + 2
    assert answer.outcomes[0].leaf_index == FOUNDED


def test_the_body_is_kept_as_it_was_sent(served):
    issued = served.sign(1)
    served.submit(issued)
    assert list(served.store.data.documents.values()) == [issued.body]


def test_256_entries_go_in_one_request(served):
    items = [served.sign(number) for number in range(MAX_ENTRIES)]
    results = served.post([entry(item.raw, item.body) for item in items]).json()["results"]
    assert [result["index"] for result in results] == list(range(FOUNDED, FOUNDED + MAX_ENTRIES))


def test_the_same_request_twice_gives_the_same_leaves(served):
    items = [served.sign(number) for number in (1, 2)]
    first, second = (served.post([entry(item.raw, item.body) for item in items]).json() for _ in range(2))
    assert [result["index"] for result in first["results"]] == [FOUNDED, FOUNDED + 1]
    assert first == second
    assert served.log.head.tree_size == FOUNDED + 3


def test_the_same_request_from_many_at_once_gives_one_leaf(served):
    issued = served.sign(1)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: served.post([entry(issued.raw, issued.body)]).json(), range(16)))
    assert {answer["results"][0]["index"] for answer in answers} == {FOUNDED}
    assert served.log.head.tree_size == FOUNDED + 2


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_the_content_type_may_have_parameters(served, content_type):
    issued = served.sign(1)
    raw = json.dumps({"entries": [entry(issued.raw, issued.body)]})
    assert send(served, raw, **{"Content-Type": content_type}).status_code == 200


# --- idempotency keys ---------------------------------------------------------------------------------------


def test_a_key_may_be_used_again_with_the_same_body(served):
    items = [entry(served.sign(1).raw, served.sign(1).body)]
    first, second = (served.post(items, **{"Idempotency-Key": "a"}) for _ in range(2))
    assert first.json() == second.json()


def test_a_key_may_not_be_used_again_with_another_body(served):
    one, two = ([entry(item.raw, item.body)] for item in (served.sign(1), served.sign(2)))
    served.post(one, **{"Idempotency-Key": "a"})
    assert "Idempotency-Key" in assert_problem(served.post(two, **{"Idempotency-Key": "a"}), 409).detail
    assert served.log.head.tree_size == FOUNDED + 2
    assert served.post(two, **{"Idempotency-Key": "b"}).status_code == 200


def test_a_malformed_request_does_not_use_up_its_key(served):
    assert send(served, "{}", **{"Idempotency-Key": "a"}).status_code == 422
    assert served.post([entry(b"x")], **{"Idempotency-Key": "a"}).status_code == 200


@pytest.mark.parametrize("key", ["a b", "x" * 129, "\t"])
def test_a_key_is_visible_ascii(served, key):
    assert (
        assert_problem(served.post([entry(b"x")], **{"Idempotency-Key": key}), 422).field == "Idempotency-Key"
    )


# --- malformed requests: refused whole, nothing changes -----------------------------------------------------

S = base64.b64encode(b"statement").decode()
ITEM = f'{{"statement":"{S}"}}'


def wrap(item):
    return f'{{"entries":[{item}]}}'


MALFORMED = {
    "empty body": "",
    "white space": " \n",
    "not JSON": "entries",
    "HTML": "<html></html>",
    "a form": "entries=1",
    "cut off": '{"entries":[{"statement":"AA=="}',
    "two documents": wrap(ITEM) * 2,
    "trailing bytes": wrap(ITEM) + "x",
    "trailing comma": f'{{"entries":[{ITEM},]}}',
    "comment": wrap(ITEM) + "// done",
    "single quotes": "{'entries':[]}",
    "byte order mark": "\ufeff" + wrap(ITEM),
    "UTF-16": wrap(ITEM).encode("utf-16"),
    "not UTF-8": b'{"entries":[{"statement":"\xff"}]}',
    "NUL bytes": b"\x00" * 40,
    "a list": f"[{ITEM}]",
    "a text": '"entries"',
    "a number": "1",
    "null": "null",
    "true": "true",
    "no member": "{}",
    "null member": '{"entries":null}',
    "object for list": f'{{"entries":{ITEM}}}',
    "text for list": f'{{"entries":"{S}"}}',
    "empty list": '{"entries":[]}',
    "list of texts": f'{{"entries":["{S}"]}}',
    "list of lists": f'{{"entries":[[{ITEM}]]}}',
    "list of nulls": '{"entries":[null]}',
    "257 entries": f'{{"entries":[{",".join([ITEM] * 257)}]}}',
    "10,001 entries": f'{{"entries":[{",".join([ITEM] * 10_001)}]}}',
    "unknown member outside": f'{{"entries":[{ITEM}],"more":true}}',
    "unknown member inside": wrap(f'{{"statement":"{S}","more":true}}'),
    "another spelling of a name": wrap(f'{{"Statement":"{S}"}}'),
    "name with a space": wrap(f'{{"statement ":"{S}"}}'),
    "name that is not ASCII": wrap(f'{{"statement":"{S}","名":"x"}}'),
    "member twice outside": f'{{"entries":[{ITEM}],"entries":[{ITEM}]}}',
    "member twice inside": wrap(f'{{"statement":"{S}","statement":"{S}"}}'),
    "member twice by an escape": wrap(f'{{"statement":"{S}","\\u0073tatement":"{S}"}}'),
    "no statement": wrap("{}"),
    "certificate alone": wrap(f'{{"certificate":"{S}"}}'),
    "null statement": wrap('{"statement":null}'),
    "null certificate": wrap(f'{{"statement":"{S}","certificate":null}}'),
    "number for statement": wrap('{"statement":1}'),
    "true for statement": wrap('{"statement":true}'),
    "list for statement": wrap(f'{{"statement":["{S}"]}}'),
    "object for certificate": wrap(f'{{"statement":"{S}","certificate":{{}}}}'),
    "NaN": wrap('{"statement":NaN}'),
    "Infinity": wrap('{"statement":Infinity}'),
    "-Infinity": wrap('{"statement":-Infinity}'),
    "float": wrap('{"statement":1.0}'),
    "exponent": wrap('{"statement":1e3}'),
    "huge exponent": wrap('{"statement":1e999}'),
    "minus zero": wrap('{"statement":-0}'),
    "integer beyond 2^53": wrap('{"statement":9007199254740992}'),
    "5,000 digits": wrap(f'{{"statement":{"9" * 5000}}}'),
    "leading zero": wrap('{"statement":01}'),
    "U+0000": wrap('{"statement":"\\u0000"}'),
    "lone surrogate": wrap('{"statement":"\\ud800"}'),
    "lone low surrogate": wrap('{"statement":"\\udc00x"}'),
    "raw surrogate": wrap('{"statement":"\ud800"}'),
    "U+0000 in a name": wrap(f'{{"statement":"{S}","\\u0000":"x"}}'),
    "control character": wrap('{"statement":"A\nA=="}'),
    "100,000 lists": "[" * 100_000,
    "100,000 objects": '{"a":' * 100_000,
    "deep and closed": f'{{"entries":{"[" * 5000}{"]" * 5000}}}',
    "33 levels": wrap('{"statement":' + "[" * 31 + "]" * 31 + "}"),
    "base64url": wrap('{"statement":"-_8="}'),
    "base64 without padding": wrap('{"statement":"AA"}'),
    "base64 with too much padding": wrap('{"statement":"AAA=="}'),
    "padding in the middle": wrap('{"statement":"AA==AAAA"}'),
    "trailing bits": wrap('{"statement":"AB=="}'),
    "base64 with white space": wrap('{"statement":"AA== "}'),
    "base64 with a line end": wrap('{"statement":"AA==\\n"}'),
    "base64 of five characters": wrap('{"statement":"AAAAA"}'),
    "hex": wrap('{"statement":"d28443a1"}').replace("d28443a1", "d28443a1f"),
    "not base64": wrap('{"statement":"统计"}'),
    "one sign": wrap('{"statement":"="}'),
    "bad certificate": wrap(f'{{"statement":"{S}","certificate":"x"}}'),
    "the second of two": f'{{"entries":[{ITEM},{{"statement":"x"}}]}}',
    "full-width digits": wrap('{"statement":１}'),
    "a proto": f'{{"entries":[{ITEM}],"__proto__":{{}}}}',
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_request_is_refused_whole(served, raw):
    problem = assert_problem(send(served, raw), 422)
    assert problem.type in {
        "urn:hengzheng:problem:malformed-document",
        "urn:hengzheng:problem:non-canonical-encoding",
    }
    assert len(problem.detail) < 400
    assert served.log.head.tree_size == FOUNDED


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("unknown member inside", "entries[0]"),
        ("the second of two", "entries[1].statement"),
        ("trailing bits", "entries[0].statement"),
        ("bad certificate", "entries[0].certificate"),
        ("no statement", "entries[0].statement"),
        ("NaN", "entries[0].statement"),
        ("member twice inside", "entries[0].statement"),
        ("lone surrogate", "entries[0].statement"),
        ("U+0000", "entries[0].statement"),
        ("null certificate", "entries[0].certificate"),
        ("257 entries", "entries"),
        ("empty list", "entries"),
        ("no member", "entries"),
    ],
)
def test_the_member_to_blame_is_named(served, name, field):
    assert assert_problem(send(served, MALFORMED[name]), 422).field == field


def test_the_table_is_long_enough():
    assert len(MALFORMED) >= 80


def test_one_malformed_entry_keeps_the_good_ones_out(served):
    issued = served.sign(1)
    good = json.dumps(entry(issued.raw, issued.body))
    assert_problem(send(served, f'{{"entries":[{good},{{"statement":"x"}}]}}'), 422)
    assert served.log.head.tree_size == FOUNDED


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx", "application/cbor"],
)
def test_another_content_type_is_refused(served, content_type):
    assert_problem(send(served, wrap(ITEM), **{"Content-Type": content_type}), 415)


def test_a_body_that_is_too_large_is_refused_before_it_is_read(served):
    def endless():
        pytest.fail("read")
        yield b""

    headers = JSON | {"Content-Length": str(MAX_REQUEST_BYTES + 1)}
    assert_problem(served.client.post("/entries", content=endless(), headers=headers), 413)


def test_a_body_that_grows_too_large_is_refused(served):
    piece = bytes(1024 * 1024)
    body = (piece for _ in range(MAX_REQUEST_BYTES // len(piece) + 1))
    assert_problem(served.client.post("/entries", content=body, headers=JSON), 413)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD"])
def test_entries_are_only_handed_in(served, method):
    response = served.client.request(method, "/entries")
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"


# --- entries that are not admitted: each with its signed refusal --------------------------------------------


def refuse(served, item):
    """Send an entry that must be refused; return the codes of the reasons."""
    before = served.log.head.tree_size
    members = entry(item.raw, item.body) if isinstance(item, Issued) else entry(item)
    response = served.post([members])
    assert response.status_code == 200, response.text
    EntriesAnswer.model_validate(response.json())
    (result,) = response.json()["results"]
    refusal = parse_refusal(encode_canonical_json(result["refusal"]))
    verify_refusal(refusal, served.world.log_key.public_key)
    assert served.log.head.tree_size == before
    return [reason.code for reason in refusal.reasons]


def other_body(served):
    return Issued(served.sign(1).raw, served.sign(2).body)


def changed_body(served):
    issued = served.sign(1)
    return Issued(issued.raw, issued.body.replace(b"EX-1224", b"EX-1225"))


def spelled_anew(served):
    issued = served.sign(1)
    return Issued(issued.raw, issued.body.replace(b'":', b'": ', 1))


def changed_statement(served):
    raw = bytearray(served.sign(1).raw)
    raw[-1] ^= 1
    return Issued(bytes(raw), served.sign(1).body)


def foreign_seal(served):
    return served.world.issue(1, seal=make_signer("stranger"))


def ended_key(served):
    issued = served.sign(1)
    served.post([entry(served.world.key(version=1, state=RegisterState.WITHDRAWN))])
    return issued


def suspended_institution(served):
    issued = served.sign(1)
    served.post([entry(served.world.institution(version=1, state=RegisterState.SUSPENDED))])
    return issued


def anothers_name(served):
    """The key of one institution signs in the name of another."""
    served.post([entry(served.world.institution("350100-02"))])
    record = served.world.record(1)
    record["issuer"] |= {"id": "350100-02"}
    return served.world.issue(1, record=record)


REFUSED = {
    "not a statement": (lambda served: b"statement", ["MALFORMED"]),
    "empty statement": (lambda served: b"", ["MALFORMED"]),
    "cut off": (lambda served: Issued(served.sign(1).raw[:-1], served.sign(1).body), ["MALFORMED"]),
    "one byte more": (lambda served: Issued(served.sign(1).raw + b"\0", served.sign(1).body), ["MALFORMED"]),
    "larger than a leaf": (lambda served: bytes(70_000), ["MALFORMED"]),
    "without its certificate": (lambda served: served.sign(1).raw, ["MALFORMED"]),
    "empty certificate": (lambda served: Issued(served.sign(1).raw, b""), ["MALFORMED"]),
    "not a certificate": (lambda served: Issued(served.sign(1).raw, b"{}"), ["MALFORMED"]),
    "another certificate": (other_body, ["BINDING"] * 5),
    "a changed certificate": (changed_body, ["SEAL"]),
    "a certificate spelled anew": (spelled_anew, ["MALFORMED"]),
    "a changed statement": (changed_statement, ["SIGNATURE"]),
    "a statement of another log": (lambda served: World("other.example/log").issue(1), ["SIGNATURE"]),
    "an unknown key": (foreign_seal, ["KEY"]),
    "a key that has ended": (ended_key, ["KEY"]),
    "in another's name": (anothers_name, ["KEY"]),
    "a suspended institution": (suspended_institution, ["INSTITUTION"]),
    "register event of a stranger": (
        lambda served: replace_signer(served.world).institution("350100-09"),
        ["NO_EFFECT"],
    ),
    "a second root": (lambda served: served.world.root()[:-1] + b"\0", ["NO_EFFECT"]),
    "an old version": (lambda served: served.world.institution(version=7), ["NO_EFFECT"]),
    "a body for a register event": (
        lambda served: Issued(served.world.institution("350100-09"), b"{}"),
        ["MALFORMED"],
    ),
}


def replace_signer(world):
    other = World(world.origin)
    other.authority_key = make_signer("stranger")
    return other


@pytest.mark.parametrize(("make", "codes"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_admitted_is_refused_and_signed(served, make, codes):
    found = refuse(served, make(served))
    assert found[0] == codes[0]
    assert set(found) == set(codes)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"kind": "arbitration", "validity": {"kind": "date", "until": "2029-05-01"}}, "EXPIRY"),
        ({"verified_on": "2024-11-02", "issued_on": "2024-11-02"}, "SCOPE"),
        ({"regulation": {"id": "JJG 1-1900", "title": "x"}}, "REGULATION"),
    ],
)
def test_a_certificate_against_the_rules_is_refused_with_its_reasons(served, changes, code):
    assert code in refuse(served, served.sign(1, **changes))


def test_a_number_is_used_once(served):
    served.issue(1)
    assert refuse(served, served.sign(2, no="2026-0000001")) == ["ALREADY_ISSUED"]


def test_a_second_certificate_of_an_instrument_names_the_first(served):
    served.issue(1)
    again = {"no": "2026-0000101", "nonce": "ab" * 16}
    assert refuse(served, served.sign(1, **again)) == ["STALE_VERSION"]
    served.submit(served.sign(1, version=1, **again))


def test_in_a_mixed_request_each_entry_has_its_own_answer(served):
    good, bad = served.sign(1), other_body(served)
    response = served.post([entry(bad.raw, bad.body), entry(good.raw, good.body), entry(b"x")])
    assert response.status_code == 200
    kinds = ["index" if "index" in result else "refusal" for result in response.json()["results"]]
    assert kinds == ["refusal", "index", "refusal"]


# --- a ledger that cannot answer ----------------------------------------------------------------------------


def test_a_store_out_of_reach_is_said_and_the_request_may_be_sent_again(served):
    issued = served.sign(1)
    served.store.fail_at("commit")
    response = served.post([entry(issued.raw, issued.body)])
    problem = assert_problem(response, 503)
    assert response.headers["retry-after"]
    assert "injected" not in problem.detail
    assert served.post([entry(issued.raw, issued.body)]).json()["results"][0]["index"] == FOUNDED


def test_a_full_queue_is_said(served, monkeypatch):
    monkeypatch.setattr("ledger.pool.MAX_WAITING", 0)
    issued = served.sign(1)
    assert_problem(served.post([entry(issued.raw, issued.body)]), 503)


def test_a_stopped_log_is_said(served):
    served.pool.stop()
    issued = served.sign(1)
    assert_problem(served.post([entry(issued.raw, issued.body)]), 503)


def test_a_clock_that_went_back_is_said(served):
    served.now = served.now.replace(year=2025)
    raw = served.world.institution("350100-02")
    assert_problem(served.post([entry(raw)]), 503)


def test_records_that_disagree_stop_the_log_and_tell_nothing(served, monkeypatch):
    def contradict(_submissions):
        raise LogIntegrityError("tile 7 is missing")

    monkeypatch.setattr(served.log, "append", contradict)
    issued = served.sign(1)
    problem = assert_problem(served.post([entry(issued.raw, issued.body)]), 500)
    assert "tile" not in problem.detail
    assert problem.id
    monkeypatch.undo()
    assert_problem(served.post([entry(issued.raw, issued.body)]), 500)
    assert served.log.head.tree_size == FOUNDED


# --- what a desk must know ----------------------------------------------------------------------------------


def test_states_of_subjects_are_told(served):
    issued = served.sign(1)
    served.submit(issued)
    subject = find_subject(parse_signed_statement(issued.raw).statement)
    other = instrument_subject(bytes(16))
    body = json.dumps({"subjects": [subject.hex(), other.hex()]})
    response = send(served, body, "/subjects")
    assert response.status_code == 200
    assert SubjectsAnswer.model_validate(response.json())
    assert response.json()["states"] == [
        {
            "subject": subject.hex(),
            "status": "VALID",
            "version": 1,
            "last_event": FOUNDED,
            "current_certificate": FOUNDED,
        }
    ]


@pytest.mark.parametrize(
    "subjects", [[], ["ab" * 31], ["AB" * 32], [1], ["ab" * 32] * (MAX_SUBJECTS + 1), "ab" * 32, [None]]
)
def test_malformed_subjects_are_refused(served, subjects):
    assert_problem(send(served, json.dumps({"subjects": subjects}), "/subjects"), 422)


def test_as_many_subjects_as_allowed_fit_into_a_request(served):
    body = json.dumps({"subjects": ["ab" * 32] * MAX_SUBJECTS})
    assert send(served, body, "/subjects").json() == {"states": []}


def test_the_registers_prove_themselves(served):
    response = served.client.get("/registers")
    registers, _ = open_trust_list(parse_trust_list(response.content), served.policy)
    assert INSTITUTION in registers.institutions


def test_the_registers_are_sent_once(served):
    tag = served.client.get("/registers").headers["etag"]
    served.issue(1)
    assert served.client.get("/registers", headers={"If-None-Match": tag}).status_code == 304
    served.post([entry(served.world.institution("350100-02"))])
    assert served.client.get("/registers", headers={"If-None-Match": tag}).status_code == 200


def test_the_checkpoint_is_the_newest(served):
    before = served.client.get("/checkpoint")
    assert before.headers["content-type"] == "text/plain; charset=utf-8"
    assert before.text == served.log.checkpoint
    served.issue(1)
    after = served.client.get("/checkpoint", headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert after.text == served.log.checkpoint
    assert after.text != before.text


def test_an_empty_log_has_no_checkpoint_and_no_registers():
    with ApiWorld("ledger") as served:
        assert_problem(served.client.get("/checkpoint"), 404)
        assert_problem(served.client.get("/registers"), 404)
        assert served.client.get("/healthz").json() == {"status": "ok", "tree_size": 0, "anchored_size": 0}


@pytest.mark.parametrize("path", ["/c/0000000000000000", "/q/10", "/certificates/1", "/docs", "/redoc", "/"])
def test_the_role_ledger_has_no_pages(served, path):
    assert_problem(served.client.get(path), 404)
