"""What a server that lies sends to a phone: fifty ways and more, each with what must catch it.

The server holds no key but, where it says so, those that it has made for itself; where the log itself lies, it has
signed the lie. Whoever changes a bundle puts its `digest` right again. `HONEST` is what an honest server sends.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import Any

from browser_cases import RULE_BOOK, to_ms
from ledger_in_memory import (
    CHAIN,
    INSTITUTION,
    NOW,
    Document,
    MemoryLedger,
    make_record,
    make_rejection,
    make_signer,
    seal_record,
)
from registered import TIMES, RegisteredLedger, make_registered_record, seal_by_all
from witnesses import cosign, cosign_falsely, make_quorum

from ledger.core.anchor import AnchorGrade
from ledger.core.canonical import encode_canonical_json
from ledger.core.encoding import encode_base64, parse_base64
from ledger.core.event import EventType, certificate_subject, instrument_subject
from ledger.core.evidence import encode_evidence
from ledger.core.ids import InstrumentId
from ledger.core.map_proof import build_map_proof
from ledger.core.merkle import build_root
from ledger.core.policy import DEFAULT_REQUIRED, Policy, encode_policy
from ledger.core.qr import compute_code, encode_digits
from ledger.core.register_fields import RegisterState
from ledger.core.status_map import load_nothing
from ledger.core.step import Step

HOUR = timedelta(hours=1)
MAKER = "示例机械有限公司"
SUSPENDED = RegisterState.SUSPENDED
Given = dict[str, Any]
"""What the device's one entry is given."""

BELIEFS = {
    "witnesses": make_quorum("w1", "w2", "w3", threshold=2),
    "required": frozenset(DEFAULT_REQUIRED) | {Step.QUORUM},
    "max_status_age": 6 * HOUR,
}


@dataclass(frozen=True)
class Lie:
    """One lie."""

    name: str
    caught_by: str
    """The step that is not PASSED because of it, or `server`: what was sent cannot be read or is not believed."""
    tell: Callable[[], Given]


LIES: list[Lie] = []


def lie(name: str, caught_by: str) -> Callable:
    """Add a function to the table."""

    def add(tell: Callable[[], Given]) -> Callable[[], Given]:
        LIES.append(Lie(name, caught_by, tell))
        return tell

    return add


# --- what is true -----------------------------------------------------------------------------------------


class World:
    """A log with two anchored documents, 5 and 6, and a state after that anchor; witnesses cosign both."""

    def __init__(
        self, ledger: MemoryLedger | None = None, *between: Callable[[MemoryLedger], object]
    ) -> None:
        self.hidden: set[int] = set()
        self.ledger = ledger or MemoryLedger().found()
        self.first = self.ledger.issue(1)
        self.second = self.ledger.issue(2)
        self.anchored = self.ledger.publish()
        for act in between:
            act(self.ledger)
        self.ledger.issue(9)
        self.newest = self.ledger.publish()
        self.policy = self.ledger.policy(**BELIEFS)

    def note(self, size: int, *, ago: timedelta = HOUR) -> str:
        return cosign(self.ledger.checkpoint(size), NOW - ago, "w1", "w3")

    def bundle(self, index: int, size: int, **changes: Any) -> str:
        newest = size == self.newest
        given = {"checkpoint": self.note(size, ago=HOUR if newest else 48 * HOUR)}
        given |= {"receipt": None} if newest else {}
        return self.ledger.bundle(index, size, **given | changes).decode()

    def given(self, index: int | None = None, **changes: Any) -> Given:
        index = self.first if index is None else index
        raw = self.ledger.documents[index].statement_raw
        given = {
            "expected": {"digits": encode_digits(raw)},
            "bundleText": self.bundle(index, self.anchored),
            "newestText": self.bundle(index, self.newest),
            "policyText": encode_policy(self.policy).decode(),
            "ruleBook": RULE_BOOK,
            "trustText": None,
            "remembered": self.remembered(),
            "now": to_ms(NOW),
        }
        return given | changes

    def remembered(self, size: int | None = None, **changes: Any) -> Given:
        size = self.anchored if size is None else size
        root = build_root(size, self.ledger.tree().read).hex()
        at = int.from_bytes(self.ledger.leaves[size - 1][8:16])
        return {
            "policy": pin(self.policy),
            "checkpoint": {"size": size, "root": root},
            "statusAt": at,
        } | changes


