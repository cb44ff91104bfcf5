// What the network page knows: the last picture, how old it is, and the history that it collects itself. Pure.
import type { Network, NetworkNode } from '../lib/types';

export const POLL_MS = 2_000;
export const POLL_MAX_MS = 30_000;
/** Ten minutes at one sample every 2 s. Older samples fall out. */
export const HISTORY_MAX = 300;

/** Waiting entries of every node at one moment; null where it is not known. */
export interface Sample {
  at: number;
  waiting: Record<number, number | null>;
}

export function pollDelay(failures: number): number {
  return Math.min(POLL_MAX_MS, POLL_MS * 2 ** Math.min(failures, 5));
}

export function remember(history: Sample[], picture: Network, at: number): Sample[] {
  const waiting: Record<number, number | null> = {};
  for (const node of picture.nodes) waiting[node.node] = node.entries_waiting;
  const before = history[history.length - 1]?.at === at ? history.slice(0, -1) : history;
  return [...before, { at, waiting }].slice(-HISTORY_MAX);
}

/** Columns for the chart: moments, then one series per node in the given order. */
export function columns(history: Sample[], nodes: number[]): (number | null)[][] {
  return [history.map((it) => it.at), ...nodes.map((node) => history.map((it) => it.waiting[node] ?? null))];
}

/** Share of a part in a whole, 0 to 100, rounded down to a tenth; integers all the way. */
export function percent(part: number, whole: number): number {
  if (whole <= 0 || part <= 0) return 0;
  return Math.min(1000, Math.floor((part / whole) * 1000)) / 10;
}

export interface Placed {
  node: NetworkNode;
  x: number;
  depth: number;
  up: Placed | null;
}

/**
 * Lays the tree out: leaves side by side from left to right, a parent over the middle of its children.
 * Cycles are cut.
 */
export function layout(nodes: NetworkNode[]): { placed: Placed[]; width: number; depth: number } {
  const placed: Placed[] = [];
  const done = new Set<number>();
  let next = 0;
  const known = new Set(nodes.map((it) => it.node));

  function place(node: NetworkNode, depth: number, up: Placed | null): Placed {
    done.add(node.node);
    const mine: Placed = { node, x: 0, depth, up };
    placed.push(mine);
    const children = nodes
      .filter((it) => it.parent === node.node && !done.has(it.node))
      .map((it) => place(it, depth + 1, mine));
    const [first, last] = [children[0], children[children.length - 1]];
    mine.x = first && last ? (first.x + last.x) / 2 : next++;
    return mine;
  }
  for (const node of nodes) {
    if (!done.has(node.node) && (node.parent === null || !known.has(node.parent))) place(node, 0, null);
  }
  for (const node of nodes) if (!done.has(node.node)) place(node, 0, null);
  return { placed, width: Math.max(next, 1), depth: placed.reduce((most, it) => Math.max(most, it.depth), 0) + 1 };
}
