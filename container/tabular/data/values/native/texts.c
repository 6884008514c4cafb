/* What takes one pass over the texts of a column: which are dates in a layout, which may look like numbers, and a
   hash of each, as of each number of a column of numbers.

   values.many_dates does the first with NumPy where this was not compiled, decisions.looks has pyarrow match all
   its patterns, and data.cleaning compares texts with pandas instead of their hashes. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdint.h>

#include "chunks.h"
#include "hashes.h"

#define LONGEST 64 /* bytes of a date */
#define STEP 7     /* bytes from a word of eight to the next, which begins with the last one of it */
#define WORDS ((LONGEST - 2) / STEP + 1)
#define EACH 0x0101010101010101ULL /* a byte, times which a number is in each byte of a word */
#define UPPER (EACH * 0x80)        /* the upper bit of each byte */
#define MOST_WAYS 64
#define MOST_PARTS 32
#define FIRST_YEAR 1700
#define LAST_YEAR 2200

/* A part of a layout: digits or a word. */
typedef struct {
    uint8_t kind, start, width;
} Part;

/* A way to write dates: how long a text is, its parts, of which the first `letters` are words, and what its bytes
   are, in words of eight: those that are signs, with the signs themselves, and those that are digits.

   `above` and `below` are bounds of the numbers of two digits, for the byte of the first digit: what makes the upper
   bit of a greater one 1, and the least one. If `is_bounded`, dates whose numbers are all within them exist. */
typedef struct {
    uint8_t length, words, count, letters, is_bounded;
    Part parts[MOST_PARTS];
    uint64_t are_signs[WORDS], signs[WORDS], are_digits[WORDS], above[WORDS], below[WORDS];
} Way;

/* For each byte, the next one of the text. */
static inline uint64_t next_bytes(uint64_t bytes)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return bytes << 8;
#else
    return bytes >> 8;
#endif
}

/* The three letters of each month as a number, and the month that each remainder of it by 34 may be. */
#define LETTERS(a, b, c) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16)
#define REMAINDERS 34
static const uint32_t MONTHS[13] = {
    0, LETTERS('j', 'a', 'n'), LETTERS('f', 'e', 'b'), LETTERS('m', 'a', 'r'), LETTERS('a', 'p', 'r'),
    LETTERS('m', 'a', 'y'), LETTERS('j', 'u', 'n'), LETTERS('j', 'u', 'l'), LETTERS('a', 'u', 'g'),
    LETTERS('s', 'e', 'p'), LETTERS('o', 'c', 't'), LETTERS('n', 'o', 'v'), LETTERS('d', 'e', 'c'),
};
static const uint8_t MONTH_OF[REMAINDERS] = {
    [24] = 1, [12] = 2, [31] = 3, [17] = 4, [21] = 5, [10] = 6, [8] = 7, [11] = 8, [5] = 9, [3] = 10, [16] = 11, [28] = 12,
};

/* Read digits, of which all are known to be some. */
static inline int number_of(const char *at, int width)
{
    int number = 0;
    for (int place = 0; place < width; place++)
        number = number * 10 + (at[place] - '0');
    return number;
}

static inline int two_digits(const char *at) { return (at[0] - '0') * 10 + at[1] - '0'; }

static int month_of(const char *at)
{
    const unsigned char *letters = (const unsigned char *)at;
    const uint32_t word = LETTERS(letters[0], letters[1], letters[2]) | LETTERS(0x20, 0x20, 0x20);
    const int month = MONTH_OF[word % REMAINDERS];
    return word == MONTHS[month] ? month : -1;
}

