// Bad input on real processes: each is refused clearly, and the store still sells afterwards.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { invite, makeChain } from './chain.mjs';
import { command, good, newSeed, scenario, seeded, skipPart, sleep, tallystick, until } from './lib.mjs';
import { Till, compare, ledgerOf } from './till.mjs';

const LOAF = 1250;
const lines = [{ product: 1, quantity: 1 }];
const seed = newSeed();
const random = seeded(seed);

/** Sends bytes to a port and waits until the other side closes or `ms` are over: what it said. */
function shout(port, data, ms = 1_500) {
  return new Promise((resolve) => {
    const said = [];
    const socket = connect(port, '127.0.0.1', () => socket.write(data));
    const end = () => {
      socket.destroy();
      resolve(Buffer.concat(said).toString('latin1'));
    };
    const late = setTimeout(end, ms);
    socket.on('data', (part) => said.push(part));
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(late);
      end();
    });
  });
}
const noise = (n) => Buffer.from(Array.from({ length: n }, () => random.below(256)));

async function refused(answer, status, error) {
  const a = await answer;
  assert.equal(a.status, status, JSON.stringify(a.body));
  assert.equal(a.body.error, error, JSON.stringify(a.body));
  assert.ok(a.body.message.length > 10, 'it says why');
  return a.body;
}
/** The command must end with `status` and a sentence that has all of `words`; no crash, no dump. */
async function fails(args, status, ...words) {
  const done = await tallystick(args);
  const text = `tallystick ${args.join(' ')}: status ${done.code}, signal ${done.signal}\n${done.err}`;
  assert.equal(done.code, status, text);
  for (const word of words)
    assert.ok(word instanceof RegExp ? word.test(done.err) : done.err.includes(word), `${text}\nwithout ${word}`);
  assert.ok(done.err.trim().split('\n').length <= 3, `a sentence, not a dump: ${text}`);
  return done;
}

await scenario('bad_input', 1_200, async (t) => {
  console.log(`seed ${seed} (TALLY_SEED=${seed})`);
  const shape = [
    ['hq', 'hq'],
    ['store', 'store', 'hq'],
  ];
  const printer = await madPrinter(t);
  const configOf = (name) => (name === 'store' ? `[printer]\naddress = "127.0.0.1:${printer.port}"` : '');
  const { nodes, cards } = await makeChain(t, shape, { cards: 3, configOf });
  const { hq, store } = nodes;
  const till = new Till(store, await store.pair(), random, cards);
  t.finally(() => till.close());
  const topUp = await till.act('/api/v1/topups', { card: cards[0], amount: 100_000, tender: 'cash' });
  assert.equal(topUp.status, 200, JSON.stringify(topUp.body));
  const stillSells = async (after) => {
    const tenders = [{ kind: 'card', amount: LOAF }];
    const a = await till.act('/api/v1/sales', { card: cards[0], lines, tenders });
    assert.equal(a.status, 200, `after ${after}: ${JSON.stringify(a.body)}`);
    t.step(`refused clearly: ${after}`);
  };

  await amounts(till, cards);
  await stillSells('wrong cards, amounts and baskets');
  await bodies(store, till);
  await stillSells('wrong bodies');
  await ports(hq, store);
  await stillSells('garbage on each port');
  await printer.talks();
  await stillSells('garbage from the printer');
  await tokens(t, hq);
  await stillSells('wrong tokens');
  await forgedIdentities(t, hq);
  await stillSells('forged certificates and strange keys');
  await configurations(t, store);
  await stillSells('wrong configurations');
  await sameDirectory(t, store);
  await stillSells('two processes on one data directory');
  await diskReserve(store, till, cards);
  await stillSells('a disk without its reserve');
  await realFullDisk(t, hq);
  await readOnly(t, store);
  await stillSells('a read-only data directory');

  for (const node of [store, hq]) {
    assert.ok(node.child.running, `${node.name} is still the process that it was`);
    await node.stop();
    await node.audit();
  }
  compare([till], (await ledgerOf(store.data)).list, 'store');
});

