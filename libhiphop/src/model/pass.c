// One pass through the network: from the items' vectors to the sessions', to the loss, and back.
#include "model/network.h"

#include "nn/dropout.h"
#include "nn/vector.h"

// The weights of a layer, or their gradients; `of` is an array by hh_tensor_index.
#define GATED(of)                                                                                        \
    (hh_gated_weights)                                                                                   \
    {                                                                                                    \
        .w = of(GRAPH_W), .b = of(GRAPH_B), .g = of(GATE_G), .g_bias = of(GATE_G_BIAS), .u = of(GATE_U), \
        .u_bias = of(GATE_U_BIAS)                                                                        \
    }
#define ATTENTION(of)                                                                                   \
    (hh_attention_weights)                                                                              \
    {                                                                                                   \
        .position = of(POSITION), .w1 = of(ATTENTION_W1), .w2 = of(ATTENTION_W2), .b = of(ATTENTION_B), \
        .w3 = of(ATTENTION_W3), .t = of(ATTENTION_T)                                                    \
    }
#define VALUE(NAME)    network->tensor[HH_TENSOR_##NAME].value
#define GRADIENT(NAME) gradients->tensor[HH_TENSOR_##NAME]

// Without dropout every factor is 1.
static void drop(float *x, float *mask, size_t n, float p, hh_random *random)
{
    if (random)
        hh_dropout(x, mask, n, p, random);
    else
        for (size_t i = 0; i < n && mask; i++)
            mask[i] = 1;
}

bool hh_pass_take(hh_pass *pass, const hh_network *network, const hh_batch *batch, size_t columns,
                  bool learns, hh_arena *arena)
{
    size_t d = network->d, entries = batch->exact.begin[batch->prefixes];
    *pass = (hh_pass){
        .x = HH_TAKE(arena, batch->nodes * d, float),
        .h = HH_TAKE(arena, batch->versions * d, float),
        .seen = HH_TAKE(arena, batch->prefixes * d, float),
        .length = HH_TAKE(arena, batch->prefixes, float),
        .seq = HH_TAKE(arena, batch->prefixes * d, float),
        .bias = HH_TAKE(arena, entries, float),
        .own = HH_TAKE(arena, batch->prefixes, float),
    };
    bool parts = hh_parts_any(network);
    pass->session = parts ? HH_TAKE(arena, batch->prefixes * d, float) : pass->seq;
    if (parts)
        hh_parts_take(&pass->parts, network, batch, learns, arena);
    if (network->options.graph)
        hh_gated_take(&pass->gated, &batch->gated, learns, arena);
    hh_attention_take(&pass->attention, &batch->attention, learns, arena);
    if (learns) {
        pass->x_mask = HH_TAKE(arena, batch->nodes * d, float);
        pass->h_mask = HH_TAKE(arena, batch->versions * d, float);
        pass->d_bias = HH_TAKE(arena, entries, float);
        pass->d_session = HH_TAKE(arena, batch->prefixes * d, float);
        pass->d_seq = parts ? HH_TAKE(arena, batch->prefixes * d, float) : pass->d_session;
        pass->d_seen = HH_TAKE(arena, batch->prefixes * d, float);
        pass->d_h = HH_TAKE(arena, batch->versions * d, float);
        pass->d_x = HH_TAKE(arena, batch->nodes * d, float);
        pass->loss_shape = (hh_loss_shape){
            .d = d,
            .prefixes = batch->prefixes,
            .columns = columns,
            .items = network->item.rows,
            .exact = batch->exact,
            .bias = pass->bias,
            .scale = network->options.scale,
        };
        hh_loss_take(&pass->loss, &pass->loss_shape, arena);
    }
    return !arena->failed;
}

void hh_pass_forward(hh_pass *pass, const hh_network *network, const hh_batch *batch, const float *x,
                     hh_random *random)
{
    size_t d = network->d;
    for (size_t n = 0; n < batch->nodes; n++)
        memcpy(pass->x + n * d, x + batch->node_row[n] * d, d * sizeof *x);
    drop(pass->x, pass->x_mask, batch->nodes * d, network->options.item_dropout, random);
    if (network->options.graph)
        hh_gated_step(pass->h, &pass->gated, &batch->gated, &GATED(VALUE), pass->x);
    else
        for (size_t v = 0; v < batch->versions; v++)
            memcpy(pass->h + v * d, pass->x + batch->gated.node[v] * d, d * sizeof *x);
    drop(pass->h, pass->h_mask, batch->versions * d, network->options.state_dropout, random);
    hh_attention(pass->seen, &pass->attention, &batch->attention, &ATTENTION(VALUE), pass->h);
    hh_normalise(pass->seq, pass->length, pass->seen, batch->prefixes, d);
    if (hh_parts_any(network))
        hh_parts_forward(pass->session, &pass->parts, network, batch, pass->seq, pass->h, x, random);
}

