"""What an institution, or an authority, checks of a log round by round: its own statements, and what the map says.

    1  the newest checkpoint is signed, cosigned where the policy names witnesses, never smaller than one seen
       before, never another of the same size, and it extends the one before: shown from tiles
    2  each own statement stands at its leaf: shown once, from the entry bundle and tiles, under that checkpoint
    3  the status map under the published checkpoint has for each subject of theirs what the leaves ask for

Only what the log has signed is held against it. What does not belong to the signed tree proves nothing about the
log (a damaged tile, another server): `UnavailableError`, and looked at again. What shows the log to contradict
itself is written as a file that convinces others, and verified before it is written: a refutation, a fork proof;
where there is no such file, what was seen is kept. An event of somebody else's on a subject of ours is news.

>>> Watcher(database, policy, server, Path("watch")).look([OwnStatement(raw, LeafIndex(5))], now).is_quiet
True
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

from ledger.audit.leaves import fetch_tile, read_grown_bundle, require_shown
from ledger.core.canonical import JsonObject, encode_canonical_json
from ledger.core.checkpoint import Checkpoint, verify_checkpoint
from ledger.core.encoding import encode_base64, encode_hex
from ledger.core.entry import HEADER_BYTES, Leaf, parse_leaf
from ledger.core.errors import (
    ContradictionError,
    InputError,
    MalformedDocumentError,
    PolicyMismatchError,
    UnavailableError,
    VerificationError,
)
from ledger.core.event import EventType
from ledger.core.fold import list_changed
from ledger.core.fork import Fork, encode_fork, verify_fork
from ledger.core.ids import LeafIndex, Subject, TreeSize
from ledger.core.map_proof import ProvenStates, cut_map_proof, open_map_proof
from ledger.core.maphead import get_map_root, require_maphead
from ledger.core.merkle import (
    build_consistency_proof,
    build_multi_proof,
    build_root,
    hash_leaf,
    verify_inclusion,
    verify_multi_proof,
)
from ledger.core.note import NoteVerifier
from ledger.core.policy import Policy
from ledger.core.quorum import find_quorum_time, list_signed
from ledger.core.refutation import (
    Refutation,
    encode_refutation,
    find_contradiction,
    list_suspects,
    verify_refutation,
)
from ledger.core.statement import parse_signed_statement
from ledger.core.status import Status, SubjectState
from ledger.core.tiles import ENTRIES, TILE_WIDTH, Tile, TileReader, compute_tile_width
from ledger.core.trust import open_policy_cosignatures
from ledger.failpoint import failpoint
from ledger.files import replace_file
from ledger.store.engine import Database
from ledger.store.watch_queries import SeenNote, WatchQueries, prepare_watch_database
from ledger.watch.source import LogServer
from ledger.wire import MAX_MAP_SUBJECTS, MapAnswer

EVIDENCE_TYPE: Final = "hengzheng/watch-evidence/v1"
MAX_FILES: Final = 16
"""Files that one round writes of one kind; further findings are told without one."""

Tell = Callable[[str, int, int], None]
"""Hears how far a round is: what is done, how many, of how many."""


@dataclass(frozen=True, slots=True)
class OwnStatement:
    """A statement that whoever watches has signed and handed in."""

    raw: bytes
    leaf_index: LeafIndex | None
    """Where the log said that it is; None: it is looked for."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that must not be, and what shows it."""

    sentence: str
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class News:
    """Somebody else's event changed what one of our statements is about."""

    subject: Subject
    leaf_index: LeafIndex
    event: EventType
    status: Status
    """Of the subject, by the proved status map."""


@dataclass(slots=True)
class Round:
    """What one look at the log has found."""

    tree_size: int = 0
    root_hash: bytes = b""
    own: int = 0
    """Own statements that stand where they should."""
    checked: int = 0
    """Of these, shown in this round for the first time."""
    waiting: int = 0
    """Own statements that the published checkpoint does not hold, or that were not found in it."""
    subjects: int = 0
    """Whose states were compared."""
    changed_by_others: int = 0
    """Of these, those whose newest event is not our own."""
    news: list[News] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)

    @property
    def is_quiet(self) -> bool:
        """Return whether nothing stands against the log."""
        return not self.alarms


