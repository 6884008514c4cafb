/* A model's prediction for a few rows in one call, from numbers to labels. It does the
   work of PortableModel.transform, a predictor and its link. With few rows, a call to NumPy takes longer than
   its work.

   Sums are in NumPy's order if the last bits matter (naive Bayes), and close to it elsewhere. */

#define PY_SSIZE_T_CLEAN
#include "forest.h"

#define MODEL "tabular.portable.native.few_rows.model"
#define ON_STACK 512 /* doubles */
#define MAX_FEATURES (1 << 24)
#define MAX_ROWS (1 << 12)

enum { TREES, LAYERS, NAIVE_BAYES };
enum { IDENTITY, SHARES, LOGISTIC, LOGISTIC_SINGLE, SOFTMAX, SOFTMAX_SINGLE, JOINT };
enum { NONE, RELU, TANH };

typedef struct {
    int kind, link, activation, is_single;
    double divisor;
    Py_ssize_t n_numeric, n_features, n_outputs, widest, n_parts;
    const forest *trees;
    PyObject *trees_owner, *classes; /* an empty tuple of classes means regression */
    Py_buffer fill, mean, scale, *part;
} model;

/* Bytes of a probability: XGBoost's have single precision. */
#define PROBABILITY(m) \
    ((m)->link == LOGISTIC_SINGLE || (m)->link == SOFTMAX_SINGLE ? sizeof(float) : sizeof(double))

/* --- arithmetic ------------------------------------------------------------------------------------- */

/* Sum pairwise like NumPy: eight at a time up to 128, in halves above. */
static double sum(const double *v, Py_ssize_t n)
{
    double s = 0.0, r[8];
    Py_ssize_t i;
    if (n < 8) {
        for (i = 0; i < n; i++)
            s += v[i];
        return s;
    }
    if (n > 128) {
        const Py_ssize_t half = n / 2 - n / 2 % 8;
        return sum(v, half) + sum(v + half, n - half);
    }
    memcpy(r, v, sizeof(r));
    for (i = 8; i < n - n % 8; i += 8)
        for (int k = 0; k < 8; k++)
            r[k] += v[i + k];
    s = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    for (; i < n; i++)
        s += v[i];
    return s;
}

static Py_ssize_t largest(const double *v, Py_ssize_t n)
{
    Py_ssize_t at = 0;
    for (Py_ssize_t i = 1; i < n; i++)
        if (v[i] > v[at])
            at = i;
    return at;
}

static void use_layer(const model *m, Py_ssize_t layer, const double *x, Py_ssize_t n_in, double *y)
{
    const double *weights = m->part[2 * layer].buf, *intercept = m->part[2 * layer + 1].buf;
    const Py_ssize_t n_out = m->part[2 * layer + 1].len / (Py_ssize_t)sizeof(double);
    memset(y, 0, n_out * sizeof(double));
    for (Py_ssize_t i = 0; i < n_in; i++)
        for (Py_ssize_t j = 0; j < n_out; j++)
            y[j] += x[i] * weights[i * n_out + j];
    for (Py_ssize_t j = 0; j < n_out; j++)
        y[j] += intercept[j];
    if (2 * layer + 2 < m->n_parts)
        for (Py_ssize_t j = 0; j < n_out; j++)
            y[j] = m->activation == TANH ? tanh(y[j]) : y[j] < 0.0 ? 0.0 : y[j];
}

static void use_layers(const model *m, double *x, double *spare, double *totals)
{
    Py_ssize_t n_in = m->n_features;
    for (Py_ssize_t layer = 0; 2 * layer < m->n_parts; layer++) {
        const int is_last = 2 * layer + 2 == m->n_parts;
        double *y = is_last ? totals : spare;
        use_layer(m, layer, x, n_in, y);
        n_in = m->part[2 * layer + 1].len / (Py_ssize_t)sizeof(double);
        spare = x;
        x = y;
    }
}

/* The joint log likelihoods: parts are the log prior, the constant, means and variances. */
static void use_naive_bayes(const model *m, const double *x, double *spare, double *totals)
{
    const double *prior = m->part[0].buf, *constant = m->part[1].buf;
    const double *mean = m->part[2].buf, *variance = m->part[3].buf;
    for (Py_ssize_t k = 0; k < m->n_outputs; k++) {
        for (Py_ssize_t i = 0; i < m->n_features; i++) {
            const double off = x[i] - mean[k * m->n_features + i];
            spare[i] = off * off / variance[k * m->n_features + i];
        }
        totals[k] = prior[k] + (constant[k] - 0.5 * sum(spare, m->n_features));
    }
}

