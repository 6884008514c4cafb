/* Split a part of a CSV file into columns of texts, as files.csv_cells otherwise has pyarrow do it.

   read() returns None if the part is not plain: if a cell has the end of a line, if a quote does not surround a
   whole cell, or if a line has another number of cells. The columns are those of Arrow's format: for each, a
   bitmap of the cells that are not empty, where each text ends, and all letters. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define STEP 64         /* bytes that are looked at at a time */
#define SHORT 32        /* bytes of a text that is copied at once */
#define TILE 32         /* columns that are written at a time: more would not stay in a cache */
#define ALIGNMENT 8     /* of each buffer, in bytes */
#define PARTS 5         /* numbers that say where a column is */
#define LONGEST 0x40000000 /* bytes of a part, so that a place fits into 31 bits */

/* Where the buffers of a column are, and what has been written. */
typedef struct {
    uint8_t *valid;
    int32_t *ends;
    char *letters;
    int32_t length;
    Py_ssize_t empty;
} Column;

/* The cells of a part. `row` has the place before the first cell of a row and the end of each cell, as
   `places` has for all rows. `sizes` has the bytes of each column. */
typedef struct {
    uint32_t *row, start, column, n_columns;
    Py_ssize_t *sizes, n_rows;
    int escapes;  /* whether some cells have a double quote in quotes, which is written twice */
    int is_ascii; /* whether no byte is beyond ASCII */
} Cells;

/* Which of the next STEP bytes are delimiters or ends of lines, which are ends of lines, and which are double
   quotes, as bits; and whether any byte is beyond ASCII. */
typedef struct {
    uint64_t ends, lines, quotes;
    int beyond;
} Signs;

static Signs signs_among(const char *text, char delimiter)
{
    Signs found = {0, 0, 0, 0};
#if defined(__SSE2__)
    for (int place = 0; place < STEP; place += 16) {
        const __m128i some = _mm_loadu_si128((const __m128i *)(text + place));
        const __m128i lines = _mm_or_si128(
            _mm_cmpeq_epi8(some, _mm_set1_epi8('\n')), _mm_cmpeq_epi8(some, _mm_set1_epi8('\r')));
        const __m128i ends = _mm_or_si128(lines, _mm_cmpeq_epi8(some, _mm_set1_epi8(delimiter)));
        const __m128i quotes = _mm_cmpeq_epi8(some, _mm_set1_epi8('"'));
        found.ends |= (uint64_t)(uint32_t)_mm_movemask_epi8(ends) << place;
        found.lines |= (uint64_t)(uint32_t)_mm_movemask_epi8(lines) << place;
        found.quotes |= (uint64_t)(uint32_t)_mm_movemask_epi8(quotes) << place;
        found.beyond |= _mm_movemask_epi8(some);
    }
#else
    for (int place = 0; place < STEP; place++) {
        const char c = text[place];
        const uint64_t line = c == '\n' || c == '\r';
        found.lines |= line << place;
        found.ends |= (line | (c == delimiter)) << place;
        found.quotes |= (uint64_t)(c == '"') << place;
        found.beyond |= (unsigned char)c & 0x80;
    }
#endif
    return found;
}

static uint32_t lowest(uint64_t bits)
{
#if defined(__GNUC__)
    return (uint32_t)__builtin_ctzll(bits);
#else
    uint32_t place = 0;
    for (; !(bits & 1); bits >>= 1)
        place++;
    return place;
#endif
}

