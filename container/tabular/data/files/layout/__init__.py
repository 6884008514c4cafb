"""Where in a file the table is: lines above its header, lines below it, and rows that are not its own.

People and programs put titles, comments, totals and second headers around a table. They are left out on
evidence alone and never without a note; where there is a doubt, the note says so and the row is kept.

- `headers`: the delimiter and the header. `places` says which of the first lines it is, and where it ends.
- `directives`: the line in which logs name their fields.
- `blanks`: cells that any number of blanks and tabs separate.
- `footers`: lines below the table.
- `other_rows`: rows among its own that are not: repeated headers, `totals`, and `summaries` at the end.
- `lines`: the first lines of a file, and how a note shows lines.
"""
