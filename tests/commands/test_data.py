"""Lines that `data` prints of outcomes made by hand, and the way from options to requests."""

from pathlib import Path

import pytest

from bench import api
from bench.data.imports.importer import ImportOutcome
from bench.data.public.fetch import FetchOutcome
from bench.data.public.petals import MOUNTS
from bench.jobs.messages import Answer

COUNTS = {"train": 1200, "val": 30, "test": 4}


def test_an_import_lists_counts_copies_and_files_left_out(call, monkeypatch):
    requests = []
    outcome = ImportOutcome(Path("data/my own"), (16, 64), COUNTS, 3, 2, ("one", "two", "three"))
    monkeypatch.setattr(api, "data_import", lambda request: requests.append(request) or outcome)
    status, out, _ = call("data", "import", "folder", "my own", "--px", "64,16", "--square", "letterbox", "--force")
    assert status == 0
    assert out.splitlines() == [
        "my own: 1,234 pictures of 3 classes (train 1,200, val 30, test 4) at 16, 64 px in 'data/my own'.",
        "2 files are copies of another file, byte for byte; `data audit` lists them.",
        "3 files were left out; 'data/my own/skipped.csv' lists them.",
        "Next: python -m bench data audit 'my own'",
    ]
    [request] = requests
    assert (request.resolutions, request.square, request.force) == ((16, 64), "letterbox", True)


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        (None, "petals: already complete at 224 px."),
        (FetchOutcome(Path("p"), 0), "petals: already complete at 224 px in 'p'; record counts match the file names."),
        (FetchOutcome(Path("p"), 9), "petals: fetched 9 shards of 224 px in 'p'; record counts match the file names."),
        (
            FetchOutcome(MOUNTS[0], 0, MOUNTS[0]),
            f"Kaggle has mounted the files at '{MOUNTS[0]}'. Use --data petals.",
        ),
        (
            FetchOutcome(Path("/m"), 0, Path("/m")),
            "Kaggle has mounted the files at '/m'. Set PETALS_DIR to '/m'. Use --data petals.",
        ),
    ],
)
def test_a_fetch_says_where_the_files_are(call, monkeypatch, outcome, line):
    monkeypatch.setattr(api, "data_fetch", lambda name, resolutions: outcome)
    status, out, _ = call("data", "fetch", "petals", "--px", "224")
    assert (status, out.splitlines()[0]) == (0, line)


def test_the_status_of_an_audit_is_that_of_its_answer(call, monkeypatch):
    monkeypatch.setattr(api, "data_audit", lambda data, reports: Answer(lines=(data, str(reports)), status=1))
    assert call("data", "audit", "sample", "--reports", "r") == (1, "sample\nr\n", "")
