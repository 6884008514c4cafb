"""How commands are typed, and how they end; `commands.__main__` lists them.

`notebooks`, `models`, `environment` and `local_aws` define them, `options` what several of them accept, and
`endings` turns an exception into a sentence and an exit code.
"""
