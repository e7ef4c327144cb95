"""python-binance, unmodified but for its addresses."""
import binance
import pytest
from binance.exceptions import BinanceAPIException

PAIR = 'BTCUSDT'


@pytest.fixture
def client(target):
    return target.python_binance(binance, 'trade')


def balance(client, asset):
    return float(client.get_asset_balance(asset=asset)['free'])


def refusal(call, *args, **kwargs):
    """The code of the refusal that the call must meet."""
    with pytest.raises(BinanceAPIException) as refused:
        call(*args, **kwargs)
    return refused.value.code


def test_public_reads_need_no_credentials(client):
    assert client.ping() == {}
    assert client.get_server_time()['serverTime'] > 0
    assert client.get_symbol_info(PAIR)['baseAsset'] == 'BTC'
    assert float(client.get_symbol_ticker(symbol=PAIR)['price']) > 0
    assert float(client.get_ticker(symbol=PAIR)['bidPrice']) > 0
    assert len(client.get_klines(symbol=PAIR, interval='1m', limit=2)) == 2


def test_a_limit_order_rests_is_listed_found_and_cancelled(client):
    order = client.order_limit_buy(symbol=PAIR, quantity='0.001', price='50000')
    assert order['status'] == 'NEW'
    listed = client.get_open_orders(symbol=PAIR)
    assert order['orderId'] in [one['orderId'] for one in listed]
    assert client.get_order(symbol=PAIR, orderId=order['orderId'])['status'] == 'NEW'
    assert client.cancel_order(symbol=PAIR, orderId=order['orderId'])['status'] == 'CANCELED'
    assert refusal(client.cancel_order, symbol=PAIR, orderId=order['orderId']) == -2011


def test_a_market_order_fills(client):
    before = balance(client, 'BTC')
    order = client.order_market_buy(symbol=PAIR, quantity='0.01')
    assert order['status'] == 'FILLED'
    assert balance(client, 'BTC') == pytest.approx(before + 0.00999)


def test_a_withdrawal_is_refused_to_a_trading_key(client):
    before = balance(client, 'USDT')
    assert refusal(client.withdraw, coin='USDT', address='demo', amount=10) in (-1002, -2015)
    assert balance(client, 'USDT') == before


def test_a_withdrawal_is_made_for_a_key_that_may(target):
    client = target.python_binance(binance, 'withdraw')
    before = balance(client, 'USDT')
    assert client.withdraw(coin='USDT', address='demo', amount=10)['id']
    assert balance(client, 'USDT') == pytest.approx(before - 10)


def test_a_wrong_secret_is_refused_as_a_wrong_signature(client):
    client.API_SECRET = client.API_SECRET[::-1]
    assert refusal(client.get_account) == -1022


@pytest.mark.direct
def test_the_key_knows_its_permissions(target):
    told = {name: target.python_binance(binance, name).get_account_api_permissions()
            for name in ('read-only', 'trade', 'withdraw')}
    assert [one['enableSpotAndMarginTrading'] for one in told.values()] == [False, True, True]
    assert [one['enableWithdrawals'] for one in told.values()] == [False, False, True]


@pytest.mark.direct
def test_text_it_signs_before_encoding_is_refused(target):
    """The real exchange refuses it since 2026; a gateway that signs again makes it work."""
    client = target.python_binance(binance, 'withdraw')
    assert refusal(client.withdraw, coin='USDT', address='a b/c', amount=10) == -1022
