// What the neighbour baselines share: for each item the sessions that hold it, newest last, and for a
// question the sessions that share items with it.
#ifndef EVALUATE_NEIGHBOURS_H
#define EVALUATE_NEIGHBOURS_H

#include "evaluate/model_kind.h"

#define NEIGHBOUR_DEPTH 64 // so many of the session's last distinct items are looked at, at most

typedef struct hh_neighbour {
    uint32_t session;
    uint32_t match;   // how far from the session's end its latest shared item is; 0: it is the last click
    float similarity; // sum over shared items of the weight that the caller gave their distance
    hh_time last;     // time of its last known click
} hh_neighbour;

typedef struct hh_posting {
    uint32_t *sessions;
    uint32_t count, room;
} hh_posting;

typedef struct hh_neighbours {
    const hh_log *log;
    uint32_t sessions_known;
    hh_posting *postings; // [items]
    uint32_t *known;      // [sessions] clicks known
    hh_time *last;        // [sessions] time of the last of them
    // of the question at hand
    uint32_t *place; // [sessions] in found, + 1; 0: not there
    hh_neighbour *found;
    uint32_t count, room;
    uint32_t *seen, mark; // [items] scratch: seen[item] == mark
} hh_neighbours;

bool hh_neighbours_init(hh_neighbours *self, const hh_log *log);
void hh_neighbours_free(hh_neighbours *self);
hh_status hh_neighbours_learn(hh_neighbours *self, const hh_lesson *lesson);

// Fills found[count]: of the sessions that hold one of the question's last distinct items, the `sample`
// newest. weights[depth], depth <= NEIGHBOUR_DEPTH, by the distance of an item's last click from the
// session's end; items beyond depth clicks are not looked at.
hh_status hh_neighbours_gather(hh_neighbours *self, const hh_question *question, uint32_t sample,
                               const float *weights, uint32_t depth);
// Keeps the k most similar (the newer where equal).
void hh_neighbours_keep(hh_neighbours *self, uint32_t k);

// The neighbour's known clicks, and their number in *count.
static inline const uint32_t *hh_neighbour_items(const hh_neighbours *self, const hh_neighbour *one,
                                                 uint32_t *count)
{
    *count = self->known[one->session];
    return self->log->item + self->log->session[one->session].first;
}
// Multiplies the scores by ln(sessions / sessions with the item)^exponent.
void hh_neighbours_weigh_rare(const hh_neighbours *self, hh_score_sheet *sheet, double exponent);

// For walks over distinct items: a fresh mark, and whether the item is met for the first time since.
void hh_neighbours_new_mark(hh_neighbours *self);
static inline bool hh_neighbours_first_seen(hh_neighbours *self, uint32_t item)
{
    bool first = self->seen[item] != self->mark;
    self->seen[item] = self->mark;
    return first;
}

#endif
