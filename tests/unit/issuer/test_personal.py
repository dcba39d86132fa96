import copy

import pytest
from desk_world import changed, document

from issuer.faults import Gathering
from issuer.personal import HIDDEN, PersonalMember, conceal_members, hide_personal, parse_party
from ledger.core.disclosure import Disclosure, conceal, verify_disclosure
from ledger.core.errors import InputError, VerificationError
from ledger.core.ids import Digest

SALTS = [bytes([number]) * 16 for number in range(7)]


def test_personal_members_are_taken_out_and_their_places_kept():
    members = document()
    before = copy.deepcopy(members)
    instrument = members["instrument"]
    hidden = hide_personal(members, Gathering())
    assert members["applicant"] == members["instrument"]["owner"] == HIDDEN
    assert members["instrument"]["site"] == {"division": "350102", "address": HIDDEN}
    assert members["place"] == {"kind": "on_site", "where": HIDDEN}
    assert [person["name"] for person in members["persons"]] == [HIDDEN] * 3
    assert instrument == before["instrument"], "what hangs below is replaced, not changed"
    assert hidden.owner == "91350100M000100Y43"
    assert hidden.members[0] == PersonalMember(("applicant",), before["applicant"])


def test_a_document_without_personal_members_stays_as_it_is():
    members = {
        "instrument": {"serial": "1"},
        "place": {"kind": "laboratory"},
        "persons": [{"role": "operator"}],
    }
    before = copy.deepcopy(members)
    assert hide_personal(members, Gathering()).members == ()
    assert members == before


def test_what_is_concealed_is_what_is_disclosed():
    members = document()
    hidden = hide_personal(members, Gathering())
    disclosed = conceal_members(members, hidden.members, iter(SALTS))
    verify_disclosure(members, Disclosure(Digest(bytes(32)), disclosed))
    assert members["persons"][2]["name"] == conceal("approver某", SALTS[6])
    assert len({member.salt for member in disclosed.values()}) == len(disclosed) == 7


def test_a_disclosure_of_something_else_is_found():
    members = document()
    hidden = hide_personal(members, Gathering())
    disclosed = conceal_members(members, hidden.members, iter(SALTS))
    disclosed["persons.0.name"] = disclosed["persons.1.name"]
    with pytest.raises(VerificationError):
        verify_disclosure(members, Disclosure(Digest(bytes(32)), disclosed))


@pytest.mark.parametrize(
    ("party", "public"),
    [
        ({"name": "张三"}, None),
        ({"name": "张三", "organisation": False}, None),
        ({"name": 'АО "ПО ФИЗТЕХ"', "organisation": True}, 'АО "ПО ФИЗТЕХ"'),
        ({"name": "甲公司", "code": "91350100M000100Y43"}, "91350100M000100Y43"),
        ({"name": "甲公司", "code": "91350100M000100Y43", "organisation": False}, "91350100M000100Y43"),
    ],
)
def test_only_organisations_may_be_hashed(party, public):
    assert parse_party(party, "owner").public_name == public


def test_the_mark_organisation_is_not_disclosed_as_part_of_the_value():
    assert parse_party({"name": "甲", "organisation": True}, "owner").value == {"name": "甲"}


@pytest.mark.parametrize(
    ("path", "to", "field"),
    [
        ("applicant", "张三", "applicant"),
        ("applicant", {"code": "91350100M000100Y43"}, "applicant.name"),
        ("applicant.code", "91350100M000100Y44", "applicant.code"),
        ("instrument.owner.name", "", "instrument.owner.name"),
        ("instrument.owner.name", "x" * 201, "instrument.owner.name"),
        ("instrument.site.address", "x" * 401, "instrument.site.address"),
        ("place.where", 3, "place.where"),
        ("persons.1.name", " 李", "persons[1].name"),
    ],
)
def test_a_bad_personal_member_is_named(path, to, field):
    gathering = Gathering()
    hide_personal(changed(document(), path, to), gathering)
    assert [error.field for error in gathering.errors] == [field]


def test_no_error_repeats_a_personal_value_but_a_wrong_code():
    with pytest.raises(InputError) as caught:
        parse_party({"name": "张三", "code": 5}, "owner")
    assert "张三" not in str(caught.value)