class _LogAlarmError(VerificationError):
    """Ends a round: what the log has signed cannot be followed."""

    def __init__(self, alarm: Alarm) -> None:
        super().__init__(alarm.sentence)
        self.alarm = alarm


class Watcher:
    """Watches one log for one owner of statements. For one thread of one process at a time."""

    def __init__(self, database: Database, policy: Policy, server: LogServer, folder: Path) -> None:
        """Make the tables, or check that they are of this log.

        Args:
            database: of this watch alone.
            policy: names the log, its key, and perhaps witnesses.
            server: where the log is read.
            folder: where findings are written; it exists.

        Raises:
            StateError: the database is of another log.
            UnavailableError: it is out of reach.
        """
        self._database = database
        self._policy = policy
        self._server = server
        self._folder = folder
        self._log = NoteVerifier(policy.origin, policy.log_key)
        self._known: _Known | None = None
        prepare_watch_database(database, policy.origin, policy.log_key.multikey)

    def look(self, own: Iterable[OwnStatement], now: datetime, tell: Tell = lambda *_: None) -> Round:
        """Check everything once.

        Args:
            own: every statement of one's own that the log has taken.
            now: aware UTC; cosignatures of a later time, but for the policy's tolerance, do not count.
            tell: hears how far it is.

        Raises:
            InputError: what `own` yields cannot be read; as it says.
            PolicyMismatchError: the server has another log than the policy's.
            UnavailableError: the server is out of reach, or shows what does not belong to the signed tree.
            LogIntegrityError: the watch's own database is damaged.
        """
        found, unknown = Round(), self._sort(own)
        try:
            self._look(found, unknown, now, tell)
        except _LogAlarmError as err:
            found.alarms.append(err.alarm)
        except PolicyMismatchError:
            raise
        except (ContradictionError, InputError) as err:
            raise UnavailableError(f"the log's server does not show what the log has signed: {err}") from err
        return found

    def _look(self, found: Round, unknown: "_Unknown", now: datetime, tell: Tell) -> None:
        note = self._server.read_checkpoint()
        checkpoint = self._follow(note)
        found.tree_size, found.root_hash = checkpoint.tree_size, checkpoint.root_hash
        self._check_witnesses(found, note, now)
        tree = _Tree(self._server, checkpoint, note)
        self._check_placed(found, tree, unknown.placed, tell)
        self._search(found, tree, unknown.sought, tell)
        found.own = len(self._leaves.own)
        self._check_map(found, tell)

    @property
    def _leaves(self) -> "_Known":
        """Return what is proved, read from the database once."""
        if self._known is None:
            known = _Known()
            with self._database.read() as connection:
                for row in WatchQueries(connection).read_leaves():
                    known.add(row.leaf_index, row.leaf, own=row.own)
            self._known = known
        return self._known

    def _save(self, leaves: Mapping[LeafIndex, bytes], *, own: bool) -> None:
        with self._database.write() as connection:
            WatchQueries(connection).add_leaves(leaves, own=own)
        for index, leaf in leaves.items():
            self._leaves.add(index, leaf, own=own)
        failpoint("watch.leaves_stored")

    # --- checkpoints ----------------------------------------------------------------------------------------

    def _follow(self, note: str) -> Checkpoint:
        """Take a note that the server shows: signed, and a continuation of what was followed before.

        Raises:
            _LogAlarmError: the log has signed what is none.
            UnavailableError: the log has not signed it, or the server does not show the tree.
        """
        try:
            checkpoint = verify_checkpoint(note, self._log)
        except PolicyMismatchError:
            raise
        except (InputError, VerificationError) as err:
            raise UnavailableError(f"the log's server shows a checkpoint of its own making: {err}") from err
        seen = SeenNote(checkpoint.tree_size, checkpoint.root_hash, note)
        with self._database.write() as connection:
            queries = WatchQueries(connection)
            queries.add_note(seen)
            before, other = queries.find_followed(), queries.find_other(seen)
        failpoint("watch.note_stored")
        if other is not None:
            raise _LogAlarmError(self._show_fork(other.note, note, seen.tree_size))
        if before is not None and before.tree_size != seen.tree_size:
            self._require_extension(before, seen, checkpoint)
        with self._database.write() as connection:
            WatchQueries(connection).mark_followed(seen)
        return checkpoint

    def _require_extension(self, before: SeenNote, seen: SeenNote, checkpoint: Checkpoint) -> None:
        old, new = before.tree_size, seen.tree_size
        notes: JsonObject = {"checkpoints": [before.note, seen.note]}
        if new < old:
            sentence = f"the log had {old} leaves and is shown with {new}"
            raise _LogAlarmError(self._keep(sentence, f"shrunk-{old}-{new}", notes))
        tree = _Tree(self._server, checkpoint, seen.note)
        shown, proof = build_root(old, tree.read), build_consistency_proof(old, new, tree.read)
        require_shown(old, shown, checkpoint, proof)
        if shown != before.root_hash:
            sentence = (
                f"the log has signed a tree of {new} leaves that does not extend the {old} it had before"
            )
            notes |= {
                "old_root_of_new_tree": encode_hex(shown),
                "consistency": [encode_base64(item) for item in proof],
            }
            raise _LogAlarmError(self._keep(sentence, f"rewritten-{old}-{new}", notes))

    def _check_witnesses(self, found: Round, note: str, now: datetime) -> None:
        quorum = self._policy.witnesses
        if quorum is None:
            return
        try:
            lines = open_policy_cosignatures(note, self._policy)
        except (InputError, VerificationError) as err:
            found.alarms.append(Alarm(f"a witness's line under the checkpoint does not hold: {err}"))
            return
        signed = list_signed(lines, quorum, now + self._policy.clock_tolerance)
        if find_quorum_time(signed, quorum) is None:
            sentence = (
                f"the published checkpoint of {found.tree_size} leaves is cosigned by {len(signed)} of "
                f"{len(quorum.witnesses)} witnesses, {quorum.threshold} are needed"
            )
            found.alarms.append(Alarm(sentence))

    # --- own statements -------------------------------------------------------------------------------------

    def _sort(self, own: Iterable[OwnStatement]) -> "_Unknown":
        """Return the statements that have not been shown in the log yet."""
        placed: dict[LeafIndex, bytes] = {}
        sought: dict[bytes, bytes] = {}
        for one in own:
            if one.leaf_index is None:
                sought[sha256(one.raw).digest()] = one.raw
            elif one.leaf_index not in self._leaves.own:
                placed[one.leaf_index] = one.raw
        told = {sha256(raw).digest() for raw in placed.values()} | self._leaves.own_digests
        return _Unknown(placed, {digest: raw for digest, raw in sought.items() if digest not in told})

    def _check_placed(
        self, found: Round, tree: "_Tree", placed: Mapping[LeafIndex, bytes], tell: Tell
    ) -> None:
        """Show each statement at its leaf, one entry bundle after the other."""
        held = sorted(index for index in placed if index < tree.size)
        found.waiting += len(placed) - len(held)
        for number, indices in enumerate(_group(held)):
            leaves = tree.prove_leaves(indices)
            good = {
                index: leaf
                for index, leaf in leaves.items()
                if self._is_in_place(found, tree, index, leaf, placed[index])
            }
            self._save(good, own=True)
            found.checked += len(good)
            tell("own statements", number * TILE_WIDTH + len(indices), len(held))

    def _is_in_place(
        self, found: Round, tree: "_Tree", index: LeafIndex, leaf: bytes, statement: bytes
    ) -> bool:
        """Say whether a proved leaf holds a statement, with effect; alarm if not."""
        if leaf[HEADER_BYTES:] != statement:
            sentence = f"leaf {index} holds something else than our statement, which the log had taken"
        elif parse_leaf(leaf).header.status == Status.VOID:
            sentence = f"leaf {index} holds our statement without effect"
        else:
            return True
        members = tree.show_leaf(index, leaf) | {"statement": encode_base64(statement)}
        found.alarms.append(self._keep(sentence, f"leaf-{index}", members))
        return False

    def _search(self, found: Round, tree: "_Tree", sought: Mapping[bytes, bytes], tell: Tell) -> None:
        """Look through the log for statements whose leaf nobody has told, each entry bundle proved as a whole."""
        with self._database.read() as connection:
            searched = WatchQueries(connection).read_sought()
        begin = min((searched.get(digest, 0) for digest in sought), default=int(tree.size))
        absent, spoiled = set(sought), dict[bytes, int]()
        first = begin // TILE_WIDTH * TILE_WIDTH if begin < tree.size else tree.size
        for start in range(first, tree.size, TILE_WIDTH):
            end = min(start + TILE_WIDTH, tree.size)
            good: dict[LeafIndex, bytes] = {}
            for index, leaf in tree.prove_leaves([LeafIndex(at) for at in range(start, end)]).items():
                digest = sha256(leaf[HEADER_BYTES:]).digest()
                if digest not in absent:
                    continue
                absent.remove(digest)
                if self._is_in_place(found, tree, index, leaf, sought[digest]):
                    good[index] = leaf
                else:
                    spoiled[digest] = index
            self._save(good, own=True)
            found.checked += len(good)
            tell("searching", end - begin, tree.size - begin)
        with self._database.write() as connection:
            WatchQueries(connection).replace_sought(dict.fromkeys(absent, int(tree.size)) | spoiled)
        found.waiting += len(absent)

    # --- the status map -------------------------------------------------------------------------------------

    def _check_map(self, found: Round, tell: Tell) -> None:
        subjects = sorted(self._leaves.subjects)
        fresh: dict[LeafIndex, bytes] = {}
        for start in range(0, len(subjects), MAX_MAP_SUBJECTS):
            some = subjects[start : start + MAX_MAP_SUBJECTS]
            view = self._open_map(some)
            for subject in some:
                self._check_state(found, view, subject, fresh)
            tell("status map", start + len(some), len(subjects))
        found.subjects = len(subjects)
        self._save(fresh, own=False)

    def _open_map(self, subjects: Sequence[Subject]) -> "_MapView":
        """Ask for a proof, and check all of it but what it says."""
        answer = self._server.read_map(subjects)
        checkpoint = self._follow(answer.checkpoint)
        size, last = checkpoint.tree_size, LeafIndex(checkpoint.tree_size - 1)
        tree = _Tree(self._server, checkpoint, answer.checkpoint)
        try:
            verify_inclusion(hash_leaf(answer.maphead), last, size, answer.inclusion, checkpoint.root_hash)
        except VerificationError as err:
            raise UnavailableError(f"the log's server shows another last leaf than it signed: {err}") from err
        try:
            root = get_map_root(require_maphead(answer.maphead))
        except (InputError, VerificationError) as err:
            members = tree.show_leaf(last, answer.maphead)
            raise _LogAlarmError(self._keep(str(err), f"no-maphead-{size}", members)) from err
        try:
            return _MapView(answer, tree, root, open_map_proof(answer.map_proof, root))
        except VerificationError as err:
            raise UnavailableError(f"the log's server does not show the status map: {err}") from err

    def _check_state(
        self, found: Round, view: "_MapView", subject: Subject, fresh: dict[LeafIndex, bytes]
    ) -> None:
        """Compare what the map has of one subject with the leaves that it names and that are known."""
        try:
            state = view.proven.find(subject)
        except VerificationError as err:
            raise UnavailableError(f"the log's server does not show the status map: {err}") from err
        newest = self._leaves.newest[subject]
        for index in list_suspects(newest, state):
            if index >= view.tree.size - 1:
                self._alarm_of_nothing(found, view, subject, index)
                return
            raw = self._leaves.raw.get(index) or fresh.get(index)
            if raw is None:
                raw = fresh[index] = view.tree.prove_leaves([index])[index]
            if find_contradiction(index, parse_leaf(raw), subject, state) is not None:
                found.alarms.append(self._refute(view, subject, index, raw, len(found.alarms)))
                return
        if state is not None and state.last_event not in self._leaves.own:
            found.changed_by_others += 1
            self._tell_news(found, subject, state, fresh)

    def _tell_news(
        self, found: Round, subject: Subject, state: SubjectState, fresh: Mapping[LeafIndex, bytes]
    ) -> None:
        if state.last_event in fresh:
            event = EventType(parse_leaf(fresh[state.last_event]).header.type)
            found.news.append(News(subject, state.last_event, event, state.status))

    def _alarm_of_nothing(self, found: Round, view: "_MapView", subject: Subject, index: LeafIndex) -> None:
        sentence = (
            f"the status map of subject {encode_hex(subject)[:16]} names leaf {index}, which it precedes"
        )
        members = view.show(subject)
        name = f"no-leaf-{view.tree.size}-{encode_hex(subject)[:16]}"
        found.alarms.append(self._keep(sentence, name, members, len(found.alarms)))

    def _refute(self, view: "_MapView", subject: Subject, index: LeafIndex, raw: bytes, place: int) -> Alarm:
        """Write the file that shows the map to be false, once it is verified."""
        tree = view.tree
        both = sorted({index, LeafIndex(tree.size - 1)})
        refutation = Refutation(
            self._policy.origin,
            tree.note,
            subject,
            index,
            raw,
            view.answer.maphead,
            build_multi_proof(both, tree.size, tree.read),
            cut_map_proof(view.answer.map_proof, view.root, [subject]),
        )
        try:
            sentence = verify_refutation(refutation, self._log)
        except VerificationError as err:
            raise UnavailableError(f"the log's server does not show what the log has signed: {err}") from err
        name = f"refutation-{tree.size}-{encode_hex(subject)[:16]}.json"
        return Alarm(sentence, self._write(name, encode_refutation(refutation), place))

    # --- files ----------------------------------------------------------------------------------------------

    def _show_fork(self, first: str, second: str, size: TreeSize) -> Alarm:
        fork = Fork(self._policy.origin, first, second)
        sentence = verify_fork(fork, self._log)
        return Alarm(sentence, self._write(f"fork-{size}.json", encode_fork(fork)))

    def _keep(self, sentence: str, name: str, members: JsonObject, place: int = 0) -> Alarm:
        """Keep what was seen where no file convinces others by itself."""
        content: JsonObject = {"type": EVIDENCE_TYPE, "origin": self._policy.origin, "sentence": sentence}
        raw = encode_canonical_json(content | members)
        return Alarm(sentence, self._write(f"evidence-{name}.json", raw, place))

    def _write(self, name: str, raw: bytes, place: int = 0) -> Path | None:
        """Write a file, whole, unless it is there or the round has written enough."""
        path = self._folder / name
        if path.exists():
            return path
        if place >= MAX_FILES:
            return None
        replace_file(path, raw)
        return path


