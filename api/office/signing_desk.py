"""The sign-off of the caller's institution, for pages and programs alike: one place where keys are opened.

A person's key lies in the institution's keystore under a passphrase of its owner; it is opened for one action, by
the passphrase that came with the request, and dropped. Who has no registered key signs by time, by being logged in.

>>> signing = SigningDesk(call)
>>> signing.submit([7], Named("P-0112", "P-0003"), passphrase)
Round(done=[...], refused={})
"""

import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from api.office.call import Call
from api.office.store import NOT_HERE
from issuer.amending import Amender
from issuer.faults import Fault
from issuer.rounds.binding import StickerBinder, preview_stickers
from issuer.rounds.store import StoredSticker
from issuer.signing import Seal
from issuer.signoff.approving import Approval, Approver, Prospect
from issuer.signoff.correcting import Corrections
from issuer.signoff.office import Office, Person, Round
from issuer.signoff.signing_off import Named, SigningOff
from issuer.signoff.store import CorrectionRequest, StoredDraft
from issuer.signoff.view import describe_whole
from issuer.signoff.writing import Writer
from ledger.core.errors import InputError, NotFoundError
from ledger.passphrase import Passphrase


@dataclass(frozen=True, slots=True)
class SigningDesk:
    """What one request may do to drafts of its caller's institution."""

    call: Call

    @property
    def office(self) -> Office:
        """Return what the sign-off works with."""
        return self.call.tenant.make_signoff(self.call.office.gateway)

    @property
    def person(self) -> str:
        """Return the caller's public pseudonym.

        Raises:
            InputError: the account has none.
        """
        if self.call.known.pid is None:
            raise InputError("your account has no person of the register; ask an administrator", field="pid")
        return self.call.known.pid

    @property
    def writer(self) -> Writer:
        """Return what keeps applications and drafts."""
        return Writer(self.office)

    @property
    def corrections(self) -> Corrections:
        """Return what begins and decides corrections."""
        return Corrections(self.office)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let nobody else change this desk meanwhile."""
        with self.call.tenant.busy:
            yield

    def open_person(self, passphrase: str) -> Person:
        """Return the caller with their key, if one is registered.

        Raises:
            InputError: no passphrase, a wrong one, or the institution's keystore does not hold the key.
        """
        key = self.office.find_key(self.person, self.call.office.gateway.registers())
        if key is None:
            return Person(self.person)
        home = self.call.tenant.home
        labels = [] if home is None else home.keystore.labels()
        name = next((label.name for label in labels if label.public == key), None)
        if home is None or name is None:
            raise InputError(
                "this office does not hold the key registered for you: sign where it lies", field="passphrase"
            )
        if not passphrase:
            raise InputError("opens your key for this one signature; it is needed", field="passphrase")
        try:
            return Person(self.person, home.keystore.open_signer(name, Passphrase(passphrase.encode())))
        except InputError as err:
            raise InputError(err.reason, field="passphrase") from None

    # --- steps ----------------------------------------------------------------------------------------------

    def submit(
        self, ids: Sequence[int], named: Named, passphrase: str, expected: Mapping[int, int] | None = None
    ) -> Round:
        """Submit drafts as their operator."""
        person = self.open_person(passphrase)
        with self.alone():
            return SigningOff(self.office).submit(ids, person, named, expected=expected)

    def check(self, ids: Sequence[int], passphrase: str, expected: Mapping[int, int] | None = None) -> Round:
        """Check drafts as their checker."""
        person = self.open_person(passphrase)
        with self.alone():
            return SigningOff(self.office).check(ids, person, expected=expected)

    def give_back(self, ids: Sequence[int], reason: str, expected: Mapping[int, int] | None = None) -> Round:
        """Return drafts to their operators."""
        with self.alone():
            return SigningOff(self.office).give_back(ids, self.person, reason, expected=expected)

    def draw(self, ids: Sequence[int]) -> Prospect:
        """Make a batch of checked drafts."""
        approver = Approver(self.office)
        with self.alone():
            return approver.look(approver.draw(ids, self.person).id)

    def look_at_batch(self, batch: int) -> Prospect:
        """Return a batch of the institution.

        Raises:
            NotFoundError: there is none.
        """
        try:
            return Approver(self.office).look(batch)
        except NotFoundError:
            raise NotFoundError(NOT_HERE) from None

    def approve(self, batch: int, passphrase: str, decided: Collection[int]) -> Approval:
        """Approve a batch as its approver, and seal it."""
        self.look_at_batch(batch)
        person = self.open_person(passphrase)
        with self.alone():
            return Approver(self.office).approve(batch, person, self.call.tenant.seal, decided=decided)

    # --- what there is --------------------------------------------------------------------------------------

    def fetch(self, draft: int) -> StoredDraft:
        """Return a draft of the institution.

        Raises:
            NotFoundError: there is none.
        """
        with self.office.store.read() as desk:
            found = desk.find_drafts([draft]).get(draft)
        if found is None:
            raise NotFoundError(NOT_HERE)
        return found

    def describe(self, draft: int) -> dict[str, Any]:
        """Return all of a draft.

        Raises:
            NotFoundError: there is none.
        """
        found = self.fetch(draft)
        with self.office.store.read() as desk:
            return describe_whole(desk, found, self.office)

    def open(self, draft: int) -> dict[str, Any]:
        """Return all of a draft, and note that the caller has opened it.

        Raises:
            NotFoundError: there is none.
        """
        self.fetch(draft)
        with self.alone():
            Approver(self.office).open(draft, self.person)
        return self.describe(draft)

    def fetch_request(self, request: int) -> CorrectionRequest:
        """Return what was asked.

        Raises:
            NotFoundError: nothing under this id.
        """
        try:
            with self.office.store.read() as desk:
                return desk.fetch_request(request)
        except NotFoundError:
            raise NotFoundError(NOT_HERE) from None

    def bind_stickers(self, drafts: Sequence[int]) -> list[StoredSticker]:
        """Bind the stickers that wait, and look again at those of these drafts that were refused."""
        with self.alone():
            with self.call.tenant.rounds.write() as writing:
                writing.retry_stickers(drafts)
            return StickerBinder(self.office, self._make_seal).bind_waiting()

    def preview_stickers(
        self, drafts: Collection[StoredDraft]
    ) -> dict[int, list[tuple[StoredSticker, tuple[Fault, ...]]]]:
        """Return the stickers that rounds have put on, and what stands against each, by draft."""
        return preview_stickers(self.office, self.call.tenant.rounds, drafts)

    def grant(self, request: int) -> CorrectionRequest:
        """Grant what somebody else has asked, and do it."""
        self.fetch_request(request)
        with self.alone():
            return self.corrections.grant(request, self.person, self._make_amender())

    def _make_amender(self) -> Amender:
        office = self.office
        return Amender(office.store, office.log, self._make_seal, office.clock, secrets.token_bytes)

    def _make_seal(self) -> Seal:
        office = self.office
        return Seal(self.call.tenant.seal, office.origin, office.profile.institution, office.clock())


def read_id(text: str) -> int:
    """Return an id from a path.

    Raises:
        NotFoundError: it can be none.
    """
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text) < 2**53 or len(text) > 16:
        raise NotFoundError(NOT_HERE)
    return int(text)
