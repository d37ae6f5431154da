'use strict';

// Opaque seqs that look and behave like CouchDB's. The number in front is no position (here it falls at every other
// step). A seq of another database, such as one that was deleted and created again under the name, starts over.

const crypto = require('crypto');

const MARK = 'g1AAAA';
const UUID = 16;
const POSITION = 6;

function encode(uuid, position) {
  const head = Buffer.alloc(UUID + POSITION);
  head.write(uuid, 'hex');
  head.writeUIntBE(position, UUID, POSITION);
  return `${position && position ^ 1}-${MARK}${Buffer.concat([head, check(head)]).toString('base64url')}`;
}

// The position of `since` in the database of that uuid; undefined if it is no seq.
function decode(since, uuid) {
  if (since === '0') return 0;
  const opaque = /^"?\d+-g1AAAA([\w-]+)"?$/.exec(since);
  if (!opaque) return undefined;
  const bytes = Buffer.from(opaque[1], 'base64url');
  const head = bytes.subarray(0, UUID + POSITION);
  if (!bytes.subarray(UUID + POSITION).equals(check(head))) return undefined;
  return head.subarray(0, UUID).toString('hex') === uuid ? head.readUIntBE(UUID, POSITION) : 0;
}

function check(head) {
  return crypto.createHash('sha512').update(head).digest();
}

module.exports = { encode, decode };
