"""Seventeen exchanges, ccxt for Python blocking and asynchronous: balance, ticker, create, open orders, cancel, and
calls that are refused. Unmodified clients but for their addresses.
"""
import time

import ccxt
import ccxt.async_support
import pytest

from blocking import Blocking
from patient import Patient
from table import named

# exchange -> market, amount, a price far below the market's; what else
EXCHANGES = {
    'binance': ('BTC/USDT', 0.001, 50000),
    'bitfinex': ('BTC/USD', 0.001, 50000),
    'bitget': ('BTC/USDT', 0.001, 50000),
    'bithumb': ('BTC/KRW', 0.001, 70000000),
    'bitstamp': ('BTC/USD', 0.001, 50000),
    'bybit': ('BTC/USDT', 0.001, 50000),
    'coinbase': ('BTC/USD', 0.001, 50000),
    'coinbaseexchange': ('BTC/USD', 0.001, 50000),
    'coinone': ('BTC/KRW', 0.001, 79000000),
    'cryptocom': ('BTC/USDT', 0.001, 50000),
    'gate': ('BTC/USDT', 0.001, 50000),
    'htx': ('BTC/USDT', 0.001, 50000),
    'kraken': ('BTC/USD', 0.001, 50000),
    'kucoin': ('BTC/USDT', 0.001, 50000),
    'mexc': ('BTC/USDT', 0.001, 50000),
    'okx': ('BTC/USDT', 0.001, 50000),
    'upbit': ('BTC/KRW', 0.001, 70000000),
}

# what a withdrawal needs besides asset, amount and address; None: ccxt cannot withdraw there
WITHDRAWALS = {
    'bitfinex': {'network': 'BTC'}, 'bithumb': {'network': 'BTC'}, 'coinone': None, 'kraken': {'key': 'cold wallet'}, 'kucoin': {'network': 'BTC'},
    'okx': {'network': 'BTC', 'fee': 0.0001}, 'upbit': {'network': 'BTC'}, 'bybit': {'network': 'BTC'},
    'bitget': {'network': 'BTC'}, 'gate': {'network': 'BTC'}, 'htx': {'network': 'BTC'}, 'mexc': {'network': 'BTC'},
}

# calls that cost more than their answer when they are not needed
OPTIONS = {'fetchMarkets': {'types': ['spot']}}

pytestmark = pytest.mark.parametrize('exchange', EXCHANGES)


@pytest.fixture(params=['blocking', 'asynchronous'])
def connect(request, target, loop, direct, exchange):
    """Makes a client of the named access at the exchange."""
    opened = []

    def client(name):
        if request.param == 'blocking':
            client = target.ccxt(ccxt, exchange, name)
        else:
            client = Blocking(target.ccxt(ccxt.async_support, exchange, name), loop)
            opened.append(client)
        # without a gateway nobody numbers Coinone's calls for the client
        return Patient(client) if direct and exchange == 'coinone' else client
    yield client
    for client in opened:
        client.close()


@pytest.fixture(autouse=True)
def patience(exchange, direct):
    """Coinone's old API takes one call a second, where nobody numbers the calls for the client."""
    if direct and exchange == 'coinone':
        time.sleep(1.01 - time.time() % 1)


@pytest.fixture
def cell(request, table, exchange):
    more = ', asynchronous' if 'asynchronous' in request.node.callspec.id else ''
    return lambda call: table.cell(exchange, named('ccxt', more), call)


def trading(exchange):
    return 'upper' if exchange == 'coinone' else 'trade'


def test_the_account_is_read(connect, exchange, cell):
    client = connect(trading(exchange))
    market = EXCHANGES[exchange][0]
    base, quote = market.split('/')
    client.load_markets()
    assert market in client.markets
    with cell('balance'):
        balance = client.fetch_balance()
        assert balance[base]['total'] > 0
        assert balance[quote]['free'] + balance[quote]['used'] == pytest.approx(balance[quote]['total'])
    with cell('ticker'):
        assert client.fetch_ticker(market)['last'] > 0


