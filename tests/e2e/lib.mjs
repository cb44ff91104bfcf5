// What the end-to-end tests share: scenarios that clean up whatever happens, processes, HTTP, waiting, free
// ports.
//
// A test is `await scenario(name, limitSeconds, async (t) => { … })`. Exit status 0: it passed; 1:
// something did not hold, with the ends of all logs; 77 after `SKIPPED: reason`: this machine lacks
// something.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/**
 * How long something may take that takes a moment on a machine that has time: it only bounds a failure. On a
 * busy machine a process start alone has been seen to take half a minute.
 */
export const PATIENCE_MS = 120_000;
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The program under test: TALLY_BINARY (ctest sets it), else the newest one below build/. */
export function binary() {
  if (process.env.TALLY_BINARY) return process.env.TALLY_BINARY;
  const trees = existsSync(join(ROOT, 'build')) ? readdirSync(join(ROOT, 'build')) : [];
  const found = trees
    .map((tree) => join(ROOT, 'build', tree, 'node', 'tallystick'))
    .filter((file) => existsSync(file))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  assert.ok(found.length > 0, 'no tallystick below build/; build it or set TALLY_BINARY');
  return found[0];
}

export class Skip extends Error {}
/** Ends the scenario as skipped. */
export const skip = (reason) => {
  throw new Skip(reason);
};
/** A part that this machine cannot do, while the rest goes on. */
export const skipPart = (reason) => console.log(`SKIPPED: ${reason}`);

export const hasCommand = (name) =>
  spawnSync('sh', ['-c', 'command -v "$1"', 'sh', name], { stdio: 'ignore' }).status === 0;

/** Repeats what happened from one number (mulberry32). */
export function seeded(seed) {
  let s = seed >>> 0;
  const next = () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), s | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const below = (n) => Math.floor(next() * n);
  return { next, below, pick: (list) => list[below(list.length)], between: (a, b) => a + below(b - a + 1) };
}
export const newSeed = () => Number(process.env.TALLY_SEED ?? Math.floor(Math.random() * 2 ** 31));

/**
 * Asks again until the answer is true-ish, and gives it back. What went wrong last is in the message when
 * time is up.
 */
export async function until(what, ask, ms = PATIENCE_MS) {
  const end = Date.now() + ms;
  let last;
  for (;;) {
    try {
      last = await ask();
      if (last) return last;
    } catch (problem) {
      if (problem instanceof Skip || problem.lasting) throw problem;
      last = problem;
    }
    if (Date.now() > end) {
      const seen = last instanceof Error ? last.message : JSON.stringify(last);
      throw new Error(`waited ${ms} ms for: ${what}; last: ${seen}`);
    }
    await sleep(25);
  }
}

const isFree = (port) =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
// Tests that run beside each other have ports of their own: another's node may be down for a moment.
const firstPort = Number(process.env.TALLY_FIRST_PORT ?? 12_000);
const portsEnd = process.env.TALLY_FIRST_PORT ? firstPort + 500 : 31_900;
let nextPort = firstPort + ((process.pid * 37) % (portsEnd - firstPort - 100));
/** A free port below those that the system deals out by itself, so that it is still free after a restart. */
export async function freePort() {
  for (let tries = 0; tries < 2_000; ++tries) {
    nextPort = nextPort + 1 >= portsEnd ? firstPort : nextPort + 1;
    if (await isFree(nextPort)) return nextPort;
  }
  throw new Error('no free port');
}

/** JSON over HTTP with kept connections. Answers {status, body, headers}; throws when the connection fails. */
export class Http {
  constructor(base, token) {
    this.base = base;
    this.token = token;
    this.agent = new Agent({ keepAlive: true, maxSockets: 8 });
  }
  call(method, path, body, { timeout = 60_000, token = this.token, raw } = {}) {
    const data = raw ?? (body === undefined ? undefined : Buffer.from(JSON.stringify(body)));
    const headers = { ...(token && { authorization: `Bearer ${token}` }) };
    if (data) Object.assign(headers, { 'content-type': 'application/json', 'content-length': data.length });
    return new Promise((resolve, reject) => {
      const out = request(new URL(path, this.base), { method, headers, agent: this.agent, timeout }, (answer) => {
        const parts = [];
        answer.on('data', (part) => parts.push(part));
        answer.on('error', reject);
        answer.on('end', () => {
          const text = Buffer.concat(parts).toString();
          let json;
          try {
            json = text ? JSON.parse(text) : {};
          } catch {
            json = text;
          }
          resolve({ status: answer.statusCode, body: json, headers: answer.headers });
        });
      });
      out.on('timeout', () => out.destroy(new Error(`${path}: no answer within ${timeout} ms`)));
      out.on('error', reject);
      out.end(data);
    });
  }
  get = (path, options) => this.call('GET', path, undefined, options);
  post = (path, body, options) => this.call('POST', path, body ?? {}, options);
  /** The body of a good answer; anything else throws. */
  async good(method, path, body) {
    const a = await this.call(method, path, body);
    assert.equal(a.status, 200, `${method} ${path}: ${a.status} ${JSON.stringify(a.body)}`);
    return a.body;
  }
  close() {
    this.agent.destroy();
  }
}

