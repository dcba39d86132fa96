"""A line whose day goes through the sign-off: three persons, each with a key under a passphrase of their own.

>>> line = SignOffLine(tmp_path)
>>> with line.chain():
...     line.found()
...     line.register()
...     line.sign_all(line.draft(1, 2))
"""

from line import DAY, INSTITUTION, Line, write_json, write_rows
from registered_line import CATEGORIES, MAKER, PEOPLE, PERIOD, STANDARD

OPERATOR, CHECKER, APPROVER = PEOPLE


class SignOffLine(Line):
    """Moves drafts by commands."""

    def init(self):
        if "--traceability-root" not in self.options:
            self.options = ["--traceability-root", "NIM", *self.options]
        super().init()

    def _institution_file(self):
        file = super()._institution_file()
        file["desk"]["staff"] = {"p-0001": "林示例", "p-0002": "陈示例", "p-0003": "张示例"}
        return file

    def secret(self, name):
        path = self.out / f"{name}.passphrase"
        if not path.exists():
            path.write_text(f"the long passphrase of {name}\n", "utf-8")
        return path

    def register(self):
        for name in PEOPLE:
            self.run("authority", "keygen", name, "--passphrase-file", self.secret(name))
        institution = self._institution_file()["institution"] | {"registers": ["person", "standard"]}
        decisions = [
            self.decide("institution", institution, version=1),
            self.decide("standard", STANDARD),
            *(self.person(name) for name in PEOPLE),
        ]
        self.run("authority", "submit", *decisions)

    def person(self, name, version=0, **changes):
        """Return the decision that registers a person with their key."""
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
        self.run("authority", "endorse", draft, "--key", name, "--passphrase-file", self.secret(name))
        return self._sign(draft, [], "authority")

    def content(self, number, **changes):
        point = {
            "nominal": "20.00",
            "measured": "20.02",
            "error": "0.10",
            "mpe": "0.30",
            "u": "0.05",
            "pass": True,
        }
        used = {name: STANDARD[name] for name in ("id", "name", "exam_no", "range", "u")}
        value = {
            "request_id": f"pump-{number}",
            "kind": "periodic",
            "instrument": {
                "category": "FUEL_DISPENSER", "name": "燃油加油机", "model": "EX-1224", "serial": f"SN{number}",
                "maker": MAKER, "purpose": "trade", "site": {"division": "350102"},
            },
            "standards": [used | {"exam_until": STANDARD["until"]}],
            "results": [
                {"item": "indication_error", "unit": "L", "error_unit": "%", "points": [point], "pass": True}
            ],
            "conclusion": "pass",
            "adjusted": False,
            "verified_on": DAY.isoformat(),
        }  # fmt: skip
        return value | changes

    def office(self, *words, code=0):
        """Run a command of the desk."""
        return self.run("desk", *words, code=code)

    def accept(self):
        words = ("--applicant", "福州示例石油有限公司", "--code", "91350100M000100Y43", "--what", "加油机")
        options = ("--received-on", DAY.isoformat(), "--person", OPERATOR, "--institution", self.institution)
        return self.office("accept", *words, *options)["application"]

    def draft(self, *numbers, **changes):
        """Make drafts of pumps; return their ids."""
        path = write_rows(self.out / "drafts.jsonl", [self.content(number, **changes) for number in numbers])
        return self.office("draft", path, "--application", self.accept(), "--person", OPERATOR)["drafts"]

    def signing(self, name):
        return ("--person", name, "--key-passphrase-file", self.secret(name))

    def submit(self, ids, code=0):
        named = ("--checker", CHECKER, "--approver", APPROVER)
        return self.office("submit", *ids, *self.signing(OPERATOR), *named, code=code)

    def check_drafts(self, ids, code=0):
        return self.office("check", *ids, *self.signing(CHECKER), code=code)

    def draw(self, ids, *, opened=True):
        batch = self.office("batch", *ids, "--person", APPROVER)
        for draft in batch["to_open"] if opened else ():
            self.office("show", draft, "--person", APPROVER)
        return batch["batch"]

    def approve(self, batch, *options, code=0):
        return self.office("approve", batch, *self.signing(APPROVER), *options, code=code)

    def sign_all(self, ids, *options):
        """Take drafts through every step; return what became of the approval."""
        assert not self.submit(ids)["refused"]
        assert not self.check_drafts(ids)["refused"]
        return self.approve(self.draw(ids), *options)
