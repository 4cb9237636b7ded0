import subprocess
import sys
from pathlib import Path

README = Path(__file__).parent.parent.parent / "README.md"


def test_the_readmes_example_is_a_whole_file(tmp_path):
    """Dropped into a copy of the package it registers MobileNetV2, with what it declares."""
    import shutil

    root = Path(__file__).parent.parent.parent
    shutil.copytree(root / "backbones", tmp_path / "backbones")
    example = README.read_text().split("```python\n")[1].split("```")[0]
    (tmp_path / "backbones" / "mobilenet.py").write_text(example)
    code = """
import sys
import backbones
assert "keras" not in sys.modules and "tensorflow" not in sys.modules
adapter = backbones.get("mobilenetv2")
model = adapter.build("random")
assert model.count_params() == adapter.parameters, model.count_params()
assert model.output_shape[-1] == adapter.feature_width
layers = [layer.name for layer in model.layers]
places = [layers.index(layer) for _, layer in adapter.stages]
assert places == sorted(places)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_file_that_fails_is_not_skipped(tmp_path):
    import shutil

    root = Path(__file__).parent.parent.parent
    shutil.copytree(root / "backbones", tmp_path / "backbones")
    (tmp_path / "backbones" / "broken.py").write_text("raise RuntimeError('this one is broken')\n")
    done = subprocess.run([sys.executable, "-c", "import backbones"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0
    assert "this one is broken" in done.stderr
