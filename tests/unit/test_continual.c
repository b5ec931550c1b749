// Training as the stream goes: what is kept from one training to the next, and what the gate keeps out.
#include "fail_alloc.h"
#include "model/network.h"
#include "unit/planted.h"

#include <hiphop/continual.h>
#include <stdio.h>
#include <string.h>

#define ITEMS 30

static hh_network *trained_network(uint32_t items)
{
    planted data = plant(200, items, 3);
    hh_train_options options = small_training();
    hh_train_record record;
    hh_error error = {0};
    options.held_out = 0;
    options.refit = false;
    hh_network *network = hh_train(&data.data, &options, &record, &error);
    cr_assert_not_null(network, "%s", error.message);
    cr_assert_eq(network->steps, record.steps);
    uproot(&data);
    return network;
}

static bool same_rows(const hh_tensor *a, size_t row, const hh_tensor *b, size_t other)
{
    size_t d = a->cols, size = d * sizeof(float);
    return memcmp(a->value + row * d, b->value + other * d, size) == 0 &&
           memcmp(a->first + row * d, b->first + other * d, size) == 0 &&
           memcmp(a->second + row * d, b->second + other * d, size) == 0;
}

Test(continual, vectors_and_moments_are_kept_by_item)
{
    hh_error error = {0};
    hh_network *old = trained_network(20);
    uint32_t row[] = {5, HH_ROW_NEW, 19, 0, HH_ROW_NEW, 7};
    hh_network *net = hh_network_resume(old, 6, row, NULL, 0, 9, &error);
    cr_assert_not_null(net, "%s", error.message);
    cr_assert_eq(net->item.rows, 6);
    cr_assert_eq(net->steps, old->steps);
    float zeros[64] = {0};
    for (size_t i = 0; i < 6; i++)
        if (row[i] != HH_ROW_NEW)
            cr_assert(same_rows(&net->item, i, &old->item, row[i]));
        else
            cr_assert(memcmp(net->item.first + i * net->d, zeros, net->d * sizeof(float)) == 0 &&
                      memcmp(net->item.value + i * net->d, zeros, net->d * sizeof(float)) != 0);
    for (int t = 0; t < HH_TENSOR_COUNT; t++)
        for (size_t r = 0; r < net->tensor[t].rows; r++)
            cr_assert(same_rows(&net->tensor[t], r, &old->tensor[t], r));
    hh_network_free(net);
    row[0] = 20;
    cr_assert_null(hh_network_resume(old, 6, row, NULL, 0, 9, &error));
    cr_assert_eq(error.status, HH_ARGUMENT);
    cr_assert_null(hh_network_resume(old, 6, NULL, NULL, 0, 9, &error));
    hh_network_free(old);
}

// Two epochs in one go at a rate that does not fall, or one after another: the steps and moments go on.
Test(continual, training_goes_on_where_it_stood)
{
    hh_error error = {0};
    hh_train_record record;
    planted data = plant(300, 20, 4);
    hh_network *old = trained_network(20);
    hh_train_options options = small_training();
    options.held_out = 0;
    options.refit = false;
    options.epochs = 1;
    options.start = old;
    hh_network *net = hh_train(&data.data, &options, &record, &error);
    cr_assert_not_null(net, "%s", error.message);
    cr_assert_eq(net->steps, old->steps + record.steps);
    double gone_on = record.loss;
    options.start = NULL;
    hh_network *scratch = hh_train(&data.data, &options, &record, &error);
    cr_assert_lt(gone_on, record.loss - 0.2, "it begins with what it knew");
    hh_network_free(scratch);
    options.start = old;
    options.refit = true;
    cr_assert_null(hh_train(&data.data, &options, &record, &error));
    cr_assert_eq(error.status, HH_ARGUMENT);
    hh_network_free(net);
    hh_network_free(old);
    uproot(&data);
}

// ---- the whole ----

