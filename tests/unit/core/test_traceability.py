import pytest
from hypothesis import given, settings
from standard_graphs import CASES, DAY, Registered, make_ladder, name, walk_literally

from ledger.core.traceability import MAX_STEPS, walk_chain


def walk(graph, start="A"):
    return walk_chain(name(start), DAY, Registered(graph))


def say(chain):
    return [sentence.en for sentence in chain.breaks]


@settings(max_examples=600)
@given(CASES)
def test_it_finds_what_walking_every_way_finds(graph):
    found, literal = walk(graph), walk_literally(name("A"), DAY, Registered(graph))
    assert bool(found.breaks) == bool(literal.breaks)
    if any("itself" in sentence.en for sentence in literal.breaks):
        assert {one.en for one in found.breaks if "itself" not in one.en} <= {
            one.en for one in literal.breaks
        }
        assert any("itself" in one.en or "more than" in one.en for one in found.breaks)
    else:
        assert found == literal


@pytest.mark.parametrize("levels", [MAX_STEPS - 1, MAX_STEPS, 60])
def test_a_ladder_of_diamonds_is_walked_at_once(levels):
    registered = Registered(make_ladder(levels))
    found = walk_chain(name("0-0"), DAY, registered)
    assert registered.looks <= 2 * (MAX_STEPS + 1), "each standard once a step"
    broken = [f"more than {MAX_STEPS} steps"] if levels > MAX_STEPS - 1 else []
    assert (say(found), found.primaries) == (broken, frozenset() if broken else {"top"})


def test_so_is_a_register_in_which_everything_leads_to_everything():
    names = [f"N{number}" for number in range(40)]
    graph = {one: [{"sources": [(other, DAY) for other in names if other != one]}] for one in names}
    registered = Registered(graph)
    assert "is traced to itself" in say(walk_chain(name("N0"), DAY, registered))[0]
    assert registered.looks <= len(names) * (MAX_STEPS + 1)


def test_a_circle_is_found_where_another_way_has_been_there_before():
    """C leads to B as it was before: both ways come to it by the same number of steps, on the same day."""
    old = DAY.replace(year=2020)
    graph = {
        "A": [{"sources": [("C", DAY), ("X", DAY)]}],
        "C": [{"sources": [("Y", old)]}],
        "X": [{"is_primary": True, "since": old.replace(year=2010)}, {"sources": [("Y", old)], "since": DAY}],
        "Y": [{"sources": [("X", old)]}],
    }
    found = walk(graph)
    assert say(found) == ["350100-01/X is traced to itself"]
    assert say(walk_literally(name("A"), DAY, Registered(graph))) == say(found)


@pytest.mark.parametrize(
    ("graph", "said"),
    [
        ({"A": [{"sources": [("A", DAY)]}]}, ["350100-01/A is traced to itself"]),
        ({"A": [{"sources": [("B", DAY)]}]}, ["350100-01/B is not registered"]),
        ({"A": [{}]}, ["350100-01/A names no main instrument"]),
        ({"A": [{"state": "suspended", "is_primary": True}]}, ["350100-01/A was suspended on 2026-11-02"]),
        ({}, ["350100-01/A is not registered"]),
    ],
)
def test_what_breaks_a_chain_is_said(graph, said):
    assert say(walk(graph)) == said


def test_the_ends_are_named():
    graph = {
        "A": [{"sources": [("B", DAY), ("C", DAY), "NIM", None]}],
        "B": [{"is_primary": True}],
        "C": [{"sources": [("B", DAY), "PTB"]}],
    }
    found = walk(graph)
    assert (found.breaks, found.primaries, found.roots) == ((), {"B"}, {"NIM", "PTB"})
    assert len(found.unproved) == 1
