// Cards that come back from a store that is dark, go to another, and are sold at head office in parts; gifts that are
// counted on the shelf; a kind of card that pays for some goods only. In a real chain.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allCosigned, makeChain } from './chain.mjs';
import { ROOT, good, scenario, tallystick, until } from './lib.mjs';

await scenario('stock', 300, async (t) => {
  const shape = [['hq', 'hq'], ['a', 'store', 'hq'], ['b', 'store', 'hq']];
  const { nodes, cards } = await makeChain(t, shape, { cards: 1 });
  const { hq, a, b } = nodes;
  const rules = join(t.dir, 'rules.toml');
  // Kind 1 is what every card is; product 12 is not for it.
  const kind = '\n[[card_kind]]\nid = 1\nname = { en = "Card" }\nnot_products = [12]\n';
  writeFileSync(rules, readFileSync(join(ROOT, 'config', 'demo-rules.toml'), 'utf8') + kind);
  await good(['publish', '--data', hq.data, rules]);
  for (const node of [a, b]) await until(`${node.name} to have the rules`, async () => (await node.status()).rules_version === 2);
  const tills = { a: await a.pair(), b: await b.pair() };
  const api = (node, method, path, body) =>
    node.http.call(method, `/api/v1${path}`, body, { token: tills[node.name].token });
  const counter = async (node) => (await api(node, 'GET', '/till')).body.next_counter;
  const ask = async (node, path, body) => api(node, 'POST', path, { counter: await counter(node), ...body });
  const stock = (...words) => tallystick(['stock', '--data', hq.data, ...words]);
  const done = async (...words) => {
    const answer = await stock(...words);
    assert.equal(answer.code, 0, answer.err);
    return answer.out;
  };
  const rows = async () => (await done()).trim().split('\n').slice(1);
  const number = async (node) => (await node.status()).node;

  // A batch lies at store a, which sells one of its cards without a line while head office wants it back.
  const csv = join(t.dir, 'spring.csv');
  await good(['issue', '--data', hq.data, '--count', '6', '--prefix', '9704', '--csv', csv, '--batch', 'spring', '--stock']);
  const spring = readFileSync(csv, 'utf8').trim().split('\r\n').slice(1).map((it) => it.split(',')[0]);
  await done('--batch', 'spring', '--to', String(await number(a)));
  const forSale = async (node, card) => (await api(node, 'POST', '/cards/lookup', { card })).body.for_sale !== undefined;
  await until('store a to have the cards', () => forSale(a, spring[0]));
  await hq.stop();
  await until('store a to be alone', async () => !(await a.status()).link_up);
  assert.equal((await ask(a, '/cards/sales', { card: spring[0], load: 2_000, tender: 'cash' })).status, 200);
  await a.stop();
  await hq.start();
  await done('--return', 'spring');
  assert.match((await rows())[0], /called back/);
  const early = await stock('--batch', 'spring', '--to', String(await number(b)));
  assert.equal(early.code, 1, 'nothing is free before the store has answered');
  await a.start();
  await until('the cards to be free', async () => /ordered/.test((await rows())[0]));
  await done('--batch', 'spring', '--to', String(await number(b)));
  await until('store b to have the cards', () => forSale(b, spring[1]));
  assert.equal(await forSale(b, spring[0]), false, 'one was sold');
  assert.equal(await forSale(a, spring[1]), false, 'and the rest is gone from there');
  assert.equal((await ask(b, '/cards/sales', { card: spring[1], load: 0, tender: 'cash' })).status, 200);
  const refused = await ask(a, '/cards/sales', { card: spring[2], load: 0, tender: 'cash' });
  assert.deepEqual([refused.status, refused.body.error], [403, 'not_entitled']);
  t.step('cards come back, and nobody sells one twice');

  await done('--return', 'spring');
  await until('the cards to be free', async () => /ordered/.test((await rows())[0]));
  const first = Number((await rows())[0].split(/ +/)[1]);
  const [some, all] = [join(t.dir, 'some.csv'), join(t.dir, 'all.csv')];
  await done('--sell', 'spring', '--first', String(first + 2), '--count', '1', '--load', '10.00', '--csv', some);
  const said = await done('--sell', 'spring', '--load', '10.00', '--csv', all);
  assert.match(said, /3 cards of "spring" are sold/);
  assert.match(said, /lists all 4/);
  assert.equal(readFileSync(all, 'utf8').trim().split('\r\n').length, 5, 'a head and four cards');
  t.step('what is left is sold in parts, and listed whole');

  // A sale that was a mistake: what nobody used is cancelled, what was used is named.
  const oops = join(t.dir, 'oops.csv');
  await good(['issue', '--data', hq.data, '--count', '3', '--prefix', '9705', '--csv', oops, '--batch', 'oops', '--stock']);
  const numbers = readFileSync(oops, 'utf8').trim().split('\r\n').slice(1).map((it) => it.split(',')[0]);
  await done('--sell', 'oops', '--load', '10.00');
  const state = async (card) => (await api(a, 'POST', '/cards/lookup', { card })).body.status;
  await until('store a to know the cards', async () => (await state(numbers[2])) === 'active');
  const loaded = await ask(a, '/topups', { card: numbers[0], amount: 1_000, tender: 'cash' });
  assert.equal(loaded.status, 200, JSON.stringify(loaded.body));
  await allCosigned(a);
  const undone = [join(t.dir, 'undone.csv'), join(t.dir, 'again.csv')];
  const undo = await stock('--cancel', 'oops', '--csv', undone[0]);
  assert.equal(undo.code, 1, 'one of them was used');
  assert.match(undo.out, /2 sales of "oops" are undone, for 20\.00/);
  assert.match(undo.out, /1 cards stay sold:\n +\d+ +card \d+ was used since/);
  const listed = readFileSync(undone[0], 'utf8').trim().split('\r\n');
  assert.equal(listed.length, 4, 'a head and three cards');
  assert.equal(listed.filter((it) => /^\d+,undone,10\.00,/.test(it)).length, 2);
  const twice = await stock('--cancel', 'oops', '--csv', undone[1]);
  assert.match(twice.out, /0 sales of "oops" are undone, for 0\.00 \S+ in all; 2 were before/);
  await until('store a to know that they are not sold', async () => (await state(numbers[2])) === 'cancelled');
  assert.equal((await stock('--cancel', 'nothing')).code, 1);
  t.step('a sale by mistake is undone, but for the card that was used');

  // Gifts on the shelf: product 5 for 400 points.
  const card = cards[0];
  const gift = async () => (await api(a, 'POST', '/cards/lookup', { card })).body.gifts.find((it) => it.product === 5);
  assert.equal((await ask(a, '/stock', { counted: [{ product: 5, pieces: 1 }] })).status, 200);
  assert.equal((await ask(a, '/topups', { card, amount: 100_000, tender: 'cash' })).status, 200);
  const basket = [{ product: 11, quantity: 40 }];
  const buy = async (lines, more = {}) => {
    const quote = (await api(a, 'POST', '/quotes', { card, lines, ...more })).body;
    return { quote, pay: (amount, cash) => ask(a, '/sales', {
      card, lines, ...more,
      tenders: [['card', amount], ['cash', cash]].filter((it) => it[1] > 0).map(([kind, amount]) => ({ kind, amount })),
    }) };
  };
  const points = async () => (await api(a, 'POST', '/cards/lookup', { card })).body.purses.find((it) => it.purse === 3).here;
  while ((await points()) < 400) {
    const { quote, pay } = await buy(basket);
    assert.equal((await pay(0, quote.due)).status, 200);
  }
  assert.equal((await gift()).left, 1);
  assert.equal((await (await buy([], { gifts: [{ purse: 3, product: 5, quantity: 1 }] })).pay(0, 0)).status, 200);
  await a.child.kill(); // what was counted is in the ledger
  await a.start();
  const shelf = await api(a, 'GET', '/stock');
  assert.equal(shelf.body.pieces.find((it) => it.product === 5).left, 0);
  t.step('gifts are counted down, also through a kill');

  const { quote, pay } = await buy([{ product: 1, quantity: 1 }, { product: 12, quantity: 1 }]);
  assert.ok(quote.card_goods > 0 && quote.card_goods < quote.due);
  const much = await pay(quote.due, 0);
  assert.deepEqual([much.status, much.body.error, much.body.card_goods], [409, 'other_goods', quote.card_goods]);
  assert.equal((await pay(quote.card_goods, quote.due - quote.card_goods)).status, 200);
  t.step('a card pays for the goods of its kind');

  for (const node of [a, b]) await allCosigned(node);
  for (const node of [a, b, hq]) await node.stop();
  for (const node of [hq, a, b]) await node.audit();
});