static hh_continual_options small_options(void)
{
    hh_continual_options options = hh_continual_defaults();
    options.train.network.d = 16;
    options.train.epochs = 6;
    options.train.batch = 32;
    options.train.warm_up = 10;
    options.train.rate = 0.01f;
    options.epochs = 2;
    options.window.clicks = 2000;
    options.window.older = 0;
    options.window.item_share = 1;
    return options;
}

// Sessions in which item i + step follows item i, of `items` items called PREFIX and their number.
static void add_sessions(hh_window *window, uint32_t count, uint32_t step, const char *prefix, hh_time time)
{
    for (uint32_t s = 0; s < count; s++) {
        char ids[5][16];
        hh_window_click clicks[5];
        for (uint32_t i = 0; i < 5; i++) {
            int length = snprintf(ids[i], sizeof ids[i], "%s%02u", prefix, (s * 7 + i * step) % ITEMS);
            clicks[i] = (hh_window_click){ids[i], (size_t)length};
        }
        cr_assert_eq(hh_window_add(window, s, time, clicks, 5), HH_OK);
    }
}

static uint32_t row_of(void *context, const hh_model *model, uint32_t item)
{
    char id[16];
    int length = snprintf(id, sizeof id, "%s%02u", (const char *)context, item);
    return hh_model_find(model, id, (size_t)length);
}

static hh_training train(hh_continual *continual, const hh_window *window, const hh_slice *slice, hh_time now)
{
    hh_error error = {0};
    hh_window_sessions sessions;
    hh_training training;
    cr_assert_eq(hh_window_take(window, now, hh_continual_model(continual), NULL, &sessions, &error), HH_OK);
    cr_assert_eq(hh_continual_train(continual, &sessions, NULL, now, slice, row_of, "a", &training, &error),
                 HH_OK, "%s", error.message);
    hh_window_sessions_free(&sessions);
    return training;
}

static hh_slice *slice_of(uint32_t step) // a list for each item, many times
{
    hh_error error = {0};
    hh_slice *slice = hh_slice_new(300, false, &error);
    for (uint32_t t = 0; t < 300; t++) {
        uint32_t session[2] = {t % ITEMS, (t + step) % ITEMS}, items[ITEMS];
        float shares[ITEMS];
        for (uint32_t i = 0; i < ITEMS; i++) {
            items[i] = i;
            shares[i] = 1.0f / ITEMS;
        }
        hh_gate_trial trial = {.as_of = 1000, .target = (t + 2 * step) % ITEMS};
        hh_gate_trial_take(&trial, session, 2, items, shares, ITEMS);
        hh_slice_add(slice, &trial);
    }
    return slice;
}

Test(continual, what_is_worse_stays_out)
{
    hh_error error = {0};
    hh_continual_options options = small_options();
    hh_continual *continual = hh_continual_new(&options, &error);
    hh_window *window = hh_window_new(&options.window, &error);
    hh_slice *slice = slice_of(1);
    cr_assert_eq(train(continual, window, slice, 10).trained, false, "there is nothing yet");
    add_sessions(window, 400, 1, "a", 20);
    hh_training training = train(continual, window, slice, 100);
    cr_assert(training.trained && training.scratch && training.promoted && training.judged);
    cr_assert_eq(training.items, ITEMS);
    cr_assert_eq(training.fresh, ITEMS);
    const hh_model *good = hh_continual_model(continual);
    cr_assert_not_null(good);

    for (int i = 0; i < 5; i++) // the window is full of something that the lists know nothing of
        add_sessions(window, 400, 4, "a", 200);
    options = small_options();
    training = train(continual, window, slice, 300);
    for (int i = 0; i < 5 && training.promoted; i++) {
        add_sessions(window, 1, 4, "a", 200);
        training = train(continual, window, slice, 300);
    }
    cr_assert_not(training.promoted);
    cr_assert_eq(training.gate.verdict, HH_GATE_REFUSED);
    cr_assert_not(training.scratch);
    char text[1024];
    hh_training_text(&training, text, sizeof text);
    cr_assert_not_null(strstr(text, "trained further on 400 sessions"), "%s", text);
    cr_assert_not_null(strstr(text, "; refused"), "%s", text);
    hh_slice_free(slice);
    hh_window_free(window);
    hh_continual_free(continual);
}

