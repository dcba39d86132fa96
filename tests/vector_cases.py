"""The vectors of our own formats: what stands in `tests/vectors`, made anew from fixed keys and times.

`build_files` returns every file by its path; `scripts/make_vectors` writes them, a test compares them byte for
byte. Each case is a folder; a name that ends in `_fail` must be refused. A kind's README says what its files
hold and why each case passes or fails.
"""

from collections.abc import Callable

from vector_as_of import build_as_of
from vector_bundles import build_bundles
from vector_documents import build_certificates, build_disclosures, build_texts
from vector_kind import Kind
from vector_map import build_map_proofs, build_mapheads, build_maps
from vector_photos import build_photo_proofs
from vector_proofs import (
    build_checkpoints,
    build_cosignatures,
    build_policies,
    build_proofs,
    build_receipts,
    build_trust_lists,
)
from vector_quorum import build_quorum_certificates, build_shares
from vector_statements import build_folds, build_leaves, build_statements, build_subjects
from vector_stickers import build_absence_proofs, build_sticker_proofs

BUILDERS: tuple[Callable[[], Kind], ...] = (
    build_absence_proofs,
    build_photo_proofs,
    build_as_of,
    build_bundles,
    build_certificates,
    build_checkpoints,
    build_cosignatures,
    build_disclosures,
    build_folds,
    build_leaves,
    build_map_proofs,
    build_mapheads,
    build_maps,
    build_policies,
    build_proofs,
    build_quorum_certificates,
    build_receipts,
    build_shares,
    build_statements,
    build_sticker_proofs,
    build_subjects,
    build_texts,
    build_trust_lists,
)


def build_files() -> dict[str, bytes]:
    """Return every file of `tests/vectors` by its path there."""
    files = {"README.md": _README}
    for build in BUILDERS:
        kind = build()
        files[f"{kind.name}/README.md"] = kind.readme()
        for case, (_, contents) in kind.cases.items():
            files |= {f"{kind.name}/{case}/{name}": raw for name, raw in contents.items()}
    return files


_README = b"""# Vectors of our own formats

For every implementation of `ledger/core/README.md`. One folder a kind, one a case; a case whose name ends in
`_fail` must be refused. All keys are Ed25519 seeds `SHA-256("test key " + name)` unless a README says otherwise,
and all times are fixed: `scripts/make_vectors` writes the same bytes again, and a test compares them. Files named
`expected.json` and `README.md` are for test runners and people; every other file is the input, byte for byte.
"""
