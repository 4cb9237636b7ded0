"""Jobs with options that hold for a whole process, in a separate one: prints losses and setup of each."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from helpers_data import make_data
from helpers_jobs import finetune_job

from bench.data.scan import scan
from bench.data.source import find
from bench.store.store import Store
from bench.training.finetune import run_finetuned

OPTIONS = ({}, {"xla": True}, {"precision": "mixed_bfloat16"}, {"precision": "mixed_float16"}, {"deterministic": True})


def main():
    folder = Path(sys.argv[1])
    data, log = make_data(folder / "flowers"), folder / "log.txt"
    scan(find(str(data)), (32,))
    log.write_text("")
    found = []
    for number, options in enumerate([*OPTIONS, OPTIONS[-1]]):  # determinism cannot be taken back: at the end, twice
        store, events = folder / f"runs{number}", []
        run_finetuned(finetune_job(data, store, config=options), events.append, log)
        run = Store(store).get("tiny")
        found.append({"losses": run.history["loss"].tolist(), "setup": run.result.setup.model_dump()})
    print(json.dumps(found))


main()
