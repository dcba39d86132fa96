"""What an office remembers: accounts, sessions, machines, refused log-ins, and what happened.

It is given a database and never opens one. Every account and machine is asked for together with its institution:
what belongs to another one is not found, as if it were not there.

>>> store = OfficeStore(database, origin)
>>> store.prepare()
>>> with store.read() as office:
...     office.list_accounts(tenant)
[]
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from api.office.accounts import Account, Credentials, Machine
from api.office.import_store import ImportReading, ImportWriting
from api.office.roles import OfficeRole, spell_roles
from api.office.tables import (
    INSERT_ONLY,
    accounts,
    challenges,
    failures,
    happenings,
    machines,
    meta,
    metadata,
    nonces,
    passkeys,
    recovery_codes,
    sessions,
    write_triggers,
)
from api.office.throttle import Failures
from ledger.core.errors import AlreadyIssuedError, NotFoundError
from ledger.core.ids import InstitutionId
from ledger.store.engine import Database
from ledger.store.own import prepare_own

FORMAT: Final = "2"
"""Format of these tables; a database of another one is refused."""

NOT_HERE: Final = "there is nothing under this name here"
"""Said of what does not exist and of what belongs to another institution alike."""

_Row = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Passkey:
    """A key that a browser or a token keeps for an account."""

    credential: bytes
    account: str
    public_key: bytes
    """COSE key, as it was registered."""
    sign_count: int
    label: str
    created_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Session:
    """One log-in that may still hold."""

    account: Account
    account_version: int
    created_at: datetime
    used_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened, as it was noted."""

    position: int
    at: datetime
    tenant: str | None
    account: str | None
    name: str
    event: str
    address: str
    detail: str


