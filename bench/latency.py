"""How long an answer takes at a steady rate, far below what the servers could do. A late request counts from when it
was due, so that a server which stops for a moment cannot hide it."""
import socket
import threading
import time
from statistics import median

CONNECTIONS = 8
WARM_UP = 0.5


def measure(contender, rate, seconds, connections=CONNECTIONS):
    """Median and 99th percentile, in microseconds."""
    count = int(rate * (seconds + WARM_UP))
    requests = [text.encode() for text in contender.fresh_requests()]
    took, failures = [], []
    begin = time.perf_counter() + 0.1

    def client(first):
        try:
            with socket.create_connection(('127.0.0.1', contender.port)) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for number in range(first, count, connections):
                    due = begin + number / rate
                    time.sleep(max(0, due - time.perf_counter()))
                    connection.sendall(requests[number % len(requests)])
                    answer(connection)
                    if number > rate * WARM_UP:
                        took.append((time.perf_counter() - due) * 1e6)
        except (OSError, ValueError) as error:
            failures.append(error)

    clients = [threading.Thread(target=client, args=(first,)) for first in range(connections)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    if failures:
        raise SystemExit(f'{contender.name}: {failures[0]}')
    took.sort()
    return {'p50': median(took), 'p99': took[len(took) * 99 // 100]}


def answer(connection):
    """Reads one answer to its end."""
    received = b''
    while b'\r\n\r\n' not in received:
        received += more(connection)
    head, body = received.split(b'\r\n\r\n', 1)
    if not head.startswith(b'HTTP/1.1 2'):
        raise ValueError(received.decode(errors='replace'))
    length = next(int(line.split(b':')[1]) for line in head.lower().split(b'\r\n') if line.startswith(b'content-length:'))
    while len(body) < length:
        body += more(connection)


def more(connection):
    received = connection.recv(65536)
    if not received:
        raise ValueError('the connection was closed')
    return received
