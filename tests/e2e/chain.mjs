// A chain of real nodes for tests, made as an operator makes it: init-hq, invite, enrol, publish, issue, pair.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, Http, auditGreen, binary, freePort, good, until } from './lib.mjs';

export const LIMITS = [
  '--ceiling',
  '5000000',
  '--daily-inflow',
  '5000000',
  '--quota',
  '2000000',
  '--daily-quota',
  '2000000',
];
const PASSPHRASE = 'a passphrase for tests only';

/**
 * A node of the chain: its directory, its configuration, its process. Ports stay the same over restarts. `place` says
 * where it lives: address of its pages (`http`), of its link (`link`), and what its command begins with (`prefix`).
 */
export class Node {
  constructor(t, name, role, data, place = {}) {
    Object.assign(this, { t, name, role, data: data ?? join(t.dir, name) });
    this.place = { http: '127.0.0.1', link: '127.0.0.1', prefix: [], ...place };
    this.config = join(t.dir, `${name}.toml`);
  }
  async ports() {
    this.httpPort = await freePort();
    if (this.role !== 'store') this.linkPort = await freePort();
    if (this.role === 'hq') this.doorPort = await freePort();
    this.url = `http://${this.place.http}:${this.httpPort}`;
    this.http = new Http(this.url);
  }
  writeConfig(parent, more = '', moreOfLink = []) {
    const link = [
      this.linkPort && `listen = "tcp://${this.place.link}:${this.linkPort}"`,
      this.doorPort && `door = "tcp://${this.place.link}:${this.doorPort}"`,
      parent && `parent = "tcp://${this.place.parent ?? parent.place.link}:${this.place.parentPort ?? parent.linkPort}"`,
      ...moreOfLink,
    ].filter(Boolean);
    const text = [
      `[node]\ndata_dir = "${this.data}"`,
      `[http]\nlisten = "${this.place.http}:${this.httpPort}"\nopen_network = true`,
      `[link]\n${link.join('\n')}`,
      more,
    ];
    writeFileSync(this.config, text.join('\n\n') + '\n');
  }
  /** Starts the process; does not wait for it. `more` are further arguments. */
  launch(...more) {
    const [program, ...args] = [...this.place.prefix, binary(), 'node', '--config', this.config, ...more];
    this.child = this.t.start(this.name, program, args);
    return this.child;
  }
  async ready() {
    await until(
      `${this.name} to answer`,
      async () => {
        if (!this.child.running) {
          const text = readFileSync(this.child.log, 'utf8').trimEnd().split('\n').at(-1);
          throw Object.assign(new Error(`${this.name} ended with ${JSON.stringify(this.child.outcome)}: ${text}`), {
            lasting: true,
          });
        }
        // The second is what commands need: it answers a moment after the first.
        return (await this.http.get('/healthz', { timeout: 2_000 })).status === 200 && (await this.status());
      },
    );
  }
  async start(...more) {
    this.launch(...more);
    await this.ready();
  }
  async stop() {
    const outcome = await this.child.stop();
    assert.deepEqual(outcome, { code: 0, signal: null }, `${this.name} ends in order`);
  }
  async status() {
    return JSON.parse((await good(['status', '--data', this.data, '--json'])).out);
  }
  /** Pairs a new till: {terminal, token}. */
  async pair() {
    const code = (await good(['pair', '--data', this.data])).out.trim();
    return this.http.good('POST', '/api/v1/pair', { code });
  }
  audit = () => auditGreen(this.data, this.name);
}

/** Head office with two stores right below it, where what nobody can prove is in doubt for no time. */
export const twoStores = [
  ['hq', 'hq'],
  ['store', 'store', 'hq'],
  ['other', 'store', 'hq'],
];
export const withoutDoubt = (name) => (name === 'hq' ? '[network]\nclose_wait_hours = 0\ndoubt_days = 0' : '');

/**
 * Makes and starts a chain: `shape` names each node with its role and parent, head office first.
 * `dataOf(name)` may put a node's data elsewhere, `configOf(name)` adds to its configuration, `placeOf(name)` is its `place`,
 * `beforeNode(name, nodes)` comes before it is made.
 */
export async function makeChain(t, shape, { cards = 10, dataOf = () => undefined, configOf = () => '', placeOf = () => ({}), beforeNode } = {}) {
  const nodes = {};
  const passphrase = join(t.dir, 'passphrase');
  writeFileSync(passphrase, `${PASSPHRASE}\n`, { mode: 0o600 });
  mkdirSync(join(t.dir, 'usb'));
  for (const [name, role, parent] of shape) {
    const node = new Node(t, name, role, dataOf(name), placeOf(name));
    nodes[name] = node;
    await node.ports();
    node.parent = nodes[parent];
    await beforeNode?.(name, nodes);
    node.writeConfig(node.parent, configOf(name));
    if (role === 'hq') {
      const root = join(t.dir, 'usb', 'root.key');
      await good([
        'init-hq',
        '--data',
        node.data,
        '--chain',
        'test',
        '--root-key',
        root,
        '--passphrase-file',
        passphrase,
      ]);
      node.id = 1;
    } else {
      const token = await invite(nodes.hq, name, role, node.parent.id);
      await good(['enrol', '--data', node.data, '--token', token]);
    }
    await node.start();
    node.id ??= (await node.status()).node;
    // Before there are rules nobody knows what an amount is.
    if (role === 'hq') await good(['publish', '--data', node.data, join(ROOT, 'config', 'demo-rules.toml')]);
  }
  const list = join(t.dir, 'cards.csv');
  await good(['issue', '--data', nodes.hq.data, '--count', String(cards), '--prefix', '9704', '--csv', list]);
  const numbers = readFileSync(list, 'utf8')
    .trim()
    .split('\r\n')
    .slice(1)
    .map((line) => line.split(',')[0]);
  assert.equal(numbers.length, cards);
  for (const node of Object.values(nodes)) {
    if (node.role !== 'store') continue;
    await until(`${node.name} to have prices and quota`, async () => {
      const s = await node.status();
      return (s.rules_version > 0 && s.quota_left > 0) || Promise.reject(new Error(JSON.stringify(s)));
    });
  }
  return { nodes, cards: numbers, passphrase };
}

/** A one-time token. */
export async function invite(hq, name, role, parent, more = []) {
  const limits = role === 'store' ? LIMITS : [];
  const done = await good([
    'invite',
    '--data',
    hq.data,
    '--role',
    role,
    '--name',
    name,
    '--parent',
    String(parent),
    ...limits,
    ...more,
  ]);
  return done.out.trim();
}

/** Head office holds and has cosigned all that the node wrote. */
export const allCosigned = (node) =>
  until(
    `all entries of ${node.name} to be cosigned by head office`,
    async () => {
      const s = await node.status();
      return s.entries > 0 && s.hq_cosigned === s.entries && s;
    },
  );
