import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classify } from '../src/lib/answer.ts';
import { readStored, retryDelay, RETRY_MAX_MS, step } from '../src/lib/outbox.ts';

const request = {
  v: 1,
  terminal: 201,
  counter: 8,
  kind: 'sale',
  path: '/api/v1/sales',
  body: '{"counter":8}',
  amount: 2500,
};
const receipt = { id: '3.ab.41', total: 2500, text: ['x'] };
const unanswered = { kind: 'unanswered', why: 'network' };
const names = (result) => result.effects.map((it) => it.do);
const idle = { phase: 'idle' };

test('a request is stored before it is sent, and only one at a time', () => {
  const first = step(idle, { type: 'submit', request }, 0);
  assert.deepEqual(names(first), ['store', 'send']);
  const click = step(first.state, { type: 'submit', request: { ...request, counter: 9 } }, 1);
  assert.deepEqual(names(click), []);
  assert.equal(click.state, first.state);
});

test('a lost answer sends exactly the same bytes again until there is one', () => {
  let result = step(idle, { type: 'submit', request }, 0);
  for (let attempt = 1; attempt <= 6; ++attempt) {
    assert.equal(result.state.attempt, attempt);
    const now = attempt * 100_000;
    result = step(result.state, { type: 'outcome', counter: 8, outcome: unanswered }, now);
    assert.equal(result.state.phase, 'waiting');
    assert.equal(result.state.retryAt, now + retryDelay(attempt));
    assert.deepEqual(names(step(result.state, { type: 'due' }, result.state.retryAt - 1)), []);
    assert.deepEqual(names(step(result.state, { type: 'submit', request: { ...request, counter: 9 } }, now)), []);
    result = step(result.state, { type: 'due' }, result.state.retryAt);
    assert.deepEqual(result.effects, [{ do: 'send', request }]);
  }
  result = step(result.state, { type: 'outcome', counter: 8, outcome: { kind: 'done', receipt } }, 1);
  assert.deepEqual(names(result), ['clear', 'deliver']);
  assert.equal(result.effects[1].attempt, 7);
  assert.equal(result.state.phase, 'idle');
});

test('waits grow to their bound and stay there', () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6].map(retryDelay), [1000, 2000, 4000, 8000, 15000, 15000]);
  assert.equal(retryDelay(1_000_000), RETRY_MAX_MS);
});

test('a refusal ends the request', () => {
  const sending = step(idle, { type: 'submit', request }, 0).state;
  const outcome = { kind: 'refused', status: 409, refusal: { error: 'insufficient' } };
  const result = step(sending, { type: 'outcome', counter: 8, outcome }, 1);
  assert.deepEqual(names(result), ['clear', 'deliver']);
});

test('answers to something else, or too late, change nothing', () => {
  const sending = step(idle, { type: 'submit', request }, 0).state;
  assert.equal(
    step(sending, { type: 'outcome', counter: 7, outcome: { kind: 'done', receipt } }, 1).state,
    sending,
  );
  assert.equal(step(idle, { type: 'outcome', counter: 8, outcome: { kind: 'done', receipt } }, 1).state, idle);
});

test('after a reload the stored request is finished by the same terminal', () => {
  const result = step(idle, { type: 'resume', request, terminal: 201 }, 0);
  assert.deepEqual(result.effects, [{ do: 'send', request }]);
  assert.equal(step(idle, { type: 'resume', request: null, terminal: 201 }, 0).state, idle);
});

test('another terminal number never sends it by itself', () => {
  const orphan = step(idle, { type: 'resume', request, terminal: 202 }, 0);
  assert.deepEqual(names(orphan), []);
  assert.equal(orphan.state.phase, 'orphan');
  assert.equal(
    step(orphan.state, { type: 'submit', request: { ...request, terminal: 202 } }, 1).state,
    orphan.state,
  );
  assert.equal(step(orphan.state, { type: 'due' }, 1e12).state, orphan.state);
  assert.deepEqual(names(step(orphan.state, { type: 'dismiss' }, 1)), ['clear']);
});

test('losing the pairing holds the request until the till is paired again', () => {
  const sending = step(idle, { type: 'submit', request }, 0).state;
  const held = step(
    sending,
    { type: 'outcome', counter: 8, outcome: { kind: 'unanswered', why: 'unpaired' } },
    1,
  ).state;
  assert.deepEqual(names(step(held, { type: 'due' }, 1e15)), []);
  assert.deepEqual(names(step(held, { type: 'retry_now' }, 2)), []);
  assert.deepEqual(names(step(held, { type: 'resume', request: null, terminal: 201 }, 3)), ['send']);
  assert.equal(step(held, { type: 'resume', request: null, terminal: 300 }, 3).state.phase, 'orphan');
});

test('storage that refuses stops the request before it is sent', () => {
  const sending = step(idle, { type: 'submit', request }, 0).state;
  assert.equal(step(sending, { type: 'stored_failed' }, 0).state.phase, 'idle');
});

test('only the agreed answers of the node end a request', () => {
  const kind = (status, body) => classify(status, body).kind;
  assert.equal(kind(200, receipt), 'done');
  assert.equal(kind(200, null), 'unanswered');
  assert.equal(kind(200, { hello: 'proxy' }), 'unanswered');
  assert.equal(kind(302, null), 'unanswered');
  assert.equal(kind(400, { error: 'malformed' }), 'refused');
  assert.equal(kind(409, { error: 'insufficient' }), 'refused');
  assert.equal(kind(404, null), 'unanswered');
  assert.equal(kind(413, { error: 'malformed' }), 'refused');
  assert.equal(kind(429, { error: 'busy' }), 'unanswered');
  assert.equal(kind(500, { error: 'internal' }), 'unanswered');
  assert.equal(kind(502, null), 'unanswered');
  assert.equal(kind(503, { error: 'io', retry: 'same_counter' }), 'unanswered');
  assert.equal(kind(503, { error: 'full' }), 'refused');
  assert.equal(kind(503, null), 'unanswered');
  assert.equal(classify(401, null).why, 'unpaired');
});

test('a stored text that is not a whole request is ignored', () => {
  assert.deepEqual(readStored(JSON.stringify(request)), request);
  const spoiled = [
    null,
    '',
    '{',
    'null',
    '1',
    '[]',
    '{}',
    JSON.stringify({ ...request, v: 2 }),
    JSON.stringify({ ...request, counter: '8' }),
    JSON.stringify({ ...request, path: 'https://elsewhere/' }),
    JSON.stringify({ ...request, path: '//elsewhere/api/v1/' }),
    JSON.stringify({ ...request, kind: 'present' }),
    JSON.stringify({ ...request, body: undefined }),
  ];
  for (const text of spoiled) assert.equal(readStored(text), null, String(text));
});
