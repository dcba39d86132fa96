"""Records of every kind that a DCC must render, by name; and the published certificate of each.

certificate = publish(RECORDS["rejection"])
"""

import hashlib

from further_kinds import GUARDED, SIMPLE, make_calibration, make_value, make_values
from ledger_in_memory import make_point, make_record, make_rejection, make_result, make_signer, seal_record

from ledger.core.canonical import encode_canonical_json
from ledger.core.certificate import parse_certificate
from ledger.core.disclosure import DisclosedMember, Disclosure, conceal

HASH = "ab" * 32
SALT = bytes(range(16))
PERSONAL = {
    "applicant": {"name": "福州示例石油有限公司", "code": "91350100M000100Y43"},
    "instrument.owner": {"name": "示例加油站"},
    "instrument.site.address": "福州市鼓楼区示例路1号",
    "place.where": "二号加油岛",
    "persons.0.name": "林𠮷示例",
}
"""Values behind the commitments of the record `full`."""


def hide(path):
    return conceal(PERSONAL[path], SALT)


def publish(record):
    """Return the sealed certificate of a record."""
    return parse_certificate(encode_canonical_json(seal_record(record, make_signer("seal"))))


def disclose(certificate, members=PERSONAL, salt=SALT):
    """Return what the holder has beside the certificate."""
    return Disclosure(
        certificate.digest, {path: DisclosedMember(salt, value) for path, value in members.items()}
    )


def _make_full():
    plain = make_record(7)
    return make_record(
        7,
        kind="after_repair",
        applicant=hide("applicant"),
        instrument={
            **plain["instrument"],
            "local_id": "福-001",
            "range": "(5~50) L/min",
            "class": "0.3",
            "year": 2020,
            "cpa_no": "2018F258-32",
            "purpose": "trade",
            "software": {"id": "V1.2 <b>&amp;", "hash": HASH},
            "codes": {"production": "P-1", "repair": "R-1", "verification": "V-1"},
            "parts": [{"id": "1", "name": "1号枪（92#）", "serial": "N1"}, {"id": "2"}],
            "owner": hide("instrument.owner"),
            "site": {"division": "350102", "address": hide("instrument.site.address")},
        },
        place={"kind": "on_site", "where": hide("place.where")},
        environment={
            "temperature": {"value": "20.50", "unit": "°C"},
            "humidity": {"value": "60", "unit": "%RH"},
            "other": "无风",
        },
        standards=[_make_standard()],
        results=_make_results(),
        class_awarded="0.3级",
        adjusted=True,
        seals=[{"no": "闽榕4411082", "point": "主板与机壳"}, {"no": "A 2", "point": "传感器"}],
        sticker_id="S-0001",
        lot={"no": "L1", "size": 1000},
        raw_record={"no": "Y1", "hash": HASH},
        validity={"kind": "date", "until": "2026-08-27", "reason": "按规程缩短"},
        replaces={"no": "JY2026-000003", "reason": "TYPO"},
        persons=[{**plain["persons"][0], "name": hide("persons.0.name")}, *plain["persons"][1:]],
    )


def _make_standard():
    instruments = [
        {"no": "M1", "cert_no": "C1", "cert_hash": HASH, "until": "2026-12-31"},
        {"no": "M2", "cert_no": "C2", "until": "2026-01-31"},
    ]
    return {
        "id": "350100-17",
        "name": "标准金属量器标准装置",
        "exam_no": "〔2024〕闽量标证字第1号",
        "exam_until": "2028-12-31",
        "range": "(5~100) L",
        "u": "U=0.05%, k=2",
        "instruments": instruments,
    }


def _make_results():
    failed = [make_point("0.50", "0.30", passed=False, nominal="20.00", measured="20.10", u="0.050")]
    before = {"points": failed, "pass": False, "before_adjustment": True}
    return [
        make_result("indication_error", "L", part="1") | before,
        make_result("indication_error", "L", part="1"),
        make_result("indication_error", "L", part="2", k="1.96"),
        {"item": "repeatability", "error_unit": "%", "points": [make_point("0.03", "0.10")], "pass": True},
    ]


def _take_away(record, *names):
    return {name: value for name, value in record.items() if name not in names}


_MONEY = {
    "item": "fare",
    "unit": "CNY",
    "error_unit": "CNY",
    "points": [make_point("0.10", "0.20")],
    "pass": True,
}
_SCALE = {
    "item": "load",
    "unit": "kg",
    "error_unit": "e",
    "points": [make_point("-0.5", "1.0")],
    "pass": True,
}
_BEFORE_ONLY = make_result("indication_error", "L") | {"before_adjustment": True, "pass": False}
_WITHOUT_LIMIT = make_result("x_item", "L", points=[{"error": "-0.10", "pass": True, "u": "0.05"}])

_BEFORE = make_values(make_value("0.40", measured="20.08", mpe="0.30"), before_adjustment=True)
_JUDGED = make_values(make_value("0.10", measured="20.02", mpe="0.30"))
COMPARISON = {
    "name": "示例比对",
    "unit": "L",
    "value": "20.02",
    "u": "0.05",
    "reference": "20.00",
    "reference_u": "0.03",
}

RECORDS = {
    "plain": make_record(1),
    "full": _make_full(),
    "rejection": make_rejection(2),
    "replacement": make_record(3, replaces={"no": "JY2026-000001", "reason": "WRONG_RESULT"}),
    "lot": make_record(4, lot={"no": "MJ-0457", "size": 2}),
    "without regulation": make_record(5, regulation=None),
    "without results": make_record(6, results=[]),
    "without readings": make_record(6, results=[make_result("indication_error", "L", points=[])]),
    "without persons": make_record(8, persons=[]),
    "without seals, site and parts": make_record(
        9,
        seals=[],
        results=[],
        instrument=_take_away(make_record(9)["instrument"], "parts", "site", "maker", "model"),
    ),
    "only before adjustment": make_record(10, results=[_BEFORE_ONLY], adjusted=True),
    "money and scale intervals": make_record(11, results=[_MONEY, _SCALE]),
    "service life": make_record(12, validity={"kind": "service_life", "until": "2032-02-27"}),
    "no date": make_record(13, validity={"kind": "none"}),
    "laboratory": make_record(14, place={"kind": "laboratory"}),
    "concealed": make_record(15, applicant={"sd": hashlib.sha256(b"x").hexdigest()}),
    "without limit and factor": make_record(16, results=[_take_away(_WITHOUT_LIMIT, "k")]),
    "only other conditions": make_record(17, environment={"other": "室外"}),
    "empty environment": make_record(18, environment={}),
    "calibration": make_calibration(19),
    "calibration that conforms": make_calibration(
        20, results=[*_BEFORE, *_JUDGED], adjusted=True, conclusion="pass", decision_rule=GUARDED
    ),
    "calibration left undecided": make_calibration(
        21,
        results=make_values(make_value("0.30", measured="20.06", mpe="0.30")),
        conclusion="conditional",
        decision_rule=GUARDED,
        validity={"kind": "date", "until": "2027-02-27", "agreed": True},
    ),
    "calibration that does not conform": make_calibration(
        22,
        results=make_values(make_value("0.40", measured="20.08", mpe="0.30")),
        conclusion="fail",
        decision_rule=SIMPLE,
        regulation={"id": "JJG 443-2023(试行)", "title": "燃油加油机"},
        comparisons=[COMPARISON],
    ),
}
