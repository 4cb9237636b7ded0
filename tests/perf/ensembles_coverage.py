"""How often an interval for macro F1 holds the truth, in simulations whose truth is known.

    python tests/perf/ensembles_coverage.py [--worlds 400] [--only 40x8 ...]

A world is a fixed joint distribution of label and prediction: class sizes falling geometrically (5 to 1 for up to 8
classes, 40 to 1 for more), a recall for each class drawn from Beta(6r, 6(1 - r)), errors concentrated on a few classes.
Its truth is the macro F1 of that distribution. From each world one sample of N images is drawn, labels at random
("random") or in fixed numbers ("stratified": the truth is then that of those class sizes). Pairs are two models that
err together on three images in five. Sizes at which the library gives no interval are measured
too. The last line is the worst distance to 95 % of ours over that of the best of the usual three.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from ensembles.metrics import macro_f1
from ensembles.smoothing import SmoothedSample
from ensembles.uncertainty import bootstrap_bounds

SIZES = ((20, 8), (30, 8), (40, 8), (53, 8), (150, 8), (40, 3), (100, 20), (520, 104), (1040, 104), (3712, 104))
RECALLS = (0.4, 0.8, 0.95)
RESAMPLES = 400
METHODS = ("ours", "percentile", "basic", "BCa", "ours, pairs")


@dataclass(frozen=True)
class World:
    """P(label) (C,) and, for two models, P(predicted | label) (C, C)."""

    frequency: np.ndarray
    a: np.ndarray
    b: np.ndarray

    def truth(self, confusion: np.ndarray) -> float:
        joint = self.frequency[:, None] * confusion
        return float(np.mean(2 * np.diagonal(joint) / (joint.sum(axis=0) + joint.sum(axis=1))))

    def draw(self, labels: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Predictions of both models, from luck that three images in five share."""
        luck = rng.random(len(labels))
        other = np.where(rng.random(len(labels)) < 0.6, luck, rng.random(len(labels)))
        return _predicted(self.a, labels, luck), _predicted(self.b, labels, other)


def world(rng: np.random.Generator, n_classes: int, recall: float) -> World:
    frequency = np.geomspace(5 if n_classes <= 8 else 40, 1, n_classes)
    a = _confusion(rng, n_classes, recall)
    return World(frequency / frequency.sum(), a, 0.6 * a + 0.4 * _confusion(rng, n_classes, recall))


def _confusion(rng: np.random.Generator, n_classes: int, recall: float) -> np.ndarray:
    recalls = np.minimum(rng.beta(6 * recall, 6 * (1 - recall), n_classes), 0.999)
    errors = rng.dirichlet(np.full(n_classes, 0.3), n_classes) + 0.02
    np.fill_diagonal(errors, 0)
    return np.diag(recalls) + (1 - recalls)[:, None] * errors / errors.sum(axis=1, keepdims=True)


def _predicted(confusion: np.ndarray, labels: np.ndarray, luck: np.ndarray) -> np.ndarray:
    """The label where luck is below its recall, else the class that luck picks among its errors."""
    rows = np.arange(len(labels))
    errors = confusion[labels]
    recall = errors[rows, labels].copy()
    errors[rows, labels] = 0
    edges = np.cumsum(errors, axis=1) / errors.sum(axis=1, keepdims=True)
    wrong = (edges <= np.clip((luck - recall) / (1 - recall), 0, 1 - 1e-9)[:, None]).sum(axis=1)
    return np.where(luck < recall, labels, wrong)


def sample(rng: np.random.Generator, n_images: int, drawn: World, stratified: bool) -> tuple[np.ndarray, World]:
    """Labels (N,), and the world with the class sizes that they came from."""
    n_classes = len(drawn.frequency)
    if not stratified:
        return rng.choice(n_classes, n_images, p=drawn.frequency), drawn
    sizes = np.maximum(1, np.floor(n_images * drawn.frequency).astype(int))
    sizes[: max(n_images - sizes.sum(), 0)] += 1
    return np.repeat(np.arange(n_classes), sizes), World(sizes / sizes.sum(), drawn.a, drawn.b)


