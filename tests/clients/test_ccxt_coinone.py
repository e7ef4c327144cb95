"""ccxt at Coinone, unmodified but for its addresses.

Its old API takes a nonce in whole seconds that must grow, so a client that calls twice within a second is
refused there. The tests wait, as a bot without a gateway has to.
"""
import time

import ccxt
import pytest

PAIR = 'BTC/KRW'


@pytest.fixture
def client(target):
    client = target.ccxt(ccxt, 'coinone', 'upper')
    client.load_markets()
    return client


@pytest.fixture
def patient(direct):
    """Waits for the next second before a call, where nobody numbers the calls for the client."""
    def call(function, *args):
        if direct:
            time.sleep(1.01 - time.time() % 1)
        return function(*args)
    return call


def test_markets_and_prices_are_read(client):
    assert {'BTC/KRW', 'ETH/KRW', 'USDT/KRW', 'XRP/KRW'} == set(client.markets)
    assert client.fetch_ticker(PAIR)['last'] > 0
    assert len(client.fetch_order_book(PAIR, 5)['asks']) == 5


def test_a_limit_order_rests_is_listed_found_and_cancelled(client, patient):
    before = patient(client.fetch_balance)['KRW']
    order = client.create_order(PAIR, 'limit', 'buy', 0.001, 79000000)
    assert order['id'] in [one['id'] for one in client.fetch_open_orders(PAIR)]
    locked = patient(client.fetch_balance)['KRW']
    assert locked['free'] == pytest.approx(before['free'] - 79000)
    assert patient(client.fetch_order, order['id'], PAIR)['status'] == 'open'
    told = {'price': 79000000, 'qty': 0.001, 'is_ask': 0}
    assert patient(client.cancel_order, order['id'], PAIR, told)['result'] == 'success'
    assert client.fetch_open_orders(PAIR) == []
    assert patient(client.fetch_balance)['KRW']['free'] == pytest.approx(before['free'])


def test_a_crossing_order_fills(client, patient):
    before = patient(client.fetch_balance)['XRP']['free']
    client.create_order('XRP/KRW', 'limit', 'buy', 10, 802)
    assert patient(client.fetch_balance)['XRP']['free'] == pytest.approx(before + 9.98)


def test_a_reading_key_cannot_trade(target):
    client = target.ccxt(ccxt, 'coinone', 'read-only')
    with pytest.raises(ccxt.ExchangeError):
        client.create_order(PAIR, 'limit', 'buy', 0.001, 79000000)


def test_a_wrong_secret_is_refused(client):
    client.secret = client.secret[::-1]
    with pytest.raises(ccxt.ExchangeError):
        client.fetch_open_orders(PAIR)


def test_an_unknown_order_has_its_own_class(client, patient):
    told = {'price': 1, 'qty': 1, 'is_ask': 0}
    with pytest.raises(ccxt.OrderNotFound):
        patient(client.cancel_order, '00000000-0000-4000-8000-000000000000', PAIR, told)


@pytest.mark.direct
def test_a_secret_that_is_not_upper_cased_does_not_work_with_ccxt(target):
    client = target.ccxt(ccxt, 'coinone', 'raw')
    with pytest.raises(ccxt.ExchangeError, match='signature is not correct'):
        client.fetch_open_orders(PAIR)


@pytest.mark.direct
def test_two_calls_of_the_old_api_within_a_second_are_refused(target):
    client = target.ccxt(ccxt, 'coinone', 'withdraw')
    client.nonce = lambda: 1
    client.fetch_balance()
    with pytest.raises(ccxt.ExchangeError, match='131'):
        client.fetch_balance()
