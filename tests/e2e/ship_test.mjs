// Sales, prices and cosignatures carried by hand between real nodes, and unsent sales off the disk of a dead PC. What
// is damaged, foreign, missing or repeated is refused in words, and every sale is at head office exactly once.
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allCosigned, makeChain } from './chain.mjs';
import { ROOT, command, good, scenario, skipPart, tallystick, until } from './lib.mjs';
import { ledgerOf } from './till.mjs';

const SALE = { lines: [{ product: 1, quantity: 1 }], tenders: [{ kind: 'cash', amount: 1250 }] };

const ship = (node, ...more) => tallystick(['ship', '--data', node.data, ...more]);
async function shipped(node, ...more) {
  const done = await ship(node, ...more);
  assert.equal(done.code, 0, `ship ${more.join(' ')}: status ${done.code}\n${done.out}${done.err}`);
  return done;
}
/** It must fail with this status and say so. */
async function refused(done, code, words) {
  const a = await done;
  assert.equal(a.code, code, `status ${a.code}\n${a.out}${a.err}`);
  assert.match(a.out + a.err, words);
}

/** One paired till of a store that sells for cash. */
class Counter {
  constructor(node, till) {
    Object.assign(this, { node, till, next: 1, receipts: [] });
  }
  async sell(n) {
    for (let i = 0; i < n; ++i) {
      const sale = { counter: this.next, ...SALE };
      const a = await this.node.http.call('POST', '/api/v1/sales', sale, { token: this.till.token });
      assert.equal(a.status, 200, JSON.stringify(a.body));
      this.receipts.push(a.body.id);
      this.next += 1;
    }
  }
}

/** A data directory as it is on a disk that is mounted read-only; null when this machine cannot mount. */
async function mountedReadOnly(t, data) {
  const at = join(t.dir, 'dead-disk');
  mkdirSync(at);
  if ((await command('mount', ['--bind', data, at])).code !== 0) return null;
  t.finally(() => command('umount', [at]));
  return (await command('mount', ['-o', 'remount,ro,bind', at])).code === 0 ? at : null;
}

