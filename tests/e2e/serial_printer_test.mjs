// A printer on a serial line with a buffer that is shorter than a receipt: it says "wait", which the node obeys itself,
// and nothing is lost. Switched off and on again in mid-ticket, it prints the rest and proves it: the ticket comes again
// with its mark all the same.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { listen, oneStore } from './devices_lib.mjs';
import { hasCommand, scenario, skip } from './lib.mjs';

const PROGRAM = fileURLToPath(new URL('serial_printer.py', import.meta.url));
const LINES = 180;

class SerialPrinter {
  constructor(link, octetsPerSecond) {
    this.child = spawn('python3', [PROGRAM, link, String(octetsPerSecond)], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.answers = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }
  off = (seconds, octets) => this.child.stdin.write(`off ${seconds} ${octets}\n`);
  async report() {
    this.child.stdin.write('report\n');
    const it = JSON.parse((await this.answers.next()).value);
    return { ...it, tickets: it.paper.split('\x1dV').slice(0, -1) };
  }
  close = () => this.child.stdin.end();
}

/** Which of the receipt's lines are on that ticket: each has its own number of pieces. */
const linesOn = (ticket) => new Set([...ticket.matchAll(/(\d+) x /g)].map((it) => Number(it[1])));

await scenario('serial_printer', 300, async (t) => {
  if (!hasCommand('python3')) skip('the stand-in printer needs python3');
  const { store } = await oneStore(t, '');
  await store.stop();
  const line = `${store.data}-printer`;
  const printer = new SerialPrinter(line, 1500);
  t.finally(() => printer.close());
  store.writeConfig(
    store.parent,
    `[printer]\npath = "${line}"\nbaud = 19200\ncolumns = 42\ndrawer = "none"\n[receipt]\nlanguage = "en"`,
  );
  await store.start();
  const { events, till } = await listen(t, store);
  const get = async (path) => (await store.http.call('GET', path, undefined, { token: till.token })).body;
  let counter = (await get('/api/v1/till')).next_counter - 1;
  const sell = async (count) => {
    const lines = [...Array(count).keys()].map((i) => ({ product: 1, quantity: i + 2 }));
    const amount = lines.reduce((sum, it) => sum + it.quantity * 1250, 0);
    const body = { counter: ++counter, lines, tenders: [{ kind: 'cash', amount }] };
    const a = await store.http.call('POST', '/api/v1/sales', body, { token: till.token });
    assert.equal(a.status, 200, JSON.stringify(a.body));
    return a.body;
  };
  const ended = (receipt) =>
    events.next('print', (it) => it.receipt === receipt.id && it.state !== 'waiting', 120_000);

  const long = await sell(LINES);
  assert.equal((await ended(long)).data.state, 'printed');
  const first = await printer.report();
  assert.equal(first.lost, 0, 'a printer that says "wait" in time loses nothing');
  assert.ok(first.waits > 0, 'it had to say "wait"');
  assert.equal(first.tickets.length, 1);
  assert.equal(linesOn(first.tickets[0]).size, LINES);

  // Off for a moment in the middle of a receipt: nothing on the line tells of it but a missing mark.
  printer.off(1, 2500);
  const torn = await sell(LINES);
  assert.equal((await ended(torn)).data.state, 'possible_duplicate');
  const second = await printer.report();
  assert.ok(second.lost > 0);
  assert.equal(second.tickets.length, 3);
  assert.ok(linesOn(second.tickets[1]).size < LINES);
  assert.match(second.tickets[2], /POSSIBLE DUPLICATE/);
  assert.equal(linesOn(second.tickets[2]).size, LINES);

  const next = await sell(1);
  assert.equal((await ended(next)).data.state, 'printed');
  await store.stop();
});
