"""The desk of the caller's authority: the one place where its key is opened, for one decision.

The key lies in the authority's keystore under a passphrase; it is opened by the passphrase that came with the
request, and dropped, as for persons of institutions.

>>> desk = DecidingDesk(call)
>>> desk.decide(planned, passphrase, "标准器失准")[0].leaf_index
42
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from api.office.call import Call
from api.office.region_documents import DocumentRow, find_documents
from issuer.deciding.decider import Decider
from issuer.deciding.kinds import Thing
from issuer.deciding.planning import Planned, compute_fingerprint
from issuer.deciding.store import StoredDecision
from ledger.core.authority import AuthorityContent
from ledger.core.category import Category
from ledger.core.errors import InputError, StateError, UnavailableError
from ledger.core.ids import Subject
from ledger.core.scope import ScopeContent
from ledger.core.signature import Signer
from ledger.core.status import Registers
from ledger.core.step import Sentence
from ledger.passphrase import Passphrase

MOST_LOOKED_AT: Final = 5000
"""Documents that a preview counts; of more it says that there are more."""
SHOWN: Final = 50

CHANGED: Final = Sentence(
    "What was shown to you has changed since; nothing was signed. Look at it again.",
    "其间内容已有变化，未作任何签署；请核对下列最新内容。",
)
_NOT_NAMED: Final = Sentence(
    "Documents do not name it, so that nobody can say here which ones it bears on.",
    "证书中不引用此项登记，此处无法列出受影响的证书。",
)
_NOBODY_TO_ASK: Final = Sentence(
    "Not looked up: this office was started without --auditor.",
    "未查询：本系统启动时未指定 --auditor。",
)
_OUT_OF_REACH: Final = Sentence(
    "Not looked up: the auditors' catalogue is out of reach. That is not the same as none.",
    "未查询：审计目录暂时无法访问；这不等于没有受影响的证书。",
)


@dataclass(frozen=True, slots=True)
class Use:
    """Which documents have used a registered thing."""

    why_not: Sentence | None = None
    """Why nobody has looked; None: somebody has."""
    total: int = 0
    since: int = 0
    """Of these, verified on the first day of the change, or later."""
    rows: tuple[DocumentRow, ...] = ()
    """The first of those."""
    is_whole: bool = True
    """Whether the numbers are all; else there are more."""


@dataclass(frozen=True, slots=True)
class DecidingDesk:
    """What one request may decide for its caller's authority."""

    call: Call

    @property
    def registers(self) -> Registers:
        """Return the registers as the log has them."""
        return self.call.office.gateway.registers()

    @property
    def content(self) -> AuthorityContent:
        """Return what the root has said of this authority."""
        return self.registers.authorities[self.call.authority.id]

    @property
    def decider(self) -> Decider:
        """Return what signs and hands in."""
        authority, office = self.call.authority, self.call.office
        return Decider(
            authority.id,
            authority.origin,
            authority.decisions,
            office.gateway,
            office.clock,
            office.randomness,
        )

    def find_version(self, subject: Subject) -> int:
        """Return the newest version of a subject in the log; 0 if there is none."""
        return self.call.office.gateway.subject_versions([subject]).get(subject, 0)

    def decide(
        self, planned: Sequence[Planned], passphrase: str, ground: str, fingerprint: str
    ) -> list[StoredDecision]:
        """Sign what was shown, keep it and hand it in.

        Args:
            planned: planned anew from what was sent.
            passphrase: opens the authority's key, for this one time.
            ground: why, in words.
            fingerprint: of what was shown.

        Raises:
            StateError: what was planned is not what was shown.
            InputError: no passphrase, a wrong one, or no such key here.
        """
        if compute_fingerprint(planned) != fingerprint:
            raise StateError(CHANGED.en, zh=CHANGED.zh)
        signer = self.open_signer(passphrase)
        return self.decider.decide(planned, signer, ground, self.call.known.name)

    def open_signer(self, passphrase: str) -> Signer:
        """Return the authority's key.

        Raises:
            InputError: no passphrase, a wrong one, or its keystore does not hold the key.
        """
        home, key = self.call.authority.home, self.content.key
        labels = [] if home is None else home.keystore.labels()
        name = next((label.name for label in labels if label.public == key.multikey), None)
        if home is None or name is None:
            raise InputError(
                "this office does not hold the authority's key: sign where it lies, by command",
                field="passphrase",
                zh="本系统不持有该主管部门的密钥，请在密钥所在处用命令签署",
            )
        if not passphrase:
            raise InputError(
                "opens the authority's key for this one decision; it is needed",
                field="passphrase",
                zh="必须填写，仅用于本次签署",
            )
        try:
            return home.keystore.open_signer(name, Passphrase(passphrase.encode()))
        except InputError as err:
            raise InputError(err.reason, field="passphrase", zh="口令有误，未作签署") from None

    # --- what a decision bears on ---------------------------------------------------------------------------

    def look_at_use(self, thing: Thing, begins: date | None) -> Use:
        """Return which documents have used a thing, and which of them from a day on."""
        asked = _ask_for(thing)
        catalogue = self.call.office.catalogue
        if asked is None:
            return Use(_NOT_NAMED)
        if catalogue is None:
            return Use(_NOBODY_TO_ASK)
        try:
            found = find_documents(catalogue, asked, most=MOST_LOOKED_AT)
        except (UnavailableError, InputError):
            return Use(_OUT_OF_REACH)
        rows = [row for row in found.rows if _is_meant(thing, row)]
        since = [row for row in rows if begins is None or row.verified_on >= begins.isoformat()]
        return Use(None, len(rows), len(since), tuple(since[:SHOWN]), found.is_whole)


def _ask_for(thing: Thing) -> dict[str, str] | None:
    """Return how to ask the catalogue for the documents of a thing; None: it does not know."""
    if thing.used is not None:
        return {"used": thing.used}
    if thing.kind.name in {"institution", "scope"} and thing.institution is not None:
        return {"institution": thing.institution}
    return None


def _is_meant(thing: Thing, row: DocumentRow) -> bool:
    if not isinstance(thing.content, ScopeContent):
        return True
    return row.category in Category.__members__ and Category[row.category] in thing.content.categories
