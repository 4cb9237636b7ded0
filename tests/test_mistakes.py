"""Wrong inputs: one clear line, exit status 2, nothing lost."""

import os
import shutil

import pytest
from helpers_data import make_data
from helpers_store import save_run

from bench.store.store import Store


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return make_data(tmp_path_factory.mktemp("toy") / "toy", (32, 64), counts={"train": 9, "val": 8, "test": 3})


def one_line(answer):
    status, _, err = answer
    lines = [line for line in err.splitlines() if not line.startswith("checking the data")]  # progress
    assert status == 2, err
    assert len(lines) == 1, err
    assert lines[0].startswith("petalbench: ")
    return lines[0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run"], "--all"),
        (["run", "vgg61"], "Did you mean 'vgg16'"),
        (["run", "--all", "--recipe", "frozn"], "Did you mean 'frozen'"),
        (["run", "tiny", "--recipe", "no/such.toml"], "cannot be read"),
        (["run", "tiny", "--set", "epoch=5"], "Did you mean 'epochs'"),
        (["run", "tiny", "--set", "epochs"], "FIELD=VALUE"),
        (["run", "tiny", "--set", "epochs=0"], "epochs"),
        (["run", "tiny", "--set", "schedule.max_lr=fast"], "schedule.max_lr"),
        (["run", "tiny", "--lr-scale", "0"], "--lr-scale '0'"),
        (["run", "tiny", "--xla"], "--xla is not supported"),
        (["run", "--all", "--px", "big"], "--px 'big'"),
        (["run", "tiny", "--data", "smaple"], "Did you mean 'sample'"),
        (["run", "tiny", "--data", "/no/such/folder"], "/no/such/folder"),
        (["run", "vgg16", "--weights", "/no/such/file.h5"], "/no/such/file.h5"),
        (["run", "vgg16", "--weights", "imagnet"], "imagenet"),
        (["ensemble", "top3"], "No finished run"),
        (["report"], "No finished run"),
        (["show", "tiny"], "Unknown run 'tiny'"),
    ],
)
def test_one_line(call, words, message):
    assert message in one_line(call(*words))


def test_typer_explains_its_own_mistakes(call):
    status, _, err = call("run", "--sedes", "3")
    assert status == 2
    assert "No such option" in err
    assert call("ensembel")[0] == 2


def test_a_weights_file_for_several_backbones(call, tmp_path):
    (tmp_path / "w.h5").write_bytes(b"x")
    assert "one network's file" in one_line(call("run", "--all", "--weights", tmp_path / "w.h5"))


def test_a_folder_that_lacks_a_backbones_weights(call, toy, tmp_path):
    (tmp_path / "folder").mkdir()
    line = one_line(call("run", "vgg16", "--data", toy, "--weights", "folder", "--px", "32"))
    for part in ("vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", "6d6bbae143d832006294945121d1f1fc", "'folder'"):
        assert part in line


def test_missing_imagenet_weights_are_named(call, toy, monkeypatch):
    from bench.matrix import weights

    monkeypatch.setattr(weights.resolve, "__kwdefaults__", {"online": lambda host: False})
    line = one_line(call("run", "vgg16", "--data", toy))
    for part in (
        "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "6d6bbae143d832006294945121d1f1fc",
        "--weights random",
    ):
        assert part in line


def test_a_store_that_cannot_be_written(call, toy, tmp_path):
    (tmp_path / "file").write_text("")
    words = ("run", "tiny", "--data", toy, "--weights", "random", "--runs", tmp_path / "file" / "runs")
    assert "Cannot write to the run store" in one_line(call(*words))


def test_a_missing_resolution_names_the_others(call, toy):
    line = one_line(call("run", "tiny@128", "--data", toy, "--weights", "random"))
    assert "It has: 32, 64" in line


def test_a_missing_split(call, toy, tmp_path):
    shutil.copytree(toy, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "tfrecords-jpeg-32x32" / "val")
    line = one_line(call("run", "tiny", "--data", tmp_path / "copy", "--weights", "random"))
    assert "'val'" in line


