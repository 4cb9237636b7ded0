"""Worker processes end with their parent, and only the parent hears Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

PARENT = """
import os, time
from bench.data.imports.workers import process_pool
if __name__ == "__main__":
    pool = process_pool(1)
    print(pool.submit(os.getpid).result(), flush=True)
    pool.submit(time.sleep, 60)
    time.sleep(60)
"""


@pytest.fixture
def processes(tmp_path):
    """A parent and its busy worker."""
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        yield parent, int(parent.stdout.readline())
        parent.kill()


def is_running(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        os.kill(pid, 0)
        return subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True).stdout[:1] not in (b"", b"Z")
    except ProcessLookupError:
        return False


def test_a_worker_ends_when_its_parent_is_killed(processes):
    parent, worker = processes
    assert is_running(worker)
    parent.kill()
    until = time.monotonic() + 10
    while is_running(worker) and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_running(worker)


def test_a_worker_leaves_ctrl_c_to_its_parent(processes):
    _, worker = processes
    os.kill(worker, signal.SIGINT)
    time.sleep(0.3)
    assert is_running(worker)
