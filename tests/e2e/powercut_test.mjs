// A real power cut: the store's data lies on a loop-mounted ext4 whose journal commits rarely;
// EXT4_IOC_SHUTDOWN throws away all that was not forced to the disk. Every answered sale is there
// afterwards. Needs root, mount and loop devices.
import assert from 'node:assert/strict';
import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { allCosigned, makeChain } from './chain.mjs';
import { command, hasCommand, newSeed, scenario, seeded, skip, sleep } from './lib.mjs';
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

await scenario('powercut', 240, async (t) => {
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

  for (let round = 1; round <= ROUNDS; ++round) {
    let dark = false;
    let broken;
    const load = async (till) => {
      await till.finishOpen();
      while (!dark) await till.once(() => dark);
    };
    const running = tills.map((it) => load(it).catch((problem) => (broken ??= problem)));
    await sleep(random.between(400, 2_000));
    assert.equal(await disk.cut(), '', 'the power is cut');
    // An answer that still comes now is one that a customer holds: it counts.
    await sleep(200);
    dark = true;
    await Promise.all(running);
    if (broken) throw broken;
    const outcome = await Promise.race([store.child.ended, sleep(10_000)]);
    assert.ok(outcome, 'the store ends by itself when its disk has failed');
    // 75 is our own end; RocksDB's build of Debian may stop the process first, by an assertion of its own on the dead disk.
    assert.ok(
      outcome.code === 75 || outcome.signal === 'SIGABRT',
      `the store ended with ${JSON.stringify(outcome)}`,
    );
    await disk.unmount();
    assert.equal(await disk.mount(), '', 'mounted again');
    await store.start();
    const list = (await ledgerOf(store.data)).list;
    for (const till of tills)
      for (const { receipt } of till.record)
        assert.ok(
          list.some(
            (it) => it.id === receipt.id && it.terminal === till.terminal && it.counter === receipt.counter,
          ),
          `round ${round}: answered and lost: ${receipt.id}`,
        );
    t.step(`cut ${round}: ${tills.reduce((n, it) => n + it.record.length, 0)} answered sales are there`);
  }
  for (const till of tills) await till.finishOpen();
  await allCosigned(store);
  await store.stop();
  await hq.stop();
  await store.audit();
  await hq.audit();
  const approved = compare(tills, (await ledgerOf(store.data)).list, 'store');
  assert.equal(compare(tills, (await ledgerOf(hq.data)).list, 'head office'), approved);
  assert.ok(approved > ROUNDS, 'there was a load');
  console.log(`${approved} answered, none lost, none doubled`);
});
