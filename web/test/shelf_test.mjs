import assert from 'node:assert/strict';
import { test } from 'node:test';
import { piecesOf } from '../src/lib/shelf.ts';

test('what is there is counted from none on, what came is any number but none', () => {
  assert.equal(piecesOf('12', 'counted'), 12);
  assert.equal(piecesOf(' ０ ', 'counted'), 0);
  assert.equal(piecesOf('1000000', 'counted'), 1_000_000);
  for (const bad of ['', '-1', '-0', '1.5', '1e3', 'x', '1000001', '99999999']) assert.equal(piecesOf(bad, 'counted'), null, bad);
  assert.equal(piecesOf('+5', 'delivered'), 5);
  assert.equal(piecesOf('-3', 'delivered'), -3);
  assert.equal(piecesOf('\u22123', 'delivered'), -3);
  for (const bad of ['0', '', '--3', '1000001', '-1000001']) assert.equal(piecesOf(bad, 'delivered'), null, bad);
});
