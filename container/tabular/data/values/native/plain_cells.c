/* Read a column of plain numbers in one call, or of those with groups of digits, which decisions.many.plain_cells
   and decisions.many.numbers otherwise do by several of pyarrow.

   read() returns None if a cell is written in any other way (with an exponent, a plus sign, a blank, too many
   digits, ...), and pyarrow then reads the column or finds that it is not one of numbers. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "chunks.h"

#define EXACT 9007199254740992ULL /* 2^53: a double represents every integer up to here */
#define MOST_DIGITS 18            /* which never overflow 64 bits */
#define SURE_DIGITS 15            /* different numbers of so many digits are different doubles */

/* Powers of ten that a double represents exactly: one division by them rounds correctly
   (W. D. Clinger, How to read floating point numbers accurately, 1990). */
static const double POWERS[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13,
    1e14, 1e15, 1e16, 1e17, 1e18};

static const double SIGNS[] = {1.0, -1.0};

/* What is known about the cells that were read. */
typedef struct {
    Py_ssize_t filled, shortest, longest;
    double least, greatest;
    Py_ssize_t lows, highs; /* how often these two occur */
    Py_ssize_t code; /* the first number with leading zeros, -1 if there is none */
    int points;      /* whether some have a decimal point */
    int spellings;   /* whether a number may be written in several ways: 1.1 and 1.10 */
} Found;

static int is_digit(char c) { return c >= '0' && c <= '9'; }

/* Note a number, of which `*start` is the first digit, `count` are those before the point and `digits` all as one
   number; return 0 if a double does not hold it. */
static inline int note(const char *start, Py_ssize_t count, Py_ssize_t decimals, int negative, uint64_t digits,
    double *number, Py_ssize_t row, Found *found)
{
    if (digits > EXACT)
        return 0;
    const double size = (double)(int64_t)digits / POWERS[decimals]; /* which a signed number becomes sooner */
    const int zero_before = count > 1 && *start == '0';
    const Py_ssize_t length = negative + count + (decimals > 0) + decimals;
    found->points |= decimals > 0;
    found->spellings |= zero_before | (count + decimals > SURE_DIGITS);
    if (zero_before && found->code < 0 && (size >= 1 || digits == 0))
        found->code = row;
    const double one = size * SIGNS[negative];
    *number = one;
    found->lows = one < found->least ? 1 : found->lows + (one == found->least);
    found->highs = one > found->greatest ? 1 : found->highs + (one == found->greatest);
    found->least = one < found->least ? one : found->least;
    found->greatest = one > found->greatest ? one : found->greatest;
    found->filled++;
    found->shortest = length < found->shortest ? length : found->shortest;
    found->longest = length > found->longest ? length : found->longest;
    return 1;
}

/* Read the number from `at` to `end` digit by digit; return 0 if it is not plain. */
static int read_digits(const char *at, const char *end, double *number, Py_ssize_t row, Found *found)
{
    const Py_ssize_t length = end - at;
    const int negative = at < end && *at == '-';
    uint64_t digits = 0;
    at += negative;
    const char *start = at;
    for (; at < end && is_digit(*at); at++)
        digits = digits * 10 + (uint64_t)(*at - '0');
    Py_ssize_t count = at - start, decimals = 0;
    if (count == 0 || length > MOST_DIGITS + 2)
        return 0;
    if (at < end && *at == '.') {
        const char *point = at++;
        for (; at < end && is_digit(*at); at++)
            digits = digits * 10 + (uint64_t)(*at - '0');
        decimals = at - point - 1;
        if (decimals == 0)
            return 0;
        found->spellings |= at[-1] == '0';
    }
    if (at != end || count + decimals > MOST_DIGITS)
        return 0;
    return note(start, count, decimals, negative, digits, number, row, found);
}

#if defined(__GNUC__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define WORD 8                     /* bytes that are looked at at a time */
#define EACH 0x0101010101010101ULL /* a byte, times which a number is in each byte of a word */
#define UPPER (EACH * 0x80)        /* the upper bit of each byte */

/* The number that eight digits are, of which the lowest byte has the first: pairs of them, pairs of these, and the
   two halves are put together (D. Lemire, Number parsing at a gigabyte per second, 2021). */
static inline uint64_t number_of(uint64_t digits)
{
    digits = digits * 10 + (digits >> 8);
    const uint64_t pairs = 0x000000ff000000ffULL;
    return ((digits & pairs) * 0x000f424000000064ULL + (digits >> 16 & pairs) * 0x0000271000000001ULL) >> 32;
}

/* For each byte of a word of digits, a bit where it is none. */
static inline uint64_t no_digits(uint64_t digits)
{
    /* A byte of up to 9 has no upper bit, nor has it with so much added. */
    return (digits | ((digits & EACH * 0x7f) + EACH * (0x7f - 9))) & UPPER;
}

/* Read a number of up to sixteen signs behind its minus, eight bytes at once; there are so many bytes in front of
   `end`, and those before `at` are not looked at. Return 0 if it is not plain. */
