"""The modules for browsers: one of each name, what they may use, how large they are, and all of them as one."""

import base64
import gzip
import re

import pytest
from browser_node import run_node

from verifier import browser
from verifier.browser import ENTRY, FOLDER, LATER, PACK, name_pack, pack_later, pack_modules

MODULES = sorted(path.stem for path in FOLDER.glob("*.js"))
LARGEST_PACKED = 83_000
"""Bytes of the one file, gzip: what a page waits for."""


def read(name):
    return (FOLDER / f"{name}.js").read_text("utf-8")


LARGEST_LATER = 14_000
"""Bytes of what is loaded for stickers, and for what the ledger lacks."""


def list_packed(packed):
    return re.findall(r"^const (\w+)_ = \(\(\) => \{$", packed.decode(), re.MULTILINE)


def test_all_that_is_packed_is_there_once():
    names = list_packed(pack_modules())
    assert len(names) > 60
    assert names[-1] == ENTRY
    assert f"{ENTRY}_ as {ENTRY}".encode() in pack_modules()
    for entry in LATER:
        own = list_packed(pack_later(entry))
        assert own[-1] == entry
        names += own
    assert sorted(names) == MODULES


def test_one_file_is_small():
    assert len(gzip.compress(pack_modules(), 9)) <= LARGEST_PACKED


@pytest.mark.parametrize("entry", LATER)
def test_what_is_loaded_later_is_not_in_the_first_file(entry):
    assert len(gzip.compress(pack_later(entry), 9)) <= LARGEST_LATER
    packed = pack_modules().decode()
    assert f'import("./{name_pack(entry)}")' in packed
    assert f"const {entry}_" not in packed


def test_what_is_loaded_later_takes_the_rest_from_the_first_file(tmp_path):
    """Errors of one are those of the other; nothing is there twice."""
    (tmp_path / PACK).write_bytes(pack_modules())
    for entry in LATER:
        (tmp_path / name_pack(entry)).write_bytes(pack_later(entry))
    script = """async (_, {all, later}) => {
      const {checkThing} = await import(later)
      const {believed} = await import(all)
      try {
        await checkThing({expected: {sticker: "X"}, proofText: "{}"})
      } catch (error) {
        return [error instanceof believed.Caught, typeof (await import(all)).checkOnDevice]
      }
    }"""
    urls = {"all": (tmp_path / PACK).as_uri(), "later": (tmp_path / name_pack("sticker_device")).as_uri()}
    (tmp_path / "package.json").write_text('{"type": "module"}')
    assert run_node(script, urls) == [True, "function"]


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


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('import * as x from "./qr.js";\n', "not known here"),
        ("export default 7;\n", "not known here"),
        ('import { y } from "./device.js";\n', "import each other"),
    ],
)
def test_other_forms_are_refused(tmp_path, monkeypatch, text, why):
    (tmp_path / "device.js").write_text('import { x } from "./other.js";\nexport const z = x;\n')
    (tmp_path / "other.js").write_text(text + "export const x = 1;\n")
    monkeypatch.setattr(browser, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match=why):
        pack_modules.__wrapped__()


def test_comments_and_indentation_go_and_nothing_else(tmp_path, monkeypatch):
    (tmp_path / "device.js").write_text(
        '// one\n/** two\n * more */\nimport {\n  x as y,\n} from "./other.js";\n\n'
        'export const z = () => {\n  return y + "//";\n};\n'
    )
    (tmp_path / "other.js").write_text('export const x = "http://a";\n')
    monkeypatch.setattr(browser, "FOLDER", tmp_path)
    assert pack_modules.__wrapped__().decode() == (
        'const other_ = (() => {\nconst x = "http://a";\nreturn { x };\n})();\n'
        "const device_ = (() => {\nconst { x: y } = other_;\n"
        'const z = () => {\nreturn y + "//";\n};\nreturn { z };\n})();\n'
        "export const { z } = device_;\nexport { other_ as other, device_ as device };\n"
    )
