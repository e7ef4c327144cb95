"""The addresses that ccxt knows of each exchange, streams included. `keygate config freqtrade` writes them out, since
freqtrade's configuration cannot run code.
"""
import json
import pathlib

import ccxt.pro

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE = ROOT / 'crates/keygate/src/snippet/ccxt_addresses.json'


def known():
    exchanges = sorted(path.name for path in (ROOT / 'crates/exchange/exchanges').iterdir())
    return {exchange: getattr(ccxt.pro, exchange)().urls['api'] for exchange in exchanges}


def write():
    FILE.write_text(json.dumps(known(), indent=2, sort_keys=True) + '\n')
