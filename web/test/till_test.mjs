import assert from 'node:assert/strict';
import { test } from 'node:test';
import { basketTotal, tendersFor } from '../src/lib/bill.ts';
import {
  cardNumber,
  findByEan,
  initialModel,
  lastReversible,
  LINES_MAX,
  nameOf,
  QUANTITY_MAX,
  RECEIPTS_MAX,
  reduce,
  searchProducts,
} from '../src/lib/till.ts';

const products = [
  { id: 1, ean: '4006381333931', name: { en: 'Bread', 'zh-Hans': '面包' }, price: 1250, tax: 'A' },
  { id: 2, ean: '0012345678905', name: { en: 'Green tea' }, price: 600, tax: 'A' },
];
const info = {
  node: 3,
  terminal: 201,
  unit: { code: 'CNY', exponent: 2 },
  blocked: null,
  link: { up: true, entries_waiting: 0 },
  devices: {},
};
const card = {
  number: '9704',
  card: { account: 17, masked: '**** 3931', status: 'active', here: 1000, elsewhere: 500, elsewhere_as_of: 1 },
};
const ready = [
  { type: 'info', info },
  { type: 'products', products },
].reduce(reduce, initialModel);
const play = (model, ...events) => events.reduce(reduce, model);
const add = (product) => ({ type: 'add', product });
const receipt = (more) => ({
  id: 'r1',
  kind: 'sale',
  account: 17,
  masked: '**** 3931',
  total: 1250,
  tenders: [],
  here: 200,
  elsewhere: 500,
  elsewhere_as_of: 2,
  reverses: null,
  reversed_by: null,
  text: [],
  unit: info.unit,
  stamp: 1,
  ...more,
});

test('the basket adds up', () => {
  const model = play(ready, add(1), add(2), add(1));
  assert.deepEqual(model.basket, [
    { product: 1, quantity: 2 },
    { product: 2, quantity: 1 },
  ]);
  assert.equal(basketTotal(model), 3100);
  assert.equal(basketTotal(play(model, { type: 'quantity', product: 1, quantity: 0 })), 600);
  assert.equal(basketTotal(ready), 0);
});

test('a basket with a product that is no longer sold has no total and cannot be paid', () => {
  const model = play(ready, add(1), { type: 'products', products: [products[1]] });
  assert.equal(basketTotal(model), null);
  assert.equal(tendersFor(model, 'cash'), null);
});

test('the basket keeps its bounds', () => {
  const most = play(ready, add(1), { type: 'quantity', product: 1, quantity: QUANTITY_MAX });
  const beyond = play(most, add(1));
  assert.equal(beyond.basket[0].quantity, QUANTITY_MAX);
  assert.equal(beyond.notice.key, 'basket.full');
  let long = ready;
  for (let id = 1; id <= LINES_MAX + 1; ++id) long = reduce(long, add(id));
  assert.equal(long.basket.length, LINES_MAX);
});

test('card, cash and split', () => {
  const model = play(ready, add(1), { type: 'card', card });
  assert.deepEqual(tendersFor(model, 'cash'), [{ kind: 'cash', amount: 1250 }]);
  assert.deepEqual(tendersFor(model, 'card'), [{ kind: 'card', amount: 1250 }]);
  assert.deepEqual(tendersFor(model, 'split'), [
    { kind: 'card', amount: 1000 },
    { kind: 'cash', amount: 250 },
  ]);
  const without = play(model, { type: 'card', card: null });
  assert.equal(tendersFor(without, 'card'), null);
  assert.equal(tendersFor(without, 'split'), null);
  assert.equal(tendersFor(play(ready, { type: 'card', card }), 'card'), null);
  const rich = { ...card, card: { ...card.card, here: 1250 } };
  assert.equal(tendersFor(play(model, { type: 'card', card: rich }), 'split'), null);
  const poor = { ...card, card: { ...card.card, here: 0 } };
  assert.equal(tendersFor(play(model, { type: 'card', card: poor }), 'split'), null);
});

test('a blocked node still takes cash', () => {
  const model = play(ready, add(1), { type: 'card', card }, { type: 'patch', info: { blocked: 'rolled_back' } });
  assert.equal(tendersFor(model, 'card'), null);
  assert.equal(tendersFor(model, 'split'), null);
  assert.equal(tendersFor(model, 'cash').length, 1);
});

