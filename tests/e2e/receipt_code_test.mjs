// The code that proves a receipt: from the paper to the store's key, to head office's ledger, to a cosigned head by files
// alone, judged by a verifier that shares nothing with the program; and forged, foreign and changed codes.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allCosigned, makeChain } from './chain.mjs';
import { FakePrinter, haveTables, linesOf, pbmOf, pictureOf, qrOf } from './escpos.mjs';
import { command, freePort, good, hasCommand, scenario, skip, skipPart, tallystick, until } from './lib.mjs';
import * as tlog from './tlog.mjs';

const PAPER = { columns: 32, charset: 'gb18030' }; // 58 mm

/** A reader of QR codes that is not ours. */
async function readByAStranger(t, picture, text) {
  if (!hasCommand('zbarimg')) return skipPart('zbarimg is not installed: the dots are compared, and read by nobody');
  const file = join(t.dir, 'code.pbm');
  writeFileSync(file, picture);
  const read = await command('zbarimg', ['--quiet', '--raw', file]);
  assert.equal(read.out.trim(), text, read.err);
}

const configOf = (port, qr) =>
  `[printer]\naddress = "127.0.0.1:${port}"\ncolumns = ${PAPER.columns}\nqr = "${qr}"\n[receipt]\nlanguage = "zh-Hans"`;

