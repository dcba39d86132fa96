"""What this server has to say of a site: its entry, what its owner promises, and how its instruments stand.

Everything is the newest committed state of the log; no evidence is checked here and no chain is asked.

>>> Sites(store, prover, policy, clock).look(SiteName("350102-M7", "M-01")).content.name.zh
'示例农贸市场'
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final

from api.sites.claims import choose_claims
from api.sites.instruments import InstrumentReading, Standing, read_instruments, sort_by_due
from api.sites.used_at import SiteSearch, UsedAt
from ledger.core.authority import InstitutionContent
from ledger.core.errors import NotFoundError, UnavailableError
from ledger.core.ids import InstitutionId, InstrumentId, TreeSize
from ledger.core.pledge import PledgeState
from ledger.core.policy import Policy
from ledger.core.register_fields import RegisterState
from ledger.core.site import SiteContent, SiteName
from ledger.place_reading import LoggedPledge, LoggedSite, list_pledges, read_organisation, read_site
from ledger.proving import ProofStore, Prover

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class PledgeShown(StrEnum):
    """How a pledge stands on a day."""

    STANDS = "stands"
    ENDED = "ended"
    """Its last day is over."""
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Pledge:
    """What an owner has said of its pledge, the newest version first; never empty."""

    versions: tuple[LoggedPledge, ...]
    shown: PledgeShown

    @property
    def newest(self) -> LoggedPledge:
        """Return what holds, or why nothing does."""
        return self.versions[0]


@dataclass(frozen=True, slots=True)
class Promised:
    """A pledge that is about an instrument, by the word of whoever entered the site that names it."""

    site: LoggedSite
    owner: InstitutionContent | None
    """Who promises; None: nobody has registered it."""
    pledge: Pledge


@dataclass(frozen=True, slots=True)
class SiteView:
    """A site on one day."""

    site: LoggedSite
    keeper: InstitutionContent | None
    owner: InstitutionContent | None
    pledges: tuple[Pledge, ...]
    """Of this site, and of all sites of its owner."""
    fair_scales: tuple[Standing, ...]
    instruments: tuple[Standing, ...]
    """The others; both by due date, what is overdue or stands badly first. Empty where the site is closed."""
    checked_on: date
    """In the policy's zone."""
    tree_size: TreeSize
    as_of: datetime
    """When the log signed the state that was looked at, aware UTC."""
    is_behind: bool
    """Whether others hold more of this log than this server does."""
    is_unsure: bool
    """Whether all this may have changed since: that, or the state is older than the policy lets any be."""

    @property
    def content(self) -> SiteContent:
        """Return the site's entry."""
        return self.site.content


class Sites:
    """Looks sites up. Safe to share between threads.

    Every method raises `UnavailableError` when the store is out of reach, and `LogIntegrityError` when what it
    holds cannot be read.
    """

    def __init__(
        self,
        store: ProofStore,
        prover: Prover,
        policy: Policy,
        clock: Callable[[], datetime],
        is_behind: Callable[[], bool] | None = None,
        search: SiteSearch | None = None,
        is_unsure: Callable[[], bool] | None = None,
    ) -> None:
        """Take what looking up needs.

        Args:
            store: where the log lives.
            prover: over the same store.
            policy: names the zone of calendar dates.
            clock: returns the time, aware UTC.
            is_behind: says whether others hold more of this log than this server does.
            search: over the same log; None: nobody asks at which sites an instrument is used.
            is_unsure: says whether what this server knows may be out of date; None: where it is behind.
        """
        self._store = store
        self._prover = prover
        self._policy = policy
        self._clock = clock
        self._is_behind = is_behind or (lambda: False)
        self._is_unsure = is_unsure or self._is_behind
        self._used_at = UsedAt(search, clock)

    def look(self, name: SiteName) -> SiteView:
        """Return what is known of a site.

        Raises:
            NotFoundError: nobody has entered it.
        """
        checkpoint, today = self._prover.newest_checkpoint(), self._today()
        is_behind, is_unsure = self._is_behind(), self._is_unsure()
        with self._store.read() as reading:
            try:
                site = read_site(reading, name)
            except NotFoundError as err:
                if is_behind:
                    raise UnavailableError("records are behind; what they do not hold may exist") from err
                raise
            keeper = read_organisation(reading, name.keeper)
            owner = None if site.content.owner is None else read_organisation(reading, site.content.owner)
            pledges = _read_pledges(reading, site.content, today)
            fair, others = _read_standings(reading, site.content, today, is_unsure=is_unsure)
        signed_at = _EPOCH + timedelta(milliseconds=checkpoint.signed_at_ms)
        return SiteView(
            site=site,
            keeper=keeper,
            owner=owner,
            pledges=pledges,
            fair_scales=fair,
            instruments=others,
            checked_on=today,
            tree_size=checkpoint.tree_size,
            as_of=signed_at,
            is_behind=is_behind,
            is_unsure=is_unsure,
        )

    def list_pledges_about(
        self, instrument: InstrumentId, issuer: InstitutionId, division: str | None
    ) -> list[Promised]:
        """Return what the owners of the sites promise where an instrument is used, for the instrument's own page.

        Only of sites that are named there, see `list_places_of`: an owner elsewhere has no word on it. Only what
        stands today; each pledge once, with the site through which it is about the instrument.
        """
        names = self._used_at.find(instrument)
        today, found = self._today(), dict[int, Promised]()
        with self._store.read() as reading:
            for site in choose_claims(_read_sites(reading, names), instrument, issuer, division):
                for each in _list_promised(reading, site, today):
                    found.setdefault(each.pledge.newest.index, each)
        return list(found.values())

    def list_places_of(
        self, instrument: InstrumentId, issuer: InstitutionId, division: str | None
    ) -> list[LoggedSite]:
        """Return where an instrument is used, as sites in use claim it; see `choose_claims`."""
        names = self._used_at.find(instrument)
        with self._store.read() as reading:
            return choose_claims(_read_sites(reading, names), instrument, issuer, division)

    def _today(self) -> date:
        return self._clock().astimezone(self._policy.zone).date()