def pin(policy: Policy) -> Given:
    """Return what a device keeps of its policy."""
    digest = hashlib.sha256(encode_policy(policy)).hexdigest()
    return {
        "version": policy.version,
        "digest": digest,
        "origin": policy.origin,
        "logKey": policy.log_key.multikey,
        "root": policy.root_digest.hex(),
    }


@cache
def world() -> World:
    return World()


@cache
def cancelled() -> World:
    """Return a log that has cancelled its first document since the anchor."""
    return World(None, lambda ledger: ledger.act(EventType.CANCEL))


def honest() -> Given:
    return world().given()


# --- ways to change what is sent --------------------------------------------------------------------------


def mend(members: Given) -> str:
    """Return a bundle with the right digest."""
    rest = {name: value for name, value in members.items() if name != "digest"}
    digest = hashlib.sha256(encode_canonical_json(rest)).hexdigest()
    return encode_canonical_json(rest | {"digest": digest}).decode()


def edit(text: str, change: Callable[[Given], object]) -> str:
    members = json.loads(text)
    change(members)
    return mend(members)


def in_both(change: Callable[[Given], object], given: Given | None = None) -> Given:
    """Change both bundles of an honest answer in the same way."""
    given = given or honest()
    return given | {name: edit(given[name], change) for name in ("bundleText", "newestText")}


def flip(text: str, byte: int = 0) -> str:
    raw = bytearray(parse_base64(text))
    raw[byte] ^= 1
    return encode_base64(bytes(raw))


def subject(members: Given) -> Given:
    return members["certificate"]["credentialSubject"]


def replace_in(*path: Any, by: Any) -> Callable[[Given], None]:
    """Return a change of one member; `by` may be a function of the old value."""

    def change(members: Given) -> None:
        for name in path[:-1]:
            members = members[name]
        members[path[-1]] = by(members[path[-1]]) if callable(by) else by

    return change


RECORD = ("certificate", "credentialSubject")

for _name, _path, _by in (
    ("another serial number", (*RECORD, "instrument", "serial"), "SN00000007"),
    ("another maker", (*RECORD, "instrument", "maker"), "别家有限公司"),
    ("another model", (*RECORD, "instrument", "model"), "SK53"),
    ("another instrument id", (*RECORD, "instrument", "id"), "02" * 16),
    ("another place", (*RECORD, "instrument", "site", "division"), "350103"),
    ("another category", (*RECORD, "instrument", "category"), "OTHER"),
    ("another certificate number", (*RECORD, "no"), "JY2026-000009"),
    ("another institution's name", (*RECORD, "issuer", "name"), "厦门市计量所"),
    ("valid for longer", (*RECORD, "validity", "until"), "2027-02-27"),
    ("verified later", (*RECORD, "verified_on"), "2026-03-01"),
    ("another regulation", (*RECORD, "regulation", "id"), "JJG 443-2015"),
    ("a smaller error", (*RECORD, "results", 0, "points", 0, "error"), "0.00"),
    ("a larger limit", (*RECORD, "results", 0, "points", 0, "mpe"), "0.50"),
    ("another seal number", (*RECORD, "seals", 0, "no"), "A1002"),
    ("another person", (*RECORD, "persons", 0, "pid"), "P9"),
    ("another time of a signature", (*RECORD, "persons", 2, "signed_at"), "2026-02-28T06:30:00Z"),
):
    LIES.append(
        Lie(f"altered JSON: {_name}", "seal", lambda path=_path, by=_by: in_both(replace_in(*path, by=by)))
    )


@lie("altered JSON: a rejection notice made a certificate", "seal")
def _() -> Given:
    ledger = MemoryLedger().found()
    index = ledger.issue_record(make_rejection(7))
    own = World(ledger)

    def pass_it(members: Given) -> None:
        subject(members).update(conclusion="pass", doc_type="verification_certificate")
        subject(members)["validity"] = {"kind": "date", "until": "2026-08-27"}
        subject(members)["results"][0].update({"pass": True})
        members["certificate"]["type"] = ["VerifiableCredential", "VerificationCertificate"]

    return in_both(pass_it, own.given(index))


@lie("altered JSON: digest left as it was", "integrity")
def _() -> Given:
    given = honest()
    return given | {"bundleText": given["bundleText"].replace("SK52", "SK53")}


@lie("altered JSON: a member added", "server")
def _() -> Given:
    return in_both(replace_in("certificate", by=lambda value: value | {"name": "x"}))


