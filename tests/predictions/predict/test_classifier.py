"""Classification of picture files, in this process."""

import numpy as np
import pytest
import tensorflow as tf
from helpers_data import make_data
from helpers_kept import PX, decoded, train
from PIL import Image

from bench.config.recipe import load_recipe
from bench.config.run import RunConfig
from bench.data.scan import scan
from bench.data.source import find
from bench.errors import UserError
from bench.jobs.messages import PlannedRun, PredictJob, TrainJob
from bench.predictions.predict.classifier import Classifier, classify
from bench.predictions.predict.networks import NetworkOutputs, needed
from bench.store.store import Store


def probabilities(run):
    return np.exp(run.log_probs("val"))


@pytest.mark.parametrize("name", ["tuned", "frozen", "head"])
@pytest.mark.parametrize("batch", [None, 3])
def test_a_kept_network_gives_its_stored_probabilities(trained, name, batch):
    run = trained.run(name)
    (kept,) = needed(trained.store, run, ())
    pixels = decoded(trained.pictures.parent / "toy")
    found = Classifier(kept, batch, len(pixels))(pixels)
    np.testing.assert_allclose(found, probabilities(run), atol=1e-5)
    assert name != "frozen" or run.result.cost.bank_shared  # its random backbone was made again, to be kept
    assert probabilities(run).std() > 0.01  # else anything would do


def test_a_made_resolution_is_made_of_pictures_too(tmp_path):
    """Training read 64 px and made 40 of them; so does `predict`, of squares of 64 px."""
    data = make_data(tmp_path / "toy", (64,), counts={"train": 9, "val": 8})
    config = RunConfig(
        data="toy",
        backbone="tiny",
        image_px=40,
        recipe=load_recipe("finetune").model_copy(update={"epochs": 1, "batch_per_replica": 8}),
        weights="random",
    )
    print_ = scan(find(str(data)), (40,)).fingerprints[40]
    run = PlannedRun(run_id=config.run_id(print_), config=config)
    job = TrainJob(
        data=str(data),
        resolutions=(40,),
        backbone="tiny",
        weights="random",
        store=str(tmp_path / "runs"),
        code_revision="x",
        runs=(run,),
        keep_weights=True,
    )
    train(job, tmp_path / "log.txt")
    store = Store(tmp_path / "runs")
    stored = store.get(run.run_id)
    assert stored.result.setup.image_source_px == 64
    names = [tmp_path / f"{number}.png" for number in range(8)]
    for name, pixels in zip(names, decoded(data, 64), strict=True):
        Image.fromarray(pixels).save(name)
    job = PredictJob(
        networks=needed(store, stored, ()),
        pictures=tuple(map(str, names)),
        square="centre",
        batch=None,
        skip_unreadable=False,
        out=str(tmp_path / "out.npz"),
    )
    classify(job, lambda event: None)
    np.testing.assert_allclose(NetworkOutputs.load(tmp_path / "out.npz").probs[0], probabilities(stored), atol=1e-5)


def test_pictures_of_many_chunks_keep_their_order(trained, tmp_path):
    """More than are read ahead, some of them no pictures, of other sizes and kinds than the network takes."""
    colours = np.random.default_rng(0).integers(0, 256, (300, 3))
    for number, colour in enumerate(colours):
        size = (40 + number % 7, 35)
        Image.new("RGB", size, tuple(colour.tolist())).save(tmp_path / f"{number:03d}.png")
    (tmp_path / "100.png").write_bytes(b"")
    (tmp_path / "299.png").write_bytes(b"\x89PNG damaged")
    networks = needed(trained.store, trained.run("tuned"), ())
    names = tuple(str(tmp_path / f"{number:03d}.png") for number in range(300))
    out = tmp_path / "out.npz"
    job = PredictJob(networks=networks, pictures=names, square="centre", batch=None, skip_unreadable=True, out=str(out))
    events = []
    classify(job, events.append)
    outcome = NetworkOutputs.load(out)
    assert [fault.row for fault in outcome.faults] == [100, 299]
    assert (events[-1].done, events[-1].total) == (300, 300)
    flat = np.broadcast_to(np.delete(colours, [100, 299], axis=0)[:, None, None], (298, PX, PX, 3)).astype(np.uint8)
    expected = Classifier(networks[0], 16, 298)(flat)
    np.testing.assert_allclose(outcome.probs, expected[None], atol=1e-5)


def test_a_batch_that_does_not_fit_is_named(trained):
    (kept,) = needed(trained.store, trained.run("tuned"), ())
    classifier = Classifier(kept, 8, 8)

    def skip_reason(pictures):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    classifier._graph = skip_reason
    with pytest.raises(UserError, match="8 pictures of 32 px at once do not fit in memory: try --batch 4"):
        classifier(np.zeros((2, PX, PX, 3), np.uint8))
