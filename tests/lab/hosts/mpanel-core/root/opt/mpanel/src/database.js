// One small pool: db-core gives us few connections, and a health check may not wait for a hung server.
const { readFileSync } = require('node:fs');
const { parse } = require('dotenv');
const { Pool } = require('pg');

const url = new URL(process.env.DATABASE_URL);
const pool = new Pool({
  host: url.hostname,
  port: Number(url.port),
  user: url.username,
  database: url.pathname.slice(1),
  // Read for each new session: the password may be changed with no outage.
  password: () => new URL(parse(readFileSync('/opt/mpanel/.env')).DATABASE_URL).password,
  max: 4,
  connectionTimeoutMillis: 3500,
  query_timeout: 1500,
  idleTimeoutMillis: 10000,
});
// The server closing an idle connection is news, not a reason to die.
pool.on('error', (error) => console.error(`database: ${error.message}`));
module.exports = pool;
