"""The real kagglehub against a service on this machine."""

from __future__ import annotations

import resource
import sys

import pytest

from bench.data.public.kaggle import download
from bench.data.public.petals import files
from bench.errors import UserError
from bench.jobs.messages import DownloadJob

NAMES = (files(192)[0], files(192)[15], files(192)[-1])  # 798, 783 and 452 records


@pytest.fixture
def fetch(tmp_path):
    def run(tell=lambda done, of: None):
        return download(DownloadJob(files=NAMES, folder=str(tmp_path / "work")), tell)

    return run


def test_files_come_one_by_one(kaggle, fetch, tmp_path):
    told = []
    assert fetch(lambda *where: told.append(where)) is None
    assert kaggle.asked == list(NAMES)
    assert told == [(0, 2033), (798, 2033), (1581, 2033), (2033, 2033)]
    assert [(tmp_path / "work" / name).read_bytes() == kaggle.content(name) for name in NAMES] == [True] * 3


def test_complete_files_are_not_downloaded_again(kaggle, fetch, tmp_path):
    fetch()
    kaggle.asked.clear()
    (tmp_path / "work" / NAMES[0]).write_bytes(kaggle.content(NAMES[0])[: 17 * 300])  # at the end of a record
    (tmp_path / "work" / NAMES[1]).write_bytes(kaggle.content(NAMES[1])[:1000])  # within one
    fetch()
    assert kaggle.asked == list(NAMES[:2])
    assert (tmp_path / "work" / NAMES[0]).read_bytes() == kaggle.content(NAMES[0])


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "does not accept your token"),
        (403, "accept the rules at https://www.kaggle.com/competitions/tpu-getting-started/rules"),
        (404, f"answered 404 when asked for '{NAMES[1]}'"),
        (429, "Wait some minutes"),
        (503, "answered 503"),
    ],
)
def test_refusals(kaggle, fetch, status, said):
    kaggle.refused[NAMES[1]] = (status, "You must accept this competition's rules.")
    with pytest.raises(UserError, match=said):
        fetch()
    assert kaggle.asked == list(NAMES[:2])


def test_a_wrong_token(kaggle, fetch, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", "old")
    with pytest.raises(UserError, match="does not accept your token"):
        fetch()


def test_no_token(kaggle, fetch, monkeypatch):
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    with pytest.raises(UserError, match=r"no token was found.*kaggle\.com/settings.*access_token"):
        fetch()
    assert kaggle.asked == []


def test_a_damaged_kaggle_json(kaggle, fetch, monkeypatch, tmp_path):
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    (tmp_path / "nobody" / ".kaggle").mkdir(parents=True)
    (tmp_path / "nobody" / ".kaggle" / "kaggle.json").write_text("{")
    with pytest.raises(UserError, match="Invalid Kaggle credentials file"):
        fetch()


def test_no_network(kaggle, fetch):
    kaggle.shutdown()
    kaggle.server_close()
    with pytest.raises(UserError, match=r"connection to Kaggle failed \(ProxyError\).*PETALS_DIR"):
        fetch()


def test_a_connection_that_breaks(kaggle, fetch):
    kaggle.cut.add(NAMES[1])
    with pytest.raises(UserError, match="connection to Kaggle failed"):
        fetch()
    kaggle.cut.clear()
    fetch()
    assert kaggle.asked == [NAMES[0], NAMES[1], NAMES[1], NAMES[2]]


def test_a_connection_that_stalls(kaggle, fetch, monkeypatch):
    kaggle.stalled.add(NAMES[1])
    with monkeypatch.context() as impatient:
        impatient.setattr("bench.data.public.kaggle._STALL_SECONDS", 1.0)
        with pytest.raises(UserError, match="connection to Kaggle failed"):
            fetch()
    kaggle.stalled.clear()
    fetch()
    assert kaggle.asked == [NAMES[0], NAMES[1], NAMES[1], NAMES[2]]


def test_a_checksum_that_does_not_match(kaggle, fetch):
    kaggle.spoilt.add(NAMES[0])
    with pytest.raises(UserError, match=f"stopped at '{NAMES[0]}': .*MD5 checksum"):
        fetch()


def test_a_count_that_is_not_what_the_name_says(kaggle, fetch):
    kaggle.records[NAMES[1]] = 782
    with pytest.raises(UserError, match=f"'{NAMES[1]}' came from Kaggle, but holds 782 records, and its name says 783"):
        fetch()


def test_no_room(kaggle, fetch):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(UserError, match=r"Cannot write in .*work': File too large"):
            fetch()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_notebook_on_kaggle_has_the_files_mounted(kaggle, fetch, monkeypatch, tmp_path):
    mount = tmp_path / "input" / "tpu-getting-started"
    for name in NAMES:
        (mount / name).parent.mkdir(parents=True, exist_ok=True)
        (mount / name).write_bytes(kaggle.content(name))
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    monkeypatch.setenv("KAGGLE_DATA_PROXY_URL", f"http://127.0.0.1:{kaggle.server_port}")
    monkeypatch.setenv("KAGGLE_USER_SECRETS_TOKEN", "t")
    monkeypatch.setenv("KAGGLE_DATA_PROXY_TOKEN", "t")
    monkeypatch.setenv("KAGGLE_CACHE_MOUNT_FOLDER", str(tmp_path / "input"))
    assert fetch() == mount
    assert not (tmp_path / "work").exists()


def test_without_kagglehub(fetch, monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(UserError, match=r"pip install 'petalbench\[kaggle\]'"):
        fetch()
