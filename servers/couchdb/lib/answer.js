'use strict';

// Answers in CouchDB's form.

const HEADERS = {
  'Cache-Control': 'must-revalidate',
  'Content-Type': 'application/json',
  Server: 'CouchDB/3.4.3 (stand-in)',
};

function json(res, status, value) {
  res.writeHead(status, HEADERS).end(JSON.stringify(value) + '\n');
}

function error(res, status, name, reason) {
  json(res, status, { error: name, reason });
}

module.exports = { HEADERS, json, error };
