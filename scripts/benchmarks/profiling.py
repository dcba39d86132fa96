"""Where the time of a measure goes: the functions that cost most by themselves."""

import cProfile
import io
import pstats
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from auditing import audit_folder, export_new_log
from fixture import World
from issuing import issue_batch, issue_in_new_log
from parts import time_parts_of_check
from sequencing import append_all, make_submissions
from verifying import make_policy, verify_all

LINES: Final = 30


def profile_issuing() -> str:
    """Return the profile of issuing 1,000 certificates, from input to bundle."""
    issue_in_new_log(300)
    with tempfile.TemporaryDirectory(prefix="hengzheng-bench-") as folder:
        return _profile(lambda: issue_batch(Path(folder), 1_000))


def profile_verifying() -> str:
    """Return what the parts of a check cost, and the profile of checking 1,000 bundles."""
    bundles, policy = issue_in_new_log(1_000).bundles, make_policy()
    verify_all(bundles[:50], policy)
    parts = time_parts_of_check(bundles, policy)
    table = "".join(f"{name:<36} {cost:>7.1f} us\n" for name, cost in parts.items())
    return table + _profile(lambda: verify_all(bundles, policy))


def profile_sequencing() -> str:
    """Return the profile of 40 batches of 256."""
    submissions = make_submissions(10_240)
    with tempfile.TemporaryDirectory(prefix="hengzheng-bench-") as folder, World(Path(folder)) as world:
        return _profile(lambda: append_all(world.log, submissions))


def profile_auditing() -> str:
    """Return the profile of auditing a log of 10,000 issues."""
    with tempfile.TemporaryDirectory(prefix="hengzheng-bench-") as name:
        folder = Path(name)
        policy = export_new_log(10_000, folder)
        return _profile(lambda: audit_folder(folder, policy))


PROFILES: Final = {
    "audit": profile_auditing,
    "issue": profile_issuing,
    "verify": profile_verifying,
    "sequencer": profile_sequencing,
}


def _profile(work: Callable[[], object]) -> str:
    profile = cProfile.Profile()
    profile.runcall(work)
    text = io.StringIO()
    statistics = pstats.Stats(profile, stream=text).strip_dirs()
    statistics.sort_stats("tottime").print_stats(LINES)
    statistics.sort_stats("cumulative").print_stats(LINES * 2)
    return text.getvalue()
