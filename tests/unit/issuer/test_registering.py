"""Registering instruments: who looks like a known one is the same or different by somebody's word, and stays so."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from desk_counter import Counter
from photos import KEPT, OTHER
from stickers import PUMP, REGISTRATION, SCALE

from issuer.known_instruments import parse_registration
from issuer.matching import find_matches
from issuer.registering import Given, Picture, Registrar
from ledger.core.errors import InputError, UnavailableError
from ledger.core.ids import InstitutionId, InstrumentId
from ledger.core.photo import describe_photo
from ledger.core.registration import Answer, Likeness

INSTITUTION = InstitutionId("350100-01")
DAY = date(2026, 11, 22)
NOBODY = Given(None, frozenset(), "")
FIRST = replace(REGISTRATION, answers=())
TWIN = replace(FIRST, id=SCALE)
THIRD = InstrumentId(bytes([3]) * 16)


@pytest.fixture
def registrar(tmp_path):
    return Registrar(Counter(tmp_path).speaker(), DAY)


def register(registrar, content, given=NOBODY, others=()):
    return registrar.register(content, others, given)


def different(*ids, by="P-0107"):
    return Given(None, frozenset(ids), by)


def test_an_instrument_that_nothing_looks_like_is_registered(registrar):
    content, said = register(registrar, FIRST)
    assert content == FIRST
    assert said.leaf_index is not None
    assert registrar.list_registered() == [FIRST]
    assert register(registrar, FIRST) == (content, said), "the same again changes nothing"


def test_one_that_looks_like_a_known_one_needs_an_answer(registrar):
    register(registrar, FIRST)
    with pytest.raises(InputError, match="looks like 01010101010101010101010101010101"):
        register(registrar, TWIN)
    assert registrar.list_registered() == [FIRST]


def test_what_is_different_gets_an_id_of_its_own(registrar):
    register(registrar, FIRST)
    content, _ = register(registrar, TWIN, different(PUMP))
    answer = Answer(PUMP, Likeness.DIFFERENT, "P-0107", DAY)
    assert content == replace(TWIN, answers=(answer,))
    later = replace(TWIN, seal_points=("表头",))
    assert register(registrar, later)[0].answers == (answer,), "what was answered stands for ever"


def test_an_answer_counts_for_both(registrar):
    register(registrar, FIRST)
    register(registrar, TWIN, different(PUMP))
    assert register(registrar, replace(FIRST, seal_points=("表头",)))[0].id == PUMP


def test_what_is_the_same_keeps_the_known_id(registrar):
    register(registrar, FIRST)
    same = Given(PUMP, frozenset(), "P-0107")
    content, _ = register(registrar, TWIN, same)
    assert (content.id, content.answers) == (PUMP, (Answer(SCALE, Likeness.SAME, "P-0107", DAY),))
    assert [each.id for each in registrar.list_registered()] == [PUMP]
    assert register(registrar, TWIN)[0].id == PUMP, "nobody is asked again"


def test_the_same_answer_sent_twice_changes_nothing(registrar):
    register(registrar, FIRST)
    same = Given(PUMP, frozenset(), "P-0107")
    assert register(registrar, TWIN, same) == register(registrar, TWIN, same)


def test_an_answer_about_what_was_found_to_be_a_third_one_is_followed_to_the_end(registrar):
    same = Given(THIRD, frozenset(), "P-0107")
    second = replace(FIRST, id=THIRD)
    register(registrar, FIRST)
    register(registrar, replace(second, answers=()), different(PUMP))
    register(registrar, TWIN, Given(PUMP, frozenset([THIRD]), "P-0107"))
    kept, _ = register(registrar, FIRST, same)
    assert kept.id == THIRD
    assert register(registrar, TWIN)[0].id == THIRD
    assert register(registrar, TWIN, Given(PUMP, frozenset(), "P-0107"))[0].id == THIRD, "the form sent twice"


def test_what_documents_name_is_known_too(registrar):
    with pytest.raises(InputError, match="looks like"):
        register(registrar, TWIN, others=[FIRST])
    assert register(registrar, TWIN, different(PUMP), others=[FIRST])[0].id == SCALE


def test_every_likeness_is_answered(registrar):
    register(registrar, FIRST)
    register(registrar, TWIN, different(PUMP))
    another = replace(FIRST, id=THIRD)
    with pytest.raises(InputError, match="looks like 02020202020202020202020202020202"):
        register(registrar, another, different(PUMP))
    assert len(register(registrar, another, different(PUMP, SCALE))[0].answers) == 2


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (Given(None, frozenset({THIRD}), "P-1"), "is no instrument that it looks like"),
        (Given(PUMP, frozenset({PUMP}), "P-1"), "is answered both ways"),
        (Given(PUMP, frozenset(), ""), "say who found out"),
        (different(PUMP, by=""), "say who found out"),
    ],
)
def test_answers_are_about_what_looks_alike_and_by_somebody(registrar, given, reason):
    register(registrar, FIRST)
    with pytest.raises(InputError, match=reason):
        register(registrar, TWIN, given)
    assert registrar.list_registered() == [FIRST]


# --- likeness ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "is_like"),
    [
        ({}, True),
        ({"serial": "ＳＮ２０２４０００１"}, True),
        ({"serial": "sn 20240001"}, True),
        ({"serial": "SN20240002"}, False),
        ({"model": "EX-9"}, True),
        ({"maker": "别家"}, True),
        ({"model": "EX-9", "maker": "别家"}, False),
        ({"model": None, "maker": None}, False),
        ({"year": 2019, "division": "350203"}, True),
    ],
)
def test_a_serial_number_alone_is_no_likeness(changes, is_like):
    assert bool(find_matches(replace(TWIN, **changes), [FIRST])) is is_like


def test_what_agrees_and_what_differs_is_said():
    (match,) = find_matches(replace(TWIN, year=2019, model=None), [FIRST])
    assert match.describe() == (
        "01010101010101010101010101010101 (serial SN20240001): serial, maker, cpa_no, division agree; year differ"
    )


def test_the_likeliest_comes_first_and_nothing_is_like_itself():
    far = replace(FIRST, id=THIRD, maker="别家")
    assert [match.known.id for match in find_matches(TWIN, [far, FIRST, TWIN])] == [PUMP, THIRD]


# --- the file ---------------------------------------------------------------------------------------------


def test_a_registration_needs_no_id():
    raw = '{"category": "PRICE_SCALE", "model": "ACS-15A", "serial": "17", "maker": "永衡", "parts": ["1"]}'
    content = parse_registration(raw.encode(), INSTITUTION)
    again = parse_registration(raw.replace("17", "18").encode(), INSTITUTION)
    assert (content.serial, content.parts, len(content.id)) == ("17", ("1",), 16)
    assert content.id != again.id
    own = parse_registration(b'{"category":"OTHER","serial":"17","local_id":"S-1"}', INSTITUTION)
    assert (
        own.id == parse_registration(b'{"category":"OTHER","serial":"99","local_id":"S-1"}', INSTITUTION).id
    )


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"[]", "expected an object"),
        (b'{"category":"OTHER","serial":"17"}', "needed to tell the instrument apart"),
        (b'{"category":"OTHER","local_id":"S-1"}', "serial"),
        (b'{"category":"NONE","serial":"17","local_id":"S-1"}', "category"),
        (b'{"category":"OTHER","serial":"17","local_id":"S-1","colour":"red"}', "colour"),
        (b'{"category":"OTHER","serial":"17","local_id":"S-1","owner":5}', "owner"),
        (
            b'{"category":"OTHER","serial":"17","local_id":"S-1","answers":[]}',
            "answers: is given by who answers",
        ),
        (b'{"category":"OTHER","serial":17,"local_id":"S-1"}', "serial"),
    ],
)
def test_a_file_of_another_form_is_refused(raw, reason):
    with pytest.raises(InputError, match=reason):
        parse_registration(raw, INSTITUTION)


def test_what_nobody_has_answered_yet_is_told_before_anything_is_registered(registrar):
    register(registrar, FIRST)
    assert [match.known.id for match in registrar.find_unanswered(TWIN, [])] == [PUMP]
    other = replace(FIRST, id=THIRD)
    assert {match.known.id for match in registrar.find_unanswered(TWIN, [other])} == {PUMP, THIRD}
    assert registrar.find_unanswered(replace(TWIN, serial="17"), []) == []
    assert registrar.list_registered() == [FIRST]
    register(registrar, TWIN, different(PUMP))
    assert registrar.find_unanswered(TWIN, []) == registrar.find_unanswered(FIRST, []) == []


def test_an_id_that_is_given_needs_no_nameplate():
    raw = b'{"category": "PRICE_SCALE", "serial": "17", "id": "%s"}' % (b"ab" * 16)
    assert parse_registration(raw, INSTITUTION).id == bytes([0xAB]) * 16
    with pytest.raises(InputError, match="needed to tell the instrument apart"):
        parse_registration(b'{"category": "PRICE_SCALE", "serial": "17"}', INSTITUTION)


# --- photographs ------------------------------------------------------------------------------------------


PICTURE = Picture(KEPT)


class Away:
    """A ledger that is out of reach."""

    def find_states(self, _subjects):
        return {}

    def submit(self, _entries):
        raise UnavailableError("gone")


PHOTO = describe_photo(KEPT, DAY)


def photograph(registrar, content, picture=None):
    return registrar.register(content, (), NOBODY, picture)[0].photo


def is_kept(registrar, raw):
    return registrar._speaker.store.find_photo(describe_photo(raw, DAY).digest) == raw


def test_a_photograph_is_registered_and_stays_until_there_is_another(registrar):
    assert photograph(registrar, FIRST, PICTURE) == PHOTO
    assert photograph(registrar, replace(FIRST, seal_points=("表头",))) == PHOTO, "as it was"
    assert photograph(registrar, FIRST, Picture(OTHER)) == describe_photo(OTHER, DAY)
    assert is_kept(registrar, OTHER)
    assert not is_kept(registrar, KEPT), "what is named no more is not kept"


def test_the_same_photograph_again_changes_nothing(registrar):
    first = registrar.register(FIRST, (), NOBODY, PICTURE)
    later = Registrar(registrar._speaker, DAY + timedelta(days=9))
    assert later.register(FIRST, (), NOBODY, PICTURE) == first
    dated = later.register(FIRST, (), NOBODY, Picture(KEPT, DAY - timedelta(days=1)))[0].photo
    assert dated.taken_on == DAY - timedelta(days=1), "unless another day is said"


def test_a_photograph_can_be_taken_away(registrar):
    photograph(registrar, FIRST, PICTURE)
    assert photograph(registrar, FIRST, Picture(None)) is None
    assert not is_kept(registrar, KEPT)
    assert photograph(registrar, FIRST) is None


@pytest.mark.parametrize("raw", [b"", b"GIF89a", KEPT + b"\0", KEPT[:-2]])
def test_what_is_no_photograph_is_refused_and_nothing_is_said(registrar, raw):
    with pytest.raises(InputError, match="JPEG"):
        photograph(registrar, FIRST, Picture(raw))
    assert registrar.list_registered() == []


def test_a_photograph_of_tomorrow_is_refused(registrar):
    with pytest.raises(InputError, match="is in the future"):
        photograph(registrar, FIRST, Picture(KEPT, DAY + timedelta(days=1)))


def test_a_photograph_that_is_lost_is_asked_for_again(registrar):
    photograph(registrar, FIRST, PICTURE)
    registrar._speaker.store.forget_photos(())
    with pytest.raises(InputError, match="register the instrument with another one, or with none"):
        photograph(registrar, replace(FIRST, seal_points=("表头",)))
    assert photograph(registrar, FIRST, Picture(OTHER)) == describe_photo(OTHER, DAY)


def test_a_registration_that_waits_and_has_lost_its_photograph_is_in_nobodys_way(registrar, tmp_path):
    registrar._speaker.log = Away()
    with pytest.raises(UnavailableError):
        photograph(registrar, FIRST, PICTURE)
    registrar._speaker.store.forget_photos(())
    (tmp_path / "later").mkdir()
    again = Registrar(Counter(tmp_path / "later").speaker(), DAY)
    registrar._speaker.log = again._speaker.log
    assert photograph(registrar, FIRST, Picture(OTHER)) == describe_photo(OTHER, DAY)


def test_a_file_of_a_registration_names_no_photograph():
    with pytest.raises(InputError, match="photo: is given as a file of its own"):
        parse_registration(b'{"category":"PRICE_SCALE","serial":"17","local_id":"S","photo":{}}', INSTITUTION)
