"""The hand-written codec against the committed ABI and against eth_abi, and fuzzed."""

import hashlib
import subprocess
import sys
from contextlib import suppress

import pytest
from eth_abi import encode as abi_encode
from eth_utils import keccak
from hypothesis import given
from hypothesis import strategies as st

import contracts.registry as codec
from contracts.artifact import load_artifact
from contracts.registry import RegistryCodecError

words = st.binary(min_size=32, max_size=32)
addresses = st.binary(min_size=20, max_size=20)
sizes = st.integers(0, 2**64 - 1)
proofs = st.lists(words, max_size=8)


def signatures(kind: str) -> dict[str, str]:
    """Name -> signature of everything of this kind in the committed ABI."""
    return {
        item["name"]: f"{item['name']}({','.join(entry['type'] for entry in item['inputs'])})"
        for item in load_artifact().abi
        if item["type"] == kind
    }


def constant_name(name: str, suffix: str) -> str:
    return (
        "".join(f"_{letter}" if letter.isupper() else letter for letter in name).lstrip("_").upper() + suffix
    )


def test_selectors_are_the_abi_functions_and_no_others():
    expected = {
        constant_name(name, "_SELECTOR"): keccak(text=text)[:4]
        for name, text in signatures("function").items()
    }
    assert expected == {name: value for name, value in vars(codec).items() if name.endswith("_SELECTOR")}


def test_topics_are_the_abi_events_and_no_others():
    expected = {
        constant_name(name, "_TOPIC"): keccak(text=text) for name, text in signatures("event").items()
    }
    assert expected == {name: value for name, value in vars(codec).items() if name.endswith("_TOPIC")}


def test_refusals_are_the_abi_errors_and_no_others():
    assert dict(codec.REVERT_SIGNATURES) == {
        keccak(text=text)[:4]: text for text in signatures("error").values()
    }


def test_event_forms_have_the_indexed_arguments_of_the_abi():
    for item in load_artifact().abi:
        if item["type"] == "event":
            indexed = sum(entry["indexed"] for entry in item["inputs"])
            form = codec._EVENT_FORMS[vars(codec)[constant_name(item["name"], "_TOPIC")]]
            assert form[:2] == (1 + indexed, len(item["inputs"]) - indexed)


def test_nobody_but_the_log_operator_is_privileged():
    """The ABI has no owner, no pause, no upgrade: exactly these functions, none of them payable."""
    functions = {
        item["name"]: item["stateMutability"] for item in load_artifact().abi if item["type"] == "function"
    }
    writers = {"open", "anchor", "proposeOperator", "acceptOperator", "freeze"}
    assert {name for name, mutability in functions.items() if mutability == "nonpayable"} == writers
    assert set(functions.values()) == {"nonpayable", "view"}
    assert {item["type"] for item in load_artifact().abi} == {"function", "event", "error", "constructor"}


