"""Bad input through the commands: a sentence naming field or row, exit code 2, and nothing has changed."""

import copy
import json
import shutil

import pytest
import zxingcpp
from line import DAY, Line, meter, run, write_json, write_meters
from PIL import Image
from sheets import pack, spoil, unpack, workbook

from ledger.core.canonical import encode_canonical_json


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """A home that has issued two certificates; none of the tests may change it."""
    line = Line(tmp_path_factory.mktemp("line"))
    with line.chain():
        line.found()
        line.issue(write_meters(line.out / "good.jsonl", 2))
    return line


@pytest.fixture
def refused(line, tmp_path):
    """Return what runs a command twice, for people and for programs, and finds its refusal."""

    def refuse(*words, mentions):
        before = line.snapshot()
        for_people, for_programs = run(*words), run(*words, "--json")
        assert line.snapshot() == before
        assert (for_people.code, for_people.out) == (2, ""), for_people
        assert for_programs.code == 2
        assert "Traceback" not in for_people.err
        members = for_programs.members
        said = json.dumps(members, ensure_ascii=False)
        for mention in mentions:
            assert mention in for_people.err, for_people.err
            assert mention in said or mention.startswith("row "), said
        return members

    return refuse


@pytest.fixture
def refused_rows(line, refused, tmp_path):
    """Return what issues a file of this content and finds its refusal."""

    def refuse(name, raw, *mentions):
        (tmp_path / name).write_bytes(raw)
        words = line.issue_words(tmp_path / name, anchor=False)
        return refused(*words, "--home", line.home, mentions=mentions)

    return refuse


# --- documents ----------------------------------------------------------------------------------------------


def row(**changes):
    """Return a row as it would be accepted, but for the changes."""
    return meter(50, **changes)


def changed(*path, to):
    value = copy.deepcopy(row())
    target = value
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = to
    return value


def spelled(value):
    return json.dumps(value, ensure_ascii=False).encode()


def respelled(before, after):
    raw = spelled(row())
    assert raw.count(before) == 1
    return raw.replace(before, after)


