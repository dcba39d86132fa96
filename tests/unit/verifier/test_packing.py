"""Many modules become one script that does the same."""

import shutil
import subprocess

import pytest

from ledger.core.errors import MalformedDocumentError
from verifier.packing import pack_modules

BASE = """
/** What others need. */
export const A = 1;
export class Box {
  // inside
  get one() {
    return A
  }
}
"""
TEXT = """
export const TABLE = `first
  // second
  third`
"""
MIDDLE = """
import { A as first, Box } from "./base.js"
import {
  TABLE,
} from "./text.js";
/*
 * of several lines
 */
export async function* count() {
  yield first + new Box().one;
}
export const lines = () => TABLE;
"""
TOP = """
import { count } from "./middle.js";
export const sum = async () => {
  let all = 0;
  for await (const one of count()) all += one;
  return all;
};
"""
ALONE = "export const unused = 1;"
MODULES = {"base.js": BASE, "text.js": TEXT, "middle.js": MIDDLE, "top.js": TOP, "alone.js": ALONE}


def run(script, expression):
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node to run it with")
    text = f"{script}\nprocess.stdout.write(String(await ({expression})));"
    words = [node, "--input-type=module", "-"]
    return subprocess.run(words, input=text, capture_output=True, text=True, check=True, timeout=60).stdout


def test_a_pack_does_what_its_modules_do():
    packed = pack_modules(MODULES, ["top.js", "middle.js"])
    assert run(packed, "sum()") == "2"
    assert run(packed, "lines()") == "first\n  // second\n  third"


def test_a_pack_holds_what_is_needed_and_no_more():
    packed = pack_modules(MODULES, ["top.js"])
    assert packed.count("$base=") == 1
    assert "unused" not in packed
    assert "inside" not in packed
    assert "several" not in packed


def test_what_is_missing_is_named():
    with pytest.raises(MalformedDocumentError, match=r"no module gone\.js"):
        pack_modules({"a.js": 'import { x } from "./gone.js";\n'}, ["a.js"])


def test_modules_that_need_each_other_are_refused():
    circle = {"a.js": 'import { b } from "./b.js";\n', "b.js": 'import { a } from "./a.js";\n'}
    with pytest.raises(MalformedDocumentError, match="need each other"):
        pack_modules(circle, ["a.js"])


@pytest.mark.parametrize(
    "line",
    [
        'import x from "./base.js";',
        'import * as x from "./base.js";',
        'import "./base.js";',
        "export default 1;",
        "export { x };",
    ],
)
def test_forms_that_would_be_lost_are_refused(line):
    with pytest.raises(MalformedDocumentError, match="not understood"):
        pack_modules(MODULES | {"a.js": f"{line}\n"}, ["a.js"])