@dataclass(frozen=True, slots=True)
class _Unknown:
    """Own statements that have not been shown in the log yet."""

    placed: Mapping[LeafIndex, bytes]
    sought: Mapping[bytes, bytes]
    """By SHA-256; where they are, nobody has told."""


class _Known:
    """Leaves that are proved, and what follows from them."""

    def __init__(self) -> None:
        self.raw: dict[LeafIndex, bytes] = {}
        self.own: set[LeafIndex] = set()
        self.own_digests: set[bytes] = set()
        self.subjects: set[Subject] = set()
        """What own statements changed."""
        self.newest: dict[Subject, LeafIndex] = {}
        """The newest known leaf that changed a subject."""

    def add(self, index: LeafIndex, raw: bytes, *, own: bool) -> None:
        """Take a leaf."""
        self.raw[index] = raw
        changed = _list_changed(parse_leaf(raw))
        for subject in changed:
            self.newest[subject] = max(index, self.newest.get(subject, index))
        if own:
            self.own.add(index)
            self.own_digests.add(sha256(raw[HEADER_BYTES:]).digest())
            self.subjects.update(changed)


def _list_changed(leaf: Leaf) -> tuple[Subject, ...]:
    if not leaf.statement_raw or leaf.header.status == Status.VOID:
        return ()
    try:
        return list_changed(parse_signed_statement(leaf.statement_raw).statement)
    except InputError:
        return ()


