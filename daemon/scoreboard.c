// Scores by version.
#include "scoreboard.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    BITS = 1 << 16, // of the sketch of distinct items: some 2 % off, up to 200,000 items
    LEAST = 1000,   // judged clicks without which no model is taken out
};
#define SURE 2.0 // standard errors

typedef struct entry {
    hh_score score;
    double sum, squares; // of the paired differences, faded
    double hits[HH_SCORE_LISTS], ranks[HH_SCORE_LISTS];
    uint64_t sketch[BITS / 64]; // linear counting (Whang et al. 1990)
    uint32_t marked;
} entry;

struct hh_scoreboard {
    pthread_mutex_t lock; // held for a fraction of a microsecond
    hh_service *service;
    double max_drop;
    entry *entries[HH_SCORED_VERSIONS]; // [count] by version, the newest first
    size_t count;
    _Atomic hh_time next; // steady clock
    atomic_bool news;     // something was counted since it was last due
};

hh_scoreboard *hh_scoreboard_new(hh_service *service, double max_drop)
{
    hh_scoreboard *scoreboard = calloc(1, sizeof *scoreboard);
    if (!scoreboard)
        return NULL;
    pthread_mutex_init(&scoreboard->lock, NULL);
    scoreboard->service = service;
    scoreboard->max_drop = max_drop;
    return scoreboard;
}

void hh_scoreboard_free(hh_scoreboard *scoreboard)
{
    if (!scoreboard)
        return;
    for (size_t i = 0; i < scoreboard->count; i++)
        free(scoreboard->entries[i]);
    pthread_mutex_destroy(&scoreboard->lock);
    free(scoreboard);
}

// The version's entry, made where it is new; the oldest but 0 goes where there are too many. NULL: out of
// memory, or older than all that are kept.
static entry *entry_of(hh_scoreboard *scoreboard, int64_t version)
{
    size_t at = 0;
    while (at < scoreboard->count && scoreboard->entries[at]->score.version > version)
        at++;
    if (at < scoreboard->count && scoreboard->entries[at]->score.version == version)
        return scoreboard->entries[at];
    entry *made = NULL;
    if (scoreboard->count < HH_SCORED_VERSIONS) {
        made = calloc(1, sizeof *made);
        if (!made)
            return NULL;
    } else {
        size_t last = scoreboard->count - 1;
        last -= scoreboard->entries[last]->score.version == 0;
        if (version > 0 && at > last)
            return NULL;
        made = scoreboard->entries[last];
        memset(made, 0, sizeof *made);
        memmove(&scoreboard->entries[last], &scoreboard->entries[last + 1],
                (--scoreboard->count - last) * sizeof(entry *));
        at -= at > last;
    }
    memmove(&scoreboard->entries[at + 1], &scoreboard->entries[at],
            (scoreboard->count++ - at) * sizeof(entry *));
    made->score.version = version;
    return scoreboard->entries[at] = made;
}

void hh_scoreboard_listed(hh_scoreboard *scoreboard, int64_t version, hh_time now, const uint32_t *items,
                          size_t count)
{
    pthread_mutex_lock(&scoreboard->lock);
    entry *of = entry_of(scoreboard, version);
    if (of && of->score.lists++ == 0)
        of->score.begin = now;
    atomic_store_explicit(&scoreboard->news, true, memory_order_relaxed);
    for (size_t i = 0; of && i < count; i++) {
        uint32_t bit = items[i] % BITS;
        uint64_t mask = (uint64_t)1 << bit % 64;
        of->marked += !(of->sketch[bit / 64] & mask);
        of->sketch[bit / 64] |= mask;
    }
    pthread_mutex_unlock(&scoreboard->lock);
}

static void add(entry *of, const unsigned ranks[HH_SCORE_LISTS])
{
    hh_score *score = &of->score;
    bool hit[HH_SCORE_LISTS];
    double keep = 1 - 1 / HH_SCORE_WINDOW;
    score->targets++;
    score->weight = score->weight * keep + 1;
    for (int list = 0; list < HH_SCORE_LISTS; list++) {
        hit[list] = ranks[list] >= 1 && ranks[list] <= HH_LIVE_RANKS;
        of->hits[list] = of->hits[list] * keep + hit[list];
        of->ranks[list] = of->ranks[list] * keep + (hit[list] ? 1.0 / ranks[list] : 0);
        score->hr[list] = of->hits[list] / score->weight;
        score->mrr[list] = of->ranks[list] / score->weight;
    }
    double drop = (double)hit[HH_LIST_GRAPH] - (double)hit[HH_LIST_HIPHOP];
    of->sum = of->sum * keep + drop;
    of->squares = of->squares * keep + drop * drop;
    score->drop = of->sum / score->weight;
    score->error = sqrt(fmax(of->squares / score->weight - score->drop * score->drop, 0) / score->weight);
}

bool hh_scoreboard_judge(hh_scoreboard *scoreboard, int64_t version, const unsigned ranks[HH_SCORE_LISTS])
{
    pthread_mutex_lock(&scoreboard->lock);
    entry *of = entry_of(scoreboard, version);
    bool taken_out = false;
    if (of) {
        add(of, ranks);
        atomic_store_explicit(&scoreboard->news, true, memory_order_relaxed);
        hh_score *score = &of->score;
        if (version > 0 && !score->out && score->targets >= LEAST && score->drop > scoreboard->max_drop &&
            score->drop - SURE * score->error > 0)
            taken_out = score->out = true;
    }
    pthread_mutex_unlock(&scoreboard->lock);
    return taken_out && scoreboard->service && hh_service_take_out(scoreboard->service, version);
}

size_t hh_scoreboard_read(hh_scoreboard *scoreboard, hh_score scores[HH_SCORED_VERSIONS])
{
    pthread_mutex_lock(&scoreboard->lock);
    size_t count = scoreboard->count;
    for (size_t i = 0; i < count; i++) {
        const entry *of = scoreboard->entries[i];
        scores[i] = of->score;
        double empty = BITS - (of->marked < BITS ? of->marked : BITS - 1);
        scores[i].coverage = round(-BITS * log(empty / BITS));
    }
    pthread_mutex_unlock(&scoreboard->lock);
    return count;
}

bool hh_scoreboard_due(hh_scoreboard *scoreboard, hh_time steady, hh_time interval)
{
    hh_time next = atomic_load_explicit(&scoreboard->next, memory_order_relaxed);
    if (steady < next || !atomic_load_explicit(&scoreboard->news, memory_order_relaxed) ||
        !atomic_compare_exchange_strong(&scoreboard->next, &next, steady + interval))
        return false;
    atomic_store(&scoreboard->news, false); // what is counted from here on is told the next time
    return true;
}
