"""The whole report on golden inputs: what it says, what it links, and that the same inputs give the same bytes."""

from __future__ import annotations

import dataclasses
import itertools
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pandas as pd
import pytest
from helpers_report import ensemble_row, failed_row, make_inputs, run_row, runs, schedule_frames
from PIL import Image

from bench.report.build import KEY, build, draw_once, has_stamp, results_table, stamp, write_text
from bench.report.figures import schedule
from bench.report.figures.style import house_style, new_figure, save
from bench.report.frame.inputs import COLUMNS, ReportInput


@pytest.fixture(scope="module")
def page(built) -> str:
    return (built / "summary.md").read_text(encoding="utf-8")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize(
    "fragment",
    [
        "# Backbones on sample: macro F1 and its cost",
        "| best run | densenet121@512 | .884 [.85, .92] | - | - | 80 | 81 | 136 |",
        "| cheapest tied with it | efficientnetb0@512 | .867 [.83, .90] | -.017 [-.047, +.013] | .884 | 34 | 35 | 49 |",
        "| best ensemble | top3 | .897 [.86, .93] | +.017 [-.004, +.038] | .880 | 185 | 190 | 304 |",
        "densenet121@512 **cannot be told apart** from resnet50@512 and efficientnetb0@512 (2 of 7 others, adjusted "
        "for 7 comparisons (Holm)); the gain of top3 is **within the noise**.",
        "Test F1: densenet121@512 .871 [.77, .95], top3 .893 [.81, .95].",
        "> **Failed**: 1 run (vgg16@1024); see Failures.",
        "They exclude seed noise: each configuration was trained once",
        "python -m bench run --all python -m bench ensemble top3 python",
        "8 runs and 1 ensemble ranked, 1 failed. Every run, members, calibration and curves: [details.md](details.md).",
    ],
)
def test_page_says(page, fragment):
    assert fragment in " ".join(page.split())


def test_best_row_of_the_results_table_is_the_hand_computed_one(golden):
    # 17.3 s at 224 px, times (512/224)^2 = 5.2245, is 90.4 s, nine tenths of it steady; 0.88 of it an epoch.
    line = next(line for line in results_table(golden).splitlines() if line.startswith("| densenet121@512"))
    assert [cell.strip() for cell in line.strip("|").split("|")] == [
        *("densenet121@512", ".884 [.85, .92]", "-", "79.5", "81.3", "9.04", "136.4", "")
    ]


def test_table_is_sorted_by_score_with_failures_last(golden):
    names = [line.split()[1] for line in results_table(golden).splitlines() if line.startswith("| ")][2:]
    assert names == [
        *("densenet121@512", "resnet50@512", "efficientnetb0@512", "densenet121@224", "resnet50@224"),
        *("efficientnetb0@224", "vgg16@512", "vgg16@224", "vgg16@1024"),
    ]


def test_table_fits_a_terminal_of_120_columns(golden):
    table = [line for line in results_table(golden).splitlines() if line.startswith("|")]
    assert len({len(line) for line in table}) == 1
    assert len(table[0]) <= 120


def test_the_table_of_a_readme_is_part_of_the_page(golden, page):
    assert results_table(golden) in page


def test_every_linked_figure_exists_and_every_figure_is_linked(page, built):
    both = page + (built / "details.md").read_text(encoding="utf-8")
    links = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", both)
    assert len(links) == 3
    assert {built / link for link in links} == set((built / "figures").iterdir())


def test_terms_that_the_pages_explain_are_headers_of_their_tables(page, built):
    """A legend of a column that was renamed would explain nothing."""
    headers, terms = set(), set()
    for text in (page, (built / "details.md").read_text(encoding="utf-8")):
        lines = text.splitlines()
        rows = [line for line, below in itertools.pairwise(lines) if line.startswith("|") and "--:" in below]
        headers |= {cell.strip() for line in rows for cell in line.strip("|").split("|")}
        terms |= set(re.findall(r"\*\*([a-z][\w/ -]*)\*\*", " ".join(lines)))
    assert {"difference", "from", "gain", "to the best", "epoch s", "train s", "start-up s", "ms/image"} <= terms
    prose = {"cannot be told apart", "within the noise", "in sample", "top3", "frozen"}
    facts = {"device", "versions", "date", "code revision"}
    assert terms - prose - facts <= headers


def test_same_inputs_give_same_bytes(golden, built, tmp_path):
    shuffled = dataclasses.replace(golden, rows=golden.rows.sample(frac=1, random_state=1))
    build(shuffled, tmp_path)
    assert files(built) == files(tmp_path)


