// From votes to a list: the mixture of experts (docs/graph.md), the ranker over it (docs/ranker.md), exact
// top-k, and a reason for every item.
#ifndef HIPHOP_RECOMMEND_H
#define HIPHOP_RECOMMEND_H

#include <hiphop/graph.h>
#include <hiphop/ranker_shelf.h>

// The mixture p(v) = sum_e w_e p_e(v), its weights learned online, a step up the gradient of log p for each
// click, test-then-learn. Lists are made by what graph and network are worth together: that sum, and more
// where both speak for an item, (sqrt(graph) + sqrt(network))^2 (recommend/mix.h). One learner (the
// writer of the graph is the natural one), many readers, who neither lock nor wait.
//
// How far an expert can be trusted depends on how much there is to go by, so the weights depend on the
// query: softmax of the sum of a few rows of a table, which rows is the query's context.
//
// The weights are as of a time, as the graph is: what is asked as of a time has learned from earlier clicks
// alone, however far ahead the learner is. It need not have learned from all of them: every 64 clicks learned
// from, at most every 15 seconds of event time, the weights are put aside for those who ask, and the last 256
// of these are kept, so for an hour or more. Who asks for an earlier time gets the starting weights.
//
// inherit and cosine stand beside that, with HH_TEXT_WEIGHT times the weight of next, pair, knn and network
// together. They speak of items that hardly anybody has clicked, so no click could teach what they are worth;
// what they say limits itself, since an item that they have been wrong about for long gets less
// (hh_graph_expect). Twice, since what nobody sees has no other way to its first click: a launch is listed
// before those that it is like, until it has been tried.
typedef struct hh_mixture hh_mixture;
#define HH_TEXT_WEIGHT 2

// What the weights of a query go by. Whoever learns from it later, when the click has come, keeps this and
// the clicked item's row of shares.
#define HH_CONTEXT_ROWS 7
typedef struct hh_context {
    uint8_t row[HH_CONTEXT_ROWS];
    bool foreseen; // by a network, whose weight descriptions count by, too
} hh_context;
hh_context hh_context_of(const hh_votes *votes);

hh_mixture *hh_mixture_new(void); // all experts equal; NULL when out of memory
void hh_mixture_free(hh_mixture *mixture);
// What was clicked at `time`, given the votes of a query that did not yet know it.
void hh_mixture_learn(hh_mixture *mixture, const hh_votes *votes, hh_item clicked, hh_time time);
// The same by the query's context and the clicked item's shares; all 0, where it was no candidate, teach
// nothing.
void hh_mixture_learn_row(hh_mixture *mixture, const hh_context *context, const float shares[HH_EXPERTS],
                          hh_time time);
// scores[votes->count]: what the mixture, as of votes->as_of, gives each candidate: its share, and up to
// twice that where graph and network agree. hh_recommend lists by these, and scales them to shares.
void hh_mixture_scores(const hh_mixture *mixture, const hh_votes *votes, float *scores);
// The same without one expert, for a mixture that was taught as if it never said anything.
void hh_mixture_scores_without(const hh_mixture *mixture, const hh_votes *votes, hh_expert left_out,
                               float *scores);
// expected[votes->count]: with what probability inherit and cosine say that the click that comes is on each
// candidate, were it as good as those like it: for hh_graph_expect, when the click has come. 0 for most.
void hh_mixture_expected(const hh_mixture *mixture, const hh_votes *votes, float *expected);
// weights[HH_EXPERTS], those of the first HH_MIXED_EXPERTS summing to 1, for a query of this context. as_of
// INT64_MAX: the latest put aside.
void hh_mixture_weights(const hh_mixture *mixture, const hh_context *context, hh_time as_of,
                        double weights[HH_EXPERTS]);
// The mean of the weights over the latest thousand or so lessons. The learner's thread alone may ask.
void hh_mixture_mean(const hh_mixture *mixture, double weights[HH_EXPERTS]);

typedef enum hh_reason_kind {
    HH_REASON_POPULAR,   // popular now
    HH_REASON_FOLLOWED,  // often clicked after what the session holds
    HH_REASON_ONWARD,    // often clicked after what is often clicked after what the session holds
    HH_REASON_NEIGHBOUR, // in the nearest sessions
    HH_REASON_REPEAT,    // clicked before in this session
    HH_REASON_FORESEEN,  // by the network
    HH_REASON_ALIKE,     // by its description
} hh_reason_kind;

typedef struct hh_recommendation {
    hh_item item;
    float score;           // share of the mixture or, where there is one, by the ranker; 0..1
    hh_reason_kind reason; // the expert that gave most
    uint32_t count,
        of;       // the numbers of the reason: "count of the `of` nearest sessions", "followed count times"
    hh_item like; // of HH_REASON_ALIKE: the item whose description is most like its own, of the session or
                  // of what sessions go on to; HH_ITEM_NONE otherwise
} hh_recommendation;

typedef struct hh_recommend_options {
    uint32_t k;              // length of a list
    bool hide_session_items; // leave out what is in the session already
} hh_recommend_options;

hh_recommend_options hh_recommend_defaults(void); // 20, shown

// One thread's recommender: a reader of the graph and its scratch memory.
typedef struct hh_recommender hh_recommender;
hh_recommender *hh_recommender_new(hh_graph *graph, const hh_mixture *mixture,
                                   const hh_recommend_options *options, hh_error *error);
void hh_recommender_free(hh_recommender *recommender);
hh_reader *hh_recommender_reader(hh_recommender *recommender);

// From the next list on the ranker makes the lists, and the mixture only says what is ranked; NULL: the
// mixture alone, as at first. The ranker is not owned; it must stay until another has taken its place.
// HH_MEMORY: as before.
hh_status hh_recommender_use(hh_recommender *recommender, const hh_ranker *ranker, hh_error *error);

// From the next list on it is made by the shelf's newest ranker that is earlier than the query, by the
// mixture alone where there is none, or where that ranker is not active. NULL: no shelf any more. The shelf
// must outlive the recommender, and takes the place of a ranker in use. HH_MEMORY: as before.
hh_status hh_recommender_follow(hh_recommender *recommender, const hh_ranker_shelf *shelf, hh_error *error);

// The exact top k of all items that are not withdrawn, best first (ties by item id, so that they do not
// depend on arrival), into list[k]; *count < k only where fewer items are known as of then. Hold the
// recommender's reader from before the query's items are looked up until the list is spelt out. With a
// ranker: the mixture's best, as many as the ranker looks at or k, in the ranker's order.
hh_status hh_recommend(hh_recommender *recommender, const hh_query *query, hh_recommendation *list,
                       size_t *count);
// The votes that the last list was made of, at least all items worth as much as its last, valid until the
// next one; NULL before the first.
const hh_votes *hh_recommender_votes(const hh_recommender *recommender);
// What a ranker was asked for the last list, valid until the next one; NULL where none was.
const hh_shortlist *hh_recommender_shortlist(const hh_recommender *recommender);
// The reason as a sentence, NUL-terminated in text[size].
void hh_reason_text(const hh_recommendation *recommendation, char *text, size_t size);

#endif
