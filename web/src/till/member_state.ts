// Members on this page: in memory only, and forgotten with the card. Nothing of them goes into the browser's storage.
import { signal } from '@preact/signals';
import { call } from '../lib/api';
import { changesOf, draftOf, withApplication, type MemberDraft } from '../lib/member';
import type { CardApplication, Member, MemberList, Refusal } from '../lib/types';

/** Longer than a node waits for head office. */
const TIMEOUT_MS = 8_000;

export type CardMember =
  | { state: 'asking'; number: string }
  | { state: 'known'; number: string; member: Member | null }
  | { state: 'away' | 'unanswered' | 'unsupported'; number: string };

/** Of the card that was read last. */
export const cardMember = signal<CardMember | null>(null);
/** The form that is open: an existing member, or a new one for a card. */
export const editing = signal<{ member: Member | null; card: string | null } | null>(null);
export const found = signal<MemberList | null>(null);

export async function readMember(number: string): Promise<void> {
  cardMember.value = { state: 'asking', number };
  const answer = await call<{ member: Member | null }>('POST', '/api/v1/cards/member', { card: number }, TIMEOUT_MS);
  if (cardMember.value?.number !== number) return; // another card meanwhile
  if (answer.ok) cardMember.value = { state: 'known', number, member: answer.body.member };
  else if (answer.refusal.error === 'offline') cardMember.value = { state: 'away', number };
  else if (answer.refusal.error === 'timeout') cardMember.value = { state: 'unanswered', number };
  else cardMember.value = { state: 'unsupported', number };
}

/** Null when there is nothing to look for; a refusal otherwise says why there is no list. */
export async function findMembers(query: string): Promise<Refusal | null> {
  found.value = null;
  if (query.trim() === '') return null;
  const answer = await call<MemberList>('GET', `/api/v1/members?query=${encodeURIComponent(query.trim())}`);
  if (!answer.ok) return answer.refusal;
  found.value = answer.body;
  return null;
}

export async function openMember(member: number): Promise<void> {
  const answer = await call<Member>('GET', `/api/v1/members/${member}`, undefined, TIMEOUT_MS);
  if (answer.ok) editing.value = { member: answer.body, card: null };
}

/** Asks for a card of plastic for the card that was read. Answers null when that is noted, else why not. */
export async function applyForCard(number: string): Promise<Refusal | null> {
  const answer = await call<{ application: CardApplication }>(
    'POST',
    '/api/v1/cards/applications',
    { card: number },
    TIMEOUT_MS,
  );
  if (!answer.ok) return answer.refusal;
  const shown = cardMember.value;
  if (shown?.state !== 'known' || shown.number !== number || !shown.member) return null; // another card meanwhile
  cardMember.value = { ...shown, member: withApplication(shown.member, answer.body.application) };
  return null;
}

/** Saves what differs. Answers null when it is saved, else why not. */
export async function saveMember(draft: MemberDraft): Promise<Refusal | null> {
  const form = editing.value;
  if (!form) return null;
  const said = changesOf(draft, draftOf(form.member));
  const answer = form.member
    ? await call<Member>('POST', `/api/v1/members/${form.member.member}`, said, TIMEOUT_MS)
    : await call<Member>('POST', '/api/v1/members', { ...said, card: form.card }, TIMEOUT_MS);
  if (!answer.ok) return answer.refusal;
  const shown = cardMember.value;
  const ours = shown?.state === 'known' && (shown.member?.member === answer.body.member || shown.number === form.card);
  if (shown && ours) cardMember.value = { state: 'known', number: shown.number, member: answer.body };
  editing.value = null;
  found.value = null;
  return null;
}
