'use strict';

// The databases, their creation times, and the latest seq of each of their documents.

const crypto = require('crypto');
const fs = require('fs');
const { getOrCreateDB, deleteDB } = require('express-pouchdb/lib/create-or-delete-dbs');

const NAME = /^([a-z][a-z0-9_$()+-]*|_users|_replicator|_global_changes)$/;
const STEP = 5000;

class Databases {
  // `file` keeps {server, databases: {name: {uuid, created, live}}}; a database that it does not list does not exist.
  constructor(Store, file) {
    this.Store = Store;
    this.file = file;
    const fresh = { server: crypto.randomBytes(16).toString('hex'), databases: {} };
    this.state = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : fresh;
    this.indexes = new Map();
    this.save();
  }

  names() {
    return Object.keys(this.state.databases).filter((name) => this.get(name)).sort();
  }

  get(name) {
    const entry = Object.hasOwn(this.state.databases, name) ? this.state.databases[name] : undefined;
    return entry && entry.live ? entry : undefined;
  }

  open(name) {
    return getOrCreateDB(this.Store, name);
  }

  // A creation time in seconds, like CouchDB's, but never the same twice for one name.
  async create(name) {
    const before = Object.hasOwn(this.state.databases, name) ? this.state.databases[name].created : 0;
    await this.destroy(name); // removes what a killed deletion left
    await (await this.open(name)).info();
    const created = Math.max(Math.floor(Date.now() / 1000), before + 1);
    this.state.databases[name] = { uuid: crypto.randomBytes(16).toString('hex'), created, live: true };
    this.save();
  }

  async remove(name) {
    this.state.databases[name].live = false;
    this.save();
    await this.destroy(name);
  }

  async destroy(name) {
    this.indexes.delete(name);
    await this.open(name);
    await deleteDB(this.Store, name, {});
  }

  save() {
    fs.writeFileSync(`${this.file}.new`, JSON.stringify(this.state), { mode: 0o600 });
    fs.renameSync(`${this.file}.new`, this.file);
  }

  // The index of a database, updated to its current end.
  async index(name) {
    const { uuid } = this.get(name);
    if (!this.indexes.has(name)) this.indexes.set(name, new Index(uuid));
    const index = this.indexes.get(name);
    await index.update(await this.open(name));
    return index;
  }
}

// The latest seq of each document, kept from the feed: PouchDB counts neither deleted documents nor pending changes.
class Index {
  constructor(uuid) {
    this.uuid = uuid;
    this.end = 0;
    this.latest = new Map();
    this.deleted = new Set();
    this.updated = Promise.resolve();
  }

  update(db) {
    this.updated = this.updated.catch(() => {}).then(() => this.advance(db));
    return this.updated;
  }

  async advance(db) {
    for (;;) {
      const { results } = await db.changes({ since: this.end, limit: STEP });
      for (const { id, seq, deleted } of results) {
        this.latest.set(id, seq);
        if (deleted) this.deleted.add(id);
        else this.deleted.delete(id);
      }
      if (results.length) this.end = results[results.length - 1].seq;
      if (results.length < STEP) return;
    }
  }

  // The ids of documents that are not deleted, ordered by their bytes.
  live() {
    const ids = [...this.latest.keys()].filter((id) => !this.deleted.has(id));
    const keyed = ids.map((id) => [Buffer.from(id), id]).sort(([a], [b]) => Buffer.compare(a, b));
    return keyed.map(([, id]) => id);
  }

  pending(since) {
    let count = 0;
    for (const seq of this.latest.values()) if (seq > since) count += 1;
    return count;
  }
}

module.exports = { Databases, NAME };
