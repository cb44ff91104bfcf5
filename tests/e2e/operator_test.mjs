// What an operator meets at the command line: wrong ports and folders, files that would be lost, tokens that would go
// astray. Real processes; the sentence and the exit status are checked.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { createServer as listener } from 'node:net';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { LIMITS, invite, makeChain } from './chain.mjs';
import { Http, ROOT, binary, freePort, good, hasCommand, scenario, skipPart, tallystick, until } from './lib.mjs';

const modeOf = (path) => statSync(path).mode & 0o777;

/** The command ends with `status` and says all of `words`, in a sentence or two. */
async function fails(args, status, ...words) {
  const done = await tallystick(args, { ms: 60_000 });
  const text = `tallystick ${args.join(' ')}: status ${done.code}, signal ${done.signal}\n${done.err}`;
  assert.equal(done.code, status, text);
  for (const word of words) assert.ok(done.err.includes(word), `${text}\nwithout ${word}`);
  return done;
}

await scenario('operator', 420, async (t) => {
  await folders(t);
  t.step('folders of others stay as they were');
  const shape = [
    ['hq', 'hq'],
    ['store', 'store', 'hq'],
  ];
  const { nodes, cards } = await makeChain(t, shape, { cards: 3 });
  const { hq, store } = nodes;
  await limits(hq, store);
  await invitations(hq);
  await cardLists(t, hq, store, cards);
  await cardStates(t, hq, store, cards);
  await prices(t, hq);
  t.step('limits, invitations, cards, prices');
  await exports(t, hq);
  t.step('an export that fails takes nothing away');
  await store.stop();
  await starts(t, store, hq);
  t.step('a start that fails names address, key and line');
  await stray(t, store);
  t.step('the token goes to nobody but the node');
  await identities(t, store);
  t.step('an identity that was edited is noticed');
  await hq.stop();
  assert.ok(!existsSync(join(hq.data, 'http.address')), 'an orderly stop takes the address away');
  await hq.audit();
  await store.audit();
});

async function folders(t) {
  const usb = join(t.dir, 'stick');
  mkdirSync(usb);
  const secret = join(t.dir, 'secret');
  writeFileSync(secret, 'a passphrase for tests only\n');
  let n = 0;
  const init = (data, more = []) => [
    ...['init-hq', '--data', data, '--chain', 'mine', '--root-key', join(usb, `root${++n}.key`)],
    ...['--passphrase-file', secret, ...more],
  ];
  const foreign = join(t.dir, 'foreign');
  mkdirSync(foreign, { mode: 0o755 });
  chmodSync(foreign, 0o755);
  writeFileSync(join(foreign, 'thesis.txt'), 'years of work');
  await fails(init(foreign), 1, 'not empty', 'thesis.txt');
  assert.equal(modeOf(foreign), 0o755, 'its mode is its own');
  assert.deepEqual(readdirSync(foreign), ['thesis.txt']);
  assert.ok(!existsSync(join(usb, 'root1.key')), 'no root key for a chain that was not made');
  // Another program's database and keys are no earlier try of ours.
  for (const [dir, file] of [
    ['db', 'CURRENT'],
    ['keys', 'id_ed25519'],
  ]) {
    rmSync(foreign, { recursive: true });
    mkdirSync(join(foreign, dir), { recursive: true });
    writeFileSync(join(foreign, dir, file), 'x');
    await fails(init(foreign), 1, 'not empty', dir);
  }
  const empty = join(t.dir, 'empty');
  mkdirSync(empty);
  chmodSync(empty, 0o755);
  await good(init(empty));
  assert.equal(modeOf(empty), 0o755, 'only what was made is restricted');
  for (const dir of ['db', 'keys', 'log']) assert.equal(modeOf(join(empty, dir)), 0o700, dir);
  await fails(['audit', '--data', empty], 2, 'never ran', 'start it once');
  // A first try that broke off before its end is taken up.
  rmSync(join(empty, 'identity.toml'));
  await good(init(empty));
  await fails(['init-hq', '--data', join(t.dir, 'x'), '--chain', 'Bad Name', '--root-key', join(usb, 'k')].concat(
    ['--passphrase-file', secret]), 2, '"Bad Name"', '1 to 40');
  await fails(init(join(t.dir, 'x'), ['--name', 'a\u0007b']), 2, 'a?b', 'control');
  await fails(init(join(t.dir, 'x')).map((it) => it.replace('stick', 'unplugged')), 2, 'unplugged', 'mount');
  await fails(init(join(t.dir, 'x')).map((it) => (it === secret ? `${secret}-not` : it)), 2, 'secret-not');
  writeFileSync(`${secret}-short`, 'short\n');
  await fails(init(join(t.dir, 'x')).map((it) => (it === secret ? `${secret}-short` : it)), 2, '5', '12');
  assert.ok(!existsSync(join(t.dir, 'x')), 'nothing was made by any of them');
  await terminal(t, init(join(t.dir, 'x')).filter((it) => it !== '--passphrase-file' && it !== secret));
  await fails(['enrol', '--data', join(t.dir, 'x')], 2, '--token or --token-file');
  await fails(['enrol', '--data', join(t.dir, 'x'), '--token', 'rubbish'], 2, 'tally1.');
}

