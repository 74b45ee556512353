// Begins its answer at once and never comes to its end.
module.exports = (request, response) => {
  response.writeHead(200, { 'Content-Type': 'application/json' });
  const drip = setInterval(() => response.write(' '), 500);
  request.socket.on('close', () => clearInterval(drip));
};
