#include "train/contest.h"

#include "model/forecast.h"
#include "train/slice.h"

#include <math.h>
#include <stdlib.h>

#define TOP      20
#define FORESEEN 100 // of a network, that become candidates
// Of the network's weight: before anything is known of it, and the rounds of EM that find it.
#define FIRST_WEIGHT 0.2
#define ROUNDS       30
#define NONE         UINT32_MAX

typedef struct entry {    // of a list
    uint32_t item, row;   // the caller's number, the model's; NONE: none is known
    float graph, network; // shares
    bool hidden;
} entry;

typedef struct trial_list {
    bool reads;                                        // the network has something to say
    uint32_t count, target;                            // target: its place in the list
    entry entries[HH_TRIAL_CANDIDATES + FORESEEN + 1]; // [count]
} trial_list;

typedef struct contender {
    const hh_slice *slice;
    hh_row_of *row_of;
    void *context;
    const hh_model *model; // NULL: the graph alone
    hh_forecast forecast;
    uint32_t session[HH_TRIAL_CLICKS]; // [known] rows
    uint32_t known;
    trial_list lists[]; // [trials]
} contender;

// ---- the list of a trial ----

static uint32_t row_in(const contender *self, uint32_t item)
{
    return self->model ? self->row_of(self->context, self->model, item) : NONE;
}

static bool among(const uint32_t *items, uint32_t count, uint32_t item)
{
    for (uint32_t i = 0; i < count; i++)
        if (items[i] == item)
            return true;
    return false;
}

static void add(contender *self, const hh_gate_trial *trial, trial_list *list, uint32_t item, uint32_t row,
                float graph)
{
    bool own =
        item != NONE ? among(trial->session, trial->length, item) : among(self->session, self->known, row);
    list->entries[list->count++] = (entry){
        .item = item,
        .row = row,
        .graph = graph,
        .network = list->reads && row != NONE ? hh_forecast_share(&self->forecast, row) : 0,
        .hidden = own && self->slice->hide,
    };
}

static void add_foreseen(contender *self, const hh_gate_trial *trial, trial_list *list)
{
    const hh_search *search = &self->forecast.search;
    uint32_t of_graph = list->count;
    for (size_t i = 0; list->reads && i < search->count[0]; i++) {
        uint32_t row = search->best[i].item;
        bool there = false;
        for (uint32_t k = 0; k < of_graph && !there; k++)
            there = list->entries[k].row == row;
        if (!there)
            add(self, trial, list, NONE, row, 0);
    }
}

static bool make_list(contender *self, const hh_gate_trial *trial, trial_list *list)
{
    self->known = 0;
    for (uint32_t i = 0; i < trial->length; i++) {
        uint32_t row = row_in(self, trial->session[i]);
        if (row != NONE)
            self->session[self->known++] = row;
    }
    list->count = 0;
    list->reads = self->known > 0;
    if (list->reads && !hh_forecast_read(&self->forecast, self->session, self->known))
        return false;
    for (uint32_t i = 0; i < trial->count; i++)
        add(self, trial, list, trial->item[i], row_in(self, trial->item[i]), trial->share[i]);
    for (list->target = 0; list->target < list->count;)
        if (list->entries[list->target].item == trial->target)
            break;
        else
            list->target++;
    if (list->target == list->count)
        add(self, trial, list, trial->target, row_in(self, trial->target), 0);
    add_foreseen(self, trial, list);
    return true;
}

// ---- what it is worth ----

static double score(const entry *at, double weight)
{
    return (1 - weight) * at->graph + weight * at->network;
}

// From 1, ties against the target; NONE: nothing speaks for it, or it is not listed.
static uint32_t rank(const trial_list *list, double weight)
{
    const entry *target = &list->entries[list->target];
    double least = score(target, weight);
    if (!(least > 0) || target->hidden)
        return NONE;
    uint32_t before = 1;
    for (uint32_t i = 0; i < list->count; i++)
        before +=
            i != list->target && !list->entries[i].hidden && !(score(&list->entries[i], weight) < least);
    return before;
}

static double count_rank(hh_gate_figures *sums, uint32_t rank)
{
    double ndcg = rank <= TOP ? 1 / log2(1 + (double)rank) : 0;
    sums->hr += rank <= TOP;
    sums->mrr += rank <= TOP ? 1 / (double)rank : 0;
    sums->ndcg += ndcg;
    return ndcg;
}

static void divide(hh_gate_figures *sums, uint32_t trials)
{
    sums->hr /= trials;
    sums->mrr /= trials;
    sums->ndcg /= trials;
}

// How far the network can be trusted, by EM: the mean of the share that it has in what was clicked. One
// number for the whole slice, as the mixture has come to it by the time the slice begins.
static double learn_weight(const contender *self)
{
    double weight = FIRST_WEIGHT;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        double sum = 0, outcomes = 0;
        for (uint32_t i = 0; i < self->slice->count; i++) {
            const trial_list *list = &self->lists[i];
            double whole = score(&list->entries[list->target], weight);
            if (!list->reads || !(whole > 0))
                continue;
            sum += weight * list->entries[list->target].network / whole;
            outcomes++;
        }
        weight = outcomes > 0 ? sum / outcomes : 0;
    }
    return weight;
}

static bool try_all(contender *self, hh_contest *contest)
{
    uint32_t count = self->slice->count;
    for (uint32_t i = 0; i < count; i++)
        if (!make_list(self, hh_slice_at(self->slice, i), &self->lists[i]))
            return false;
    contest->weight = self->model ? learn_weight(self) : 0;
    for (uint32_t i = 0; i < count; i++) {
        const trial_list *list = &self->lists[i];
        contest->mixed_ndcg[i] = count_rank(&contest->mixed, rank(list, list->reads ? contest->weight : 0));
        contest->alone_ndcg[i] = count_rank(&contest->alone, list->reads ? rank(list, 1) : NONE);
    }
    if (count > 0) {
        divide(&contest->mixed, count);
        divide(&contest->alone, count);
    }
    return true;
}

bool hh_contest_run(hh_contest *contest, const hh_slice *slice, hh_row_of *row_of, void *context,
                    const hh_model *model)
{
    size_t room = slice->count + (size_t)1;
    contender *self = malloc(sizeof *self + slice->count * sizeof *self->lists);
    *contest = (hh_contest){.mixed_ndcg = malloc(room * sizeof(double)),
                            .alone_ndcg = malloc(room * sizeof(double))};
    bool done = self && contest->mixed_ndcg && contest->alone_ndcg;
    if (done) {
        *self = (contender){.slice = slice, .row_of = row_of, .context = context, .model = model};
        done = (!model || hh_forecast_init(&self->forecast, hh_model_network(model), FORESEEN)) &&
               try_all(self, contest);
        if (model)
            hh_forecast_free(&self->forecast);
    }
    free(self);
    if (!done)
        hh_contest_free(contest);
    return done;
}

void hh_contest_free(hh_contest *contest)
{
    free(contest->mixed_ndcg);
    free(contest->alone_ndcg);
    *contest = (hh_contest){0};
}
