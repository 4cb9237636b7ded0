"""The last step of an import, in a child: prepared pictures become TFRecord shards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from bench.data.imports.spool import Planned, Spool
from bench.data.layout import SPLITS
from bench.data.records import Record, write_shard
from bench.errors import UserError
from bench.jobs.messages import Emit, ShardsJob, counted

_SHARD_RECORDS = 800  # about as many as Kaggle's; at 512 px some 60 MB, the most that is held in memory


def write_shards(job: ShardsJob, tell: Callable[[int, int], object]) -> None:
    """Write `tfrecords-jpeg-{px}x{px}/SPLIT/NN-{px}x{px}-COUNT.tfrec` for everything that was planned.

    Raises:
        UserError: the folder does not take them.
    """
    import tensorflow as tf

    spool = Spool(Path(job.spool), job.form)
    try:
        _write(spool, Path(job.folder), job.resolutions, tell)
    except (OSError, tf.errors.OpError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "message", None) or str(error)
        raise UserError(f"Cannot write shards in '{job.folder}': {reason}. What was prepared is kept.") from error
    finally:
        spool.close()


def _write(spool: Spool, folder: Path, resolutions: Sequence[int], tell: Callable[[int, int], object]) -> None:
    planned = {split: spool.planned(split) for split in SPLITS}
    total, done = len(resolutions) * sum(map(len, planned.values())), 0
    for px in resolutions:
        for split, rows in planned.items():
            for number, part in enumerate(_parts(rows)):
                inside = folder / f"tfrecords-jpeg-{px}x{px}" / split
                inside.mkdir(parents=True, exist_ok=True)
                records = [Record(spool.jpeg(row.digest, px), row.label, row.id) for row in part]
                write_shard(inside, number, px, records)
                done += len(part)
                tell(done, total)


def _parts(rows: Sequence[Planned]) -> list[Sequence[Planned]]:
    count = -(-len(rows) // _SHARD_RECORDS)
    return [rows[number * len(rows) // count : (number + 1) * len(rows) // count] for number in range(count)]


def handle(job: ShardsJob, emit: Emit, _: Path) -> None:
    """Handler for the jobs of `data import`."""
    write_shards(job, counted(emit, "writing shards"))