async function amounts(till, cards) {
  const next = () => till.counter;
  const post = (path, body) => till.http.post(path, { counter: next(), ...body });
  const sale = (amount, more = {}) =>
    post('/api/v1/sales', { card: cards[0], lines, tenders: [{ kind: 'card', amount }], ...more });
  const load = (amount) => post('/api/v1/topups', { card: cards[0], amount, tender: 'cash' });

  await refused(post('/api/v1/cards/lookup', { card: '9704000000000000' }), 404, 'unknown_card');
  await refused(post('/api/v1/cards/lookup', { card: "9704' or 1=1" }), 404, 'unknown_card');
  await refused(sale(LOAF, { card: '9704999999999999' }), 409, 'unknown_card');
  const poor = await refused(sale(LOAF, { card: cards[1] }), 409, 'insufficient');
  assert.equal(poor.here, 0);
  assert.equal(poor.short, LOAF);
  const many = [{ product: 1, quantity: 9999 }];
  await refused(sale(9999 * LOAF, { lines: many }), 409, 'insufficient');
  for (const amount of [0, -1, -LOAF, Number.MIN_SAFE_INTEGER]) {
    await refused(load(amount), 409, 'bad_amount');
    await refused(sale(amount), 409, 'bad_amount');
  }
  await refused(load(Number.MAX_SAFE_INTEGER), 409, 'bad_amount');
  // JSON.stringify cannot write these.
  const raw = (path, text) => till.http.call('POST', path, undefined, { raw: Buffer.from(text) });
  const loadText = (amount) =>
    raw('/api/v1/topups', `{"counter":${next()},"card":"${cards[0]}","amount":${amount},"tender":"cash"}`);
  await refused(loadText('9223372036854775807'), 409, 'bad_amount');
  for (const text of [
    '9223372036854775808',
    '1e400',
    '1000.5',
    '1e3',
    '"1000"',
    'null',
    'NaN',
    '[]',
    '01000',
    '+1000',
  ])
    await refused(loadText(text), 400, 'malformed');
  const two = [
    { kind: 'card', amount: 9_000_000_000_000_000 },
    { kind: 'cash', amount: 9_000_000_000_000_000 },
  ];
  const big = await till.http.post('/api/v1/sales', { counter: next(), card: cards[0], lines, tenders: two });
  assert.equal(big.status, 409, JSON.stringify(big.body));
  await refused(sale(LOAF - 1), 409, 'bad_tender');
  await refused(sale(LOAF, { lines: [] }), 409, 'bad_basket');
  for (const quantity of [0, -1, 10_000])
    await refused(sale(LOAF, { lines: [{ product: 1, quantity }] }), 409, 'bad_basket');
  await refused(sale(LOAF, { lines: Array(201).fill({ product: 1, quantity: 1 }) }), 409, 'bad_basket');
  await refused(sale(LOAF, { lines: [{ product: 99, quantity: 1 }] }), 409, 'unknown_product');
  await refused(sale(LOAF, { lines: [{ ean: '4000000000006', quantity: 1 }] }), 409, 'unknown_product');
  await refused(sale(LOAF, { counter: 0 }), 400, 'malformed');
  await refused(sale(LOAF, { counter: 1_000_000_000 }), 400, 'malformed');
  await refused(sale(LOAF, { counter: 1 }), 409, 'key_reused');
  await refused(post('/api/v1/reversals', { receipt: '../../etc/passwd' }), 400, 'malformed');
  const unknown = till.record[0].receipt.id.replace(/\.\d+$/, '.999999');
  const none = await post('/api/v1/reversals', { receipt: unknown });
  assert.ok([404, 409].includes(none.status), JSON.stringify(none.body));
}

