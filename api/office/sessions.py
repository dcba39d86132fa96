"""Sessions: what a browser holds, how long it counts, and the token that its forms carry.

A session is a random 256-bit token in a cookie that no script reads and no other site's page sends; the database
has only its hash. Forms carry a token that follows from it, so that no other page can fill one in.

>>> token = make_token(secrets.token_bytes)
>>> is_form_token(token, make_form_token(token))
True
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from api.office.accounts import Caller
from api.office.store import OfficeReading, OfficeWriting, Session

TOKEN_BYTES: Final = 32
IDLE: Final = timedelta(minutes=30)
"""A session that is not used for so long has ended."""
ABSOLUTE: Final = timedelta(hours=12)
"""No session lasts longer: a working day."""
TOUCHED_EVERY: Final = timedelta(minutes=1)
"""Use is noted at most so often."""
_FORM: Final = b"hengzheng/office-form/v1\x00"
_SESSION: Final = b"hengzheng/office-session/v1\x00"


def make_token(randomness: Callable[[int], bytes]) -> str:
    """Return a new token, 43 characters."""
    return base64.urlsafe_b64encode(randomness(TOKEN_BYTES)).rstrip(b"=").decode()


def hash_token(token: str) -> bytes:
    """Return what is stored of a token, 32 bytes."""
    return hashlib.sha256(_SESSION + token.encode("utf-8", "replace")).digest()


def make_form_token(token: str) -> str:
    """Return what the forms of a session carry, 64 hex digits."""
    return hmac.new(token.encode(), _FORM, hashlib.sha256).hexdigest()


def is_form_token(token: str, given: str) -> bool:
    """Tell whether a form is one of this session's."""
    return hmac.compare_digest(make_form_token(token).encode(), given.encode("utf-8", "replace"))


def holds(session: Session, now: datetime) -> bool:
    """Tell whether a session still counts."""
    return (
        session.ended_at is None
        and session.account.is_active
        and session.account.version == session.account_version
        and now - session.used_at < IDLE
        and now - session.created_at < ABSOLUTE
    )


def find_caller(office: OfficeReading, token: str, now: datetime) -> tuple[Caller, bool] | None:
    """Return who holds this token, and whether the use is to be noted; None: nobody who is still logged in."""
    session = office.find_session(hash_token(token))
    if session is None or not holds(session, now):
        return None
    account = session.account
    caller = Caller(account.tenant, account.roles, account, token=token)
    return caller, now - session.used_at >= TOUCHED_EVERY


def begin(office: OfficeWriting, account_id: str, old: str | None, token: str, now: datetime) -> None:
    """Begin a session of an account with a new token; the one that the browser had before ends."""
    if old:
        office.end_session(hash_token(old), now)
    account = office.fetch_credentials(account_id).account
    office.add_session(hash_token(token), account, now)
