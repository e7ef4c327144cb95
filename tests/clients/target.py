"""Where a client sends its requests, and with which credentials.

A test body asks a Target for both and never knows whether it talks to the demo exchange itself, or to a
Keygate in front of it with virtual keys.
"""
import json
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


@dataclass(frozen=True)
class Target:
    kind: str
    # exchange id -> base URL that stands in for scheme and host
    bases: dict
    # exchange id -> name of an access -> Credentials
    credentials: dict
    # the demo exchange behind it all
    demo: str

    def access(self, exchange, name):
        return self.credentials[exchange][name]

    def through(self, exchange, url):
        """A URL of the real exchange (or a tree of them) with its scheme and host replaced."""
        if isinstance(url, dict):
            return {name: self.through(exchange, value) for name, value in url.items()}
        if not isinstance(url, str):
            return url
        return re.sub(r'^https?://[^/]+', lambda _: self.bases[exchange], url)

    def ccxt(self, library, exchange, name):
        """A ccxt client, of the module `ccxt` or `ccxt.async_support`, with its addresses changed. It does not
        slow itself down, so that the tests are quick."""
        access = self.access(exchange, name)
        settings = {'apiKey': access.key, 'secret': access.secret, 'enableRateLimit': False}
        if access.passphrase:
            settings['password'] = access.passphrase
        client = getattr(library, exchange)(settings)
        client.urls['api'] = self.through(exchange, client.urls['api'])
        return client

    def ccxt_pro(self, library, exchange, name):
        """The same of the module `ccxt.pro`, whose streams are addresses as well. Spot alone."""
        client = self.ccxt(library, exchange, name)
        client.options['defaultType'] = 'spot'
        client.urls['api']['ws']['ws-api']['spot'] = self.stream(exchange, client.urls['api']['ws']['ws-api']['spot'])
        return client

    def stream(self, exchange, url):
        """The address of a stream with its scheme and host replaced."""
        return re.sub(r'^wss?://[^/]+', lambda _: self.bases[exchange].replace('http', 'ws', 1), url)

    def python_binance_async(self, library, name):
        access = self.access('binance', name)
        client = library.AsyncClient(access.key, access.secret)
        client.API_URL = self.bases['binance'] + '/api'
        client.MARGIN_API_URL = self.bases['binance'] + '/sapi'
        client.ws_api._url = self.stream('binance', client.ws_api._url)
        return client

    def python_binance(self, library, name):
        access = self.access('binance', name)
        client = library.Client(access.key, access.secret, ping=False)
        client.API_URL = self.bases['binance'] + '/api'
        client.MARGIN_API_URL = self.bases['binance'] + '/sapi'
        return client

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


def secret_of(key):
    """What a client signs with: the shared secret, or the private key as PEM text."""
    if 'private' in key:
        body = key['private']['body']
        lines = [body[at:at + 64] for at in range(0, len(body), 64)]
        label = key['private']['pem']
        return '\n'.join([f'-----BEGIN {label}-----', *lines, f'-----END {label}-----', ''])
    return next(iter(key['credential'].values()))
