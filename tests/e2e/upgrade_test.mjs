// A store of an older form, with a long queue that it could not send, is started on this program and killed at many moments
// of being brought up to it. Then its line comes back: every sale is at head office once, and the audits hold.
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { allCosigned, makeChain } from './chain.mjs';
import { binary, command, newSeed, scenario, seeded, sleep, until } from './lib.mjs';

const CASH = { lines: [{ product: 1, quantity: 1 }], tenders: [{ kind: 'cash', amount: 1250 }] };
const SALES = Number(process.env.TALLY_QUEUE ?? 4_000);
const OLD_FORM = process.env.TALLY_OLD_FORM ?? join(dirname(binary()), '..', 'tests', 'e2e', 'old_form');
const KILLS = Number(process.env.TALLY_UPGRADE_KILLS ?? 12);

await scenario('upgrade', 600, async (t) => {
  const seed = newSeed();
  const dice = seeded(seed);
  console.log(`seed ${seed}`);
  const { nodes } = await makeChain(t, [
    ['hq', 'hq'],
    ['a', 'store', 'hq'],
  ]);
  const { hq, a } = nodes;
  const till = await a.pair();
  await allCosigned(a);
  const before = (await a.status()).entries;

  // In the dark for long.
  await a.stop();
  a.writeConfig(undefined);
  await a.start();
  let counter = 0;
  const receipts = {};
  const clerk = async () => {
    while (counter < SALES) {
      const mine = ++counter;
      const answer = await a.http.call('POST', '/api/v1/sales', { counter: mine, ...CASH }, { token: till.token });
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      receipts[mine] = answer.body.id;
    }
  };
  await Promise.all(Array.from({ length: 8 }, clerk));
  const queued = await a.status();
  assert.ok(queued.entries >= before + SALES && queued.hq_cosigned <= before, JSON.stringify(queued));
  t.step(`${SALES} sales wait at the store`);

  const age = async () => {
    const done = await command(OLD_FORM, [join(a.data, 'db')]);
    assert.equal(done.code, 0, done.out + done.err);
    return done.out.trim();
  };
  await a.stop();
  assert.equal(await age(), 'form 1');
  const found = {};
  for (let i = 0; i < KILLS; ++i) {
    a.launch();
    await sleep(dice.between(5, 250));
    await a.child.kill();
    const how = await age();
    found[how] = (found[how] ?? 0) + 1;
  }
  console.log(`killed ${KILLS} times; found then: ${JSON.stringify(found)}`);

  a.writeConfig(hq);
  await a.start();
  await until('the store to be of this form', async () => (await a.status()).entries >= queued.entries);
  await allCosigned(a);
  const again = await a.http.call('POST', '/api/v1/sales', { counter: SALES, ...CASH }, { token: till.token });
  assert.equal(again.status, 200, JSON.stringify(again.body));
  assert.equal(again.body.id, receipts[SALES], 'a request from before is answered from the ledger');
  await until('head office to have each entry once', async () => {
    const [mine, above] = [await a.status(), (await hq.status()).below.find((it) => it.node === a.id)];
    return above.entries === mine.entries;
  });
  for (const node of [a, hq]) await node.stop();
  assert.equal(await age(), 'form 1');
  await a.start();
  await a.stop();
  for (const node of [a, hq]) await node.audit();
});
