"""A bot that may trade one market only: the gate has to read every order ccxt can send there, or it refuses it."""
import ccxt
import pytest

from test_matrix import EXCHANGES, final, trading

# what ccxt itself refuses in a spot market
NOT_SENT = {
    'binance': {'createOrders', 'cancelOrders'},
    'coinone': {'createMarketSellOrder', 'createMarketBuyOrder'},
    'kucoin': {'cancelOrders'},
}
# what it sends with a word of its own, which the exchange does not know
OWN_WORDS = {
    'bitstamp': ('createPostOnlyOrder', 'postOnly'),
    'coinone': ('createPostOnlyOrder', 'postOnly'),
}

pytestmark = [pytest.mark.gateway, pytest.mark.parametrize('exchange', EXCHANGES)]


@pytest.fixture
def client(target, exchange):
    market = EXCHANGES[exchange][0]
    client = target.ccxt(ccxt, exchange, f'{trading(exchange)}@{market}')
    client.load_markets()
    return client


@pytest.fixture
def read(target, exchange):
    """Makes a call and demands that the gate let it through to the exchange; what that said to it is another matter."""
    bot = f'{trading(exchange)}@{EXCHANGES[exchange][0]}'

    def run(call):
        before, carried = target.keygate.denials(exchange, bot), target.keygate.traded(exchange, bot)
        try:
            call()
        except (ccxt.BaseError, KeyError, TypeError) as error:
            print(type(error), error)
        assert target.keygate.denials(exchange, bot) == before
        assert target.keygate.traded(exchange, bot) > carried, 'ccxt has sent nothing'
    return run


def calls(client, market, amount, price):
    """Every way in which ccxt trades at this exchange, by name. No two orders are the same: where a signature has whole
    seconds, as at Gate and HTX, the same order twice in a second cannot be told from a replay.
    """
    order = {'symbol': market, 'type': 'limit', 'side': 'buy', 'amount': amount, 'price': price}
    told = {'price': price, 'qty': amount, 'is_ask': 0} if client.id == 'coinone' else {}
    ways = {
        'createLimitOrder': lambda: client.create_order(market, 'limit', 'buy', amount, price),
        'createLimitSellOrder': lambda: client.create_order(market, 'limit', 'sell', amount, price * 2),
        'createPostOnlyOrder': lambda: client.create_order(market, 'limit', 'buy', amount, price, {'postOnly': True}),
        'createMarketSellOrder': lambda: client.create_order(market, 'market', 'sell', amount),
        'createMarketBuyOrder': lambda: client.create_order(market, 'market', 'buy', amount, price),
        'createMarketBuyOrderWithCost': lambda: client.create_market_buy_order_with_cost(market, amount * price * 1.1),
        'createMarketSellOrderWithCost': lambda: client.create_market_sell_order_with_cost(market, amount * price),
        'createOrders': lambda: client.create_orders([order, dict(order, side='sell', price=price * 2)]),
        'cancelOrder': lambda: client.cancel_order('1', market, told),
        'cancelOrders': lambda: client.cancel_orders(['1', '2'], market),
        'cancelAllOrders': lambda: client.cancel_all_orders(market),
    }
    base = {'createLimitOrder', 'createLimitSellOrder', 'createPostOnlyOrder', 'createMarketSellOrder',
            'createMarketBuyOrder', 'cancelOrder'}
    return {name: call for name, call in ways.items() if name in base or client.has.get(name) is True}


def test_every_way_to_trade_the_market_is_read(client, read, exchange):
    market, amount, price = EXCHANGES[exchange]
    left_out = {*NOT_SENT.get(exchange, ()), *OWN_WORDS.get(exchange, ())}
    unread = []
    for name, call in calls(client, market, amount, price).items():
        if name in left_out:
            continue
        try:
            read(call)
        except AssertionError:
            unread.append(name)
    assert unread == []


def test_a_word_that_the_exchange_does_not_know_is_refused_by_its_name(client, exchange):
    if exchange not in OWN_WORDS:
        pytest.skip('ccxt has none here')
    way, word = OWN_WORDS[exchange]
    with pytest.raises(ccxt.BaseError, match=f'Keygate: .*{word}: not a parameter'):
        calls(client, *EXCHANGES[exchange])[way]()


def test_another_market_is_refused_for_good(client, exchange):
    market, amount, price = EXCHANGES[exchange]
    other = 'ETH/' + market.split('/')[1]
    final(lambda: client.create_order(other, 'limit', 'buy', amount * 10, price / 20))
