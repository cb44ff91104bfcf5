// Server-Sent Events, read from a fetch stream: unlike EventSource it can carry the till's token in a header,
// and it sees the comment lines that keep the connection alive, so that a silently dead connection is noticed.

export interface SseEvent {
  event: string;
  data: string;
}

/**
 * Incremental parser. Feed text as it comes; complete events come out. A line is at most 256 KiB, else the
 * stream is refused.
 */
export class SseParser {
  private rest = '';
  private event = '';
  private data: string[] = [];

  feed(text: string): SseEvent[] {
    this.rest += text;
    if (this.rest.length > 262_144) throw new Error('event stream: line too long');
    const out: SseEvent[] = [];
    // A CR at the very end may be the first half of CRLF: keep it for the next feed.
    for (;;) {
      const match = /\r\n|\n|\r(?!$)/.exec(this.rest);
      if (!match) return out;
      const line = this.rest.slice(0, match.index);
      this.rest = this.rest.slice(match.index + match[0].length);
      const complete = this.line(line);
      if (complete) out.push(complete);
    }
  }

  private line(line: string): SseEvent | null {
    if (line === '') {
      const complete = this.data.length ? { event: this.event || 'message', data: this.data.join('\n') } : null;
      this.event = '';
      this.data = [];
      return complete;
    }
    if (line.startsWith(':')) return null;
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.event = value;
    else if (field === 'data') this.data.push(value);
    return null;
  }
}

export interface SseHandlers {
  /** The stream is open; what was missed must be re-read. */
  open: () => void;
  event: (event: SseEvent) => void;
  /** The stream ended; it will be opened again. */
  closed: () => void;
}

/** The node sends a comment every 15 s; twice that plus slack without a byte means the connection is dead. */
const SILENCE_MAX_MS = 40_000;
/** Below the time for which a node keeps a swipe that nobody heard (docs/http-api.md). */
const RECONNECT_MAX_MS = 4_000;
const RECONNECT_MIN_MS = 500;

export interface EventKeeper {
  stop: () => void;
  /** The node answers something else: a wait for the next attempt ends now. */
  wake: () => void;
}

/** Keeps one event stream open until it is stopped. */
export function keepEvents(
  url: string,
  headers: () => Record<string, string>,
  handlers: SseHandlers,
): EventKeeper {
  let stopped = false;
  let failures = 0;
  let abort: AbortController | null = null;
  let wake: () => void = () => undefined;

  async function readOnce(): Promise<void> {
    const controller = new AbortController();
    abort = controller;
    let silence = setTimeout(() => controller.abort(), SILENCE_MAX_MS);
    try {
      const answer = await fetch(url, {
        headers: { ...headers(), accept: 'text/event-stream' },
        credentials: 'omit',
        cache: 'no-store',
        signal: controller.signal,
      });
      if (!answer.ok || !answer.body) throw new Error(`event stream: status ${answer.status}`);
      failures = 0;
      handlers.open();
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new SseParser();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(silence);
        silence = setTimeout(() => controller.abort(), SILENCE_MAX_MS);
        for (const event of parser.feed(value)) handlers.event(event);
      }
    } finally {
      clearTimeout(silence);
    }
  }

  async function loop(): Promise<void> {
    while (!stopped) {
      await readOnce().catch(() => undefined);
      if (stopped) return;
      handlers.closed();
      failures += 1;
      // The first half second is waited whatever comes: a node may answer everything else and refuse streams.
      await new Promise((resolve) => setTimeout(resolve, RECONNECT_MIN_MS));
      const rest = Math.min(RECONNECT_MAX_MS, RECONNECT_MIN_MS * 2 ** Math.min(failures - 1, 6)) - RECONNECT_MIN_MS;
      await new Promise<void>((resolve) => {
        const late = setTimeout(resolve, rest);
        wake = () => {
          clearTimeout(late);
          resolve();
        };
      });
    }
  }
  void loop();
  return {
    stop: () => {
      stopped = true;
      abort?.abort();
      wake();
    },
    wake: () => wake(),
  };
}
