// What competes in an evaluation. A kind is one const descriptor; models.c lists them all.
//
// The protocol (prequential.c) drives a model through three calls: learn() when a click becomes known,
// answer() when a list is asked for, outcome() when the click that the list should have foreseen has come. A
// model is never shown a target before its time.
#ifndef EVALUATE_MODEL_KIND_H
#define EVALUATE_MODEL_KIND_H

#include "evaluate/click_log.h"
#include "evaluate/popular.h"

#include <hiphop/recommend.h>

#define FILL_SCORE    1e-33f // what fills a list up has less than this
#define MODEL_OUTPUTS 20     // a model may give several rankings at once (the mixture and each expert)

typedef struct hh_lesson { // a click that becomes known; those of a session come in order
    uint32_t session;
    const uint32_t *items; // [position + 1] the session up to this click, which is the last
    uint32_t position;
    hh_time time;
    uint64_t visitor;
} hh_lesson;

typedef struct hh_question {
    uint32_t session;      // the asking session: not to be found among its own neighbours
    const uint32_t *items; // [length] its clicks so far, >= 1
    uint32_t length;
    hh_time as_of;
    uint64_t visitor;
    hh_time session_start;
    bool teaches; // its outcome will be told, see hh_model_kind
    uint32_t of;  // clicks, one of which is asked about
} hh_question;

// Candidates and their scores; a score of 0 or less is none. Owned by the model until its next call.
typedef struct hh_answer {
    uint32_t count;
    const uint32_t *items;              // [count] distinct
    const float *scores[MODEL_OUTPUTS]; // [count] each, at this distance from one to the next:
    uint32_t stride[MODEL_OUTPUTS];
    hh_context context; // told again with the outcome
    bool unfit;         // this question must neither count nor teach: the model knew the answer
    void *learns;       // what the model wants back with the outcome; it may outlive the next call
} hh_answer;

typedef struct hh_model_setup {
    const hh_log *log;
    const hh_evaluate_options *options;
    const bool *wanted; // [output_count] the rankings that count
} hh_model_setup;

typedef struct hh_model_kind {
    const hh_model_info *outputs; // [output_count] names of its rankings
    uint32_t output_count;
    const hh_setting *settings; // [setting_count]
    size_t setting_count;
    double (*standard)(size_t setting); // defaults that only a call can tell; NULL: they stand in settings
    bool learns_outcomes; // outcome() matters: it is asked before the first target counts, to warm up
    void *(*create)(const hh_model_setup *setup, hh_error *error);
    void (*destroy)(void *model);
    // The first click of the log whose list can teach: before it the model would be unfit. NULL: any.
    uint32_t (*teaches_from)(const void *model);
    hh_status (*learn)(void *model, const hh_lesson *lesson);
    hh_status (*closed)(void *model, uint32_t session); // may be NULL
    // As of now, when options.train_every says so: all that is known by then, and nothing later, has been
    // told. May be NULL
    hh_status (*train)(void *model, hh_time now, hh_error *error);
    // Forgets all sessions; those of the lessons and questions to come are of this log. What it has learned
    // beside them stays (weights). NULL: there is no such thing, and the model is made anew instead.
    hh_status (*forget)(void *model, const hh_log *log, hh_error *error);
    hh_status (*answer)(void *model, const hh_question *question, hh_answer *answer);
    // What was clicked at `time`. scores[output_count]: what answer() gave it; context and learns: of that
    // answer. Every question that teaches has its outcome, but where the log ends before. May
    // be NULL
    void (*outcome)(void *model, uint32_t item, hh_time time, const hh_context *context, const float *scores,
                    void *learns);
} hh_model_kind;

extern const hh_model_kind hh_model_graph, hh_baseline_pop, hh_baseline_transitions, hh_baseline_sr,
    hh_baseline_vsknn, hh_baseline_stan, hh_baseline_vmis, hh_baseline_lookup;

#define MODEL_KINDS 8
extern const hh_model_kind *const hh_model_kinds[MODEL_KINDS];

// The value of a setting: the last one of that name in the options, or its default.
double hh_model_setting(const hh_evaluate_options *options, const char *name);
// Or another default.
double hh_model_setting_or(const hh_evaluate_options *options, const char *name, double standard);

// Values that tuning tries. A half-life: from news to shops, then forever.
#define GRID(...) {__VA_ARGS__}, sizeof((double[]){__VA_ARGS__}) / sizeof(double)
#define GRID_HALF_LIFE                                                                                      \
    GRID(5 * HH_MINUTE, 20 * HH_MINUTE, HH_HOUR, 3 * HH_HOUR, 8 * HH_HOUR, HH_DAY, 3 * HH_DAY, 10 * HH_DAY, \
         30 * HH_DAY, 100 * HH_DAY, 400 * HH_DAY, 1500 * HH_DAY, 0)

// What the baselines score with: a dense sheet of scores with a list of what was touched, and what is
// popular, which fills their lists up behind everything that they have found themselves.
typedef struct hh_score_sheet {
    uint32_t items; // room
    float *dense;   // [items]
    uint32_t *touched;
    float *compact; // [items] scores in the order of touched
    uint32_t count;
    float damp_last, damp_own; // factors on the votes for the session's last item, and for its others
    hh_popular popular;
} hh_score_sheet;

// The rows of the factors, as each baseline has them under its own name. 1 is as published; where people
// hardly ever return to what they have just seen, less is better, and a yardstick must be a good one.
#define DAMP_LAST(model)                                                                                 \
    {                                                                                                    \
        model ".damp_last", "factor on the votes for the last item itself", HH_SETTING_NUMBER, 0, 10, 1, \
            GRID_DAMP                                                                                    \
    }
#define DAMP_OWN(model)                                                                                  \
    {                                                                                                    \
        model ".damp_own", "factor on those for the session's other items", HH_SETTING_NUMBER, 0, 10, 1, \
            GRID_DAMP                                                                                    \
    }
#define GRID_DAMP GRID(0, 0.1, 0.3, 1)

// damp: the baseline's rows DAMP_LAST and DAMP_OWN.
bool hh_scores_init(hh_score_sheet *sheet, const hh_model_setup *setup, const hh_setting *damp);
void hh_scores_free(hh_score_sheet *sheet);
void hh_scores_learn(hh_score_sheet *sheet, const hh_lesson *lesson);
void hh_scores_begin(hh_score_sheet *sheet);
static inline void hh_scores_add(hh_score_sheet *sheet, uint32_t item, float score)
{
    if (!(score > FILL_SCORE)) // decayed to nothing
        return;
    if (sheet->dense[item] == 0)
        sheet->touched[sheet->count++] = item;
    sheet->dense[item] += score;
}
void hh_scores_answer(hh_score_sheet *sheet, const hh_question *question, hh_answer *answer); // as output 0

#endif