await scenario('receipt_code', 240, async (t) => {
  if (!haveTables) skip('web/node_modules has no iconv-lite; tools/web installs it');
  const printers = {};
  for (const name of ['a', 'b']) {
    printers[name] = new FakePrinter(PAPER.charset, await freePort());
    printers[name].paper.columns = PAPER.columns;
    await printers[name].start();
  }
  const shape = [['hq', 'hq'], ['a', 'store', 'hq'], ['b', 'store', 'hq']];
  const config = { a: configOf(printers.a.port, 'native'), b: configOf(printers.b.port, 'dots') };
  const { nodes } = await makeChain(t, shape, { cards: 3, configOf: (name) => config[name] ?? '' });
  const { hq, a, b } = nodes;
  const tills = { a: await a.pair(), b: await b.pair() };
  const sell = async (name, counter) => {
    const body = { counter, lines: [{ product: 1, quantity: 2 }], tenders: [{ kind: 'cash', amount: 2500 }] };
    const sold = await nodes[name].http.call('POST', '/api/v1/sales', body, { token: tills[name].token });
    assert.equal(sold.status, 200, JSON.stringify(sold.body));
    return sold.body;
  };
  const check = async (node, code, token) =>
    (await node.http.call('POST', '/api/v1/receipts/check', { code }, { token })).body;
  const admin = () => readFileSync(join(hq.data, 'admin.token'), 'utf8').trim();

  // On paper: the printer's own QR code at one store, dots at the other; the caption is text like all others.
  const first = await sell('a', 1);
  assert.match(first.proof, /^TALLYR2\.[A-Za-z0-9_-]+$/);
  assert.equal(first.text.at(-1).trim(), '本单据的验证码');
  const printed = (name, receipt) =>
    until(`the ticket of ${receipt.id}`, () =>
      printers[name].paper.tickets.find((it) => linesOf(it).join('').includes(receipt.id)));
  const ticket = await printed('a', first);
  assert.deepEqual(linesOf(ticket), first.text);
  assert.equal(qrOf(ticket), first.proof, 'the code on paper is the one in the answer');
  const other = await sell('b', 1);
  const drawn = await printed('b', other);
  assert.equal(qrOf(drawn), undefined);
  const code = (await b.http.call('GET', `/api/v1/receipts/${other.id}/code`, undefined, { token: tills.b.token })).body;
  assert.equal(code.code, other.proof);
  const picture = pictureOf(drawn);
  const dots = (y, x) => (picture.rows[y * (picture.width >> 3) + (x >> 3)] >> (7 - (x & 7))) & 1;
  const module = Math.floor(picture.height / code.side);
  assert.ok(module >= 3 && module * code.side === picture.height && picture.height <= 384, `${picture.height} dots`);
  for (let y = 0; y < code.side; ++y)
    for (let x = 0; x < code.side; ++x) {
      const dark = (parseInt(code.rows[y][x >> 2], 16) >> (3 - (x & 3))) & 1;
      assert.equal(dots(y * module, x * module), dark, `module ${x}, ${y}`);
    }
  await readByAStranger(t, pbmOf(picture), other.proof);
  t.step(`on 58 mm: ${first.proof.length} characters, ${code.side} modules, ${module} dots each`);

  // The same whenever it is asked for.
  const again = (await a.http.call('GET', `/api/v1/receipts/${first.id}`, undefined, { token: tills.a.token })).body;
  assert.equal(again.proof, first.proof);
  assert.equal((await check(a, first.proof, tills.a.token)).id, first.id);

  // Head office, running: from the store's word to its own.
  for (const it of [a, b]) await allCosigned(it);
  const held = await check(hq, first.proof, admin());
  assert.deepEqual(
    [held.id, held.standing, held.store, held.entry.kind, held.entry.paid, held.entry.counter],
    [first.id, 'cosigned', 'a', 'sale', 2500, 1],
    JSON.stringify(held),
  );
  await hq.stop();
  const dark = await sell('a', 2);
  await hq.start();
  assert.ok(['signed_only', 'cosigned'].includes((await check(hq, dark.proof, admin())).standing));
  await until('head office to hold it', async () => (await check(hq, dark.proof, admin())).standing === 'cosigned');
  // Another store never holds it, and knows that it is genuine.
  assert.equal((await check(b, first.proof, tills.b.token)).standing, 'signed_only');
  t.step('head office knows it, another store knows that it is genuine');

  // From files alone.
  const proof = join(t.dir, 'proof');
  const size = Number(first.id.split('.').at(-1)) + 1;
  await good(['prove', '--data', hq.data, '--entry', first.id, '--from-size', String(size), '--out', proof]);
  const key = join(proof, 'log.vkey');
  const files = ['verify', '--key', key, '--receipt', first.proof];
  const { out: said } = await good([...files, '--note', join(t.dir, 'note'), '--consistency', join(proof, `from-${size}.consistency`)]);
  assert.match(said, /holds: signed by/);
  assert.match(said, /paid 2500 in minor units/);
  assert.match(said, new RegExp(`log of size ${size} is the beginning of`));
  const head = tlog.openCheckpoint(readFileSync(join(t.dir, 'note'), 'utf8'), tlog.verifierKey(readFileSync(key, 'utf8').trimEnd()));
  assert.equal(head.size, BigInt(size));
  const entry = readFileSync(join(proof, `entry-${size - 1}`));
  assert.deepEqual(head.extensions, [`receipt ${tlog.leafHash(entry).toString('base64')}`], 'the entry that head office holds');
  writeFileSync(join(t.dir, 'code.txt'), `${first.proof}\n`);
  await good(['verify', '--key', key, '--receipt', join(t.dir, 'code.txt')]);
  const { out: copy } = await good(['receipt', '--data', hq.data, first.proof]);
  assert.match(copy, /^Genuine: /);
  t.step('files alone prove it, to a stranger too');

  // Forged, foreign, changed.
  const middle = first.proof.length >> 1;
  const forged = `${first.proof.slice(0, middle)}${first.proof[middle] === 'A' ? 'B' : 'A'}${first.proof.slice(middle + 1)}`;
  for (const bad of [forged, first.proof.slice(0, -1), 'TALLYR2.', `TALLYR1:${first.id}`]) {
    assert.ok([1, 2].includes((await tallystick(['verify', '--key', key, '--receipt', bad])).code), bad);
    assert.equal((await tallystick(['receipt', '--data', hq.data, bad])).code, 1, bad);
    const refused = await hq.http.call('POST', '/api/v1/receipts/check', { code: bad }, { token: admin() });
    assert.ok(refused.status === 409 || refused.status === 400, `${refused.status} ${bad}`);
  }
  assert.equal((await tallystick(['verify', '--key', key, '--receipt', other.proof])).code, 1, 'the key of another store');
  t.step('forged, cut, foreign and changed codes do not pass');

  // What a till waits for: the answer with its proof.
  const took = [];
  for (let n = 3; n < 63; ++n) {
    const from = process.hrtime.bigint();
    await sell('a', n);
    took.push(Number(process.hrtime.bigint() - from) / 1e6);
  }
  took.sort((x, y) => x - y);
  t.step(`60 sales with their code, one at a time: median ${took[30].toFixed(1)} ms, slowest ${took.at(-1).toFixed(1)} ms`);
  for (const it of Object.values(printers)) await it.stop();
});
