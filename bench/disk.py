"""How long the disk takes by itself to keep what was written: no commit is quicker."""
import os
import time

WRITTEN = 16 << 10  # bytes, as a commit of a few orders
PLACES = 256


def flushes(directory, rate, seconds):
    """How long each of so many flushes a second took, in milliseconds."""
    file = os.open(f'{directory}/flushes', os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        os.pwrite(file, bytes(WRITTEN * PLACES), 0)  # as in a log that is written over, no flush makes the file longer
        os.fsync(file)
        return [flushed(file, number % PLACES * WRITTEN, 1 / rate) for number in range(rate * seconds)]
    finally:
        os.close(file)


def flushed(file, place, pause):
    time.sleep(pause)
    began = time.monotonic()
    os.pwrite(file, os.urandom(WRITTEN), place)
    os.fdatasync(file)
    return (time.monotonic() - began) * 1e3
