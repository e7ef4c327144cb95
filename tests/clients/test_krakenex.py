"""krakenex at Kraken, unmodified but for its address. It raises nothing: refusals stand in the answer."""
import krakenex
import pytest

from table import named

ORDER = {'pair': 'XBTUSD', 'type': 'buy', 'ordertype': 'limit', 'volume': '0.001', 'price': '50000'}


@pytest.fixture
def kraken(target):
    kraken = target.krakenex(krakenex, 'trade')
    yield kraken
    kraken.close()


@pytest.fixture
def cell(table):
    return lambda call: table.cell('kraken', named('krakenex'), call)


def result(answer):
    assert answer['error'] == []
    return answer['result']


def listed(kraken):
    return set(result(kraken.query_private('OpenOrders'))['open'])


def test_balance_and_price_are_read(kraken, cell):
    with cell('balance'):
        balance = result(kraken.query_private('Balance'))
        assert any(float(amount) > 0 for amount in balance.values())
    with cell('ticker'):
        [ticker] = result(kraken.query_public('Ticker', {'pair': 'XBTUSD'})).values()
        assert float(ticker['c'][0]) > 0


def test_an_order_rests_is_listed_and_cancelled(kraken, cell):
    with cell('create'):
        [order] = result(kraken.query_private('AddOrder', dict(ORDER)))['txid']
    with cell('open orders'):
        assert order in listed(kraken)
    with cell('cancel'):
        assert result(kraken.query_private('CancelOrder', {'txid': order}))['count'] == 1
        assert order not in listed(kraken)


def test_a_reading_key_cannot_trade(target, cell, refused_once):
    kraken = target.krakenex(krakenex, 'read-only')

    def order():
        answer = kraken.query_private('AddOrder', dict(ORDER))
        if answer['error']:
            raise Refused(answer['error'][0])
    with cell('denied') as said:
        error = refused_once('kraken', 'read-only', Refused, order)
        assert str(error) == 'EGeneral:Permission denied'
        said.refused(str(error))
    assert listed(kraken) == set()


class Refused(Exception):
    """The library itself returns an error as a value."""
