import pytest
from helpers_data import make_data

from bench.data import source as finding
from bench.data.remote.address import place
from bench.data.remote.contents import look
from bench.errors import UserError


def test_without_a_network_google_storage_is_told_at_once(monkeypatch):
    monkeypatch.setattr(finding, "answers", lambda host: False)
    monkeypatch.setattr(finding, "ask_counting", lambda *of: pytest.fail("TensorFlow would try for minutes"))
    with pytest.raises(UserError, match=r"www.googleapis.com does not answer; a copy on this machine can: --data PATH"):
        finding.find_data("gs://bucket/flowers")
    place("gs://bucket/flowers").mkdir(parents=True)
    with pytest.raises(UserError, match=r"remote/flowers-\w+' has what was copied: --data PATH"):
        finding.find_data("gs://bucket/flowers")


def test_other_urls_are_looked_at_whether_google_answers_or_not(tmp_path, monkeypatch):
    monkeypatch.setattr(finding, "answers", lambda host: False)
    monkeypatch.setattr(finding, "ask_counting", lambda job, log: look(job.data))  # what the child does
    root = make_data(tmp_path / "flowers", (32,), counts={"train": 4, "val": 4})
    source = finding.find_data(f"file://{root}")
    assert (source.name, source.resolutions, source.class_names[0]) == ("flowers", (32,), "red")
    assert finding.find_data(str(root)).remote is None
