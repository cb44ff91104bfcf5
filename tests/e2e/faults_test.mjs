// Lines that break as real ones do, under real processes: silence both ways and one way, a pulled plug, 2G, lost packets, 600 ms
// of round trip, a long dark time with sales on both sides, kill -9 in the dark. At the end nothing is lost or doubled, and every
// audit is green. The time from healing until head office has all is told, never asserted.
//
// TALLY_DARK_SECONDS is the length of each dark time (4); docs/testing.md names the two hours.
import assert from 'node:assert/strict';
import { allCosigned, makeChain } from './chain.mjs';
import { PATIENCE_MS, freePort, newSeed, scenario, seeded, skip, sleep, until } from './lib.mjs';
import { Till, compare, ledgerOf } from './till.mjs';
import { Line, inPrivateNetwork, missing, slowRelay } from './wan.mjs';

const dark = Number(process.env.TALLY_DARK_SECONDS ?? 4);
assert.ok(dark >= 1 && dark <= 86_400, 'TALLY_DARK_SECONDS is 1 to 86400');
const why = process.env.TALLY_PRIVATE_NETWORK ? undefined : missing();
if (!why) await inPrivateNetwork(import.meta.url);

const seed = newSeed();
const both = ['up', 'down'];

/** Sales at each till, one after another, until the time is over: the longest wait for an answer. */
async function trade(tills, seconds) {
  const end = Date.now() + seconds * 1000;
  let longest = 0;
  const one = async (till) => {
    while (Date.now() < end) {
      const begun = performance.now();
      await till.once();
      longest = Math.max(longest, performance.now() - begun);
      await sleep(20 + till.random.below(100));
    }
  };
  await Promise.all(tills.map(one));
  return Math.round(longest);
}

await scenario('faults', 900 + 10 * dark, async (t) => {
  if (why) skip(why);
  console.log(`seed ${seed} (TALLY_SEED=${seed}), ${dark} s dark each time`);
  const random = seeded(seed);
  const lines = { a: new Line(1), b: new Line(2) };
  for (const line of Object.values(lines)) await line.lay();
  const relayPort = await freePort();
  const placeOf = (name) => {
    const line = lines[name];
    // The region listens on every address of the private network: its stores come over different cables.
    if (name === 'region') return { link: '0.0.0.0' };
    if (name === 'hq') return {};
    const parent = { parent: line.near, ...(name === 'b' && { parentPort: relayPort }) };
    return { http: line.control, link: line.control, prefix: line.prefix, ...parent };
  };
  let relay;
  const shape = [
    ['hq', 'hq'],
    ['region', 'region', 'hq'],
    ['a', 'store', 'region'],
    ['b', 'store', 'region'],
  ];
  const beforeNode = async (name, nodes) => {
    if (name !== 'b') return;
    relay = await slowRelay(lines.b.near, relayPort, { host: '127.0.0.1', port: nodes.region.linkPort });
    t.finally(() => relay.close());
  };
  const { nodes, cards } = await makeChain(t, shape, { cards: 8, placeOf, beforeNode });
  const stores = [nodes.a, nodes.b];
  const tills = [];
  for (const node of stores)
    for (let i = 0; i < 2; ++i) tills.push(new Till(node, await node.pair(), seeded(random.below(2 ** 31)), cards));
  t.finally(() => tills.forEach((it) => it.close()));
  const ofB = tills.filter((it) => it.node === nodes.b);
  await trade(tills, 2);
  for (const node of stores) await allCosigned(node);
  t.step('the chain trades');

  /** In force while both stores trade; how long it takes until head office has all once it is over. */
  const fault = async (what, begin, { over, end = () => lines.b.heal() } = {}) => {
    const octets = await lines.b.octets();
    const before = (await nodes.b.status()).entries;
    await begin();
    const longest = await trade(over ?? tills, dark);
    await end();
    const healed = Date.now();
    for (const node of [...stores, nodes.region]) await allCosigned(node);
    const ms = Date.now() - healed;
    const entries = (await nodes.b.status()).entries - before;
    const wire = entries > 0 ? Math.round(((await lines.b.octets()) - octets) / entries) : 0;
    t.step(`${what}: longest answer ${longest} ms; all at head office ${ms} ms after it ended; ${entries} entries, ${wire} octets each`);
  };
  await fault('nothing wrong', async () => {});
  await fault('silence both ways', () => lines.b.lose(both));
  await fault('silence upwards', () => lines.b.lose(['up']));
  await fault('silence downwards', () => lines.b.lose(['down']));
  await fault('a pulled plug', () => lines.b.unplug());
  await fault('30 kbit/s', () => lines.b.narrow());
  await fault('one packet in five lost', () => lines.b.lose(both, 20));
  await fault('600 ms round trip', async () => (relay.delay = 300), { end: async () => (relay.delay = 0) });
  await fault('kill -9 of the store in the dark', async () => {
    await lines.b.lose(both);
    await trade(ofB, 1);
    await nodes.b.child.kill();
    await nodes.b.start();
  });
  await fault('kill -9 of the region in the dark', async () => {
    await lines.b.lose(both);
    await nodes.region.child.kill();
    await nodes.region.start();
  });

  await until('rows of all nodes at head office', async () => (await nodes.hq.status()).below.length === 3, PATIENCE_MS);
  for (const node of [...stores, nodes.region, nodes.hq]) await node.stop();
  for (const node of Object.values(nodes)) await node.audit();
  let approved = 0;
  for (const node of stores) {
    const own = tills.filter((it) => it.node === node);
    approved += compare(own, (await ledgerOf(node.data)).list, node.name);
  }
  assert.equal(compare(tills, (await ledgerOf(nodes.hq.data)).list, 'head office'), approved);
  const refused = tills.reduce((sum, it) => sum + it.refused, 0);
  console.log(`${approved} approved, ${refused} refused; every one at head office once`);
  assert.ok(approved > 100);
});
