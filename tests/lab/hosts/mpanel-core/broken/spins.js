// The first request keeps the event loop for good: connections are accepted, nothing is answered.
module.exports = () => { for (;;); };
