import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.environment import TfConfig
from bench.errors import UserError
from bench.training.strategies import meet


def addresses(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = tuple(f"127.0.0.1:{each.getsockname()[1]}" for each in sockets)
    for each in sockets:
        each.close()
    return found


def test_three_workers_meet():
    named = addresses(3)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda index: meet(TfConfig(named, index), 20), range(3)))


def test_the_one_that_never_comes_is_named():
    named = addresses(3)
    with ThreadPoolExecutor(2) as pool:
        tries = [pool.submit(meet, TfConfig(named, index), 1) for index in (0, 1)]
    for attempt in tries:
        with pytest.raises(UserError, match=f"did not come within 1 s: {named[2]}\\."):
            attempt.result()


def test_an_address_that_is_none():
    with pytest.raises(UserError, match="'here'"):
        meet(TfConfig(("here", "there"), 0), 1)


def test_a_port_that_is_taken():
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"127.0.0.1:{port}"):
            meet(TfConfig((f"127.0.0.1:{port}", "127.0.0.1:1"), 0), 1)
