"""What happens to documents after their issue, written straight through the core: lots, links, replacements, roots.

submit(log, *live(WORLD, first, second))     # two issues that are in the log
"""

import hashlib
from dataclasses import replace

from acts import People
from registered import BLOCK, MATERIAL, PERSON, PUMP_LIMITS, PUMP_RULE, STANDARD, TYPE
from sites import BARE_SITE, MARKET, OWNER, PLEDGE, WITHDRAWN
from stickers import FIRST, PUMP, REGISTRATION, ROLL, SECOND
from world import AUTHORITY, INSTITUTION, NOW, Issued, World, make_signer

from ledger.core.act import Decision, NamedInstrument, ReasonCode
from ledger.core.authority import (
    ROOT_ISSUER,
    PolicyContent,
    Trade,
    encode_policy_content,
    encode_root_content,
)
from ledger.core.event import EventType
from ledger.core.ids import CertificateNumber, Digest, InstrumentId
from ledger.core.link import SameAs, Split, encode_same_as, encode_split
from ledger.core.lot import LotContent, LotStatus, encode_lot
from ledger.core.person import encode_person_content
from ledger.core.pledge import encode_pledge
from ledger.core.published_rule import encode_regulation_content
from ledger.core.register_fields import RegisterState
from ledger.core.registration import encode_instrument_content
from ledger.core.report import compute_report_digest, encode_report_content, make_report_content
from ledger.core.site import encode_site
from ledger.core.standard import encode_material_content, encode_standard_content
from ledger.core.statement import (
    ActClaims,
    Endorsement,
    RegisterClaims,
    Statement,
    compute_endorsed_bytes,
    parse_signed_statement,
    sign_statement,
)
from ledger.core.sticker import encode_roll_content
from ledger.core.sticker_use import (
    StickerBinding,
    StickerReason,
    StickerRelease,
    encode_binding,
    encode_release,
)
from ledger.core.type_approval import encode_block_content, encode_type_approval_content

SITE = replace(BARE_SITE, division="350102")
DECISION = Decision("闽市监检撤〔2026〕3号", "计量法第二十六条", NOW.date(), None, "可在六十日内申请行政复议")


def live(world, first, second, third):
    """Return a life of three documents: suspended, reinstated, replaced; a lot; twins; a split; a later root."""
    people = People(world)
    return [
        people.act_on(first, EventType.SUSPEND, INSTITUTION, 1),
        people.act_on(first, EventType.REINSTATE, AUTHORITY, 2),
        replace_by(world, first, "R-1", version=3),
        say_of_lot(world, "L1", LotStatus.FAILED, version=0),
        say_same(world, second, third, version=1),
        people.act_on(third, EventType.SUSPEND, INSTITUTION, 2),
        part(world, second, version=3),
        follow_root(world),
        publish_policy(world),
        *register_everything(world),
        *use_stickers(world),
        take_reports(world),
    ]


def use_stickers(world):
    """Return a roll, a registered instrument, and two stickers that stand on it, one after the other."""
    roll = encode_roll_content(ROLL)
    first, second = (StickerBinding(sticker, PUMP, "1", NOW) for sticker in (FIRST, SECOND))
    gone = encode_release(StickerRelease(second, StickerReason.DAMAGED))
    return [
        _register(world, EventType.STICKER_ALLOTTED, roll, world.seal, endorsers=[], issuer=INSTITUTION),
        _speak(world, EventType.INSTRUMENT, encode_instrument_content(REGISTRATION), INSTITUTION, 0),
        _speak(world, EventType.STICKER_BOUND, encode_binding(first), INSTITUTION, 0),
        _speak(world, EventType.STICKER_BOUND, encode_binding(second), INSTITUTION, 0),
        _speak(world, EventType.STICKER_UNBOUND, gone, INSTITUTION, 1),
        _speak(world, EventType.SITE, encode_site(SITE), INSTITUTION, 0),
        *promise(world),
    ]


def promise(world):
    """Return an owner, its site, and a pledge of it that is withdrawn again."""
    owner = make_signer("owner")
    return [
        world.institution(OWNER, trade=Trade.OWNER, division="350102"),
        world.key(OWNER, owner),
        _sign(world, EventType.SITE, encode_site(MARKET), OWNER, 0, owner),
        _sign(world, EventType.PLEDGE, encode_pledge(PLEDGE), OWNER, 0, owner),
        _sign(world, EventType.PLEDGE, encode_pledge(WITHDRAWN), OWNER, 1, owner),
    ]


