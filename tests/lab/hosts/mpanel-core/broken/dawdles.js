// Answers health, right and late.
module.exports = (request, response, next) => {
  if (request.path !== '/api/health') return next();
  return setTimeout(next, 3000);
};