static inline int read_words(
    const char *at, const char *end, int negative, double *number, Py_ssize_t row, Found *found)
{
    const int length = (int)(end - at), is_long = length > WORD;
    uint64_t last, first = 0;
    memcpy(&last, end - WORD, WORD);
    last ^= EACH * '0';
    if (is_long) {
        const int others = 8 * (2 * WORD - length); /* bits of what stands before */
        memcpy(&first, end - 2 * WORD, WORD);
        first = (first ^ EACH * '0') >> others << others;
    } else {
        const int others = 8 * (WORD - length);
        last = last >> others << others;
    }
    int decimals = 0;
    const uint64_t in_last = no_digits(last), in_first = is_long ? no_digits(first) : 0;
    if (in_last | in_first) {
        uint64_t *word = in_last ? &last : &first;
        const uint64_t wrong = in_last ? in_last : in_first;
        const int bits = __builtin_ctzll(wrong) - 7; /* below the byte */
        decimals = (in_last ? WORD : 2 * WORD) - 1 - bits / 8;
        if ((wrong & (wrong - 1)) || (in_last && in_first) || (*word >> bits & 0xff) != ('.' ^ '0') || decimals == 0
            || decimals == length - 1)
            return 0;
        const uint64_t below = ((uint64_t)1 << bits) - 1;
        *word = (*word & below) << 8 | (*word & ~(below << 8 | 0xff));
        if (in_last) {
            last |= first >> 56;
            first <<= 8;
        }
        found->spellings |= end[-1] == '0';
    }
    const uint64_t digits = number_of(last) + (is_long ? number_of(first) * 100000000 : 0);
    return note(at, length - (decimals > 0) - decimals, decimals, negative, digits, number, row, found);
}
#endif

/* Read all texts of a chunk, whose rows are counted from `start`; return 0 if one is not a plain number. */
static int read_chunk(const Chunk *chunk, double *numbers, Py_ssize_t start, Found *result)
{
    const int32_t *ends = (const int32_t *)chunk->ends.buf + chunk->first;
    const char *letters = chunk->letters.buf;
    Found found = *result; /* which stays in registers */
    for (Py_ssize_t row = 0; row < chunk->n_rows; row++) {
        if (is_missing(chunk, row)) {
            numbers[row] = NAN;
            continue;
        }
        const char *at = letters + ends[row], *end = letters + ends[row + 1];
        int is_plain;
#if defined(WORD)
        const int negative = at < end && *at == '-';
        const Py_ssize_t length = end - at - negative;
        if (length > 0 && length <= 2 * WORD && ends[row + 1] >= 2 * WORD)
            is_plain = read_words(at + negative, end, negative, numbers + row, start + row, &found);
        else
#endif
            is_plain = read_digits(at, end, numbers + row, start + row, &found);
        if (!is_plain)
            return 0;
    }
    *result = found;
    return 1;
}

static int read_all(const Column *column, double *numbers, Found *found)
{
    Py_ssize_t start = 0;
    for (Py_ssize_t number = 0; number < column->n_chunks; start += column->chunks[number++].n_rows)
        if (!read_chunk(column->chunks + number, numbers + start, start, found))
            return 0;
    return 1;
}

PyDoc_STRVAR(read_doc,
    "read(chunks, numbers)\n\n"
    "Fill `numbers` (n_rows,), float64, with those of the texts of some Arrow arrays of strings, NaN if one is\n"
    "missing. Each array is given as (valid, ends, letters, first, n_rows): its buffers, where in them it begins,\n"
    "and how many rows it has. Returns (filled, points, spellings, code, shortest, longest, least, greatest, lows,\n"
    "highs): the count of numbers, whether some have a decimal point, whether a number may be written in several\n"
    "ways, the first row of a number with leading zeros (-1: none), how long the texts are, the least and the\n"
    "greatest number, and how often these two occur. None if a text is not a plain number.");

static PyObject *read_cells(PyObject *self, PyObject *args)
{
    PyObject *chunks, *result = NULL;
    Py_buffer numbers;
    Column column;
    if (!PyArg_ParseTuple(args, "Ow*", &chunks, &numbers))
        return NULL;
    if (read_column(chunks, &column)) {
        Found found = {0, PY_SSIZE_T_MAX, 0, INFINITY, -INFINITY, 0, 0, -1, 0, 0};
        if (numbers.len != column.n_rows * (Py_ssize_t)sizeof(double))
            PyErr_SetString(PyExc_ValueError, "There is not a number for each row.");
        else {
            int are_plain;
            Py_BEGIN_ALLOW_THREADS
            are_plain = read_all(&column, numbers.buf, &found);
            Py_END_ALLOW_THREADS
            result = are_plain ? Py_BuildValue("nOOnnnddnn", found.filled, found.points ? Py_True : Py_False,
                                     found.spellings ? Py_True : Py_False, found.code, found.shortest,
                                     found.longest, found.least, found.greatest, found.lows, found.highs)
                               : Py_NewRef(Py_None);
        }
        release_column(&column);
    }
    PyBuffer_Release(&numbers);
    return result;
}

