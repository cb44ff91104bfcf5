// The OpenAPI document against what nodes do: every call and event of the handlers' tests, then a demo's store and head
// office; requests that the document forbids are refused.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { Http, binary, command, freePort, scenario, skip, skipPart, until } from './lib.mjs';
import { Contract, checkDocument, documentText, havePackages } from './openapi_lib.mjs';

/** Runs the handlers' tests and checks what they asked and were answered. */
async function checkRecorded(t, contract) {
  const program = process.env.TALLY_HTTP_TEST;
  if (!program) return skipPart('TALLY_HTTP_TEST does not name the program node_http_test');
  const file = join(t.dir, 'exchanges');
  const done = await command(program, [], { ms: 600_000, env: { ...process.env, TALLY_EXCHANGES: file } });
  assert.equal(done.code, 0, `${program}: ${done.out.slice(-3000)}`);
  const wrong = [];
  for (const line of readFileSync(file, 'utf8').trimEnd().split('\n')) {
    const it = JSON.parse(line);
    try {
      if (it.event) contract.checkEvent(it.event);
      else contract.check(it);
    } catch (problem) {
      wrong.push(problem.message);
    }
  }
  assert.equal(wrong.length, 0, `${wrong.length} against the document:\n${wrong.slice(0, 20).join('\n')}`);
  const documented = Object.keys(
    contract.doc.paths['/api/v1/events'].get.responses[200].content['text/event-stream']['x-event-types'],
  );
  assert.deepEqual([...contract.events].sort(), documented.sort(), 'events');
  t.step(`${contract.calls} calls of the handlers' tests, ${contract.answered.size} operations`);
}

async function startDemo(t) {
  const ready = join(t.dir, 'ready.json');
  const args = ['demo', '--data', join(t.dir, 'data'), '--port', String(await freePort()), '--json-ready', ready];
  const child = t.start('demo', binary(), args);
  const info = await until('the demo to be up', () => {
    if (!child.running) throw Object.assign(new Error('the demo ended'), { lasting: true });
    try {
      return JSON.parse(readFileSync(ready, 'utf8'));
    } catch {
      return null;
    }
  });
  const control = new Http(info.control);
  t.finally(() => control.close());
  return { info, control, named: (name) => info.nodes.find((it) => it.name === name) };
}

/** A client whose every call is checked. */
class Client {
  constructor(t, contract, node, token) {
    this.contract = contract;
    this.http = new Http(node.url, token);
    t.finally(() => this.http.close());
  }
  async call(method, path, body) {
    const a = await this.http.call(method, path, body);
    const answer = typeof a.body === 'string' ? a.body : JSON.stringify(a.body);
    const sent = body === undefined ? '' : JSON.stringify(body);
    this.contract.check({ method, path, body: sent, status: a.status, type: a.headers['content-type'], answer });
    return a;
  }
  async good(method, path, body) {
    const a = await this.call(method, path, body);
    assert.equal(a.status, 200, `${method} ${path}: ${a.status} ${JSON.stringify(a.body)}`);
    return a.body;
  }
  get = (path) => this.good('GET', path);
  /** A request that is taken, and before it each of its spoilt copies, that are not. */
  async post(path, body) {
    const { operation } = this.contract.find('POST', path);
    const schema = this.contract.requestSchema(operation);
    for (const wrong of schema ? this.contract.spoilt(schema, body) : []) {
      assert.notEqual(this.contract.problems('request', schema, wrong.body), '', `the document takes ${wrong.why}`);
      const a = await this.call('POST', path, wrong.body);
      const what = `${path}, ${wrong.why}: ${JSON.stringify(wrong.body)}`;
      assert.equal(`${a.status} ${a.body.error}`, '400 malformed', what);
    }
    return this.good('POST', path, body);
  }
}

