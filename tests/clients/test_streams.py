"""Private streams over WebSockets: ccxt pro and python-binance, unmodified but for their addresses."""
import asyncio
import contextlib
import json
import urllib.request

import binance
import ccxt
import ccxt.pro
import pytest
from binance.exceptions import BinanceAPIException

PAIR = 'BTC/USDT'


@contextlib.asynccontextmanager
async def connected(target, name='trade'):
    client = target.ccxt(ccxt.pro, 'binance', name)
    client.options['defaultType'] = 'spot'
    try:
        yield client
    finally:
        await client.close()


@contextlib.asynccontextmanager
async def okx(target, name='trade'):
    client = target.ccxt(ccxt.pro, 'okx', name)
    try:
        yield client
    finally:
        await client.close()


@contextlib.asynccontextmanager
async def kraken(target, name='trade'):
    client = target.ccxt(ccxt.pro, 'kraken', name)
    try:
        yield client
    finally:
        await client.close()


@contextlib.asynccontextmanager
async def bybit(target, name='trade'):
    client = target.ccxt(ccxt.pro, 'bybit', name)
    client.options['defaultType'] = 'spot'
    try:
        yield client
    finally:
        await client.close()


@contextlib.asynccontextmanager
async def python_binance(target, name='trade'):
    client = target.python_binance(binance.AsyncClient, name)
    try:
        yield client
    finally:
        await client.close_connection()


class Watch:
    """Everything that watch_orders gives, from the moment it is ready."""

    def __init__(self, client, pair=PAIR):
        self.client, self.pair, self.seen = client, pair, asyncio.Queue()
        self.task = asyncio.ensure_future(self.collect())

    async def collect(self):
        while True:
            try:
                for order in await self.client.watch_orders(self.pair):
                    await self.seen.put((order['id'], order['status']))
            except ccxt.NetworkError:
                await asyncio.sleep(0.2)  # as bots do: again

    async def __aenter__(self):
        await asyncio.sleep(1.5)  # markets are loaded and the subscription is made
        return self

    async def __aexit__(self, *_):
        self.task.cancel()

    async def next(self):
        return await asyncio.wait_for(self.seen.get(), 10)

    async def until(self, order):
        """Passes over what is told on the way."""
        while await self.next() != order:
            pass


def hang_up(target):
    request = urllib.request.Request(target.demo + '/_demo/sockets', method='DELETE')
    urllib.request.urlopen(request).read()


def test_ccxt_watches_its_orders_placed_and_cancelled_by_rest(target, loop):
    async def body():
        async with connected(target) as client, Watch(client) as watch:
            order = await client.create_order(PAIR, 'limit', 'buy', 0.001, 50000)
            assert await watch.next() == (order['id'], 'open')
            await client.cancel_order(order['id'], PAIR)
            assert await watch.next() == (order['id'], 'canceled')
    loop.run_until_complete(body())


def test_ccxt_watches_its_balance(target, loop):
    async def body():
        async with connected(target) as client:
            watch = asyncio.ensure_future(client.watch_balance())
            await asyncio.sleep(1.5)
            order = await client.create_order(PAIR, 'limit', 'buy', 0.001, 50000)
            balance = await asyncio.wait_for(watch, 10)
            assert balance['USDT']['used'] >= 50
            await client.cancel_order(order['id'], PAIR)
    loop.run_until_complete(body())


def test_ccxt_places_and_cancels_by_frames(target, loop, recorded):
    async def body():
        async with connected(target) as client:
            order = await client.create_order_ws(PAIR, 'limit', 'buy', 0.001, 50000)
            assert order['status'] == 'open'
            assert order['id'] in [one['id'] for one in await client.fetch_open_orders_ws(PAIR)]
            assert (await client.cancel_order_ws(order['id'], PAIR))['status'] == 'canceled'
            with pytest.raises(ccxt.OrderNotFound):
                await client.cancel_order_ws(order['id'], PAIR)
    loop.run_until_complete(body())
    frames = [request for request in recorded() if request['target'].startswith('/ws-api/')]
    assert len(frames) == 4 and all(frame['signed_by']['account'] == 'trade' for frame in frames)


def test_ccxt_comes_back_after_the_exchange_hung_up(target, loop):
    async def body():
        async with connected(target) as client, Watch(client) as watch:
            hang_up(target)
            await asyncio.sleep(2)
            order = await client.create_order(PAIR, 'limit', 'buy', 0.001, 50000)
            assert await watch.next() == (order['id'], 'open')
            await client.cancel_order(order['id'], PAIR)
    loop.run_until_complete(body())


