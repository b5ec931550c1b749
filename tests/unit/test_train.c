// Training: the same again, a planted pattern, when it stops, what it refuses, and no memory.
#include "fail_alloc.h"
#include "model/network.h"
#include "planted.h"

#include <math.h>
#include <string.h>

static void check_same(const hh_network *one, const hh_network *two)
{
    cr_assert_arr_eq(one->item.value, two->item.value, one->item.rows * one->item.cols * sizeof(float));
    for (int t = 0; t < HH_TENSOR_COUNT; t++)
        cr_assert_arr_eq(one->tensor[t].value, two->tensor[t].value,
                         one->tensor[t].rows * one->tensor[t].cols * sizeof(float), "%s",
                         one->tensor[t].name);
}

static bool differ(const hh_network *one, const hh_network *two)
{
    return memcmp(one->item.value, two->item.value, one->item.rows * one->item.cols * sizeof(float)) != 0;
}

static hh_network *train(const hh_train_data *data, const hh_train_options *options, hh_train_record *record)
{
    hh_error error;
    hh_network *network = hh_train(data, options, record, &error);
    cr_assert_not_null(network, "%s", error.message);
    return network;
}

Test(train, the_same_seed_gives_the_same_network)
{
    planted it = plant(200, 40, 1);
    hh_train_options options = small_training();
    hh_train_record record[3];
    for (uint32_t negatives = 0; negatives < 20; negatives += 10) {
        options.negatives = negatives;
        options.seed = 1;
        hh_network *one = train(&it.data, &options, &record[0]), *two = train(&it.data, &options, &record[1]);
        options.seed = 2;
        hh_network *other = train(&it.data, &options, &record[2]);
        check_same(one, two);
        cr_assert(differ(one, other));
        cr_assert_eq(record[0].loss, record[1].loss);
        cr_assert_eq(record[0].mrr, record[1].mrr);
        hh_network_free(one);
        hh_network_free(two);
        hh_network_free(other);
    }
    uproot(&it);
}

Test(train, learns_a_planted_pattern)
{
    planted it = plant(1500, 60, 2);
    hh_train_options options = small_training();
    options.epochs = 6;
    options.network.own_bias = false;
    for (uint32_t negatives = 0; negatives <= 20; negatives += 20) {
        options.negatives = negatives;
        hh_train_record record;
        hh_network_free(train(&it.data, &options, &record));
        // nine in ten targets are the next item; by chance one would be within 20 in a third of cases
        cr_assert_gt(record.mrr, 0.75, "MRR %g with %u negatives", record.mrr, negatives);
        cr_assert_gt(record.hr, 0.88, "HR %g with %u negatives", record.hr, negatives);
    }
    uproot(&it);
}

Test(train, record_says_what_was_done)
{
    planted it = plant(400, 40, 3);
    hh_train_options options = small_training();
    options.epochs = 2;
    options.patience = 2;
    hh_train_record record;
    size_t sessions = 0, prefixes = 0, learned = 0;
    for (uint32_t s = 0; s < 400; s++) {
        uint32_t length = it.first[s + 1] - it.first[s];
        sessions += length > 1;
        prefixes += length - 1;
    }
    hh_network_free(train(&it.data, &options, &record));
    cr_assert_eq(record.sessions, sessions);
    cr_assert_eq(record.prefixes, prefixes);
    cr_assert(isfinite(record.loss) && record.mrr > 0 && record.hr <= 1);
    cr_assert_eq(record.seconds, 0, "no clock");
    options.refit = false;
    hh_network_free(train(&it.data, &options, &record));
    learned = sessions - (size_t)((double)sessions * options.held_out);
    cr_assert_eq(record.sessions, learned);
    cr_assert_eq(record.epochs, 2);
    options.held_out = 0;
    hh_network_free(train(&it.data, &options, &record));
    cr_assert_eq(record.sessions, sessions);
    cr_assert(isnan(record.mrr) && isnan(record.hr));
    // A batch is closed by the session that fills it.
    cr_assert_leq(record.steps, 2 * ((prefixes + 63) / 64));
    cr_assert_geq(record.steps, 2 * (prefixes / (64 + 8)));
    uproot(&it);
}