async function bodies(store, till) {
  const path = '/api/v1/sales';
  const raw = (data, token = till.http.token) => store.http.call('POST', path, undefined, { raw: data, token });
  await refused(raw(Buffer.alloc(10 * 1024 * 1024, 'x')), 413, 'malformed');
  await refused(raw(Buffer.alloc(65_537, ' ')), 413, 'malformed');
  for (const text of [
    '',
    '{',
    '[]',
    'null',
    '{"counter":1',
    '\u0000',
    '{"counter":1,"counter":2}',
    '['.repeat(30_000),
  ])
    await refused(raw(Buffer.from(text)), 400, 'malformed');
  await refused(raw(noise(1_000)), 400, 'malformed');
  await refused(raw(Buffer.from('{}'), 'not-a-token'), 401, 'not_allowed');
  await refused(raw(Buffer.from('{}'), ''), 401, 'not_allowed');
  await refused(store.http.post('/api/v1/pair', { code: '000-000' }), 403, 'bad_token');
  const admin = await store.http.get('/api/v1/admin/status', { token: 'guess' });
  assert.equal(admin.status, 401, JSON.stringify(admin.body));
  for (const bad of [
    '/../../etc/passwd',
    '/assets/../../../etc/passwd',
    '/assets/%2e%2e/%2e%2e/etc/passwd',
    '/nothing',
  ]) {
    const a = await shout(store.httpPort, `GET ${bad} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`);
    assert.match(a, /^HTTP\/1\.1 40[04] /, bad);
  }
}

async function ports(hq, store) {
  const zmq = Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0]);
  const null20 = Buffer.alloc(20);
  null20.write('NULL');
  for (const port of [store.httpPort, hq.httpPort, hq.linkPort, hq.doorPort]) {
    await Promise.all([
      shout(port, noise(20_000)),
      shout(port, Buffer.alloc(200_000, 0)),
      shout(port, Buffer.concat([zmq, null20, Buffer.alloc(32), noise(500)])), // a ZMTP greeting without CURVE
      shout(port, zmq.subarray(0, 5)),
      shout(port, `GET / HTTP/1.1\r\n${'a: b\r\n'.repeat(50_000)}`),
    ]);
  }
  const said = await shout(store.httpPort, 'HELO tally\r\n\r\n');
  assert.match(said, /^HTTP\/1\.1 400 /, 'no HTTP is answered 400');
  // Many that say nothing do not keep the others out.
  const idle = Array.from({ length: 100 }, () => connect(store.httpPort, '127.0.0.1').on('error', () => {}));
  await sleep(200);
  assert.equal((await store.http.get('/healthz')).status, 200);
  idle.forEach((it) => it.destroy());
}

/** What a store takes for its printer: it answers everything, and much besides, with noise. */
async function madPrinter(t) {
  let connections = 0;
  let octets = 0;
  const sockets = new Set();
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    const babble = setInterval(() => socket.write(noise(4_000)), 20);
    socket.on('data', (part) => {
      octets += part.length;
      socket.write(noise(500));
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearInterval(babble);
      sockets.delete(socket);
    });
    if (connections % 3 === 0) setTimeout(() => socket.destroy(), 200);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.finally(() => {
    sockets.forEach((it) => it.destroy());
    server.close();
  });
  return {
    port: server.address().port,
    talks: () => until('the store to talk to its printer', () => connections > 0 && octets > 0),
  };
}