test('while a payment is under way the basket does not change', () => {
  const paying = play(ready, add(1), { type: 'outbox', outbox: { phase: 'waiting' } });
  const touched = play(paying, add(2), { type: 'quantity', product: 1, quantity: 5 }, { type: 'clear_basket' });
  assert.deepEqual(touched.basket, paying.basket);
  assert.equal(touched.notice.key, 'basket.locked');
});

test('a sale empties the basket and gives the card back', () => {
  const model = play(ready, add(1), { type: 'card', card }, { type: 'done', receipt: receipt(), recovered: false });
  assert.deepEqual(model.basket, []);
  assert.equal(model.card, null);
  assert.deepEqual(model.lastCard, { masked: '**** 3931', here: 200, elsewhere: 500, elsewhere_as_of: 2 });
  assert.equal(model.view, 'receipts');
  assert.equal(model.selected, 'r1');
  // The next product brings the products back.
  assert.equal(reduce(model, add(1)).view, 'products');
});

test('a top-up keeps basket and card, with the new balance', () => {
  const model = play(
    ready,
    add(1),
    { type: 'card', card },
    { type: 'done', receipt: receipt({ kind: 'top_up', here: 11000 }), recovered: false },
  );
  assert.equal(model.card.card.here, 11000);
  assert.equal(model.basket.length, 1);
  assert.equal(model.view, 'products');
});

test('insufficient brings the figures of the node, which the split then uses', () => {
  const model = play(
    ready,
    add(1),
    { type: 'card', card },
    { type: 'refused', refusal: { error: 'insufficient', here: 300, elsewhere: 0, short: 950 } },
  );
  assert.equal(model.notice.refusal.short, 950);
  assert.deepEqual(tendersFor(model, 'split'), [
    { kind: 'card', amount: 300 },
    { kind: 'cash', amount: 950 },
  ]);
  assert.equal(model.basket.length, 1);
});

test('receipts are listed once, newest first, and marked when reversed', () => {
  let model = play(
    ready,
    { type: 'done', receipt: receipt(), recovered: false },
    { type: 'receipt', receipt: receipt() },
  );
  assert.equal(model.receipts.length, 1);
  assert.equal(lastReversible(model).id, 'r1');
  model = play(model, {
    type: 'done',
    receipt: receipt({ id: 'r2', kind: 'reversal', reverses: 'r1' }),
    recovered: false,
  });
  assert.deepEqual(
    model.receipts.map((it) => it.id),
    ['r2', 'r1'],
  );
  assert.equal(model.receipts[1].reversed_by, 'r2');
  assert.equal(lastReversible(model), null);
  for (let n = 0; n < RECEIPTS_MAX + 5; ++n)
    model = reduce(model, { type: 'receipt', receipt: receipt({ id: `x${n}` }) });
  assert.equal(model.receipts.length, RECEIPTS_MAX);
});

test('barcodes are found, also as UPC-A', () => {
  assert.equal(findByEan(products, ' 4006381333931 ').id, 1);
  assert.equal(findByEan(products, '012345678905').id, 2);
  assert.equal(findByEan(products, '4006381333930'), null);
  assert.equal(findByEan(products, '1'), null);
  assert.equal(findByEan(products, 'Bread'), null);
});

test('products are found by every word, in any language', () => {
  const ids = (text) => searchProducts(products, text).map((it) => it.id);
  assert.deepEqual(ids(''), [1, 2]);
  assert.deepEqual(ids('TEA green'), [2]);
  assert.deepEqual(ids('面包'), [1]);
  assert.deepEqual(ids('40063'), [1]);
  assert.deepEqual(ids('tea bread'), []);
  assert.equal(nameOf(products[0], 'zh-Hans'), '面包');
  assert.equal(nameOf(products[1], 'ko'), 'Green tea');
});

test('card numbers are digits', () => {
  assert.equal(cardNumber('9704 0000-0000 3931'), '9704000000003931');
  for (const text of ['', '1234567', '1'.repeat(20), '97040000000039a1', ';9704=?'])
    assert.equal(cardNumber(text), null, text);
});
