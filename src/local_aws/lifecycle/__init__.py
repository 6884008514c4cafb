"""Start, find and stop it: `daemon`, `home` (the folder of its state), `server`."""
