"""Who is known to an office: people, machines, and who a request comes from.

>>> Account("a1", "350100-01", "lin", "林示例", "P-0107", frozenset({OfficeRole.OPERATOR}), ...).is_active
True
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from api.office.roles import PEOPLE, OfficeRole
from ledger.core.errors import InputError
from ledger.core.ids import InstitutionId
from ledger.core.person import PERSON_ID_PATTERN

MAX_NAME: Final = 40
MAX_DISPLAY: Final = 80
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}", re.ASCII)
_PID: Final = re.compile(PERSON_ID_PATTERN, re.ASCII)


@dataclass(frozen=True, slots=True)
class Account:
    """One person's account with one institution."""

    id: str
    tenant: InstitutionId
    name: str
    """With which the person logs in; unique within the institution."""
    display: str
    """As colleagues know the person; never printed on documents."""
    pid: str | None
    """Public pseudonym in the register; needed by who drafts, checks or approves."""
    roles: frozenset[OfficeRole]
    is_active: bool
    has_password: bool
    is_enrolling: bool
    """A code waits with which the person chooses a password."""
    version: int
    """Sessions of an older version have ended."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Credentials:
    """How an account logs in; never shown."""

    account: Account
    password: str | None = field(repr=False)
    """As `passwords.PasswordHasher` wrote it."""
    totp: bytes | None = field(repr=False)
    """Encrypted, see `secret_box`."""
    totp_step: int
    """The last time step that was used."""
    enrolment: bytes | None = field(repr=False)
    """SHA-256 of the code, 32 bytes."""
    enrolment_until: datetime | None


@dataclass(frozen=True, slots=True)
class Machine:
    """A program that signs its requests."""

    id: str
    tenant: InstitutionId
    name: str
    key: str
    """Multikey, `z…`."""
    is_active: bool
    created_by: str
    """Id of the administrator's account."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a request comes from: a person who is logged in, or a machine that signed it."""

    tenant: InstitutionId
    roles: frozenset[OfficeRole]
    account: Account | None
    """None: a machine."""
    machine: Machine | None = None
    token: str | None = field(default=None, repr=False)
    """Of the session; None: a machine."""

    @property
    def id(self) -> str:
        """Return the id of the account or of the machine."""
        if self.account is not None:
            return self.account.id
        assert self.machine is not None  # noqa: S101 -- a caller is one or the other
        return self.machine.id

    @property
    def name(self) -> str:
        """Return the name of the account or of the machine, for people to read."""
        if self.account is not None:
            return self.account.display
        assert self.machine is not None  # noqa: S101 -- a caller is one or the other
        return self.machine.name

    @property
    def pid(self) -> str | None:
        """Return the person's public pseudonym, if there is one."""
        return None if self.account is None else self.account.pid


def parse_name(text: str, field_name: str = "name") -> str:
    """Return the log-in name of an account, or the name of a machine.

    Raises:
        InputError: not 2 to 40 of a-z, 0-9, '.', '_' and '-'.
    """
    if _NAME.fullmatch(text) is None:
        raise InputError(
            "2 to 40 of a-z, 0-9, '.', '_' and '-', no sign first",
            field=field_name,
            zh="为2至40个小写字母、数字或 . _ -，不以符号开头",
        )
    return text


def parse_display(text: str) -> str:
    """Return the name by which colleagues know a person.

    Raises:
        InputError: empty, too long, or with characters that cannot be printed.
    """
    stripped = text.strip()
    if not 1 <= len(stripped) <= MAX_DISPLAY or not stripped.isprintable():
        raise InputError(
            f"1 to {MAX_DISPLAY} characters that can be printed",
            field="display",
            zh=f"为1至{MAX_DISPLAY}个可显示字符",
        )
    return stripped


def parse_pid(text: str, roles: frozenset[OfficeRole]) -> str | None:
    """Return the public pseudonym of a person; empty where there is none.

    Raises:
        InputError: not such a pseudonym, or none for somebody who signs documents.
    """
    stripped = text.strip()
    if not stripped:
        if roles & {OfficeRole.OPERATOR, OfficeRole.CHECKER, OfficeRole.APPROVER}:
            raise InputError(
                "is needed by who drafts, checks or approves",
                field="pid",
                zh="检定员、核验员、批准人必须填写",
            )
        return None
    if _PID.fullmatch(stripped) is None:
        raise InputError(
            "1 to 40 letters, digits, '.', '_' and '-', as the register has it",
            field="pid",
            zh="为1至40个字母、数字或 . _ -，与登记一致",
        )
    return stripped


def check_roles(roles: frozenset[OfficeRole]) -> None:
    """Refuse roles that nobody may hold together.

    Raises:
        InputError: an auditor who could also change something.
    """
    if not roles or not roles <= PEOPLE:
        raise InputError("choose roles of people", field="roles", zh="请选择人员角色")
    if OfficeRole.AUDITOR in roles and len(roles) > 1:
        raise InputError(
            "an auditor changes nothing: no other role beside it",
            field="roles",
            zh="审计员不得更改任何内容，不能兼任其他角色",
        )
