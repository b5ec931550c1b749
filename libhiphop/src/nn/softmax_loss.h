// Cross-entropy over all items, or over a sample of them (docs/model.md). Rows are prefixes; the items stand
// in x [rows of the batch x d], those that every prefix is held against in its first `columns` rows. What a
// prefix must be exact about has a list of its own: its target first, then the session's own items, each with
// a bias. Where one of these is also among the columns, the column does not count.
//
//     logit = s h . x + bias        of the exact ones
//     logit = s h . x + log(w)      of a column, which stands for w = (items - exact) / (columns that count)
//     loss  = log sum e^logit - logit of the target
//
// Where columns are all items, w is 1 and the loss is the whole softmax. Columns must be drawn evenly from
// all items, never from the batch's own: a batch holds whole sessions, and would push down what comes next.
#ifndef NN_SOFTMAX_LOSS_H
#define NN_SOFTMAX_LOSS_H

#include "nn/arena.h"
#include "nn/ragged.h"

typedef struct hh_loss_shape {
    size_t d, rows, prefixes, columns, items;
    hh_ragged exact;   // [prefixes] rows of x; the first is the target
    const float *bias; // [exact entries]
    float scale;       // s
    float gamma;       // focal loss (Lin et al. 2017): times (1 - p)^gamma; 0: plain
    // Angular margin (Deng et al. 2019) of the target, whose angle counts as that much larger; and items
    // nearer than the target is then, the hard ones (Huang et al. 2020), have their cosine times `hard`.
    float margin, hard; // 0, and 1 or 0: neither
    float share;        // of each prefix in the loss: 1 / prefixes of the whole batch
} hh_loss_shape;

typedef struct hh_loss_state {
    float *logits; // [some prefixes x columns]
    float *exact;  // [longest list of exact ones]
    float *slope;  // [longest + columns] d logit / d (s cosine)
} hh_loss_state;

void hh_loss_take(hh_loss_state *state, const hh_loss_shape *shape, hh_arena *arena);
// Returns share * the sum of the losses. dh [prefixes x d] = , dx [rows x d] += , d_bias [exact entries] = ;
// with dh NULL nothing of these.
double hh_softmax_loss(float *dh, float *dx, float *d_bias, hh_loss_state *state, const hh_loss_shape *shape,
                       const float *h, const float *x);

#endif
