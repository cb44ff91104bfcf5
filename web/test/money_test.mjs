import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatMinor, parseAmount, timesExact, topUpPresets, TYPED_MAX } from '../src/lib/money.ts';

const minor = (text, exponent = 2) => {
  const parsed = parseAmount(text, exponent);
  return parsed.ok ? parsed.minor : parsed.why;
};

test('amounts are read exactly', () => {
  assert.equal(minor('12.50'), 1250);
  assert.equal(minor('12.5'), 1250);
  assert.equal(minor('12'), 1200);
  assert.equal(minor(' 0.01 '), 1);
  assert.equal(minor('0012.50'), 1250);
  assert.equal(minor('1500', 0), 1500);
  assert.equal(minor('1.234', 3), 1234);
  // The classic victims of floating point.
  assert.equal(minor('1.1'), 110);
  assert.equal(minor('19.99'), 1999);
  assert.equal(minor('4.35'), 435);
  assert.equal(minor('1.005', 3), 1005);
});

test('full-width digits of an input method are digits', () => {
  assert.equal(minor('１２．５０'), 1250);
});

test('anything doubtful is refused, with the reason', () => {
  assert.equal(minor(''), 'empty');
  assert.equal(minor('   '), 'empty');
  for (const text of [
    '-5',
    '+5',
    '1,000',
    '1,50',
    '1e3',
    '0x10',
    '5.',
    '.5',
    '1.2.3',
    '12 50',
    'NaN',
    'Infinity',
    '五',
    '٥',
    '1'.repeat(16),
  ]) {
    assert.equal(minor(text), 'form', text);
  }
  assert.equal(minor('1.005'), 'decimals');
  assert.equal(minor('1.0', 0), 'decimals');
  assert.equal(minor('0'), 'range');
  assert.equal(minor('0.00'), 'range');
  assert.equal(minor('9999999999.99'), TYPED_MAX);
  assert.equal(minor('10000000000'), 'range');
});

test('amounts are shown exactly', () => {
  assert.equal(formatMinor(0, 2), '0.00');
  assert.equal(formatMinor(5, 2), '0.05');
  assert.equal(formatMinor(1250, 2), '12.50');
  assert.equal(formatMinor(123456789, 2), '1,234,567.89');
  assert.equal(formatMinor(123456, 0), '123,456');
  assert.equal(formatMinor(1234, 3), '1.234');
  assert.equal(formatMinor(-1250, 2), '\u221212.50');
  assert.equal(formatMinor(Number.MAX_SAFE_INTEGER, 2), '90,071,992,547,409.91');
  assert.equal(formatMinor(Number.MAX_SAFE_INTEGER + 1, 2), '?');
  assert.equal(formatMinor(12.5, 2), '?');
});

test('what is shown can be typed back', () => {
  let seed = 12345;
  for (let round = 0; round < 2000; ++round) {
    seed = (seed * 48271) % 2147483647;
    for (const exponent of [0, 2, 3])
      assert.equal(minor(formatMinor(seed, exponent).replace(/,/g, ''), exponent), seed);
  }
});

test('a product that is not exact is refused', () => {
  assert.equal(timesExact(1250, 9999), 12_498_750);
  assert.equal(timesExact(Number.MAX_SAFE_INTEGER, 2), null);
});

test('top-up buttons fit the exponent', () => {
  assert.deepEqual(topUpPresets(2), [5000, 10000, 20000, 50000]);
  assert.deepEqual(topUpPresets(0), [5000, 10000, 30000, 50000]);
});
