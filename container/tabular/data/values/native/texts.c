/* What takes one pass over the texts of a column: which are dates in a layout, and a hash of each.

   values.many_dates does the first with NumPy where this was not compiled, and data.cleaning compares texts
   with pandas instead of their hashes. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

#include "hashes.h"

#define LONGEST 64 /* bytes of a date */
#define MOST_WAYS 64
#define MOST_PARTS 32
#define FIRST_YEAR 1700
#define LAST_YEAR 2200

/* A part of a layout: digits or a word, or a sign ('\0') that is `width` itself. */
typedef struct {
    uint8_t kind, start, width;
} Part;

/* A way to write dates: how long a text is, and its parts. */
typedef struct {
    uint8_t length, count;
    Part parts[MOST_PARTS];
} Way;

static const char MONTHS[12][3] = {
    {'j', 'a', 'n'}, {'f', 'e', 'b'}, {'m', 'a', 'r'}, {'a', 'p', 'r'}, {'m', 'a', 'y'}, {'j', 'u', 'n'},
    {'j', 'u', 'l'}, {'a', 'u', 'g'}, {'s', 'e', 'p'}, {'o', 'c', 't'}, {'n', 'o', 'v'}, {'d', 'e', 'c'},
};

/* Read digits; -1 if one is not a digit. */
static int number_of(const char *at, int width)
{
    int number = 0;
    for (int place = 0; place < width; place++) {
        const unsigned digit = (unsigned char)at[place] - (unsigned)'0';
        if (digit > 9)
            return -1;
        number = number * 10 + (int)digit;
    }
    return number;
}

static int month_of(const char *at)
{
    for (int month = 0; month < 12; month++)
        if ((at[0] | 0x20) == MONTHS[month][0] && (at[1] | 0x20) == MONTHS[month][1]
            && (at[2] | 0x20) == MONTHS[month][2])
            return month + 1;
    return -1;
}