class _Tree:
    """The tree under one checkpoint, as the server shows it; every leaf it gives is proved."""

    def __init__(self, server: LogServer, checkpoint: Checkpoint, note: str) -> None:
        self.size: Final = checkpoint.tree_size
        self.note: Final = note
        self._root = checkpoint.root_hash
        self._source = server.tiles
        self._reader = TileReader(self.size, partial(fetch_tile, server.tiles))

    @property
    def read(self) -> Callable[[int, int], bytes]:
        """Return what proof builders read from."""
        return self._reader.read

    def prove_leaves(self, indices: Sequence[LeafIndex]) -> dict[LeafIndex, bytes]:
        """Return some leaves of one entry bundle.

        Raises:
            UnavailableError: the server shows others than the log has signed.
        """
        number = indices[0] // TILE_WIDTH
        width = compute_tile_width(ENTRIES, number, self.size)
        bundle = read_grown_bundle(self._source, Tile(ENTRIES, number, width))
        leaves = {index: bundle[index % TILE_WIDTH] for index in indices}
        proof = build_multi_proof(sorted(leaves), self.size, self.read)
        hashes = {index: hash_leaf(leaf) for index, leaf in leaves.items()}
        try:
            verify_multi_proof(hashes, self.size, proof, self._root)
        except VerificationError as err:
            raise UnavailableError(
                f"the log's server shows other leaves than those of the signed tree of {self.size}"
            ) from err
        return leaves

    def show_leaf(self, index: LeafIndex, leaf: bytes) -> JsonObject:
        """Return what proves that a leaf stands in the signed tree."""
        proof = build_multi_proof([index], self.size, self.read)
        return {
            "checkpoints": [self.note],
            "leaf": {"index": index, "leaf": encode_base64(leaf)},
            "proof": [encode_base64(item) for item in proof],
        }