def usual_intervals(labels: np.ndarray, predicted: np.ndarray, n_classes: int, rng: np.random.Generator) -> dict:
    """Percentile, basic and BCa intervals from one bootstrap of confusion cells."""
    cells, images = np.unique(labels * n_classes + predicted, return_counts=True)
    drawn = _scores(rng.multinomial(len(labels), images / len(labels), RESAMPLES), cells, n_classes)
    estimate = macro_f1(labels, predicted, n_classes)
    low, high = np.quantile(drawn, [0.025, 0.975])
    without_one = _scores(images - np.eye(len(images)), cells, n_classes)
    bca = np.quantile(drawn, _bca_levels(drawn, estimate, without_one, images))
    return {"percentile": (low, high), "basic": (2 * estimate - high, 2 * estimate - low), "BCa": bca}


def _bca_levels(drawn: np.ndarray, estimate: float, without_one: np.ndarray, images: np.ndarray) -> np.ndarray:
    below = np.mean(drawn < estimate) + np.mean(drawn == estimate) / 2
    bias = ndtri(np.clip(below, 0.001, 0.999))
    influence = np.average(without_one, weights=images) - without_one
    acceleration = (images @ influence**3) / max(6 * (images @ influence**2) ** 1.5, 1e-12)
    z = bias + ndtri([0.025, 0.975])
    return ndtr(bias + z / (1 - acceleration * z))


def _scores(counts: np.ndarray, cells: np.ndarray, n_classes: int) -> np.ndarray:
    label, predicted = np.eye(n_classes, dtype=np.float32)[np.stack(np.divmod(cells, n_classes))]
    counts = counts.astype(np.float32)
    total = counts @ (label + predicted)
    return (2 * (counts @ (label * predicted)) / np.where(total > 0, total, 1)).mean(axis=1)


def one(rng: np.random.Generator, n_images: int, n_classes: int, recall: float, stratified: bool) -> dict:
    """For each method (holds the truth, width)."""
    labels, drawn = sample(rng, n_images, world(rng, n_classes, recall), stratified)
    a, b = drawn.draw(labels, rng)
    intervals = usual_intervals(labels, a, n_classes, rng)
    seed = int(rng.integers(2**31))
    for method, sides in (("ours", [a[None]]), ("ours, pairs", [a[None], b[None]])):
        intervals[method] = bootstrap_bounds(SmoothedSample(labels, sides, n_classes), seed, RESAMPLES, 0.95)
    truths = {"ours, pairs": drawn.truth(drawn.a) - drawn.truth(drawn.b)}
    truth = drawn.truth(drawn.a)
    return {m: (low <= truths.get(m, truth) <= high, high - low) for m, (low, high) in intervals.items()}


def row(n_images: int, n_classes: int, recall: float, stratified: bool, worlds: int) -> dict[str, float]:
    """Coverage of each method over that many worlds, printed with the mean width."""
    rng = np.random.default_rng([n_images, n_classes, int(100 * recall), stratified])
    results = [one(rng, n_images, n_classes, recall, stratified) for _ in range(worlds)]
    coverage = {m: float(np.mean([r[m][0] for r in results])) for m in METHODS}
    widths = {m: np.mean([r[m][1] for r in results]) for m in METHODS}
    name = f"{n_images}x{n_classes} recall {recall} {'stratified' if stratified else 'random'}"
    print(f"{name:32}", *(f"{coverage[m]:7.1%} ({widths[m]:.3f})" for m in METHODS), flush=True)
    return coverage


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--worlds", type=int, default=400)
    parser.add_argument("--only", nargs="*", default=[f"{n}x{c}" for n, c in SIZES])
    chosen = parser.parse_args()
    print(f"{'coverage (mean width)':32}", *(f"{m:>15}" for m in METHODS))
    sizes = [tuple(map(int, size.split("x"))) for size in chosen.only]
    rows = [row(*s, recall, kind, chosen.worlds) for s in sizes for recall in RECALLS for kind in (False, True)]
    worst = {m: max(abs(r[m] - 0.95) for r in rows) for m in METHODS}
    print({m: f"{w:.1%}" for m, w in worst.items()})
    print(f"{worst['ours'] / min(worst[m] for m in ('percentile', 'basic', 'BCa')):.2f}")


if __name__ == "__main__":
    main()
