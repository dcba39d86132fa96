"""The modules for browsers: one of each name, what they may use, how large they are, and all of them as one."""

import base64
import re

import pytest
from browser_node import run_node

from verifier.browser import FOLDER, OFFERED, pack_modules, split_modules
from verifier.browser.packing import PACK, Packer

MODULES = sorted(path.stem for path in FOLDER.glob("*.js"))


def read(name):
    return (FOLDER / f"{name}.js").read_text("utf-8")


def test_all_that_is_packed_is_there_once():
    packed = pack_modules().decode()
    names = re.findall(r"^(?:return \{\n)?(\w+)_: (?:\{|\w+_,$)", packed, re.MULTILINE)
    assert len(names) == len(set(names)) > 60
    assert set(MODULES) - set(names) <= {"sticker"}
    assert {"device", "quorum_certificate"} <= set(names)


def test_what_is_met_rarely_is_apart():
    files = split_modules()
    assert {PACK, "all/alone.js", "all/quorum_certificate.js"} <= set(files)
    assert b"verifyStatementAlone(raw" not in files[PACK]
    assert b"FastAggregateVerify" not in files[PACK]
    assert b"function verifyBls" not in files[PACK]
    assert b'import("./all/quorum_certificate.js")' in files[PACK]


def test_one_file_exports_what_its_modules_do():
    script = """async ({load}, {packed, names}) => {
      const all = await import("data:text/javascript;base64," + packed)
      const found = []
      for (const name of names) {
        const own = Object.keys(await load(name)).sort()
        if (all[name] && JSON.stringify(Object.keys(all[name]).sort()) !== JSON.stringify(own)) found.push(name)
      }
      return [found, typeof all.checkOnDevice]
    }"""
    packed = base64.b64encode(pack_modules()).decode()
    assert run_node(script, {"packed": packed, "names": MODULES}) == [[], "function"]


def test_the_first_file_exports_what_pages_ask_for():
    script = """async (_, packed) => {
      const found = await import("data:text/javascript;base64," + packed)
      return Object.entries(found).map(([name, one]) => [name, typeof one])
    }"""
    packed = base64.b64encode(split_modules()[PACK]).decode()
    found = dict(run_node(script, packed))
    assert found["checkOnDevice"] == "function"
    assert {name: found[name] for name in OFFERED} == dict.fromkeys(OFFERED, "function") | {
        "ALPHABET": "string",
        "STATUS_WORDS": "object",
    }


@pytest.mark.parametrize("name", MODULES)
def test_modules_take_time_chance_and_network_from_nobody(name):
    code = "\n".join(
        line for line in read(name).splitlines() if not line.lstrip().startswith(("//", "*", "/*"))
    )
    for word in (
        "Date.now",
        "new Date()",
        "Math.random",
        "getRandomValues",
        "fetch(",
        "document.querySelector",
        "innerHTML",
        "window.",
        "eval(",
    ):
        assert word not in code, word


def make_packer(**texts):
    return Packer(texts.__getitem__)


