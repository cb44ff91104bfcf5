// A receipt printer and a reader of its language, for tests: written from the command reference, with iconv-lite's
// tables for the characters, and sharing nothing with the node's own encoder.
import { createServer } from 'node:net';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../web/package.json', import.meta.url));
export const haveTables = (() => {
  try {
    require.resolve('iconv-lite');
    return true;
  } catch {
    return false;
  }
})();

const PAGES = { 0: 'cp437', 16: 'win1252', 17: 'cp866', 18: 'cp852', 19: 'cp858' };
const ESC = { '@': 0, E: 1, a: 1, d: 1, t: 1, R: 1, p: 3, J: 1, '!': 1 };
const GS = { '!': 1, a: 1, r: 1, h: 1, w: 1, H: 1 };

/** Length of the command at `i`, or 0 when the rest of it has not come yet. */
function commandLength(data, i) {
  const [code, fn] = [data[i], data[i + 1]];
  if (code !== 0x1b && code !== 0x1c && code !== 0x1d && code !== 0x10) return 1;
  if (fn === undefined) return 0;
  const name = String.fromCharCode(fn);
  if (code === 0x10) return fn === 0x04 ? 3 : fn === 0x14 ? (data[2] === 8 ? 10 : 5) : 2;
  if (code === 0x1c) return name === 'W' ? 3 : 2;
  if (code === 0x1b) {
    if (ESC[name] === undefined) throw new Error(`ESC ${name} is no command that a receipt needs`);
    return 2 + ESC[name];
  }
  if (name === '(') return data[i + 4] === undefined ? 0 : 5 + data[i + 3] + 256 * data[i + 4];
  if (name === 'V') return data[i + 2] === undefined ? 0 : data[i + 2] >= 65 ? 4 : 3;
  if (name === 'k') return data[i + 3] === undefined ? 0 : 4 + data[i + 3];
  if (name === 'v') {
    if (data[i + 7] === undefined) return 0;
    return 8 + (data[i + 4] + 256 * data[i + 5]) * (data[i + 6] + 256 * data[i + 7]);
  }
  if (GS[name] === undefined) throw new Error(`GS ${name} is no command that a receipt needs`);
  return 2 + GS[name];
}

/** Paper: what was printed, ticket by ticket, each line with its style. `wide` is the code of its two-octet characters. */
export class Paper {
  constructor(wide, columns = 42) {
    Object.assign(this, { wide, columns, tickets: [], processes: [], sensors: 0, drawers: 0 });
    this.iconv = require('iconv-lite');
    this.reset();
    this.ticket = [];
  }
  reset() {
    Object.assign(this, { align: 0, large: false, doubled: false, bold: false, page: 'cp437', wideOn: true, line: [] });
  }
  /** Carries out whole commands; answers how many octets it took. */
  take(data) {
    let i = 0;
    while (i < data.length) {
      const length = this.characterLength(data, i) || commandLength(data, i);
      if (length === 0 || i + length > data.length) break;
      this.one(data.subarray(i, i + length));
      i += length;
    }
    return i;
  }
  characterLength(data, i) {
    if (data[i] < 0x20) return 0;
    if (!this.wideOn || data[i] < 0x80) return 1;
    // The longest that a character can be has come, or it is looked at again when more is there.
    if (i + 1 >= data.length) return data.length + 1;
    return this.wide === 'gb18030' && data[i + 1] >= 0x30 && data[i + 1] <= 0x39 ? 4 : 2;
  }
  one(part) {
    const [code, fn] = part;
    if (code >= 0x20) return void this.line.push(Buffer.from(part));
    if (code === 0x0a) return void this.endLine();
    if (code === 0x10 && fn === 0x14 && part[2] === 1) ++this.drawers;
    const name = String.fromCharCode(fn ?? 0);
    if (code === 0x1c) {
      if (name === '&') this.wideOn = true;
      if (name === '.') this.wideOn = false;
    } else if (code === 0x1b) {
      if (name === '@') this.reset();
      if (name === 'a') this.align = part[2];
      if (name === 'E') this.bold = part[2] === 1;
      if (name === 't') this.page = PAGES[part[2]];
      if (name === 'd') this.cut();
      if (name === 'p') ++this.drawers;
    } else if (code === 0x1d) {
      if (name === '!') Object.assign(this, { large: part[2] !== 0, doubled: part[2] === 0x11 });
      if (name === 'r') ++this.sensors;
      if (name === 'V') this.cut();
      if (name === '(' && part[2] === 0x48) this.processes.push(part.subarray(7, 11).toString('latin1'));
      if (name === '(' && part[2] === 0x6b && part[6] === 0x50) this.qr = part.subarray(8).toString('latin1');
      if (name === '(' && part[2] === 0x6b && part[6] === 0x51) this.ticket.push({ qr: this.qr });
      if (name === 'v') {
        const octets = part[4] + 256 * part[5];
        this.ticket.push({ picture: { width: octets * 8, height: part[6] + 256 * part[7], rows: Buffer.from(part.subarray(8)) } });
      }
    }
  }
  endLine() {
    const text = this.line.map((it) => this.iconv.decode(it, it.length > 1 ? this.wide : this.page)).join('');
    const width = this.line.reduce((sum, it) => sum + Math.min(it.length, 2), 0) * (this.doubled ? 2 : 1);
    this.ticket.push({ text, width, large: this.large, bold: this.bold, align: this.align });
    this.line = [];
  }
  cut() {
    if (this.line.length > 0) this.endLine();
    this.tickets.push(this.ticket);
    this.ticket = [];
  }
}

