"""The modules for browsers: one of each name, what they may use, how large they are, and all of them as one."""

import base64
import gzip
import re

import pytest
from browser_node import run_node

from verifier import browser
from verifier.browser import ENTRY, FOLDER, pack_modules

MODULES = sorted(path.stem for path in FOLDER.glob("*.js"))
LARGEST_PACKED = 83_000
"""Bytes of the one file, gzip: what a page waits for."""
FOR_A_LOOK = {"chain", "node", "registry"}
"""What is loaded when somebody names a node."""


def read(name):
    return (FOLDER / f"{name}.js").read_text("utf-8")


def test_all_that_is_packed_is_there_once():
    packed = pack_modules().decode()
    names = re.findall(r"^const (\w+)_ = \(\(\) => \{$", packed, re.MULTILINE)
    assert len(names) == len(set(names)) > 60
    assert set(MODULES) - set(names) <= {"sticker", *FOR_A_LOOK}
    assert names[-1] == ENTRY
    assert f"{ENTRY}_ as {ENTRY}" in packed


def test_one_file_is_small():
    assert len(gzip.compress(pack_modules(), 9)) <= LARGEST_PACKED


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
