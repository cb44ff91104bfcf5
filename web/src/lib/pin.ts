// What a page needs to know of PINs. Pure.
import type { Refusal, Tender } from './types';

/** 4 to 12 digits. */
export function isPin(text: string): boolean {
  return /^[0-9]{4,12}$/.test(text);
}

/** A refusal that typing the PIN answers. */
export function asksForPin(refusal: Refusal): boolean {
  return refusal.error === 'pin_required' || (refusal.error === 'pin_wrong' && refusal.tries_left !== 0);
}

/** Six digits. */
export function isCode(text: string): boolean {
  return /^[0-9]{6}$/.test(text);
}

/** A refusal that a one-time code answers. */
export function asksForCode(refusal: Refusal): boolean {
  return refusal.error === 'code_required' || refusal.error === 'code_wrong';
}

/** Card money that a request takes, as far as limits are about it. */
export function cardMoney(fields: Record<string, unknown>): number {
  const tenders = fields['tenders'] as Tender[] | undefined;
  if (tenders) return tenders.filter((it) => it.kind === 'card').reduce((sum, it) => sum + it.amount, 0);
  const of = (name: string): number => (typeof fields[name] === 'number' ? (fields[name] as number) : 0);
  return of('amount') + of('units') + of('paid') + of('deposit');
}

/** A request's body as it may lie on a disk: whoever asks again after a reload types PIN and code again. */
export function withoutPin(body: string): string {
  const fields = JSON.parse(body) as Record<string, unknown>;
  if (!('pin' in fields) && !('code' in fields)) return body;
  delete fields['pin'];
  delete fields['code'];
  return JSON.stringify(fields);
}