static void use_trees(const model *m, double *x, float *single, double *totals)
{
    const Py_ssize_t n = m->n_features, n_outputs = m->n_outputs;
    if (m->is_single)
        for (Py_ssize_t i = 0; i < n; i++)
            single[i] = (float)x[i];
    if (m->trees->is_double) {
        if (m->is_single) /* scikit-learn rounds its input but not its thresholds */
            for (Py_ssize_t i = 0; i < n; i++)
                x[i] = single[i];
        memcpy(totals, m->part[0].buf, n_outputs * sizeof(double));
        add_double(m->trees, x, 1, totals);
        for (Py_ssize_t k = 0; k < n_outputs && m->divisor > 1.0; k++)
            totals[k] /= m->divisor;
    } else {
        float *sums = single + n;
        memcpy(sums, m->part[0].buf, n_outputs * sizeof(float));
        add_float(m->trees, single, 1, sums);
        for (Py_ssize_t k = 0; k < n_outputs; k++)
            totals[k] = m->divisor > 1.0 ? sums[k] / (float)m->divisor : sums[k];
    }
}

/* Turn totals into probabilities, in place, and return the chosen class. Two classes can share one total. */
static Py_ssize_t use_link(const model *m, double *p, Py_ssize_t n)
{
    if (m->link == JOINT) {
        const Py_ssize_t best = largest(p, n);
        const double top = p[best];
        double e[ON_STACK];
        for (Py_ssize_t k = 0; k < n; k++)
            e[k] = exp(p[k] - top);
        const double whole = top + log(sum(e, n));
        for (Py_ssize_t k = 0; k < n; k++)
            p[k] = exp(p[k] - whole);
        return best;
    }
    if (m->link == LOGISTIC) {
        const double total = p[0];
        p[1] = 1.0 / (1.0 + exp(-(total < -700.0 ? -700.0 : total)));
        p[0] = 1.0 - p[1];
        /* A linear model decides before rounding to a probability. */
        return m->kind == LAYERS && m->n_parts == 2 ? total > 0.0 : p[1] > 0.5;
    }
    if (m->link == LOGISTIC_SINGLE) {
        const float given = -(float)p[0], cut = given > 88.7f ? 88.7f : given;
        const float e = (float)exp((double)cut), positive = 1.0f / (e + 1.0f + 1e-16f);
        p[1] = positive;
        p[0] = 1.0f - positive;
        return positive > 0.5f;
    }
    if (m->link == SOFTMAX) {
        const double top = p[largest(p, n)];
        for (Py_ssize_t k = 0; k < n; k++)
            p[k] = exp(p[k] - top);
        const double whole = sum(p, n);
        for (Py_ssize_t k = 0; k < n; k++)
            p[k] /= whole;
    } else if (m->link == SOFTMAX_SINGLE) {
        const float top = (float)p[largest(p, n)];
        for (Py_ssize_t k = 0; k < n; k++)
            p[k] = (float)exp((double)((float)p[k] - top));
        const float whole = (float)sum(p, n);
        for (Py_ssize_t k = 0; k < n; k++)
            p[k] = (float)p[k] / whole;
    }
    return largest(p, n);
}

/* --- the module ------------------------------------------------------------------------------------- */

static void model_free(PyObject *capsule)
{
    model *m = PyCapsule_GetPointer(capsule, MODEL);
    if (m == NULL)
        return;
    PyBuffer_Release(&m->fill);
    PyBuffer_Release(&m->mean);
    PyBuffer_Release(&m->scale);
    for (Py_ssize_t i = 0; i < m->n_parts; i++)
        PyBuffer_Release(&m->part[i]);
    PyMem_RawFree(m->part);
    Py_XDECREF(m->trees_owner);
    Py_XDECREF(m->classes);
    PyMem_RawFree(m);
}

/* Get a buffer of so many bytes, or no buffer for None if that is allowed. */
static int hold(PyObject *from, Py_buffer *buffer, Py_ssize_t bytes, int may_be_none)
{
    if (from == Py_None && may_be_none)
        return 1;
    return PyObject_GetBuffer(from, buffer, PyBUF_C_CONTIGUOUS) == 0 && (bytes < 0 || buffer->len == bytes);
}