await scenario('ship', 300, async (t) => {
  const shape = [
    ['hq', 'hq'],
    ['region', 'region', 'hq'],
    ['a', 'store', 'region'],
  ];
  const { nodes } = await makeChain(t, shape);
  const { hq, region, a } = nodes;
  const counter = new Counter(a, await a.pair());
  await counter.sell(5);
  await allCosigned(a);
  await a.stop();
  a.writeConfig(undefined);
  await a.start();
  await counter.sell(10);
  t.step('a store without a line has sold');

  const stick = join(t.dir, 'stick');
  mkdirSync(stick);
  const chain = join(stick, 'tallystick', 'test');
  const parcels = (from, to) => readdirSync(join(chain, `${from.id}-to-${to.id}`));
  await refused(ship(region, '--from', stick), 1, /carries nothing of Tallystick/);
  const size = (await a.status()).entries; // what it writes about what it is brought comes behind
  const out = await shipped(a, '--to', stick);
  assert.match(out.out, /\d+ entries/);
  assert.deepEqual(parcels(a, region), ['00001.parcel']);
  assert.match((await shipped(region, '--from', stick)).out, /journal: \d+ new[^]*1 cosignature/);
  assert.deepEqual(parcels(region, a), ['00001.parcel']);
  assert.match((await shipped(a, '--from', stick)).out, /cosignature/);
  await until('head office to have it', async () =>
    (await hq.status()).below.some((it) => it.node === a.id && it.entries >= size),
  );
  t.step('carried to the region, and the answer back');

  // Head office's cosignature and a new price list, by hand as well.
  await good(['publish', '--data', hq.data, join(ROOT, 'config', 'demo-rules.toml')]);
  const published = (await hq.status()).rules_version;
  await until('the region to have the new rules', async () => (await region.status()).rules_version === published);
  assert.notEqual((await a.status()).rules_version, published);
  await shipped(region, '--to', stick, '--for', String(a.id));
  await shipped(a, '--from', stick);
  const status = await a.status();
  assert.equal(status.rules_version, published);
  assert.ok(status.hq_cosigned >= size, `head office cosigned ${status.hq_cosigned} of ${size}`);
  // The same stick again; head office's own, past the region; and a stopped node.
  assert.match((await shipped(a, '--from', stick)).out, /held already/);
  await counter.sell(3);
  await shipped(a, '--to', stick, '--for', '1');
  assert.match((await shipped(hq, '--from', stick)).out, /journal: \d+ new/);
  t.step('prices and cosignatures carried down, sales straight to head office');

  // What a stick should not be.
  const file = join(chain, `${a.id}-to-${region.id}`, '00001.parcel');
  await counter.sell(2);
  await shipped(a, '--to', stick);
  const whole = readFileSync(file);
  const spoilt = Buffer.from(whole);
  spoilt[whole.length >> 1] ^= 1;
  writeFileSync(file, spoilt);
  await refused(ship(region, '--from', stick), 1, /00001.parcel: REFUSED: the file is damaged or cut short/);
  writeFileSync(file, whole);
  truncateSync(file, whole.length - 7);
  await refused(ship(region, '--from', stick), 1, /damaged or cut short/);
  writeFileSync(file, 'hello');
  await refused(ship(region, '--from', stick), 1, /no parcel of Tallystick/);
  writeFileSync(file, whole);
  renameSync(join(chain, `${a.id}-to-${region.id}`), join(chain, `77-to-${region.id}`));
  await refused(ship(region, '--from', stick), 1, /neither above nor below/);
  renameSync(join(chain, `77-to-${region.id}`), join(chain, `1-to-${region.id}`));
  await refused(ship(region, '--from', stick), 1, /was written by node/);
  renameSync(join(chain, `1-to-${region.id}`), join(chain, `${a.id}-to-${region.id}`));
  await refused(ship(a, '--from', stick, '--of', '99'), 1, /has nothing for node/);
  renameSync(chain, join(stick, 'tallystick', 'other'));
  await refused(ship(region, '--from', stick), 1, /another chain \(other\)/);
  renameSync(join(stick, 'tallystick', 'other'), chain);
  await refused(ship(a, '--to', stick, '--for', '99'), 1, /neither above nor below/);
  await refused(ship(a, '--to', join(stick, 'nowhere')), 1, /is the stick mounted/);
  const trap = join(t.dir, 'trap-stick');
  mkdirSync(join(trap, 'elsewhere'), { recursive: true });
  symlinkSync(join(trap, 'elsewhere'), join(trap, 'tallystick'));
  await refused(ship(a, '--to', trap), 1, /no directory of its own/);
  await refused(ship(a, '--from', trap), 1, /no directory of its own/);
  assert.deepEqual(readdirSync(join(trap, 'elsewhere')), [], 'nothing is written through a link');
  await refused(ship(a, '--to', region.data), 1, /is a node's data directory/);
  await refused(ship(a), 2, /--to DIRECTORY or --from DIRECTORY/);
  assert.match((await shipped(region, '--from', stick)).out, /journal: \d+ new/);
  t.step('everything else was refused, and the true one taken');

  // The PC dies with unsent sales. Its disk is read, and nothing else.
  await counter.sell(4);
  await a.child.kill();
  await refused(ship(a, '--from', stick), 3, /does not run/);
  const disk = (await mountedReadOnly(t, a.data)) ?? a.data;
  if (disk === a.data) skipPart('no permission to mount: the dead disk is writable');
  const other = join(t.dir, 'other-stick');
  mkdirSync(other);
  await refused(tallystick(['rescue', '--disk', region.data, '--to', other]), 1, /is not dead/);
  const saved = await good(['rescue', '--disk', disk, '--to', other]);
  assert.match(saved.out, /entries \d+ to \d+/);
  // Without the key nobody can prove the tail: it is written for the books and for nobody else.
  const keyless = join(t.dir, 'keyless');
  cpSync(a.data, keyless, { recursive: true });
  rmSync(join(keyless, 'keys', 'signing.key'));
  const third = join(t.dir, 'third-stick');
  mkdirSync(third);
  await refused(tallystick(['rescue', '--disk', keyless, '--to', third]), 1, /stay behind/);
  assert.ok(existsSync(join(third, `unproved-${a.id}.journal`)));
  const nothing = await ship(region, '--from', third, '--no-answer');
  assert.equal(nothing.code, 0, nothing.out);
  assert.match(nothing.out, /no new entries/);
  await good(['rescue', '--disk', keyless, '--to', third, '--key-file', join(a.data, 'keys', 'signing.key')]);
  assert.match((await shipped(region, '--from', other)).out, /journal: \d+ new/);
  assert.match((await shipped(region, '--from', third)).out, /held already/);
  t.step('the dead PC: its unsent sales are at the region');

  await until('head office to have every sale', async () => {
    const known = new Set((await ledgerOf(hq.data)).list.map((it) => it.id));
    return counter.receipts.every((id) => known.has(id));
  });
  // It was not dead for good: it starts on its own disk, gets its line back, and all fits.
  if (disk !== a.data) await command('umount', [disk]);
  a.writeConfig(region);
  await a.start();
  await counter.sell(2);
  await allCosigned(a);

  // Revoked in the dark: what it sells from now on is evidence, and a case until head office has ruled.
  await a.stop();
  a.writeConfig(undefined);
  await a.start();
  await good(['revoke', '--data', hq.data, '--node', String(a.id)]);
  const before = counter.receipts.length;
  await counter.sell(2);
  const late = counter.receipts.splice(before);
  await shipped(a, '--to', stick, '--for', '1');
  const taken = await ship(hq, '--from', stick, '--no-answer');
  assert.equal(taken.code, 0, taken.out + taken.err);
  assert.match(taken.out, /journal: 2 new/);
  const cases = async () => JSON.parse((await good(['cases', '--data', hq.data, '--json'])).out);
  const open = await until('the late sales to be open cases', async () => {
    const list = await cases();
    return late.every((id) => list.cases.some((it) => it.id === id)) && list;
  });
  // Head office prices behind the streams, and finds what stores wrote; a late sale has the right price as well.
  const priced = await until('all entries to be priced again', async () => {
    const { recomputed } = await cases();
    return recomputed?.entries > 50 && recomputed.behind === 0 && recomputed;
  });
  assert.deepEqual([priced.differences, priced.first], [0, []]);
  const [first] = open.cases.filter((it) => it.id === late[0]);
  assert.deepEqual([first.why, first.kind, first.node, first.value], ['revoked', 'sale', a.id, 0]);
  assert.match((await good(['cases', '--data', hq.data])).out, new RegExp(`${late[0]}.* sale .* revoked`));
  const rule = (...more) => tallystick(['cases', '--data', hq.data, ...more]);
  await refused(rule('--case', late[0]), 2, /go together/);
  await refused(rule('--case', late[0], '--outcome', 'forgiven'), 2, /forgiven/);
  await refused(rule('--case', counter.receipts[0], '--outcome', 'owed'), 1, /not contested/);
  await refused(tallystick(['cases', '--data', region.data, '--case', late[0], '--outcome', 'owed']), 1, /only head office/);
  await good(['cases', '--data', hq.data, '--case', late[0], '--outcome', 'owed', '--note', 'sold after it was stolen']);
  await refused(rule('--case', late[0], '--outcome', 'stands'), 1, /final/);
  const left = await until('the case to be closed', async () => {
    const list = await cases();
    return list.open === open.open - 1 && list;
  });
  assert.ok(!left.cases.some((it) => it.id === late[0]));
  await good(['cases', '--data', hq.data, '--case', late[1], '--outcome', 'stands']);
  t.step('a case was opened, and ruled about');

  for (const node of [a, region, hq]) await node.stop();
  for (const node of Object.values(nodes)) await node.audit();
  const ids = (await ledgerOf(hq.data)).list.map((it) => it.id);
  for (const id of counter.receipts) assert.equal(ids.filter((it) => it === id).length, 1, `${id} once`);
});
