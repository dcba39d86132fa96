"""Keeps what tests ask of the verifier, and what it answers, so that the browser's can be asked the same.

A plugin for pytest: `python -m pytest -p browser_recorder tests/unit/verifier`, with the environment variable
HENGZHENG_RECORD naming a file that does not exist yet. Each line of it is a `browser_cases.Case`. What a browser is
not asked is left out: looks at a chain, files that carry a bundle, past instants, other tables of regulations.
"""

import os
from collections import OrderedDict
from pathlib import Path

from browser_cases import Case, describe_shown, encode_case

import ledger.core.bundle
import ledger.core.certificate
import verifier.absence_proof
import verifier.session
import verifier.sticker_proof
import verifier.verify
from ledger.core.absence_proof import encode_absence_proof
from ledger.core.data import load_rule_book
from ledger.core.errors import LedgerError
from ledger.core.policy import encode_policy
from ledger.core.sticker_proof import encode_sticker_proof
from ledger.core.trust import encode_trust_list
from verifier.report import report_members

KEPT = 4096
FILE = Path(os.environ["HENGZHENG_RECORD"])

_parsed = OrderedDict()
"""Address of a parsed thing -> it, so that its address stays its own, and its bytes."""
_seen = set()


def _remember(parse):
    def remembering(raw):
        value = parse(raw)
        _parsed[id(value)] = (value, bytes(raw))
        while len(_parsed) > KEPT:
            _parsed.popitem(last=False)
        return value

    return remembering


def _record(kind, raw, session, now, answer):
    if raw is None or session.rule_book.digest != load_rule_book().digest:
        return
    trust = getattr(session, "trust_list", None)
    case = Case(
        kind, raw, encode_policy(session.policy), None if trust is None else encode_trust_list(trust), now
    )
    if case not in _seen:
        _seen.add(case)
        with FILE.open("a", encoding="utf-8") as file:
            file.write(encode_case(case, answer) + "\n")


def _judge(kind, verify, raw_of):
    def judging(value, session, now, *args, **options):
        if args or any(option is not None for option in options.values()):
            return verify(value, session, now, *args, **options)
        try:
            report = verify(value, session, now)
        except LedgerError as err:
            _record(kind, raw_of(value), session, now, {"error": type(err).__name__})
            raise
        _record(kind, raw_of(value), session, now, report_members(report))
        return report

    return judging


def _judge_state(kind, verify, encode):
    def judging(value, session, now, *args, **options):
        if args or any(option is not None for option in options.values()):
            return verify(value, session, now, *args, **options)
        try:
            found = verify(value, session, now)
        except LedgerError as err:
            _record(kind, encode(value), session, now, {"error": type(err).__name__})
            raise
        _record(kind, encode(value), session, now, describe_shown(*found))
        return found

    return judging


def _find_raw(value):
    return _parsed.get(id(value), (None, None))[1]


class _Session(verifier.session.Session):
    def __init__(self, policy, rule_book, trust_list):
        super().__init__(policy, rule_book, trust_list)
        self.trust_list = trust_list


ledger.core.bundle.parse_bundle = _remember(ledger.core.bundle.parse_bundle)
ledger.core.certificate.parse_certificate = _remember(ledger.core.certificate.parse_certificate)
verifier.verify.verify_bundle = _judge("bundle", verifier.verify.verify_bundle, _find_raw)
verifier.verify.verify_certificate = _judge("certificate", verifier.verify.verify_certificate, _find_raw)
verifier.verify.verify_statement_alone = _judge("statement", verifier.verify.verify_statement_alone, bytes)
verifier.sticker_proof.verify_sticker_proof = _judge_state(
    "sticker", verifier.sticker_proof.verify_sticker_proof, encode_sticker_proof
)
verifier.absence_proof.verify_absence_proof = _judge_state(
    "absence", verifier.absence_proof.verify_absence_proof, encode_absence_proof
)
verifier.session.Session = _Session
