"""Workers of TF_CONFIG find each other before TensorFlow looks for them.

TensorFlow waits an hour for a worker that never comes, holds the interpreter's lock meanwhile, and names nobody. Here
each worker listens at its own address, and greets all others at theirs, until everybody has met everybody.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import closing

from bench.environment import TfConfig
from bench.errors import UserError

_GREETING_BYTES = 8
_PAUSE_SECONDS = 0.2


def meet(workers: TfConfig, timeout_seconds: float) -> None:
    """Returns when all workers are there.

    Raises:
        UserError: some did not come in time, or this worker's port is taken.
    """
    deadline = time.monotonic() + timeout_seconds
    with closing(_listening(workers)) as server:
        heard: set[int] = set()
        listener = threading.Thread(target=_listen, args=(server, heard, len(workers.others), deadline), daemon=True)
        listener.start()
        absent = [address for address in workers.others if not _greet(address, workers.index, deadline)]
        listener.join(max(0.0, deadline - time.monotonic()) + 1)
    silent = [address for i, address in enumerate(workers.workers) if i not in heard | {workers.index}]
    if absent or silent:
        raise UserError(
            f"TF_CONFIG names workers that did not come within {timeout_seconds:g} s: {', '.join(absent or silent)}. "
            "Start the same command on each of them, or mend TF_CONFIG; --worker-timeout waits longer."
        )


def _listening(workers: TfConfig) -> socket.socket:
    address = workers.workers[workers.index]
    try:
        return socket.create_server(("", int(address.rpartition(":")[2])))
    except (OSError, ValueError) as error:
        raise UserError(f"TF_CONFIG gives this worker the address '{address}': {error}.") from None


def _listen(server: socket.socket, heard: set[int], expected: int, deadline: float) -> None:
    """Collects the numbers of the workers that call."""
    while len(heard) < expected and time.monotonic() < deadline:
        server.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(1)
                heard.add(int(connection.recv(_GREETING_BYTES) or b"-1"))
        except (OSError, ValueError):  # nobody called, or somebody else did
            continue


def _greet(address: str, index: int, deadline: float) -> bool:
    """Calls until somebody answers; False at the deadline."""
    host, _, port = address.rpartition(":")
    while True:
        try:
            with socket.create_connection((host, int(port)), timeout=1) as connection:
                connection.sendall(str(index).encode())
                return True
        except (OSError, ValueError):
            if time.monotonic() > deadline:
                return False
            time.sleep(_PAUSE_SECONDS)
