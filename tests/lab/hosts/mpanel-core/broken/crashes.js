// Comes up, serves for a while, and dies: PM2 starts it again and again.
setTimeout(() => { throw new Error('out of luck'); }, 1500);
module.exports = (request, response, next) => next();
