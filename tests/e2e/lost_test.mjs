// A card that a store without a line takes after head office knew that it was lost: a case, what its owner owes, and what
// the store writes off. And the same by head office's own policy.
import assert from 'node:assert/strict';
import { allCosigned, makeChain } from './chain.mjs';
import { good, scenario, tallystick, until } from './lib.mjs';

await scenario('lost', 300, async (t) => {
  const shape = [['hq', 'hq'], ['a', 'store', 'hq']];
  const { nodes, cards } = await makeChain(t, shape, { cards: 3 });
  const { hq, a } = nodes;
  const till = await a.pair();
  const api = (method, path, body) => a.http.call(method, `/api/v1${path}`, body, { token: till.token });
  const ask = async (path, body) => {
    const counter = (await api('GET', '/till')).body.next_counter;
    const answer = await api('POST', path, { counter, ...body });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body;
  };
  const sell = async (card) => {
    const lines = [{ product: 12, quantity: 1 }];
    const due = (await api('POST', '/quotes', { card, lines })).body.due;
    const sold = await ask('/sales', { card, lines, tenders: [{ kind: 'card', amount: due }] });
    return { due, receipt: sold.receipt };
  };
  const cases = async () => JSON.parse((await good(['cases', '--data', hq.data, '--json'])).out).cases;
  const settled = async () => {
    const out = JSON.parse((await good(['settlement', '--data', hq.data, '--format', 'json'])).out);
    return Object.fromEntries(out.nodes.map((n) => [n.name, n.ruled]));
  };
  /** Head office says that a card is lost while the store sells with it, and hears of that afterwards. */
  const usedLate = async (card, ...more) => {
    await ask('/topups', { card, amount: 10_000, tender: 'cash' });
    await allCosigned(a);
    await hq.stop();
    await until('the store to be alone', async () => !(await a.status()).link_up);
    const sold = await sell(card);
    await a.stop();
    await hq.start(...more);
    await good(['card', '--data', hq.data, '--card', card, '--lost']);
    await a.start();
    await allCosigned(a);
    return sold;
  };

  const sold = await usedLate(cards[0]);
  const open = await until('the case', async () => {
    const list = await cases();
    return list.length === 1 ? list : false;
  });
  assert.equal(open[0].why, 'used_lost');
  assert.equal(open[0].kind, 'sale');
  assert.equal(open[0].value, sold.due);
  assert.match((await good(['cases', '--data', hq.data])).out, /used_lost/);
  const page = (await hq.http.get('/api/v1/cases')).body;
  assert.equal(page.cases[0].why, 'used_lost');
  await hq.audit();
  t.step('a use of a lost card is a case, and the books are whole');

  const rule = (...more) => tallystick(['cases', '--data', hq.data, '--case', open[0].id, ...more]);
  for (const wrong of [
    ['--outcome', 'owed', '--owes', '99999.00'],
    ['--outcome', 'stands', '--owes', '1.00'],
    ['--outcome', 'owed', '--owes', 'much'],
    ['--outcome', 'owed', '--take', '1.00'],
    ['--outcome', 'owed', '--take', '1.00', '--at', '77'],
  ])
    assert.notEqual((await rule(...wrong)).code, 0, wrong.join(' '));
  assert.equal((await cases()).length, 1);
  const node = String(open[0].node);
  const done = await rule('--outcome', 'owed', '--note', 'sold by hand', '--take', '1.00', '--at', node);
  assert.equal(done.code, 0, done.err);
  await until('the case to be closed', async () => (await cases()).length === 0);
  // What is written off and what is owed are together the case's sum.
  const owed = sold.due - 100;
  assert.equal((await settled()).a, owed);
  assert.equal((await settled())['Head office'], -owed);
  const written = await until('the store to write it off', async () => {
    const text = (await good(['export', '--data', hq.data, '--format', 'hledger'])).out;
    return text.includes(') execute') ? text : false;
  });
  assert.equal(written.split(') execute').length, 2, 'once');
  await a.stop();
  await a.start();
  await allCosigned(a);
  const again = (await good(['export', '--data', hq.data, '--format', 'hledger'])).out;
  assert.equal(again.split(') execute').length, 2, 'once, after a restart as well');
  for (const n of [hq, a]) await n.audit();
  t.step('the owner owes it, and the store wrote off what the ruling said, once');

  const later = await usedLate(cards[1], '--set', 'ledger.used_lost=owner', '--set', 'ledger.used_lost_minutes=0');
  await until('the policy to rule', async () => (await settled()).a === owed + later.due);
  await until('no case to be open', async () => (await cases()).length === 0);
  await hq.audit();
  t.step('by policy');
});
