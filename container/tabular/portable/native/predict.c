/* A model's predictions in one call, from numbers to labels. It does the work of PortableModel.transform, a
   predictor and its link.

   What is predicted for a row does not depend on the rows beside it, to the last bit. So all sums have one
   order, which is NumPy's. BLAS is not used, because its order depends on the number of rows. */

#define PY_SSIZE_T_CLEAN
#include "forest.h"

/* Wider registers where the processor has them; each sum stays the same to the last bit. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define ANY_PROCESSOR __attribute__((target_clones("default", "avx2")))
#else
#define ANY_PROCESSOR
#endif

#define MODEL "tabular.portable.native.predict.model"
#define ON_STACK 512 /* numbers */
#define MAX_FEATURES (1 << 24)
#define MAX_ROWS INT32_MAX
#define MANY 64                /* rows; from here on, other threads can run at the same time */
#define BLOCK_ROWS 256         /* at most these rows go through the layers together, */
#define BLOCK_NUMBERS (1 << 17) /* and at most so many numbers, unless eight rows have more */

enum { TREES, LAYERS, NAIVE_BAYES };
enum { IDENTITY, EXPM1, SHARES, LOGISTIC, LOGISTIC_SINGLE, SOFTMAX, SOFTMAX_SINGLE, JOINT };
enum { NONE, RELU, TANH };

typedef struct {
    int kind, link, activation, is_single;
    double divisor;
    Py_ssize_t n_numeric, n_features, n_outputs, widest, n_parts;
    const forest *trees;
    PyObject *trees_owner, *classes; /* an empty tuple of classes means regression */
    Py_buffer fill, mean, scale, *part;
} model;

/* Room for the rows of a block: features, which become a layer's output, and totals or probabilities. */
typedef struct {
    Py_ssize_t rows;
    double *x, *spare, *totals;
} block;

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

/* Products of n_rows rows with n_columns columns of the weights, summed in the order of the features. */
#define DEFINE_MULTIPLY(name, type, n_rows, n_columns)                                            \
    static inline __attribute__((always_inline)) void name(const double *x, Py_ssize_t n_in,      \
        const double *weights, Py_ssize_t n_out, double *y)                                       \
    {                                                                                             \
        const Py_ssize_t size = sizeof(type) / sizeof(double);                                    \
        type sums[n_rows][n_columns] = {0}, weight;                                               \
        for (Py_ssize_t i = 0; i < n_in; i++)                                                     \
            for (int j = 0; j < n_columns; j++) {                                                 \
                memcpy(&weight, weights + i * n_out + j * size, sizeof(type));                    \
                for (int row = 0; row < n_rows; row++)                                            \
                    sums[row][j] += x[row * n_in + i] * weight;                                   \
            }                                                                                     \
        for (int row = 0; row < n_rows; row++)                                                    \
            memcpy(y + row * n_out, sums[row], sizeof(sums[row]));                                \
    }

typedef double four __attribute__((vector_size(4 * sizeof(double))));
DEFINE_MULTIPLY(multiply_one_by_one, double, 1, 1)
DEFINE_MULTIPLY(multiply_one_by_sixteen, four, 1, 4)
DEFINE_MULTIPLY(multiply_four_by_one, double, 4, 1)
DEFINE_MULTIPLY(multiply_four_by_four, four, 4, 1)

/* y = x weights: (n_rows, n_in) times (n_in, n_out). */
ANY_PROCESSOR static void multiply(const double *x, Py_ssize_t n_rows, Py_ssize_t n_in, const double *weights,
    Py_ssize_t n_out, double *y)
{
    Py_ssize_t row = 0, j;
    for (; row + 4 <= n_rows; row += 4, x += 4 * n_in, y += 4 * n_out) {
        for (j = 0; j + 4 <= n_out; j += 4)
            multiply_four_by_four(x, n_in, weights + j, n_out, y + j);
        for (; j < n_out; j++)
            multiply_four_by_one(x, n_in, weights + j, n_out, y + j);
    }
    for (; row < n_rows; row++, x += n_in, y += n_out) {
        for (j = 0; j + 16 <= n_out; j += 16)
            multiply_one_by_sixteen(x, n_in, weights + j, n_out, y + j);
        for (; j < n_out; j++)
            multiply_one_by_one(x, n_in, weights + j, n_out, y + j);
    }
}

