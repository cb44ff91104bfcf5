// The one money request that may be under way at this till. A pure machine: events in, effects out, time passed in.
//
// The request is stored before it is sent, byte for byte, with its counter. Until the node has answered,
// exactly these bytes are sent again; no other request can start. So neither a double click, nor a reload, nor
// a lost answer doubles a sale.
import type { Outcome, Why } from './answer';

export interface MoneyRequest {
  v: 1;
  terminal: number;
  counter: number;
  kind: 'sale' | 'top_up' | 'reversal' | 'card_sale' | 'card_return' | 'card_report' | 'refund' | 'authorisation' | 'capture' | 'void' | 'adjustment' | 'gift';
  path: string;
  /** The exact JSON text that is sent, every time. */
  body: string;
  /** What the screen says is under way, in minor units. */
  amount: number;
}

export type OutboxState =
  | { phase: 'idle' }
  | { phase: 'sending'; request: MoneyRequest; attempt: number }
  | { phase: 'waiting'; request: MoneyRequest; attempt: number; why: Why; retryAt: number }
  /** Stored by another terminal number of this browser: sending it now could double it, so a person decides. */
  | { phase: 'orphan'; request: MoneyRequest };

export type OutboxEvent =
  | { type: 'submit'; request: MoneyRequest }
  | { type: 'stored_failed' }
  | { type: 'outcome'; counter: number; outcome: Outcome }
  | { type: 'due' }
  | { type: 'retry_now' }
  /** After loading or pairing: `request` is what the storage held. */
  | { type: 'resume'; request: MoneyRequest | null; terminal: number }
  | { type: 'dismiss' };

export type OutboxEffect =
  | { do: 'store'; request: MoneyRequest }
  | { do: 'send'; request: MoneyRequest }
  | { do: 'clear' }
  | { do: 'deliver'; request: MoneyRequest; outcome: Outcome; attempt: number };

export interface OutboxStep {
  state: OutboxState;
  effects: OutboxEffect[];
}

export const RETRY_FIRST_MS = 1_000;
export const RETRY_MAX_MS = 15_000;

/** Wait before attempt n+1: 1, 2, 4, 8, 15, 15 … seconds. */
export function retryDelay(attempt: number): number {
  return Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(attempt - 1, 10));
}

const stay = (state: OutboxState): OutboxStep => ({ state, effects: [] });

function send(request: MoneyRequest, attempt: number, store: boolean): OutboxStep {
  const effects: OutboxEffect[] = store ? [{ do: 'store', request }] : [];
  return { state: { phase: 'sending', request, attempt }, effects: [...effects, { do: 'send', request }] };
}

function onOutcome(state: OutboxState, counter: number, outcome: Outcome, now: number): OutboxStep {
  // A late answer to something that already ended says nothing new.
  if (state.phase !== 'sending' || state.request.counter !== counter) return stay(state);
  const { request, attempt } = state;
  if (outcome.kind === 'unanswered') {
    const retryAt = outcome.why === 'unpaired' ? Number.POSITIVE_INFINITY : now + retryDelay(attempt);
    return stay({ phase: 'waiting', request, attempt, why: outcome.why, retryAt });
  }
  return { state: { phase: 'idle' }, effects: [{ do: 'clear' }, { do: 'deliver', request, outcome, attempt }] };
}

export function step(state: OutboxState, event: OutboxEvent, now: number): OutboxStep {
  switch (event.type) {
    case 'submit':
      return state.phase === 'idle' ? send(event.request, 1, true) : stay(state);
    case 'stored_failed':
      return state.phase === 'sending' && state.attempt === 1 ? stay({ phase: 'idle' }) : stay(state);
    case 'outcome':
      return onOutcome(state, event.counter, event.outcome, now);
    case 'due':
      return state.phase === 'waiting' && now >= state.retryAt
        ? send(state.request, state.attempt + 1, false)
        : stay(state);
    case 'retry_now':
      return state.phase === 'waiting' && state.why !== 'unpaired'
        ? send(state.request, state.attempt + 1, false)
        : stay(state);
    case 'resume': {
      const request = state.phase === 'waiting' ? state.request : event.request;
      if (!request || (state.phase !== 'idle' && state.phase !== 'waiting')) return stay(state);
      if (request.terminal !== event.terminal) return stay({ phase: 'orphan', request });
      return send(request, state.phase === 'waiting' ? state.attempt + 1 : 1, false);
    }
    case 'dismiss':
      return state.phase === 'orphan' ? { state: { phase: 'idle' }, effects: [{ do: 'clear' }] } : stay(state);
  }
}

const KINDS = ['sale', 'top_up', 'reversal', 'card_sale', 'card_return', 'card_report', 'refund', 'authorisation', 'capture', 'void', 'adjustment', 'gift'];

/** Reads what the storage held. Anything that is not a whole request of this version is null. */
export function readStored(text: string | null): MoneyRequest | null {
  if (text === null) return null;
  try {
    const it = JSON.parse(text) as Partial<MoneyRequest>;
    const whole =
      it.v === 1 &&
      Number.isSafeInteger(it.terminal) &&
      Number.isSafeInteger(it.counter) &&
      KINDS.includes(it.kind as string) &&
      Number.isSafeInteger(it.amount) &&
      typeof it.path === 'string' &&
      it.path.startsWith('/api/v1/') &&
      typeof it.body === 'string';
    return whole ? (it as MoneyRequest) : null;
  } catch {
    return null;
  }
}
