"""The exported tree: exactly the files of one checkpoint, also after a broken export; all else stays as it is."""

import pytest
from bare_log import bare_leaf, make_bare_store
from ledger_in_memory import MemoryLedger
from tlog_client import read_log
from world import ORIGIN

import ledger.export
from ledger.core.anchor import parse_anchor_list
from ledger.core.errors import LogIntegrityError, NotFoundError, StateError
from ledger.core.tiles import list_files, tile_path
from ledger.export import FolderTarget, export_log

RECEIPTS = [MemoryLedger().found().receipt(size) for size in (2, 4)]
SIZES = (1, 2, 255, 256, 257, 600, 65_537)


def export(size, folder, *, origin=ORIGIN, store=None, receipts=()):
    with (store or make_bare_store(size)).read() as reading:
        return export_log(reading, receipts, origin, FolderTarget(folder))


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def expected(size):
    return {"checkpoint", "anchors.json", *(tile_path(tile) for tile in list_files(size))}


@pytest.mark.parametrize("size", SIZES)
def test_a_foreign_reader_finds_every_entry_in_exactly_the_files_of_the_checkpoint(
    tmp_path, size, monkeypatch
):
    monkeypatch.setattr(ledger.export, "replace_file", lambda path, content: path.write_bytes(content))
    done = export(size, tmp_path / "log")
    entries, found, _ = read_log(lambda path: (tmp_path / "log" / path).read_bytes())
    assert (found, entries) == (size, [bare_leaf(index) for index in range(size)])
    assert files(tmp_path / "log").keys() == expected(size)
    assert (done.checkpoint.tree_size, done.written, done.removed) == (size, len(list_files(size)), 0)


def test_an_export_again_writes_nothing_under_tile(tmp_path):
    export(600, tmp_path)
    before = {path: path.stat().st_ino for path in (tmp_path / "tile").rglob("*")}
    done = export(600, tmp_path)
    assert (done.written, done.removed) == (0, 0)
    assert {path: path.stat().st_ino for path in (tmp_path / "tile").rglob("*")} == before


@pytest.mark.parametrize(
    ("old", "new"), [(1, 2), (255, 256), (256, 257), (300, 512), (300, 700), (513, 1000)]
)
def test_a_grown_log_adds_what_is_new_and_takes_away_what_is_no_longer_needed(tmp_path, old, new):
    export(old, tmp_path / "grown")
    full = {
        path for path in (tmp_path / "grown" / "tile").rglob("*") if path.is_file() and ".p" not in str(path)
    }
    kept = {path: path.stat().st_ino for path in full}
    done = export(new, tmp_path / "grown")
    export(new, tmp_path / "fresh")
    assert files(tmp_path / "grown") == files(tmp_path / "fresh")
    assert {path: path.stat().st_ino for path in full} == kept
    names = {size: {tile_path(tile) for tile in list_files(size)} for size in (old, new)}
    assert (done.written, done.removed) == (len(names[new] - names[old]), len(names[old] - names[new]))
    assert not [path for path in (tmp_path / "grown").rglob("*.p") if not any(path.iterdir())]


def test_what_is_missing_is_written_again(tmp_path):
    export(600, tmp_path)
    good = files(tmp_path)
    (tmp_path / "tile" / "0" / "001").unlink()
    (tmp_path / "tile" / "entries" / "002.p" / "88").unlink()
    (tmp_path / "anchors.json").unlink()
    assert export(600, tmp_path).written == 2
    assert files(tmp_path) == good


@pytest.mark.parametrize("old", [0, 300])
def test_an_export_that_breaks_off_anywhere_is_finished_by_the_next(tmp_path, monkeypatch, old):
    real = ledger.export.replace_file
    for at in range(len(expected(700))):
        folder = tmp_path / str(at)
        if old:
            export(old, folder)
        left = at

        def write(path, content):
            nonlocal left
            if not left:
                raise OSError(28, "No space left on device", str(path))
            left -= 1
            real(path, content)

        monkeypatch.setattr(ledger.export, "replace_file", write)
        total = export_or_none(700, folder)
        monkeypatch.setattr(ledger.export, "replace_file", real)
        if total is None:
            note = (
                (folder / "checkpoint").read_text().split("\n")[1]
                if (folder / "checkpoint").exists()
                else "0"
            )
            assert note == str(old), "the checkpoint comes last"
        export(700, folder)
        assert files(folder).keys() == expected(700)
        assert len(read_log(lambda path, folder=folder: (folder / path).read_bytes())[0]) == 700


def export_or_none(size, folder):
    try:
        return export(size, folder)
    except OSError:
        return None


def test_drafts_of_a_killed_export_are_taken_away(tmp_path):
    export(300, tmp_path)
    (tmp_path / "tile" / "0" / ".001.0123456789abcdef").write_bytes(b"half")
    assert export(300, tmp_path).removed == 1
    assert files(tmp_path).keys() == expected(300)


@pytest.mark.parametrize("name", ["tile/0/notes.txt", "tile/readme", "tile/12/3/4.png", "tile/entries/1"])
def test_a_folder_with_other_files_is_left_as_it_is(tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_bytes(b"somebody's")
    with pytest.raises(StateError, match="no file of an exported log"):
        export(300, tmp_path)
    assert files(tmp_path) == {name: b"somebody's"}


def test_a_folder_with_another_log_or_another_history_is_left_as_it_is(tmp_path):
    export(300, tmp_path)
    before = files(tmp_path)
    shorter, other = make_bare_store(200), make_bare_store(400)
    other.data.tiles[1, 0] = bytes(32)
    for changes in ({"origin": "ledger.example/other"}, {"store": shorter}, {"store": other}):
        with pytest.raises(StateError, match="name another place"):
            export(300, tmp_path, **changes)
    (tmp_path / "checkpoint").write_bytes(b"notes")
    with pytest.raises(StateError, match="no checkpoint"):
        export(300, tmp_path)
    assert files(tmp_path) == before | {"checkpoint": b"notes"}


def test_receipts_stand_beside_it_up_to_the_checkpoint(tmp_path):
    export(3, tmp_path, receipts=RECEIPTS)
    anchors = parse_anchor_list((tmp_path / "anchors.json").read_bytes())
    assert (anchors.origin, anchors.receipts) == (ORIGIN, (RECEIPTS[0],))
    assert export(300, tmp_path, receipts=RECEIPTS).receipts == 2


def test_an_empty_log_and_a_damaged_store_export_nothing(tmp_path):
    with pytest.raises(NotFoundError):
        export(0, tmp_path / "log")
    store = make_bare_store(300)
    del store.data.tiles[0, 0]
    with pytest.raises(LogIntegrityError):
        export(300, tmp_path / "log", store=store)
    assert not (tmp_path / "log" / "checkpoint").exists()
