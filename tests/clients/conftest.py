"""Starts what the clients talk to.

Without settings: the demo exchange alone, built by cargo or given by DEMO_EXCHANGE_BIN.
With GATE_BIN=FILE: that Keygate in front of the demo exchange, on a fresh data directory.
With KEYGATE_TARGET=FILE: a running Keygate, described as Target.from_file says.
"""
import asyncio
import json
import os
import pathlib

import pytest

import demo
import gate
from target import DIRECT, Target

pytest_plugins = ['table']

ROOT = pathlib.Path(__file__).resolve().parents[2]


def pytest_configure(config):
    config.addinivalue_line('markers', 'direct: only without a gateway in between')
    config.addinivalue_line('markers', 'gateway: only through a gateway')


def pytest_collection_modifyitems(items):
    through = 'KEYGATE_TARGET' in os.environ or 'GATE_BIN' in os.environ
    foreign = 'direct' if through else 'gateway'
    # the table is complete when all others have run
    items[:] = sorted((item for item in items if not item.get_closest_marker(foreign)),
                      key=lambda item: item.path.name == 'test_table.py')


@pytest.fixture(scope='session')
def venues():
    """What each exchange of the demo starts with, keys included."""
    files = (ROOT / 'crates/demo-exchange/venues').glob('*.json')
    return {file.stem: json.loads(file.read_text()) for file in files}


@pytest.fixture(scope='session')
def target(venues):
    if 'KEYGATE_TARGET' in os.environ:
        yield Target.from_file(os.environ['KEYGATE_TARGET'])
        return
    with demo.running(venues) as (address, origins):
        if 'GATE_BIN' in os.environ:
            with gate.running(os.environ['GATE_BIN'], address, venues) as through:
                yield through
        else:
            yield Target.direct(address, origins, venues)


@pytest.fixture
def direct(target):
    return target.kind == DIRECT


@pytest.fixture
def refused_once(target):
    """Runs a call that must meet an error of these classes, and returns it. Through a gateway of our own the refusal
    must also be final: one request of the bot arrived, and the library did not try again."""
    def run(exchange, name, classes, call):
        target.access(exchange, name)  # made by the first who asks
        before = target.keygate and target.keygate.denials(exchange, name)
        with pytest.raises(classes) as refused:
            call()
        if target.keygate:
            assert target.keygate.denials(exchange, name, before + 1) == before + 1
        return refused.value
    return run


@pytest.fixture
def recorded(target):
    """The requests that reached the exchange since the test began."""
    before = {request['number'] for request in target.requests()}
    return lambda: [request for request in target.requests() if request['number'] not in before]


@pytest.fixture(scope='session')
def loop():
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()
