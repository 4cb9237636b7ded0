"""Stand-in for bench.jobs.worker: follows a script of one word per child, so that tests cover every way to end."""

import json
import os
import signal
import sys
import time
from pathlib import Path


def say(**event):
    print(json.dumps(event), flush=True)


def finish(run_id):
    say(event="finished", run_id=run_id, macro_f1=0.5, seconds=0.1)


log = Path(sys.argv[1])
job = json.loads(sys.stdin.readline())
runs = [run["run_id"] for run in job.get("runs", [])]
script = log.parent.parent / "script.txt"
words = script.read_text().split()
script.write_text(" ".join(words[1:]))
log.write_text(f"printed by {words[0]}\n")
(log.parent.parent / "child.pid").write_text(str(os.getpid()))

match words[0]:
    case "good":
        for run_id in runs:
            finish(run_id)
    case "die-in-head":
        say(event="progress", run_id=runs[0], phase="head", done=1, total=3)
        os.kill(os.getpid(), signal.SIGKILL)
    case "die-in-features":
        say(event="progress", run_id=runs[0], phase="features", done=1, total=3)
        os.kill(os.getpid(), signal.SIGKILL)
    case "die-in-training":
        say(event="progress", run_id=runs[0], phase="training", done=1, total=3)
        os.kill(os.getpid(), signal.SIGKILL)
    case "at-once":
        (log.parent.parent / "at_once.txt").write_text(str(job["at_once"]))
        finish(runs[0])
    case "answer":
        say(event="progress", run_id="", phase="reading", done=1, total=2)
        say(event="answer", lines=["one", "two"], status=1)
    case "crash":
        sys.exit(7)
    case "nan":
        say(event="failed", run_id=runs[0], kind="nan", reason="loss is nan in epoch 1, step 2", seconds=1.0)
        for run_id in runs[1:]:
            finish(run_id)
    case "garbage":
        print("not json", flush=True)
        for run_id in runs:
            finish(run_id)
    case "mistake":
        for run_id in runs[:1]:
            finish(run_id)
        say(event="mistake", message="picture 'x' does not decode.")
        sys.exit(0)
    case "hang":
        say(event="progress", run_id=runs[0], phase="head", done=1, total=3)
        time.sleep(600)
say(event="done")
