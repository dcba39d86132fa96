"""Published certificates in a folder, found by their digests, whatever their names.

>>> documents = Documents(Path("certificates"))
>>> documents.check(LeafIndex(5), statement)
"""

import hashlib
from pathlib import Path

from ledger.core.certificate import MAX_CERTIFICATE_BYTES, parse_certificate
from ledger.core.errors import ContradictionError, InputError
from ledger.core.ids import LeafIndex
from ledger.core.rules import check_binding
from ledger.core.statement import IssueClaims, Statement


class Documents:
    """Which documents are at hand, and how many of the log's were among them."""

    def __init__(self, folder: Path) -> None:
        """Read every file below a folder.

        Raises:
            InputError: no such folder.
        """
        if not folder.is_dir():
            raise InputError(f"{folder} is no folder", field="--documents")
        files = [path for path in folder.rglob("*") if path.is_file()]
        small = [path for path in files if path.stat().st_size <= MAX_CERTIFICATE_BYTES]
        self._paths = {hashlib.sha256(path.read_bytes()).digest(): path for path in small}
        self.checked = 0
        self.missing: list[LeafIndex] = []

    def check(self, leaf_index: LeafIndex, statement: Statement) -> None:
        """Compare an issue with its document, if that is at hand.

        Raises:
            ContradictionError: the document says something else than the statement.
        """
        claims = statement.claims
        if not isinstance(claims, IssueClaims):
            return
        path = self._paths.get(claims.certificate_digest)
        if path is None:
            self.missing.append(leaf_index)
            return
        try:
            result = check_binding(statement, parse_certificate(path.read_bytes()))
        except InputError as err:
            raise ContradictionError(
                f"is no certificate: {err}", file=str(path), leaf_index=leaf_index
            ) from err
        if result.reasons:
            raise ContradictionError(result.text.en, file=str(path), leaf_index=leaf_index)
        self.checked += 1