static Py_ssize_t count_of(uint64_t bits)
{
    bits -= bits >> 1 & 0x5555555555555555ULL;
    bits = (bits & 0x3333333333333333ULL) + (bits >> 2 & 0x3333333333333333ULL);
    return (Py_ssize_t)(((bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0fULL) * 0x0101010101010101ULL >> 56);
}

/* For each bit, whether an odd number of bits are set up to it: those between an opening and a closing quote
   (G. Langdale and D. Lemire, Parsing gigabytes of JSON per second, 2019). */
static uint64_t between(uint64_t quotes)
{
    for (int width = 1; width < STEP; width *= 2)
        quotes ^= quotes << width;
    return quotes;
}

static void begin(Cells *cells, uint32_t *places)
{
    cells->row = places;
    cells->row[0] = (uint32_t)-1; /* before the first byte, and 0 with one added */
    cells->start = cells->column = 0;
    cells->n_rows = cells->escapes = 0;
    cells->is_ascii = 1;
    memset(cells->sizes, 0, cells->n_columns * sizeof(Py_ssize_t));
}

/* End a cell at a delimiter or at the end of a line; return 0 if its line has too many cells or too few.

   Empty lines are no rows, so the two signs of \r\n end only one. */
static inline int end_cell(Cells *cells, uint32_t at, int is_line)
{
    if (is_line && cells->column == 0 && at == cells->start) {
        cells->start = at + 1;
        cells->row[0] = at;
        return 1;
    }
    if ((cells->column + 1 == cells->n_columns) != is_line)
        return 0;
    cells->sizes[cells->column] += at - cells->start;
    cells->row[++cells->column] = at;
    cells->start = at + 1;
    if (is_line) {
        cells->row += cells->n_columns + 1;
        cells->row[0] = at;
        cells->column = 0;
        cells->n_rows++;
    }
    return 1;
}

/* Find the cells of all rows if no cell has a double quote except around it; return 0 if one may have. */
static int find_cells(Cells *cells, const char *text, uint32_t length, char delimiter)
{
    uint64_t inside = 0; /* all bits are set if the bytes begin between two quotes */
    Py_ssize_t quotes = 0, quoted = 0;
    for (uint32_t base = 0; base <= length; base += STEP) {
        Signs signs = signs_among(text + base, delimiter);
        cells->is_ascii &= !signs.beyond;
        if (signs.quotes | inside) {
            quotes += count_of(signs.quotes);
            inside ^= between(signs.quotes);
            if (signs.lines & inside)
                return 0;
            signs.ends &= ~inside;
            inside = 0 - (inside >> (STEP - 1));
        }
        for (uint64_t ends = signs.ends; ends; ends &= ends - 1) {
            const uint32_t bit = lowest(ends), at = base + bit, start = cells->start;
            if (at > length)
                break; /* beyond the part */
            quoted += at - start > 1 && text[start] == '"' && text[at - 1] == '"';
            if (!end_cell(cells, at, (int)(signs.lines >> bit & 1)))
                return 0;
        }
    }
    return quotes == 2 * quoted;
}

/* The same where cells have double quotes inside; return 0 if it is not plain what they mean. */
static int find_cells_with_quotes(Cells *cells, const char *text, uint32_t length, char delimiter)
{
    int inside = 0, was_quoted = 0;
    uint32_t closed = 0; /* the place of the last closing quote */
    for (uint32_t base = 0; base <= length; base += STEP) {
        const Signs signs = signs_among(text + base, delimiter);
        cells->is_ascii &= !signs.beyond;
        for (uint64_t some = signs.ends | signs.quotes; some; some &= some - 1) {
            const uint32_t bit = lowest(some), at = base + bit;
            if (at > length)
                break;
            if (!(signs.quotes >> bit & 1)) {
                const int is_line = (int)(signs.lines >> bit & 1);
                if (inside && is_line)
                    return 0;
                if (inside)
                    continue;
                if ((was_quoted && closed + 1 != at) || !end_cell(cells, at, is_line))
                    return 0;
                was_quoted = 0;
            } else if (at == cells->start)
                inside = was_quoted = 1;
            else if (inside) {
                inside = 0;
                closed = at;
            } else if (was_quoted && closed + 1 == at)
                inside = cells->escapes = 1;
            else if (was_quoted || text[cells->start] == ' ')
                return 0; /* something behind the closing quote, or perhaps a quote after a blank */
        }
    }
    return !inside;
}

/* Copy a text in which a double quote is written twice; return its length. */
static uint32_t copy_unescaped(char *to, const char *from, uint32_t length)
{
    uint32_t copied = 0;
    for (uint32_t at = 0; at < length; at++) {
        to[copied++] = from[at];
        at += from[at] == '"';
    }
    return copied;
}

/* Copy the cells of some columns, without quotes around them and without blanks before them. */
static void copy_cells(const char *text, const uint32_t *places, const Cells *cells, Column *columns,
    uint32_t first, uint32_t last)
{
    for (Py_ssize_t row = 0; row < cells->n_rows; row++, places += cells->n_columns + 1)
        for (uint32_t number = first; number < last; number++) {
            Column *column = columns + number;
            uint32_t at = places[number] + 1, end = places[number + 1];
            const int quoted = at < end && text[at] == '"';
            at += (uint32_t)quoted;
            end -= (uint32_t)quoted;
            while (at < end && text[at] == ' ')
                at++;
            uint32_t length = end - at;
            char *to = column->letters + column->length;
            if (cells->escapes && quoted)
                length = copy_unescaped(to, text + at, length);
            else if (length <= SHORT / 2)
                memcpy(to, text + at, SHORT / 2); /* a known length takes an instruction and no call */
            else if (length <= SHORT)
                memcpy(to, text + at, SHORT);
            else
                memcpy(to, text + at, length);
            column->length += (int32_t)length;
            column->ends[row + 1] = column->length;
            if (length == 0) {
                column->empty++;
                column->valid[row >> 3] &= (uint8_t) ~(1 << (row & 7));
            }
        }
}

static size_t aligned(size_t size) { return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; }

/* The bytes of a column's buffers: the bitmap, the ends, and the letters with room to copy SHORT at a time. */
static size_t of_bitmap(Py_ssize_t n_rows) { return aligned((size_t)(n_rows + 7) / 8); }
static size_t of_ends(Py_ssize_t n_rows) { return aligned(((size_t)n_rows + 1) * sizeof(int32_t)); }
static size_t of_letters(Py_ssize_t size) { return aligned((size_t)size + SHORT); }

/* Write all columns behind each other into `memory`, and into `found` where each one is. */
static void write_columns(
    const char *text, const uint32_t *places, const Cells *cells, Column *columns, char *memory, int64_t *found)
{
    const uint32_t n_columns = cells->n_columns;
    char *at = memory;
    for (uint32_t number = 0; number < n_columns; number++) {
        Column *column = columns + number;
        column->valid = (uint8_t *)at;
        column->ends = (int32_t *)(at + of_bitmap(cells->n_rows));
        column->letters = (char *)column->ends + of_ends(cells->n_rows);
        column->length = 0;
        column->empty = 0;
        column->ends[0] = 0;
        memset(column->valid, 0xff, of_bitmap(cells->n_rows));
        at = column->letters + of_letters(cells->sizes[number]);
    }
    for (uint32_t first = 0; first < n_columns; first += TILE)
        copy_cells(text, places, cells, columns, first, first + TILE < n_columns ? first + TILE : n_columns);
    for (uint32_t number = 0; number < n_columns; number++, found += PARTS) {
        const Column *column = columns + number;
        found[0] = (char *)column->valid - memory;
        found[1] = (char *)column->ends - memory;
        found[2] = column->letters - memory;
        found[3] = column->length;
        found[4] = column->empty;
    }
}

/* The columns of a part as read() returns them; NULL if there is not enough memory. */
static PyObject *as_columns(const char *text, const uint32_t *places, const Cells *cells, Column *columns)
{
    size_t needed = 0;
    for (uint32_t number = 0; number < cells->n_columns; number++)
        needed += of_bitmap(cells->n_rows) + of_ends(cells->n_rows) + of_letters(cells->sizes[number]);
    PyObject *memory = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)needed);
    PyObject *found =
        PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(cells->n_columns * PARTS * sizeof(int64_t)));
    PyObject *result = NULL;
    if (memory != NULL && found != NULL) {
        char *into = PyBytes_AS_STRING(memory);
        int64_t *where = (int64_t *)PyBytes_AS_STRING(found);
        Py_BEGIN_ALLOW_THREADS
        write_columns(text, places, cells, columns, into, where);
        Py_END_ALLOW_THREADS
        result = Py_BuildValue("nOOO", cells->n_rows, memory, found, cells->is_ascii ? Py_True : Py_False);
    }
    Py_XDECREF(memory);
    Py_XDECREF(found);
    return result;
}