/** A process that this test started. Its output goes to `log`. */
export class Child {
  constructor(program, args, log, options = {}) {
    this.log = log;
    this.name = options.name ?? program;
    const out = openSync(log, 'a', 0o600);
    this.process = spawn(program, args, { stdio: ['ignore', out, out], ...options });
    closeSync(out);
    this.pid = this.process.pid;
    /** Resolves to {code, signal}. */
    this.ended = new Promise((resolve) => {
      this.process.once('exit', (code, signal) => {
        this.outcome = { code, signal };
        resolve(this.outcome);
      });
      this.process.once('error', (problem) => {
        this.outcome = { code: -1, signal: null, problem };
        resolve(this.outcome);
      });
    });
  }
  get running() {
    return this.outcome === undefined;
  }
  signal(name) {
    if (this.running) this.process.kill(name);
  }
  async kill() {
    this.signal('SIGKILL');
    return this.ended;
  }
  /** SIGTERM, and SIGKILL when that does not help. */
  async stop(ms = PATIENCE_MS) {
    this.signal('SIGTERM');
    const late = setTimeout(() => this.signal('SIGKILL'), ms);
    const outcome = await this.ended;
    clearTimeout(late);
    return outcome;
  }
}

/** Runs a command to its end: {code, out, err}. Killed after `ms`. */
export function command(program, args, { ms = 2 * PATIENCE_MS, input, env } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: env ?? process.env });
    const out = [];
    const err = [];
    const late = setTimeout(() => child.kill('SIGKILL'), ms);
    child.stdout.on('data', (part) => out.push(part));
    child.stderr.on('data', (part) => err.push(part));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(late);
      resolve({ code, signal, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() });
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
  });
}
export const tallystick = (args, options) => command(binary(), args, options);
/** As `tallystick`, and it must succeed. */
export async function good(args, options) {
  const done = await tallystick(args, options);
  assert.equal(
    done.code,
    0,
    `tallystick ${args.join(' ')}: status ${done.code}\n${done.err}${done.out.slice(-3000)}`,
  );
  return done;
}

/** `tallystick audit` must be green: its report. */
export async function auditGreen(data, what) {
  const a = await tallystick(['audit', '--data', data, '--json'], { ms: 3 * PATIENCE_MS });
  const report = a.out ? JSON.parse(a.out) : {};
  const bad = (report.checks ?? []).filter((it) => it.failed > 0);
  assert.equal(a.code, 0, `audit of ${what}: status ${a.code}\n${a.err}${JSON.stringify(bad, null, 1)}`);
  assert.ok(report.ok && report.entries > 0, `audit of ${what}`);
  return report;
}

/** What one scenario owns. */
class Stage {
  constructor(dir) {
    this.dir = dir;
    this.cleanups = [];
    this.reports = [];
    this.logs = [];
    this.started = Date.now();
  }
  /** Runs at the end, newest first, whatever happened. */
  finally(work) {
    this.cleanups.push(work);
  }
  /** What to tell when the scenario failed, beside the logs: a function that gives text. */
  onFailure(report) {
    this.reports.push(report);
  }
  async tellReports() {
    for (const report of this.reports) {
      const late = sleep(5_000).then(() => 'no answer within 5 s');
      console.log(await Promise.race([report(), late]).catch((problem) => problem.message));
    }
  }
  start(name, program, args, options = {}) {
    const log = join(this.dir, `${name}.log`);
    if (!this.logs.includes(log)) this.logs.push(log);
    const child = new Child(program, args, log, { ...options, name });
    this.finally(() => child.kill());
    return child;
  }
  step(text) {
    console.log(`[${((Date.now() - this.started) / 1000).toFixed(1)} s] ${text}`);
  }
  async clean() {
    for (const work of this.cleanups.splice(0).reverse()) {
      try {
        await work();
      } catch (problem) {
        console.log(`while cleaning up: ${problem.message}`);
        process.exitCode = 1;
      }
    }
  }
  tellLogs() {
    for (const log of this.logs) {
      if (!existsSync(log)) continue;
      const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
      console.log(`---- ${log} (last ${Math.min(40, lines.length)} of ${lines.length} lines)`);
      console.log(lines.slice(-40).join('\n'));
    }
  }
}

/**
 * Runs one test: a fresh directory, at most `seconds`, everything ended afterwards. TALLY_KEEP=1 keeps the
 * directory of a test that failed.
 */
export async function scenario(name, seconds, work) {
  const dir = mkdtempSync(join(tmpdir(), `tally-e2e-${name}-`));
  const t = new Stage(dir);
  let late;
  const limit = new Promise((_, reject) => {
    late = setTimeout(() => reject(new Error(`not done within ${seconds} s`)), seconds * 1000);
  });
  const interrupted = new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => reject(new Error(signal)));
  });
  let keep = false;
  try {
    await Promise.race([work(t), limit, interrupted]);
    t.step(`${name}: passed`);
  } catch (problem) {
    if (problem instanceof Skip) {
      console.log(`SKIPPED: ${problem.message}`);
      process.exitCode = 77;
    } else {
      console.log(`FAILED ${name}: ${problem.stack}`);
      process.exitCode = 1;
      keep = process.env.TALLY_KEEP === '1';
      await t.tellReports();
      t.tellLogs();
    }
  }
  clearTimeout(late);
  await t.clean();
  if (keep) console.log(`kept: ${dir}`);
  else rmSync(dir, { recursive: true, force: true });
  process.exit(process.exitCode ?? 0);
}
