import pytest

from api import idempotency
from api.idempotency import RecentKeys
from ledger.core.errors import AlreadyIssuedError, MalformedDocumentError


def test_the_same_key_with_the_same_body_is_the_same_request():
    keys = RecentKeys()
    for _ in range(3):
        keys.check("k", b"body")


def test_the_same_key_with_another_body_is_a_mistake():
    keys = RecentKeys()
    keys.check("k", b"body")
    with pytest.raises(AlreadyIssuedError):
        keys.check("k", b"other")
    keys.check("k", b"body")


def test_keys_differ_by_case_and_length():
    keys = RecentKeys()
    keys.check("k", b"1")
    keys.check("K", b"2")
    keys.check("kk", b"3")


@pytest.mark.parametrize("key", ["", " ", "a b", "a\n", "键", "x" * 129, "\x7f"])
def test_a_key_is_visible_ascii(key):
    with pytest.raises(MalformedDocumentError, match="Idempotency-Key"):
        RecentKeys().check(key, b"")


def test_the_oldest_keys_are_forgotten_and_used_ones_stay(monkeypatch):
    monkeypatch.setattr(idempotency, "MOST", 2)
    keys = RecentKeys()
    keys.check("a", b"1")
    keys.check("b", b"1")
    keys.check("a", b"1")
    keys.check("c", b"1")
    with pytest.raises(AlreadyIssuedError):
        keys.check("a", b"2")
    keys.check("b", b"2")
