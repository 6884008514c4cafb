"""The folder with all state: where it is, what it may contain, and which versions of it can be used."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from support import ROOT

import local_aws
from local_aws.lifecycle.home import Home, find_home
from local_aws.lifecycle.state import RECORDS, VERSION, check, migrate

ASK = "import local_aws; print(local_aws.find_home())"


@pytest.mark.parametrize("folder", ["/", str(ROOT / "notebooks"), "elsewhere"])
def test_the_home_is_the_projects_whatever_the_current_folder_is(folder: str, tmp_path: Path) -> None:
    """Asked as by cron and systemd, without a single variable; `elsewhere` is another project's folder."""
    here = tmp_path / folder
    here.mkdir(exist_ok=True)
    if folder == "elsewhere":
        (here / "pyproject.toml").write_text("")
    found = subprocess.run([sys.executable, "-c", ASK], cwd=here, env={}, capture_output=True, check=True)
    assert found.stdout.decode().strip() == str(ROOT / ".local_aws")


def test_two_checkouts_share_no_state_and_a_relative_name_is_in_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOCAL_AWS_HOME")
    (tmp_path / "pyproject.toml").write_text("")
    assert find_home(tmp_path) == tmp_path / ".local_aws"
    with pytest.raises(local_aws.LocalAwsError, match="is not a checkout of the project; set LOCAL_AWS_HOME"):
        find_home(tmp_path / "site-packages")
    monkeypatch.setenv("LOCAL_AWS_HOME", ".local_aws/accounts/210987654321")
    assert find_home(tmp_path) == tmp_path / ".local_aws/accounts/210987654321"
    monkeypatch.setenv("LOCAL_AWS_HOME", str(tmp_path / "named"))
    assert find_home(tmp_path / "site-packages") == tmp_path / "named"


@pytest.mark.parametrize("text", ["", '{"endpoint_url": "http://127', "[]", "{}", "\xff"])
def test_a_cut_server_json_tells_of_no_server(text: str, tmp_path: Path) -> None:
    home = Home(tmp_path)
    with home.hold():
        (tmp_path / "server.json").write_bytes(text.encode("latin-1"))
        assert home.published() is None


def test_a_server_without_a_secret_is_a_sentence(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with home.hold():
        home.publish({"endpoint_url": "http://127.0.0.1:9", "pid": 1})
        with pytest.raises(local_aws.LocalAwsError, match="End it with `many-models local-aws stop`"):
            local_aws.start(tmp_path)


def test_the_folder_is_this_users_alone(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o755)
    with Home(folder).hold():
        assert folder.stat().st_mode & 0o777 == 0o700


def test_foreign_files_are_neither_accounts_nor_in_the_way_of_a_reset(tmp_path: Path) -> None:
    accounts = tmp_path / "accounts"
    for name in ("210987654321", "mine"):
        (accounts / name).mkdir(parents=True)
    (accounts / ".DS_Store").touch()
    assert [home.account_id for home in Home(tmp_path).accounts()] == ["210987654321"]
    (tmp_path / "server.json.123.tmp").touch()
    local_aws.reset(tmp_path)
    assert {path.name for path in tmp_path.rglob("*")} == {"accounts", "mine", ".DS_Store"}


def _version(folder: Path) -> int:
    with closing(sqlite3.connect(folder / RECORDS)) as database:
        return database.execute("PRAGMA user_version").fetchone()[0]


def _old(folder: Path, version: int) -> None:
    with closing(sqlite3.connect(folder / RECORDS)) as database:
        database.execute("CREATE TABLE documents (name TEXT)")
        database.execute(f"PRAGMA user_version = {version}")


def test_a_new_state_has_the_current_version(tmp_path: Path) -> None:
    migrate(tmp_path, {})
    assert _version(tmp_path) == VERSION
    check(tmp_path)


def test_an_older_state_becomes_a_current_one_step_by_step(tmp_path: Path) -> None:
    _old(tmp_path, 0)
    done: list[Path] = []
    migrate(tmp_path, dict.fromkeys(range(VERSION), done.append))
    assert done == [tmp_path] * VERSION
    migrate(tmp_path, {})
    assert _version(tmp_path) == VERSION


def test_a_step_that_was_interrupted_is_done_again(tmp_path: Path) -> None:
    _old(tmp_path, 0)

    def interrupted(folder: Path) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        migrate(tmp_path, dict.fromkeys(range(VERSION), interrupted))
    assert _version(tmp_path) == 0


def test_a_newer_state_is_refused_before_a_server_starts(tmp_path: Path) -> None:
    _old(tmp_path, VERSION + 1)
    with pytest.raises(
        local_aws.LocalAwsError, match=rf"has version {VERSION + 1}, .* Bring the checkout up"
    ):
        local_aws.start(tmp_path)
    assert not (tmp_path / "server.log").exists()


def test_records_that_cannot_be_read_are_a_sentence(tmp_path: Path) -> None:
    (tmp_path / RECORDS).write_bytes(b"not a database" * 100)
    with pytest.raises(local_aws.LocalAwsError, match=r"not a database.* Move it away or restore it"):
        local_aws.start(tmp_path)
