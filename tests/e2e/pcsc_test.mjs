// A chip reader for real: pcscd, vsmartcard's virtual reader, a virtual card, a node, a till that hears of it. Inside
// network and mount namespaces, because pcscd's socket has a fixed place and the virtual reader listens everywhere.
//
//   node tests/e2e/pcsc_test.mjs                        # some insertions
//   TALLY_INSERTIONS=1000 node tests/e2e/pcsc_test.mjs  # and what each costs
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { deviceState, insideNamespaces, listen, oneStore } from './devices_lib.mjs';
import { good, hasCommand, scenario, skip, sleep, until } from './lib.mjs';

const DRIVER = '/usr/lib/pcsc/drivers/serial/libifdvpcd.so';
const INSERTIONS = Number(process.env.TALLY_INSERTIONS ?? 30);
const KNOWN = '04A1B2C3D4E580';

/** The virtual card's process: commands go in, what happened comes out. */
class VirtualCard {
  constructor(t) {
    this.said = [];
    this.child = spawn('python3', [fileURLToPath(new URL('vcard.py', import.meta.url))], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    createInterface({ input: this.child.stdout }).on('line', (line) => this.said.push(JSON.parse(line)));
    t.finally(() => this.child.kill('SIGKILL'));
  }
  tell = (line) => this.child.stdin.write(`${line}\n`);
  heard = (event, ms = 20_000) =>
    until(
      `the card to say ${event}`,
      () => {
        const i = this.said.findIndex((it) => it.event === event);
        return i >= 0 && this.said.splice(i, 1)[0];
      },
      ms,
    );
}

class Service {
  constructor(t) {
    this.t = t;
    this.config = join(t.dir, 'readers');
    mkdirSync(this.config);
    writeFileSync(
      join(this.config, 'vpcd'),
      `FRIENDLYNAME "Virtual PCD"\nDEVICENAME /dev/null:0x8C7B\nLIBPATH ${DRIVER}\nCHANNELID 0x8C7B\n`,
    );
  }
  start() {
    this.child = this.t.start('pcscd', 'pcscd', ['-f', '-i', '-c', this.config]);
  }
  kill = () => this.child.kill();
}

const resources = (pid) => ({
  files: readdirSync(`/proc/${pid}/fd`).length,
  threads: readdirSync(`/proc/${pid}/task`).length,
  rss_kb: Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]),
});

await scenario('pcsc', 240 + INSERTIONS, async (t) => {
  if (!hasCommand('pcscd') || !existsSync(DRIVER)) skip('pcscd and vsmartcard-vpcd are not installed');
  if (!hasCommand('python3')) skip('python3 is not installed');
  insideNamespaces(import.meta.url, ['/run/pcscd']);

  const { hq, store, cards } = await oneStore(t, '[chip]\nreader = "any"');
  const { events, till } = await listen(t, store);
  const state = (wanted) =>
    until(`the chip reader to be ${wanted}`, async () => (await deviceState(store, till.token, 'chip')) === wanted);
  const uids = join(t.dir, 'uids.txt');
  writeFileSync(uids, '# two chips\n04:a1:b2:c3:d4:e5:80\n04A1B2C3D4E581\n');
  await good(['issue', '--data', hq.data, '--uids', uids]);
  await state('no_service');
  const service = new Service(t);
  service.start();
  await state('ready');
  const card = new VirtualCard(t);
  t.step('the node found the card service, the service found the reader');

  await firstTaps(t, { store, events, till, card, cards });
  await tornCard(t, { events, card });

  await service.kill();
  await state('no_service');
  card.tell('remove');
  await sleep(300);
  service.start();
  await state('ready');
  card.tell(`insert ${KNOWN}`);
  await events.next('card', (it) => it.number === `uid:${KNOWN}`);
  card.tell('remove');
  await events.next('card_removed');
  t.step('the card service was killed and came back');

  await manyInsertions(t, { store, events, card });
});