/* Read a number such as 1,234.5, or 1234.5, whose groups a sign separates ('\0': none does), from `at` to `end`.

   Returns 1, 0 if it is written in any other way, and -1 if it has too many digits. As in decisions.many.numbers,
   groups of two digits, which are written in India, stand only between commas. */
static int read_grouped(const char *at, const char *end, char decimal, char thousands, double *number)
{
    const int negative = at < end && *at == '-';
    at += at < end && (*at == '-' || *at == '+');
    const char *start = at;
    uint64_t digits = 0;
    for (; at < end && is_digit(*at); at++)
        digits = digits * 10 + (uint64_t)(*at - '0');
    Py_ssize_t count = at - start, decimals = 0;
    if (count == 0 || (*start == '0' && count > 1))
        return 0;
    if (count > MOST_DIGITS)
        return -1;
    if (at < end && thousands != '\0' && *at == thousands) {
        Py_ssize_t group = 0;
        if (count > 3 || *start == '0')
            return 0;
        while (at < end && *at == thousands) {
            const char *sign = at++;
            if (group == 2 && thousands != ',')
                return 0;
            for (; at < end && is_digit(*at); at++)
                digits = digits * 10 + (uint64_t)(*at - '0');
            group = at - sign - 1;
            if (group < 2 || group > 3)
                return 0;
            if ((count += group) > MOST_DIGITS)
                return -1;
        }
        if (group != 3)
            return 0;
    }
    if (at < end && *at == decimal) {
        const char *point = at++;
        for (; at < end && is_digit(*at); at++)
            digits = digits * 10 + (uint64_t)(*at - '0');
        decimals = at - point - 1;
    }
    if (at != end)
        return 0;
    if (count + decimals > MOST_DIGITS || digits > EXACT)
        return -1;
    *number = (double)digits / POWERS[decimals];
    if (negative)
        *number = -*number;
    return 1;
}

/* Read all texts of a chunk, and whether each is written like this; return 0 if a number has too many digits. */
static int read_grouped_chunk(const Chunk *chunk, char decimal, char thousands, double *numbers, uint8_t *alike)
{
    const int32_t *ends = (const int32_t *)chunk->ends.buf + chunk->first;
    const char *letters = chunk->letters.buf;
    for (Py_ssize_t row = 0; row < chunk->n_rows; row++) {
        numbers[row] = NAN;
        const int found = is_missing(chunk, row)
            ? 0
            : read_grouped(letters + ends[row], letters + ends[row + 1], decimal, thousands, numbers + row);
        if (found < 0)
            return 0;
        alike[row] = found > 0;
    }
    return 1;
}

PyDoc_STRVAR(grouped_doc,
    "grouped(chunks, decimal, thousands, numbers, alike)\n\n"
    "Fill `numbers` (n_rows,), float64, with those of the texts of some Arrow arrays, given as in `read`, and\n"
    "`alike` (n_rows,), bytes, with whether each is written like 1,234.5 with these signs; NaN and 0 if it is not,\n"
    "or is missing. `thousands` is zero if there are no groups. Returns False if a number has too many digits.");

static PyObject *grouped(PyObject *self, PyObject *args)
{
    PyObject *chunks, *result = NULL;
    Py_buffer numbers, alike;
    Column column;
    char decimal, thousands;
    if (!PyArg_ParseTuple(args, "Occw*w*", &chunks, &decimal, &thousands, &numbers, &alike))
        return NULL;
    if (read_column(chunks, &column)) {
        if (alike.len != column.n_rows || numbers.len != column.n_rows * (Py_ssize_t)sizeof(double))
            PyErr_SetString(PyExc_ValueError, "There is not a number for each row.");
        else {
            double *into = numbers.buf;
            uint8_t *are_alike = alike.buf;
            int are_short = 1;
            Py_BEGIN_ALLOW_THREADS
            for (Py_ssize_t number = 0; number < column.n_chunks && are_short; number++) {
                const Chunk *chunk = column.chunks + number;
                are_short = read_grouped_chunk(chunk, decimal, thousands, into, are_alike);
                into += chunk->n_rows;
                are_alike += chunk->n_rows;
            }
            Py_END_ALLOW_THREADS
            result = PyBool_FromLong(are_short);
        }
        release_column(&column);
    }
    PyBuffer_Release(&numbers);
    PyBuffer_Release(&alike);
    return result;
}

static PyMethodDef functions[] = {
    {"read", read_cells, METH_VARARGS, read_doc},
    {"grouped", grouped, METH_VARARGS, grouped_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "tabular.data.values.native.plain_cells", "Plain numbers in C; see decisions.many.plain_cells.", -1,
    functions,
};

PyMODINIT_FUNC PyInit_plain_cells(void) { return PyModule_Create(&module); }
