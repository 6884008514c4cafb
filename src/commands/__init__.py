"""The command line `many-models`, for people and schedulers; its modules in reading order.

`__main__` lists the commands, and `command_line` says how they are typed and how they end. `running` is about
the notebooks: it checks, runs and stops them. It uses the `notebooks` as files, and what a run tells is in
`reporting`. `monitor` checks the models in service, `score` has one predict a table, and `capacity` says how
many an endpoint holds. `image` builds the container's image. `environment` is for AWS. `install` is what
`make` calls.
"""

from helpers.pipeline import slow_imports

slow_imports.postpone()  # before any of them imports nbformat
