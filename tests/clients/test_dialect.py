"""What the gate says for itself, in every exchange's words: ccxt takes a denial for good, and tries again only where
trying again makes sense.
"""
import contextlib
import json
import os
import time
import urllib.request

import ccxt
import pytest

import demo
import gate
from test_matrix import EXCHANGES, another, final, trading

pytestmark = [pytest.mark.gateway, pytest.mark.parametrize('exchange', EXCHANGES)]


@pytest.fixture
def client(target, exchange):
    client = target.ccxt(ccxt, exchange, trading(exchange))
    client.load_markets()
    client.fetch_balance()
    return client


@pytest.fixture(scope='session')
def nobody_there(venues):
    """A gate whose exchanges were there when its bots were made, and are gone."""
    with contextlib.ExitStack() as stack:
        with demo.running(venues) as (address, _):
            target = stack.enter_context(gate.running(os.environ['GATE_BIN'], address, venues))
            for exchange in venues:
                target.access(exchange, trading(exchange))
        yield target


@pytest.fixture
def fault(target, exchange):
    """Lets the next request to the exchange meet a fault."""
    def meet(kind):
        switch = json.dumps({'fault': kind, 'exchange': exchange}).encode()
        urllib.request.urlopen(urllib.request.Request(target.demo + '/_demo/faults', switch))
    return meet


def test_an_unknown_key_is_refused_for_good(client):
    client.apiKey = client.apiKey[:3] + '0' * (len(client.apiKey) - 3)
    final(client.fetch_balance)


def test_a_wrong_signature_is_refused_for_good_and_on_record(client, target, exchange):
    before = target.keygate.denials(exchange, trading(exchange))
    client.secret = another(client.secret)
    final(client.fetch_balance)
    assert target.keygate.denials(exchange, trading(exchange)) == before + 1


def test_while_the_exchange_wants_silence_the_client_is_told_to_wait(client, fault):
    fault({'rate_limited': {'retry_after_s': 1}})
    with pytest.raises(ccxt.BaseError):
        client.fetch_balance()
    with pytest.raises(ccxt.OperationFailed):
        client.fetch_balance()
    time.sleep(0.7)
    client.fetch_balance()  # waits for the rest of it


def test_an_order_whose_answer_is_lost_is_not_called_refused(client, fault, recorded, exchange):
    market, amount, price = EXCHANGES[exchange]
    known = {order['id'] for order in client.fetch_open_orders(market)}
    fault('drop_after')
    with pytest.raises(ccxt.RequestTimeout, match='Keygate: .* its client order id is '):
        client.create_order(market, 'limit', 'buy', amount, price)
    [lost] = [request for request in recorded() if request['fault']]
    assert [request['target'] for request in recorded() if request['method'] == lost['method']].count(lost['target']) == 1
    [order] = [order for order in client.fetch_open_orders(market) if order['id'] not in known]
    told = {'price': price, 'qty': amount, 'is_ask': 0} if exchange == 'coinone' else {}
    client.cancel_order(order['id'], market, told)


def test_an_exchange_out_of_reach_is_tried_again(nobody_there, exchange):
    client = nobody_there.ccxt(ccxt, exchange, trading(exchange))
    for call in client.load_markets, client.fetch_balance:
        with pytest.raises(ccxt.OperationFailed, match='Keygate: '):
            call()