def test_ccxt_with_a_wrong_secret_is_told_for_good(target, loop):
    async def body():
        async with connected(target) as client:
            client.secret = client.secret[::-1]
            with pytest.raises(ccxt.AuthenticationError):
                await asyncio.wait_for(client.watch_orders(PAIR), 10)
    loop.run_until_complete(body())


def test_python_binance_user_socket_tells_of_an_order(target, loop):
    async def body():
        async with python_binance(target) as client:
            async with binance.BinanceSocketManager(client).user_socket() as socket:
                order = await client.create_order(symbol='BTCUSDT', side='BUY', type='LIMIT', timeInForce='GTC',
                                                  quantity='0.001', price='50000')
                event = await asyncio.wait_for(socket.recv(), 10)
                assert (event['e'], event['i'], event['x']) == ('executionReport', order['orderId'], 'NEW')
                await client.cancel_order(symbol='BTCUSDT', orderId=order['orderId'])
                events = [await asyncio.wait_for(socket.recv(), 10) for _ in range(3)]
                assert [one['x'] for one in events if one['e'] == 'executionReport'] == ['CANCELED']
    loop.run_until_complete(body())


def test_python_binance_trades_by_frames(target, loop):
    async def body():
        async with python_binance(target) as client:
            order = await client.ws_create_order(symbol='BTCUSDT', side='BUY', type='LIMIT', timeInForce='GTC',
                                                 quantity='0.001', price='50000')
            assert order['status'] == 'NEW'
            assert (await client.ws_get_order(symbol='BTCUSDT', orderId=order['orderId']))['status'] == 'NEW'
            cancelled = await client.ws_cancel_order(symbol='BTCUSDT', orderId=order['orderId'])
            assert cancelled['status'] == 'CANCELED'
            assert (await client.ws_get_account())['canTrade'] is True
            assert (await client.ws_get_time())['serverTime'] > 0
    loop.run_until_complete(body())


def test_python_binance_calls_again_after_the_exchange_hung_up(target, loop):
    async def body():
        async with python_binance(target) as client:
            await client.ws_get_account()
            hang_up(target)
            for _ in range(40):
                await asyncio.sleep(0.25)
                with contextlib.suppress(Exception):
                    assert (await client.ws_get_account())['canTrade'] is True
                    return
            pytest.fail('it never came back')
    loop.run_until_complete(body())


@pytest.mark.gateway
def test_what_the_gate_refuses_is_told_in_our_words(target, loop):
    async def body():
        async with python_binance(target, 'read-only') as client:
            with pytest.raises(BinanceAPIException) as refused:
                await client.ws_create_order(symbol='BTCUSDT', side='BUY', type='LIMIT', timeInForce='GTC',
                                             quantity='0.001', price='50000')
            told = json.dumps(str(refused.value))
            assert 'Keygate:' in told and '-1002' in told
    loop.run_until_complete(body())


@pytest.mark.gateway
def test_nothing_of_the_virtual_pair_reaches_the_exchange(target, loop, recorded):
    async def body():
        async with connected(target) as client:
            await client.create_order_ws(PAIR, 'limit', 'buy', 0.001, 50000)
    loop.run_until_complete(body())
    access = target.access('binance', 'trade')
    seen = json.dumps(recorded())
    assert access.key not in seen and access.secret not in seen and 'kg_' not in seen


def test_ccxt_watches_its_orders_at_okx(target, loop):
    async def body():
        async with okx(target) as client, Watch(client) as watch:
            order = await client.create_order(PAIR, 'limit', 'buy', 0.001, 50000)
            assert await watch.next() == (order['id'], 'open')
            await client.cancel_order(order['id'], PAIR)
            assert await watch.next() == (order['id'], 'canceled')
    loop.run_until_complete(body())


def test_ccxt_watches_its_balance_at_okx(target, loop):
    async def body():
        async with okx(target) as client:
            watch = asyncio.ensure_future(client.watch_balance())
            await asyncio.sleep(1.5)
            order = await client.create_order(PAIR, 'limit', 'buy', 0.001, 50000)
            assert (await asyncio.wait_for(watch, 10))['USDT']['used'] >= 50
            await client.cancel_order(order['id'], PAIR)
    loop.run_until_complete(body())


