// A store's PC burns with sales that nobody has: the mirror on its second disk has them, and head office takes them
// from there. A mirror that is taken out, or whose disk is somebody else's, stops no sale.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { allCosigned, makeChain } from './chain.mjs';
import { good, scenario, tallystick, until } from './lib.mjs';
import { ledgerOf } from './till.mjs';

const SALE = { lines: [{ product: 1, quantity: 1 }], tenders: [{ kind: 'cash', amount: 1250 }] };

await scenario('mirror', 300, async (t) => {
  const shape = [
    ['hq', 'hq'],
    ['region', 'region', 'hq'],
    ['a', 'store', 'region'],
  ];
  const { nodes } = await makeChain(t, shape);
  const { hq, region, a } = nodes;
  const stick = join(t.dir, 'stick');
  const mirror = `[mirror]\npath = "${stick}"`;
  const till = await a.pair();
  const receipts = [];
  const sell = async (n) => {
    for (; n > 0; --n) {
      const sale = { counter: receipts.length + 1, ...SALE };
      const answer = await a.http.call('POST', '/api/v1/sales', sale, { token: till.token });
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      receipts.push(answer.body.id);
    }
  };
  const upToDate = () =>
    until('the mirror to be up to date', async () => {
      const s = await a.status();
      return s.mirror.error === null && s.mirror.behind === 0 && s.mirror;
    });
  await sell(3);
  await allCosigned(a);
  await a.stop();

  // Configured before the stick is there: the store sells, and says what is wrong.
  a.writeConfig(undefined, mirror);
  await a.start();
  await sell(2);
  const missing = await until('the mirror to be missed', async () => {
    const m = (await a.status()).mirror;
    return m.error && m;
  });
  assert.match(missing.error, /is not there/);
  assert.ok(missing.behind > 0);
  assert.match((await good(['status', '--data', a.data])).out, /NOT WRITTEN/);
  mkdirSync(stick);
  const first = await upToDate();
  assert.equal(first.same_disk, true);
  const files = join(stick, 'tallystick', 'test', `${a.id}-to-1`);
  assert.deepEqual(readdirSync(files), ['00001.parcel']);
  await sell(2);
  await upToDate();
  assert.ok(readdirSync(files).length > 1);
  t.step('a store without a line has sold, and its mirror has it');

  // It is taken out, and comes back: nothing stops, and it catches up.
  renameSync(stick, `${stick}.out`);
  await sell(3);
  await until('the mirror to be missed again', async () => (await a.status()).mirror.error);
  renameSync(`${stick}.out`, stick);
  await upToDate();
  await a.child.kill();
  await a.start();
  await sell(2);
  await upToDate();
  const entries = (await a.status()).entries;
  t.step('it was taken out, and the process was killed; it caught up');

  // The PC burns.
  await a.child.kill();
  rmSync(a.data, { recursive: true });
  const taken = await tallystick(['ship', '--data', hq.data, '--from', stick, '--no-answer']);
  assert.equal(taken.code, 0, taken.out + taken.err);
  assert.match(taken.out, /journal: \d+ new/);
  await until('head office to show it', async () =>
    (await hq.status()).below.some((it) => it.node === a.id && it.entries >= entries),
  );
  // The region takes the same: it is on the way.
  const passed = await tallystick(['ship', '--data', region.data, '--from', stick, '--no-answer']);
  assert.equal(passed.code, 0, passed.out + passed.err);
  assert.match(passed.out, /journal: \d+ new/);
  await good(['close-epoch', '--data', hq.data, '--node', String(a.id)]);
  const known = new Set((await ledgerOf(hq.data)).list.map((it) => it.id));
  assert.deepEqual(
    receipts.filter((id) => !known.has(id)),
    [],
    'every receipt is at head office',
  );
  t.step('nothing is lost');
});
