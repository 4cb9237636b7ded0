import numpy as np
import pytest
from helpers_add import IDS, LABELS, MACRO_F1, NAMES, PROBS, put, write_csv, write_npy
from helpers_store import combine, make_outputs, save_run
from sklearn.metrics import f1_score, log_loss

from bench.analysis.publish import publish
from bench.ensemble_runs.workbench import Protocol
from bench.errors import UserError
from bench.predictions.add.addition import Addition, add
from bench.store.result import Cost
from bench.store.store import Store


def test_a_table_becomes_a_run_with_hand_computed_scores(store, tmp_path):
    run = put(store, write_csv(tmp_path / "p.csv"))
    assert run.run_id.startswith("net-")
    assert len(run.run_id) == len("net-") + 8
    assert run.result.kind == "run"
    assert run.result.added
    assert run.images.class_names == NAMES
    assert run.result.metrics.macro_f1 == pytest.approx(MACRO_F1)
    assert run.result.metrics.macro_f1 == pytest.approx(f1_score(LABELS, PROBS.argmax(1), average="macro"))
    assert run.result.metrics.log_loss == pytest.approx(log_loss(LABELS, PROBS), abs=1e-6)
    np.testing.assert_allclose(np.exp(run.log_probs("val")), PROBS, atol=1e-7)


@pytest.mark.parametrize("labels", [LABELS, [NAMES[label] for label in LABELS]])
def test_rows_and_columns_are_aligned_by_name(store, tmp_path, labels):
    first = put(store, write_csv(tmp_path / "p.csv"))
    other = Store(tmp_path / "other")
    put(other, write_csv(tmp_path / "q.csv", PROBS[:, ::-1]))
    second = put(
        other, write_csv(tmp_path / "r.csv", labels=labels, order=[3, 0, 5, 1, 4, 2], columns=[2, 0, 1]), "shuffled"
    )
    assert second.images == first.images
    np.testing.assert_array_equal(second.log_probs("val"), first.log_probs("val"))


def test_columns_by_index(store, tmp_path):
    put(store, write_csv(tmp_path / "p.csv"))
    run = put(store, write_csv(tmp_path / "q.csv", PROBS**2 / (PROBS**2).sum(1, keepdims=True), names="012"), "squared")
    assert run.images.class_names == NAMES
    np.testing.assert_array_equal(run.log_probs("val").argmax(1), PROBS.argmax(1))


@pytest.mark.parametrize("kind", ["float32", "float64", ">f4", "float16"])
def test_an_array_is_the_same_as_a_table(store, tmp_path, kind):
    run = put(store, write_npy(tmp_path / "p.npy", PROBS.astype(kind)))
    assert (run.images.val_ids, run.images.val_labels, run.images.class_names) == (IDS, LABELS, NAMES)
    np.testing.assert_allclose(np.exp(run.log_probs("val")), PROBS, atol=1e-3 if kind == "float16" else 1e-7)
    np.testing.assert_allclose(np.exp(run.log_probs("val").astype(float)).sum(1), 1, atol=2e-6)


def test_ids_of_an_array_as_text_and_labels_from_the_runs_there(store, tmp_path):
    put(store, write_csv(tmp_path / "p.csv"))
    (tmp_path / "names.txt").write_text("\n".join(IDS[::-1]))
    run = put(
        store, write_npy(tmp_path / "q.npy", PROBS[::-1, ::-1], ids=None, names=None), val_ids=tmp_path / "names.txt"
    )
    assert (run.images.val_ids, run.images.val_labels) == (IDS, LABELS)
    np.testing.assert_allclose(np.exp(run.log_probs("val")), PROBS[:, ::-1], atol=1e-7)


def test_predicted_classes_alone_are_marked(store, tmp_path):
    (tmp_path / "p.csv").write_text("id,label,prediction\na,x,x\nb,y,x\nc,y,y\n")
    (tmp_path / "classes.txt").write_text("x\ny\n")
    run = put(store, tmp_path / "p.csv", classes=tmp_path / "classes.txt")
    assert run.result.metrics.labels_only
    assert run.result.metrics.log_loss is None
    assert run.result.metrics.macro_f1 == pytest.approx(2 / 3)
    assert run.log_probs("val").argmax(1).tolist() == [0, 0, 1]


def test_indices_in_an_array_are_indices_whatever_the_classes_are_called(store, tmp_path):
    names = ("0", "10", "2")
    put(store, write_csv(tmp_path / "p.csv", names=names, labels=[names[label] for label in LABELS]))
    run = put(store, _indices(tmp_path), "indices")
    assert run.log_probs("val").argmax(1).tolist() == [2, 1, 0, 0, 1, 2]


def _indices(folder):
    (folder / "q.ids.txt").write_text("\n".join(IDS))
    np.save(folder / "q.npy", np.array([2, 1, 0, 0, 1, 2]))
    return folder / "q.npy"


