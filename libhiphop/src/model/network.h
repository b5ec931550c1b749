// The HIPHOP network (docs/model.md) as the rooms model and train see it: its tensors, and one pass through
// it there and back. The public side is <hiphop/model.h>.
#ifndef MODEL_NETWORK_H
#define MODEL_NETWORK_H

#include "model/batch.h"
#include "model/parts.h"
#include "nn/random.h"
#include "nn/softmax_loss.h"
#include "nn/tensor.h"

#include <hiphop/model.h>

// X(NAME, name, rows, columns, first values): what is learned, beside the items. `net` has d and positions.
// First values: WEIGHT: even in +-1/sqrt(d); NOTHING: 0; ONE: 1. Parts that are off have no rows.
#define HH_TENSORS(X)                                                                        \
    X(POSITION, "position", net->positions, net->d, WEIGHT)                                  \
    X(GRAPH_W, "graph.w", net->d, 2 * net->d, WEIGHT)                                        \
    X(GRAPH_B, "graph.b", 1, 2 * net->d, NOTHING)                                            \
    X(GATE_G, "gate.g", 2 * net->d, 3 * net->d, WEIGHT)                                      \
    X(GATE_G_BIAS, "gate.g_bias", 1, 3 * net->d, NOTHING)                                    \
    X(GATE_U, "gate.u", net->d, 3 * net->d, WEIGHT)                                          \
    X(GATE_U_BIAS, "gate.u_bias", 1, 3 * net->d, NOTHING)                                    \
    X(ATTENTION_W1, "attention.w1", net->d, net->d, WEIGHT)                                  \
    X(ATTENTION_W2, "attention.w2", net->d, net->d, WEIGHT)                                  \
    X(ATTENTION_B, "attention.b", 1, net->d, NOTHING)                                        \
    X(ATTENTION_W3, "attention.w3", 1, net->d, WEIGHT)                                       \
    X(ATTENTION_T, "attention.t", 2 * net->d, net->d, WEIGHT)                                \
    X(OWN_BIAS, "own.bias", HH_OWN_STEPS, HH_OWN_STEPS, NOTHING)                             \
    X(OWN_C, "own.c", 1, net->d, NOTHING)                                                    \
    X(INTENT_QUERY, "intent.query", net->options.intents, net->d, WEIGHT)                    \
    X(INTENT_K, "intent.k", HH_IF(intents, net->d), net->d, WEIGHT)                          \
    X(INTENT_V, "intent.v", HH_IF(intents, net->d), net->d, WEIGHT)                          \
    X(INTENT_O, "intent.o", HH_IF(intents, net->d), net->d, WEIGHT)                          \
    X(INTENT_R, "intent.r", HH_IF(intent_readout, net->d), net->d, NOTHING)                  \
    X(GLOBAL_W1, "global.w1", HH_IF(global, net->d), HH_DENOISE_HIDDEN, WEIGHT)              \
    X(GLOBAL_W2, "global.w2", HH_IF(global, net->d), HH_DENOISE_HIDDEN, WEIGHT)              \
    X(GLOBAL_B, "global.b", HH_IF(global, 1), HH_DENOISE_HIDDEN, NOTHING)                    \
    X(GLOBAL_W0, "global.w0", HH_IF(global, 1), HH_DENOISE_HIDDEN, NOTHING)                  \
    X(GLOBAL_ALPHA, "global.alpha", HH_IF(global, 1), net->d, NOTHING)                       \
    X(GLOBAL_PRIOR, "global.prior", HH_IF(global, 1), 1, ONE)                                \
    X(LOCAL_W1, "local.w1", HH_IF(local, net->d), HH_DENOISE_HIDDEN, WEIGHT)                 \
    X(LOCAL_W2, "local.w2", HH_IF(local, net->d), HH_DENOISE_HIDDEN, WEIGHT)                 \
    X(LOCAL_B, "local.b", HH_IF(local, 1), HH_DENOISE_HIDDEN, NOTHING)                       \
    X(LOCAL_W0, "local.w0", HH_IF(local, 1), HH_DENOISE_HIDDEN, NOTHING)                     \
    X(LOCAL_ALPHA, "local.alpha", HH_IF(local, 1), net->d, NOTHING)                          \
    X(LOCAL_PRIOR, "local.prior", HH_IF(local, 1), 1, ONE)                                   \
    X(SIMILAR_GATE, "similar.gate", HH_IF(similar, 1), 1, net->options.gate ? NOTHING : ONE) \
    X(SIMILAR_W, "similar.w", HH_IF(similar, 1), net->d, NOTHING)                            \
    X(VOTE_TRUST, "vote.trust", HH_IF(votes, 1), 1, NOTHING)                                 \
    X(VOTE_W, "vote.w", HH_IF(votes, 1), net->d, NOTHING)                                    \
    X(SOURCE0_P, "source0.p", HH_WIDTH(0), net->d, WEIGHT)                                   \
    X(SOURCE0_B, "source0.b", HH_WIDTH(0) > 0, net->d, NOTHING)                              \
    X(SOURCE1_P, "source1.p", HH_WIDTH(1), net->d, WEIGHT)                                   \
    X(SOURCE1_B, "source1.b", HH_WIDTH(1) > 0, net->d, NOTHING)                              \
    X(SOURCE2_P, "source2.p", HH_WIDTH(2), net->d, WEIGHT)                                   \
    X(SOURCE2_B, "source2.b", HH_WIDTH(2) > 0, net->d, NOTHING)                              \
    X(SOURCE3_P, "source3.p", HH_WIDTH(3), net->d, WEIGHT)                                   \
    X(SOURCE3_B, "source3.b", HH_WIDTH(3) > 0, net->d, NOTHING)                              \
    X(SOURCE4_P, "source4.p", HH_WIDTH(4), net->d, WEIGHT)                                   \
    X(SOURCE4_B, "source4.b", HH_WIDTH(4) > 0, net->d, NOTHING)                              \
    X(SOURCE5_P, "source5.p", HH_WIDTH(5), net->d, WEIGHT)                                   \
    X(SOURCE5_B, "source5.b", HH_WIDTH(5) > 0, net->d, NOTHING)                              \
    X(SOURCE6_P, "source6.p", HH_WIDTH(6), net->d, WEIGHT)                                   \
    X(SOURCE6_B, "source6.b", HH_WIDTH(6) > 0, net->d, NOTHING)                              \
    X(SOURCE7_P, "source7.p", HH_WIDTH(7), net->d, WEIGHT)                                   \
    X(SOURCE7_B, "source7.b", HH_WIDTH(7) > 0, net->d, NOTHING)