POINT = ("results", 0, "points", 0)
DOCUMENTS = {
    "cut off": (spelled(row())[:-20], ""),
    "no JSON": (b"request_id: M-50", ""),
    "not an object": (b'["M-50"]', "object"),
    "a member twice": (respelled(b'"serial": ', b'"serial": "1", "serial": '), "serial"),
    "a float": (respelled(b'"4.5"' if b'"4.5"' in spelled(row()) else b'"-1.2"', b"-1.2"), "error"),
    "NaN": (respelled(b'"-1.2"', b"NaN"), "NaN"),
    "infinity": (respelled(b'"-1.2"', b"-Infinity"), "Infinity"),
    "a number in words": (spelled(changed(*POINT, "error", to="half")), "results[0].points[0].error"),
    "an exponent": (spelled(changed(*POINT, "error", to="5e-1")), "results[0].points[0].error"),
    "a huge integer": (spelled(changed("instrument", "year", to=10**400)), ""),
    "null": (spelled(row(place=None)), "place"),
    "an unknown member": (spelled(row(colour="blue")), "colour"),
    "an unknown inner member": (spelled(changed("instrument", "colour", to="blue")), "colour"),
    "a member of the desk": (spelled(row(nonce="0" * 32)), "nonce"),
    "a missing member": (spelled({k: v for k, v in row().items() if k != "conclusion"}), "conclusion"),
    "an unknown category": (
        spelled(changed("instrument", "category", to="SUNDIAL")),
        "instrument.category",
    ),
    "an unknown unit": (spelled(changed("results", 0, "unit", to="pint")), "results[0].unit"),
    "an impossible date": (spelled(row(verified_on="2026-02-30")), "verified_on"),
    "a date of another calendar": (spelled(row(verified_on="30.02.2026")), "verified_on"),
    "an impossible time": (
        spelled(changed("persons", 0, "signed_at", to={"day": 0, "time": "25:00:00"})),
        "persons[0].signed_at",
    ),
    "an endless offset": (spelled(row(verified_on={"day": 10**9})), "verified_on"),
    "a day that has not come": (spelled(row(verified_on={"day": 30})), "before the verification"),
    "an expiry later than the rule": (
        spelled(row(validity={"kind": "service_life", "until": {"day": 20_000}})),
        "validity.until",
    ),
    "a wrong pass mark": (spelled(changed(*POINT, "error", to="9.9")), "results[0].points[0]"),
    "a lone surrogate": (respelled("冷水水表".encode(), b"\\ud800"), ""),
    "a zero character": (respelled("冷水水表".encode(), b"a\\u0000b"), ""),
    "too deep": (b'{"place": ' + b"[" * 5000 + b"]" * 5000 + b"}", ""),
    "the wrong encoding": (json.dumps(row(), ensure_ascii=False).encode("gbk"), ""),
    "a byte order mark": (b"\xef\xbb\xbf" + spelled(row()), ""),
    "another institution": (spelled(row(issuer={"id": "110000-09"})), "issuer.id"),
    "out of region": (
        spelled(changed("instrument", "site", "division", to="440100")),
        "instrument.site.division",
    ),
    "a used number": (spelled(row(no="JY{year}-000001")), "no"),
    "a used request id": (spelled({**row(), "request_id": "M-1"}), "M-1"),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_bad_row_is_named_and_no_other_row_is_issued(line, refused_rows, name):
    bad, field = DOCUMENTS[name]
    bad = bad.replace(b"{year}", line.desk()[0][1][2:6].encode())
    members = refused_rows("rows.jsonl", b"\n".join([spelled(meter(60)), bad, spelled(meter(61))]), field)
    assert {fault["row"] for fault in members["faults"]} == {2}
    assert all(fault["en"] and fault["zh"] and fault["code"] for fault in members["faults"])


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_bad_document_is_named(line, refused_rows, name):
    bad, field = DOCUMENTS[name]
    bad = bad.replace(b"{year}", line.desk()[0][1][2:6].encode())
    refused_rows("document.json", bad, field)


TABLE_ROW = {
    "request_id": "T-1",
    "kind": "initial",
    "conclusion": "pass",
    "adjusted": "false",
    "verified_on.day": "-1",
    "instrument.category": "WATER_METER_SMALL",
    "instrument.name": "冷水水表",
    "instrument.model": "LXS-15E",
    "instrument.serial": "900001",
}
COLUMNS, CELLS = ",".join(TABLE_ROW), ",".join(TABLE_ROW.values())
TABLES = {
    "an unknown column": (f"{COLUMNS},colour\n{CELLS},blue\n", ["colour"]),
    "a column twice": (f"{COLUMNS},kind\n{CELLS},initial\n", ["kind"]),
    "a cell too many": (f"{COLUMNS}\n{CELLS},more\n", ["row 2"]),
    "an open quote": (f'{COLUMNS}\n{CELLS}\n"T-2,initial\n', ["row 3"]),
    "no number": (f"{COLUMNS},lot.size\n{CELLS},many\n", ["row 2", "lot.size"]),
    "no yes or no": (f"{COLUMNS}\n{CELLS.replace('false', 'perhaps')}\n", ["row 2", "adjusted"]),
    "an unknown category": (
        f"{COLUMNS},instrument.maker\n{CELLS.replace('WATER', 'WINE')},Meter Works\n",
        ["row 2", "category"],
    ),
    "the same row twice": (f"{COLUMNS}\n{CELLS}\n{CELLS}\n", ["row 3"]),
    "no header": (f"{CELLS}\n", ["T-1"]),
}


@pytest.mark.parametrize("name", TABLES)
def test_faults_of_a_table_name_row_and_column(refused_rows, name):
    text, mentions = TABLES[name]
    refused_rows("table.csv", text.encode(), *mentions)


def test_a_table_in_the_wrong_encoding(refused_rows):
    refused_rows("table.csv", f"{COLUMNS}\n{CELLS}\n".encode("utf-16"), "UTF-8", "GB18030")


BOMB = pack({**unpack(workbook([["no"]])), "xl/media/x.bin": bytes(100_000_000)})
XXE = spoil(
    workbook([["no"]]),
    "xl/worksheets/sheet1.xml",
    lambda xml: xml.replace(b"?>", b'?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>', 1),
)
WORKBOOKS = {
    "no workbook": (b"no,kind\n1,x\n", ["not an XLSX workbook"]),
    "a bomb": (BOMB, ["unpacks to more than 200 times its size"]),
    "entities": (XXE, ["declares a document type or entities"]),
    "a path": (pack({**unpack(workbook([["no"]])), "../../evil": b"x"}), ["leads out of the file"]),
    "macros": (pack({**unpack(workbook([["no"]])), "xl/vbaProject.bin": b"x"}), ["holds macros"]),
    "a huge cell": (workbook([["no"], ["x" * 32_767]]), ["row 2", "no"]),
    "a formula": (workbook([["no"], [("=1+1", None, 2)]]), ["row 2", "cell A2", "formula"]),
    "a number": (workbook([["item.x.error"], [0.5]]), ["row 2", "cell A2", "General"]),
    "an unknown heading": (workbook([["颜色"]]), ["row 1", "颜色"]),
    "encrypted": (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504), ["password"]),
}


