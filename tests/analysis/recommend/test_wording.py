import json
import math

from helpers_recommend import option

from bench.analysis.recommend.choice import Budget, Choice, Contender
from bench.analysis.recommend.wording import as_dict, option_text, sentences

BEST = option("best", 0.812, train_seconds=1234.0, ms_per_image=30.0)
TWIN = option("twin", 0.81, kind="ensemble", train_seconds=12.0, usd=math.nan, ms_per_image=3.4)
POOR = option("poor", 0.5)
DEAR = option("dear", 0.9)
CHOICE = Choice(
    BEST,
    [Contender(TWIN, -0.01, 0.02, True), Contender(POOR, 0.2, 0.4, False)],
    {"dear": ("training 9 > 5 USD",)},
)


def test_an_option_on_one_line():
    assert option_text(BEST) == "best (macro F1 0.812, 1,234 s of training, 2 USD, 30 ms per image)"
    assert option_text(TWIN) == "twin (macro F1 0.810 cross-fitted, 12 s of training, 3.4 ms per image)"


def test_every_option_has_its_sentence():
    assert sentences(CHOICE, Budget(max_usd=5)) == [
        f"Recommended: {option_text(BEST)}; 95 % 0.792 to 0.832. In the store: best-run.",
        "Cannot be told apart from the recommendation on these images: twin (0.810).",
        f"Cheapest of these to train: {option_text(TWIN)}.",
        f"Cheapest of these to run: {option_text(TWIN)}.",
        "Worse beyond the noise: poor.",
        "Out of the budget: dear (training 9 > 5 USD).",
    ]


def test_another_device_is_never_the_cheapest():
    other = Choice(BEST, [Contender(option("gpu", same_device=False, ms_per_image=0.1), 0.0, 0.0, True)])
    assert not [line for line in sentences(other, Budget()) if line.startswith("Cheapest")]


def test_plain_data_has_no_nan():
    found = as_dict(CHOICE, [BEST, TWIN, POOR, DEAR], ["a.md"])
    json.dumps(found, allow_nan=False)
    assert found["recommended"]["option"] == "best"
    assert [row["cost_usd"] for row in found["tied"]] == [None]
    assert (found["worse"][0]["behind_low"], found["worse"][0]["behind_high"]) == (0.2, 0.4)
    assert found["out"][0]["why"] == ("training 9 > 5 USD",)
    assert (found["nearest"], found["files"]) == (None, ["a.md"])
