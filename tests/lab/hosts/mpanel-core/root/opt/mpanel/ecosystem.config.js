// What PM2 runs on mpanel-core: the two processes of the map, named as the map's commands name them.
module.exports = {
  apps: [
    { name: 'mpanel-backend', cwd: '/opt/mpanel', script: 'src/index.js', max_restarts: 5 },
    { name: 'mpanel-frontend', cwd: '/opt/mpanel/frontend', script: 'server.js', max_restarts: 5 },
  ],
};