/** Opens the events of a till: a list that grows. */
function listen(t, client) {
  const heard = [];
  const headers = { authorization: `Bearer ${client.http.token}` };
  return new Promise((resolve, reject) => {
    const out = request(new URL('/api/v1/events', client.http.base), { headers }, (answer) => {
      assert.equal(answer.headers['content-type'], 'text/event-stream');
      let text = '';
      answer.on('data', (part) => {
        text += part;
        for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
          const frame = text.slice(0, end);
          text = text.slice(end + 2);
          if (!frame.startsWith(':')) heard.push(frame);
        }
      });
      answer.on('error', () => {});
      resolve(heard);
    });
    out.on('error', reject);
    out.end();
    t.finally(() => out.destroy());
  });
}

async function trade(till, card, start) {
  let counter = start;
  const money = async (path, body) => {
    const receipt = await till.post(path, { counter, ...body });
    counter = receipt.next_counter;
    const again = await till.good('POST', path, { counter: counter - 1, ...body });
    assert.equal(again.id, receipt.id);
    return receipt;
  };
  // A moment after its start a store has quotas of points, vouchers and bonus; before, they are owed to the card.
  const small = { card, lines: [{ product: 1, quantity: 1 }] };
  const { due } = await till.post('/api/v1/quotes', small);
  await until('the store to give points', async () => {
    const given = await money('/api/v1/sales', { ...small, tenders: [{ kind: 'cash', amount: due }] });
    return given.earned?.length > 0;
  });
  await money('/api/v1/topups', { card, amount: 20_000, tender: 'cash', package: 1 });
  const lines = [{ product: 10, quantity: 1 }, { ean: '6901234000108', quantity: 2 }];
  const quote = await till.post('/api/v1/quotes', { card, lines });
  const sale = await money('/api/v1/sales', { card, lines, tenders: [{ kind: 'card', amount: quote.due }] });
  assert.ok(sale.earned.length > 0, 'the demo gives points and a voucher');
  const basket = { card, lines: [{ product: 10, quantity: 1 }], uses: [{ purse: 4, units: 1 }], gifts: [] };
  const less = await till.post('/api/v1/quotes', basket);
  assert.equal(less.gross - less.due, 500);
  const tenders = [{ kind: 'cash', amount: less.due }];
  const paid = await money('/api/v1/sales', { ...basket, tenders, seen: sale.seen });
  assert.equal(paid.vouchers.length, 1);
  await money('/api/v1/refunds', { receipt: sale.id, lines: [{ product: 1, quantity: 1 }], to: 'card' });
  await money('/api/v1/reversals', { receipt: paid.id });
  const aside = await money('/api/v1/authorisations', { card, amount: 2_000, minutes: 10 });
  await money('/api/v1/voids', { authorisation: aside.id });
  const held = await money('/api/v1/authorisations', { card, amount: 2_000 });
  const loaf = await till.post('/api/v1/quotes', { card, lines: [{ product: 1, quantity: 1 }] });
  await money('/api/v1/captures', {
    authorisation: held.id, lines: [{ product: 1, quantity: 1 }], tenders: [{ kind: 'card', amount: loaf.due }],
  });
  const poor = await till.call('POST', '/api/v1/sales', {
    counter, card, lines: [{ product: 10, quantity: 50 }], tenders: [{ kind: 'card', amount: 840_000 }],
  });
  assert.equal(poor.status, 409);
  return sale.id;
}

