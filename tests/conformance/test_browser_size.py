"""How much a phone loads of the verifier: what a pack of its modules holds, compressed."""

import gzip
import re

from browser_node import BROWSER

from verifier.browser import LATER, pack_later, pack_modules

LIMIT = 84_000
"""Bytes of all modules that every page needs, compressed. 60 kB was the aim: why not, says the room's README."""
LATER_LIMIT = 18_000
"""Bytes of what is imported only when it is asked for."""
IMPORTING = {"signature.js": 1, "device.js": len(LATER)}
"""Modules that import others later: curves where a device lacks them, and what is rare."""


def read_module(path):
    """Return a module as it is served to those who wait: without comments that fill lines, and indentation."""
    text = re.sub(r"(?m)^ *(?://.*|/\*\*(?:(?!\*/)[^\n])*\*/)\n", "", path.read_text(encoding="utf-8"))
    return re.sub(r"(?m)^ +", "", text)


def test_all_modules_together_are_small():
    assert len(list(BROWSER.glob("*.js"))) >= 20
    assert len(gzip.compress(pack_modules(), 9, mtime=0)) <= LIMIT
    assert sum(len(gzip.compress(pack_later(entry), 9, mtime=0)) for entry in LATER) <= LATER_LIMIT


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
        assert len(re.findall(r"\bimport\(", code)) == IMPORTING.get(path.name, 0), path
