// One-time codes in a real chain: asked for at a store, handed out by head office's outbox, typed; wrong, used, without a
// line; head office and the store killed in between. Then every file is searched for the telephone.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allCosigned, makeChain } from './chain.mjs';
import { ROOT, good, scenario, tallystick, until } from './lib.mjs';

const PHONE = '13800138742';

function* filesBelow(dir) {
  for (const name of readdirSync(dir)) {
    const path = join(dir, name);
    const st = statSync(path, { throwIfNoEntry: false });
    if (st?.isDirectory()) yield* filesBelow(path);
    else if (st?.isFile()) yield path;
  }
}

await scenario('codes', 300, async (t) => {
  const shape = [['hq', 'hq'], ['r', 'region', 'hq'], ['a', 'store', 'r']];
  const { nodes, cards } = await makeChain(t, shape, { cards: 2 });
  const { hq, r, a } = nodes;
  const card = cards[0];

  // No code up to 20.00. A store that there is not is a mistake, on its line.
  const rules = join(t.dir, 'rules.toml');
  const kind = '\n[[card_kind]]\nid = 1\nname = { en = "Card" }\ncode_above = "20.00"\n';
  const demo = readFileSync(join(ROOT, 'config', 'demo-rules.toml'), 'utf8');
  writeFileSync(rules, `${demo}${kind}only_at = [77]\n`);
  const refused = await tallystick(['publish', '--data', hq.data, rules]);
  assert.notEqual(refused.code, 0);
  assert.match(refused.err, /rules\.toml:\d+: card_kind 1: only_at names 77/);
  writeFileSync(rules, demo + kind);
  await good(['publish', '--data', hq.data, rules]);
  await until('the store to have the rules', async () => (await a.status()).rules_version === 2);
  const form = join(t.dir, 'form.json');
  writeFileSync(form, JSON.stringify({ name: '王小明', phones: [PHONE] }));
  await good(['member', 'add', '--data', hq.data, '--file', form, '--card', card]);

  const { token } = await a.pair();
  const api = (method, path, body) => a.http.call(method, `/api/v1${path}`, body, { token });
  const counter = async () => (await api('GET', '/till')).body.next_counter;
  const ask = async (path, body) => api('POST', path, { counter: await counter(), card, ...body });
  const lines = [{ product: 12, quantity: 2 }];
  let due = 0;
  const pay = async (more = {}) => {
    due = (await api('POST', '/quotes', { card, lines })).body.due;
    return ask('/sales', { lines, tenders: [{ kind: 'card', amount: due }], ...more });
  };
  const says = (answer, status, error) =>
    assert.deepEqual([answer.status, answer.body.error], [status, error], JSON.stringify(answer.body));
  const send = (amount = 50_000, which = card) => api('POST', '/cards/code', { card: which, amount });
  const sent = () => until('a code to be sent', async () => {
    const done = await send();
    return done.status === 200 ? done.body : Promise.reject(new Error(JSON.stringify(done.body)));
  });
  const outbox = (...args) => good(['outbox', '--data', hq.data, ...args.map(String)]);
  const take = async () => (await outbox('--take', 20)).out.split('\n').filter(Boolean).map((it) => JSON.parse(it));
  const digits = (message) => message.text.match(/\d{6}/)[0];

  for (const which of cards)
    assert.equal((await ask('/topups', { card: which, amount: 50_000, tender: 'cash' })).status, 200);
  const none = await pay();
  says(none, 409, 'code_required');
  assert.equal(none.body.without_code, 2_000);
  says(await send(2_000), 409, 'not_applicable');
  const way = await sent();
  assert.equal(way.ends_in, '42');
  const noMember = await send(50_000, cards[1]);
  says(noMember, 409, 'code_required');
  assert.match(noMember.body.detail, /telephone/);
  const [message, ...others] = await take();
  assert.equal(others.length, 0);
  assert.equal(message.telephone, PHONE);
  const listed = (await outbox()).out;
  assert.match(listed, /…42/);
  assert.ok(!listed.includes(digits(message)), 'a list shows no codes');
  assert.equal((await take()).length, 0, 'handed out once, for a minute');
  await outbox('--done', message.id);
  assert.match((await outbox()).out, /Nothing waits/);
  assert.equal((await tallystick(['outbox', '--data', hq.data, '--done', String(message.id)])).code, 1);
  const wrong = await pay({ code: digits(message) === '000000' ? '000001' : '000000' });
  says(wrong, 409, 'code_wrong');
  assert.equal(wrong.body.tries_left, 2);
  assert.equal((await pay({ code: digits(message) })).status, 200);
  says(await pay({ code: digits(message) }), 409, 'code_required');
  t.step('a code opens one sale');

  // Head office dies with a message that nobody has taken: it is there again.
  await sent();
  await hq.child.kill();
  await hq.start();
  const [again] = await until('the message after the kill', async () => {
    const list = await take();
    return list.length === 1 ? list : undefined;
  });
  assert.ok(again.id > message.id);
  assert.equal((await pay({ code: digits(again) })).status, 200);
  // The store dies with a code that nobody has typed: another one is sent.
  await sent();
  const [lost] = await take();
  await a.child.kill();
  await a.start();
  says(await pay({ code: digits(lost) }), 409, 'code_required');
  t.step('a kill of either costs a message at most');

  await hq.stop();
  await until('the store to be alone', async () => !(await a.status()).link_up || (await send()).status !== 200);
  says(await send(), 503, 'offline');
  const alone = await pay();
  says(alone, 409, 'code_required');
  assert.equal(alone.body.without_code, 2_000);
  const split = [{ kind: 'card', amount: 2_000 }, { kind: 'cash', amount: due - 2_000 }];
  assert.equal((await ask('/sales', { lines, tenders: split })).status, 200);
  await hq.start();
  await sent();
  t.step('without a line what goes without a code goes');

  await allCosigned(a);
  for (const node of [a, r, hq]) await node.stop();
  for (const node of [hq, r, a]) await node.audit();
  for (const dir of [hq.data, r.data, a.data])
    for (const file of filesBelow(dir)) assert.ok(!readFileSync(file).includes(PHONE), `${file} holds the telephone`);
  t.step('all audits hold, and no file holds the telephone');
});
