// The ranker in an evaluation: lists by what was learned before, shortlists kept until their outcome has
// come, then learned from.
#ifndef EVALUATE_RANKING_MODEL_H
#define EVALUATE_RANKING_MODEL_H

#include <hiphop/evaluate.h>
#include <hiphop/ranker.h>

typedef struct hh_kept_list hh_kept_list;

typedef struct hh_ranking_model { // all zero: not wanted, and nothing is done
    hh_ranker_options options;
    hh_ranker_trainer *trainer;
    hh_ranker *ranker; // that makes the lists
    uint32_t outcomes; // since it was published
    bool settles;      // it is still to be fitted to all that was kept
    hh_kept_list *all, *free;
    float *scores; // [room]
    size_t room;
} hh_ranking_model;

// extra: numbers of the queries' foresight that are inputs too.
bool hh_ranking_model_init(hh_ranking_model *model, const hh_evaluate_options *options, bool wanted,
                           uint32_t extra, hh_error *error);
void hh_ranking_model_free(hh_ranking_model *model);
// scores: valid until the next call. learns: to be given to hh_ranking_model_outcome; NULL where none will
// come.
hh_status hh_ranking_model_answer(hh_ranking_model *model, const hh_query *query, const hh_votes *votes,
                                  const float *mixture, const float **scores, void **learns);
void hh_ranking_model_outcome(hh_ranking_model *model, void *learns, hh_item clicked, hh_time time);

#endif
