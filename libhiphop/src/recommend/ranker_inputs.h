// What the ranker sees: a row of inputs for each candidate of a shortlist, and one row about the query. What
// is the same for all candidates goes into the second, where it costs once a query instead of once a
// candidate. So an expert's votes stand in the first, its best vote in the second; how far a candidate is
// from the best is their difference, which the first layer forms itself.
#ifndef RECOMMEND_RANKER_INPUTS_H
#define RECOMMEND_RANKER_INPUTS_H

#include <hiphop/ranker.h>

// Inputs of a candidate. An expert more is a column more.
enum {
    INPUT_EXPERTS,                                    // [HH_MIXED_EXPERTS] log of each expert's vote
    INPUT_MIXTURE = INPUT_EXPERTS + HH_MIXED_EXPERTS, // log of the mixture's
    INPUT_OWN,                                        // it is in the session,
    INPUT_NEAR,                                       // 1 / clicks from the end,
    INPUT_TIMES,                                      // so often
    INPUT_NEIGHBOURS,                                 // evidence
    INPUT_FOLLOWED,
    CANDIDATE_INPUTS,
};

// Inputs about the query; options.extra more stand behind them.
enum {
    QUERY_BEST,                                   // [HH_MIXED_EXPERTS] log of each expert's best vote
    QUERY_SUM = QUERY_BEST + HH_MIXED_EXPERTS,    // [HH_MIXED_EXPERTS] its votes on the shortlist, together
    QUERY_MIXTURE = QUERY_SUM + HH_MIXED_EXPERTS, // best, and together
    QUERY_MASS = QUERY_MIXTURE + 2,               // [HH_MIXED_EXPERTS - HH_POPS] log of what each goes by
    QUERY_LENGTH = QUERY_MASS + HH_MIXED_EXPERTS - HH_POPS, // of the session: log, 1 / length
    QUERY_DISTINCT = QUERY_LENGTH + 2,        // share of its clicks that are on other items than all before
    QUERY_NEIGHBOURS,                         // how many were found
    QUERY_LAST,                               // [HH_POPS] log of the last item's popularity
    QUERY_LAST_CLICKS = QUERY_LAST + HH_POPS, // log of its clicks
    QUERY_INPUTS,
};

// A vote's logarithm as an input: 0 for no vote, 4 hardly reached; LOG_SCALE times it, plus a constant, is
// log(p + FLOOR).
#define FLOOR     1e-6f
#define LOG_FLOOR (-13.8155106f)
#define LOG_SCALE 4.0f
// A count's is log(1 + n), times this.
#define COUNT_SCALE 0.5f

struct hh_shortlist {
    hh_ranker_options options;
    uint32_t count; // <= options.candidates
    uint32_t *rows; // [count] in the votes
    hh_item *items; // [count]
    float *mixture; // [count] shares
    float most;     // the largest share of those that are not on it
    float *scores;  // [count] scratch of hh_ranker_scores
    float *sorted;  // [2 x options.candidates] scratch of hh_place_by_text
    float *inputs;  // [count x CANDIDATE_INPUTS]
    float *query;   // [QUERY_INPUTS + options.extra]
};

// What the query's foresight has for a ranker with these options; NULL: nothing, or something else.
static inline const float *hh_extra_of(const hh_query *query, const hh_ranker_options *options)
{
    const hh_foresight *foresight = query->foresight;
    return foresight && foresight->extra_count == options->extra ? foresight->extra : NULL;
}

// HH_ARGUMENT with a reason where an option is out of range.
hh_status hh_ranker_check(const hh_ranker_options *options, hh_error *error);

#endif
