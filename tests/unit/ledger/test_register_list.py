import pytest
from api_world import FOUNDED, ApiWorld, entry

from ledger.core.errors import NotFoundError
from ledger.core.trust import open_trust_list, parse_trust_list
from ledger.register_list import RegisterList


@pytest.fixture
def served():
    with ApiWorld() as world:
        yield world


def make(served):
    return RegisterList(served.store, served.prover, served.log.origin)


def test_an_empty_log_has_none(served):
    assert make(served).institutions() == ()
    with pytest.raises(NotFoundError):
        make(served).trust_list()


def test_institutions_appear_as_they_are_registered(served):
    found = make(served)
    served.found()
    assert found.institutions() == ("350100-01",)
    served.post([entry(served.world.institution("350100-02"))])
    assert found.institutions() == ("350100-01", "350100-02")


def test_an_institution_that_changes_is_named_once(served):
    served.found()
    served.post([entry(served.world.institution(version=1))])
    assert make(served).institutions() == ("350100-01",)


def test_the_trust_list_proves_every_register_event(served):
    served.found()
    registers, checkpoint = open_trust_list(parse_trust_list(make(served).trust_list()), served.policy)
    assert checkpoint.tree_size == FOUNDED
    assert registers == served.log.registers


def test_the_trust_list_stays_until_a_register_event_comes(served):
    served.found()
    found = make(served)
    first = found.trust_list()
    served.issue(1)
    assert found.trust_list() is first
    served.post([entry(served.world.institution("350100-02"))])
    second = parse_trust_list(found.trust_list())
    registers, checkpoint = open_trust_list(second, served.policy)
    assert checkpoint.tree_size == FOUNDED + 4
    assert "350100-02" in registers.institutions
