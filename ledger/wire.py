"""What a desk and the log send each other over HTTP: statements with certificates, and what the log answers.

    request   {"entries": [{"statement": base64, "certificate": base64}]}
    answer    {"checkpoint": note, "results": [{"header": base64, "inclusion": [base64], "index": 5},
                                               {"refusal": {...}}]}

A certificate travels as the bytes that were published, so that nothing spells them anew; the photograph that a
registration of an instrument names travels in its place; acts and register events have none.
A logged entry comes back as all that its sender lacks to prove it: its index, the header that the log wrote before
the statement, the hashes to the root, and the signed checkpoint. A refusal is signed, see `core.refusal`.

    request   {"statements": [hex]}, the names of statements
    answer    their bundles, each as the line that is its file

    request   {"subjects": [hex]}
    answer    {"checkpoint": note, "inclusion": [base64], "map": base64, "maphead": base64}, what the status map has
              of them, proved

>>> parse_entries(encode_entries([Entry(statement, certificate)])) == [Entry(statement, certificate)]
True
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from ledger.core.bundle import MAX_BUNDLE_BYTES
from ledger.core.canonical import (
    JsonObject,
    encode_canonical_json,
    parse_canonical_json,
    parse_json,
    respell_canonical_json,
)
from ledger.core.encoding import encode_base64, encode_hex, parse_base64, parse_hex
from ledger.core.entry import HEADER_BYTES
from ledger.core.errors import InputError, MalformedDocumentError
from ledger.core.fields import Reader
from ledger.core.ids import LeafIndex, Subject
from ledger.core.note import MAX_NOTE_BYTES
from ledger.core.status import Status, SubjectState

MAX_ENTRIES: Final = 256
"""Statements in one request."""

MAX_REQUEST_BYTES: Final = 8 * 1024 * 1024
"""256 entries of 24 kB each, or fewer larger ones; a usual entry has 3 kB."""

MAX_ANSWER_BYTES: Final = 8 * 1024 * 1024

MAX_SUBJECTS: Final = 4096
"""Subjects in one request."""

MAX_MAP_SUBJECTS: Final = 1000
"""Subjects in one map proof; one takes about 1 kB in a map of a million."""

MAX_BUNDLES: Final = 64
"""Bundles in one request; a usual one has 8 kB."""

MAX_BUNDLES_BYTES: Final = MAX_BUNDLES * (MAX_BUNDLE_BYTES + 1)

_HASH_BYTES: Final = 32
_MAX_INDEX: Final = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One statement that is handed in."""

    statement: bytes
    certificate: bytes | None = None
    """What it speaks of: the published certificate of an issue, or the photograph that a registration names."""


@dataclass(frozen=True, slots=True)
class Logged:
    """The leaf of a statement, proved under the answer's checkpoint."""

    leaf_index: LeafIndex
    header: bytes
    """128 bytes; the leaf is this and the statement."""
    inclusion: tuple[bytes, ...]
    """Hashes from leaf to root, 32 bytes each (RFC 9162 §2.1.3)."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A signed refusal as its canonical bytes, see `core.refusal`."""

    raw: bytes


Outcome: TypeAlias = Logged | Refused


@dataclass(frozen=True, slots=True)
class Answer:
    """What the log says to the entries of one request, in their order."""

    checkpoint: str | None
    """Signed note; None if nothing of the request is in the log."""
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class MapAnswer:
    """What the status map has of some subjects; nothing is verified yet."""

    checkpoint: str
    """Signed note."""
    maphead: bytes
    """The last leaf under the checkpoint."""
    inclusion: tuple[bytes, ...]
    """Of that leaf: hashes to the root, 32 bytes each."""
    map_proof: bytes
    """See `core.map_proof`."""


# --- entries ------------------------------------------------------------------------------------------------


def encode_entries(entries: Sequence[Entry]) -> bytes:
    """Return a request."""
    return encode_canonical_json({"entries": [_entry_members(entry) for entry in entries]})


