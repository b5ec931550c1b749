// The gated graph step and the soft attention over random ragged shapes, against the same written in double
// from the equations, there and back.
#include "gradients.h"
#include "nn/gated_step.h"
#include "nn/soft_attention.h"

// Lists of 0 (or `least`) to `most` numbers below `bound`.
static hh_ragged random_lists(size_t count, uint32_t least, uint32_t most, uint32_t bound, hh_random *random)
{
    hh_ragged lists = {count, malloc((count + 1) * sizeof(uint32_t)),
                       malloc((count * most + 1) * sizeof(uint32_t))};
    cr_assert(lists.begin && lists.at);
    lists.begin[0] = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t length = least + hh_random_below(random, most - least + 1);
        for (uint32_t j = 0; j < length; j++)
            lists.at[lists.begin[i] + j] = hh_random_below(random, bound);
        lists.begin[i + 1] = lists.begin[i] + length;
    }
    return lists;
}

static void free_lists(hh_ragged *lists)
{
    free(lists->begin);
    free(lists->at);
}

static double weighted(const float *by, const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)by[i] * x[i];
    return sum;
}

// ---- gated step ----

typedef struct gated_case {
    hh_gated_shape shape;
    const float *wanted; // [versions x d] d loss / d h
} gated_case;

enum { G_X, G_W, G_B, G_G, G_G_BIAS, G_U, G_U_BIAS, G_LEAVES };

// h [d] of one version
static void slow_gated(double *h, double *const *at, const hh_gated_shape *shape, size_t version)
{
    size_t d = shape->d;
    double sent[2 * 64], a[2 * 64] = {0}, from_a[3 * 64], from_x[3 * 64];
    const hh_ragged *edges[] = {&shape->before, &shape->after};
    for (size_t half = 0; half < 2; half++) {
        uint32_t begin = edges[half]->begin[version], end = edges[half]->begin[version + 1];
        for (uint32_t e = begin; e < end; e++) {
            slow_mul(sent, at[G_X] + edges[half]->at[e] * d, at[G_W], d, 2 * d);
            for (size_t i = half * d; i < half * d + d; i++)
                a[i] += (sent[i] + at[G_B][i]) / (end - begin);
        }
    }
    const double *x = at[G_X] + shape->node[version] * d;
    slow_mul(from_a, a, at[G_G], 2 * d, 3 * d);
    slow_mul(from_x, x, at[G_U], d, 3 * d);
    for (size_t i = 0; i < 3 * d; i++) {
        from_a[i] += at[G_G_BIAS][i];
        from_x[i] += at[G_U_BIAS][i];
    }
    for (size_t i = 0; i < d; i++) {
        double r = slow_sigmoid(from_a[i] + from_x[i]), z = slow_sigmoid(from_a[d + i] + from_x[d + i]);
        double c = tanh(from_a[2 * d + i] + r * from_x[2 * d + i]);
        h[i] = (1 - z) * c + z * x[i];
    }
}

static double slow_gated_loss(double *const *at, const void *context)
{
    const gated_case *self = context;
    double h[64], loss = 0;
    for (size_t v = 0; v < self->shape.before.count; v++) {
        slow_gated(h, at, &self->shape, v);
        loss += weighted(self->wanted + v * self->shape.d, h, self->shape.d);
    }
    return loss;
}

static void check_gated(size_t d, size_t nodes, size_t versions, uint64_t seed)
{
    hh_random random = {seed};
    uint32_t *node = malloc((versions + 1) * sizeof *node);
    cr_assert_not_null(node);
    for (size_t v = 0; v < versions; v++)
        node[v] = hh_random_below(&random, (uint32_t)nodes);
    hh_gated_shape shape = {d, nodes, random_lists(versions, 0, 4, (uint32_t)nodes, &random),
                            random_lists(versions, 0, 4, (uint32_t)nodes, &random), node};
    size_t sizes[G_LEAVES] = {nodes * d, 2 * d * d, 2 * d, 6 * d * d, 3 * d, 3 * d * d, 3 * d};
    const char *names[G_LEAVES] = {"x", "w", "b", "g", "g_bias", "u", "u_bias"};
    float *value[G_LEAVES], *gradient[G_LEAVES];
    leaf leaves[G_LEAVES];
    for (int l = 0; l < G_LEAVES; l++) {
        value[l] = random_floats(sizes[l], l == G_X ? 1 : 0.5f, &random);
        gradient[l] = zero_floats(sizes[l]);
        leaves[l] = (leaf){names[l], value[l], gradient[l], sizes[l]};
    }
    float *h = zero_floats(versions * d), *dh = random_floats(versions * d, 1, &random);
    hh_gated_weights weights = {value[G_W],      value[G_B], value[G_G],
                                value[G_G_BIAS], value[G_U], value[G_U_BIAS]};
    hh_gated_weights back = {gradient[G_W],      gradient[G_B], gradient[G_G],
                             gradient[G_G_BIAS], gradient[G_U], gradient[G_U_BIAS]};
    hh_arena arena = {0};
    hh_gated_state state;
    hh_gated_take(&state, &shape, true, &arena);
    cr_assert_not(arena.failed);
    hh_gated_step(h, &state, &shape, &weights, value[G_X]);
    double *at[G_LEAVES], want[64];
    for (int l = 0; l < G_LEAVES; l++)
        at[l] = doubles_of(value[l], sizes[l]);
    for (size_t v = 0; v < versions; v++) {
        slow_gated(want, at, &shape, v);
        check_near("h", h + v * d, want, d, 1e-5);
    }
    hh_gated_step_back(gradient[G_X], &back, dh, &state, &shape, &weights, value[G_X]);
    check_gradients(leaves, G_LEAVES, slow_gated_loss, &(gated_case){shape, dh});
    for (int l = 0; l < G_LEAVES; l++) {
        free(value[l]);
        free(gradient[l]);
        free(at[l]);
    }
    free_lists(&shape.before);
    free_lists(&shape.after);
    free(node);
    free(h);
    free(dh);
    hh_arena_free(&arena);
}

