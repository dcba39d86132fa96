"""The whole line through its own commands: a home with root, authority and institution, and rows to issue.

    line = Line(tmp_path)
    with line.chain():                     # the development chain runs meanwhile: each command finds it
        line.found()                       # init, chain deploy, authority
        line.issue(write_meters(tmp_path / "meters.jsonl", 20))
        line.verify("JY2026-000001")["verdict"]

Every command is called with `--json` and must answer with one JSON object and the expected exit code.
"""

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy

from api.cli import main
from issuer.outputs import encode_folder_name
from ledger.anchoring.binding import read_binding
from ledger.chain.client import ChainClient
from ledger.core.authority import Power
from ledger.core.category import Category
from ledger.core.entry import parse_leaf
from ledger.core.event import EventType
from ledger.core.record import VerificationKind
from ledger.home import Home, open_home
from ledger.node import open_node

DAY = date.today() - timedelta(days=1)  # noqa: DTZ011 -- the real clock judges these documents
"""Day 0 of every offset: yesterday, so that all its times have passed in every zone."""

INSTITUTION = "350100-01"
AUTHORISATION_NO = "(闽)法计(2025)35001号"
HOST = "localhost:8000"
FOUNDED = 10
"""Leaves after `Line.found`: each register event is a batch of its own, and a MAPHEAD ends each."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def members(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        assert self.out.endswith("\n"), self
        assert "Traceback" not in self.err, self.err
        return json.loads(self.out)


def run(*words: object) -> Answer:
    """Run a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main([str(word) for word in words])
        except SystemExit as stop:  # argparse says what is wrong with the arguments in this way
            code = stop.code
    return Answer(code, out.getvalue(), err.getvalue())


