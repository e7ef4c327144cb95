"""What is printed leaves no address of the exchange itself: a virtual key would go there."""
import re

import binance
import ccxt
import ccxt.async_support
import ccxt.pro
import pytest

from test_matrix import EXCHANGES, trading

pytestmark = pytest.mark.gateway


@pytest.mark.parametrize('library', [ccxt, ccxt.async_support, ccxt.pro], ids=lambda library: library.__name__)
@pytest.mark.parametrize('exchange', EXCHANGES)
def test_every_address_of_ccxt_is_the_gate(target, loop, exchange, library):
    client = target.ccxt(library, exchange, trading(exchange))
    assert hosts(client.urls['api']) == {target.bases[exchange].split('/')[2]}
    schemes = re.findall(r'(\w+)://', repr(client.urls['api']))
    assert ('ws' in schemes) == (library is ccxt.pro)
    if library is not ccxt:
        loop.run_until_complete(client.close())


def test_every_address_of_python_binance_is_the_gate(target):
    client = target.python_binance(binance.Client, 'trade')
    own = {name: url for name, url in vars(type(client)).items() if name.endswith('_URL')}
    known = {name for name in vars(binance.Client.__mro__[1]) if re.fullmatch('[A-Z_]+_URL', name)}
    others = {name for name in known if 'TESTNET' in name or 'DEMO' in name}
    assert set(own) == known - others
    assert hosts(own) == {target.bases['binance'].split('/')[2]}
    client.close_connection()


def hosts(tree):
    return set(re.findall(r'://([^/\'"]+)', repr(tree)))