#define HH_WIDTH(s)       ((s) < net->source_count ? net->source[s].width : 0u)
#define HH_IF(part, rows) (net->options.part ? (rows) : 0)

typedef enum hh_tensor_index {
#define HH_TENSOR_INDEX(NAME, ...) HH_TENSOR_##NAME,
    HH_TENSORS(HH_TENSOR_INDEX)
#undef HH_TENSOR_INDEX
        HH_TENSOR_COUNT
} hh_tensor_index;

struct hh_network {
    hh_network_options options;
    size_t d, positions;
    hh_tensor item; // [items x d] e_v
    hh_tensor said; // [items x d] what the sources say, in a network that is settled; else no rows
    hh_source source[HH_SOURCES];
    uint32_t source_count;
    hh_tensor tensor[HH_TENSOR_COUNT];
    uint64_t steps; // of Adam that the tensors' moments are of; 0: they have none, or have learned nothing
};

// The gradients of one pass. Those of the tensors are summed up until they are cleared; that of the items is
// of the batch's rows.
typedef struct hh_gradients {
    float *tensor[HH_TENSOR_COUNT];
    float *memory; // all of them
    size_t size;
} hh_gradients;

bool hh_gradients_init(hh_gradients *gradients, const hh_network *network);
void hh_gradients_free(hh_gradients *gradients);

