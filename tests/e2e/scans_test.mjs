// Readers on pseudo-terminals: what a scanner and a stripe reader send reaches the till, whatever else comes with it; a
// device that is pulled out and comes back; a card's QR code, signed by head office, at a store that never heard of it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { deviceState, listen, oneStore } from './devices_lib.mjs';
import { binary, command, freePort, good, hasCommand, scenario, skip, sleep, until } from './lib.mjs';

/** Pseudo-terminals behind links, held by a process of their own: closing one is pulling its plug. */
class Lines {
  constructor(t) {
    this.child = spawn('python3', [fileURLToPath(new URL('lines.py', import.meta.url))], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.said = [];
    createInterface({ input: this.child.stdout }).on('line', (line) => this.said.push(line));
    t.finally(() => this.child.kill('SIGKILL'));
  }
  async tell(...words) {
    const before = this.said.length;
    this.child.stdin.write(`${words.join(' ')}\n`);
    await until(`the lines to do ${words[0]}`, () => this.said.length > before);
    assert.equal(this.said.at(-1), 'done');
  }
  send = (path, text) => this.tell('send', path, Buffer.from(text, 'latin1').toString('hex'));
}

await scenario('scans', 240, async (t) => {
  if (!hasCommand('python3')) skip('python3 is not installed');
  const paths = Object.fromEntries(['reader', 'scanner', 'display', 'rewriter'].map((it) => [it, join(t.dir, it)]));
  const lines = new Lines(t);
  for (const path of Object.values(paths)) await lines.tell('plug', path);
  await lines.tell('rewriter', paths.rewriter);
  const config =
    `[reader]\npath = "${paths.reader}"\n[scanner]\npath = "${paths.scanner}"\n` +
    `[display]\npath = "${paths.display}"\n[rewriter]\npath = "${paths.rewriter}"`;
  const { hq, store, cards } = await oneStore(t, config);
  const { events, till } = await listen(t, store);
  for (const kind of ['reader', 'scanner', 'display'])
    await until(`the ${kind}`, async () => (await deviceState(store, till.token, kind)) === 'ready');
  const ask = (method, path, body) => store.http.call(method, path, body, { token: till.token });

  // Two scans 20 ms apart are two scans; a card and a product share the scanner.
  await lines.send(paths.scanner, '6901234000108\r\n');
  await sleep(20);
  await lines.send(paths.scanner, `6901234000108\r\n${cards[0]}\r\n`);
  for (let i = 0; i < 2; ++i) assert.equal((await events.next('product')).data.product, 1);
  assert.deepEqual((await events.next('card')).data.number, cards[0]);
  assert.equal(events.all('product').length, 0);
  t.step('two scans are two, a card among them');

  // In pieces, with garbage in front, from two devices at once.
  const stripe = `%B${cards[1]}^CARD/HOLDER^4912120000?;${cards[1]}=4912120000?\r`;
  await lines.send(paths.scanner, '69012');
  await lines.send(paths.reader, `\xff\x00?garbage${stripe.slice(0, 30)}`);
  await lines.send(paths.scanner, '34000108\r');
  await lines.send(paths.reader, stripe.slice(30));
  assert.equal((await events.next('card')).data.number, cards[1]);
  assert.equal((await events.next('product')).data.ean, '6901234000108');
  await lines.send(paths.scanner, '690123400010\xff8\r');
  assert.equal((await events.next('misread')).data.device, 'scanner');
  await lines.send(paths.scanner, `${'9'.repeat(5000)}`);
  assert.equal((await events.next('misread')).data.reason, 'too_long');
  await lines.send(paths.scanner, '\rTALLYV1:SPRING-2026\r');
  assert.equal((await events.next('voucher')).data.code, 'SPRING-2026');
  await lines.send(paths.reader, '6901234000108\r');
  assert.equal((await events.next('product')).data.ean, '6901234000108', 'a stripe reader may scan as well');
  t.step('pieces, garbage, a flood, a voucher');

  // Pulled out in the middle of a scan, and back under another pseudo-terminal.
  await lines.send(paths.scanner, '69012');
  await lines.tell('unplug', paths.scanner);
  await until('the scanner to be missed', async () => (await deviceState(store, till.token, 'scanner')) === 'unplugged');
  await lines.tell('plug', paths.scanner);
  const back = process.hrtime.bigint();
  const found = await events.next('device', (it) => it.scanner.state === 'ready');
  await lines.send(paths.scanner, '6901234000207\r');
  assert.equal((await events.next('product')).data.product, 2, 'the half scan from before is forgotten');
  t.step(`pulled out and back: found again after ${(Number(found.at - back) / 1e6).toFixed(0)} ms`);

  await scratchCard(t, { hq, lines, paths, events, ask });
  await signedCode(t, { hq, store, lines, paths, events, ask });

  // A rewritable card says what it is worth after its last use.
  await lines.tell('card', paths.rewriter, Buffer.from('  17.50').toString('hex')); // of the sale, not of the top-up before it
  await until('the rewriter', async () => (await deviceState(store, till.token, 'rewriter')) === 'ready');
  t.step('a rewritable card is printed with what it is worth');

  // The customer's display, and the drawer without a printer.
  assert.equal((await ask('POST', '/api/v1/drawer', {})).status, 409);
  assert.equal((await ask('POST', '/api/v1/display', { upper: 'White loaf', upper_right: '12.50', lower: 'x'.repeat(30) })).status, 200);
  await lines.tell('expect', paths.display, Buffer.from(`\x1b@\x1bt\0\x0cWhite loaf     12.50${'x'.repeat(20)}`).toString('hex'));
  assert.equal((await ask('POST', '/api/v1/display', { upper: 7 })).status, 400);
  t.step('the display shows two lines of twenty');

  for (const node of [store, hq]) {
    await node.stop();
    await node.audit();
  }
  const devices = (part, ...more) => command(binary(), ['devices', part, '--config', store.config, ...more], { ms: 60_000 });
  const shown = await devices('test');
  assert.equal(shown.code, 0, shown.out + shown.err);
  await lines.tell('expect', paths.display, Buffer.from(`TALLYSTICK          12345678901234567890`).toString('hex'));
  assert.equal((await devices('doctor')).code, 0);
  const gone = await devices('doctor', '--set', `reader.path=${paths.reader}-gone`);
  assert.equal(gone.code, 1, gone.out);
  assert.match(gone.out, /reader +PROBLEM +.*-gone is not there: it is unplugged/);
  t.step('the doctor and the test of a display');
  t.step('both ledgers prove themselves');
});

/** A card whose number is worth nothing without the digits under its coating; what was spent is spent. */
async function scratchCard(t, { hq, lines, paths, events, ask }) {
  const csv = join(t.dir, 'scratch.csv');
  await good(['issue', '--data', hq.data, '--count', '1', '--prefix', '9704', '--scratch', '--csv', csv]);
  const [text] = readFileSync(csv, 'utf8').trim().split('\r\n').at(-1).split(',');
  const [number, covered] = text.split('.');
  assert.ok(/^[0-9]{16}$/.test(number) && /^[0-9]{8}$/.test(covered), text);
  await until('the store to know the card', async () => (await ask('POST', '/api/v1/cards/lookup', { card: text })).status === 200);
  await lines.send(paths.scanner, `${text}\r`);
  const scanned = await events.next('card');
  assert.deepEqual([scanned.data.number, scanned.data.masked], [text, `**** ${number.slice(7, 11)}`]);
  const wrong = `${number}.${covered === '00000000' ? '00000001' : '00000000'}`;
  for (const card of [number, wrong]) assert.equal((await ask('POST', '/api/v1/cards/lookup', { card })).status, 404, card);
  const counter = async () => (await ask('GET', '/api/v1/till')).body.next_counter;
  const loaded = await ask('POST', '/api/v1/topups', { counter: await counter(), card: text, amount: 5000, tender: 'cash' });
  assert.deepEqual([loaded.status, loaded.body.masked], [200, `**** ${number.slice(7, 11)}`], JSON.stringify(loaded.body));
  const spend = async () =>
    ask('POST', '/api/v1/sales', {
      counter: await counter(), card: text, lines: [{ product: 1, quantity: 1 }], tenders: [{ kind: 'card', amount: 1250 }],
    });
  const sold = await spend();
  assert.equal(sold.status, 200);
  // There is value left, and the number opens it no more: not here, and head office tells every other store.
  assert.equal((await spend()).body.error, 'number_used');
  const topUp = { counter: await counter(), card: text, amount: 5000, tender: 'cash' };
  assert.equal((await ask('POST', '/api/v1/topups', topUp)).body.error, 'number_used');
  const looked = await ask('POST', '/api/v1/cards/lookup', { card: text });
  assert.deepEqual([looked.status, looked.body.error, looked.body.detail], [409, 'number_used', `by receipt ${sold.body.id}`]);
  const state = async () => (await good(['card', '--data', hq.data, '--card', text])).out;
  await until('head office to say so', async () => /expired/.test(await state()));
  // A reversal gives it back, a new number opens what is left.
  const undone = await ask('POST', '/api/v1/reversals', { counter: await counter(), receipt: sold.body.id });
  assert.equal(undone.status, 200, JSON.stringify(undone.body));
  await until('head office to take it back', async () => /active/.test(await state()));
  await until('the number to open it again', async () => (await spend()).status === 200);
  assert.equal((await spend()).body.error, 'number_used');
  t.step('a scratch-off number opens with its covered digits only, and pays one sale');
}

/** Head office signs a code; the store is cut off before it can hear of the card. */
async function signedCode(t, { hq, store, lines, paths, events, ask }) {
  const issue = async (name) => {
    const csv = join(t.dir, `${name}.csv`);
    const codes = join(t.dir, `${name}.codes.csv`);
    await good(['issue', '--data', hq.data, '--count', '1', '--prefix', '9704', '--csv', csv, '--codes', codes]);
    const last = (file) => readFileSync(file, 'utf8').trim().split('\r\n').at(-1).split(',');
    const [number, account] = last(csv);
    const [, code] = last(codes);
    return { number, account: Number(account), code };
  };
  const known = await issue('known');
  await until('the store to know the card', async () =>
    (await ask('POST', '/api/v1/cards/lookup', { card: known.number })).status === 200);
  await lines.send(paths.scanner, `${known.code}\r`);
  const scanned = await events.next('card');
  assert.deepEqual([scanned.data.number, scanned.data.masked], [known.code, 'QR']);
  const body = (await ask('POST', '/api/v1/cards/lookup', { card: scanned.data.number })).body;
  assert.deepEqual(
    [body.account, body.status, body.genuine, body.masked],
    [known.account, 'active', true, `**** ${known.number.slice(7, 11)}`],
  );
  const torn = (await ask('POST', '/api/v1/cards/lookup', { card: known.code.slice(0, 60) })).body;
  assert.deepEqual([torn.error, /damaged/.test(torn.detail)], ['bad_signature', true], 'a part of a code is no unknown card');
  const bought = await ask('POST', '/api/v1/topups', { counter: (await ask('GET', '/api/v1/till')).body.next_counter, card: known.code, amount: 5000, tender: 'cash' });
  assert.equal(bought.status, 200, JSON.stringify(bought.body));
  assert.equal(bought.body.account, known.account);

  // Head office restarts on another port of its link, so the store cannot reach it.
  const linkPort = hq.linkPort;
  await hq.stop();
  hq.linkPort = await freePort();
  hq.writeConfig();
  await hq.start();
  const stranger = await issue('stranger');
  assert.equal((await ask('POST', '/api/v1/cards/lookup', { card: stranger.number })).status, 404, 'never heard of');
  const genuine = (await ask('POST', '/api/v1/cards/lookup', { card: stranger.code })).body;
  assert.deepEqual([genuine.account, genuine.status, genuine.genuine], [stranger.account, 'not_known_yet', true]);
  // Its money is taken and spent on the proof alone; the number without it stays a stranger's.
  const counter = async () => (await ask('GET', '/api/v1/till')).body.next_counter;
  const topUp = async (card) =>
    ask('POST', '/api/v1/topups', { counter: await counter(), card, amount: 3000, tender: 'cash' });
  assert.equal((await topUp(stranger.number)).body.error, 'unknown_card');
  const loaded = await topUp(stranger.code);
  assert.deepEqual([loaded.status, loaded.body.account], [200, stranger.account], JSON.stringify(loaded.body));
  const sale = {
    counter: await counter(),
    card: stranger.code,
    lines: [{ product: 1, quantity: 1 }],
    tenders: [{ kind: 'card', amount: 1250 }],
  };
  const sold = await ask('POST', '/api/v1/sales', sale);
  assert.deepEqual([sold.status, sold.body.here], [200, 1750], JSON.stringify(sold.body));
  const forged = stranger.code.slice(0, -2) + (stranger.code.endsWith('AA') ? 'BB' : 'AA');
  const refused = await ask('POST', '/api/v1/cards/lookup', { card: forged });
  assert.ok([404, 409].includes(refused.status), JSON.stringify(refused.body));
  // With the link back, head office holds the same: what came before the card's state was heard of here counts.
  await hq.stop();
  hq.linkPort = linkPort;
  hq.writeConfig();
  await hq.start();
  await until('the store to know the card', async () =>
    (await ask('POST', '/api/v1/cards/lookup', { card: stranger.number })).status === 200);
  assert.equal((await ask('POST', '/api/v1/cards/lookup', { card: stranger.number })).body.here, 1750);
  await until('head office to have it all', async () => {
    const link = (await ask('GET', '/api/v1/till')).body.link;
    return link.up && link.entries_waiting === 0;
  });
  t.step('a signed code is genuine at a store that never heard of its card, a forged one is not');
}
