// A keyboard wedge for real: a virtual machine with a USB keyboard and a uinput scanner, plugged in and out while
// `tallystick devices watch` reads them through the kernel's evdev. Not in CI; one command: tools/wedge-vm.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { binary, hasCommand, scenario, skip, until } from './lib.mjs';

const MODULES = ['usb-common', 'usbcore', 'xhci-hcd', 'xhci-pci', 'hid', 'hid-generic', 'usbhid', 'evdev', 'uinput'];
const UINPUT_NAME = 'Tally uinput scanner';
const config = (device) => `[node]
data_dir = "/data"
[wedge]
device = "${device}"
[scanner]
card_prefix = "9704"
`;
const INIT = `#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /data
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
for it in ${MODULES.join(' ')}; do /bin/busybox insmod /modules/$it.ko || echo "no module $it"; done
/tallystick devices watch --config /store.toml --seconds 3600 >/dev/ttyS0 2>&1 &
/tallystick devices watch --config /uinput.toml --seconds 3600 >/dev/ttyS2 2>&1 &
/uinput_scanner /dev/ttyS1 &
/bin/busybox sleep 3600
`;

/** The files of one folder of the kernel package, by their names. */
function walk(folder, found = new Map()) {
  for (const it of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, it.name);
    if (it.isDirectory()) walk(path, found);
    else found.set(it.name, path);
  }
  return found;
}

