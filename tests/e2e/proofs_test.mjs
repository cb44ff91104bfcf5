// Proofs for other people's tools, from real nodes: checkpoints, inclusion and consistency proofs and tlog-tiles,
// judged by a verifier that shares nothing with the program (tlog.mjs); and `tallystick verify` against files that
// were changed.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { allCosigned, makeChain } from './chain.mjs';
import { good, scenario, tallystick } from './lib.mjs';
import * as tlog from './tlog.mjs';

const text = (...path) => readFileSync(join(...path), 'utf8');
const keyIn = (dir, name = 'log.vkey') => tlog.verifierKey(text(dir, name).trimEnd());

/** What `tallystick verify` is asked about the files in `dir`. */
const question = (dir, entry, from) => [
  ...['verify', '--key', join(dir, 'log.vkey'), '--checkpoint', join(dir, 'checkpoint')],
  // A line of a key that nobody asked for may say anything, so all of them are asked for.
  ...readdirSync(dir).flatMap((name) => (name.startsWith('cosigner-') ? ['--cosigner', join(dir, name)] : [])),
  ...['--proof', join(dir, `entry-${entry}.tlog-proof`), '--entry', join(dir, `entry-${entry}`)],
  ...['--consistency', join(dir, `from-${from}.consistency`), '--old', join(dir, `checkpoint-${from}`)],
];

/** Every file of a proof with one octet changed, cut short or emptied: none passes. */
async function nothingElseHolds(dir, entry, from) {
  const asked = question(dir, entry, from);
  assert.equal((await tallystick(asked)).code, 0);
  for (const name of readdirSync(dir)) {
    if (name.startsWith('cosigner-')) continue;
    const file = join(dir, name);
    const whole = readFileSync(file);
    const middle = Buffer.from(whole);
    middle[whole.length >> 1] ^= 1;
    const last = Buffer.from(whole);
    last[whole.length - 3] ^= 4;
    for (const [what, bad] of [
      ['a changed octet', middle],
      ['a changed octet near the end', last],
      ['cut short', whole.subarray(0, whole.length - 2)],
      ['empty', Buffer.alloc(0)],
    ]) {
      writeFileSync(file, bad);
      const a = await tallystick(asked);
      assert.ok(a.code === 1 || a.code === 2, `${name}, ${what}: status ${a.code}`);
      assert.match(a.out + a.err, /DOES NOT HOLD|tallystick: /, `${name}, ${what}: it is said`);
    }
    writeFileSync(file, whole);
  }
  assert.equal((await tallystick(asked)).code, 0);
}

/** Tiles of a stream, checked by the independent reader; they hold the entries of `proof`, if given, a directory of `prove`. */
async function tilesOf(data, out, more, proof) {
  await good(['export', '--data', data, '--format', 'tlog-tiles', ...more, out]);
  const opened = tlog.openTiles(out, keyIn(out));
  for (const name of proof ? readdirSync(proof) : []) {
    const entry = /^entry-(\d+)$/.exec(name);
    if (entry) assert.deepEqual(opened.entries[Number(entry[1])], readFileSync(join(proof, name)), name);
  }
  return opened;
}

