"""A served ledger with an instrument that is verified and registered with a photograph; built on `api_world`.

with PhotoWorld() as world:
    world.register(photo=KEPT)
    world.client.get(world.path(KEPT))
"""

import hashlib
from dataclasses import replace

from api_world import ApiWorld, entry
from photos import KEPT, describe
from stickers import REGISTRATION
from world import INSTITUTION, make_signer

from ledger.core.authority import Trade
from ledger.core.event import EventType
from ledger.core.registration import encode_instrument_content
from ledger.core.statement import ActClaims, Statement, parse_signed_statement, sign_statement


class PhotoWorld(ApiWorld):
    """A ledger with an institution and one document, served."""

    def __init__(self, **options):
        super().__init__(**options)
        self.found()
        issued = self.sign(1)
        self.code = self.submit(issued)
        self.anchor()
        self.pump = parse_signed_statement(issued.raw).statement.claims.instrument_id
        self._version = 0

    def say(self, photo=KEPT, *, body=None, issuer=INSTITUTION, signer=None, version=None, **changes):
        """Return a registration of the pump as an entry; `body` is what comes with it, the photograph itself."""
        photograph = changes.pop("photograph", None if photo is None else describe(photo))
        content = replace(REGISTRATION, id=self.pump, photo=photograph, **changes)
        raw = encode_instrument_content(content)
        claims = ActClaims(hashlib.sha256(raw + bytes([self._version])).digest()[:8], raw)
        version = self._version if version is None else version
        statement = Statement(EventType.INSTRUMENT, issuer, claims, version)
        signed = sign_statement(statement, signer or self.world.seal, self.world.origin)
        return entry(signed, photo if body is None else body)

    def register(self, photo=KEPT, **options):
        """Register it; return its leaf."""
        (answer,) = self.post([self.say(photo, **options)]).json()["results"]
        assert "index" in answer, answer
        self._version += 1
        self.anchor()
        return answer["index"]

    def refuse(self, *given, **options):
        """Hand in what must be refused; return why."""
        (answer,) = self.post([self.say(*given, **options)]).json()["results"]
        assert "refusal" in answer, answer
        return " ".join(reason["en"] for reason in answer["refusal"]["reasons"])

    def found_other(self, name="350100-02", **options):
        """Register another institution; return its id and key."""
        key = make_signer(name)
        for raw in (
            self.world.institution(name, trade=Trade.VERIFICATION, **options),
            self.world.key(name, key),
        ):
            (answer,) = self.post([entry(raw)]).json()["results"]
            assert "index" in answer, answer
        return name, key

    def path(self, photo=KEPT, suffix="jpg", instrument=None):
        """Return where a picture is, or its proof."""
        return f"/i/{(instrument or self.pump).hex()}/photo-{hashlib.sha256(photo).hexdigest()}.{suffix}"
