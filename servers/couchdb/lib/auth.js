'use strict';

// Basic authentication before everything else.

const crypto = require('crypto');
const answer = require('./answer');

const OPEN = new Set(['/', '/_up']); // CouchDB answers these to everybody

const digest = (text) => crypto.createHash('sha256').update(text).digest();

function guard(login, password) {
  const expected = digest(`${login}:${password}`);
  return (req, res, next) => {
    const [scheme, credentials] = (req.headers.authorization || '').split(' ');
    if (scheme.toLowerCase() === 'basic' && credentials) {
      const given = digest(Buffer.from(credentials, 'base64').toString('utf8'));
      if (crypto.timingSafeEqual(given, expected)) return next();
      return answer.error(res, 401, 'unauthorized', 'Name or password is incorrect.');
    }
    if (OPEN.has(req.path) && req.method === 'GET') return next();
    // Only Fauxton's page makes a browser ask for the login; it then sends it with everything the page asks for.
    if (req.path.startsWith('/_utils')) res.setHeader('WWW-Authenticate', 'Basic realm="CouchDB", charset="UTF-8"');
    const server = req.path === '/' || req.path.startsWith('/_');
    const reason = server ? 'You are not a server admin.' : 'You are not authorized to access this db.';
    return answer.error(res, 401, 'unauthorized', reason);
  };
}

module.exports = { guard };
