// Members in a real chain: made at head office, lent to a store over a region, edited there, merged, erased; and then
// every file of every node is searched for what was said of them, and for their keys.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allCosigned, makeChain } from './chain.mjs';
import { ROOT, good, scenario, tallystick, until } from './lib.mjs';

function* filesBelow(dir) {
  for (const name of readdirSync(dir)) {
    const path = join(dir, name);
    const st = statSync(path, { throwIfNoEntry: false }); // a running node removes files
    if (st?.isDirectory()) yield* filesBelow(path);
    else if (st?.isFile()) yield path;
  }
}

/** Files that hold one of the needles: [file, needle]. */
function holders(dirs, needles) {
  const out = [];
  for (const dir of dirs) {
    for (const file of filesBelow(dir)) {
      let octets;
      try {
        octets = readFileSync(file);
      } catch {
        continue;
      }
      for (const [what, needle] of needles) if (octets.includes(needle)) out.push([file, what]);
    }
  }
  return out;
}

/** Keys in a keystore's file, by member: storage/FORMAT.md, "Members". */
function keysIn(data) {
  const all = readFileSync(join(data, 'members', 'keys.store'));
  const out = new Map();
  for (let at = 64; at + 64 <= all.length; at += 64) {
    const member = Number(all.readBigUInt64BE(at));
    if (member !== 0) out.set(member, all.subarray(at + 16, at + 48));
  }
  return out;
}