class OfficeReading:
    """Questions about one state of the office."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def imports(self) -> ImportReading:
        """Files that were uploaded."""
        return ImportReading(self._connection)

    def list_accounts(self, tenant: InstitutionId) -> list[Account]:
        """Return the accounts of an institution, by name."""
        query = select(accounts).where(accounts.c.tenant == tenant).order_by(accounts.c.name)
        return [_to_account(row) for row in self._connection.execute(query)]

    def fetch_account(self, tenant: InstitutionId, account: str) -> Account:
        """Return an account of this institution.

        Raises:
            NotFoundError: there is none, or it is another institution's.
        """
        chosen = (accounts.c.tenant == tenant, accounts.c.id == account)
        row = self._connection.execute(select(accounts).where(*chosen)).one_or_none()
        if row is None:
            raise NotFoundError(NOT_HERE)
        return _to_account(row)

    def find_credentials(self, tenant: str, name: str) -> Credentials | None:
        """Return how the account of this name logs in; None: nobody has it."""
        chosen = (accounts.c.tenant == tenant, accounts.c.name == name)
        return self._find_credentials(*chosen)

    def fetch_credentials(self, account: str) -> Credentials:
        """Return how an account logs in.

        Raises:
            NotFoundError: there is no such account.
        """
        found = self._find_credentials(accounts.c.id == account)
        if found is None:
            raise NotFoundError(NOT_HERE)
        return found

    def _find_credentials(self, *chosen: Any) -> Credentials | None:  # noqa: ANN401 -- conditions of a query
        row = self._connection.execute(select(accounts).where(*chosen)).one_or_none()
        if row is None:
            return None
        return Credentials(
            _to_account(row),
            row.password,
            None if row.totp is None else bytes(row.totp),
            row.totp_step,
            None if row.enrolment is None else bytes(row.enrolment),
            _to_optional_instant(row.enrolment_until_ms),
        )

    def find_session(self, token: bytes) -> Session | None:
        """Return the session of a token, by its hash."""
        joined = sessions.join(accounts, sessions.c.account == accounts.c.id)
        columns = [
            *accounts.c,
            sessions.c.account_version,
            sessions.c.created_at_ms.label("session_created_at_ms"),
            sessions.c.used_at_ms,
            sessions.c.ended_at_ms,
        ]
        query = select(*columns).select_from(joined).where(sessions.c.token == token)
        row = self._connection.execute(query).one_or_none()
        if row is None:
            return None
        return Session(
            _to_account(row),
            row.account_version,
            _to_instant(row.session_created_at_ms),
            _to_instant(row.used_at_ms),
            _to_optional_instant(row.ended_at_ms),
        )

    def list_machines(self, tenant: InstitutionId) -> list[Machine]:
        """Return the machines of an institution, by name."""
        query = select(machines).where(machines.c.tenant == tenant).order_by(machines.c.name)
        return [_to_machine(row) for row in self._connection.execute(query)]

    def fetch_machine(self, tenant: InstitutionId, machine: str) -> Machine:
        """Return a machine of this institution.

        Raises:
            NotFoundError: there is none, or it is another institution's.
        """
        chosen = (machines.c.tenant == tenant, machines.c.id == machine)
        row = self._connection.execute(select(machines).where(*chosen)).one_or_none()
        if row is None:
            raise NotFoundError(NOT_HERE)
        return _to_machine(row)

    def find_machine(self, machine: str) -> Machine | None:
        """Return a machine of whichever institution, to check its signature with."""
        row = self._connection.execute(select(machines).where(machines.c.id == machine)).one_or_none()
        return None if row is None else _to_machine(row)

    def list_passkeys(self, account: str) -> list[Passkey]:
        """Return the passkeys of an account, oldest first."""
        query = select(passkeys).where(passkeys.c.account == account).order_by(passkeys.c.created_at_ms)
        return [_to_passkey(row) for row in self._connection.execute(query)]

    def find_passkey(self, credential: bytes) -> Passkey | None:
        """Return a passkey by its id."""
        query = select(passkeys).where(passkeys.c.credential == credential)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _to_passkey(row)

    def count_recovery_codes(self, account: str) -> int:
        """Return how many recovery codes are left."""
        chosen = (recovery_codes.c.account == account, recovery_codes.c.used_at_ms.is_(None))
        count = select(func.count()).select_from(recovery_codes).where(*chosen)
        return int(self._connection.execute(count).scalar_one())

    def find_failures(self, whom: bytes) -> Failures | None:
        """Return refused log-ins in a row of a name or an address."""
        row = self._connection.execute(select(failures).where(failures.c.whom == whom)).one_or_none()
        return None if row is None else Failures(row.number, _to_instant(row.last_at_ms))

    def list_happenings(
        self, tenant: InstitutionId, limit: int, before: int | None = None
    ) -> list[Happening]:
        """Return what happened in an institution, newest first; `before` is a position."""
        query = select(happenings).where(happenings.c.tenant == tenant)
        if before is not None:
            query = query.where(happenings.c.position < before)
        rows = self._connection.execute(query.order_by(happenings.c.position.desc()).limit(limit))
        return [_to_happening(row) for row in rows]


class OfficeWriting(OfficeReading):
    """Changes to the office, inside one transaction."""

    @property
    def imports(self) -> ImportWriting:
        """Files that were uploaded."""
        return ImportWriting(self._connection)

    def add_account(self, account: Account, enrolment: bytes, until: datetime) -> None:
        """Store a new account that has a code to choose its password with.

        Raises:
            AlreadyIssuedError: the name is taken in this institution.
        """
        if self.find_credentials(account.tenant, account.name) is not None:
            raise AlreadyIssuedError(
                f"there is an account {account.name} already", zh=f"已有账户{account.name}"
            )
        values = {
            "id": account.id,
            "tenant": account.tenant,
            "name": account.name,
            "display": account.display,
            "pid": account.pid,
            "roles": spell_roles(account.roles),
            "state": "active",
            "totp_step": 0,
            "enrolment": enrolment,
            "enrolment_until_ms": _to_ms(until),
            "version": account.version,
            "created_at_ms": _to_ms(account.created_at),
        }
        self._connection.execute(insert(accounts).values(**values))

    def change_account(self, account: Account) -> None:
        """Store display name, pseudonym, roles and state; every session of the account ends."""
        values = {
            "display": account.display,
            "pid": account.pid,
            "roles": spell_roles(account.roles),
            "state": "active" if account.is_active else "disabled",
        }
        self._change(account.id, **values)

    def ask_to_enrol(self, account: str, enrolment: bytes, until: datetime) -> None:
        """Forget how an account logs in, and store the code with which its person chooses anew."""
        for table in (recovery_codes, passkeys):
            self._connection.execute(delete(table).where(table.c.account == account))
        times = {"enrolment": enrolment, "enrolment_until_ms": _to_ms(until)}
        self._change(account, password=None, totp=None, totp_step=0, **times)

    def begin_enrolment(self, account: str, password: str, totp: bytes) -> None:
        """Store what a person chose; it counts once the app's first code was given, see `finish_enrolment`."""
        self._change(account, password=password, totp=totp, totp_step=0)

    def finish_enrolment(self, account: str, step: int) -> None:
        """Let an account log in."""
        self._change(account, enrolment=None, enrolment_until_ms=None, totp_step=step)

    def save_password(self, account: str, password: str) -> None:
        """Store another password; every session of the account ends."""
        self._change(account, password=password)

    def _change(self, account: str, **values: Any) -> None:  # noqa: ANN401 -- column values
        chosen = update(accounts).where(accounts.c.id == account)
        self._connection.execute(chosen.values(version=accounts.c.version + 1, **values))

    def take_step(self, account: str, step: int) -> bool:
        """Note a time step as used; return whether it had not been before."""
        chosen = (accounts.c.id == account, accounts.c.totp_step < step)
        done = self._connection.execute(update(accounts).where(*chosen).values(totp_step=step))
        return bool(done.rowcount)

    def save_recovery_codes(self, account: str, codes: list[bytes]) -> None:
        """Store new recovery codes in place of the old ones."""
        self._connection.execute(delete(recovery_codes).where(recovery_codes.c.account == account))
        rows = [{"account": account, "code": code} for code in codes]
        self._connection.execute(insert(recovery_codes), rows)

    def use_recovery_code(self, account: str, code: bytes, now: datetime) -> bool:
        """Note a recovery code as used; return whether it was one that had not been used."""
        chosen = (
            recovery_codes.c.account == account,
            recovery_codes.c.code == code,
            recovery_codes.c.used_at_ms.is_(None),
        )
        done = self._connection.execute(update(recovery_codes).where(*chosen).values(used_at_ms=_to_ms(now)))
        return bool(done.rowcount)

    def add_passkey(self, passkey: Passkey) -> None:
        """Store a new passkey.

        Raises:
            AlreadyIssuedError: it is registered already.
        """
        if self.find_passkey(passkey.credential) is not None:
            raise AlreadyIssuedError("this passkey is registered already", zh="该通行密钥已登记")
        values = {
            "credential": passkey.credential,
            "account": passkey.account,
            "public_key": passkey.public_key,
            "sign_count": passkey.sign_count,
            "label": passkey.label,
            "created_at_ms": _to_ms(passkey.created_at),
        }
        self._connection.execute(insert(passkeys).values(**values))

    def use_passkey(self, credential: bytes, sign_count: int, now: datetime) -> None:
        """Note that a passkey was used."""
        chosen = update(passkeys).where(passkeys.c.credential == credential)
        self._connection.execute(chosen.values(sign_count=sign_count, used_at_ms=_to_ms(now)))

    def remove_passkey(self, account: str, credential: bytes) -> None:
        """Remove a passkey of an account.

        Raises:
            NotFoundError: the account has none of this id.
        """
        chosen = (passkeys.c.account == account, passkeys.c.credential == credential)
        if not self._connection.execute(delete(passkeys).where(*chosen)).rowcount:
            raise NotFoundError(NOT_HERE)

    def add_challenge(self, digest: bytes, account: str | None, until: datetime, now: datetime) -> None:
        """Store a challenge that was given out, and forget those whose time is over."""
        self._connection.execute(delete(challenges).where(challenges.c.until_ms <= _to_ms(now)))
        values = {"digest": digest, "account": account, "until_ms": _to_ms(until)}
        self._connection.execute(insert(challenges).values(**values))

    def take_challenge(self, digest: bytes, account: str | None, now: datetime) -> bool:
        """Return whether a challenge was given out for this and not used since; from now on it is used."""
        whose = challenges.c.account.is_(None) if account is None else challenges.c.account == account
        chosen = (challenges.c.digest == digest, whose, challenges.c.until_ms > _to_ms(now))
        return bool(self._connection.execute(delete(challenges).where(*chosen)).rowcount)

    def add_session(self, token: bytes, account: Account, now: datetime) -> None:
        """Store a new session, by the hash of its token."""
        values = {"token": token, "account": account.id, "account_version": account.version}
        times = {"created_at_ms": _to_ms(now), "used_at_ms": _to_ms(now)}
        self._connection.execute(insert(sessions).values(**values, **times))

    def touch_session(self, token: bytes, now: datetime) -> None:
        """Note that a session is in use."""
        chosen = update(sessions).where(sessions.c.token == token)
        self._connection.execute(chosen.values(used_at_ms=_to_ms(now)))

    def end_session(self, token: bytes, now: datetime) -> None:
        """End a session."""
        chosen = (sessions.c.token == token, sessions.c.ended_at_ms.is_(None))
        self._connection.execute(update(sessions).where(*chosen).values(ended_at_ms=_to_ms(now)))

    def add_machine(self, machine: Machine) -> None:
        """Store a new machine.

        Raises:
            AlreadyIssuedError: its name is taken in this institution, or its key somewhere.
        """
        values = {
            "id": machine.id,
            "tenant": machine.tenant,
            "name": machine.name,
            "key": machine.key,
            "state": "active",
            "created_by": machine.created_by,
            "created_at_ms": _to_ms(machine.created_at),
        }
        try:
            with self._connection.begin_nested():
                self._connection.execute(insert(machines).values(**values))
        except IntegrityError:
            raise AlreadyIssuedError(
                "a machine has this name or this key already", zh="已有系统使用该名称或密钥"
            ) from None

    def set_machine_state(self, machine: Machine, *, is_active: bool) -> None:
        """Let a machine in, or out for ever longer."""
        chosen = update(machines).where(machines.c.id == machine.id, machines.c.tenant == machine.tenant)
        self._connection.execute(chosen.values(state="active" if is_active else "disabled"))

    def take_nonce(self, machine: str, nonce: bytes, until: datetime, now: datetime) -> bool:
        """Note a signed request as answered; return whether it had not been before."""
        self._connection.execute(delete(nonces).where(nonces.c.until_ms <= _to_ms(now)))
        chosen = (nonces.c.machine == machine, nonces.c.nonce == nonce)
        if self._connection.execute(select(nonces.c.machine).where(*chosen)).first() is not None:
            return False
        values = {"machine": machine, "nonce": nonce, "until_ms": _to_ms(until)}
        self._connection.execute(insert(nonces).values(**values))
        return True

    def save_failures(self, whom: bytes, counted: Failures) -> None:
        """Store refused log-ins in a row."""
        values = {"number": counted.count, "last_at_ms": _to_ms(counted.last_at)}
        done = self._connection.execute(update(failures).where(failures.c.whom == whom).values(**values))
        if not done.rowcount:
            self._connection.execute(insert(failures).values(whom=whom, **values))

    def forget_failures(self, whom: bytes) -> None:
        """Forget refused log-ins of a name."""
        self._connection.execute(delete(failures).where(failures.c.whom == whom))

    def note(
        self,
        event: str,
        now: datetime,
        *,
        tenant: str | None,
        account: str | None = None,
        name: str = "",
        address: str = "",
        detail: str = "",
    ) -> None:
        """Write down what happened, behind everything else."""
        last = self._connection.execute(select(func.max(happenings.c.position))).scalar_one() or 0
        values = {"tenant": tenant, "account": account, "name": name, "event": event}
        rest = {"position": last + 1, "at_ms": _to_ms(now), "address": address, "detail": detail}
        self._connection.execute(insert(happenings).values(**values, **rest))


