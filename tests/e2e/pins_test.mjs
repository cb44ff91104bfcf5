// PINs in a real chain: chosen at one store, typed at another, wrong, locked, refilled, forgotten; without a line; through
// a kill. Then every file of every node is searched for what was typed.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allCosigned, makeChain } from './chain.mjs';
import { ROOT, good, scenario, tallystick, until } from './lib.mjs';

const PIN = '482913570246';
const NEXT = '719204638815';
const WRONG = '000000999999';

function* filesBelow(dir) {
  for (const name of readdirSync(dir)) {
    const path = join(dir, name);
    const st = statSync(path, { throwIfNoEntry: false }); // a running node removes files
    if (st?.isDirectory()) yield* filesBelow(path);
    else if (st?.isFile()) yield path;
  }
}

await scenario('pins', 300, async (t) => {
  const shape = [['hq', 'hq'], ['r', 'region', 'hq'], ['a', 'store', 'r'], ['b', 'store', 'hq']];
  const { nodes, cards } = await makeChain(t, shape, { cards: 3 });
  const { hq, r, a, b } = nodes;
  const card = cards[0];

  // No PIN up to 20.00.
  const rules = join(t.dir, 'rules.toml');
  const kind = '\n[[card_kind]]\nid = 1\nname = { en = "Card" }\npin_above = "20.00"\n';
  writeFileSync(rules, readFileSync(join(ROOT, 'config', 'demo-rules.toml'), 'utf8') + kind);
  await good(['publish', '--data', hq.data, rules]);
  for (const node of [a, b]) await until(`${node.name} to have the rules`, async () => (await node.status()).rules_version === 2);

  const tills = { a: await a.pair(), b: await b.pair() };
  const api = (node, method, path, body) =>
    node.http.call(method, `/api/v1${path}`, body, { token: tills[node.name].token });
  const counter = async (node) => (await api(node, 'GET', '/till')).body.next_counter;
  const ask = async (node, path, body) => api(node, 'POST', path, { counter: await counter(node), card, ...body });
  const lines = [{ product: 12, quantity: 2 }];
  const pay = async (node, more = {}) => {
    const { due } = (await api(node, 'POST', '/quotes', { card, lines })).body;
    assert.ok(due > 2_000, 'the basket is above the limit');
    return ask(node, '/sales', { lines, tenders: [{ kind: 'card', amount: due }], ...more });
  };
  const says = (answer, status, error) =>
    assert.deepEqual([answer.status, answer.body.error], [status, error], JSON.stringify(answer.body));
  const pinOf = async (node) => (await api(node, 'POST', '/cards/lookup', { card })).body.pin;

  for (const node of [a, b]) assert.equal((await ask(node, '/topups', { amount: 50_000, tender: 'cash' })).status, 200);
  const none = await pay(a);
  says(none, 409, 'pin_required');
  assert.equal(none.body.without_pin, 2_000);
  const set = await until('the store to have head office\'s key', async () => {
    const done = await ask(a, '/cards/pin', { pin: PIN });
    return done.status === 200 ? done.body : Promise.reject(new Error(JSON.stringify(done.body)));
  });
  assert.equal(set.changed, false);
  says(await pay(a), 409, 'pin_required');
  assert.equal((await pay(a, { pin: PIN })).status, 200);
  t.step('a PIN counts at once where it was chosen');

  await until('store b to hear of it', async () => (await pinOf(b)).set);
  await until('store b to judge it', async () => (await pay(b, { pin: PIN })).status === 200);
  for (const left of [2, 1]) {
    const wrong = await pay(b, { pin: WRONG });
    says(wrong, 409, 'pin_wrong');
    assert.equal(wrong.body.tries_left, left);
  }
  // A power cut forgets no try.
  await b.child.kill();
  await b.start();
  says(await pay(b, { pin: WRONG }), 409, 'pin_wrong');
  says(await pay(b, { pin: PIN }), 409, 'pin_locked');
  assert.equal((await pinOf(b)).tries_left, 0);
  assert.equal((await pay(a, { pin: PIN })).status, 200);
  const unlock = await good(['card', '--data', hq.data, '--card', card, '--unlock-pin']);
  assert.match(unlock.out, /with a PIN/);
  await until('store b to hear of fresh tries', async () => (await pinOf(b)).tries_left === 3);
  assert.equal((await pay(b, { pin: PIN })).status, 200);
  t.step('three wrong ones lock one store, and head office refills');

  // Without a line: b has the verifier, and changes the PIN; a goes by the old one until it hears.
  await hq.stop();
  await until('store b to be alone', async () => !(await b.status()).link_up);
  assert.equal((await pay(b, { pin: PIN })).status, 200);
  assert.equal((await ask(b, '/cards/pin', { pin: NEXT, old_pin: PIN })).body.changed, true);
  says(await pay(b, { pin: PIN }), 409, 'pin_wrong');
  assert.equal((await pay(b, { pin: NEXT })).status, 200);
  assert.equal((await pay(a, { pin: PIN })).status, 200);
  await hq.start();
  await until('store a to know the new one', async () => (await pay(a, { pin: NEXT })).status === 200);
  t.step('a PIN is typed and changed without a line');

  // A store that has no verifier, and no line.
  const other = cards[1];
  await until('a PIN for another card', async () => (await ask(a, '/cards/pin', { card: other, pin: PIN })).status === 200);
  assert.equal((await ask(b, '/topups', { card: other, amount: 10_000, tender: 'cash' })).status, 200);
  const known = async (node) => (await api(node, 'POST', '/cards/lookup', { card: other })).body.pin.set;
  await until('store b to hear of it', () => known(b));
  await hq.stop();
  await until('store b to be alone', async () => !(await b.status()).link_up);
  const unknown = await pay(b, { card: other, pin: PIN });
  says(unknown, 409, 'pin_required');
  assert.match(unknown.body.detail, /line to head office/);
  assert.equal(unknown.body.without_pin, 2_000);
  await hq.start();
  await until('store b to judge it after all', async () => (await pay(b, { card: other, pin: PIN })).status === 200);
  t.step('what cannot be judged is said');

  // Forgotten.
  await good(['card', '--data', hq.data, '--card', card, '--reset-pin']);
  await until('store b to hear that there is none', async () => !(await pinOf(b)).set);
  says(await pay(b, { pin: NEXT }), 409, 'pin_required');
  assert.equal((await ask(b, '/cards/pin', { pin: PIN })).status, 200);
  assert.equal((await pay(b, { pin: PIN })).status, 200);
  assert.equal((await tallystick(['card', '--data', hq.data, '--card', cards[2], '--unlock-pin'])).code, 1);
  t.step('a forgotten PIN is taken away, and another one chosen');

  // A page, a proxy or a curious hand.
  for (const pin of ['123', '1234567890123', '12a4', 1234, '']) says(await pay(b, { pin }), 400, 'malformed');
  says(await ask(b, '/cards/pin', { pin: '12' }), 400, 'malformed');

  for (const node of [a, b]) await allCosigned(node);
  for (const node of [a, b, r, hq]) await node.stop();
  for (const node of [hq, r, a, b]) await node.audit();
  const dirs = [hq, r, a, b].map((it) => it.data);
  for (const dir of [...dirs, join(t.dir)])
    for (const file of filesBelow(dir)) {
      const octets = readFileSync(file);
      for (const typed of [PIN, NEXT, WRONG]) assert.ok(!octets.includes(typed), `${file} holds a PIN`);
    }
  t.step('no file of any node holds what was typed, and all audits hold');
});