def parse_entries(raw: bytes) -> list[Entry]:
    """Parse a request; it may be spelled freely.

    Raises:
        InputError: not such a request; the member is named.
    """
    reader = Reader(parse_json(raw, max_bytes=MAX_REQUEST_BYTES))
    entries = [_parse_entry(item) for item in reader.objects("entries", least=1, most=MAX_ENTRIES)]
    reader.finish()
    return entries


def encode_answer(answer: Answer) -> bytes:
    """Return an answer."""
    members: JsonObject = {"results": [_outcome_members(outcome) for outcome in answer.outcomes]}
    if answer.checkpoint is not None:
        members["checkpoint"] = answer.checkpoint
    return encode_canonical_json(members)


def parse_answer(raw: bytes) -> Answer:
    """Parse an answer; neither proofs nor signatures are checked.

    Raises:
        InputError: not such an answer.
    """
    reader = Reader(parse_canonical_json(raw, max_bytes=MAX_ANSWER_BYTES))
    outcomes = tuple(_parse_outcome(item) for item in reader.objects("results", most=MAX_ENTRIES))
    note = reader.lines("checkpoint", max_bytes=MAX_NOTE_BYTES) if "checkpoint" in reader else None
    reader.finish()
    if note is None and any(isinstance(outcome, Logged) for outcome in outcomes):
        raise MalformedDocumentError("a logged entry without a checkpoint", field="checkpoint")
    return Answer(note, outcomes)


def _entry_members(entry: Entry) -> JsonObject:
    members: JsonObject = {"statement": encode_base64(entry.statement)}
    if entry.certificate is not None:
        members["certificate"] = encode_base64(entry.certificate)
    return members


def _parse_entry(reader: Reader) -> Entry:
    entry = Entry(reader.base64("statement"), reader.opt_base64("certificate"))
    reader.finish()
    return entry


def _outcome_members(outcome: Outcome) -> JsonObject:
    if isinstance(outcome, Refused):
        return {"refusal": parse_canonical_json(outcome.raw)}
    return {
        "index": outcome.leaf_index,
        "header": encode_base64(outcome.header),
        "inclusion": [encode_base64(item) for item in outcome.inclusion],
    }


def _parse_outcome(reader: Reader) -> Outcome:
    outcome: Outcome
    if "refusal" in reader:
        outcome = Refused(respell_canonical_json(reader.members("refusal")))
    else:
        outcome = Logged(
            leaf_index=LeafIndex(reader.integer("index", 0, _MAX_INDEX)),
            header=reader.base64("header", size=HEADER_BYTES),
            inclusion=tuple(parse_base64(text, size=32) for text in reader.texts("inclusion", max_bytes=44)),
        )
    reader.finish()
    return outcome


# --- subjects -----------------------------------------------------------------------------------------------


def encode_subjects(subjects: Sequence[Subject]) -> bytes:
    """Return a request for the newest states of these subjects."""
    return encode_canonical_json({"subjects": [encode_hex(subject) for subject in subjects]})


def parse_subjects(raw: bytes) -> list[Subject]:
    """Parse such a request; it may be spelled freely.

    Raises:
        InputError: not such a request; the member is named.
    """
    return [Subject(digest) for digest in _parse_hashes(raw, "subjects", MAX_SUBJECTS)]


def encode_states(states: Mapping[Subject, SubjectState]) -> bytes:
    """Return the states; a subject to which nothing has happened is left out."""
    return encode_canonical_json({"states": [_state_members(*item) for item in states.items()]})


def parse_states(raw: bytes) -> dict[Subject, SubjectState]:
    """Parse the states of subjects.

    Raises:
        InputError: not such an answer.
    """
    reader = Reader(parse_canonical_json(raw, max_bytes=MAX_ANSWER_BYTES))
    states = dict(_parse_state(item) for item in reader.objects("states", most=MAX_SUBJECTS))
    reader.finish()
    return states