class OfficeStore:
    """One office's memory. Safe to share between threads."""

    def __init__(self, database: Database, origin: str) -> None:
        self._database = database
        self._made_for = {"format": FORMAT, "origin": origin}

    def prepare(self) -> None:
        """Make the tables, or check that those found are the right ones.

        Raises:
            StateError: tables of another format, or of an office for another log.
            UnavailableError: the database is out of reach.
        """
        with self._database.write() as connection:
            if prepare_own(connection, metadata, meta, self._made_for, "this office"):
                for table in INSERT_ONLY:
                    for statement in write_triggers(table.name, connection.dialect.name):
                        connection.execute(text(statement))

    def drop_traces(self) -> None:
        """Leave nothing of what was taken out in the database's own log; see `Database.drop_traces`."""
        self._database.drop_traces()

    @contextmanager
    def read(self) -> Iterator[OfficeReading]:
        """Ask questions of one unchanging state; raises as the database does."""
        with self._database.read() as connection:
            yield OfficeReading(connection)

    @contextmanager
    def write(self) -> Iterator[OfficeWriting]:
        """Change the office; stored when the block is left. Raises as the database does."""
        with self._database.write() as connection:
            yield OfficeWriting(connection)


def _to_account(row: _Row) -> Account:
    columns = row._mapping  # noqa: SLF001 -- public in spite of its name, says SQLAlchemy
    return Account(
        id=columns["id"],
        tenant=InstitutionId(columns["tenant"]),
        name=columns["name"],
        display=columns["display"],
        pid=columns["pid"],
        roles=frozenset(map(OfficeRole, columns["roles"].split())),
        is_active=columns["state"] == "active",
        has_password=columns["password"] is not None,
        is_enrolling=columns["enrolment"] is not None,
        version=columns["version"],
        created_at=_to_instant(columns["created_at_ms"]),
    )


def _to_machine(row: _Row) -> Machine:
    return Machine(
        row.id,
        InstitutionId(row.tenant),
        row.name,
        row.key,
        row.state == "active",
        row.created_by,
        _to_instant(row.created_at_ms),
    )


def _to_passkey(row: _Row) -> Passkey:
    return Passkey(
        bytes(row.credential),
        row.account,
        bytes(row.public_key),
        row.sign_count,
        row.label,
        _to_instant(row.created_at_ms),
        _to_optional_instant(row.used_at_ms),
    )


def _to_happening(row: _Row) -> Happening:
    columns = (row.tenant, row.account, row.name, row.event, row.address, row.detail)
    return Happening(row.position, _to_instant(row.at_ms), *columns)


def _to_ms(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)


def _to_instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _to_optional_instant(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else _to_instant(milliseconds)
