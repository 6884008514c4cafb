/* Count how often each text of a column occurs, which decisions.many.counts otherwise has pyarrow do.

   The texts are looked up in a table of hashes with open addressing. Those of many columns all differ, and the
   table is then larger than a cache: so the places of a number of texts are fetched before they are looked at. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "chunks.h"
#include "hashes.h"

#define FETCHED 32          /* texts whose places are fetched at a time */
#define FIRST_PLACES 1024   /* a power of two, as all sizes of the table are */
#define GROWTH 4            /* of a table of which three quarters are taken */
#define SIGNS 128           /* of ASCII */
#define MOST_SIGNS 31       /* of a mark, so that a bit stands for each length */

#if defined(__GNUC__)
#define FETCH(address) __builtin_prefetch(address)
#else
#define FETCH(address) (void)(address)
#endif

typedef struct {
    const char *letters;
    uint32_t length, count;
} Text;

/* The different texts in the order in which they first occur. A place of the table has the low bits of a hash
   in its upper half and a text's number, from 1 on, in its lower half; it is 0 if it is free. */
typedef struct {
    Text *texts;
    uint64_t *places;
    uint64_t mask;
    Py_ssize_t count, room;
    int blanks; /* whether a text begins or ends with a blank or a tab */
    /* For each sign of ASCII as a bit, how long the marks are that begin with it, and those that end with it. */
    const uint32_t *begin, *end;
    uint8_t *are_marks; /* a bit for each row */
} Counts;

/* Make the table several times as large; return 0 if there is not enough memory. */
static int widen(Counts *counts)
{
    const uint64_t size = counts->mask + 1, mask = size * GROWTH - 1;
    uint64_t *places = calloc(size * GROWTH, sizeof(uint64_t));
    if (places == NULL)
        return 0;
    for (uint64_t at = 0; at < size; at++) {
        const uint64_t place = counts->places[at];
        if (place == 0)
            continue;
        uint64_t to = place >> 32 & mask;
        while (places[to])
            to = (to + 1) & mask;
        places[to] = place;
    }
    free(counts->places);
    counts->places = places;
    counts->mask = mask;
    return 1;
}

static inline int is_blank(char letter) { return letter == ' ' || letter == '\t'; }

/* Append a text; return 0 if there is not enough memory. */
static int append(Counts *counts, const char *letters, uint32_t length)
{
    if (counts->count == counts->room) {
        const Py_ssize_t room = counts->room * 2;
        Text *texts = realloc(counts->texts, (size_t)room * sizeof(Text));
        if (texts == NULL)
            return 0;
        counts->texts = texts;
        counts->room = room;
    }
    const Text text = {letters, length, 1};
    counts->texts[counts->count++] = text;
    counts->blanks |= length && (is_blank(letters[0]) || is_blank(letters[length - 1]));
    return 1;
}

/* Whether a text may be a mark for a missing value, with blanks around it and in capitals.

   Signs beyond ASCII may be blanks, or capitals of a sign of ASCII, but each stands for one sign. */
static int may_be_mark(const Counts *counts, const char *letters, uint32_t length)
{
    const unsigned char *at = (const unsigned char *)letters, *end = at + length;
    while (at < end && *at <= ' ')
        at++;
    while (at < end && end[-1] <= ' ')
        end--;
    if (at == end || (*at | end[-1]) >= SIGNS)
        return 1;
    const int first = *at | (*at >= 'A' && *at <= 'Z' ? 0x20 : 0);
    const int last = end[-1] | (end[-1] >= 'A' && end[-1] <= 'Z' ? 0x20 : 0);
    const uint32_t lengths = counts->begin[first] & counts->end[last];
    if (lengths == 0)
        return 0;
    int signs = 0;
    for (; at < end && signs <= MOST_SIGNS; at++)
        signs += (*at & 0xc0) != 0x80; /* the first byte of one */
    return signs <= MOST_SIGNS && (lengths >> signs & 1);
}

/* Count a text; return 1 if it is a new one, 0 if it is not, -1 if there is not enough memory. */
static inline int count_text(Counts *counts, const char *letters, uint32_t length, uint32_t hash)
{
    uint64_t at = hash & counts->mask;
    for (; counts->places[at]; at = (at + 1) & counts->mask) {
        const uint64_t place = counts->places[at];
        if (place >> 32 != hash)
            continue;
        Text *text = counts->texts + (uint32_t)place - 1;
        if (text->length == length && memcmp(text->letters, letters, length) == 0) {
            text->count++;
            return 0;
        }
    }
    if (!append(counts, letters, length))
        return -1;
    counts->places[at] = (uint64_t)hash << 32 | (uint64_t)counts->count;
    return (uint64_t)counts->count > counts->mask / 4 * 3 && !widen(counts) ? -1 : 1;
}

/* Count the texts of a chunk, and set the bit of each row, counted from `start`, whose text is a new one;
   return 0 if there is not enough memory. */
