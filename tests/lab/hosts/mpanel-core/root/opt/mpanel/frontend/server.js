// The mPanel frontend of the map: one page for every path, as a single-page application is served.
const express = require('express');

const app = express();
app.get('*', (request, response) => response.sendFile('/opt/mpanel/frontend/index.html'));
app.listen(2272, '0.0.0.0', () => console.log('mpanel-frontend listening on 2272'));
