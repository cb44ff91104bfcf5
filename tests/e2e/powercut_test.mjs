// A real power cut: the store's data lies on a loop-mounted ext4 whose journal commits rarely;
// EXT4_IOC_SHUTDOWN throws away all that was not forced to the disk. Every answered sale is there
// afterwards. Then a disk that dies under the running store. Needs root, mount and loop devices.
//
// The power goes while the store stands still (SIGSTOP): a thread that waits for the disk finishes that call
// first. Without it, the kernel answers an fdatasync that is under way at that instant with success and
// throws its data away: of 300 cuts under a program that only writes and syncs, 27 lost the last record that
// way (Linux 6.18). At a real power cut nobody is left to hear such an answer.
//
// TALLY_POWER_CUTS is the number of cuts (3); TALLY_SEED repeats the choices of a run.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { allCosigned, makeChain } from './chain.mjs';
import { PATIENCE_MS, command, hasCommand, newSeed, scenario, seeded, skip, sleep, until } from './lib.mjs';
import { Till, compare, ledgerOf } from './till.mjs';

const ROUNDS = Number(process.env.TALLY_POWER_CUTS ?? 3);
const seed = newSeed();

// EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH: not even the journal is written any more.
const CUT = `
import fcntl, os, struct, sys
fd = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECTORY)
fcntl.ioctl(fd, 0x8004587d, struct.pack("I", 2))
`;
const python = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

class Disk {
  constructor(t) {
    this.image = join(t.dir, 'disk.img');
    this.at = join(t.dir, 'disk');
    this.mounted = false;
  }
  async make() {
    const fd = openSync(this.image, 'w');
    ftruncateSync(fd, 512 * 1024 * 1024);
    closeSync(fd);
    mkdirSync(this.at);
    const made = await command('mkfs.ext4', ['-q', '-F', this.image]);
    assert.equal(made.code, 0, made.err);
  }
  /** Nothing, or why it cannot be mounted. */
  async mount() {
    const done = await command('mount', ['-o', 'loop,commit=60', this.image, this.at]);
    this.mounted = done.code === 0;
    return this.mounted ? '' : done.err.trim() || `mount ended with ${done.code}`;
  }
  async cut() {
    const done = await command(python, ['-c', CUT, this.at]);
    return done.code === 0 ? '' : done.err.trim().split('\n').at(-1);
  }
  /** Ends the mount and, with it, its loop device. */
  async unmount() {
    if (!this.mounted) return;
    let done;
    for (let i = 0; i < 100; ++i) {
      done = await command('umount', [this.at]);
      if (done.code === 0) {
        this.mounted = false;
        return;
      }
      await sleep(100);
    }
    throw new Error(`umount: ${done.err}`);
  }
}

async function prepare(disk) {
  if (process.platform !== 'linux' || process.getuid() !== 0) skip('a power cut needs root');
  for (const name of ['mkfs.ext4', 'mount', 'umount', 'losetup'])
    if (!hasCommand(name)) skip(`a power cut needs ${name}`);
  if (process.env.TALLY_OWN_MOUNTS !== '1') skip('this machine gives no mounts of its own (unshare -m)');
  await disk.make();
  let problem = await disk.mount();
  if (problem) skip(`a loop device cannot be mounted here: ${problem}`);
  // Once without anybody on it, to know whether this kernel does it.
  problem = await disk.cut();
  await disk.unmount();
  if (problem) skip(`this kernel does not cut the power of an ext4: ${problem}`);
  problem = await disk.mount();
  assert.equal(problem, '', 'mounted again after a cut');
}

/** How long the journal is by the rollback token that a till keeps: epoch, length, MAC (storage/FORMAT.md). */
const entriesToldTo = (till) => (till.seen ? Number(Buffer.from(till.seen, 'base64url').readBigUInt64BE(8)) : 0);

/** Lets every thread of a process stand still; one that waits for the disk finishes that call first. */
async function standStill(child) {
  child.signal('SIGSTOP');
  const tasks = `/proc/${child.pid}/task`;
  await until('every thread to stand still', () =>
    readdirSync(tasks).every((id) => /\) T /.test(readFileSync(join(tasks, id, 'stat'), 'utf8'))),
  );
}

/** Business of all tills until `end` has run. A request that has no answer then stays open. */
async function trade(tills, random, end) {
  let dark = false;
  let broken;
  const load = async (till) => {
    await till.finishOpen();
    while (!dark) await till.once(() => dark);
  };
  const running = tills.map((it) => load(it).catch((problem) => (broken ??= problem)));
  await sleep(random.between(400, 2_000));
  await end();
  // An answer that still comes now is one that a customer holds: it counts.
  await sleep(200);
  dark = true;
  await Promise.all(running);
  if (broken) throw broken;
}

