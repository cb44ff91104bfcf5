// Calls to the node that served the page. The token goes in a header and no cookie is sent: cookies do not
// tell ports apart, so the tills of two nodes on one machine would overwrite each other's.
import { classify, refusalOf, type Outcome } from './answer';
import type { Refusal } from './types';

const TOKEN = 'tally.token';
const MONEY_TIMEOUT_MS = 10_000;
const READ_TIMEOUT_MS = 6_000;

export function token(): string | null {
  try {
    return localStorage.getItem(TOKEN);
  } catch {
    return null;
  }
}

export function setToken(value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(TOKEN);
    else localStorage.setItem(TOKEN, value);
  } catch {
    // Without storage the till asks for a code after every reload.
  }
}

export function authHeaders(): Record<string, string> {
  const held = token();
  return held ? { authorization: `Bearer ${held}` } : {};
}

async function request(
  method: string,
  path: string,
  body: string | null,
  timeoutMs: number,
): Promise<{ status: number; body: unknown }> {
  const headers: Record<string, string> = { ...authHeaders(), accept: 'application/json' };
  if (body !== null) headers['content-type'] = 'application/json';
  const answer = await fetch(path, {
    method,
    headers,
    body,
    credentials: 'omit',
    cache: 'no-store',
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  });
  const text = await answer.text();
  try {
    return { status: answer.status, body: JSON.parse(text) as unknown };
  } catch {
    return { status: answer.status, body: null };
  }
}

/** Sends one attempt of a money request, with exactly these bytes. Never throws. */
export async function sendMoney(path: string, body: string): Promise<Outcome> {
  try {
    const answer = await request('POST', path, body, MONEY_TIMEOUT_MS);
    return classify(answer.status, answer.body);
  } catch (error) {
    const timeout = error instanceof DOMException && error.name === 'TimeoutError';
    return { kind: 'unanswered', why: timeout ? 'timeout' : 'network' };
  }
}

export type Read<T> = { ok: true; body: T } | { ok: false; status: number; refusal: Refusal };

/** A call that moves no money. A node that does not answer is status 0, error `unreachable`. Never throws. */
export async function call<T>(
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
  timeoutMs = READ_TIMEOUT_MS,
): Promise<Read<T>> {
  try {
    const text = body === undefined ? null : JSON.stringify(body);
    const answer = await request(method, path, text, timeoutMs);
    if (answer.status >= 200 && answer.status < 300 && answer.body !== null)
      return { ok: true, body: answer.body as T };
    const refusal = refusalOf(answer.body) ?? { error: answer.status === 401 ? 'not_allowed' : 'internal' };
    return { ok: false, status: answer.status, refusal };
  } catch {
    return { ok: false, status: 0, refusal: { error: 'unreachable' } };
  }
}
