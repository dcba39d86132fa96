"""Command `hengzheng verify`, also installed alone as `hengzheng-verify`; loads nothing heavy.

Takes a bundle, a certificate, also as signed PDF, an evidence pack, a picture of a QR code, its text, a proof of
how a sticker stands or that the ledger lacks something, or a finding against a log; offline unless `--chain` names
a node.
Exit codes: 0 in order; 1 do not rely on it; 2 not something this command can check; 3 cannot be confirmed;
4 records of the program itself disagree.
"""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Final, NoReturn

from ledger.core.absence_proof import ABSENCE_PROOF_TYPE, parse_absence_proof
from ledger.core.as_of import AS_OF_TYPE, parse_as_of
from ledger.core.bundle import BUNDLE_TYPE, parse_bundle
from ledger.core.canonical import parse_canonical_json
from ledger.core.certificate import parse_credential
from ledger.core.data import load_rule_book
from ledger.core.encoding import parse_date, parse_instant
from ledger.core.errors import (
    InputError,
    LedgerError,
    LogIntegrityError,
    MalformedDocumentError,
    PolicyMismatchError,
    UnavailableError,
    VerificationError,
)
from ledger.core.policy import Policy, parse_policy
from ledger.core.qr import LongForm, StickerForm, parse_qr_text
from ledger.core.step import Outcome, Step, Verdict
from ledger.core.sticker_proof import STICKER_PROOF_TYPE, parse_sticker_proof
from ledger.core.supplement import MAX_ACT_PROOF_BYTES, ActProof, parse_act_proof
from ledger.core.trust import MAX_TRUST_BYTES, TrustList, parse_trust_list
from verifier.absence_proof import verify_absence_proof
from verifier.findings import FINDING_TYPES, judge_finding
from verifier.past import verify_as_of
from verifier.report import DISCLAIMER, STATUS_WORDS, VERDICT_WORDS, Report, report_members
from verifier.seen import find_memory, remember_policy
from verifier.session import Session
from verifier.sticker_proof import report_sticker_code, verify_sticker_proof
from verifier.verify import (
    ChainLook,
    report_short_code,
    verify_bundle,
    verify_certificate,
    verify_statement_alone,
)

EXIT_INPUT: Final = 2
_EXIT_CODES: Final = ((VerificationError, 1), (UnavailableError, 3), (LogIntegrityError, 4))
MAX_INPUT_BYTES: Final = 40 * 1024 * 1024
"""Largest document looked at; pictures are the largest."""
DEFAULT_POLICY: Final = Path("hengzheng-home") / "policy.json"
_MARKS: Final = {Outcome.PASSED: "ok", Outcome.FAILED: "FAILED", Outcome.NOT_CHECKED: "not checked"}
_ZIP: Final = b"PK\x03\x04"
_ADDRESS: Final = re.compile("[A-Za-z][A-Za-z0-9+.-]{0,30}://")


class Parser(argparse.ArgumentParser):
    """Says what is wrong with the arguments as one JSON object where that is asked for."""

    as_json = False

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments and exit with code 2."""
        if not self.as_json:
            super().error(message)
        sys.exit(_print_error(InputError(message, field="arguments"), None, as_json=True))


def build_parser() -> Parser:
    """Return the command's parser."""
    parser = Parser(prog="hengzheng verify", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "document",
        help="file with a bundle, certificate, PDF, evidence pack, QR picture, proof or finding; or a code's text",
    )
    parser.add_argument(
        "--policy", type=Path, default=DEFAULT_POLICY, help="what to believe (default: %(default)s)"
    )
    parser.add_argument(
        "--trust", type=Path, help="trust list (default: trust.json beside the policy, if there)"
    )
    parser.add_argument(
        "--act",
        type=Path,
        help="of a supplement: proof of its act (default: FILE.act.json beside it, if there)",
    )
    parser.add_argument("--chain", metavar="URL", help="node at which to look at the contract itself")
    parser.add_argument("--at", type=_parse_clock, help="check as of this day or UTC instant instead of now")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    _escape_what_cannot_be_printed()
    parser = build_parser()
    parser.as_json = "--json" in given
    options = parser.parse_args(given)
    policy = None
    try:
        policy = load_policy(options.policy)
        report = run(options, policy)
    except LedgerError as err:
        return _print_error(err, policy, as_json=options.json)
    if options.json:
        print(json.dumps(report_members(report)))
    else:
        print_report(report)
    return report.exit_code


