"""Keys in PKCS#11 tokens (HSM, smart card, SoftHSM): they sign there, and never come out.

    P-256    CKM_ECDSA over our SHA-256, as not every token hashes; r || s, s brought into the lower half
    Ed25519  CKM_EDDSA over the message, where the token has it

Rules: one session a token in this process, as a second login is refused by the token; it is opened again when
the token comes back. A PIN that was refused is not tried again, so that no loop locks the token. Every
signature is verified before it is handed out: a token that answers nonsense signs nothing.
This module loads python-pkcs11, the extra `hsm`; `keystore` loads it when a key lies in a token.

>>> signer = open_token_signer(parse_token_uri(text), public_key)   # doctest: +SKIP
>>> signer.sign(b"message")                                         # doctest: +SKIP
"""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import Any, Final

import pkcs11
import pkcs11.exceptions as p11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass

from ledger.core.errors import (
    BrokenSignatureError,
    InputError,
    LedgerError,
    MalformedDocumentError,
    NotFoundError,
    StateError,
    TokenUnavailableError,
)
from ledger.core.signature import (
    SIGNATURE_SIZE,
    Algorithm,
    PublicKey,
    lower_p256_signature,
    verify_signature,
)
from ledger.passphrase import Pin, ask_pin, read_pin_file
from ledger.token_uri import TokenUri

_PROBE: Final = b"hengzheng/token-probe/v1\0"
"""Signed once when a key is opened, and thrown away: only the right key passes."""

_KEY_ID_BYTES: Final = 8
_MECHANISMS: Final = {Algorithm.P256: Mechanism.ECDSA, Algorithm.ED25519: Mechanism.EDDSA}
_KEY_TYPES: Final = {Algorithm.P256: KeyType.EC, Algorithm.ED25519: KeyType.EC_EDWARDS}
_CURVES: Final = {
    Algorithm.P256: bytes.fromhex("06082a8648ce3d030107"),
    Algorithm.ED25519: bytes.fromhex("06032b6570"),
}
"""CKA_EC_PARAMS: object identifiers of secp256r1 (RFC 5480 §2.1.1.1) and Ed25519 (RFC 8410 §3)."""
_NAMES: Final = {Algorithm.P256: "P-256", Algorithm.ED25519: "Ed25519"}


class TokenSigner:
    """Signs with a key that stays in its token; may be called from several threads."""

    __slots__ = ("_uri", "public_key")

    def __init__(self, uri: TokenUri, public_key: PublicKey) -> None:
        self._uri = uri
        self.public_key = public_key

    def __repr__(self) -> str:
        return f"<TokenSigner {self.public_key.key_id.hex()} in {self._uri.token}>"

    def sign(self, message: bytes) -> bytes:
        """Return 64 bytes that `verify_signature` accepts.

        Raises:
            TokenUnavailableError: the token is away, out of order, or answers with another key's signature.
            InputError: the PIN is wrong or missing, or the token cannot sign in this way.
            StateError: the PIN is locked, or the key is gone.
        """
        algorithm = self.public_key.algorithm
        data = hashlib.sha256(message).digest() if algorithm is Algorithm.P256 else message
        signature = _find_module(self._uri.module).sign(self._uri, algorithm, data)
        if algorithm is Algorithm.P256 and len(signature) == SIGNATURE_SIZE:
            signature = lower_p256_signature(signature)
        try:
            verify_signature(self.public_key, signature, message)
        except BrokenSignatureError as err:
            raise TokenUnavailableError(
                f"the token {self._uri.token} answered with a signature that is not one of the key "
                f"{self.public_key.multikey}; it was not used"
            ) from err
        return signature


def open_token_signer(uri: TokenUri, public_key: PublicKey) -> TokenSigner:
    """Return what signs with a key in a token, after one signature on trial.

    Args:
        uri: names the token and one key in it.
        public_key: of this key.

    Raises:
        TokenUnavailableError, InputError, StateError: as `TokenSigner.sign`.
    """
    signer = TokenSigner(uri, public_key)
    signer.sign(_PROBE)
    return signer


def find_or_make_key(uri: TokenUri, algorithm: Algorithm, label: str) -> tuple[TokenUri, PublicKey]:
    """Return a key of the token: the one that the URI names, or the one of this label, made if there is none.

    What is made is sensitive and cannot be exported.

    Args:
        uri: the token; `object` and `id` of a key that must be there, or neither.
        algorithm: what it signs with.
        label: CKA_LABEL of a new key.

    Raises:
        TokenUnavailableError, InputError, StateError: as `TokenSigner.sign`.
        NotFoundError: the token has no such key.
    """
    return _find_module(uri.module).find_or_make(uri, algorithm, label)


