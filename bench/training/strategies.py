"""Distribution strategies: the one that a run asks for, on the devices found.

TensorFlow waits without an end for a worker that never starts. `meet` therefore lets the workers of TF_CONFIG call each
other first, and names those that do not come.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import closing

import tensorflow as tf

from bench.config.run import Strategy
from bench.environment import TfConfig, tf_config
from bench.errors import UserError

_NUMBER_BYTES = 8  # of a worker's number, as text
_PAUSE_SECONDS = 0.2


def make_strategy(wanted: Strategy, timeout_seconds: float) -> tf.distribute.Strategy:
    """A strategy of TensorFlow. With several workers, no operation of TensorFlow may run before this call.

    Args:
        wanted: `auto` takes a TPU if one resolves, several workers if TF_CONFIG is set, several GPUs, else one
            device.
        timeout_seconds: to wait for the other workers of TF_CONFIG.

    Raises:
        UserError: the devices or workers asked for are missing.
    """
    kind = _resolved() if wanted == "auto" else wanted
    if kind == "tpu":
        return _tpu()
    if kind == "multiworker":
        return _workers(timeout_seconds)
    return tf.distribute.MirroredStrategy(_several_devices()) if kind == "mirrored" else tf.distribute.get_strategy()


def strategy_name(strategy: tf.distribute.Strategy) -> str:
    """Its name on the command line."""
    names = {
        tf.distribute.MirroredStrategy: "mirrored",
        tf.distribute.MultiWorkerMirroredStrategy: "multiworker",
        tf.distribute.TPUStrategy: "tpu",
    }
    return next((name for kind, name in names.items() if isinstance(strategy, kind)), "default")


def _resolved() -> Strategy:
    if _tpu_resolver() is not None:
        return "tpu"
    if tf_config() is not None:
        return "multiworker"
    return "mirrored" if len(tf.config.list_physical_devices("GPU")) > 1 else "default"


def _several_devices() -> list[str]:
    """GPUs, else logical processors: one, unless the process divided its own."""
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    devices = [device.name for device in tf.config.list_logical_devices(kind)]
    if len(devices) < 2:
        raise UserError(
            f"--strategy mirrored needs two or more devices; TensorFlow sees one {kind}. Use --strategy default."
        )
    return devices


def _tpu_resolver() -> tf.distribute.cluster_resolver.TPUClusterResolver | None:
    try:
        return tf.distribute.cluster_resolver.TPUClusterResolver()
    except (ValueError, RuntimeError, tf.errors.OpError):
        return None


def _tpu() -> tf.distribute.Strategy:
    resolver = _tpu_resolver()
    if resolver is None:
        raise UserError("--strategy tpu, and no TPU resolves here. Use --strategy auto.")
    tf.config.experimental_connect_to_cluster(resolver)
    tf.tpu.experimental.initialize_tpu_system(resolver)
    return tf.distribute.TPUStrategy(resolver)


def _workers(timeout_seconds: float) -> tf.distribute.Strategy:
    workers = tf_config()
    if workers is None:
        raise UserError("--strategy multiworker needs TF_CONFIG, which names the workers. Use --strategy auto.")
    meet(workers, timeout_seconds)
    return tf.distribute.MultiWorkerMirroredStrategy()


def meet(workers: TfConfig, timeout_seconds: float) -> None:
    """Returns when all workers have called each other.

    Raises:
        UserError: some did not come in time, or this worker's port is taken.
    """
    deadline = time.monotonic() + timeout_seconds
    with closing(_listening(workers)) as server:
        callers: set[int] = set()
        listener = threading.Thread(target=_listen, args=(server, callers, len(workers.others), deadline), daemon=True)
        listener.start()
        absent = [address for address in workers.others if not _call(address, workers.index, deadline)]
        listener.join(max(0.0, deadline - time.monotonic()) + 1)
    silent = [address for i, address in enumerate(workers.workers) if i not in callers | {workers.index}]
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


def _listen(server: socket.socket, callers: set[int], expected: int, deadline: float) -> None:
    """Collects the numbers of the workers that call."""
    while len(callers) < expected and time.monotonic() < deadline:
        server.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(1)
                callers.add(int(connection.recv(_NUMBER_BYTES) or b"-1"))
        except (OSError, ValueError):  # no call, or one of a stranger
            continue


def _call(address: str, index: int, deadline: float) -> bool:
    """Sends this worker's number once the other one listens; False at the deadline."""
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