def test_loading_the_codec_loads_nothing_else():
    program = (
        "import sys; before = set(sys.modules); import contracts.registry; print(*set(sys.modules) - before)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    foreign = {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names)
    assert foreign == {"contracts"}


# ---- calls -------------------------------------------------------------------------------------------


@given(log_id=words, other=words, size=sizes, proof=proofs, address=addresses, leaf=st.binary(max_size=100))
def test_calls_equal_those_of_eth_abi(log_id, other, size, proof, address, leaf):
    named = signatures("function")
    cases = {
        "open": ((log_id, other), codec.encode_open(log_id, other)),
        "anchor": ((log_id, size, other, proof), codec.encode_anchor(log_id, size, other, proof)),
        "proposeOperator": ((log_id, "0x" + address.hex()), codec.encode_propose_operator(log_id, address)),
        "acceptOperator": ((log_id,), codec.encode_accept_operator(log_id)),
        "freeze": ((log_id,), codec.encode_freeze(log_id)),
        "head": ((log_id,), codec.encode_head_call(log_id)),
        "operatorOf": ((log_id,), codec.encode_operator_of_call(log_id)),
        "proposedOperatorOf": ((log_id,), codec.encode_proposed_operator_of_call(log_id)),
        "verifyLeaf": ((log_id, size, leaf, proof), codec.encode_verify_leaf_call(log_id, size, leaf, proof)),
    }
    assert cases.keys() == named.keys()
    for name, (arguments, data) in cases.items():
        types = named[name].removeprefix(name + "(").removesuffix(")").split(",")
        assert data == keccak(text=named[name])[:4] + abi_encode(types, arguments), name


WORD = bytes(32)


@pytest.mark.parametrize(
    "call",
    [
        lambda: codec.encode_open(bytes(31)),
        lambda: codec.encode_open(WORD, bytes(33)),
        lambda: codec.encode_open(b""),
        lambda: codec.encode_anchor(bytes(31), 1, WORD, []),
        lambda: codec.encode_anchor(WORD, -1, WORD, []),
        lambda: codec.encode_anchor(WORD, 2**64, WORD, []),
        lambda: codec.encode_anchor(WORD, 1, bytes(20), []),
        lambda: codec.encode_anchor(WORD, 1, WORD, [WORD, bytes(31)]),
        lambda: codec.encode_anchor(WORD, 1, WORD, [b""]),
        lambda: codec.encode_propose_operator(WORD, WORD),
        lambda: codec.encode_propose_operator(WORD, bytes(19)),
        lambda: codec.encode_accept_operator(b"x"),
        lambda: codec.encode_freeze(bytes(64)),
        lambda: codec.encode_head_call(bytes(20)),
        lambda: codec.encode_verify_leaf_call(WORD, -1, b"", []),
        lambda: codec.encode_verify_leaf_call(WORD, 2**64, b"", []),
        lambda: codec.encode_verify_leaf_call(WORD, 0, b"", [bytes(33)]),
        lambda: codec.compute_log_id(bytes(31), bytes(20)),
        lambda: codec.compute_log_id(WORD, WORD),
        lambda: codec.compute_log_id(WORD, bytes(20), b""),
    ],
)
def test_arguments_that_do_not_fit_are_refused(call):
    with pytest.raises(RegistryCodecError):
        call()


# ---- log ids -----------------------------------------------------------------------------------------


def test_log_id_is_the_hash_of_84_bytes():
    origin_hash = codec.compute_origin_hash("log.example.org/2026")
    assert origin_hash == hashlib.sha256(b"log.example.org/2026").digest()
    opener, predecessor = bytes(range(20)), bytes(range(32))
    packed = origin_hash + opener + predecessor
    assert len(packed) == 84
    assert codec.compute_log_id(origin_hash, opener, predecessor) == hashlib.sha256(packed).digest()
    assert codec.compute_log_id(origin_hash, opener) == hashlib.sha256(packed[:52] + bytes(32)).digest()


def test_log_id_known_answer():
    assert (
        codec.compute_log_id(bytes(32), bytes.fromhex("11" * 20)).hex()
        == "305e5bfb273d02b5ef3121bb755778bae611c6849ee72fd72169e8e159d53311"
    )


def test_the_empty_root_is_that_of_rfc_9162():
    assert codec.EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


# ---- answers -----------------------------------------------------------------------------------------


@given(size=sizes, root=words, operator=addresses.filter(any), is_frozen=st.booleans())
def test_heads_round_trip(size, root, operator, is_frozen):
    answer = abi_encode(
        ["uint64", "bytes32", "address", "bool"], [size, root, "0x" + operator.hex(), is_frozen]
    )
    assert codec.parse_head(answer) == codec.RegistryHead(size, root, operator, is_frozen)


HEAD = abi_encode(["uint64", "bytes32", "address", "bool"], [5, WORD, "0x" + "11" * 20, True])


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        HEAD[:-1],
        HEAD + b"\0",
        HEAD + bytes(32),
        HEAD[:96],
        bytes(128),
        b"\x01" + HEAD[1:],
        HEAD[:23] + b"\x01" + HEAD[24:],
        HEAD[:75] + b"\x01" + HEAD[76:],
        HEAD[:127] + b"\x02",
        HEAD[:96] + b"\x01" + HEAD[97:],
    ],
)
def test_answers_that_are_no_head_are_refused(answer):
    with pytest.raises(RegistryCodecError):
        codec.parse_head(answer)


def test_single_word_answers():
    assert codec.parse_bool(bytes(32)) is False
    assert codec.parse_bool(bytes(31) + b"\x01") is True
    assert codec.parse_address(bytes(12) + b"\x22" * 20) == b"\x22" * 20
    for answer in (b"", bytes(31), bytes(33), bytes(31) + b"\x02", b"\x01" + bytes(31)):
        with pytest.raises(RegistryCodecError):
            codec.parse_bool(answer)
    for answer in (b"", bytes(20), bytes(64), bytes(11) + b"\x01" + bytes(20)):
        with pytest.raises(RegistryCodecError):
            codec.parse_address(answer)