def run_process(*words: object, **environment: str) -> Answer:
    """Run a command in a process of its own, without a terminal."""
    done = subprocess.run(
        command(*words),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env={**os.environ, **environment},
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def command(*words: object) -> list[str]:
    """Return the argument list that runs a command as its own process."""
    return [sys.executable, "-P", "-c", "from api.cli import run; run()", *map(str, words)]


@dataclass(slots=True)
class Line:
    """One folder with a home and what is made with it."""

    out: Path
    options: Sequence[object] = ()
    """For `init`: `--node`, `--database`, `--desk-database`."""
    scope: Mapping[str, Any] = field(default_factory=dict)
    """Members of the scope line that differ from the usual ones."""
    anywhere: bool = False
    """Authority, institution and scope have no region."""

    @property
    def home(self) -> Path:
        return self.out / "home"

    @property
    def opened(self) -> Home:
        return open_home(self.home)

    @property
    def policy(self) -> Path:
        return self.home / "policy.json"

    @property
    def institution(self) -> Path:
        return self.out / "institution.json"

    # --- commands -------------------------------------------------------------------------------------------

    def run(self, *words: object, code: int = 0) -> dict[str, Any]:
        """Run a command in this home; return its object."""
        return self.check(run(*words, "--home", self.home, "--json"), code)

    @staticmethod
    def check(answer: Answer, code: int = 0) -> dict[str, Any]:
        assert answer.code == code, answer
        return answer.members

    def found(self) -> None:
        """Do all that comes before the first certificate."""
        self.init()
        self.run("chain", "deploy")
        self.set_up_authority()

    def init(self) -> None:
        self.out.mkdir(parents=True, exist_ok=True)
        self.run("init", "--development", "--host", HOST, *self.options)

    def set_up_authority(self) -> None:
        """Root, authority, institution, its seal key and its scope, in the log."""
        for key in ("root", "authority", "seal"):
            self.run("authority", "keygen", key)
        path = self.out / "root.json"
        self.run("authority", "root", "--root-key", "root", "--out", path)
        statements = [self._sign(path, ["root"], "root")]
        for event, issuer, new_key, endorsers, signer, content in self._decisions():
            statements.append(self.decide(event, content, issuer, signer, endorsers, new_key=new_key))
        write_json(self.institution, self._institution_file())
        self.run("authority", "submit", *statements)

    def decide(
        self,
        event: str,
        content: Mapping[str, Any],
        issuer: str = "CN-35",
        signer: str = "authority",
        endorsers: Sequence[str] = (),
        *,
        new_key: str | None = None,
        version: int = 0,
    ) -> Path:
        """Draft, endorse and sign a decision; return the statement's path."""
        draft = self.out / f"{event}-{version}.json"
        source = write_json(draft.with_suffix(".content"), content)
        options = ["--issuer", issuer, "--expected-version", version, "--out", draft]
        options += [] if new_key is None else ["--new-key", new_key]
        self.run("authority", "draft", event, source, *options)
        return self._sign(draft, endorsers, signer)

    def _sign(self, draft: Path, endorsers: Sequence[str], signer: str) -> Path:
        for key in endorsers:
            self.run("authority", "endorse", draft, "--key", key)
        statement = draft.with_suffix(".statement")
        self.run("authority", "sign", draft, "--key", signer, "--out", statement)
        return statement

    def issue_words(self, *files: Path, anchor: bool = True, out: bool = True) -> list[object]:
        """Return the command that issues these files."""
        words = ["issue", *files, "--institution", self.institution, "--base-date", DAY]
        return [*words, *(["--out", self.out] if out else []), *(["--anchor"] if anchor else [])]

    def issue(self, *files: Path, code: int = 0, anchor: bool = True, out: bool = True) -> dict[str, Any]:
        return self.run(*self.issue_words(*files, anchor=anchor, out=out), code=code)

    def verify(self, document: object, *options: object, code: int | None = None) -> dict[str, Any]:
        """Verify a document, or the bundle of a certificate number, by this home's policy."""
        if isinstance(document, str) and "/" not in document:
            document = self.folder(document) / "bundle.json"
        answer = run("verify", document, "--policy", self.policy, "--json", *options)
        assert code is None or answer.code == code, answer
        return answer.members | {"code": answer.code}

    # --- what is there --------------------------------------------------------------------------------------

    def folder(self, number: str) -> Path:
        return self.out / "certificates" / encode_folder_name(number)

    def folders(self) -> list[Path]:
        return sorted((self.out / "certificates").iterdir())

    @contextmanager
    def chain(self) -> Iterator[str]:
        """Keep the home's chain running."""
        if not self.home.exists():
            self.init()
        with open_node(self.opened) as url:
            yield url

    def desk(self) -> list[tuple[str, str, str, int | None]]:
        """Return request id, number, state and leaf index of every document that the desk knows, by number."""
        return _query(
            self.opened.desk_database_url,
            "desk_documents",
            "SELECT request_id, number, state, leaf_index FROM desk_documents ORDER BY number",
        )

    def anchors(self) -> list[tuple[int, str]]:
        """Return size and state of every anchor."""
        query = "SELECT tree_size, state FROM anchors ORDER BY tree_size"
        return _query(self.opened.database_url, "anchors", query)

    def leaves(self) -> list[bytes]:
        """Return every leaf of the log."""
        rows = _query(self.opened.database_url, "entries", "SELECT leaf FROM entries ORDER BY leaf_index")
        return [bytes(row[0]) for row in rows]

    def statements(self) -> list[bytes]:
        """Return every leaf but the MAPHEADs, one of which ends each batch."""
        return [leaf for leaf in self.leaves() if parse_leaf(leaf).header.type is not EventType.MAPHEAD]

    def events(self, url: str) -> list[int]:
        """Return the sizes of all Anchored events of this log on the chain, in their order."""
        binding = read_binding(self.opened)
        from contracts.registry import ANCHORED_TOPIC, parse_anchored_event

        with ChainClient(url) as client:
            newest = client.block("latest").number
            topics = [ANCHORED_TOPIC, binding.chain.log_id]
            found = client.logs(binding.chain.contract, topics, 0, newest)
        return [parse_anchored_event(entry.topics, entry.data).size for entry in found]

    def snapshot(self) -> dict[str, object]:
        """Return all that a command without effect must leave as it is: files, and rows of both databases."""
        files = {
            str(path.relative_to(self.out)): path.read_bytes()
            for path in sorted(self.out.rglob("*"))
            if path.is_file() and not _is_working_file(path)
        }
        urls = {self.opened.database_url, self.opened.desk_database_url}
        return files | {f"{url} {table}": rows for url in urls for table, rows in _dump(url)}

    # --- contents of the first decisions --------------------------------------------------------------------

    def _institution_file(self) -> dict[str, Any]:
        return {
            "institution": self._place(_institution()),
            "scopes": {"S1": self._place({**_scope(), **self.scope})},
            "desk": {"numbers": {"pattern": "{prefix}{year}-{counter:06d}", "prefix": "JY"}},
        }

    def _decisions(self) -> list[tuple[str, str, str | None, list[str], str, dict[str, Any]]]:
        authority = {
            "id": "CN-35",
            "name": {"zh": "福建省市场监督管理局", "en": "Fujian Administration for Market Regulation"},
            "division": "35",
            "powers": sorted(Power),
            "from": "2020-01-01",
            "until": f"{DAY.year + 5}-12-31",
            "state": "active",
        }
        key = {"institution": INSTITUTION, "state": "active"}
        scope = {**_scope(), **self.scope, "id": "S1", "institution": INSTITUTION}
        authority, institution, scope = map(self._place, (authority, _institution(), scope))
        return [
            ("delegate", "ROOT", "authority", ["root", "authority"], "root", authority),
            ("institution", "CN-35", None, [], "authority", institution),
            ("key", "CN-35", "seal", ["seal"], "authority", key),
            ("scope", "CN-35", None, [], "authority", scope),
        ]

    def _place(self, members: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in members.items() if name != "division" or not self.anywhere}


def _query(url: str, table: str, query: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query; none where the table is not there yet."""
    with _connected(url) as connection:
        if not sqlalchemy.inspect(connection).has_table(table):
            return []
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def _dump(url: str) -> Iterator[tuple[str, list[str]]]:
    with _connected(url) as connection:
        for table in sqlalchemy.inspect(connection).get_table_names():
            if table == "conditions":  # when a command last looked around
                continue
            yield table, sorted(repr(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table}"))


@contextmanager
def _connected(url: str) -> Iterator[sqlalchemy.Connection]:
    engine = sqlalchemy.create_engine(url)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _institution() -> dict[str, Any]:
    return {
        "id": INSTITUTION,
        "name": {"zh": "福州市计量所", "en": "Fuzhou Institute of Metrology"},
        "credit_code": "91350100M000100Y43",
        "division": "350100",
        "state": "active",
    }


def _scope() -> dict[str, Any]:
    return {
        "authorisation_no": AUTHORISATION_NO,
        "categories": sorted(Category.__members__),
        "kinds": sorted(VerificationKind),
        "division": "3501",
        "from": "2020-01-01",
        "until": f"{DAY.year + 5}-12-31",
        "state": "active",
    }


def _is_working_file(path: Path) -> bool:
    """Say whether a file changes without meaning: databases are compared by their rows, chains by their events."""
    return path.name.startswith(("ledger.db", "desk.db", "ledger.lock")) or path.parent.name in {
        "devchain",
        "anvil",
    }


# --- input files --------------------------------------------------------------------------------------------


def meter(number: int, **changes: object) -> dict[str, Any]:
    """Return an input document of a household water meter on its first verification."""
    points = [
        {"nominal": flow, "measured": measured, "error": error, "mpe": mpe, "pass": True}
        for flow, measured, error, mpe in (
            ("10.000", "10.050", "0.5", "2"),
            ("10.000", "9.960", "-0.4", "2"),
            ("10.000", "9.880", "-1.2", "5"),
        )
    ]
    persons = [
        {"role": role, "pid": f"P{place}", "name": name, "signed_at": {"day": 0, "time": f"1{place}:00:00"}}
        for place, (role, name) in enumerate(
            (("operator", "张三"), ("checker", "李四"), ("approver", "王五"))
        )
    ]
    return {
        "request_id": f"M-{number}",
        "kind": "initial",
        "instrument": {
            "category": "WATER_METER_SMALL",
            "name": "冷水水表",
            "model": "LXS-15E",
            "serial": f"{240_000_000 + number}",
            "maker": "示例水表有限公司",
            "site": {"division": "350102"},
        },
        "results": [
            {"item": "indication_error", "unit": "L", "error_unit": "%", "points": points, "pass": True}
        ],
        "conclusion": "pass",
        "adjusted": False,
        "verified_on": {"day": -1},
        "persons": persons,
        **changes,
    }


def failed_meter(number: int) -> dict[str, Any]:
    """Return a meter that has failed: it gets a rejection notice."""
    value = meter(number, conclusion="fail")
    value["results"][0] |= {"pass": False}
    value["results"][0]["points"][0] |= {"measured": "10.450", "error": "4.5", "pass": False}
    return value


def write_meters(path: Path, count: int, first: int = 1) -> Path:
    """Write a lot of water meters as JSON lines."""
    return write_rows(path, [meter(number) for number in range(first, first + count)])


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


def write_json(path: Path, value: Mapping[str, Any]) -> Path:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return path


def copy_folder(source: Path, target: Path) -> Path:
    """Copy a folder with a home in which nothing runs."""
    shutil.copytree(source, target)
    return target
