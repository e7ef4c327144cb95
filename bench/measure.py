"""One run of wrk against one server, and rounds of them."""
import json
import os
import resource
import subprocess
import time
import urllib.parse

from process import below, busy_seconds, cpu_seconds, pin, resident_mib

CONNECTIONS = 32


class Contender:
    """A server: where it listens, what it is asked, and which processes count as it and as its database."""

    def __init__(self, name, port, requests, processes, connections=CONNECTIONS):
        self.name, self.port, self.requests, self.processes = name, port, requests, processes
        self.connections = connections

    def fresh_requests(self):
        """Bytes on the wire, signed now."""
        host = f'127.0.0.1:{self.port}'
        return [text.replace('{host}', host, 1) for text in self.requests()]


class Bench:
    def __init__(self, state, replay, upstream, cpu):
        self.state, self.replay, self.upstream, self.cpu = state, replay, upstream, cpu

    def rounds(self, contenders, rounds, seconds):
        """By name the figures of each round. A B C, C B A, ...: what changes slowly meets everyone alike."""
        figures = {contender.name: [] for contender in contenders}
        for number in range(rounds):
            for contender in contenders if number % 2 == 0 else contenders[::-1]:
                figures[contender.name].append(self.run(contender, seconds))
        return figures

    def run(self, contender, seconds):
        requests = f'{self.state}/requests'
        with open(requests, 'w') as file:
            file.write('\0'.join(contender.fresh_requests()))
        server, database = contender.processes()
        everyone = server + database + self.upstream.pids()
        before = [cpu_seconds(pids) for pids in (server, database, everyone)] + [busy_seconds()]
        told, load = self.wrk(contender, requests, seconds)
        foreign = busy_seconds() - before[3] - (cpu_seconds(everyone) - before[2]) - load
        settle(database)  # records that were still on their way belong to this run
        if told['refused'] or told['broken']:
            raise SystemExit(f"{contender.name}: {told['refused']} answers were refusals, {told['broken']} broke off")
        if not told['requests']:
            raise SystemExit(f'{contender.name}: no answer in {seconds} s; the machine is too busy, or give it more --secs')
        count = told['requests']
        return {
            'rate': count / told['us'] * 1e6,
            'cpu': (cpu_seconds(server) - before[0]) / count * 1e6,
            'database': (cpu_seconds(database) - before[1]) / count * 1e6,
            'memory': resident_mib(server),
            'foreign': foreign / seconds,
        }

    def wrk(self, contender, requests, seconds):
        """What it counted, and the CPU time it took itself."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        ended = subprocess.run(
            ['wrk', '-t1', f'-c{contender.connections}', f'-d{seconds}s', '--timeout', '10s', '-s', self.replay,
             f'http://127.0.0.1:{contender.port}/'],
            env={**os.environ, 'REQUESTS': requests}, capture_output=True, text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {self.cpu}))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        lines = [line for line in ended.stdout.splitlines() if line.startswith('{')]
        if not lines:
            raise SystemExit(f'wrk: {ended.stdout}{ended.stderr}')
        return json.loads(lines[0]), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def settle(database, patience=15):
    """Waits until a database has nothing more to do."""
    until = time.monotonic() + patience
    while database and time.monotonic() < until:
        before = cpu_seconds(database)
        time.sleep(0.25)
        if cpu_seconds(database) - before <= 0.01:
            return


def database_processes(url, cpu):
    """Finds the processes of the server that `script/database` started, and keeps them on their CPU."""
    directory = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)['host'][0]
    with open(f'{directory}/data/postmaster.pid') as file:
        postmaster = int(file.readline())

    def processes():
        pids = below([postmaster])
        pin(pids, {cpu})
        return pids
    return processes