size_t hh_network_parameters(const hh_network *network); // all numbers that are learned
#define HH_ROW_NEW UINT32_MAX
// A network to be trained further, for other items: weights and moments are those of `from`, item i has those
// of its row[i] there, or what a new network of this seed would have (HH_ROW_NEW). row NULL: the same items.
// The sources are those of its items; the projectors that `from` has for them, by name and width, stay,
// others are new. An item that no source describes any more keeps its place: what they said becomes its own
// vector. NULL on failure.
hh_network *hh_network_resume(const hh_network *from, uint32_t items, const uint32_t *row,
                              const hh_source *sources, uint32_t source_count, uint64_t seed,
                              hh_error *error);
// The number of the source of that name and width in a network, HH_SOURCES: it has none.
uint32_t hh_network_source(const hh_network *network, const char *name, uint32_t width);

bool hh_source_has(const hh_source *source, uint32_t item);
bool hh_item_described(const hh_network *network, uint32_t item); // by any source
// said [d] += what a vector of this source says: P t + b, of t = scale x bytes.
void hh_source_says(float *said, const hh_network *network, uint32_t source, const int8_t *bytes,
                    float scale);
// said [rows x d] += what the sources say of the rows' items.
void hh_items_said(float *said, const hh_network *network, const uint32_t *item, size_t rows);
// x = norm(e_v + what the sources say) of the rows' items [rows x d], length [rows]; and d e = of dx, into
// `de`. kept [rows]: whether e_v counts; NULL: it does.
void hh_items_vectors(float *x, float *length, const hh_network *network, const uint32_t *item, size_t rows);
void hh_items_vectors_back(float *de, const float *dx, const float *x, const float *length,
                           const hh_network *network, size_t rows);

void hh_items_vectors_kept(float *x, float *length, const hh_network *network, const uint32_t *item,
                           const uint8_t *kept, size_t rows);
// Of de, the sum's gradient: that of the projectors +=, and de becomes that of e_v.
void hh_items_sources_back(hh_gradients *gradients, float *de, const hh_network *network,
                           const uint32_t *item, const uint8_t *kept, size_t rows);
// Cuts e_v of described items to options.id_length.
void hh_items_keep_short(hh_network *network, const uint32_t *item, size_t rows);

// How batches for this network are built, without neighbours.
hh_batch_options hh_batch_options_of(const hh_network *network, bool last_only);
// How the neighbours of its sessions are found.
hh_neighbour_options hh_neighbour_options_of(const hh_network_options *options);

typedef struct hh_objective {  // what the loss is, beside cross-entropy
    float gamma, margin, hard; // see hh_loss_shape
    float contrast;            // weight of the contrastive loss
    float temperature;         // in it
    uint32_t others;           // negatives in it
} hh_objective;

typedef struct hh_pass { // the activations of a batch, in an arena
    float *x, *x_mask;   // [nodes x d] the nodes' items, after dropout
    float *h, *h_mask;   // [versions x d]
    hh_gated_state gated;
    hh_attention_state attention;
    float *seen, *length; // [prefixes x d] before it is normalised; [prefixes]
    float *seq;           // [prefixes x d] h_seq: normalised
    float *session;       // [prefixes x d] h: with what the parts say, normalised; without parts, seq
    hh_parts parts;
    float *bias, *d_bias;   // [exact entries]
    float *own;             // [prefixes] c . h
    hh_objective objective; // cross-entropy alone, after hh_pass_take
    hh_loss_state loss;
    hh_loss_shape loss_shape;
    float *d_session, *d_seq, *d_seen, *d_h, *d_x;
} hh_pass;

// Takes what the pass of this batch needs; false when out of memory. learns: with a loss and a way back.
bool hh_pass_take(hh_pass *pass, const hh_network *network, const hh_batch *batch, size_t columns,
                  bool learns, hh_arena *arena);
// x [rows x d] of the batch's rows. random NULL: no dropout.
void hh_pass_forward(hh_pass *pass, const hh_network *network, const hh_batch *batch, const float *x,
                     hh_random *random);
// The biases of the batch's exact entries, pass->bias, which the loss wants.
void hh_pass_bias(hh_pass *pass, const hh_network *network, const hh_batch *batch);
// The loss, and with gradients its way back: tensors +=, dx [rows x d] +=. share: see hh_loss_shape.
double hh_pass_loss(hh_pass *pass, const hh_network *network, const hh_batch *batch, const float *x,
                    float share, float *dx, hh_gradients *gradients);

#endif
