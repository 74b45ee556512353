const router = require('express').Router();

router.post('/checkout-intent', (request, response) => {
  const { planSlug, billingCycle, email } = request.body;
  if (!planSlug || !billingCycle || !email) {
    return response.status(400).json({ error: 'planSlug, billingCycle and email are required' });
  }
  return response.json({ redirect: process.env.MARKETING_TEST_REDIRECT_URL });
});
module.exports = router;
