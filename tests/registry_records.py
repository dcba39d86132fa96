"""Real records of a foreign register: 22 verifications of instruments that share one serial number."""

import json
from datetime import datetime

from vectors import vector_path

from ledger.core.encoding import encode_date

TWICE = ("1-147744055", "1-153178387")
"""The data do not tell these two apart: one instrument, verified twice."""
WITHOUT_END = "31.12.2099"


def load_records():
    table = json.loads(vector_path("domain", "registries", "arshin_serial_000257_2022.json").read_bytes())
    return [dict(zip(table["fields"], record, strict=True)) for record in table["records"]]


def parse_day(text):
    return datetime.strptime(text, "%d.%m.%Y").date()  # noqa: DTZ007 -- a calendar date


def to_document(record):
    """Return a register's record as an input document; who signed is not in the register."""
    day = encode_date(parse_day(record["verification_date"]))
    endless = record["valid_date"] == WITHOUT_END
    validity = (
        {"kind": "none"}
        if endless
        else {"kind": "date", "until": encode_date(parse_day(record["valid_date"]))}
    )
    return {
        "request_id": record["vri_id"],
        "no": record["result_docnum"],
        "kind": "periodic",
        "instrument": {
            "category": "OTHER",
            "name": record["mit_title"],
            "model": record["mi_modification"],
            "serial": record["mi_number"],
            "cpa_no": record["mit_number"],
            "owner": {"name": record["org_title"], "organisation": True},
        },
        "conclusion": "pass" if record["applicability"] else "fail",
        "adjusted": False,
        "verified_on": day,
        "validity": validity,
        "persons": [
            {"role": role, "pid": f"REGISTER-{role}", "signed_at": f"{day}T0{hour}:00:00Z"}
            for hour, role in enumerate(("operator", "checker", "approver"), start=4)
        ],
    }