Test(continual, the_vocabulary_follows_the_stream)
{
    hh_error error = {0};
    hh_continual_options options = small_options();
    options.gate = false;
    options.rate = 1e-9f;
    hh_continual *continual = hh_continual_new(&options, &error);
    hh_window *window = hh_window_new(&options.window, &error);
    add_sessions(window, 400, 1, "a", 20);
    hh_training training = train(continual, window, NULL, 100);
    cr_assert(training.promoted && !training.judged);
    float before[ITEMS][16];
    for (uint32_t i = 0; i < ITEMS; i++) {
        uint32_t row = row_of("a", hh_continual_model(continual), i);
        memcpy(before[i], hh_model_network(hh_continual_model(continual))->item.value + row * 16,
               sizeof before[i]);
    }
    add_sessions(window, 300, 1, "b", 200); // three quarters of the window
    training = train(continual, window, NULL, 300);
    const hh_model *model = hh_continual_model(continual);
    cr_assert_eq(training.items, 2 * ITEMS);
    cr_assert_eq(training.fresh, ITEMS);
    cr_assert_eq(training.gone, 0);
    for (uint32_t i = 0; i < ITEMS; i++)
        for (uint32_t k = 0; k < 16; k++)
            cr_assert_float_eq(hh_model_network(model)->item.value[row_of("a", model, i) * 16 + k],
                               before[i][k], 1e-5, "at no rate the vectors of the items stay");
    add_sessions(window, 400, 1, "b", 400); // all of it
    training = train(continual, window, NULL, 500);
    cr_assert_eq(training.items, ITEMS);
    cr_assert_eq(training.gone, ITEMS);
    cr_assert_eq(row_of("a", hh_continual_model(continual), 0), HH_MODEL_NO_ITEM);
    cr_assert_neq(row_of("b", hh_continual_model(continual), 0), HH_MODEL_NO_ITEM);
    hh_window_free(window);
    hh_continual_free(continual);
}

Test(continual, a_large_window_is_gone_over_less_often)
{
    hh_error error = {0};
    hh_continual_options options = small_options();
    options.gate = false;
    options.epochs = 5;
    options.learned = 1010; // of the window's 500 clicks, and five more
    hh_continual *continual = hh_continual_new(&options, &error);
    hh_window *window = hh_window_new(&options.window, &error);
    add_sessions(window, 100, 1, "a", 20);
    cr_assert_eq(train(continual, window, NULL, 100).record.epochs, 6);
    add_sessions(window, 1, 1, "a", 20);
    cr_assert_eq(train(continual, window, NULL, 200).record.epochs, 2);
    add_sessions(window, 300, 1, "a", 20);
    cr_assert_eq(train(continual, window, NULL, 300).record.epochs, 1);
    hh_window_free(window);
    hh_continual_free(continual);
}

Test(continual, refit_begins_from_scratch)
{
    hh_error error = {0};
    hh_continual_options options = small_options();
    options.gate = false;
    options.refit = 100;
    hh_continual *continual = hh_continual_new(&options, &error);
    hh_window *window = hh_window_new(&options.window, &error);
    add_sessions(window, 100, 1, "a", 20);
    static const struct {
        hh_time time;
        bool scratch;
    } trainings[] = {{100, true}, {199, false}, {200, true}, {299, false}};
    for (size_t t = 0; t < sizeof trainings / sizeof *trainings; t++) {
        add_sessions(window, 1, 1, "a", 20);
        hh_training training = train(continual, window, NULL, trainings[t].time);
        cr_assert(training.trained);
        cr_assert_eq(training.scratch, trainings[t].scratch);
    }
    hh_window_free(window);
    hh_continual_free(continual);
}

