"""Programs that are started, kept on one CPU, measured and stopped: by their process ids, never by name."""
import contextlib
import glob
import os
import socket
import subprocess
import time

TICK = os.sysconf('SC_CLK_TCK')


class Program:
    """A program in a session of its own, with everything it starts."""

    def __init__(self, name, command, cpu, state, environment=None, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL):
        self.name, self.log = name, f'{state}/{name}.log'

        def on_its_cpu():
            os.setsid()
            os.sched_setaffinity(0, {cpu})
        with open(self.log, 'wb') as log:
            self.process = subprocess.Popen(
                command, env={**os.environ, **(environment or {})}, stdin=stdin, stdout=stdout, stderr=log, text=True,
                preexec_fn=on_its_cpu)

    def pids(self):
        """The program and everything below it."""
        return below([self.process.pid])

    def stop(self):
        family = self.pids()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for pid in family:  # what outlived its parent
            with contextlib.suppress(OSError):
                if os.getsid(pid) == self.process.pid:
                    os.kill(pid, 9)

    def wait_for(self, port, seconds=30):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                socket.create_connection(('127.0.0.1', port), 1).close()
                return
            time.sleep(0.05)
        raise SystemExit(f'{self.name} does not listen:\n{self.last_words()}')

    def last_words(self):
        with open(self.log, errors='replace') as log:
            return log.read()[-2000:]


def below(pids):
    """These processes and all their descendants."""
    children = {}
    for path in glob.glob('/proc/[0-9]*/stat'):
        with contextlib.suppress(OSError):
            children.setdefault(int(stat(path)[1]), []).append(int(path.split('/')[2]))
    found, todo = [], list(pids)
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def is_postgres(pid):
    with contextlib.suppress(OSError):
        with open(f'/proc/{pid}/comm') as comm:
            return comm.read().strip() == 'postgres'
    return False


def stat(path):
    """The fields behind the name: state, parent, ..."""
    with open(path) as file:
        return file.read().rsplit(')', 1)[1].split()


def cpu_seconds(pids):
    """User and system time of these processes and of their children that have ended."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            ticks += sum(int(field) for field in stat(f'/proc/{pid}/stat')[11:15])
    return ticks / TICK


def busy_seconds():
    """CPU time of everybody on the machine."""
    with open('/proc/stat') as file:
        user, nice, system, _, _, interrupts, soft = (int(field) for field in file.readline().split()[1:8])
    return (user + nice + system + interrupts + soft) / TICK


def resident_mib(pids):
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            with open(f'/proc/{pid}/statm') as file:
                total += int(file.read().split()[1])
    return total * os.sysconf('SC_PAGE_SIZE') / 2**20


def pin(pids, cpus):
    for pid in pids:
        for task in glob.glob(f'/proc/{pid}/task/*'):
            with contextlib.suppress(OSError):
                os.sched_setaffinity(int(task.rsplit('/', 1)[1]), cpus)


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]
