const router = require('express').Router();
const authRoutes = require('./auth');
const marketingApiRoutes = require('./marketing');

router.use('/auth', authRoutes);
router.use('/marketing', marketingApiRoutes);
module.exports = router;
