const crypto = require('crypto');
const router = require('express').Router();
const pool = require('../database');

router.post('/login', async (request, response) => {
  const { email, password } = request.body;
  if (!email || !password) return response.status(400).json({ error: 'email and password are required' });
  try {
    const digest = crypto.createHash('sha256').update(password).digest('hex');
    const found = await pool.query('SELECT id FROM users WHERE email = $1 AND digest = $2', [email, digest]);
    if (found.rowCount === 0) return response.status(401).json({ error: 'wrong email or password' });
    return response.json({ user: found.rows[0].id });
  } catch (error) {
    return response.status(503).json({ error: error.code || error.message });
  }
});
module.exports = router;