def test_ccxt_places_and_cancels_by_frames_at_okx(target, loop, recorded):
    async def body():
        async with okx(target) as client:
            order = await client.create_order_ws(PAIR, 'limit', 'buy', 0.001, 50000)
            assert order['id'] in [one['id'] for one in await client.fetch_open_orders(PAIR)]
            await client.cancel_order_ws(order['id'], PAIR)
            assert order['id'] not in [one['id'] for one in await client.fetch_open_orders(PAIR)]
            with pytest.raises(ccxt.ExchangeError):
                await client.cancel_order_ws(order['id'], PAIR)
    loop.run_until_complete(body())
    frames = [request for request in recorded() if request['target'].startswith('/ws/')]
    assert len(frames) == 4 and all(frame['signed_by']['account'] == 'trade' for frame in frames)


def test_ccxt_with_a_wrong_secret_is_told_for_good_at_okx(target, loop):
    async def body():
        async with okx(target) as client:
            client.secret = client.secret[::-1]
            with pytest.raises(ccxt.AuthenticationError):
                await asyncio.wait_for(client.watch_orders(PAIR), 10)
    loop.run_until_complete(body())


@pytest.mark.gateway
def test_what_the_gate_refuses_at_okx_is_told_in_our_words(target, loop):
    async def body():
        async with okx(target, 'read-only') as client:
            with pytest.raises(ccxt.BaseError) as refused:
                await client.create_order_ws(PAIR, 'limit', 'buy', 0.001, 50000)
            assert 'Keygate:' in str(refused.value) and not isinstance(refused.value, ccxt.NetworkError)
    loop.run_until_complete(body())


DOLLARS = 'BTC/USD'


def test_ccxt_watches_its_orders_at_kraken(target, loop):
    async def body():
        async with kraken(target) as client, Watch(client, DOLLARS) as watch:
            order = await client.create_order(DOLLARS, 'limit', 'buy', 0.001, 50000)
            await watch.until((order['id'], 'open'))
            await client.cancel_order(order['id'], DOLLARS)
            await watch.until((order['id'], 'canceled'))
    loop.run_until_complete(body())


def test_ccxt_watches_its_trades_and_its_balance_at_kraken(target, loop):
    async def body():
        async with kraken(target) as client:
            before = (await client.watch_balance())['USD']['total']
            async def bought():  # the stream begins with trades of before
                while not any((trade['side'], trade['amount']) == ('buy', 0.0013)
                              for trade in await client.watch_my_trades(DOLLARS)):
                    pass
            trades = asyncio.ensure_future(bought())
            balance = asyncio.ensure_future(client.watch_balance())
            await asyncio.sleep(1.5)
            await client.create_order_ws(DOLLARS, 'market', 'buy', 0.0013)
            await asyncio.wait_for(trades, 10)
            await asyncio.wait_for(balance, 10)
            await asyncio.sleep(0.5)  # it is told asset by asset
            assert client.balance['spot']['USD']['total'] < before
    loop.run_until_complete(body())


def test_ccxt_places_and_cancels_by_frames_at_kraken(target, loop, recorded):
    async def body():
        async with kraken(target) as client:
            # so small a number has an exponent in Python
            order = await client.create_order_ws(DOLLARS, 'limit', 'buy', 0.00005, 50000)
            assert order['id'] in [one['id'] for one in await client.fetch_open_orders(DOLLARS)]
            await client.cancel_order_ws(order['id'])
            assert order['id'] not in [one['id'] for one in await client.fetch_open_orders(DOLLARS)]
            with pytest.raises(ccxt.OrderNotFound):
                await client.cancel_order_ws(order['id'])
            await client.cancel_all_orders_ws()
    loop.run_until_complete(body())
    frames = [request for request in recorded() if request['target'].startswith('/v2/')]
    frames = [frame for frame in frames if not frame['target'].endswith('/ping')]
    assert len(frames) == 4 and all(frame['signed_by']['account'] == 'trade' for frame in frames)


def test_ccxt_comes_back_after_kraken_hung_up(target, loop):
    async def body():
        async with kraken(target) as client, Watch(client, DOLLARS) as watch:
            hang_up(target)
            await asyncio.sleep(2)
            order = await client.create_order(DOLLARS, 'limit', 'buy', 0.001, 50000)
            await watch.until((order['id'], 'open'))
            await client.cancel_order(order['id'], DOLLARS)
    loop.run_until_complete(body())


def test_ccxt_with_a_wrong_secret_is_told_for_good_at_kraken(target, loop):
    async def body():
        async with kraken(target) as client:
            client.secret = client.secret[4:] + client.secret[:4]
            with pytest.raises(ccxt.ExchangeError, match='EAPI:Invalid signature'):
                await asyncio.wait_for(client.watch_orders(DOLLARS), 10)
    loop.run_until_complete(body())


