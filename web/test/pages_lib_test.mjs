import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import en from '../src/i18n/en.json';
import ko from '../src/i18n/ko.json';
import zhHans from '../src/i18n/zh-Hans.json';
import zhHant from '../src/i18n/zh-Hant.json';
import { pickLang, translate } from '../src/lib/i18n.ts';
import { modulesPath } from '../src/lib/modules.ts';
import { pairingCode } from '../src/lib/pairing.tsx';
import { SseParser } from '../src/lib/sse.ts';
import { columns, HISTORY_MAX, layout, percent, POLL_MAX_MS, pollDelay, remember } from '../src/network/state.ts';

const holes = (text) =>
  [...text.matchAll(/\{\w+\}/g)]
    .map((it) => it[0])
    .sort()
    .join(' ');

test('every text exists in all four languages, with the same figures in it', () => {
  const keys = Object.keys(en);
  assert.ok(keys.length > 200);
  for (const [name, texts] of Object.entries({ ko, 'zh-Hans': zhHans, 'zh-Hant': zhHant })) {
    assert.deepEqual(Object.keys(texts).sort(), [...keys].sort(), name);
    for (const key of keys) {
      assert.ok(texts[key].trim().length > 0, `${name} ${key}`);
      assert.equal(holes(texts[key]), holes(en[key]), `${name} ${key}`);
    }
  }
});

test('every error of the product has a sentence', () => {
  // Read from where the product lists them, so that a new one cannot be forgotten here.
  const list = readFileSync('../ledger/errc.hpp', 'utf8');
  const errors = [...list.matchAll(/^ {2}(\w+) = \d+,/gm)].map((it) => it[1]).filter((it) => it !== 'ok');
  assert.ok(errors.length >= 37);
  for (const error of errors) assert.ok(en[`error.${error}`], error);
});

test('texts take their figures and leave no hole', () => {
  const text = translate('en', 'error.insufficient', { here: '50.00', elsewhere: '20.00', short: '22.20' });
  assert.equal(text, 'Not enough on the card here: 50.00 here, 20.00 elsewhere, 22.20 short.');
  assert.match(
    translate('ko', 'error.insufficient', { here: '50.00', elsewhere: '20.00', short: '22.20' }),
    /50\.00.*20\.00.*22\.20/,
  );
});

test('the browser’s wish picks the language', () => {
  assert.equal(pickLang(['zh-TW', 'en']), 'zh-Hant');
  assert.equal(pickLang(['zh-HK']), 'zh-Hant');
  assert.equal(pickLang(['zh-CN']), 'zh-Hans');
  assert.equal(pickLang(['fr', 'ko-KR']), 'ko');
  assert.equal(pickLang(['fr']), 'en');
  assert.equal(pickLang([]), 'en');
});

test('pairing codes', () => {
  assert.equal(pairingCode('482913'), '482-913');
  assert.equal(pairingCode(' 482-913 '), '482-913');
  assert.equal(pairingCode('４８２９１３'), '482-913');
  for (const text of ['', '48291', '4829134', '48291a']) assert.equal(pairingCode(text), null, text);
});

test('server-sent events survive any cut of the stream', () => {
  const stream =
    ': hello\n\nevent: card\ndata: {"number":"1"}\n\nevent: link\r\ndata: a\r\ndata: b\r\n\r\n' +
    'data: plain\n\n: alive\n\nevent: lost\n\n';
  const wanted = [
    { event: 'card', data: '{"number":"1"}' },
    { event: 'link', data: 'a\nb' },
    { event: 'message', data: 'plain' },
  ];
  for (let size = 1; size <= stream.length; ++size) {
    const parser = new SseParser();
    const got = [];
    for (let at = 0; at < stream.length; at += size) got.push(...parser.feed(stream.slice(at, at + size)));
    assert.deepEqual(got, wanted, `pieces of ${size}`);
  }
});

test('an endless line is refused', () => {
  const parser = new SseParser();
  assert.throws(() => {
    for (let n = 0; n < 300; ++n) parser.feed('x'.repeat(1024));
  }, /too long/);
});

const node = (number, parent) => ({ node: number, parent, name: `n${number}`, entries_waiting: number });

test('the tree is laid out with parents over their children', () => {
  const { placed, width, depth } = layout([node(4, 2), node(1, null), node(2, 1), node(3, 2)]);
  const at = Object.fromEntries(placed.map((it) => [it.node.node, it]));
  assert.equal(width, 2);
  assert.equal(depth, 3);
  assert.equal(at[2].x, (at[3].x + at[4].x) / 2);
  assert.equal(at[3].up, at[2]);
  assert.notEqual(at[3].x, at[4].x);
});

test('a damaged tree is drawn once per node all the same', () => {
  assert.equal(layout([]).placed.length, 0);
  assert.equal(layout([node(1, 2), node(2, 1)]).placed.length, 2);
  assert.equal(layout([node(5, 99), node(6, 6)]).placed.length, 2);
});

test('the history is bounded and unknown stays unknown', () => {
  let history = [];
  for (let at = 0; at < HISTORY_MAX + 20; ++at)
    history = remember(history, { nodes: [node(3, 1), { ...node(4, 1), entries_waiting: null }] }, at);
  assert.equal(history.length, HISTORY_MAX);
  const [moments, three, four, gone] = columns(history, [3, 4, 9]);
  assert.equal(moments[0], 20);
  assert.equal(three[0], 3);
  assert.equal(four[0], null);
  assert.equal(gone[0], null);
  assert.equal(remember(history, { nodes: [] }, HISTORY_MAX + 19).length, HISTORY_MAX);
});

test('shares and polling keep their bounds', () => {
  assert.equal(percent(1, 3), 33.3);
  assert.equal(percent(5, 0), 0);
  assert.equal(percent(-5, 10), 0);
  assert.equal(percent(20, 10), 100);
  assert.deepEqual([0, 1, 2, 3, 4, 5, 50].map(pollDelay), [
    2000,
    4000,
    8000,
    16000,
    POLL_MAX_MS,
    POLL_MAX_MS,
    POLL_MAX_MS,
  ]);
});

test('the modules of a code become one run a step', () => {
  assert.equal(modulesPath({ side: 3, rows: ['a0', '40', 'e0'] }), 'M0 0h1v1h-1zM2 0h1v1h-1zM1 1h1v1h-1zM0 2h3v1h-3z');
  // Rows that are damaged or missing draw nothing.
  assert.equal(modulesPath({ side: 3, rows: ['', 'x'] }), '');
  assert.equal(modulesPath({ side: 0, rows: ['ff'] }), '');
});
