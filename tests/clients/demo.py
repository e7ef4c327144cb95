"""The demo exchange: built by cargo, or given by DEMO_EXCHANGE_BIN."""
import contextlib
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def running(venues):
    """The address of its page, and where each exchange is; it is gone afterwards."""
    process = subprocess.Popen([binary(), '--until-eof', '--unlimited'], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               text=True)
    try:
        address = process.stdout.readline().strip()
        yield address, dict(process.stdout.readline().split() for _ in venues)
    finally:
        process.terminate()
        process.wait(timeout=5)


def binary():
    if 'DEMO_EXCHANGE_BIN' in os.environ:
        return os.environ['DEMO_EXCHANGE_BIN']
    subprocess.run(['cargo', 'build', '--quiet', '-p', 'demo-exchange'], cwd=ROOT, check=True)
    return pathlib.Path(os.environ.get('CARGO_TARGET_DIR', ROOT / 'target')) / 'debug/demo-exchange'