/** A node whose certificate, root or keys are not those that head office gave it does not start. */
async function forgedIdentities(t, hq) {
  const honest = join(t.dir, 'three-of-us');
  const forged = async (name, change, ...words) => {
    const data = join(t.dir, `forged-${name}`);
    cpSync(honest, data, { recursive: true });
    change(data);
    const config = join(t.dir, `forged-${name}.toml`);
    const link = `parent = "tcp://127.0.0.1:${hq.linkPort}"`;
    writeFileSync(config, `[node]\ndata_dir = "${data}"\n[http]\nlisten = "127.0.0.1:0"\n[link]\n${link}\n`);
    await fails(['node', '--config', config], 2, 'certificate', ...words);
  };
  const edit = (file, from, to) => {
    const text = readFileSync(file, 'utf8');
    assert.ok(from.test(text), `${file} has ${from}`);
    writeFileSync(file, text.replace(from, to));
  };
  // Somebody else's root would certify anybody.
  await forged(
    'root',
    (data) => edit(join(data, 'identity.toml'), /^root = '[0-9a-f]{2}/m, "root = '00"),
    'identity.toml',
  );
  // Another node's number, with one's own certificate.
  await forged('number', (data) => edit(join(data, 'identity.toml'), /^node = \d+/m, 'node = 2'), 'db');
  for (const key of ['signing.key', 'curve.key'])
    await forged(
      key,
      (data) => cpSync(join(t.dir, 'two', 'keys', key), join(data, 'keys', key)),
      'keys',
      'do not fit',
    );
  // A byte of the certificate itself, wherever it lies in the database: it does not verify, or the database is damaged.
  const data = join(t.dir, 'forged-bytes');
  cpSync(honest, data, { recursive: true });
  let changed = 0;
  for (const name of readdirSync(join(data, 'db'))) {
    const file = join(data, 'db', name);
    const content = readFileSync(file);
    for (let at = content.indexOf('Store three'); at >= 0; at = content.indexOf('Store three', at + 1)) {
      content[at] ^= 0x20;
      changed += 1;
    }
    writeFileSync(file, content);
  }
  assert.ok(changed > 0, 'the certificate was found');
  const config = join(t.dir, 'forged-bytes.toml');
  writeFileSync(config, `[node]\ndata_dir = "${data}"\n[http]\nlisten = "127.0.0.1:0"\n`);
  await fails(['node', '--config', config], 2, /certificate|damaged/);
}

async function tokens(t, hq) {
  const dir = (name) => join(t.dir, name);
  const enrol = (name, token) => ['enrol', '--data', dir(name), '--token', token];
  const token = await invite(hq, 'Store two', 'store', 1);
  await fails(enrol('t1', ''), 2, 'token');
  await fails(enrol('t1', 'tally1.x'), 2, 'token');
  await fails(enrol('t1', `${token}A`), 2, 'token');
  const middle = Math.floor(token.length / 2);
  const tampered = token.slice(0, middle) + (token[middle] === 'A' ? 'B' : 'A') + token.slice(middle + 1);
  await fails(enrol('t1', tampered), 2, 'check sum');
  assert.ok(!existsSync(join(dir('t1'), 'identity.toml')), 'nothing was enrolled');
  rmSync(dir('t1'), { recursive: true, force: true });
  await good(enrol('two', token));
  await fails(enrol('three', token), 1, 'used');
  assert.ok(!existsSync(join(dir('three'), 'identity.toml')), 'a used token makes no node');
  await fails(enrol('two', token), 1, 'belongs to a node already');
  const mode = statSync(join(dir('two'), 'keys')).mode & 0o777;
  assert.equal(mode, 0o700, 'keys are for their owner only');
  await fails(
    ['invite', '--data', hq.data, '--role', 'store', '--name', 'x', '--parent', '77'].concat([
      '--ceiling',
      '1',
      '--daily-inflow',
      '1',
      '--quota',
      '1',
      '--daily-quota',
      '1',
    ]),
    1,
    '77',
  );
  const other = await invite(hq, 'Store three', 'store', 1);
  await fails(enrol('late', remade(other, { expiry: 1_000_000_000 })), 1, 'expired');
  // Somebody who puts the check sum right again still does not know the secret.
  await fails(enrol('forged', remade(other, { flip: true })), 1, 'does not know this token');
  for (const name of ['late', 'forged'])
    assert.ok(!existsSync(join(dir(name), 'identity.toml')), `${name}: nothing was enrolled`);
  await good(enrol('three-of-us', other));
}

/** A token with another expiry, or with one bit of its secret turned; its check sum fits again. */
function remade(token, { expiry, flip }) {
  const data = Buffer.from(token.split('.')[1], 'base64url');
  const payload = data.subarray(0, data.length - 4);
  const time = 5; // octets of the expiry, which comes last
  const front = Buffer.from(payload.subarray(0, payload.length - time));
  if (flip) front[front.length - 1] ^= 1;
  const end = [];
  for (let n = 2 * (expiry ?? 0); ; n = Math.floor(n / 128)) {
    end.push((n % 128) | (n >= 128 ? 128 : 0));
    if (n < 128) break;
  }
  const body = Buffer.concat([front, flip ? payload.subarray(payload.length - time) : Buffer.from(end)]);
  const sum = createHash('sha256').update(body).digest().subarray(0, 4);
  return `tally1.${Buffer.concat([body, sum]).toString('base64url')}`;
}

async function configurations(t, store) {
  const file = join(t.dir, 'wrong.toml');
  const wrong = async (text, ...words) => {
    writeFileSync(file, text);
    await fails(['node', '--config', file], 2, ...words);
  };
  await wrong(`[node]\ndata_dir = "x"\n\n[http]\nthreads = 99\n`, `${file}:5:`, 'http.threads', '99', '1 to 16');
  await wrong(`[node]\ndata_dir = "x"\n[http]\nthreads = "two"\n`, `${file}:4:`, 'http.threads', 'two', '1 to 16');
  await wrong(`[node]\ndata_dir = "x"\n[reader]\nbaud = 300\n`, `${file}:4:`, 'reader.baud', '300', '9600');
  await wrong(`[node]\ndata_dir = "x"\n[http]\nlisten = "nowhere"\n`, `${file}:4:`, 'http.listen', 'nowhere');
  await wrong(`[node]\ndata_dir = "x"\n[node2]\n`, `${file}:3:`, 'node2');
  await wrong(`[node]\ndata_dir = "x"\nfolder = "y"\n`, `${file}:3:`, 'node.folder');
  await wrong(`[node\n`, `${file}:1:`);
  await wrong(`[http]\nthreads = 2\n`, 'node.data_dir', 'missing');
  await wrong(`[node]\ndata_dir = "nowhere"\n`, 'nowhere', 'init-hq');
  await fails(['node', '--config', join(t.dir, 'absent.toml')], 2, 'absent.toml');
  await fails(['node', '--config', store.config, '--set', 'http.threads=0'], 2, 'http.threads', '0', '1 to 16');
  const busy = await tallystick([
    'node',
    '--config',
    store.config,
    '--set',
    `http.listen=127.0.0.1:${store.httpPort}`,
  ]);
  assert.equal(busy.code, 2, busy.err);
  await fails(['sell'], 2, /sell|COMMAND|subcommand/i);
  await fails(['status', '--data', join(t.dir, 'nowhere')], 1, 'nowhere');
  const rules = join(t.dir, 'wrong-rules.toml');
  writeFileSync(rules, 'currency = "CNY"\nexponent = 2\n[[product]]\nid = 1\nprice = "-1"\n');
  await fails(['publish', '--check', rules], 2, 'wrong-rules.toml', /:\d+/);
}

async function sameDirectory(t, store) {
  const second = join(t.dir, 'second.toml');
  writeFileSync(second, readFileSync(store.config, 'utf8').replace(`:${store.httpPort}"`, ':0"'));
  const before = readFileSync(join(store.data, 'identity.toml'), 'utf8');
  await fails(['node', '--config', second], 2, 'another process', store.data);
  assert.equal(readFileSync(join(store.data, 'identity.toml'), 'utf8'), before);
}

async function diskReserve(store, till, cards) {
  await store.stop();
  await store.start('--set', 'ledger.reserve_mb=1000000');
  const sale = { card: cards[0], lines, tenders: [{ kind: 'card', amount: LOAF }] };
  await refused(till.http.post('/api/v1/sales', { counter: till.counter, ...sale }), 503, 'full');
  assert.equal((await till.http.good('GET', '/api/v1/till')).blocked, 'full');
  await till.http.good('GET', `/api/v1/receipts/${till.record[0].receipt.id}`);
  const repeated = await till.http.good('POST', till.record[0].path, till.record[0].body);
  assert.equal(repeated.id, till.record[0].receipt.id, 'what was answered before is answered again');
  await till.http.good('POST', '/api/v1/cards/lookup', { card: cards[0] });
  await store.stop();
  await store.start();
}

/** A store on a small tmpfs that fills up while it sells: it refuses before anything is lost. */
async function realFullDisk(t, hq) {
  const at = join(t.dir, 'small');
  mkdirSync(at);
  const mounted = await command('mount', ['-t', 'tmpfs', '-o', 'size=96m', 'tmpfs', at]);
  if (mounted.code !== 0) return skipPart(`a small disk cannot be mounted here: ${mounted.err.trim()}`);
  t.finally(async () => {
    const done = await command('umount', ['-l', at]);
    assert.equal(done.code, 0, done.err);
  });
  const { Node } = await import('./chain.mjs');
  const small = new Node(t, 'small-store', 'store', join(at, 'data'));
  await small.ports();
  small.writeConfig(hq, '[ledger]\nreserve_mb = 8');
  await good(['enrol', '--data', small.data, '--token', await invite(hq, 'Small', 'store', 1)]);
  await small.start();
  const till = new Till(small, await small.pair(), random, []);
  t.finally(() => till.close());
  const cash = { lines, tenders: [{ kind: 'cash', amount: LOAF }] };
  let a;
  for (let i = 0; i < 100 && a?.status !== 200; ++i) {
    a = await till.http.post('/api/v1/sales', { counter: 1, ...cash });
    if (a.status !== 200) await sleep(100);
  }
  till.take('/api/v1/sales', { counter: 1, ...cash }, a);
  // Somebody else fills the disk.
  const filler = join(at, 'filler');
  const free = Number((await command('df', ['--output=avail', '-B1', at])).out.trim().split('\n').at(-1));
  writeFileSync(filler, Buffer.alloc(free - 4 * 1024 * 1024));
  let refusal;
  for (let i = 0; i < 200 && !refusal; ++i) {
    const body = { counter: till.counter, ...cash };
    const b = await till.http.post('/api/v1/sales', body);
    if (b.status === 200) till.take('/api/v1/sales', body, b);
    else refusal = b;
    await sleep(50);
  }
  assert.equal(refusal?.body.error, 'full', JSON.stringify(refusal?.body));
  await till.http.good('GET', `/api/v1/receipts/${till.record[0].receipt.id}`);
  rmSync(filler);
  for (let i = 0; i < 200; ++i) {
    const body = { counter: till.counter, ...cash };
    a = await till.http.post('/api/v1/sales', body);
    if (a.status === 200) break;
    await sleep(50);
  }
  assert.equal(a.status, 200, `it sells again when there is room: ${JSON.stringify(a.body)}`);
  till.take('/api/v1/sales', { counter: till.counter }, a);
  await small.stop();
  await small.audit();
  compare([till], (await ledgerOf(small.data)).list, 'the store on a small disk');
  t.step('refused clearly: a disk that is really full');
}

/** A copy of the store's data that cannot be written: it says so and does not start. */
async function readOnly(t, store) {
  await store.stop();
  const copy = join(t.dir, 'read-only');
  cpSync(store.data, copy, { recursive: true });
  await store.start();
  const config = join(t.dir, 'read-only.toml');
  const text = readFileSync(store.config, 'utf8').replace(store.data, copy).replace(`:${store.httpPort}"`, ':0"');
  writeFileSync(config, text);
  if (process.getuid() === 0) {
    const bound = await command('mount', ['--bind', copy, copy]);
    if (bound.code !== 0) return skipPart(`nothing can be mounted read-only here: ${bound.err.trim()}`);
    t.finally(() => command('umount', ['-l', copy]));
    const done = await command('mount', ['-o', 'remount,ro,bind', copy]);
    if (done.code !== 0) return skipPart(`nothing can be mounted read-only here: ${done.err.trim()}`);
  } else {
    for (const dir of [join(copy, 'db'), copy]) chmodSync(dir, 0o500);
    t.finally(() => [copy, join(copy, 'db')].forEach((dir) => chmodSync(dir, 0o700)));
  }
  await fails(['node', '--config', config], 2, copy, /[Rr]ead-only|[Pp]ermission/);
}
