"""Codes of ours, of others, and of those who imitate us."""

import base64
from importlib.resources import files

import pytest
from browser_node import run_node

from api.scanned import Foreign, Own, Typed, read_scanned
from ledger.core.errors import MalformedDocumentError
from verifier.browser import pack_modules

HOSTS = ("v.example.cn",)
CODE = "Y0E5Q0BVPKA486WB"
POSTER = "https://v.example.cn/site/350100-01/M-12"
"""What a poster of a pledge leads to."""

OWN = (f"https://v.example.cn/c/{CODE}", "https://v.example.cn/i/" + "0a" * 16, POSTER)

ALIKE = {
    "another ending": f"https://v.example.top/c/{CODE}",
    "ours in front": f"https://v.example.cn.check.top/c/{CODE}",
    "ours inside": f"https://get-v.example.cn-check.top/c/{CODE}",
    "a user name": f"https://v.example.cn@evil.top/c/{CODE}",
    "a user name and a password": f"https://v.example.cn:443@evil.top/c/{CODE}",
    "a digit for a letter": f"https://v.examp1e.cn/c/{CODE}",
    "letters that look like one": "https://v.exarnple.cn/",
    "a letter left out": "https://v.xample.cn/",
    "without the dot": "https://vexample.cn/",
    "a Cyrillic letter": f"https://v.exаmple.cn/c/{CODE}",
    "that letter spelled out": "https://v.xn--exmple-4nf.cn/",
    "full-width letters": "https://ｖ.example.cn/",
    "not encrypted": f"http://v.example.cn/c/{CODE}",
    "another port": f"https://v.example.cn:8443/c/{CODE}",
    "capitals": f"HTTPS://V.EXAMPLE.CN/c/{CODE}",
    "three slashes": f"https:///v.example.cn/c/{CODE}",
    "backslashes": f"https:\\\\v.example.cn\\c\\{CODE}",
    "another page": f"https://v.example.cn/pay/{CODE}",
    "a site of nobody": "https://v.example.cn/site/350100-01/",
    "more behind a site": f"{POSTER}/due.ics",
    "a site with a parameter": f"{POSTER}?next=https://evil.top",
    "a wrong check symbol": "https://v.example.cn/c/Y0E5Q0BVPKA486WC",
    "more behind it": f"https://v.example.cn/c/{CODE}/../x",
    "a parameter": f"https://v.example.cn/c/{CODE}?next=https://evil.top",
}
ELSEWHERE = {
    "https://pay.example.org/f2f0": "pay.example.org",
    "wxp://f2f0abc": "f2f0abc",
    "https://www.gov.cn/": "www.gov.cn",
    "https://a.b/" + "x" * 1000: "a.b",
    "https://" + "y" * 500 + "/": "y" * 120,
}


@pytest.mark.parametrize("text", OWN)
def test_what_we_print_is_ours(text):
    assert read_scanned(text, HOSTS) == Own(text.removeprefix("https://v.example.cn"))


@pytest.mark.parametrize("name", ALIKE)
def test_imitations_are_called_so(name):
    found = read_scanned(ALIKE[name], HOSTS)
    assert isinstance(found, Foreign)
    assert found.is_look_alike
    assert found.site.isascii()


@pytest.mark.parametrize("text", ELSEWHERE)
def test_other_sites_are_named(text):
    found = read_scanned(text, HOSTS)
    assert found in {
        Foreign(ELSEWHERE[text], is_look_alike=False),
        Foreign(ELSEWHERE[text], is_look_alike=True),
    }
    assert found.is_look_alike == ("example" in text)


def test_devices_read_the_same_as_the_server():
    texts = [*OWN, *ALIKE.values(), *ELSEWHERE]
    modules = base64.b64encode(pack_modules()).decode()
    source = files("api.web").joinpath("static/scan/printed.js").read_text(encoding="utf-8")
    own = source.replace("../verifier/all.js", f"data:text/javascript;base64,{modules}")
    script = """async (_, {source, texts, hosts}) => {
      const { readScanned } = await import("data:text/javascript;base64," + source)
      return texts.map((text) => readScanned(text, hosts))
    }"""
    given = {"source": base64.b64encode(own.encode()).decode(), "texts": texts, "hosts": HOSTS}
    for text, found in zip(texts, run_node(script, given), strict=True):
        read = read_scanned(text, HOSTS)
        if isinstance(read, Own):
            assert found == {"kind": "own", "path": read.path}, text
        else:
            assert (found["kind"], found["isLookAlike"]) == ("foreign", read.is_look_alike), text


def test_sites_of_one_authority_are_not_taken_for_imitations_of_another():
    assert read_scanned("https://www.cq.gov.cn/", ("jl.gov.cn",)) == Foreign(
        "www.cq.gov.cn", is_look_alike=False
    )


@pytest.mark.parametrize("text", ["y0e5-q0bv-pka4-86wb", " Y0E5 QOBV PKA4 86WB ", CODE])
def test_typed_codes_are_understood(text):
    assert read_scanned(text, HOSTS) == Typed(CODE)


@pytest.mark.parametrize(
    "text", ["", "hello", "Y0E5Q0BVPKA486WC", "12315", "x" * 3000, "javascript:alert(1)"]
)
def test_what_is_no_code_is_refused(text):
    with pytest.raises(MalformedDocumentError) as caught:
        read_scanned(text, HOSTS)
    assert caught.value.field == "code"
