// kill -9 at random instants under load, at stores, region and head office. At the end every approved
// answer is in the ledger exactly once with its amounts, at its store and at head office, nothing else is,
// and every audit is green.
//
// TALLY_KILLS is the number of kills at each of the three places (10); TALLY_SEED repeats the choices of a run.
import assert from 'node:assert/strict';
import { allCosigned, makeChain } from './chain.mjs';
import { newSeed, scenario, seeded, sleep, until } from './lib.mjs';
import { Till, compare, ledgerOf } from './till.mjs';

const kills = Number(process.env.TALLY_KILLS ?? 10);
assert.ok(Number.isInteger(kills) && kills >= 1 && kills <= 100_000, 'TALLY_KILLS is a number from 1');
const seed = newSeed();
const TILLS_PER_STORE = 3;

/** Milliseconds from starting the process to the first answered sale, by a till that does nothing else. */
async function firstSale(node, probe, begun) {
  const body = { lines: [{ product: 1, quantity: 1 }], tenders: [{ kind: 'cash', amount: 1250 }] };
  const a = await probe.act('/api/v1/sales', body);
  assert.equal(a.status, 200);
  return performance.now() - begun;
}

async function killOnce(t, node, random, probe, times) {
  await sleep(random.between(10, 900));
  await node.child.kill();
  let begun = performance.now();
  node.launch();
  // Now and then it dies while it recovers.
  while (random.below(5) === 0) {
    await sleep(random.between(0, 250));
    await node.child.kill();
    begun = performance.now();
    node.launch();
  }
  if (probe) times.push(await firstSale(node, probe, begun));
  await node.ready();
}

await scenario('kill', 600 + kills * 120, async (t) => {
  console.log(`seed ${seed} (TALLY_SEED=${seed}), ${kills} kills each of stores, region and head office`);
  const random = seeded(seed);
  const shape = [
    ['hq', 'hq'],
    ['region', 'region', 'hq'],
    ['a', 'store', 'region'],
    ['b', 'store', 'region'],
  ];
  const { nodes, cards } = await makeChain(t, shape, { cards: 8 });
  const stores = [nodes.a, nodes.b];
  const tills = [];
  const probes = new Map();
  for (const node of stores) {
    const one = async () => new Till(node, await node.pair(), seeded(random.below(2 ** 31)), cards);
    for (let i = 0; i < TILLS_PER_STORE; ++i) tills.push(await one());
    probes.set(node, await one());
  }
  t.finally(() => [...tills, ...probes.values()].forEach((it) => it.close()));
  t.step('the chain is up; the load begins');

  let broken;
  const running = tills.map((it) => it.run().catch((problem) => (broken ??= problem)));
  const places = ['store', 'region', 'hq'].flatMap((place) => Array(kills).fill(place));
  for (let i = places.length - 1; i > 0; --i) {
    const j = random.below(i + 1);
    [places[i], places[j]] = [places[j], places[i]];
  }
  const times = [];
  for (const [i, place] of places.entries()) {
    const node = place === 'store' ? random.pick(stores) : nodes[place];
    await killOnce(t, node, random, probes.get(node), times);
    if (broken) throw broken;
    if ((i + 1) % 10 === 0) t.step(`${i + 1} of ${places.length} kills, ${approvedOf(tills)} approved so far`);
  }
  await sleep(300);
  tills.forEach((it) => (it.stopping = true));
  await Promise.all(running);
  if (broken) throw broken;
  t.step('the load has ended');

  for (const node of [nodes.region, ...stores]) await allCosigned(node);
  const all = [...tills, ...probes.values()];
  // The same answer again, from the node that has been killed: receipts are read back.
  for (const till of all) {
    const last = till.record.at(-1);
    if (!last) continue;
    const again = await till.http.good('POST', last.path, last.body);
    assert.equal(again.id, last.receipt.id, 'the same request has the same answer');
    assert.equal(again.total, last.receipt.total);
    const read = await till.http.good('GET', `/api/v1/receipts/${last.receipt.id}`);
    assert.equal(read.total, last.receipt.total);
  }
  await until('rows of all nodes at head office', async () => (await nodes.hq.status()).below.length === 3);
  for (const node of [...stores, nodes.region, nodes.hq]) await node.stop();
  for (const node of Object.values(nodes)) await node.audit();
  const report = await nodes.hq.audit();
  assert.equal(report.unknown_kinds, 0);
  let approved = 0;
  for (const node of stores) {
    const own = all.filter((it) => it.node === node);
    approved += compare(own, (await ledgerOf(node.data)).list, node.name);
  }
  assert.equal(compare(all, (await ledgerOf(nodes.hq.data)).list, 'head office'), approved);

  const refused = all.reduce((total, it) => total + it.refused, 0);
  const repeats = all.reduce((total, it) => total + it.repeats, 0);
  console.log(`${approved} approved, ${refused} refused, ${repeats} requests repeated`);
  assert.ok(approved > kills && repeats > 0, 'there was a load, and it was hit');
  times.sort((x, y) => x - y);
  const at = (share) => Math.round(times[Math.min(times.length - 1, Math.floor(times.length * share))]);
  console.log(
    `start to first sale after ${times.length} kills of a store: median ${at(0.5)} ms, longest ${at(1)} ms`,
  );
});

function approvedOf(tills) {
  return tills.reduce((total, it) => total + it.record.length, 0);
}
