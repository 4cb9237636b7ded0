"""The plugin of docs/plugins.md, installed as a package and given as a file, and run as a user would."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers_data import make_data, picture
from helpers_jobs import planned_runs
from PIL import Image

from backbones import plugins
from bench.data.scan import scan
from bench.data.source import find
from bench.errors import UserError
from bench.jobs.messages import Finished, PredictJob, TrainJob
from bench.jobs.worker import handler
from bench.plugins import file_of, use
from bench.predictions.predict.classify import PredictRequest, classify
from bench.predictions.predict.networks import NetworkOutputs, needed
from bench.store.store import Store

ROOT = Path(__file__).parent.parent
SECTION = (ROOT / "docs" / "plugins.md").read_text().split("\n## As a plugin\n")[1]
NO_TENSORFLOW = (
    "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None; from bench.cli import main; main()"
)


def block(language):
    """The one block of that language."""
    [text] = [part.split("```")[0] for part in SECTION.split(f"```{language}\n")[1:]]
    return text


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The package installed into a folder, a small data set, and the file under other names."""
    root = tmp_path_factory.mktemp("plugin")
    package = root / "package"
    package.mkdir()
    (package / "pocketnet.py").write_text(block("python"))
    (package / "pyproject.toml").write_text(block("toml"))
    install = ["install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--target", root / "site"]
    subprocess.run([sys.executable, "-m", "pip", *map(str, install), str(package)], check=True)
    make_data(root / "toy", (32,), counts={"train": 9, "val": 8, "test": 3})
    (root / "bad.py").write_text("import nonesuch_package\n")
    wide = block("python").replace('name="pocketnet"', 'name="widenet"')
    (root / "wide.py").write_text(wide.replace("feature_width=64", "feature_width=65"))
    return root


@pytest.fixture(scope="module")
def outcome(world):
    """Three plugins: one installed, one that fails, one whose network is not what it says."""
    path = os.pathsep.join([str(world / "site"), str(ROOT), os.environ.get("PYTHONPATH", "")])
    homes = {"PETALBENCH_HOME": str(world / "home"), "KERAS_HOME": str(world / "keras")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PETALBENCH_HOME", homes["PETALBENCH_HOME"])
        scan(find(str(world / "toy")), (32,))  # here, where TensorFlow is imported already
    words = ("run", "pocketnet", "widenet", "--plugin", "bad.py", "--plugin", "wide.py", "--data", "toy")
    return subprocess.run(
        [sys.executable, "-c", NO_TENSORFLOW, *words, "--weights", "random"],
        cwd=world,
        env={**os.environ, **homes, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )


def test_whoever_fails_is_named_and_the_others_are_trained(world, outcome):
    assert outcome.returncode == 1, outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert outcome.stderr.count("WARNING: Plugin 'bad.py' failed at bad.py:1: ModuleNotFoundError") == 1
    [failure] = Store(world / "runs").failures()
    assert failure.backbone == "widenet"
    assert failure.reason == (
        "BackboneError: widenet declares a feature map of (batch, height, width, 65), and its network gives "
        "(None, None, None, 64)."
    )
    [run] = Store(world / "runs").runs()
    assert run.result.backbone == "pocketnet"
    assert run.result.plugin == run.config["plugin"]
    assert run.result.plugin.startswith("pocketnet==1.0@")
    assert run.environment["plugin"]["name"] == "pocketnet==1.0"
    page = (world / "reports" / "summary.md").read_text()
    assert "its backbone is that of the plugin pocketnet==1.0@" in page
    assert "# with the plugin pocketnet==1.0 installed" in page


@pytest.fixture
def trained(world, tmp_path, own_registry):
    """A run of a plugin's file that kept its weights, trained as a child would, and its job."""
    path = tmp_path / "filenet.py"
    path.write_text(block("python").replace('name="pocketnet"', 'name="filenet"'))
    scan(find(str(world / "toy")), (32,))
    use([path])
    runs = planned_runs("filenet@32", source=find(str(world / "toy")))
    job = TrainJob(
        data=str(world / "toy"),
        resolutions=(32,),
        backbone="filenet",
        plugin=file_of("filenet"),
        weights="random",
        store=str(tmp_path / "runs"),
        code_revision="x",
        runs=tuple(runs),
        keep_weights=True,
    )
    (tmp_path / "log.txt").touch()
    forget()
    events = []
    handler("train")(job, events.append, tmp_path / "log.txt")
    assert isinstance(events[-1], Finished), events
    return Store(tmp_path / "runs").get(runs[0].run_id)


def forget():
    """As in another process."""
    from backbones import registry

    registry._registered.pop("filenet", None)
    plugins._loaded = plugins._Loaded()


def test_a_run_says_which_file_trained_it(trained, tmp_path):
    digest = hashlib.sha256((tmp_path / "filenet.py").read_bytes()).hexdigest()
    assert trained.result.plugin == trained.config["plugin"] == f"filenet.py@{digest[:8]}"
    assert trained.environment["plugin"] == {
        "name": "filenet.py",
        "sha256": digest,
        "file": str(tmp_path / "filenet.py"),
    }


def test_pictures_are_classified_with_the_file(trained, tmp_path):
    Image.fromarray(picture(0, 1, 32)).save(tmp_path / "picture.png")
    forget()
    order = PredictRequest(trained.run_id, [tmp_path / "picture.png"], tmp_path / "runs")
    with pytest.raises(UserError, match=r"backbone 'filenet' of the plugin filenet\.py@.*: give it with --plugin"):
        classify(order)
    use([tmp_path / "filenet.py"])
    networks = needed(Store(tmp_path / "runs"), trained, ())
    job = PredictJob(
        networks=networks,
        plugins=(str(tmp_path / "filenet.py"),),
        pictures=(str(tmp_path / "picture.png"),),
        square="centre",
        batch=None,
        skip_unreadable=False,
        out=str(tmp_path / "outcome.npz"),
    )
    forget()
    handler("predict")(job, lambda event: None, tmp_path / "log.txt")
    probs = NetworkOutputs.load(tmp_path / "outcome.npz").probs
    assert probs.shape == (1, 1, 4)
    np.testing.assert_allclose(probs.sum(), 1, atol=1e-5)