@lie("altered JSON: formatted anew", "server")
def _() -> Given:
    given = honest()
    return given | {"bundleText": json.dumps(json.loads(given["bundleText"]), ensure_ascii=False, indent=1)}


@lie("a page instead of a proof", "server")
def _() -> Given:
    return honest() | {"bundleText": "<!doctype html><title>有效</title>"}


@lie("a proof that is cut off", "server")
def _() -> Given:
    given = honest()
    return given | {"bundleText": given["bundleText"][:-1]}


@lie("a newest proof that is cut off", "server")
def _() -> Given:
    given = honest()
    return given | {"newestText": given["newestText"][:-1]}


# --- statement, seal, leaf --------------------------------------------------------------------------------


@lie("swapped statement: of another document", "binding")
def _() -> Given:
    own = world()
    other = encode_base64(own.ledger.documents[own.second].statement_raw)
    return in_both(replace_in("statement", by=other)) | {"expected": None}


@lie("swapped certificate: of another document", "binding")
def _() -> Given:
    own = world()
    return in_both(replace_in("certificate", by=own.ledger.documents[own.second].credential))


@lie("a statement with a broken signature", "statement")
def _() -> Given:
    return in_both(replace_in("statement", by=lambda text: flip(text, -1))) | {"expected": None}


def _resealed(seal: str, **changes: Any) -> Given:
    """Return the answer about a document that somebody else has sealed, in the leaf of the real one."""
    own = world()
    credential = seal_record(make_record(1, **changes), make_signer(seal))
    raw = own.ledger.sign_issue(credential, seal, version=0)

    def swap(members: Given) -> None:
        members.update(certificate=credential, statement=encode_base64(raw))

    return in_both(swap) | {"expected": {"digits": encode_digits(raw)}}


@lie("a document sealed and signed by the server itself", "key")
def _() -> Given:
    return _resealed("server")


@lie("a longer validity sealed and signed by the server itself", "key")
def _() -> Given:
    return _resealed("server", validity={"kind": "date", "until": "2027-02-27"})


@lie("a true seal, over a document that was never logged", "binding")
def _() -> Given:
    return _resealed("seal", adjusted=True)


@lie("persons' proofs removed", "seal")
def _() -> Given:
    ledger = RegisteredLedger()
    index = ledger.issue_credential(seal_by_all(make_registered_record(), TIMES))
    own = World(ledger)

    def drop(members: Given) -> None:
        members["certificate"]["proof"] = members["certificate"]["proof"][-1:]

    return in_both(drop, own.given(index))


@lie("a leaf at another index", "inclusion")
def _() -> Given:
    return in_both(replace_in("leaf", "index", by=6))


@lie("changed dates: the leaf is dated earlier", "inclusion")
def _() -> Given:
    return in_both(replace_in("leaf", "header", by=lambda text: flip(text, 13)))


@lie("another status in the leaf's header", "authority")
def _() -> Given:
    return in_both(replace_in("leaf", "header", by=lambda text: flip(text, 5)))


@lie("another predecessor in the leaf's header", "authority")
def _() -> Given:
    return in_both(replace_in("leaf", "header", by=lambda text: flip(text, 55)))


@lie("an inclusion proof with another hash", "inclusion")
def _() -> Given:
    return in_both(replace_in("inclusion", 0, by=flip))


@lie("an inclusion proof that is too short", "inclusion")
def _() -> Given:
    return in_both(replace_in("inclusion", by=lambda items: items[1:]))


# --- checkpoint and witnesses -----------------------------------------------------------------------------


def _edit_note(line: int, change: Callable[[str], str]) -> Callable[[Given], None]:
    def edit_it(members: Given) -> None:
        lines = members["checkpoint"].split("\n")
        lines[line] = change(lines[line])
        members["checkpoint"] = "\n".join(lines)

    return edit_it


@lie("wrong root in the checkpoint", "checkpoint")
def _() -> Given:
    return in_both(_edit_note(2, flip))


@lie("another size in the checkpoint", "checkpoint")
def _() -> Given:
    return in_both(_edit_note(1, lambda size: str(int(size) + 1)))


@lie("a checkpoint signed by another key", "checkpoint")
def _() -> Given:
    own, other = world(), MemoryLedger(log="server").found()
    given = own.given()
    for name, size in (("bundleText", own.anchored), ("newestText", own.newest)):
        other.leaves, other.maps = own.ledger.leaves[:size], own.ledger.maps
        given[name] = edit(given[name], replace_in("checkpoint", by=other.checkpoint(size)))
    return given