@pytest.mark.parametrize("name", WORKBOOKS)
def test_a_workbook_that_is_not_read_changes_nothing(refused_rows, name):
    raw, mentions = WORKBOOKS[name]
    refused_rows("table.xlsx", raw, *mentions)


def test_a_workbook_with_macros_by_its_name(refused_rows):
    refused_rows("table.xlsm", workbook([["no"]]), "macros")


@pytest.mark.parametrize(
    ("words", "mention"),
    [
        (["SUNDIAL", "--out", "{tmp}/t.xlsx"], "SUNDIAL"),
        (["TAXIMETER", "--out", "{tmp}/t.pdf"], "--out"),
        (["TAXIMETER", "--out", "{tmp}/nowhere/t.xlsx"], "t.xlsx"),
        (["TAXIMETER", "--out", "{tmp}/there.xlsx"], "there.xlsx"),
        (["TAXIMETER", "--out", "{tmp}/t.xlsx", "--on", "today"], "--on"),
        (["TAXIMETER", "--out", "{tmp}/t.xlsx", "--points", "0"], "--points"),
        (["PRICE_SCALE", "--out", "{tmp}/t.xlsx", "--on", "1990-01-01"], "PRICE_SCALE"),
        (["TAXIMETER"], "--out"),
    ],
)
def test_wrong_usage_of_template(refused, tmp_path, words, mention):
    (tmp_path / "there.xlsx").write_bytes(b"mine")
    refused("template", *(word.format(tmp=tmp_path) for word in words), mentions=[mention])
    assert [path.name for path in tmp_path.iterdir()] == ["there.xlsx"]
    assert (tmp_path / "there.xlsx").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("words", "mention"),
    [
        (["{out}/good.jsonl", "--errors", "{tmp}/e.xlsx"], "--errors"),
        (["{tmp}/a.csv", "{tmp}/a.csv", "--errors", "{tmp}/e.xlsx"], "--errors"),
        (["{tmp}/a.csv", "--errors", "{tmp}/e.csv"], "--errors"),
        (["{tmp}/a.csv", "--errors", "{tmp}/nowhere/e.xlsx"], "e.xlsx"),
    ],
)
def test_wrong_usage_of_a_workbook_of_errors(line, refused, tmp_path, words, mention):
    (tmp_path / "a.csv").write_text(f"{COLUMNS}\n{CELLS}\n", encoding="utf-8")
    given = [word.format(out=line.out, tmp=tmp_path) for word in words]
    refused("issue", *given, "--base-date", DAY, "--home", line.home, mentions=[mention])


def test_every_bad_row_is_reported_at_once(refused_rows):
    rows = [row(request_id=f"B-{number}", conclusion="perhaps", colour="blue") for number in range(7)]
    members = refused_rows("rows.jsonl", b"\n".join(map(spelled, rows)), "row 7")
    assert [fault["row"] for fault in members["faults"]] == sorted([*range(1, 8)] * 2)


