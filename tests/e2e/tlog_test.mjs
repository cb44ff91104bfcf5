// The independent verifier (tlog.mjs) against values that others published, so that it may judge ours.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './lib.mjs';
import * as tlog from './tlog.mjs';

const hex = (h) => h.toString('hex');

// Certificate Transparency's reference tree.
const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const leaves = inputs.map((i) => tlog.leafHash(Buffer.from(i, 'hex')));
const roots = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
roots.forEach((root, n) => assert.equal(hex(tlog.treeHash(leaves.slice(0, n))), root, `root of ${n} leaves`));

// The same project's paths and consistency proofs.
const octets = (list) => list.map((h) => Buffer.from(h, 'hex'));
const path = octets([
  '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
  '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
  '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
]);
assert.equal(hex(tlog.rootOfPath(leaves[0], 0n, 8n, path)), roots[8]);
assert.throws(() => tlog.rootOfPath(leaves[0], 0n, 8n, path.slice(1)));
assert.notEqual(hex(tlog.rootOfPath(leaves[1], 0n, 8n, path)), roots[8]);
const consistency = octets([
  '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
  'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
]);
assert.deepEqual(
  tlog.rootsOfConsistency(6n, Buffer.from(roots[6], 'hex'), 8n, consistency).map(hex),
  [roots[6], roots[8]],
);

// Go's golang.org/x/mod/sumdb/note, and a checkpoint of Go's checksum database.
const peter = tlog.verifierKey('PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW');
const wisdom =
  'If you think cryptography is the answer to your problem,\nthen you don\'t know what your problem is.\n\n' +
  '\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';
tlog.openNote(wisdom, peter);
assert.throws(() => tlog.openNote(wisdom.replace('answer', 'Answer'), peter));
assert.throws(() => tlog.verifierKey('PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'));
const sumdb = tlog.openCheckpoint(
  'go.sum database tree\n6476701\nmb8QLQIs0Z0yP5Cstq6guj87oXWeC9gEM8oVikmm9Wk=\n\n' +
    '\u2014 sum.golang.org ' +
    'Az3grsLX85Gz+s1SiTbgkuqxgItqFq7gsMUEyVnrsa9LM7Us9S+1xbFIGu95949rj4nPRYfvimWEPWL+o3GeoWwOoAw=\n',
  tlog.verifierKey('sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8'),
  'go.sum database tree',
);
assert.equal(sumdb.size, 6476701n);

// C2SP tlog-tiles' own example of a name.
assert.equal(tlog.tileName(1234067), 'x001/x234/067');
assert.equal(tlog.tileName(0), '000');

// It was written from the texts: it uses nothing of the program.
assert.doesNotMatch(readFileSync(join(ROOT, 'tests/e2e/tlog.mjs'), 'utf8'), /from '\.|tallystick/);
console.log('the independent verifier agrees with what others published');