def test_figures_that_no_longer_apply_are_removed_and_other_files_kept(golden, tmp_path):
    build(golden, tmp_path)
    (tmp_path / "figures" / "mine.png").write_bytes(b"mine")
    build(ReportInput(rows=pd.DataFrame()), tmp_path)
    assert sorted(files(tmp_path)) == ["figures/mine.png", "results.csv", "summary.md"]  # and no details.md


def test_interrupted_write_leaves_the_old_page(golden, tmp_path, monkeypatch):
    page = build(golden, tmp_path)
    before = page.read_bytes()
    monkeypatch.setattr("bench.report.build.summary", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        build(golden, tmp_path)
    assert page.read_bytes() == before
    assert not list(tmp_path.rglob("*.tmp"))


def test_csv_has_the_columns_in_order_and_reads_back(golden, built):
    read = pd.read_csv(built / "results.csv")
    assert list(read.columns) == list(COLUMNS)
    assert len(read) == len(golden.rows)
    ours = golden.rows.set_index("run_id")
    for _, row in read.iterrows():
        assert row["macro_f1"] == pytest.approx(ours.loc[row["run_id"], "macro_f1"], rel=1e-5, nan_ok=True)
        assert row["train_seconds_full"] == pytest.approx(
            ours.loc[row["run_id"], "train_seconds_full"], rel=1e-5, nan_ok=True
        )


def test_csv_keeps_whole_numbers_whole_beside_empty_cells(built):
    read = pd.read_csv(built / "results.csv", dtype=str, keep_default_na=False).set_index("kind")
    assert "23612296" in set(read["parameters"])
    assert {"", "16"} == set(read["global_batch"])
    assert {"", "0"} == set(read["seed"])


def test_empty_store_gives_a_page(tmp_path):
    page = build(ReportInput(rows=pd.DataFrame()), tmp_path).read_text()
    assert "No run has finished" in page
    assert "](figures/" not in page
    assert (tmp_path / "results.csv").read_text() == ",".join(COLUMNS) + "\n"


def test_shared_data_names_the_data_set(golden, tmp_path):
    page = build(golden, tmp_path, shared_data=True).read_text()
    assert "this page is about sample alone" in page
    assert "python -m bench report --data sample" in page


def test_neither_tensorflow_nor_pyplot_is_imported(tmp_path):
    code = (
        "import pathlib, sys, pandas as pd, bench.report\n"
        "light = set(sys.modules)\n"
        "from bench.report.build import build\n"
        "from bench.report.frame.inputs import ReportInput\n"
        "assert 'matplotlib' not in sys.modules\n"
        "rows = pd.DataFrame([{'run_id': 'a-00000000', 'kind': 'run', 'status': 'ok', 'macro_f1': .5,\n"
        "    'train_seconds_full': 1.0}])\n"
        f"build(ReportInput(rows=rows), pathlib.Path({str(tmp_path)!r}))\n"
        "assert 'matplotlib.figure' in sys.modules\n"
        "print(*[name for name in ('tensorflow', 'keras', 'matplotlib.pyplot') if name in sys.modules])"
    )
    root = Path(__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, env=dict(os.environ))
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == ""


HOSTILE = "a|b `c` *d* _e_ <f> $g{ \\h\n# 花" + "x" * 90


def test_hostile_names_break_neither_page_nor_table_nor_figure(tmp_path):
    row = run_row("vgg16", 224, backbone=HOSTILE, family=f"_{HOSTILE}", recipe=HOSTILE, device=HOSTILE, data=HOSTILE)
    schedules = {HOSTILE: schedule_frames()["frozen"]}
    about = {HOSTILE: HOSTILE, "command": HOSTILE}
    added = {"run_id": f"{HOSTILE}-00000000", "kind": "run", "status": "ok", "macro_f1": 0.5, "train_seconds_full": 2.0}
    failure = {"run_id": HOSTILE, "kind": HOSTILE, "reason": HOSTILE, "log": HOSTILE, "seconds": 1.0}
    inputs = make_inputs([row, added], schedules=schedules, recipes={HOSTILE: HOSTILE}, about=about, failures=[failure])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        page = build(inputs, tmp_path).read_text(encoding="utf-8")
    page += (tmp_path / "details.md").read_text(encoding="utf-8")
    prose = re.sub(r"^(`{3,})\n.*?^\1$", "", page, flags=re.DOTALL | re.MULTILINE)
    assert not re.search(r"(?<!\\)<f>|^# 花|(?<!\\)`c(?<!\\)`", prose, flags=re.MULTILINE)
    tables = re.findall(r"(?:^\|.*\n)+", prose, flags=re.MULTILINE)
    assert len(tables) == 5
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1
    read = pd.read_csv(tmp_path / "results.csv")
    assert set(read["run_id"]) == {row["run_id"], added["run_id"]}
    assert HOSTILE in set(read["backbone"])


def test_a_hundred_and_four_classes_and_a_real_validation_set(tmp_path):
    rows = [row | {"classes": 104, "train_images": 12753, "val_images": 3712, "test_images": 7382} for row in runs()]
    rows = [row | {"macro_f1_low": row["macro_f1"] - 0.007, "macro_f1_high": row["macro_f1"] + 0.007} for row in rows]
    page = build(make_inputs(rows), tmp_path).read_text(encoding="utf-8")
    assert "Classes: 104; images: 12,753 training, 3,712 validation, 7,382 test" in page
    assert "| best run              | densenet121@512    | .884 [.877, .891] |" in page


@pytest.mark.parametrize(
    "rows", [[ensemble_row(runs()[:2], runs())], [failed_row()], runs()[:1]], ids=["ensemble", "failure", "run"]
)
def test_a_store_of_one_thing_gives_a_whole_page(rows, tmp_path):
    page = build(make_inputs(rows), tmp_path).read_text(encoding="utf-8")
    assert "nan" not in page.lower()
    assert [line for line in page.splitlines() if line.startswith("# ")] == [
        "# Backbones on sample: macro F1 and its cost"
    ]
    assert "## Results" in page
    assert "## How it was measured" in page


def test_the_page_links_a_recommendation_for_its_own_data(golden, tmp_path):
    page = build(golden, tmp_path)
    assert "recommendation.md" not in page.read_text()
    (tmp_path / "recommendation.md").write_text("# Recommendation for petals: at most 40 ms per image\n")
    assert "recommendation.md" not in build(golden, tmp_path).read_text()
    (tmp_path / "recommendation.md").write_text("# Recommendation for sample: at most 40 ms per image\n")
    assert "[recommendation.md](recommendation.md)" in build(golden, tmp_path).read_text()


def test_text_has_unix_line_ends(tmp_path):
    write_text(tmp_path / "new" / "a.md", "é\n")
    assert (tmp_path / "new" / "a.md").read_bytes() == b"\xc3\xa9\n"


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def broken(figure, temporary, texts):
        temporary.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr("bench.report.build.save", broken)
    with pytest.raises(OSError, match="disk full"):
        draw_once(path, schedule, schedule_frames())
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.png"
    with house_style():
        save(new_figure(1, 1), path, {KEY: "abc"})
    return path


def test_the_stamp_is_in_the_file_as_other_readers_see_it(picture):
    assert Image.open(picture).text[KEY] == "abc"
    assert has_stamp(picture, "abc")
    assert not has_stamp(picture, "ab")
    assert not has_stamp(picture, "abcd")


def test_a_figure_that_is_gone_cut_short_or_something_else_has_no_stamp(picture, tmp_path):
    content = picture.read_bytes()
    for other in (content[:-1], content[: len(content) // 2], content[:20], b"", b"text"):
        picture.write_bytes(other)
        assert not has_stamp(picture, "abc")
    assert not has_stamp(tmp_path / "none.png", "abc")


def test_a_stamp_is_of_the_content():
    frame = pd.DataFrame({"a": [1.0, float("nan")], "b": ["x", "y"]})
    assert stamp({"one": frame}) == stamp({"one": frame.copy()})
    changed = [{"one": frame.assign(a=[1.0, 2.0])}, {"two": frame}, {"one": frame.rename(columns={"a": "c"})}, [frame]]
    assert len({stamp(subject) for subject in [{"one": frame}, *changed]}) == 5
    assert stamp(frame) != stamp(frame.assign(a=frame["a"] + 1e-15))


def test_only_changed_figures_are_drawn_again(golden, tmp_path, monkeypatch):
    build(golden, tmp_path)
    drawn = []
    monkeypatch.setattr("bench.report.build.save", lambda figure, path, texts: drawn.append(save(figure, path, texts)))
    before = {path.name: path.read_bytes() for path in (tmp_path / "figures").iterdir()}
    build(golden, tmp_path)
    assert not drawn
    rows = golden.rows.assign(train_seconds_steady=golden.rows["train_seconds_steady"] * 2)
    build(dataclasses.replace(golden, rows=rows), tmp_path)
    assert len(drawn) == 1
    after = {path.name: path.read_bytes() for path in (tmp_path / "figures").iterdir()}
    assert [name for name in before if before[name] != after[name]] == ["accuracy-versus-cost.png"]
    (tmp_path / "figures" / "schedule.png").write_bytes(before["schedule.png"][:-40])
    build(golden, tmp_path)
    assert {path.name: path.read_bytes() for path in (tmp_path / "figures").iterdir()} == before
