// A store's data directory and a copy of it run at once: both notice that the other one took their connection and live
// on under names of their own, head office names them as two, and what was written under the same numbers before that
// is on one of the disks alone and said so.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Node, allCosigned, makeChain, twoStores } from './chain.mjs';
import { good, scenario, seeded, tallystick, until } from './lib.mjs';
import { Till } from './till.mjs';

const TURNS_MS = 240_000; // each waits up to a minute before it takes the connection again
const CASH = { lines: [{ product: 1, quantity: 1 }], tenders: [{ kind: 'cash', amount: 1250 }] };

await scenario('twin', 900, async (t) => {
  const { nodes, cards } = await makeChain(t, twoStores, { cards: 3 });
  const { hq, store, other } = nodes;
  const paired = await store.pair();
  const tillOf = async (node) => {
    const till = new Till(node, paired, seeded(1), cards);
    t.finally(() => till.close());
    till.counter = (await node.http.call('GET', '/api/v1/till', undefined, { token: paired.token })).body.next_counter;
    return till;
  };
  const approved = async (till, path, body) => {
    const a = await till.act(path, body);
    assert.equal(a.status, 200, JSON.stringify(a.body));
    return a.body.id;
  };
  const topUps = async (node) => {
    const till = await tillOf(node);
    const ids = [];
    for (let i = 0; i < 3; ++i)
      ids.push(await approved(till, '/api/v1/topups', { card: cards[0], amount: 2_000, tender: 'cash' }));
    return ids;
  };
  await topUps(store);
  await allCosigned(store);
  const life = (await store.status()).epoch;
  await store.stop();
  const copy = new Node(t, 'copy', 'store');
  cpSync(store.data, copy.data, { recursive: true });
  await copy.ports();
  copy.id = store.id;
  const both = [store, copy];

  // Both without a line: each gives receipts with the same numbers, and nobody can know.
  const ids = [];
  for (const node of both) {
    node.writeConfig(undefined);
    await node.start();
    ids.push(await topUps(node));
    await node.stop();
    node.writeConfig(hq);
  }
  assert.deepEqual(ids[0], ids[1]);
  await store.start();
  await allCosigned(store);
  assert.equal((await store.status()).epoch, life);
  const rowOf = async (node) => (await hq.status()).below.find((it) => it.node === node.id);
  assert.equal((await rowOf(store)).forked, false);
  const began = Date.now();
  await copy.start();
  await until('head office to name them', async () => (await rowOf(store)).forked);
  t.step(`named ${Date.now() - began} ms after the copy had been started`);
  assert.equal((await rowOf(other)).forked, false);
  assert.match((await good(['status', '--data', hq.data])).out, /TWO MACHINES/);
  assert.match(readFileSync(hq.child.log, 'utf8'), /two machines run with the key of node 2/);
  for (const node of both) {
    await until(`${node.name} to live under a name of its own`, async () => (await node.status()).epoch !== life);
    const told = async () => /another process/.test((await node.status()).link_why);
    await until(`${node.name} to say why its link is down`, told);
  }
  const lives = await Promise.all(both.map(async (node) => (await node.status()).epoch));
  assert.notEqual(lives[0], lives[1]);

  // The copy's history under these numbers came up second.
  const behind = (await copy.status()).left_behind;
  assert.deepEqual(behind.map((it) => it.of_tills), [3]);
  assert.match((await good(['status', '--data', copy.data])).out, /LEFT\s+BEHIND/);
  assert.deepEqual((await store.status()).left_behind, []);
  t.step('both live on under names of their own, and the copy names what nobody took of it');

  // No card value moves, so nobody pays for a card that counts for nothing; what is sold for cash comes up in turns.
  for (const node of both) {
    const till = await tillOf(node);
    const more = { counter: till.counter, card: cards[0], amount: 2_000, tender: 'cash' };
    const refused = await till.settle('/api/v1/topups', more);
    assert.deepEqual([refused.status, refused.body.error], [409, 'rolled_back'], JSON.stringify(refused.body));
    await approved(till, '/api/v1/sales', CASH);
  }
  for (const node of both)
    await until(
      `head office to have all that ${node.name} wrote in its own life`,
      async () => {
        const s = await node.status();
        return s.hq_cosigned === s.entries || Promise.reject(new Error(JSON.stringify([s.entries, s.hq_cosigned])));
      },
      TURNS_MS,
    );
  assert.ok((await rowOf(store)).forked);
  t.step('what either sells is at head office');

  for (const node of both) await node.stop();
  const stick = join(t.dir, 'stick');
  mkdirSync(stick);
  const saved = await tallystick(['rescue', '--disk', copy.data, '--to', stick]);
  assert.equal(saved.code, 0, saved.out + saved.err);
  assert.match(saved.err, /3 of tills, nobody acknowledged any/);
  const journal = readFileSync(join(stick, `left-behind-${store.id}.journal`), 'utf8');
  assert.equal(journal.match(/\) top_up, terminal/g)?.length, 3, journal);
  t.step('what nobody took is written down');

  // Another machine with keys of its own ends it.
  const token = (await good(['invite', '--data', hq.data, '--replace', String(store.id)])).out.trim();
  const next = new Node(t, 'next', 'store');
  await next.ports();
  await good(['enrol', '--data', next.data, '--token', token]);
  next.writeConfig(hq);
  await next.start();
  next.id = store.id;
  await until('the new machine to be given quota', async () => (await next.status()).quota_left > 0);
  assert.equal((await rowOf(store)).forked, false);
  await allCosigned(next);
  t.step('another machine took their place');
  for (const node of [next, other, hq]) await node.stop();
  for (const node of [next, other, hq]) await node.audit();
});
