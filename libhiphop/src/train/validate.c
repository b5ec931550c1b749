#include "train/validate.h"

#include "model/scorer.h"

#include <math.h>
#include <stdlib.h>

#define TOP            20
#define CHECK_PREFIXES 64 // ranked at once

bool hh_validate(const hh_network *network, const hh_session_view *sessions, size_t session_count,
                 hh_neighbour_index *memory, double *hr, double *mrr)
{
    hh_scorer scorer;
    size_t items = network->item.rows, targets = 0, hits = 0;
    double ranks = 0;
    float *logits = malloc(CHECK_PREFIXES * items * sizeof *logits);
    bool done = logits && hh_scorer_init(&scorer, network);
    scorer.memory = memory;
    for (size_t s = 0; s < session_count && done; s += CHECK_PREFIXES) {
        size_t count = session_count - s < CHECK_PREFIXES ? session_count - s : CHECK_PREFIXES;
        done = hh_scorer_read(&scorer, sessions + s, count, false);
        for (size_t p = 0; done && p < scorer.batch.prefixes; p += CHECK_PREFIXES) {
            size_t rows =
                scorer.batch.prefixes - p < CHECK_PREFIXES ? scorer.batch.prefixes - p : CHECK_PREFIXES;
            hh_scorer_logits(&scorer, p, rows, logits);
            for (size_t r = 0; r < rows; r++) {
                const float *row = logits + r * items;
                float target = row[scorer.batch.exact.at[scorer.batch.exact.begin[p + r]]];
                size_t before = 0;
                for (size_t i = 0; i < items; i++)
                    before += !(row[i] < target); // the target is one of them; NAN is no hit
                targets++;
                hits += before <= TOP;
                ranks += before <= TOP ? 1.0 / (double)before : 0;
            }
        }
    }
    if (logits)
        hh_scorer_free(&scorer);
    free(logits);
    *hr = targets ? (double)hits / (double)targets : NAN;
    *mrr = targets ? ranks / (double)targets : NAN;
    return done;
}
