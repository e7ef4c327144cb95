"""A Keygate of our own for the client tests: the real binary on a fresh data directory, in front of the demo
exchange, set up through its API as a person would."""
import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request

from target import GATEWAY, Credentials, Target, secret_of

# the demo keys to connect, by name, and what their bots may do
USUAL = {'read-only': {}, 'trade': {'trade': True}}
WANTED = {
    'binance': {**USUAL, 'withdraw': {'trade': True, 'withdraw': True}},
    'coinone': {'upper': {'trade': True}, 'read-only': {}},
}


@contextlib.contextmanager
def running(binary, demo, config):
    """A set-up gateway as a Target; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix='keygate-clients-', ignore_cleanup_errors=True) as directory:
        os.chmod(directory, 0o711)  # the database inside runs as another user when we are root
        port = free_port()
        base = f'http://127.0.0.1:{port}'
        environment = {**os.environ, 'KEYGATE_DEMO__ORIGIN': demo, 'KEYGATE_PUBLIC_URL': base}
        log = open(pathlib.Path(directory) / 'log', 'wb')
        process = subprocess.Popen(
            [binary, 'serve', '--data-dir', f'{directory}/data', '--listen', f'127.0.0.1:{port}'],
            env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            link = re.search(r'#(\S+)', process.stdout.readline())
            assert link, (pathlib.Path(directory) / 'log').read_text()
            yield set_up(Api(base), link.group(1), demo, config)
        finally:
            process.terminate()
            process.wait(timeout=30)
            log.close()


def set_up(api, link, demo, config):
    api.token = api.post('/api/v1/auth/setup', {
        'token': link, 'email': 'owner@example.com', 'name': 'Owner', 'password': 'a few unrelated words'})['access_token']
    credentials = {exchange: {} for exchange in config}
    for exchange in config:
        keys = WANTED.get(exchange, USUAL)
        known = {key['name']: key for account in config[exchange]['accounts'] for key in account['keys']}
        for name, permissions in keys.items():
            credentials[exchange][name] = pair(api, exchange, name, known[name], permissions)
    return Target(GATEWAY, {exchange: f'{api.base}/x/{exchange}' for exchange in config}, credentials, demo)


def pair(api, exchange, name, key, permissions):
    connection = api.post('/api/v1/connections', {
        'exchange': exchange, 'environment': 'practice', 'name': name, 'api_key': key['api_key'],
        'secret': secret_of(key), 'passphrase': key.get('passphrase'), 'permissions': permissions, 'accept_withdraw': bool(permissions.get('withdraw'))})
    bot = api.post('/api/v1/bots', {'connection_id': connection['id'], 'name': f'{exchange} {name}'})
    issued = api.post(f"/api/v1/bots/{bot['id']}/access-keys", {})
    made = issued['virtual_pair']
    return Credentials(made['api_key'], made['secret'], made.get('passphrase'))


class Api:
    def __init__(self, base):
        self.base, self.token = base, None

    def post(self, path, body):
        headers = {'Content-Type': 'application/json'}
        if self.token:
            headers['Authorization'] = f'Bearer {self.token}'
        request = urllib.request.Request(self.base + path, json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f'{path}: {error.read().decode()}') from error


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]
