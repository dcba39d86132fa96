"""Keys in a real token, SoftHSM: they sign what verifiers accept, outlive its absence, and say what is wrong."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import pytest
from servers import soft_hsm
from world import ORIGIN, Clock, World, submit

from ledger.core.canonical import encode_canonical_json, parse_json
from ledger.core.data_integrity import create_proof, verify_proof
from ledger.core.errors import InputError, NotFoundError, StateError, TokenUnavailableError
from ledger.core.signature import Algorithm, verify_signature
from ledger.files import replace_file
from ledger.keystore import KeyAlgorithm, Keystore
from ledger.log import Log
from ledger.passphrase import Passphrase, Pin
from ledger.token_uri import parse_token_uri

KINDS = [KeyAlgorithm.P256, KeyAlgorithm.ED25519]


@pytest.fixture(scope="module")
def hsm(tmp_path_factory):
    with soft_hsm(tmp_path_factory.mktemp("softhsm")) as made:
        yield made


@pytest.fixture
def uri(hsm):
    return parse_token_uri(hsm.make_token(f"t{uuid4().hex[:12]}"))


@pytest.fixture
def keystore(tmp_path):
    return Keystore(tmp_path / "keystore")


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_signs_what_verifiers_accept(keystore, uri, kind):
    label = keystore.create_in_token("seal", kind, uri)
    assert label == keystore.label("seal") == keystore.labels()[0]
    signer = Keystore(keystore._directory).open_signer("seal", None)
    assert signer.public_key == label.public_key
    for number in range(40):  # half of all P-256 signatures come with an s in the upper half
        message = b"%d" % number
        verify_signature(label.public_key, signer.sign(message), message)


def test_documents_are_signed_with_a_persons_p256_key(keystore, uri):
    keystore.create_in_token("operator", KeyAlgorithm.P256, uri)
    signer = keystore.open_signer("operator", None)
    document = {"@context": ["https://www.w3.org/ns/credentials/v2"], "id": "urn:x", "no": "1"}
    proof = create_proof(document, signer, "2026-07-30T08:00:00Z")
    assert proof["cryptosuite"] == "ecdsa-jcs-2019"
    verify_proof(document, parse_json(encode_canonical_json(proof)), signer.public_key)


@pytest.mark.parametrize("kind", KINDS)
def test_several_threads_share_the_session(keystore, uri, kind):
    label = keystore.create_in_token("seal", kind, uri)
    signer = keystore.open_signer("seal", None)
    messages = [b"%d" % number for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        for message, signature in zip(messages, pool.map(signer.sign, messages), strict=True):
            verify_signature(label.public_key, signature, message)


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_process_finds_the_key(keystore, uri, kind):
    label = keystore.create_in_token("seal", kind, uri)
    program = (
        "import sys, pathlib; from ledger.keystore import Keystore\n"
        "print(Keystore(pathlib.Path(sys.argv[1])).open_signer('seal', None).sign(b'm').hex())"
    )
    words = [sys.executable, "-c", program, str(keystore._directory)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    verify_signature(label.public_key, bytes.fromhex(done.stdout), b"m")


def test_two_tokens_are_used_in_turn(keystore, hsm):
    for name in ("one", "two"):
        uri = parse_token_uri(hsm.make_token(f"{name}-{uuid4().hex[:8]}"))
        keystore.create_in_token(name, KeyAlgorithm.P256, uri)
    signers = [keystore.open_signer(name, None) for name in ("one", "two")]
    for signer in signers * 3:
        verify_signature(signer.public_key, signer.sign(b"m"), b"m")


def test_a_token_that_was_away_is_used_again(keystore, hsm, uri):
    label = keystore.create_in_token("seal", KeyAlgorithm.P256, uri)
    signer = keystore.open_signer("seal", None)
    away = hsm.tokens.rename(hsm.tokens.with_name("away"))
    try:
        for _ in range(3):
            with pytest.raises(TokenUnavailableError, match=f"token {uri.token}"):
                signer.sign(b"m")
    finally:
        away.rename(hsm.tokens)
    verify_signature(label.public_key, signer.sign(b"m"), b"m")


def test_a_session_that_ended_meanwhile_is_opened_again_in_the_same_call(keystore, uri):
    from ledger import token

    label = keystore.create_in_token("seal", KeyAlgorithm.P256, uri)
    signer = keystore.open_signer("seal", None)
    token.pkcs11.lib(str(uri.module)).reinitialize()
    verify_signature(label.public_key, signer.sign(b"m"), b"m")


def test_what_is_in_the_token_stays_there(keystore, uri):
    keystore.create_in_token("seal", KeyAlgorithm.P256, uri)
    signer = keystore.open_signer("seal", None)
    from ledger import token

    module = token._modules[uri.module]
    (key,) = module._keys.values()
    with pytest.raises(token.p11.AttributeSensitive):
        key[token.Attribute.VALUE]
    shown = f"{signer!r} {module!r} {keystore.labels()!r} {Pin(b'4711-desk')!r}"
    assert "4711" not in shown + (keystore._directory / "seal.pem").read_text()


def test_a_broken_off_run_is_finished_with_the_same_key(keystore, uri, monkeypatch):
    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ledger.keystore.create_file", killed)
        with pytest.raises(KeyboardInterrupt):
            keystore.create_in_token("seal", KeyAlgorithm.P256, uri)
    assert "seal" not in keystore
    first = keystore.create_in_token("seal", KeyAlgorithm.P256, uri)
    again = Keystore(keystore._directory.with_name("other")).create_in_token("seal", KeyAlgorithm.P256, uri)
    assert first.public == again.public


def test_an_entry_is_never_overwritten(keystore, uri):
    keystore.create("seal", KeyAlgorithm.P256, Passphrase(b"correct horse battery"))
    before = (keystore._directory / "seal.pem").read_bytes()
    with pytest.raises(StateError, match="never overwritten"):
        keystore.create_in_token("seal", KeyAlgorithm.P256, uri)
    assert (keystore._directory / "seal.pem").read_bytes() == before


# --- what is wrong is said ----------------------------------------------------------------------------------


def test_a_wrong_pin_is_said_and_not_tried_twice(keystore, hsm, uri, tmp_path, monkeypatch):
    keystore.create_in_token("seal", KeyAlgorithm.P256, uri)
    wrong = tmp_path / "wrong"
    wrong.write_text("0000-wrong")
    rewrite(keystore, f"file:{hsm.pin_file}", f"file:{wrong}")
    from ledger import token

    token._modules[uri.module]._forget()
    tried = count_logins(monkeypatch, token)
    for _ in range(3):
        with pytest.raises(InputError, match=f"PIN of the token {uri.token}: is wrong") as caught:
            keystore.open_signer("seal", None)
        assert "0000" not in str(caught.value)
    assert tried == ["0000-wrong"]
    wrong.write_text(hsm.PIN)  # put right, it is tried
    keystore.open_signer("seal", None)


def count_logins(monkeypatch, token):
    """Note every PIN that is read; the token itself is asked with those that reach `open` only."""
    tried = []

    class Watched:
        def __init__(self, found):
            self._found = found

        def open(self, *, rw, user_pin):
            tried.append(user_pin)
            return self._found.open(rw=rw, user_pin=user_pin)

    find = token._Module._find_token
    monkeypatch.setattr(token._Module, "_find_token", lambda module, uri: Watched(find(module, uri)))
    return tried


def rewrite(keystore, old, new):
    path = keystore._directory / "seal.pem"
    assert old in path.read_text()
    replace_file(path, path.read_bytes().replace(old.encode(), new.encode()))


def test_nobody_to_ask_for_the_pin_is_said(keystore, uri):
    with pytest.raises(InputError, match="nobody can be asked here"):
        keystore.create_in_token(
            "seal", KeyAlgorithm.P256, parse_token_uri(str(uri).partition("&pin-source")[0])
        )


@pytest.mark.parametrize(
    ("old", "new", "error", "sentence"),
    [
        ("token=t", "token=absent-t", TokenUnavailableError, "there is no token absent-t"),
        ("object=seal", "object=other", NotFoundError, "has no P-256 key other"),
        ("libsofthsm2.so", "missing.so", InputError, "module-path: .*cannot be loaded"),
        ("file:/", "file:/absent/", InputError, "PIN file: /absent/.*cannot be read"),
        ("token=t", "slot=t", InputError, "is not a file of this keystore"),
        ("object=seal", "object=%73eal", InputError, "is not a file of this keystore"),
    ],
)
def test_an_entry_that_leads_nowhere_says_so(keystore, uri, old, new, error, sentence):
    keystore.create_in_token("seal", KeyAlgorithm.P256, uri)
    rewrite(keystore, old, new)
    from ledger import token

    token._modules[uri.module]._forget()
    with pytest.raises(error, match=sentence):
        keystore.open_signer("seal", None)


def test_a_file_that_is_no_library_is_said(keystore, uri, tmp_path):
    module = tmp_path / "text.so"
    module.write_text("no library")
    with pytest.raises(InputError, match="cannot be loaded as a PKCS#11 library"):
        keystore.create_in_token(
            "seal", KeyAlgorithm.P256, parse_token_uri(f"pkcs11:token=a?module-path={module}")
        )


def test_another_key_than_the_entry_says_signs_nothing(keystore, uri):
    first = keystore.create_in_token("seal", KeyAlgorithm.P256, uri)
    other = keystore.create_in_token("other", KeyAlgorithm.P256, uri)
    rewrite(keystore, first.public, other.public)
    with pytest.raises(TokenUnavailableError, match=r"not one of the key .*; it was not used"):
        keystore.open_signer("seal", None)


def test_a_key_named_in_the_uri_must_be_there(keystore, uri):
    for part in ("object=none", "id=%01"):
        named = parse_token_uri(str(uri).replace("?", f";{part}?"))
        with pytest.raises(NotFoundError, match="has no P-256 key"):
            keystore.create_in_token("seal", KeyAlgorithm.P256, named)
    assert "seal" not in keystore


def test_a_name_that_fits_two_keys_wants_an_id(keystore, uri):
    from ledger import token

    keystore.create_in_token("seal", KeyAlgorithm.P256, uri)
    module = token._modules[uri.module]
    module._forget()
    session = module._log_in(uri, module._find_token(uri), writing=True)
    token._make_key(session, Algorithm.P256, "seal")
    named = parse_token_uri(str(uri).replace("?", ";object=seal?"))
    with pytest.raises(InputError, match="add id="):
        Keystore(keystore._directory.with_name("b")).create_in_token("seal", KeyAlgorithm.P256, named)


@pytest.mark.parametrize("kind", [KeyAlgorithm.SECP256K1, KeyAlgorithm.BLS])
def test_other_keys_do_not_lie_in_tokens(keystore, uri, kind):
    with pytest.raises(InputError, match="algorithm: "):
        keystore.create_in_token("chain", kind, uri)
    assert "chain" not in keystore


def test_a_token_key_is_no_account(keystore, uri):
    keystore.create_in_token("seal", KeyAlgorithm.P256, uri)
    for use in (keystore.open_account, keystore.open_bls_signer):
        with pytest.raises(StateError, match="lies in a token"):
            use("seal", Passphrase(b"correct horse battery"))


@pytest.mark.parametrize(
    ("name", "error", "sentence"),
    [
        ("PinLocked", StateError, "is locked"),
        ("PinExpired", StateError, "wants a new PIN"),
        ("DeviceRemoved", TokenUnavailableError, r"out of reach or out of order \(DeviceRemoved\)"),
        ("TokenNotPresent", TokenUnavailableError, "plug it in"),
        ("TokenWriteProtected", StateError, "write-protected"),
        ("SessionCount", TokenUnavailableError, "SessionCount"),
    ],
)
def test_what_softhsm_never_says_is_translated_too(keystore, uri, monkeypatch, name, error, sentence):
    from ledger import token

    def refuse(*_, **__):
        raise getattr(token.p11, name)

    monkeypatch.setattr(token._Module, "_log_in", refuse)
    with pytest.raises(error, match=sentence):
        keystore.create_in_token("seal", KeyAlgorithm.P256, uri)


def test_a_token_without_ed25519_says_so(keystore, uri, monkeypatch):
    from ledger import token

    monkeypatch.setitem(token._MECHANISMS, Algorithm.ED25519, token.Mechanism.KIP_MAC)
    with pytest.raises(InputError, match="cannot sign with Ed25519"):
        keystore.create_in_token("seal", KeyAlgorithm.ED25519, uri)
    assert "seal" not in keystore


def test_without_python_pkcs11_the_extra_is_named(tmp_path):
    program = (
        "import sys, pathlib; sys.modules['pkcs11'] = None\n"
        "from ledger.keystore import *; from ledger.token_uri import parse_token_uri\n"
        "uri = parse_token_uri('pkcs11:token=a?module-path=/m.so')\n"
        "Keystore(pathlib.Path(sys.argv[1])).create_in_token('a', KeyAlgorithm.P256, uri)"
    )
    words = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert "install hengzheng with the extra hsm" in done.stderr.splitlines()[-1]
    assert "InputError" in done.stderr.splitlines()[-1]


def test_the_library_is_loaded_for_tokens_only():
    program = "import sys, ledger.keystore; print([name for name in sys.modules if 'pkcs11' in name])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- the log key --------------------------------------------------------------------------------------------


def test_a_log_whose_token_goes_away_writes_nothing_and_goes_on_when_it_is_back(store, keystore, hsm, uri):
    keystore.create_in_token("log", KeyAlgorithm.ED25519, uri)
    world = World()
    signer = keystore.open_signer("log", None)
    world.root_content = replace(world.root_content, log_key=signer.public_key)
    log = Log(store, ORIGIN, signer, Clock())
    *first, last = world.founding()
    submit(log, *first)
    before = log.checkpoint
    away = hsm.tokens.rename(hsm.tokens.with_name("away"))
    try:
        with pytest.raises(TokenUnavailableError):
            submit(log, last)
    finally:
        away.rename(hsm.tokens)
    assert Log(store, ORIGIN, signer, Clock()).checkpoint == before
    submit(log, last)
    assert log.checkpoint != before
