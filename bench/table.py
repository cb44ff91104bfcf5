"""Prints the table of bench/run from lines "name value", one line of each name per round, in order."""
import statistics
import sys

ROWS = [  # what, figure, unit, decimals
    ("append + fdatasync, p50", "raw_p50_us", "us", 0),
    ("append + fdatasync, p99", "raw_p99_us", "us", 0),
    ("in process, 1 client, p50", "road1_p50_us", "us", 0),
    ("in process, 1 client, p99", "road1_p99_us", "us", 0),
    ("in process, 64 clients", "road64_per_s", "sales/s", 0),
    ("in process, 64 clients, p50", "road64_p50_us", "us", 0),
    ("in process, 64 clients, p99", "road64_p99_us", "us", 0),
    ("in process, 1 client, processor", "road1_cpu_us", "us/sale", 1),
    ("in process, 64 clients, processor", "road64_cpu_us", "us/sale", 1),
    ("HTTP, 1 client, p50", "http1_p50_us", "us", 0),
    ("HTTP, 1 client, p99", "http1_p99_us", "us", 0),
    ("HTTP, 64 clients", "http64_per_s", "sales/s", 0),
    ("HTTP, 64 clients, p50", "http64_p50_us", "us", 0),
    ("HTTP, 64 clients, p99", "http64_p99_us", "us", 0),
    ("PostgreSQL, 1 client, p50", "postgres1_p50_us", "us", 0),
    ("PostgreSQL, 64 clients", "postgres64_per_s", "sales/s", 0),
    ("PostgreSQL, 64 clients, p99", "postgres64_p99_us", "us", 0),
    ("PostgreSQL, 64 clients, a sales row each", "postgres64own_per_s", "sales/s", 0),
    ("PostgreSQL, a sales row each, p99", "postgres64own_p99_us", "us", 0),
    ("history written", "book_entries_per_s", "entries/s", 0),
    ("start to first sale, in process", "long_start_ms", "ms", 0),
    ("start to first sale, tallystick over HTTP", "long_node_start_ms", "ms", 0),
    ("memory in process, after 20,000 sales", "long_highest_rss_kib", "KiB", 0),
    ("memory of tallystick after the load, history", "long_node_highest_rss_kib", "KiB", 0),
    ("memory of tallystick after 64 clients", "node_highest_rss_kib", "KiB", 0),
]
RATIOS = [  # what, figure, divided by, aim
    ("in process, 1 client p50 / append + fdatasync", "road1_p50_us", "raw_p50_us", "<= 2"),
    ("HTTP, 1 client p50 / append + fdatasync", "http1_p50_us", "raw_p50_us", "<= 3"),
    ("in process, 64 clients / PostgreSQL", "road64_per_s", "postgres64_per_s", ">= 10"),
    ("in process, 64 clients / PostgreSQL, a row each", "road64_per_s", "postgres64own_per_s", ">= 10"),
    ("HTTP, 64 clients / PostgreSQL", "http64_per_s", "postgres64_per_s", ">= 5"),
    ("HTTP, 64 clients / PostgreSQL, a row each", "http64_per_s", "postgres64own_per_s", ">= 5"),
]


def read(path):
    figures = {}
    with open(path, encoding="ascii") as lines:
        for line in lines:
            name, value = line.split()
            figures.setdefault(name, []).append(float(value))
    return figures


def line(what, values, unit, decimals):
    low, mid, high = min(values), statistics.median(values), max(values)
    print(f"| {what} | {low:,.{decimals}f} | {mid:,.{decimals}f} | {high:,.{decimals}f} | {unit} |")


def main():
    figures = read(sys.argv[1])
    print(f"{sys.argv[2]} rounds, entries of {figures['entry_octets'][0]:.0f} octets\n")
    print("| what | min | median | max | |\n|---|---|---|---|---|")
    for what, name, unit, decimals in ROWS:
        if name in figures:
            line(what, figures[name], unit, decimals)
    print("\n| ratio, round by round | min | median | max | aim |\n|---|---|---|---|---|")
    for what, top, bottom, aim in RATIOS:
        if top in figures and bottom in figures:
            line(what, [a / b for a, b in zip(figures[top], figures[bottom])], aim, 1)


if __name__ == "__main__":
    main()
