"""How things look in a notebook: tables, cards, pictures, and sentences instead of nothing.

- `frames`: every DataFrame, and the sentence that stands in for an empty one.
- `cards`: objects that a person meets; `pictures`: figures and drawings, with their alternative text.
- `progress`: what is shown live, while something goes on.
- `front_end`: what a notebook, a terminal or a test is sent.

`parameters.check` and `session.connect` switch it on. All other rooms use this one, so it knows none of them,
and it imports pandas, Matplotlib and IPython only where they are used.
"""

from helpers.display.cards import AsCard, Card, Text, card, text
from helpers.display.front_end import say, switch_on
from helpers.display.pictures import picture

__all__ = ["AsCard", "Card", "Text", "card", "picture", "say", "switch_on", "text"]
__dir__ = __all__.copy
