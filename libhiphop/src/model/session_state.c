#include "model/session_state.h"

#include "nn/matrix.h"
#include "nn/vector.h"

#include <stdlib.h>

typedef struct edge {
    uint32_t from, into; // nodes
} edge;

struct hh_session_state {
    const hh_network *network;
    const float *x_of; // [items x d]
    float *place;      // [positions x d], of the network
    uint32_t clicks, nodes, edges, room;
    uint32_t *node_of;                        // [clicks]
    uint32_t *item;                           // [nodes]
    edge *edge;                               // [edges]
    float *sent, *ux;                         // [nodes x 2d], [nodes x 3d]
    float *h, *key;                           // [nodes x d] the latest version, and h W2
    float *a, *gates, *last, *query, *joined; // [2d], [3d], [d], [d], [2d]
    float *bent, *alpha;                      // [positions x d], [positions]
};

#define VALUE(NAME) network->tensor[HH_TENSOR_##NAME].value

hh_session_state *hh_session_state_new(const hh_network *network, const float *x)
{
    hh_session_state *state = calloc(1, sizeof *state);
    size_t d = network->d, positions = network->positions;
    float *memory = malloc((9 * d + (2 * d + 1) * positions) * sizeof *memory);
    if (!state || !memory) {
        free(state);
        free(memory);
        return NULL;
    }
    state->network = network;
    state->x_of = x;
    state->place = memory;
    state->bent = state->place + positions * d;
    state->alpha = state->bent + positions * d;
    state->a = state->alpha + positions;
    state->gates = state->a + 2 * d;
    state->last = state->gates + 3 * d;
    state->query = state->last + d;
    state->joined = state->query + d;
    hh_mul(state->place, 0, VALUE(POSITION), VALUE(ATTENTION_W2), positions, d, d);
    return state;
}

void hh_session_state_free(hh_session_state *state)
{
    if (!state)
        return;
    free(state->place);
    free(state->node_of);
    free(state->item);
    free(state->edge);
    free(state->sent);
    free(state->ux);
    free(state->h);
    free(state->key);
    free(state);
}

void hh_session_state_clear(hh_session_state *state)
{
    state->clicks = state->nodes = state->edges = 0;
}

static bool larger(void *array, size_t count, size_t size)
{
    void *old, *grown;
    memcpy(&old, array, sizeof old);
    grown = realloc(old, count * size);
    if (grown)
        memcpy(array, &grown, sizeof grown);
    return grown != NULL;
}

static bool grow(hh_session_state *state)
{
    size_t room = state->room ? 2 * (size_t)state->room : 8, d = state->network->d;
    if (state->clicks < state->room)
        return true;
    bool done = room < UINT32_MAX && larger(&state->node_of, room, sizeof *state->node_of) &&
                larger(&state->item, room, sizeof *state->item) &&
                larger(&state->edge, room, sizeof *state->edge) &&
                larger(&state->sent, room * 2 * d, sizeof(float)) &&
                larger(&state->ux, room * 3 * d, sizeof(float)) &&
                larger(&state->h, room * d, sizeof(float)) && larger(&state->key, room * d, sizeof(float));
    if (done)
        state->room = (uint32_t)room;
    return done;
}

// a = [mean of what its predecessors send || mean of what its successors send back]
static void gather(hh_session_state *state, uint32_t node)
{
    size_t d = state->network->d;
    float before = 0, after = 0;
    memset(state->a, 0, 2 * d * sizeof(float));
    for (uint32_t e = 0; e < state->edges; e++) {
        before += state->edge[e].into == node;
        after += state->edge[e].from == node;
    }
    for (uint32_t e = 0; e < state->edges; e++) {
        const edge *at = &state->edge[e];
        if (at->into == node)
            hh_add_scaled(state->a, 1 / before, state->sent + at->from * 2 * d, d);
        if (at->from == node)
            hh_add_scaled(state->a + d, 1 / after, state->sent + at->into * 2 * d + d, d);
    }
}

static void settle(hh_session_state *state, uint32_t node)
{
    const hh_network *network = state->network;
    size_t d = network->d;
    const float *x = state->x_of + state->item[node] * d;
    float *h = state->h + node * d;
    if (network->options.graph) {
        gather(state, node);
        memcpy(state->gates, VALUE(GATE_G_BIAS), 3 * d * sizeof(float));
        hh_mul(state->gates, 1, state->a, VALUE(GATE_G), 1, 3 * d, 2 * d);
        hh_gated_settle(h, state->gates, state->ux + node * 3 * d, x, d);
    } else {
        memcpy(h, x, d * sizeof *h);
    }
    hh_mul(state->key + node * d, 0, h, VALUE(ATTENTION_W2), 1, d, d);
}

static bool add_edge(hh_session_state *state, uint32_t from, uint32_t into)
{
    for (uint32_t e = 0; e < state->edges; e++)
        if (state->edge[e].from == from && state->edge[e].into == into)
            return false;
    state->edge[state->edges++] = (edge){from, into};
    return true;
}

bool hh_session_state_click(hh_session_state *state, uint32_t item)
{
    const hh_network *network = state->network;
    size_t d = network->d;
    if (!grow(state))
        return false;
    uint32_t node = 0;
    while (node < state->nodes && state->item[node] != item)
        node++;
    bool fresh = node == state->nodes;
    if (fresh) {
        state->item[state->nodes++] = item;
        hh_gated_weights weights = {
            .w = VALUE(GRAPH_W), .b = VALUE(GRAPH_B), .u = VALUE(GATE_U), .u_bias = VALUE(GATE_U_BIAS)};
        hh_gated_send(state->sent + node * 2 * d, state->ux + node * 3 * d, &weights, state->x_of + item * d,
                      1, d);
    }
    uint32_t previous = state->clicks > 0 ? state->node_of[state->clicks - 1] : node;
    bool changed = state->clicks > 0 && add_edge(state, previous, node);
    state->node_of[state->clicks++] = node;
    if (fresh || changed)
        settle(state, node);
    if (changed && previous != node)
        settle(state, previous);
    return true;
}

void hh_session_state_vector(hh_session_state *state, float *h)
{
    const hh_network *network = state->network;
    size_t d = network->d, positions = network->positions;
    size_t count = state->clicks < positions ? state->clicks : positions;
    const uint32_t *version = state->node_of + state->clicks - count;
    hh_attention_weights weights = {.position = VALUE(POSITION), .w3 = VALUE(ATTENTION_W3)};
    memcpy(state->last, state->h + version[count - 1] * d, d * sizeof(float));
    hh_add_scaled(state->last, 1, weights.position, d);
    memcpy(state->query, VALUE(ATTENTION_B), d * sizeof(float));
    hh_mul(state->query, 1, state->last, VALUE(ATTENTION_W1), 1, d, d);
    hh_attention_join(state->joined, state->bent, state->alpha, &weights, state->query, state->last,
                      state->key, state->place, state->h, version, count, positions, d);
    float length;
    hh_mul(h, 0, state->joined, VALUE(ATTENTION_T), 1, d, 2 * d);
    memcpy(state->last, h, d * sizeof *h);
    hh_normalise(h, &length, state->last, 1, d);
}
