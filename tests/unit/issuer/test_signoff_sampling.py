import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuer.signoff.sampling import compute_sample_size, draw_sample


@pytest.mark.parametrize(
    ("count", "size"),
    [(0, 0), (1, 1), (4, 4), (5, 5), (6, 5), (25, 5), (26, 6), (36, 6), (37, 7), (1000, 32), (10_000, 100)],
)
def test_the_size_of_a_sample(count, size):
    assert compute_sample_size(count) == size


@given(st.integers(0, 10**7))
def test_the_rule_as_it_is_written(count):
    assert compute_sample_size(count) == min(count, max(5, math.isqrt(count - 1) + 1 if count else 0))


@given(st.sets(st.integers(1, 10**6), max_size=300), st.binary(min_size=16, max_size=16), st.data())
def test_a_sample_is_of_its_members_and_repeats(members, seed, data):
    listed = sorted(members)
    always = data.draw(st.sets(st.sampled_from(listed)) if listed else st.just(set()))
    sample = draw_sample(listed, seed, always | {0})
    assert sample == draw_sample(data.draw(st.permutations(listed)), seed, always)
    assert sample == sorted(set(sample))
    assert always <= set(sample) <= members
    assert compute_sample_size(len(members)) <= len(sample) <= compute_sample_size(len(members)) + len(always)


def test_every_member_has_the_same_chance():
    counts = Counter()
    for number in range(2000):
        counts.update(draw_sample(range(1, 26), number.to_bytes(16)))
    assert set(counts) == set(range(1, 26))
    assert 320 < min(counts.values()) <= max(counts.values()) < 480, "400 expected, sigma 18"
