// Checks an exported ledger with Node's own crypto module, and nothing of the program that wrote it.
//
//     node check_export.js DIR VKEY [FILE...]
//
// Every signature, entry, tile and opening of DIR; each further file is a .tlog-proof, or a consistency proof in the form
// of a witness request. RFC 6962, RFC 9162 and the C2SP documents are all it was written from.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');

function fail(what) {
  process.stderr.write(`${what}\n`);
  process.exit(1);
}

const sha256 = (...parts) => parts.reduce((h, p) => h.update(p), crypto.createHash('sha256')).digest();
const leafHash = (leaf) => sha256(Buffer.from([0]), leaf);
const nodeHash = (left, right) => sha256(Buffer.from([1]), left, right);

// Strict base64: one value, one text.
function fromBase64(text) {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) fail(`not base64: ${text}`);
  return bytes;
}

function parseVkey(vkey) {
  const [name, id] = vkey.split('+', 2);
  const typed = fromBase64(vkey.slice(name.length + id.length + 2));
  if (typed.length !== 33 || typed[0] !== 1) fail('the vkey is not an Ed25519 log key');
  if (sha256(name, '\n', typed).subarray(0, 4).toString('hex') !== id) fail('the vkey has another id');
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), typed.subarray(1)]);
  return { name, id, key: crypto.createPublicKey({ key: der, format: 'der', type: 'spki' }) };
}

// The signed size and root of a checkpoint note.
function openCheckpoint(note, log) {
  const split = note.lastIndexOf('\n\n');
  if (split < 0 || !note.endsWith('\n')) fail('the checkpoint has no whole signature line');
  const text = note.slice(0, split + 1);
  let signed = false;
  for (const line of note.slice(split + 2).split('\n').filter((l) => l !== '')) {
    const words = line.split(' ');
    if (words.length !== 3 || words[0] !== '\u2014') fail('a signature line has the wrong form');
    const payload = fromBase64(words[2]);
    if (words[1] !== log.name || payload.subarray(0, 4).toString('hex') !== log.id) continue;
    if (!crypto.verify(null, Buffer.from(text), log.key, payload.subarray(4))) fail('the log\'s signature is wrong');
    signed = true;
  }
  if (!signed) fail('the log did not sign the checkpoint');
  const [origin, size, root, rest] = text.split('\n');
  if (origin !== log.name || !/^(0|[1-9][0-9]*)$/.test(size) || rest !== '') fail('the checkpoint has the wrong form');
  const hash = fromBase64(root);
  if (hash.length !== 32) fail('the root is not 32 bytes');
  return { size: Number(size), root: hash };
}

