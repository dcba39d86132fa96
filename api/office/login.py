"""Logging in: by name, password and a code, or by a passkey; one answer to whatever is wrong.

Nobody learns whether a name exists: an unknown one is stretched, counted and refused as a known one is. Refused
tries cost time, counted for the name and for the address, see `throttle`; each is written down.

>>> log_in(office, Attempt("350100-01", "lin", password, code, "203.0.113.7"), old_token=None)
'kQ3…'
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from api.office.accounts import Credentials
from api.office.call import Office
from api.office.passwords import hash_code
from api.office.sessions import begin, make_token
from api.office.store import OfficeWriting
from api.office.throttle import FREE_FOR_ADDRESS, FREE_FOR_NAME, add_failure, wait_until
from api.office.totp import DIGITS, find_step
from ledger.core.errors import LogIntegrityError

_WHOM: Final = b"hengzheng/office-throttle/v1\x00"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Somebody was not let in; which of the parts was wrong is not said."""

    until: datetime | None = None
    """Until when nothing is tried; None: it was tried."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody has typed."""

    tenant: str
    name: str
    password: str = field(repr=False)
    code: str = field(repr=False)
    """Of the app, or one of the recovery codes."""
    address: str


def log_in(office: Office, attempt: Attempt, old_token: str | None) -> str | Refusal:
    """Return the token of a new session, or that something is wrong, or that it is too early to try again."""
    now = office.clock()
    too_early = find_wait(office, attempt.tenant, attempt.name, attempt.address, now)
    if too_early is not None:
        return too_early
    with office.store.read() as reading:
        found = reading.find_credentials(attempt.tenant, attempt.name)
    is_right = office.hasher.verify(attempt.password, None if found is None else found.password)
    with office.store.write() as writing:
        found = writing.find_credentials(attempt.tenant, attempt.name)
        if (
            is_right
            and found is not None
            and _may_enter(found)
            and _takes_code(office, writing, found, attempt.code, now)
        ):
            writing.forget_failures(_hash_name(attempt.tenant, attempt.name))
            return open_session(office, writing, found, old_token, attempt.address, "password")
        refuse(writing, attempt.tenant, attempt.name, attempt.address, now, found)
    return Refusal()


def _may_enter(found: Credentials) -> bool:
    return found.account.is_active and not found.account.is_enrolling and found.totp is not None


def _takes_code(office: Office, writing: OfficeWriting, found: Credentials, code: str, now: datetime) -> bool:
    """Tell whether a code counts; from now on it does not count again."""
    account = found.account.id
    if len(code.replace(" ", "").strip()) != DIGITS:
        return writing.use_recovery_code(account, hash_code(code), now)
    secret = None
    with suppress(LogIntegrityError):
        secret = office.box.open(found.totp or b"", account)
    step = None if secret is None else find_step(secret, code, at=now, after=found.totp_step)
    return step is not None and writing.take_step(account, step)


def open_session(
    office: Office,
    writing: OfficeWriting,
    found: Credentials,
    old_token: str | None,
    address: str,
    way: str,
) -> str:
    """Let somebody in who has shown who they are; return the token of the session."""
    account, now = found.account, office.clock()
    token = make_token(office.randomness)
    begin(writing, account.id, old_token, token, now)
    writing.note(
        "logged-in",
        now,
        tenant=account.tenant,
        account=account.id,
        name=account.name,
        address=address,
        detail=way,
    )
    return token


def find_wait(office: Office, tenant: str, name: str, address: str, now: datetime) -> Refusal | None:
    """Return that it is too early for somebody who has tried too often; None: they may try."""
    with office.store.read() as reading:
        waits = (
            wait_until(reading.find_failures(_hash_name(tenant, name)) if name else None, FREE_FOR_NAME),
            wait_until(reading.find_failures(_hash_address(address)), FREE_FOR_ADDRESS),
        )
    until = max((wait for wait in waits if wait is not None), default=None)
    return Refusal(until) if until is not None and now < until else None


def refuse(
    writing: OfficeWriting,
    tenant: str,
    name: str,
    address: str,
    now: datetime,
    found: Credentials | None,
) -> None:
    """Count a failure, of the address alone where no name was given, and write it down."""
    for whom in ([_hash_name(tenant, name)] if name else []) + [_hash_address(address)]:
        writing.save_failures(whom, add_failure(writing.find_failures(whom), now))
    account = None if found is None else found.account
    writing.note(
        "log-in-refused",
        now,
        tenant=tenant or None,
        account=None if account is None else account.id,
        name=name[:40],
        address=address,
    )


def _hash_name(tenant: str, name: str) -> bytes:
    return hashlib.sha256(_WHOM + b"name\x00" + f"{tenant}\x00{name}".encode("utf-8", "replace")).digest()


def _hash_address(address: str) -> bytes:
    return hashlib.sha256(_WHOM + b"address\x00" + address.encode("utf-8", "replace")).digest()
