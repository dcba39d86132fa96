"""What the rules forbid, forced into a log all the same; what cannot be looked at; and a chain that is another."""

import json
import shutil
from contextlib import closing

import pytest
from line import AUTHORISATION_NO, DAY, INSTITUTION, Line, meter, run, write_meters, write_rows
from servers import free_port
from world import World, to_submission

from issuer.outputs import write_outputs
from ledger.chain.devchain_launch import launch_devchain
from ledger.core.canonical import encode_canonical_json
from ledger.core.encoding import encode_instant
from ledger.core.data import load_rule_book
from ledger.home import find_passphrase
from ledger.local import open_ledger, read_clock


@pytest.fixture
def founded(tmp_path):
    """A line whose institution may verify price scales and water meters, and the URL of its running chain."""
    line = Line(tmp_path, scope={"categories": ["PRICE_SCALE", "WATER_METER_SMALL"]})
    with line.chain() as url:
        line.found()
        yield line, url


# --- out of scope -------------------------------------------------------------------------------------------

OUTSIDE = {
    "instrument.category": {"category": "WATER_METER_MID"},
    "instrument.site.division": {"site": {"division": "360100"}},
}


@pytest.mark.parametrize("field", OUTSIDE)
def test_the_desk_refuses_what_its_scope_does_not_cover(founded, field):
    line, _ = founded
    value = meter(1)
    value["instrument"] |= OUTSIDE[field]
    write_rows(line.out / "outside.jsonl", [value])
    refused = line.issue(line.out / "outside.jsonl", code=2)
    assert [(fault["code"], fault["field"]) for fault in refused["faults"]] == [("SCOPE", field)]
    assert line.desk() == []


def test_a_certificate_out_of_scope_that_was_forced_into_the_log_is_invalid(founded):
    line, url = founded
    with open_ledger(line.opened, find_passphrase(line.opened)) as ledger:
        issued = forge(line)
        refused = ledger.submit([(issued.raw, issued.body)])[0]
        assert [reason.code for reason in refused.error.reasons] == ["SCOPE"]
        [acknowledged] = ledger.log.append([to_submission(issued)])
        line.run_anchor = None
    assert line.run("anchor")["tree_size"] == 6
    with open_ledger(line.opened, find_passphrase(line.opened)) as ledger:
        from ledger.receipts import Receipts

        index = acknowledged.leaf_index
        [bundle] = ledger.prover.bundles(
            [index], ledger.prover.newest_checkpoint(), Receipts(ledger.store).find(index)
        )
    (line.out / "forced.json").write_bytes(bundle)
    for options in ([], ["--chain", url]):
        report = line.verify(line.out / "forced.json", *options, code=1)
        assert (report["verdict"], report["authentic"]) == ("INVALID", False)
        failed = [check["name"] for check in report["checks"] if check["outcome"] == "FAILED"]
        assert failed == ["scope"]
    assert line.run("doctor")["documents"] == 1
