"""Runs ccxt in node: a client's code, then bot.mjs with the steps to take."""
import json
import os
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).parent


class Node:
    def __init__(self, target):
        self.target = target

    def __call__(self, exchange, name, steps, secret=None):
        """What each step (call, arguments, more) gave, in one process."""
        environment = {**os.environ, **self.target.access(exchange, name).variables}
        steps = [{'call': call, 'args': args, **more} for call, args, more in steps]
        code = ['import { direct, drive } from "./bot.mjs";', self.client(exchange, name)]
        if secret:
            code.append(f'exchange.secret = {json.dumps(secret)};')
        code.append(f'await drive(exchange, {json.dumps(steps)});')
        node = subprocess.run(
            [shutil.which('node'), '--input-type=module', '-'], input='\n'.join(code), cwd=HERE,
            env=environment, capture_output=True, text=True, timeout=120)
        assert node.returncode == 0, node.stderr
        return [json.loads(line) for line in node.stdout.splitlines()]

    def client(self, exchange, name):
        """Code that makes the client `exchange`: the printed lines without the last, which calls the exchange."""
        if self.target.keygate:
            text = self.target.keygate.printed('ccxt-js', exchange, name)
            return text[:text.rindex('\nconsole.log(')]
        access = self.target.access(exchange, name)
        settings = {'apiKey': access.key, 'secret': access.secret, 'password': access.passphrase or ''}
        told = {'exchange': exchange, 'base': self.target.bases[exchange], 'settings': settings}
        return f'const exchange = direct({json.dumps(told)});'


def answers(results):
    """The answers of steps that must all succeed."""
    assert [result['message'] for result in results if 'error' in result] == [], results
    return [result['answer'] for result in results]
