"""TensorFlow's file systems: which there are, errors in words, and no waiting for ever."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

from bench.data.remote.address import scheme
from bench.environment import without_metadata_server
from bench.errors import UserError

Found = TypeVar("Found")

# Only Google's own machines have it; elsewhere TensorFlow would ask for it again and again before it goes on without.
_METADATA_SERVER = "metadata.google.internal"
_LOOKUP_SECONDS = 2.0


def settle(url: str) -> None:
    """Makes sure that TensorFlow can be asked for this URL.

    Raises:
        UserError: TensorFlow knows no such file system.
    """
    import tensorflow as tf

    known = sorted(name for name in tf.io.gfile.get_registered_schemes() if name)
    if scheme(url) not in known:
        there = ", ".join(f"{name}://" for name in known)
        raise UserError(f"'{url}': TensorFlow has no file system '{scheme(url)}://' here. It has: {there}.")
    if scheme(url) == "gs" and not _is_known(_METADATA_SERVER):
        without_metadata_server()


def within(seconds: float, url: str, task: Callable[[], Found]) -> Found:
    """What a task gives.

    Raises:
        UserError: it takes longer. TensorFlow repeats what fails for minutes, and nothing can stop it.
    """
    found: Future[Found] = Future()
    threading.Thread(target=_fulfil, args=(found, task), daemon=True).start()
    try:
        return found.result(seconds)
    except TimeoutError:
        raise UserError(f"'{url}' did not answer within {seconds:g} s. Look at the network, or try again.") from None


@contextmanager
def in_words(url: str) -> Iterator[None]:
    """Turns what TensorFlow raises of a URL into a UserError."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.NotFoundError as error:
        raise UserError(f"There is no '{url}', or it may not be listed.") from error
    except (tf.errors.PermissionDeniedError, tf.errors.UnauthenticatedError) as error:
        raise UserError(f"No access to '{url}'.{_remedy(url)}") from error
    except tf.errors.OpError as error:
        raise UserError(f"Cannot read '{url}': {_first_line(error)}") from error


def _remedy(url: str) -> str:
    if scheme(url) != "gs":
        return ""
    return " Sign in with `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a key file."


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _fulfil(found: Future[Found], task: Callable[[], Found]) -> None:
    try:
        found.set_result(task())
    except BaseException as error:
        found.set_exception(error)


def _is_known(host: str) -> bool:
    """Whether the host has an address. A thread asks, because a resolver takes as long as it likes."""
    try:
        return bool(within(_LOOKUP_SECONDS, host, lambda: socket.getaddrinfo(host, 80)))
    except (UserError, OSError):
        return False
