"""How the URL behaves: one request, one cell changed, a load, calls after an unload."""
