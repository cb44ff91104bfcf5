// A region's machine is replaced while its store goes on running: the news of the new key comes on a stick, and the
// store connects with it without being started again.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Node, allCosigned, makeChain } from './chain.mjs';
import { good, scenario, sleep, until } from './lib.mjs';

const CASH = { lines: [{ product: 1, quantity: 1 }], tenders: [{ kind: 'cash', amount: 1250 }] };

await scenario('replaced', 300, async (t) => {
  const { nodes } = await makeChain(t, [
    ['hq', 'hq'],
    ['region', 'region', 'hq'],
    ['a', 'store', 'region'],
  ]);
  const { hq, region, a } = nodes;
  const till = await a.pair();
  let counter = 0;
  const sell = async () => {
    const answer = await a.http.call('POST', '/api/v1/sales', { counter: ++counter, ...CASH }, { token: till.token });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
  };
  await sell();
  await allCosigned(a);

  await region.child.kill();
  const token = (await good(['invite', '--data', hq.data, '--replace', String(region.id)])).out.trim();
  const next = new Node(t, 'next', 'region');
  await next.ports();
  next.linkPort = region.linkPort;
  await good(['enrol', '--data', next.data, '--token', token]);
  next.writeConfig(hq);
  await next.start();
  next.id = region.id;
  await sell();
  const why = await until('the store to say why it has no link', async () => (await a.status()).link_why);
  assert.match(why, /key the right one/);
  await sleep(15_000);
  assert.equal((await a.status()).link_up, false);
  const lines = (text) => readFileSync(a.child.log, 'utf8').split('\n').filter((it) => it.includes(text)).length;
  const told = lines('key the right one');
  assert.ok(told >= 1 && told <= 2, `${told} lines say that the key does not fit`);
  t.step('another machine is there, and the store does not know its key');

  const stick = join(t.dir, 'stick');
  mkdirSync(stick);
  await good(['ship', '--data', hq.data, '--to', stick, '--for', String(a.id)]);
  await good(['ship', '--data', a.data, '--from', stick]);
  await until('the store to be connected with the new machine', async () => (await a.status()).link_up);
  assert.equal(lines('has another key'), 1);
  await sell();
  await allCosigned(a);
  assert.equal((await a.status()).link_why, '');
  t.step('the store took up the new key, and shipped');
  for (const node of [a, next, hq]) await node.stop();
  for (const node of [a, next, hq]) await node.audit();
});
