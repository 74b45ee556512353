// One small pool: db-core gives us few connections, and a health check may not wait for a hung server.
const { Pool } = require('pg');

const pool = new Pool({
  connectionString: process.env.DATABASE_URL,
  max: 4,
  connectionTimeoutMillis: 3500,
  query_timeout: 1500,
  idleTimeoutMillis: 10000,
});
// The server closing an idle connection is news, not a reason to die.
pool.on('error', (error) => console.error(`database: ${error.message}`));
module.exports = pool;