def take_reports(world):
    """Return what an authority says of two reports of consumers that it has taken."""
    digests = (compute_report_digest(b"first"), compute_report_digest(b"second"))
    content = encode_report_content(make_report_content(digests, NOW))
    return _speak(world, EventType.REPORT_TAKEN, content, AUTHORITY, 0)


def register_everything(world):
    """Return what an authority registers beside institutions: a person with a key, a standard, and so on."""
    person = make_signer("person")
    key = encode_person_content(replace(PERSON, key=person.public_key))
    lifted = encode_block_content(replace(BLOCK, state=RegisterState.WITHDRAWN))
    rule = encode_regulation_content(PUMP_RULE, PUMP_LIMITS, RegisterState.ACTIVE)
    contents = (
        (EventType.PERSON, key, [person], 0),
        (EventType.STANDARD, encode_standard_content(STANDARD), [], 0),
        (EventType.REFERENCE_MATERIAL, encode_material_content(MATERIAL), [], 0),
        (EventType.REGULATION, rule, [], 0),
        (EventType.TYPE_APPROVAL, encode_type_approval_content(TYPE), [], 0),
        (EventType.BLOCK, encode_block_content(BLOCK), [], 0),
        (EventType.BLOCK, lifted, [], 1),
    )
    return [
        _register(world, event, content, world.authority_key, endorsers=by, version=version, issuer=AUTHORITY)
        for event, content, by, version in contents
    ]


def replace_by(world, issued, number, *, version):
    """Return an issue that replaces one, with its certificate."""
    claims, body = _claims(issued), b"replacement" + number.encode()
    claims = replace(
        claims,
        number=CertificateNumber(number),
        predecessor=claims.number,
        certificate_digest=Digest(hashlib.sha256(body).digest()),
    )
    statement = Statement(EventType.REPLACE, INSTITUTION, claims, version)
    return Issued(sign_statement(statement, world.seal, world.origin), body)


def say_of_lot(world, number, status, *, version, issuer=INSTITUTION):
    content = LotContent(INSTITUTION, number, status, ReasonCode.FAILED_SPOT_CHECK, NOW)
    return _speak(world, EventType.LOT, encode_lot(content), issuer, version)


def say_same(world, one, other, *, version):
    content = SameAs(_name(one), _name(other), ReasonCode.WRONG_INSTRUMENT, NOW, DECISION)
    return _speak(world, EventType.INSTRUMENT_SAME_AS, encode_same_as(content), AUTHORITY, version)


def part(world, one, *, version):
    into = tuple(InstrumentId(bytes([at]) * 16) for at in range(1, 6))
    content = Split(_name(one), into, ReasonCode.WRONG_INSTRUMENT, NOW, DECISION)
    return _speak(world, EventType.INSTRUMENT_SPLIT, encode_split(content), AUTHORITY, version)


def follow_root(world):
    """Return the root's second version, under another key."""
    before, key = world.root_content, make_signer("second root")
    content = replace(
        before,
        version=2,
        keys=(key.public_key,),
        previous=hashlib.sha256(encode_root_content(before)).digest(),
    )
    return _register(
        world, EventType.ROOT, encode_root_content(content), key, endorsers=[world.root_key, key], version=1
    )


def publish_policy(world):
    key = make_signer("second root")
    content = encode_policy_content(PolicyContent(1, bytes(32)))
    return _register(world, EventType.POLICY, content, key, endorsers=[key])


def _speak(world, event_type, content, issuer, version):
    signer = world.seal if issuer == INSTITUTION else world.authority_key
    return _sign(world, event_type, content, issuer, version, signer)


def _sign(world, event_type, content, issuer, version, signer):
    claims = ActClaims(hashlib.sha256(content + bytes([version])).digest()[:8], content)
    return sign_statement(Statement(event_type, issuer, claims, version), signer, world.origin)


def _register(world: World, event_type, content, signer, *, endorsers, version=0, issuer=ROOT_ISSUER):
    message = compute_endorsed_bytes(event_type, world.origin, content, version)
    given = {
        one.public_key.key_id: Endorsement(one.public_key.key_id, one.sign(message)) for one in endorsers
    }
    claims = RegisterClaims(
        hashlib.sha256(content).digest()[:8], content, tuple(given[key_id] for key_id in sorted(given))
    )
    return sign_statement(Statement(event_type, issuer, claims, version), signer, world.origin)


def _claims(issued):
    return parse_signed_statement(issued.raw).statement.claims


def _name(issued):
    claims = _claims(issued)
    return NamedInstrument(INSTITUTION, claims.number, claims.instrument_id, claims.part)
