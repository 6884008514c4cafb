"""What a cell means: the same in training and in serving, with the standard library and NumPy alone.

- `cells`: texts, gaps, and yes or no; `names`: the names of columns.
- `numbers`: how they are written, with `number_words`; `composed`: in several parts, such as 1h 30min.
- `dates`: how they are written, with `date_words`; `many_dates`: nearly all of a column at once.
- `finding`: how a column writes its numbers and dates, by the evidence of all its texts.
- `long_numbers`: whole numbers in JSON that are longer than 64 bits.
- `native`: columns of plain numbers, of dates, and of texts that are counted, in C.
"""