static void use_layers(const model *m, block *b, Py_ssize_t n_rows)
{
    Py_ssize_t n_in = m->n_features;
    for (Py_ssize_t part = 0; part < m->n_parts; part += 2) {
        const int is_last = part + 2 == m->n_parts;
        const double *intercept = m->part[part + 1].buf;
        const Py_ssize_t n_out = m->part[part + 1].len / (Py_ssize_t)sizeof(double);
        double *x = b->x, *y = is_last ? b->totals : b->spare;
        multiply(x, n_rows, n_in, m->part[part].buf, n_out, y);
        for (Py_ssize_t row = 0; row < n_rows; row++)
            for (Py_ssize_t j = 0; j < n_out; j++)
                y[row * n_out + j] += intercept[j];
        for (Py_ssize_t i = 0; i < n_rows * n_out && !is_last && m->activation == TANH; i++)
            y[i] = tanh(y[i]);
        for (Py_ssize_t i = 0; i < n_rows * n_out && !is_last && m->activation == RELU; i++)
            y[i] = y[i] < 0.0 ? 0.0 : y[i];
        if (!is_last) {
            b->x = y;
            b->spare = x;
        }
        n_in = n_out;
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

static void use_trees(const model *m, block *b, Py_ssize_t n_rows)
{
    const Py_ssize_t n = n_rows * m->n_features, n_outputs = m->n_outputs;
    float *single = (float *)b->spare, *sums = single + n;
    for (Py_ssize_t i = 0; i < n && m->is_single; i++)
        single[i] = (float)b->x[i];
    if (m->trees->is_double) {
        for (Py_ssize_t i = 0; i < n && m->is_single; i++)
            b->x[i] = single[i]; /* scikit-learn rounds its input but not its thresholds */
        for (Py_ssize_t row = 0; row < n_rows; row++)
            memcpy(b->totals + row * n_outputs, m->part[0].buf, n_outputs * sizeof(double));
        add_double(m->trees, b->x, n_rows, b->totals);
        for (Py_ssize_t k = 0; k < n_rows * n_outputs && m->divisor > 1.0; k++)
            b->totals[k] /= m->divisor;
    } else {
        for (Py_ssize_t row = 0; row < n_rows; row++)
            memcpy(sums + row * n_outputs, m->part[0].buf, n_outputs * sizeof(float));
        add_float(m->trees, single, n_rows, sums);
        for (Py_ssize_t k = 0; k < n_rows * n_outputs; k++)
            b->totals[k] = m->divisor > 1.0 ? sums[k] / (float)m->divisor : sums[k];
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
    const int is_number = m->link == IDENTITY || m->link == EXPM1;
    if (m->link < IDENTITY || m->link > JOINT || n_classes > ON_STACK || !parts_fit(m)
        || (m->mean.buf == NULL) != (m->scale.buf == NULL)
        || (n_classes == 0 ? m->n_outputs != 1 || !is_number
                           : n_classes != (halved ? 2 : m->n_outputs) || (halved && m->n_outputs != 1)
                    || is_number || (m->link == JOINT) != (m->kind == NAIVE_BAYES)))
        goto misfit;
    return capsule;
misfit:
    if (!PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "The arrays of the model do not fit together.");
refused:
    Py_DECREF(capsule);
    return NULL;
}

/* Fill and scale a row's numbers, and set the columns of its categories. */
static void transform(const model *m, const double *numbers, const int32_t *hot, Py_ssize_t n_categories,
    Py_ssize_t n_rows, double *x)
{
    const double *fill = m->fill.buf, *mean = m->mean.buf, *scale = m->scale.buf;
    for (Py_ssize_t i = 0; i < m->n_numeric; i++) {
        x[i] = fill != NULL && isnan(numbers[i]) ? fill[i] : numbers[i];
        if (mean != NULL)
            x[i] = (x[i] - mean[i]) / scale[i];
    }
    memset(x + m->n_numeric, 0, (m->n_features - m->n_numeric) * sizeof(double));
    for (Py_ssize_t i = 0; i < n_categories; i++)
        if (hot[i * n_rows] >= 0)
            x[hot[i * n_rows]] = 1.0;
}

/* Write the number of a row, or its chosen class and probabilities; 0 if one is not finite. */
static int write_row(const model *m, double *totals, int32_t *chosen, char *out)
{
    const Py_ssize_t n_classes = PyTuple_GET_SIZE(m->classes);
    double p[ON_STACK + 1];
    memcpy(p, totals, m->n_outputs * sizeof(double));
    if (n_classes == 0) {
        *(double *)out = m->link == EXPM1 ? expm1(p[0]) : p[0];
        return isfinite(*(double *)out);
    }
    *chosen = (int32_t)use_link(m, p, n_classes);
    for (Py_ssize_t k = 0; k < n_classes; k++) {
        if (!isfinite(p[k]))
            return 0;
        if (PROBABILITY(m) == sizeof(float))
            ((float *)out)[k] = (float)p[k];
        else
            ((double *)out)[k] = p[k];
    }
    return 1;
}

/* Predict all rows, block by block; 0 if a prediction is not finite. Needs no GIL. */
static int predict(const model *m, const double *numbers, const int32_t *hot, Py_ssize_t n_categories,
    Py_ssize_t n_rows, block *b, int32_t *chosen, char *out, Py_ssize_t row_bytes)
{
    for (Py_ssize_t first = 0; first < n_rows; first += b->rows) {
        const Py_ssize_t n = n_rows - first < b->rows ? n_rows - first : b->rows;
        for (Py_ssize_t row = 0; row < n; row++)
            transform(m, numbers + (first + row) * m->n_numeric, hot + first + row, n_categories, n_rows,
                b->x + row * m->n_features);
        if (m->kind == TREES)
            use_trees(m, b, n);
        else if (m->kind == LAYERS)
            use_layers(m, b, n);
        else
            for (Py_ssize_t row = 0; row < n; row++)
                use_naive_bayes(m, b->x + row * m->n_features, b->spare, b->totals + row * m->n_outputs);
        for (Py_ssize_t row = 0; row < n; row++)
            if (!write_row(m, b->totals + row * m->n_outputs, chosen + first + row,
                    out + (first + row) * row_bytes))
                return 0;
    }
    return 1;
}

/* The columns that categories set to one, or -1; 0 with an error if the model has no such column. */
static int read_hot(const model *m, PyObject *given, int32_t *hot)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(given); i++) {
        PyObject *place = PyList_GET_ITEM(given, i);
        const Py_ssize_t at = place == Py_None ? -1 : PyLong_AsSsize_t(place);
        if (place != Py_None && (at < m->n_numeric || at >= m->n_features)) {
            if (!PyErr_Occurred())
                PyErr_SetString(PyExc_ValueError, "A category sets a column that the model does not have.");
            return 0;
        }
        hot[i] = (int32_t)at;
    }
    return 1;
}

/* The label of each row: its class or its number. */
static PyObject *labels_of(const model *m, Py_ssize_t n_rows, const int32_t *chosen, const char *out)
{
    PyObject *labels = PyList_New(n_rows);
    for (Py_ssize_t row = 0; labels != NULL && row < n_rows; row++) {
        PyObject *label = PyTuple_GET_SIZE(m->classes) ? Py_NewRef(PyTuple_GET_ITEM(m->classes, chosen[row]))
                                                       : PyFloat_FromDouble(((const double *)out)[row]);
        if (label == NULL)
            Py_CLEAR(labels);
        else
            PyList_SET_ITEM(labels, row, label);
    }
    return labels;
}

static int has_rows(Py_ssize_t n_rows)
{
    if (n_rows >= 1 && n_rows <= MAX_ROWS)
        return 1;
    PyErr_SetString(PyExc_ValueError, "The rows are not of the size of the model.");
    return 0;
}

/* The bytes of a row's probabilities, or of its number. */
static Py_ssize_t row_bytes_of(const model *m)
{
    const Py_ssize_t n_classes = PyTuple_GET_SIZE(m->classes);
    return n_classes ? n_classes * (Py_ssize_t)PROBABILITY(m) : (Py_ssize_t)sizeof(double);
}

/* Predict rows given as `answer` gets them, into `chosen` and `out`, which have room for n_rows.
   1 if all predictions are finite, 0 if not, -1 with an error. */
static int compute(const model *m, Py_ssize_t n_rows, PyObject *given_numbers, PyObject *given_hot, int32_t *chosen,
    char *out)
{
    double x_on_stack[3 * ON_STACK], *x = x_on_stack;
    int32_t hot_on_stack[ON_STACK], *hot = hot_on_stack;
    int result = -1;
    Py_buffer numbers;
    if (PyObject_GetBuffer(given_numbers, &numbers, PyBUF_C_CONTIGUOUS) != 0)
        return -1;
    if (!PyList_Check(given_hot)) {
        PyErr_SetString(PyExc_TypeError, "The columns of the categories are not a list.");
        goto done;
    }
    const Py_ssize_t widest = m->widest + m->n_outputs, n_hot = PyList_GET_SIZE(given_hot);
    if (numbers.len != n_rows * m->n_numeric * (Py_ssize_t)sizeof(double) || n_hot % n_rows) {
        PyErr_SetString(PyExc_ValueError, "The rows are not of the size of the model.");
        goto done;
    }
    block b = {BLOCK_NUMBERS / widest};
    if (m->kind == LAYERS && b.rows > BLOCK_ROWS)
        b.rows = BLOCK_ROWS;
    b.rows = b.rows < 8 ? 8 : b.rows;
    b.rows = n_rows < b.rows ? n_rows : b.rows;
    if ((b.rows * widest > ON_STACK && (x = PyMem_RawMalloc(3 * b.rows * widest * sizeof(double))) == NULL)
        || (n_hot > ON_STACK && (hot = PyMem_RawMalloc(n_hot * sizeof(int32_t))) == NULL)) {
        PyErr_NoMemory();
        goto done;
    }
    b.x = x;
    b.spare = x + b.rows * widest;
    b.totals = b.spare + b.rows * widest;
    if (!read_hot(m, given_hot, hot))
        goto done;
    PyThreadState *state = n_rows < MANY ? NULL : PyEval_SaveThread();
    result = predict(m, numbers.buf, hot, n_hot / n_rows, n_rows, &b, chosen, out, row_bytes_of(m));
    if (state != NULL)
        PyEval_RestoreThread(state);
done:
    if (x != x_on_stack)
        PyMem_RawFree(x);
    if (hot != hot_on_stack)
        PyMem_RawFree(hot);
    PyBuffer_Release(&numbers);
    return result;
}

PyDoc_STRVAR(answer_doc,
    "answer(model, n_rows, numbers, hot)\n\n"
    "Labels, and as bytes the probabilities (n_rows, n_classes) float64 or float32, or for regression the\n"
    "numbers (n_rows,) float64; None if one is not finite. `numbers` is (n_rows, n_numeric) float64; `hot`\n"
    "lists, one category after another, the column that each row sets to one, or None. Raises ValueError for\n"
    "other sizes.");

static PyObject *answer(PyObject *self, PyObject *args)
{
    PyObject *capsule, *numbers, *hot, *labels = NULL, *out = NULL, *result = NULL;
    int32_t chosen_on_stack[ON_STACK], *chosen = chosen_on_stack;
    Py_ssize_t n_rows;
    if (!PyArg_ParseTuple(args, "OnOO", &capsule, &n_rows, &numbers, &hot))
        return NULL;
    const model *m = PyCapsule_GetPointer(capsule, MODEL);
    if (m == NULL || !has_rows(n_rows))
        return NULL;
    if (n_rows > ON_STACK && (chosen = PyMem_RawMalloc(n_rows * sizeof(int32_t))) == NULL)
        return PyErr_NoMemory();
    if ((out = PyBytes_FromStringAndSize(NULL, n_rows * row_bytes_of(m))) == NULL)
        goto done;
    const int is_finite = compute(m, n_rows, numbers, hot, chosen, PyBytes_AS_STRING(out));
    if (is_finite == 0)
        result = Py_NewRef(Py_None);
    else if (is_finite == 1 && (labels = labels_of(m, n_rows, chosen, PyBytes_AS_STRING(out))) != NULL)
        result = PyTuple_Pack(2, labels, out);
done:
    if (chosen != chosen_on_stack)
        PyMem_RawFree(chosen);
    Py_XDECREF(labels);
    Py_XDECREF(out);
    return result;
}

/* Add a member's predictions (n_rows, width), times its weight, to the totals. */
static void add_weighted(const model *m, Py_ssize_t n, double weight, const char *out, double *totals)
{
    const int is_single = PyTuple_GET_SIZE(m->classes) && PROBABILITY(m) == sizeof(float);
    for (Py_ssize_t i = 0; i < n; i++)
        totals[i] += weight * (is_single ? (double)((const float *)out)[i] : ((const double *)out)[i]);
}

PyDoc_STRVAR(mean_doc,
    "mean(models, weights, n_rows, inputs)\n\n"
    "The same as `answer` for the weighted mean of several models, always in float64. `inputs` has a tuple\n"
    "(numbers, hot) for each model. Raises ValueError for other sizes, or models that differ in their classes.");

static PyObject *mean(PyObject *self, PyObject *args)
{
    PyObject *models, *weights, *inputs, *labels = NULL, *out = NULL, *result = NULL;
    Py_ssize_t n_rows;
    if (!PyArg_ParseTuple(args, "O!O!nO!", &PyTuple_Type, &models, &PyTuple_Type, &weights, &n_rows,
            &PyTuple_Type, &inputs))
        return NULL;
    const Py_ssize_t n_models = PyTuple_GET_SIZE(models);
    const model *first = n_models ? PyCapsule_GetPointer(PyTuple_GET_ITEM(models, 0), MODEL) : NULL;
    if (PyErr_Occurred() || !has_rows(n_rows))
        return NULL;
    if (first == NULL || PyTuple_GET_SIZE(weights) != n_models || PyTuple_GET_SIZE(inputs) != n_models) {
        PyErr_SetString(PyExc_ValueError, "There is not one weight and one input for each of some models.");
        return NULL;
    }
    const Py_ssize_t n_classes = PyTuple_GET_SIZE(first->classes), width = n_classes ? n_classes : 1;
    const Py_ssize_t bytes = n_rows * width * (Py_ssize_t)sizeof(double);
    /* The predictions of one member, and the class that it, and then the mean, chooses. */
    char *part = PyMem_RawMalloc(bytes + n_rows * (Py_ssize_t)sizeof(int32_t));
    int is_finite = 1;
    if (part == NULL)
        return PyErr_NoMemory();
    int32_t *chosen = (int32_t *)(part + bytes);
    if ((out = PyBytes_FromStringAndSize(NULL, bytes)) == NULL)
        goto done;
    double *totals = (double *)PyBytes_AS_STRING(out);
    memset(totals, 0, bytes);
    for (Py_ssize_t i = 0; i < n_models && is_finite == 1; i++) {
        PyObject *input = PyTuple_GET_ITEM(inputs, i), *numbers, *hot;
        const model *m = PyCapsule_GetPointer(PyTuple_GET_ITEM(models, i), MODEL);
        const double weight = PyFloat_AsDouble(PyTuple_GET_ITEM(weights, i));
        if (PyErr_Occurred() || !PyTuple_Check(input) || !PyArg_ParseTuple(input, "OO", &numbers, &hot))
            goto failed;
        if (PyTuple_GET_SIZE(m->classes) != n_classes) {
            PyErr_SetString(PyExc_ValueError, "The models differ in their classes.");
            goto done;
        }
        if ((is_finite = compute(m, n_rows, numbers, hot, chosen, part)) == 1)
            add_weighted(m, n_rows * width, weight, part, totals);
    }
    for (Py_ssize_t i = 0; i < n_rows * width && is_finite == 1; i++)
        is_finite = isfinite(totals[i]) != 0;
    for (Py_ssize_t row = 0; row < n_rows && n_classes; row++)
        chosen[row] = (int32_t)largest(totals + row * width, width);
    if (is_finite == 0)
        result = Py_NewRef(Py_None);
    else if (is_finite == 1 && (labels = labels_of(first, n_rows, chosen, PyBytes_AS_STRING(out))) != NULL)
        result = PyTuple_Pack(2, labels, out);
    goto done;
failed:
    if (!PyErr_Occurred())
        PyErr_SetString(PyExc_TypeError, "An input is not a tuple of numbers and a list.");
done:
    PyMem_RawFree(part);
    Py_XDECREF(labels);
    Py_XDECREF(out);
    return result;
}

static PyMethodDef functions[] = {
    {"model", make_model, METH_VARARGS, model_doc},
    {"answer", answer, METH_VARARGS, answer_doc},
    {"mean", mean, METH_VARARGS, mean_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "tabular.portable.native.predict", "A model's predictions in C; see portable.model.", -1, functions,
};

PyMODINIT_FUNC PyInit_predict(void) { return PyModule_Create(&module); }
