"""Start it, find it, stop it.

Read `daemon` (from another process), `home` (the folder of its state, and its locks), `server` (the
process).
"""
