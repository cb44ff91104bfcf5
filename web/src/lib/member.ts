// What the form says of a member, and back. Pure.
import type { CardApplication, Member, MemberChild } from './types';

export const CONSENTS = ['sms', 'email', 'post', 'photo', 'offers'] as const;
export const PHOTO_MAX = 24_000;

/** The form's fields as they are typed. */
export interface MemberDraft {
  name: string;
  birthday: string;
  phones: string;
  emails: string;
  address: string;
  children: string;
  consents: string[];
  /** Base 64; null: as it is. */
  photo: string | null;
}

const lines = (text: string): string[] =>
  text
    .split('\n')
    .map((it) => it.trim())
    .filter((it) => it !== '');

const childLine = (it: MemberChild): string =>
  [it.birthday, { female: 'f', male: 'm', other: 'x' }[it.sex] ?? ''].filter(Boolean).join(' ');

function childOf(line: string): MemberChild {
  const [birthday = '', sex = ''] = line.split(/\s+/);
  return { birthday, sex: { f: 'female', m: 'male', x: 'other' }[sex.toLowerCase()] ?? sex };
}

export function draftOf(member: Member | null): MemberDraft {
  return {
    name: member?.name ?? '',
    birthday: member?.birthday ?? '',
    phones: (member?.phones ?? []).join('\n'),
    emails: (member?.emails ?? []).join('\n'),
    address: member?.address ?? '',
    children: (member?.children ?? []).map(childLine).join('\n'),
    consents: member?.consents ?? [],
    photo: null,
  };
}

/** Only the fields that differ from what was shown: what another store changed meanwhile stays. */
export function changesOf(draft: MemberDraft, shown: MemberDraft): Record<string, unknown> {
  const said: Record<string, unknown> = {};
  if (draft.name !== shown.name) said['name'] = draft.name.trim();
  if (draft.birthday !== shown.birthday) said['birthday'] = draft.birthday.trim();
  if (draft.phones !== shown.phones) said['phones'] = lines(draft.phones);
  if (draft.emails !== shown.emails) said['emails'] = lines(draft.emails);
  if (draft.address !== shown.address) said['address'] = lines(draft.address).join('\n');
  if (draft.children !== shown.children) said['children'] = lines(draft.children).map(childOf);
  if ([...draft.consents].sort().join() !== [...shown.consents].sort().join()) said['consents'] = draft.consents;
  if (draft.photo !== null && draft.consents.includes('photo')) said['photo'] = draft.photo;
  return said;
}

/** The last digits alone: enough to tell two of one name apart, on a screen that others see. */
export function phoneTail(member: Member): string {
  const first = member.phones[0];
  return first ? `… ${first.slice(-4)}` : '';
}

/** The newest application for that card; null when nobody ever asked. */
export function applicationFor(member: Member, account: number): CardApplication | null {
  return member.applications?.find((it) => it.account === account) ?? null;
}

/** The member with that one in place of what was known of the same card. */
export function withApplication(member: Member, fresh: CardApplication): Member {
  const others = (member.applications ?? []).filter((it) => it.account !== fresh.account);
  return { ...member, applications: [...others, fresh] };
}
