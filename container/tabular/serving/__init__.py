"""The multi-model server; read `serve`, `server`, `codec`, `rows`, `models` and `memory` in this order."""