def parse_map_subjects(raw: bytes) -> list[Subject]:
    """Parse a request for a map proof, which is one for states of fewer subjects.

    Raises:
        InputError: not such a request; the member is named.
    """
    return [Subject(digest) for digest in _parse_hashes(raw, "subjects", MAX_MAP_SUBJECTS)]


def encode_map_answer(answer: MapAnswer) -> bytes:
    """Return an answer with a map proof."""
    return encode_canonical_json(
        {
            "checkpoint": answer.checkpoint,
            "inclusion": [encode_base64(item) for item in answer.inclusion],
            "map": encode_base64(answer.map_proof),
            "maphead": encode_base64(answer.maphead),
        }
    )


def parse_map_answer(raw: bytes) -> MapAnswer:
    """Parse an answer with a map proof; nothing of it is verified.

    Raises:
        InputError: not such an answer.
    """
    reader = Reader(parse_canonical_json(raw, max_bytes=MAX_ANSWER_BYTES))
    answer = MapAnswer(
        checkpoint=reader.lines("checkpoint", max_bytes=MAX_NOTE_BYTES),
        maphead=reader.base64("maphead", size=HEADER_BYTES),
        inclusion=tuple(parse_base64(text, size=32) for text in reader.texts("inclusion", max_bytes=44)),
        map_proof=reader.base64("map"),
    )
    reader.finish()
    return answer


def _parse_hashes(raw: bytes, name: str, most: int) -> list[bytes]:
    """Parse a request whose only member is a list of hashes."""
    reader = Reader(parse_json(raw))
    texts = reader.texts(name, max_bytes=2 * _HASH_BYTES, least=1, most=most)
    reader.finish()
    return [_parse_hash(text, f"{name}[{place}]") for place, text in enumerate(texts)]


def _parse_hash(text: str, field: str) -> bytes:
    try:
        return parse_hex(text, size=_HASH_BYTES)
    except InputError as err:
        raise MalformedDocumentError(err.reason, field=field) from None


def _state_members(subject: Subject, state: SubjectState) -> JsonObject:
    members: JsonObject = {
        "subject": encode_hex(subject),
        "status": state.status.name,
        "version": state.version,
        "last_event": state.last_event,
    }
    if state.current_certificate is not None:
        members["current_certificate"] = state.current_certificate
    return members


def _parse_state(reader: Reader) -> tuple[Subject, SubjectState]:
    subject = Subject(reader.hex("subject", _HASH_BYTES))
    name = reader.text("status", max_bytes=40)
    if name not in Status.__members__:
        reader.refuse("status", "no such status")
    current = reader.opt_integer("current_certificate", 0, _MAX_INDEX)
    state = SubjectState(
        Status[name],
        reader.integer("version", 1, 2**32 - 1),
        LeafIndex(reader.integer("last_event", 0, _MAX_INDEX)),
        None if current is None else LeafIndex(current),
    )
    reader.finish()
    return subject, state


# --- bundles ------------------------------------------------------------------------------------------------


def encode_names(names: Sequence[bytes]) -> bytes:
    """Return a request for the bundles of the statements with these names, see `store.records`."""
    return encode_canonical_json({"statements": [encode_hex(name) for name in names]})


def parse_names(raw: bytes) -> list[bytes]:
    """Parse such a request; it may be spelled freely.

    Raises:
        InputError: not such a request; the member is named.
    """
    return _parse_hashes(raw, "statements", MAX_BUNDLES)


def join_bundles(bundles: Sequence[bytes]) -> bytes:
    """Return an answer: canonical JSON has no line feed, so each bundle is one line."""
    return b"\n".join(bundles)


def split_bundles(raw: bytes) -> list[bytes]:
    """Return the bundles of an answer; none of them has been read."""
    return raw.split(b"\n")


def parse_anchored_size(raw: bytes) -> int:
    """Return how many leaves are anchored, from what a server says of its health.

    Raises:
        InputError: it does not say that.
    """
    return Reader(parse_json(raw)).integer("anchored_size", 0, _MAX_INDEX)
