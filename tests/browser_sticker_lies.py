"""What a server that lies sends to a phone that has scanned a sticker, or a code that nobody was given.

As `browser_lies`: each lie with what must catch it. `honest_sticker` is what an honest server sends.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

from browser_cases import to_ms
from browser_lies import HOUR, Given, Lie, World, edit, flip, issue_part, replace_in
from ledger_in_memory import (
    INSTITUTION,
    NOW,
    MemoryLedger,
    make_record,
    make_rejection,
    make_signer,
    seal_record,
)
from sticker_proofs import choose_evidence, make_event, prove_absence, prove_sticker
from stickers import FIRST, ROLL, SECOND, StickerLedger
from witnesses import cosign

from ledger.core.absence_proof import MissingCertificate, MissingVerification
from ledger.core.canonical import encode_canonical_json
from ledger.core.event import EventType
from ledger.core.evidence import Evidence
from ledger.core.ids import CertificateNumber, InstrumentId
from ledger.core.map_proof import build_map_proof
from ledger.core.policy import encode_policy
from ledger.core.qr import compute_code, encode_digits
from ledger.core.register_fields import RegisterState
from ledger.core.status import Status
from ledger.core.status_map import load_nothing
from ledger.core.sticker import compute_sticker_id
from ledger.core.sticker_proof import list_roll_subjects

STICKER_LIES: list[Lie] = []


def lie(name: str, caught_by: str) -> Callable:
    """Add a function to the table."""

    def add(tell: Callable[[], Given]) -> Callable[[], Given]:
        STICKER_LIES.append(Lie(name, caught_by, tell))
        return tell

    return add


# --- what is true -----------------------------------------------------------------------------------------


class StickerLog(MemoryLedger):
    """A log with a roll of stickers."""

    allot, bind, release = StickerLedger.allot, StickerLedger.bind, StickerLedger.release


def name_instrument(number: int) -> InstrumentId:
    return InstrumentId(bytes.fromhex(make_record(number)["instrument"]["id"]))


PUMP, SCALE = name_instrument(1), name_instrument(2)
THIRD = compute_sticker_id(ROLL, 5)


class StickerSite(World):
    """A log whose first two stickers stand on the instruments of its first two documents."""

    def __init__(self, *between: Callable[[MemoryLedger], object]) -> None:
        ledger = StickerLog().found()
        ledger.append(ledger.allot())
        super().__init__(ledger, bind_both, *between)

    def prove(self, sticker: str = FIRST, size: int | None = None, **changes: Any) -> str:
        size = size or self.newest
        note = {"checkpoint": self.note(size), "receipt": None}
        return prove_sticker(self.ledger, sticker, size, **note | changes).decode()

    def deny(self, missing: Any, size: int | None = None, **changes: Any) -> str:
        size = size or self.newest
        note = {"checkpoint": self.note(size), "receipt": None}
        return prove_absence(self.ledger, missing, size, **note | changes).decode()

    def scan(self, sticker: str = FIRST, **changes: Any) -> Given:
        own = {"expected": {"sticker": sticker}, "proofText": self.prove()}
        return self.given(**own | changes)

    def ask(self, **changes: Any) -> Given:
        """Return what is given for something of which the page shows no document."""
        return self.given(bundleText=None, newestText=None, **changes)


def bind_both(ledger: Any) -> None:
    ledger.append(ledger.bind(FIRST, PUMP))
    ledger.append(ledger.bind(SECOND, SCALE))


def release_first(ledger: Any) -> None:
    ledger.append(ledger.release(FIRST, PUMP))


@cache
def site() -> StickerSite:
    return StickerSite()


@cache
def released() -> StickerSite:
    return StickerSite(release_first)


@cache
def replaced() -> StickerSite:
    return StickerSite(lambda ledger: ledger.append(ledger.bind(THIRD, PUMP)))


def honest_sticker() -> Given:
    return site().scan()


def edit_proof(change: Callable[[Given], object], given: Given | None = None) -> Given:
    """Change the proof of the sticker in an honest answer."""
    given = given or honest_sticker()
    members = json.loads(given["proofText"])
    change(members)
    return given | {"proofText": encode_canonical_json(members).decode()}


def find_bound(own: StickerSite, place: int = 0) -> int:
    """Return the leaf of the binding of the first sticker, or of the second."""
    bound = [index for index, leaf in enumerate(own.ledger.leaves) if leaf[4] == EventType.STICKER_BOUND]
    return bound[place]


# --- another sticker, another state of it -------------------------------------------------------------------


@lie("another sticker's proof", "binding")
def _() -> Given:
    return site().scan(proofText=site().prove(SECOND))


@lie("another sticker's proof, under this one's number", "status")
def _() -> Given:
    given = site().scan(proofText=site().prove(SECOND))
    return edit_proof(replace_in("sticker", by=FIRST), given)


@lie("a sticker bound to another instrument: another sticker's binding in its place", "status")
def _() -> Given:
    own = site()
    event = make_event(own.ledger, find_bound(own, 1), own.newest)
    return own.scan(proofText=own.prove(event=event))


@lie("omitted release: the proof from before it, to a device that has seen the log since", "status")
def _() -> Given:
    before, own = site(), released()
    return before.scan(remembered=own.remembered(own.newest))


@lie(
    "omitted release: a forked state that no witness has signed, to a device that has seen the release",
    "status",
)
def _() -> Given:
    own = StickerSite(release_first)
    liar = StickerSite(*[lambda ledger: ledger.issue(3)] * 2)
    own.policy = replace(own.policy, max_status_age=None)
    alone = liar.ledger.checkpoint(liar.newest)
    return own.scan(
        proofText=liar.prove(checkpoint=alone),
        newestText=liar.bundle(liar.first, liar.newest, checkpoint=alone),
        remembered=own.remembered(own.newest),
    )


@lie("omitted release: the proof from before it, with the document's newest", "status")
def _() -> Given:
    own = StickerSite(lambda ledger: ledger.publish(), release_first)
    (before,) = [size for size in own.ledger.maps if own.anchored < size < own.newest]
    return own.scan(proofText=own.prove(size=before))


@lie("omitted release: the binding before it, under the newest map", "status")
def _() -> Given:
    own = released()
    return own.scan(proofText=own.prove(index=find_bound(own)))


@lie("omitted release: the map from before it", "status")
def _() -> Given:
    own = released()
    bound = find_bound(own)
    subjects = (*list_roll_subjects(FIRST), *own.ledger.outcomes[bound].changes)
    older = build_map_proof(site().ledger.maps[site().newest], subjects, load_nothing)
    return own.scan(proofText=own.prove(index=bound, map_proof=older))


@lie("a released sticker as one that was never used", "status")
def _() -> Given:
    own = released()
    return own.scan(proofText=own.prove(event=None))


@lie("a bound sticker as one that was never used: the map does not show it", "status")
def _() -> Given:
    own = site()
    cut = build_map_proof(own.ledger.maps[own.newest], list_roll_subjects(FIRST)[:1], load_nothing)
    return own.scan(proofText=own.prove(event=None, map_proof=cut))


@lie("hidden replacement: the map does not show the place", "status")
def _() -> Given:
    own = replaced()
    cut = build_map_proof(own.ledger.maps[own.newest], list_roll_subjects(FIRST), load_nothing)
    return own.scan(proofText=own.prove(map_proof=cut))


@lie("a sticker of a roll as one that was never given out: the evidence leaves out the roll", "status")
def _() -> Given:
    own = site()
    alone = choose_evidence(own.ledger, None, own.newest)
    return own.scan(proofText=own.prove(event=None, evidence=alone))


@lie("a sticker's number in a roll of the server's own", "authority")
def _() -> Given:
    own, thief = site(), StickerLog().found()
    thief.append(thief.allot(replace(ROLL, seed=bytes([9]) * 16)))
    evidence = choose_evidence(thief, ROLL.roll, thief.publish())
    return own.scan(proofText=own.prove(event=None, evidence=evidence))


# --- leaves, keys, checkpoints ------------------------------------------------------------------------------


@lie("a binding that was never logged", "inclusion")
def _() -> Given:
    own, thief = site(), StickerLog().found()
    thief.append(thief.allot())
    index = thief.append(thief.bind(FIRST, SCALE))
    event = replace(make_event(thief, index, thief.publish()), leaf_index=find_bound(own))
    return own.scan(proofText=own.prove(event=event))


@lie("a binding signed by the server itself", "key")
def _() -> Given:
    return _force(lambda ledger: ledger.force(ledger.bind(THIRD, PUMP, by="server")))


@lie("a binding by an institution whose roll it is not", "status")
def _() -> Given:
    other = {"issuer": "350100-02", "by": "second"}
    return _force(
        lambda ledger: (
            ledger.append(ledger.institution(id="350100-02")),
            ledger.force(ledger.bind(THIRD, PUMP, **other)),
        )[1]
    )


@lie("a binding of a sticker whose roll was suspended", "status")
def _() -> Given:
    return _force(
        lambda ledger: (
            ledger.append(ledger.allot(replace(ROLL, state=RegisterState.SUSPENDED), version=1)),
            ledger.force(ledger.bind(THIRD, PUMP)),
        )[1]
    )


@lie("a release that the log writes as a binding", "status")
def _() -> Given:
    return _force(lambda ledger: ledger.force(ledger.release(THIRD, PUMP), status=Status.ACTIVE))


def _force(force: Callable[[Any], int]) -> Given:
    """Return the answer of a log that has taken in what has no effect."""
    forced: list[int] = []
    own = StickerSite(lambda ledger: forced.append(force(ledger)))
    event = make_event(own.ledger, forced[0], own.newest)
    return own.scan(THIRD, proofText=own.prove(THIRD, event=event))


@lie("changed dates: the binding is dated earlier", "inclusion")
def _() -> Given:
    return edit_proof(_edit_leaf(lambda raw: flip(raw, 13)))


@lie("a binding at another index", "inclusion")
def _() -> Given:
    return edit_proof(replace_in("event", "index", by=lambda index: index - 1))


def _edit_leaf(change: Callable[[str], str]) -> Callable[[Given], None]:
    return replace_in("event", "leaf", by=change)


@lie("the sticker's proof under a checkpoint that is signed by another key", "checkpoint")
def _() -> Given:
    own = site()
    thief = MemoryLedger(log="server").found()
    thief.leaves, thief.maps = own.ledger.leaves[: own.newest], own.ledger.maps
    return own.scan(proofText=own.prove(checkpoint=thief.checkpoint(own.newest)))


@lie("the sticker's proof without the witnesses' lines", "status")
def _() -> Given:
    own = site()
    return own.scan(proofText=own.prove(checkpoint=own.ledger.checkpoint(own.newest)))


@lie("a sticker's state that witnesses cosigned two days ago", "status")
def _() -> Given:
    own = site()
    return own.scan(proofText=own.prove(checkpoint=own.note(own.newest, ago=48 * HOUR)))


@lie("a false line of a witness under the sticker's proof", "quorum")
def _() -> Given:
    own = site()
    note = cosign(own.ledger.checkpoint(own.newest), NOW - HOUR, "w1", "w3")
    return own.scan(proofText=own.prove(checkpoint=note[:-6] + "AAAA=\n"))


@lie("forked checkpoint: sticker and document under two roots of one size", "checkpoint")
def _() -> Given:
    true = StickerSite(lambda ledger: ledger.append(ledger.institution(version=1)))
    other = StickerSite(lambda ledger: ledger.append(ledger.scope(version=1)))
    return true.scan(proofText=other.prove(), remembered=None)


@lie("the sticker's proof of another log", "server")
def _() -> Given:
    return edit_proof(replace_in("origin", by="ledger.example/other"))


@lie("a sticker's proof that is cut off", "server")
def _() -> Given:
    given = honest_sticker()
    return given | {"proofText": given["proofText"][:-1]}


@lie("a page instead of the sticker's proof", "server")
def _() -> Given:
    return honest_sticker() | {"proofText": "<!doctype html><title>检定有效</title>"}


@lie("a document's bundle instead of the sticker's proof", "server")
def _() -> Given:
    given = honest_sticker()
    return given | {"proofText": given["bundleText"]}


@lie("no proof of the sticker", "server")
def _() -> Given:
    return honest_sticker() | {"proofText": None}


@lie("a sticker under a later policy that the root has not published", "server")
def _() -> Given:
    own = site()
    weak = replace(own.policy, version=2, witnesses=None, max_status_age=None)
    return own.scan(policyText=encode_policy(weak).decode())


@lie("changed dates: a sticker's later state that is dated before one that the device has seen", "time")
def _() -> Given:
    own = site()
    return own.scan(remembered=own.remembered(statusAt=to_ms(NOW - HOUR)))


# --- the document of a sticker --------------------------------------------------------------------------------


@lie("another instrument's valid bundle, for a sticker", "binding")
def _() -> Given:
    own = site()
    return own.scan(
        bundleText=own.bundle(own.second, own.anchored), newestText=own.bundle(own.second, own.newest)
    )


@lie("an older document of the instrument, for its sticker", "binding")
def _() -> Given:
    return _verify_again({"verified_on": "2026-02-28"})


@lie("the certificate from before a rejection notice, for its sticker", "binding")
def _() -> Given:
    return _verify_again(None)


def _verify_again(changes: Given | None) -> Given:
    """Return the answer with the first document, of an instrument that was verified again."""

    def verify(ledger: Any) -> None:
        unique = {"no": "JY2026-000077", "nonce": "ab" * 16}
        record = make_rejection(1, **unique) if changes is None else make_record(1, **unique | changes)
        credential = seal_record(record, make_signer("seal"))
        ledger.append(ledger.sign_issue(credential))

    own = StickerSite(verify)
    return own.scan()


@lie("part swapped: another part's valid bundle, for a sticker on a part", "binding")
def _() -> Given:
    return _stand_on_part("1", "2")


@lie("part swapped: the part's valid bundle, for a sticker on the whole", "binding")
def _() -> Given:
    return _stand_on_part(None, "2")


def _stand_on_part(part: str | None, sent: str) -> Given:
    """Return the answer with a document of another part than that on which a sticker stands."""
    ledger = StickerLog().found()
    ledger.append(ledger.allot())
    ledger.append(ledger.bind(FIRST, name_instrument(7), part))
    if part is None:
        ledger.issue(7)
    else:
        issue_part(ledger, 7, part, no="JY2026-000701")
    other = issue_part(ledger, 7, sent, no="JY2026-000702")
    own = World(ledger)
    proof = StickerSite.prove(own, FIRST)
    return own.given(other, expected={"sticker": FIRST}, proofText=proof)


@lie("omitted rejection of a part: the whole's document alone, for a sticker on the whole", "status")
def _() -> Given:
    def reject(ledger: Any) -> None:
        record = make_rejection(1, no="JY2026-000078", nonce="ac" * 16)
        ledger.append(ledger.sign_issue(seal_record(record, make_signer("seal")), part="1"))

    return StickerSite(reject).scan()


@lie("no document of the instrument on which a sticker stands", "status")
def _() -> Given:
    return site().scan(bundleText=None, newestText=None)


@lie("the whole's document cut out of its map, for its sticker", "status")
def _() -> Given:
    own = site()
    older = StickerSite(lambda ledger: ledger.issue(30))
    return own.scan(bundleText=older.bundle(older.first, older.newest), newestText=None, remembered=None)


@lie("a spoilt map proof of the document, for its sticker", "status")
def _() -> Given:
    given = honest_sticker()
    return given | {"newestText": edit(given["newestText"], replace_in("map", by=flip))}


@lie("the map proof of another document, for a sticker", "status")
def _() -> Given:
    own = site()
    other = own.ledger.map_proof(own.second, own.newest)
    return own.scan(newestText=own.bundle(own.first, own.newest, map_proof=other))


# --- what the ledger does not lack ----------------------------------------------------------------------------

NEVER = MissingCertificate(INSTITUTION, CertificateNumber("JY2026-999999"))
KNOWN = MissingCertificate(INSTITUTION, CertificateNumber("JY2026-000001"))


def digits_of(own: World, number: int, seal: str = "stranger", **changes: Any) -> Given:
    """Return the digits of a statement that is not in the log."""
    credential = seal_record(make_record(number, **changes), make_signer(seal))
    return {"digits": encode_digits(own.ledger.sign_issue(credential, seal))}


def trust_of(own: World, size: int | None = None) -> str:
    return own.ledger.trust_raw(size or own.newest).decode()


def honest_absence() -> Given:
    own = site()
    missing = MissingCertificate(INSTITUTION, CertificateNumber("JY2026-000999"))
    return own.ask(expected=digits_of(own, 999), proofText=own.deny(missing), trustText=trust_of(own))


@lie("absence of another certificate, for the digits of one that is there", "binding")
def _() -> Given:
    own = site()
    return own.ask(proofText=own.deny(NEVER), trustText=trust_of(own))


@lie("absence of a certificate that is there, under an older map", "status")
def _() -> Given:
    own = site()
    older = build_map_proof(own.ledger.maps[min(own.ledger.maps)], [bytes(32)], load_nothing)
    return own.ask(proofText=own.deny(KNOWN, map_proof=older), trustText=trust_of(own))


@lie("absence of a certificate that is there, under an empty map", "status")
def _() -> Given:
    own = site()
    return own.ask(proofText=own.deny(KNOWN, map_proof=b"\x04"), trustText=trust_of(own))


@lie("absence of a certificate from before its issue, to a device that has seen the log since", "status")
def _() -> Given:
    own = site()
    given = digits_of(own, 9)
    missing = MissingCertificate(INSTITUTION, CertificateNumber("JY2026-000009"))
    proof = own.deny(missing, own.anchored)
    trust = trust_of(own, own.anchored)
    return own.ask(expected=given, proofText=proof, trustText=trust, remembered=own.remembered(own.newest))


@lie("a signed code as never given out: no trust list", "status")
def _() -> Given:
    return _deny_signed(None)


@lie("a signed code as never given out: a trust list from before the institution", "status")
def _() -> Given:
    own = site()
    return _deny_signed(trust_of(own, min(own.ledger.maps)))


def _deny_signed(trust: str | None) -> Given:
    own = site()
    missing = MissingCertificate(INSTITUTION, CertificateNumber("JY2026-000999"))
    signed = digits_of(own, 999, "seal")
    return own.ask(expected=signed, proofText=own.deny(missing), trustText=trust, remembered=None)


@lie("absence of a certificate, for a short code", "binding")
def _() -> Given:
    own = site()
    code = compute_code(own.ledger.documents[own.first].statement_raw)
    return own.ask(expected={"code": code}, proofText=own.deny(NEVER))


@lie("absence of another instrument's verification, for an instrument's page", "binding")
def _() -> Given:
    own = site()
    proof = own.deny(MissingVerification(name_instrument(40), None))
    return own.ask(expected={"instrument": PUMP.hex()}, proofText=proof)


@lie("absence of a part's verification, for the page of the whole", "binding")
def _() -> Given:
    own = site()
    unknown = name_instrument(40)
    return own.ask(
        expected={"instrument": unknown.hex()}, proofText=own.deny(MissingVerification(unknown, "1"))
    )


@lie("absence of the verification of an instrument that is verified", "status")
def _() -> Given:
    own = site()
    proof = own.deny(MissingVerification(PUMP, None))
    return own.ask(expected={"instrument": PUMP.hex()}, proofText=proof)


@lie("absence of the verification of a part that the whole's document covers", "status")
def _() -> Given:
    own = site()
    asked = {"instrument": PUMP.hex(), "part": "1"}
    return own.ask(expected=asked, proofText=own.deny(MissingVerification(PUMP, "1")))


@lie("absence without the root in its evidence", "authority")
def _() -> Given:
    own = site()
    evidence: Evidence = own.ledger.evidence(own.newest, only=frozenset({1}))
    given = honest_absence()
    missing = MissingCertificate(INSTITUTION, CertificateNumber("JY2026-000999"))
    return given | {"proofText": own.deny(missing, evidence=evidence)}


@lie("absence in a state that witnesses cosigned two days ago", "status")
def _() -> Given:
    own = site()
    missing = MissingCertificate(INSTITUTION, CertificateNumber("JY2026-000999"))
    note = own.note(own.newest, ago=timedelta(days=2))
    return honest_absence() | {"proofText": own.deny(missing, checkpoint=note)}
