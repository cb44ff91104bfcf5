// What a page needs to know of PINs. Pure.
import type { Refusal } from './types';

/** 4 to 12 digits. */
export function isPin(text: string): boolean {
  return /^[0-9]{4,12}$/.test(text);
}

/** A refusal that typing the PIN answers. */
export function asksForPin(refusal: Refusal): boolean {
  return refusal.error === 'pin_required' || (refusal.error === 'pin_wrong' && refusal.tries_left !== 0);
}

/** A request's body as it may lie on a disk: whoever asks again after a reload types the PIN again. */
export function withoutPin(body: string): string {
  const fields = JSON.parse(body) as Record<string, unknown>;
  if (!('pin' in fields)) return body;
  delete fields['pin'];
  return JSON.stringify(fields);
}
