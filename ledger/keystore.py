"""The keystore: a directory with one encrypted key a file, and its public part readable in the same file.

    algorithm: ed25519
    public: z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp
    -----BEGIN ENCRYPTED PRIVATE KEY-----
    ...

A key in a PKCS#11 token has a PKCS#11 URI there instead: it names module, token, key, and the file with the PIN.

    algorithm: p256
    public: zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169
    pkcs11:token=desk;object=seal;id=%3f%1c?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/run/pin

An X25519 key opens what was sealed to it and signs nothing; its `public` is 64 hex digits.

The PKCS#8 of a BLS key, for which there is no standard form, holds its 32-byte seed as that of an Ed25519 key.

Rules: a file is created whole and never overwritten (mode 0600, directory 0700); the private part is PKCS#8,
encrypted with the best that the cryptography library has (PBES2: AES-256, PBKDF2), so that OpenSSL opens it
too; the public part is only a label until the key itself was opened and compared; no repr shows a key.

>>> keystore = Keystore(home / "keystore")
>>> keystore.create("log", KeyAlgorithm.ED25519, passphrase).public
'z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp'
>>> keystore.open_signer("log", passphrase)
<Ed25519Signer 34750f98bd59fcfc>
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import ModuleType

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256K1,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from ledger.chain.transactions import Account
from ledger.core.bls import PUBLIC_KEY_BYTES, BlsSigner
from ledger.core.encoding import parse_hex
from ledger.core.errors import InputError, MalformedDocumentError, NotFoundError, StateError
from ledger.core.signature import Algorithm, Ed25519Signer, P256Signer, PublicKey, Signer, parse_multikey
from ledger.files import PRIVATE_FILE, create_file, make_private_directory
from ledger.passphrase import Passphrase
from ledger.token_uri import TokenUri, parse_token_uri

MAX_FILE_BYTES = 16 * 1024

SEALING_KEY_BYTES = 32
_SIGNS_NOTHING = "opens what was sealed, it signs nothing"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_FILE = re.compile(
    rb"algorithm: (?P<algorithm>[a-z0-9]+)\npublic: (?P<public>[0-9A-Za-z]+)\n"
    rb"(?:(?P<pem>-----BEGIN ENCRYPTED PRIVATE KEY-----\n.+)|(?P<token>pkcs11:[!-~]+)\n)",
    re.DOTALL,
)

_Key = Ed25519Signer | P256Signer | BlsSigner | Account | X25519PrivateKey


class KeyAlgorithm(StrEnum):
    """What a key is for."""

    ED25519 = "ed25519"
    """Signs documents, statements and checkpoints."""
    P256 = "p256"
    """The same, where only NIST curves are allowed."""
    SECP256K1 = "secp256k1"
    """Pays for and signs transactions on the chain."""
    BLS = "bls12381"
    """Signs checkpoints together with others."""
    X25519 = "x25519"
    """Opens what others have sealed to its owner (RFC 9180); signs nothing."""


_IN_TOKENS = {KeyAlgorithm.ED25519: Algorithm.ED25519, KeyAlgorithm.P256: Algorithm.P256}


@dataclass(frozen=True, slots=True)
class KeyLabel:
    """The public part of a stored key, as its file says it."""

    name: str
    algorithm: KeyAlgorithm
    public: str
    """Multikey `z…` of a signing key; address `0x…` of an account, in lower case; a BLS key's 48 bytes, or the 32
    of a key that opens what was sealed, in hex."""

    token: TokenUri | None = None
    """Where the key lies, if it lies in a token: only `sign` works with it."""

    @property
    def public_key(self) -> PublicKey:
        """The key that verifies.

        Raises:
            StateError: the key belongs to an account of the chain, or signs with others only.
        """
        if self.algorithm is KeyAlgorithm.SECP256K1:
            raise StateError(f"the key {self.name} is an account of the chain, it signs no documents")
        if self.algorithm is KeyAlgorithm.BLS:
            raise StateError(f"the key {self.name} is a witness's BLS key, it signs no documents")
        if self.algorithm is KeyAlgorithm.X25519:
            raise StateError(f"the key {self.name} {_SIGNS_NOTHING}")
        return parse_multikey(self.public)

    @property
    def address(self) -> bytes:
        """The 20 bytes of an account's address.

        Raises:
            StateError: the key signs documents.
        """
        if self.algorithm is not KeyAlgorithm.SECP256K1:
            raise StateError(f"the key {self.name} signs documents, it is no account of the chain")
        return bytes.fromhex(self.public.removeprefix("0x"))


class Keystore:
    """One directory of keys."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __contains__(self, name: str) -> bool:
        return self._path(name).exists()

    def labels(self) -> list[KeyLabel]:
        """Return the public part of every key, by name; no passphrase is needed.

        Raises:
            InputError: a file is no key file.
        """
        return [self.label(path.stem) for path in sorted(self._directory.glob("*.pem"))]

    def label(self, name: str) -> KeyLabel:
        """Return the public part of a key; no passphrase is needed.

        Raises:
            NotFoundError: there is no such key.
            InputError: a malformed name, or the file is no key file.
        """
        return self._read(name)[0]

    def create(self, name: str, algorithm: KeyAlgorithm, passphrase: Passphrase) -> KeyLabel:
        """Make a new random key.

        Args:
            name: 1 to 64 of a-z, 0-9, `.`, `_` and `-`.
            algorithm: what it is for.
            passphrase: encrypts this file; each file may have its own.

        Raises:
            StateError: there is a key of this name; it stays as it is.
            InputError: a malformed name.
        """
        self._path(name)
        private_key = _generate(algorithm)
        label = KeyLabel(name, algorithm, _spell_public(_convert(private_key, algorithm)))
        pem = private_key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase.raw)
        )
        self._write(label, pem)
        return label

    def create_in_token(self, name: str, algorithm: KeyAlgorithm, uri: TokenUri) -> KeyLabel:
        """Enter a key of a token: the one that the URI names, or the one that has this name there; made if needed.

        A run that was broken off leaves at most a key of this name in the token; the next run enters it.

        Args:
            name: as in `create`; CKA_LABEL of a new key.
            algorithm: Ed25519 or P-256.
            uri: the token and its module; `object` and `id` of a key that is there already, or neither.

        Raises:
            StateError: there is an entry of this name; it stays as it is. Or the token's PIN is locked.
            InputError: a malformed name, a key that does not sign documents, no python-pkcs11, a wrong PIN, or
                the token does not know this kind of key.
            NotFoundError: the token has no such key.
            TokenUnavailableError: the token is away or out of order.
        """
        if algorithm not in _IN_TOKENS:
            raise InputError("a token holds keys that sign documents: ed25519 or p256", field="algorithm")
        if name in self:
            raise StateError(f"there is a key {name} already; keys are never overwritten")
        rooms = _load_tokens()
        found, public_key = rooms.find_or_make_key(uri, _IN_TOKENS[algorithm], name)
        rooms.open_token_signer(found, public_key)
        label = KeyLabel(name, algorithm, public_key.multikey, found)
        self._write(label, f"{found}\n".encode())
        return label

    def _write(self, label: KeyLabel, body: bytes) -> None:
        """Write the file of a new key.

        Raises:
            StateError: there is one.
        """
        make_private_directory(self._directory)
        header = f"algorithm: {label.algorithm}\npublic: {label.public}\n"
        try:
            create_file(self._path(label.name), header.encode() + body, mode=PRIVATE_FILE)
        except FileExistsError:
            raise StateError(f"there is a key {label.name} already; keys are never overwritten") from None

    def open_signer(self, name: str, passphrase: Passphrase | None) -> Signer:
        """Return what signs documents, statements and checkpoints with this key.

        Args:
            name: of the key.
            passphrase: of its file; a key in a token has a PIN instead, which comes from where its entry says.

        Raises:
            NotFoundError: there is no such key, or it is gone from its token.
            InputError: wrong passphrase or PIN, or a damaged file.
            StateError: the key belongs to an account of the chain, or signs with others only.
            TokenUnavailableError: its token is away or out of order.
        """
        label = self.label(name)
        if label.token is not None:
            signer: Signer = _load_tokens().open_token_signer(label.token, label.public_key)
            return signer
        found = self._open(name, passphrase)
        if isinstance(found, Account):
            raise StateError(f"the key {name} is an account of the chain, it signs no documents")
        if isinstance(found, BlsSigner):
            raise StateError(f"the key {name} is a witness's BLS key, it signs no documents")
        if isinstance(found, X25519PrivateKey):
            raise StateError(f"the key {name} {_SIGNS_NOTHING}")
        return found

    def open_private_key(self, name: str, passphrase: Passphrase) -> X25519PrivateKey:
        """Return what opens what was sealed to this key.

        Raises:
            NotFoundError: there is no such key.
            InputError: wrong passphrase, or a damaged file.
            StateError: a key of another kind.
        """
        found = self._open(name, passphrase)
        if not isinstance(found, X25519PrivateKey):
            raise StateError(f"the key {name} opens nothing that was sealed")
        return found

    def open_bls_signer(self, name: str, passphrase: Passphrase) -> BlsSigner:
        """Return what signs checkpoints together with others.

        Raises:
            NotFoundError: there is no such key.
            InputError: wrong passphrase, or a damaged file.
            StateError: a key of another kind.
        """
        found = self._open(name, passphrase)
        if not isinstance(found, BlsSigner):
            raise StateError(f"the key {name} is no BLS key")
        return found

    def open_account(self, name: str, passphrase: Passphrase) -> Account:
        """Return the account of the chain that this key belongs to.

        Raises:
            NotFoundError: there is no such key.
            InputError: wrong passphrase, or a damaged file.
            StateError: the key signs documents.
        """
        found = self._open(name, passphrase)
        if not isinstance(found, Account):
            raise StateError(f"the key {name} signs documents, it is no account of the chain")
        return found

    def _open(self, name: str, passphrase: Passphrase | None) -> _Key:
        label, pem = self._read(name)
        if pem is None:
            raise StateError(f"the key {name} lies in a token, where it signs documents only")
        if passphrase is None:
            raise InputError("is needed to open it", field=f"passphrase of the key {name}")
        try:
            private_key = load_pem_private_key(pem, passphrase.raw)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise InputError(
                "cannot be opened: the passphrase is wrong or the file is damaged", field=f"key {name}"
            ) from None
        found = _convert(private_key, label.algorithm)
        if _spell_public(found) != label.public:
            raise InputError("holds another key than it says", field=f"key {name}")
        return found

    def _read(self, name: str) -> tuple[KeyLabel, bytes | None]:
        path = self._path(name)
        try:
            with path.open("rb") as stream:
                found = _FILE.fullmatch(stream.read(MAX_FILE_BYTES))
        except FileNotFoundError:
            raise NotFoundError(f"there is no key {name} in {self._directory}") from None
        except OSError as err:
            raise InputError(f"{path} cannot be read: {err.strerror}", field=f"key {name}") from err
        if found is None:
            raise MalformedDocumentError("is not a file of this keystore", field=f"key {name}")
        return _parse_label(name, found), found["pem"]

    def _path(self, name: str) -> Path:
        if _NAME.fullmatch(name) is None:
            raise InputError("1 to 64 of a-z, 0-9, '.', '_' and '-', no sign first", field="name of the key")
        return self._directory / f"{name}.pem"


