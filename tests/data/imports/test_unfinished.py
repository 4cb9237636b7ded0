import pytest

from bench.data.imports.unfinished import PETALS_LOCK, PETALS_WORK, exclusive_lock, unfinished
from bench.data.public import petals
from bench.errors import UserError


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("PETALBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PETALS_DIR", raising=False)
    return tmp_path / "home"


def begin(folder, size):
    folder.mkdir(parents=True)
    (folder / "spool").write_bytes(b"x" * size)
    return folder


def test_a_home_that_was_never_used_has_none(home):
    assert unfinished() == []
    assert not home.exists()


def test_begun_imports_and_fetches_are_shown_and_removed(home):
    mine = begin(home / "imports" / "mine", 5)
    fetched = begin(petals.folders()[0] / PETALS_WORK, 7)
    assert {work.path: work.size for work in unfinished()} == {mine: 5, fetched: 7}
    assert [work.remove() for work in unfinished()] == [True, True]
    assert unfinished() == []
    assert petals.folders()[0].is_dir()


@pytest.mark.parametrize("end", [".lock", ".fetch.lock"])
def test_what_somebody_is_at_stays(home, end):
    mine = begin(home / "imports" / "mine", 5)
    (work,) = unfinished()
    with exclusive_lock(mine.with_name(f"mine{end}"), "busy"):
        assert not work.remove()
    assert (mine / "spool").is_file()
    assert work.remove()


def test_a_fetch_of_petals_under_way_stays(home):
    begin(petals.folders()[0] / PETALS_WORK, 7)
    (work,) = unfinished()
    with exclusive_lock(petals.folders()[0] / PETALS_LOCK, "busy"):
        assert not work.remove()
    assert work.path.is_dir()


def test_the_command_says_what_it_kept(call, home, tmp_path):
    mine = begin(home / "imports" / "mine", 2**20)
    begin(home / "imports" / "other", 2**20)
    runs = str(tmp_path / "runs")
    assert "2.0 MiB  in all" in call("clean", "--runs", runs)[1]
    with exclusive_lock(mine.with_name("mine.lock"), "busy"):
        told = call("clean", "--runs", runs, "--yes")[1]
    assert f"Kept, in use by another process: {mine}" in told
    assert "1.0 MiB  removed" in told
    assert mine.is_dir()
    assert not (home / "imports" / "other").exists()


def test_one_holder_at_a_time(tmp_path):
    with (
        exclusive_lock(tmp_path / "l", "Busy."),
        pytest.raises(UserError, match=r"^Busy\.$"),
        exclusive_lock(tmp_path / "l", "Busy."),
    ):
        pass
    with exclusive_lock(tmp_path / "l", "Busy."):
        pass
