import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asksForPin, isPin, withoutPin } from '../src/lib/pin.ts';

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
