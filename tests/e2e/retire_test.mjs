// A node closes for good. Over a line that carries nothing, and looks well for minutes, nothing is closed and the store
// trades on; over one that works its books end where it says, and it sells no more.
import assert from 'node:assert/strict';
import { allCosigned, makeChain } from './chain.mjs';
import { Line } from './line.mjs';
import { freePort, scenario, tallystick, until } from './lib.mjs';

const CASH = { lines: [{ product: 1, quantity: 1 }], tenders: [{ kind: 'cash', amount: 1250 }] };

await scenario('retire', 300, async (t) => {
  const lines = {};
  const places = { far: { parentPort: await freePort() }, near: { parentPort: await freePort() }, torn: { parentPort: await freePort() } };
  const { nodes } = await makeChain(
    t,
    [
      ['hq', 'hq'],
      ['region', 'region', 'hq'],
      ['far', 'store', 'region'],
      ['near', 'store', 'hq'],
      ['metered', 'store', 'region'],
      ['torn', 'store', 'hq'],
    ],
    {
      placeOf: (name) => places[name] ?? {},
      beforeNode: (name, made) => {
        if (places[name]) lines[name] = new Line(places[name].parentPort, made[name].parent.linkPort);
      },
    },
  );
  const { hq, region, far, near, metered, torn } = nodes;
  const retire = (node) => tallystick(['retire', '--data', hq.data, '--node', String(node.id)], { ms: 60_000 });
  const row = async (node) => (await hq.http.good('GET', '/api/v1/network')).nodes.find((it) => it.node === node.id);

  const sales = {};
  for (const node of [far, near]) {
    const till = await node.pair();
    let counter = 0;
    const sell = () => node.http.call('POST', '/api/v1/sales', { counter: ++counter, ...CASH }, { token: till.token });
    assert.equal((await sell()).status, 200);
    await allCosigned(node);
    await until('head office to show its line', async () => (await row(node)).link === 'up');

    lines[node.name].swallows = true;
    assert.equal((await sell()).status, 200, 'a sale that head office hears nothing of');
    assert.equal((await row(node)).link, 'up', 'nobody has noticed');
    const refused = await retire(node);
    assert.equal(refused.code, 3, refused.out + refused.err);
    for (const words of ['did not answer', 'Nothing was closed', 'ship', 'close-epoch'])
      assert.ok(refused.err.includes(words), refused.err);
    assert.ok((await row(node)).entries < (await node.status()).entries);
    assert.equal((await sell()).status, 200, 'it trades on');
    t.step(`${node.name}: nothing is closed over a line that carries nothing`);

    lines[node.name].mend();
    await allCosigned(node);
    sales[node.id] = counter;
    const done = await retire(node);
    assert.equal(done.code, 0, done.err);
    await until(`${node.name} to hear that its books are closed`, async () => (await node.status()).stopped === 'revoked');
    const late = await sell();
    assert.deepEqual([late.status, late.body.error], [409, 'revoked'], 'for cash neither: there are no books for it');
    const again = await retire(node);
    assert.equal(again.code, 1);
    assert.match(again.err, /revoked or retired already/);
    t.step(`${node.name}: retired`);
  }
  // What waits for others to travel with comes at once when head office asks.
  await metered.stop();
  metered.writeConfig(region, '', ['batch_ms = 3600000']);
  await metered.start();
  await until('its line', async () => (await metered.status()).link_up);
  const till = await metered.pair();
  const sold = await metered.http.call('POST', '/api/v1/sales', { counter: 1, ...CASH }, { token: till.token });
  assert.equal(sold.status, 200);
  const waiting = await metered.status();
  assert.ok(waiting.hq_cosigned < waiting.entries, 'the sale is not on its way');
  const done = await retire(metered);
  assert.equal(done.code, 0, done.err);
  sales[metered.id] = 1;

  // The line breaks when head office has written and the store has not heard: it hears when it comes back.
  const last = await torn.pair();
  const sellThere = (counter) =>
    torn.http.call('POST', '/api/v1/sales', { counter, ...CASH }, { token: last.token });
  assert.equal((await sellThere(1)).status, 200);
  await allCosigned(torn);
  lines.torn.down = 1_500;
  const away = await retire(torn);
  lines.torn.swallows = true;
  assert.equal(away.code, 0, away.err);
  assert.equal((await torn.status()).stopped ?? null, null, 'it has not heard');
  assert.equal((await sellThere(2)).body.error, 'busy', 'it stands still');
  lines.torn.down = 0;
  lines.torn.mend();
  await until('the store to hear that it retired', async () => (await sellThere(2)).body.error === 'revoked');
  assert.deepEqual((await torn.status()).left_behind, []);
  sales[torn.id] = 1;
  t.step('torn: it hears of its end when its line is back');

  assert.equal((await hq.http.good('GET', '/api/v1/cases')).open, 0, 'nothing was written behind an end');
  for (const node of [far, near, metered, torn, region, hq]) await node.stop();
  for (const line of Object.values(lines)) line.close();
  for (const node of [region, hq]) await node.audit();
  const books = await tallystick(['export', '--data', hq.data, '--format', 'hledger']);
  for (const [id, count] of Object.entries(sales)) {
    const found = books.out.match(new RegExp(`\\(${id}\\.[0-9a-f.]+\\) sale`, 'g')) ?? [];
    assert.equal(found.length, count, `sales of node ${id}`);
  }
  t.step('head office has all that was sold, also what waited to travel');
});
