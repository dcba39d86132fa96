"""Subjects that share many bits, states, and a status map kept in pages as a store keeps it."""

from collections.abc import Sequence
from dataclasses import astuple

from hypothesis import strategies as st
from reference import bits_of, reference_map_root

from ledger.core.ids import LeafIndex, Subject
from ledger.core.status import Status, SubjectState
from ledger.core.status_map import PAGE_DEPTHS, Page, PageContent, StatusMap, open_map


def subject_of(number: int) -> Subject:
    return Subject((number % 2**256).to_bytes(32))


def edges() -> list[Subject]:
    """Return subjects on both sides of the bounds of pages, of bytes, and of the whole."""
    numbers = {0, 1, 2**255 - 1, 2**255, 2**256 - 1}
    for depth in (1, 7, 8, 9, 15, 16, 17, 128, 248, 255):
        for prefix in (1, 2**depth // 2, 2**depth - 1):
            bound = prefix << 256 - depth
            numbers |= {bound - 1, bound, bound + 1}
    return sorted({subject_of(number) for number in numbers})


def _turn(subject: Subject, bit: int) -> Subject:
    """Return the subject that shares exactly `bit` bits with another, and all later ones."""
    return subject_of(int.from_bytes(subject) ^ 1 << 255 - bit)


SUBJECTS = (
    st.sampled_from(edges())
    | st.builds(_turn, st.sampled_from(edges()), st.integers(0, 255))
    | st.binary(min_size=32, max_size=32).map(Subject)
)
INDICES = st.integers(0, 2**64 - 2).map(LeafIndex)
STATES = st.builds(
    SubjectState, st.sampled_from(Status), st.integers(0, 2**32 - 1), INDICES, st.none() | INDICES
)
MAPPINGS = st.dictionaries(SUBJECTS, STATES, max_size=24)


def naive_root(states: dict[Subject, SubjectState]) -> bytes:
    return reference_map_root({subject: astuple(state) for subject, state in states.items()})


def naive_pages(states: dict[Subject, SubjectState]) -> dict[tuple[int, int], bytes]:
    """Return the hash of every page, each computed as a map of its own."""
    pages: dict[tuple[int, int], dict[Subject, SubjectState]] = {}
    for subject, state in states.items():
        for depth in PAGE_DEPTHS:
            pages.setdefault((depth, int(bits_of(subject)[:depth], 2)), {})[subject] = state
    return {place: naive_root(some) for place, some in pages.items()}


class PagedStore:
    """The newest states, and the hash of every page of them; counts what is loaded."""

    def __init__(self, states: dict[Subject, SubjectState]) -> None:
        self.states = dict(states)
        self.pages = naive_pages(states)
        self.root_hash = naive_root(states)
        self.loaded: list[tuple[int, int]] = []

    def open(self) -> StatusMap:
        return open_map(self.root_hash)

    def load(self, pages: Sequence[Page]) -> list[PageContent]:
        self.loaded += [(page.depth, page.prefix) for page in pages]
        return [self._load_one(page) for page in pages]

    def _load_one(self, page: Page) -> PageContent:
        deeper = next((depth for depth in PAGE_DEPTHS if depth > page.depth), None)
        if deeper is None:
            return [item for item in self.states.items() if is_in_page(item[0], page.depth, page.prefix)]
        return [
            Page(depth, prefix, found)
            for (depth, prefix), found in reversed(self.pages.items())
            if depth == deeper and prefix >> deeper - page.depth == page.prefix
        ]


def is_in_page(subject: Subject, depth: int, prefix: int) -> bool:
    return depth == 0 or int(bits_of(subject)[:depth], 2) == prefix
