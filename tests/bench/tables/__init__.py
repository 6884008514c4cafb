"""What tables take: `reading` a large one, a `wide` or a long one, and the check of many for `drift`."""
