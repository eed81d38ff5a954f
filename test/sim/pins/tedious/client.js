'use strict';
// tedious behind the line protocol of clients/piped.py. Started in the folder that holds node_modules.
const fs = require('fs');
const path = require('path');
const readline = require('readline');
const { Connection, Request, TYPES } = require(path.join(process.cwd(), 'node_modules', 'tedious'));

const encode = (v) => (v === null ? '-' : Buffer.from(v, 'utf8').toString('base64') || '=');
const decode = (f) => (f === '-' ? null : f === '=' ? '' : Buffer.from(f, 'base64').toString('utf8'));
const put = (word, ...fields) => process.stdout.write([word, ...fields.map(encode)].join('\t') + '\n');
const prepared = new Map();
let connection;

const pad = (n, w) => String(n).padStart(w, '0');
const day = (d) => `${pad(d.getUTCFullYear(), 4)}-${pad(d.getUTCMonth() + 1, 2)}-${pad(d.getUTCDate(), 2)}`;
const clock = (d) =>
  `${pad(d.getUTCHours(), 2)}:${pad(d.getUTCMinutes(), 2)}:${pad(d.getUTCSeconds(), 2)}.${pad(d.getUTCMilliseconds(), 3)}0000`;

function text(value, column) {
  if (value === null || value === undefined) return null;
  if (Buffer.isBuffer(value)) return value.toString('hex').toUpperCase();
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (value instanceof Date) {
    const type = column.type.name;
    if (/^Date$/.test(type)) return day(value);
    if (/^Time/.test(type)) return clock(value);
    return `${day(value)} ${clock(value)}`;
  }
  return String(value);
}

const kinds = {
  int: [TYPES.Int, Number],
  bigint: [TYPES.BigInt, (v) => v],
  bit: [TYPES.Bit, (v) => v === '1'],
  float: [TYPES.Float, Number],
  varbinary: [TYPES.VarBinary, (v) => Buffer.from(v, 'hex')],
  date: [TYPES.Date, (v) => new Date(`${v}T00:00:00Z`)],
  time: [TYPES.Time, (v) => new Date(`1970-01-01T${v.slice(0, 12)}Z`), { scale: 7 }],
  datetime2: [TYPES.DateTime2, (v) => new Date(`${v.slice(0, 23).replace(' ', 'T')}Z`), { scale: 7 }],
  guid: [TYPES.UniqueIdentifier, (v) => v],
  nvarchar: [TYPES.NVarChar, (v) => v, { length: 10000 }],
};

function kindOf(type, value) {
  if (type !== 'decimal') return [kinds[type][0], value === null ? null : kinds[type][1](value), kinds[type][2]];
  const scale = value === null ? 0 : (value.split('.')[1] || '').length;
  return [TYPES.Decimal, value === null ? null : Number(value), { precision: 38, scale }];
}

function watch(request) {
  request.on('columnMetadata', () => put('set'));
  request.on('row', (columns) => put('row', ...columns.map((c) => text(c.value, c.metadata))));
}

function makeRequest(sql, done) {
  const request = new Request(sql, done);
  watch(request);
  return request;
}

function query([sql, keep, ...params], done) {
  let n = 0;
  const named = params.length ? sql.replace(/\?/g, () => `@p${++n}`) : sql;
  const values = {};
  const add = (request) => {
    for (let i = 0; i < params.length; i += 2) {
      const [type, value, options] = kindOf(params[i], params[i + 1]);
      values[`p${i / 2 + 1}`] = value;
      request.addParameter(`p${i / 2 + 1}`, type, value, options);
    }
  };
  if (!params.length) return connection.execSqlBatch(makeRequest(sql, done));
  if (keep !== '1') {
    const request = makeRequest(named, done);
    add(request);
    return connection.execSql(request);
  }
  const key = [named, ...params.filter((_, i) => i % 2 === 0)].join(' ');
  if (prepared.has(key)) {
    const entry = prepared.get(key);
    entry.done = done;
    for (let i = 0; i < params.length; i += 2) values[`p${i / 2 + 1}`] = kindOf(params[i], params[i + 1])[1];
    return connection.execute(entry.request, values);
  }
  const entry = { done };
  entry.request = makeRequest(named, (error) => entry.done(error));
  add(entry.request);
  prepared.set(key, entry);
  entry.request.once('prepared', () => connection.execute(entry.request, values));
  return connection.prepare(entry.request);
}

function connect([port, encrypt, userName, password, database], done) {
  const ca = encrypt.startsWith('verify:') ? fs.readFileSync(encrypt.slice('verify:'.length)) : undefined;
  connection = new Connection({
    server: ca ? 'localhost' : '127.0.0.1',
    authentication: { type: 'default', options: { userName, password } },
    options: {
      port: Number(port),
      encrypt: encrypt === 'full' || ca !== undefined,
      trustServerCertificate: ca === undefined,
      cryptoCredentialsDetails: ca ? { ca } : {},
      database: database || undefined,
      connectTimeout: 10000,
      requestTimeout: 0,
    },
  });
  connection.connect(done);
}

const operations = {
  connect,
  query,
  begin: (_, done) => connection.beginTransaction(done),
  commit: (_, done) => connection.commitTransaction(done),
  rollback: (_, done) => connection.rollbackTransaction(done),
  cancel: ([sql, ms], done) => {
    const request = makeRequest(sql, (error) => done(error && error.code === 'ECANCEL' ? undefined : error));
    connection.execSqlBatch(request);
    setTimeout(() => connection.cancel(), Number(ms));
  },
  drain: ([sql], done) => {
    let count = 0;
    const request = new Request(sql, (error) => {
      put('set');
      put('row', String(count));
      done(error);
    });
    request.on('row', () => count++);
    connection.execSqlBatch(request);
  },
  bulk: ([table, ...fields], done) => {
    const load = connection.newBulkLoad(table, {}, done);
    load.addColumn('id', TYPES.Int, { nullable: false });
    load.addColumn('t', TYPES.NVarChar, { length: 100, nullable: true });
    load.addColumn('b', TYPES.VarBinary, { length: 50, nullable: true });
    const rows = [];
    for (let i = 0; i < fields.length; i += 3)
      rows.push([Number(fields[i]), fields[i + 1], fields[i + 2] === null ? null : Buffer.from(fields[i + 2], 'hex')]);
    connection.execBulkLoad(load, rows);
  },
  close: (_, done) => {
    connection.once('end', () => done());
    connection.close();
  },
};

function numberOf(error) {
  if (error.number) return error.number;
  for (const inner of error.errors || []) if (inner.number) return inner.number;
  return error.cause ? numberOf(error.cause) : 0;
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const [word, ...fields] = line.split('\t');
  operations[word](fields.map(decode), (error) => {
    if (error) put('error', String(numberOf(error)), String(error.message));
    put('end');
  });
});