def test_a_zero_costs_what_float32_makes_of_it(store, tmp_path):
    probs = PROBS.copy()
    probs[0] = [0.0, 0.5, 0.5]
    run = put(store, write_csv(tmp_path / "p.csv", probs))
    assert run.log_probs("val")[0, 0] == pytest.approx(np.log(np.finfo(np.float32).smallest_subnormal), rel=1e-6)


def test_costs_and_flags_are_kept(store, tmp_path):
    cost = Cost(train_seconds_full=7.0, inference_ms_per_image=2.0, parameters=10, gflops_per_image=0.5)
    run = put(
        store, write_csv(tmp_path / "p.csv"), cost=cost, device="gpu", family="net", flags={"saw_validation": True}
    )
    assert run.result.cost == cost
    assert run.result.setup.device == "gpu"
    assert run.result.family == "net"
    assert run.result.metrics.saw_validation
    with pytest.raises(UserError, match="trained on validation"):
        combine(store, "mean", None, (), Protocol(2, 1))


def test_a_store_of_added_runs_has_ensembles_and_a_report(store, tmp_path):
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=80)
    ids = [f"i{number}" for number in range(80)]
    for number in range(3):
        probs = rng.dirichlet(np.ones(3), 80) + 0.8 * np.eye(3)[labels]
        write_csv(tmp_path / "v.csv", probs / probs.sum(1, keepdims=True), ids=ids, labels=labels)
        put(store, tmp_path / "v.csv", f"net{number}", test=tmp_path / "v.csv" if number else None)
    ensemble = combine(store, "top3", None, (), Protocol(3, 1))
    assert len(ensemble.result.combination.members) == 3
    assert not ensemble.has("test")  # one of the candidates has none
    text = publish(store, None, tmp_path / "reports").read_text()
    assert "net1" in text
    assert "made elsewhere and added" in " ".join(text.split())


def test_added_and_trained_runs_mix(store, tmp_path):
    outputs = make_outputs(seed=1, val=60, test=20)
    save_run(store, "vgg16-224-frozen-s0-00000000", outputs=outputs, backbone="vgg16", weights="imagenet")
    images = outputs.images
    twin = make_outputs(seed=2, val=60, test=20).log_probs
    for split, ids in (("val", images.val_ids), ("test", images.test_ids)):
        write_csv(tmp_path / f"{split}.csv", np.exp(twin[split]), ids=ids, names=images.class_names, labels=None)
    run = put(store, tmp_path / "val.csv", test=tmp_path / "test.csv")
    assert run.images == images
    assert run.result.data == "toy"
    mean = combine(store, "mean", None, (), Protocol(3, 1))
    expected = (np.exp(outputs.log_probs["test"]) + np.exp(twin["test"])) / 2
    np.testing.assert_allclose(np.exp(mean.log_probs("test")), expected, atol=1e-6)
    assert "added" in publish(store, None, tmp_path / "reports").read_text()


def test_the_same_predictions_are_refused_and_the_run_is_named(store, tmp_path):
    run = put(store, write_csv(tmp_path / "p.csv"))
    with pytest.raises(UserError, match=f"byte for byte, are there already as {run.run_id}"):
        put(store, write_npy(tmp_path / "q.npy"), "another")
    assert store.run_ids() == (run.run_id,)


def test_float16_that_underflowed_is_taken_with_a_warning(store, tmp_path):
    probs = np.array([[1.0, 0.0, 0.0]] * 6, dtype=np.float16)
    added = add(store, Addition("net", write_npy(tmp_path / "p.npy", probs)))
    assert added.warnings[0].startswith("WARNING: 67% of")
    assert add(store, Addition("other", write_npy(tmp_path / "p.npy", PROBS))).warnings == ()


def test_nothing_is_stored_of_invalid_input_is_refused(store, tmp_path):
    with pytest.raises(UserError):
        put(store, write_csv(tmp_path / "p.csv", PROBS + 1))
    assert store.run_ids() == ()


def test_members_with_test_predictions_beside_a_candidate_without(store, tmp_path):
    """The first by name has none, is no member, and so costs the ensemble nothing."""
    put(store, write_csv(tmp_path / "p.csv", np.full((6, 3), 1 / 3)), "a")
    put(store, write_csv(tmp_path / "p.csv"), "b", test=write_csv(tmp_path / "t.csv", ids=tuple("uvwxyz")))
    best = combine(store, "top1", None, (), Protocol(2, 1))
    assert [member.run_id[0] for member in best.result.combination.members] == ["b"]
    assert best.images.test_ids == tuple("uvwxyz")
    assert best.log_probs("test").shape == (6, 3)
    put(
        store,
        write_csv(tmp_path / "p.csv", PROBS[:, ::-1]),
        "c",
        test=write_csv(tmp_path / "t.csv", ids=tuple("uvwxyz")),
    )
    wrong = write_csv(tmp_path / "t.csv", ids=tuple("UVWXYZ"))
    with pytest.raises(UserError, match=r"lacks 6 of 6 images.*test split"):
        put(store, write_csv(tmp_path / "p.csv", PROBS[::-1, ::-1]), "d", test=wrong)