@pytest.mark.parametrize(
    ("options", "mention"),
    [
        (["{out}/absent.jsonl"], "absent.jsonl"),
        (["{out}"], "directory"),
        (["{out}/good.xlsx"], "good.xlsx"),
        (["{out}/good.ods"], "good.ods"),
        (["{out}/good.jsonl", "--base-date", "yesterday"], "base"),
        (["{out}/good.jsonl", "--institution", "{out}/good.jsonl"], ""),
        (["{out}/good.jsonl", "--common", "{out}/good.jsonl"], ""),
        (["{out}/good.jsonl", "--common", "a", "--common", "b"], "--common"),
        (["{out}/good.jsonl", "--key", "nobody"], "nobody"),
        (["{out}/good.jsonl", "--home", "{out}/nowhere"], "nowhere"),
        (["{out}/good.jsonl", "--passphrase-file", "{out}/absent"], "absent"),
        (["{out}/good.jsonl", "--ledger", "ftp://ledger.example"], "ledger"),
        (["{out}/good.jsonl", "--out", "{out}/good.jsonl"], "good.jsonl"),
        ([], "files"),
        (["{out}/good.jsonl", "--colour"], "--colour"),
    ],
)
def test_wrong_usage_of_issue(line, refused, options, mention):
    home = [] if "--home" in options else ["--home", line.home]
    words = [option.format(out=line.out) for option in options]
    refused("issue", *words, *home, mentions=[mention])


def test_an_institution_that_nobody_registered_leaves_no_trace(line, refused, tmp_path):
    members = json.loads(line.institution.read_bytes())
    members["institution"] |= {"id": "350100-99"}
    write_json(tmp_path / "other.json", members)
    words = ["issue", line.out / "good.jsonl", "--institution", tmp_path / "other.json", "--base-date", DAY]
    refused(*words, "--home", line.home, mentions=["350100-99"])


def test_good_rows_beside_bad_ones_are_issued_when_asked_for(tmp_path):
    line = Line(tmp_path)
    with line.chain():
        line.found()
    rows = [meter(1), meter(2, conclusion="perhaps"), meter(3)]
    (tmp_path / "mixed.jsonl").write_bytes(b"\n".join(map(spelled, rows)))
    words = line.issue_words(tmp_path / "mixed.jsonl", anchor=False)
    report = line.run(*words, "--skip-bad", code=2)
    assert (report["logged"], [fault["row"] for fault in report["faults"]]) == (2, [2])


# --- documents to verify ------------------------------------------------------------------------------------


@pytest.fixture
def bundle(line):
    return json.loads((line.folders()[0] / "bundle.json").read_bytes())


def not_canonical(bundle):
    return json.dumps(bundle, ensure_ascii=False, indent=1).encode()


def cut_off(bundle):
    return encode_canonical_json(bundle)[:-400]


def without_checkpoint(bundle):
    return encode_canonical_json({name: value for name, value in bundle.items() if name != "checkpoint"})


def twice(bundle):
    return encode_canonical_json(bundle).replace(b'{"', b'{"type":"x","', 1)


def with_float(bundle):
    return encode_canonical_json({**bundle, "leaf_index": 5}).replace(b'"leaf_index":5', b'"leaf_index":5.0')


def unknown_member(bundle):
    return encode_canonical_json({**bundle, "colour": "blue"})


def other_type(bundle):
    return encode_canonical_json({**bundle, "type": "hengzheng/bundle/v2"})


def other_encoding(bundle):
    return encode_canonical_json(bundle).decode().encode("utf-16")


def empty(_):
    return b""


def noise(_):
    return bytes(range(256)) * 8


BUNDLES = [not_canonical, cut_off, without_checkpoint, twice, with_float, unknown_member, other_type]


@pytest.mark.parametrize("spoil", [*BUNDLES, other_encoding, empty, noise])
def test_what_is_no_bundle(line, bundle, refused, tmp_path, spoil):
    (tmp_path / "bundle.json").write_bytes(spoil(bundle))
    members = refused("verify", tmp_path / "bundle.json", "--policy", line.policy, mentions=[])
    assert (members["verdict"], members["authentic"], members["checks"]) == (None, False, [])
    assert members["error"]


TEXTS = {
    "WIFI:T:WPA;S=shop;P=secret;;": "",
    "https://pay.example.cn/order/123": "",
    "https://pay.example.cn/c/0000-0000-0000-0000": "pay.example.cn",
    "https://localhost:8000/q/1": "",
    "https://localhost:8000/q/1" + "9" * 500: "",
    "https://localhost:8000/login": "",
    "https://LOCALHOST:8000/c/0000-0000-0000-0000": "",
}


