"""Passwords, codes, waits, secrets, sites and names: what an office does with what people type."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.office.accounts import check_roles, parse_display, parse_name, parse_pid
from api.office.passwords import PasswordHasher, hash_code, make_code, parse_new_password
from api.office.roles import OfficeRole, parse_roles, spell_roles
from api.office.secret_box import SecretBox, load_box_key
from api.office.sessions import is_form_token, make_form_token, make_token
from api.office.site import Site, parse_site
from api.office.throttle import (
    FIRST_WAIT,
    FORGOTTEN_AFTER,
    FREE_FOR_NAME,
    LONGEST_WAIT,
    Failures,
    add_failure,
    wait_until,
)
from api.office.totp import build_uri, compute_code, find_step, spell_secret
from ledger.core.errors import InputError, LogIntegrityError

NOW = datetime(2026, 11, 3, 8, 0, tzinfo=UTC)
RFC_SECRET = b"12345678901234567890"
FAST = PasswordHasher(memory_kib=32, passes=1, lanes=1)


# --- one-time codes ----------------------------------------------------------------------------------------

# RFC 6238 appendix B, SHA-1, the last six of its eight digits
VECTORS = [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"),
           (2000000000, "279037"), (20000000000, "353130")]  # fmt: skip


@pytest.mark.parametrize(("seconds", "code"), VECTORS)
def test_codes_are_those_of_rfc_6238(seconds, code):
    at = datetime.fromtimestamp(seconds, UTC)
    assert compute_code(RFC_SECRET, at) == code
    assert find_step(RFC_SECRET, code, at=at, after=0) == seconds // 30


@pytest.mark.parametrize("seconds", [-30, 0, 30])
def test_a_code_counts_one_step_early_or_late(seconds):
    code = compute_code(RFC_SECRET, NOW + timedelta(seconds=seconds))
    assert find_step(RFC_SECRET, code, at=NOW, after=0) is not None


@pytest.mark.parametrize("seconds", [-90, -61, 60, 90])
def test_a_code_of_another_time_does_not_count(seconds):
    code = compute_code(RFC_SECRET, NOW + timedelta(seconds=seconds))
    assert find_step(RFC_SECRET, code, at=NOW, after=0) is None


def test_a_step_that_was_used_does_not_count_again_nor_any_before_it():
    code = compute_code(RFC_SECRET, NOW)
    step = find_step(RFC_SECRET, code, at=NOW, after=0)
    assert find_step(RFC_SECRET, code, at=NOW, after=step) is None
    earlier = compute_code(RFC_SECRET, NOW - timedelta(seconds=30))
    assert find_step(RFC_SECRET, earlier, at=NOW, after=step) is None


@given(st.text(max_size=12))
def test_no_other_text_is_a_code(text):
    right = {compute_code(RFC_SECRET, NOW + timedelta(seconds=30 * step)) for step in (-1, 0, 1)}
    found = find_step(RFC_SECRET, text, at=NOW, after=0)
    assert (found is not None) == (text.strip().replace(" ", "") in right)


def test_apps_are_told_secret_and_name():
    assert spell_secret(RFC_SECRET) == "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"
    uri = build_uri(RFC_SECRET, "lin@350100-01", "Hengzheng")
    assert uri.startswith("otpauth://totp/Hengzheng:lin%40350100-01?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&")


# --- passwords and codes that we give -----------------------------------------------------------------------


def test_a_password_is_known_again_and_no_other():
    stored = FAST.hash("correct horse battery")
    assert stored.startswith("$argon2id$v=19$m=32,t=1,p=1$")
    assert FAST.verify("correct horse battery", stored)
    assert not FAST.verify("correct horse batterx", stored)
    assert not FAST.verify("", stored)
    assert not FAST.verify("anything", None)


def test_two_hashes_of_one_password_differ():
    assert FAST.hash("correct horse battery") != FAST.hash("correct horse battery")


def test_the_usual_cost_is_that_of_rfc_9106():
    assert PasswordHasher().hash("x").startswith("$argon2id$v=19$m=65536,t=3,p=4$")


@pytest.mark.parametrize(
    ("password", "again", "name"),
    [
        ("short", "short", "lin"),
        ("a" * 11, "a" * 11, "lin"),
        ("x" * 300, "x" * 300, "lin"),
        ("correct horse battery", "correct horse batterx", "lin"),
        ("aaaaaaaaaaaaaa", "aaaaaaaaaaaaaa", "lin"),
        ("lin lin lin lin 123", "lin lin lin lin 123", "lin"),
        ("密" * 86, "密" * 86, "lin"),
    ],
)
def test_passwords_that_do_not_do(password, again, name):
    with pytest.raises(InputError) as caught:
        parse_new_password(password, again, name)
    assert caught.value.field == "password"
    assert caught.value.zh


def test_a_code_may_be_typed_in_many_ways():
    code = make_code(lambda size: bytes(range(size)))
    assert code == "0123-4567-89AB-CDEF"
    assert hash_code(code) == hash_code(" 0123 4567-89ab cdef ") == hash_code("o123-4567-89ab-cdef")
    assert hash_code(code) != hash_code("0123-4567-89AB-CDEG")


# --- waits --------------------------------------------------------------------------------------------------


def test_the_first_failures_cost_nothing_then_waits_double_up_to_an_hour():
    failures, waits = None, []
    for _ in range(FREE_FOR_NAME + 10):
        failures = add_failure(failures, NOW)
        until = wait_until(failures, FREE_FOR_NAME)
        waits.append(None if until is None else until - NOW)
    assert waits[:FREE_FOR_NAME] == [None] * FREE_FOR_NAME
    assert waits[FREE_FOR_NAME : FREE_FOR_NAME + 3] == [FIRST_WAIT, 2 * FIRST_WAIT, 4 * FIRST_WAIT]
    assert waits[-1] == LONGEST_WAIT


def test_failures_are_forgotten_after_a_day():
    old = Failures(40, NOW - FORGOTTEN_AFTER)
    assert add_failure(old, NOW) == Failures(1, NOW)
    assert add_failure(Failures(40, NOW - FORGOTTEN_AFTER + timedelta(seconds=1)), NOW).count == 41


def test_a_clock_that_runs_back_shortens_no_wait():
    failures = add_failure(Failures(9, NOW), NOW - timedelta(hours=5))
    assert failures == Failures(10, NOW)


# --- secrets ------------------------------------------------------------------------------------------------


def test_a_secret_is_opened_for_its_owner_alone(tmp_path):
    path = tmp_path / "secrets" / "office-key"
    box = SecretBox(load_box_key(path))
    sealed = box.seal(b"secret", "a-1")
    assert b"secret" not in sealed
    assert SecretBox(load_box_key(path)).open(sealed, "a-1") == b"secret"
    assert path.stat().st_mode & 0o777 == 0o600
    for wrong, owner in ((sealed, "a-2"), (sealed[:-1] + b"x", "a-1"), (b"", "a-1"), (sealed[:12], "a-1")):
        with pytest.raises(LogIntegrityError):
            box.open(wrong, owner)
    with pytest.raises(LogIntegrityError):
        SecretBox(bytes(32)).open(sealed, "a-1")
    assert "key" not in repr(box).lower()


def test_a_file_that_is_no_key_is_refused(tmp_path):
    (tmp_path / "key").write_bytes(b"short")
    with pytest.raises(InputError, match="5 bytes"):
        load_box_key(tmp_path / "key")


# --- sessions, site -----------------------------------------------------------------------------------------


def test_form_tokens_belong_to_one_session():
    one, two = make_token(bytes), make_token(lambda size: b"\x01" * size)
    assert len(one) == 43
    assert is_form_token(one, make_form_token(one))
    assert not is_form_token(one, make_form_token(two))
    assert not is_form_token(one, "")
    assert not is_form_token(one, "ü" * 64)


@pytest.mark.parametrize(
    ("url", "origin", "fits"),
    [
        ("https://office.example.cn", "https://office.example.cn", True),
        ("https://office.example.cn", "https://OFFICE.example.cn", True),
        ("https://office.example.cn", "http://office.example.cn", False),
        ("https://office.example.cn", "https://office.example.cn:8443", False),
        ("https://office.example.cn", "https://office.example.cn.evil.example", False),
        ("https://office.example.cn", "null", False),
        ("https://office.example.cn", "", False),
        ("http://localhost:8003", "http://127.0.0.1:8003", True),
        ("http://localhost:8003", "http://[::1]:8003", True),
        ("http://localhost:8003", "http://localhost:8004", False),
        ("http://localhost:8003", "https://localhost:8003", False),
    ],
)
def test_which_pages_are_our_own(url, origin, fits):
    assert parse_site(url).is_own_page({"origin": origin}) is fits


@pytest.mark.parametrize("fetched", ["cross-site", "same-site", "none"])
def test_what_a_browser_says_of_another_site_counts(fetched):
    site = Site("https://office.example.cn")
    assert not site.is_own_page({"origin": "https://office.example.cn", "sec-fetch-site": fetched})


def test_a_secure_site_has_a_cookie_that_browsers_guard():
    assert Site("https://office.example.cn").cookie == "__Host-office"
    assert Site("http://localhost:8003").cookie == "office"


@pytest.mark.parametrize(
    "url",
    [
        *("", "office.example.cn", "ftp://office.example.cn", "https://", "http://office.example.cn"),
        *("https://office.example.cn/path", "https://office.example.cn?x=1", "https://u@office.example.cn"),
        *("https://office.example.cn:99999", "https://[::1", "https://office.example.cn#x"),
    ],
)
def test_addresses_that_no_office_has(url):
    with pytest.raises(InputError):
        parse_site(url)


# --- names and roles ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "a", "Lin", "lin!", "-lin", "l" * 41, "林", "lin\n", "lin lin"])
def test_names_that_no_account_has(name):
    with pytest.raises(InputError) as caught:
        parse_name(name)
    assert caught.value.field == "name"


@pytest.mark.parametrize("display", ["", "  ", "x" * 81, "a\nb", "a\u202eb"])
def test_names_of_persons_that_are_refused(display):
    with pytest.raises(InputError):
        parse_display(display)


def test_who_signs_needs_a_pseudonym():
    operator, auditor = frozenset({OfficeRole.OPERATOR}), frozenset({OfficeRole.AUDITOR})
    assert parse_pid(" P-1 ", operator) == "P-1"
    assert parse_pid("", auditor) is None
    for text, roles in (("", operator), ("林", auditor), ("-x", auditor), ("x" * 41, auditor)):
        with pytest.raises(InputError):
            parse_pid(text, roles)


@pytest.mark.parametrize("words", [[], ["machine"], ["root"], ["operator", "machine"]])
def test_roles_that_no_person_has(words):
    with pytest.raises(InputError):
        parse_roles(words)


def test_an_auditor_is_nothing_else():
    check_roles(frozenset({OfficeRole.AUDITOR}))
    for roles in ({OfficeRole.AUDITOR, OfficeRole.OPERATOR}, set(), {OfficeRole.MACHINE}):
        with pytest.raises(InputError):
            check_roles(frozenset(roles))
    assert spell_roles(parse_roles(["checker", "approver"])) == "approver checker"
