"""A ledger with an owner (a market), its site, and what it promises.

>>> SiteLedger().say_site()
Effect(...)
"""

from dataclasses import replace
from datetime import date

from ledger_in_memory import INSTITUTION, make_signer
from registered import RegisteredLedger
from stickers import PUMP, SCALE

from ledger.core.authority import (
    InstitutionContent,
    KeyContent,
    Trade,
    encode_institution_content,
    encode_key_content,
)
from ledger.core.event import EventType
from ledger.core.ids import InstitutionId
from ledger.core.pledge import (
    Paragraphs,
    PledgeContent,
    PledgeState,
    Promise,
    encode_pledge,
)
from ledger.core.register_fields import Name, RegisterState
from ledger.core.site import SiteContent, SiteKind, SiteName, encode_site

OWNER, RIVAL = InstitutionId("350102-M7"), InstitutionId("350102-M8")
MARKET = SiteContent(
    SiteName(OWNER, "M-01"),
    OWNER,
    Name("示例农贸市场", "Example Market"),
    "350102",
    SiteKind.MARKET,
    Name("鼓楼区示例路1号", "1 Example Road, Gulou"),
    (PUMP, SCALE),
    (SCALE,),
    RegisterState.ACTIVE,
)
BARE_SITE = SiteContent(
    SiteName(INSTITUTION, "S1"),
    None,
    Name("示例加油站", None),
    "3501",
    SiteKind.FUEL_STATION,
    None,
    (),
    (),
    RegisterState.ACTIVE,
)
PROMISE = Promise(
    Paragraphs(("诚信经营，计量准确。", "秤具按期检定，公平秤免费复称。"), ("Honest trade, true measure.",)),
    Paragraphs(("短斤缺两，假一赔十。",)),
    date(2027, 2, 27),
)
PLEDGE = PledgeContent(OWNER, MARKET.site, PledgeState.ACTIVE, date(2026, 2, 28), PROMISE)
WITHDRAWN = replace(PLEDGE, state=PledgeState.WITHDRAWN, promise=None)


class SiteLedger(RegisteredLedger):
    """A ledger with two owners of one trade, each with a key: `owner` and `rival`."""

    def __init__(self):
        super().__init__()
        for owner, key in ((OWNER, "owner"), (RIVAL, "rival")):
            self.append(self.own(owner))
            self.append(self.give_key(owner, key))

    def own(
        self, owner=OWNER, *, trade=Trade.OWNER, division="350102", version=0, state=RegisterState.ACTIVE
    ):
        content = InstitutionContent(owner, Name("示例市场管理有限公司", None), None, division, state, trade)
        raw = encode_institution_content(content)
        return self.register(EventType.INSTITUTION, "CN-35", raw, make_signer("authority"), version=version)

    def give_key(self, owner, key):
        signer = make_signer(key)
        raw = encode_key_content(KeyContent(owner, signer.public_key, RegisterState.ACTIVE))
        return self.register(EventType.KEY, "CN-35", raw, make_signer("authority"), endorsers=[signer])

    def enter_site(self, content=MARKET, **options):
        options = {"issuer": content.site.keeper, "by": "owner"} | options
        return self.sign_content(EventType.SITE, encode_site(content), content.subject, **options)

    def promise(self, content=PLEDGE, **options):
        options = {"issuer": content.owner, "by": "owner"} | options
        return self.sign_content(EventType.PLEDGE, encode_pledge(content), content.subject, **options)

    def say(self, raw):
        return self.outcomes[self.append(raw)]
