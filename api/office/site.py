"""Where an office is reached, and which requests come from its own pages.

A request that changes something must say that it comes from one of our own pages: by `Origin`, which every browser
sends with one, and by `Sec-Fetch-Site` where it is sent. The name that a request is for must be ours, so that no
other name can be made to lead here.

>>> Site("https://office.example.cn").cookie
'__Host-office'
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from ledger.core.errors import InputError

_LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class Site:
    """The address of an office."""

    url: str
    """`https://office.example.cn`, or `http://localhost:8003` on one's own machine; no path."""

    @property
    def is_secure(self) -> bool:
        """Tell whether browsers reach it by https."""
        return self.url.startswith("https:")

    @property
    def cookie(self) -> str:
        """Return the name of the session's cookie; with the prefix, browsers insist on what it promises."""
        return "__Host-office" if self.is_secure else "office"

    @property
    def host(self) -> str:
        """Return the name without port: what passkeys are bound to."""
        return urlsplit(self.url).hostname or ""

    @property
    def origins(self) -> frozenset[str]:
        """Return what `Origin` may say; on one's own machine, each of its names."""
        parts = urlsplit(self.url)
        names = _LOOPBACK if self._is_local else (parts.hostname,)
        port = "" if parts.port is None else f":{parts.port}"
        return frozenset(f"{parts.scheme}://{name}{port}" for name in names)

    @property
    def _is_local(self) -> bool:
        return self.host in {name.strip("[]") for name in _LOOPBACK}

    def is_ours(self, host: str) -> bool:
        """Tell whether a request's `Host` is this site."""
        scheme = urlsplit(self.url).scheme
        return f"{scheme}://{host.lower()}" in self.origins

    def is_own_page(self, headers: Mapping[str, str]) -> bool:
        """Tell whether a request that changes something comes from one of our pages."""
        if headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return False
        return headers.get("origin", "").lower() in self.origins


def parse_site(text: str) -> Site:
    """Return the site of a URL.

    Raises:
        InputError: not https, nor http of one's own machine, or more than a name and a port.
    """
    try:
        parts = urlsplit(text)
        named = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        raise InputError("is no URL", field="--url") from None
    plain = not (parts.path.strip("/") or parts.query or parts.fragment or parts.username)
    if not named or not plain or parts.scheme not in {"http", "https"}:
        raise InputError("is https://NAME, without a path", field="--url")
    site = Site(f"{parts.scheme}://{parts.netloc.lower()}")
    if parts.scheme == "http" and len(site.origins) == 1:
        raise InputError("http is for one's own machine only; a server in front ends TLS", field="--url")
    return site
