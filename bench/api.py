"""One function per command: `run` for `bench run`, `data_import` for `bench data import`.

Heavy modules are imported inside the functions, so that `from bench import api` costs nothing. Arguments of several
functions:

    store      folder of the stored runs
    run        name of a run or ensemble, or the start of it
    data       data set: a name, a folder or a URL; None: the only one in the store
    words      names, families and patterns of backbones; empty: all
    prices     TOML file of dollars per device-hour; None: `prices.toml` in the working directory, if it exists
    reports    folder of the report

A `UserError` is one line that says what to correct.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.analysis.recommend.choice import Budget
    from bench.analysis.recommend.recommend import Recommendation
    from bench.data.imports.importer import ImportOutcome, ImportRequest
    from bench.data.public.fetch import FetchOutcome
    from bench.ensemble_runs.comparison import Comparison
    from bench.ensemble_runs.workbench import Protocol
    from bench.jobs.messages import Answer, AuditJob, ShowJob
    from bench.matrix.request import RunRequest
    from bench.matrix.run import MatrixRun
    from bench.predictions.add.addition import Added, Addition
    from bench.predictions.predict.classify import Classified, PredictRequest
    from bench.store.leftovers import Leftover
    from bench.store.store import Store, StoredRun

Rows = Sequence[dict[str, Any]]


def run(request: RunRequest) -> MatrixRun:
    """Trains the matrix of a request. Finished runs are skipped; a failed run does not stop the others.

    Raises:
        UserError: a mistake in the request, the data set or the weights.
    """
    from bench.matrix.run import run_matrix

    return run_matrix(request)


def ensemble(
    store: Path,
    method: str,
    members: Sequence[str] = (),
    data: str | None = None,
    protocol: Protocol | None = None,
    max_cost_ms: float | None = None,
    notify: Callable[[str], object] = lambda line: None,
) -> StoredRun | Comparison:
    """Combines the predictions of stored runs and stores the ensemble as a run.

    Args:
        method: `top3`, `mean`, `greedy`, ...; `all` compares every method.
        members: candidate runs; empty: of each configuration of the data set, the run of its lowest seed.
        protocol: folds of the cross-fitted score; None: five repeats of five folds.
        max_cost_ms: most milliseconds per image of all members together; of a cascade, its average.
        notify: receives lines about runs that are no candidates, and one for every method that is done.

    Returns:
        The stored ensemble; for `all`, the comparison with all ensembles.

    Raises:
        UserError: unknown method or run, or candidates that are too few or do not belong together.
    """
    from bench.ensemble_runs.candidates import find
    from bench.ensemble_runs.comparison import compare
    from bench.ensemble_runs.workbench import Protocol, Workbench, one_thread
    from bench.errors import UserError

    if max_cost_ms is not None and not max_cost_ms > 0:
        raise UserError(f"--max-cost {max_cost_ms:g}: expected milliseconds per image, more than 0.")
    runs = _opened(store)
    candidates = find(runs, data, members)
    for line in candidates.notes():
        notify(line)
    workbench = Workbench(runs, candidates, protocol or Protocol(), max_cost_ms)
    with one_thread():
        return compare(workbench, notify) if method == "all" else workbench.ensemble(method)


def recommend(
    store: Path, data: str | None, budget: Budget, reports: Path, prices: Path | None = None
) -> Recommendation:
    """Chooses the cheapest of the best runs and ensembles in a budget. Writes a page, a table and a figure.

    Raises:
        UserError: no finished run, no valid score, wrong prices, or a folder that cannot be written.
    """
    from bench.analysis.prices import load_prices
    from bench.analysis.recommend.recommend import recommend

    return recommend(_opened(store), data, budget, load_prices(prices), reports)


def report(store: Path, data: str | None, reports: Path, prices: Path | None = None, embed: Path | None = None) -> Path:
    """Rebuilds the report of one data set from its stored runs. Returns its page.

    Args:
        embed: markdown page that receives the results table between its markers.

    Raises:
        UserError: no run to report, a damaged run, wrong prices, or a folder that cannot be written.
    """
    from bench.analysis.prices import load_prices
    from bench.analysis.publish import embed_table, publish

    known, runs = load_prices(prices), _opened(store)
    page = publish(runs, data, reports, known)
    if embed is not None:
        embed_table(runs, data, embed, known)
    return page


def add(store: Path, addition: Addition) -> Added:
    """Stores predictions made elsewhere as a run. Returns the run and warnings about its files.

    Raises:
        UserError: files that cannot be read or do not match the data set, or predictions that are stored already.
    """
    from bench.predictions.add.addition import add

    return add(_opened(store), addition)


def export(store: Path, run: str, form: str = "csv", out: Path = Path()) -> list[Path]:
    """Writes probabilities, ids and labels of a run in a form that `add` reads. Returns the files.

    Args:
        form: `csv` or `npy`.
        out: folder of the files.

    Raises:
        UserError: unknown run or form, or a folder that cannot be written.
    """
    from bench.predictions.export import export

    return export(_opened(store).get(run), form, out)


def predict(request: PredictRequest) -> Classified:
    """Classifies pictures with the networks that a run or the members of an ensemble kept.

    Raises:
        UserError: unknown run, weights that were not kept, or pictures that cannot be read.
    """
    from bench.predictions.predict.classify import classify

    return classify(request)


def submit(store: Path, run: str, out: Path) -> int:
    """Writes the predicted class of every test image as Kaggle's `id,label`. Returns the number of images.

    Raises:
        UserError: unknown run, no predictions of a test split, or a file that cannot be written.
    """
    from bench.predictions.submission import submit

    return submit(_opened(store).get(run), out)


def score(store: Path, run: str, answers: Path) -> dict[str, Any]:
    """Macro F1 with its interval, accuracy and scores per class of a run on the test split.

    Args:
        answers: CSV file with the columns id and label.

    Raises:
        UserError: unknown run, no predictions of a test split, or answers of other images.
    """
    from bench.predictions.submission import score_answers

    return score_answers(_opened(store).get(run), answers)


def show(store: Path, run: str) -> dict[str, Any]:
    """Configuration, environment, result, history, F1 per class and members of a run.

    Raises:
        UserError: unknown or damaged run.
    """
    from bench.analysis.describe import as_dict

    runs = _opened(store)
    return as_dict(runs.get(run), runs)


def clean(store: Path, remove: bool = False) -> list[Leftover]:
    """Lists files that are not results: unfinished runs, imports and fetches, banks, failed attempts.

    Args:
        remove: whether to remove them, except those that have an owner: a process that is using them.
    """
    from bench.data.imports.unfinished import unfinished
    from bench.store.leftovers import Leftover, leftovers, remove_leftovers

    runs, begun = _opened(store), [(work, work.size) for work in unfinished()]
    found = remove_leftovers(runs) if remove else leftovers(runs)
    kept = {work.path for work, _ in begun if remove and not work.remove()}
    return found + [Leftover(work.path, size, "another process" * (work.path in kept)) for work, size in begun]


def list_backbones(words: Sequence[str] = ()) -> Rows:
    """A row per registered backbone: size, cost, input and published weights.

    Raises:
        UserError: a word that matches no backbone.
    """
    from bench.matrix.catalogue import backbone_rows

    return backbone_rows(words)


def list_weights(words: Sequence[str] = (), folder: Path | None = None) -> Rows:
    """A row per backbone: the file of its ImageNet weights, and whether that file is on disk and has the right hash.

    Args:
        folder: folder of the files; None: that of Keras.

    Raises:
        UserError: a word that matches no backbone, or no such folder.
    """
    from bench.matrix.catalogue import weights_rows

    return weights_rows(words, folder)


def list_recipes(plot: Path | None = None) -> Rows:
    """A row per recipe of the package.

    Args:
        plot: PNG file that receives a plot of the learning rates.

    Raises:
        UserError: a file that is not a PNG or cannot be written.
    """
    from bench.analysis.listings import recipe_rows

    if plot is not None:
        from bench.analysis.recipes import draw_recipes

        draw_recipes(plot)
    return recipe_rows()


def list_runs(store: Path) -> Rows:
    """A row per run and ensemble in the store, best first, then a row per failed run."""
    from bench.analysis.listings import run_rows

    return run_rows(_opened(store))


def list_data() -> Rows:
    """A row per data set that has a name: resolutions, classes and folder, or the reason why it cannot be used."""
    from bench.analysis.listings import data_rows

    return data_rows()


def data_import(request: ImportRequest) -> ImportOutcome:
    """Imports pictures as a data set. After an interruption, the same request continues the import.

    Raises:
        UserError: a mistake in the request, pictures that cannot be used, or a folder that cannot be written.
    """
    from bench.data.imports.importer import import_pictures

    return import_pictures(request)


def data_fetch(name: str, resolutions: Sequence[int] = (224, 512)) -> FetchOutcome | ImportOutcome | None:
    """Fetches a public data set: `petals`, `tf_flowers` or `oxford_flowers102`. Resolutions are sides in pixels.

    Returns:
        The shards of `petals`, or the import of another data set; None if that was complete before.

    Raises:
        UserError: unknown data set or resolution, or a download or import that fails.
    """
    from bench.data.public.fetch import fetch_petals, fetch_public
    from bench.data.public.petals import PETALS
    from bench.data.public.sources import PUBLIC
    from bench.errors import unknown

    if name == PETALS:
        return fetch_petals(resolutions)
    if name not in PUBLIC:
        raise unknown("data set to fetch", name, (PETALS, *PUBLIC))
    return fetch_public(name, resolutions)


def data_audit(data: str, reports: Path) -> Answer:
    """Checks a data set for copies across splits, damaged records and wrong labels. Writes a page in `audit/`.

    Returns:
        The findings as lines of text; exit status 1 if any of them makes scores wrong.

    Raises:
        UserError: unknown data set, or a folder that cannot be written.
    """
    from bench.jobs.messages import AuditJob

    return _answer(AuditJob(data=data, folder=str(reports / "audit")))


def data_show(
    data: str, reports: Path, recipe: str = "frozen", resolutions: Sequence[int] = (), examples: int = 4
) -> Answer:
    """Draws training pictures as the network receives them, a sheet per class and resolution in `examples/`.

    Args:
        recipe: recipe whose augmentation is shown.
        resolutions: sides in pixels; empty: all of the data set.
        examples: pictures per class.

    Returns:
        Lines of text that name the sheets.

    Raises:
        UserError: unknown data set, recipe or resolution, or a folder that cannot be written.
    """
    from bench.config.recipe import load_recipe
    from bench.jobs.messages import ShowJob

    load_recipe(recipe)  # an unknown recipe is reported before a child is started
    sides, folder = tuple(resolutions), str(reports / "examples")
    return _answer(ShowJob(data=data, recipe=recipe, resolutions=sides, examples=examples, folder=folder))


def _answer(job: AuditJob | ShowJob) -> Answer:
    from bench.data.source import SAMPLE, find_data
    from bench.environment import home
    from bench.jobs.process import ask_counting

    if job.data != SAMPLE:
        find_data(job.data)  # an unknown data set is reported before TensorFlow is loaded
    return ask_counting(job, home() / "cache" / f"{job.kind}.log")[0]


def _opened(store: Path) -> Store:
    from bench.store.store import Store

    return Store(store)