Test(continual, nothing_from_the_lists_on_is_learned)
{
    hh_error error = {0};
    hh_continual_options options = small_options();
    hh_continual *continual = hh_continual_new(&options, &error);
    hh_slice *slice = hh_slice_new(10, false, &error);
    cr_assert_eq(hh_continual_until(continual, 500, slice), 500);
    hh_slice_add(slice, &(hh_gate_trial){.as_of = 400});
    hh_slice_add(slice, &(hh_gate_trial){.as_of = 300});
    cr_assert_eq(hh_continual_until(continual, 500, slice), 300);
    cr_assert_eq(hh_continual_until(continual, 500, NULL), 500);
    hh_slice_free(slice);
    hh_continual_free(continual);
}

Test(continual, a_model_can_be_put_in_service)
{
    hh_error error = {0};
    hh_continual_options options = small_options();
    options.gate = false;
    hh_continual *first = hh_continual_new(&options, &error), *second = hh_continual_new(&options, &error);
    hh_window *window = hh_window_new(&options.window, &error);
    add_sessions(window, 400, 1, "a", 20);
    train(first, window, NULL, 100);
    void *bytes;
    size_t size;
    cr_assert_eq(hh_model_encode(hh_continual_model(first), &bytes, &size, &error), HH_OK);
    cr_assert_eq(hh_continual_serve(second, hh_model_decode(bytes, size, &error), &error), HH_OK);
    hh_training training = train(second, window, NULL, 200);
    cr_assert_not(training.scratch);
    cr_assert_eq(training.fresh, 0);
    free(bytes);
    hh_window_free(window);
    hh_continual_free(first);
    hh_continual_free(second);
}

Test(continual, what_it_can_not_train_is_said)
{
    hh_error error = {0};
    hh_continual_options options = small_options();
    options.train.network.global = true;
    cr_assert_null(hh_continual_new(&options, &error));
    cr_assert_eq(error.status, HH_ARGUMENT);
    options = small_options();
    options.epochs = 0;
    cr_assert_null(hh_continual_new(&options, &error));
    cr_assert_not_null(strstr(error.message, "epochs"), "%s", error.message);
}

static hh_training skipped(hh_continual *continual, const hh_window *window, hh_time now)
{
    const hh_model *model = hh_continual_model(continual);
    hh_training training = train(continual, window, NULL, now);
    cr_assert(training.same && !training.trained && !training.promoted);
    cr_assert_eq(hh_continual_model(continual), model);
    return training;
}

Test(continual, the_same_sessions_are_not_learned_twice)
{
    hh_error error = {0};
    char text[256];
    hh_continual_options options = small_options();
    options.gate = false;
    options.refit = 1000;
    hh_continual *continual = hh_continual_new(&options, &error);
    hh_window *window = hh_window_new(&options.window, &error);
    hh_training training = train(continual, window, NULL, 10);
    cr_assert(!training.trained && !training.same, "of nothing it is not said that it is the same");
    add_sessions(window, 100, 1, "a", 20);
    cr_assert(train(continual, window, NULL, 100).promoted);
    training = skipped(continual, window, 200);
    hh_training_text(&training, text, sizeof text);
    cr_assert_not_null(strstr(text, "no session has closed"), "%s", text);
    skipped(continual, window, 5000);      // though a network from scratch would be due
    add_sessions(window, 1, 1, "a", 6000); // after what may be learned as of 5000
    skipped(continual, window, 5000);
    training = train(continual, window, NULL, 7000);
    cr_assert(training.trained && training.scratch);
    cr_assert_eq(training.sessions, 101);
    // what is put in service may not have learned them
    void *bytes;
    size_t size;
    cr_assert_eq(hh_model_encode(hh_continual_model(continual), &bytes, &size, &error), HH_OK);
    cr_assert_eq(hh_continual_serve(continual, hh_model_decode(bytes, size, &error), &error), HH_OK);
    free(bytes);
    cr_assert(train(continual, window, NULL, 7100).trained);
    skipped(continual, window, 7200);
    hh_window_free(window);
    hh_continual_free(continual);
}

