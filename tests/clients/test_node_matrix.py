"""Seven exchanges, ccxt in node: balance, ticker, create, open orders, cancel, and a call that is refused.

In node an exchange's own headers win over those that a program sets. Upbit, Bithumb and Coinbase put their token into
`Authorization`, where a bearer credential for the gate would be lost: a virtual pair is not.
"""
import pytest

from node import Node, answers
from table import in_node
from test_matrix import EXCHANGES

CHOSEN = ['binance', 'bithumb', 'bybit', 'coinbase', 'kraken', 'okx', 'upbit']

pytestmark = pytest.mark.parametrize('exchange', CHOSEN)


@pytest.fixture
def bot(target):
    return Node(target)


@pytest.fixture
def cell(table, exchange):
    return lambda call: table.cell(exchange, in_node(), call)


def test_an_order_goes_its_whole_way(bot, exchange, cell):
    market, amount, price = EXCHANGES[exchange]
    results = bot(exchange, 'trade', [
        ('fetchBalance', [], {}),
        ('fetchTicker', [market], {}),
        ('createOrder', [market, 'limit', 'buy', amount, price], {'remember': 'order'}),
        ('fetchOpenOrders', [market], {}),
        ('cancelOrder', ['$order', market], {}),
        ('fetchOpenOrders', [market], {}),
    ])
    for call, result in zip(['balance', 'ticker', 'create', 'open orders', 'cancel'], results):
        with cell(call):
            answers([result])
    balance, ticker, order, listed, _, left = answers(results)
    assert balance[market.split('/')[0]]['total'] > 0
    assert ticker['last'] > 0
    [own] = [one for one in listed if one['id'] == order['id']]
    assert (own['side'], own['price'], own['amount']) == ('buy', pytest.approx(price), pytest.approx(amount))
    assert order['id'] not in [one['id'] for one in left]


def test_a_reading_key_cannot_trade(bot, exchange, cell, target):
    market, amount, price = EXCHANGES[exchange]
    target.access(exchange, 'read-only')
    before = target.keygate and target.keygate.denials(exchange, 'read-only')
    with cell('denied') as said:
        _, refused, listed = bot(exchange, 'read-only', [
            ('loadMarkets', [], {}),
            ('createOrder', [market, 'limit', 'buy', amount, price], {}),
            ('fetchOpenOrders', [market], {}),
        ])
        assert 'NetworkError' not in refused['error'], 'bots try that again'
        said.refused(refused['error'][0])
    if target.keygate:
        assert target.keygate.denials(exchange, 'read-only') == before + 1
    assert [one for one in answers([listed])[0] if one['price'] == price] == []
