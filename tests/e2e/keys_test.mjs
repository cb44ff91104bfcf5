// New keys of a running store and of a running region: a card's money is there again afterwards, once, also at a store
// that was off meanwhile and after kill -9 in the middle; every node's ledger stands.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { allCosigned, makeChain, withoutDoubt } from './chain.mjs';
import { good, scenario, tallystick, until } from './lib.mjs';

await scenario('keys', 600, async (t) => {
  const shape = [['hq', 'hq'], ['region', 'region', 'hq'], ['a', 'store', 'region'], ['b', 'store', 'region']];
  const { nodes, cards } = await makeChain(t, shape, { cards: 1, configOf: withoutDoubt });
  const { hq, region, a, b } = nodes;
  const tills = { a: await a.pair(), b: await b.pair() };
  let counter = 0;
  const act = (node, path, body) =>
    node.http.call('POST', `/api/v1${path}`, { counter: ++counter, ...body }, { token: tills[node.name].token });
  const lines = [{ product: 1, quantity: 1 }];
  const sale = (node) => act(node, '/sales', { card: cards[0], lines, tenders: [{ kind: 'card', amount: 1250 }] });
  const approved = async (node) => {
    // While head office has not granted anew what lay in the old epoch, a card's money waits.
    let last;
    await until(`a sale by card at ${node.name}`, async () => (last = await sale(node)).status === 200, 60_000);
    return last.body;
  };
  const epoch = async (node) => (await node.status()).epoch;
  const rotated = async (node, before) =>
    until(`${node.name} to start with its new keys`, async () => (await epoch(node)) !== before, 240_000);

  const refused = await tallystick(['rotate-key', '--data', hq.data]);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /head office keeps its keys/);

  assert.equal((await act(a, '/topups', { card: cards[0], amount: 10_000, tender: 'cash' })).status, 200);
  await allCosigned(a);
  const before = join(t.dir, 'before');
  await good(['backup', '--data', a.data, '--to', before]);
  await b.stop();
  const [ofA, ofRegion] = [await epoch(a), await epoch(region)];
  // Head office certifies new keys a minute after the last ones at the earliest.
  for (const node of [a, region]) await good(['rotate-key', '--data', node.data]);
  await region.child.kill();
  await region.start();
  await rotated(region, ofRegion);
  await rotated(a, ofA);
  for (const node of [a, region]) assert.ok(!existsSync(join(node.data, 'keys', 'next')), node.name);
  t.step('a store and its region have new keys; the region was killed before it had them');

  await approved(a);
  await b.start();
  await approved(b);
  await approved(a);
  t.step('the card pays there, and at a store that was off meanwhile');

  for (const node of [a, b, region, hq]) assert.equal((await node.status()).stopped, null, node.name);
  await allCosigned(a);
  await allCosigned(b);
  // It pays what is left, in full, and no more.
  assert.equal((await sale(a)).status, 200);
  for (let i = 0; i < 4; ++i) await approved(a);
  assert.equal((await sale(a)).status, 409);
  // A database from before the keys: the life that they began is lost with the disk, and its end is doubtful.
  await a.stop();
  await good(['restore', '--data', a.data, '--from', before, '--even-if-longer']);
  await a.start();
  await until('the store to trade again', async () => (await a.status()).stopped === null, 120_000);
  assert.equal((await act(a, '/topups', { card: cards[0], amount: 1250, tender: 'cash' })).status, 200);
  await approved(a);
  await allCosigned(a);
  t.step('a backup from before the new keys was put back');

  for (const node of [a, b, region, hq]) await node.stop();
  for (const node of [a, b, region, hq]) await node.audit();
});
