"""What somebody gives: parameters and the files with them.

`table` says which parameters there are and what is allowed; `strict_yaml` reads the files. `redaction`
leaves out of addresses what lets others in.
"""

from helpers.parameters.table import BUILDERS, OF_THE_RUN, PARAMETERS, check, parse, read, readable

__all__ = ["BUILDERS", "OF_THE_RUN", "PARAMETERS", "check", "parse", "read", "readable"]
__dir__ = __all__.copy
