"""The multi-model server: `serve` starts it; `server`, `codec`, `models`, `memory` answer in this order."""