@lie("the checkpoint of another log", "checkpoint")
def _() -> Given:
    other = MemoryLedger("ledger.example/other", log="other log").found()
    return in_both(replace_in("checkpoint", by=other.checkpoint()))


@lie("other log's bundle, with its own policy's origin", "server")
def _() -> Given:
    other = World(MemoryLedger("ledger.example/other", log="other log").found())
    given = other.given()
    return honest() | {name: given[name] for name in ("bundleText", "newestText", "expected")}


@lie("witnesses' lines removed", "quorum")
def _() -> Given:
    own = world()
    bare = {
        name: edit(own.given()[name], replace_in("checkpoint", by=own.ledger.checkpoint(size)))
        for name, size in (("bundleText", own.anchored), ("newestText", own.newest))
    }
    return own.given() | bare


@lie("a false line of a witness", "quorum")
def _() -> Given:
    return in_both(replace_in("checkpoint", by=lambda note: cosign_falsely(note, "w2")))


@lie("witnesses' lines of another checkpoint", "quorum")
def _() -> Given:
    own = world()
    lines = own.note(own.anchored).splitlines(keepends=True)[-2:]
    note = own.ledger.checkpoint(own.newest) + "".join(lines)
    given = own.given()
    return given | {"newestText": edit(given["newestText"], replace_in("checkpoint", by=note))}


@lie("one witness, twice, for two", "quorum")
def _() -> Given:
    own = world()
    twice = cosign(cosign(own.ledger.checkpoint(own.anchored), NOW - HOUR, "w1"), NOW, "w1")
    return own.given(bundleText=own.bundle(own.first, own.anchored, checkpoint=twice))


@lie("strangers for witnesses", "quorum")
def _() -> Given:
    own = world()
    note = cosign(own.ledger.checkpoint(own.anchored), NOW - HOUR, "s1", "s2", "s3")
    return own.given(bundleText=own.bundle(own.first, own.anchored, checkpoint=note))


@lie("a state that witnesses cosigned two days ago, as the newest", "status")
def _() -> Given:
    own = world()
    note = own.note(own.newest, ago=48 * HOUR)
    return own.given(newestText=own.bundle(own.first, own.newest, checkpoint=note))


# --- receipt ----------------------------------------------------------------------------------------------


@lie("removed receipt", "receipt")
def _() -> Given:
    own = world()
    return own.given(bundleText=own.bundle(own.first, own.anchored, receipt=None))


@lie("the receipt of another state", "receipt")
def _() -> Given:
    own = world()
    receipt = own.ledger.receipt(own.newest)
    return own.given(bundleText=own.bundle(own.first, own.anchored, receipt=receipt))


@lie("changed dates: the anchor is dated earlier", "receipt")
def _() -> Given:
    given = honest()
    early = replace_in("receipt", "anchored_at", by="2026-03-01T00:30:00Z")
    return given | {"bundleText": edit(given["bundleText"], early)}


@lie("a receipt signed by another key", "receipt")
def _() -> Given:
    own = world()
    receipt = own.ledger.receipt(own.anchored, signer=make_signer("server"))
    return own.given(bundleText=own.bundle(own.first, own.anchored, receipt=receipt))


@lie("a receipt of another contract", "receipt")
def _() -> Given:
    own = world()
    receipt = own.ledger.receipt(own.anchored, chain=replace(CHAIN, contract=bytes(20)))
    return own.given(bundleText=own.bundle(own.first, own.anchored, receipt=receipt))


@lie("a receipt that is not settled", "receipt")
def _() -> Given:
    own = world()
    strict = replace(own.policy, contract=replace(own.policy.contract, finality="tag:finalized"))
    receipt = own.ledger.receipt(own.anchored, grade=AnchorGrade.INCLUDED)
    return own.given(
        bundleText=own.bundle(own.first, own.anchored, receipt=receipt),
        policyText=encode_policy(strict).decode(),
        remembered=None,
    )


# --- evidence ---------------------------------------------------------------------------------------------