/** What was answered is in the ledger; of each till its first `count` answers. */
async function allThere(store, tills, count, when) {
  const list = (await ledgerOf(store.data)).list;
  const byId = new Map(list.map((it) => [it.id, it]));
  let answered = 0;
  for (const till of tills) {
    for (const { receipt } of till.record.slice(0, count(till))) {
      const it = byId.get(receipt.id);
      assert.ok(
        it && it.terminal === till.terminal && it.counter === receipt.counter,
        `${when}: answered and lost: ${receipt.id}`,
      );
      answered += 1;
    }
  }
  return answered;
}

async function powerCut(t, disk, store, tills, random, round) {
  await trade(tills, random, async () => {
    await standStill(store.child);
    assert.equal(await disk.cut(), '', 'the power is cut');
    await store.child.kill();
  });
  await disk.unmount();
  assert.equal(await disk.mount(), '', 'mounted again');
  await store.start();
  // A till's mark says how far the ledger was when it answered: whatever it counted was durable.
  const { entries } = await store.status();
  for (const till of tills) {
    const told = entriesToldTo(till);
    assert.ok(told <= entries, `cut ${round}: a till was told of ${told} entries, ${entries} are there`);
  }
  const answered = await allThere(store, tills, (till) => till.record.length, `cut ${round}`);
  t.step(`cut ${round}: ${answered} answered sales are there`);
}

/** The disk dies under a running store. */
async function deadDisk(t, disk, store, tills, random) {
  const certain = new Map();
  await trade(tills, random, async () => {
    // What the kernel calls synced from now on may be a lie, see above.
    for (const till of tills) certain.set(till, till.record.length);
    assert.equal(await disk.cut(), '', 'the disk dies');
  });
  const outcome = await Promise.race([store.child.ended, sleep(PATIENCE_MS)]);
  assert.deepEqual(outcome, { code: 75, signal: null }, 'the store ends by itself when its disk has failed');
  await disk.unmount();
  assert.equal(await disk.mount(), '', 'mounted again');
  await store.start();
  const answered = await allThere(store, tills, (till) => certain.get(till), 'after the disk died');
  await store.stop();
  await store.audit();
  t.step(`the disk died: ${answered} answered sales are there`);
}

// In mounts of its own: a process elsewhere that copies the mounts of this machine would keep the dead file
// system alive, and the next mount of the same image would be that one.
if (process.env.TALLY_OWN_MOUNTS === undefined) {
  const probe = spawnSync('unshare', ['-m', '--propagation', 'private', 'true'], { stdio: 'ignore' });
  if (probe.status === 0) {
    const args = ['-m', '--propagation', 'private', process.execPath, fileURLToPath(import.meta.url)];
    const done = spawnSync('unshare', args, { stdio: 'inherit', env: { ...process.env, TALLY_OWN_MOUNTS: '1' } });
    process.exit(done.status ?? 1);
  }
}

await scenario('powercut', 600 + ROUNDS * 60, async (t) => {
  const disk = new Disk(t);
  t.finally(() => disk.unmount());
  await prepare(disk);
  console.log(`seed ${seed} (TALLY_SEED=${seed}), ${ROUNDS} power cuts`);
  const random = seeded(seed);
  const shape = [
    ['hq', 'hq'],
    ['store', 'store', 'hq'],
  ];
  const dataOf = (name) => (name === 'store' ? join(disk.at, 'data') : undefined);
  const { nodes, cards } = await makeChain(t, shape, { cards: 6, dataOf });
  const { hq, store } = nodes;
  // What enrolment wrote is forced to the disk by itself; nothing helps it here.
  const tills = [];
  for (let i = 0; i < 4; ++i) tills.push(new Till(store, await store.pair(), seeded(random.below(2 ** 31)), cards));
  t.finally(() => tills.forEach((it) => it.close()));

  for (let round = 1; round <= ROUNDS; ++round) await powerCut(t, disk, store, tills, random, round);
  for (const till of tills) await till.finishOpen();
  await allCosigned(store);
  await store.audit();
  await hq.audit();
  const approved = compare(tills, (await ledgerOf(store.data)).list, 'store');
  assert.equal(compare(tills, (await ledgerOf(hq.data)).list, 'head office'), approved);
  assert.ok(approved > ROUNDS, 'there was a load');
  console.log(`${approved} answered, none lost, none doubled`);

  await deadDisk(t, disk, store, tills, random);
  await hq.stop();
  await hq.audit();
});