static int parts_fit(const model *m)
{
    const Py_ssize_t size = sizeof(double), n = m->n_features, k = m->n_outputs;
    if (m->kind == TREES)
        return m->n_parts == 1 && m->trees != NULL && m->trees->n_features == n && m->trees->n_outputs == k
            && (m->trees->is_double || m->is_single)
            && m->part[0].len == k * (m->trees->is_double ? size : (Py_ssize_t)sizeof(float));
    if (m->kind == NAIVE_BAYES)
        return m->n_parts == 4 && m->part[0].len == k * size && m->part[1].len == k * size
            && m->part[2].len == k * n * size && m->part[3].len == k * n * size;
    Py_ssize_t width = n;
    for (Py_ssize_t i = 0; i + 1 < m->n_parts; i += 2) {
        const Py_ssize_t next = m->part[i + 1].len / size;
        if (next < 1 || m->part[i].len != width * next * size)
            return 0;
        width = next;
    }
    return m->kind == LAYERS && m->n_parts >= 2 && m->n_parts % 2 == 0 && width == k;
}

PyDoc_STRVAR(model_doc,
    "model(kind, link, activation, is_single, divisor, n_numeric, n_features, n_outputs, trees, constants,\n"
    "      parts, classes)\n\n"
    "Hold a model's arrays. Raises ValueError if they do not fit together. See portable.model.");

static PyObject *make_model(PyObject *self, PyObject *args)
{
    PyObject *trees, *fill, *mean, *scale, *parts, *classes;
    model *m = PyMem_RawCalloc(1, sizeof(model));
    PyObject *capsule = m == NULL ? NULL : PyCapsule_New(m, MODEL, model_free);
    if (capsule == NULL) {
        PyMem_RawFree(m);
        return PyErr_NoMemory();
    }
    if (!PyArg_ParseTuple(args, "iiipdnnnO(OOO)O!O!", &m->kind, &m->link, &m->activation, &m->is_single,
            &m->divisor, &m->n_numeric, &m->n_features, &m->n_outputs, &trees, &fill, &mean, &scale,
            &PyTuple_Type, &parts, &PyTuple_Type, &classes))
        goto refused;
    if (trees != Py_None) {
        if ((m->trees = PyCapsule_GetPointer(trees, FOREST)) == NULL)
            goto refused;
        m->trees_owner = Py_NewRef(trees);
    }
    m->classes = Py_NewRef(classes);
    if (m->n_numeric < 0 || m->n_features < m->n_numeric || m->n_features > MAX_FEATURES || m->n_outputs < 1
        || m->n_outputs > ON_STACK) /* checked before any of them is multiplied */
        goto misfit;
    const Py_ssize_t constants = m->n_numeric * (Py_ssize_t)sizeof(double), n_classes = PyTuple_GET_SIZE(classes);
    if (!hold(fill, &m->fill, constants, 1) || !hold(mean, &m->mean, constants, 1)
        || !hold(scale, &m->scale, constants, 1))
        goto misfit;
    if ((m->part = PyMem_RawCalloc(PyTuple_GET_SIZE(parts) + 1, sizeof(Py_buffer))) == NULL) {
        PyErr_NoMemory();
        goto refused;
    }
    for (m->widest = m->n_features; m->n_parts < PyTuple_GET_SIZE(parts); m->n_parts++) {
        if (!hold(PyTuple_GET_ITEM(parts, m->n_parts), &m->part[m->n_parts], -1, 0))
            goto misfit;
        if (m->kind == LAYERS && m->n_parts % 2 && m->part[m->n_parts].len / 8 > m->widest)
            m->widest = m->part[m->n_parts].len / 8;
    }
    const int halved = m->link == LOGISTIC || m->link == LOGISTIC_SINGLE;
    if (m->link < IDENTITY || m->link > JOINT || n_classes > ON_STACK || !parts_fit(m)
        || (m->mean.buf == NULL) != (m->scale.buf == NULL)
        || (n_classes == 0 ? m->n_outputs != 1 || m->link != IDENTITY
                           : n_classes != (halved ? 2 * m->n_outputs : m->n_outputs)
                    || m->link == IDENTITY || (m->link == JOINT) != (m->kind == NAIVE_BAYES)))
        goto misfit;
    return capsule;
misfit:
    if (!PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "The arrays of the model do not fit together.");
refused:
    Py_DECREF(capsule);
    return NULL;
}

/* One row from numbers to its label; NULL without an error if the prediction is not finite. */
static PyObject *answer_row(const model *m, double *x, double *spare, float *single, char *out)
{
    const Py_ssize_t n_classes = PyTuple_GET_SIZE(m->classes);
    double totals[ON_STACK + 1];
    if (m->kind == TREES)
        use_trees(m, x, single, totals);
    else if (m->kind == LAYERS)
        use_layers(m, x, spare, totals);
    else
        use_naive_bayes(m, x, spare, totals);
    if (n_classes == 0)
        return isfinite(totals[0]) ? PyFloat_FromDouble(totals[0]) : NULL;
    const Py_ssize_t chosen = use_link(m, totals, n_classes);
    for (Py_ssize_t k = 0; k < n_classes; k++) {
        if (!isfinite(totals[k]))
            return NULL;
        if (PROBABILITY(m) == sizeof(float))
            ((float *)out)[k] = (float)totals[k];
        else
            ((double *)out)[k] = totals[k];
    }
    return Py_NewRef(PyTuple_GET_ITEM(m->classes, chosen));
}

