"""A log exported from a real database of either kind, while it grows, read by a foreign reader and audited."""

from tlog_client import read_log
from world import ORIGIN, World, submit

from ledger.audit.reading import FolderSource
from ledger.audit.replay import audit_log
from ledger.core.policy import Policy
from ledger.export import FolderTarget, export_log

WORLD = World()


def test_an_export_follows_the_log(log, store, tmp_path):
    for start, count in ((0, 3), (3, 245), (248, 1), (249, 300)):
        submit(log, *map(WORLD.bare_issue, range(start, start + count)))
        with store.read() as reading:
            export_log(reading, [], ORIGIN, FolderTarget(tmp_path / "log"))
            leaves = reading.read_leaves(0, log.head.tree_size)
        entries, _, root = read_log(lambda path: (tmp_path / "log" / path).read_bytes())
        assert (entries, root) == (leaves, log.head.root_hash)
        report = audit_log(FolderSource(tmp_path / "log"), make_policy())
        assert (report.exit_code, report.entries) == (0, log.head.tree_size), report.contradiction


def test_what_is_committed_meanwhile_is_left_to_the_next_export(log, store, tmp_path):
    with store.read() as reading:
        before = reading.read_head()
        submit(log, WORLD.bare_issue(1))
        exported = export_log(reading, [], ORIGIN, FolderTarget(tmp_path))
    assert exported.checkpoint.tree_size == before.tree_size < log.head.tree_size
    assert audit_log(FolderSource(tmp_path), make_policy()).exit_code == 0


def make_policy() -> Policy:
    from api_world import ApiWorld

    with ApiWorld(world=WORLD) as world:
        return world.policy
