#include "model/parts.h"

#include "model/network.h"
#include "nn/dropout.h"
#include "nn/matrix.h"
#include "nn/vector.h"

#include <math.h>

#define VALUE(NAME)    network->tensor[HH_TENSOR_##NAME].value
#define GRADIENT(NAME) gradients->tensor[HH_TENSOR_##NAME]
#define INTENTS(of)                                                                        \
    (hh_intents_weights)                                                                   \
    {                                                                                      \
        .query = of(INTENT_QUERY), .k = of(INTENT_K), .v = of(INTENT_V), .o = of(INTENT_O) \
    }
#define DENOISE(of)                                                                       \
    {                                                                                     \
        {.w1 = of(GLOBAL_W1),                                                             \
         .w2 = of(GLOBAL_W2),                                                             \
         .b = of(GLOBAL_B),                                                               \
         .w0 = of(GLOBAL_W0),                                                             \
         .alpha = of(GLOBAL_ALPHA),                                                       \
         .prior = of(GLOBAL_PRIOR)},                                                      \
        {                                                                                 \
            .w1 = of(LOCAL_W1), .w2 = of(LOCAL_W2), .b = of(LOCAL_B), .w0 = of(LOCAL_W0), \
            .alpha = of(LOCAL_ALPHA), .prior = of(LOCAL_PRIOR)                            \
        }                                                                                 \
    }

static bool heeds(const hh_network *network, int set)
{
    return set == HH_SET_GLOBAL ? network->options.global : network->options.local;
}

static bool neighbours(const hh_network *network, const hh_batch *batch)
{
    return batch->near.entries > 0 && (network->options.global || network->options.local);
}

static bool similar(const hh_network *network, const hh_batch *batch)
{
    return network->options.similar && neighbours(network, batch);
}

static bool votes(const hh_network *network, const hh_batch *batch)
{
    return network->options.votes && neighbours(network, batch);
}

bool hh_parts_any(const hh_network *network)
{
    return network->options.intents > 0 || network->options.global || network->options.local;
}

void hh_parts_take(hh_parts *parts, const hh_network *network, const hh_batch *batch, bool learns,
                   hh_arena *arena)
{
    const hh_batch_neighbours *near = &batch->near;
    size_t d = network->d, size = batch->prefixes * d, entries = near->entries;
    size_t exact = batch->exact.begin[batch->prefixes];
    *parts = (hh_parts){.total = HH_TAKE(arena, size, float),
                        .total_length = HH_TAKE(arena, batch->prefixes, float)};
    if (learns) {
        parts->d_total = HH_TAKE(arena, size, float);
        parts->d_seq = HH_TAKE(arena, size, float);
    }
    if (network->options.intents > 0) {
        parts->intent = HH_TAKE(arena, size, float);
        parts->intents_shape =
            (hh_intents_shape){d, network->options.intents, batch->versions, batch->attention.clicks};
        hh_intents_take(&parts->intents, &parts->intents_shape, learns, arena);
        if (learns)
            parts->d_intent = HH_TAKE(arena, size, float);
    }
    if (!neighbours(network, batch))
        return;
    parts->said = HH_TAKE(arena, entries * d, float);
    parts->n = HH_TAKE(arena, entries * d, float);
    parts->length = HH_TAKE(arena, entries, float);
    if (learns)
        parts->d_n = HH_TAKE(arena, entries * d, float);
    for (int set = 0; set < HH_SETS; set++) {
        if (!heeds(network, set))
            continue;
        parts->denoise_shape[set] = (hh_denoise_shape){
            d, HH_DENOISE_HIDDEN, entries, near->set[set], near->prior[set], network->options.denoising};
        parts->heard[set] = HH_TAKE(arena, size, float);
        hh_denoise_take(&parts->denoise[set], &parts->denoise_shape[set], learns, arena);
        if (learns)
            parts->d_heard[set] = HH_TAKE(arena, size, float);
    }
    if (similar(network, batch)) {
        parts->similar_shape = (hh_similar_shape){d, network->options.most_similar, near->all};
        hh_similar_take(&parts->similar, &parts->similar_shape, learns, arena);
        parts->fused = HH_TAKE(arena, size, float);
        parts->alike = HH_TAKE(arena, size, float);
        parts->sim = HH_TAKE(arena, size, float);
        parts->sim_length = HH_TAKE(arena, batch->prefixes, float);
        parts->gate = HH_TAKE(arena, batch->prefixes, float);
        if (learns) {
            parts->d_fused = HH_TAKE(arena, size, float);
            parts->alike_mask = HH_TAKE(arena, size, float);
            parts->d_sim = HH_TAKE(arena, size, float);
            parts->nce_shape = (hh_nce_shape){.d = d,
                                              .prefixes = batch->prefixes,
                                              .item = batch->node_row,
                                              .first = batch->first_node,
                                              .end = batch->end_node};
            if (network->options.contrastive)
                hh_nce_take(&parts->nce, &parts->nce_shape, arena);
        }
    }
    if (votes(network, batch)) {
        parts->mass = HH_TAKE(arena, exact, float);
        parts->trust = HH_TAKE(arena, batch->prefixes, float);
        if (learns)
            parts->d_mass = HH_TAKE(arena, exact, float);
    }
}

