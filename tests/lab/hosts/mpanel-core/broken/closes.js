// Takes every request and hangs up without a word.
module.exports = (request) => request.socket.destroy();
