'use strict';

// Request bodies, parsed once, here: a body that the store could not hold is refused before it reaches the store.

const answer = require('./answer');

const MAX_BYTES = 64 * 1024 * 1024;
const MAX_DEPTH = 4000; // PouchDB copies documents by recursion: deeper ones overflow its stack and end the process

const OPENING = new Set([0x5b, 0x7b]); // [ {
const CLOSING = new Set([0x5d, 0x7d]); // ] }

function read(req, res, next) {
  const json = (req.headers['content-type'] || '').startsWith('application/json');
  if (!json || req.method === 'GET' || req.method === 'HEAD') return next();
  const chunks = [];
  let size = 0;
  req.on('data', (chunk) => {
    size += chunk.length;
    if (size <= MAX_BYTES) chunks.push(chunk);
  });
  req.on('error', next);
  req.on('end', () => {
    if (size > MAX_BYTES) return answer.error(res, 413, 'too_large', 'the request entity is too large');
    return parse(Buffer.concat(chunks), req, res, next);
  });
}

function parse(bytes, req, res, next) {
  try {
    if (depth(bytes) > MAX_DEPTH) throw new RangeError('too deep');
    req.body = bytes.length ? JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) : {};
  } catch {
    return answer.error(res, 400, 'bad_request', 'invalid UTF-8 JSON');
  }
  req._body = true; // express's own parsers look at this
  return next();
}

// Levels of nesting of a JSON text, without parsing it.
function depth(bytes) {
  let level = 0;
  let deepest = 0;
  let text = false;
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i];
    if (text) {
      if (byte === 0x5c) i += 1; // a backslash: the next character ends nothing
      else if (byte === 0x22) text = false;
    } else if (byte === 0x22) text = true;
    else if (OPENING.has(byte)) deepest = Math.max(deepest, (level += 1));
    else if (CLOSING.has(byte)) level -= 1;
  }
  return deepest;
}

module.exports = { read };