/** Ctrl-C at the prompt gives the terminal its echo back; a short passphrase is refused before it is asked again. */
async function terminal(t, args) {
  if (!hasCommand('script') || !hasCommand('stty')) return skipPart('no script(1) or stty(1) for a terminal');
  const program = join(t.dir, 'prompt.sh');
  const line = [binary(), ...args].map((it) => `'${it}'`).join(' ');
  writeFileSync(
    program,
    [
      `${line} < /dev/tty &`,
      'pid=$!',
      // So the prompt stands. Bounded: what ended already never asks.
      "for i in $(seq 1200); do stty -a | grep -q -- ' -echo ' && break; sleep 0.05; done",
      'kill -TERM $pid',
      'wait $pid',
      'echo "ended with $?"',
      "stty -a | grep -q -- ' -echo ' && echo 'echo is off' || echo 'echo is on'",
      `${line} < /dev/tty`,
      'echo "refused with $?"',
    ].join('\n'),
  );
  const child = spawn('script', ['-qec', `bash ${program}`, '/dev/null']);
  t.finally(() => child.kill('SIGKILL'));
  let said = '';
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.stdin.on('error', () => {});
  child.stdout.on('data', (part) => {
    const before = said;
    said += part;
    // The second prompt gets a passphrase that is too short. No second one is asked for.
    const prompts = (text) => text.match(/or more\)/g)?.length ?? 0;
    if (prompts(said) === 2 && prompts(before) < 2) child.stdin.write('short\n');
  });
  await ended;
  assert.match(said, /ended with 143/, said);
  assert.match(said, /echo is on/, said);
  assert.match(said, /has 5 characters and needs at least 12/, said);
  assert.match(said, /refused with 2/, said);
}

async function limits(hq, store) {
  const base = ['limits', '--data', hq.data];
  await fails([...base, '--ceiling', '5'], 2, '--node is missing');
  await fails([...base, '--node', String(store.id)], 2, 'nothing is to change');
  await fails([...base, '--node', '77', '--ceiling', 'rubbish'], 1, 'no store with number 77');
  await fails([...base, '--node', String(store.id), '--ceiling', 'rubbish'], 2, 'rubbish');
}

async function invitations(hq) {
  const list = async () => (await good(['invite', '--data', hq.data, '--list'])).out;
  assert.match(await list(), /No invitation is open/);
  const invited = ['invite', '--data', hq.data, '--role', 'store', ...LIMITS, '--name'];
  await fails([...invited, 'a\u0001b'], 2, 'control characters');
  const twin = await good([...invited, 'store']);
  assert.match(twin.err, /another node or open invitation is called "store"/);
  const node = twin.err.match(/node (\d+)/)[1];
  assert.match(await list(), new RegExp(`^${node} +store`, 'm'));
  await good(['invite', '--data', hq.data, '--cancel', node]);
  assert.match(await list(), /No invitation is open/);
  await fails(['enrol', '--data', `${hq.data}-twin`, '--token', twin.out.trim()], 1, 'does not know this token');
  await fails(['invite', '--data', hq.data, '--cancel', node], 1, 'no open invitation');
  const region = ['invite', '--data', hq.data, '--role', 'region', '--name', 'East', ...LIMITS];
  await fails(region, 2, 'a region has none');
  await fails(['invite', '--data', hq.data, '--replace', '2', ...LIMITS], 2, "that node's limits");
}

