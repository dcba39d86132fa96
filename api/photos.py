"""Photographs of instruments: which one a page shows, its bytes, and the proof that it is the registered one.

Nothing of the store can be fetched but what a registration of the instrument in the address names. A page shows
what the institution of its document has registered; any other institution's picture neither adds nor takes away.

>>> photos.find(instrument, InstitutionId("350100-01")).path
'i/590c…/photo-4fb3….jpg'
"""

from dataclasses import dataclass

from ledger.core.encoding import encode_hex
from ledger.core.errors import ContentWithheldError, LogIntegrityError, NotFoundError
from ledger.core.ids import Digest, InstitutionId, InstrumentId
from ledger.core.photo import Photograph
from ledger.core.photo_proof import PhotoProof, encode_photo_proof
from ledger.proving import ProofReading, ProofStore, Prover
from ledger.registration_reading import (
    LoggedRegistration,
    find_naming,
    find_photo,
    list_registrations,
)

_UNKNOWN = "no registration of this instrument names such a photograph"


@dataclass(frozen=True, slots=True)
class ShownPhoto:
    """What stands on a page."""

    instrument: InstrumentId
    issuer: InstitutionId
    """Who has registered it; others may have registered the same."""
    photograph: Photograph

    @property
    def name(self) -> str:
        """Return where picture and proof are, from the root of the site, without their suffix."""
        return f"i/{encode_hex(self.instrument)}/photo-{encode_hex(self.photograph.digest)}"


class Photos:
    """Looks photographs up. Safe to share between threads.

    Every method raises `UnavailableError` when the store is out of reach, and `LogIntegrityError` when what it
    holds cannot be read.
    """

    def __init__(self, store: ProofStore, prover: Prover) -> None:
        """Take the log's store, and a prover over it."""
        self._store = store
        self._prover = prover

    def find(self, instrument: InstrumentId, issuer: InstitutionId) -> ShownPhoto | None:
        """Return the picture that an institution has registered of an instrument; None: none, or it is withheld."""
        with self._store.read() as reading:
            photograph = find_photo(list_registrations(reading, instrument), issuer)
            if photograph is None or reading.find_withheld(photograph.digest) is not None:
                return None
        return ShownPhoto(instrument, issuer, photograph)

    def read(self, instrument: InstrumentId, digest: Digest) -> bytes:
        """Return a picture.

        Raises:
            NotFoundError: no registration of the instrument names it.
            ContentWithheldError: the law withholds it.
        """
        with self._store.read() as reading:
            _find(reading, instrument, digest)
            body = reading.read_documents([digest]).get(digest)
            if body is None and reading.find_withheld(digest) is not None:
                raise ContentWithheldError("the law withholds this photograph")
        if body is None:
            raise LogIntegrityError(f"the photograph {encode_hex(digest)} is missing")
        return body

    def prove(self, instrument: InstrumentId, digest: Digest, issuer: str | None = None) -> bytes:
        """Return the proof that a picture is registered, under the published checkpoint; raises as `read`.

        Args:
            instrument: of which it is.
            digest: of the picture.
            issuer: institution that must have registered it; None: whichever did so last.
        """
        checkpoint = self._prover.published_checkpoint()
        with self._store.read() as reading:
            found = _find(reading, instrument, digest, issuer)
            (leaf,) = reading.read_leaves(found.index, found.index + 1)
        if found.index >= checkpoint.tree_size:
            raise NotFoundError("the registration is not in the published state of the log yet")
        (inclusion,) = self._prover.inclusions([found.index], checkpoint.tree_size)
        return encode_photo_proof(
            PhotoProof(self._prover.origin, checkpoint.note, found.index, leaf, inclusion)
        )


def _find(
    reading: ProofReading, instrument: InstrumentId, digest: Digest, issuer: str | None = None
) -> LoggedRegistration:
    found = find_naming(list_registrations(reading, instrument), digest, issuer)
    if found is None:
        raise NotFoundError(_UNKNOWN)
    return found
