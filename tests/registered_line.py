"""A line whose registers are whole, through the commands: three persons with keys, a standard, a type.

>>> line = RegisteredLine(folder)
>>> line.register()
"""

import json

from line import DAY, INSTITUTION, Line, write_json

MAKER = "示例机械有限公司"
PEOPLE = {"p-0001": "operator", "p-0002": "checker", "p-0003": "approver"}
PERIOD = {"from": "2024-01-01", "until": f"{DAY.year + 4}-12-31", "state": "active"}
CATEGORIES = {"categories": ["FUEL_DISPENSER"]}
STANDARD = PERIOD | CATEGORIES | {
    "institution": INSTITUTION,
    "id": "350100-17",
    "name": "标准金属量器标准装置",
    "exam_no": "〔2024〕闽量标榕证字第017号",
    "public_no": "〔2024〕闽社量标榕证字第017号",
    "range": "(5~100) L",
    "u": "U=0.05%, k=2",
    "instruments": [
        {
            "no": "17-1",
            "cert_no": "CDjc-01234",
            "cert_hash": "ab" * 32,
            "dated": "2025-09-01",
            "until": f"{DAY.year + 1}-12-31",
            "source": {"root": "NIM"},
        }
    ],
}  # fmt: skip
TYPE = {
    "number": "2018F258-32",
    "category": "FUEL_DISPENSER",
    "maker": MAKER,
    "models": ["EX-1224"],
    "from": "2018-06-01",
    "state": "active",
}


class RegisteredLine(Line):
    """A line whose registers are whole, and whose persons sign."""

    def register(self):
        for name in PEOPLE:
            self.run("authority", "keygen", name)
        institution = self._institution_file()["institution"]
        institution |= {"registers": ["person", "standard", "type_approval"]}
        decisions = [
            self.decide("institution", institution, version=1),
            self.decide("standard", STANDARD),
            self.decide("type-approval", TYPE),
            *(self.person(name) for name in PEOPLE),
        ]
        self.run("authority", "submit", *decisions)

    def person(self, name, version=0, **changes):
        content = (
            PERIOD | CATEGORIES | {"institution": INSTITUTION, "id": name, "qualification": "registered"}
        )
        content |= {"roles": [PEOPLE[name]]} | changes
        folder = self.out / name
        folder.mkdir(exist_ok=True)
        draft = folder / f"{version}.json"
        source = write_json(draft.with_suffix(".content"), content)
        words = ("--issuer", "CN-35", "--expected-version", version, "--new-key", name, "--out", draft)
        self.run("authority", "draft", "person", source, *words)
        return self._sign(draft, [name], "authority")

    def pump(self, number, **changes):
        keys = {name: self.opened.keystore.label(name).public_key.multikey for name in PEOPLE}
        point = {
            "nominal": "20.00",
            "measured": "20.02",
            "error": "0.10",
            "mpe": "0.30",
            "u": "0.05",
            "pass": True,
        }
        document = {
            "request_id": f"pump-{number}",
            "kind": "periodic",
            "instrument": {
                "category": "FUEL_DISPENSER", "name": "燃油加油机", "model": "EX-1224", "serial": f"SN{number}",
                "maker": MAKER, "cpa_no": "2018F258-32", "purpose": "trade", "site": {"division": "350102"},
            },
            "standards": [
                {
                    "id": "350100-17", "name": "标准金属量器标准装置", "exam_no": STANDARD["exam_no"],
                    "exam_until": STANDARD["until"], "range": STANDARD["range"], "u": STANDARD["u"],
                }
            ],
            "results": [
                {"item": "indication_error", "unit": "L", "error_unit": "%", "points": [point], "pass": True}
            ],
            "conclusion": "pass",
            "adjusted": False,
            "verified_on": DAY.isoformat(),
            "persons": [{"role": role, "pid": name, "key": keys[name]} for name, role in PEOPLE.items()],
        }  # fmt: skip
        return write_json(self.out / f"pump-{number}.json", document | changes)

    def issue_words(self, *files, anchor=True, out=True):
        keys = [word for name in PEOPLE for word in ("--person-key", name)]
        return [*super().issue_words(*files, anchor=anchor, out=out), *keys]

    def init(self):
        """Make the home, whose policy believes the external root."""
        super().init()
        config = self.home / "home.toml"
        text = config.read_text("utf-8")
        if "traceability_roots" not in text:
            config.write_text(text.replace("[settings]", '[settings]\ntraceability_roots = ["NIM"]'), "utf-8")

    def doubt_root(self):
        """Return a policy that believes no external root."""
        policy = json.loads(self.policy.read_bytes())
        assert policy.pop("traceability_roots") == ["NIM"]
        return write_json(self.out / "doubting.json", policy)
