// Logs as the public texts describe them, written from those texts alone and sharing nothing with the program: RFC 6962
// and RFC 9162 (trees and proofs), C2SP signed-note, tlog-checkpoint, tlog-cosignature, tlog-proof, tlog-tiles, and the
// body of tlog-witness's add-checkpoint. Everything throws with a reason when it does not hold.
import assert from 'node:assert/strict';
import { createHash, createPublicKey, verify as verifySignature } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const sha256 = (...parts) => parts.reduce((h, p) => h.update(p), createHash('sha256')).digest();

// -- RFC 6962, section 2.1 --------------------------------------------------------------------------------------------

export const leafHash = (entry) => sha256(Buffer.of(0), entry);
export const nodeHash = (left, right) => sha256(Buffer.of(1), left, right);

/** Largest power of two below n, for n > 1. */
const split = (n) => {
  let k = 1n;
  while (k << 1n < n) k <<= 1n;
  return k;
};

/** MTH over leaf hashes. */
export function treeHash(leaves) {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return leaves[0];
  const k = Number(split(BigInt(leaves.length)));
  return nodeHash(treeHash(leaves.slice(0, k)), treeHash(leaves.slice(k)));
}

/** Section 2.1.1 backwards: the root that an audit path leads to. */
export function rootOfPath(leaf, index, size, path) {
  const step = (m, n, rest) => {
    if (n === 1n) {
      assert.equal(rest.length, 0, 'the path is too long');
      return leaf;
    }
    assert.ok(rest.length > 0, 'the path is too short');
    const k = split(n);
    const sibling = rest.at(-1);
    return m < k
      ? nodeHash(step(m, k, rest.slice(0, -1)), sibling)
      : nodeHash(sibling, step(m - k, n - k, rest.slice(0, -1)));
  };
  assert.ok(index >= 0n && index < size, 'the index lies outside of the log');
  return step(index, size, path);
}

/** Section 2.1.2 backwards: the roots at both sizes that a consistency proof leads to. */
export function rootsOfConsistency(oldSize, oldRoot, size, proof) {
  assert.ok(oldSize > 0n && oldSize < size);
  const rest = [...proof];
  const take = () => {
    assert.ok(rest.length > 0, 'the proof is too short');
    return rest.shift();
  };
  // The proof is in the order of the recursion's return: innermost first.
  const walk = (m, n, whole) => {
    if (m === n) {
      const h = whole ? oldRoot : take();
      return [h, h];
    }
    const k = split(n);
    if (m <= k) {
      const [old, now] = walk(m, k, whole);
      return [old, nodeHash(now, take())];
    }
    const [old, now] = walk(m - k, n - k, false);
    const left = take();
    return [nodeHash(left, old), nodeHash(left, now)];
  };
  const roots = walk(oldSize, size, true);
  assert.equal(rest.length, 0, 'the proof is too long');
  return roots;
}

// -- signed notes -----------------------------------------------------------------------------------------------------

const base64 = (text) => {
  const octets = Buffer.from(text, 'base64');
  assert.equal(octets.toString('base64'), text, `not base 64: ${text}`);
  return octets;
};

/** A verifier key: <name>+<key id in hexadecimal>+<base 64 of type and key>. */
export function verifierKey(text) {
  const first = text.indexOf('+');
  const second = text.indexOf('+', first + 1);
  assert.ok(first > 0 && second > first, 'not a verifier key');
  const name = text.slice(0, first);
  const id = text.slice(first + 1, second);
  const data = base64(text.slice(second + 1));
  assert.ok(/^[0-9a-f]{8}$/.test(id) && !/\s/u.test(name));
  const hash = sha256(name, '\n', data).subarray(0, 4).toString('hex');
  assert.equal(hash, id, 'the key id is SHA-256(name, newline, type and key)');
  assert.equal(data.length, 33);
  const type = data[0];
  assert.ok(type === 1 || type === 4, `signature type ${type}`);
  const prefix = Buffer.from('302a300506032b6570032100', 'hex'); // RFC 8410
  const key = createPublicKey({ key: Buffer.concat([prefix, data.subarray(1)]), format: 'der', type: 'spki' });
  return { name, id, type, key };
}

/** Text and signature lines of a note. */
export function parseNote(text) {
  assert.ok(!/[\u0000-\u0009\u000b-\u001f]/.test(text), 'control characters');
  const blank = text.lastIndexOf('\n\n');
  assert.ok(blank >= 0 && text.endsWith('\n'), 'not a note');
  const lines = text
    .slice(blank + 2, -1)
    .split('\n')
    .map((line) => {
      const match = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/u.exec(line);
      assert.ok(match, `not a signature line: ${line}`);
      const data = base64(match[2]);
      assert.ok(data.length > 4);
      return { name: match[1], id: data.subarray(0, 4).toString('hex'), signature: data.subarray(4) };
    });
  return { body: text.slice(0, blank + 1), lines };
}

/** The body if this key signed the note, and the time of a cosignature. */
export function openNote(text, key) {
  const note = parseNote(text);
  const line = note.lines.find((l) => l.name === key.name && l.id === key.id);
  assert.ok(line, `no signature of ${key.name}+${key.id}`);
  if (key.type === 1) {
    assert.equal(line.signature.length, 64);
    assert.ok(verifySignature(null, Buffer.from(note.body), key.key, line.signature), `signature of ${key.name}`);
    return { body: note.body };
  }
  assert.equal(line.signature.length, 72);
  const time = line.signature.readBigUInt64BE(0);
  const message = Buffer.from(`cosignature/v1\ntime ${time}\n${note.body}`);
  assert.ok(verifySignature(null, message, key.key, line.signature.subarray(8)), `cosignature of ${key.name}`);
  return { body: note.body, time };
}