/* Fill and scale a row's numbers, and set the columns of its categories; 0 if a column is out of range. */
static int transform(const model *m, const double *numbers, PyObject *hot, Py_ssize_t row, Py_ssize_t n_rows,
    double *x)
{
    const double *fill = m->fill.buf, *mean = m->mean.buf, *scale = m->scale.buf;
    for (Py_ssize_t i = 0; i < m->n_numeric; i++) {
        x[i] = fill != NULL && isnan(numbers[i]) ? fill[i] : numbers[i];
        if (mean != NULL)
            x[i] = (x[i] - mean[i]) / scale[i];
    }
    memset(x + m->n_numeric, 0, (m->n_features - m->n_numeric) * sizeof(double));
    for (Py_ssize_t i = row; i < PyList_GET_SIZE(hot); i += n_rows) {
        PyObject *place = PyList_GET_ITEM(hot, i);
        if (place == Py_None)
            continue;
        const Py_ssize_t at = PyLong_AsSsize_t(place);
        if (at < m->n_numeric || at >= m->n_features)
            return 0;
        x[at] = 1.0;
    }
    return 1;
}

PyDoc_STRVAR(answer_doc,
    "answer(model, n_rows, numbers, hot)\n\n"
    "Labels, and probabilities as bytes (n_rows, n_classes) float64 or float32; None if one is not finite.\n"
    "`numbers` is (n_rows, n_numeric) float64; `hot` lists, one category after another, the column that each\n"
    "row sets to one, or None. Raises ValueError for other sizes.");

static PyObject *answer(PyObject *self, PyObject *args)
{
    PyObject *capsule, *hot, *labels = NULL, *out = NULL, *result = NULL;
    Py_buffer numbers;
    Py_ssize_t n_rows;
    if (!PyArg_ParseTuple(args, "Ony*O!", &capsule, &n_rows, &numbers, &PyList_Type, &hot))
        return NULL;
    const model *m = PyCapsule_GetPointer(capsule, MODEL);
    double on_stack[3 * ON_STACK], *x = on_stack;
    if (m == NULL)
        goto done;
    const Py_ssize_t n_classes = PyTuple_GET_SIZE(m->classes), widest = m->widest + m->n_outputs;
    if (n_rows < 1 || n_rows > MAX_ROWS || numbers.len != n_rows * m->n_numeric * (Py_ssize_t)sizeof(double)
        || PyList_GET_SIZE(hot) % n_rows) {
        PyErr_SetString(PyExc_ValueError, "The rows are not of the size of the model.");
        goto done;
    }
    if (widest > ON_STACK && (x = PyMem_RawMalloc(3 * widest * sizeof(double))) == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    labels = PyList_New(n_rows);
    const Py_ssize_t row_bytes = n_classes * (Py_ssize_t)PROBABILITY(m);
    out = PyBytes_FromStringAndSize(NULL, n_rows * row_bytes);
    for (Py_ssize_t row = 0; labels != NULL && out != NULL && row < n_rows; row++) {
        if (!transform(m, (const double *)numbers.buf + row * m->n_numeric, hot, row, n_rows, x)) {
            if (!PyErr_Occurred())
                PyErr_SetString(PyExc_ValueError, "A category sets a column that the model does not have.");
            goto done;
        }
        PyObject *label = answer_row(m, x, x + widest, (float *)(x + 2 * widest),
            PyBytes_AS_STRING(out) + row * row_bytes);
        if (label == NULL) {
            if (!PyErr_Occurred())
                result = Py_NewRef(Py_None);
            goto done;
        }
        PyList_SET_ITEM(labels, row, label);
    }
    if (labels != NULL && out != NULL)
        result = PyTuple_Pack(2, labels, out);
done:
    if (x != on_stack)
        PyMem_RawFree(x);
    Py_XDECREF(labels);
    Py_XDECREF(out);
    PyBuffer_Release(&numbers);
    return result;
}

static PyMethodDef functions[] = {
    {"model", make_model, METH_VARARGS, model_doc},
    {"answer", answer, METH_VARARGS, answer_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "tabular.portable.native.few_rows", "A model's prediction for a few rows in C; see portable.model.", -1, functions,
};

PyMODINIT_FUNC PyInit_few_rows(void) { return PyModule_Create(&module); }
