"""What the texts of a category look like besides levels, said as a doubt.

`doubts` is the way in. It asks `forms` whether all texts are written in one form, such as versions or ranges,
and `like_numbers` whether many of them look like numbers, dates or times. `matching` tries patterns on many
texts at once.
"""
