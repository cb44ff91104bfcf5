// What an HTTP answer to a call that moves money means for the till. Pure.
import type { Receipt, Refusal } from './types';

export type Why = 'network' | 'timeout' | 'busy' | 'unknown' | 'unpaired';

export type Outcome =
  | { kind: 'done'; receipt: Receipt }
  | { kind: 'refused'; status: number; refusal: Refusal }
  /** Nobody can say whether it was recorded: the same bytes with the same counter must be sent again. */
  | { kind: 'unanswered'; why: Why };

function isReceipt(body: unknown): body is Receipt {
  if (typeof body !== 'object' || body === null) return false;
  const it = body as Record<string, unknown>;
  return typeof it['id'] === 'string' && typeof it['total'] === 'number' && Array.isArray(it['text']);
}

export function refusalOf(body: unknown): Refusal | null {
  if (typeof body !== 'object' || body === null) return null;
  const it = body as Record<string, unknown>;
  return typeof it['error'] === 'string' ? (it as unknown as Refusal) : null;
}

/**
 * `body` is the parsed JSON, or null when it did not parse. Only an answer that the node itself gave in the
 * agreed form ends a request: a page of a proxy, an empty 200 or a bare 500 leaves it unknown.
 */
export function classify(status: number, body: unknown): Outcome {
  if (status >= 200 && status < 300) {
    return isReceipt(body) ? { kind: 'done', receipt: body } : { kind: 'unanswered', why: 'unknown' };
  }
  const refusal = refusalOf(body);
  if (status === 401) return { kind: 'unanswered', why: 'unpaired' };
  if (status === 429) return { kind: 'unanswered', why: 'busy' };
  if (!refusal) return { kind: 'unanswered', why: 'unknown' };
  if (refusal.retry === 'same_counter') return { kind: 'unanswered', why: 'unknown' };
  // A 503 without `retry` says that nothing was recorded; any other 5xx says nothing.
  if (status >= 500 && status !== 503) return { kind: 'unanswered', why: 'unknown' };
  return { kind: 'refused', status, refusal };
}
