"""A fine-tuning epoch of the harness against timm on PyTorch, over tensors that are already in memory.

    python -m venv TORCH && TORCH/bin/pip install torch timm        # PyTorch's CPU build suffices
    python tests/perf/finetune_vs_timm.py --torch-python TORCH/bin/python [BACKBONE ...] [--images 64] [--epochs 3]

224 px, batch 16, random weights, Adam, float32. timm's model is in channels-last memory format and train mode, and sees
the same prepared batch again and again; the harness reads, decodes and flips its pictures. Both use as many threads as
the process has cores. Each side runs in processes of its own, in turn; of every process the epochs after the first
count, the best of them; the median over processes is compared. Prints `ratio <backbone> <figure>` a line: harness over
timm.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

BATCH, PX, CLASSES = 16, 224, 104  # as in finetune_vs_fit, which the side with PyTorch cannot import
TIMM = {"vgg16": "vgg16", "resnet50": "resnet50", "densenet121": "densenet121", "efficientnetb0": "efficientnet_b0"}


def by_timm(backbone: str, shards: list[str], images: int, epochs: int) -> list[float]:
    """Seconds of each epoch's steps, from the first until the last step's loss has been fetched."""
    import timm
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    # timm's vgg16 has two dense layers of 4096 before its classes, which the harness's network has not.
    model = _model(timm, torch, TIMM[backbone]).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.Adam(model.parameters(), 1e-5)
    pictures = torch.randn(BATCH, 3, PX, PX).to(memory_format=torch.channels_last)
    labels, seconds = torch.arange(BATCH) % CLASSES, []
    for _ in range(epochs):
        started = time.perf_counter()
        for _ in range(images // BATCH):
            optimizer.zero_grad(set_to_none=True)
            loss = torch.nn.functional.cross_entropy(model(pictures), labels)
            loss.backward()
            optimizer.step()
        loss.item()
        seconds.append(time.perf_counter() - started)
    return seconds


def _model(timm, torch, name: str):
    """The convolutions of timm's model, global average pooling, and one dense layer."""
    features = timm.create_model(name, pretrained=False, num_classes=0, global_pool="")
    if name.startswith("vgg"):
        features = features.features
    with torch.no_grad():
        width = features.eval()(torch.zeros(1, 3, PX, PX)).shape[1]
    pooled = (torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(width, CLASSES))
    return torch.nn.Sequential(features, *pooled)


def by_harness(backbone: str, shards: list[str], images: int, epochs: int) -> list[float]:
    """The loop of the harness."""
    import finetune_vs_fit

    return finetune_vs_fit.by_harness(backbone, shards, images, epochs)


SIDES = {"timm": by_timm, "harness": by_harness}


def in_process(side: str, backbone: str, shards: list[str], asked: argparse.Namespace) -> list[float]:
    """Epoch seconds of one side in a process of its own."""
    from bench.environment import child_environment

    python = asked.torch_python if side == "timm" else sys.executable
    numbers = ["--images", str(asked.images), "--epochs", str(asked.epochs)]
    done = subprocess.run(
        [python, __file__, "--side", side, backbone, *numbers, "--shards", *shards],
        env=dict(os.environ) if side == "timm" else child_environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


def compare(backbone: str, shards: list[str], asked: argparse.Namespace) -> float:
    """Best epoch of the harness over that of timm, medians over rounds."""
    best: dict[str, list[float]] = {side: [] for side in SIDES}
    for _ in range(asked.rounds):
        for side in SIDES:
            best[side].append(min(in_process(side, backbone, shards, asked)[1:]))
    print({side: [round(s, 2) for s in found] for side, found in best.items()}, flush=True)
    return median(best["harness"]) / median(best["timm"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("backbones", nargs="*", default=list(TIMM), metavar="BACKBONE")
    parser.add_argument("--torch-python", help="the interpreter of an environment with torch and timm")
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--shards", nargs="*", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.images % BATCH:
        parser.error(f"--images is {asked.images}: a multiple of {BATCH}, so that both sides take equal steps")
    if asked.side:
        print(json.dumps(SIDES[asked.side](asked.backbones[0], asked.shards, asked.images, asked.epochs)))
        return
    if not asked.torch_python:
        parser.error("--torch-python PYTHON: an interpreter that has torch and timm")
    from finetune_vs_fit import make_shards

    with tempfile.TemporaryDirectory() as folder:
        shards = make_shards(Path(folder), asked.images)
        for backbone in asked.backbones:
            print(f"ratio {backbone} {compare(backbone, shards, asked):.3f}", flush=True)


if __name__ == "__main__":
    main()
