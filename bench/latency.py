"""How long an answer takes at a steady rate, far below what the servers could do."""
import json
import subprocess

CONNECTIONS = 8


class Latency:
    def __init__(self, binaries):
        self.program = f'{binaries}/steady'

    def measure(self, contender, rate, seconds, connections=CONNECTIONS):
        """Median and 99th percentile, in microseconds."""
        requests = '\0'.join(contender.fresh_requests()).encode()
        arguments = [str(number) for number in (contender.port, rate, seconds, connections)]
        ended = subprocess.run([self.program, *arguments], input=requests, capture_output=True)
        if ended.returncode:
            raise SystemExit(f'{contender.name}: {ended.stderr.decode(errors="replace")}')
        return json.loads(ended.stdout)