Test(train, sessions_are_cut_to_their_end)
{
    const uint32_t longer[] = {7, 7, 7, 0, 1, 2, 5, 3, 4}, cut[] = {0, 1, 2, 3, 4};
    const uint32_t longer_first[] = {0, 6, 7, 9}, cut_first[] = {0, 3, 5};
    hh_train_options options = small_training();
    options.longest = 3;
    options.held_out = 0;
    hh_train_record record;
    hh_network *one = train(&(hh_train_data){3, 8, longer, longer_first}, &options, &record);
    hh_network *two = train(&(hh_train_data){2, 8, cut, cut_first}, &options, &record);
    check_same(one, two);
    hh_network_free(one);
    hh_network_free(two);
}

// ---- when it stops ----

Test(train, stops_when_it_gets_no_better_and_keeps_the_best)
{
    planted it = plant(300, 40, 4);
    hh_train_options options = small_training();
    options.epochs = 50;
    options.patience = 3;
    options.rate = 1e-9f; // nothing moves: the first epoch stays the best
    options.refit = false;
    hh_train_record record;
    hh_network_free(train(&it.data, &options, &record));
    cr_assert_eq(record.epochs, 1, "of the network that is kept");
    uint64_t steps = record.steps;
    options.epochs = options.patience + 1;
    hh_network_free(train(&it.data, &options, &record));
    cr_assert_eq(record.steps, steps, "it went on for as long as patience lasted, and no longer");
    options.epochs = 50;
    options.refit = true;
    hh_network_free(train(&it.data, &options, &record));
    cr_assert_eq(record.epochs, 1, "again on all sessions, for as long as was best");
    uproot(&it);
}

typedef struct visitor {
    int calls, stop_at; // stop at this call, from 1; 0: never
    hh_train_progress last;
    double clock;
} visitor;

static bool visit(void *context, const hh_train_progress *progress)
{
    visitor *self = context;
    cr_assert(progress->epoch >= 1 && progress->epoch <= progress->epochs);
    cr_assert(progress->done >= 0 && progress->done <= 1);
    self->last = *progress;
    return ++self->calls != self->stop_at;
}

static double clock_now; // a second passes whenever somebody looks
static double tick(void)
{
    return clock_now++;
}

Test(train, progress_can_stop_it_anywhere)
{
    planted it = plant(300, 40, 5);
    hh_train_options options = small_training();
    options.progress = visit;
    visitor counting = {0};
    options.context = &counting;
    hh_train_record record;
    hh_network_free(train(&it.data, &options, &record));
    cr_assert_not(record.stopped);
    cr_assert_gt(counting.calls, 20);
    cr_assert(counting.last.refit);
    for (int stop_at = 1; stop_at <= counting.calls; stop_at += 3) {
        visitor stopping = {.stop_at = stop_at};
        options.context = &stopping;
        hh_network *network = train(&it.data, &options, &record);
        cr_assert(record.stopped);
        cr_assert_eq(stopping.calls, stop_at, "nobody is asked after they said stop");
        hh_network_free(network);
    }
    uproot(&it);
}

Test(train, progress_with_a_clock_knows_how_long_it_takes)
{
    planted it = plant(300, 40, 6);
    hh_train_options options = small_training();
    options.progress = visit;
    options.clock = tick;
    visitor watching = {0};
    options.context = &watching;
    hh_train_record record;
    hh_network_free(train(&it.data, &options, &record));
    cr_assert_gt(record.seconds, record.epoch_seconds);
    cr_assert_gt(record.epoch_seconds, 0);
    cr_assert_geq(watching.last.seconds_left, 0);
    uproot(&it);
}

static uint32_t epochs_with(const planted *it, uint32_t batch)
{
    hh_train_options options = small_training();
    options.epochs = 0;
    options.batch = batch;
    options.progress = visit;
    options.clock = tick;
    visitor stopping = {.stop_at = 1};
    options.context = &stopping;
    hh_train_record record;
    hh_network_free(train(&it->data, &options, &record));
    return stopping.last.epochs;
}