static int days_of(int year, int month)
{
    if (month == 2)
        return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/* Whether the signs and the digits of a text are where they are in this way; 2 if its numbers are also within the
   bounds, which most are. */
static inline int has_form(const char *text, const Way *way)
{
    uint64_t wrong = 0, beyond = 0;
    for (int word = 0; word < way->words; word++) {
        const uint64_t bytes = eight_bytes(text + word * STEP), digits = bytes ^ EACH * '0';
        wrong |= (bytes ^ way->signs[word]) & way->are_signs[word];
        /* A byte of up to 9 has no upper bit, nor has it with so much added. */
        wrong |= (digits | ((digits & EACH * 0x7f) + EACH * (0x7f - 9))) & UPPER & way->are_digits[word];
        const uint64_t alone = digits & way->are_digits[word], numbers = alone * 10 + next_bytes(alone);
        beyond |= (numbers + way->above[word]) | ~((numbers | UPPER) - way->below[word]);
    }
    return wrong ? 0 : (beyond & UPPER) || !way->is_bounded ? 1 : 2;
}

/* Whether a word stands where one of this way does. */
static inline int is_word(const char *at, uint8_t kind)
{
    return kind == 'b' ? month_of(at) > 0
                       : ((at[0] | 0x20) == 'a' || (at[0] | 0x20) == 'p') && (at[1] | 0x20) == 'm';
}

/* Whether a text, behind which other bytes can be read, is a date that is written in this way. */
static inline int is_date(const char *text, const Way *way)
{
    int year = 1970, month = 1, day = 1;
    const int form = has_form(text, way);
    if (form == 0)
        return 0;
    for (int number = 0; number < way->letters; number++) {
        const Part part = way->parts[number];
        if (!is_word(text + part.start, part.kind))
            return 0;
        if (part.kind == 'b')
            month = month_of(text + part.start);
    }
    if (form == 2)
        return 1;
    for (int number = way->letters; number < way->count; number++) {
        const Part part = way->parts[number];
        const char *at = text + part.start;
        const int read = part.width == 2 ? two_digits(at) : number_of(at, part.width);
        switch (part.kind) {
        case 'Y':
            year = read;
            break;
        case 'y': /* by POSIX */
            year = read + (read < 69 ? 2000 : 1900);
            break;
        case 'm':
            month = read;
            break;
        case 'd':
            day = read;
            break;
        case 'H':
            if (read > 23)
                return 0;
            break;
        case 'I':
            if (read < 1 || read > 12)
                return 0;
            break;
        case 'M':
        case 'S':
            if (read > 59)
                return 0;
            break;
        default: /* fractions of a second */
            break;
        }
    }
    return year >= FIRST_YEAR && year <= LAST_YEAR && month >= 1 && month <= 12 && day >= 1
        && (day <= 28 || day <= days_of(year, month));
}

/* Set the byte of a text in words of eight bytes, in the one that also has the next byte. */
static void set_byte(const Way *way, uint64_t *words, int place, int byte)
{
    const int word = place / STEP < way->words ? place / STEP : way->words - 1;
    ((uint8_t *)(words + word))[place - word * STEP] = (uint8_t)byte;
}

/* Note that the byte of a text is a digit, in both words that have it. */
static void set_digit(Way *way, int place)
{
    set_byte(way, way->are_digits, place, 0xff);
    if (place > 0)
        ((uint8_t *)(way->are_digits + (place - 1) / STEP))[(place - 1) % STEP + 1] = 0xff;
}

/* Note within which bounds a number is that is surely right: of centuries, for years, and of days, those that each
   month has. Return 0 if there is no word that tells, because it does not have two digits. */
static int set_bounds(Way *way, Part part)
{
    int least = 0, most = 99;
    switch (part.kind) {
    case 'Y':
        least = FIRST_YEAR / 100;
        most = LAST_YEAR / 100 - 1;
        break;
    case 'm': case 'I':
        least = 1;
        most = 12;
        break;
    case 'd':
        least = 1;
        most = 28;
        break;
    case 'H':
        most = 23;
        break;
    case 'M': case 'S':
        most = 59;
        break;
    default:
        return 1;
    }
    set_byte(way, way->above, part.start, 0x7f - most);
    set_byte(way, way->below, part.start, least);
    return part.width == (part.kind == 'Y' ? 4 : 2);
}

/* Read the layouts: for each, its length, the count of its parts, and the parts. The kind of a sign is 0, and
   its width the sign itself. Return how many there are, -1 if they are damaged. */
static int read_ways(const uint8_t *given, Py_ssize_t size, Way *ways)
{
    int count = 0;
    for (Py_ssize_t at = 0; at < size; count++) {
        if (count == MOST_WAYS || at + 2 > size || given[at] > LONGEST || given[at + 1] > MOST_PARTS)
            return -1;
        Way *way = ways + count;
        memset(way, 0, sizeof(Way));
        way->length = given[at];
        way->words = (uint8_t)((way->length - 2) / STEP + 1);
        way->is_bounded = 1;
        const int n_parts = given[at + 1];
        at += 2;
        if (at + n_parts * 3 > size)
            return -1;
        for (int number = 0; number < n_parts; number++, at += 3) {
            const Part part = {given[at], given[at + 1], given[at + 2]};
            const int width = part.kind == 0 ? 1 : part.kind == 'b' ? 3 : part.kind == 'p' ? 2 : part.width;
            if (part.start + width > way->length || width > 9)
                return -1;
            if (part.kind == 0) {
                set_byte(way, way->are_signs, part.start, 0xff);
                set_byte(way, way->signs, part.start, part.width);
                continue;
            }
            const int is_letters = part.kind == 'b' || part.kind == 'p';
            for (int place = part.start; !is_letters && place < part.start + width; place++)
                set_digit(way, place);
            way->is_bounded &= (uint8_t)set_bounds(way, part);
            way->parts[way->count] = part;
            if (is_letters) {
                way->parts[way->count] = way->parts[way->letters];
                way->parts[way->letters++] = part;
            }
            way->count++;
        }
    }
    return count;
}

/* Find the dates among the texts of a chunk. */
static void find_dates(const Chunk *chunk, const Way *ways, int count, uint8_t *found)
{
    const int32_t *ends = (const int32_t *)chunk->ends.buf + chunk->first;
    const char *letters = chunk->letters.buf, *end = letters + chunk->letters.len;
    char last[LONGEST + 8] = {0}; /* a text behind which there may be nothing to read */
    for (Py_ssize_t row = 0; row < chunk->n_rows; row++) {
        const int32_t length = ends[row + 1] - ends[row];
        const char *text = letters + ends[row];
        if (end - text < LONGEST && length <= LONGEST)
            text = memcpy(last, text, (size_t)length);
        found[row] = 0;
        for (int number = 0; number < count && !found[row]; number++)
            found[row] = length == ways[number].length && is_date(text, ways + number);
    }
}

PyDoc_STRVAR(dates_doc,
    "dates(chunks, layouts, found)\n\n"
    "Fill `found` (n_rows,), bytes, with whether each text of some Arrow arrays of strings is a date in one of the\n"
    "layouts. Each array is given as (valid, ends, letters, first, n_rows): its buffers, where in them it begins,\n"
    "and how many rows it has. Each layout is a number of bytes: how long it is, how many parts it has, and for\n"
    "each of them its letter in a format, its start and its width; the letter of a sign is 0, and its width the\n"
    "sign.");

static PyObject *dates(PyObject *self, PyObject *args)
{
    PyObject *chunks, *result = NULL;
    Py_buffer layouts, found;
    Column column;
    if (!PyArg_ParseTuple(args, "Oy*w*", &chunks, &layouts, &found))
        return NULL;
    if (read_column(chunks, &column)) {
        Way ways[MOST_WAYS];
        const int count = read_ways(layouts.buf, layouts.len, ways);
        if (count < 0)
            PyErr_SetString(PyExc_ValueError, "The layouts are damaged, or there are too many.");
        else if (found.len != column.n_rows)
            PyErr_SetString(PyExc_ValueError, "There is not a byte for each row.");
        else {
            uint8_t *each = found.buf;
            Py_BEGIN_ALLOW_THREADS
            for (Py_ssize_t number = 0; number < column.n_chunks; each += column.chunks[number++].n_rows)
                find_dates(column.chunks + number, ways, count, each);
            Py_END_ALLOW_THREADS
            result = Py_NewRef(Py_None);
        }
        release_column(&column);
    }
    PyBuffer_Release(&layouts);
    PyBuffer_Release(&found);
    return result;
}

/* What a text may be, as decisions.many.shapes names it. */
enum { NUMBER = 1, IN_WORDS = 2, RANK = 4, YEAR = 8, DAY = 16, BEYOND = 32 };
#define MOST_BEHIND 12 /* signs behind a number */

static inline int is_digit(char c) { return c >= '0' && c <= '9'; }
static inline int is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r'; }
static inline char in_small(char c) { return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c; }

static const char *behind_blanks(const char *at, const char *end)
{
    while (at < end && is_blank(*at))
        at++;
    return at;
}

/* Whether a text of ASCII matches NUMBER_LIKE of decisions.looks. */
static int is_like_number(const char *at, const char *end)
{
    at = behind_blanks(at, end);
    at += at < end && (*at == '<' || *at == '>' || *at == '~');
    at = behind_blanks(at, end);
    at += at < end && *at == '$';
    at = behind_blanks(at, end);
    at += at < end && (*at == '-' || *at == '+');
    if (at == end || !is_digit(*at))
        return 0;
    while (at < end && (is_digit(*at) || is_blank(*at) || (*at != '\0' && strchr(".,:;'/-", *at))))
        at++;
    while (at < end && is_blank(end[-1]))
        end--;
    if (end - at > MOST_BEHIND)
        return 0;
    while (at < end && !is_blank(*at))
        at++;
    return at == end;
}

/* Whether a text of ASCII may match NUMBERS_IN_WORDS of decisions.looks, by its first signs. */
static int may_be_in_words(const char *at, const char *end)
{
    const char first = at < end ? in_small(*at) : '\0', second = end - at > 1 ? in_small(at[1]) : '\0';
    switch (first) {
    case 'p':
        return is_digit(second) || second == 't';
    case 't': case 'm': case 's': case 'h': case 'r':
        return is_digit(second);
    case 'c':
        return second == 'a' || second == 'i';
    case 'a':
        return second == 'p' || second == 'b';
    case 'u':
        return second == 'p' || second == 'n';
    case 'o':
        return second == 'v';
    default:
        return is_digit(first) || first == '=' || first == '\'' || first == '/';
    }
}

static inline int is_pair(const char *at, char one, char other) { return at[0] == one && at[1] == other; }

/* Whether two letters end an ordinal number in English. */
static int is_ordinal(const char *at)
{
    return is_pair(at, 's', 't') || is_pair(at, 'n', 'd') || is_pair(at, 'r', 'd') || is_pair(at, 't', 'h');
}

/* Whether a text of ASCII matches RANK of decisions.looks. */
static int is_rank(const char *at, const char *end)
{
    const char *start = at;
    while (at < end && is_digit(*at))
        at++;
    if (at == start || at == end)
        return 0;
    if (end - at >= 2 && is_ordinal(at))
        return 1;
    at += is_blank(*at);
    return at < end && *at != '\0' && strchr("-=.:)", *at) != NULL;
}

/* Whether a text of ASCII has a year, as YEAR of decisions.looks. */
static int has_year(const char *at, const char *end)
{
    for (; end - at >= 4; at++)
        if (((at[0] == '1' && (at[1] == '8' || at[1] == '9')) || (at[0] == '2' && at[1] == '0')) && is_digit(at[2])
            && is_digit(at[3]))
            return 1;
    return 0;
}

/* Whether a text of ASCII may match DAY_OF_MONTH of decisions.looks, by its month and what stands before. */
static int may_be_day(const char *at, const char *end)
{
    const char *start = at;
    while (at < end && at < start + 2 && is_digit(*at))
        at++;
    if (at > start) {
        const char pair[2] = {at < end ? in_small(at[0]) : '\0', end - at > 1 ? in_small(at[1]) : '\0'};
        at += is_ordinal(pair) ? 2 : 0;
        while (at < end && (is_blank(*at) || *at == '.' || *at == '-'))
            at++;
    }
    return end - at >= 3 && month_of(at) > 0;
}

static uint8_t shape_of(const char *at, const char *end)
{
    for (const char *letter = at; letter < end; letter++)
        if (*letter & 0x80)
            return IN_WORDS | RANK | YEAR | DAY | BEYOND;
    return (uint8_t)((is_like_number(at, end) ? NUMBER : 0) | (may_be_in_words(at, end) ? IN_WORDS : 0)
        | (is_rank(at, end) ? RANK : 0) | (has_year(at, end) ? YEAR : 0) | (may_be_day(at, end) ? DAY : 0));
}

/* Find what the texts of a chunk may be. */
static void find_shapes(const Chunk *chunk, uint8_t *found)
{
    const int32_t *ends = (const int32_t *)chunk->ends.buf + chunk->first;
    const char *letters = chunk->letters.buf;
    for (Py_ssize_t row = 0; row < chunk->n_rows; row++)
        found[row] = letters == NULL ? 0 : shape_of(letters + ends[row], letters + ends[row + 1]);
}

PyDoc_STRVAR(shapes_doc,
    "shapes(chunks, found)\n\n"
    "Fill `found` (n_rows,), bytes, with what each text of some Arrow arrays, given as in `dates`, may be, as bits: 1,\n"
    "like a number; 2, a number in words; 4, a rank; 8, with a year; 16, a day of a month; 32, with signs beyond\n"
    "ASCII, which may be any of these.");

static PyObject *shapes(PyObject *self, PyObject *args)
{
    PyObject *chunks, *result = NULL;
    Py_buffer found;
    Column column;
    if (!PyArg_ParseTuple(args, "Ow*", &chunks, &found))
        return NULL;
    if (read_column(chunks, &column)) {
        if (found.len != column.n_rows)
            PyErr_SetString(PyExc_ValueError, "There is not a byte for each row.");
        else {
            uint8_t *each = found.buf;
            Py_BEGIN_ALLOW_THREADS
            for (Py_ssize_t number = 0; number < column.n_chunks; each += column.chunks[number++].n_rows)
                find_shapes(column.chunks + number, each);
            Py_END_ALLOW_THREADS
            result = Py_NewRef(Py_None);
        }
        release_column(&column);
    }
    PyBuffer_Release(&found);
    return result;
}

PyDoc_STRVAR(hash_doc,
    "hash(valid, ends, letters, first, hashes, are_large)\n\n"
    "Mix a hash of each text of an Arrow array from `first` on, of large strings or of strings, into `hashes`\n"
    "(n_rows,), uint64. `valid`, `ends` and `letters` are the array's buffers; cells that are missing are all\n"
    "alike.");

/* Where a text of an Arrow array begins, and the one before ends. */
static inline int64_t place_of(const void *ends, Py_ssize_t row, int are_large)
{
    return are_large ? ((const int64_t *)ends)[row] : ((const int32_t *)ends)[row];
}

static PyObject *hash(PyObject *self, PyObject *args)
{
    Py_buffer valid, ends, letters, hashes;
    Py_ssize_t first;
    int are_large;
    if (!PyArg_ParseTuple(args, "z*y*z*nw*p", &valid, &ends, &letters, &first, &hashes, &are_large))
        return NULL;
    const Py_ssize_t n_rows = hashes.len / (Py_ssize_t)sizeof(uint64_t), last = first + n_rows;
    const Py_ssize_t width = are_large ? sizeof(int64_t) : sizeof(int32_t);
    const uint8_t *are_valid = valid.buf;
    PyObject *result = NULL;
    if (first < 0 || ends.len / width <= last || place_of(ends.buf, last, are_large) > letters.len
        || (are_valid != NULL && valid.len * 8 < last))
        PyErr_SetString(PyExc_ValueError, "The buffers are shorter than the rows.");
    else {
        uint64_t *found = hashes.buf;
        const char *all = letters.buf;
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t row = 0; row < n_rows; row++) {
            const Py_ssize_t at = first + row;
            const int missing = are_valid != NULL && !(are_valid[at >> 3] >> (at & 7) & 1);
            const int64_t start = place_of(ends.buf, at, are_large), end = place_of(ends.buf, at + 1, are_large);
            found[row] = mixed(found[row], missing ? 0 : hash_of(all + start, end - start));
        }
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    PyBuffer_Release(&valid);
    PyBuffer_Release(&ends);
    PyBuffer_Release(&letters);
    PyBuffer_Release(&hashes);
    return result;
}

PyDoc_STRVAR(hash_numbers_doc,
    "hash_numbers(numbers, hashes)\n\n"
    "Mix a hash of each number (n_rows,), float64, into `hashes` (n_rows,), uint64. Zeros are alike, whatever their\n"
    "sign, and so are numbers that are missing.");

static PyObject *hash_numbers(PyObject *self, PyObject *args)
{
    Py_buffer numbers, hashes;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*w*", &numbers, &hashes))
        return NULL;
    if (numbers.len != hashes.len)
        PyErr_SetString(PyExc_ValueError, "There is not a hash for each number.");
    else {
        const double *all = numbers.buf;
        uint64_t *found = hashes.buf;
        const Py_ssize_t n_rows = numbers.len / (Py_ssize_t)sizeof(double);
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t row = 0; row < n_rows; row++) {
            const double number = isnan(all[row]) ? NAN : all[row] + 0.0; /* which makes 0 of -0 */
            uint64_t bits;
            memcpy(&bits, &number, sizeof bits);
            found[row] = mixed(found[row], bits);
        }
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    PyBuffer_Release(&numbers);
    PyBuffer_Release(&hashes);
    return result;
}

static PyMethodDef functions[] = {
    {"dates", dates, METH_VARARGS, dates_doc},
    {"shapes", shapes, METH_VARARGS, shapes_doc},
    {"hash", hash, METH_VARARGS, hash_doc},
    {"hash_numbers", hash_numbers, METH_VARARGS, hash_numbers_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "tabular.data.values.native.texts", "Columns of texts in C; see values.many_dates.", -1,
    functions,
};

PyMODINIT_FUNC PyInit_texts(void) { return PyModule_Create(&module); }
