// Keeps 300 MiB for itself, and answers as ever.
const hoard = Buffer.alloc(300 * 2 ** 20, 1);
module.exports = (request, response, next) => hoard.length && next();