async function members(till, card) {
  const held = await until('head office to answer about a card', async () => {
    const a = await till.call('POST', '/api/v1/cards/member', { card });
    return a.status === 200 && a.body;
  });
  assert.equal(held.member, null);
  await till.post('/api/v1/cards/member', { card });
  const form = {
    card, name: '王小明', birthday: '1990-02-28', phones: ['+86 138-0013-8000'], emails: ['a@example.com'], address: '1 Road',
    children: [{ birthday: '2015-05-01', sex: 'female' }], consents: ['sms', 'photo'], photo: Buffer.from([0xff, 0xd8, 0xff]).toString('base64'),
  };
  const made = await till.post('/api/v1/members', form);
  const path = `/api/v1/members/${made.member}`;
  // Head office may publish it meanwhile, as another version.
  await until('the change to be taken', async () => {
    const { version } = await till.get(path);
    return (await till.call('POST', path, { version, address: '2 Road', consents: [] })).status === 200;
  });
  assert.equal((await till.get(path)).address, '2 Road');
  assert.equal((await till.get(`/api/v1/members?query=${encodeURIComponent('小明')}`)).members.length, 1);
  assert.equal((await till.post('/api/v1/cards/applications', { card })).application.state, 'open');
  assert.equal((await till.post('/api/v1/cards/member', { card })).member.name, '王小明');
}

async function checkDemo(t, contract) {
  const { info, control, named } = await startDemo(t);
  const [store, hq] = [named('Store A'), named('Head office')];
  const anyone = new Client(t, contract, store);
  assert.equal((await anyone.call('GET', '/api/v1/till')).status, 401);
  const { token } = await anyone.post('/api/v1/pair', { code: store.code });
  const till = new Client(t, contract, store, token);
  const heard = await listen(t, till);
  const state = await till.get('/api/v1/till');
  await till.get('/api/v1/products');
  assert.ok((await till.get('/api/v1/programme')).packages.length > 0);
  const [{ number: card }] = info.cards;
  await till.post('/api/v1/cards/lookup', { card });
  const receipt = await trade(till, card, state.next_counter);
  assert.ok((await till.post('/api/v1/cards/lookup', { card })).purses.length > 0);
  const { proof } = await till.get(`/api/v1/receipts/${receipt}`);
  if (proof) {
    assert.equal((await till.get(`/api/v1/receipts/${receipt}/code`)).code, proof);
    await till.post('/api/v1/receipts/check', { code: proof });
  }
  assert.equal((await till.call('GET', '/api/v1/receipts/3.0000000000000000.1')).status, 404);
  await members(till, card);
  await till.post(`/api/v1/receipts/${receipt}/print`, {});
  await till.post('/api/v1/drawer', {});
  await till.call('POST', '/api/v1/display', { upper: 'Loaf', upper_right: '12.50' });
  await till.get('/metrics');
  await anyone.get('/healthz');
  assert.deepEqual(await anyone.get('/api/v1/openapi.json'), contract.doc);
  for (const node of [store, hq]) {
    const admin = new Client(t, contract, node, readFileSync(join(node.data, 'admin.token'), 'utf8').trim());
    for (const path of ['/api/v1/network', '/api/v1/cases', '/metrics', '/api/v1/admin/tills']) await admin.get(path);
    await admin.post('/api/v1/admin/pair', {});
  }
  await control.good('POST', `/demo/nodes/${store.node}/swipe`, { card });
  await control.good('POST', `/demo/nodes/${store.node}/scan`, { ean: '6901234000108' });
  const names = () => new Set(heard.map((it) => it.slice(7, it.indexOf('\n'))));
  await until('the events of a till', () => ['card', 'product', 'receipt', 'print'].every((it) => names().has(it)));
  for (const frame of heard) contract.checkEvent(frame);
  t.step(`${contract.calls} calls, ${heard.length} events of a demo`);
}

await scenario('openapi', 1200, async (t) => {
  if (!havePackages()) skip('the npm packages of web/ are not installed (tools/web)');
  const doc = JSON.parse(documentText());
  await checkDocument(doc);
  t.step('the document is OpenAPI 3.1');
  const recorded = new Contract(doc);
  await checkRecorded(t, recorded);
  const live = new Contract(doc);
  await checkDemo(t, live);
  if (recorded.calls === 0) return;
  const silent = live.operations().filter((it) => !live.answered.has(it) && !recorded.answered.has(it));
  assert.deepEqual(silent, ['GET /api/v1/events'], 'operations that no test calls with success');
});