/** Digits with their Luhn digit. */
function withCheck(digits) {
  const sum = [...digits].reverse().reduce((total, d, i) => {
    const n = Number(d) * (i % 2 === 0 ? 2 : 1);
    return total + (n > 9 ? n - 9 : n);
  }, 0);
  return digits + ((10 - (sum % 10)) % 10);
}

async function cardLists(t, hq, store, cards) {
  const csv = join(t.dir, 'more.csv');
  await fails(['issue', '--data', store.data, '--count', '5', '--prefix', '9704'], 1, 'only head office');
  await fails(['issue', '--data', hq.data, '--count', '5000', '--prefix', '97040000', '--csv', csv], 1, 'do not fit');
  assert.ok(!existsSync(csv), 'no list of no cards');
  // What a kill between the list and the ledger leaves: numbers that are no cards yet, and half a line.
  await good(['issue', '--data', hq.data, '--count', '2', '--prefix', '9704', '--csv', csv]);
  assert.match(readFileSync(csv, 'utf8'), /^number,account\r\n(\d{16},\d+\r\n){2}$/);
  appendFileSync(csv, '970400');
  const again = await good(['issue', '--data', hq.data, '--resume', csv]);
  assert.match(again.err, /last line is incomplete/);
  assert.match(again.err, /All 2 cards of the list are issued; 0 of them were missing/);
  const token = readFileSync(join(hq.data, 'admin.token'), 'utf8').trim();
  const reserved = await hq.http.post('/api/v1/admin/cards/reserve', { count: 2 }, { token });
  const account = reserved.body.first;
  const drawn = [0, 1].map((i) => withCheck(`9704${String(account + i).padStart(7, '0')}4711`));
  writeFileSync(csv, `number,account\n${drawn.map((it, i) => `${it},${account + i}\n`).join('')}`);
  const first = await good(['issue', '--data', hq.data, '--resume', csv]);
  assert.match(first.err, /All 2 cards of the list are issued; 2 of them were missing/, 'of an older list too');
  writeFileSync(csv, `number,account\n${drawn[0]},${account}\n${cards[1]}x,2\n`);
  await fails(['issue', '--data', hq.data, '--resume', csv], 2, `${csv}:3`);
  await fails(['issue', '--data', hq.data, '--resume', `${csv}-not`], 2, 'does not exist');
}

