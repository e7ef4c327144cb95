"""python-binance, unmodified but for its addresses."""
import binance
import pytest
from binance.exceptions import BinanceAPIException

from blocking import Blocking
from table import named

PAIR = 'BTCUSDT'


@pytest.fixture(params=['blocking', 'asynchronous'])
def connect(request, target, loop):
    """Makes a client of the named access."""
    opened = []

    def client(name):
        if request.param == 'blocking':
            return target.python_binance(binance.Client, name)
        opened.append(Blocking(loop.run_until_complete(made(target, name)), loop))
        return opened[-1]
    yield client
    for client in opened:
        client.close_connection()


async def made(target, name):
    """Inside a running loop, which the constructor looks for."""
    return target.python_binance(binance.AsyncClient, name)


@pytest.fixture
def client(connect):
    return connect('trade')


@pytest.fixture
def cell(request, table):
    more = ', asynchronous' if 'asynchronous' in request.node.callspec.id else ''
    return lambda call: table.cell('binance', named('python_binance', more), call)


def balance(client, asset):
    return float(client.get_asset_balance(asset=asset)['free'])


def refusal(call, *args, **kwargs):
    """The code of the refusal that the call must meet."""
    with pytest.raises(BinanceAPIException) as refused:
        call(*args, **kwargs)
    return refused.value.code


def test_public_reads_need_no_credentials(client, cell):
    assert client.ping() == {}
    assert client.get_server_time()['serverTime'] > 0
    assert client.get_symbol_info(PAIR)['baseAsset'] == 'BTC'
    assert float(client.get_symbol_ticker(symbol=PAIR)['price']) > 0
    with cell('ticker'):
        assert float(client.get_ticker(symbol=PAIR)['bidPrice']) > 0
    assert len(client.get_klines(symbol=PAIR, interval='1m', limit=2)) == 2


def test_a_limit_order_rests_is_listed_found_and_cancelled(client, cell):
    with cell('create'):
        order = client.order_limit_buy(symbol=PAIR, quantity='0.001', price='50000')
        assert order['status'] == 'NEW'
    with cell('open orders'):
        listed = client.get_open_orders(symbol=PAIR)
        assert order['orderId'] in [one['orderId'] for one in listed]
    assert client.get_order(symbol=PAIR, orderId=order['orderId'])['status'] == 'NEW'
    with cell('cancel'):
        assert client.cancel_order(symbol=PAIR, orderId=order['orderId'])['status'] == 'CANCELED'
    assert refusal(client.cancel_order, symbol=PAIR, orderId=order['orderId']) == -2011


def test_a_market_order_fills(client, cell):
    with cell('balance'):
        before = balance(client, 'BTC')
    order = client.order_market_buy(symbol=PAIR, quantity='0.01')
    assert order['status'] == 'FILLED'
    assert balance(client, 'BTC') == pytest.approx(before + 0.00999)


def test_a_reading_key_cannot_trade(connect, cell, refused_once):
    client = connect('read-only')
    with cell('denied') as said:
        error = refused_once('binance', 'read-only', BinanceAPIException,
                             lambda: client.order_limit_buy(symbol=PAIR, quantity='0.001', price='50000'))
        said.refused(type(error).__name__)
    assert client.get_open_orders(symbol=PAIR) == []


def test_a_withdrawal_is_refused_to_a_trading_key(client):
    before = balance(client, 'USDT')
    assert refusal(client.withdraw, coin='USDT', address='demo', amount=10) in (-1002, -2015)
    assert balance(client, 'USDT') == before


def test_a_withdrawal_is_made_for_a_key_that_may(connect):
    client = connect('withdraw')
    before = balance(client, 'USDT')
    assert client.withdraw(coin='USDT', address='demo', amount=10)['id']
    assert balance(client, 'USDT') == pytest.approx(before - 10)


def test_a_wrong_secret_is_refused_as_a_wrong_signature(client):
    client.API_SECRET = client.API_SECRET[::-1]
    assert refusal(client.get_account) == -1022


@pytest.mark.direct
def test_the_key_knows_its_permissions(connect):
    told = {name: connect(name).get_account_api_permissions()
            for name in ('read-only', 'trade', 'withdraw')}
    assert [one['enableSpotAndMarginTrading'] for one in told.values()] == [False, True, True]
    assert [one['enableWithdrawals'] for one in told.values()] == [False, False, True]


@pytest.mark.direct
def test_text_it_signs_before_encoding_is_refused(connect):
    """The real exchange refuses it since 2026; a gateway that signs again makes it work."""
    client = connect('withdraw')
    assert refusal(client.withdraw, coin='USDT', address='a b/c', amount=10) == -1022