def run_files(tmp_path, files, script):
    """Return what a script says that has the first of these files as `first`."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    address = (tmp_path / PACK).as_uri()
    return run_node(f"async () => {{ const first = await import({address!r}); {script} }}")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('import * as x from "./qr.js";\n', "not known here"),
        ("export default 7;\n", "not known here"),
        ("export { x };\n", "not known here"),
        ('import "./qr.js";\n', "not known here"),
        ('import { z } from "./device.js";\n', "import each other"),
    ],
)
@pytest.mark.parametrize(
    "way", [lambda packer: packer.split("device", ()), lambda packer: packer.join("device")]
)
def test_other_forms_are_refused(text, why, way):
    device = 'import { x } from "./other.js";\nexport const z = x;\n'
    with pytest.raises(ValueError, match=why):
        way(make_packer(device=device, other=text + "export const x = 1;\n"))


def test_comments_and_indentation_go_and_nothing_else():
    files = make_packer(
        device='// one\n/** two\n * more */\nimport {\n  x,\n} from "./other.js";\n\n'
        'export const z = () => {\n  return x + "//";\n};\n',
        other='export const x = "http://a";\n',
    ).split("device", ())
    assert files == {PACK: 'const x = "http://a";\nconst z = () => {\nreturn x + "//";\n};\nexport { z };\n'}


def test_names_that_two_modules_have_stay_apart(tmp_path):
    packer = make_packer(
        device='import { x } from "./one.js";\nimport { y as other, own } from "./two.js";\n'
        'import { z } from "./three.js";\n'
        "const HIDDEN = 3, [FIRST] = [1];\nexport const all = () => [x(), other(), own, z(), HIDDEN, FIRST];\n",
        one="const HIDDEN = 1, FIRST = 2;\nexport const x = () => HIDDEN;\n",
        two='import { x } from "./one.js";\nfunction HIDDEN() { return 2; }\n'
        "export const y = () => [x(), HIDDEN()];\n"
        "export const own = 7;\n",
        three='import { y } from "./two.js";\nclass FIRST {}\nexport const own = () => y();\n'
        "export const z = () => [own(), new FIRST() instanceof FIRST];\n",
    )
    wanted = [1, [1, 2], 7, [[1, 2], True], 3, 1]
    assert run_files(tmp_path, packer.split("device", ()), "return first.all();") == wanted
    assert run_files(tmp_path, {PACK: packer.join("device")}, "return first.all();") == wanted


def test_what_two_modules_export_under_one_name_stays_apart(tmp_path):
    packer = make_packer(
        device='import { check } from "./one.js";\nimport { twice } from "./user.js";\n'
        "export const all = () => [check(), twice()];\n",
        one="export const check = () => 1;\n",
        two="export const check = () => 2;\n",
        user='import { check } from "./two.js";\nexport const twice = () => [check(), check()];\n',
    )
    for files in (packer.split("device", ()), {PACK: packer.join("device")}):
        assert run_files(tmp_path, files, "return first.all();") == [1, [2, 2]]


def test_what_is_loaded_later_has_the_state_of_the_first(tmp_path):
    packer = make_packer(
        device='import { count } from "./state.js";\n'
        'export const load = async () => [count(), (await import("./rare.js")).ask(), count()];\n',
        state="let turns = 0;\nexport const count = () => ++turns;\n",
        rare='import { count } from "./state.js";\nimport { deep } from "./deep.js";\n'
        "const turns = 5;\nexport const ask = () => [count(), deep, turns];\n",
        deep="export const deep = 'deep';\n",
    )
    files = packer.split("device", ())
    assert list(files) == [PACK, "all/rare.js"]
    assert "deep" not in files[PACK]
    wanted = [1, [2, "deep", 5], 3]
    assert run_files(tmp_path, files, "return first.load();") == wanted
    assert run_files(tmp_path, {PACK: packer.join("device")}, "return first.load();") == wanted


def test_what_two_later_files_need_is_in_the_first(tmp_path):
    packer = make_packer(
        device="export const load = async () => "
        '[await (await import("./a.js")).a(), (await import("./b.js")).b()];\n',
        a='import { count } from "./shared.js";\n'
        'export const a = async () => [count(), (await import("./b.js")).b()];\n',
        b='import { count } from "./shared.js";\nexport const b = () => count();\n',
        shared="let turns = 0;\nexport const count = () => ++turns;\n",
    )
    for files in (packer.split("device", ()), {PACK: packer.join("device")}):
        assert run_files(tmp_path, files, "return first.load();") == [[1, 2], 3]


def test_what_is_needed_at_once_is_not_loaded_later():
    packer = make_packer(
        device='import { a } from "./a.js";\nexport const b = async () => [a, await import("./a.js")];\n',
        a="export const a = 1;\n",
    )
    with pytest.raises(ValueError, match="at once, and when it is met: a"):
        packer.split("device", ())


def test_one_file_has_what_is_loaded_later_whatever_who_asks_calls_it():
    modules = {
        "first": (
            "export async function ask() {\n"
            '  const { answer } = await import("./later.js");\n  return answer();\n}\n'
        ),
        "later": "export const answer = () => 42;\n",
    }
    script = """async (_, packed) => (await import("data:text/javascript;base64," + packed)).ask()"""
    packed = base64.b64encode(Packer(modules.__getitem__).join("first").encode()).decode()
    assert run_node(script, packed) == 42