@dataclass(frozen=True, slots=True)
class _MapView:
    """A proved part of the status map."""

    answer: MapAnswer
    tree: _Tree
    root: bytes
    proven: ProvenStates

    def show(self, subject: Subject) -> JsonObject:
        """Return what proves what the map has of a subject."""
        shown = cut_map_proof(self.answer.map_proof, self.root, [subject])
        leaf = self.tree.show_leaf(LeafIndex(self.tree.size - 1), self.answer.maphead)
        return leaf | {"subject": encode_hex(subject), "map": encode_base64(shown)}


def _group(indices: Sequence[LeafIndex]) -> Iterator[list[LeafIndex]]:
    """Yield sorted indices by their entry bundles."""
    group: list[LeafIndex] = []
    for index in indices:
        if group and index // TILE_WIDTH != group[0] // TILE_WIDTH:
            yield group
            group = []
        group.append(index)
    if group:
        yield group


def parse_own_statement(raw: bytes, name: str) -> OwnStatement:
    """Return the statement in a file; where the log has it is not known.

    Raises:
        InputError: not a signed statement; the file is named.
    """
    try:
        parse_signed_statement(raw)
    except InputError as err:
        raise MalformedDocumentError(f"is no signed statement: {err}", field=name) from err
    return OwnStatement(raw, None)
