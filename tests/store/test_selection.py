from dataclasses import replace

import pytest
from helpers_store import make_outputs, save_run

from bench.errors import UserError
from bench.store.result import Setup
from bench.store.selection import check_same_images
from bench.store.store import Store


@pytest.mark.parametrize(
    ("one", "other", "changed"),
    [
        ((32, None), (32, None), True),
        ((32, 64), (32, 64), True),
        ((32, None), (32, 64), False),  # the same pictures, stored and made: two sizes, as it were
        ((32, None), (64, None), False),
    ],
)
def test_pictures_that_changed_between_runs_of_one_resolution(tmp_path, one, other, changed):
    store = Store(tmp_path / "runs")
    for name, (px, source_px) in {"a": one, "b": other}.items():
        outputs = make_outputs()
        outputs = replace(outputs, images=outputs.images.model_copy(update={"data_fingerprint": name * 64}))
        setup = Setup(device="cpu", code_revision="0", image_source_px=source_px)
        save_run(store, name, outputs=outputs, image_px=px, setup=setup)
    if changed:
        with pytest.raises(UserError, match="changed between them"):
            check_same_images(list(store.runs()))
    else:
        check_same_images(list(store.runs()))
