"""Runs made of random predictions, for tests that need a store and no training."""

import numpy as np
import pandas as pd

from bench.config.recipe import load_recipe
from bench.ensemble_runs.candidates import find
from bench.ensemble_runs.workbench import Protocol, Workbench
from bench.store.metrics import score
from bench.store.result import Cost, Failure, Metrics, Result, Setup
from bench.store.store import Images, Outputs, Store

CLASSES = 4


def make_result(run_id: str, **changes) -> Result:
    fields = {
        "run_id": run_id,
        "kind": "run",
        "data": "toy",
        "data_fingerprint": "f" * 64,
        "backbone": "tiny",
        "family": "tiny",
        "image_px": 32,
        "recipe": "frozen",
        "seed": 0,
        "weights": "random",
        "weights_seed": 0,
        "metrics": Metrics(macro_f1=0.5, accuracy=0.5, log_loss=1.0, classes=CLASSES, val_images=9, test_images=5),
        "cost": Cost(epochs=2, train_seconds_full=10.0, epoch_seconds=1.0, inference_ms_per_image=3.0, parameters=100),
        "setup": Setup(device="cpu", cores=2, global_batch=16, code_revision="0"),
        "finished": "2026-01-01T00:00:00+00:00",
    }
    return Result(**(fields | changes))


def make_failure(run_id: str, **changes) -> Failure:
    fields = {
        "run_id": run_id,
        "data": "toy",
        "backbone": "vgg16",
        "family": "vgg",
        "image_px": 512,
        "recipe": "frozen",
        "seed": 0,
        "weights": "random",
        "kind": "oom",
        "reason": "no memory",
        "seconds": 7.0,
        "log_tail": "last words",
        "when": "2026-01-01T00:00:00+00:00",
    }
    return Failure(**(fields | changes))


def three_runs(root, **sizes) -> Store:
    """A store of three backbones at 224 px, the first the most skilled."""
    store = Store(root)
    for number, name in enumerate(("vgg16", "resnet50", "densenet121")):
        outputs = make_outputs(seed=number, skill=2.5 - 0.5 * number, **sizes)
        save_run(store, f"{name}-224-frozen-s0-00000000", outputs=outputs, backbone=name, family=name, image_px=224)
    return store


def random_log_probs(rng, labels, classes, skill):
    """Float32 (N, C): noise, with the true class raised by `skill`."""
    logits = rng.normal(size=(len(labels), classes))
    logits[np.arange(len(labels)), labels] += skill
    return (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))).astype(np.float32)


def make_outputs(
    seed=0, val=9, test=5, classes=CLASSES, skill=1.5, recipe="frozen", ids="image", answers=True
) -> Outputs:
    rng, fixed = np.random.default_rng(seed), np.random.default_rng(99)
    val_labels = np.concatenate([np.arange(classes), fixed.integers(classes, size=val - classes)])
    test_labels = fixed.integers(classes, size=test)
    return Outputs(
        config={"recipe": load_recipe(recipe).model_dump(mode="json")},
        environment={"versions": {"python": "3"}, "system": "test"},
        history=pd.DataFrame({"epoch": [0, 1], "loss": [1.0, 0.5]}),
        images=Images(
            val_ids=tuple(f"{ids}-val-{i}" for i in range(val)),
            test_ids=tuple(f"{ids}-test-{i}" for i in range(test)),
            val_labels=tuple(val_labels.tolist()),
            class_names=tuple(f"class {i}" for i in range(classes)),
            data_fingerprint="f" * 64,
            test_labels=tuple(test_labels.tolist()) if answers else None,
        ),
        log_probs={
            "val": random_log_probs(rng, val_labels, classes, skill),
            "test": random_log_probs(rng, test_labels, classes, skill),
        },
        log="printed\n",
    )


def save_run(store: Store, run_id: str, *, outputs: Outputs | None = None, seed=0, **changes):
    """A run whose metrics are those of its own predictions; its backbone is the first word of its name."""
    changes.setdefault("backbone", run_id.split("-")[0])
    outputs = outputs or make_outputs(seed)
    answers = outputs.images.test_labels
    metrics = score(
        outputs.log_probs, np.array(outputs.images.val_labels), None if answers is None else np.array(answers)
    )
    return store.save(make_result(run_id, metrics=metrics, seed=seed, **changes), outputs)


def combine(store: Store, method: str, data: str | None, members, protocol: Protocol, max_cost_ms: float | None = None):
    """The stored ensemble of one method, of these members or all runs of the data set."""
    return Workbench(store, find(store, data, members), protocol, max_cost_ms).ensemble(method)
