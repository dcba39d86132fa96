"""The walk along standards in the browser: it comes to the same ends, in the same order and words."""

import pytest
from browser_node import run_node
from hypothesis import HealthCheck, Phase, given, settings
from standard_graphs import CASES, DAY, Registered, make_ladder, name

from ledger.core.traceability import MAX_STEPS, walk_chain

COUNT = 400
_WALK = """async ({load}, {cases}) => {
  const [{walkChain}, {StandardContent}, {encodeHex}] =
    await Promise.all(["judging", "standard", "encoding"].map(load))
  return cases.map(([reference, day, versions]) => {
    let looks = 0
    const findOn = (subject, kind, on) => {
      looks += 1
      const found = (versions[encodeHex(subject)] ?? []).filter((one) => one.validFrom <= on).at(-1)
      return found === undefined ? null : new StandardContent(found)
    }
    const chain = walkChain(reference, day, {findOn})
    const [breaks, ends] = [chain.breaks, [chain.primaries, chain.roots, chain.unproved]]
    return [breaks, ends.map((each) => [...each].sort()), looks]
  })
}"""


def walk_both(graphs, start="A"):
    """Return what each walk finds, in node and here; and how often one has asked the registers in node at most."""
    cases, here = [], []
    for graph in graphs:
        registered = Registered(graph)
        versions = {subject.hex(): contents for subject, contents in registered.versions.items()}
        cases.append([name(start), DAY, versions])
        chain = walk_chain(name(start), DAY, registered)
        ends = [sorted(each) for each in (chain.primaries, chain.roots, chain.unproved)]
        here.append([[[one.en, one.zh] for one in chain.breaks], ends])
    there = run_node(_WALK, {"cases": cases})
    return [found[:2] for found in there], here, max(found[2] for found in there)


def draw_graphs():
    graphs = []

    @settings(
        max_examples=COUNT, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None
    )
    @given(CASES)
    def draw(graph):
        graphs.append(graph)

    draw()
    return graphs


def test_both_walks_find_the_same():
    graphs = draw_graphs()
    there, here, _ = walk_both(graphs)
    assert there == here
    assert {bool(breaks) for breaks, _ in here} == {True, False}
    assert any("itself" in sentence[0] for breaks, _ in here for sentence in breaks)


@pytest.mark.parametrize("levels", [MAX_STEPS - 1, 60])
def test_a_ladder_of_diamonds_is_walked_at_once(levels):
    there, here, looks = walk_both([make_ladder(levels)], "0-0")
    assert there == here
    assert looks <= 2 * (MAX_STEPS + 1), "each standard once a step"


def test_so_is_a_register_in_which_everything_leads_to_everything():
    names = [f"N{number}" for number in range(40)]
    graph = {one: [{"sources": [(other, DAY) for other in names if other != one]}] for one in names}
    there, here, looks = walk_both([graph], "N0")
    assert there == here
    assert looks <= len(names) * (MAX_STEPS + 1)
