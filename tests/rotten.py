"""A log with a row in every table, its logical content, and ways to damage a database behind its owner's back."""

import hashlib
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from every_kind import live
from ledger_in_memory import make_signer
from sqlalchemy import text
from stickers import REGISTRATION
from vector_photos import PICTURE
from witnesses import make_witness
from world import INSTITUTION, NOW, Issued, World, submit

from contracts.registry import encode_anchor
from ledger.chain.transactions import Account, FeeQuote, build_transaction
from ledger.core.anchor import AnchorGrade, ChainIdentity, encode_chain_identity, sign_receipt
from ledger.core.cosignature import encode_witness, sign_cosignature
from ledger.core.event import EventType
from ledger.core.note import parse_note
from ledger.core.photo import Photograph
from ledger.core.registration import encode_instrument_content
from ledger.core.statement import ActClaims, Statement, sign_statement
from ledger.doctor.diagnosis import NOTES
from ledger.store.anchor_queries import AnchorQueries, AnchorState, StoredAttempt
from ledger.store.condition_queries import Condition, ConditionQueries
from ledger.store.records import StoredCosignature, Withheld
from ledger.store.tables import metadata
from ledger.submission import Acknowledgement

WORLD = World()
ACCOUNT = Account(hashlib.sha256(b"chain").digest())
CHAIN = ChainIdentity(31337, b"g" * 32, b"c" * 20, b"l" * 32)
TABLES = {table.name: table for table in metadata.sorted_tables}
MANY = 270
"""Issues: with them the log has two tiles of leaves, and one above."""


def grow(log, store):
    """Fill a founded log: documents, several batches, one instrument three times, a row of every kind of table.

    Anchors have gone every way: at once, by way of a reorg and of transactions built anew, lost and found, seen.
    """
    issues = [WORLD.issue(number) for number in range(3)]
    submit(log, *issues)
    submit(log, *(stub(number) for number in range(10, 10 + MANY)))
    anchor(store, log, "safe final lost final")
    assert all(isinstance(one, Acknowledgement) for one in submit(log, *live(WORLD, *issues)))
    cosign(store, log, "w1", "w2")
    anchor(store, log, "final lost dismissed")
    submit(log, stub(900, instrument=10, version=1), photographed(0))
    anchor(store, log, "reorged failed drafted submitted replaced submitted submitted included safe final")
    submit(log, stub(901, instrument=10, version=2), stub(902, instrument=11, version=1), photographed(1))
    cosign(store, log, "w1", "w2", "w3")
    anchor(store, log, "final")
    submit(log, stub(903, instrument=12, version=1))
    anchor(store, log, "reorged submitted")
    with store.write() as writing:
        digest = hashlib.sha256(issues[1].body).digest()
        writing.withhold_document(digest, Withheld("榕市监〔2026〕8号", 1_793_000_000_000, bytes(32)))
    with store.database.write() as connection:
        conditions = ConditionQueries(connection)
        conditions.put(Condition("boot", "compared", "compared with nobody", "已比对", NOW))
        conditions.put(Condition("anchoring", "waiting", "it waits", "等待中", NOW, "12345678901234567"))


def stub(number, **changes):
    """Return an issue whose certificate is no more than bytes with its digest."""
    return Issued(WORLD.bare_issue(number, **changes), b"bare" + number.to_bytes(8))


def photographed(version):
    """Return the registration of an instrument with its photograph, the same one in every version."""
    photo = Photograph(hashlib.sha256(PICTURE).digest(), 16, 12, NOW.date())
    raw = encode_instrument_content(replace(REGISTRATION, id=bytes([0xEE]) * 16, photo=photo))
    statement = Statement(EventType.INSTRUMENT, INSTITUTION, ActClaims(bytes([version]) * 8, raw), version)
    return Issued(sign_statement(statement, WORLD.seal, WORLD.origin), PICTURE)


def cosign(store, log, *names):
    """Store a line of each witness under a log's newest checkpoint."""
    body = parse_note(log.checkpoint).text
    with store.write() as queries:
        for after, name in enumerate(names):
            line = sign_cosignature(
                body, make_witness(name), make_signer(name), NOW + timedelta(seconds=after)
            )
            seconds = int.from_bytes(line.signature[:8])
            vkey = encode_witness(make_witness(name))
            queries.add_cosignature(StoredCosignature(log.head.tree_size, vkey, seconds, line.signature))