// ---- there ----

static void neighbours_vectors(hh_parts *parts, const hh_batch *batch, const float *x, size_t d)
{
    const hh_ragged *said = &batch->near.said;
    memset(parts->said, 0, said->count * d * sizeof(float));
    for (size_t e = 0; e < said->count; e++)
        for (uint32_t i = said->begin[e]; i < said->begin[e + 1]; i++)
            hh_add_scaled(parts->said + e * d, batch->near.weight[i], x + said->at[i] * d, d);
    hh_normalise(parts->n, parts->length, parts->said, said->count, d);
}

static void similar_forward(hh_parts *parts, const hh_network *network, const hh_batch *batch,
                            const float *seq, hh_random *random)
{
    size_t d = network->d, size = batch->prefixes * d;
    memcpy(parts->fused, seq, size * sizeof *seq);
    for (int set = 0; set < HH_SETS; set++)
        if (heeds(network, set))
            hh_add_scaled(parts->fused, 1, parts->heard[set], size);
    hh_similar(parts->alike, &parts->similar, &parts->similar_shape, parts->fused, parts->n);
    if (random)
        hh_dropout(parts->alike, parts->alike_mask, size, network->options.state_dropout, random);
    else
        for (size_t i = 0; i < size && parts->alike_mask; i++)
            parts->alike_mask[i] = 1;
    hh_normalise(parts->sim, parts->sim_length, parts->alike, batch->prefixes, d);
    for (size_t p = 0; p < batch->prefixes; p++) {
        parts->gate[p] = VALUE(SIMILAR_GATE)[0];
        if (network->options.intents > 0)
            parts->gate[p] += hh_dot(VALUE(SIMILAR_W), parts->intent + p * d, d);
        hh_add_scaled(parts->total + p * d, parts->gate[p], parts->sim + p * d, d);
    }
}

void hh_parts_forward(float *session, hh_parts *parts, const hh_network *network, const hh_batch *batch,
                      const float *seq, const float *h, const float *x, hh_random *random)
{
    size_t d = network->d, prefixes = batch->prefixes;
    memcpy(parts->total, seq, prefixes * d * sizeof *seq);
    if (network->options.intents > 0) {
        hh_intents(parts->intent, &parts->intents, &parts->intents_shape, &INTENTS(VALUE), h);
        if (network->options.intent_readout)
            hh_mul(parts->total, 1, parts->intent, VALUE(INTENT_R), prefixes, d, d);
    }
    if (neighbours(network, batch)) {
        const hh_denoise_weights weights[HH_SETS] = DENOISE(VALUE);
        neighbours_vectors(parts, batch, x, d);
        for (int set = 0; set < HH_SETS; set++)
            if (heeds(network, set))
                hh_denoise(parts->heard[set], &parts->denoise[set], &parts->denoise_shape[set], &weights[set],
                           parts->n, parts->intent);
    }
    if (similar(network, batch))
        similar_forward(parts, network, batch, seq, random);
    hh_normalise(session, parts->total_length, parts->total, prefixes, d);
}