/** A checkpoint that `key` signed, and whose origin is the key's name (C2SP tlog-policy) or `origin`. */
export function openCheckpoint(text, key, origin = key.name) {
  const { body, time } = openNote(text, key);
  const lines = body.split('\n');
  assert.equal(lines.pop(), '');
  assert.ok(lines.length >= 3 && lines.every((l) => l.length > 0), 'not a checkpoint');
  assert.equal(lines[0], origin, 'origin');
  assert.match(lines[1], /^(0|[1-9][0-9]*)$/);
  const root = base64(lines[2]);
  assert.equal(root.length, 32);
  return { origin: lines[0], size: BigInt(lines[1]), root, extensions: lines.slice(3), time };
}

// -- proofs -----------------------------------------------------------------------------------------------------------

const hashLines = (lines) =>
  lines.map((line) => {
    const h = base64(line);
    assert.equal(h.length, 32);
    return h;
  });

/** C2SP tlog-proof: the checkpoint, if `entry` is in its log. */
export function openInclusion(text, key, entry) {
  const gap = text.indexOf('\n\n');
  const lines = text.slice(0, gap).split('\n');
  assert.equal(lines.shift(), 'c2sp.org/tlog-proof@v1');
  if (lines[0].startsWith('extra ')) base64(lines.shift().slice(6));
  const index = /^index (0|[1-9][0-9]*)$/.exec(lines.shift());
  assert.ok(index, 'index line');
  const head = openCheckpoint(text.slice(gap + 2), key);
  const root = rootOfPath(leafHash(entry), BigInt(index[1]), head.size, hashLines(lines));
  assert.deepEqual(root, head.root, 'the entry is in the log');
  return { ...head, index: BigInt(index[1]) };
}

/** The body of add-checkpoint: the checkpoint, if the log of the older one is its beginning. */
export function openConsistency(text, key, older) {
  const gap = text.indexOf('\n\n');
  const lines = text.slice(0, gap).split('\n');
  const old = /^old (0|[1-9][0-9]*)$/.exec(lines.shift());
  assert.ok(old, 'old line');
  const oldSize = BigInt(old[1]);
  assert.equal(oldSize, older.size);
  assert.ok(lines.length <= 63);
  const head = openCheckpoint(text.slice(gap + 2), key);
  assert.equal(head.origin, older.origin);
  if (oldSize === 0n || oldSize === head.size) {
    assert.equal(lines.length, 0);
    if (oldSize === head.size) assert.deepEqual(older.root, head.root);
    return head;
  }
  const [was, is] = rootsOfConsistency(oldSize, older.root, head.size, hashLines(lines));
  assert.deepEqual(was, older.root, 'the older root');
  assert.deepEqual(is, head.root, 'the newer root');
  return head;
}

// -- C2SP tlog-tiles --------------------------------------------------------------------------------------------------

export function tileName(index) {
  const digits = String(index);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.{3}/g);
  return padded.map((d, i) => (i + 1 < padded.length ? `x${d}` : d)).join('/');
}

/** The tile or bundle that a log of `size` entries has at a level and an index: its path and width. */
const tileOf = (size, level, index) => {
  const hashes = BigInt(size) >> BigInt(8 * level);
  const width = Math.min(256, Number(hashes - BigInt(index) * 256n));
  return { width, suffix: width === 256 ? '' : `.p/${width}` };
};

/**
 * Opens a tiled log in a directory: checks the checkpoint, that each bundle hashes to its tile, that each tile of a
 * level follows from the one below, and that the root of the tiles is the checkpoint's. Answers the checkpoint and
 * the entries.
 */
export function openTiles(dir, key, origin = key.name) {
  const head = openCheckpoint(readFileSync(join(dir, 'checkpoint'), 'utf8'), key, origin);
  const size = Number(head.size);
  const entries = [];
  const leaves = [];
  for (let n = 0; n * 256 < size; ++n) {
    const { width, suffix } = tileOf(size, 0, n);
    const data = readFileSync(join(dir, 'tile/entries', tileName(n) + suffix));
    let at = 0;
    for (let i = 0; i < width; ++i) {
      const length = data.readUInt16BE(at);
      const entry = data.subarray(at + 2, at + 2 + length);
      assert.equal(entry.length, length);
      entries.push(entry);
      leaves.push(leafHash(entry));
      at += 2 + length;
    }
    assert.equal(at, data.length, `bundle ${n} holds ${width} entries and nothing else`);
  }
  let below = leaves;
  for (let level = 0; below.length > 0; ++level) {
    const above = [];
    for (let n = 0; n * 256 < below.length; ++n) {
      const { width, suffix } = tileOf(size, level, n);
      const hashes = below.slice(n * 256, n * 256 + width);
      const data = readFileSync(join(dir, 'tile', String(level), tileName(n) + suffix));
      assert.deepEqual(data, Buffer.concat(hashes), `tile ${level}/${n}`);
      // A tile that is not whole is never hashed into the level above.
      if (width === 256) above.push(treeHash(hashes));
    }
    assert.ok(!existsSync(join(dir, 'tile', String(level), tileName(Math.ceil(below.length / 256)))), 'no empty tile');
    below = above;
  }
  assert.deepEqual(treeHash(leaves), head.root, 'the root of the entries is the one that was signed');
  return { head, entries };
}
