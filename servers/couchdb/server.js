'use strict';

// A document store for the demo and the tests: PouchDB's revision trees, and a front that answers as CouchDB 3 does.
// node server.js --data FOLDER --login NAME --password-file FILE [--port N]
// One line on stdout has its address. It ends when its stdin ends, so that it never outlives the process that started it.

const fs = require('fs');
const path = require('path');
const { parseArgs } = require('util');
const express = require('express');
const expressPouchDB = require('express-pouchdb');
const PouchDB = require('pouchdb-core').plugin(require('pouchdb-adapter-leveldb'));

const auth = require('./lib/auth');
const body = require('./lib/body');
const routes = require('./lib/routes');
const { Databases } = require('./lib/databases');

const MODE = { mode: 'minimumForPouchDB', overrideMode: { include: ['routes/fauxton'], exclude: ['compression'] } };

function application(folder, login, password) {
  fs.mkdirSync(path.join(folder, 'store'), { recursive: true, mode: 0o700 });
  const Store = PouchDB.defaults({ prefix: path.join(folder, 'store') + path.sep, adapter: 'leveldb' });
  const databases = new Databases(Store, path.join(folder, 'databases.json'));
  const app = express();
  app.disable('x-powered-by').disable('etag');
  app.use(auth.guard(login, password), body.read, routes.front(databases, login), expressPouchDB(Store, MODE));
  app.use(routes.failed);
  return app;
}

function main() {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      login: { type: 'string' },
      'password-file': { type: 'string' },
      port: { type: 'string', default: '0' },
    },
  });
  const password = fs.readFileSync(values['password-file'], 'utf8').trim();
  const server = application(values.data, values.login, password).listen(Number(values.port), '127.0.0.1');
  server.on('listening', () => console.log(JSON.stringify({ port: server.address().port })));
  server.on('error', (error) => {
    console.error(error.code === 'EADDRINUSE' ? `port ${values.port} is in use` : error.message);
    process.exit(1);
  });
  const stop = () => {
    server.close(() => process.exit(0));
    server.closeIdleConnections?.();
    setTimeout(() => process.exit(0), 2000).unref();
  };
  process.stdin.on('end', stop).on('error', stop).resume();
  process.on('SIGTERM', stop);
}

main();
