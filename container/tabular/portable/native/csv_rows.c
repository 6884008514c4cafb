/* Read plain CSV in one call, which serving.codec otherwise does cell by cell in Python.

   read() returns None for any other body (with quotes, words for numbers, missing or extra cells, ...), which
   Python then reads or refuses. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define EXACT 9007199254740992ULL /* 2^53: a double represents every integer up to here */
#define LONGEST_NUMBER 64
#define LONGEST_CELL 131072 /* as in Python's csv */

/* Powers of ten that a double represents exactly: one multiplication or division by them rounds correctly
   (W. D. Clinger, How to read floating point numbers accurately, 1990). */
static const double POWERS[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13,
    1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static int is_digit(char c) { return c >= '0' && c <= '9'; }

/* Read the number from `at` to `end`, NaN if there is none; return 0 if it is not a plain finite number. */
static int read_number(const char *at, const char *end, double *number)
{
    while (at < end && *at == ' ')
        at++;
    while (at < end && end[-1] == ' ')
        end--;
    if (at == end) {
        *number = NAN;
        return 1;
    }
    const char *start = at;
    const int negative = *at == '-';
    uint64_t digits = 0;
    int count = 0, shift = 0, is_short = 1;
    if (*at == '-' || *at == '+')
        at++;
    for (; at < end && is_digit(*at); at++, count++)
        digits = digits < EXACT ? digits * 10 + (uint64_t)(*at - '0') : (is_short = 0, digits);
    if (at < end && *at == '.')
        for (at++; at < end && is_digit(*at); at++, count++, shift--)
            digits = digits < EXACT ? digits * 10 + (uint64_t)(*at - '0') : (is_short = 0, digits);
    if (count == 0)
        return 0;
    if (at < end && (*at == 'e' || *at == 'E')) {
        int down, power = 0;
        at++;
        down = at < end && *at == '-';
        if (at < end && (*at == '-' || *at == '+'))
            at++;
        if (at == end)
            return 0;
        for (; at < end && is_digit(*at); at++)
            power = power < 1000 ? power * 10 + (*at - '0') : power;
        shift += down ? -power : power;
    }
    if (at != end)
        return 0;
    if (is_short && digits <= EXACT && shift >= -22 && shift <= 22) {
        const double whole = (double)digits;
        *number = shift < 0 ? whole / POWERS[-shift] : whole * POWERS[shift];
        if (negative)
            *number = -*number;
        return 1;
    }
    char text[LONGEST_NUMBER + 1];
    if (end - start > LONGEST_NUMBER)
        return 0;
    memcpy(text, start, end - start);
    text[end - start] = '\0';
    *number = PyOS_string_to_double(text, NULL, NULL);
    if (PyErr_Occurred())
        PyErr_Clear();
    else if (isfinite(*number))
        return 1;
    return 0;
}

/* Append a cell that is not a number; return 0 if it is not UTF-8 or memory runs out. */
static int append_text(PyObject *texts, const char *at, const char *end)
{
    while (at < end && *at == ' ')
        at++;
    PyObject *text = PyUnicode_DecodeUTF8(at, end - at, "strict");
    if (text == NULL)
        return 0;
    const int failed = PyList_Append(texts, text);
    Py_DECREF(text);
    return !failed;
}

/* Read the rows of a body: numbers into `number`, other cells into `texts`; return -1 if it is not plain. */
static Py_ssize_t read_rows(const char *at, const char *end, const char *numeric, Py_ssize_t n_columns,
    double *number, PyObject *texts)
{
    Py_ssize_t n_rows = 0;
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        const char *next = line_end == NULL ? end : line_end + 1;
        if (line_end == NULL)
            line_end = end;
        else if (line_end > at && line_end[-1] == '\r')
            line_end--;
        if (memchr(at, '\r', (size_t)(line_end - at)) != NULL) /* a lone carriage return also ends a line */
            return -1;
        for (Py_ssize_t column = 0; at < line_end || column; column++) {
            const char *cell_end = at;
            while (cell_end < line_end && *cell_end != ',')
                cell_end++;
            if (column == n_columns || cell_end - at > LONGEST_CELL
                || !(numeric[column] ? read_number(at, cell_end, number++) : append_text(texts, at, cell_end)))
                return -1;
            if (cell_end == line_end) {
                if (column + 1 != n_columns)
                    return -1;
                n_rows++;
                break;
            }
            at = cell_end + 1;
        }
        at = next;
    }
    return n_rows;
}

PyDoc_STRVAR(read_doc,
    "read(body, numeric)\n\n"
    "The numbers of a CSV body as float64 in the order of its cells, and its other cells as a list of str;\n"
    "`numeric` has a byte for each column, not zero if the column is numeric. None if the body is not plain.");

static PyObject *read_plain(PyObject *self, PyObject *args)
{
    const char *body, *numeric;
    Py_ssize_t size, n_columns, n_numeric = 0, n_lines = 1, n_rows = -1;
    if (!PyArg_ParseTuple(args, "y#y#", &body, &size, &numeric, &n_columns))
        return NULL;
    for (Py_ssize_t i = 0; i < n_columns; i++)
        n_numeric += numeric[i] != 0;
    for (Py_ssize_t i = 0; i < size; i++)
        n_lines += body[i] == '\n';
    if (size <= 0 || n_columns == 0) /* a compiler cannot know that a size is not negative, and memchr needs it */
        Py_RETURN_NONE;
    if (memchr(body, '"', (size_t)size) != NULL || memchr(body, '\0', (size_t)size) != NULL
        || (size >= 3 && memcmp(body, "\xef\xbb\xbf", 3) == 0) || n_columns > PY_SSIZE_T_MAX / 32 - size)
        Py_RETURN_NONE;
    /* A row has a byte for each column, but the last; so many lines may be empty. One row may be incomplete. */
    if (n_lines > size / n_columns + 2)
        n_lines = size / n_columns + 2;
    PyObject *numbers = PyBytes_FromStringAndSize(NULL, n_lines * n_numeric * sizeof(double));
    PyObject *texts = PyList_New(0);
    if (numbers != NULL && texts != NULL)
        n_rows = read_rows(body, body + size, numeric, n_columns, (double *)PyBytes_AS_STRING(numbers), texts);
    PyObject *result = NULL;
    if (n_rows > 0 && _PyBytes_Resize(&numbers, n_rows * n_numeric * sizeof(double)) == 0)
        result = PyTuple_Pack(2, numbers, texts);
    else if (!PyErr_Occurred() || PyErr_ExceptionMatches(PyExc_UnicodeDecodeError)) {
        PyErr_Clear();
        result = Py_NewRef(Py_None);
    }
    Py_XDECREF(numbers);
    Py_XDECREF(texts);
    return result;
}

static PyMethodDef functions[] = {
    {"read", read_plain, METH_VARARGS, read_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "tabular.portable.native.csv_rows", "Plain CSV in C; see serving.codec.", -1, functions,
};

PyMODINIT_FUNC PyInit_csv_rows(void) { return PyModule_Create(&module); }
