"""Stand-in for bench.jobs.worker that stores results: tests count what commands that share a store train.

In the folder of the store, `trained.txt` receives a line per training; while `hold` exists, no training ends; a run
named in `fail.txt` fails; if `die` exists, the process is killed once it has stored a run.
"""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from helpers_store import make_outputs, make_result

from bench.store.store import Store


def say(**event):
    print(json.dumps(event), flush=True)


def end_with_parent():
    while os.read(0, 4096):
        pass
    os._exit(3)


Path(sys.argv[1]).write_text("printed\n")
job = json.loads(sys.stdin.readline())
threading.Thread(target=end_with_parent, daemon=True).start()
store = Store(Path(job["store"]))
failing = store.root / "fail.txt"
for planned in job["runs"]:
    run_id, config = planned["run_id"], planned["config"]
    unfinished = store.unfinished(run_id)
    unfinished.folder.mkdir(parents=True, exist_ok=True)
    unfinished.checkpoint.write_bytes(b"12345")
    with (store.root / "trained.txt").open("a") as file:
        file.write(f"{run_id}\n")
    while (store.root / "hold").exists():
        time.sleep(0.02)
    if failing.exists() and run_id in failing.read_text():
        say(event="failed", run_id=run_id, kind="nan", reason="loss is nan", seconds=1.0)
        continue
    store.save(make_result(run_id, seed=config["seed"], recipe=config["recipe"]["name"]), make_outputs())
    if (store.root / "die").exists():
        (store.root / "die").unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    say(event="finished", run_id=run_id, macro_f1=0.5, seconds=0.1)
say(event="done")