def run(options: argparse.Namespace, policy: Policy) -> Report:
    """Read the document that the options name and verify it.

    Raises:
        InputError: not something this command can check, or a trust list that cannot be used.
    """
    session = _open_session(options, policy)
    now = _now(options, policy)
    if _ADDRESS.match(options.document):
        return _verify_text(options.document, session, now, options.chain)
    raw = _read(Path(options.document))
    kind = _guess_kind(raw)
    if options.act is not None and kind != "pdf":
        raise InputError("only a supplement, which is a PDF, has an act", field="--act")
    if kind == "json":
        return _verify_json(raw, session, now, options.chain)
    if kind == "text":
        return _verify_text(raw.decode("utf-8", errors="replace").strip(), session, now, options.chain)
    if kind == "pdf":
        from verifier.pdf import verify_pdf  # noqa: PLC0415 -- bundles are checked without it

        return verify_pdf(raw, session, now, _open_chain(options.chain, policy), _load_act(options))
    if kind == "pack":
        from verifier.pack import verify_pack  # noqa: PLC0415 -- bundles are checked without it

        return verify_pack(raw, session, now, _open_chain(options.chain, policy))
    from verifier.picture import read_qr_picture  # noqa: PLC0415 -- the picture library is loaded when needed

    return _verify_text(read_qr_picture(raw), session, now, options.chain)


def print_report(report: Report) -> None:
    """Print a report for people, in English and Chinese."""
    words = VERDICT_WORDS[report.verdict]
    if report.development:
        print("DEVELOPMENT ENVIRONMENT, not for real use / 开发环境，不得用于实际业务")
    print(f"{report.verdict.value}: {words.en} / {words.zh}")
    if report.status is not None:
        status = STATUS_WORDS[report.status]
        print(f"status: {status.en} / {status.zh}")
    if report.note is not None:
        print(f"note: {report.note.en} / {report.note.zh}")
    for name, value in report_members(report).get("document", {}).items():
        print(f"  {name}: {value}")
    for name, value in report_members(report).get("sticker", {}).items():
        print(f"  {name}: {value}")
    for check in report.checks:
        mark = "warning" if check.warning else _MARKS[check.outcome]
        title = check.step.title
        line = f"{title.en} / {title.zh}: {check.reason.en} / {check.reason.zh}"
        print(f"{check.step.number:>2} {mark:<11} {line}")
    if report.verdict is Verdict.VALID:
        print(f"{DISCLAIMER.en}\n{DISCLAIMER.zh}")


