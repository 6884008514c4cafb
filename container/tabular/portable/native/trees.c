/* The walk through decision trees in C, with the same result as predictors.trees with NumPy, to the last bit.

   pack() copies the nodes and checks every index, so that no file can lead a walk out of its memory or into
   an endless loop. add() then adds each tree's leaf to the totals, tree by tree as NumPy does, because sums
   of floats depend on their order. */

#define PY_SSIZE_T_CLEAN
#include "forest.h"

#define LONG_WORK 20000 /* rows times trees; from here on, other threads can run at the same time */

/* A node that leads to itself becomes a leaf, whatever else the file says about it. */
#define FILL(real)                                                                                \
    for (Py_ssize_t i = 0; i < f->n_nodes; i++)                                                   \
        ((node_##real *)f->nodes)[i] = (node_##real){                                             \
            left[i] == i ? (real)INFINITY : ((const real *)threshold.buf)[i],                     \
            feature[i] | (left[i] == i || default_left[i] ? 0 : DEFAULT_RIGHT),                   \
            left[i],                                                                              \
        }

static void forest_free(PyObject *capsule)
{
    forest *f = PyCapsule_GetPointer(capsule, FOREST);
    if (f != NULL) {
        PyMem_RawFree(f->root);
        PyMem_RawFree(f->group);
        PyMem_RawFree(f->nodes);
        PyMem_RawFree(f->values);
        PyMem_RawFree(f);
    }
}

static void *copy(const void *from, Py_ssize_t bytes)
{
    void *to = PyMem_RawMalloc(bytes);
    return to == NULL ? NULL : memcpy(to, from, bytes);
}

/* Whether a walk could leave the nodes, go back to a lower node, or add to an output that does not exist. */
static int leads_astray(const forest *f, const int32_t *feature, const int32_t *left)
{
    for (Py_ssize_t i = 0; i < f->n_nodes; i++)
        if (feature[i] < 0 || feature[i] >= f->n_features || left[i] < i || left[i] >= f->n_nodes
            || (left[i] > i && left[i] + 1 >= f->n_nodes))
            return 1;
    for (Py_ssize_t t = 0; t < f->n_trees; t++)
        if (f->root[t] < 0 || f->root[t] >= f->n_nodes || f->group[t] < 0
            || f->group[t] + f->width > f->n_outputs)
            return 1;
    return f->n_features >= DEFAULT_RIGHT || f->n_outputs < 1 || f->n_outputs > INT32_MAX;
}

PyDoc_STRVAR(pack_doc,
    "pack(feature, threshold, left, default_left, root, group, value, n_features, n_outputs, is_double)\n\n"
    "Copy trees laid out as predictors.trees describes; indices int32, default_left uint8, threshold and\n"
    "value double or float. Raises ValueError if the sizes or indices do not fit together.");

static PyObject *pack(PyObject *self, PyObject *args)
{
    Py_buffer part[7];
    Py_ssize_t n_features, n_outputs;
    int is_double;
    if (!PyArg_ParseTuple(args, "y*y*y*y*y*y*y*nnp", &part[0], &part[1], &part[2], &part[3], &part[4],
            &part[5], &part[6], &n_features, &n_outputs, &is_double))
        return NULL;
    const Py_buffer threshold = part[1], value = part[6];
    const int32_t *feature = part[0].buf, *left = part[2].buf;
    const uint8_t *default_left = part[3].buf;
    const Py_ssize_t size = is_double ? sizeof(double) : sizeof(float), n_nodes = part[3].len;
    const Py_ssize_t n_trees = part[4].len / sizeof(int32_t);
    PyObject *capsule = NULL;
    forest *f = PyMem_RawCalloc(1, sizeof(forest));

    if (f == NULL || (capsule = PyCapsule_New(f, FOREST, forest_free)) == NULL) {
        PyMem_RawFree(f);
        PyErr_NoMemory();
        goto done;
    }
    *f = (forest){is_double, n_nodes, n_trees, n_features, n_outputs};
    f->width = n_nodes ? value.len / size / n_nodes : 0;
    f->root = copy(part[4].buf, part[4].len);
    f->group = copy(part[5].buf, part[5].len);
    f->values = copy(value.buf, value.len);
    f->nodes = PyMem_RawMalloc(n_nodes * (is_double ? sizeof(node_double) : sizeof(node_float)));
    if (f->root == NULL || f->group == NULL || f->values == NULL || f->nodes == NULL) {
        PyErr_NoMemory();
        Py_CLEAR(capsule);
    } else if (n_nodes > INT32_MAX || part[0].len != n_nodes * 4 || part[2].len != n_nodes * 4
        || threshold.len != n_nodes * size || value.len != n_nodes * f->width * size
        || (f->width != 1 && f->width != n_outputs) || part[4].len != n_trees * 4
        || part[5].len != n_trees * 4 || leads_astray(f, feature, left)) {
        PyErr_SetString(PyExc_ValueError, "The arrays of the trees do not fit together.");
        Py_CLEAR(capsule);
    } else if (is_double) {
        FILL(double);
    } else {
        FILL(float);
    }
done:
    for (int i = 0; i < 7; i++)
        PyBuffer_Release(&part[i]);
    return capsule;
}

PyDoc_STRVAR(add_doc,
    "add(trees, rows, totals)\n\n"
    "Add the trees' values for rows (n_rows, n_features) to totals (n_rows, n_outputs), in tree order;\n"
    "both are contiguous and have the precision of the trees. Raises ValueError for other sizes.");

static PyObject *add(PyObject *self, PyObject *args)
{
    PyObject *capsule;
    Py_buffer rows, totals;
    if (!PyArg_ParseTuple(args, "Oy*w*", &capsule, &rows, &totals))
        return NULL;
    const forest *f = PyCapsule_GetPointer(capsule, FOREST);
    if (f != NULL) {
        const Py_ssize_t size = f->is_double ? sizeof(double) : sizeof(float);
        const Py_ssize_t n_rows = totals.len / (f->n_outputs * size);
        if (totals.len != n_rows * f->n_outputs * size || rows.len != n_rows * f->n_features * size) {
            PyErr_SetString(PyExc_ValueError, "Rows and totals are not of the size of the trees.");
        } else {
            PyThreadState *state = n_rows * f->n_trees < LONG_WORK ? NULL : PyEval_SaveThread();
            if (f->is_double)
                add_double(f, rows.buf, n_rows, totals.buf);
            else
                add_float(f, rows.buf, n_rows, totals.buf);
            if (state != NULL)
                PyEval_RestoreThread(state);
        }
    }
    PyBuffer_Release(&rows);
    PyBuffer_Release(&totals);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"pack", pack, METH_VARARGS, pack_doc},
    {"add", add, METH_VARARGS, add_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "tabular.portable.native.trees", "Decision trees in C; see predictors.trees.", -1, functions,
};

PyMODINIT_FUNC PyInit_trees(void) { return PyModule_Create(&module); }
