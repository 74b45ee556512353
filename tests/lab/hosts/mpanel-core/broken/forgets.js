// A build without the health route.
module.exports = (request, response, next) => {
  if (request.path !== '/api/health') return next();
  return response.status(404).json({ error: 'not found' });
};
