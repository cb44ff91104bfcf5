#!/usr/bin/env python3
"""Serial devices for tests: pseudo-terminals behind links, steered line by line from standard input.

plug PATH | unplug PATH | send PATH HEX | expect PATH HEX (what was sent to it must end so, within 10 s)
rewriter PATH (a printer of rewritable cards answers there from now on, as Star's manual says)
card PATH HEX (it gets a card; its new text must hold these octets, within 10 s)
Prints "done", or what went wrong."""
import os
import pty
import select
import sys
import threading
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


def frame(body):
    check = 0
    for octet in body + b"\x03":
        check ^= octet
    return b"\x02" + body + b"\x03" + bytes([check])


class Rewriter:
    """A printer of rewritable cards: answers each command, and the one that erases and prints when a card is put in."""

    def __init__(self, path):
        self.master, self.inserted, self.card = masters[path][0], threading.Event(), None
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        got, text, waits = b"", b"", False
        while True:
            ready, _, _ = select.select([self.master], [], [], 0.05)
            if ready:
                got += os.read(self.master, 4096)
            if waits and self.inserted.is_set():
                self.inserted.clear()
                self.card, waits = text, False
                os.write(self.master, frame(b"\x46 "))
            start = got.find(b"\x02")
            stop = got.find(b"\x03", start + 1)
            if start < 0 or stop < 0 or stop + 1 >= len(got):
                continue
            body, whole, got = got[start + 1 : stop], got[start : stop + 2], got[stop + 2 :]
            if frame(body) != whole:
                os.write(self.master, b"\x15")
                continue
            if body[:1] == b"\x41":
                text = body[1:]
            waits = body[:1] == b"\x46" or (waits and body[:1] != b"\x54")
            if body[:1] != b"\x46":
                os.write(self.master, frame(body[:1] + b" " + (b"000000" if body[:1] == b"\x59" else b"")))


def card(path, wanted):
    rewriters[path].card = None
    rewriters[path].inserted.set()
    end = time.monotonic() + 10
    while time.monotonic() < end and rewriters[path].card is None:
        time.sleep(0.02)
    if rewriters[path].card is None or wanted not in rewriters[path].card:
        raise ValueError(f"expected {wanted!r} on the card, got {rewriters[path].card!r}")


rewriters = {}
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
        elif words[0] == "rewriter":
            rewriters[words[1]] = Rewriter(words[1])
        elif words[0] == "card":
            card(words[1], bytes.fromhex(words[2]))
        print("done", flush=True)
    except (OSError, KeyError, ValueError) as problem:
        print(f"{words}: {problem}", flush=True)
