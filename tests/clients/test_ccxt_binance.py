"""ccxt at Binance, blocking and asynchronous, unmodified but for its addresses."""
import ccxt
import ccxt.async_support
import pytest

from blocking import Blocking

PAIR = 'BTC/USDT'


@pytest.fixture(params=['blocking', 'asynchronous'])
def connect(request, target, loop):
    """Makes a client of the named access."""
    opened = []

    def client(name):
        if request.param == 'blocking':
            return target.ccxt(ccxt, 'binance', name)
        client = Blocking(target.ccxt(ccxt.async_support, 'binance', name), loop)
        opened.append(client)
        return client
    yield client
    for client in opened:
        client.close()


@pytest.fixture
def client(connect):
    return connect('trade')


def total(client, asset):
    return client.fetch_balance()[asset]['total']


def test_markets_load_and_keep_their_filters(client):
    markets = client.load_markets()
    assert {'BTC/USDT', 'ETH/USDT', 'LTC/BTC'} <= set(markets)
    assert markets[PAIR]['precision']['amount'] == 0.00001
    assert client.currencies['BTC']['withdraw'] is True


def test_a_start_sends_only_valid_signatures(connect, recorded):
    connect('trade').load_markets()
    signed = [request for request in recorded() if 'signature=' in request['target']]
    assert signed
    assert all(request['signed_by']['account'] == 'trade' for request in signed)


def test_balance_and_prices_are_read(client):
    balance = client.fetch_balance()
    assert balance['USDT']['free'] + balance['USDT']['used'] == pytest.approx(balance['USDT']['total'])
    ticker = client.fetch_ticker(PAIR)
    assert ticker['bid'] < ticker['ask']
    book = client.fetch_order_book(PAIR, 5)
    assert len(book['bids']) == 5
    assert len(client.fetch_ohlcv(PAIR, '1h', limit=3)) == 3


def test_a_limit_order_rests_is_listed_found_and_cancelled(client):
    used = client.fetch_balance()['USDT']['used']
    order = client.create_order(PAIR, 'limit', 'buy', 0.001, 50000)
    assert order['status'] == 'open'
    assert client.fetch_balance()['USDT']['used'] == pytest.approx(used + 50)
    assert order['id'] in [one['id'] for one in client.fetch_open_orders(PAIR)]
    assert client.fetch_order(order['id'], PAIR)['status'] == 'open'
    assert client.cancel_order(order['id'], PAIR)['status'] == 'canceled'
    assert client.fetch_order(order['id'], PAIR)['status'] == 'canceled'
    assert client.fetch_balance()['USDT']['used'] == pytest.approx(used)


def test_a_market_order_fills_and_its_fee_is_told(client):
    before = total(client, 'ETH')
    order = client.create_order('ETH/USDT', 'market', 'buy', 0.5)
    assert (order['status'], order['filled']) == ('closed', 0.5)
    assert order['fee'] == {'currency': 'ETH', 'cost': 0.0005}
    assert total(client, 'ETH') == pytest.approx(before + 0.4995)
    assert order['id'] in [trade['order'] for trade in client.fetch_my_trades('ETH/USDT')]


def test_a_market_order_may_name_its_cost(client):
    order = client.create_market_buy_order_with_cost(PAIR, 60)
    assert order['status'] == 'closed'
    assert 59 < order['cost'] <= 60


def test_a_withdrawal_is_refused_to_a_trading_key(client):
    before = total(client, 'USDT')
    with pytest.raises(ccxt.AuthenticationError):
        client.withdraw('USDT', 10, 'demo-address')
    assert total(client, 'USDT') == before


def test_a_withdrawal_is_made_for_a_key_that_may(connect):
    client = connect('withdraw')
    before = total(client, 'USDT')
    assert client.withdraw('USDT', 10, 'demo-address', {'network': 'TRX'})['id']
    assert total(client, 'USDT') == pytest.approx(before - 10)


def test_a_reading_key_cannot_trade(connect):
    client = connect('read-only')
    assert client.fetch_balance()['USDT']['total'] > 0
    with pytest.raises((ccxt.AuthenticationError, ccxt.DDoSProtection)):
        client.create_order(PAIR, 'limit', 'buy', 0.001, 50000)
    assert client.fetch_balance()['USDT']['used'] == 0


def test_a_wrong_secret_is_an_authentication_error(connect):
    client = connect('trade')
    client.secret = client.secret[::-1]
    with pytest.raises(ccxt.AuthenticationError):
        client.fetch_balance()


def test_an_unknown_key_is_an_authentication_error(connect):
    client = connect('trade')
    client.apiKey = 'Z' * 64
    with pytest.raises(ccxt.AuthenticationError):
        client.fetch_balance()


def test_mistakes_have_their_own_classes(client):
    with pytest.raises(ccxt.InsufficientFunds):
        client.create_order(PAIR, 'limit', 'buy', 50, 50000)
    with pytest.raises(ccxt.InvalidOrder):
        client.create_order(PAIR, 'limit', 'buy', 9001, 50000)
    with pytest.raises(ccxt.OrderNotFound):
        client.fetch_order('999999', PAIR)
    with pytest.raises(ccxt.OrderNotFound):
        client.cancel_order('999999', PAIR)
    with pytest.raises(ccxt.InvalidNonce):
        client.fetch_balance({'timestamp': 1})


@pytest.mark.direct
@pytest.mark.parametrize('name', ['ed25519', 'rsa'])
def test_public_key_signatures_are_accepted(connect, name):
    client = connect(name)
    order = client.create_order(PAIR, 'limit', 'buy', 0.001, 50000)
    assert client.cancel_order(order['id'], PAIR)['status'] == 'canceled'


@pytest.mark.direct
def test_a_key_bound_to_another_address_is_refused(connect):
    with pytest.raises(ccxt.AuthenticationError):
        connect('ip-bound').fetch_balance()


@pytest.mark.gateway
def test_nothing_of_the_virtual_pair_reaches_the_exchange(client, target, recorded):
    client.fetch_balance()
    order = client.create_order(PAIR, 'limit', 'buy', 0.001, 50000)
    client.cancel_order(order['id'], PAIR)
    access = target.access('binance', 'trade')
    requests = [request for request in recorded() if request['signed_by']]
    assert [request['signed_by']['account'] for request in requests] == ['trade'] * len(requests)
    assert len(requests) >= 3
    assert not any(part in repr(recorded()) for part in (access.key, access.secret))