def _hiding(change: Callable[[MemoryLedger], bytes]) -> Given:
    """Return the answer about a document after a change of the registers that the evidence leaves out."""
    ledger = MemoryLedger().found()
    hidden = ledger.append(change(ledger))
    own = World()
    own.ledger = MemoryLedger().found()
    own.ledger.append(change(own.ledger))
    own.first, own.second = own.ledger.issue(1, force=True), own.ledger.issue(2, force=True)
    own.anchored = own.ledger.publish()
    own.ledger.issue(9, force=True)
    own.newest = own.ledger.publish()
    given = own.given()
    for name, size in (("bundleText", own.anchored), ("newestText", own.newest)):
        bare = encode_evidence(own.ledger.evidence(size, without=frozenset({hidden})))
        given[name] = own.bundle(own.first, size, evidence=bare)
    return given


for _what, _change in (
    ("the end of the key", lambda ledger: ledger.key(version=1, state=RegisterState.WITHDRAWN)),
    ("the suspension of the scope", lambda ledger: ledger.scope(version=1, state=RegisterState.SUSPENDED)),
    (
        "the suspension of the institution",
        lambda ledger: ledger.institution(version=1, state=RegisterState.SUSPENDED),
    ),
    (
        "the suspension of the authority",
        lambda ledger: ledger.authority(version=1, state=RegisterState.SUSPENDED),
    ),
):
    LIES.append(Lie(f"evidence without {_what}", "authority", lambda change=_change: _hiding(change)))


@lie("evidence of an older state", "authority")
def _() -> Given:
    own = world()
    old = encode_evidence(own.ledger.evidence(own.anchored))
    return own.given(newestText=own.bundle(own.first, own.newest, evidence=old))


@lie("evidence without the root", "authority")
def _() -> Given:
    own = world()
    bare = encode_evidence(own.ledger.evidence(own.anchored, without=frozenset({0})))
    return own.given(bundleText=own.bundle(own.first, own.anchored, evidence=bare))


@lie("evidence with a changed leaf", "authority")
def _() -> Given:
    return in_both(replace_in("evidence", "leaves", 4, "leaf", by=lambda text: flip(text, -70)))


@lie("another institution's evidence", "authority")
def _() -> Given:
    stranger = MemoryLedger().found()
    stranger.append(stranger.institution(id="350200-01", division="3502"))
    own = World(stranger)
    return own.given()


@lie("another root, with the server's own authority, institution and keys", "authority")
def _() -> Given:
    usurper = World(MemoryLedger(roots=("usurper",)).found())
    given = usurper.given()
    return (
        honest()
        | {name: given[name] for name in ("bundleText", "newestText", "expected")}
        | {"remembered": None}
    )


# --- status: what has happened since ----------------------------------------------------------------------


@lie("omitted cancellation: no newest proof, the device has seen a later state", "status")
def _() -> Given:
    own = cancelled()
    fresh = own.note(own.anchored)
    return own.given(
        newestText=None,
        bundleText=own.bundle(own.first, own.anchored, checkpoint=fresh),
        remembered=own.remembered(own.newest),
    )


@lie("omitted cancellation: no newest proof, to a device that has seen nothing", "status")
def _() -> Given:
    return cancelled().given(newestText=None, remembered=None)


@lie("omitted cancellation: the state before it as the newest", "status")
def _() -> Given:
    own = cancelled()
    old = own.bundle(own.first, own.anchored, checkpoint=own.note(own.anchored))
    return own.given(bundleText=old, newestText=old, remembered=own.remembered(own.newest))


@lie("omitted cancellation: an older state as the newest", "status")
def _() -> Given:
    own = cancelled()
    late = own.ledger.bundle(own.second, own.newest, checkpoint=own.note(own.newest)).decode()
    old = own.bundle(own.second, own.anchored, checkpoint=own.note(own.anchored))
    return own.given(own.second, bundleText=late, newestText=old)


@lie("omitted cancellation: the map proof of the state before it", "status")
def _() -> Given:
    own = cancelled()
    old = own.ledger.map_proof(own.first, own.anchored)
    return own.given(newestText=own.bundle(own.first, own.newest, map_proof=old))


@lie("omitted cancellation: a map proof that shows another document", "status")
def _() -> Given:
    own = cancelled()
    other = own.ledger.map_proof(own.second, own.newest)
    return own.given(newestText=own.bundle(own.first, own.newest, map_proof=other))


@lie("a map proof that is cut off", "status")
def _() -> Given:
    own = world()
    cut = own.ledger.map_proof(own.first, own.newest)[:-1]
    return own.given(newestText=own.bundle(own.first, own.newest, map_proof=cut))


