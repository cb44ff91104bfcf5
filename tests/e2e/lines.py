#!/usr/bin/env python3
"""Serial devices for tests: pseudo-terminals behind links, steered line by line from standard input.

plug PATH | unplug PATH | send PATH HEX | expect PATH HEX (what was sent to it must end so, within 10 s)
Prints "done", or what went wrong."""
import os
import pty
import select
import sys
import time
import tty

masters = {}


def plug(path):
    master, slave = pty.openpty()
    tty.setraw(slave)
    name = os.ttyname(slave)
    if os.path.islink(path):
        os.unlink(path)
    os.symlink(name, path)
    # The far end stays open, or the master would report a hang-up whenever nobody reads.
    masters[path] = (master, slave)


def unplug(path):
    os.unlink(path)
    for end in masters.pop(path):
        os.close(end)


def expect(path, wanted):
    got, end = b"", time.monotonic() + 10
    while time.monotonic() < end:
        ready, _, _ = select.select([masters[path][0]], [], [], 0.1)
        if ready:
            got += os.read(masters[path][0], 4096)
        if got.endswith(wanted):
            return
    raise ValueError(f"expected {wanted!r}, got {got!r}")


for line in sys.stdin:
    words = line.split()
    try:
        if words[0] == "plug":
            plug(words[1])
        elif words[0] == "unplug":
            unplug(words[1])
        elif words[0] == "send":
            os.write(masters[words[1]][0], bytes.fromhex(words[2]))
        elif words[0] == "expect":
            expect(words[1], bytes.fromhex(words[2]))
        print("done", flush=True)
    except (OSError, KeyError, ValueError) as problem:
        print(f"{words}: {problem}", flush=True)
