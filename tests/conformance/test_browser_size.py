"""How much a phone loads of the verifier: what a pack of its modules holds, compressed."""

import gzip
import re

import brotli
from browser_node import BROWSER

from verifier.browser import PACK, split_modules

LIMIT = 61_440
"""Bytes of what every check needs, in brotli: 60 KiB."""

LIMIT_GZIP = 75_000
"""The same for browsers that do not take brotli."""

LATER_LIMIT = 14_000
"""Bytes of each file that is loaded when it is met, in brotli."""


def read_module(path):
    """Return a module as it is served to those who wait: without comments that fill lines, and indentation."""
    text = re.sub(r"(?m)^ *(?://.*|/\*\*(?:(?!\*/)[^\n])*\*/)\n", "", path.read_text(encoding="utf-8"))
    return re.sub(r"(?m)^ +", "", text)


def test_what_a_page_waits_for_is_small():
    files = split_modules()
    assert len(brotli.compress(files[PACK])) <= LIMIT
    assert len(gzip.compress(files[PACK], 9, mtime=0)) <= LIMIT_GZIP
    assert max(len(brotli.compress(raw)) for name, raw in files.items() if name != PACK) <= LATER_LIMIT


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
