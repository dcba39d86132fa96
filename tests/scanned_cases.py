"""Codes of ours, of those who imitate us, and of others: for the server and for the scanner's own script."""

HOSTS = ("v.example.cn",)
CODE = "Y0E5Q0BVPKA486WB"
TYPED = (
    "y0e5-q0bv-pka4-86wb",
    " Y0E5 QOBV PKA4 86WB ",
    "Ｙ０Ｅ５－Ｑ０ＢＶ－ＰＫＡ４－８６ＷＢ",
    "ｙ０ｅ５　ｑ０ｂｖ　ｐｋａ４　８６ｗｂ",
    "Y0E5–Q0BV—PKA4−86WB",
    "Y0E5\u2011Q0BV\u2010PKA4ー86WB",
    CODE,
    f"v.example.cn/c/{CODE}",
    f" V.Example.CN/C/{CODE.lower()} ",
    "v.example.cn / c / Y0E5-Q0BV-PKA4-86WB",
    f"v.example.cn/s/{CODE}",
    "ｖ．ｅｘａｍｐｌｅ．ｃｎ／ｃ／Ｙ０Ｅ５Ｑ０ＢＶＰＫＡ４８６ＷＢ",
)
"""Spellings of one code by keyboards."""
MISTYPED = (
    "Y0E5Q0BVPKA486WC",
    "Ｙ０Ｅ５Ｑ０ＢＶＰＫＡ４８６ＷＣ",
    "Y0E5_Q0BV_PKA4_86WB",
    "Υ0E5Q0BVPKA486WB",
    "〇" * 16,
    "v.example.cn/c/Y0E5Q0BVPKA486WC",
    f"v.example.cn/c/{CODE}/../x",
    f"v.example.cn/c/{CODE}?next=x",
    f"v.example.cn/pay/{CODE}",
    f"v.example.cn.check.top/c/{CODE}",
    f"v.exampIe.cn/c/{CODE}",
    f"evil.top/v.example.cn/c/{CODE}",
    f"//v.example.cn/c/{CODE}",
    f"v.example.cn:8443/c/{CODE}",
    "v.example.cn/i/" + "0A" * 16,
    "v.example.cn/",
    "v.example.cn",
)
POSTER = "https://v.example.cn/site/350100-01/M-12"
"""What a poster of a pledge leads to."""

OWN = (f"https://v.example.cn/c/{CODE}", "https://v.example.cn/i/" + "0a" * 16, POSTER)
BARE = tuple(text.removeprefix("https://") for text in OWN[1:])
"""As somebody types them from a label."""

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


def widen(text: str) -> str:
    """Return a text as a Chinese keyboard gives it that was left in full width."""
    return "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in text)
