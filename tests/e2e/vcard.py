#!/usr/bin/env python3
"""A virtual chip card for vsmartcard's reader (vpcd), steered line by line from standard input.

insert UID [NUMBER] | insert-tearing UID AFTER | remove | repeat UIDHEAD COUNT | quit
Prints one JSON object a line: what happened, with the monotonic time in nanoseconds.
Protocol of vpcd: a length of two octets, big-endian, then the body. 00 off, 01 on, 02 reset, 04 ATR; else an APDU."""
import json
import os
import select
import socket
import struct
import sys
import time

PORT = int(os.environ.get("VPCD_PORT", "35963"))
ATR = bytes.fromhex("3B818001 8080")
AID = bytes.fromhex("F0") + b"TALLYSTICK"


def say(**what):
    what["at"] = time.monotonic_ns()
    print(json.dumps(what), flush=True)


class Card:
    """One insertion: connected is inserted."""

    def __init__(self, uid, number=None, tear_after=None):
        self.uid, self.number, self.tear_after = bytes.fromhex(uid), number, tear_after
        self.apdus, self.answered = 0, 0
        self.socket = socket.create_connection(("127.0.0.1", PORT), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.selected = False

    def close(self):
        self.socket.close()

    def read(self, size):
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                return None
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            data += part
        return data

    def serve_one(self):
        """Handles one request; False when the reader is gone or the card was torn out."""
        head = self.read(2)
        if head is None:
            return False
        body = self.read(struct.unpack(">H", head)[0])
        if body is None:
            return False
        if len(body) == 1:
            if body[0] == 4:
                self.send(ATR)
                say(event="atr", uid=self.uid.hex())
            return True
        self.apdus += 1
        if self.tear_after is not None and self.apdus > self.tear_after:
            self.close()
            say(event="torn", uid=self.uid.hex())
            return False
        self.send(self.answer(body))
        return True

    def send(self, data):
        self.socket.sendall(struct.pack(">H", len(data)) + data)

    def answer(self, apdu):
        if apdu[:2] == b"\xFF\xCA":
            return self.uid + b"\x90\x00"
        if apdu[:4] == b"\x00\xA4\x04\x00":
            self.selected = self.number is not None and apdu[5 : 5 + apdu[4]] == AID
            self.answered += not self.selected
            return b"\x90\x00" if self.selected else b"\x6A\x82"
        if apdu[:2] == b"\x00\xB2" and self.selected:
            packed = bytes.fromhex(self.number + "F" * (len(self.number) % 2))
            self.answered += 1
            return b"\x70" + bytes([len(packed) + 2]) + b"\x5A" + bytes([len(packed)]) + packed + b"\x90\x00"
        return b"\x6D\x00"


def repeat(head, count):
    """Many insertions, each of its own card, each taken out once it was read."""
    for i in range(count):
        card = Card(f"{head}{i:06X}")
        while not card.answered:
            if not card.serve_one():
                say(event="broken", at_insertion=i)
                return
        card.close()
        # The reader lets go of the old socket before it takes the next card.
        time.sleep(0.002)
    say(event="repeated", count=count)


def command(line, card):
    words = line.split()
    if words[0] == "insert":
        card = Card(words[1], words[2] if len(words) > 2 else None)
        say(event="inserted", uid=words[1])
    elif words[0] == "insert-tearing":
        card = Card(words[1], tear_after=int(words[2]))
        say(event="inserted", uid=words[1])
    elif words[0] == "remove":
        if card:
            card.close()
        card = None
        say(event="removed")
    elif words[0] == "repeat":
        repeat(words[1], int(words[2]))
    elif words[0] == "quit":
        sys.exit(0)
    return card


def main():
    card, pending = None, b""
    while True:
        watched = [0] + ([card.socket] if card else [])
        ready, _, _ = select.select(watched, [], [])
        if card and card.socket in ready:
            try:
                alive = card.serve_one()
            except OSError:
                alive = False
            if not alive:
                card.close()
                card = None
                say(event="gone")
        if 0 in ready:
            data = os.read(0, 4096)
            if not data:
                return
            pending += data
            while b"\n" in pending:
                line, pending = pending.split(b"\n", 1)
                try:
                    card = command(line.decode(), card)
                except OSError as problem:
                    say(event="failed", why=str(problem))


main()
