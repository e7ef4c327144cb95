"""Keeps a table in docs/performance.md, with the command that made it: `keep.py PART COMMAND < TABLE`."""
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

DOCUMENT = Path(__file__).parent.parent / 'docs/performance.md'


def main(part, command, table):
    begin, end = f'<!-- {part} -->\n', f'<!-- end of {part} -->\n'
    before, rest = DOCUMENT.read_text().split(begin)
    _, after = rest.split(end)
    made = f'`{command}`, {time.strftime("%Y-%m-%d")}, commit {commit()}, {machine()}'
    DOCUMENT.write_text(f'{before}{begin}\n{made}\n\n{table.strip()}\n\n{end}{after}')


def commit():
    told = subprocess.run(['git', 'describe', '--always', '--dirty'], cwd=DOCUMENT.parent, capture_output=True, text=True)
    return told.stdout.strip() or 'unknown'


def machine():
    with open('/proc/cpuinfo') as file:
        model = next((line.split(':', 1)[1].strip() for line in file if line.startswith('model name')), platform.machine())
    with open('/etc/os-release') as file:
        system = next(line.split('=', 1)[1].strip().strip('"') for line in file if line.startswith('PRETTY_NAME='))
    return f'{os.cpu_count()} × {model}, {system}'


if __name__ == '__main__':
    main(*sys.argv[1:], sys.stdin.read())