@lie("a map proof of another log", "status")
def _() -> Given:
    own = world()
    other = World(MemoryLedger("ledger.example/other").found().issue_many(1))
    proof = other.ledger.map_proof(other.first, other.newest)
    return own.given(newestText=own.bundle(own.first, own.newest, map_proof=proof))


def _opened_part() -> World:
    """Return a log in which a part of the first instrument was opened for repair since."""
    return World(
        None, lambda ledger: ledger.append(ledger.sign_act(EventType.REVERIFY_NEEDED, part="2", version=0))
    )


@lie("hidden part state: the map proof leaves out a part", "status")
def _() -> Given:
    own = _opened_part()
    statement = own.ledger.documents[own.first]
    wanted = [
        own.ledger.subject_of(own.first),
        certificate_subject(INSTITUTION, statement.credential["credentialSubject"]["no"]),
        instrument_subject(_instrument_of(statement), "1"),
    ]
    bare = build_map_proof(own.ledger.maps[own.newest], wanted, load_nothing)
    return own.given(newestText=own.bundle(own.first, own.newest, map_proof=bare))


def _instrument_of(document: Document) -> InstrumentId:
    return InstrumentId(bytes.fromhex(document.credential["credentialSubject"]["instrument"]["id"]))


@cache
def _registered() -> World:
    """Return a log whose policy asks for steps 8 and 20: a document after a block and a suspension."""
    ledger = RegisteredLedger()
    own = World(ledger)
    own.hidden = {
        ledger.append(ledger.block()),
        ledger.append(ledger.person("P-0001", version=1, state=SUSPENDED)),
    }
    own.first = ledger.issue_credential(seal_by_all(make_registered_record(77), TIMES))
    own.anchored = ledger.publish()
    ledger.issue(10)
    own.newest = ledger.publish()
    own.policy = ledger.policy(**BELIEFS | {"required": BELIEFS["required"] | {Step.TYPE, Step.PERSONS}})
    return own


def _hide(kept: int, maker: str | None) -> Given:
    """Return the answer with evidence that leaves out one of the two leaves."""
    own = _registered()
    given = own.given()
    (hidden,) = own.hidden - {kept}
    for name, size in (("bundleText", own.anchored), ("newestText", own.newest)):
        bare = encode_evidence(own.ledger.evidence(size, without=frozenset({hidden}), maker=maker))
        given[name] = own.bundle(own.first, size, evidence=bare)
    return given


@lie("hidden block of the maker: the evidence leaves it out", "type")
def _() -> Given:
    return _hide(max(_registered().hidden), MAKER)


@lie("hidden block of the maker: the evidence does not show the maker either", "type")
def _() -> Given:
    return _hide(max(_registered().hidden), None)


@lie("hidden suspension of a person: the evidence leaves it out", "authority")
def _() -> Given:
    return _hide(min(_registered().hidden), MAKER)


@lie("a log whose map says nothing of the document", "status")
def _() -> Given:
    own = World()
    before = dict(own.ledger.states)
    own.first = own.ledger.issue(8)
    own.ledger.states = before
    own.anchored = own.ledger.publish()
    own.ledger.issue(10)
    own.newest = own.ledger.publish()
    return own.given(own.first)


# --- another document than the one that was scanned -------------------------------------------------------


@lie("another instrument's valid bundle, for the digits of a long code", "binding")
def _() -> Given:
    own = world()
    return own.given(own.second) | {"expected": own.given()["expected"]}


@lie("another instrument's valid bundle, for a short code", "binding")
def _() -> Given:
    own = world()
    code = compute_code(own.ledger.documents[own.first].statement_raw)
    return own.given(own.second, expected={"code": code})


@lie("another instrument's valid bundle, for an instrument's page", "binding")
def _() -> Given:
    own = world()
    instrument = _instrument_of(own.ledger.documents[own.first]).hex()
    return own.given(own.second, expected={"instrument": instrument})


def issue_part(ledger: MemoryLedger, number: int, part: str, **changes: Any) -> int:
    """Issue a document of one part of an instrument."""
    credential = seal_record(make_record(number, **changes), make_signer("seal"))
    raw = ledger.sign_issue(credential, part=part)
    index = ledger.append(raw)
    ledger.documents[index] = Document(credential, raw)
    return index


