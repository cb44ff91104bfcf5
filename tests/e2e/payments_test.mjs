// Money that comes to head office, and sales without a basket, in a real chain.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allCosigned, makeChain } from './chain.mjs';
import { ROOT, good, scenario, tallystick, until } from './lib.mjs';

await scenario('payments', 120, async (t) => {
  const { nodes, cards } = await makeChain(t, [['hq', 'hq'], ['a', 'store', 'hq']], { cards: 5 });
  const { hq, a } = nodes;
  const [card, other, third, fourth, fifth] = cards;
  const rules = join(t.dir, 'rules.toml');
  const demo = readFileSync(join(ROOT, 'config', 'demo-rules.toml'), 'utf8');
  const open = '\n[[product]]\nid = 90\nopen = true\ntax = "A"\nname = { en = "Sundries" }\n';
  const kind = (owner) => `\n[[card_kind]]\nid = 1\nname = { en = "Card" }\nonly_owners = [${owner}]\n`;
  const plan = demo.replace('quota = 100000', 'quota = 100000\nmanual_per_day = 500');
  // An owner that no store has is a mistake, on its line.
  writeFileSync(rules, plan + open + kind(2));
  const nobody = await tallystick(['publish', '--data', hq.data, rules]);
  assert.notEqual(nobody.code, 0);
  assert.match(nobody.err, /rules\.toml:\d+: card_kind 1: only_owners names 2/);
  writeFileSync(rules, plan + open + kind(1));
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
  assert.match((await pay(card, '--top-up', '50.00', '--reference', 'SHOP-0042')).out, /booked before/);
  t.step('a payment is booked once');

  // Told of twice at once, and under the number that the card had before.
  const twice = await Promise.all([1, 2].map(() => pay(third, '--top-up', '20.00', '--reference', 'shop-0050')));
  assert.deepEqual(twice.map((it) => it.code), [0, 0], twice.map((it) => it.err).join());
  assert.equal(twice.filter((it) => /^Booked: /.test(it.out)).length, 1);
  assert.equal(twice.filter((it) => /booked before/.test(it.out)).length, 1);
  await good(['card', '--data', hq.data, '--card', third, '--replace']);
  assert.match((await pay(third, '--top-up', '20.00', '--reference', 'Shop-0050')).out, /booked before/);
  assert.match((await pay(third, '--top-up', '21.00', '--reference', 'shop-0050')).err, /another payment/);
  t.step('the same payment is known by its reference, however it comes again');

  const points = (...more) => pay(fourth, '--purse', '3', ...more);
  const given = await points('--adjust', '300', '--reason', 'opening day', '--reference', 'call-1');
  assert.equal(given.code, 0, given.out + given.err);
  assert.match(given.out, /^Done: 300 of Points given to /);
  assert.match((await points('--adjust', '300', '--reason', 'opening day', '--reference', 'Call-1')).out, /done before/);
  assert.match((await points('--adjust', '301', '--reason', 'opening day', '--reference', 'call-1')).err, /another change/);
  assert.match((await points('--adjust=-120', '--reason', 'a mistake', '--reference', 'call-2')).out, /120 of Points taken/);
  assert.match((await points('--adjust', '201', '--reason', 'x', '--reference', 'call-3')).err, /head office gives 200 more/);
  assert.match((await points('--adjust', '-181', '--reason', 'x', '--reference', 'call-3')).err, /180 lie at head office/);
  for (const bad of [
    ['--adjust', '5', '--reason', 'x'],
    ['--adjust', '5', '--reference', 'x'],
    ['--adjust', '0', '--reason', 'x', '--reference', 'x'],
    ['--adjust', '5.5', '--reason', 'x', '--reference', 'x'],
    ['--adjust', '5', '--top-up', '5.00', '--reason', 'x', '--reference', 'x'],
  ])
    assert.equal((await points(...bad)).code, 2, bad.join(' '));
  assert.equal((await pay(fourth, '--reference', 'x')).code, 2);
  // The store has none of them and fetches what the sale needs.
  const basket = { card: fourth, lines: [{ product: 90, quantity: 1_000 }], uses: [{ purse: 3, units: 100 }] };
  const priced_with = (await api('POST', '/quotes', basket)).body;
  const with_points = await ask('/sales', { ...basket, tenders: [{ kind: 'cash', amount: priced_with.due }] });
  assert.equal(with_points.status, 200, JSON.stringify(with_points.body));
  assert.equal(priced_with.due, 900);
  assert.match((await points('--adjust', '-180', '--reason', 'x', '--reference', 'call-4')).err, /lie at head office/);
  t.step('units by hand at head office');

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

  // What is left on a card that is gone is its holder's.
  const out = (sum, reference, ...more) => pay(fifth, '--pay-out', sum, '--reference', reference, ...more);
  assert.equal((await pay(fifth, '--top-up', '12.00', '--reference', 'shop-0060')).code, 0);
  assert.match((await out('12.00', 'bank-1')).err, /the card is in use/);
  assert.match((await pay(fifth, '--returned')).out, /is returned/);
  assert.match((await pay(fifth)).out, /At head office lie 12\.00 CNY of it/);
  assert.match((await out('12.01', 'bank-1')).err, /12\.00 of the card can be paid out/);
  const left = async () => (await good(['card', '--data', hq.data, '--left-over'])).out;
  assert.match(await left(), /LEFT\n *\d+ +12\.00\n1 cards that were given back or cancelled hold 12\.00 CNY/);
  assert.match((await out('12.00', 'bank-1')).out, /^Booked: 12\.00 CNY of .* paid out \(transfer\)/);
  assert.match((await out('12.00', 'Bank-1')).out, /booked before/);
  assert.match(await left(), /^Nothing lies at head office/);
  const account = /account (\d+)/.exec((await pay(fifth)).out)[1];
  const again = await tallystick(['card', '--data', hq.data, '--account', account, '--pay-out', '12.00', '--reference', 'bank-1']);
  assert.match(again.out, new RegExp(`booked before: 12\\.00 CNY of account ${account} paid out`));
  assert.match((await out('11.00', 'bank-1')).err, /another payment/);
  assert.match((await out('0.01', 'bank-2', '--tender', 'cash')).err, /0\.00 of the card can be paid out/);
  assert.equal((await pay(fifth, '--pay-out', '1.00')).code, 2);
  assert.equal((await out('1.00', 'x', '--freeze')).code, 2);
  const gone = await pay(fifth, '--replace');
  assert.deepEqual([gone.code, gone.out], [1, ''], gone.err);
  t.step('head office pays out what is left, and draws no number for a card that is gone');

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
