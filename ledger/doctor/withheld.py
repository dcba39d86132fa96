"""Re-reads which documents are withheld: each is one of the log's, empty, on grounds that can be read.

>>> check_withheld(rows)
"""

from typing import Any

from ledger.core.errors import DamagedRowError
from ledger.core.status_map import SUBJECT_BYTES
from ledger.core.text import is_plain
from ledger.doctor.derived import name_key
from ledger.store.scan import RawRow, RawRows, get_key
from ledger.store.tables import documents, withheld_documents


def check_withheld(rows: RawRows) -> None:
    """Compare what is written of every withheld document with what it can be.

    Raises:
        DamagedRowError: the first row that cannot have been written.
    """
    for row in rows.scan(withheld_documents):
        digest, grounds, at_ms, related = row
        document = rows.find(documents, [(digest,)]).get((digest,))
        if document is None:
            raise _damaged(row, "digest", "that of a document")
        if document[1] != b"":
            raise DamagedRowError(
                "documents", name_key(documents, (digest,)), "body", "empty: it is withheld"
            )
        if not isinstance(grounds, str) or not grounds or not is_plain(grounds):
            raise _damaged(row, "grounds", "a sentence")
        if not isinstance(at_ms, int) or at_ms < 0:
            raise _damaged(row, "withheld_at_ms", "milliseconds since 1970-01-01")
        if not isinstance(related, bytes) or len(related) % SUBJECT_BYTES:
            raise _damaged(row, "related", f"subjects of {SUBJECT_BYTES} bytes")


def _damaged(row: RawRow, column: str, expected: str) -> DamagedRowError:
    found: Any = get_key(withheld_documents, row)
    return DamagedRowError("withheld_documents", name_key(withheld_documents, found), column, expected)
