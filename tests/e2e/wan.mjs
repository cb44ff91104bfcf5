// Stores behind lines that break as real ones do. Each store lives in a network namespace of its own with two cables to the
// test's: the line to its parent, which breaks, and one for the test itself, which does not. All of it lies inside one private
// namespace, so nothing outside sees it. Needs root, iproute2 and nftables.
import { spawn, spawnSync } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { command, hasCommand, sleep } from './lib.mjs';

const INNER = 'TALLY_PRIVATE_NETWORK';

/** The reason why this machine cannot do it, or undefined. */
export function missing() {
  for (const name of ['ip', 'tc', 'nft', 'unshare', 'mount'])
    if (!hasCommand(name)) return `${name} is not installed (iproute2, nftables, util-linux)`;
  if (process.getuid() !== 0) return 'network namespaces need root';
  const tried = spawnSync('unshare', ['-n', '-m', 'ip', 'link', 'add', 'va', 'type', 'veth', 'peer', 'name', 'vb']);
  return tried.status === 0 ? undefined : `no network namespaces here: ${tried.stderr}`.trim();
}

/** Runs `file` again inside a private network and ends with its status; returns at once when it is inside already. */
export async function inPrivateNetwork(file) {
  if (process.env[INNER]) {
    await run('ip', 'link', 'set', 'lo', 'up');
    await run('mkdir', '-p', '/run/netns');
    await run('mount', '-t', 'tmpfs', 'none', '/run/netns');
    return;
  }
  const args = ['-n', '-m', process.execPath, fileURLToPath(file)];
  const child = spawn('unshare', args, { stdio: 'inherit', env: { ...process.env, [INNER]: '1' } });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  const [code] = await new Promise((resolve) => child.once('exit', (...it) => resolve(it)));
  process.exit(code ?? 1);
}

async function run(program, ...args) {
  const done = await command(program, args, { ms: 10_000 });
  if (done.code !== 0) throw new Error(`${program} ${args.join(' ')}: ${done.err}`);
}

/** One store's line. `near` is the parent's address on it. */
export class Line {
  constructor(number) {
    this.name = `s${number}`;
    this.near = `10.77.${number}.1`;
    this.control = `10.78.${number}.2`;
    this.prefix = ['ip', 'netns', 'exec', this.name];
  }
  inside = (...args) => run(...this.prefix, ...args);
  async lay() {
    await run('ip', 'netns', 'add', this.name);
    await this.inside('ip', 'link', 'set', 'lo', 'up');
    for (const [kind, net] of [
      ['w', 77],
      ['c', 78],
    ]) {
      const [out, end] = [`${kind}o${this.name}`, `${kind}i${this.name}`];
      await run('ip', 'link', 'add', out, 'type', 'veth', 'peer', 'name', end, 'netns', this.name);
      const number = this.name.slice(1);
      await run('ip', 'addr', 'add', `10.${net}.${number}.1/24`, 'dev', out);
      await run('ip', 'link', 'set', out, 'up');
      await this.inside('ip', 'addr', 'add', `10.${net}.${number}.2/24`, 'dev', end);
      await this.inside('ip', 'link', 'set', end, 'up');
    }
    await this.inside('nft', 'add', 'table', 'ip', 'wan');
    for (const [chain, hook] of [
      ['up', 'output'],
      ['down', 'input'],
    ])
      await this.inside('nft', 'add', 'chain', 'ip', 'wan', chain, `{ type filter hook ${hook} priority 0; }`);
  }
  /** `ways` of up, down: everything is lost without a word, or `percent` of it. */
  async lose(ways, percent = 100) {
    const match = { up: 'oifname', down: 'iifname' };
    const some = percent === 100 ? [] : ['numgen', 'random', 'mod', '100', '<', String(percent)];
    for (const way of ways)
      await this.inside('nft', 'add', 'rule', 'ip', 'wan', way, match[way], `wi${this.name}`, ...some, 'drop');
  }
  /** The plug is pulled: both ends see it at once. */
  unplug = () => run('ip', 'link', 'set', `wo${this.name}`, 'down');
  /** As slow as 2G, both ways. */
  async narrow(rate = '30kbit') {
    const shape = ['root', 'tbf', 'rate', rate, 'burst', '1600', 'limit', '6000'];
    await run('tc', 'qdisc', 'add', 'dev', `wo${this.name}`, ...shape);
    await this.inside('tc', 'qdisc', 'add', 'dev', `wi${this.name}`, ...shape);
    this.slow = true;
  }
  async heal() {
    for (const chain of ['up', 'down']) await this.inside('nft', 'flush', 'chain', 'ip', 'wan', chain);
    await run('ip', 'link', 'set', `wo${this.name}`, 'up');
    if (!this.slow) return;
    await run('tc', 'qdisc', 'del', 'dev', `wo${this.name}`, 'root');
    await this.inside('tc', 'qdisc', 'del', 'dev', `wi${this.name}`, 'root');
    this.slow = false;
  }
  /** Octets that went over the line so far, both ways, with all headers, as the interface counts them. */
  async octets() {
    const done = await command('ip', ['-s', '-j', 'link', 'show', `wo${this.name}`]);
    const [{ stats64: s }] = JSON.parse(done.out);
    return s.rx.bytes + s.tx.bytes;
  }
}

/** A line of `delay` ms each way: listens on host:port, forwards to target. Set `delay` at any time. */
export function slowRelay(host, port, target) {
  const relay = { delay: 0 };
  const late = (from, to) => {
    let turn = Promise.resolve();
    from.on('data', (part) => {
      const due = Date.now() + relay.delay;
      turn = turn.then(() => sleep(Math.max(0, due - Date.now()))).then(() => to.write(part));
    });
    from.on('close', () => to.destroy());
    from.on('error', () => to.destroy());
  };
  const server = createServer((near) => {
    const far = connect(target.port, target.host);
    late(near, far);
    late(far, near);
  });
  relay.close = () => server.close();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve(relay));
  });
}