Test(train, few_sessions_have_more_epochs_unless_told_otherwise)
{
    planted it = plant(400, 40, 9);
    uint32_t prefixes = it.data.first[400] - 400;
    cr_assert_eq(epochs_with(&it, 1000000), 24);
    cr_assert_eq(epochs_with(&it, 1), 6, "%u steps an epoch", prefixes);
    uint32_t batch = prefixes / 200; // 200 steps an epoch, or a few more
    cr_assert_eq(epochs_with(&it, batch), (2000 + prefixes / batch) / (prefixes / batch + 1));
    uproot(&it);
}

// ---- what it refuses ----

static void refused(const hh_train_data *data, const hh_train_options *options, const char *why)
{
    hh_train_record record;
    hh_error error = {0};
    cr_assert_null(hh_train(data, options, &record, &error), "%s", why);
    cr_assert_eq(error.status, HH_ARGUMENT, "%s: %s", why, error.message);
}

Test(train, bad_options_and_data_are_refused)
{
    planted it = plant(50, 10, 7);
    hh_train_options good = small_training(), bad = good;
    bad.threads = 0;
    refused(&it.data, &bad, "no thread");
    bad = good;
    bad.epochs = 10001;
    refused(&it.data, &bad, "too many epochs");
    bad = good;
    bad.longest = 1;
    refused(&it.data, &bad, "sessions of one click");
    bad = good;
    bad.held_out = 1;
    refused(&it.data, &bad, "everything held out");
    bad.held_out = NAN;
    refused(&it.data, &bad, "a held-out share that is no number");
    bad = good;
    bad.rate = NAN;
    refused(&it.data, &bad, "a rate that is no number");
    bad = good;
    bad.network.d = 0;
    refused(&it.data, &bad, "no width");
    bad = good;
    bad.network.item_dropout = 1;
    refused(&it.data, &bad, "everything dropped");
    hh_train_data data = it.data;
    data.items = 3;
    refused(&data, &good, "an unknown item");
    data = it.data;
    data.sessions = 0;
    refused(&data, &good, "no session");
    const uint32_t item[] = {1, 2}, first[] = {0, 1, 2};
    refused(&(hh_train_data){2, 3, item, first}, &good, "sessions of one click");
    uproot(&it);
}

// The wildest options that are allowed.
Test(train, a_network_that_diverges_still_gives_shares)
{
    planted it = plant(300, 40, 8);
    hh_train_options options = small_training();
    options.rate = 1;
    options.warm_up = 0;
    options.decay = 1;
    options.network.scale = 1000;
    hh_train_record record;
    hh_network_free(train(&it.data, &options, &record));
    cr_assert(record.mrr >= 0 && record.mrr <= 1 && record.hr >= record.mrr && record.hr <= 1);
    uproot(&it);
}

Test(train, out_of_memory_is_said_and_nothing_leaks)
{
    planted it = plant(30, 10, 9);
    hh_train_options options = small_training();
    options.network.d = 4;
    options.epochs = 2;
    options.held_out = 0.3;
    options.patience = 5;
    for (long n = 0;; n++) {
        hh_train_record record;
        hh_error error = {0};
        fail_alloc_at(n);
        hh_network *network = hh_train(&it.data, &options, &record, &error);
        if (!fail_alloc_done()) {
            cr_assert_not_null(network);
            cr_assert_gt(n, 50);
            hh_network_free(network);
            break;
        }
        cr_assert_null(network, "allocation %ld failed and nobody said so", n);
        cr_assert_eq(error.status, HH_MEMORY);
    }
    uproot(&it);
}

Test(train, says_what_memory_it_took_and_that_sessions_cost_none)
{
    hh_train_options options = small_training();
    hh_train_record few, many;
    options.network.d = 32;
    options.batch = 64;
    planted it = plant(300, 40, 1), more = plant(3000, 40, 1);
    hh_network *network = train(&it.data, &options, &few);
    cr_expect_eq(few.parameter_bytes, hh_network_parameters(network) * sizeof(float));
    cr_expect_gt(few.parameter_bytes, 40 * 32 * sizeof(float));
    cr_expect_eq(few.adam_bytes, 2 * few.parameter_bytes);
    cr_expect_gt(few.workspace_bytes, few.parameter_bytes);
    hh_network_free(network);
    hh_network_free(train(&more.data, &options, &many));
    cr_expect_lt(many.workspace_bytes, few.workspace_bytes * 5 / 4, "a batch is no larger");
    uproot(&it);
    uproot(&more);
}