def _parse_label(name: str, found: re.Match[bytes]) -> KeyLabel:
    try:
        algorithm = KeyAlgorithm(found["algorithm"].decode())
        token = None if found["token"] is None else parse_token_uri(found["token"].decode())
        label = KeyLabel(name, algorithm, found["public"].decode(), token)
        if label.algorithm is KeyAlgorithm.SECP256K1:
            ok = len(label.address) == 20
        elif label.algorithm is KeyAlgorithm.BLS:
            ok = len(parse_hex(label.public)) == PUBLIC_KEY_BYTES
        elif label.algorithm is KeyAlgorithm.X25519:
            ok = len(parse_hex(label.public)) == SEALING_KEY_BYTES
        else:
            ok = label.public_key.algorithm.name.lower() == label.algorithm
        ok = ok and (token is None or (algorithm in _IN_TOKENS and str(token).encode() == found["token"]))
    except (ValueError, InputError):
        ok = False
    if not ok:
        raise MalformedDocumentError("is not a file of this keystore", field=f"key {name}")
    return label


def _generate(algorithm: KeyAlgorithm) -> Ed25519PrivateKey | EllipticCurvePrivateKey | X25519PrivateKey:
    if algorithm is KeyAlgorithm.X25519:
        return X25519PrivateKey.generate()
    if algorithm in {KeyAlgorithm.ED25519, KeyAlgorithm.BLS}:
        return Ed25519PrivateKey.generate()
    return generate_private_key(SECP256R1() if algorithm is KeyAlgorithm.P256 else SECP256K1())


