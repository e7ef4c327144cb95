"""The tables of `gateway.py`, as Markdown."""
from statistics import median

NAMES = {
    'nginx': 'nginx `proxy_pass`',
    'hyper': 'bare hyper-util proxy',
    'keygate': '**Keygate**, reads, every call on record',
    'fastapi': 'FastAPI sign-and-forward, no record',
    'orders': 'Keygate, orders, record committed first',
}
MOST_OF_HYPER, LEAST_OF_FASTAPI = 1.20, 100
LEAST_ORDERS, MOST_ADDED_MS = 2000, 10


def gateway(runs, orders, delays, options):
    orders, half, busy, flushed = orders
    added = [(one['p99'] - zero['p99']) / 1000 for one, zero in zip(busy['orders'], busy['upstream'])]
    lines = ['| server | requests/s | CPU µs/request | ÷ hyper-util | ÷ nginx | PostgreSQL µs/request | MiB |',
             '|---|--:|--:|--:|--:|--:|--:|']
    for name in runs[0]:
        lines.append(row(name, [figure for run in runs for figure in run[name]],
                         [[median(ratios(run, name, other, 'cpu')) for run in runs] for other in ('hyper', 'nginx')]))
    lines.append(row('orders', orders, ([], [])))
    lines += ['', *verdicts(runs), *of_orders([figure['rate'] for figure in orders], half, added), disk(flushed), '',
              *latencies(*delays), '', noise(runs, options.rounds, options.secs)]
    return '\n'.join(lines)


def row(name, figures, compared):
    to_hyper, to_nginx = (', '.join(f'{ratio:.2f}' for ratio in runs) or '–' for runs in compared)
    all_of = {key: [figure[key] for figure in figures] for key in ('rate', 'cpu', 'database', 'memory')}
    rate, cpu, database, memory = (median(values) for values in all_of.values())
    return (f"| {NAMES[name]} | {rate:,.0f} ({min(all_of['rate']):,.0f}–{max(all_of['rate']):,.0f}) | {cpu:,.1f} "
            f"| {to_hyper} | {to_nginx} | {f'{database:,.1f}' if database else '–'} | {memory:.0f} |")


def ratios(run, name, other, key):
    """Of neighbours: they shared whatever else the machine did."""
    return [mine[key] / theirs[key] for mine, theirs in zip(run[name], run[other])]


def verdicts(runs):
    cpu = [ratios(run, 'keygate', 'hyper', 'cpu') for run in runs]
    rate = [ratios(run, 'keygate', 'fastapi', 'rate') for run in runs]
    return [verdict(all(median(one) <= MOST_OF_HYPER for one in cpu),
                    f'CPU per request at most {MOST_OF_HYPER:.2f} times the bare hyper-util proxy', cpu, 2),
            verdict(all(median(one) >= LEAST_OF_FASTAPI for one in rate),
                    f'sign-and-forward at least {LEAST_OF_FASTAPI} times FastAPI', rate, 0)]


def of_orders(rates, half, added):
    return [verdict(median(rates) >= LEAST_ORDERS, f'orders on both CPUs at least {LEAST_ORDERS:,} a second', [rates], 0),
            verdict(median(added) < MOST_ADDED_MS and half * 2 >= LEAST_ORDERS,
                    f'an order delayed by less than {MOST_ADDED_MS} ms (p99) at {half:,} a second', [added], 1)]


def disk(flushed):
    """Commits wait for it. What it did in between tells whether a long delay was ours."""
    flushed = sorted(flushed)
    return (f'- The disk by itself, in between: a flush took {median(flushed):.2f} ms, one in a hundred '
            f'{flushed[len(flushed) * 99 // 100]:.2f}, the longest of {len(flushed):,} {flushed[-1]:.0f}.')


def verdict(passed, what, runs, digits):
    told = ', '.join(f'{median(run):.{digits}f} ({min(run):.{digits}f}–{max(run):.{digits}f})' for run in runs)
    return f'- {"PASS" if passed else "FAIL"}: {what}: {told}'


def latencies(rate, delays):
    """What a server adds to the upstream's own time."""
    lines = [f'| added delay at {rate} requests/s | p50 µs | p99 µs |', '|---|--:|--:|']
    bare = delays.pop('upstream')
    for name, rounds in delays.items():
        added = [median(one[key] - zero[key] for one, zero in zip(rounds, bare)) for key in ('p50', 'p99')]
        lines.append(f'| {NAMES[name]} | {added[0]:,.0f} | {added[1]:,.0f} |')
    return lines


def noise(runs, rounds, seconds):
    foreign = [figure['foreign'] for run in runs for figures in run.values() for figure in figures]
    return (f'{len(runs)} runs of {rounds} rounds of {seconds} s. Ratios: medians of the pairs of one round, a figure for '
            f'each run, with the range in brackets. Other programs used {max(0, median(foreign)):.2f} CPUs meanwhile '
            f'(median; at most {max(0, max(foreign)):.2f}).')