def _escape_what_cannot_be_printed() -> None:
    """Let no terminal's character set turn a verdict into a traceback."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _guess_kind(raw: bytes) -> str:
    """Say what a file seems to be: `json`, `pdf`, `pack`, `text` of a QR code, or `picture`.

    Raises:
        InputError: empty.
    """
    start = raw[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start:
        raise MalformedDocumentError("the file is empty", field="document")
    if start[:1] in {b"{", b"[", b'"'}:
        return "json"
    if raw.startswith(b"%PDF-"):
        return "pdf"
    if raw.startswith(_ZIP):
        return "pack"
    return "text" if _ADDRESS.match(start.decode("ascii", errors="replace")) else "picture"


def _verify_json(raw: bytes, session: Session, now: datetime, chain_url: str | None) -> Report:
    value = parse_canonical_json(raw, max_bytes=MAX_INPUT_BYTES)
    if isinstance(value, dict) and value.get("type") == BUNDLE_TYPE:
        return verify_bundle(parse_bundle(raw), session, now, _open_chain(chain_url, session.policy))
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == AS_OF_TYPE:
        return verify_as_of(parse_as_of(raw), session, now, _open_chain(chain_url, session.policy))
    if kind == STICKER_PROOF_TYPE:
        look = _open_chain(chain_url, session.policy)
        return verify_sticker_proof(parse_sticker_proof(raw), session, now, look)[0]
    if kind == ABSENCE_PROOF_TYPE:
        look = _open_chain(chain_url, session.policy)
        return verify_absence_proof(parse_absence_proof(raw), session, now, look)[0]
    if isinstance(kind, str) and kind in FINDING_TYPES:
        _refuse_chain(chain_url)
        return judge_finding(raw, kind, session.policy)
    if isinstance(value, dict) and "credentialSubject" in value:
        _refuse_chain(chain_url)
        return verify_certificate(parse_credential(value, raw), session, now)
    raise MalformedDocumentError(
        "neither a bundle, a certificate, a proof of a sticker or of an absence, nor a finding against a log",
        field="document",
    )


def _open_chain(url: str | None, policy: Policy) -> ChainLook | None:
    if url is None:
        return None
    from verifier.chain import look_at_contract  # noqa: PLC0415 -- only when asked to look at the chain

    return look_at_contract(url, policy)


def _refuse_chain(url: str | None) -> None:
    if url is not None:
        raise InputError("only a bundle or a proof can be looked up on the chain", field="--chain")


def _verify_text(text: str, session: Session, now: datetime, chain_url: str | None) -> Report:
    _refuse_chain(chain_url)
    parsed = parse_qr_text(text, host=None)
    if parsed.host not in session.policy.hosts:
        known = ", ".join(session.policy.hosts)
        raise PolicyMismatchError(
            f"this QR code is of the site {parsed.host}, not of {known}: do not rely on it"
        )
    if isinstance(parsed, LongForm):
        return verify_statement_alone(parsed.statement, session, now)
    return report_sticker_code(session) if isinstance(parsed, StickerForm) else report_short_code(session)


def load_policy(path: Path) -> Policy:
    """Return the policy in a file; refuse one older than a policy that has been seen for its log.

    Raises:
        InputError: it cannot be read, or is none.
        PolicyMismatchError: a higher version has been seen.
    """
    policy = parse_policy(_read(path, "policy"))
    memory = find_memory()
    if memory is not None:
        remember_policy(policy, memory)
    return policy


def _open_session(options: argparse.Namespace, policy: Policy) -> Session:
    """Return a session with the trust list that is named, or with the one beside the policy.

    Raises:
        InputError: the trust list cannot be used; that says nothing about the document.
    """
    trust_list = _load_trust(options)
    try:
        return Session(policy, load_rule_book(), trust_list)
    except VerificationError as err:
        raise InputError(str(err), field="trust list") from err


def _load_trust(options: argparse.Namespace) -> TrustList | None:
    path = options.trust or options.policy.with_name("trust.json")
    if options.trust is None and not path.is_file():
        return None
    return parse_trust_list(_read(path, "trust list", MAX_TRUST_BYTES))


def _load_act(options: argparse.Namespace) -> ActProof | None:
    """Return the proof of a supplement's act: the one that is named, else the one that lies beside the PDF."""
    document = Path(options.document)
    path = options.act or document.with_name(f"{document.name}.act.json")
    if options.act is None and not path.is_file():
        return None
    return parse_act_proof(_read(path, "--act", MAX_ACT_PROOF_BYTES))


def _read(path: Path, what: str = "document", max_bytes: int = MAX_INPUT_BYTES) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(max_bytes + 1)
    except (OSError, ValueError) as err:
        reason = err.strerror if isinstance(err, OSError) else str(err)
        raise InputError(f"cannot read {path}: {reason}", field=what) from err
    if len(raw) > max_bytes:
        raise InputError(f"{path} is larger than {max_bytes} bytes", field=what)
    return raw


def _parse_clock(text: str) -> datetime | date:
    try:
        return parse_instant(text) if "T" in text else parse_date(text)
    except InputError as err:
        raise argparse.ArgumentTypeError(err.reason) from None


def _now(options: argparse.Namespace, policy: Policy) -> datetime:
    at: datetime | date | None = options.at
    if isinstance(at, datetime):
        return at
    if at is None:
        return datetime.now(UTC)
    return datetime.combine(at, time(23, 59, 59), policy.zone)


def _print_error(err: LedgerError, policy: Policy | None, *, as_json: bool) -> int:
    """Say why there is no verdict, in the shape of a report, and return the exit code."""
    if as_json:
        environment = None if policy is None else "development" if policy.development else "production"
        members: dict[str, Any] = {
            "verdict": None,
            "authentic": False,
            "status": None,
            "environment": environment,
            "checks": [],
            "step": (Step.CHAIN if isinstance(err, UnavailableError) else Step.INTEGRITY).code,
            "error": str(err),
        }
        print(json.dumps(members))
    else:
        print(f"error: {err}", file=sys.stderr)
    return next((code for kind, code in _EXIT_CODES if isinstance(err, kind)), EXIT_INPUT)


def run_alone() -> None:
    """Entry point of `hengzheng-verify`."""
    sys.exit(main())
