'use strict';

// Requests that the front answers itself; express-pouchdb answers the rest.

const express = require('express');
const answer = require('./answer');
const changes = require('./changes');
const seqs = require('./seq');
const { NAME } = require('./databases');

const MISSING = ['not_found', 'Database does not exist.'];
const VENDOR = { name: 'CHT Sync stand-in (PouchDB)' };

function front(databases, login) {
  const router = express.Router({ caseSensitive: true });
  const route = (handle) => (req, res, next) => Promise.resolve(handle(req, res, next)).catch(next);

  router.get('/_up', (req, res) => answer.json(res, 200, { status: 'ok', seeds: {} }));
  router.get('/', (req, res) => answer.json(res, 200, welcome(databases.state.server)));
  router.get('/_all_dbs', (req, res) => answer.json(res, 200, databases.names()));
  router.get('/_session', (req, res) => answer.json(res, 200, session(login)));

  router.put('/:db', route((req, res) => create(databases, req.params.db, res)));
  router.use('/:db', (req, res, next) => {
    const reserved = req.params.db.startsWith('_') && !NAME.test(req.params.db);
    return reserved || databases.get(req.params.db) ? next() : answer.error(res, 404, ...MISSING);
  });
  router.delete('/:db', route(async (req, res) => {
    await databases.remove(req.params.db);
    answer.json(res, 200, { ok: true });
  }));
  router.get('/:db', route(async (req, res, next) => {
    if (!databases.get(req.params.db)) return next();
    return answer.json(res, 200, await info(databases, req.params.db));
  }));
  router.get('/:db/_changes', route((req, res) => changes.serve(databases, req, res)));
  router.all('/:db/_all_docs', route((req, res, next) => {
    if (req.method !== 'GET' && req.method !== 'POST') return next();
    return listing(databases, req, res);
  }));
  router.post('/:db/_bulk_get', route((req, res) => documents(databases, req, res)));
  return router;
}

function welcome(uuid) {
  return { couchdb: 'Welcome', version: '3.4.3', git_sha: 'e12b967', uuid, features: [], vendor: VENDOR };
}

function session(name) {
  const info = { authentication_handlers: ['default'], authenticated: 'default' };
  return { ok: true, userCtx: { name, roles: ['_admin'] }, info };
}

async function create(databases, name, res) {
  if (!NAME.test(name)) {
    const reason = `Name: '${name}'. Only lowercase characters (a-z), digits (0-9), and any of the characters _, $, (, ), +, - are allowed. Must begin with a letter.`;
    return answer.error(res, 400, 'illegal_database_name', reason);
  }
  if (databases.get(name)) {
    return answer.error(res, 412, 'file_exists', 'The database could not be created, the file already exists.');
  }
  await databases.create(name);
  return answer.json(res, 201, { ok: true });
}

async function info(databases, name) {
  const { uuid, created } = databases.get(name);
  const index = await databases.index(name);
  return {
    instance_start_time: String(created),
    db_name: name,
    purge_seq: seqs.encode(uuid, 0),
    update_seq: seqs.encode(uuid, index.end),
    props: {},
    doc_del_count: index.deleted.size,
    doc_count: index.latest.size - index.deleted.size,
    compact_running: false,
    cluster: { q: 1, n: 1, w: 1, r: 1 },
  };
}

// The parameters of _all_docs are JSON in the query and, for POST, also in the body.
async function listing(databases, req, res) {
  const asked = { ...req.body };
  for (const [name, text] of Object.entries(req.query)) {
    try {
      asked[name] = JSON.parse(text);
    } catch {
      return answer.error(res, 400, 'query_parse_error', `Invalid value for \`${name}\`.`);
    }
  }
  const db = await databases.open(req.params.db);
  const one = asked.keys || asked.key !== undefined;
  const found = await (one ? db.allDocs(asked) : range(await databases.index(req.params.db), db, asked));
  const head = JSON.stringify({ total_rows: found.total_rows, offset: asked.keys ? null : found.offset });
  res.writeHead(200, answer.HEADERS);
  res.write(`${head.slice(0, -1)},"rows":[\r\n`);
  res.write(found.rows.map((row) => JSON.stringify(row)).join(',\r\n'));
  return res.end('\r\n]}\n');
}

// A part of the list of live documents. The store's own list leaves out ids with characters beyond Latin-1.
async function range(index, db, { startkey, endkey, inclusive_end: inclusive, descending, skip, limit, ...rest }) {
  const ids = index.live();
  if (descending) ids.reverse();
  const sign = descending ? -1 : 1;
  const order = (id, key) => sign * Buffer.compare(Buffer.from(id), Buffer.from(String(key)));
  const isBefore = (id) => startkey !== undefined && order(id, startkey) < 0;
  const isAfter = (id) => endkey !== undefined && order(id, endkey) > (inclusive === false ? -1 : 0);
  const first = ids.findIndex((id) => !isBefore(id));
  const offset = (first < 0 ? ids.length : first) + (skip || 0);
  const within = ids.slice(offset).filter((id) => !isAfter(id));
  const keys = limit === undefined ? within : within.slice(0, limit);
  const { rows } = await db.allDocs({ ...rest, keys });
  return { total_rows: ids.length, offset, rows: rows.filter((row) => row.value && !row.value.deleted) };
}

async function documents(databases, req, res) {
  const db = await databases.open(req.params.db);
  const results = [];
  for (const { id, rev } of req.body.docs || []) {
    const found = await db.get(id, rev ? { rev } : {}).then(
      (doc) => ({ ok: doc }),
      ({ name, reason }) => ({ error: { id, rev: rev || 'undefined', error: name, reason } }),
    );
    results.push({ id, docs: [found] });
  }
  return answer.json(res, 200, { results });
}

// The last handler: a failure before the answer is a 500; a failure during the answer cuts the body, as CouchDB does.
function failed(error, req, res, _next) {
  console.error(`${req.method} ${req.path}: ${error.name || 'error'}`);
  if (res.headersSent) return res.destroy();
  return answer.error(res, error.status || 500, 'unknown_error', error.name || 'error');
}

module.exports = { front, failed };
