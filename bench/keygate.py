"""Keygate for the measurement: the real binary with its own PostgreSQL, set up through its API as a person would,
and the requests of its bots, signed as a client of Gate signs."""
import hashlib
import hmac
import json
import random
import re
import subprocess
import time
import urllib.error
import urllib.request

from process import Program, is_postgres, pin

USERS = 4
PAIRS_OF_EACH = 60
KEY = {'api_key': 'DemoGateTradeKey0002', 'secret': 'DemoGateTradeSecret0002'}
PASSWORD = 'a few unrelated words'
READS = [f'currency_pair=BTC_USDT&status=finished&page={page}&limit=100' for page in range(1, 11)]


class Keygate:
    """Users with a connection each, and bots with virtual pairs; behind it the demo exchange, for as long as keys are
    verified, and then the upstream of the measurement at the same port."""

    def __init__(self, binary, port, cpus, state):
        self.port, self.base = port, f'http://127.0.0.1:{port}'
        self.server_cpu, self.other_cpu = cpus
        demo = Demo(f'{binary}/demo-exchange', self.other_cpu, state)
        try:
            environment = {'KEYGATE_DEMO__ORIGIN': demo.page, 'KEYGATE_PUBLIC_URL': self.base,
                           'KEYGATE_REGISTRATION__OPEN': 'true', 'KEYGATE_LOG__LEVEL': 'warn'}
            self.program = Program(
                'keygate', [f'{binary}/keygate', 'serve', '--data-dir', f'{state}/data', '--listen', f'127.0.0.1:{port}'],
                self.server_cpu, state, environment, stdout=subprocess.PIPE)
            try:
                self.pairs = list(self.set_up())
            except BaseException:
                self.program.stop()
                raise
        finally:
            demo.stop()
        self.upstream_port = demo.port_of_gate

    def set_up(self):
        link = re.search(r'#(\S+)', self.program.process.stdout.readline())
        if not link:
            raise SystemExit(f'keygate does not start:\n{self.program.last_words()}')
        for number in range(USERS):
            user = {'email': f'user{number}@example.com', 'name': 'User', 'password': PASSWORD}
            opened = (self.post('/api/v1/auth/setup', {'token': link.group(1), **user}) if number == 0
                      else self.post('/api/v1/auth/register', user))
            yield from self.pairs_of(opened['access_token'])

    def pairs_of(self, token):
        connection = self.post('/api/v1/connections', {
            'exchange': 'gate', 'environment': 'practice', 'name': 'measured', **KEY, 'permissions': {'trade': True}}, token)
        # counted like everybody's, and never used up
        limits = {f'max_requests_per_{period}': 100_000_000 for period in ('minute', 'hour', 'day')}
        self.post(f"/api/v1/connections/{connection['id']}/limits", {'limits': limits, 'password': PASSWORD}, token, 'PATCH')
        bot = self.post('/api/v1/bots', {'connection_id': connection['id'], 'name': 'measured'}, token)
        for _ in range(PAIRS_OF_EACH):
            made = self.post(f"/api/v1/bots/{bot['id']}/access-keys", {}, token)['virtual_pair']
            yield made['api_key'], made['secret']

    def post(self, path, body, token=None, method='POST'):
        headers = {'Content-Type': 'application/json', **({'Authorization': f'Bearer {token}'} if token else {})}
        request = urllib.request.Request(self.base + path, json.dumps(body).encode(), headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise SystemExit(f'{path}: {error.read().decode()}')

    def own(self):
        """Keygate's own processes, and those of its PostgreSQL. The latter belong to the other CPU."""
        server, database = self.processes()
        pin(database, {self.other_cpu})
        return server, database

    def own_on_both(self):
        """The same, wherever there is room: what orders cost is mostly the database's."""
        server, database = self.processes()
        pin(server + database, {self.server_cpu, self.other_cpu})
        return server, database

    def processes(self):
        everyone = self.program.pids()
        database = [pid for pid in everyone if is_postgres(pid)]
        return [pid for pid in everyone if pid not in database], database

    def reads(self, prefix='/x/gate'):
        """Signed now: a signature is good for half a minute."""
        requests = [signed(pair, 'GET', query, '', prefix) for pair in self.pairs for query in READS]
        random.Random(1).shuffle(requests)
        return requests

    def orders(self, count):
        """Each is signed once and may be used once. Everybody's come mixed, as they do."""
        now = time.time_ns()
        pairs = random.Random(1).sample(self.pairs, len(self.pairs))
        return [signed(pairs[number % len(pairs)], 'POST', '', json.dumps({
            'text': f't-{now + number}', 'currency_pair': 'BTC_USDT', 'type': 'limit', 'account': 'spot', 'side': 'buy',
            'amount': '0.001', 'price': '50000', 'time_in_force': 'gtc'}), '/x/gate') for number in range(count)]


def signed(pair, method, query, body, prefix):
    """One request as bytes on the wire, signed by the rules of Gate's API v4."""
    key, secret = pair
    path, now = '/api/v4/spot/orders', str(int(time.time()))
    text = '\n'.join((method, path, query, hashlib.sha512(body.encode()).hexdigest(), now))
    signature = hmac.new(secret.encode(), text.encode(), hashlib.sha512).hexdigest()
    target = f'{prefix}{path}?{query}' if query else f'{prefix}{path}'
    length = f'Content-Type: application/json\r\nContent-Length: {len(body)}\r\n' if body else ''
    return (f'{method} {target} HTTP/1.1\r\nHost: {{host}}\r\nUser-Agent: bench\r\nAccept: application/json\r\n'
            f'KEY: {key}\r\nTimestamp: {now}\r\nSIGN: {signature}\r\n{length}\r\n{body}')


class Demo:
    """The demo exchange, to which the keys are verified."""

    def __init__(self, binary, cpu, state):
        self.program = Program('demo-exchange', [binary, '--until-eof', '--unlimited'], cpu, state,
                               stdout=subprocess.PIPE, stdin=subprocess.PIPE)
        self.page = self.program.process.stdout.readline().strip()
        for line in self.program.process.stdout:
            exchange, origin = line.split()
            if exchange == 'gate':
                self.port_of_gate = int(origin.rsplit(':', 1)[1])
                break

    def stop(self):
        self.program.stop()
