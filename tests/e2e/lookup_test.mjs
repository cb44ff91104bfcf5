// What lies at other stores, when a card is looked up: as it is now over a line that answers, over a slow one what was
// known before, which says so, and soon after as it is.
import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { allCosigned, makeChain } from './chain.mjs';
import { Line } from './line.mjs';
import { freePort, scenario, until } from './lib.mjs';

await scenario('lookup', 300, async (t) => {
  let line;
  const place = { parentPort: await freePort() };
  const shape = [['hq', 'hq'], ['a', 'store', 'hq'], ['b', 'store', 'hq']];
  const { nodes, cards } = await makeChain(t, shape, {
    placeOf: (name) => (name === 'b' ? place : {}),
    beforeNode: (name, made) => {
      if (name === 'b') line = new Line(place.parentPort, made.hq.linkPort);
    },
  });
  const { hq, a, b } = nodes;
  const [card] = cards;
  const till = { a: await a.pair(), b: await b.pair() };
  let counter = 0;
  const money = async (path, body, at = 'a') => {
    const done = await nodes[at].http.call('POST', path, { counter: ++counter, card, ...body }, { token: till[at].token });
    assert.equal(done.status, 200, JSON.stringify(done.body));
    await allCosigned(nodes[at]);
  };
  const sell = () =>
    money('/api/v1/sales', { lines: [{ product: 1, quantity: 1 }], tenders: [{ kind: 'card', amount: 1250 }] });
  const look = async () => {
    const done = await b.http.call('POST', '/api/v1/cards/lookup', { card }, { token: till.b.token });
    assert.equal(done.status, 200, JSON.stringify(done.body));
    return [done.body.elsewhere, done.body.elsewhere_pending ?? false];
  };

  await money('/api/v1/topups', { amount: 5000, tender: 'cash' });
  await until('store b to have a line', async () => (await b.status()).link_up);
  await until('store b to be told', async () => (await look())[0] === 5000);
  await sell();
  // A busy machine may need longer than a lookup waits; it says so then.
  const first = await look();
  assert.ok(first[0] === 3750 || first[1], JSON.stringify(first));
  await until('store b to be told of the sale', async () => (await look())[0] === 3750);
  await money('/api/v1/topups', { amount: 1000, tender: 'cash' }, 'b');
  await sell();
  await until('store b, which holds a part, to be told', async () => isDeepStrictEqual(await look(), [2500, false]));
  t.step('over a line that answers a lookup tells what is there now');

  line.down = line.up = 700;
  await sell();
  assert.deepEqual(await look(), [2500, true], 'what was known, and that more is on its way');
  await until('the answer over the slow line', async () => (await look())[0] === 1250);
  t.step('over a slow line it says that the answer is on its way');

  await hq.stop();
  await until('store b to know', async () => !(await b.status()).link_up);
  assert.deepEqual(await look(), [1250, false], 'nobody is asked');
  line.close();
});
