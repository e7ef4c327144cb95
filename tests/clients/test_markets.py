"""A bot that may trade one market only: the gate has to read every order ccxt can send there, or it refuses it."""
import ccxt
import pytest

from test_matrix import EXCHANGES, final, trading

pytestmark = [pytest.mark.gateway, pytest.mark.parametrize('exchange', EXCHANGES)]


@pytest.fixture
def client(target, exchange):
    market = EXCHANGES[exchange][0]
    client = target.ccxt(ccxt, exchange, f'{trading(exchange)}@{market}')
    client.load_markets()
    return client


@pytest.fixture
def read(target, exchange):
    """Makes a call and demands that the gate let it through; what the exchange said to it is another matter."""
    bot = f'{trading(exchange)}@{EXCHANGES[exchange][0]}'

    def run(call):
        before = target.keygate.denials(exchange, bot)
        try:
            call()
        except (ccxt.BaseError, KeyError, TypeError) as error:
            print(type(error), error)
        assert target.keygate.denials(exchange, bot) == before
    return run


def calls(client, market, amount, price):
    """Every way in which ccxt trades at this exchange, by name. No two orders are the same: where a signature has whole
    seconds, as at Gate and HTX, the same order twice in a second cannot be told from a replay.
    """
    order = {'symbol': market, 'type': 'limit', 'side': 'buy', 'amount': amount, 'price': price}
    ways = {
        'createLimitOrder': lambda: client.create_order(market, 'limit', 'buy', amount, price),
        'createLimitSellOrder': lambda: client.create_order(market, 'limit', 'sell', amount, price * 2),
        'createPostOnlyOrder': lambda: client.create_order(market, 'limit', 'buy', amount, price, {'postOnly': True}),
        'createMarketSellOrder': lambda: client.create_order(market, 'market', 'sell', amount),
        'createMarketBuyOrder': lambda: client.create_order(market, 'market', 'buy', amount, price),
        'createMarketBuyOrderWithCost': lambda: client.create_market_buy_order_with_cost(market, amount * price * 1.1),
        'createMarketSellOrderWithCost': lambda: client.create_market_sell_order_with_cost(market, amount * price),
        'createOrders': lambda: client.create_orders([order, dict(order, side='sell', price=price * 2)]),
        'cancelOrder': lambda: client.cancel_order('1', market),
        'cancelOrders': lambda: client.cancel_orders(['1', '2'], market),
        'cancelAllOrders': lambda: client.cancel_all_orders(market),
    }
    base = {'createLimitOrder', 'createLimitSellOrder', 'createPostOnlyOrder', 'createMarketSellOrder',
            'createMarketBuyOrder', 'cancelOrder'}
    return {name: call for name, call in ways.items() if name in base or client.has.get(name) is True}


def test_every_way_to_trade_the_market_is_read(client, read, exchange):
    market, amount, price = EXCHANGES[exchange]
    unread = []
    for name, call in calls(client, market, amount, price).items():
        try:
            read(call)
        except AssertionError:
            unread.append(name)
    assert unread == []


def test_another_market_is_refused_for_good(client, exchange):
    market, amount, price = EXCHANGES[exchange]
    other = 'ETH/' + market.split('/')[1]
    final(lambda: client.create_order(other, 'limit', 'buy', amount * 10, price / 20))