void hh_parts_votes(float *bias, hh_parts *parts, const hh_network *network, const hh_batch *batch)
{
    if (!votes(network, batch))
        return;
    const hh_batch_neighbours *near = &batch->near;
    size_t d = network->d;
    float share = network->options.global && network->options.local ? 0.5f : 1;
    memset(parts->mass, 0, batch->exact.begin[batch->prefixes] * sizeof(float));
    for (int set = 0; set < HH_SETS; set++)
        for (uint32_t v = 0; heeds(network, set) && v < near->votes.begin[batch->prefixes]; v++)
            if (near->voter[set][v] != HH_NO_VOTER)
                parts->mass[near->votes.at[v]] +=
                    share * parts->denoise[set].p[near->voter[set][v]] * near->vote[v];
    for (size_t p = 0; p < batch->prefixes; p++) {
        parts->trust[p] = VALUE(VOTE_TRUST)[0];
        if (network->options.intents > 0)
            parts->trust[p] += hh_dot(VALUE(VOTE_W), parts->intent + p * d, d);
        for (uint32_t e = batch->exact.begin[p]; e < batch->exact.begin[p + 1]; e++)
            bias[e] += parts->trust[p] * logf(1 + parts->mass[e] / HH_VOTE_FLOOR);
    }
}

double hh_parts_contrast(hh_parts *parts, const hh_network *network, const hh_batch *batch, const float *seq,
                         float weight, float temperature, uint32_t negatives)
{
    size_t size = batch->prefixes * network->d;
    memset(parts->d_seq, 0, size * sizeof(float));
    if (!similar(network, batch))
        return 0;
    memset(parts->d_sim, 0, size * sizeof(float));
    if (!network->options.contrastive)
        return 0;
    parts->nce_shape.share = weight;
    parts->nce_shape.temperature = temperature;
    parts->nce_shape.negatives = negatives;
    return hh_info_nce(parts->d_seq, parts->d_sim, &parts->nce, &parts->nce_shape, seq, parts->sim);
}

// ---- back ----

static void votes_back(hh_parts *parts, const hh_network *network, const hh_batch *batch,
                       hh_gradients *gradients, const float *d_bias)
{
    const hh_batch_neighbours *near = &batch->near;
    size_t d = network->d;
    float share = network->options.global && network->options.local ? 0.5f : 1;
    for (size_t p = 0; p < batch->prefixes; p++) {
        float d_trust = 0;
        for (uint32_t e = batch->exact.begin[p]; e < batch->exact.begin[p + 1]; e++) {
            d_trust += d_bias[e] * logf(1 + parts->mass[e] / HH_VOTE_FLOOR);
            parts->d_mass[e] = d_bias[e] * parts->trust[p] / (HH_VOTE_FLOOR + parts->mass[e]);
        }
        GRADIENT(VOTE_TRUST)[0] += d_trust;
        if (network->options.intents > 0) {
            hh_add_scaled(GRADIENT(VOTE_W), d_trust, parts->intent + p * d, d);
            hh_add_scaled(parts->d_intent + p * d, d_trust, VALUE(VOTE_W), d);
        }
    }
    for (int set = 0; set < HH_SETS; set++)
        for (uint32_t v = 0; heeds(network, set) && v < near->votes.begin[batch->prefixes]; v++)
            if (near->voter[set][v] != HH_NO_VOTER)
                parts->denoise[set].d_p[near->voter[set][v]] +=
                    share * parts->d_mass[near->votes.at[v]] * near->vote[v];
}

