"""What a run tells, while it goes on and afterwards; its modules in reading order.

`recording` keeps the run's summary, and with it the `page`, and `room` on the disk for the end. When the run
ends, `notification` tells it by the `channels` that NOTIFY may name, as `drift` does of a check. `sentences`
are what all of them say.
`history` lists and removes runs. `status` is about all models, not about a run; `templates` are those of
both pages. `evidently` has Evidently make a page about one model.
"""
