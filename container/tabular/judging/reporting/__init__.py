"""The evaluation for people to read: `page` (HTML) with `svg` plots, and SageMaker's model `card`."""
