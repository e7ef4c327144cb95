"""ccxt in node, unmodified but for its addresses."""
import json
import pathlib
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).parent
PAIR = 'BTC/USDT'


@pytest.fixture
def bot(target):
    """Runs steps in one node process and returns what each gave."""
    def run(exchange, name, steps, secret=None):
        access = target.access(exchange, name)
        told = {'bases': target.bases, 'key': access.key, 'secret': secret or access.secret,
                'steps': [{'call': call, 'args': args, **more} for call, args, more in steps]}
        node = subprocess.run([shutil.which('node'), 'bot.mjs', exchange], input=json.dumps(told), cwd=HERE,
                              capture_output=True, text=True, timeout=120)
        assert node.returncode == 0, node.stderr
        return [json.loads(line) for line in node.stdout.splitlines()]
    return run


def answers(results):
    assert [result['error'] for result in results if 'error' in result] == [], results
    return [result['answer'] for result in results]


def test_an_order_goes_its_whole_way(bot):
    markets, balance, ticker, order, listed, found, gone, bought = answers(bot('binance', 'trade', [
        ('loadMarkets', [], {}),
        ('fetchBalance', [], {}),
        ('fetchTicker', [PAIR], {}),
        ('createOrder', [PAIR, 'limit', 'buy', 0.001, 50000], {'remember': 'order'}),
        ('fetchOpenOrders', [PAIR], {}),
        ('fetchOrder', ['$order', PAIR], {}),
        ('cancelOrder', ['$order', PAIR], {}),
        ('createOrder', [PAIR, 'market', 'buy', 0.001], {}),
    ]))
    assert PAIR in markets
    assert balance['USDT']['free'] > 0
    assert ticker['bid'] < ticker['ask']
    assert order['status'] == 'open'
    assert order['id'] in [one['id'] for one in listed]
    assert found['status'] == 'open'
    assert gone['status'] == 'canceled'
    assert bought['status'] == 'closed'


def test_refusals_have_their_classes(bot):
    withdrawal, poor, lost = bot('binance', 'trade', [
        ('withdraw', ['USDT', 10, 'demo-address'], {}),
        ('createOrder', [PAIR, 'limit', 'buy', 50, 50000], {}),
        ('cancelOrder', ['999999', PAIR], {}),
    ])
    assert 'AuthenticationError' in withdrawal['error']
    assert 'InsufficientFunds' in poor['error']
    assert 'OrderNotFound' in lost['error']
    [wrong] = bot('binance', 'trade', [('fetchBalance', [], {})], secret='W' * 64)
    assert 'AuthenticationError' in wrong['error']


def test_a_withdrawal_is_made_for_a_key_that_may(bot):
    [made] = answers(bot('binance', 'withdraw', [('withdraw', ['USDT', 10, 'demo-address'], {})]))
    assert made['id']


def test_coinone_takes_an_order(bot):
    markets, order, listed = answers(bot('coinone', 'upper', [
        ('loadMarkets', [], {}),
        ('createOrder', ['XRP/KRW', 'limit', 'buy', 10, 700], {}),
        ('fetchOpenOrders', ['XRP/KRW'], {}),
    ]))
    assert 'XRP/KRW' in markets
    assert order['id'] in [one['id'] for one in listed]
