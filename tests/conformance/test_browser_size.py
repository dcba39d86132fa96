"""How much a phone loads of the verifier: what a pack of its modules holds, compressed."""

import gzip
import re

from browser_node import BROWSER

LIMIT = 84_000
"""Bytes of all modules together in gzip, as they stand; what pages load of them is in the README beside them."""


def read_module(path):
    """Return a module as it is served to those who wait: without comments that fill lines, and indentation."""
    text = re.sub(r"(?m)^ *(?://.*|/\*\*(?:(?!\*/)[^\n])*\*/)\n", "", path.read_text(encoding="utf-8"))
    return re.sub(r"(?m)^ +", "", text)


def test_all_modules_together_are_small():
    modules = sorted(BROWSER.glob("*.js"))
    assert len(modules) >= 20
    packed = gzip.compress("".join(map(read_module, modules)).encode(), 9, mtime=0)
    assert len(packed) <= LIMIT


def test_modules_need_nothing_but_each_other():
    """No module of others, nothing from elsewhere, no clock, no randomness, no page."""
    page = r"document\.(?:get|query|create|body)|window\.|localStorage|innerHTML|XMLHttpRequest"
    forbidden = rf"\b(?:eval\(|Function\(|fetch\(|Math\.random|Date\.now|{page})"
    for path in sorted(BROWSER.glob("*.js")):
        code = read_module(path)
        for wanted in re.findall(r'from "([^"]+)"', code):
            assert re.fullmatch(r"\./[a-z0-9_]+\.js", wanted), (path, wanted)
            assert (BROWSER / wanted).is_file(), (path, wanted)
        assert not re.search(forbidden, code), (path, re.search(forbidden, code))
        assert "new Date()" not in code, path
        later = re.findall(r'\bimport\((?:"\./([a-z0-9_]+\.js)"\))?', code)
        assert all((BROWSER / wanted).is_file() for wanted in later if wanted), path
        assert later.count("") == (path.name == "signature.js"), "only curves are of others"