static int count_chunk(Counts *counts, const Chunk *chunk, uint8_t *is_new, Py_ssize_t start)
{
    const int32_t *ends = (const int32_t *)chunk->ends.buf + chunk->first;
    const char *letters = chunk->letters.buf;
    for (Py_ssize_t base = 0; base < chunk->n_rows; base += FETCHED) {
        const int some = (int)(chunk->n_rows - base < FETCHED ? chunk->n_rows - base : FETCHED);
        uint32_t hashes[FETCHED], known[FETCHED];
        for (int row = 0; row < some; row++) {
            const int32_t begin = ends[base + row];
            hashes[row] = (uint32_t)hash_of(letters + begin, ends[base + row + 1] - begin);
            FETCH(counts->places + (hashes[row] & counts->mask));
        }
        for (int row = 0; row < some; row++) {
            const uint64_t place = counts->places[hashes[row] & counts->mask];
            known[row] = place >> 32 == hashes[row] ? (uint32_t)place : 0;
            if (known[row])
                FETCH(counts->texts + known[row] - 1);
        }
        for (int row = 0; row < some; row++)
            if (known[row])
                FETCH(counts->texts[known[row] - 1].letters);
        for (int row = 0; row < some; row++) {
            const Py_ssize_t at = start + base + row;
            if (is_missing(chunk, base + row))
                continue;
            const int32_t begin = ends[base + row];
            const int found =
                count_text(counts, letters + begin, (uint32_t)(ends[base + row + 1] - begin), hashes[row]);
            if (found < 0)
                return 0;
            if (found == 0)
                continue;
            is_new[at >> 3] |= (uint8_t)(1 << (at & 7));
            if (may_be_mark(counts, letters + begin, (uint32_t)(ends[base + row + 1] - begin)))
                counts->are_marks[at >> 3] |= (uint8_t)(1 << (at & 7));
        }
    }
    return 1;
}

/* Count all texts; return 0 if there is not enough memory. */
static int count_all(Counts *counts, const Column *column, uint8_t *is_new)
{
    counts->mask = FIRST_PLACES - 1;
    counts->room = FIRST_PLACES;
    counts->places = calloc(FIRST_PLACES, sizeof(uint64_t));
    counts->texts = malloc(FIRST_PLACES * sizeof(Text));
    if (counts->places == NULL || counts->texts == NULL)
        return 0;
    Py_ssize_t start = 0;
    for (Py_ssize_t number = 0; number < column->n_chunks; start += column->chunks[number++].n_rows)
        if (!count_chunk(counts, column->chunks + number, is_new, start))
            return 0;
    return 1;
}

static PyObject *as_result(const Counts *counts, PyObject *is_new, PyObject *are_marks)
{
    PyObject *found = PyBytes_FromStringAndSize(NULL, counts->count * (Py_ssize_t)sizeof(uint32_t));
    if (found == NULL)
        return NULL;
    uint32_t *each = (uint32_t *)PyBytes_AS_STRING(found);
    for (Py_ssize_t number = 0; number < counts->count; number++)
        each[number] = counts->texts[number].count;
    return Py_BuildValue("ONOO", is_new, found, counts->blanks ? Py_True : Py_False, are_marks);
}

PyDoc_STRVAR(count_doc,
    "count(chunks, lengths)\n\n"
    "Count the texts of some Arrow arrays of strings, each given as (valid, ends, letters, first, n_rows): the\n"
    "array's buffers, where in them it begins, and how many rows it has. `lengths` are 2 x 128 uint32, which say\n"
    "for each sign of ASCII, as bits, how many signs the marks for a missing value have that begin with it, and\n"
    "those that end with it. Returns (is_new, counts, blanks, are_marks): a bit for each row, whether its text\n"
    "occurs there for the first time; the counts, uint32, of the texts in that order; whether any text begins or\n"
    "ends with a blank; and a bit for each row, whether its text occurs there for the first time and may be a\n"
    "mark. Cells that are missing are left out.");

static PyObject *count(PyObject *self, PyObject *args)
{
    PyObject *argument;
    Py_buffer lengths;
    if (!PyArg_ParseTuple(args, "Oy*", &argument, &lengths))
        return NULL;
    if (lengths.len != 2 * SIGNS * (Py_ssize_t)sizeof(uint32_t)) {
        PyBuffer_Release(&lengths);
        PyErr_SetString(PyExc_ValueError, "There are not the lengths of marks for all signs.");
        return NULL;
    }
    Column column;
    if (!read_column(argument, &column)) {
        PyBuffer_Release(&lengths);
        return NULL;
    }
    Counts counts = {0};
    PyObject *result = NULL, *is_new = NULL, *are_marks = NULL;
    const size_t n_bytes = (size_t)(column.n_rows + 7) / 8;
    if ((is_new = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)n_bytes)) != NULL
        && (are_marks = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)n_bytes)) != NULL) {
        uint8_t *bits = (uint8_t *)PyBytes_AS_STRING(is_new);
        int has_memory;
        counts.are_marks = (uint8_t *)PyBytes_AS_STRING(are_marks);
        counts.begin = lengths.buf;
        counts.end = counts.begin + SIGNS;
        Py_BEGIN_ALLOW_THREADS
        memset(bits, 0, n_bytes);
        memset(counts.are_marks, 0, n_bytes);
        has_memory = count_all(&counts, &column, bits);
        Py_END_ALLOW_THREADS
        result = has_memory ? as_result(&counts, is_new, are_marks) : PyErr_NoMemory();
    }
    release_column(&column);
    free(counts.places);
    free(counts.texts);
    PyBuffer_Release(&lengths);
    Py_XDECREF(is_new);
    Py_XDECREF(are_marks);
    return result;
}

static PyMethodDef functions[] = {
    {"count", count, METH_VARARGS, count_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "tabular.data.values.native.counts", "Counts of texts in C; see decisions.many.counts.", -1,
    functions,
};

PyMODINIT_FUNC PyInit_counts(void) { return PyModule_Create(&module); }
