"""ccxt in node, unmodified but for its addresses."""
import pytest

from node import Node, answers

PAIR = 'BTC/USDT'


@pytest.fixture
def bot(target):
    return Node(target)


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
