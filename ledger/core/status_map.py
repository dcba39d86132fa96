"""The status map: one hash over the newest state of every subject.

A compressed binary trie over the subjects' 256 bits, the most significant first; every inner node has two
children and names the first bit in which they differ. The shape follows from the subjects alone, so that a
replay of the leaves gives the same root everywhere.

    value  status(1) || version(4) || last_event(8) || current_certificate(8, 2^64-1 if none)     21 bytes
    leaf   SHA-256(0x02 || subject || value)
    inner  SHA-256(0x03 || bit(1) || left || right)
    empty  SHA-256(0x04)

Rules it keeps: a map is never changed, only replaced, and shares what has not changed with the one before;
whoever holds an old one proves from it. Parts that nobody has looked at yet stay `Page`s, 32 bytes instead of
their content, so that opening a map of millions costs nothing.

>>> grown = EMPTY_MAP.update({subject: state}, load_nothing)
>>> grown.find(subject, load_nothing) == state
True
"""

import struct
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Final

from ledger.core.errors import LogIntegrityError, MalformedDocumentError
from ledger.core.ids import LeafIndex, Subject
from ledger.core.status import Status, SubjectState

SUBJECT_BYTES: Final = 32
SUBJECT_BITS: Final = 256
STATE_BYTES: Final = 21
EMPTY_MAP_ROOT: Final = sha256(b"\x04").digest()
PAGE_DEPTHS: Final = (8, 16)
"""After how many bits the stored map is cut into pages: 256 pages of 256 pages of a few subjects each."""

_STATE: Final = struct.Struct(">BIQQ")
_NO_CERTIFICATE: Final = 2**64 - 1
_LEAF_HEAD: Final = 32 + SUBJECT_BYTES


class Page:
    """A subtree that is not loaded: all subjects that begin with the same bits."""

    __slots__ = ("depth", "hash", "node", "prefix")

    def __init__(self, depth: int, prefix: int, node_hash: bytes) -> None:
        """Name a subtree.

        Args:
            depth: number of bits, one of `PAGE_DEPTHS`, or 0 for the whole map.
            prefix: these bits as a number.
            node_hash: 32 bytes.
        """
        self.depth = depth
        self.prefix = prefix
        self.hash = node_hash
        self.node: Node | None = None
        """What was loaded; the hash has been compared."""


Inner = tuple[bytes, int, "Node", "Node"]
"""Hash, first bit in which the children differ, child with 0 there, child with 1 there."""

Node = bytes | Inner | Page
"""A leaf is 85 bytes: hash, subject and value; millions of them are held."""

PageContent = Sequence[tuple[Subject, SubjectState]] | Sequence[Page]
"""Of a page: its pages of the next depth, or at the last depth its subjects; in any order."""

PageLoader = Callable[[Sequence[Page]], Iterable[PageContent]]
"""Returns the contents of pages, in their order."""


def encode_state(state: SubjectState) -> bytes:
    """Return the 21 bytes of a subject's state, big-endian."""
    current = _NO_CERTIFICATE if state.current_certificate is None else state.current_certificate
    return _STATE.pack(state.status, state.version, state.last_event, current)


def parse_state(raw: bytes) -> SubjectState:
    """Parse a subject's state.

    Raises:
        MalformedDocumentError: not 21 bytes, or no such status.
    """
    if len(raw) != STATE_BYTES:
        raise MalformedDocumentError(f"a state of {len(raw)} bytes; expected {STATE_BYTES}")
    code, version, last_event, current = _STATE.unpack(raw)
    try:
        status = Status(code)
    except ValueError:
        raise MalformedDocumentError(f"a state with the unknown status {code}") from None
    certificate = None if current == _NO_CERTIFICATE else LeafIndex(current)
    return SubjectState(status, version, LeafIndex(last_event), certificate)


def hash_map_leaf(subject: bytes, value: bytes) -> bytes:
    """Return the hash of one subject with its 21 bytes of state."""
    return sha256(b"\x02" + subject + value).digest()


