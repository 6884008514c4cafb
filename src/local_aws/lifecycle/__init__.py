"""Starts, finds and stops the server.

Read `daemon` (called from other processes), `home` (the folder with its state and locks) and `server` (the
server process).
"""
