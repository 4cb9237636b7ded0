"""One of two workers of TF_CONFIG: trains on 17 images, 8 a step, and writes its final variables and predictions."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from helpers_training import examples, fitted, recipe, values

from bench.training.loop.prediction import predicted
from bench.training.strategies import make_strategy, strategy_name


def main():
    strategy = make_strategy("auto", 60)
    val = examples(11, 1)
    asked = recipe(head=("dropout:0.5", "gap", "softmax"))
    made, progressed = fitted(asked, examples(17), val, strategy=strategy)
    noise = [value for path, value in values(made) if path.endswith("seed_generator_state")]
    rest = [value for path, value in values(made) if not path.endswith("seed_generator_state")]
    arrays = {f"variable {number}": value for number, value in enumerate(rest)}
    np.savez(sys.argv[3], *noise)
    losses = [row.loss for row in progressed.rows]
    Path(sys.argv[1]).write_text(strategy_name(strategy))
    np.savez(sys.argv[2], losses=losses, predictions=predicted(made, val)[0], **arrays)


main()
