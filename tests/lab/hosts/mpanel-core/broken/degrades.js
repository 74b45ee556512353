// Answers health with 200, and says in the body that it is not well.
module.exports = (request, response, next) => {
  if (request.path !== '/api/health') return next();
  return response.json({ status: 'degraded' });
};
