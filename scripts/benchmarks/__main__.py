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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from anchoring import measure_anchoring
from auditing import measure_auditing
from batching import measure_workbook
from curve import measure_curve
from environment import describe_environment, find_load
from fixture import FEW_READINGS, READINGS, World
from growing import measure_growth, measure_inclusion
from issuing import issue_in_new_log, measure_issuing, measure_sealing
from mapping import measure_map
from measuring import Figures
from pictures import measure_pictures
from printing import measure_printing
from profiling import PROFILES
from sequencing import BODY_BYTES, measure_sequencing
from serving import measure_serving
from starting import ColdStart, measure_starting
from verifying import measure_signatures, measure_verifying

from ledger.console import collect_garbage_seldom
from ledger.core.bundle import parse_bundle


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured."""

    batch_sizes: tuple[int, ...] = (1_000, 5_000)
    """Certificates that are issued together; the first is the one that is compared."""
    bundles: int = 1_000
    pictures: int = 300
    printed: int = 40
    """Certificates as PDF."""
    batches: int = 40
    """Transactions of the sequencer in one round."""
    subjects: int = 100_000
    """In the status map before the sequencer adds to it."""
    more_subjects: tuple[int, ...] = ()
    """The same for further, larger maps."""
    replayed: int = 10_000
    """Entries of the log that is audited."""
    signatures: int = 2_000
    random_pairs: int = 1_000
    starts: int = 9
    requests: int = 3_000
    """Public answers in one round, of each kind."""
    curve: tuple[int, ...] = ()
    """Entries of the log that grows; it is measured at each of these sizes."""
    curve_seconds: float = 0.0
    """No stage of it begins that would not end in this time."""
    rounds: int = 5
    seconds: float = 25.0
    """No measure begins another round after this; so a slow machine takes no more than four minutes either."""


NORMAL: Final = Effort()
LONG: Final = replace(
    NORMAL,
    batch_sizes=(*NORMAL.batch_sizes, 50_000),
    subjects=10**6,
    more_subjects=(10**7,),
    replayed=10**5,
    curve=(10**4, 10**5, 10**6, 10**7),
)
QUICK: Final = Effort((20, 40), 20, 5, 2, 2, 1_000, (2_000,), 300, 20, 3, 1, 200, (100, 300), 60, 1)

_AT_LEAST: Final = {
    "issue_per_s": 3_000,
    "verify_offline_per_s": 3_000,
    "issue_three_signers_per_s": 1_500,
    "verify_three_signers_per_s": 1_500,
    "sequencer_entries_per_s": 30_000,
    "sequencer_map_entries_per_s": 12_000,
    "replay_entries_per_s": 4_200,
    "qr_per_s": 1_000,
    "q_page_per_s": 3_000,
    "q_json_per_s": 3_000,
    "q_unchanged_per_s": 3_000,
    "pdf_unsigned_per_s": 60,
    "pdf_signed_per_s": 20,
}
_AT_MOST: Final = {
    "verify_first_cold_ms": 50,
    "import_and_verify_cold_s": 0.4,
    "inclusion_proof_bytes_1e6": 640,
    "q_page_p99_ms": 50,
    "q_json_p99_ms": 50,
    "q_unchanged_p99_ms": 50,
}
_GAS_AT_MOST: Final = {
    "1000->2000": 48_000,
    "1001000->1002000": 56_000,
    "1000012345->1001012345": 75_000,
    "worst_of_random": 82_000,
}


_WHOLE: Final = ("issue", "issue_from_input_to_bundle")


def main() -> None:
    """Read the options and run."""
    options = _parse_options()
    collect_garbage_seldom()
    if options.profile is not None:
        print(PROFILES[options.profile]())
        return
    if options.curve is not None:
        print(
            json.dumps(
                measure_curve(LONG.curve, options.curve * 60) | {"environment": describe_environment()}
            )
        )
        return
    if options.workbook is not None:
        figures = measure_workbook(options.workbook)
        print(json.dumps(figures | {"environment": describe_environment()}))
        return
    long = replace(LONG, curve_seconds=60 * (options.long or 0))
    result = run(QUICK if options.quick else NORMAL if options.long is None else long)
    if options.json:
        print(json.dumps(result))
    else:
        print_result(result)


def run(effort: Effort) -> dict[str, Any]:
    """Return all figures."""
    started = time.monotonic()
    environment = describe_environment()
    measures = _measure_issuing(effort)
    facts = _measure_bundles(effort, measures)
    _tell("the sequencer")
    rounds, seconds = effort.rounds, effort.seconds
    measures["sequencer"] = measure_sequencing(effort.batches, rounds, seconds)
    measures["sequencer_with_certificates"] = measure_sequencing(
        effort.batches // 2, rounds, seconds, BODY_BYTES
    )
    _tell(f"the status map, {effort.subjects} subjects")
    over_map, map_facts = measure_map(effort.subjects, effort.batches // 2, rounds, seconds)
    _tell("the audit")
    measures["audit"] = measure_auditing(effort.replayed, min(rounds, 3), seconds)
    measures |= over_map | measure_signatures(effort.signatures, rounds, seconds)
    _tell("public answers")
    served, waits = measure_serving(effort.requests, rounds, seconds)
    measures |= served
    _tell("gas")
    result = {
        "issue_per_s": measures["issue"]["per_core_s"],
        "verify_offline_per_s": measures["verify"]["per_core_s"],
        "issue_three_signers_per_s": measures["issue_three_signers"]["per_core_s"],
        "verify_three_signers_per_s": measures["verify_three_signers"]["per_core_s"],
        "sequencer_entries_per_s": measures["sequencer"]["per_wall_s"],
        "sequencer_map_entries_per_s": measures["sequencer_map"]["per_wall_s"],
        "map": map_facts,
        "replay_entries_per_s": measures["audit"]["per_core_s"],
        **{f"{name}_per_s": figures["per_core_s"] for name, figures in served.items()},
        **waits,
        "anchor_gas": measure_anchoring(effort.random_pairs),
        "qr_per_s": measures["qr_long_png"]["per_core_s"],
        "pdf_unsigned_per_s": measures["pdf_unsigned"]["per_core_s"],
        "pdf_signed_per_s": measures["pdf_signed"]["per_core_s"],
        "inclusion_proof_bytes_1e6": measure_inclusion(10**6)["longest"],
        **facts,
        "growth": measure_growth(),
        "measures": measures,
    }
    if effort.more_subjects:
        result["larger_maps"] = [_measure_larger_map(effort, subjects) for subjects in effort.more_subjects]
    if effort.curve:
        _tell(f"a log that grows through {effort.curve}")
        result["curve"] = measure_curve(effort.curve, effort.curve_seconds)
    environment |= {"load_at_end": find_load(), "seconds": round(time.monotonic() - started)}
    return result | {"missed": list_missed(result), "environment": environment}


def _measure_larger_map(effort: Effort, subjects: int) -> dict[str, Any]:
    _tell(f"the status map, {subjects} subjects")
    figures, facts = measure_map(subjects, effort.batches // 2, effort.rounds, effort.seconds)
    return facts | figures


def _measure_issuing(effort: Effort) -> dict[str, Figures]:
    first, *others = effort.batch_sizes
    rounds, seconds = effort.rounds, effort.seconds
    _tell(f"issuing, {first} together")
    measures = measure_issuing(first, rounds, seconds)
    for size in others:
        _tell(f"issuing, {size} together")
        found = measure_issuing(size, rounds, seconds)
        measures |= {f"{name}_batch_{size}": found[name] for name in _WHOLE}
    _tell(f"issuing, {FEW_READINGS} readings each")
    found = measure_issuing(first, min(rounds, 3), seconds, FEW_READINGS)
    measures |= {f"{name}_few_readings": found[name] for name in _WHOLE}
    found = measure_issuing(first, rounds, seconds, persons_sign=True)
    measures |= {f"{name}_three_signers": found[name] for name in _WHOLE}
    measures["seal_and_statement"] = measure_sealing(first, rounds, seconds)
    return measures


def _measure_bundles(effort: Effort, measures: dict[str, Figures]) -> dict[str, Any]:
    """Add the figures of checking and printing; return sizes and cold starts."""
    rounds, seconds = effort.rounds, effort.seconds
    bundles = issue_in_new_log(effort.bundles).bundles
    few = issue_in_new_log(effort.bundles, FEW_READINGS).bundles
    signed = issue_in_new_log(effort.bundles, persons_sign=True).bundles
    with tempfile.TemporaryDirectory(prefix="hengzheng-bench-") as folder:
        with World(Path(folder)) as world:
            policy, trust = world.policy, world.trust_list()
        _tell("checking")
        measures["verify"] = measure_verifying(bundles, policy, rounds, seconds)
        measures["verify_three_signers"] = measure_verifying(signed, policy, rounds, seconds)
        measures["verify_few_readings"] = measure_verifying(few, policy, min(rounds, 3), seconds)
        _tell("cold starts")
        starts = measure_starting(ColdStart(Path(folder), bundles[0], policy, trust), effort.starts, seconds)
    _tell("pictures")
    parsed, short = [parse_bundle(raw) for raw in bundles[: effort.pictures]], parse_bundle(few[0])
    measures |= measure_pictures([bundle.statement_raw for bundle in parsed], rounds, seconds)
    _tell("documents as PDF")
    printing, sizes = measure_printing(bundles[: effort.printed], policy, rounds, seconds)
    printing_few, _ = measure_printing(few[: effort.printed], policy, min(rounds, 3), seconds)
    measures |= printing | {f"{name}_few_readings": figures for name, figures in printing_few.items()}
    return (
        starts
        | sizes
        | {
            "statement_bytes": len(parsed[0].statement_raw),
            "readings": READINGS,
            "certificate_bytes": len(parsed[0].certificate.raw),
            "bundle_bytes": len(bundles[0]),
            "three_signers_bundle_bytes": len(signed[0]),
            "few_readings": FEW_READINGS,
            "few_readings_certificate_bytes": len(short.certificate.raw),
            "few_readings_bundle_bytes": len(few[0]),
        }
    )


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
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument(
        "--long",
        type=int,
        nargs="?",
        const=40,
        metavar="MINUTES",
        help="also batches of 50,000, maps of 10^6 and 10^7 subjects (the latter in 7 GB), a log that grows to "
        "10^6 entries; to 10^7 if the minutes (40) are enough for it",
    )
    amount.add_argument(
        "--curve", type=int, metavar="MINUTES", help="only the log that grows, as JSON; takes no longer"
    )
    amount.add_argument(
        "--workbook",
        type=int,
        metavar="ROWS",
        help="only a workbook of so many meters, issued by the command",
    )
    amount.add_argument(
        "--quick", action="store_true", help="show that all of it works; figures mean nothing"
    )
    amount.add_argument(
        "--profile", choices=PROFILES, help="print where the time of one measure goes instead"
    )
    return parser.parse_args()


def _tell(what: str) -> None:
    print(f"bench: {what}", file=sys.stderr)


if __name__ == "__main__":
    main()