@lie("another part's valid bundle, for the page of a part", "binding")
def _() -> Given:
    ledger = MemoryLedger().found()
    other = issue_part(ledger, 7, "2")
    asked = {"instrument": make_record(7)["instrument"]["id"], "part": "1"}
    return World(ledger).given(other, expected=asked)


@lie("the whole's valid bundle, for the page of a part that it does not name", "binding")
def _() -> Given:
    asked = {"instrument": make_record(1)["instrument"]["id"], "part": "9"}
    return world().given(expected=asked)


@lie("a part's valid bundle, for the page of a whole whose other part nobody has verified", "status")
def _() -> Given:
    ledger = MemoryLedger().found()
    part = issue_part(ledger, 7, "2")
    return World(ledger).given(part, expected={"instrument": make_record(7)["instrument"]["id"]})


@lie("a part's valid bundle, for the page of a whole that has failed", "binding")
def _() -> Given:
    ledger = MemoryLedger().found()
    ledger.issue_record(make_rejection(7))
    part = issue_part(ledger, 8, "2", instrument=make_record(7)["instrument"])
    return World(ledger).given(part, expected={"instrument": make_record(7)["instrument"]["id"]})


@lie("the whole's valid bundle, for its page, where a part has a newer document that was cancelled", "status")
def _() -> Given:
    ledger = MemoryLedger().found()
    whole = ledger.issue(7)
    issue_part(ledger, 8, "2", instrument=make_record(7)["instrument"])
    return World(ledger, lambda log: log.act(EventType.CANCEL, 8)).given(
        whole, expected={"instrument": make_record(7)["instrument"]["id"]}
    )


@lie("a newer document of the same instrument, for the printed digits of an older one", "binding")
def _() -> Given:
    ledger = MemoryLedger().found()
    old = ledger.issue(7)
    new = ledger.issue(8, instrument=make_record(7)["instrument"])
    own = World(ledger)
    return own.given(new) | {"expected": own.given(old)["expected"]}


@lie("the newest proof of another document", "binding")
def _() -> Given:
    own = world()
    return own.given(newestText=own.bundle(own.second, own.newest))


# --- what the device remembers ----------------------------------------------------------------------------


@lie("old checkpoint: smaller than one that the device has seen", "status")
def _() -> Given:
    own = world()
    return own.given(
        remembered=own.remembered() | {"checkpoint": {"size": own.newest + 5, "root": "00" * 32}}
    )


@lie("old checkpoint, under a policy that does not ask for a status", "status")
def _() -> Given:
    own = World()
    own.policy = own.ledger.policy()
    own.policy = replace(own.policy, required=own.policy.required - {Step.STATUS})
    return own.given(
        remembered=own.remembered() | {"checkpoint": {"size": own.newest + 5, "root": "00" * 32}}
    )


@lie("forked checkpoint: another root of the size that the device has seen", "checkpoint")
def _() -> Given:
    own = world()
    seen = {"size": own.newest, "root": "ab" * 32}
    return own.given(remembered=own.remembered() | {"checkpoint": seen})


@lie("forked checkpoint: the log has signed another history for this device", "checkpoint")
def _() -> Given:
    liar = World(None, lambda ledger: ledger.append(ledger.institution(version=1)))
    true = World(None, lambda ledger: ledger.append(ledger.scope(version=1)))
    return liar.given(remembered=true.remembered(true.newest))


@lie("forked checkpoint: two roots of one size in one answer", "checkpoint")
def _() -> Given:
    liar = World(None, lambda ledger: ledger.append(ledger.institution(version=1)))
    true = World(None, lambda ledger: ledger.append(ledger.scope(version=1)))
    both = true.bundle(true.first, true.newest, receipt=true.ledger.receipt(true.newest))
    return liar.given(bundleText=both, remembered=None)


def _fork(own: World, *, ago: timedelta) -> Given:
    """Return what is sent by a log that has forked after its anchor: witnesses know nothing of its newest state."""
    own.policy = replace(own.policy, max_status_age=None)
    liar = World(None, *[lambda ledger: ledger.issue(3)] * 2)
    alone = liar.ledger.checkpoint(liar.newest)
    return own.given(
        bundleText=own.bundle(own.first, own.anchored, checkpoint=own.note(own.anchored, ago=ago)),
        newestText=liar.bundle(liar.first, liar.newest, checkpoint=alone),
    )


@lie("forked checkpoint: a newest state without its cancellation, which no witness has signed", "status")
def _() -> Given:
    return _fork(_cancelled_anew(), ago=48 * HOUR) | {"remembered": None}