/** A file system for the kernel to start from: the program with its libraries, busybox, modules. */
function makeRoot(t, kernel) {
  const root = join(t.dir, 'root');
  const put = (from, to) => {
    mkdirSync(join(root, dirname(to)), { recursive: true });
    copyFileSync(realpathSync(from), join(root, to));
  };
  put('/bin/busybox', '/bin/busybox');
  put(binary(), '/tallystick');
  const libraries = execFileSync('ldd', [binary()], { encoding: 'utf8' });
  for (const [, path] of libraries.matchAll(/(\/\S+) \(0x/g)) put(path, path);
  const modules = walk(join(kernel, 'lib/modules'));
  for (const it of MODULES) put(modules.get(`${it}.ko`), `/modules/${it}.ko`);
  writeFileSync(join(root, 'store.toml'), config('usb:0627:0001'));
  writeFileSync(join(root, 'uinput.toml'), config(`name:${UINPUT_NAME}`));
  const source = fileURLToPath(new URL('uinput_scanner.c', import.meta.url));
  execFileSync('cc', ['-O1', '-Wall', '-static', '-o', join(root, 'uinput_scanner'), source]);
  writeFileSync(join(root, 'init'), INIT, { mode: 0o755 });
  const image = join(t.dir, 'root.cpio');
  execFileSync('sh', ['-c', `find . | cpio -o -H newc --quiet >"${image}"`], { cwd: root });
  return image;
}

class Machine {
  constructor(t, kernel) {
    const vmlinuz = readdirSync(join(kernel, 'boot')).find((it) => it.startsWith('vmlinuz'));
    const socket = join(t.dir, 'monitor');
    this.log = join(t.dir, 'console.log');
    t.logs.push(this.log);
    this.uinputLog = join(t.dir, 'uinput.log');
    this.scannerSocket = join(t.dir, 'scanner');
    t.logs.push(this.uinputLog);
    const args = ['-m', '512', '-nodefaults', '-display', 'none', '-no-reboot', '-serial', `file:${this.log}`];
    args.push('-serial', `unix:${this.scannerSocket},server=on,wait=off`, '-serial', `file:${this.uinputLog}`);
    args.push('-kernel', join(kernel, 'boot', vmlinuz), '-initrd', makeRoot(t, kernel));
    args.push('-append', 'console=ttyS0 quiet panic=1', '-device', 'qemu-xhci,id=usb');
    args.push('-monitor', `unix:${socket},server=on,wait=off`);
    this.child = spawn('qemu-system-x86_64', args, { stdio: 'inherit' });
    t.finally(() => this.child.kill('SIGKILL'));
    this.socket = socket;
    this.seen = { [this.log]: 0, [this.uinputLog]: 0 };
    this.answers = [];
  }
  async open() {
    const reach = async (path) => {
      await until(path, () => existsSync(path));
      const socket = connect(path);
      await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
      return socket;
    };
    this.monitor = await reach(this.socket);
    this.monitor.on('data', () => {});
    this.scanner = await reach(this.scannerSocket);
    createInterface({ input: this.scanner }).on('line', (line) => this.answers.push(line.trim()));
  }
  /** What the uinput scanner answers to a command. */
  async uinput(command) {
    const before = this.answers.length;
    this.scanner.write(`${command}\n`);
    await until(`the answer to ${command}`, () => this.answers.length > before);
    return this.answers[before];
  }
  tell = (line) => this.monitor.write(`${line}\n`);
  plug = () => this.tell('device_add usb-kbd,id=wedge,bus=usb.0');
  unplug = () => this.tell('device_del wedge');
  /** Keys one after the other, each down and up, as a scanner types them. */
  async type(text) {
    const names = { '\n': 'ret', ';': 'semicolon', '=': 'equal', '?': 'shift-slash', '.': 'dot' };
    for (const c of text) {
      this.tell(`sendkey ${names[c] ?? (/[A-Z]/.test(c) ? `shift-${c.toLowerCase()}` : c)} 20`);
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
  }
  /** The next line of the program that says so. */
  says = (text, log = this.log) =>
    until(
      `"${text}"`,
      () => {
        const all = existsSync(log) ? readFileSync(log, 'utf8').replaceAll('\r', '') : '';
        const at = all.indexOf(`${text}\n`, this.seen[log]);
        if (at >= 0) this.seen[log] = at + text.length;
        return at >= 0;
      },
      120_000,
    );
}

await scenario('wedge_vm', 600, async (t) => {
  const kernel = process.env.TALLY_KERNEL;
  if (!kernel) skip('TALLY_KERNEL names no unpacked kernel package');
  for (const it of ['qemu-system-x86_64', 'busybox', 'cpio', 'ldd', 'cc'])
    if (!hasCommand(it)) skip(`${it} is not installed`);
  assert.equal(basename(realpathSync('/bin/busybox')), 'busybox');
  const machine = new Machine(t, kernel);
  await machine.open();
  await machine.says('wedge: unplugged');
  t.step('the machine runs; no keyboard yet');
  machine.plug();
  await machine.says('wedge: ready');
  await machine.type('6901234000108\n6901234000207\n');
  await machine.says('wedge: a product 6901234000108');
  await machine.says('wedge: a product 6901234000207');
  await machine.type(';9704000000011239=4912120000?\n');
  await machine.says("wedge: a card's number **** 0000, from track 2");
  await machine.type('690123');
  machine.unplug();
  await machine.says('wedge: unplugged');
  const back = Date.now();
  machine.plug();
  await machine.says('wedge: ready');
  t.step(`pulled out in mid-scan, plugged in, found again after ${Date.now() - back} ms`);
  await machine.type('TALLYV1.WRONG\n');
  await machine.says('wedge: a misread: unknown_code');
  await machine.type('6901234000108\n');
  await machine.says('wedge: a product 6901234000108');
  t.step('products, a stripe, a code that is nothing');
  await uinputScanner(t, machine);
});

/** The kernel's own pretended keyboard: read alone, twice in 20 ms, faster than can be read, pulled out in mid-scan. */
async function uinputScanner(t, machine) {
  const says = (text) => machine.says(text, machine.uinputLog);
  await says('wedge: unplugged');
  assert.equal(await machine.uinput('plug'), 'done');
  await says('wedge: ready');
  assert.equal(await machine.uinput('grabbed'), 'yes', 'nobody else reads its keys');
  await machine.uinput('twice 6901234000108');
  for (let i = 0; i < 2; ++i) await says('wedge: a product 6901234000108');
  await machine.uinput('type ;9704000000011239=4912120000?');
  await says("wedge: a card's number **** 0000, from track 2");
  await machine.uinput('type TALLYV1:SPRING-2026');
  await says('wedge: a voucher SPRING-2026');
  // More than the kernel keeps: some of it is lost, and the till is told; what is left of a code is none.
  await machine.uinput('flood 6901234000108');
  await says('wedge: a misread: incomplete');
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  await machine.uinput('half 690123');
  await machine.uinput('unplug');
  await says('wedge: unplugged');
  const back = Date.now();
  await machine.uinput('plug');
  await says('wedge: ready');
  const ms = Date.now() - back;
  await machine.uinput('type 6901234000207');
  await says('wedge: a product 6901234000207');
  t.step(`uinput: read alone, two scans in 20 ms, a stripe, a voucher, a flood; pulled out in mid-scan, found again after ${ms} ms`);
}
