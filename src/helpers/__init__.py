"""What the notebooks call: small modules, each named after the thing that it handles.

Modules that a notebook imports set `__dir__`, so that completion and `dir()` offer what `__all__` lists, and
not what the module imports itself.
"""
