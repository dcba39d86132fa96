"""A served ledger with an owner, a site and its instruments; built on `api_world`.

with PlaceWorld() as world:
    pump = world.put_in(1)                       # issues, and lists it at the market from the next entry on
    world.enter(MARKET, pump)
    world.client.get("/site/350102-M7/M-01")
"""

import hashlib
from dataclasses import replace

from api_world import ApiWorld, entry
from sites import MARKET, OWNER, PLEDGE
from world import INSTITUTION, ORIGIN, make_signer

from ledger.core.authority import Trade
from ledger.core.event import EventType
from ledger.core.pledge import encode_pledge
from ledger.core.register_fields import Name
from ledger.core.site import encode_site
from ledger.core.statement import ActClaims, Statement, parse_signed_statement, sign_statement
from ledger.search.search import Search

OWNER_NAME = Name("示例市场管理有限公司", "Example Market Management")
PATH = f"/site/{OWNER}/M-01"


class Places:
    """What owners and institutions say of places, signed for one log; `submit` takes the statement."""

    def __init__(self, world, submit):
        self.world = world
        self.submit = submit
        self.owner_key = make_signer("owner")
        self._versions = {}

    def found_owner(self, owner=OWNER, key=None, division="350102"):
        self.submit(self.world.institution(owner, trade=Trade.OWNER, division=division, name=OWNER_NAME))
        self.submit(self.world.key(owner, key or self.owner_key))

    def say(self, event_type, issuer, signer, content, subject):
        """Say something of a subject, and count its versions."""
        version = self._versions.get(subject, 0)
        self._versions[subject] = version + 1
        claims = ActClaims(hashlib.sha256(content + bytes([version])).digest()[:8], content)
        return self.submit(
            sign_statement(Statement(event_type, issuer, claims, version), signer, self.world.origin)
        )

    def enter(self, content=MARKET, *instruments, fair=(), **changes):
        """Enter a site with these instruments, as its keeper."""
        content = replace(
            content, instruments=tuple(sorted(instruments)), fair_scales=tuple(sorted(fair)), **changes
        )
        keeper = content.site.keeper
        signer = self.world.seal if keeper == INSTITUTION else self.owner_key
        self.say(EventType.SITE, keeper, signer, encode_site(content), content.subject)
        return content

    def promise(self, content=PLEDGE):
        return self.say(
            EventType.PLEDGE, content.owner, self.owner_key, encode_pledge(content), content.subject
        )


class PlaceWorld(ApiWorld):
    """A ledger with an institution and an owner, served."""

    def __init__(self, store=None, search_database=None, **options):
        self._given = store
        self._search_database = search_database
        self.search = None
        super().__init__(**options)
        self.found()
        self.places = Places(self.world, self._hand_in)
        self.places.found_owner()
        self.enter, self.promise = self.places.enter, self.places.promise

    def make_store(self):
        return super().make_store() if self._given is None else self._given

    def public_options(self):
        if self._search_database is not None:
            self.search = Search(self.store, self._search_database, ORIGIN)
        return {"search": self.search}

    def find(self, **query):
        """Search, with all that the log has; return the hits."""
        self.search.follow()
        response = self.client.get("/find", params=query, headers={"Accept": "application/json"})
        assert response.status_code == 200, response.text
        return response.json()

    def _hand_in(self, raw):
        (answer,) = self.post([entry(raw)]).json()["results"]
        assert "index" in answer, answer
        return answer["index"]

    def put_in(self, number, **changes):
        """Issue a certificate, and return the id of its instrument."""
        issued = self.sign(number, **changes)
        self.submit(issued)
        return parse_signed_statement(issued.raw).statement.claims.instrument_id

    def look(self, path=PATH, **headers):
        return self.client.get(path, headers=headers)

    def read(self, path=PATH):
        response = self.client.get(path, headers={"Accept": "application/json"})
        assert response.status_code == 200, response.text
        return response.json()