PyDoc_STRVAR(read_doc,
    "read(part, length, delimiter, n_columns, places)\n\n"
    "The cells in the first `length` bytes of `part`, which are whole lines of a CSV; behind them, there must\n"
    "be room for 65 bytes, which are overwritten. `places` is memory of 8 * (length + 2) + 4 * n_columns bytes.\n"
    "Returns (n_rows, memory, found, is_ascii): `found` has five int64 for each column: where in `memory` its\n"
    "bitmap, its ends and its letters begin, how many letters there are, and how many cells are empty. None if\n"
    "a line has other than `n_columns` cells, a cell in quotes has the end of a line, or a quote stands behind\n"
    "a blank or in front of anything else than the end of its cell.");

static PyObject *read_part(PyObject *self, PyObject *args)
{
    Py_buffer part, memory;
    Py_ssize_t length, n_columns;
    char delimiter;
    if (!PyArg_ParseTuple(args, "w*ncnw*", &part, &length, &delimiter, &n_columns, &memory))
        return NULL;
    PyObject *result = NULL;
    uint32_t *places = memory.buf;
    Cells cells = {0};
    Column *columns = NULL;
    if (length < 0 || n_columns < 1 || part.len < length + STEP + 1 || length > LONGEST
        || n_columns > LONGEST)
        PyErr_SetString(PyExc_ValueError, "There must be a column, and room behind the lines, of a GiB at most.");
    else if ((size_t)memory.len < (((size_t)length + 2) * 2 + (size_t)n_columns) * sizeof(uint32_t))
        /* Each cell takes a byte at least, that of its end; each row has one place more than cells. */
        PyErr_SetString(PyExc_ValueError, "There is not enough memory for the places of the cells.");
    else {
        cells.sizes = malloc((size_t)n_columns * sizeof(Py_ssize_t));
        columns = malloc((size_t)n_columns * sizeof(Column));
        if (cells.sizes == NULL || columns == NULL)
            PyErr_NoMemory();
        else {
            char *text = part.buf;
            int are_plain;
            cells.n_columns = (uint32_t)n_columns;
            Py_BEGIN_ALLOW_THREADS
            memset(text + length, 0, STEP + 1);
            if (length && text[length - 1] != '\n' && text[length - 1] != '\r')
                text[length] = '\n';
            begin(&cells, places);
            are_plain = find_cells(&cells, text, (uint32_t)length, delimiter);
            if (!are_plain) {
                begin(&cells, places);
                are_plain = find_cells_with_quotes(&cells, text, (uint32_t)length, delimiter);
            }
            Py_END_ALLOW_THREADS
            result = are_plain ? as_columns(text, places, &cells, columns) : Py_NewRef(Py_None);
        }
    }
    free(cells.sizes);
    free(columns);
    PyBuffer_Release(&part);
    PyBuffer_Release(&memory);
    return result;
}

static PyMethodDef functions[] = {
    {"read", read_part, METH_VARARGS, read_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "tabular.data.files.native.csv_columns", "Cells of CSV in C; see files.csv_cells.", -1,
    functions,
};

PyMODINIT_FUNC PyInit_csv_columns(void) { return PyModule_Create(&module); }
