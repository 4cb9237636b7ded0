"""A small data set in the Kaggle form whose classes differ in colour and stripes: `tiny` learns something from it."""

from pathlib import Path

import numpy as np

COUNTS = {"train": 33, "val": 44, "test": 9}
CLASSES = ("red", "green", "striped", "blue")


def picture(label: int, number: int, px: int) -> np.ndarray:
    """uint8 (px, px, 3)."""
    rng = np.random.default_rng([label, number])
    colour = np.array([(200, 60, 60), (60, 200, 60), (120, 120, 120), (60, 60, 200)][label])
    noise = rng.normal(scale=25, size=(16, 16, 3)).repeat(px // 16, axis=0).repeat(px // 16, axis=1)
    stripes = 60 * (np.arange(px) * 8 // px % 2)[:, None, None] if label == 2 else 0
    return np.clip(colour + rng.normal(scale=15, size=3) + noise + stripes, 0, 255).astype(np.uint8)


def make_data(root: Path, resolutions=(32, 64), *, counts=COUNTS, answers=True, classes=True) -> Path:
    """Writes train, val and test; the test split without classes, as on Kaggle. Labels cycle through the classes."""
    import tensorflow as tf

    from bench.data.records import NO_CLASS, Record, write_shard

    number = 0
    rows = {}
    for split, count in counts.items():
        rows[split] = [(f"{split}{i:03d}", (i + number) % len(CLASSES), number + i) for i in range(count)]
        number += count
    for px in resolutions:
        for split, found in rows.items():
            folder = root / f"tfrecords-jpeg-{px}x{px}" / split
            folder.mkdir(parents=True)
            records = [
                Record(
                    tf.io.encode_jpeg(picture(label, which, px)).numpy(), NO_CLASS if split == "test" else label, name
                )
                for name, label, which in found
            ]
            half = len(records) // 2
            for shard, part in enumerate((records[:half], records[half:])):
                write_shard(folder, shard, px, part)
    if classes:
        (root / "classes.txt").write_text("\n".join(CLASSES) + "\n")
    if answers and "test" in rows:
        lines = [f"{name},{label}" for name, label, _ in rows["test"]]
        (root / "answers.csv").write_text("\n".join(["id,label", *lines]) + "\n")
    return root