static int days_of(int year, int month)
{
    if (month == 2)
        return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/* Whether a text is a date that is written in this way. */
static int is_date(const char *text, const Way *way)
{
    int year = 1970, month = 1, day = 1;
    for (int number = 0; number < way->count; number++) {
        const Part part = way->parts[number];
        const char *at = text + part.start;
        if (part.kind == 0) {
            if (*at != (char)part.width)
                return 0;
            continue;
        }
        if (part.kind == 'b') {
            if ((month = month_of(at)) < 0)
                return 0;
            continue;
        }
        if (part.kind == 'p') {
            if (((at[0] | 0x20) != 'a' && (at[0] | 0x20) != 'p') || (at[1] | 0x20) != 'm')
                return 0;
            continue;
        }
        const int read = number_of(at, part.width);
        if (read < 0)
            return 0;
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
        && day <= days_of(year, month);
}

/* Read the layouts: for each, its length, the count of its parts, and the parts. Return how many there are,
   -1 if they are damaged. */
static int read_ways(const uint8_t *given, Py_ssize_t size, Way *ways)
{
    int count = 0;
    for (Py_ssize_t at = 0; at < size; count++) {
        if (count == MOST_WAYS || at + 2 > size || given[at] > LONGEST || given[at + 1] > MOST_PARTS)
            return -1;
        Way *way = ways + count;
        way->length = given[at];
        way->count = given[at + 1];
        at += 2;
        if (at + way->count * 3 > size)
            return -1;
        for (int number = 0; number < way->count; number++, at += 3) {
            const Part part = {given[at], given[at + 1], given[at + 2]};
            const int width = part.kind == 0 ? 1 : part.kind == 'b' ? 3 : part.kind == 'p' ? 2 : part.width;
            if (part.start + width > way->length || width > 9)
                return -1;
            way->parts[number] = part;
        }
    }
    return count;
}

static void find_dates(const int32_t *ends, const char *letters, Py_ssize_t first, const Way *ways, int count,
    uint8_t *found, Py_ssize_t n_rows)
{
    for (Py_ssize_t row = 0; row < n_rows; row++) {
        const int32_t start = ends[first + row], length = ends[first + row + 1] - start;
        found[row] = 0;
        for (int number = 0; number < count && !found[row]; number++)
            found[row] = length == ways[number].length && is_date(letters + start, ways + number);
    }
}

PyDoc_STRVAR(dates_doc,
    "dates(ends, letters, first, layouts, found)\n\n"
    "Fill `found` (n_rows,), bytes, with whether each text of an Arrow array from `first` on is a date in one\n"
    "of the layouts. Each layout is a number of bytes: how long it is, how many parts it has, and for each of\n"
    "them its letter in a format, its start and its width; the letter of a sign is 0, and its width the sign.");

static PyObject *dates(PyObject *self, PyObject *args)
{
    Py_buffer ends, letters, layouts, found;
    Py_ssize_t first;
    if (!PyArg_ParseTuple(args, "y*z*ny*w*", &ends, &letters, &first, &layouts, &found))
        return NULL;
    const Py_ssize_t last = first + found.len;
    const int32_t *places = ends.buf;
    Way ways[MOST_WAYS];
    const int count = read_ways(layouts.buf, layouts.len, ways);
    PyObject *result = NULL;
    if (count < 0)
        PyErr_SetString(PyExc_ValueError, "The layouts are damaged, or there are too many.");
    else if (first < 0 || ends.len / (Py_ssize_t)sizeof(int32_t) <= last || places[last] > letters.len)
        PyErr_SetString(PyExc_ValueError, "The buffers are shorter than the rows.");
    else {
        Py_BEGIN_ALLOW_THREADS
        find_dates(places, letters.buf, first, ways, count, found.buf, found.len);
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    PyBuffer_Release(&ends);
    PyBuffer_Release(&letters);
    PyBuffer_Release(&layouts);
    PyBuffer_Release(&found);
    return result;
}

PyDoc_STRVAR(hash_doc,
    "hash(valid, ends, letters, first, hashes)\n\n"
    "Mix a hash of each text of an Arrow array of large strings from `first` on into `hashes` (n_rows,), uint64.\n"
    "`valid`, `ends` and `letters` are the array's buffers; cells that are missing are all alike.");

static PyObject *hash(PyObject *self, PyObject *args)
{
    Py_buffer valid, ends, letters, hashes;
    Py_ssize_t first;
    if (!PyArg_ParseTuple(args, "z*y*z*nw*", &valid, &ends, &letters, &first, &hashes))
        return NULL;
    const Py_ssize_t n_rows = hashes.len / (Py_ssize_t)sizeof(uint64_t), last = first + n_rows;
    const int64_t *places = ends.buf;
    const uint8_t *are_valid = valid.buf;
    PyObject *result = NULL;
    if (first < 0 || ends.len / (Py_ssize_t)sizeof(int64_t) <= last || places[last] > letters.len
        || (are_valid != NULL && valid.len * 8 < last))
        PyErr_SetString(PyExc_ValueError, "The buffers are shorter than the rows.");
    else {
        uint64_t *found = hashes.buf;
        const char *all = letters.buf;
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t row = 0; row < n_rows; row++) {
            const Py_ssize_t at = first + row;
            const int missing = are_valid != NULL && !(are_valid[at >> 3] >> (at & 7) & 1);
            found[row] = mixed(found[row], missing ? 0 : hash_of(all + places[at], places[at + 1] - places[at]));
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

static PyMethodDef functions[] = {
    {"dates", dates, METH_VARARGS, dates_doc},
    {"hash", hash, METH_VARARGS, hash_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "tabular.data.values.native.texts", "Columns of texts in C; see values.many_dates.", -1,
    functions,
};

PyMODINIT_FUNC PyInit_texts(void) { return PyModule_Create(&module); }