static void similar_back(hh_parts *parts, const hh_network *network, const hh_batch *batch,
                         hh_gradients *gradients, float *d_seq)
{
    size_t d = network->d, size = batch->prefixes * d;
    for (size_t p = 0; p < batch->prefixes; p++) {
        float d_gate = hh_dot(parts->d_total + p * d, parts->sim + p * d, d);
        hh_add_scaled(parts->d_sim + p * d, parts->gate[p], parts->d_total + p * d, d);
        if (network->options.gate)
            GRADIENT(SIMILAR_GATE)[0] += d_gate;
        if (network->options.gate && network->options.intents > 0) {
            hh_add_scaled(GRADIENT(SIMILAR_W), d_gate, parts->intent + p * d, d);
            hh_add_scaled(parts->d_intent + p * d, d_gate, VALUE(SIMILAR_W), d);
        }
    }
    float *d_alike = parts->alike; // which is not needed any more
    memset(d_alike, 0, size * sizeof *d_alike);
    memset(parts->d_fused, 0, size * sizeof(float));
    hh_normalise_back(d_alike, parts->d_sim, parts->sim, parts->sim_length, batch->prefixes, d);
    hh_dropout_back(d_alike, parts->alike_mask, size);
    hh_similar_back(parts->d_fused, parts->d_n, d_alike, &parts->similar, &parts->similar_shape, parts->n);
    hh_add_scaled(d_seq, 1, parts->d_fused, size);
    for (int set = 0; set < HH_SETS; set++)
        if (heeds(network, set))
            hh_add_scaled(parts->d_heard[set], 1, parts->d_fused, size);
}

static void neighbours_back(hh_parts *parts, const hh_network *network, const hh_batch *batch,
                            hh_gradients *gradients, float *dx)
{
    const hh_denoise_weights weights[HH_SETS] = DENOISE(VALUE);
    hh_denoise_weights changes[HH_SETS] = DENOISE(GRADIENT);
    const hh_ragged *said = &batch->near.said;
    size_t d = network->d;
    for (int set = 0; set < HH_SETS; set++)
        if (heeds(network, set))
            hh_denoise_back(parts->d_n, parts->d_intent, &changes[set], parts->d_heard[set],
                            &parts->denoise[set], &parts->denoise_shape[set], &weights[set], parts->n,
                            parts->intent, parts->heard[set]);
    float *d_said = parts->said; // which is not needed any more
    memset(d_said, 0, said->count * d * sizeof *d_said);
    hh_normalise_back(d_said, parts->d_n, parts->n, parts->length, said->count, d);
    for (size_t e = 0; e < said->count; e++)
        for (uint32_t i = said->begin[e]; i < said->begin[e + 1]; i++)
            hh_add_scaled(dx + said->at[i] * d, batch->near.weight[i], d_said + e * d, d);
}

void hh_parts_back(float *d_seq, float *dh, float *dx, hh_gradients *gradients, hh_parts *parts,
                   const hh_network *network, const hh_batch *batch, const float *d_session,
                   const float *d_bias, const float *session, const float *h)
{
    size_t d = network->d, prefixes = batch->prefixes, size = prefixes * d;
    memset(parts->d_total, 0, size * sizeof(float));
    hh_normalise_back(parts->d_total, d_session, session, parts->total_length, prefixes, d);
    memcpy(d_seq, parts->d_seq, size * sizeof *d_seq);
    hh_add_scaled(d_seq, 1, parts->d_total, size);
    if (network->options.intents > 0)
        memset(parts->d_intent, 0, size * sizeof(float));
    if (neighbours(network, batch)) {
        memset(parts->d_n, 0, batch->near.entries * d * sizeof(float));
        for (int set = 0; set < HH_SETS; set++)
            if (heeds(network, set))
                memset(parts->d_heard[set], 0, size * sizeof(float));
        if (votes(network, batch))
            votes_back(parts, network, batch, gradients, d_bias);
        if (similar(network, batch))
            similar_back(parts, network, batch, gradients, d_seq);
        neighbours_back(parts, network, batch, gradients, dx);
    }
    if (network->options.intents == 0)
        return;
    if (network->options.intent_readout) {
        hh_mul_tn(GRADIENT(INTENT_R), 1, parts->intent, parts->d_total, d, d, prefixes);
        hh_mul_nt(parts->d_intent, 1, parts->d_total, VALUE(INTENT_R), prefixes, d, d);
    }
    hh_intents_back(dh, &INTENTS(GRADIENT), parts->d_intent, &parts->intents, &parts->intents_shape,
                    &INTENTS(VALUE), h);
}
