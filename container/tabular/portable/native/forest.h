/* The layout of decision trees in C, and the walk through them; for trees.c and predict.c. */

#ifndef TABULAR_FOREST_H
#define TABULAR_FOREST_H

#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define FOREST "tabular.portable.native.trees.trees"
#define TOGETHER 8               /* walks at the same time, which hides the wait for memory */
#define DEFAULT_RIGHT 0x40000000 /* flag in a split's feature: a missing value goes right */

typedef struct { double threshold; int32_t feature, left; } node_double;
typedef struct { float threshold; int32_t feature, left; } node_float;

typedef struct {
    int is_double;
    Py_ssize_t n_nodes, n_trees, n_features, n_outputs, width; /* width: values per leaf */
    int32_t *root, *group;
    void *nodes, *values;
} forest;

/* A leaf leads to itself: its threshold is infinite, and a missing value goes left. */
#define STEP(place, row)                                                                          \
    do {                                                                                          \
        x = (row)[nodes[place].feature & ~DEFAULT_RIGHT];                                         \
        place = nodes[place].left                                                                 \
            + (x != x ? nodes[place].feature >= DEFAULT_RIGHT : x > nodes[place].threshold);      \
    } while (0)

/* Take n walks one step at a time until none moves; `of` is the row of each walk. */
#define WALK(n, of)                                                                               \
    do {                                                                                          \
        moved = 0;                                                                                \
        for (Py_ssize_t i = 0; i < (n); i++) {                                                    \
            before = at[i];                                                                       \
            STEP(at[i], rows + (of) * f->n_features);                                             \
            moved |= at[i] ^ before;                                                              \
        }                                                                                         \
    } while (moved)

#define ADD_LEAF(place, t, row)                                                                   \
    for (Py_ssize_t k = 0; k < f->width; k++)                                                     \
        totals[(row) * f->n_outputs + f->group[t] + k] += values[(place) * f->width + k]

/* Blocks of rows walk together through one tree after another. The rows that do not fill a block walk one by
   one, each through several trees at the same time. Each row's sum is in the order of the trees. */
#define DEFINE_ADD(real)                                                                          \
    static void add_##real(const forest *f, const real *rows, Py_ssize_t n_rows, real *totals)    \
    {                                                                                             \
        const node_##real *nodes = f->nodes;                                                      \
        const real *values = f->values;                                                           \
        const Py_ssize_t in_blocks = n_rows - n_rows % TOGETHER;                                  \
        int32_t at[TOGETHER], before, moved;                                                      \
        real x;                                                                                   \
        for (Py_ssize_t t = 0; t < f->n_trees && in_blocks; t++)                                  \
            for (Py_ssize_t first = 0; first < in_blocks; first += TOGETHER) {                    \
                for (Py_ssize_t i = 0; i < TOGETHER; i++)                                         \
                    at[i] = f->root[t];                                                           \
                WALK(TOGETHER, first + i);                                                        \
                for (Py_ssize_t i = 0; i < TOGETHER; i++)                                         \
                    ADD_LEAF(at[i], t, first + i);                                                \
            }                                                                                     \
        for (Py_ssize_t row = in_blocks; row < n_rows; row++)                                     \
            for (Py_ssize_t t = 0, n; t < f->n_trees; t += n) {                                   \
                n = f->n_trees - t < TOGETHER ? f->n_trees - t : TOGETHER;                        \
                for (Py_ssize_t i = 0; i < n; i++)                                                \
                    at[i] = f->root[t + i];                                                       \
                WALK(n, row);                                                                     \
                for (Py_ssize_t i = 0; i < n; i++)                                                \
                    ADD_LEAF(at[i], t + i, row);                                                  \
            }                                                                                     \
    }

DEFINE_ADD(double)
DEFINE_ADD(float)

#endif
