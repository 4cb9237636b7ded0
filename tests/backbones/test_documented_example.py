import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import backbones

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
EXAMPLE = PAGE.split("\n## In this repository\n")[1].split("```python\n")[1].split("```")[0]
DECLARED = ("family", "feature_width", "stages", "parameters", "gflops_224")


@pytest.fixture
def copied(tmp_path):
    """A copy of the package, to drop a file into."""
    return Path(shutil.copytree(ROOT / "backbones", tmp_path / "backbones"))


def test_the_documented_example_is_a_whole_file(copied):
    """Dropped into the package it registers MobileNetV2, with what the registry declares and the network has."""
    (copied / "mobilenet.py").write_text(EXAMPLE)
    ours = backbones.get("mobilenetv2")
    code = f"""
import sys
import backbones
assert "keras" not in sys.modules and "tensorflow" not in sys.modules
adapter = backbones.get("mobilenetv2")
assert {[getattr(ours, field) for field in DECLARED]!r} == [getattr(adapter, field) for field in {DECLARED!r}]
file = adapter.weights_file
assert {(ours.weights_file.name, ours.weights_file.digest)!r} == (file.name, file.digest)
model = adapter.build("random")
assert model.count_params() == adapter.parameters, model.count_params()
assert model.output_shape[-1] == adapter.feature_width
layers = [layer.name for layer in model.layers]
places = [layers.index(layer) for _, layer in adapter.stages]
assert places == sorted(places)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=copied.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_file_that_fails_is_not_skipped(copied):
    (copied / "broken.py").write_text("raise RuntimeError('this one is broken')\n")
    done = subprocess.run([sys.executable, "-c", "import backbones"], cwd=copied.parent, capture_output=True, text=True)
    assert done.returncode != 0
    assert "this one is broken" in done.stderr
