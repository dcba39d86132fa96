"""Where a node of somebody's choice is: scheme, host and port, as a content security policy names it.

What is returned here stands in a header and lets one page speak to that place, so that nothing but these three can
be in it: no path, no user, no wildcard, no second word. The path of a node's address may be a key of its owner; it
stays on the device.

>>> parse_node_origin("https://node.example:8545")
'https://node.example:8545'
"""

import re
from typing import Final

from ledger.core.errors import InputError, MalformedDocumentError

MAX_CHARACTERS: Final = 280
"""Of a whole origin: scheme, a host of 253 characters, port."""

_ORIGIN: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]{1,253})(?::(?P<port>[1-9][0-9]{0,4}))?", re.ASCII
)
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_HERE: Final = frozenset({"localhost", "127.0.0.1"})
"""This very device: the only places that may be asked without encryption."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_MAX_PORT: Final = 65_535


def parse_node_origin(text: str) -> str:
    """Return the origin of a node, spelled as browsers spell it (`URL.origin`).

    Raises:
        InputError: not `https://` and a host name, or `http://` and this device, with a port or without one.
    """
    match = _ORIGIN.fullmatch(text) if len(text) <= MAX_CHARACTERS else None
    if match is None:
        raise _refuse("is https, a host name in lower case and perhaps a port, and nothing else")
    scheme, host = match["scheme"], match["host"]
    if host not in _HERE:
        _require_name(host)
        if scheme != "https":
            raise _refuse("is asked by https; by http only on this device")
    port = int(match["port"] or 0)
    if port > _MAX_PORT or port == _DEFAULT_PORTS[scheme]:
        raise _refuse("has a port up to 65535, which is left out where it is the usual one")
    return text


def _require_name(host: str) -> None:
    """Refuse what is no host name; numbers too: content security policies do not match them (CSP 3, §6.7.2.8)."""
    labels = host.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
        raise _refuse("has a host name, which is no number")


def _refuse(message: str) -> InputError:
    return MalformedDocumentError(f"the address of a node {message}", field="node")