# --- sessions ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Module:
    """A loaded library. Its sessions end together, as only a new start makes it look for tokens again."""

    path: Path
    _sessions: dict[tuple[str, str | None], pkcs11.Session] = field(default_factory=dict)
    _keys: dict[tuple[TokenUri, Algorithm], Any] = field(default_factory=dict)
    _typed: dict[tuple[str, str | None], Pin] = field(default_factory=dict, repr=False)
    """PINs that persons have typed; they are asked once a process."""
    _refused: dict[tuple[str, str | None], Pin] = field(default_factory=dict, repr=False)
    _stale: bool = False
    _lock: Any = field(default_factory=RLock)

    def sign(self, uri: TokenUri, algorithm: Algorithm, data: bytes) -> bytes:
        """Return the token's signature; a session that ended meanwhile is opened again, once."""
        with self._lock:
            if self._sessions:
                with suppress(p11.PKCS11Error):
                    return self._sign(uri, algorithm, data)
                self._forget()
            with self._translating(uri, algorithm):
                return self._sign(uri, algorithm, data)

    def find_or_make(self, uri: TokenUri, algorithm: Algorithm, label: str) -> tuple[TokenUri, PublicKey]:
        """As `find_or_make_key`."""
        with self._lock, self._translating(uri, algorithm):
            self._forget()
            token = self._find_token(uri)
            if _MECHANISMS[algorithm] not in token.slot.get_mechanisms():
                raise p11.MechanismInvalid
            session = self._log_in(uri, token, writing=True)
            named = uri.label is not None or uri.id is not None
            wanted = uri if named else TokenUri(uri.module, uri.token, uri.serial, label, None, uri.pin_file)
            if not named and not _list_keys(session, wanted, ObjectClass.PRIVATE_KEY, algorithm):
                _make_key(session, algorithm, label)
            private = _get_key(session, wanted, ObjectClass.PRIVATE_KEY, algorithm)
            found_id, found_label = bytes(private.id), private.label or None
            found = TokenUri(uri.module, uri.token, uri.serial, found_label, found_id or None, uri.pin_file)
            point = _get_key(session, found, ObjectClass.PUBLIC_KEY, algorithm)[Attribute.EC_POINT]
            self._forget()  # a session that only reads takes its place
            return found, _parse_point(algorithm, point)

    def _sign(self, uri: TokenUri, algorithm: Algorithm, data: bytes) -> bytes:
        key = self._keys.get((uri, algorithm))
        if key is None:
            place = (uri.token, uri.serial)
            session = self._sessions.get(place) or self._log_in(uri, self._find_token(uri), writing=False)
            key = _get_key(session, uri, ObjectClass.PRIVATE_KEY, algorithm)
            self._keys[uri, algorithm] = key
        return bytes(key.sign(data, mechanism=_MECHANISMS[algorithm]))

    def _find_token(self, uri: TokenUri) -> pkcs11.Token:
        library = pkcs11.lib(str(self.path))
        if self._stale:
            library.reinitialize()
            self._stale = False
        serial = None if uri.serial is None else uri.serial.encode()
        found = list(library.get_tokens(token_label=uri.token, token_serial=serial))
        if not found:
            raise p11.NoSuchToken
        if len(found) > 1:
            raise InputError(
                f"{len(found)} tokens have the label {uri.token}: add serial=", field="PKCS#11 URI"
            )
        return found[0]

    def _log_in(self, uri: TokenUri, token: pkcs11.Token, *, writing: bool) -> pkcs11.Session:
        place = (uri.token, uri.serial)
        pin = self._find_pin(uri)
        refused = self._refused.get(place)
        if refused is not None and refused.raw == pin.raw:
            raise p11.PinIncorrect
        try:
            session = token.open(rw=writing, user_pin=pin.raw.decode())
        except (p11.PinIncorrect, p11.PinInvalid, p11.PinLenRange):
            self._refused[place] = pin
            self._typed.pop(place, None)
            raise
        if uri.pin_file is None:
            self._typed[place] = pin
        self._sessions[place] = session
        return session

    def _find_pin(self, uri: TokenUri) -> Pin:
        if uri.pin_file is not None:
            return read_pin_file(uri.pin_file)
        return self._typed.get((uri.token, uri.serial)) or ask_pin(uri.token)

    def _forget(self) -> None:
        """Give up every session, and let the library start again before the next."""
        self._keys.clear()
        for session in self._sessions.values():
            with suppress(p11.PKCS11Error):
                session.close()
        self._sessions.clear()
        self._stale = True

    @contextmanager
    def _translating(self, uri: TokenUri, algorithm: Algorithm) -> Iterator[None]:
        try:
            yield
        except p11.PKCS11Error as err:
            self._forget()
            raise _translate(err, uri, algorithm) from err
        except (LedgerError, OSError):
            self._forget()
            raise


_modules: Final[dict[Path, _Module]] = {}
"""PKCS#11 libraries are loaded, and log in, once a process."""
_modules_lock: Final = RLock()


def _find_module(path: Path) -> _Module:
    """Return the library at this path, loaded.

    Raises:
        InputError: there is none, or it is no PKCS#11 library.
    """
    with _modules_lock:
        if path not in _modules:
            try:
                pkcs11.lib(str(path))
            except (RuntimeError, OSError) as err:  # what the loader says of a wrong file
                raise InputError(
                    f"{path} cannot be loaded as a PKCS#11 library", field="module-path"
                ) from err
            _modules[path] = _Module(path)
        return _modules[path]


