"""freqtrade's own code for an exchange and its wallets, in live mode: live.py PAIR AMOUNT PRICE CONFIG...

Prints one JSON object: each call's answer, or the classes of its error.
"""
import json
import sys

from freqtrade.configuration import Configuration
from freqtrade.enums import RunMode
from freqtrade.resolvers import ExchangeResolver
from freqtrade.wallets import Wallets


def main(pair, amount, price, *files):
    config = Configuration.from_files(list(files)) | {'dry_run': False, 'runmode': RunMode.LIVE}
    exchange = ExchangeResolver.load_exchange(config)
    order = {'pair': pair, 'ordertype': 'limit', 'side': 'buy', 'amount': float(amount), 'rate': float(price),
             'leverage': 1.0}
    told = {
        'balance': tried(lambda: Wallets(config, exchange).get_total(pair.split('/')[0])),
        'ticker': tried(lambda: exchange.fetch_ticker(pair)['last']),
        'create': tried(lambda: exchange.create_order(**order)['id']),
    }
    if isinstance(told['create'], str):
        told['cancel'] = tried(lambda: cancelled(exchange, told['create'], pair))
    print(json.dumps(told))
    exchange.close()


def cancelled(exchange, order, pair):
    exchange.cancel_order(order, pair)
    return exchange.fetch_order(order, pair)['status']


def tried(call):
    try:
        return call()
    except Exception as error:  # the test looks at its class
        return [one.__name__ for one in type(error).__mro__]


main(*sys.argv[1:])
