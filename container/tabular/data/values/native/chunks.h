/* The arrays of Arrow, of strings, that are the parts of a column. */

#ifndef CHUNKS_H
#define CHUNKS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>

#define MOST_ROWS INT32_MAX /* so that the number of a row fits into 32 bits */

/* An array of `n_rows` texts from `first` on. */
typedef struct {
    Py_buffer valid, ends, letters;
    Py_ssize_t first, n_rows;
} Chunk;

typedef struct {
    Chunk *chunks;
    Py_ssize_t n_chunks, n_rows;
} Column;

/* Whether a text is missing. */
static inline int is_missing(const Chunk *chunk, Py_ssize_t row)
{
    const uint8_t *valid = chunk->valid.buf;
    const Py_ssize_t place = chunk->first + row;
    return valid != NULL && !(valid[place >> 3] >> (place & 7) & 1);
}

/* Whether the buffers of a chunk are as long as its rows say. */
static int is_whole(const Chunk *chunk)
{
    const Py_ssize_t last = chunk->first + chunk->n_rows;
    return chunk->first >= 0 && chunk->n_rows >= 0 && chunk->ends.len / (Py_ssize_t)sizeof(int32_t) > last
        && ((const int32_t *)chunk->ends.buf)[last] <= chunk->letters.len
        && (chunk->valid.buf == NULL || chunk->valid.len * 8 >= last);
}

static void release_column(Column *column)
{
    for (Py_ssize_t number = 0; number < column->n_chunks; number++) {
        PyBuffer_Release(&column->chunks[number].valid);
        PyBuffer_Release(&column->chunks[number].ends);
        PyBuffer_Release(&column->chunks[number].letters);
    }
    free(column->chunks);
    column->chunks = NULL;
    column->n_chunks = 0;
}

/* Read a sequence of (valid, ends, letters, first, n_rows), one for each array: its buffers, where in them it begins,
   and how many rows it has. Return 0 with an error if one is wrong. */
static int read_column(PyObject *argument, Column *column)
{
    PyObject *given = PySequence_Fast(argument, "The chunks are not a sequence.");
    if (given == NULL)
        return 0;
    const Py_ssize_t count = PySequence_Fast_GET_SIZE(given);
    column->chunks = malloc((size_t)(count + 1) * sizeof(Chunk));
    column->n_chunks = column->n_rows = 0;
    if (column->chunks == NULL)
        PyErr_NoMemory();
    while (!PyErr_Occurred() && column->n_chunks < count) {
        Chunk *chunk = column->chunks + column->n_chunks;
        PyObject *one = PySequence_Fast_GET_ITEM(given, column->n_chunks);
        if (!PyArg_ParseTuple(
                one, "z*y*z*nn", &chunk->valid, &chunk->ends, &chunk->letters, &chunk->first, &chunk->n_rows))
            break;
        ++column->n_chunks;
        if (!is_whole(chunk))
            PyErr_SetString(PyExc_ValueError, "The buffers are shorter than the rows.");
        else if (chunk->n_rows > MOST_ROWS - column->n_rows)
            PyErr_SetString(PyExc_ValueError, "There are too many rows.");
        else
            column->n_rows += chunk->n_rows;
    }
    Py_DECREF(given);
    if (!PyErr_Occurred())
        return 1;
    release_column(column);
    return 0;
}

#endif