# ---- events and refusals -----------------------------------------------------------------------------

TOPICS = [codec.ANCHORED_TOPIC, bytes(31) + b"\x07", (9).to_bytes(32, "big")]


def test_anchored_event_in_its_exact_form():
    expected = codec.AnchoredEvent(log_id=bytes(31) + b"\x07", size=9, root=b"\xab" * 32)
    assert codec.parse_anchored_event(TOPICS, b"\xab" * 32) == expected
    assert codec.parse_event(TOPICS, b"\xab" * 32) == expected


@pytest.mark.parametrize(
    ("topics", "data"),
    [
        ([], b"\xab" * 32),
        (TOPICS[:1], b"\xab" * 32),
        (TOPICS[:2], b"\xab" * 32),
        ([*TOPICS, WORD], b"\xab" * 32),
        (TOPICS, b""),
        (TOPICS, b"\xab" * 31),
        (TOPICS, b"\xab" * 64),
        ([*TOPICS[:2], b"\x01" * 32], b"\xab" * 32),
        ([*TOPICS[:2], b"\x09"], b"\xab" * 32),
        ([WORD, *TOPICS[1:]], b"\xab" * 32),
        ([codec.ANCHORED_TOPIC[:31], *TOPICS[1:]], b"\xab" * 32),
        ([codec.FROZEN_TOPIC, TOPICS[1]], WORD * 2),
        ([codec.OPERATOR_PROPOSED_TOPIC, TOPICS[1], WORD], b""),
    ],
)
def test_records_that_are_no_anchored_event_are_refused(topics, data):
    with pytest.raises(RegistryCodecError):
        codec.parse_anchored_event(topics, data)


@pytest.mark.parametrize(
    ("topics", "data"),
    [
        ([codec.OPENED_TOPIC, WORD, WORD, WORD], b"\x01" * 32),
        ([codec.OPERATOR_PROPOSED_TOPIC, WORD, b"\x01" * 32], b""),
        ([codec.OPERATOR_CHANGED_TOPIC, WORD, b"\x01" * 32, WORD], b""),
        ([codec.OPERATOR_CHANGED_TOPIC, WORD, WORD, b"\x01" * 32], b""),
        ([codec.FROZEN_TOPIC, WORD], b"\x01" * 64),
        ([codec.FROZEN_TOPIC, WORD, WORD], WORD),
    ],
)
def test_other_events_out_of_form_are_refused(topics, data):
    with pytest.raises(RegistryCodecError):
        codec.parse_event(topics, data)


@pytest.mark.parametrize("signature", sorted(codec.REVERT_SIGNATURES.values()))
def test_refusals_are_named_with_their_arguments(signature):
    name, _, rest = signature.rstrip(")").partition("(")
    arguments = tuple(bytes([number]) * 32 for number, _ in enumerate(filter(None, rest.split(","))))
    data = keccak(text=signature)[:4] + b"".join(arguments)
    assert codec.parse_revert(data) == codec.RegistryRevert(name, arguments)
    for damaged in (data[:-1], data + b"\0", data + bytes(32)):
        with pytest.raises(RegistryCodecError):
            codec.parse_revert(damaged)


@pytest.mark.parametrize(
    "data", [b"", b"\x08\xc3\x79\xa0", bytes(4), bytes(36), keccak(text="Panic(uint256)")[:4]]
)
def test_foreign_refusals_are_refused(data):
    with pytest.raises(RegistryCodecError):
        codec.parse_revert(data)


known_topics = st.sampled_from(sorted(codec._EVENT_FORMS))


@given(
    topics=st.lists(st.one_of(known_topics, words, st.binary(max_size=40)), max_size=5),
    data=st.one_of(st.binary(max_size=200), st.integers(0, 4).map(lambda count: bytes(32 * count))),
    selector=st.sampled_from(sorted(codec.REVERT_SIGNATURES)),
)
def test_parsers_refuse_any_other_bytes_with_their_own_error(topics, data, selector):
    for parse in (
        lambda: codec.parse_event(topics, data),
        lambda: codec.parse_anchored_event(topics, data),
        lambda: codec.parse_head(data),
        lambda: codec.parse_bool(data),
        lambda: codec.parse_address(data),
        lambda: codec.parse_revert(data),
        lambda: codec.parse_revert(selector + data),
    ):
        with suppress(RegistryCodecError):  # any other exception fails the test
            parse()
