"""Records of documents that verify nothing: calibration certificates, and what is entered from paper.

>>> make_calibration()["doc_type"], make_paper()["doc_type"]
('calibration_certificate', 'paper_register')
"""

import hashlib

from ledger_in_memory import MemoryLedger, make_record

from ledger.core.record import VerificationKind

SPECIFICATION = {"id": "JJF 9001-2020", "title": "示例校准规范"}
SIMPLE = {"rule": "simple_acceptance", "requirement": "JJG 443-2023(试行) §5.1"}
GUARDED = {"rule": "guarded_acceptance", "guard_factor": "1", "requirement": "JJG 443-2023(试行) §5.1"}
SCAN = hashlib.sha256(b"scan").hexdigest()
ENTRY = {"scan": SCAN, "entered_by": "P-0001", "entered_on": "2026-02-28"}


def make_value(error, u="0.05", **members):
    return {"error": error, "nominal": "20.00", "u": u, **members}


def make_values(*points, **members):
    return [
        {
            "item": "indication_error",
            "unit": "L",
            "error_unit": "%",
            "k": "2",
            "points": list(points or [make_value("0.10", measured="20.02")]),
            **members,
        }
    ]


def to_calibration(record, **changes):
    """Return the record of a calibration of the same instrument; a change to None drops the member."""
    kept = {name: value for name, value in record.items() if name not in {"conclusion", "regulation"}}
    members = {
        "doc_type": "calibration_certificate",
        "kind": "calibration",
        "specification": SPECIFICATION,
        "results": make_values(),
        "seals": [],
        "validity": {"kind": "none"},
    }
    return {name: value for name, value in (kept | members | changes).items() if value is not None}


def make_calibration(number=1, **changes):
    return to_calibration(make_record(number, no=f"XZ2026-{number:06}"), **changes)


def to_paper(record, **changes):
    """Return the entry of a paper certificate about the same instrument; a change to None drops the member."""
    names = ("v", "issuer", "instrument", "regulation", "nonce", "kind")
    members = {
        "doc_type": "paper_register",
        "no": "2019检字第0001号",
        "standards": [],
        "results": [],
        "seals": [],
        "persons": [],
        "adjusted": False,
        "conclusion": "pass",
        "verified_on": "2019-03-04",
        "issued_on": "2019-03-06",
        "validity": {"kind": "date", "until": "2019-09-03"},
        "paper": ENTRY,
    }
    kept = {name: record[name] for name in names if name in record}
    return {name: value for name, value in (kept | members | changes).items() if value is not None}


def make_paper(number=1, **changes):
    return to_paper(make_record(number), **changes)


def found_for_all_kinds():
    """Return a ledger whose institution may verify and calibrate."""
    ledger = MemoryLedger().found()
    ledger.append(ledger.scope(version=1, kinds=frozenset(VerificationKind)))
    return ledger
