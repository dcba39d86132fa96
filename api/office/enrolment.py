"""The first log-in of an account: a code that an administrator hands over, a password, an app, recovery codes.

    new account, or one whose person has lost their means ── code, good for a week
      └─ name, code, password ──► secret of the app ── first code of the app ──► recovery codes, and log in

>>> account, code = add_account(office, writing, tenant, "lin", "林示例", "P-0107", roles, by=None)
"""

import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Protocol

from api.office.accounts import Account, Credentials, check_roles
from api.office.call import Office
from api.office.passwords import RECOVERY_CODES, hash_code, make_code, parse_new_password
from api.office.roles import OfficeRole
from api.office.store import OfficeWriting
from api.office.totp import find_step, make_secret
from ledger.core.errors import InputError
from ledger.core.ids import InstitutionId

GOOD_FOR: Final = timedelta(days=7)
"""A code that is not used in this time is replaced by an administrator."""
_ID_BYTES: Final = 8
_WRONG: Final = "the institution, name or code is wrong, or the code is older than a week"
_WRONG_ZH: Final = "机构、用户名或授权码有误，或授权码已超过一周"


class Issuing(Protocol):
    """What new accounts and codes are made with; an office has it."""

    @property
    def clock(self) -> Callable[[], datetime]:
        """Returns the time, aware UTC."""
        ...

    @property
    def randomness(self) -> Callable[[int], bytes]:
        """Returns so many random bytes."""
        ...


def make_id(office: Issuing, mark: str) -> str:
    """Return a new id, as `a-0123456789abcdef`."""
    return f"{mark}-{office.randomness(_ID_BYTES).hex()}"


def add_account(
    office: Issuing,
    writing: OfficeWriting,
    tenant: InstitutionId,
    name: str,
    display: str,
    pid: str | None,
    roles: frozenset[OfficeRole],
) -> tuple[Account, str]:
    """Store a new account; return it with the code for its person.

    Raises:
        InputError: roles that nobody may hold together.
        AlreadyIssuedError: the name is taken in this institution.
    """
    check_roles(roles)
    now, code = office.clock(), make_code(office.randomness)
    account = Account(
        id=make_id(office, "a"),
        tenant=tenant,
        name=name,
        display=display,
        pid=pid,
        roles=roles,
        is_active=True,
        has_password=False,
        is_enrolling=True,
        version=1,
        created_at=now,
    )
    writing.add_account(account, hash_code(code), now + GOOD_FOR)
    return account, code


def start_again(office: Issuing, writing: OfficeWriting, account: Account) -> str:
    """Forget how an account logs in, passkeys too; return the code with which its person starts again."""
    code = make_code(office.randomness)
    writing.ask_to_enrol(account.id, hash_code(code), office.clock() + GOOD_FOR)
    return code


def choose_password(
    office: Office, tenant: str, name: str, code: str, password: str, again: str
) -> tuple[Account, bytes]:
    """Store the password that a person chooses; return the account, and the secret for the person's app.

    Raises:
        InputError: a wrong code, or a password that does not do.
    """
    chosen = office.hasher.hash(parse_new_password(password, again, name))
    with office.store.write() as writing:
        found = _find(office, writing, tenant, name, code)
        account, secret = found.account, make_secret(office.randomness)
        writing.begin_enrolment(account.id, chosen, office.box.seal(secret, account.id))
    return account, secret


def confirm_app(office: Office, tenant: str, name: str, code: str, shown: str) -> tuple[Account, list[str]]:
    """Let an account log in once its person's app shows the right code; return the recovery codes.

    Raises:
        InputError: a wrong code; the app's may be tried again.
    """
    with office.store.write() as writing:
        found = _find(office, writing, tenant, name, code)
        if found.totp is None:
            raise InputError("choose a password first", field="code", zh="请先设置密码")
        secret = office.box.open(found.totp, found.account.id)
        step = find_step(secret, shown, at=office.clock(), after=0)
        if step is None:
            raise InputError(
                "is not what the app shows now: compare the clock of the phone",
                field="shown",
                zh="与应用当前显示的不符，请核对手机时间",
            )
        writing.finish_enrolment(found.account.id, step)
        return found.account, give_recovery_codes(office, writing, found.account)


def give_recovery_codes(office: Issuing, writing: OfficeWriting, account: Account) -> list[str]:
    """Return new recovery codes; the old ones count no more."""
    codes = [make_code(office.randomness) for _ in range(RECOVERY_CODES)]
    writing.save_recovery_codes(account.id, [hash_code(code) for code in codes])
    return codes


def find_secret(office: Office, tenant: str, name: str, code: str) -> tuple[Account, bytes]:
    """Return the secret that waits for its first code, to be shown again.

    Raises:
        InputError: a wrong code, or no password was chosen.
    """
    with office.store.write() as writing:
        found = _find(office, writing, tenant, name, code)
        if found.totp is None:
            raise InputError("choose a password first", field="code", zh="请先设置密码")
        return found.account, office.box.open(found.totp, found.account.id)


def _find(office: Office, writing: OfficeWriting, tenant: str, name: str, code: str) -> Credentials:
    """Return the account that this code is for.

    Raises:
        InputError: there is none; which part is wrong is not said.
    """
    found = writing.find_credentials(tenant, name)
    stored = b"" if found is None or found.enrolment is None else found.enrolment
    is_right = hmac.compare_digest(stored, hash_code(code))
    if not is_right or found is None or not found.account.is_active or _is_over(found, office.clock()):
        raise InputError(_WRONG, field="code", zh=_WRONG_ZH)
    return found


def _is_over(found: Credentials, now: datetime) -> bool:
    return found.enrolment_until is None or found.enrolment_until <= now
