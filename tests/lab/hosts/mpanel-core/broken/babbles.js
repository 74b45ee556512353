// Answers every request with something that is not HTTP.
module.exports = (request) => request.socket.end('mpanel: segmentation fault (core dumped)\r\n\r\n');
