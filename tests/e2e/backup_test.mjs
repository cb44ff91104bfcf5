// A backup of a running store, a damaged database, a restore: nothing is spent twice, and the store trades again.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allCosigned, makeChain, twoStores, withoutDoubt } from './chain.mjs';
import { auditGreen, command, good, scenario, seeded, tallystick, until } from './lib.mjs';
import { Till } from './till.mjs';

const lines = [{ product: 1, quantity: 1 }];
const cash = { lines, tenders: [{ kind: 'cash', amount: 1250 }] };

await scenario('backup', 240, async (t) => {
  const { nodes, cards } = await makeChain(t, twoStores, { cards: 3, configOf: withoutDoubt });
  const { hq, store, other } = nodes;
  const till = new Till(store, await store.pair(), seeded(1), cards);
  t.finally(() => till.close());
  const byCard = { card: cards[0], lines, tenders: [{ kind: 'card', amount: 1250 }] };
  const approve = async (path, body) => {
    const a = await till.act(path, body);
    assert.equal(a.status, 200, JSON.stringify(a.body));
  };
  await approve('/api/v1/topups', { card: cards[0], amount: 10_000, tender: 'cash' });
  for (let i = 0; i < 3; ++i) await approve('/api/v1/sales', byCard);
  await allCosigned(store);

  const backup = join(t.dir, 'backup');
  const kept = await good(['backup', '--data', store.data, '--to', backup]);
  assert.match(kept.out, /^Kept node 2 \(store\), epoch [0-9a-f]{16}: \d+ entries/);
  assert.equal(statSync(backup).mode & 0o777, 0o700);
  assert.deepEqual(readdirSync(backup).sort(), ['db', 'identity.toml'], 'no keys');
  assert.equal((await auditGreen(backup, 'the backup')).node, 2);
  t.step('a running store was copied');

  const refused = async (args, what) => {
    const done = await tallystick(args);
    assert.equal(done.code, 1, `${args.join(' ')}: ${done.out}${done.err}`);
    assert.match(done.err, what);
  };
  await refused(['backup', '--data', store.data, '--to', backup], /not empty/);
  await refused(['backup', '--data', join(t.dir, 'nothing'), '--to', join(t.dir, 'b2')], /nothing/);
  await refused(['restore', '--data', store.data, '--from', backup], /runs; stop it first/);
  await refused(['restore', '--data', other.data, '--from', backup], /of node 2 .* of node 3/);
  await refused(['restore', '--data', store.data, '--from', backup, '--without', '3'], /head office/);
  await refused(['restore', '--data', hq.data, '--without', '3'], /has this data directory open/);

  for (let i = 0; i < 2; ++i) await approve('/api/v1/sales', byCard);
  await allCosigned(store);
  await store.child.kill();
  await refused(['restore', '--data', store.data, '--from', backup], /--even-if-longer/);
  // The disk rots: its tables are gone.
  const db = join(store.data, 'db');
  for (const file of readdirSync(db))
    if (/\.(sst|log)$|^MANIFEST/.test(file)) writeFileSync(join(db, file), 'rot');
  const broken = await command('timeout', ['20', process.env.TALLY_BINARY ?? 'tallystick', 'node', '--config', store.config]);
  assert.notEqual(broken.code, 0, 'a damaged database is not opened');

  const done = await good(['restore', '--data', store.data, '--from', backup]);
  assert.match(done.out, /^Restored node 2 \(store\)/);
  assert.ok(existsSync(join(store.data, 'db.before-1')), 'the damaged one is kept');
  const before = readFileSync(join(backup, 'identity.toml'), 'utf8');
  await store.start();
  t.step('the store starts on its backup');

  const told = (await till.http.good('GET', '/api/v1/till')).next_counter;
  assert.ok(told > 3, `numbers of the life before count: the node says ${told}`);

  // Its tills go on, for cash at once; their numbers were used up in the life before.
  const again = await until('the store to sell for cash', async () => {
    const a = await till.act('/api/v1/sales', cash);
    return a.status === 200 && a;
  });
  assert.equal(again.body.terminal, till.terminal);
  await until('card value to move again', async () => (await store.status()).stopped === null);
  // 100.00 less five sales of 12.50, wherever it lies now; two of the five only head office knew of.
  for (let i = 0; i < 3; ++i) {
    await until('a sale by card', async () => {
      const a = await till.http.post('/api/v1/sales', { counter: till.counter, ...byCard });
      if (a.status === 200) till.take('/api/v1/sales', { counter: till.counter, ...byCard }, a);
      return a.status === 200;
    });
  }
  const last = await till.http.post('/api/v1/sales', { counter: till.counter, ...byCard });
  assert.equal(last.status, 409, JSON.stringify(last.body));
  assert.equal(last.body.error, 'insufficient');
  await allCosigned(store);
  // Both lives of the store in one account with the scheme: all that was loaded was spent, and nothing lies on cards.
  const settled = JSON.parse((await good(['settlement', '--data', hq.data, '--format', 'json'])).out);
  const line = settled.nodes.find((it) => it.node === 2);
  assert.equal(settled.agrees, true);
  assert.deepEqual([line.loaded, line.spent, settled.money, settled.on_cards], [10_000, 10_000, 0, 0]);
  assert.equal(settled.nodes.reduce((sum, it) => sum + it.owes, 0), settled.pool);
  const table = await good(['settlement', '--data', hq.data, '--from', '2026-01-01']);
  assert.match(table.out, /^Settlement of 2026-01-01 to .*\n\nOwner 1: [^]*\n2 store [^]*own books say the same/);
  for (const [bad, what] of [
    [['--month', '2026-13'], /no month/],
    [['--from', '2026-02-30'], /no date/],
    [['--from', '2026-02-02', '--until', '2026-02-01'], /after the last/],
    [['--format', 'xml'], /xml/],
  ]) {
    const wrong = await tallystick(['settlement', '--data', hq.data, ...bad]);
    assert.equal(wrong.code, 2, wrong.out + wrong.err);
    assert.match(wrong.err, what);
  }
  t.step('what the store owes and is owed is nothing');
  for (const node of [hq, store, other]) await node.stop();
  await refused(['restore', '--data', store.data, '--from', backup], /later life .* --even-if-longer/);
  for (const node of [hq, store, other]) await node.audit();
  assert.equal(readFileSync(join(backup, 'identity.toml'), 'utf8'), before, 'a restore only reads the backup');
});