@pytest.mark.gateway
def test_what_the_gate_refuses_at_kraken_is_told_in_our_words(target, loop):
    async def body():
        async with kraken(target, 'read-only') as client:
            with pytest.raises(ccxt.BaseError) as refused:
                await client.create_order_ws(DOLLARS, 'limit', 'buy', 0.001, 50000)
            assert 'Keygate:' in str(refused.value) and not isinstance(refused.value, ccxt.NetworkError)
    loop.run_until_complete(body())


@pytest.mark.gateway
def test_the_token_that_ccxt_holds_is_of_no_use_at_kraken(target, loop, recorded):
    async def body():
        async with kraken(target) as client:
            token = await client.authenticate()
            await client.cancel_all_orders_ws()
            return token
    token = loop.run_until_complete(body())
    sent = json.dumps(recorded())
    assert token.startswith('kgt_') and token not in sent and 'kg_' not in sent


def test_ccxt_watches_its_orders_at_bybit(target, loop):
    async def body():
        async with bybit(target) as client, Watch(client) as watch:
            order = await client.create_order(PAIR, 'limit', 'buy', 0.001, 50000)
            assert await watch.next() == (order['id'], 'open')
            await client.cancel_order(order['id'], PAIR)
            assert await watch.next() == (order['id'], 'canceled')
    loop.run_until_complete(body())


def test_ccxt_watches_its_balance_at_bybit(target, loop):
    async def body():
        async with bybit(target) as client:
            watch = asyncio.ensure_future(client.watch_balance())
            await asyncio.sleep(1.5)
            order = await client.create_order(PAIR, 'limit', 'buy', 0.001, 50000)
            assert (await asyncio.wait_for(watch, 10))['USDT']['used'] >= 50
            await client.cancel_order(order['id'], PAIR)
    loop.run_until_complete(body())


def test_ccxt_watches_its_trades_at_bybit(target, loop):
    async def body():
        async with bybit(target) as client:
            watch = asyncio.ensure_future(client.watch_my_trades(PAIR))
            await asyncio.sleep(1.5)
            order = await client.create_order(PAIR, 'limit', 'buy', 0.001, 70000)
            [trade] = await asyncio.wait_for(watch, 10)
            assert (trade['order'], trade['amount'], trade['side']) == (order['id'], 0.001, 'buy')
    loop.run_until_complete(body())


def test_ccxt_places_and_cancels_by_frames_at_bybit(target, loop, recorded):
    async def body():
        async with bybit(target) as client:
            order = await client.create_order_ws(PAIR, 'limit', 'buy', 0.001, 50000)
            assert order['id'] in [one['id'] for one in await client.fetch_open_orders(PAIR)]
            await client.cancel_order_ws(order['id'], PAIR)
            assert order['id'] not in [one['id'] for one in await client.fetch_open_orders(PAIR)]
            with pytest.raises(ccxt.OrderNotFound):
                await client.cancel_order_ws(order['id'], PAIR)
    loop.run_until_complete(body())
    frames = [request for request in recorded() if request['target'].startswith('/v5/trade/')]
    assert len(frames) == 4 and all(frame['signed_by']['account'] == 'trade' for frame in frames)


def test_ccxt_comes_back_after_bybit_hung_up(target, loop):
    async def body():
        async with bybit(target) as client, Watch(client) as watch:
            hang_up(target)
            await asyncio.sleep(2)
            order = await client.create_order(PAIR, 'limit', 'buy', 0.001, 50000)
            assert await watch.next() == (order['id'], 'open')
            await client.cancel_order(order['id'], PAIR)
    loop.run_until_complete(body())


@pytest.mark.gateway
def test_ccxt_with_a_wrong_secret_is_told_for_good_at_bybit(target, loop):
    async def body():
        async with bybit(target) as client:
            await client.load_markets()
            client.secret = client.secret[::-1]
            client.options['enableUnifiedMargin'], client.options['enableUnifiedAccount'] = False, True
            for call in [client.watch_orders(PAIR), client.create_order_ws(PAIR, 'limit', 'buy', 0.001, 50000)]:
                with pytest.raises(ccxt.AuthenticationError) as refused:
                    await asyncio.wait_for(call, 10)
                assert 'Keygate:' in str(refused.value)
    loop.run_until_complete(body())


@pytest.mark.gateway
def test_what_the_gate_refuses_at_bybit_is_told_in_our_words(target, loop):
    async def body():
        async with bybit(target, 'read-only') as client:
            with pytest.raises(ccxt.BaseError) as refused:
                await client.create_order_ws(PAIR, 'limit', 'buy', 0.001, 50000)
            assert 'Keygate:' in str(refused.value) and not isinstance(refused.value, ccxt.NetworkError)
    loop.run_until_complete(body())
