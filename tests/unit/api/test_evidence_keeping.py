"""What was dear to make is kept until the memory is needed."""

import pytest

from api.evidence.keeping import KeptBytes


def test_it_is_made_once():
    kept, made = KeptBytes(100), []
    for _ in range(3):
        assert kept.fill("a", lambda: made.append(1) or b"x") == b"x"
    assert made == [1]


def test_what_was_asked_for_longest_ago_goes_first():
    kept = KeptBytes(100)
    for name in "abc":
        kept.fill(name, lambda: b"x" * 40)
        kept.find("a")
    assert [name for name in "abc" if kept.find(name) is not None] == ["a", "c"]


def test_what_is_too_long_is_not_kept_and_pushes_nothing_out():
    kept = KeptBytes(100)
    kept.fill("a", lambda: b"x" * 100)
    assert kept.fill("b", lambda: b"y" * 101) == b"y" * 101
    assert (kept.find("a"), kept.find("b")) == (b"x" * 100, None)


def test_nothing_is_kept_of_what_failed():
    kept = KeptBytes(100)

    def fail():
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        kept.fill("a", fail)
    assert kept.find("a") is None
