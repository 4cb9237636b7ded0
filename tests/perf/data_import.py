"""`data import` against decoding and resizing the same pictures with Pillow alone, and its peak memory.

    python tests/perf/data_import.py [PICTURES]

JPEGs of three sizes, 1,000 of each unless a number is given; of the smallest ten times as many, for the memory. Pillow
alone opens each, lets JPEG decode at a smaller scale (`draft`), and resizes the middle square to 224 and 512 px by
LANCZOS: no hash, no encoding, no file. Both are measured in turn, in processor seconds of all processes together, which
other work on the machine disturbs less than it does the clock; the start of Python and TensorFlow counts for the
import. The peak is the largest sum over its processes of proportional set sizes, looked at five times a second (Linux).

The last line is the smallest of the ratios of throughput per core, import to Pillow.
"""

from __future__ import annotations

import io
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

SIZES = {(500, 375): 10, (1600, 1200): 1, (4000, 3000): 1}  # and how many times as many pictures
PX, CLASSES, DRAWN = (224, 512), 10, 20


def photograph(rng: np.random.Generator, size: tuple[int, int]) -> bytes:
    """Detail at every scale, as photographs have."""
    width, height = size
    total = np.zeros((height, width, 3), np.float32)
    for scale in (2, 8, 32, 128):
        small = rng.normal(128, 40, (height // scale + 1, width // scale + 1, 3)).clip(0, 255).astype(np.uint8)
        grown = Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)
        total += (np.asarray(grown, np.float32) - 128) * scale**0.5 / 8
    buffer = io.BytesIO()
    Image.fromarray((total + 128).clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def write(folder: Path, size: tuple[int, int], count: int) -> list[Path]:
    """Files that differ in what follows the end of the picture, so that every one is another one."""
    drawn = [photograph(np.random.default_rng([*size, number]), size) for number in range(min(DRAWN, count))]
    paths = [folder / f"class{number % CLASSES}" / f"{number}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(drawn[number % len(drawn)] + number.to_bytes(4, "big"))
    return paths


def pillow_alone(paths: list[Path]) -> float:
    """Processor seconds."""
    began = time.process_time()
    for path in paths:
        image = Image.open(path)
        image.draft("RGB", (2 * PX[-1], 2 * PX[-1]))
        image = image.convert("RGB")
        side, (width, height) = min(image.size), image.size
        box = ((width - side) / 2, (height - side) / 2, (width + side) / 2, (height + side) / 2)
        for px in PX:
            image.resize((px, px), Image.Resampling.LANCZOS, box)
    return time.process_time() - began


def imported(folder: Path, home: Path) -> tuple[float, float, float]:
    """Processor seconds, seconds and peak MiB of the command."""
    before, began = children_seconds(), time.perf_counter()
    words = ["data", "import", str(folder), "perf", "--force"]
    command = subprocess.Popen(
        [sys.executable, "-m", "bench", *words],
        env={**os.environ, "PETALBENCH_HOME": str(home)},
        stdout=subprocess.DEVNULL,
    )
    peak = 0.0
    while command.poll() is None:
        peak = max(peak, sum(map(proportional_mib, tree(command.pid))))
        time.sleep(0.2)
    if command.returncode:
        raise SystemExit("the import failed")
    return children_seconds() - before, time.perf_counter() - began, peak


def children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return []
    return [pid, *(below for child in children for below in tree(child))]


def proportional_mib(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has just ended
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def main() -> None:
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    ratios = []
    for size, times in SIZES.items():
        with tempfile.TemporaryDirectory() as folder:
            paths = write(Path(folder) / "pictures", size, int(asked * times))
            few = paths[: min(len(paths), asked)]
            alone = [pillow_alone(few) * len(paths) / len(few)]
            used, seconds, peak = imported(Path(folder) / "pictures", Path(folder) / "home")
            alone.append(pillow_alone(few) * len(paths) / len(few))
        ratios.append(sum(alone) / 2 / used)
        print(
            f"{len(paths):,} of {size[0]} x {size[1]}: Pillow alone {1e3 * sum(alone) / 2 / len(paths):.1f} ms, import "
            f"{1e3 * used / len(paths):.1f} ms of processor a picture; ratio {ratios[-1]:.2f}; {seconds:.0f} s; "
            f"peak {peak:,.0f} MiB",
            flush=True,
        )
    print(f"{min(ratios):.2f}")


if __name__ == "__main__":
    main()