Test(gated_step, there_and_back)
{
    check_gated(5, 6, 9, 1);
    check_gated(1, 1, 1, 2);
    check_gated(9, 3, 14, 3);
}

// ---- soft attention ----

typedef struct attention_case {
    hh_attention_shape shape;
    const float *wanted; // [prefixes x d] d loss / d out
} attention_case;

enum { A_H, A_POSITION, A_W1, A_W2, A_B, A_W3, A_T, A_LEAVES };

// out [d] of one prefix
static void slow_attention(double *out, double *const *at, const hh_attention_shape *shape, size_t prefix)
{
    size_t d = shape->d, begin = shape->clicks.begin[prefix], n = shape->clicks.begin[prefix + 1] - begin;
    double s[32][64], e[32], most = -INFINITY, sum = 0, query[64], key[64], joined[2 * 64] = {0};
    for (size_t i = 0; i < n; i++) {
        size_t back = n - 1 - i, place = back < shape->positions ? back : shape->positions - 1;
        for (size_t j = 0; j < d; j++)
            s[i][j] = at[A_H][shape->clicks.at[begin + i] * d + j] + at[A_POSITION][place * d + j];
    }
    slow_mul(query, s[n - 1], at[A_W1], d, d);
    for (size_t i = 0; i < n; i++) {
        slow_mul(key, s[i], at[A_W2], d, d);
        e[i] = 0;
        for (size_t j = 0; j < d; j++)
            e[i] += at[A_W3][j] * slow_sigmoid(query[j] + key[j] + at[A_B][j]);
        most = fmax(most, e[i]);
    }
    for (size_t i = 0; i < n; i++)
        sum += exp(e[i] - most);
    for (size_t j = 0; j < d; j++) {
        for (size_t i = 0; i < n; i++)
            joined[j] += exp(e[i] - most) / sum * s[i][j];
        joined[d + j] = s[n - 1][j];
    }
    slow_mul(out, joined, at[A_T], 2 * d, d);
}

static double slow_attention_loss(double *const *at, const void *context)
{
    const attention_case *self = context;
    double out[64], loss = 0;
    for (size_t p = 0; p < self->shape.clicks.count; p++) {
        slow_attention(out, at, &self->shape, p);
        loss += weighted(self->wanted + p * self->shape.d, out, self->shape.d);
    }
    return loss;
}

static void check_attention(size_t d, size_t versions, size_t positions, size_t prefixes, uint32_t longest,
                            uint64_t seed)
{
    hh_random random = {seed};
    hh_attention_shape shape = {d, versions, positions,
                                random_lists(prefixes, 1, longest, (uint32_t)versions, &random)};
    size_t sizes[A_LEAVES] = {versions * d, positions * d, d * d, d * d, d, d, 2 * d * d};
    const char *names[A_LEAVES] = {"h", "position", "w1", "w2", "b", "w3", "t"};
    float *value[A_LEAVES], *gradient[A_LEAVES];
    leaf leaves[A_LEAVES];
    for (int l = 0; l < A_LEAVES; l++) {
        value[l] = random_floats(sizes[l], l == A_W3 ? 2 : 0.7f, &random);
        gradient[l] = zero_floats(sizes[l]);
        leaves[l] = (leaf){names[l], value[l], gradient[l], sizes[l]};
    }
    float *out = zero_floats(prefixes * d), *d_out = random_floats(prefixes * d, 1, &random);
    hh_attention_weights weights = {value[A_POSITION], value[A_W1], value[A_W2],
                                    value[A_B],        value[A_W3], value[A_T]};
    hh_attention_weights back = {gradient[A_POSITION], gradient[A_W1], gradient[A_W2],
                                 gradient[A_B],        gradient[A_W3], gradient[A_T]};
    hh_arena arena = {0};
    hh_attention_state state;
    hh_attention_take(&state, &shape, true, &arena);
    cr_assert_not(arena.failed);
    hh_attention(out, &state, &shape, &weights, value[A_H]);
    double *at[A_LEAVES], want[64];
    for (int l = 0; l < A_LEAVES; l++)
        at[l] = doubles_of(value[l], sizes[l]);
    for (size_t p = 0; p < prefixes; p++) {
        slow_attention(want, at, &shape, p);
        check_near("out", out + p * d, want, d, 1e-5);
    }
    hh_attention_back(gradient[A_H], &back, d_out, &state, &shape, &weights, value[A_H]);
    check_gradients(leaves, A_LEAVES, slow_attention_loss, &(attention_case){shape, d_out});
    for (int l = 0; l < A_LEAVES; l++) {
        free(value[l]);
        free(gradient[l]);
        free(at[l]);
    }
    free_lists(&shape.clicks);
    free(out);
    free(d_out);
    hh_arena_free(&arena);
}

Test(soft_attention, there_and_back)
{
    check_attention(5, 7, 6, 8, 6, 1);
    check_attention(1, 1, 1, 1, 1, 2);
    check_attention(9, 4, 3, 6, 8, 3); // longer than there are positions
}
