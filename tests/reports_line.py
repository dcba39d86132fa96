"""A ledger with a document, an authority's home that takes what consumers report, and the two settings.

line = set_up(tmp_path)
with serve(line.home, "all") as site, serve(line.authority_home, "office", "--ledger", site.url) as office:
    ...
"""

import json
import shutil

from line import run
from registered_line import RegisteredLine


def set_up(folder):
    """Make a ledger with a document, an authority's home that takes reports, and the two settings."""
    line = RegisteredLine(folder)
    line.init()
    line.set_up_authority()
    line.register()
    line.issue(line.pump(1), anchor=False, out=False)
    home = line.out / "authority-home"
    shutil.copytree(line.home, home)
    for name in ("institution.json", "ledger.db", "desk.db", "audit.db"):
        for path in home.glob(f"{name}*"):
            path.unlink()
    (home / "authority.json").write_text(json.dumps({"authority": "CN-35"}))
    made = run("office", "report-key", "--home", home, "--json")
    assert made.code == 0, made
    assert run("office", "report-key", "--home", home, "--json").members == made.members, "kept"
    add_setting(line.home, f'reports = ["{made.members["setting"]}"]')
    add_setting(home, f'reports_database = "sqlite:///{line.home.resolve()}/reports.db"')
    line.authority_home = home
    return line


def add_setting(home, text):
    path = home / "home.toml"
    path.write_text(path.read_text() + text + "\n")
