"""A Keygate of our own for the client tests: the real binary on a fresh data directory, in front of the demo
exchange, set up through its API and its command line as a person would.
"""
import contextlib
import functools
import json
import os
import pathlib
import re
import shlex
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

from target import GATEWAY, Credentials, Target, secret_of

PASSWORD = 'a few unrelated words'

# what the bot of a demo key of this name may do; others trade
PERMISSIONS = {'read-only': {}, 'withdraw': {'trade': True, 'withdraw': True}}


@contextlib.contextmanager
def running(binary, demo, config):
    """A set-up gateway as a Target; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix='keygate-clients-', ignore_cleanup_errors=True) as directory:
        os.chmod(directory, 0o711)  # the database inside runs as another user when we are root
        port = free_port()
        base = f'http://127.0.0.1:{port}'
        environment = {**os.environ, 'KEYGATE_DEMO__ORIGIN': demo, 'KEYGATE_PUBLIC_URL': base,
                       # shorter than an exchange's silence, so that tests meet the gate's own rate-limit answer
                       'KEYGATE_GATEWAY__QUEUE_WAIT_MS': '500'}
        log = open(pathlib.Path(directory) / 'log', 'wb')
        process = subprocess.Popen(
            [binary, 'serve', '--data-dir', f'{directory}/data', '--listen', f'127.0.0.1:{port}'],
            env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            link = re.search(r'#(\S+)', process.stdout.readline())
            assert link, (pathlib.Path(directory) / 'log').read_text()
            keygate = Keygate(binary, base, link.group(1), config)
            bases = {exchange: f'{base}/x/{exchange}' for exchange in config}
            yield Target(GATEWAY, bases, {}, demo, keygate)
        finally:
            process.terminate()
            process.wait(timeout=30)
            log.close()


class Keygate:
    """The running server as its owner uses it. Connections and bots are made when a test asks for their pair."""

    def __init__(self, binary, base, link, demo_keys):
        self.binary, self.base, self.demo_keys = binary, base, demo_keys
        self.token, self.bots = None, {}
        self.token = self.call('/api/v1/auth/setup', {
            'token': link, 'email': 'owner@example.com', 'name': 'Owner',
            'password': PASSWORD})['access_token']
        # the token of a sign-in ends within minutes
        self.token = self.call('/api/v1/access-keys', {
            'name': 'client tests', 'scopes': ['read', 'manage', 'trade'], 'expires_in_days': 1})['token']

    @functools.cache
    def access(self, exchange, name):
        """A virtual pair that stands for the demo exchange's key of that name, as `keygate config env` prints it.
        `KEY@MARKET` is one of a bot that may trade this market only."""
        self.add_bot(exchange, name)
        lines = shlex.split(self.printed('env', exchange, name, new_pair=True))
        variables = dict(line.split('=', 1) for line in lines)
        told = {variable.rpartition('_API_')[2]: value for variable, value in variables.items()}
        return Credentials(told['KEY'], told['SECRET'], told.get('PASSPHRASE'), variables)

    def add_bot(self, exchange, name):
        key, _, symbol = name.partition('@')
        bot = self.call('/api/v1/bots', {
            'connection_id': self.connection(exchange, key), 'name': f'{exchange} {name}', 'symbol': symbol or None})
        self.bots[exchange, name] = bot['id']

    @functools.cache
    def connection(self, exchange, name):
        keys = [key for account in self.demo_keys[exchange]['accounts'] for key in account['keys']]
        [key] = [key for key in keys if key['name'] == name]
        permissions = PERMISSIONS.get(name, {'trade': True})
        connection = self.call('/api/v1/connections', {
            'exchange': exchange, 'environment': 'practice', 'name': name, 'api_key': key['api_key'],
            'secret': secret_of(key), 'passphrase': key.get('passphrase'), 'permissions': permissions,
            'accept_withdraw': 'withdraw' in permissions})['id']
        # a library's tests ask more often than its bots do
        limits = {f'max_requests_per_{period}': None for period in ('minute', 'hour', 'day')}
        self.call(f'/api/v1/connections/{connection}/limits', {'limits': limits, 'password': PASSWORD}, 'PATCH')
        return connection

    @functools.cache
    def printed(self, program, exchange, name, new_pair=False):
        """What `keygate config PROGRAM` prints for a bot."""
        command = [self.binary, 'config', program, '--bot', f'{exchange} {name}', *['--new-pair'] * new_pair]
        environment = {'PATH': os.environ['PATH'], 'KEYGATE_URL': self.base, 'KEYGATE_TOKEN': self.token}
        if new_pair:
            command.append('--password-stdin')  # a personal key alone makes no pair that trades
        done = subprocess.run(command, env=environment, input=PASSWORD, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def denials(self, exchange, name, least=0):
        """How many calls of a bot were refused so far. Records are written a moment after the answer, so this looks
        until the number stays, and for a while until it is what it must be at least."""
        until = time.monotonic() + 5
        while (count := self.settled(lambda: self.recorded(exchange, name, decision='deny'))) < least:
            if time.monotonic() > until:
                break
        return count

    def traded(self, exchange, name):
        """How many orders and cancellations of a bot were carried out so far; an intent and its outcome are one."""
        only = {'class': 'trade', 'decision': 'allow', 'together': 'true'}
        return self.settled(lambda: self.recorded(exchange, name, **only))

    def calls(self, exchange, name, since):
        """How many calls a bot has made since then, refused or not, up to 200 of each."""
        kinds = 'allow', 'deny'
        return self.settled(lambda: sum(self.recorded(exchange, name, decision=kind, since=since) for kind in kinds))

    def settled(self, count):
        counted, last = count(), None
        while counted != last:
            time.sleep(0.2)
            counted, last = count(), counted
        return counted

    def recorded(self, exchange, name, **filters):
        query = urllib.parse.urlencode({'bot': self.bots[exchange, name], 'limit': 200, **filters})
        return len(self.call(f'/api/v1/activity?{query}')['items'])

    def call(self, path, body=None, method=None):
        headers = {'Content-Type': 'application/json'}
        if self.token:
            headers['Authorization'] = f'Bearer {self.token}'
        body = body and json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, body, headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f'{path}: {error.read().decode()}') from error


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]
