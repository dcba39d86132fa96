"""An exported log in an object store that speaks S3.

Keys are looked for where AWS programs look, and nowhere else: in the environment and in a profile of the shared
files (`~/.aws/credentials`, `~/.aws/config`; `AWS_PROFILE`, `AWS_SHARED_CREDENTIALS_FILE`, `AWS_CONFIG_FILE` name
others), then as obstore does by itself, which ends at the role of the instance. No setting of ours holds one, and
none is logged.

An object appears whole. Tiles are put by several threads, and `flush` waits for all of them: whoever finds the
checkpoint finds what it needs. A tile is not sent again if a finished export had it, or if the store has an object
of its size whose ETag is the MD5 of its bytes.

>>> with open_bucket("s3://transparency/ledger-2026") as target:
...     export_log(reading, receipts, origin, target)
"""

import configparser
import hashlib
import os
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import (
    BaseError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.store import S3Store

from ledger.core.errors import InputError, UnavailableError
from ledger.export import ANCHORS_NAME, CHECKPOINT_NAME, TILE_FOLDER

if TYPE_CHECKING:
    from obstore import Attributes
    from obstore.store import S3Config, S3Credential

FIELD: Final = "DIR|s3://BUCKET/PREFIX"
THREADS: Final = 8
UNDER_WAY: Final = 64
"""Objects that wait for a thread, at most 4 MB each."""

IMMUTABLE: Final = "public, max-age=31536000, immutable"
ASK_AGAIN: Final = "no-cache"
"""As over HTTP, see `api.ready`."""

_SMALL: Final = {CHECKPOINT_NAME: "text/plain; charset=utf-8", ANCHORS_NAME: "application/json"}
_PLACE: Final = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:/[A-Za-z0-9!_.*'()-]+)*)/?")
_LOCAL_HOSTS: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_RETRY_SECONDS: Final = 30
_OTHER_SOURCES: Final = ("role_arn", "credential_process", "sso_", "web_identity_")
_T = TypeVar("_T")


class BucketTarget:
    """Objects below a prefix."""

    def __init__(self, store: S3Store, name: str, pool: ThreadPoolExecutor) -> None:
        self.name: Final = name
        self._store = store
        self._pool = pool
        self._under_way: deque[Future[None]] = deque()
        self._tags: dict[str, tuple[int, str]] = {}

    def list_tiles(self) -> set[str]:
        """Return every path below `tile/`; sizes and ETags are remembered."""
        self._tags = self._ask(self._list)
        return set(self._tags)

    def _list(self) -> dict[str, tuple[int, str]]:
        return {
            meta["path"]: (meta["size"], (meta["e_tag"] or "").strip('"'))
            for metas in obstore.list(self._store, prefix=TILE_FOLDER)
            for meta in metas
        }

    def read(self, path: str) -> bytes | None:
        """Return a small object; None if there is none."""
        try:
            return bytes(obstore.get(self._store, path).bytes())
        except (NotFoundError, FileNotFoundError):
            return None
        except BaseError as err:
            raise _explain(self.name, err) from None

    def write(self, path: str, content: bytes) -> bool:
        """Put an object, unless its very bytes are there."""
        tag = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if self._tags.get(path) == (len(content), tag):
            return False
        self._under_way.append(self._pool.submit(self._put, path, content))
        while len(self._under_way) > UNDER_WAY:
            self._under_way.popleft().result()
        return True

    def _put(self, path: str, content: bytes) -> None:
        attributes = describe_object(path)
        self._ask(lambda: obstore.put(self._store, path, content, attributes=attributes, use_multipart=False))

    def flush(self) -> None:
        """Wait for every object."""
        while self._under_way:
            self._under_way.popleft().result()

    def remove(self, path: str) -> None:
        """Take an object away."""
        self._ask(lambda: obstore.delete(self._store, path))

    def _ask(self, question: Callable[[], _T]) -> _T:
        try:
            return question()
        except (BaseError, FileNotFoundError, PermissionError) as err:
            raise _explain(self.name, err) from None


@contextmanager
def open_bucket(place: str) -> Iterator[BucketTarget]:
    """Open a place in an object store; nothing is asked of it yet.

    Args:
        place: `s3://bucket/prefix`; the endpoint is that of the profile (`endpoint_url`, `region`) or AWS's own.

    Raises:
        InputError: no such place, or a profile that cannot be read.
    """
    found = _PLACE.fullmatch(place)
    if found is None or any(part in {".", ".."} for part in found[2].split("/")):
        raise InputError(f"{place!r} is neither a folder nor s3://BUCKET/PREFIX", field=FIELD)
    bucket, prefix = found[1], found[2].strip("/")
    with ThreadPoolExecutor(THREADS) as pool:
        try:
            yield BucketTarget(_open_store(bucket, prefix), place.rstrip("/"), pool)
        finally:
            pool.shutdown(cancel_futures=True)


def describe_object(path: str) -> "Attributes":
    """Return what is stored beside an object: the headers that our own server answers with."""
    if path in _SMALL:
        return {"Cache-Control": ASK_AGAIN, "Content-Type": _SMALL[path]}
    return {"Cache-Control": IMMUTABLE, "Content-Type": "application/octet-stream"}


def _open_store(bucket: str, prefix: str) -> S3Store:
    profile = read_profile(os.environ)
    config: S3Config = {}
    if "region" in profile:
        config["region"] = profile["region"]
    endpoint = profile.get("endpoint_url") or os.environ.get("AWS_ENDPOINT_URL")
    is_local = False
    if endpoint is not None:
        config["endpoint"] = endpoint
        is_local = _is_local(endpoint)
    try:
        return S3Store(
            bucket,
            prefix=prefix or None,
            config=config,
            client_options={"allow_http": is_local, "timeout": timedelta(seconds=_RETRY_SECONDS)},
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=_RETRY_SECONDS)},
            credential_provider=_choose_provider(profile),
        )
    except (BaseError, ValueError) as err:
        raise InputError(f"{type(err).__name__}: this place cannot be opened", field=FIELD) from None


