// A region that is killed: its store ships to head office, hears it and is given what lies there; and goes back when the
// region is there again. Nothing is counted twice.
import assert from 'node:assert/strict';
import { allCosigned, makeChain } from './chain.mjs';
import { scenario, tallystick, until } from './lib.mjs';

const CASH = { lines: [{ product: 1, quantity: 1 }], tenders: [{ kind: 'cash', amount: 1250 }] };

await scenario('detour', 300, async (t) => {
  const shape = [
    ['hq', 'hq'],
    ['region', 'region', 'hq'],
    ['a', 'store', 'region'],
  ];
  const { nodes } = await makeChain(t, shape);
  const { hq, region, a } = nodes;
  await a.stop();
  // The same node with a way around: the line goes into its section of the configuration.
  a.writeConfig(region, '', [`head_office = "tcp://127.0.0.1:${hq.linkPort}"`, 'silent_s = 5']);
  await a.start();
  const till = await a.pair();
  let counter = 0;
  const sell = async (n) => {
    for (let i = 0; i < n; ++i) {
      const answer = await a.http.call('POST', '/api/v1/sales', { counter: ++counter, ...CASH }, { token: till.token });
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
    }
  };
  await sell(3);
  await allCosigned(a);
  const over = async (node) => (await a.status()).link_over === node.id;
  assert.ok(await over(region));
  t.step('the store trades over its region');

  await region.child.kill();
  await sell(10);
  await until('the store to be over head office', async () => (await a.status()).link_up && (await over(hq)));
  await sell(5);
  await allCosigned(a);
  assert.match((await tallystick(['status', '--data', a.data])).out, /node 2\s+is\s+silent,\s+this\s+is\s+head\s+office/);
  await until('head office to show its link', async () => {
    const rows = (await hq.http.good('GET', '/api/v1/network')).nodes;
    return rows.find((row) => row.node === a.id).link === 'up';
  });
  t.step('the region is dead, and head office has all that the store sold');

  await region.start();
  await until('the store to be over its region again', async () => (await a.status()).link_up && (await over(region)));
  await sell(4);
  await allCosigned(a);
  const size = (await a.status()).entries;
  await until('the region to have what passed it by', async () =>
    (await region.status()).below.some((it) => it.node === a.id && it.entries >= size),
  );
  t.step('the region is back, and has all of it');

  for (const node of [a, region, hq]) await node.stop();
  for (const node of [a, region, hq]) await node.audit();
});
