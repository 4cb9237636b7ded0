"""`run --all --weights random` on the sample from a cold start, against bare forward passes of the same backbones.

    python tests/perf/run_all_vs_forward.py

A is the whole command in empty folders: drawing the sample, checking it, four child processes with their imports,
eight runs of 30 epochs, the report. B is nothing but the forward passes over the same images: each backbone is built
and its graph warmed up before its clock starts, and images are in memory. Printed besides: peak resident memory of
children and parent. The last line is A / B.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

RESOLUTIONS = (224, 512)

FORWARD = """
import json, sys, time
import numpy as np, tensorflow as tf
import backbones
from bench.data.source import find
from bench.data.reading import images
from bench.training.features.extraction import CPU_BATCH_PIXELS, batch_size
source, px, name = find("sample"), int(sys.argv[1]), sys.argv[2]
shards = source.stored(px, "train", "val", "test")
count = sum(1 for batch in images(shards, 1))
batch = batch_size(count, px, CPU_BATCH_PIXELS)
adapter = backbones.get(name)
model = adapter.build("random")
forward = tf.function(lambda pictures: model(adapter.prepare(pictures), training=False))
batches = list(images(shards, batch))
np.asarray(forward(batches[0]))
began = time.perf_counter()
for pictures in batches:
    np.asarray(forward(pictures))
print(json.dumps(time.perf_counter() - began))
"""


def peak_mib(process: subprocess.Popen[bytes], peaks: list[float]) -> None:
    """Keeps the highest resident set of one process, its children left out."""
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        try:
            lines = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        except OSError:
            return
        peaks.extend(int(line.split()[1]) / 1024 for line in lines)
        time.sleep(0.2)


def whole_command(folder: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds of `run --all`, and the parent's peak memory in MiB."""
    began, peaks = time.perf_counter(), [0.0]
    words = [sys.executable, "-m", "bench", "run", "--all", "--weights", "random"]
    process = subprocess.Popen(words, cwd=folder, env=environment)
    watch = threading.Thread(target=peak_mib, args=(process, peaks))
    watch.start()
    status = process.wait()
    seconds = time.perf_counter() - began
    watch.join()
    if status:
        sys.exit(f"run --all ended with status {status}")
    return seconds, max(peaks)


def forward_passes(environment: dict[str, str]) -> float:
    """Seconds of the bare passes, backbone by backbone and resolution by resolution."""
    total = 0.0
    for name in ("efficientnetb0", "resnet50", "densenet121", "vgg16"):
        for px in RESOLUTIONS:
            words = [sys.executable, "-c", FORWARD, str(px), name]
            done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
            seconds = json.loads(done.stdout.splitlines()[-1])
            print(f"forward {name}@{px}: {seconds:.1f} s", flush=True)
            total += seconds
    return total


def main() -> None:
    """Prints the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {**os.environ, "PETALBENCH_HOME": str(folder / "home"), "TF_CPP_MIN_LOG_LEVEL": "2"}
        (folder / "work").mkdir()
        whole, parent = whole_command(folder / "work", environment)
        results = [json.loads(path.read_text()) for path in (folder / "work" / "runs").glob("*/result.json")]
        bare = forward_passes(environment)
    print(f"runs: {len(results)}; macro F1 {sorted(round(result['metrics']['macro_f1'], 3) for result in results)}")
    print(f"peak memory of a child: {max(result['cost']['peak_memory_mib'] for result in results):.0f} MiB")
    print(f"peak memory of the parent: {parent:.0f} MiB")
    print(f"run --all: {whole:.1f} s; bare forward passes: {bare:.1f} s")
    print(f"ratio {whole / bare:.2f}")


if __name__ == "__main__":
    main()
