"""What the notebooks call: a package for each thing that they handle, with small modules.

- `session`, `parameters`: where one works, and with what. `errors`: what a person can fix.
- Notebook 01: `image`. Notebook 02: `pipeline`, and `cost`, of a run and of an endpoint.
- Notebook 03: `data`, and `runs` of the pipelines. Notebooks 04 and 05: `deployment`.
- `monitoring`: the models in service. `plots`, `display`: how all of it looks.
- `run`: the former name of `many-models run`.

Modules that a notebook imports set `__dir__`, so that completion and `dir()` offer what `__all__` lists, and
not what the module imports itself.
"""
