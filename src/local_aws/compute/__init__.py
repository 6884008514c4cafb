"""Processes in place of containers.

Read `workers` (how commands are started and stopped), `guard` (stops a command when the server ends, and
gives it an /opt/ml), `memory` (how much one had), `preload` (what every fork has loaded), `bytecode` (what is
compiled once for all forks), `container_workers` (containers after all, if LOCAL_AWS_IMAGE names an image)
and `processors` (which one functions share with those who call them).
"""
