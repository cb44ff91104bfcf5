// Polls the node for the picture of the network, and talks to the demo's control address when there is one.
import { signal } from '@preact/signals';
import { call, setToken } from '../lib/api';
import type { CaseList, DemoState, Network, Refusal } from '../lib/types';
import { pollDelay, remember, type Sample } from './state';

export const picture = signal<Network | null>(null);
/** When the picture came, by this browser's clock, in seconds; null before the first. */
export const pictureAt = signal<number | null>(null);
export const failures = signal(0);
export const unpaired = signal(false);
export const cases = signal<CaseList | null>(null);
export const history = signal<Sample[]>([]);
export const now = signal(Math.floor(Date.now() / 1000));

export const demo = signal<DemoState | null>(null);
export const demoReachable = signal(true);
export const demoProblem = signal<string | null>(null);
export const demoCards = signal<{ number: string; masked: string }[]>([]);
export const demoProducts = signal<{ ean: string; name: string }[]>([]);

export interface PrinterView {
  paper: string;
  tickets: string[];
}

async function demoCall<T>(
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
): Promise<{ ok: true; body: T } | { ok: false; why: string }> {
  const base = picture.value?.demo;
  if (!base) return { ok: false, why: 'no demo' };
  try {
    const answer = await fetch(base + path, {
      method,
      credentials: 'omit',
      cache: 'no-store',
      signal: AbortSignal.timeout(8_000),
      ...(method === 'POST'
        ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body ?? {}) }
        : {}),
    });
    const text = await answer.text();
    const data = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
    return answer.ok
      ? { ok: true, body: data as T }
      : { ok: false, why: String((data as Partial<Refusal>).error ?? answer.status) };
  } catch {
    return { ok: false, why: 'unreachable' };
  }
}

async function readDemo(): Promise<void> {
  const answer = await demoCall<DemoState>('GET', '/demo/state');
  demoReachable.value = answer.ok;
  if (answer.ok) demo.value = answer.body;
  if (answer.ok && demoCards.value.length === 0) {
    const cards = await demoCall<{ cards: { number: string; masked: string }[] }>('GET', '/demo/cards');
    if (cards.ok) demoCards.value = cards.body.cards;
    const products = await demoCall<{ products: { ean: string; name: string }[] }>('GET', '/demo/products');
    if (products.ok) demoProducts.value = products.body.products;
  }
}

/** Presses one of the demo's buttons and shows at once what it changed. */
export async function demoDo(path: string, body?: unknown): Promise<void> {
  const answer = await demoCall('POST', path, body);
  demoProblem.value = answer.ok ? null : answer.why;
  await readDemo();
  await readPicture();
}

export async function readPrinter(node: number): Promise<PrinterView | null> {
  const answer = await demoCall<PrinterView>('GET', `/demo/nodes/${node}/printer`);
  return answer.ok ? answer.body : null;
}

async function readPicture(): Promise<void> {
  const answer = await call<Network>('GET', '/api/v1/network');
  if (!answer.ok) {
    if (answer.status === 401) unpaired.value = true;
    failures.value += 1;
    return;
  }
  const at = Math.floor(Date.now() / 1000);
  unpaired.value = false;
  failures.value = 0;
  picture.value = answer.body;
  pictureAt.value = at;
  history.value = remember(history.value, answer.body, at);
  if (answer.body.cases_open === 0 && !answer.body.differences) {
    cases.value = null;
    return;
  }
  const list = await call<CaseList>('GET', '/api/v1/cases');
  if (list.ok) cases.value = list.body;
}

export async function pair(code: string): Promise<Refusal | null> {
  const answer = await call<{ token: string }>('POST', '/api/v1/pair', { code });
  if (!answer.ok) return answer.refusal;
  setToken(answer.body.token);
  await readPicture();
  return null;
}

async function poll(): Promise<void> {
  // While the pairing screen is up, asking again would only be refused again.
  if (!unpaired.value) {
    await readPicture();
    if (picture.value?.demo) await readDemo();
  }
  setTimeout(() => void poll(), pollDelay(failures.value));
}

export function start(): void {
  setInterval(() => (now.value = Math.floor(Date.now() / 1000)), 1_000);
  void poll();
}