// What was refused is not tried again on the same sessions; what could not be judged is.
Test(continual, a_verdict_is_one_of_these_sessions)
{
    hh_error error = {0};
    hh_continual_options options = small_options();
    hh_continual *continual = hh_continual_new(&options, &error);
    hh_window *window = hh_window_new(&options.window, &error);
    hh_slice *none = hh_slice_new(10, false, &error), *slice = slice_of(1);
    add_sessions(window, 200, 1, "a", 20);
    cr_assert(train(continual, window, slice, 100).promoted);
    add_sessions(window, 1, 1, "a", 20);
    hh_training training = train(continual, window, none, 100);
    cr_assert(training.trained && !training.promoted);
    cr_assert_eq(training.gate.verdict, HH_GATE_UNJUDGED);
    training = train(continual, window, slice, 100);
    cr_assert(training.trained && training.judged);
    cr_assert(train(continual, window, slice, 100).same, "whatever the verdict was");
    hh_slice_free(none);
    hh_slice_free(slice);
    hh_window_free(window);
    hh_continual_free(continual);
}

// Whatever allocation fails, nothing leaks, and the model in service stays.
Test(continual, no_memory)
{
    hh_error error = {0};
    hh_continual_options options = small_options();
    options.train.network.d = 4;
    options.train.epochs = 1;
    options.epochs = 1;
    hh_window *window = hh_window_new(&options.window, &error);
    add_sessions(window, 30, 1, "a", 20);
    hh_slice *slice = slice_of(1);
    for (long n = 0;; n++) {
        hh_continual *continual = hh_continual_new(&options, &error);
        hh_window_sessions sessions;
        hh_training training;
        cr_assert_eq(hh_window_take(window, 100, NULL, NULL, &sessions, &error), HH_OK);
        fail_alloc_at(n);
        hh_status status =
            hh_continual_train(continual, &sessions, NULL, 100, slice, row_of, "a", &training, &error);
        bool failed = fail_alloc_done();
        cr_assert_eq(status, failed ? HH_MEMORY : HH_OK);
        cr_assert_eq(hh_continual_model(continual) != NULL, !failed);
        hh_window_sessions_free(&sessions);
        hh_continual_free(continual);
        if (!failed)
            break;
    }
    hh_slice_free(slice);
    hh_window_free(window);
}

// Lists that reach back to the begin of the stream would keep all of it from being learned.
Test(continual, the_gate_holds_out_a_share_at_most)
{
    hh_error error;
    hh_continual_options options = hh_continual_defaults();
    options.gate_share = 0.25;
    hh_continual *continual = hh_continual_new(&options, &error);
    hh_window *window = hh_window_new(&options.window, &error);
    hh_slice *slice = hh_slice_new(1000, false, &error);
    cr_assert(continual && window && slice);
    const hh_window_click clicks[] = {{"a", 1}, {"b", 1}};
    cr_assert_eq(hh_window_time_at(window, 0.5), INT64_MIN);
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(hh_window_add(window, (uint64_t)i, i * 10, clicks, 2), HH_OK);
        hh_slice_add(slice, &(hh_gate_trial){.as_of = i * 10 + 5});
    }
    cr_assert_eq(hh_continual_until(continual, 1000, slice), 5);
    hh_continual_trim(continual, window, slice);
    cr_assert_eq(hh_continual_until(continual, 1000, slice), 755);
    cr_assert_eq(hh_slice_count(slice), 25);
    cr_assert_eq(hh_window_time_at(window, 1), 990);
    cr_assert(hh_window_since(window, 989) == 1 && hh_window_since(window, 990) == 0);
    cr_assert_eq(hh_window_since(window, INT64_MIN), 100);
    hh_slice_free(slice);
    hh_window_free(window);
    hh_continual_free(continual);
}
