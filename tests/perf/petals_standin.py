"""A stand-in for Petals to the Metal at full size, through frozen training, an ensemble, the report and a submission.

    python tests/perf/petals_standin.py [--px 64] [--recipe frozen-flip] [--seeds 2] [--keep FOLDER]

12,753 / 3,712 / 7,382 generated pictures in as many shards as Kaggle's files have (16 a split), 104 classes with the
train counts of the real data (`petals_train_images.csv`), validation and test in the same proportions, test without
labels. Prints a line a stage: seconds, the most resident memory of all of its processes together, and how often the
shards of each split were opened (a whole pass over a split opens each of its 16 once; Linux's inotify counts). The
last line is the most memory of any stage, in MiB.
"""

from __future__ import annotations

import argparse
import csv
import ctypes
import os
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

SHARDS = {"train": [798] * 15 + [783], "val": [232] * 16, "test": [462] * 15 + [452]}
_IN_OPEN = 0x20
_EVENT = struct.Struct("iIII")  # watch, mask, cookie, length of the name behind it


def class_counts(total: int) -> list[int]:
    """Images of each class in a split of `total`, in the proportions of the real train split (largest remainder)."""
    with Path(__file__).with_name("petals_train_images.csv").open(encoding="utf-8") as file:
        train = [int(row["train_images"]) for row in csv.DictReader(file)]
    shares = [total * count / sum(train) for count in train]
    counts = [int(share) for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda label: counts[label] - shares[label])
    for label in by_remainder[: total - sum(counts)]:
        counts[label] += 1
    return counts


def generate(root: Path, px: int) -> None:
    """A colour and a pattern of each class, under noise, as JPEG."""
    import numpy as np
    import tensorflow as tf

    from bench.data.records import NO_CLASS, Record, write_shard

    rng = np.random.default_rng(0)
    patterns = rng.normal(scale=25, size=(104, 1, 1, 3)) + rng.normal(scale=25, size=(104, 8, 8, 3))
    for split, shards in SHARDS.items():
        labels = np.repeat(np.arange(104), class_counts(sum(shards)))
        rng.shuffle(labels)
        folder = root / f"tfrecords-jpeg-{px}x{px}" / split
        folder.mkdir(parents=True)
        start = 0
        for number, count in enumerate(shards):
            chosen = labels[start : start + count]
            small = 128 + patterns[chosen] + rng.normal(scale=60, size=(count, 8, 8, 3))
            pictures = tf.image.resize(small, (px, px), "bicubic")
            encoded = [tf.io.encode_jpeg(tf.cast(tf.clip_by_value(one, 0, 255), tf.uint8)).numpy() for one in pictures]
            records = [
                Record(image, NO_CLASS if split == "test" else int(label), f"{split}{start + row:05d}")
                for row, (image, label) in enumerate(zip(encoded, chosen, strict=True))
            ]
            write_shard(folder, number, px, records)
            start += count
        if split == "test":
            lines = [f"{split}{row:05d},{label}" for row, label in enumerate(labels)]
            (root / "answers.csv").write_text("\n".join(["id,label", *lines]) + "\n")


class Opens:
    """How often the shards under each of some folders are opened, as the kernel tells."""

    def __init__(self, folders: dict[str, Path]) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._libc.inotify_init1(os.O_NONBLOCK)
        self._splits = {self._watch(folder): split for split, folder in folders.items()}

    def _watch(self, folder: Path) -> int:
        watch = self._libc.inotify_add_watch(self._descriptor, os.fsencode(folder), _IN_OPEN)
        if watch < 0:
            raise OSError(ctypes.get_errno(), "inotify_add_watch", str(folder))
        return watch

    def take(self) -> dict[str, int]:
        """Opened shards by split, since the last call."""
        found: Counter[str] = Counter()
        while True:
            try:
                content = os.read(self._descriptor, 1 << 20)
            except BlockingIOError:
                return dict(found)
            position = 0
            while position < len(content):
                watch, _, _, length = _EVENT.unpack_from(content, position)
                name = content[position + _EVENT.size : position + _EVENT.size + length]
                found[self._splits[watch]] += name.rstrip(b"\0").endswith(b".tfrec")
                position += _EVENT.size + length


def resident_mib(root: int) -> float:
    """Resident memory of a process and all below it."""
    parents, resident = {}, {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        except OSError:
            continue  # it has just ended
        number = int(status.parent.name)
        parents[number], resident[number] = int(fields["PPid"]), int(fields.get("VmRSS", "0 kB").split()[0]) / 1024
    family = {root}
    while more := {number for number, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(resident.get(number, 0.0) for number in family)


def stage(name: str, words: list[str], folder: Path, opens: Opens) -> float:
    """Runs one command and prints its line. Returns its most memory, in MiB."""
    opens.take()
    began, counted, peak, over = time.perf_counter(), Counter(), 0.0, threading.Event()
    with (folder / "output.txt").open("a") as output:
        process = subprocess.Popen([sys.executable, "-m", "bench", *words], cwd=folder, stdout=output, stderr=output)
        while process.poll() is None:
            peak = max(peak, resident_mib(process.pid))
            counted.update(opens.take())  # before the kernel's queue is full
            over.wait(0.1)
    seconds = time.perf_counter() - began
    counted.update(opens.take())
    if process.returncode:
        sys.exit(f"{name} ended with status {process.returncode}:\n{(folder / 'output.txt').read_text()}")
    passes = ", ".join(f"{split} {counted[split] / len(SHARDS[split]):g}" for split in SHARDS)
    print(f"{name:<28} {seconds:7.1f} s {peak:7.0f} MiB   passes: {passes}", flush=True)
    return peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--px", type=int, default=64)
    parser.add_argument("--recipe", default="frozen-flip")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="folder for data, runs and reports; a temporary one unless given")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (asked.keep or Path(temporary)).resolve()
        measure(folder, asked)


def measure(folder: Path, asked: argparse.Namespace) -> None:
    data = folder / "petals"
    os.environ |= {"PETALBENCH_HOME": str(folder / "home"), "PETALS_DIR": str(data)}
    if not data.exists():
        began = time.perf_counter()
        generate(data, asked.px)
        print(f"{'generate':<28} {time.perf_counter() - began:7.1f} s", flush=True)
    opens = Opens({split: data / f"tfrecords-jpeg-{asked.px}x{asked.px}" / split for split in SHARDS})
    run = ["run", "tiny", "--data", "petals", "--weights", "random", "--recipe", asked.recipe, "--px", str(asked.px)]
    run += ["--seeds", str(asked.seeds)]
    stages = {
        "audit": ["data", "audit", "petals"],
        "run --dry-run": [*run, "--dry-run"],
        "run": run,
        "run again, nothing to do": run,
        "ensemble mean": ["ensemble", "mean"],
        "ensemble greedy": ["ensemble", "greedy"],
        "report": ["report"],
        "submit": ["submit", "tiny"] if asked.seeds == 1 else ["submit", "ensemble-mean"],
    }
    peaks = [stage(name, words, folder, opens) for name, words in stages.items()]
    print(f"most memory {max(peaks):.0f} MiB")


if __name__ == "__main__":
    main()