function tilePath(level, n, width) {
  let name = String(n % 1000).padStart(3, '0');
  for (let rest = Math.floor(n / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    name = `x${String(rest % 1000).padStart(3, '0')}/${name}`;
  }
  return `tile/${level}/${name}${width < 256 ? `.p/${width}` : ''}`;
}

const read = (dir, name) => {
  try {
    return fs.readFileSync(path.join(dir, name));
  } catch (e) {
    return fail(`${name} cannot be read: ${e.code}`);
  }
};

function readEntries(dir, size) {
  const leaves = [];
  for (let n = 0; n * 256 < size; ++n) {
    const width = Math.min(256, size - n * 256);
    const bundle = read(dir, tilePath('entries', n, width));
    let at = 0;
    for (let i = 0; i < width; ++i) {
      if (at + 2 > bundle.length) fail(`entries ${n} are cut`);
      const length = bundle.readUInt16BE(at);
      const leaf = bundle.subarray(at + 2, at + 2 + length);
      if (leaf.length !== length) fail(`entries ${n} are cut`);
      if (!leaf.toString('latin1').startsWith(`ledger-entry/v1\n${leaves.length}\n`)) fail(`entry ${leaves.length} does not say its index`);
      leaves.push(leaf);
      at += 2 + length;
    }
    if (at !== bundle.length) fail(`entries ${n} have bytes too many`);
  }
  return leaves;
}

function rootOf(hashes) {
  if (hashes.length === 0) return sha256('');
  if (hashes.length === 1) return hashes[0];
  let split = 1;
  while (split * 2 < hashes.length) split *= 2;
  return nodeHash(rootOf(hashes.slice(0, split)), rootOf(hashes.slice(split)));
}

// Every tile of every level is what the level below says.
function checkTiles(dir, leafHashes) {
  let row = leafHashes;
  for (let level = 0; row.length > 0; ++level) {
    const above = [];
    for (let n = 0; n * 256 < row.length; ++n) {
      const hashes = row.slice(n * 256, n * 256 + 256);
      const tile = read(dir, tilePath(level, n, hashes.length));
      if (!tile.equals(Buffer.concat(hashes))) fail(`tile ${n} of level ${level} is wrong`);
      if (hashes.length === 256) above.push(rootOf(hashes));
    }
    row = above;
  }
}

function checkOpenings(dir, leaves) {
  if (!fs.existsSync(path.join(dir, 'openings.ndjson'))) return 0;
  let count = 0;
  for (const line of read(dir, 'openings.ndjson').toString().split('\n').filter((l) => l !== '')) {
    const opening = JSON.parse(line);
    const payload = fromBase64(opening.payload);
    const made = crypto.createHmac('sha256', Buffer.from(opening.commit_key, 'hex'))
      .update('ledger-payload/v1\n').update(payload).digest('base64');
    if (leaves[opening.index].toString().split('\n')[4] !== made) fail(`opening ${opening.index} is not what was committed to`);
    JSON.parse(payload.toString());
    ++count;
  }
  return count;
}

// RFC 9162 section 2.1.3.2.
function isIncluded(index, size, leaf, proof, root) {
  if (index >= size) return false;
  let [fn, sn, r] = [index, size - 1, leaf];
  for (const p of proof) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      r = nodeHash(p, r);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
    } else {
      r = nodeHash(r, p);
    }
    [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  }
  return sn === 0 && r.equals(root);
}

// RFC 9162 section 2.1.4.2.
function isConsistent(m, n, oldRoot, root, given) {
  if (m === 0 || m > n) return false;
  if (m === n) return given.length === 0 && oldRoot.equals(root);
  if (given.length === 0) return false;
  const proof = Number.isInteger(Math.log2(m)) ? [oldRoot, ...given] : given;
  let [fn, sn] = [m - 1, n - 1];
  while (fn % 2 === 1) [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  let [fr, sr] = [proof[0], proof[0]];
  for (const c of proof.slice(1)) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      [fr, sr] = [nodeHash(c, fr), nodeHash(c, sr)];
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
    } else {
      sr = nodeHash(sr, c);
    }
    [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  }
  return fr.equals(oldRoot) && sr.equals(root) && sn === 0;
}

function checkFile(file, log, hashes) {
  const text = fs.readFileSync(file, 'utf8');
  const split = text.indexOf('\n\n');
  const lines = text.slice(0, split).split('\n');
  const tree = openCheckpoint(text.slice(split + 2), log);
  const proof = (from) => lines.slice(from).map((line) => {
    const hash = fromBase64(line);
    if (hash.length !== 32) fail(`${file}: a hash is not 32 bytes`);
    return hash;
  });
  if (lines[0] === 'c2sp.org/tlog-proof@v1') {
    const index = Number(lines[1].replace(/^index /, ''));
    if (!isIncluded(index, tree.size, hashes[index], proof(2), tree.root)) fail(`${file}: the entry is not in the tree`);
  } else {
    const old = Number(lines[0].replace(/^old /, ''));
    if (!isConsistent(old, tree.size, rootOf(hashes.slice(0, old)), tree.root, proof(1))) fail(`${file}: not consistent`);
  }
}

const [dir, vkey, ...files] = process.argv.slice(2);
const log = parseVkey(vkey);
const tree = openCheckpoint(read(dir, 'checkpoint').toString(), log);
const leaves = readEntries(dir, tree.size);
const hashes = leaves.map(leafHash);
if (!rootOf(hashes).equals(tree.root)) fail('the entries have another root than the checkpoint');
checkTiles(dir, hashes);
const openings = checkOpenings(dir, leaves);
files.forEach((file) => checkFile(file, log, hashes));
process.stdout.write(`${tree.size} entries, root ${tree.root.toString('base64')}, ${openings} openings, ${files.length} files\n`);
