"""The whole gateway beside what it is compared with, in one interleaved run; see docs/performance.md.

    python3 bench/gateway.py --binaries DIR --python VENV/bin/python --database URL [--runs 2] [--rounds 8] [--secs 2]
"""
import argparse
import os
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import report
from disk import flushes
from keygate import Keygate
from latency import CONNECTIONS, Latency
from login import logged_in, prepared
from measure import Bench, Contender, database_processes
from process import Program, free_port

HERE = Path(__file__).parent
SERVER_CPU, OTHER_CPU = 0, 1
STEADY = 100  # requests per second, which every server here can answer
STEADY_SECONDS, STEADY_ROUNDS = 3, 3
COMMITS = 400  # per second, about as many as orders make at half of their target
ORDERING = 128  # connections that place orders: the more wait, the more share a commit


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.sched_setaffinity(0, {OTHER_CPU})
    with tempfile.TemporaryDirectory(prefix='keygate-bench-', ignore_cleanup_errors=True) as state, ExitStack() as stack:
        os.chmod(state, 0o711)  # the database inside runs as another user when we are root
        stage = Stage(options, state, stack)
        *servers, orders = contenders = stage.contenders()
        bench = Bench(state, str(HERE / 'replay.lua'), stage.upstream, OTHER_CPU)
        for contender in contenders:
            bench.run(contender, 1)  # connections open, caches full
        runs = [bench.rounds(servers, options.rounds, options.secs) for _ in range(options.runs)]
        delays = stage.delays([stage.bare(), *contenders], STEADY)
        money = [bench.run(orders, options.secs) for _ in range(options.rounds)]
        half = round(min(report.LEAST_ORDERS, median(run['rate'] for run in money)) / 2)
        busy, flushed = {}, []
        for _ in range(options.rounds):
            flushed += flushes(state, COMMITS, STEADY_SECONDS)
            stage.delay([stage.bare(), orders], half, busy, ORDERING // 2)
        print(report.gateway(runs, (money, half, busy, flushed), (STEADY, delays), options))


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument('--binaries', required=True)
    parser.add_argument('--python', required=True)
    parser.add_argument('--database', required=True)
    parser.add_argument('--runs', type=int, default=2)
    parser.add_argument('--rounds', type=int, default=8)
    parser.add_argument('--secs', type=int, default=2)
    return parser.parse_args()


class Stage:
    """Everything that runs. What was started stops when the stack closes."""

    def __init__(self, options, state, stack):
        self.options, self.state, self.stack = options, state, stack
        self.latency = Latency(options.binaries)
        self.gate = Keygate(options.binaries, free_port(), (SERVER_CPU, OTHER_CPU), state)
        stack.callback(self.gate.program.stop)
        self.upstream_port = self.gate.upstream_port
        self.origin = f'127.0.0.1:{self.upstream_port}'
        self.upstream = self.nginx('upstream', OTHER_CPU, self.upstream_port)

    def contenders(self):
        nginx, hyper, reference = (free_port() for _ in range(3))
        proxy = self.nginx('proxy', SERVER_CPU, nginx)
        bare = self.run('hyper', [f'{self.options.binaries}/bare_proxy', f'127.0.0.1:{hyper}', self.origin], hyper)
        return [
            Contender('nginx', nginx, self.unread, lambda: (proxy.pids(), [])),
            Contender('hyper', hyper, self.unread, lambda: (bare.pids(), [])),
            Contender('keygate', self.gate.port, self.gate.reads, self.gate.own),
            self.reference(reference),
            Contender('orders', self.gate.port, lambda: self.gate.orders(8000 * self.options.secs), self.gate.own_on_both,
                      ORDERING),
        ]

    def delays(self, contenders, rate):
        """By name the delays of each round."""
        delays = {}
        for _ in range(STEADY_ROUNDS):
            self.delay(contenders, rate, delays)
        return delays

    def delay(self, contenders, rate, delays, connections=CONNECTIONS):
        """One round of them."""
        for contender in contenders:
            one = self.latency.measure(contender, rate, STEADY_SECONDS, connections)
            delays.setdefault(contender.name, []).append(one)

    def bare(self):
        """The upstream itself: what a delay without any server in between is."""
        return Contender('upstream', self.upstream_port, self.unread, lambda: (self.upstream.pids(), []))

    def unread(self):
        """The same requests, for those that do not look at them."""
        return self.gate.reads(prefix='')

    def reference(self, port):
        python, url = self.options.python, self.options.database
        environment = prepared(python, url, f'http://{self.origin}')
        server = self.run('fastapi', [
            python, '-m', 'uvicorn', 'reference:app', '--app-dir', str(HERE), '--port', str(port), '--loop', 'uvloop',
            '--http', 'httptools', '--no-access-log', '--log-level', 'warning'], port, environment)
        database = database_processes(url, OTHER_CPU)
        return Contender('fastapi', port, logged_in, lambda: (server.pids(), database()))

    def nginx(self, name, cpu, port):
        text = (HERE / f'{name}.conf').read_text()
        for place, value in {'state': self.state, 'upstream': self.upstream_port, 'port': port}.items():
            text = text.replace(f'@{place}@', str(value))
        config = Path(self.state) / f'{name}.conf'
        config.write_text(text)
        errors = f'{self.state}/{name}.error.log'
        return self.run(name, ['/usr/sbin/nginx', '-p', self.state, '-e', errors, '-c', str(config)], port, cpu=cpu)

    def run(self, name, command, port, environment=None, cpu=SERVER_CPU):
        program = Program(name, command, cpu, self.state, environment)
        self.stack.callback(program.stop)
        program.wait_for(port)
        return program


if __name__ == '__main__':
    main()