// Of the session's own items: b[distance, length] + c . h
void hh_pass_bias(hh_pass *pass, const hh_network *network, const hh_batch *batch)
{
    size_t d = network->d;
    for (size_t p = 0; p < batch->prefixes; p++) {
        pass->own[p] = hh_dot(VALUE(OWN_C), pass->session + p * d, d);
        for (uint32_t e = batch->exact.begin[p]; e < batch->exact.begin[p + 1]; e++)
            pass->bias[e] = batch->own[e] == HH_OWN_NONE || !network->options.own_bias
                                ? 0
                                : VALUE(OWN_BIAS)[batch->own[e]] + pass->own[p];
    }
    if (hh_parts_any(network))
        hh_parts_votes(pass->bias, &pass->parts, network, batch);
}

static void own_bias_back(hh_pass *pass, const hh_network *network, const hh_batch *batch,
                          hh_gradients *gradients)
{
    size_t d = network->d;
    for (size_t p = 0; p < batch->prefixes && network->options.own_bias; p++) {
        float sum = 0;
        for (uint32_t e = batch->exact.begin[p]; e < batch->exact.begin[p + 1]; e++)
            if (batch->own[e] != HH_OWN_NONE) {
                GRADIENT(OWN_BIAS)[batch->own[e]] += pass->d_bias[e];
                sum += pass->d_bias[e];
            }
        hh_add_scaled(GRADIENT(OWN_C), sum, pass->session + p * d, d);
        hh_add_scaled(pass->d_session + p * d, sum, VALUE(OWN_C), d);
    }
}

double hh_pass_loss(hh_pass *pass, const hh_network *network, const hh_batch *batch, const float *x,
                    float share, float *dx, hh_gradients *gradients)
{
    size_t d = network->d;
    bool parts = hh_parts_any(network);
    hh_pass_bias(pass, network, batch);
    const hh_objective *objective = &pass->objective;
    pass->loss_shape.share = share;
    pass->loss_shape.gamma = objective->gamma;
    pass->loss_shape.margin = objective->margin;
    pass->loss_shape.hard = objective->hard;
    double loss = hh_softmax_loss(gradients ? pass->d_session : NULL, dx, pass->d_bias, &pass->loss,
                                  &pass->loss_shape, pass->session, x);
    if (parts)
        loss += hh_parts_contrast(&pass->parts, network, batch, pass->seq, objective->contrast * share,
                                  objective->temperature, objective->others);
    if (!gradients)
        return loss;
    own_bias_back(pass, network, batch, gradients);
    memset(pass->d_seen, 0, batch->prefixes * d * sizeof(float));
    memset(pass->d_h, 0, batch->versions * d * sizeof(float));
    memset(pass->d_x, 0, batch->nodes * d * sizeof(float));
    if (parts)
        hh_parts_back(pass->d_seq, pass->d_h, dx, gradients, &pass->parts, network, batch, pass->d_session,
                      pass->d_bias, pass->session, pass->h);
    hh_normalise_back(pass->d_seen, pass->d_seq, pass->seq, pass->length, batch->prefixes, d);
    hh_attention_back(pass->d_h, &ATTENTION(GRADIENT), pass->d_seen, &pass->attention, &batch->attention,
                      &ATTENTION(VALUE), pass->h);
    hh_dropout_back(pass->d_h, pass->h_mask, batch->versions * d);
    if (network->options.graph)
        hh_gated_step_back(pass->d_x, &GATED(GRADIENT), pass->d_h, &pass->gated, &batch->gated, &GATED(VALUE),
                           pass->x);
    else
        for (size_t v = 0; v < batch->versions; v++)
            hh_add_scaled(pass->d_x + batch->gated.node[v] * d, 1, pass->d_h + v * d, d);
    hh_dropout_back(pass->d_x, pass->x_mask, batch->nodes * d);
    for (size_t n = 0; n < batch->nodes; n++)
        hh_add_scaled(dx + batch->node_row[n] * d, 1, pass->d_x + n * d, d);
    return loss;
}
