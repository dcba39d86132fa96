"""Modules of others in one text: every form that they are written in, and a word where a form is not known."""

import json
import subprocess
from importlib.resources import files

import pytest
from browser_node import find_node

from api.evidence.curves import ENTRIES, HEAD, pack_curves

NOBLE = files("api.web").joinpath("static", "vendor", "noble")


def write(folder, **modules):
    for name in ENTRIES:
        (folder / name).write_text("export const nothing = 0;\n")
    (folder / "abstract").mkdir()
    for name, text in modules.items():
        (folder / f"{name.replace('__', '/')}.js").write_text(text)
    return folder


def run(text, expression):
    program = f"{text}\nprocess.stdout.write(JSON.stringify({expression}));"
    done = subprocess.run(
        [find_node(), "--input-type=module", "-"], input=program, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_form_of_import_and_export(tmp_path):
    folder = write(
        tmp_path,
        ed25519='import { one as first, two } from "./abstract/a.js";\nimport {} from "./nist.js";\n'
        "import * as all from './abstract/a.js';\n"
        "export const sum = first + two() + all.one;\nexport class Kind { static name2 = 'k'; }\n"
        'export { three, four } from "./abstract/b.js";\n',
        abstract__a="export const one = 1;\nexport function two() { return 2; }\n",
        abstract__b='import { one } from "./a.js";\nconst three = one + 2, four = 4;\nexport { three, four };\n',
    )
    found = run(
        pack_curves(folder), "[noble_['ed25519.js']()].map((m) => [Object.keys(m).sort(), m.sum, m.three])[0]"
    )
    assert found == [["Kind", "four", "sum", "three"], 4, 3]


def test_a_module_is_made_once_and_only_when_asked_for(tmp_path):
    folder = write(tmp_path, nist="globalThis.made = (globalThis.made ?? 0) + 1;\nexport const a = 1;\n")
    calls = "[globalThis.made ?? 0, noble_['nist.js']().a, noble_['nist.js']().a, globalThis.made]"
    assert run(pack_curves(folder), calls) == [0, 1, 1, 1]


@pytest.mark.parametrize(
    "text",
    [
        "export default 1;\n",
        "export * from './nist.js';\n",
        "import thing from './nist.js';\n",
        "import './nist.js';\n",
        "export let a = 1;\n",
        "const a = await import('./nist.js');\n",
    ],
)
def test_an_unknown_form_is_refused(tmp_path, text):
    with pytest.raises(ValueError, match=r"ed25519\.js: not known here"):
        pack_curves(write(tmp_path, ed25519=text))


def test_modules_that_import_each_other_are_refused(tmp_path):
    folder = write(
        tmp_path,
        ed25519='import { a } from "./nist.js";\nexport const b = 1;\n',
        nist='import { b } from "./ed25519.js";\nexport const a = 1;\n',
    )
    with pytest.raises(ValueError, match="import each other"):
        pack_curves(folder)


def test_without_the_folder_there_is_no_curve(tmp_path):
    assert pack_curves(tmp_path / "noble") == HEAD


@pytest.mark.skipif(not NOBLE.joinpath("ed25519.js").is_file(), reason="no curves: run ./scripts/vendor")
def test_the_curves_compute():
    program = """(() => {
      const { ed25519 } = noble_["ed25519.js"](), { p256 } = noble_["nist.js"]();
      const { bls12_381 } = noble_["bls12-381.js"]();
      const text = new Uint8Array([1, 2, 3]), found = [];
      for (const curve of [ed25519, p256]) {
        const { secretKey, publicKey } = curve.keygen();
        const signature = curve.sign(text, secretKey);
        found.push(curve.verify(signature, text, publicKey), curve.verify(signature, text.slice(1), publicKey));
      }
      return [...found, typeof bls12_381.pairing];
    })()"""
    assert run(pack_curves(NOBLE), program) == [True, False, True, False, "function"]