await scenario('members', 300, async (t) => {
  const shape = [['hq', 'hq'], ['r', 'region', 'hq'], ['a', 'store', 'r'], ['b', 'store', 'hq']];
  const { nodes, cards } = await makeChain(t, shape, { cards: 6 });
  const { hq, r, a, b } = nodes;
  const tills = { a: await a.pair(), b: await b.pair() };
  const api = (node, method, path, body) =>
    node.http.call(method, `/api/v1${path}`, body, { token: tills[node.name].token });
  const ofCard = async (node, card) => (await api(node, 'POST', '/cards/member', { card })).body.member;
  const find = async (node, query) =>
    (await api(node, 'GET', `/members?query=${encodeURIComponent(query)}`)).body.members.map((it) => it.name);
  const member = (...args) => tallystick(['member', args[0], '--data', hq.data, ...args.slice(1).map(String)]);
  const shown = (done) => {
    assert.equal(done.code, 0, done.err);
    return Object.fromEntries(done.out.trim().split('\n').map((it) => it.split(/ {2,}/)));
  };

  // At head office.
  const photo = join(t.dir, 'photo.jpg');
  writeFileSync(photo, Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.from('PHOTOPHOTO'.repeat(200))]));
  const form = join(t.dir, 'form.json');
  writeFileSync(form, JSON.stringify({ name: '王小明', phones: ['+86 138-0013-8000'], emails: ['xiaoming@example.com'] }));
  const wang = shown(
    await member('add', '--file', form, '--birthday', '1990-02-28', '--address', '人民路八号', '--child', '2015-05-01:female',
      '--consent', 'sms', '--consent', 'photo', '--photo', photo, '--card', cards[0]),
  );
  assert.equal(wang.name, '王小明');
  assert.match((await member('find', '小明')).out, /王小明/);
  assert.match((await member('find', '8000')).out, /王小明/);
  assert.match((await member('find', cards[0])).out, /王小明/);
  assert.equal((await member('find', '李')).code, 1);
  await good(['member', 'show', '--data', hq.data, '--card', cards[0], '--photo-out', join(t.dir, 'back.jpg')]);
  assert.deepEqual(readFileSync(join(t.dir, 'back.jpg')), readFileSync(photo));
  t.step('a member is made and found at head office');

  // Cards of a named kind are a person's.
  const kinds = '\n[[card_kind]]\nid = 1\nname = { en = "Card" }\n\n[[card_kind]]\nid = 2\nname = { en = "Named" }\nnamed = true\n';
  const rules = join(t.dir, 'rules.toml');
  writeFileSync(rules, readFileSync(join(ROOT, 'config', 'demo-rules.toml'), 'utf8') + kinds);
  await good(['publish', '--data', hq.data, rules]);
  const named = (...args) => tallystick(['card', '--data', hq.data, ...args]);
  const nobody = await named('--card', cards[3], '--kind', '2');
  assert.equal(nobody.code, 1, nobody.out);
  assert.match(nobody.err, /belong to a member, and this one has none/);
  const kim = shown(await member('add', '--name', '김철수', '--card', cards[3]));
  assert.equal((await named('--card', cards[3], '--kind', '2')).code, 0);
  const anew = await named('--card', cards[3], '--replace');
  assert.equal(anew.code, 0, anew.err);
  assert.equal((await member('erase', '--member', kim.member, '--yes')).code, 0);
  await until('store a to show which kinds are named', async () =>
    (await api(a, 'GET', '/programme')).body.card_kinds?.some((it) => it.id === 2 && it.named === true));

  // At a store, over the region.
  assert.deepEqual(await find(a, '小明'), [], 'no lease, no name');
  const there = await until('store a to have the member', () => ofCard(a, cards[0]));
  assert.equal(there.name, '王小明');
  assert.deepEqual(there.children, [{ birthday: '2015-05-01', sex: 'female' }]);
  assert.equal(there.photo, readFileSync(photo).toString('base64'));
  assert.ok(there.lease_until > Date.now() / 1000 + 29 * 86_400);
  assert.deepEqual(await find(a, '8000'), ['王小明']);
  assert.deepEqual(await find(b, '8000'), []);
  const free = await api(a, 'POST', '/cards/member', { card: cards[5] });
  assert.equal(free.body.member, null, JSON.stringify(free.body));

  // Edited there, published by head office, seen at the other store.
  const path = `/members/${there.member}`;
  const edited = await api(a, 'POST', path, { version: 1, address: '南京路一号' });
  assert.deepEqual([edited.status, edited.body.unpublished, edited.body.version], [200, 1, 1], JSON.stringify(edited.body));
  await until('head office to publish it', async () => shown(await member('show', '--member', there.member)).address === '南京路一号');
  assert.equal((await until('store b to have the member', () => ofCard(b, cards[0]))).address, '南京路一号');
  await until('store a to hear of it', async () => (await api(a, 'GET', path)).body.version === 2);
  t.step('an edit at a store reaches the other one');

  // Without a line.
  await hq.stop();
  await until('store b to be alone', async () => !(await b.status()).link_up);
  assert.equal((await api(b, 'POST', path, { phones: ['13900139000'] })).body.unpublished, 1);
  const unknown = await api(b, 'POST', '/cards/member', { card: cards[4] });
  assert.deepEqual([unknown.status, unknown.body.error], [503, 'offline']);
  await hq.start();
  await until('head office to publish what was said without a line', async () =>
    shown(await member('show', '--member', there.member)).phones === '13900139000');

  // Bad input.
  const refuse = async (body, status, error) => {
    const no = await api(a, 'POST', path, body);
    assert.deepEqual([no.status, no.body.error], [status, error], JSON.stringify([body, no.body]).slice(0, 300));
  };
  for (const name of ['rtl\u202eevil', 'a\u0000b', 'x'.repeat(121), '', '\ud800', 7]) await refuse({ name }, 400, 'malformed');
  for (const birthday of ['1990-02-30', '2999-01-01', '28.2.1990', 'tomorrow']) await refuse({ birthday }, 400, 'malformed');
  for (const big of ['PHOTO', Buffer.alloc(24_001, 0xff).toString('base64'), '****']) await refuse({ photo: big }, 400, 'malformed');
  const face = Buffer.from([0xff, 0xd8, 0xff, 0xe0]).toString('base64');
  await refuse({ photo: face, consents: ['sms'] }, 403, 'not_allowed');
  await refuse({ phones: ['call me'] }, 400, 'malformed');
  await refuse({ phones: '13800138000' }, 400, 'malformed');
  await refuse({ consents: ['everything'] }, 400, 'malformed');
  await refuse({ children: [{ sex: 'cat' }] }, 400, 'malformed');
  await refuse({ version: 1, address: 'x' }, 409, 'gap');
  for (const query of ['', '%', '%ff', '%00', 'a'.repeat(200), '%E2%80%AE'])
    assert.equal((await api(a, 'GET', `/members?query=${query}`)).status, 400, query);
  assert.equal((await api(a, 'GET', '/members/0')).status, 404);
  assert.equal((await api(a, 'GET', '/members/99999999999999999999999')).status, 404);
  assert.equal((await a.http.call('GET', `/api/v1${path}`)).status, 401, 'no till, no member');
  assert.equal((await member('edit', '--member', there.member, '--birthday', '1990-02-30')).code, 2);
  assert.equal((await member('erase', '--member', there.member)).code, 2, 'it must be meant');
  assert.equal((await tallystick(['member', 'erase', '--data', a.data, '--member', String(there.member), '--yes'])).code, 1);

  // A store makes one; a second of the same person is found, merged, and merged again.
  const made = await until('store a to make a member', async () => {
    const done = await api(a, 'POST', '/members', { card: cards[1], name: '王小明', birthday: '1990-02-28', phones: ['010 5550 1234'] });
    if (done.status !== 200) throw new Error(JSON.stringify(done.body));
    return done.body;
  });
  await until('head office to know it', async () => (await member('find', '55501234')).code === 0);
  const twins = (await member('duplicates')).out;
  assert.match(twins, new RegExp(`^${there.member} .*\\n${made.member} `, 'm'));
  const merge = ['merge', '--into', there.member, '--from', made.member];
  const one = shown(await member(...merge));
  assert.equal(one.accounts.split(', ').length, 2);
  assert.equal(shown(await member(...merge)).version, one.version, 'again changes nothing');
  assert.equal(shown(await member('show', '--card', cards[1])).member, String(there.member));
  assert.equal(shown(await member('show', '--member', made.member))['merged into'], String(there.member));
  t.step('two that are one become one');

  // A card of plastic is asked for at a store, refused, asked for again, made.
  const card = (...args) => tallystick(['card', '--data', hq.data, '--applications', ...args.map(String)]);
  const apply = (node, number) => api(node, 'POST', '/cards/applications', { card: number });
  assert.match((await card()).out, /^No application/);
  const first = await apply(a, cards[0]);
  assert.deepEqual([first.status, first.body.before, first.body.application.state], [200, false, 'open'], JSON.stringify(first.body));
  assert.equal((await apply(a, cards[0])).body.before, true, 'an answer that was lost');
  const account = first.body.application.account;
  for (const [body, status] of [[{ card: cards[5] }, 404], [{ card: '9704000000000000' }, 409], [{}, 400], [{ card: 7 }, 400]])
    assert.equal((await api(a, 'POST', '/cards/applications', body)).status, status, JSON.stringify(body));
  assert.equal((await a.http.call('POST', '/api/v1/cards/applications', { card: cards[0] })).status, 401, 'no till');
  await until('head office to list it', async () => (await card()).out.includes('王小明'));
  assert.match((await card('--csv')).out, new RegExp(`^${account},"\\*{4} \\d{4}",20\\d\\d-\\d\\d-\\d\\d,\\d+,${there.member},"王小明","南京路一号"`, 'm'));
  assert.equal((await card('--refuse', account)).code, 2, 'a reason is given');
  assert.equal((await card('--made', account)).code, 2, 'a prefix is given');
  assert.equal((await card('--refuse', 424242, '--reason', 'no')).code, 1);
  assert.equal((await card('--refuse', account, '--reason', 'x'.repeat(121))).code, 2);
  const refused = await card('--refuse', account, '--reason', 'no house number');
  assert.equal(refused.code, 0, refused.err);
  const told = await until('store a to hear why', async () => {
    const [it] = (await ofCard(a, cards[0])).applications;
    return it.state === 'refused' && it;
  });
  assert.equal(told.reason, 'no house number');
  assert.equal((await apply(b, cards[0])).body.before, false);
  await until('head office to list it again', async () => (await card('--csv')).out.includes(`\n${account},`));
  const done = await card('--made', account, '--prefix', '9704');
  assert.equal(done.code, 0, done.err);
  const plastic = /^number,account\r\n(\d{16}),(\d+)\r\n$/.exec(done.out);
  assert.equal(Number(plastic[2]), account);
  assert.match((await card()).out, /^No application/);
  assert.equal((await card('--made', account, '--prefix', '9704')).out, 'number,account\r\n', 'nothing is drawn for nobody');
  const both = await until('store a to know the new number', async () => {
    const [one, old] = await Promise.all([plastic[1], cards[0]].map((it) => api(a, 'POST', '/cards/lookup', { card: it })));
    return one.status === 200 && [one.body.account, old.body.account];
  });
  assert.deepEqual(both, [account, account], 'the old number is as good');
  t.step('a card of plastic is asked for and made');

  // What leaves a node by hand has no keys.
  const stick = join(t.dir, 'stick');
  mkdirSync(stick);
  await good(['ship', '--data', a.data, '--to', stick]);
  const needles = [['小明', '小明'], ['phone', '13900139000'], ['phone before', '13800138000'], ['e-mail', 'xiaoming'],
    ['address', '南京路'], ['address before', '人民路'], ['photo', 'PHOTOPHOTO'], ['other phone', '01055501234'], ['reason', 'no house number']]
    .map(([what, text]) => [what, Buffer.from(text)]);
  const dirs = [hq, r, a, b].map((it) => it.data);
  for (const data of [hq.data, a.data]) for (const [who, key] of keysIn(data)) needles.push([`key of ${who}`, Buffer.from(key)]);
  assert.ok(needles.length >= 10);
  assert.deepEqual(holders([stick], needles), []);
  const before = holders(dirs, needles);
  assert.ok(before.length >= 4, 'the search finds keys where they are');
  assert.ok(before.every(([file, what]) => file.endsWith('keys.store') && what.startsWith('key of')), JSON.stringify(before));

  // Erased: head office first, each store as it hears; one that was off hears when it comes back.
  await b.stop();
  const erased = await member('erase', '--member', there.member, '--yes');
  assert.equal(erased.code, 0, erased.err);
  assert.match(erased.out, new RegExp(`${there.member}, ${made.member}`));
  assert.match(erased.err, /may have a copy of the key until 20/);
  assert.equal((await member('erase', '--member', there.member, '--yes')).code, 0, 'again is the same');
  await until('store a to destroy its keys', () => keysIn(a.data).size === 0);
  assert.ok(keysIn(b.data).size > 0, 'it is off');
  await b.start();
  await until('store b to destroy its keys', () => keysIn(b.data).size === 0);
  assert.equal((await member('show', '--member', there.member)).code, 1);
  assert.equal((await member('edit', '--member', there.member, '--name', 'again')).code, 1);
  assert.deepEqual(await find(a, '小明'), []);
  assert.equal((await api(a, 'POST', path, { address: 'x' })).status, 404);
  assert.equal(await until('head office to answer', async () => (await ofCard(a, cards[0])) === null), true);
  assert.deepEqual(holders(dirs, needles), [], 'while the nodes run');
  for (const it of [a, b]) await allCosigned(it);
  for (const it of [b, a, r, hq]) await it.stop();
  assert.deepEqual(holders(dirs, needles), [], 'and when they have ended');
  t.step('nothing of them is in any file of any node');

  for (const it of [hq, r, a, b]) await it.audit();
  await good(['export', '--data', hq.data, '--format', 'tlog-tiles', join(t.dir, 'tiles')]);
  await hq.start();
  assert.equal((await member('find', '小明')).code, 1);
  t.step('all books are proved as before');
});