def anchor(store, log, states):
    """Take the anchor of a log's head from draft to block, then on through these states, as the sender would."""
    with store.write() as queries:
        queries.bind_meta({name: str(value) for name, value in encode_chain_identity(CHAIN).items()})
    with store.database.write() as connection:
        queries = AnchorQueries(connection)
        step = connection.execute(text("SELECT count(*) FROM anchor_moves")).scalar()
        found = queries.add_draft(log.head.tree_size, log.head.root_hash, NOW + timedelta(minutes=step))
        tx_hash = None
        for state in ("submitted", "included", *states.split()):
            step += 1
            now = NOW + timedelta(minutes=step)
            if state == "submitted":
                tx_hash = _attempt(queries, found, step, now)
            after = (
                replace(found, state=AnchorState(state)) if state != "included" else _include(found, tx_hash)
            )
            if state == "reorged":
                after = replace(after, tx_hash=None, block_number=None, block_hash=None)
            if state == "final":
                after = replace(after, receipt=found.receipt or _sign(found))
            about = tx_hash if state in {"submitted", "failed", "reorged"} else None
            queries.save(found, after, now, "for a test", about)
            found = after


def _attempt(queries, found, nonce, now):
    fees = FeeQuote(30 * 10**9, 10**9)
    sent = build_transaction(
        ACCOUNT,
        chain_id=CHAIN.chain_id,
        nonce=nonce,
        to=CHAIN.contract,
        data=encode_anchor(CHAIN.log_id, found.tree_size, found.root_hash, ()),
        gas=90_000,
        fees=fees,
    )
    attempt = StoredAttempt(sent.hash, nonce, sent.raw, fees.max_fee_wei, fees.priority_fee_wei)
    queries.add_attempt(found, attempt, now)
    return sent.hash


def _include(found, tx_hash):
    number = 7 + found.tree_size
    block = hashlib.sha256(b"block" + number.to_bytes(8)).digest()
    return replace(found, state=AnchorState.INCLUDED, tx_hash=tx_hash, block_number=number, block_hash=block)


def _sign(found):
    return sign_receipt(
        CHAIN,
        found.tree_size,
        found.root_hash,
        found.tx_hash,
        found.block_number,
        found.block_hash,
        NOW,
        AnchorGrade.FINAL,
        WORLD.log_key,
    )


def read_content(database, *, notes=False):
    """Return every row of every table; the sender's notes, which nothing repeats, only if asked for."""
    content = {}
    with database.read() as connection:
        for name, table in TABLES.items():
            columns = [
                column.name for column in table.columns if notes or column.name not in NOTES.get(name, ())
            ]
            rows = connection.execute(text(f"SELECT {', '.join(columns)} FROM {name}"))
            content[name] = sorted(map(repr, map(tuple, rows)))
        content["alembic"] = connection.execute(text("SELECT * FROM alembic_version")).all()
    return content


@contextmanager
def unguarded(database):
    """Yield a connection for which neither triggers nor foreign keys hold."""
    with database.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            yield connection
            return
        connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        triggers = connection.execute(
            text("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
        ).all()
        for name, _ in triggers:
            connection.execute(text(f"DROP TRIGGER {name}"))
        yield connection
        for _, sql in triggers:
            connection.execute(text(sql))


def read_table(database, name):
    """Return the rows of a table as dicts, by primary key."""
    table = TABLES[name]
    keys = ", ".join(column.name for column in table.primary_key)
    with database.read() as connection:
        return [
            dict(row._mapping) for row in connection.execute(text(f"SELECT * FROM {name} ORDER BY {keys}"))
        ]


def update_row(connection, name, row, changes):
    """Change columns of the row that is as `row` says."""
    sets = ", ".join(f"{column} = :new_{column}" for column in changes)
    values = {f"new_{column}": value for column, value in changes.items()}
    where, keys = _where(name, row)
    connection.execute(text(f"UPDATE {name} SET {sets} WHERE {where}"), values | keys)


def delete_row(connection, name, row):
    where, keys = _where(name, row)
    connection.execute(text(f"DELETE FROM {name} WHERE {where}"), keys)


def insert_row(connection, name, row):
    columns = ", ".join(row)
    connection.execute(
        text(f"INSERT INTO {name} ({columns}) VALUES ({', '.join(f':{c}' for c in row)})"), row
    )


def _where(name, row):
    keys = [column.name for column in TABLES[name].primary_key]
    return " AND ".join(f"{key} = :key_{key}" for key in keys), {f"key_{key}": row[key] for key in keys}


def flip_value(value, random):
    """Return a value of the same kind with one bit changed; something where there was nothing."""
    if isinstance(value, bytes):
        return flip_bit(value, random.randrange(8 * len(value))) if value else b"\0"
    if isinstance(value, str):
        at = random.randrange(len(value)) if value else 0
        return value[:at] + chr(ord(value[at : at + 1] or "a") ^ 1) + value[at + 1 :]
    return 1 if value is None else value ^ 1 << random.randrange(5)


def flip_bit(raw, bit):
    changed = bytearray(raw)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
