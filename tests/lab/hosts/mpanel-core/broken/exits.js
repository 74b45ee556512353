// Does not come up: PM2 gives up after a few tries.
process.exit(1);