def test_an_order_rests_is_listed_and_cancelled(connect, exchange, cell):
    client = connect(trading(exchange))
    market, amount, price = EXCHANGES[exchange]
    with cell('create'):
        order = client.create_order(market, 'limit', 'buy', amount, price)
    with cell('open orders'):
        listed = {one['id']: one for one in client.fetch_open_orders(market)}
        assert listed[order['id']]['price'] == pytest.approx(price)
        assert listed[order['id']]['amount'] == pytest.approx(amount)
        assert listed[order['id']]['side'] == 'buy'
    with cell('cancel'):
        told = {'price': price, 'qty': amount, 'is_ask': 0} if exchange == 'coinone' else {}
        client.cancel_order(order['id'], market, told)
        assert order['id'] not in [one['id'] for one in client.fetch_open_orders(market)]


def test_a_market_order_moves_money(connect, exchange):
    client = connect(trading(exchange))
    market, amount, _ = EXCHANGES[exchange]
    if exchange in ('coinone',):
        pytest.skip('ccxt knows no market orders here')
    base = market.split('/')[0]
    before = client.fetch_balance()[base]['total']
    client.create_order(market, 'market', 'sell', amount)
    assert client.fetch_balance()[base]['total'] == pytest.approx(before - amount)


def test_a_reading_key_cannot_trade(connect, exchange, cell, refused_once):
    client = connect('read-only')
    market, amount, price = EXCHANGES[exchange]
    client.load_markets()
    with cell('denied') as said:
        error = refused_once(exchange, 'read-only', ccxt.BaseError,
                             lambda: client.create_order(market, 'limit', 'buy', amount, price))
        assert not isinstance(error, ccxt.NetworkError), 'bots try that again'
        said.refused(type(error).__name__)
    assert not [one for one in client.fetch_open_orders(market) if one['price'] == price]


def test_a_trading_key_cannot_withdraw(connect, exchange, refused_once):
    extra = WITHDRAWALS.get(exchange, {})
    if extra is None:
        pytest.skip('ccxt has no withdrawal here')
    client = connect(trading(exchange))
    before = client.fetch_balance()['BTC']['total']
    error = refused_once(exchange, trading(exchange), ccxt.BaseError, lambda: client.withdraw(
        'BTC', 0.01, 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', dict(extra)))
    assert not isinstance(error, ccxt.OperationFailed), repr(error)
    assert client.fetch_balance()['BTC']['total'] == before


def test_a_wrong_secret_is_refused_for_good(connect, exchange):
    client = connect(trading(exchange))
    client.secret = another(client.secret)
    final(client.fetch_balance)


def final(call):
    """The call is refused in a way that no client tries again."""
    with pytest.raises(ccxt.BaseError) as refused:
        call()
    assert not isinstance(refused.value, ccxt.OperationFailed), repr(refused.value)
    return refused.value


def another(secret):
    """A secret of the same form that is not this one."""
    if 'PRIVATE KEY' in secret:
        return ANOTHER_KEY
    at = next(n for n, sign in enumerate(secret) if sign.isalnum())
    return secret[:at] + ('B' if secret[at] == 'A' else 'A') + secret[at + 1:]


def pem(label, body):
    lines = [body[at:at + 64] for at in range(0, len(body), 64)]
    return '\n'.join([f'-----BEGIN {label}-----', *lines, f'-----END {label}-----', ''])


# nobody's
ANOTHER_KEY = pem('EC PRIVATE KEY', 'MHcCAQEEIB5ru8oKdYI8FKMp4jVV1uzRXiJN7UUsrHWKtWPh+Ey7oAoGCCqGSM49AwEHoUQDQgAEnlKU87ne'
                  'Bj9yZlMTgF+cNMqRBPIXwVFbpRkma51wDv+hvANXyctgx6+36fEuEhhJnsGlBeIZsfd8oVlh1IruUg==')
