import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asksForCode, asksForPin, cardMoney, isCode, isPin, withoutPin } from '../src/lib/pin.ts';

test('a PIN is 4 to 12 digits', () => {
  for (const good of ['1234', '000000', '123456789012']) assert.ok(isPin(good), good);
  for (const bad of ['', '123', '1234567890123', '12a4', '12 4', '１２３４']) assert.ok(!isPin(bad), bad);
});

test('no PIN is stored with a request', () => {
  const body = JSON.stringify({ counter: 8, card: '9704', pin: '4711', seen: 'x' });
  assert.equal(withoutPin(body), JSON.stringify({ counter: 8, card: '9704', seen: 'x' }));
  const plain = '{"counter":8,  "card":"9704"}';
  assert.equal(withoutPin(plain), plain);
});

test('the PIN is asked for while typing it can help', () => {
  assert.ok(asksForPin({ error: 'pin_required' }));
  assert.ok(asksForPin({ error: 'pin_wrong', tries_left: 1 }));
  assert.ok(!asksForPin({ error: 'pin_wrong', tries_left: 0 }));
  assert.ok(!asksForPin({ error: 'pin_locked' }));
  assert.ok(!asksForPin({ error: 'insufficient' }));
});

test('codes: six digits, stored nowhere, asked for by two refusals', () => {
  assert.ok(isCode('000000'));
  for (const bad of ['', '12345', '1234567', '12345a', '１２３４５６']) assert.ok(!isCode(bad), bad);
  const body = JSON.stringify({ counter: 8, pin: '4711', code: '246810' });
  assert.equal(withoutPin(body), JSON.stringify({ counter: 8 }));
  assert.ok(asksForCode({ error: 'code_required' }) && asksForCode({ error: 'code_wrong', tries_left: 0 }));
  assert.ok(!asksForCode({ error: 'pin_required' }));
});

test('a code is for the card money of what was asked', () => {
  const tenders = [
    { kind: 'card', amount: 2000 },
    { kind: 'cash', amount: 500 },
  ];
  assert.equal(cardMoney({ tenders }), 2000);
  assert.equal(cardMoney({ amount: 5000, minutes: 60 }), 5000);
  assert.equal(cardMoney({ purse: 1, units: 700 }), 700);
  assert.equal(cardMoney({ paid: 400, deposit: 200 }), 600);
  assert.equal(cardMoney({}), 0);
});
