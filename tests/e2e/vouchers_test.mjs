// Vouchers with codes in a real chain: made at head office, taken with a line and without one, put on a card, taken twice,
// ruled about, void; and a card that spends at risk.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allCosigned, makeChain } from './chain.mjs';
import { ROOT, good, scenario, tallystick, until } from './lib.mjs';

/** A list that has no number in its second line. */
function wrongList(t) {
  const path = join(t.dir, 'bad-list.csv');
  writeFileSync(path, 'number\r\nnot a number\r\n');
  return path;
}

await scenario('vouchers', 300, async (t) => {
  const shape = [['hq', 'hq'], ['a', 'store', 'hq'], ['b', 'store', 'hq']];
  const configOf = (name) => (name === 'hq' ? '[notice]\nlevels = true\n' : '');
  const { nodes, cards } = await makeChain(t, shape, { cards: 5, configOf });
  const { hq, a, b } = nodes;
  const card = cards[0];

  const rules = join(t.dir, 'rules.toml');
  const demo = readFileSync(join(ROOT, 'config', 'demo-rules.toml'), 'utf8');
  const kind = '\n[[card_kind]]\nid = 1\nname = { en = "Card" }\nrisk_sale = "30.00"\nrisk_total = "40.00"\n';
  const at = demo.search(/^refund_quota/m);
  writeFileSync(rules, `${demo.slice(0, at)}risk_budget = "100.00"\n${demo.slice(at)}${kind}`);
  // What the rules must not say.
  const bad = join(t.dir, 'bad.toml');
  writeFileSync(bad, `${demo}${kind}`);
  const refused = await tallystick(['publish', '--check', bad]);
  assert.notEqual(refused.code, 0);
  assert.match(refused.err + refused.out, /risk_total is at most/);
  await good(['publish', '--data', hq.data, rules]);
  for (const node of [a, b]) await until(`${node.name} to have the rules`, async () => (await node.status()).rules_version === 2);

  const tills = { a: await a.pair(), b: await b.pair() };
  const api = (node, method, path, body) =>
    node.http.call(method, `/api/v1${path}`, body, { token: tills[node.name].token });
  const counter = async (node) => (await api(node, 'GET', '/till')).body.next_counter;
  const ask = async (node, path, body) => api(node, 'POST', path, { counter: await counter(node), ...body });
  const says = (answer, status, error) =>
    assert.deepEqual([answer.status, answer.body.error], [status, error], JSON.stringify(answer.body));
  const programme = (await api(a, 'GET', '/programme')).body;
  const purse = programme.purses.find((p) => p.kind === 'voucher' && p.off);
  const lines = [{ product: 12, quantity: 4 }];
  const buy = async (node, code, more = {}) => {
    const uses = [{ purse: purse.id, units: 1 }];
    const quote = await api(node, 'POST', '/quotes', { card: code, lines, uses });
    if (quote.status !== 200) return quote; // used up: the till hears it before it asks for money
    return ask(node, '/sales', { card: code, lines, uses, tenders: [{ kind: 'cash', amount: quote.body.due }], ...more });
  };

  const csv = join(t.dir, 'spring.csv');
  const pictures = join(t.dir, 'pictures');
  const id = String(purse.id);
  const made = await good(['voucher', '--data', hq.data, '--issue', '6', '--batch', 'spring', '--purse', id,
    '--until', '2035-12-31', '--csv', csv, '--pictures', pictures]);
  assert.match(made.out, /6 vouchers are issued/);
  assert.equal(statSync(csv).mode & 0o077, 0);
  assert.equal(readdirSync(pictures).length, 6);
  const read = (path) => readFileSync(path, 'utf8').trim().split('\r\n').slice(1).map((l) => l.split(',')[4]);
  const codes = read(csv);
  assert.equal(new Set(codes).size, 6);
  assert.match((await good(['voucher', '--data', hq.data])).out, /spring +\d+ +6 +6 +6 +0 +2035-12-31/);
  for (const wrong of [
    ['--issue', '2', '--purse', id, '--csv', csv, '--batch', 'x'],
    ['--issue', '2', '--purse', '2', '--csv', join(t.dir, 'no.csv'), '--batch', 'x'],
    ['--issue', '2', '--purse', id, '--money', '5.00', '--csv', join(t.dir, 'no.csv'), '--batch', 'x'],
    ['--issue', '0', '--purse', id, '--csv', join(t.dir, 'no.csv'), '--batch', 'x'],
    ['--issue', '2', '--money', 'much', '--csv', join(t.dir, 'no.csv'), '--batch', 'x'],
    ['--issue', '2', '--purse', id, '--csv', join(t.dir, 'no.csv'), '--batch', 'spring'],
    ['--codes', '--batch', 'none', '--csv', join(t.dir, 'no.csv')],
    ['--void', '--batch', 'none'],
  ])
    assert.notEqual((await tallystick(['voucher', '--data', hq.data, ...wrong])).code, 0, wrong.join(' '));
  const again = join(t.dir, 'again.csv');
  await good(['voucher', '--data', hq.data, '--codes', '--batch', 'spring', '--csv', again]);
  assert.deepEqual(read(again), codes);
  t.step('a batch of codes, written once more alike');

  const seen = (await api(a, 'POST', '/cards/lookup', { card: codes[0] })).body;
  assert.equal(seen.kind, 'voucher');
  assert.deepEqual([seen.voucher.purse, seen.voucher.units, seen.voucher.taken_here], [purse.id, 1, 0]);
  const paid = await buy(a, codes[0]);
  assert.equal(paid.status, 200, JSON.stringify(paid.body));
  assert.equal(paid.body.at_risk, undefined);
  assert.equal(paid.body.earned, undefined);
  says(await buy(a, codes[0]), 409, 'voucher_used');
  // The other store has not heard of that, and says no more than it knows.
  const there = (await api(b, 'POST', '/cards/lookup', { card: codes[0] })).body.voucher;
  assert.deepEqual([there.units, there.taken_here, there.as_heard_here], [1, 0, true]);
  says(await buy(b, codes[0]), 409, 'voucher_used');
  says(await ask(a, '/topups', { card: codes[1], amount: 5_000, tender: 'cash' }), 409, 'not_applicable');
  says(await ask(a, '/cards/reports', { card: codes[1], state: 'lost' }), 409, 'not_applicable');
  says(await ask(a, '/transfers', { card, to: codes[1], units: 5 }), 409, 'not_applicable');
  const bent = codes[1].slice(0, -4) + (codes[1].endsWith('AAAA') ? 'BBBB' : 'AAAA');
  says(await ask(a, '/sales', { card: bent, lines, uses: [{ purse: purse.id, units: 1 }], tenders: [{ kind: 'cash', amount: 1 }] }),
    409, 'bad_signature');
  t.step('a code pays once, and does nothing else');

  const onto = await ask(a, '/transfers', { card: codes[1], to: card });
  assert.equal(onto.status, 200, JSON.stringify(onto.body));
  const has = (await api(a, 'POST', '/cards/lookup', { card })).body.purses.find((p) => p.purse === purse.id);
  assert.equal(has.here, 1);
  t.step('a code goes onto the card that is held');

  // Without a line: each store takes what it is shown, within its budget.
  assert.equal((await ask(a, '/topups', { card, amount: 5_000, tender: 'cash' })).status, 200);
  for (const node of [a, b]) await allCosigned(node);
  for (const node of [a, b])
    await until(`${node.name} to have its budget`, async () =>
      (await tallystick(['audit', '--data', node.data, '--json'])).out.includes('"R:'));
  await hq.stop();
  for (const node of [a, b]) await until(`${node.name} to be alone`, async () => !(await node.status()).link_up);
  for (const node of [a, b]) {
    const risky = await buy(node, codes[2]);
    assert.equal(risky.status, 200, JSON.stringify(risky.body));
    assert.equal(risky.body.at_risk, purse.off);
  }
  says(await buy(a, codes[2]), 409, 'voucher_used');
  assert.equal((await buy(a, codes[3])).body.at_risk, purse.off);
  await a.child.kill();
  await a.start();
  says(await buy(a, codes[3]), 409, 'voucher_used');
  // The card lies at store a; store b lends it something.
  const due = (await api(b, 'POST', '/quotes', { card, lines: [{ product: 12, quantity: 1 }] })).body.due;
  assert.ok(due <= 3_000);
  const lent = await ask(b, '/sales', { card, lines: [{ product: 12, quantity: 1 }], tenders: [{ kind: 'card', amount: due }] });
  assert.equal(lent.status, 200, JSON.stringify(lent.body));
  assert.equal(lent.body.at_risk, due);
  assert.ok(lent.body.text.some((l) => /owed by the card/.test(l)), lent.body.text.join('\n'));
  assert.equal((await api(b, 'POST', '/cards/lookup', { card })).body.owes, due, 'the till is told what it owes');
  const more = await api(b, 'POST', '/quotes', { card, lines });
  says(await ask(b, '/sales', { card, lines, tenders: [{ kind: 'card', amount: more.body.due }] }), 409, 'insufficient');
  t.step('what dark stores give at their own risk, and no more');

  await hq.start();
  for (const node of [a, b]) await allCosigned(node);
  const cases = await until('head office to have two cases', async () => {
    const text = (await good(['cases', '--data', hq.data, '--json'])).out;
    const list = JSON.parse(text).cases;
    return list.filter((c) => c.why === 'voucher_used').length === 2 ? list : false;
  });
  assert.equal(cases.length, 2);
  const audit = await tallystick(['audit', '--data', hq.data, '--json']);
  assert.notEqual(audit.code, 0);
  assert.match(audit.out + audit.err, /code of voucher/);
  // Two uses, one loss: each names the other, and one ruling is about both.
  assert.deepEqual(cases.filter((c) => c.same_as).length, 1, JSON.stringify(cases));
  const ruled = await good(['cases', '--data', hq.data, '--case', cases.find((c) => !c.same_as).id, '--outcome', 'owed']);
  assert.match(ruled.out, /the owner of node \d+ owes \d+\.\d\d CNY/);
  await until('no case to be open', async () => JSON.parse((await good(['cases', '--data', hq.data, '--json'])).out).cases.length === 0);
  await until('the card to have paid what it owed', async () => {
    const c = (await api(a, 'POST', '/cards/lookup', { card })).body;
    return c.here + (c.elsewhere ?? 0) === 5_000 - due;
  }, 60_000);
  // Its money is on its way to head office, which lists the card as long as it owes.
  await until('no card to owe', async () => {
    const { out } = await good(['card', '--data', hq.data, '--owing']);
    assert.match(out, /No card owes anything|1 cards owe \d+\.00 CNY in all/);
    return /No card owes/.test(out);
  }, 60_000);
  t.step('what was taken twice is a case at both, and the card pays what it was lent');

  // Sent to members: the code is in the message alone.
  const outbox = (...args) => good(['outbox', '--data', hq.data, ...args.map(String)]);
  const take = async () => (await outbox('--take', 20)).out.split('\n').filter(Boolean).map((it) => JSON.parse(it));
  const [ann, ben, nobody] = cards.slice(2);
  const form = join(t.dir, 'form.json');
  const member = async (name, phone, consents, ...of) => {
    writeFileSync(form, JSON.stringify({ name, phones: [phone], consents }));
    await good(['member', 'add', '--data', hq.data, '--file', form, ...of.flatMap((c) => ['--card', c])]);
  };
  await member('王小明', '13800138742', ['sms', 'offers'], ann);
  await member('김민지', '13800138743', ['sms'], ben);
  const voucher = (...args) => tallystick(['voucher', '--data', hq.data, ...args]);
  assert.match((await good(['voucher', '--data', hq.data, '--issue', '2', '--batch', 'may', '--purse', id,
    '--until', '2035-12-31', '--no-csv'])).out, /no file has their codes/);
  const list = join(t.dir, 'list.csv');
  writeFileSync(list, `number,name\r\n${ann},x\r\n\r\n${ben},y\r\n${nobody}\r\n${ann}\r\n`);
  let runs = 0;
  const sendTo = async (...args) => {
    const out = join(t.dir, `sent${++runs}.csv`);
    const r = await voucher('--send', '--batch', 'may', ...args, '--csv', out);
    assert.equal(r.code, 0, r.err);
    assert.equal(statSync(out).mode & 0o077, 0);
    return readFileSync(out, 'utf8').trim().split('\r\n').slice(1).map((l) => l.split(','));
  };
  const first = await sendTo('--to-cards', list);
  assert.deepEqual(first.map((l) => [l[0], l[3], l[4]]), [
    [ann, 'waits', ''], [ben, 'refused', 'not_allowed'], [nobody, 'refused', 'not_found'], [ann, 'waits', '']]);
  assert.equal(first[0][2], first[3][2], 'one voucher, however often the number is listed');
  for (const wrong of [
    ['--send', '--batch', 'may', '--card', ann],
    ['--send', '--batch', 'may', '--csv', join(t.dir, 'no.csv')],
    ['--send', '--batch', 'none', '--card', ann, '--csv', join(t.dir, 'no1.csv')],
    ['--send', '--batch', 'may', '--to-cards', wrongList(t), '--csv', join(t.dir, 'no2.csv')],
    ['--card', ann, '--batch', 'may'],
  ])
    assert.notEqual((await voucher(...wrong)).code, 0, wrong.join(' '));
  // Head office dies with the message waiting: there is one of it still, and no second one for the member.
  await hq.child.kill();
  await hq.start();
  assert.deepEqual(await sendTo('--to-cards', list), first);
  const [message, ...more2] = await take();
  assert.equal(more2.length, 0);
  assert.equal(message.telephone, '13800138742');
  const code = message.text.match(/TALLYV2\.[\w-]+/)[0];
  assert.match(message.text, /5\.00 off.*2035-12-31/);
  assert.ok(!(await outbox()).out.includes(code));
  await outbox('--done', message.id);
  assert.deepEqual((await sendTo('--card', ann)).map((l) => l[3]), ['delivered']);
  // What was sent is on no list of codes; the other one of the batch is.
  const left = join(t.dir, 'left.csv');
  assert.match((await good(['voucher', '--data', hq.data, '--codes', '--batch', 'may', '--csv', left])).out, /1 more were sent/);
  assert.equal(read(left).length, 1);
  assert.ok(!read(left).includes(code));
  // A store that has no line again yet would take it at its own risk.
  for (const node of [a, b]) await until(`${node.name} to be linked`, async () => (await node.status()).link_up);
  assert.equal((await buy(a, code)).status, 200);
  says(await buy(b, code), 409, 'voucher_used');
  t.step('a voucher is sent to a member, once, also when head office dies in between');

  // A level is told of when it is written, to who agreed to SMS.
  assert.equal((await ask(a, '/topups', { card: ben, amount: 200_000, tender: 'cash' })).status, 200);
  let spent = 0;
  while (spent < 100_000) {
    const big = [{ product: 12, quantity: 50 }];
    const { due: sum } = (await api(a, 'POST', '/quotes', { card: ben, lines: big })).body;
    const r = await ask(a, '/sales', { card: ben, lines: big, tenders: [{ kind: 'cash', amount: sum }] });
    assert.equal(r.status, 200, JSON.stringify(r.body));
    spent += sum;
  }
  const told = await until('the member to be told of the level', async () => {
    const all = await take();
    return all.length ? all : false;
  }, 60_000);
  assert.deepEqual(told.map((m) => m.telephone), ['13800138743']);
  assert.match(told[0].text, /moved up to (Silver|Gold)/);
  await hq.child.kill();
  await hq.start();
  assert.deepEqual((await take()).map((m) => m.text), [told[0].text], 'not delivered: again, and once');
  await outbox('--done', told[0].id);
  assert.match((await outbox()).out, /Nothing waits/);
  t.step('a new level is told of once');

  const certificates = join(t.dir, 'gift.csv');
  await good(['voucher', '--data', hq.data, '--issue', '2', '--batch', 'gift', '--money', '100.00', '--csv', certificates]);
  const [gift, other] = read(certificates);
  const whole = (await api(b, 'POST', '/quotes', { card: gift, lines })).body;
  assert.equal(whole.card_max, Math.min(whole.due, 10_000));
  const part = await ask(b, '/sales', { card: gift, lines, tenders: [{ kind: 'card', amount: whole.card_max }, ...(whole.due > whole.card_max ? [{ kind: 'cash', amount: whole.due - whole.card_max }] : [])] });
  assert.equal(part.status, 200, JSON.stringify(part.body));
  await good(['voucher', '--data', hq.data, '--void', '--batch', 'gift']);
  await until('store a to hear that they are void', async () => {
    const r = await ask(a, '/transfers', { card: other, to: card });
    return r.status === 409 && /void/.test(r.body.detail);
  });
  t.step('gift certificates pay in parts, until they are void');

  for (const node of [a, b]) await allCosigned(node);
  for (const node of [hq, a, b]) {
    const r = await tallystick(['audit', '--data', node.data]);
    assert.equal(r.code, 0, `${node.name}: ${r.out}${r.err}`);
  }
  assert.ok(existsSync(csv));
});