await scenario('proofs', 240, async (t) => {
  const shape = [
    ['hq', 'hq'],
    ['region', 'region', 'hq'],
    ['a', 'store', 'region'],
  ];
  const { nodes } = await makeChain(t, shape, { cards: 400 });
  const { hq, region, a } = nodes;
  const till = await a.pair();
  const sell = (counter) =>
    a.http.call(
      'POST',
      '/api/v1/sales',
      { counter, lines: [{ product: 1, quantity: 1 }], tenders: [{ kind: 'cash', amount: 1250 }] },
      { token: till.token },
    );
  const receipts = [];
  for (let i = 1; i <= 20; ++i) {
    const answer = await sell(i);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    receipts.push(answer.body.id);
  }
  await allCosigned(a);
  const journal = receipts[0].replace(/\.\d+$/, '/journal');
  t.step('twenty sales, cosigned by head office');

  // A store's own journal, beside the running node: a receipt is proved under the head that head office cosigned.
  const own = join(t.dir, 'own');
  const entry = Number(receipts[7].split('.').at(-1));
  await good(
    ['prove', '--data', a.data, '--entry', receipts[7], '--from-size', '3', '--cosigned', '--out', own],
  );
  const key = keyIn(own);
  const head = tlog.openCheckpoint(text(own, 'checkpoint'), key);
  assert.equal(head.origin, `tallystick/test/${journal.replace('.', '/')}`);
  const octets = readFileSync(join(own, `entry-${entry}`));
  assert.equal(tlog.openInclusion(text(own, `entry-${entry}.tlog-proof`), key, octets).index, BigInt(entry));
  const older = tlog.openCheckpoint(text(own, 'checkpoint-3'), key);
  assert.equal(tlog.openConsistency(text(own, 'from-3.consistency'), key, older).size, head.size);
  const cosigner = keyIn(own, 'cosigner-1.vkey');
  assert.equal(cosigner.name, 'tallystick/test/1');
  const { time } = tlog.openCheckpoint(text(own, 'checkpoint'), cosigner, head.origin);
  assert.ok(time > 1_700_000_000n && time <= BigInt(Math.ceil(Date.now() / 1000)), `cosigned at ${time}`);
  await nothingElseHolds(own, entry, 3);
  t.step('own journal: proofs hold for both verifiers, changed files for none');

  // The same journal from head office's copy, which holds no key of the store: the head that the store signed.
  const copy = join(t.dir, 'copy');
  const before3 = join(own, 'checkpoint-3');
  await good(['prove', '--data', hq.data, '--entry', receipts[7], '--from', before3, '--out', copy]);
  assert.equal(text(copy, 'log.vkey'), text(own, 'log.vkey'), 'one log, one key, whoever tells of it');
  // It cosigns there what it holds.
  const there = join(t.dir, 'there');
  await good(['prove', '--data', hq.data, '--stream', journal, '--from-size', '3', '--cosigned', '--out', there]);
  assert.equal(text(there, 'cosigner-1.vkey'), text(own, 'cosigner-1.vkey'));
  tlog.openCheckpoint(text(there, 'checkpoint'), cosigner, head.origin);
  tlog.openConsistency(text(copy, 'from-3.consistency'), key, older);
  assert.deepEqual(readFileSync(join(copy, `entry-${entry}`)), octets);
  // A key of another log does not do, nor does another log's older checkpoint.
  const directory = join(t.dir, 'directory');
  await good(['prove', '--data', region.data, '--stream', '1/directory', '--out', directory]);
  const asked = ['verify', '--key', join(directory, 'log.vkey'), '--checkpoint', join(copy, 'checkpoint')];
  const foreign = await tallystick(asked);
  assert.equal(foreign.code, 1, foreign.out);
  const mixed = await tallystick(
    ['prove', '--data', region.data, '--stream', '1/directory', '--from', before3, '--out', directory],
  );
  assert.equal(mixed.code, 1, mixed.err);
  for (const [args, said] of [
    [['--entry', '100000'], /has entries 0 to/],
    [['--size', '100000'], /from 1 to/],
    [['--stream', '9/journal'], /there are/],
    [['--entry', 'x'], /neither/],
  ]) {
    const none = await tallystick(['prove', '--data', a.data, '--out', join(t.dir, 'none'), ...args]);
    assert.equal(none.code, 1, none.err);
    assert.match(none.err, said);
  }
  t.step("head office's copy of it, and head office's directory at the region");

  // Tiles: whole and partial, of own and of other nodes' streams; a second export goes on where the first ended.
  const tiles = join(t.dir, 'tiles');
  const first = await tilesOf(hq.data, tiles, ['--stream', 'directory'], directory);
  assert.ok(first.head.size > 256n, `a directory of ${first.head.size} entries has a whole tile`);
  await tilesOf(region.data, join(t.dir, 'region-tiles'), ['--stream', '1/directory'], directory);
  const storeTiles = join(t.dir, 'store-tiles');
  const before = await tilesOf(a.data, storeTiles, [], own);
  for (let i = 21; i <= 30; ++i) await sell(i);
  await allCosigned(a);
  const after = await tilesOf(a.data, storeTiles, [], own);
  assert.ok(after.head.size >= before.head.size + 10n);
  await good(['issue', '--data', hq.data, '--count', '300', '--prefix', '9704', '--csv', join(t.dir, 'more.csv')]);
  const second = await tilesOf(hq.data, tiles, ['--stream', 'directory'], directory);
  assert.ok(second.head.size >= first.head.size + 300n);
  // What was lost or damaged since is made whole, though no entry is new.
  rmSync(join(tiles, 'tile', '0', '000'));
  const bundle = join(tiles, 'tile', 'entries', '000');
  const spoiled = readFileSync(bundle);
  spoiled[spoiled.length - 1] ^= 1;
  writeFileSync(bundle, spoiled);
  assert.throws(() => tlog.openTiles(tiles, keyIn(tiles)));
  const mended = await tilesOf(hq.data, tiles, ['--stream', 'directory'], directory);
  assert.equal(mended.head.size, second.head.size);
  // Head office's directory by its short name where it is not one's own.
  await tilesOf(a.data, join(t.dir, 'short'), ['--stream', 'directory']);
  const proofs = await tallystick(['export', '--data', a.data, '--format', 'tlog-tiles', own]);
  assert.deepEqual([proofs.code, /holds no export of/.test(proofs.err)], [1, true], proofs.err);
  const over = await tallystick(['prove', '--data', a.data, '--stream', '1/directory', '--out', own]);
  assert.deepEqual([over.code, /proofs of another log/.test(over.err)], [1, true], over.err);
  const other = await tallystick(['export', '--data', a.data, '--format', 'tlog-tiles', tiles]);
  assert.equal(other.code, 1);
  assert.match(other.err, /holds no export of/);
  await good(['export', '--data', hq.data, '--format', 'tlog-tiles', '--all', join(t.dir, 'all')]);
  const all = join(t.dir, 'all', journal);
  assert.ok(tlog.openTiles(all, keyIn(all)).head.size >= after.head.size);
  t.step('tiles: rebuilt roots are the signed ones');

  for (const node of [a, region, hq]) await node.stop();
  for (const node of Object.values(nodes)) await node.audit();
  const still = join(t.dir, 'still');
  await good(['prove', '--data', a.data, '--from', join(own, 'checkpoint'), '--out', still]);
  tlog.openConsistency(text(still, `from-${head.size}.consistency`), key, head);
});
