import gzip

import pytest

from api.ready import ASK_AGAIN, IMMUTABLE
from api.static_files import StaticFiles
from ledger.core.errors import NotFoundError

SCRIPT = b"export const one = 1;\n" * 100


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "inner").mkdir()
    for name, raw in {
        "a.js": SCRIPT,
        "inner/b.css": b"p{}",
        "README.md": b"#",
        "secret.py": b"#",
        ".env": b"x",
        "c.js.map": b"{}",
    }.items():
        (tmp_path / name).write_bytes(raw)
    return tmp_path


def test_what_is_listed_is_found_under_two_addresses(folder):
    static = StaticFiles({"page": folder})
    digest = static.address("page", "a.js").split("@")[1].split("/")[0]
    asked, kept = static.find("page", "a.js"), static.find(f"page@{digest}", "a.js")
    assert (asked.body, asked.cache_control) == (SCRIPT, ASK_AGAIN)
    assert (kept.body, kept.cache_control) == (SCRIPT, IMMUTABLE)
    assert asked.media_type == "text/javascript; charset=utf-8"
    assert gzip.decompress(asked.packed) == SCRIPT
    assert static.find("page", "inner/b.css").media_type == "text/css; charset=utf-8"
    assert static.address("page", "inner/b.css") == f"static/page@{digest}/inner/b.css"


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "secret.py",
        ".env",
        "c.js.map",
        "",
        ".",
        "..",
        "../x.js",
        "inner",
        "inner/../a.js",
        "A.js",
    ],
)
def test_nothing_else_is_there(folder, name):
    static = StaticFiles({"page": folder})
    assert static.address("page", name) is None
    with pytest.raises(NotFoundError, match="no such file"):
        static.find("page", name)


@pytest.mark.parametrize("other", ["", "other", "page@", "page@0000000000000000", "PAGE"])
def test_no_other_folder_is_there(folder, other):
    with pytest.raises(NotFoundError):
        StaticFiles({"page": folder}).find(other, "a.js")


def test_a_change_of_any_file_changes_the_address_of_all(folder):
    before = StaticFiles({"page": folder}).address("page", "a.js")
    assert StaticFiles({"page": folder}).address("page", "a.js") == before
    (folder / "inner" / "b.css").write_bytes(b"p{color:red}")
    after = StaticFiles({"page": folder})
    assert after.address("page", "a.js") != before
    with pytest.raises(NotFoundError):
        after.find(before.split("/")[1], "a.js")


def test_renaming_a_file_changes_the_address_too(folder):
    before = StaticFiles({"page": folder}).address("page", "a.js")
    (folder / "inner" / "b.css").rename(folder / "inner" / "c.css")
    assert StaticFiles({"page": folder}).address("page", "a.js") != before


def test_a_folder_that_is_not_there_is_empty(tmp_path):
    assert StaticFiles({"verifier": tmp_path / "none"}).address("verifier", "device.js") is None


def test_the_product_ships_the_scripts_of_its_page():
    static = StaticFiles()
    for name in ("check.js", "old.js"):
        assert static.find("page", name).packed or len(static.find("page", name).body) < 512
    with pytest.raises(NotFoundError):
        static.find("page", "__init__.py")