/** A chip known by its UID, one with our number in it, a removal. The till looks the card up as it always does. */
async function firstTaps(t, { store, events, till, card, cards }) {
  card.tell(`insert ${KNOWN}`);
  const tap = await events.next('card');
  assert.deepEqual(tap.data, { number: `uid:${KNOWN}`, masked: '**** E580', source: 'chip', kind: 'iso14443_4' });
  const known = await until('the card to be known at the store', async () => {
    const a = await store.http.call('POST', '/api/v1/cards/lookup', { card: tap.data.number }, { token: till.token });
    return a.status === 200 && a.body;
  });
  assert.equal(known.status, 'active');
  card.tell('remove');
  await events.next('card_removed');
  card.tell(`insert 04112233445566 ${cards[0]}`);
  assert.equal((await events.next('card')).data.number, cards[0]);
  card.tell('remove');
  await events.next('card_removed');
  const stranger = { card: 'uid:04FFFFFFFFFFFF' };
  assert.equal((await store.http.call('POST', '/api/v1/cards/lookup', stranger, { token: till.token })).status, 404);
  t.step('a chip by its UID, a chip by its number, a stranger');
}

/** Pulled in the middle of a read, at each of its exchanges; a phone's random number. */
async function tornCard(t, { events, card }) {
  for (const after of [0, 1]) {
    card.tell(`insert-tearing 04A1B2C3D4E581 ${after}`);
    await card.heard('torn');
    assert.deepEqual((await events.next('misread')).data, { device: 'chip', reason: 'torn' });
    await card.heard('gone');
    await sleep(1_000); // pcscd looks at this reader every 400 ms; what is back sooner was never away to it
  }
  card.tell('insert 083F2177');
  assert.deepEqual((await events.next('misread')).data, { device: 'chip', reason: 'random_id' });
  card.tell('remove');
  await card.heard('removed');
  assert.equal(events.all('card').length, 0, 'a torn read is no card');
  t.step('torn reads and a phone are misreads');
}

/** Each insertion is one event, in order; nothing is left open. Prints what was measured, asserts no duration. */
async function manyInsertions(t, { store, events, card }) {
  await sleep(1_000);
  const before = resources(store.child.pid);
  card.said.length = 0;
  card.tell(`repeat 04AABB ${INSERTIONS}`);
  await card.heard('repeated', 60_000 + INSERTIONS * 2_000);
  const expected = Array.from({ length: INSERTIONS }, (_, i) =>
    `uid:04AABB${i.toString(16).toUpperCase().padStart(6, '0')}`,
  );
  await until('the last card', () => events.all('card').at(-1)?.data.number === expected.at(-1));
  const got = events.all('card');
  assert.deepEqual(got.map((it) => it.data.number), expected);
  assert.equal(events.all('misread').length, 0);
  await until('the last removal', () => events.all('card_removed').length === INSERTIONS);
  const atr = new Map(card.said.filter((it) => it.event === 'atr').map((it) => [`uid:${it.uid.toUpperCase()}`, it.at]));
  const ms = got
    .map((it) => (Number(it.at) - atr.get(it.data.number)) / 1e6)
    .sort((x, y) => x - y);
  const at = (share) => ms[Math.min(ms.length - 1, Math.floor(ms.length * share))].toFixed(1);
  await sleep(1_000);
  const after = resources(store.child.pid);
  assert.ok(after.files <= before.files + 2, `open files: ${before.files} before, ${after.files} after`);
  assert.ok(after.threads <= before.threads, `threads: ${before.threads} before, ${after.threads} after`);
  assert.ok(after.rss_kb <= before.rss_kb + 8_192 + INSERTIONS, `memory: ${before.rss_kb} KiB, then ${after.rss_kb} KiB`);
  t.step(
    `${INSERTIONS} insertions, none missed; card powered to till informed: median ${at(0.5)} ms, ` +
      `99 % ${at(0.99)} ms, most ${at(1)} ms; memory ${before.rss_kb} to ${after.rss_kb} KiB, ` +
      `open files ${before.files} to ${after.files}`,
  );
}
