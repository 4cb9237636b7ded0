import json

from helpers_recommend import option

from bench.analysis.prices import Charge
from bench.analysis.recommend.choice import INFERENCE, TRAINING, Budget, Choice, Contender, Contest
from bench.analysis.recommend.wording import as_dict, option_text, search_sentence, sentences
from bench.ensemble_runs.ties import Compared

BEST = option("best", 0.812, train_seconds=1234.0, ms_per_image=30.0)
TWIN = option("twin", 0.81, kind="ensemble", train_seconds=12.0, usd=None, ms_per_image=3.4)
POOR = option("poor", 0.5)
DEAR = option("dear", 0.9)
CONTEST = Contest(
    BEST,
    [Contender(TWIN, Compared(0.002, -0.01, 0.02, 1.0, 2)), Contender(POOR, Compared(0.3, 0.2, 0.4, 0.001, 2))],
)
SINGLES = Contest(BEST, [Contender(POOR, Compared(0.3, 0.25, 0.35, 0.001, 1))])
CHOICE = Choice(TWIN, TRAINING, CONTEST, SINGLES, {"dear": ("training 9 > 5 USD",)})


def test_an_option_on_one_line():
    """Without a price: device-hours."""
    assert option_text(BEST) == "best (macro F1 0.812, 1,234 s of training, 2 USD, 30 ms per image)"
    expected = "twin (macro F1 0.810 cross-fitted, 12 s of training, 1 device-hours, 3.4 ms per image)"
    assert option_text(TWIN) == expected


def test_every_option_has_its_sentence():
    assert sentences(CHOICE, Budget(max_usd=5)) == [
        f"Take {option_text(TWIN)}; 95 % 0.790 to 0.830. The cheapest to train, by seconds of training, of the 2 "
        "options that cannot be told apart from the best. In the store: twin-run.",
        f"Best by score: {option_text(BEST)}; 95 % 0.792 to 0.832. In the store: best-run.",
        "Cannot be told apart from the best on these images: twin (0.810) (1 of 2 others; corrected for 2 "
        "comparisons).",
        "Worse beyond the noise: poor.",
        "Best single run: best (0.812); among the single runs it can be told apart from every other (0 of 1 others).",
        "Out of the budget: dear (training 9 > 5 USD).",
    ]


def test_the_best_is_named_once_if_it_is_the_cheapest():
    contest = Contest(TWIN, [Contender(BEST, Compared(0.0, -0.01, 0.02, 1.0, 1))])
    first, second, *_ = sentences(Choice(TWIN, INFERENCE, contest), Budget())
    assert "The best by score, and the cheapest to run, by ms per image, of the 2 options" in first
    assert second.startswith("Cannot be told apart from the best on these images: best")


def test_the_cheapest_by_the_other_cost_is_named_too():
    light = option("light", 0.81, train_seconds=9999.0, ms_per_image=0.1)
    others = [Contender(one, Compared(0.0, -0.01, 0.02, 1.0, 2)) for one in (TWIN, light)]
    found = sentences(Choice(TWIN, TRAINING, Contest(BEST, others)), Budget())
    assert f"Cheapest of these to run: {option_text(light)}." in found
    assert not [line for line in found if line.startswith("Cheapest of these to train")]


def test_another_device_is_never_the_cheapest():
    gpu = option("gpu", same_device=False, ms_per_image=0.1, train_seconds=0.1)
    contest = Contest(BEST, [Contender(gpu, Compared(0.0, -0.01, 0.02, 1.0, 1))])
    first, *others = sentences(Choice(BEST, TRAINING, contest), Budget())
    assert "by seconds of training (of 1 they are not known on this device), of the 2 options" in first
    assert not [line for line in others if line.startswith("Cheapest")]


def test_with_too_few_images_nothing_is_called_the_cheapest():
    contest = Contest(BEST, [Contender(TWIN, Compared(0.3, None, None, None, 1))])
    found = sentences(Choice(BEST, TRAINING, contest), Budget())
    assert "with so few images no two options can be told apart" in found[0]
    assert found[1] == "With so few images the best cannot be told apart from any of 1 other options."
    assert len(found) == 2


def test_the_cost_of_finding_stands_beside_that_of_training_again():
    expected = "finding it took all 24 runs, 7,200 s of training"
    assert f"{expected} (3 USD)." in search_sentence(Charge(7200.0, 2.0, 3.0), 24)
    assert f"{expected} (2 device-hours)." in search_sentence(Charge(7200.0, 2.0, None), 24)
    assert "is not known" in search_sentence(Charge(None, None, None), 24)


def test_plain_data_has_no_nan():
    found = as_dict(CHOICE, [BEST, TWIN, POOR, DEAR], Charge(7200.0, 2.0, None), ["a.md"])
    json.dumps(found, allow_nan=False)
    assert (found["recommended"]["option"], found["best"]["option"]) == ("twin", "best")
    assert (found["cheapest_by"], found["comparisons"]) == ("seconds of training", 2)
    assert [(row["option"], row["cost_usd"]) for row in found["tied"]] == [("twin", None)]
    assert (found["worse"][0]["behind_low"], found["worse"][0]["behind_high"]) == (0.2, 0.4)
    assert (found["best_single"]["option"], found["tied_singles"]) == ("best", [])
    assert found["out"][0]["why"] == ("training 9 > 5 USD",)
    assert (found["search_seconds"], found["search_usd"]) == (7200.0, None)
    assert (found["nearest"], found["files"]) == (None, ["a.md"])
