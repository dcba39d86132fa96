"""Tables of an office's own database: accounts, sessions, machines, who came in and who was refused.

Instants are milliseconds since 1970-01-01 UTC, in columns that end in `_ms`. Secrets stand there hashed, or
encrypted with a key that lies in a file beside the database, see `secret_box`. What happened is insert-only.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()
_Position = BigInteger().with_variant(Integer, "sqlite")

meta = Table(
    "office_meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""Format version, and the origin of the log."""

accounts = Table(
    "office_accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("display", Text, nullable=False),
    Column("pid", Text),
    Column("roles", Text, nullable=False),
    Column("state", Text, CheckConstraint("state IN ('active', 'disabled')"), nullable=False),
    Column("password", Text),
    Column("totp", LargeBinary),
    Column("totp_step", BigInteger, nullable=False),
    Column("enrolment", LargeBinary),
    Column("enrolment_until_ms", BigInteger),
    Column("version", BigInteger, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    UniqueConstraint("tenant", "name", name="office_accounts_name"),
)
"""Staff. `pid` is the person's public pseudonym in the register; `totp_step` the last time step that was used;
`enrolment` SHA-256 of the code with which the first, or another, password is chosen; sessions of an older
`version` have ended."""

recovery_codes = Table(
    "office_recovery_codes",
    metadata,
    Column("account", Text, ForeignKey("office_accounts.id"), primary_key=True),
    Column("code", LargeBinary, primary_key=True),
    Column("used_at_ms", BigInteger),
)
"""Codes that stand in for the one of the app once; SHA-256 of each."""

passkeys = Table(
    "office_passkeys",
    metadata,
    Column("credential", LargeBinary, primary_key=True),
    Column("account", Text, ForeignKey("office_accounts.id"), nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("label", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("used_at_ms", BigInteger),
    Index("office_passkeys_account_idx", "account"),
)

challenges = Table(
    "office_challenges",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("account", Text),
    Column("until_ms", BigInteger, nullable=False),
)
"""Challenges for passkeys that were given out and not used yet; `account` where somebody adds a passkey."""

sessions = Table(
    "office_sessions",
    metadata,
    Column("token", LargeBinary, primary_key=True),
    Column("account", Text, ForeignKey("office_accounts.id"), nullable=False),
    Column("account_version", BigInteger, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("used_at_ms", BigInteger, nullable=False),
    Column("ended_at_ms", BigInteger),
    Index("office_sessions_account_idx", "account"),
)
"""Who is logged in; `token` is SHA-256 of what the browser holds."""

machines = Table(
    "office_machines",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("key", Text, nullable=False, unique=True),
    Column("state", Text, CheckConstraint("state IN ('active', 'disabled')"), nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    UniqueConstraint("tenant", "name", name="office_machines_name"),
)
"""Programs that sign their requests; `key` is a multikey."""

nonces = Table(
    "office_nonces",
    metadata,
    Column("machine", Text, primary_key=True),
    Column("nonce", LargeBinary, primary_key=True),
    Column("until_ms", BigInteger, nullable=False),
)
"""SHA-256 of each signed request of a machine that was answered, as long as its signature lasts."""

failures = Table(
    "office_failures",
    metadata,
    Column("whom", LargeBinary, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("last_at_ms", BigInteger, nullable=False),
)
"""Refused log-ins in a row, by account name and by address, hashed; see `throttle`."""

happenings = Table(
    "office_happenings",
    metadata,
    Column("position", _Position, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("tenant", Text),
    Column("account", Text),
    Column("name", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Index("office_happenings_tenant_idx", "tenant", "position"),
)
"""Log-ins, refused ones, and what administrators did, in order: `position` counts from 1. Insert-only."""

INSERT_ONLY: Final = (happenings,)


def write_triggers(table: str, dialect: str) -> list[str]:
    """Return the statements that make a table insert-only, for `sqlite` or `postgresql`."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is insert-only'); END"
            for change in ("UPDATE", "DELETE")
        ]
    function = f"{table}_refuse_change"
    changes = "UPDATE OR DELETE OR TRUNCATE"
    body = f"BEGIN RAISE EXCEPTION '{table} is insert-only'; END"
    return [
        f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$",
        f"CREATE TRIGGER {table}_insert_only BEFORE {changes} ON {table} EXECUTE FUNCTION {function}()",
    ]