@pytest.mark.parametrize("text", TEXTS)
def test_the_picture_of_another_code(line, refused, tmp_path, text):
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode)
    Image.fromarray(zxingcpp.write_barcode_to_image(code, scale=8)).save(tmp_path / "qr.png")
    refused("verify", tmp_path / "qr.png", "--policy", line.policy, mentions=[TEXTS[text]])
    if "://" in text:
        refused("verify", text, "--policy", line.policy, mentions=[TEXTS[text]])


def test_a_picture_without_a_code(line, refused, tmp_path):
    Image.new("L", (200, 200), 255).save(tmp_path / "white.png")
    refused("verify", tmp_path / "white.png", "--policy", line.policy, mentions=["QR"])


def test_the_policy_of_another_log(line, refused, tmp_path):
    other = Line(tmp_path / "other")
    with other.chain():
        other.found()
    bundle = line.folders()[0] / "bundle.json"
    members = refused("verify", bundle, "--policy", other.policy, mentions=["log"])
    assert line.opened.origin in members["error"]
    shutil.copy(line.policy, tmp_path / "policy.json")
    mixed = ["--policy", tmp_path / "policy.json", "--trust", other.home / "trust.json"]
    refused("verify", bundle, *mixed, mentions=[])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw[:-1],
        lambda raw: raw.replace(b"{", b'{"version":1,', 1),
        lambda raw: raw.replace(b'"version":1', b'"version":1.5'),
        lambda raw: raw.replace(b"integrity", b"wholeness"),
        lambda raw: raw.replace(b'"development":true', b'"development":"yes"'),
        lambda _: b"",
    ],
)
def test_what_is_no_policy(line, refused, tmp_path, spoil):
    raw = line.policy.read_bytes()
    assert spoil(raw) != raw
    (tmp_path / "policy.json").write_bytes(spoil(raw))
    refused("verify", line.folders()[0] / "bundle.json", "--policy", tmp_path / "policy.json", mentions=[])


@pytest.mark.parametrize("words", [["{out}/absent.json"], ["{out}"], ["{good}", "--at", "noon"], []])
def test_wrong_usage_of_verify(line, words):
    good = line.folders()[0] / "bundle.json"
    given = [word.format(out=line.out, good=good) for word in words]
    answer = run("verify", *given, "--policy", line.policy, "--json")
    assert answer.code == 2
    assert answer.members["error"]


# --- other commands -----------------------------------------------------------------------------------------

USAGE = [
    ("init --development --host UPPER.example", "host"),
    ("init --development --finality soon", "finality"),
    ("init --development --node gopher://x", "node"),
    ("init --development --origin other.example", "other.example"),
    ("init", "development"),
    ("authority keygen ../up", "name"),
    ("authority draft miracle {content} --issuer ROOT --out {out}/d.json", "miracle"),
    ("authority draft scope {content} --issuer CN-35 --out {out}/d.json", ""),
    ("authority sign {content} --key root --out {out}/d.statement", ""),
    ("authority endorse {content} --key root", ""),
    ("authority submit {content}", "content.json"),
    ("authority root --root-key z6Mkbad --out {out}/d.json", ""),
    ("authority", "command"),
    ("chain fly", "fly"),
    ("doctor --depth 3", "--depth"),
]


@pytest.mark.parametrize(("text", "mention"), USAGE)
def test_wrong_usage_of_other_commands(line, refused, tmp_path, text, mention):
    write_json(tmp_path / "content.json", {"id": "S9", "colour": "blue"})
    words = text.format(content=tmp_path / "content.json", out=tmp_path).split()
    before = sorted(tmp_path.iterdir())
    at_home = [] if text == "authority" else ["--home", line.home]
    answer = run(*words, *at_home)
    assert answer.code == 2
    assert mention in answer.err
    refused(*words, *at_home, mentions=[mention]) if at_home else None
    assert sorted(tmp_path.iterdir()) == before


def test_no_such_command():
    assert run("fly").code == 2
    answer = run("fly", "--json")
    assert (answer.code, answer.members["error"]) == (2, "no command 'fly'")
    assert run().code == 2
    assert run("--help").code == 0
