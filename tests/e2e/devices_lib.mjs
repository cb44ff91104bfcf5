// What the device tests share: a small chain with one store, a till that hears its events, namespaces.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { makeChain } from './chain.mjs';
import { hasCommand, skip, until } from './lib.mjs';

/**
 * Runs the calling script again inside fresh network and mount namespaces: `lo` is up, and each folder of `covered`
 * is an empty one of its own. Answers true inside, and does not come back outside. Skips where that is impossible.
 */
export function insideNamespaces(script, covered) {
  if (process.env.TALLY_INSIDE === '1') return true;
  const possible =
    hasCommand('unshare') && hasCommand('ip') && spawnSync('unshare', ['-n', '-m', 'true']).status === 0;
  if (!possible) skip('network and mount namespaces need root, unshare and ip');
  const mounts = covered.map((it) => `mkdir -p ${it} && mount -t tmpfs tmpfs ${it} && `).join('');
  const quick = 'ip route replace local 127.0.0.0/8 dev lo table local quickack 1 2>/dev/null; ';
  const steps = `${mounts} ip link set lo up && { ${quick} exec "$0" "$@"; }`;
  const args = ['-n', '-m', '--propagation', 'private', 'sh', '-c', steps, process.execPath, fileURLToPath(script)];
  const done = spawnSync('unshare', args, { stdio: 'inherit', env: { ...process.env, TALLY_INSIDE: '1' } });
  process.exit(done.status ?? 1);
}

/** Head office and one store with `config` added to its configuration. */
export async function oneStore(t, config, cards = 3) {
  const shape = [
    ['hq', 'hq'],
    ['store', 'store', 'hq'],
  ];
  const chain = await makeChain(t, shape, { cards, configOf: (name) => (name === 'store' ? config : '') });
  return { hq: chain.nodes.hq, store: chain.nodes.store, cards: chain.cards };
}

/** The events of one till, as they come: {name, data, at} with the monotonic time in nanoseconds. */
export class Events {
  constructor(url, token) {
    this.list = [];
    this.request = request(new URL('/api/v1/events', url), { headers: { authorization: `Bearer ${token}` } });
    this.open = new Promise((resolve, reject) => {
      this.request.on('response', (answer) => {
        assert.equal(answer.statusCode, 200);
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (part) => {
          const at = process.hrtime.bigint();
          text += part;
          for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) this.take(text.slice(0, end), at);
        });
        answer.on('error', () => {});
        resolve();
      });
      this.request.on('error', reject);
    });
    this.open.catch(() => {});
    this.request.end();
  }
  take(frame, at) {
    const name = /^event: (.*)$/m.exec(frame)?.[1];
    if (name) this.list.push({ name, data: JSON.parse(/^data: (.*)$/m.exec(frame)[1]), at });
  }
  all = (name) => this.list.filter((it) => it.name === name);
  /** The next event of that name that fits, taken out of the list. */
  next(name, fits = () => true, ms = 20_000) {
    return until(
      `event ${name}`,
      () => {
        const i = this.list.findIndex((it) => it.name === name && fits(it.data));
        if (i >= 0) return this.list.splice(i, 1)[0];
        throw new Error(JSON.stringify(this.list.slice(-5).map((it) => [it.name, it.data])));
      },
      ms,
    );
  }
  close() {
    this.request.destroy();
  }
}

export async function listen(t, store) {
  const till = await store.pair();
  const events = new Events(store.url, till.token);
  t.finally(() => events.close());
  await events.open;
  return { events, till };
}

export const deviceState = async (store, token, kind) =>
  (await store.http.call('GET', '/api/v1/till', undefined, { token })).body.devices[kind].state;
