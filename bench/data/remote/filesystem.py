"""TensorFlow's file systems: known schemes, errors as one line, time limits."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

import tensorflow as tf

from bench.data.remote.address import scheme
from bench.environment import without_metadata_server
from bench.errors import UserError

Result = TypeVar("Result")

# Exists on Google's own machines only; elsewhere TensorFlow repeats its requests to it before it goes on without.
_METADATA_SERVER = "metadata.google.internal"
_LOOKUP_SECONDS = 2.0
_SIGN_IN = " Sign in with `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a key file."


def check_scheme(url: str) -> None:
    """Checks that TensorFlow has a file system for the URL, and keeps it from waiting for a missing metadata server.

    Raises:
        UserError: TensorFlow has no such file system.
    """
    known = sorted(name for name in tf.io.gfile.get_registered_schemes() if name)
    if scheme(url) not in known:
        schemes = ", ".join(f"{name}://" for name in known)
        raise UserError(f"'{url}': TensorFlow has no file system '{scheme(url)}://' here. It has: {schemes}.")
    if scheme(url) == "gs" and not _has_address(_METADATA_SERVER):
        without_metadata_server()


def result_within(seconds: float, url: str, task: Callable[[], Result]) -> Result:
    """The result of a task.

    Raises:
        UserError: no result in time. TensorFlow repeats failed requests for minutes and cannot be interrupted.
    """
    result: Future[Result] = Future()
    threading.Thread(target=_fulfil, args=(result, task), daemon=True).start()
    try:
        return result.result(seconds)
    except TimeoutError:
        raise UserError(f"'{url}' did not answer within {seconds:g} s. Look at the network, or try again.") from None


@contextmanager
def user_errors(url: str) -> Iterator[None]:
    """Turns TensorFlow's errors about a URL into UserErrors."""
    try:
        yield
    except tf.errors.NotFoundError as error:
        raise UserError(f"There is no '{url}', or it may not be listed.") from error
    except (tf.errors.PermissionDeniedError, tf.errors.UnauthenticatedError) as error:
        raise UserError(f"No access to '{url}'.{_SIGN_IN if scheme(url) == 'gs' else ''}") from error
    except tf.errors.OpError as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise UserError(f"Cannot read '{url}': {lines[0]}") from error


def _fulfil(result: Future[Result], task: Callable[[], Result]) -> None:
    try:
        result.set_result(task())
    except BaseException as error:
        result.set_exception(error)


def _has_address(host: str) -> bool:
    """Whether the host has an address. In a thread, because a resolver has no time limit of its own."""
    try:
        return bool(result_within(_LOOKUP_SECONDS, host, lambda: socket.getaddrinfo(host, 80)))
    except (UserError, OSError):
        return False