def _is_local(endpoint: str) -> bool:
    """Say whether an endpoint is of this machine; only then plain HTTP will do."""
    try:
        address = urlsplit(endpoint)
        host, scheme = address.hostname, address.scheme
    except ValueError:
        host = scheme = None
    if not host or scheme not in ({"http", "https"} if host in _LOCAL_HOSTS else {"https"}):
        raise InputError(
            "is the https URL of an object store, or an http one of this machine", field="endpoint_url"
        )
    return host in _LOCAL_HOSTS


def _choose_provider(profile: Mapping[str, str]) -> "Callable[[], S3Credential] | None":
    """Return what reads the profile's keys at each renewal; None where obstore looks by itself."""
    if "AWS_ACCESS_KEY_ID" in os.environ:
        return None
    if "aws_access_key_id" in profile:
        return lambda: _to_credential(read_profile(os.environ))
    for name in profile:
        if name.startswith(_OTHER_SOURCES):
            raise InputError(f"a profile with {name} is not read here: give it keys", field="AWS_PROFILE")
    return None


def read_profile(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the members of the profile that is chosen, as AWS's own programs read the shared files.

    Raises:
        InputError: a file is no such file, or lacks a profile that was named.
    """
    name = environment.get("AWS_PROFILE")
    home = Path(environment.get("HOME", "~")).expanduser() / ".aws"
    files = (
        (environment.get("AWS_CONFIG_FILE"), home / "config", "profile "),
        (environment.get("AWS_SHARED_CREDENTIALS_FILE"), home / "credentials", ""),
    )
    found: dict[str, str] = {}
    for given, usual, prefix in files:
        section = "default" if name in {None, "default"} else f"{prefix}{name}"
        found |= _read_section(Path(given) if given else usual, section)
    if name is not None and not found:
        raise InputError(f"no profile {name!r} in the shared files of AWS", field="AWS_PROFILE")
    return found


def _read_section(path: Path, section: str) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, configparser.Error):
        raise InputError("cannot be read as a shared file of AWS", field=str(path)) from None
    return dict(parser[section]) if parser.has_section(section) else {}


def _to_credential(profile: Mapping[str, str]) -> "S3Credential":
    credential: S3Credential = {
        "access_key_id": profile["aws_access_key_id"],
        "secret_access_key": profile.get("aws_secret_access_key", ""),
        "expires_at": None,
    }
    if "aws_session_token" in profile:
        credential["token"] = profile["aws_session_token"]
    return credential


def _explain(name: str, err: Exception) -> InputError | UnavailableError:
    """Return what an error of the store means; its own words may hold addresses that are signed."""
    if isinstance(err, PermissionDeniedError | UnauthenticatedError | PermissionError):
        return InputError(f"{name}: the store refuses these credentials", field=FIELD)
    if isinstance(err, NotFoundError | FileNotFoundError) or "NoSuchBucket" in str(err):
        return InputError(f"{name}: there is no such bucket", field=FIELD)
    return UnavailableError(f"{name}: the object store is out of reach")
