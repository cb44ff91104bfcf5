"""A receipt printer on a pseudo-terminal, with a small receive buffer and XON/XOFF.

serial_printer.py LINK OCTETS_A_SECOND

Makes LINK point to the terminal. It knows process IDs (GS ( H), DLE EOT and clear buffers (DLE DC4 8). Commands, one a line:
  off SECONDS OCTETS   switched off for so long when it has received so many octets from now on
  report               answers with one line of JSON: octets that it lost, "wait"s that it said, and what is on paper
"""
import json
import os
import pty
import select
import sys
import time
import tty

BUFFER, WAIT_BELOW, GO_ABOVE = 1024, 128, 256
CLEAR = b"\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08"
LENGTHS = {0x10: {0x04: 3, 0x14: 5}, 0x1D: {0x28: 0, 0x61: 3}}


class Printer:
    def __init__(self, link, rate):
        self.rate = rate
        self.fd, far = pty.openpty()
        tty.setraw(far)
        os.symlink(os.ttyname(far), link)
        self.buffer, self.paper = bytearray(), bytearray()
        self.lost = self.waits = self.received = 0
        self.waiting, self.off_until, self.off_at, self.off_for = False, 0.0, None, 0.0
        self.credit, self.looked = 0.0, time.monotonic()

    def say(self, *octets):
        os.write(self.fd, bytes(octets))

    def receive(self, data, now):
        if now < self.off_until:
            self.lost += len(data)
            return
        if CLEAR in data:
            self.buffer.clear()
            self.say(0x37, 0x25, 0)
            data = data.replace(CLEAR, b"")
        for _ in range(data.count(b"\x10\x04")):
            self.say(0x12)
        self.received += len(data)
        room = BUFFER - len(self.buffer)
        self.buffer += data[:room]
        self.lost += max(len(data) - room, 0)
        if not self.waiting and BUFFER - len(self.buffer) < WAIT_BELOW:
            self.waiting = True
            self.waits += 1
            self.say(0x13)
        if self.off_at is not None and self.received >= self.off_at:
            self.lost += len(self.buffer)
            self.buffer.clear()
            self.off_at, self.off_until, self.waiting = None, now + self.off_for, True

    def print_some(self, now):
        self.credit = min(self.credit + (now - self.looked) * self.rate, 200)
        self.looked = now
        if now < self.off_until:
            return
        while self.credit >= 1 and len(self.buffer) >= 11 or self.credit >= 20 and self.buffer:
            head, second = self.buffer[0], self.buffer[1] if len(self.buffer) > 1 else 0
            if self.buffer[:3] == b"\x1d(H":
                if len(self.buffer) < 11:
                    break
                self.say(0x37, 0x22, *self.buffer[7:11], 0)
                del self.buffer[:11]
            elif LENGTHS.get(head, {}).get(second):
                del self.buffer[: LENGTHS[head][second]]
            else:
                self.paper.append(self.buffer.pop(0))
                self.credit -= 1
        if self.waiting and BUFFER - len(self.buffer) > GO_ABOVE:
            self.waiting = False
            self.say(0x11)

    def command(self, words):
        if words[:1] == ["off"]:
            self.off_for, self.off_at = float(words[1]), self.received + int(words[2])
        elif words[:1] == ["report"]:
            text = self.paper.decode("latin1")
            print(json.dumps({"lost": self.lost, "waits": self.waits, "paper": text}), flush=True)

    def run(self):
        while True:
            ready, _, _ = select.select([self.fd, sys.stdin], [], [], 0.002)
            now = time.monotonic()
            if self.fd in ready:
                self.receive(os.read(self.fd, 4096), now)
            self.print_some(now)
            if sys.stdin in ready:
                line = sys.stdin.readline()
                if not line:
                    return
                self.command(line.split())


Printer(sys.argv[1], float(sys.argv[2])).run()
