// What the network has beside its base: intents, neighbours, and what they do to a session's vector and to
// the scores (docs/model.md). Each can be off.
//
//     h = norm(h_seq + gate h_sim + h_intent R),  gate = 1, or g + w . h_intent
//     score += (v + u . h_intent) ln(1 + p / HH_VOTE_FLOOR) for an item that neighbours vote for with p
#ifndef MODEL_PARTS_H
#define MODEL_PARTS_H

#include "model/batch.h"
#include "nn/denoise.h"
#include "nn/info_nce.h"
#include "nn/intents.h"
#include "nn/most_similar.h"
#include "nn/random.h"

#define HH_DENOISE_HIDDEN 32
#define HH_VOTE_FLOOR     1e-2f

struct hh_network;
struct hh_gradients;

typedef struct hh_parts {
    // of the prefixes, [x d] where nothing else stands
    float *intent, *d_intent;
    hh_intents_shape intents_shape;
    hh_intents_state intents;
    float *n, *length, *d_n; // [entries x d] the neighbours' vectors, |before|, gradients
    float *said;             // [entries x d] before they are normalised, and the gradient there
    hh_denoise_shape denoise_shape[HH_SETS];
    hh_denoise_state denoise[HH_SETS];
    float *heard[HH_SETS], *d_heard[HH_SETS]; // h_global, h_local
    float *fused, *d_fused;
    hh_similar_shape similar_shape;
    hh_similar_state similar;
    float *alike, *alike_mask, *sim, *sim_length, *d_sim; // h_sim before and after it is normalised
    float *gate;                                          // [prefixes]
    float *total, *total_length;                          // before it is normalised
    float *d_total, *d_seq;
    float *mass, *d_mass; // [exact entries] p of the votes
    float *trust;         // [prefixes] v + u . h_intent
    hh_nce_shape nce_shape;
    hh_nce_state nce;
} hh_parts;

bool hh_parts_any(const struct hh_network *network);
void hh_parts_take(hh_parts *parts, const struct hh_network *network, const hh_batch *batch, bool learns,
                   hh_arena *arena);
// session [prefixes x d] = of seq, the base's vectors; x [rows x d], h [versions x d]
void hh_parts_forward(float *session, hh_parts *parts, const struct hh_network *network,
                      const hh_batch *batch, const float *seq, const float *h, const float *x,
                      hh_random *random);
// bias [exact entries] += of the votes
void hh_parts_votes(float *bias, hh_parts *parts, const struct hh_network *network, const hh_batch *batch);
// The contrastive loss with its weight; its gradients are kept for the way back.
double hh_parts_contrast(hh_parts *parts, const struct hh_network *network, const hh_batch *batch,
                         const float *seq, float weight, float temperature, uint32_t negatives);
// d_seq [prefixes x d] = , dh +=, dx +=, gradients +=
void hh_parts_back(float *d_seq, float *dh, float *dx, struct hh_gradients *gradients, hh_parts *parts,
                   const struct hh_network *network, const hh_batch *batch, const float *d_session,
                   const float *d_bias, const float *session, const float *h);

#endif
