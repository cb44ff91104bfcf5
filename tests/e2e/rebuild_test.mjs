// Head office on a backup: what it had published is given back from below, and nothing is there twice.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allCosigned, makeChain, twoStores, withoutDoubt } from './chain.mjs';
import { good, scenario, seeded, tallystick, until } from './lib.mjs';
import { Till } from './till.mjs';

const lines = [{ product: 1, quantity: 1 }];
const cash = { lines, tenders: [{ kind: 'cash', amount: 1250 }] };

await scenario('head office on a backup', 240, async (t) => {
  const { nodes, cards } = await makeChain(t, twoStores, { cards: 3, configOf: withoutDoubt });
  const { hq, store, other } = nodes;
  const tills = {};
  for (const node of [store, other]) {
    tills[node.name] = new Till(node, await node.pair(), seeded(1), cards);
    t.finally(() => tills[node.name].close());
  }
  const approve = async (name, path, body) => {
    const a = await tills[name].act(path, body);
    assert.equal(a.status, 200, JSON.stringify(a.body));
  };
  const byCard = { card: cards[0], lines, tenders: [{ kind: 'card', amount: 1250 }] };
  await approve('store', '/api/v1/topups', { card: cards[0], amount: 10_000, tender: 'cash' });
  await allCosigned(store);

  const backup = join(t.dir, 'backup');
  await good(['backup', '--data', hq.data, '--to', backup]);
  // What head office decides and passes on from here is lost with its database.
  await good(['card', '--data', hq.data, '--card', cards[2], '--state', 'frozen']);
  const issue = async (name) => {
    const csv = join(t.dir, `${name}.csv`);
    await good(['issue', '--data', hq.data, '--count', '1', '--prefix', '9704', '--csv', csv]);
    return readFileSync(csv, 'utf8').trim().split('\r\n').at(-1).split(',')[0];
  };
  const early1 = await issue('before');
  await approve('other', '/api/v1/sales', byCard);
  await approve('store', '/api/v1/sales', byCard);
  for (const node of [store, other]) await allCosigned(node);
  const life = (await hq.status()).epoch;

  await other.stop();
  await hq.child.kill();
  const long = await tallystick(['restore', '--data', hq.data, '--from', backup]);
  assert.match(long.err, /--even-if-longer/);
  const done = await good(['restore', '--data', hq.data, '--from', backup, '--even-if-longer']);
  assert.match(done.out, /^Restored node 1 .*\nStart head office/);
  await hq.start();
  const waits = await until('head office to have heard one of two', async () => {
    const s = await hq.status();
    return s.rebuilding && s.rebuilding.silent.length === 1 && s;
  });
  assert.deepEqual(waits.rebuilding.silent, [3]);
  assert.match((await good(['status', '--data', hq.data])).out, /ON A BACKUP .*waits for node 3/);
  const early = await tallystick(['card', '--data', hq.data, '--card', cards[1], '--state', 'frozen']);
  assert.equal(early.code, 1, early.out);
  assert.match(early.err, /runs on a backup/);
  t.step('it decides nothing before all have answered');

  // A store that trades without its head office does so meanwhile.
  await approve('store', '/api/v1/sales', cash);
  await other.start();
  const now = await until('head office to go on', async () => {
    const s = await hq.status();
    return s.rebuilding === null && s;
  });
  assert.notEqual(now.epoch, life);
  for (const node of [store, other]) await allCosigned(node);
  // It knows that it froze that card: what it says next comes after it.
  assert.match((await good(['card', '--data', hq.data, '--card', cards[2], '--state', 'active'])).out, /is active .*version 2 /);
  // 100.00 less two sales before; six more, wherever the money lies, and no seventh.
  for (let i = 0; i < 6; ++i) {
    const name = i % 2 === 0 ? 'other' : 'store';
    await until('a sale by card', async () => (await tills[name].act('/api/v1/sales', byCard)).status === 200);
  }
  assert.equal((await tills.other.act('/api/v1/sales', byCard)).body.error, 'insufficient');
  assert.equal((await tills.store.act('/api/v1/sales', byCard)).body.error, 'insufficient');
  for (const node of [store, other]) await allCosigned(node);
  const settled = JSON.parse((await good(['settlement', '--data', hq.data, '--format', 'json'])).out);
  assert.deepEqual([settled.agrees, settled.money, settled.on_cards], [true, 0, 0]);
  // A card that was made in the part that is lost is another one than the next that is made.
  const late = await issue('after');
  await approve('store', '/api/v1/topups', { card: early1, amount: 5_000, tender: 'cash' });
  const none = await until('the new card to be known', async () => {
    const a = await tills.store.act('/api/v1/sales', { ...byCard, card: late });
    return a.body.error !== 'unknown_card' && a;
  });
  assert.equal(none.body.error, 'insufficient');
  await approve('store', '/api/v1/sales', { ...byCard, card: early1 });
  t.step('it went on, and nothing is there twice');

  // Once more, from the same backup: what the life since then had published is given back as well.
  await other.stop();
  await hq.stop();
  const later = now.epoch;
  await good(['restore', '--data', hq.data, '--from', backup, '--even-if-longer']);
  await hq.start();
  await until('head office to have the later life back', async () => {
    const r = (await hq.status()).rebuilding;
    return r?.later === 1 && r.newer.length === 0 && r.silent.length === 1;
  });
  assert.match((await good(['status', '--data', hq.data])).out, /also of what a later restore began; waits\s+for node 3/);
  await other.start();
  const again = await until('head office to go on once more', async () => {
    const s = await hq.status();
    return s.rebuilding === null && s;
  });
  assert.ok(![life, later].includes(again.epoch));
  for (const node of [store, other]) await allCosigned(node);
  await approve('store', '/api/v1/topups', { card: cards[0], amount: 1_250, tender: 'cash' });
  await allCosigned(store);
  await until('a sale by card', async () => (await tills.other.act('/api/v1/sales', byCard)).status === 200);
  assert.equal((await tills.store.act('/api/v1/sales', byCard)).body.error, 'insufficient');
  for (const node of [store, other]) await allCosigned(node);
  const books = JSON.parse((await good(['settlement', '--data', hq.data, '--format', 'json'])).out);
  assert.equal(books.agrees, true);
  // What was loaded onto and spent with the other card before the last restore; of this one all is spent.
  assert.equal(books.money, settled.money + 5_000 - 1_250);
  t.step('it goes on from one backup twice');

  await other.stop();
  await hq.stop();
  const newest = join(t.dir, 'newest');
  await good(['backup', '--data', hq.data, '--to', newest]);
  await good(['restore', '--data', hq.data, '--from', newest]);
  await hq.start();
  await until('head office to wait', async () => (await hq.status()).rebuilding?.silent.length === 1);
  await hq.stop();
  const noted = await good(['restore', '--data', hq.data, '--without', '3']);
  assert.match(noted.out, /^Noted/);
  await hq.start();
  await until('head office to go on without node 3', async () => (await hq.status()).rebuilding === null, 60_000);
  await other.start();
  for (const node of [store, other]) await allCosigned(node);
  t.step('it goes on without who does not answer');
  for (const node of [hq, store, other]) await node.stop();
  for (const node of [hq, store, other]) await node.audit();
});