@lie("forked checkpoint: the same, to a device that has seen the cancellation", "status")
def _() -> Given:
    own = _cancelled_anew()
    return _fork(own, ago=48 * HOUR) | {"remembered": own.remembered(own.newest)}


@lie("forked checkpoint: the same, under a policy that bounds the age of a state", "status")
def _() -> Given:
    own = _cancelled_anew()
    given = _fork(own, ago=HOUR)
    own.policy = replace(own.policy, max_status_age=6 * HOUR)
    return given | {
        "policyText": encode_policy(own.policy).decode(),
        "remembered": own.remembered(own.newest),
    }


def _cancelled_anew() -> World:
    return World(None, lambda ledger: ledger.act(EventType.CANCEL))


@lie("changed dates: a later state that is dated before one that the device has seen", "time")
def _() -> Given:
    own = world()
    return own.given(remembered=own.remembered(statusAt=to_ms(NOW - HOUR)))


@lie("changed dates: the device's clock was set back", "status")
def _() -> Given:
    own = world()
    back = NOW - timedelta(days=1)
    notes = {
        "bundleText": own.bundle(
            own.first, own.anchored, checkpoint=cosign(own.ledger.checkpoint(own.anchored), back, "w1", "w2")
        ),
        "newestText": own.bundle(
            own.first, own.newest, checkpoint=cosign(own.ledger.checkpoint(own.newest), back, "w1", "w2")
        ),
    }
    seen = own.remembered(own.anchored) | {"checkpoint": None, "statusAt": to_ms(NOW)}
    return own.given(now=to_ms(back), remembered=seen, **notes)


def _with_policy(**changes: Any) -> Given:
    own = world()
    return own.given(policyText=encode_policy(replace(own.policy, **changes)).decode())


@lie("older policy", "server")
def _() -> Given:
    own = world()
    newer = replace(own.policy, version=2)
    return own.given(remembered=own.remembered() | {"policy": pin(newer)})


@lie("a policy of the same version that asks for less", "server")
def _() -> Given:
    return _with_policy(required=frozenset({Step.SEAL}), witnesses=None, max_status_age=None)


@lie("a later policy that the root has not published", "server")
def _() -> Given:
    return _with_policy(version=2, required=frozenset({Step.SEAL}), witnesses=None, max_status_age=None)


@lie("a later policy whose version the root has published with other content", "server")
def _() -> Given:
    ledger = MemoryLedger().found()
    ledger.append(ledger.publish_policy(2, version=0))
    own = World(ledger)
    weak = replace(own.policy, version=2, witnesses=None)
    return own.given(policyText=encode_policy(weak).decode())


@lie("a policy with another log key", "server")
def _() -> Given:
    return _with_policy(log_key=make_signer("server").public_key)


@lie("a policy of another log", "server")
def _() -> Given:
    return _with_policy(origin="ledger.example/other")


@lie("a policy with another root", "server")
def _() -> Given:
    return _with_policy(version=2, root_digest=bytes(32))


@lie("no policy at all", "server")
def _() -> Given:
    return honest() | {"policyText": "{}"}


@lie("a table of regulations with longer periods", "server")
def _() -> Given:
    rules = RULE_BOOK["rules"].replace(",6,", ",60,")
    return honest() | {"ruleBook": RULE_BOOK | {"rules": rules}}


@lie("a table of larger limits", "server")
def _() -> Given:
    limits = RULE_BOOK["limits"].replace("0.30", "3.00")
    return honest() | {"ruleBook": RULE_BOOK | {"limits": limits}}


@lie("a trust list of another log", "server")
def _() -> Given:
    return honest() | {"trustText": MemoryLedger("ledger.example/other").found().trust_raw().decode()}


@lie("a trust list that leaves out a register leaf", "server")
def _() -> Given:
    own = world()
    members = json.loads(own.ledger.trust_raw(own.anchored))
    del members["evidence"]["leaves"][3]
    return own.given(trustText=encode_canonical_json(members).decode())


@lie("forked checkpoint: the trust list has another root of the same size", "checkpoint")
def _() -> Given:
    own = World(None, lambda ledger: ledger.append(ledger.institution(version=1)))
    other = World(None, lambda ledger: ledger.append(ledger.scope(version=1)))
    return own.given(trustText=other.ledger.trust_raw(other.newest).decode(), remembered=None)
