"""Processes in place of containers.

Read `workers` (a command, and how it is started and ended), `guard` (what no command outlives, and its
/opt/ml), `preload` (what forks have imported) and `container_workers` (containers after all, where an
image is named).
"""
