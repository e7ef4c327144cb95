"""docs/exchanges.md: what each client did at each exchange, through the gate, in a run of these tests.

A test says `with cell('balance'):` around a call; what comes out stands in the table. WRITE_FILES=1 writes it, any
other run through the gate fails if the committed table says something else.
"""
import contextlib
import json
import os
import pathlib
import re

import pytest

HERE = pathlib.Path(__file__).parent
DOCUMENT = HERE.parents[1] / 'docs/exchanges.md'
FIRST, LAST = '<!-- table: made by tests/clients -->', '<!-- end of the table -->'
CALLS = ['balance', 'ticker', 'create', 'open orders', 'cancel', 'denied']
DID, FAILED, ABSENT = '✓', 'failed', '–'


class Table:
    def __init__(self):
        # (exchange, client) -> call -> outcome
        self.rows = {}

    @contextlib.contextmanager
    def cell(self, exchange, client, call):
        """Notes whether the call inside succeeds; for a denied call what the client makes of it."""
        row = self.rows.setdefault((exchange, client), {})
        said = Said()
        row[call] = FAILED
        yield said
        row[call] = said.text

    def differing(self, whole):
        """Cells that the document shows otherwise; with `whole` also what only the document has."""
        shown, committed = set(self.cells()), set(committed_cells())
        return sorted(shown - committed) + (sorted(committed - shown) if whole else [])

    def write(self, whole):
        """A part of the tests writes only what it has seen."""
        known = {} if whole else {cell[:3]: cell[3] for cell in committed_cells()}
        text = DOCUMENT.read_text()
        before, after = text.partition(FIRST)[0], text.partition(LAST)[2]
        table = written(known | {cell[:3]: cell[3] for cell in self.cells()})
        DOCUMENT.write_text(f'{before}{FIRST}\n\n{table}\n\n{LAST}{after}')

    def cells(self):
        """(exchange, client, call, outcome) of every cell."""
        for (exchange, client), row in self.rows.items():
            yield from ((exchange, client, call, outcome) for call, outcome in row.items())


class Said:
    text = DID

    def refused(self, name):
        self.text = f'`{name}`'


def written(cells):
    lines = [line(['exchange', 'client', *CALLS]), line(['---'] * (2 + len(CALLS)))]
    for exchange, client in sorted({cell[:2] for cell in cells}):
        lines.append(line([exchange, client, *(cells.get((exchange, client, call), ABSENT) for call in CALLS)]))
    return '\n'.join(lines)


def line(fields):
    return f'| {" | ".join(fields)} |'


def committed_cells():
    found = re.search(f'{re.escape(FIRST)}\n(.*?){re.escape(LAST)}', DOCUMENT.read_text(), re.DOTALL)
    for row in found[1].strip().splitlines()[2:]:
        exchange, client, *outcomes = [field.strip() for field in row.strip('|').split('|')]
        told = zip(CALLS, outcomes, strict=True)
        yield from ((exchange, client, call, outcome) for call, outcome in told if outcome != ABSENT)


def named(client, more=''):
    """A client of Python in the table, with the version that is pinned."""
    pinned = (HERE / 'requirements.txt').read_text() + (HERE / 'requirements-freqtrade.txt').read_text()
    version = re.search(f'^{re.escape(client)}==(.*)$', pinned, re.MULTILINE)[1]
    return f'{client.replace("_", "-")} {version}{more}'


def in_node():
    version = json.loads((HERE / 'package.json').read_text())['dependencies']['ccxt']
    return f'ccxt {version}, node'


@pytest.fixture(scope='session')
def table():
    return Table()


def is_whole(config):
    """Whether nothing was left out on the command line."""
    chosen = [pathlib.Path(argument) for argument in config.args]
    return not config.option.keyword and not config.option.markexpr and all(path.is_dir() for path in chosen)


def writes():
    return os.environ.get('WRITE_FILES') == '1'
