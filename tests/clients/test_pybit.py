"""pybit at Bybit, unmodified but for its address."""
import queue
import time

import pytest
from pybit import _websocket_trading, unified_trading
from pybit.exceptions import InvalidRequestError

from table import named

SPOT = {'category': 'spot', 'symbol': 'BTCUSDT'}
ORDER = {**SPOT, 'side': 'Buy', 'orderType': 'Limit', 'qty': '0.001', 'price': '50000'}


@pytest.fixture
def session(target):
    return target.pybit(unified_trading, 'trade')


@pytest.fixture
def cell(table):
    return lambda call: table.cell('bybit', named('pybit'), call)


def listed(session):
    return [one['orderId'] for one in session.get_open_orders(**SPOT)['result']['list']]


def test_balance_and_price_are_read(session, cell):
    with cell('balance'):
        [account] = session.get_wallet_balance(accountType='UNIFIED')['result']['list']
        assert {'BTC', 'USDT'} <= {coin['coin'] for coin in account['coin']}
    with cell('ticker'):
        [ticker] = session.get_tickers(**SPOT)['result']['list']
        assert float(ticker['lastPrice']) > 0


def test_an_order_rests_is_listed_and_cancelled(session, cell):
    with cell('create'):
        order = session.place_order(**ORDER)['result']['orderId']
    with cell('open orders'):
        assert order in listed(session)
    with cell('cancel'):
        session.cancel_order(**SPOT, orderId=order)
        assert order not in listed(session)


def test_a_reading_key_cannot_trade(target, cell, refused_once):
    session = target.pybit(unified_trading, 'read-only')
    with cell('denied') as said:
        error = refused_once('bybit', 'read-only', InvalidRequestError, lambda: session.place_order(**ORDER))
        assert error.status_code == 10005
        said.refused(type(error).__name__)
    assert listed(session) == []


def test_a_wrong_secret_is_refused(session):
    session.api_secret = session.api_secret[::-1]
    with pytest.raises(InvalidRequestError) as refused:
        session.get_wallet_balance(accountType='UNIFIED')
    assert refused.value.status_code == 10004


class Heard:
    """What a callback was told, from the moment it is asked."""

    def __init__(self):
        self.queue = queue.Queue()

    def __call__(self, message):
        self.queue.put(message)

    def next(self):
        return self.queue.get(timeout=10)


def registered(manager, request):
    """The callbacks of a request. pybit sends a frame before it registers them, and drops an answer that is faster."""
    until = time.monotonic() + 5
    while request not in manager.callback_directory and time.monotonic() < until:
        time.sleep(0.001)
    return manager.callback_directory.pop(request, (None, None))


@pytest.fixture
def streams(target, monkeypatch):
    """A pair for its WebSockets, which have no setting for the address: it stands in two constants."""
    stream = target.through('bybit', 'wss://stream.bybit.com')
    monkeypatch.setattr(unified_trading, 'PRIVATE_WSS', stream + '/v5/private')
    monkeypatch.setattr(_websocket_trading, 'TRADE_WSS', stream + '/v5/trade')
    monkeypatch.setattr(_websocket_trading._V5TradeWebSocketManager, '_pop_callback', registered)
    access = target.access('bybit', 'trade')
    return {'testnet': False, 'api_key': access.key, 'api_secret': access.secret}


def test_its_streams_tell_of_an_order_by_frame(streams):
    orders, placed, cancelled = Heard(), Heard(), Heard()
    private = unified_trading.WebSocket(channel_type='private', **streams)
    trading = unified_trading.WebSocketTrading(recv_window=5000, **streams)
    try:
        private.order_stream(orders)
        time.sleep(2)
        trading.place_order(placed, **ORDER)
        told = placed.next()
        order = orders.next()['data'][0]
        assert (order['orderId'], order['orderStatus']) == (told['data']['orderId'], 'New')
        trading.cancel_order(cancelled, **SPOT, orderId=order['orderId'])
        assert cancelled.next()['retCode'] == 0
        assert orders.next()['data'][0]['orderStatus'] == 'Cancelled'
    finally:
        private.exit()
        trading.exit()
