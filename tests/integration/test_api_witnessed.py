"""A served log with witnesses: what a page says before and after they have signed what it knows."""

import re

import pytest
from api_world import JSON, entry
from browser_cases import RULE_BOOK, to_ms
from browser_node import run_node
from ledger_in_memory import make_signer
from verdict_states import RichSite
from witnesses import make_quorum, make_witness
from world import AUTHORITY

from ledger.core.bundle import parse_bundle
from ledger.core.checkpoint import parse_checkpoint_body
from ledger.core.cosignature import encode_witness, sign_cosignature
from ledger.core.event import EventType
from ledger.core.note import parse_note
from ledger.core.policy import DEFAULT_REQUIRED, encode_policy
from ledger.core.step import Step
from ledger.store.records import StoredCosignature

NAMES = ("w1", "w2")
QUORUM = make_quorum(*NAMES, threshold=2)
ASK = """async ({load}, given) => {
  const {shown, size, checkedByDevice} = await (await load("device")).checkOnDevice(given)
  return {shown, size, checkedByDevice}
}"""


class WitnessedSite(RichSite):
    """A served log whose witnesses sign when a test says so."""

    def __init__(self):
        super().__init__(witnesses=QUORUM, required=frozenset(DEFAULT_REQUIRED) | {Step.QUORUM})
        self.prover.quorum = QUORUM

    def cosign(self):
        """Let every witness sign the newest state."""
        size, checkpoint = max(self.store.data.checkpoints.items())
        body = parse_note(checkpoint.note).text
        lines = {}
        for name in NAMES:
            vkey = encode_witness(make_witness(name))
            signature = sign_cosignature(body, make_witness(name), make_signer(name), self.now).signature
            lines[vkey] = StoredCosignature(size, vkey, int(self.now.timestamp()), signature)
        self.store.data.cosignatures[size] = lines
        self.seconds += 2

    def ask_device(self, code):
        """Return what a device finds by the files that are handed out now."""
        files = {
            name: self.client.get(f"/c/{code}/{file}.json").text
            for name, file in (("bundleText", "bundle"), ("newestText", "newest"))
        }
        believed = {
            "policyText": encode_policy(self.policy).decode(),
            "ruleBook": RULE_BOOK,
            "remembered": None,
        }
        return run_node(ASK, files | believed | {"expected": {"code": code}, "now": to_ms(self.now)})


@pytest.fixture
def served():
    with WitnessedSite() as world:
        yield world.found()


def read_size(response):
    return parse_checkpoint_body(parse_note(parse_bundle(response.content).checkpoint).text).tree_size


def test_what_is_handed_out_is_of_the_new_state_as_soon_as_witnesses_have_signed_it(served):
    code = served.issue(1)
    served.anchor()
    served.cosign()
    address = f"/c/{code}/newest.json"
    before = read_size(served.client.get(address))
    served.issue(2)
    served.seconds += 2
    assert read_size(served.client.get(address)) == before
    served.cosign()
    assert read_size(served.client.get(address)) > before


def test_a_page_knows_more_than_its_witnesses_and_says_how_much(served):
    issued = served.sign(1)
    code = served.submit(issued)
    served.anchor()
    served.cosign()
    assert served.ask_device(code)["shown"] == "VALID"
    served.post([entry(served.people.act_on(issued, EventType.SUSPEND, AUTHORITY, 1))])
    served.seconds += 2
    page = served.client.get(f"/c/{code}").text
    shown, size = re.search(r'data-shown="(\w+)" data-size="(\d+)" data-ahead="', page).groups()
    found = served.ask_device(code)
    assert (shown, found["shown"]) == ("SUSPENDED", "VALID")
    assert int(size) > found["size"]
    served.cosign()
    assert served.ask_device(code) == {"shown": "SUSPENDED", "size": int(size), "checkedByDevice": True}
    assert served.client.get(f"/c/{code}", headers=JSON).json()["shown"] == "SUSPENDED"
