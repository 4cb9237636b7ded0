import errno
import fcntl
import subprocess
import sys
import time

import pytest

from bench.store.claims import Claim, ClaimedError, Claims
from bench.store.store import Store

# Holds a claim and hands it to a child, which it names; both then sleep.
HOLDER = """
import subprocess, sys, time
from pathlib import Path
from bench.store.claims import Claims
with Claims(Path(sys.argv[1])).take("job", ".partial/a") as held:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], pass_fds=(held,))
    print(child.pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def claims(tmp_path):
    return Claims(tmp_path)


def is_free(claims, name):
    try:
        with claims.take(name):
            return True
    except ClaimedError:
        return False


def test_one_holder_at_a_time_which_is_named(claims):
    with claims.take("job"):
        with pytest.raises(ClaimedError, match=r"^process \d+ on "), claims.take("job"):
            pass
        assert is_free(claims, "other")
    assert is_free(claims, "job")


def test_a_claim_is_held_until_a_killed_owner_and_its_child_have_ended(claims, tmp_path):
    owner = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    child = int(owner.stdout.readline())
    assert not is_free(claims, "job")
    owner.kill()
    owner.wait()
    try:
        assert not is_free(claims, "job")
        assert [claim.owner.split()[1] for claim in claims.live()] == [str(owner.pid)]
    finally:
        subprocess.run(["kill", "-9", str(child)], check=True)
    until = time.monotonic() + 30
    while not is_free(claims, "job"):
        assert time.monotonic() < until
    assert claims.live() == []
    owner.stdout.close()


def test_live_claims_cover_names_by_their_start(claims, tmp_path):
    with claims.take("job", ".partial/a-1", ".banks/a-32-"):
        (live,) = claims.live()
        found = [
            claims.owner(tmp_path / name, [live]) == live.owner
            for name in (".partial/a-1.log", ".banks/.a-32-x", ".partial/a-2", ".banks/a-64-x", ".failed/a-1.json")
        ]
    assert found == [True, True, False, False, False]
    assert claims.live() == []
    assert claims.owner(tmp_path / ".partial" / "a-1", [Claim("x", ())]) == ""


def test_without_locks_a_command_goes_on_warned_and_all_claims_count_as_live(tmp_path, monkeypatch, capsys):
    def refuse(file, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    store = Store(tmp_path / "runs")
    store.check_writable()
    assert capsys.readouterr().err.startswith("WARNING: no locks in")
    with store.claims.take("job", ".partial/a"):
        assert is_free(store.claims, "other")
        assert [claim.covers for claim in store.claims.live()] == [[".partial/a"]]
