"""Where a client sends its requests, and with which credentials.

A test body asks a Target for a client and never knows whether it talks to the demo exchange itself, or to a
Keygate in front of it with virtual keys. Through a Keygate the client is made by the very text that
`keygate config` prints for the bot.
"""
import contextlib
import json
import os
import re
import urllib.request
from dataclasses import dataclass, field

DIRECT = 'direct'
GATEWAY = 'gateway'


@dataclass(frozen=True)
class Credentials:
    key: str
    secret: str = field(repr=False)
    passphrase: str | None = field(default=None, repr=False)
    # what `keygate config env` printed
    variables: dict = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Target:
    kind: str
    # exchange id -> base URL that stands in for scheme and host
    bases: dict
    # exchange id -> name of an access -> Credentials
    credentials: dict
    # the demo exchange behind it all
    demo: str
    # a Keygate whose command line can be asked (gate.Keygate)
    keygate: object = None

    def access(self, exchange, name):
        return self.keygate.access(exchange, name) if self.keygate else self.credentials[exchange][name]

    def through(self, exchange, url):
        """A URL of the real exchange (or a tree of them) with its scheme and host replaced."""
        if isinstance(url, dict):
            return {name: self.through(exchange, value) for name, value in url.items()}
        if not isinstance(url, str):
            return url
        base = self.bases[exchange]
        url = re.sub(r'^https?://[^/]+', lambda _: base, url)
        return re.sub(r'^wss?://[^/]+', lambda _: base.replace('http', 'ws', 1), url)

    def ccxt(self, library, exchange, name):
        """A ccxt client, of the module `ccxt`, `ccxt.async_support` or `ccxt.pro`, with its addresses changed. It does not
        slow itself down, so that the tests are quick."""
        if self.keygate:
            client = self.executed('ccxt', exchange, name, f'import {library.__name__} as ccxt')['exchange']
            client.enableRateLimit = False
            return client
        access = self.access(exchange, name)
        settings = {'apiKey': access.key, 'secret': access.secret, 'enableRateLimit': False}
        if access.passphrase:
            settings['password'] = access.passphrase
        client = getattr(library, exchange)(settings)
        client.urls['api'] = self.through(exchange, client.urls['api'])
        return client

    def python_binance(self, library, name):
        """A python-binance client, of its class `Client` or `AsyncClient`."""
        if self.keygate:
            instead = f'from binance import {library.__name__} as Client'
            return self.executed('python-binance', 'binance', name, instead)['client']
        access = self.access('binance', name)
        gated = type('Gated', (library,), {
            'API_URL': self.bases['binance'] + '/api', 'MARGIN_API_URL': self.bases['binance'] + '/sapi',
            'WS_API_URL': self.through('binance', library.WS_API_URL)})
        return gated(access.key, access.secret)

    def pybit(self, library, name):
        if self.keygate:
            return self.executed('pybit', 'bybit', name)['session']
        access = self.access('bybit', name)
        session = library.HTTP(api_key=access.key, api_secret=access.secret)
        session.endpoint = self.bases['bybit']
        return session

    def krakenex(self, library, name):
        if self.keygate:
            return self.executed('krakenex', 'kraken', name)['kraken']
        access = self.access('kraken', name)
        kraken = library.API(access.key, access.secret)
        kraken.uri = self.bases['kraken']
        return kraken

    def executed(self, program, exchange, name, instead=None):
        """The names that a printed Python text leaves behind. Its last line, which calls the exchange, is left out;
        `instead` is an import that its comment names as another choice."""
        environment = self.access(exchange, name).variables
        text = self.keygate.printed(program, exchange, name)
        if instead and f'`{instead}`' in text:
            text = re.sub(r'(#.*`\n)(import|from) .*', lambda found: found[1] + instead, text, count=1)
        text = text[:text.rindex('\nprint(')]
        names = {}
        with variables(environment):
            exec(compile(text, f'keygate config {program}', 'exec'), names)
        return names

    def requests(self):
        """What reached the exchange, oldest first."""
        with urllib.request.urlopen(self.demo + '/_demo/requests') as answer:
            return json.load(answer)

    @classmethod
    def direct(cls, demo, origins, venues):
        """The demo exchange with its ready-made keys."""
        credentials = {
            exchange: {
                key['name']: Credentials(key['api_key'], secret_of(key), key.get('passphrase'))
                for account in venue['accounts'] for key in account['keys']
            }
            for exchange, venue in venues.items()
        }
        return cls(DIRECT, origins, credentials, demo)

    @classmethod
    def from_file(cls, path):
        """A gateway that somebody else set up: {"kind", "demo", "bases": {exchange: url},
        "credentials": {exchange: {name: {"key", "secret"}}}}."""
        with open(path) as file:
            told = json.load(file)
        credentials = {
            exchange: {name: Credentials(**one) for name, one in names.items()}
            for exchange, names in told['credentials'].items()
        }
        return cls(told.get('kind', GATEWAY), told['bases'], credentials, told['demo'])


@contextlib.contextmanager
def variables(values):
    """Environment variables, for a while."""
    os.environ.update(values)
    try:
        yield
    finally:
        for name in values:
            del os.environ[name]


def secret_of(key):
    """What a client signs with: the shared secret, or the private key as PEM text."""
    if 'private' in key:
        body = key['private']['body']
        lines = [body[at:at + 64] for at in range(0, len(body), 64)]
        label = key['private']['pem']
        return '\n'.join([f'-----BEGIN {label}-----', *lines, f'-----END {label}-----', ''])
    return next(iter(key['credential'].values()))
