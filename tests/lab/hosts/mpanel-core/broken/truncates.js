// Promises more than it sends, then hangs up.
module.exports = (request, response) => {
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': 1000 });
  response.write('{"status":', () => request.socket.end());
};