/** Head office freezes a card, the store refuses it, and takes it again. */
async function cardStates(t, hq, store, cards) {
  const card = (...more) => ['card', '--data', hq.data, '--card', cards[0], ...more];
  assert.match((await good(card())).out, /The card is active \(account \d+, kind \d+, version 0/);
  const { token } = await store.pair();
  const till = new Http(store.url, token);
  let counter = 0;
  const topUp = async () =>
    till.post('/api/v1/topups', { counter: (counter += 1), card: cards[0], amount: 1000, tender: 'cash' });
  assert.equal((await topUp()).status, 200);
  assert.match((await good(card('--state', 'frozen'))).out, /is frozen .*version 1 /);
  await until('the store to refuse the card', async () => {
    const a = await topUp();
    return a.status === 409 && a.body.error === 'card_blocked';
  });
  const sale = { lines: [{ product: 1, quantity: 1 }], tenders: [{ kind: 'card', amount: 1250 }] };
  const refused = await till.post('/api/v1/sales', { counter: (counter += 1), card: cards[0], ...sale });
  assert.deepEqual([refused.status, refused.body.error], [409, 'card_blocked']);
  await good(card('--state', 'active'));
  await until('the store to take the card', async () => (await topUp()).status === 200);
  // A code for its holder's telephone, drawn twice; a lost telephone ends both.
  const picture = join(t.dir, 'telephone.svg');
  const code = (await good(card('--code', '--picture', picture))).out.trim();
  const second = (await good(card('--code'))).out.trim();
  assert.match(code, /^TALLYC2\./);
  assert.notEqual(code, second);
  assert.match(readFileSync(picture, 'utf8'), /^<svg /);
  const pays = async (it) => (await till.post('/api/v1/topups', { counter: (counter += 1), card: it, amount: 1000, tender: 'cash' })).status;
  assert.deepEqual([await pays(code), await pays(second)], [200, 200]);
  assert.match((await good(card('--void-codes'))).out, /^2 codes /);
  await until('the store to refuse the codes', async () => (await pays(code)) === 409 && (await pays(second)) === 409);
  const third = (await good(card('--code'))).out.trim();
  assert.equal(await pays(third), 200);
  // A new number for the same card: what lies on it is under it, and the old one is refused, with its codes.
  const before = await till.post('/api/v1/cards/lookup', { card: cards[0] });
  const replaced = await good(card('--replace'));
  const number = replaced.out.trim();
  assert.match(number, /^9704\d{12}$/);
  await until('the store to know the new number', async () => {
    const a = await till.post('/api/v1/cards/lookup', { card: number });
    return a.status === 200 && a.body.here === before.body.here && a.body.account === before.body.account;
  });
  const old = await till.post('/api/v1/topups', { counter: (counter += 1), card: cards[0], amount: 1000, tender: 'cash' });
  assert.deepEqual([old.status, old.body.error], [409, 'card_blocked']);
  assert.equal(await pays(third), 409);
  await fails(card('--replace'), 1, 'cancelled');
  till.close();
  const spare = ['card', '--data', hq.data, '--card', cards[2], '--state'];
  await good([...spare, 'lost']);
  await good([...spare, 'cancelled']);
  await fails([...spare, 'active'], 1, 'cancelled', 'for good');
  await fails(['card', '--data', hq.data, '--card', '4711'], 1, 'no card with this number');
  await fails(['card', '--data', store.data, '--card', cards[0]], 1, 'head office');
  await fails([...spare, 'melted'], 2, 'melted');
}

async function prices(t, hq) {
  const file = join(t.dir, 'yen.toml');
  const sample = readFileSync(join(ROOT, 'config', 'demo-rules.toml'), 'utf8');
  writeFileSync(file, sample.replace('currency = "CNY"', 'currency = "JPY"'));
  await fails(['publish', '--data', hq.data, file], 2, 'CNY', 'JPY', 'never change');
  const dearer = join(t.dir, 'dearer.toml');
  writeFileSync(dearer, sample.replace('price = "12.50"', 'price = "13.50"'));
  const tried = await good(['publish', '--data', hq.data, '--try', '2', dearer]);
  assert.match(tried.out, /Nothing was published|No sale is held here/);
  await fails(['publish', '--data', hq.data, '--try', '0', dearer], 2, '--try');
  await fails(['publish', '--data', hq.data, `${file}-not`], 2, 'yen.toml-not');
}

async function exports(t, hq) {
  const out = join(t.dir, 'books.journal');
  writeFileSync(out, 'the books of last year\n', { mode: 0o644 });
  await fails(['export', '--data', join(t.dir, 'foreign'), '--out', out], 2, 'nothing was exported');
  assert.equal(readFileSync(out, 'utf8'), 'the books of last year\n');
  await good(['export', '--data', hq.data, '--out', out]);
  assert.match(readFileSync(out, 'utf8'), /^commodity /m);
  assert.equal(modeOf(out), 0o600);
  assert.deepEqual(readdirSync(t.dir).filter((it) => it.startsWith('books.journal')), ['books.journal']);
  // A socket, as this test's own ends are, cannot be opened by name; a pipe can.
  const piped = execFileSync('sh', ['-c', '"$0" export --data "$1" --out /dev/stdout | cat', binary(), hq.data]);
  assert.match(piped.toString(), /^commodity /m);
}

async function starts(t, store, hq) {
  const taken = listener();
  const port = await freePort();
  await new Promise((resolve) => taken.listen(port, '127.0.0.1', resolve));
  t.finally(() => taken.close());
  const start = (set, status, ...words) =>
    fails(['node', '--config', store.config, '--set', 'http.listen=127.0.0.1:0', ...set], status, ...words);
  const lineOf = (node, key) =>
    `${node.config}:${1 + readFileSync(node.config, 'utf8').split('\n').findIndex((it) => it.startsWith(key))}`;
  await start(['--set', `http.listen=127.0.0.1:${port}`], 2, '--set http.listen', `127.0.0.1:${port}`, 'in use');
  await start(['--set', 'http.listen=192.0.2.1:8080'], 2, '192.0.2.1:8080', 'Cannot assign');
  await start(['--set', `link.listen=tcp://127.0.0.1:${port}`], 2, 'link.listen', `127.0.0.1:${port}`, 'in use');
  await start(['--set', `http.web_dir=${t.dir}`], 2, 'http.web_dir', t.dir, 'till.html');
  await start(['--set', `node.data_dir=${t.dir}`], 2, 'node.data_dir', t.dir, 'not a data directory');
  const moved = (path, work) => {
    renameSync(path, `${path}.away`);
    return work().finally(() => {
      rmSync(path, { force: true, recursive: true });
      renameSync(`${path}.away`, path);
    });
  };
  const key = join(store.data, 'keys', 'signing.key');
  await moved(key, () => start([], 2, key));
  await moved(key, async () => {
    writeFileSync(key, readFileSync(join(store.data, 'keys', 'curve.key')), { mode: 0o600 });
    await start([], 2, key);
  });
  await moved(key, async () => {
    writeFileSync(key, readFileSync(join(hq.data, 'keys', 'signing.key')), { mode: 0o600 });
    await start([], 2, join(store.data, 'keys'), 'do not fit');
  });
  await moved(join(store.data, 'log'), async () => {
    writeFileSync(join(store.data, 'log'), 'no folder');
    await start([], 2, join(store.data, 'log'));
  });
  // Head office, with lines of its file.
  await hq.stop();
  const config = readFileSync(hq.config, 'utf8');
  writeFileSync(hq.config, config.replace(`:${hq.doorPort}"`, `:${port}"`));
  await fails(['node', '--config', hq.config], 2, lineOf(hq, 'door'), 'link.door', String(port), 'in use');
  writeFileSync(hq.config, config.replace(`:${hq.httpPort}"`, `:${port}"`));
  await fails(['node', '--config', hq.config], 2, `${hq.config}:5: http.listen`, String(port), 'in use');
  writeFileSync(hq.config, config);
  const door = join(hq.data, 'keys', 'door.key');
  await moved(door, () => fails(['node', '--config', hq.config], 2, door));
  await hq.start();
}

/** A program that took the port of a node that was killed hears nothing from a command. */
async function stray(t, store) {
  await store.start();
  const token = readFileSync(join(store.data, 'admin.token'), 'utf8');
  assert.equal(modeOf(join(store.data, 'admin.token')), 0o600);
  await store.child.kill();
  assert.ok(existsSync(join(store.data, 'http.address')), 'a kill leaves the address');
  const heard = [];
  const thief = createServer((request, answer) => {
    heard.push(request.headers.authorization);
    answer.end('{}');
  });
  await new Promise((resolve) => thief.listen(store.httpPort, '127.0.0.1', resolve));
  for (const args of [['status'], ['pair']])
    await fails([...args, '--data', store.data], 3, 'does not run', "'tallystick node'");
  await new Promise((resolve) => thief.close(resolve));
  assert.deepEqual(heard, []);
  // A token that others could read, or that is none, does not live on.
  writeFileSync(join(store.data, 'admin.token'), 'known to all\nand two lines');
  chmodSync(join(store.data, 'admin.token'), 0o644);
  await store.start();
  const next = readFileSync(join(store.data, 'admin.token'), 'utf8');
  assert.equal(modeOf(join(store.data, 'admin.token')), 0o600);
  assert.match(next.trim(), /^[\w-]{20,}$/);
  assert.notEqual(next, token);
  const old = await store.http.get('/api/v1/admin/status', { token });
  assert.equal(old.status, 401, 'the token of the life before is void');
  await store.stop();
  assert.ok(!existsSync(join(store.data, 'http.address')), 'an orderly stop takes the address away');
}

async function identities(t, store) {
  const file = join(store.data, 'identity.toml');
  const text = readFileSync(file, 'utf8');
  for (const [from, to, word] of [
    [/name = .*/, "name = 'Somebody else'", 'Somebody else'],
    [/role = .*/, "role = 'region'", 'region'],
  ]) {
    writeFileSync(file, text.replace(from, to));
    assert.notEqual(readFileSync(file, 'utf8'), text);
    await fails(['node', '--config', store.config], 2, file, 'was changed', word);
    const audited = await tallystick(['audit', '--data', store.data]);
    assert.equal(audited.code, 1, audited.out + audited.err);
    assert.match(audited.out, /identity\.toml/);
  }
  writeFileSync(file, text);
}
