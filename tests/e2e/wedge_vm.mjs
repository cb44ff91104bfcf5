// A keyboard wedge for real: a virtual machine with a USB keyboard, plugged in and out while `tallystick devices watch`
// reads it through the kernel's evdev. Not in CI. Needs qemu-system-x86_64, busybox (static), cpio and a Debian kernel:
//
//   apt-get download linux-image-6.1.0-NN-amd64 && dpkg -x linux-image-*.deb kernel
//   TALLY_KERNEL=$PWD/kernel node tests/e2e/wedge_vm.mjs
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { binary, hasCommand, scenario, skip, until } from './lib.mjs';

const MODULES = ['usb-common', 'usbcore', 'xhci-hcd', 'xhci-pci', 'hid', 'hid-generic', 'usbhid', 'evdev'];
const CONFIG = `[node]
data_dir = "/data"
[wedge]
device = "usb:0627:0001"
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
  writeFileSync(join(root, 'store.toml'), CONFIG);
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
    const args = ['-m', '512', '-nodefaults', '-display', 'none', '-no-reboot', '-serial', `file:${this.log}`];
    args.push('-kernel', join(kernel, 'boot', vmlinuz), '-initrd', makeRoot(t, kernel));
    args.push('-append', 'console=ttyS0 quiet panic=1', '-device', 'qemu-xhci,id=usb');
    args.push('-monitor', `unix:${socket},server=on,wait=off`);
    this.child = spawn('qemu-system-x86_64', args, { stdio: 'inherit' });
    t.finally(() => this.child.kill('SIGKILL'));
    this.socket = socket;
    this.seen = 0;
  }
  async open() {
    await until('the monitor', () => existsSync(this.socket));
    this.monitor = connect(this.socket);
    this.monitor.on('data', () => {});
    await new Promise((resolve, reject) => this.monitor.once('connect', resolve).once('error', reject));
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
  says = (text) =>
    until(
      `"${text}"`,
      () => {
        const all = existsSync(this.log) ? readFileSync(this.log, 'utf8').replaceAll('\r', '') : '';
        const at = all.indexOf(`${text}\n`, this.seen);
        if (at >= 0) this.seen = at + text.length;
        return at >= 0;
      },
      120_000,
    );
}

await scenario('wedge_vm', 600, async (t) => {
  const kernel = process.env.TALLY_KERNEL;
  if (!kernel) skip('TALLY_KERNEL names no unpacked kernel package');
  for (const it of ['qemu-system-x86_64', 'busybox', 'cpio', 'ldd'])
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
});
