// Money that comes to head office, and sales without a basket, in a real chain.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allCosigned, makeChain } from './chain.mjs';
import { ROOT, good, scenario, tallystick, until } from './lib.mjs';

await scenario('payments', 120, async (t) => {
  const { nodes, cards } = await makeChain(t, [['hq', 'hq'], ['a', 'store', 'hq']], { cards: 2 });
  const { hq, a } = nodes;
  const [card, other] = cards;
  const rules = join(t.dir, 'rules.toml');
  const demo = readFileSync(join(ROOT, 'config', 'demo-rules.toml'), 'utf8');
  const open = '\n[[product]]\nid = 90\nopen = true\ntax = "A"\nname = { en = "Sundries" }\n';
  writeFileSync(rules, demo + open);
  const bad = join(t.dir, 'bad.toml');
  writeFileSync(bad, demo + open.replace('open = true', 'open = true\nprice = "1.00"'));
  const refused = await tallystick(['publish', '--check', bad]);
  assert.notEqual(refused.code, 0);
  assert.match(refused.err + refused.out, /the amount is typed at the till/);
  await good(['publish', '--data', hq.data, rules]);
  await until('the store to have the rules', async () => (await a.status()).rules_version === 2);

  const token = { token: (await a.pair()).token };
  const api = (method, path, body) => a.http.call(method, `/api/v1${path}`, body, token);
  const ask = async (path, body) =>
    api('POST', path, { counter: (await api('GET', '/till')).body.next_counter, ...body });
  const pay = (number, ...more) => tallystick(['card', '--data', hq.data, '--card', number, ...more]);

  const booked = await pay(card, '--top-up', '50.00', '--reference', 'shop-0042');
  assert.equal(booked.code, 0, booked.out + booked.err);
  assert.match(booked.out, /^Booked: 50.00 CNY/);
  assert.match((await pay(card, '--top-up', '50.00', '--reference', 'shop-0042')).out, /booked before/);
  for (const [number, ...more] of [
    [card, '--top-up', '51.00', '--reference', 'shop-0042'],
    [other, '--top-up', '50.00', '--reference', 'shop-0042'],
    [card, '--top-up', '50.00', '--reference', 'shop-0042', '--tender', 'transfer'],
  ]) {
    const answer = await pay(number, ...more);
    assert.notEqual(answer.code, 0);
    assert.match(answer.err, /another payment with this reference/);
  }
  assert.equal((await pay(card, '--top-up', '50.00')).code, 2);
  assert.equal((await pay(card, '--top-up', '-1', '--reference', 'x')).code, 2);
  t.step('a payment is booked once');

  // The store has nothing of it and asks while the customer waits.
  const { due } = (await api('POST', '/quotes', { card, lines: [{ product: 90, quantity: 1_234 }] })).body;
  const sold = await ask('/sales', { card, lines: [{ product: 90, quantity: 1_234 }], tenders: [{ kind: 'card', amount: due }] });
  assert.equal(sold.status, 200, JSON.stringify(sold.body));
  assert.deepEqual([sold.body.lines[0].amount, sold.body.lines[0].open], [1_234, true]);
  const back = await ask('/refunds', { receipt: sold.body.id, lines: [{ product: 90, quantity: 234 }], to: 'card' });
  assert.equal(back.status, 200, JSON.stringify(back.body));
  const much = await ask('/sales', { lines: [{ product: 90, quantity: 1_000_000_001 }], tenders: [{ kind: 'cash', amount: 1 }] });
  assert.deepEqual([much.status, much.body.error], [409, 'bad_basket']);
  t.step('an amount is sold with it, and a part comes back');

  // Given back where nothing of it lies: the store asks for it first.
  const paid = await pay(other, '--top-up', '30.00', '--reference', 'shop-0043', '--tender', 'transfer');
  assert.equal(paid.code, 0, paid.out + paid.err);
  const returned = await ask('/cards/returns', { card: other, paid: 3_000, deposit: 0, tender: 'cash' });
  assert.equal(returned.status, 200, JSON.stringify(returned.body));
  await until('the card to be out of use', async () => (await api('POST', '/cards/lookup', { card: other })).body.status === 'returned');
  assert.match((await pay(other, '--top-up', '30.00', '--reference', 'shop-0044')).err, /the card takes no money: given back/);
  t.step('a card is given back with money that lay at head office');

  await allCosigned(a);
  const found = async () => JSON.parse((await good(['cases', '--data', hq.data, '--json'])).out).recomputed;
  const priced = await until('all to be priced again', async () => {
    const r = await found();
    return r.behind === 0 && r;
  });
  assert.equal(priced.differences, 0, JSON.stringify(priced.first));
  await hq.stop();
  await hq.start();
  assert.match((await pay(card, '--top-up', '50.00', '--reference', 'shop-0042')).out, /booked before/);
  await allCosigned(a);
  for (const node of [a, hq]) {
    await node.stop();
    await good(['audit', '--data', node.data]);
  }
  t.step('head office comes to the same figures, and the audits hold');
});
