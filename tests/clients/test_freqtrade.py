"""freqtrade with the configuration file that `keygate config freqtrade` prints: the real command in dry-run, which
keeps no key, and its exchange code in live mode.
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import time
from datetime import datetime, timezone

import pytest

from table import named
from test_matrix import EXCHANGES

HERE = pathlib.Path(__file__).parent
OWN = HERE / 'freqtrade'

pytestmark = [pytest.mark.gateway, pytest.mark.parametrize('exchange', ['binance', 'bybit', 'kraken', 'okx'])]


@pytest.fixture(scope='session')
def python():
    """Of the venv that has freqtrade."""
    done = subprocess.run([HERE / 'setup', 'freqtrade'], stdout=subprocess.PIPE, text=True, check=True)
    return pathlib.Path(done.stdout.strip())


@pytest.fixture
def directory(tmp_path):
    """Where freqtrade runs."""
    (tmp_path / 'user_data').mkdir()
    return tmp_path


@pytest.fixture
def printed(target, exchange, directory):
    """The file that is printed for an access, with a new pair in it."""
    if not target.keygate:
        pytest.skip('needs a command line to ask')
    for name in ('trade', 'read-only'):
        target.access(exchange, name)

    def file(name):
        path = directory / f'{name}.json'
        path.write_text(target.keygate.printed('freqtrade', exchange, name, new_pair=True))
        return path
    return file


@pytest.fixture
def files(printed, exchange, directory):
    """A bot's configuration with the printed file for an access last."""
    stake = directory / 'stake.json'
    stake.write_text(json.dumps({'stake_currency': EXCHANGES[exchange][0].split('/')[1]}))
    return lambda name: [OWN / 'config.json', stake, printed(name)]


@pytest.fixture
def live(python, files, exchange, directory):
    """What freqtrade's own code gets in live mode, with the pair of an access."""
    def run(name):
        market, amount, price = EXCHANGES[exchange]
        done = subprocess.run([python, OWN / 'live.py', market, str(amount), str(price), *files(name)], cwd=directory,
                              capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])
    return run


@pytest.fixture
def cell(table, exchange):
    return lambda call: table.cell(exchange, named('freqtrade'), call)


def test_dry_run_lives_on_public_calls_without_a_key(python, files, recorded, directory, exchange, target):
    configuration = files('trade')
    began = datetime.now(timezone.utc).isoformat()
    log = started(python, configuration, directory, until="state='RUNNING'")
    assert 'Whitelist with 1 pairs' in log, log
    assert not re.search('ERROR|Traceback|NetworkError|ExchangeError', log), log
    assert len([request for request in recorded() if request['exchange'] == exchange]) >= 3, 'markets, tickers, candles'
    # not what the exchange saw: the gate itself may be asking what became of an order whose answer was lost
    assert target.keygate.calls(exchange, 'trade', began) == 0, 'it used its key'


def started(python, files, directory, until):
    """Runs the command until its log says something, and returns the log."""
    command = [python.parent / 'freqtrade', 'trade', '--dry-run', '--strategy', 'Still', '--strategy-path', OWN,
               '--userdir', directory / 'user_data', '--db-url', 'sqlite://']
    with open(directory / 'log', 'w+') as log:
        process = subprocess.Popen([*command, *(part for file in files for part in ('--config', file))],
                                   cwd=directory, stdout=log, stderr=subprocess.STDOUT,
                                   # a runner in the background hands its deafness to SIGINT on
                                   preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
                                   env={**os.environ, 'COLUMNS': '1000'})  # of the log's lines
        try:
            limit = time.monotonic() + 120
            while until not in (directory / 'log').read_text() and process.poll() is None and time.monotonic() < limit:
                time.sleep(0.2)
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
        finally:
            process.kill()
    text = (directory / 'log').read_text()
    assert until in text, text
    return text


def test_live_mode_reads_the_balance_and_trades(live, cell, exchange, target):
    began = datetime.now(timezone.utc).isoformat()
    told = live('trade')
    assert target.keygate.calls(exchange, 'trade', began) > 0, 'it used its key'
    for call in ('balance', 'ticker', 'create', 'cancel'):
        with cell(call):
            assert told[call] and not isinstance(told[call], list), told
    assert told['cancel'] == 'canceled'


# freqtrade has one class for whatever an exchange says of an order, and tries none of them again
def test_a_reading_key_cannot_trade(live, exchange, cell, target):
    before = target.keygate.denials(exchange, 'read-only')
    with cell('denied') as said:
        told = live('read-only')
        assert told['balance'] > 0
        assert isinstance(told['create'], list), told
        said.refused(told['create'][0])
    assert target.keygate.denials(exchange, 'read-only') == before + 1
