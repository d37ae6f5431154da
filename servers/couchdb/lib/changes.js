'use strict';

// GET /{db}/_changes, streamed in CouchDB's wire format: one row a line.

const { once } = require('events');
const answer = require('./answer');
const seqs = require('./seq');

const CHUNK = 200; // rows read from the store at once

async function serve(databases, req, res) {
  const asked = question(req.query);
  if (asked.feed !== 'normal') {
    return answer.error(res, 400, 'bad_request', 'Supported `feed` types: normal');
  }
  if (Number.isNaN(asked.limit) || Number.isNaN(asked.interval)) {
    return answer.error(res, 500, 'unknown_error', 'badarg');
  }
  const index = await databases.index(req.params.db);
  const since = asked.since === 'now' ? index.end : seqs.decode(asked.since, index.uuid);
  if (since === undefined) {
    return answer.error(res, 400, 'bad_request', "Malformed sequence supplied in 'since' parameter.");
  }
  res.writeHead(200, answer.HEADERS);
  res.write('{"results":[\n');
  const last = await rows(await databases.open(req.params.db), index.uuid, { ...asked, since }, res);
  await databases.index(req.params.db);
  const tail = `"last_seq":${JSON.stringify(seqs.encode(index.uuid, last))},"pending":${index.pending(last)}}`;
  return res.end(`\n],\n${tail}\n\n`);
}

function question(query) {
  return {
    since: query.since === undefined ? '0' : String(query.since),
    limit: query.limit === undefined ? Infinity : whole(query.limit),
    interval: query.seq_interval === undefined ? 1 : whole(query.seq_interval),
    docs: query.include_docs === 'true',
    feed: query.feed || 'normal',
  };
}

function whole(text) {
  return /^\d+$/.test(text) ? Number(text) : NaN;
}

// Writes the rows after `since`; returns the position of the last.
async function rows(db, uuid, { since, limit, interval, docs }, res) {
  let last = since;
  let count = 0;
  while (count < limit && !res.destroyed) {
    const wanted = Math.min(CHUNK, limit - count);
    const { results } = await db.changes({ since: last, limit: wanted, include_docs: docs });
    for (const change of results) {
      const seq = count % interval === 0 ? seqs.encode(uuid, change.seq) : null;
      const written = res.write((count ? ',\r\n' : '') + row(seq, change));
      last = change.seq;
      count += 1;
      if (!written) await Promise.race([once(res, 'drain'), once(res, 'close')]);
    }
    if (results.length < wanted) break;
  }
  return last;
}

function row(seq, { id, changes, deleted, doc }) {
  const head = deleted ? { seq, id, changes, deleted } : { seq, id, changes };
  if (!doc) return JSON.stringify(head);
  const { _id, _rev, _deleted, ...rest } = doc;
  return JSON.stringify({ ...head, doc: { _id, _rev, ...rest, ...(_deleted && { _deleted }) } });
}

module.exports = { serve };