# --- keys -------------------------------------------------------------------------------------------------


def _list_keys(session: pkcs11.Session, uri: TokenUri, kind: ObjectClass, algorithm: Algorithm) -> list[Any]:
    wanted: dict[Attribute, Any] = {Attribute.CLASS: kind, Attribute.KEY_TYPE: _KEY_TYPES[algorithm]}
    if uri.label is not None:
        wanted[Attribute.LABEL] = uri.label
    if uri.id is not None:
        wanted[Attribute.ID] = uri.id
    return list(session.get_objects(wanted))


def _get_key(session: pkcs11.Session, uri: TokenUri, kind: ObjectClass, algorithm: Algorithm) -> Any:  # noqa: ANN401 - the library's kinds of keys share no type
    found = _list_keys(session, uri, kind, algorithm)
    if not found:
        raise p11.NoSuchKey
    if len(found) > 1:
        raise p11.MultipleObjectsReturned
    return found[0]


def _make_key(session: pkcs11.Session, algorithm: Algorithm, label: str) -> None:
    curve = {Attribute.EC_PARAMS: _CURVES[algorithm]}
    parameters = session.create_domain_parameters(_KEY_TYPES[algorithm], curve, local=True)
    parameters.generate_keypair(
        store=True,
        label=label,
        id=secrets.token_bytes(_KEY_ID_BYTES),
        private_template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
    )


def _parse_point(algorithm: Algorithm, point: bytes) -> PublicKey:
    """Return the key of a CKA_EC_POINT: as OCTET STRING, or bare as some tokens give it.

    Raises:
        InputError: a point of another curve.

    Source: PKCS #11 3.0 §2.3.3, §2.3.5.
    """
    size = 65 if algorithm is Algorithm.P256 else 32
    raw = point[2:] if point[:2] == bytes((4, size)) and len(point) == size + 2 else point
    if algorithm is Algorithm.P256 and len(raw) == size and raw[0] == 4:
        raw = bytes((2 + raw[-1] % 2,)) + raw[1:33]
    try:
        return PublicKey(algorithm, raw)
    except MalformedDocumentError:
        raise InputError(f"is not a key of {_NAMES[algorithm]}", field="key in the token") from None


# --- errors -----------------------------------------------------------------------------------------------


def _translate(err: p11.PKCS11Error, uri: TokenUri, algorithm: Algorithm) -> LedgerError:
    """Return what the library's error means for whoever wants to sign."""
    make = next((make for kinds, make in _MEANINGS if isinstance(err, kinds)), None)
    if make is not None:
        return make(uri, algorithm)
    return TokenUnavailableError(
        f"the token {uri.token} is out of reach or out of order ({type(err).__name__}): see that it is plugged "
        "in, then try again"
    )


def _name_key(uri: TokenUri) -> str:
    label = "" if uri.label is None else f" {uri.label}"
    return f"key{label}" + ("" if uri.id is None else f" (id {uri.id.hex()})")


_MEANINGS: Final[
    tuple[tuple[tuple[type[Exception], ...], Callable[[TokenUri, Algorithm], LedgerError]], ...]
] = (
    (
        (p11.PinIncorrect, p11.PinInvalid, p11.PinLenRange),
        lambda uri, _: InputError(
            "is wrong; it is not tried again, as tokens lock after a few wrong ones",
            field=f"PIN of the token {uri.token}",
        ),
    ),
    (
        (p11.PinLocked,),
        lambda uri, _: StateError(
            f"the PIN of the token {uri.token} is locked: its security officer sets a new one"
        ),
    ),
    (
        (p11.PinExpired, p11.UserPinNotInitialized),
        lambda uri, _: StateError(f"the token {uri.token} wants a new PIN: its security officer sets one"),
    ),
    (
        (p11.NoSuchToken, p11.TokenNotPresent, p11.SlotIDInvalid),
        lambda uri, _: TokenUnavailableError(f"there is no token {uri.token}: plug it in, then try again"),
    ),
    (
        (p11.NoSuchKey,),
        lambda uri, algorithm: NotFoundError(
            f"the token {uri.token} has no {_NAMES[algorithm]} {_name_key(uri)}"
        ),
    ),
    (
        (p11.MultipleObjectsReturned,),
        lambda uri, algorithm: InputError(
            f"the token {uri.token} has several {_NAMES[algorithm]} keys of this name: add id=",
            field="PKCS#11 URI",
        ),
    ),
    (
        (p11.MechanismInvalid, p11.MechanismParamInvalid, p11.DomainParamsInvalid),
        lambda uri, algorithm: InputError(
            f"the token {uri.token} cannot sign with {_NAMES[algorithm]} ({_MECHANISMS[algorithm].name}): "
            "choose another kind of key",
            field="algorithm",
        ),
    ),
    (
        (p11.TokenWriteProtected,),
        lambda uri, _: StateError(f"the token {uri.token} takes no new keys: it is write-protected"),
    ),
)
