// Takes every request and resets the connection.
module.exports = (request) => request.socket.resetAndDestroy();
