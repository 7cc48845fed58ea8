"""The nightly backup: when it is due, that there is one of it, how many are kept."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import create_engine, text

from gis.jobs.archive import read_manifest
from gis.jobs.backup import backup_folder
from gis.jobs.nightly import Nightly, drop_oldest, find_last_due, make_nightly
from gis.settings import Settings
from tests.gis.jobs.conftest import OpenInstallation

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (datetime(2026, 11, 20, 1, 59), datetime(2026, 11, 19, 2)),
        (datetime(2026, 11, 20, 2, 0), datetime(2026, 11, 20, 2)),
        (datetime(2026, 11, 20, 23, 59), datetime(2026, 11, 20, 2)),
        (datetime(2026, 1, 1, 0, 30), datetime(2025, 12, 31, 2)),
    ],
)
def test_the_night_that_is_due_is_told_by_the_business_clock(now: datetime, due: datetime) -> None:
    found = find_last_due(now.replace(tzinfo=SHANGHAI), 2)
    assert found == due.replace(tzinfo=SHANGHAI)


def test_two_processes_at_once_make_one_backup_of_a_night(
    open_clone: OpenInstallation, settings: Settings
) -> None:
    installation = open_clone()
    due = datetime(2026, 11, 20, 2, tzinfo=SHANGHAI)
    together = threading.Barrier(2)
    made: list[Path | None] = []

    def make() -> None:
        together.wait()
        made.append(make_nightly(installation, settings, due))

    threads = [threading.Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(path is None for path in made) == [False, True]
    assert [p.name for p in backup_folder(settings).iterdir()] == ["nightly-20261120.tar"]
    assert read_manifest(backup_folder(settings) / "nightly-20261120.tar").rows > 0
    assert make_nightly(installation, settings, due) is None


def test_the_oldest_nights_go_and_backups_made_by_hand_stay(tmp_path: Path) -> None:
    for day in range(10, 15):
        (tmp_path / f"nightly-202611{day}.tar").touch()
    (tmp_path / "infratrack-20200101T000000Z.tar").touch()
    drop_oldest(tmp_path, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "infratrack-20200101T000000Z.tar",
        "nightly-20261113.tar",
        "nightly-20261114.tar",
    ]


def test_a_night_missed_while_nobody_served_is_made_up_for(
    open_clone: OpenInstallation, settings: Settings
) -> None:
    nightly = Nightly(open_clone(), settings)
    now = datetime(2026, 11, 20, 9, 30, tzinfo=SHANGHAI)
    wait = nightly._make_due(now)
    assert (backup_folder(settings) / "nightly-20261120.tar").is_file()
    assert timedelta(0) < wait <= timedelta(hours=1)


def test_the_thread_ends_when_it_is_told_to(
    open_clone: OpenInstallation, settings: Settings
) -> None:
    nightly = Nightly(open_clone(), settings)
    nightly.start()
    nightly.stop()
    assert not nightly._thread.is_alive()
    assert not backup_folder(settings).exists()


def test_a_night_prunes_the_audit_trail_as_the_setting_says(
    open_clone: OpenInstallation, tmp_path: Path
) -> None:
    installation = open_clone()
    owner = create_engine(installation.owner_url)
    with owner.begin() as connection:
        for days in (100, 300, 500):
            connection.execute(
                text(
                    "INSERT INTO core.audit_event (at, login, action, outcome)"
                    " VALUES (now() - :days * interval '1 day', :name, 'x', 'done')"
                ),
                {"days": days, "name": f"day{days}"},
            )
    settings = Settings(state_folder=tmp_path / "state", audit_days=400)
    made = make_nightly(installation, settings, datetime(2026, 11, 20, 2, tzinfo=SHANGHAI))
    assert made is not None
    with owner.connect() as connection:
        left = connection.execute(text("SELECT login FROM core.audit_event ORDER BY 1")).scalars()
        assert list(left) == ["day100", "day300"]
    owner.dispose()
    assert read_manifest(made).tables["core.audit_event"].startswith("3 ")  # kept in the backup
    with pytest.raises(ValueError, match="audit_days"):
        Settings(audit_days=183)
