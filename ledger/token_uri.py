"""Where a key in a PKCS#11 token lies, as a PKCS#11 URI (RFC 7512): names of things only, never a PIN.

    pkcs11:token=desk;object=seal;id=%3f%1c?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/run/pin

Known attributes are `token`, `serial`, `object` (CKA_LABEL) and `id` (CKA_ID) of the path, `module-path` and
`pin-source` of the query; others are refused, `pin-value` above all.

>>> parse_token_uri("pkcs11:token=desk;object=seal?module-path=/usr/lib/softhsm/libsofthsm2.so").token
'desk'
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

from ledger.core.errors import InputError

MAX_CHARACTERS: Final = 2048

_SCHEME: Final = "pkcs11:"
_FIELD: Final = "PKCS#11 URI"
_PATH: Final = ("token", "serial", "object", "id")
_QUERY: Final = ("module-path", "pin-source")
_VALUE: Final = re.compile(r"(?:[A-Za-z0-9._~:\[\]@!$'()*+,=/-]|%[0-9A-Fa-f]{2})+", re.ASCII)
_FILE: Final = "file:"


@dataclass(frozen=True, slots=True)
class TokenUri:
    """A token, a key in it if one is named, and the library that leads there."""

    module: Path
    """Absolute path of the PKCS#11 library that speaks to the token."""
    token: str
    """CKA_LABEL of the token, as it was initialised."""
    serial: str | None = None
    """Serial number of the token, where several have one label."""
    label: str | None = None
    """CKA_LABEL of the key."""
    id: bytes | None = None
    """CKA_ID of the key."""
    pin_file: Path | None = None
    """Absolute path of the file with the PIN; None: a person is asked."""

    def __str__(self) -> str:
        key_id = None if self.id is None else "".join(f"%{byte:02x}" for byte in self.id)
        path = zip(_PATH, (self.token, self.serial, self.label), strict=False)
        names = [f"{name}={quote(value, safe='')}" for name, value in path if value is not None]
        names += [] if key_id is None else [f"id={key_id}"]
        query = [f"module-path={_spell_path(self.module)}"]
        query += [] if self.pin_file is None else [f"pin-source={_FILE}{_spell_path(self.pin_file)}"]
        return f"{_SCHEME}{';'.join(names)}?{'&'.join(query)}"


def parse_token_uri(text: str) -> TokenUri:
    """Return what a PKCS#11 URI names.

    Raises:
        InputError: not such a URI, an attribute twice or unknown, a PIN in it, or token or module-path missing.

    Source: RFC 7512 §2.3.
    """
    if len(text) > MAX_CHARACTERS or not text.startswith(_SCHEME):
        raise InputError(f"starts with pkcs11: and has {MAX_CHARACTERS} characters at most", field=_FIELD)
    path, _, query = text.removeprefix(_SCHEME).partition("?")
    names = _parse_attributes(path, ";", _PATH)
    options = _parse_attributes(query, "&", _QUERY)
    for name, found in (("token", names), ("module-path", options)):
        if name not in found:
            raise InputError(f"{name} is missing", field=_FIELD)
    source = options.get("pin-source")
    return TokenUri(
        _parse_path("module-path", options["module-path"]),
        _parse_text("token", names["token"]),
        _parse_text("serial", names["serial"]) if "serial" in names else None,
        _parse_text("object", names["object"]) if "object" in names else None,
        names.get("id"),
        None if source is None else _parse_path("pin-source", source.removeprefix(_FILE.encode())),
    )


def _parse_attributes(text: str, separator: str, known: tuple[str, ...]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for part in text.split(separator) if text else ():
        name, _, value = part.partition("=")
        if name == "pin-value":
            raise InputError("holds no PIN: name a file with pin-source=file:/…", field=_FIELD)
        if name not in known:
            raise InputError(f"one of its attributes is none of {', '.join(known)}", field=_FIELD)
        if name in found:
            raise InputError(f"{name} stands there twice", field=_FIELD)
        if _VALUE.fullmatch(value) is None:
            raise InputError(f"{name} is empty, or has characters to be written as %XX", field=_FIELD)
        found[name] = unquote_to_bytes(value)
    return found


def _parse_text(name: str, raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise InputError(f"{name} is not UTF-8 text", field=_FIELD) from None
    if not text.isprintable():
        raise InputError(f"{name} has characters that cannot be printed", field=_FIELD)
    return text


def _parse_path(name: str, raw: bytes) -> Path:
    path = Path(_parse_text(name, raw))
    if not path.is_absolute():
        raise InputError(f"{name} is the whole path of a file, from / on", field=_FIELD)
    return path


def _spell_path(path: Path) -> str:
    return quote_from_bytes(str(path).encode(), safe="/")