def _convert(private_key: object, algorithm: KeyAlgorithm) -> _Key:
    """Return what uses a private key of the library.

    Args:
        private_key: as its file holds it.
        algorithm: tells a BLS key's seed from an Ed25519 key.

    Raises:
        InputError: a key of another kind.
    """
    if isinstance(private_key, Ed25519PrivateKey):
        seed = private_key.private_bytes_raw()
        return BlsSigner(seed) if algorithm is KeyAlgorithm.BLS else Ed25519Signer(seed)
    if isinstance(private_key, X25519PrivateKey) and algorithm is KeyAlgorithm.X25519:
        return private_key
    if isinstance(private_key, EllipticCurvePrivateKey):
        numbers = private_key.private_numbers()
        if isinstance(private_key.curve, SECP256R1):
            return P256Signer(numbers.private_value.to_bytes(32))
        if isinstance(private_key.curve, SECP256K1):
            return Account(numbers.private_value.to_bytes(32))
    raise InputError("a kind of key that this keystore does not hold")


def _spell_public(key: _Key) -> str:
    if isinstance(key, BlsSigner):
        return key.public_key.hex()
    if isinstance(key, X25519PrivateKey):
        return key.public_key().public_bytes_raw().hex()
    return "0x" + key.address.hex() if isinstance(key, Account) else key.public_key.multikey


def _load_tokens() -> ModuleType:
    """Return the module `token`, for which python-pkcs11 must be there.

    Raises:
        InputError: it is not.
    """
    try:
        from ledger import token  # noqa: PLC0415 - an extra, which few need
    except ImportError as err:
        raise InputError(
            "keys in tokens need python-pkcs11: install hengzheng with the extra hsm", field="token"
        ) from err
    return token
