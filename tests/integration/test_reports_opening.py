"""Reports are opened with a public site, which answers whether their database is there or not."""

from contextlib import closing

import pytest
from api_world import ApiWorld
from reports_world import PRIVATE
from served_home import wait_until
from world import AUTHORITY, ORIGIN

from api.reports.opening import _Tidying, open_intake
from api.reports.store import ReportStore
from ledger.core.errors import NotFoundError, StateError, UnavailableError
from ledger.home import create_home
from ledger.store.engine import Database


@pytest.fixture
def home(tmp_path):
    key = PRIVATE[AUTHORITY].public_key().public_bytes_raw().hex()
    settings = {
        "reports": [f"{AUTHORITY}={key}"],
        "reports_database": f"sqlite:///{tmp_path}/away/reports.db",
    }
    return create_home(tmp_path / "home", origin=ORIGIN, development=True, settings=settings)


@pytest.fixture
def world():
    with ApiWorld() as world:
        yield world


def test_a_site_opens_without_the_database_of_reports_and_takes_them_when_it_is_back(home, world, tmp_path):
    with open_intake(home, world.store, world.prover) as intake:
        with pytest.raises(UnavailableError):
            intake.look(intake.make_code(), "203.0.113.7")
        (tmp_path / "away").mkdir()
        with pytest.raises(NotFoundError):
            intake.look(intake.make_code(), "203.0.113.7")


def test_whoever_keeps_it_tidy_tries_again_soon_and_then_more_seldom(home, world, monkeypatch):
    waited = []
    with open_intake(home, world.store, world.prover) as intake:
        loop = _Tidying(intake)

        def wait(seconds):
            waited.append(seconds)
            return len(waited) == 11

        monkeypatch.setattr(loop._stopping, "wait", wait)
        loop._run()
    assert waited == [0, 5, 10, 20, 40, 80, 160, 320, 600, 600, 600]


def test_it_is_tidied_soon_after_it_is_back(home, world, tmp_path, monkeypatch):
    monkeypatch.setattr("api.reports.opening.RETRY_SECONDS", 0.01)
    path = tmp_path / "away" / "reports.db"
    with open_intake(home, world.store, world.prover):
        path.parent.mkdir()
        wait_until(lambda: path.exists() or None, 10)


def test_a_database_that_comes_back_with_the_reports_of_another_log_is_refused(home, world, tmp_path):
    with open_intake(home, world.store, world.prover) as intake:
        (tmp_path / "other").mkdir()
        with closing(Database(f"sqlite:///{tmp_path}/other/reports.db")) as database:
            ReportStore(database, "another.example/1").prepare()
        (tmp_path / "other").rename(tmp_path / "away")
        with pytest.raises(StateError, match="origin"):
            intake.look(intake.make_code(), "203.0.113.7")
    with pytest.raises(StateError, match="origin"), open_intake(home, world.store, world.prover):
        pass