def test_a_fault_found_by_the_checking_child_is_one_line(call, toy, tmp_path):
    shutil.copytree(toy, tmp_path / "copy")
    shard = sorted((tmp_path / "copy" / "tfrecords-jpeg-32x32" / "train").iterdir())[0]
    content = shard.read_bytes()
    shard.write_bytes(content[: len(content) // 2])
    line = one_line(call("run", "tiny", "--data", tmp_path / "copy", "--weights", "random"))
    assert shard.name in line
    assert "truncated" in line


def test_weights_of_another_network_stop_the_run_and_lose_nothing(call, toy, tmp_path):
    import backbones

    backbones.get("efficientnetb0").build("random").save_weights(tmp_path / "other.weights.h5")
    words = ("run", "tiny@32", "--data", toy, "--weights", tmp_path / "other.weights.h5")
    status, _, err = call(*words)
    assert status == 2
    assert "Traceback" not in err
    assert "other.weights.h5" in err.splitlines()[-1]
    store = Store(tmp_path / "runs")
    assert (store.run_ids(), store.failures()) == ((), [])


def test_too_few_runs_and_two_data_sets(call, tmp_path):
    store = Store(tmp_path / "runs")
    save_run(store, "a-32-frozen-s0-00000000")
    assert "top3 needs 3" in one_line(call("ensemble", "top3"))
    save_run(store, "b-32-frozen-s0-00000000", data="petals")
    assert "several data sets" in one_line(call("ensemble", "top3"))
    assert "several data sets" in one_line(call("report"))
    assert "Unknown data set" in one_line(call("report", "--data", "flowers"))


def test_a_report_that_cannot_be_written(call, tmp_path):
    save_run(Store(tmp_path / "runs"), "a-32-frozen-s0-00000000")
    (tmp_path / "reports").write_text("a file where a folder should be")
    assert "reports" in one_line(call("report"))


@pytest.mark.skipif(os.name == "nt", reason="permissions")
def test_help_shows_every_option(call):
    status, out, _ = call("run", "--help")
    assert status == 0
    for option in (
        "--all",
        "--data",
        "--recipe",
        "--px",
        "--seeds",
        "--weights",
        "--runs",
        "--force",
        "--retry-failed",
    ):
        assert option in out
    for option in ("--fail-fast", "--dry-run", "--json"):
        assert option in out


def test_adding_and_exporting_by_command(call, tmp_path):
    (tmp_path / "p.csv").write_text("id,label,x,y\na,x,0.9,0.1\nb,y,0.2,0.8\n")
    status, out, _ = call("add", "net", "--val", "p.csv", "--device", "gpu", "--train-seconds", "5", "--data", "pets")
    assert status == 0
    assert "macro F1 1.000 on 2 validation images of 2 classes" in out
    assert "byte for byte" in one_line(call("add", "again", "--val", "p.csv"))
    (run_id,) = Store(tmp_path / "runs").run_ids()
    status, out, _ = call("export", "net", "--format", "npy", "--out", "out")
    assert out.split() == [f"out/{run_id}-val{end}" for end in (".npy", ".ids.csv", ".classes.txt")]
    assert one_line(call("export", "nett")).endswith(f"Known: {run_id}.")
    assert "no predictions of a test split" in one_line(call("submit", "net"))
    assert "no predictions of a test split" in one_line(call("score", "net", "answers.csv"))
    assert one_line(call("export", "net", "--format", "parquet")).endswith("Known: csv, npy.")
    assert "sum to 1.9" in one_line(
        call("add", "net", "--val", written(tmp_path / "q.csv", "id,x,y\na,0.9,1\nb,1,0\n"))
    )


def written(path, text):
    path.write_text(text)
    return path


def test_labels_come_from_the_data_set(call, toy, tmp_path):
    """The data set has no index yet, so that a child reads it."""
    rows = [f"val{number:03d},0.4,0.3,0.2,0.1" for number in range(8)]
    table = written(tmp_path / "p.csv", "\n".join(["id,red,green,striped,blue", *rows]))
    status, _, err = call("add", "net", "--val", table, "--data", toy)
    assert status == 0, err
    (run,) = Store(tmp_path / "runs").runs()
    assert run.result.data == "toy"
    assert sorted(set(run.images.val_labels)) == [0, 1, 2, 3]
    assert "lacks 7 of 8 images" in one_line(
        call("add", "x", "--val", written(tmp_path / "q.csv", "\n".join(["id,red,green,striped,blue", rows[0]])))
    )


@pytest.mark.parametrize("words", [("report",), ("run", "tiny", "--data", "sample"), ("ensemble", "top3")])
def test_bad_prices_stop_before_anything_is_done(call, tmp_path, words):
    written(tmp_path / "prices.toml", '[[price]]\ndevice = "cpu"\nusd_per_hour = -1\nsource = "x"\ndate = 2026-01-01\n')
    assert "usd_per_hour" in one_line(call(*words))
    assert "Cannot read the prices 'none.toml'" in one_line(call(*words, "--prices", "none.toml"))
