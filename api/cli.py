"""`hengzheng`: a thin front that loads a subcommand's module only when it is called.

>>> main(["verify", "bundle.json", "--policy", "policy.json"])
0
"""

import json
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Final

COMMANDS: Final = {
    "init": ("ledger.cli", "make a home: keys, settings, databases"),
    "authority": ("issuer.authority_cli", "root and authorities: draft, endorse, sign and submit decisions"),
    "issue": ("issuer.cli", "issue verification certificates and rejection notices, one or a batch"),
    "desk": (
        "issuer.desk_cli",
        "sign-off: application, draft, check, approval of a batch, return, correction",
    ),
    "template": ("issuer.template_cli", "a table to fill in, for one category of instruments"),
    "instruments": ("issuer.instruments_cli", "the ledger of instruments to be verified: import, export"),
    "sites": ("issuer.sites_cli", "places where instruments are used, and which: enter, list"),
    "pledges": ("issuer.pledges_cli", "an owner's pledge, not verified: make, change, withdraw, print"),
    "document": ("issuer.document_cli", "certificates as signed PDF/A-3, one or many"),
    "stickers": ("issuer.stickers_cli", "stickers: allot rolls, bind and release, print sheets of labels"),
    "erase": ("issuer.erasing_cli", "forget the personal members of a document, as their person asks"),
    "amend": ("issuer.amend_cli", "withdraw or suspend a certificate of one's own"),
    "dcc": ("issuer.dcc_cli", "certificates as DCC XML; foreign DCCs as evidence for a measurement standard"),
    "anchor": ("ledger.cli", "anchor the newest checkpoint on the chain, write policy and trust list"),
    "verify": ("verifier.cli", "check a bundle, a certificate, a QR picture or its text"),
    "evidence": ("api.evidence.cli", "everything about one document in one ZIP that checks itself offline"),
    "audit": ("api.audit", "replay a published log from public data alone: every file, every leaf"),
    "query": ("api.query", "what the log holds: filtered, as it stands or stood on a day, with proofs"),
    "scans": ("api.copies.cli", "how often codes were scanned at a site, and of what nobody was given"),
    "serve": ("api.server", "serve the roles public, ledger, auditor, office or all over HTTP"),
    "office": ("api.office.cli", "accounts of an office: add, list, reset, disable"),
    "watch": ("issuer.watch_cli", "check a ledger for one's own statements and their states, round by round"),
    "witness": ("api.witness", "replay logs and cosign their checkpoints, as a process of its own"),
    "chain": ("ledger.cli", "the chain: start the development node, deploy, look"),
    "log": ("ledger.cli", "the log as files: export checkpoint, tiles, entries, receipts"),
    "doctor": ("issuer.doctor_cli", "re-read and re-hash everything, say what is wrong"),
}
"""Subcommand -> module whose `main(arguments)` runs it, and what it is for."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    name = given[0] if given else "--help"
    if name in {"--help", "-h", "help"}:
        sys.stdout.write(_usage())
        return 0 if given else 2
    if name == "--version":
        sys.stdout.write(f"hengzheng {version('hengzheng')}\n")
        return 0
    if name not in COMMANDS:
        _print_unknown(name, as_json="--json" in given)
        return 2
    module = import_module(COMMANDS[name][0])
    run: Callable[[Sequence[str]], int] = module.main
    return run(given[1:] if name == "verify" else given)


def run() -> None:
    """Entry point of `hengzheng`."""
    sys.exit(main())


def _print_unknown(name: str, *, as_json: bool) -> None:
    if as_json:
        error = {"error": f"no command {name!r}", "kind": "Input", "field": "arguments"}
        sys.stdout.write(json.dumps(error) + "\n")
    else:
        sys.stderr.write(f"error: no command {name!r}\n\n{_usage()}")


def _usage() -> str:
    lines = [f"  {name:<11} {purpose}" for name, (_, purpose) in COMMANDS.items()]
    return "\n".join(
        ["usage: hengzheng COMMAND [OPTIONS]", "", *lines, "", "hengzheng COMMAND --help says more", ""]
    )
