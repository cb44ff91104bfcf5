// A line between a node and its parent that can be slow, and break without anybody noticing.
import { connect, createServer } from 'node:net';

export class Line {
  /** What is sent, either way, goes nowhere, and the connection stays open. */
  swallows = false;
  /** Milliseconds by which everything comes later, to the node and to its parent. */
  down = 0;
  up = 0;
  sockets = new Set();
  constructor(port, to) {
    this.server = createServer((near) => {
      const far = connect(to, '127.0.0.1');
      this.#carry(near, far, () => this.up);
      this.#carry(far, near, () => this.down);
    });
    this.server.listen(port, '127.0.0.1');
  }
  #carry(from, other, delay) {
    this.sockets.add(from);
    const write = (data) => this.swallows || other.destroyed || other.write(data);
    from.on('data', (data) => (delay() > 0 ? setTimeout(write, delay(), data) : write(data)));
    from.on('error', () => {});
    from.on('close', () => (this.sockets.delete(from), other.destroy()));
  }
  /** As a router that starts again: connections end, and new ones work. */
  mend() {
    this.swallows = false;
    for (const it of this.sockets) it.destroy();
  }
  close() {
    this.mend();
    this.server.close();
  }
}
