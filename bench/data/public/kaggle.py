"""Downloads of the competition's files through kagglehub, one after the other. Runs in a child: kagglehub prints."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.data.cache import not_writable
from bench.data.public.petals import COMPETITION
from bench.data.records import claimed_count, count_records, is_whole
from bench.errors import UserError, one_line
from bench.jobs.messages import Answer, DownloadJob, Emit, Tell, counted

_RULES = f"https://www.kaggle.com/competitions/{COMPETITION}/rules"
_TOKEN = (
    "Make one at https://www.kaggle.com/settings and put it into the file ~/.kaggle/access_token or the variable "
    "KAGGLE_API_TOKEN; a kaggle.json in ~/.kaggle does as well."
)
_STALL_SECONDS = 120.0  # kagglehub writes a MiB at a time; a file that does not grow for so long has no connection
_AGAIN = "The same command resumes."
_BY_HAND = f"{_AGAIN} A copy of the competition's files made elsewhere is used if PETALS_DIR names its folder."
_REFUSALS = {
    401: f"Kaggle does not accept your token. {_TOKEN}",
    403: f"Kaggle gives the files to those who take part: accept the rules at {_RULES}, with your token's account.",
    429: f"Kaggle has had too many requests from you. Wait some minutes. {_AGAIN}",
}


def handle(job: DownloadJob, emit: Emit, _: Path) -> None:
    """Handler for downloads. Answers with the folder of the files if Kaggle has mounted them."""
    mounted = download(job, counted(emit, "downloading"))
    if mounted is not None:
        emit(Answer(lines=(str(mounted),)))


def download(job: DownloadJob, tell: Tell) -> Path | None:
    """Downloads missing and incomplete files, and counts the records of each. `tell`: records done, of how many.

    Returns:
        The folder where Kaggle has mounted the files instead, as in its own notebooks; else None.

    Raises:
        UserError: no kagglehub, credentials, consent, network or room, or a file without the promised records.
    """
    try:
        import kagglehub
    except ImportError:
        raise UserError("data fetch petals needs kagglehub: pip install 'petalbench[kaggle]'.") from None
    folder = Path(job.folder)
    claims = {name: claimed_count(Path(name)) or 0 for name in job.files}
    done, total = 0, sum(claims.values())
    for name, claim in claims.items():
        tell(done, total)
        if not is_whole(folder / name):
            path = _downloaded(kagglehub, name, folder)
            if path != folder / name:
                return Path(str(path).removesuffix(name))
            _check(path, name, claim)
        done += claim
    tell(done, total)
    return None


def _downloaded(hub: Any, name: str, folder: Path) -> Path:
    try:
        with _stall_watch(folder / name):
            # Forced: part of the file may be left from an interruption, and kagglehub would keep it.
            return Path(hub.competition_download(COMPETITION, path=name, output_dir=str(folder), force_download=True))
    except Exception as error:
        fault = _user_error(error, name, folder)
        if fault is None:
            raise
        raise fault from error


@contextmanager
def _stall_watch(path: Path) -> Iterator[None]:
    """Raises a TimeoutError when the file stops growing: kagglehub has no time limit."""
    if not hasattr(signal, "setitimer"):  # Windows
        yield
        return
    size = -1

    def check(signum: int, frame: object) -> None:
        nonlocal size
        before, size = size, path.stat().st_size if path.exists() else 0
        if size == before:
            raise TimeoutError("the file stopped growing")

    handler = signal.signal(signal.SIGALRM, check)
    signal.setitimer(signal.ITIMER_REAL, _STALL_SECONDS, _STALL_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)


def _user_error(error: Exception, name: str, folder: Path) -> UserError | None:
    """The error with its remedy; None if the user cannot mend it."""
    from requests import RequestException  # a dependency of kagglehub

    status = getattr(getattr(error, "response", None), "status_code", None)
    kind = type(error).__name__
    if status is not None:
        return UserError(_REFUSALS.get(status, f"Kaggle answered {status} when asked for '{name}'. {_BY_HAND}"))
    if kind == "UnauthenticatedError":
        return UserError(f"Kaggle asks who you are, and no token was found. {_TOKEN}")
    if isinstance(error, (RequestException, TimeoutError)):  # an OSError too, so it comes first
        return UserError(f"The connection to Kaggle failed ({kind}) at '{name}'. {_BY_HAND}")
    if isinstance(error, OSError):
        return not_writable(folder, error)
    if isinstance(error, ValueError) or type(error).__module__.startswith("kagglehub"):
        return UserError(f"kagglehub stopped at '{name}': {one_line(' '.join(str(error).split()))}")
    return None


def _check(shard: Path, name: str, claim: int) -> None:
    count = count_records(shard)
    if count != claim:
        held = "ends within a record" if count is None else f"holds {count:,} records"
        raise UserError(f"'{name}' came from Kaggle, but {held}, and its name says {claim:,}. Fetch it again.")
