"""Faults planted into the product, in the worker's process only: each must be found by the crash harness.

>>> plant("ack_before_commit", trouble, site)
"""

import hashlib
from contextlib import suppress

from ledger import anchoring, log
from ledger.core.errors import LedgerError
from ledger.store import engine, queries
from ledger.store.queries import WriteQueries


def plant(bug, trouble, site):
    """Put one fault in; "" puts none."""
    if bug:
        BUGS[bug](trouble, site)


def documents_in_a_second_transaction(trouble, site):
    """Certificate and leaf in two transactions."""
    _write_later("documents", lambda batch: list(batch.documents.items()), queries.OnConflict.KEEP)


def tiles_in_a_second_transaction(trouble, site):
    """Tiles are written outside the batch's transaction."""
    log.verify_stored = lambda *_: None
    _write_later("tiles", lambda batch: batch.tiles, queries.OnConflict.REPLACE)


def replaced_states_in_a_second_transaction(trouble, site):
    """The way back to older maps is written after the commit."""
    _write_later(
        "replaced_states",
        lambda batch: [(batch.after.tree_size, queries.encode_replaced(batch.replaced))],
        queries.OnConflict.KEEP,
    )


def _write_later(name, find_rows, on_conflict):
    """Leave one table out of the batch, and write it in a transaction of its own afterwards."""
    table, late = getattr(queries, name), []
    write, append, insert = WriteQueries.write_batch, log.Log.append, queries.insert_rows

    def write_batch(self, batch):
        late[:] = find_rows(batch)
        return write(self, batch)

    def insert_rows(connection, into, rows, *more):
        if into is not table:
            insert(connection, into, rows, *more)

    def append_twice(self, submissions):
        late.clear()
        results = append(self, submissions)
        if late:
            with self._store.database.write() as connection:
                insert(connection, table, list(late), on_conflict)
        return results

    WriteQueries.write_batch, queries.insert_rows, log.Log.append = write_batch, insert_rows, append_twice


def checkpoint_in_a_second_transaction(trouble, site):
    """Head and checkpoint do not change together."""
    late, append, write = [], log.Log.append, WriteQueries.write_checkpoint
    WriteQueries.write_checkpoint = lambda self, checkpoint: late.append(checkpoint)

    def append_twice(self, submissions):
        results = append(self, submissions)
        if late:
            with self._store.write() as transaction:
                write(transaction, late.pop())
        return results

    log.Log.append = append_twice


def map_pages_are_not_written(trouble, site):
    insert = queries.insert_rows
    queries.insert_rows = lambda connection, table, *more: (
        None if table is queries.map_pages else insert(connection, table, *more)
    )


def acknowledged_before_the_commit(trouble, site):
    from crash_worker import acknowledge

    append = log.Log._append

    def append_and_tell(self, transaction, before, submissions):
        state, results = append(self, transaction, before, submissions)
        for item, result in zip(submissions, results, strict=True):
            acknowledge(site, hashlib.sha256(item.signed.raw).hexdigest(), result.leaf_index)
        return state, results

    log.Log._append = append_and_tell


def retried_without_looking_up(trouble, site):
    """After an unknown commit the statement is simply appended again."""
    from ledger import local, sequencing

    local.SqlStore.find_entries = None
    queries.ReadQueries.find_entries = lambda self, names: {}
    sequencing.Sequencing._find_conflict = lambda self, *_: None


def signed_without_reading_again(trouble, site):
    """The checkpoint is signed before what was stored has been read again."""
    log.verify_stored = lambda *_: None


def head_not_compared(trouble, site):
    """The head is overwritten, whoever has moved it."""
    append = log.Log.append

    def blind(self, submissions):
        known = self._state.head
        read = queries.ReadQueries.read_head
        queries.ReadQueries.read_head = lambda _: known
        try:
            return append(self, submissions)
        finally:
            queries.ReadQueries.read_head = read

    def overwrite(self, before, after):
        values = {"tree_size": after.tree_size, "root_hash": after.root_hash}
        found = self._connection.execute(
            queries.update(queries.head).values(**values, sequenced_at_ms=after.sequenced_at_ms)
        )
        return found.rowcount == 1

    log.Log.append, WriteQueries._swap_head = blind, overwrite


def receipt_before_finality(trouble, site):
    from ledger.chain.client import ChainClient

    ChainClient.is_final = lambda *_: True


def outbox_after_sending(trouble, site):
    sign = anchoring.Anchorer._sign
    build = anchoring.build_transaction

    def build_and_send(*args, **values):
        transaction = build(*args, **values)
        with suppress(LedgerError):
            plant_client[0].send_raw(transaction.raw)
        return transaction

    plant_client = []

    def sign_late(self, *args):
        plant_client[:] = [self._client]
        return sign(self, *args)

    anchoring.build_transaction, anchoring.Anchorer._sign = build_and_send, sign_late


def number_outside_the_transaction(trouble, site):
    """The counter of a series moves on before the documents are stored."""
    from issuer.issuing import Desk

    sign = Desk._sign
    allot = Desk._give_numbers
    taken = []

    def sign_later(self, documents, versions):
        with self._store.write() as desk:
            known = desk.find([document.request.id for document in documents])
            fresh = [document for document in documents if document.request.id not in known]
            taken[:] = allot(self, fresh, desk)
        return sign(self, documents, versions)

    Desk._sign, Desk._give_numbers = sign_later, lambda *_: list(taken)


def logged_before_the_log_answers(trouble, site):
    """The desk notes a document as logged before it has handed it in."""
    from issuer.delivery import Delivery

    submit = Delivery._submit

    def note_and_submit(self, waiting):
        with self.log.ledger.store.read() as reading:
            size = reading.read_head().tree_size
        with self.store.write() as desk:
            desk.mark_logged({item.position: size + at for at, item in enumerate(waiting)}, 1)
        return submit(self, waiting)

    Delivery._submit = note_and_submit


def synchronous_normal(trouble, site):
    """Commits return before the disk has them."""
    engine._WRITER_PRAGMAS = tuple(
        pragma.replace("synchronous=FULL", "synchronous=NORMAL") for pragma in engine._WRITER_PRAGMAS
    )


BUGS = {
    function.__name__: function
    for function in (
        documents_in_a_second_transaction,
        tiles_in_a_second_transaction,
        replaced_states_in_a_second_transaction,
        checkpoint_in_a_second_transaction,
        map_pages_are_not_written,
        acknowledged_before_the_commit,
        retried_without_looking_up,
        signed_without_reading_again,
        head_not_compared,
        receipt_before_finality,
        outbox_after_sending,
        number_outside_the_transaction,
        logged_before_the_log_answers,
        synchronous_normal,
    )
}