def hash_map_inner(bit: int, left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node; `bit` counts from 0, the most significant."""
    return sha256(_INNER_HEADS[bit] + left + right).digest()


_INNER_HEADS: Final = tuple(bytes([3, bit]) for bit in range(SUBJECT_BITS))


class _ClosedPageError(LogIntegrityError):
    """A page is not at hand; whoever can load it may go on."""


def load_nothing(pages: Sequence[Page]) -> Iterable[PageContent]:
    """Load pages of a map that is held completely: there are none."""
    if pages:
        raise LogIntegrityError(f"{_name(pages[0])} is not at hand")
    return ()


def _name(page: Page) -> str:
    return f"a page of the status map, {page.depth} bits {page.prefix:x},"


@dataclass(frozen=True, slots=True)
class StatusMap:
    """One state of the map."""

    root: Node | None = None

    @property
    def root_hash(self) -> bytes:
        """Return the 32 bytes that a MAPHEAD leaf states."""
        return EMPTY_MAP_ROOT if self.root is None else get_hash(self.root)

    def find(self, subject: Subject, load: PageLoader) -> SubjectState | None:
        """Return the newest state of a subject, or None."""
        self.open_pages([subject], load)
        key = int.from_bytes(subject)
        node = self.root
        while isinstance(node, (tuple, Page)):
            node = get_content(node) if isinstance(node, Page) else _choose(node, key)
        if node is None or node[32:_LEAF_HEAD] != subject:
            return None
        return parse_state(node[_LEAF_HEAD:])

    def update(self, changes: Mapping[Subject, SubjectState | None], load: PageLoader) -> "StatusMap":
        """Return the map with these states in the place of others; None takes a subject out.

        Raises:
            LogIntegrityError: a page does not hold what its hash promises.
        """
        if not changes:
            return self
        items = [_make_item(subject, state) for subject, state in sorted(changes.items())]
        with suppress(
            _ClosedPageError
        ):  # as it is after hours of work; looking first would cost all who have
            return StatusMap(_update(self.root, items, 0))
        self.open_pages(changes, load, beside=False)
        return StatusMap(_update(self.root, items, 0))

    def open_pages(self, subjects: Iterable[Subject], load: PageLoader, *, beside: bool = True) -> None:
        """Load every page on the way to these subjects, those of one depth together.

        Args:
            subjects: whose states are going to be looked up, changed or proved.
            load: asked at most once for each depth.
            beside: also load the page next to which an absent subject lies, as proof of its absence needs it.

        Raises:
            LogIntegrityError: a page does not hold what its hash promises.
        """
        ways = {int.from_bytes(subject): self.root for subject in subjects}
        while ways:
            found = {key: _find_closed(node, key, beside=beside) for key, node in ways.items()}
            closed = {key: page for key, page in found.items() if page is not None}
            pages = list(dict.fromkeys(closed.values()))
            for page, content in zip(pages, load(pages) if pages else (), strict=True):
                open_page(page, content)
            ways = {key: page.node for key, page in closed.items()}

    def list_pages(self, subjects: Iterable[Subject]) -> Iterator[Page]:
        """Yield the pages that hold these subjects, at every depth, each once, as a store keeps them.

        Args:
            subjects: those of the update that gave this map, so that their pages are loaded.

        Raises:
            LogIntegrityError: a page on the way to one of them is not loaded.
        """
        found = {int.from_bytes(subject[:2]) for subject in subjects}
        above: dict[int, Node | None] = {0: self.root}
        above_depth = 0
        for depth in PAGE_DEPTHS:
            here: dict[int, Node | None] = {}
            for prefix in sorted({number >> 16 - depth for number in found}):
                node = here[prefix] = _descend(
                    above[prefix >> depth - above_depth], above_depth, depth, prefix
                )
                if node is not None:
                    yield Page(depth, prefix, get_hash(node))
            above, above_depth = here, depth


EMPTY_MAP: Final = StatusMap()
"""The map before anything has happened."""


def open_map(root_hash: bytes) -> StatusMap:
    """Return the map with this root; its content is loaded as it is needed."""
    return EMPTY_MAP if root_hash == EMPTY_MAP_ROOT else StatusMap(Page(0, 0, root_hash))


def get_hash(node: Node) -> bytes:
    """Return the hash of a node, 32 bytes."""
    if isinstance(node, bytes):
        return node[:32]
    return node[0] if isinstance(node, tuple) else node.hash


# --- building ---------------------------------------------------------------------------------------------
# An item is a subject as a number, and what belongs there: a leaf, a page, or None to take it away.

_Item = tuple[int, Node | None]


def _make_item(subject: Subject, state: SubjectState | None) -> _Item:
    if state is None:
        return int.from_bytes(subject), None
    value = encode_state(state)
    return int.from_bytes(subject), hash_map_leaf(subject, value) + subject + value


def _update(node: Node | None, items: Sequence[_Item], known: int) -> Node | None:
    """Return a node with items merged in; all of them agree with it in the first `known` bits."""
    if node is None:
        return _build([item for item in items if item[1] is not None])
    if len(items) == 1 and items[0][1] is not None:
        return _put(node, items[0][0], items[0][1])
    if isinstance(node, bytes):
        return _build(_merge_leaf(node, items))
    depth = node[1] if isinstance(node, tuple) else node.depth
    if depth > known:
        place = _find_place(node)
        bit = min(_find_difference(items[0][0], place), _find_difference(items[-1][0], place))
        if bit < depth:
            return _split(node, place, items, bit)
    if isinstance(node, Page):
        return _update(get_content(node), items, depth)
    _, bit, left, right = node
    middle = _find_middle(items, bit)
    new_left = _update(left, items[:middle], bit + 1) if middle else left
    new_right = _update(right, items[middle:], bit + 1) if middle < len(items) else right
    return _join(bit, new_left, new_right)


def _put(node: Node, key: int, leaf: Node) -> Node:
    """Return a node with one leaf in its place, without recursion: most of what an update does.

    The way down follows the subject's bits alone; where it ends shows which bit is the first that differs, and so
    where on the way the leaf belongs.
    """
    above: list[Inner] = []
    while not isinstance(node, bytes):
        if isinstance(node, tuple):
            above.append(node)
            node = node[3] if key >> 255 - node[1] & 1 else node[2]
        elif key >> SUBJECT_BITS - node.depth == node.prefix:
            node = get_content(node)
        else:
            break
    bit = _find_difference(key, _find_place(node))
    below: Node = node
    while above and above[-1][1] > bit:
        below = above.pop()
    grown: Node = leaf
    if bit < SUBJECT_BITS:
        grown = _pair(bit, below, leaf) if key >> 255 - bit & 1 else _pair(bit, leaf, below)
    for _, bit, left, right in reversed(above):
        grown = _pair(bit, left, grown) if key >> 255 - bit & 1 else _pair(bit, grown, right)
    return grown


def _split(node: Node, place: int, items: Sequence[_Item], bit: int) -> Node | None:
    """Merge items of which some leave the path to a node before it."""
    middle = _find_middle(items, bit)
    here, there = (
        (items[middle:], items[:middle]) if place >> 255 - bit & 1 else (items[:middle], items[middle:])
    )
    old = _update(node, here, bit + 1) if here else node
    new = _build([item for item in there if item[1] is not None])
    return _join(bit, new, old) if place >> 255 - bit & 1 else _join(bit, old, new)


def _merge_leaf(leaf: bytes, items: Sequence[_Item]) -> list[_Item]:
    key = int.from_bytes(leaf[32:_LEAF_HEAD])
    kept = [item for item in items if item[1] is not None]
    at = bisect_left(items, key, key=_get_key)
    if at == len(items) or items[at][0] != key:
        kept.insert(bisect_left(kept, key, key=_get_key), (key, leaf))
    return kept


def _build(items: Sequence[_Item]) -> Node | None:
    """Return the trie over leaves or pages, which come in order."""
    if len(items) <= 1:
        return items[0][1] if items else None
    bit = _find_difference(items[0][0], items[-1][0])
    middle = _find_middle(items, bit)
    return _join(bit, _build(items[:middle]), _build(items[middle:]))


def _join(bit: int, left: Node | None, right: Node | None) -> Node | None:
    if left is None or right is None:
        return right if left is None else left
    return _pair(bit, left, right)


def _pair(bit: int, left: Node, right: Node) -> Inner:
    """Return an inner node; as `hash_map_inner` has it, written out since everything else happens here."""
    one = left[0] if isinstance(left, tuple) else get_hash(left)
    other = right[0] if isinstance(right, tuple) else get_hash(right)
    return sha256(_INNER_HEADS[bit] + one + other).digest(), bit, left, right


def open_page(page: Page, content: PageContent) -> None:
    """Take in a page's content, if it lies within the page and has the page's hash.

    Raises:
        LogIntegrityError: it does not.
    """
    items = sorted((_place_item(item) for item in content), key=_get_key)
    node = _build(items) if _is_within(page, items) else None
    if node is None or get_hash(node) != page.hash:
        raise LogIntegrityError(f"{_name(page)} does not hold what its hash promises")
    page.node = node


def get_content(page: Page) -> Node:
    """Return the content of a page that has been opened.

    Raises:
        LogIntegrityError: it has not.
    """
    if page.node is None:
        raise _ClosedPageError(f"{_name(page)} is not at hand")
    return page.node


def _find_closed(node: Node | None, key: int, *, beside: bool) -> Page | None:
    """Return the first page on the way to a subject that is not open."""
    while isinstance(node, (tuple, Page)):
        if isinstance(node, Page):
            if node.node is None:
                is_within = key >> SUBJECT_BITS - node.depth == node.prefix
                return node if is_within or beside else None
            node = node.node
        elif node[1] < PAGE_DEPTHS[-1]:
            node = _choose(node, key)
        else:
            break
    return None


def _choose(node: Inner, key: int) -> Node:
    """Return the child on the side of a subject."""
    return node[3] if key >> 255 - node[1] & 1 else node[2]


def _place_item(item: Page | tuple[Subject, SubjectState]) -> _Item:
    if isinstance(item, Page):
        return item.prefix << SUBJECT_BITS - item.depth, item
    return _make_item(*item)


def _is_within(page: Page, items: Sequence[_Item]) -> bool:
    """Say whether each item lies deeper under a page, and each in a place of its own."""
    return all(
        key >> SUBJECT_BITS - page.depth == page.prefix
        and not (isinstance(item, Page) and item.depth <= page.depth)
        for key, item in items
    ) and all(one[0] < other[0] for one, other in pairwise(items))


def _descend(node: Node | None, known: int, depth: int, prefix: int) -> Node | None:
    """Return the subtree of all subjects that begin with `depth` bits, if there are any.

    Args:
        node: subtree of those that begin with the first `known` of these bits.
        known: less than `depth`.
        depth: one of `PAGE_DEPTHS`.
        prefix: these bits as a number.
    """
    for bit in range(known, depth):
        if not isinstance(node, tuple) or node[1] != bit:
            break
        node = node[3] if prefix >> depth - 1 - bit & 1 else node[2]
    else:
        return node  # in a full map every bit has a node of its own, and all of them were looked at
    while node is not None:
        if isinstance(node, tuple):
            if node[1] >= depth:
                break
            node = node[3] if prefix >> depth - 1 - node[1] & 1 else node[2]
        elif isinstance(node, Page) and node.depth < depth:
            node = get_content(node) if prefix >> depth - node.depth == node.prefix else None
        else:
            break
    if node is None or _find_place(node) >> SUBJECT_BITS - depth != prefix:
        return None
    return node


def _find_place(node: Node) -> int:
    """Return a number that has the bits which all subjects under a node share."""
    while isinstance(node, tuple):
        node = node[2]
    if isinstance(node, Page):
        return node.prefix << SUBJECT_BITS - node.depth
    return int.from_bytes(node[32:_LEAF_HEAD])


def _find_difference(one: int, other: int) -> int:
    """Return the first bit in which two subjects differ; 256 if they are equal."""
    return SUBJECT_BITS - (one ^ other).bit_length()


def _find_middle(items: Sequence[_Item], bit: int) -> int:
    """Return how many items have 0 at a bit; all agree in the bits before it."""
    least = (items[-1][0] >> 255 - bit | 1) << 255 - bit
    return bisect_left(items, least, key=_get_key)


def _get_key(item: _Item) -> int:
    return item[0]
