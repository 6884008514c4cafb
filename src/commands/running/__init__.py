"""What `many-models run`, `check` and `stop` do; the modules in reading order.

`planning` makes a plan of notebooks and parameters, or refuses them; `check` only shows it. `perform` carries
it out, one run at a time because of `lock`, and says `advice` at its end. `resuming` is what an earlier run
has left to do. `stop` ends executions that still run.
"""
