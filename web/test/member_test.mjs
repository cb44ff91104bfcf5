import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applicationFor, changesOf, draftOf, phoneTail, withApplication } from '../src/lib/member.ts';

const member = {
  member: 1201,
  version: 3,
  name: '王小明',
  birthday: '1990-02-28',
  phones: ['13800138000', '5550100'],
  emails: [],
  address: '1 Road\nTown',
  children: [
    { birthday: '2015-05-01', sex: 'female' },
    { birthday: '', sex: 'male' },
  ],
  consents: ['sms', 'post'],
  accounts: [17],
  merged_into: null,
  photo: 'x',
  unpublished: 0,
  lease_until: null,
};

test('a form that was not touched says nothing', () => {
  const shown = draftOf(member);
  assert.deepEqual(changesOf(draftOf(member), shown), {});
  assert.deepEqual(changesOf({ ...shown, consents: ['post', 'sms'] }, shown), {});
  assert.deepEqual(draftOf(null).phones, '');
});

test('only what was changed is said, and lists are cut at line ends', () => {
  const shown = draftOf(member);
  const draft = { ...shown, phones: ' 5550100 \n\n7', children: '2016-01-02 M\n--12-24', photo: 'AA==' };
  assert.deepEqual(changesOf(draft, shown), {
    phones: ['5550100', '7'],
    children: [
      { birthday: '2016-01-02', sex: 'male' },
      { birthday: '--12-24', sex: '' },
    ],
  });
  // A photo goes with the consent to it.
  const agreed = { ...draft, consents: [...shown.consents, 'photo'] };
  assert.equal(changesOf(agreed, shown).photo, 'AA==');
  assert.deepEqual(changesOf({ ...shown, address: '', birthday: '' }, shown), { address: '', birthday: '' });
});

test('a list shows the end of a number', () => {
  assert.equal(phoneTail(member), '… 8000');
  assert.equal(phoneTail({ ...member, phones: [] }), '');
});

test('the newest application of a card takes the place of the one before', () => {
  const open = { account: 17, card: '**** 9123', state: 'open', since: '2026-11-27', answered: null, store: 3, reason: '' };
  const other = { ...open, account: 18 };
  assert.equal(applicationFor(member, 17), null);
  const asked = withApplication({ ...member, applications: [{ ...open, state: 'refused' }, other] }, open);
  assert.equal(applicationFor(asked, 17), open);
  assert.equal(applicationFor(asked, 18), other);
  assert.equal(asked.applications.length, 2);
});
