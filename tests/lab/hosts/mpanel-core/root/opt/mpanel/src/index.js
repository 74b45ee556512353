// The mPanel backend of the map: Express on PORT, Postgres on db-core behind it.
require('dotenv').config({ path: '/opt/mpanel/.env' });
const express = require('express');
const cors = require('cors');
const pool = require('./database');
const routes = require('./routes');
const middleware = require('./middleware');

const app = express();
app.use(middleware);
app.use(cors({ origin: process.env.CORS_ORIGIN.split(','), methods: ['GET', 'POST'], allowedHeaders: ['Content-Type', 'x-api-key'] }));
app.use(express.json());

app.get('/api/health', async (request, response) => {
  try {
    await pool.query('SELECT 1');
    response.json({ status: 'healthy' });
  } catch (error) {
    response.status(503).json({ status: 'unhealthy', database: error.code || error.message });
  }
});
app.use('/api', routes);
app.all('/graphql', (request, response) => response.json({ data: { __typename: 'Query' } }));
app.use((request, response) => response.status(404).json({ error: 'not found' }));

const server = app.listen(Number(process.env.PORT), process.env.HOST, () =>
  console.log(`mpanel-backend listening on ${process.env.HOST}:${process.env.PORT}`));
// Without a listener there is no backend: PM2 must see it die.
server.on('error', (error) => { console.error(error); process.exit(1); });