def is_open(content: SiteContent) -> bool:
    """Say whether a site is in use."""
    return content.state is RegisterState.ACTIVE


def _read_pledges(reading: InstrumentReading, content: SiteContent, today: date) -> tuple[Pledge, ...]:
    """Return the pledges that a site's newest entry leads to; who is not its owner promises nothing of it."""
    if content.owner is None:
        return ()
    found = (list_pledges(reading, content.owner, site) for site in (content.site, None))
    return tuple(Pledge(tuple(versions), _judge(versions[0], today)) for versions in found if versions)


def _read_sites(reading: InstrumentReading, names: Iterable[SiteName]) -> list[LoggedSite]:
    """Return the newest entries of these sites, as far as the log has them."""
    found = list[LoggedSite]()
    for name in names:
        with suppress(NotFoundError):  # the search may be that of a log before it was restored
            found.append(read_site(reading, name))
    return found


def _list_promised(reading: InstrumentReading, site: LoggedSite, today: date) -> list[Promised]:
    """Return the pledges that stand at a site today."""
    content = site.content
    if content.owner is None:
        return []
    pledges = _read_pledges(reading, content, today)
    owner = read_organisation(reading, content.owner)
    return [Promised(site, owner, each) for each in pledges if each.shown is PledgeShown.STANDS]


def _judge(newest: LoggedPledge, today: date) -> PledgeShown:
    content = newest.content
    if content.state is PledgeState.WITHDRAWN or content.promise is None:
        return PledgeShown.WITHDRAWN
    until = content.promise.until
    return PledgeShown.STANDS if until is None or today <= until else PledgeShown.ENDED


def _read_standings(
    reading: InstrumentReading, content: SiteContent, today: date, *, is_unsure: bool
) -> tuple[tuple[Standing, ...], tuple[Standing, ...]]:
    """Return how fair scales and other instruments stand; none of a site that is closed."""
    if not is_open(content):
        return (), ()
    standings = sort_by_due(read_instruments(reading, content.instruments, today, is_unsure=is_unsure))
    fair = set(content.fair_scales)
    return _keep(standings, fair, is_in=True), _keep(standings, fair, is_in=False)


def _keep(standings: Iterable[Standing], fair: set[InstrumentId], *, is_in: bool) -> tuple[Standing, ...]:
    return tuple(each for each in standings if (each.id in fair) is is_in)


def name_organisation(content: InstitutionContent | None, organisation: InstitutionId) -> Mapping[str, str]:
    """Return the names of an organisation; its id where nobody has registered it."""
    if content is None:
        return {"zh": organisation}
    return {"zh": content.name.zh} | ({} if content.name.en is None else {"en": content.name.en})