/** The lines of a ticket as plain text, marks (large) apart. */
export const linesOf = (ticket) => ticket.filter((it) => it.text !== undefined && !it.large).map((it) => it.text);
export const marksOf = (ticket) => ticket.filter((it) => it.large).map((it) => it.text);

export const qrOf = (ticket) => ticket.find((it) => it.qr !== undefined)?.qr;
/** The last picture: {width, height, rows}, eight dots an octet, 1 is black. */
export const pictureOf = (ticket) => ticket.findLast((it) => it.picture)?.picture;
/** As a portable bitmap, for other people's programs. */
export const pbmOf = ({ width, height, rows }) => Buffer.concat([Buffer.from(`P4\n${width} ${height}\n`), rows]);

/** A network printer with the faults that printers have. One client at a time; a buffer of 4 KiB. */
export class FakePrinter {
  constructor(wide, port) {
    Object.assign(this, { paper: new Paper(wide), port, out: false, slow: 0, dieAfter: Infinity, taken: 0, buffer: Buffer.alloc(0), ids: true });
  }
  start() {
    this.server = createServer((socket) => this.serve(socket));
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(this.port, '127.0.0.1', resolve);
    });
  }
  /** Power off: the connection breaks, what was in the buffer is lost, the paper stays. */
  stop() {
    this.client?.destroy();
    this.client = undefined;
    clearInterval(this.pace);
    this.pace = undefined;
    this.buffer = Buffer.alloc(0);
    this.paper.line = [];
    return new Promise((resolve) => this.server.close(resolve));
  }
  serve(socket) {
    if (this.client) return socket.destroy();
    this.client = socket;
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => {
      if (this.client === socket) this.client = undefined;
    });
    socket.on('data', (data) => this.receive(socket, data));
  }
  receive(socket, data) {
    // Status requests are answered when they come, wherever they stand.
    for (let i = 0; i + 2 < data.length; ++i)
      if (data[i] === 0x10 && data[i + 1] === 0x04) socket.write(Buffer.from([this.status(data[i + 2])]));
    this.buffer = Buffer.concat([this.buffer, data]);
    if (this.buffer.length > 4_096) socket.pause();
    this.work();
  }
  status(n) {
    if (n === 1) return 0x12 | (this.out ? 0x08 : 0);
    if (n === 2) return 0x12 | (this.out ? 0x20 : 0);
    return n === 4 ? 0x12 | (this.out ? 0x6c : 0) : 0x12;
  }
  setOut(out) {
    this.out = out;
    this.work();
  }
  work() {
    if (this.slow > 0) {
      this.pace ??= setInterval(() => this.step(Math.max(1, this.slow / 100)), 10);
      return;
    }
    this.step(Infinity);
  }
  /** Carries out at most so many octets, as far as they make whole commands. */
  step(most) {
    if (this.out || this.buffer.length === 0) return;
    this.budget = Math.min((this.budget ?? 0) + most, this.slow > 0 ? 400 : Infinity);
    const limit = Math.min(this.buffer.length, this.budget, this.dieAfter - this.taken);
    const used = this.paper.take(this.buffer.subarray(0, limit));
    this.budget -= used;
    this.taken += used;
    this.buffer = this.buffer.subarray(used);
    for (const id of this.paper.processes.splice(0)) if (this.ids) this.client?.write(Buffer.from(`\x37\x22${id}\x00`, 'latin1'));
    for (; this.paper.sensors > 0; --this.paper.sensors) this.client?.write(Buffer.from([0]));
    // What is left of all that is here is the beginning of one long command, as a picture: its end must come.
    if (this.buffer.length <= 4_096 || limit === this.buffer.length + used) this.client?.resume();
    if (limit === this.dieAfter - (this.taken - used)) {
      this.dieAfter = Infinity;
      void this.stop();
    }
  }
}
