"""`scripts/bench`: runs every measure once, in one process, and prints what it found.

Figures are medians of rounds. `per_core_s` counts this process's processor time, so that other users of the
machine disturb it little; `per_wall_s` is what a caller sees, waiting for the disk included. Targets are compared
but never judged by the exit code.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from anchoring import measure_anchoring
from environment import describe_environment, find_load
from fixture import FEW_READINGS, READINGS, World
from growing import measure_growth, measure_inclusion
from issuing import issue_in_new_log, measure_issuing, measure_sealing
from measuring import Figures
from pictures import measure_pictures
from profiling import PROFILES
from sequencing import BODY_BYTES, measure_sequencing
from starting import ColdStart, measure_starting
from verifying import measure_signatures, measure_verifying

from ledger.core.bundle import parse_bundle

BATCH_SIZES: Final = (1_000, 5_000)
LONG_BATCH_SIZE: Final = 50_000
ROUNDS: Final = 5
SECONDS: Final = 25.0
"""No measure begins another round after this; so a slow machine takes no more than four minutes either."""

_AT_LEAST: Final = {
    "issue_per_s": 3_000,
    "verify_offline_per_s": 3_000,
    "sequencer_entries_per_s": 30_000,
    "qr_per_s": 1_000,
}
_AT_MOST: Final = {
    "verify_first_cold_ms": 50,
    "import_and_verify_cold_s": 0.4,
    "inclusion_proof_bytes_1e6": 640,
}
_GAS_AT_MOST: Final = {
    "1000->2000": 48_000,
    "1001000->1002000": 56_000,
    "1000012345->1001012345": 75_000,
    "worst_of_random": 82_000,
}


def main() -> None:
    """Read the options and run."""
    options = _parse_options()
    if options.profile is not None:
        print(PROFILES[options.profile]())
        return
    result = run(BATCH_SIZES + ((LONG_BATCH_SIZE,) if options.long else ()))
    if options.json:
        print(json.dumps(result))
    else:
        print_result(result)


def run(sizes: tuple[int, ...]) -> dict[str, Any]:
    """Return all figures.

    Args:
        sizes: of the batches that are issued.
    """
    started = time.monotonic()
    result: dict[str, Any] = {"environment": describe_environment()}
    measures: dict[str, Figures] = {}
    growth = {}
    for size in sizes:
        _tell(f"issuing batches of {size}")
        found = measure_issuing(size, ROUNDS, SECONDS)
        growth[str(size)] = found["issue"]["per_core_s"]
        measures |= found if size == sizes[0] else {f"{name}_{size}": found[name] for name in _WHOLE}
    _tell(f"issuing certificates of {FEW_READINGS} readings")
    found = measure_issuing(sizes[0], 3, SECONDS, FEW_READINGS)
    measures |= {f"{name}_few_readings": found[name] for name in _WHOLE}
    measures["seal_and_statement"] = measure_sealing(sizes[0], ROUNDS, SECONDS)
    result |= _measure_bundles(measures)
    _tell("sequencing")
    measures["sequencer"] = measure_sequencing(40, ROUNDS, SECONDS)
    measures["sequencer_with_certificates"] = measure_sequencing(20, ROUNDS, SECONDS, BODY_BYTES)
    measures |= measure_signatures(2_000, ROUNDS, SECONDS)
    _tell("anchoring")
    result["anchor_gas"] = measure_anchoring()
    result["inclusion_proof_bytes_1e6"] = measure_inclusion(10**6)["longest"]
    result["growth"] = {"issue_per_s_by_batch": growth, "by_log_size": measure_growth()}
    result |= {
        "issue_per_s": measures["issue"]["per_core_s"],
        "verify_offline_per_s": measures["verify"]["per_core_s"],
        "sequencer_entries_per_s": measures["sequencer"]["per_wall_s"],
        "qr_per_s": measures["qr_long_png"]["per_core_s"],
        "measures": measures,
    }
    result["missed"] = list_missed(result)
    result["environment"] |= {"load_at_end": find_load(), "seconds": round(time.monotonic() - started)}
    return result


_WHOLE: Final = ("issue", "issue_from_input_to_bundle")


def _measure_bundles(measures: dict[str, Figures]) -> dict[str, Any]:
    """Add the figures of checking and printing; return sizes and cold starts."""
    bundles, few = issue_in_new_log(1_000).bundles, issue_in_new_log(1_000, FEW_READINGS).bundles
    with tempfile.TemporaryDirectory(prefix="hengzheng-bench-") as folder:
        with World(Path(folder)) as world:
            policy, trust = world.policy, world.trust_list()
        _tell("checking")
        measures["verify"] = measure_verifying(bundles, policy, ROUNDS, SECONDS)
        measures["verify_few_readings"] = measure_verifying(few, policy, 3, SECONDS)
        _tell("starting")
        starts = measure_starting(ColdStart(Path(folder), bundles[0], policy, trust), 9, 10)
    _tell("drawing")
    parsed = [parse_bundle(raw) for raw in bundles[:300]]
    measures |= measure_pictures([bundle.statement_raw for bundle in parsed], ROUNDS, 10)
    return starts | {
        "readings": READINGS,
        "certificate_bytes": len(parsed[-1].certificate.raw),
        "statement_bytes": len(parsed[-1].statement_raw),
        "bundle_bytes": len(bundles[-1]),
        "few_readings": FEW_READINGS,
        "certificate_bytes_few_readings": len(parse_bundle(few[-1]).certificate.raw),
    }


def list_missed(result: dict[str, Any]) -> list[str]:
    """Return the targets that were not reached, in words."""
    low = [f"{name} {result[name]} < {least}" for name, least in _AT_LEAST.items() if result[name] < least]
    high = [f"{name} {result[name]} > {most}" for name, most in _AT_MOST.items() if result[name] > most]
    gas = result["anchor_gas"]
    return (
        low
        + high
        + [f"gas {name} {gas[name]} > {most}" for name, most in _GAS_AT_MOST.items() if gas[name] > most]
    )


def print_result(result: dict[str, Any]) -> None:
    """Print the figures for people."""
    for name, value in result.items():
        if name == "measures":
            print("measures: a second of one core (lowest to highest round); a second of wall time")
            for measure, figures in value.items():
                per_core = f"{figures['per_core_s']:>9,.0f}"
                spread = f"({figures['per_core_s_lowest']:,.0f} to {figures['per_core_s_highest']:,.0f})"
                print(f"  {measure:<42} {per_core}  {spread:<20} {figures['per_wall_s']:>9,.0f}")
        else:
            print(f"{name}: {json.dumps(value)}")


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measure this machine.")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--long", action="store_true", help="also batches of 50,000; takes minutes more")
    parser.add_argument(
        "--profile", choices=PROFILES, help="print where the time of one measure goes instead"
    )
    return parser.parse_args()


def _tell(what: str) -> None:
    print(f"bench: {what}", file=sys.stderr)


if __name__ == "__main__":
    main()
