// Mixture and ranker learned beside a network, kept in its model, and the lists that a model gives.
#include "fail_alloc.h"
#include "model/container_layout.h"
#include "unit/planted.h"

#include <hiphop/evaluate.h>
#include <hiphop/lister.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define ITEMS 40

// A model of the first `known` sessions, its network trained on them or random.
static hh_model *model_with(const hh_train_data *data, uint32_t known, hh_train_options options, bool trained)
{
    hh_error error = {0};
    hh_model_facts facts = {.options = options, .record = hh_train_record_new()};
    hh_train_data before = *data;
    before.sessions = known;
    hh_network *network = trained ? hh_train(&before, &options, &facts.record, &error)
                                  : hh_network_new_described(&options.network, data->items, options.sources,
                                                             options.source_count, 7, &error);
    cr_assert_not_null(network, "%s", error.message);
    char bytes[ITEMS * 8];
    uint64_t begin[ITEMS + 1] = {0};
    cr_assert_leq(data->items, ITEMS);
    for (uint32_t i = 0; i < data->items; i++)
        begin[i + 1] = begin[i] + (uint64_t)snprintf(bytes + begin[i], 8, "item%02u", i % 100);
    const hh_item_ids ids = {data->items, begin, bytes};
    hh_model *model = hh_model_new(network, &ids, &facts, &error);
    cr_assert_not_null(model, "%s", error.message);
    cr_assert_eq(hh_model_keep_sessions(model, &before, UINT32_MAX, &error), HH_OK);
    return model;
}

static hh_model *model_of(const hh_train_data *data, uint32_t known, bool trained)
{
    hh_train_options options = small_training();
    options.held_out = 0;
    return model_with(data, known, options, trained);
}

static hh_fitted *fit(const hh_model *model, const hh_train_data *data, uint32_t first)
{
    hh_error error = {0};
    hh_fitted *fitted = hh_fitted_new(0, &error);
    const hh_fit_options options = hh_fit_defaults();
    cr_assert_not_null(fitted, "%s", error.message);
    cr_assert_eq(hh_fit(fitted, model, data, first, &options, &error), HH_OK, "%s", error.message);
    return fitted;
}

static bool same(hh_fitted *a, hh_fitted *b)
{
    size_t count, other;
    const float *x = hh_fitted_values(a, &count), *y = hh_fitted_values(b, &other);
    return count == other && memcmp(x, y, count * sizeof *x) == 0;
}

Test(fitted, learns_whom_to_trust)
{
    planted it = plant(900, ITEMS, 3);
    hh_model *good = model_of(&it.data, 600, true), *bad = model_of(&it.data, 600, false);
    hh_fitted *by_good = fit(good, &it.data, 600), *by_bad = fit(bad, &it.data, 600);
    hh_fitted_record of_good = hh_fitted_record_of(by_good), of_bad = hh_fitted_record_of(by_bad);
    double trust[HH_EXPERTS], distrust[HH_EXPERTS], sum = 0;
    hh_fitted_weights(by_good, trust);
    hh_fitted_weights(by_bad, distrust);
    for (int e = 0; e < HH_MIXED_EXPERTS; e++)
        sum += trust[e];
    cr_assert_float_eq(sum, 1, 1e-4);
    cr_assert_gt(trust[HH_EXPERT_NETWORK], 2 * distrust[HH_EXPERT_NETWORK]);
    cr_assert_lt(distrust[HH_EXPERT_NETWORK], 0.05);
    cr_assert_eq(of_good.lessons, of_bad.lessons);
    cr_assert_gt(of_good.mrr20[HH_LIST_BY_NETWORK], 0.6);
    cr_assert_lt(of_bad.mrr20[HH_LIST_BY_NETWORK], 0.3);
    cr_assert_gt(of_bad.mrr20[HH_LIST_BY_MIXTURE], 0.5);
    cr_assert_neq(hh_fitted_best(by_bad), HH_LIST_BY_NETWORK);
    hh_fitted_free(by_good);
    hh_fitted_free(by_bad);
    hh_model_free(good);
    hh_model_free(bad);
    uproot(&it);
}

// What is drawn by lot can't be foreseen; who saw the answer would.
Test(fitted, is_never_shown_what_it_is_asked_for)
{
    planted it = plant(300, ITEMS, 5);
    hh_random random = hh_random_of(9, 9);
    for (uint32_t i = 0; i < it.data.first[it.data.sessions]; i++)
        it.item[i] = hh_random_below(&random, ITEMS);
    hh_model *model = model_of(&it.data, 100, false);
    hh_fitted *fitted = fit(model, &it.data, 100);
    hh_fitted_record record = hh_fitted_record_of(fitted);
    uint64_t clicks = it.data.first[300] - it.data.first[100] - 200;
    cr_assert_eq(record.lessons, clicks);
    for (hh_list_by by = 0; by < HH_LIST_KINDS; by++)
        cr_assert_float_eq(record.hr20[by], 20.0 / ITEMS, 0.1, "%s: %g", hh_list_name(by), record.hr20[by]);
    hh_fitted_free(fitted);
    hh_model_free(model);
    uproot(&it);
}

Test(fitted, comes_back_with_the_model)
{
    planted it = plant(120, ITEMS, 4);
    hh_error error = {0};
    hh_model *model = model_of(&it.data, 80, false);
    cr_assert_null(hh_fitted_read(model, &error));
    cr_assert_eq(error.status, HH_NOT_FOUND);
    hh_fitted *fitted = fit(model, &it.data, 80), *again = fit(model, &it.data, 80), *back;
    cr_assert(same(fitted, again), "the same sessions teach the same");
    cr_assert_eq(hh_fitted_attach(fitted, model, &error), HH_OK, "%s", error.message);
    void *bytes;
    size_t size;
    cr_assert_eq(hh_model_encode(model, &bytes, &size, &error), HH_OK);
    hh_model *loaded = hh_model_decode(bytes, size, &error);
    back = loaded ? hh_fitted_read(loaded, &error) : NULL;
    cr_assert_not_null(back, "%s", error.message);
    cr_assert(same(fitted, back));
    free(bytes);
    hh_model_free(loaded);
    hh_fitted_free(back);
    hh_fitted_free(again);
    hh_fitted_free(fitted);
    hh_model_free(model);
    uproot(&it);
}

Test(fitted, takes_as_many_lessons_as_it_may)
{
    planted it = plant(120, ITEMS, 4);
    hh_error error = {0};
    hh_model *model = model_of(&it.data, 20, false);
    hh_fitted *fitted = hh_fitted_new(0, &error);
    hh_fit_options options = hh_fit_defaults();
    options.lessons = 50;
    cr_assert_eq(hh_fit(fitted, model, &it.data, 20, &options, &error), HH_OK);
    uint64_t lessons = hh_fitted_record_of(fitted).lessons;
    cr_assert(lessons > 25 && lessons <= 50, "%llu", (unsigned long long)lessons);
    cr_assert_eq(hh_fit(fitted, model, &it.data, 121, &options, &error), HH_ARGUMENT);
    it.item[it.first[120] - 1] = ITEMS;
    cr_assert_eq(hh_fit(fitted, model, &it.data, 20, &options, &error), HH_ARGUMENT);
    hh_fitted_free(fitted);
    hh_model_free(model);
    uproot(&it);
}

static bool stop_at_once(void *context, double done)
{
    cr_assert(done >= 0 && done <= 1);
    return ++*(int *)context < 2;
}

Test(fitted, stops_when_it_shall)
{
    planted it = plant(300, ITEMS, 4);
    hh_error error = {0};
    int calls = 0;
    hh_model *model = model_of(&it.data, 20, false);
    hh_fitted *fitted = hh_fitted_new(0, &error), *fresh = hh_fitted_new(0, &error);
    hh_fit_options options = {.lessons = 200000, .progress = stop_at_once, .context = &calls};
    cr_assert_eq(hh_fit(fitted, model, &it.data, 20, &options, &error), HH_STOPPED);
    cr_assert_eq(calls, 2);
    cr_assert(same(fitted, fresh));
    hh_fitted_free(fresh);
    hh_fitted_free(fitted);
    hh_model_free(model);
    uproot(&it);
}

static bool stop_while_it_settles(void *context, double done)
{
    return done < 1 || ++*(int *)context < 3;
}

Test(fitted, stops_while_the_ranker_goes_through_its_lessons_again)
{
    planted it = plant(4000, ITEMS, 4);
    hh_error error = {0};
    int calls = 0;
    hh_model *model = model_of(&it.data, 20, false);
    hh_fitted *fitted = hh_fitted_new(0, &error), *fresh = hh_fitted_new(0, &error);
    hh_fit_options options = {.lessons = 200000, .progress = stop_while_it_settles, .context = &calls};
    cr_assert_eq(hh_fit(fitted, model, &it.data, 20, &options, &error), HH_STOPPED);
    cr_assert_eq(calls, 4, "three among its lessons, and one after them: %d", calls);
    cr_assert(same(fitted, fresh));
    hh_fitted_free(fresh);
    hh_fitted_free(fitted);
    hh_model_free(model);
    uproot(&it);
}

Test(fitted, experts_have_the_names_of_evaluate)
{
    const hh_model_info *info;
    size_t found = 0;
    for (size_t index = 0; (info = hh_evaluate_model(index)); index++)
        for (hh_expert expert = 0; expert < HH_EXPERTS; expert++)
            found += strcmp(info->name, hh_expert_name(expert)) == 0;
    cr_assert_eq(found, HH_EXPERTS);
}

// ---- bytes that may be anybody's ----

static void assert_refused(const hh_model *model, const char *name, uint64_t rows, uint64_t cols, float value,
                           const char *sentence)
{
    float numbers[8192];
    hh_error error = {0};
    void *bytes;
    size_t size;
    cr_assert_leq(rows * cols, 8192);
    cr_assert_eq(hh_model_encode(model, &bytes, &size, &error), HH_OK);
    hh_model *other = hh_model_decode(bytes, size, &error);
    for (size_t i = 0; i < rows * cols; i++)
        numbers[i] = value;
    const hh_array array = {name, HH_ARRAY_F32, {rows, cols, 1, 1}, numbers};
    cr_assert_eq(hh_model_attach(other, &array, &error), HH_OK);
    cr_assert_null(hh_fitted_read(other, &error), "%s", name);
    cr_assert_eq(error.status, HH_FORMAT);
    cr_assert_not_null(strstr(error.message, sentence), "%s: %s", name, error.message);
    hh_model_free(other);
    free(bytes);
}

Test(fitted, what_nobody_can_have_learned_is_refused)
{
    planted it = plant(60, ITEMS, 4);
    hh_error error = {0};
    hh_model *model = model_of(&it.data, 40, false);
    hh_fitted *fitted = fit(model, &it.data, 40);
    cr_assert_eq(hh_fitted_attach(fitted, model, &error), HH_OK);
    assert_refused(model, "mixture.logits", 3, 3, 0, "'mixture.logits' is not [");
    assert_refused(model, "mixture.mean", 1, HH_EXPERTS, -1, "nothing could have taught");
    assert_refused(model, "fitted.lessons", 1, 1, -1, "nothing could have taught");
    assert_refused(model, "fitted.figures", HH_LIST_KINDS, 2, 1.5f, "nothing could have taught");
    assert_refused(model, "ranker.active", 1, 1, 0.5f, "nothing could have taught");
    assert_refused(model, "ranker.bias", 1, 64, 1e30f, "nothing could have taught");
    assert_refused(model, "ranker.query", 1, 64, 0, "none that this version of hiphop knows");
    assert_refused(model, "ranker.out", 2, 64, 0, "'ranker.out' is not [");
    size_t count;
    hh_fitted_values(fitted, &count)[0] = NAN;
    cr_assert_eq(hh_fitted_attach(fitted, model, &error), HH_FORMAT);
    hh_fitted_free(fitted);
    hh_model_free(model);
    uproot(&it);
}

static void list_whatever_it_is(const hh_model *model)
{
    hh_error error = {0};
    hh_fitted *fitted = hh_fitted_read(model, &error);
    hh_lister_options options = {.k = 5, .ranked = true};
    hh_lister *lister = fitted ? hh_lister_new(model, fitted, &options, &error) : NULL;
    if (lister) {
        hh_recommendation list[5];
        size_t count;
        const uint32_t clicks[] = {0};
        cr_assert_eq(hh_lister_list(lister, clicks, 1, list, &count, &error), HH_OK);
        for (size_t i = 0; i < count; i++)
            cr_assert(isfinite(list[i].score) && list[i].item < hh_model_items(model));
    } else {
        cr_assert_neq(error.message[0], '\0');
    }
    hh_lister_free(lister);
    hh_fitted_free(fitted);
}

Test(fitted, may_be_anybodys)
{
    planted it = plant(40, 6, 4);
    hh_error error = {0};
    hh_model *model = model_of(&it.data, 30, false);
    hh_fitted *fitted = fit(model, &it.data, 30);
    cr_assert_eq(hh_fitted_attach(fitted, model, &error), HH_OK);
    void *whole;
    size_t size;
    cr_assert_eq(hh_model_encode(model, &whole, &size, &error), HH_OK);
    uint8_t *bytes = whole;
    size_t loaded = 0;
    for (size_t i = HH_HEADER; i < size; i += i < 6000 ? 3 : 41) {
        bytes[i] ^= 0x42;
        hh_put_u64(bytes + HH_AT_CHECKSUM, hh_container_checksum(bytes, size));
        hh_model *other = hh_model_decode(bytes, size, &error);
        if (other)
            list_whatever_it_is(other);
        loaded += other != NULL;
        hh_model_free(other);
        bytes[i] ^= 0x42;
    }
    cr_assert_gt(loaded, 50);
    free(whole);
    hh_fitted_free(fitted);
    hh_model_free(model);
    uproot(&it);
}

// ---- lists ----

static void assert_good(const hh_model *model, const hh_recommendation *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cr_assert_lt(list[i].item, hh_model_items(model));
        cr_assert(list[i].score > 0 && (i == 0 || list[i].score <= list[i - 1].score));
        for (size_t k = 0; k < i; k++)
            cr_assert_neq(list[k].item, list[i].item);
    }
}

Test(lister, lists_what_follows_and_says_why)
{
    planted it = plant(900, ITEMS, 3);
    hh_error error = {0};
    hh_model *model = model_of(&it.data, 800, true);
    hh_fitted *fitted = fit(model, &it.data, 800);
    for (int ranked = 0; ranked < 2; ranked++) {
        hh_lister_options options = hh_lister_defaults();
        options.k = 8;
        options.ranked = ranked;
        hh_lister *lister = hh_lister_new(model, fitted, &options, &error);
        cr_assert_not_null(lister, "%s", error.message);
        uint32_t hits = 0;
        for (uint32_t item = 0; item < ITEMS; item++) {
            hh_recommendation list[8];
            size_t count;
            const uint32_t clicks[] = {(item + ITEMS - 1) % ITEMS, item};
            cr_assert_eq(hh_lister_list(lister, clicks, 2, list, &count, &error), HH_OK);
            cr_assert_eq(count, 8);
            assert_good(model, list, count);
            char reason[200];
            hh_reason_text(&list[0], reason, sizeof reason);
            cr_assert_neq(reason[0], '\0');
            cr_assert_neq(list[0].reason, HH_REASON_POPULAR);
            hits += list[0].item == (item + 1) % ITEMS;
        }
        cr_assert_geq(hits, ITEMS - 2, "%u", hits);
        hh_lister_free(lister);
    }
    hh_fitted_free(fitted);
    hh_model_free(model);
    uproot(&it);
}

Test(lister, hides_what_the_session_holds)
{
    planted it = plant(100, ITEMS, 3);
    hh_error error = {0};
    hh_model *model = model_of(&it.data, 100, false);
    hh_fitted *fitted = hh_fitted_new(0, &error);
    hh_lister_options options = {.k = ITEMS, .hide_session_items = true, .ranked = true};
    hh_lister *lister = hh_lister_new(model, fitted, &options, &error);
    hh_recommendation list[ITEMS];
    size_t count;
    const uint32_t clicks[] = {3, 4, 3};
    cr_assert_eq(hh_lister_list(lister, clicks, 3, list, &count, &error), HH_OK);
    cr_assert_eq(count, ITEMS - 2);
    assert_good(model, list, count);
    for (size_t i = 0; i < count; i++)
        cr_assert(list[i].item != 3 && list[i].item != 4);
    cr_assert_eq(hh_lister_list(lister, clicks, 0, list, &count, &error), HH_ARGUMENT);
    cr_assert_eq(hh_lister_list(lister, (uint32_t[]){ITEMS}, 1, list, &count, &error), HH_ARGUMENT);
    hh_lister_free(lister);
    options.k = 0;
    cr_assert_null(hh_lister_new(model, fitted, &options, &error));
    cr_assert_eq(error.status, HH_ARGUMENT);
    hh_fitted_free(fitted);
    hh_model_free(model);
    uproot(&it);
}

// An item that nobody clicked, described like another one, is listed for what it is.
Test(lister, knows_items_by_their_descriptions)
{
    planted it = plant(100, ITEMS - 1, 3);
    float vector[ITEMS * 2];
    hh_error error = {0};
    for (int i = 0; i < ITEMS; i++) {
        vector[2 * i] = i < 20 ? 1 : 0.01f * (float)i;
        vector[2 * i + 1] = i < 20 ? 0.01f * (float)i : 1;
    }
    const hh_source source = {.name = "text", .width = 2, .vector = vector};
    hh_train_data data = it.data;
    data.items = ITEMS;
    hh_train_options training = small_training();
    training.sources = &source;
    training.source_count = 1;
    hh_model *model = model_with(&data, 100, training, false);
    hh_fitted *fitted = hh_fitted_new(0, &error);
    hh_lister_options options = {.k = ITEMS};
    hh_lister *lister = hh_lister_new(model, fitted, &options, &error);
    cr_assert_not_null(lister, "%s", error.message);
    hh_recommendation list[ITEMS];
    size_t count, at = 0;
    cr_assert_eq(hh_lister_list(lister, (uint32_t[]){38}, 1, list, &count, &error), HH_OK);
    while (at < count && list[at].item != ITEMS - 1)
        at++;
    cr_assert_lt(at, count, "it is not listed");
    hh_lister_free(lister);
    hh_fitted_free(fitted);
    hh_model_free(model);
    uproot(&it);
}

// A network that heeds neighbours finds them among the model's sessions.
Test(lister, serves_a_network_that_heeds_neighbours)
{
    planted it = plant(200, ITEMS, 3);
    hh_error error = {0};
    hh_train_options options = small_training();
    options.network.global = options.network.local = options.network.similar = true;
    hh_model *model = model_with(&it.data, 200, options, true);
    hh_fitted *fitted = hh_fitted_new(0, &error);
    hh_lister_options list_options = hh_lister_defaults();
    hh_lister *lister = hh_lister_new(model, fitted, &list_options, &error);
    cr_assert_not_null(lister, "%s", error.message);
    hh_recommendation list[20];
    size_t count;
    cr_assert_eq(hh_lister_list(lister, (uint32_t[]){3, 4}, 2, list, &count, &error), HH_OK);
    cr_assert_eq(count, 20);
    assert_good(model, list, count);
    hh_lister_free(lister);
    hh_fitted_free(fitted);
    hh_model_free(model);
    uproot(&it);
}

// Largest of the ranker's weights of what it is told beside its own inputs.
static float largest_extra(hh_fitted *fitted, hh_model *model, uint32_t extra)
{
    hh_array query;
    hh_error error = {0};
    float most = 0;
    cr_assert_eq(hh_fitted_attach(fitted, model, &error), HH_OK, "%s", error.message);
    cr_assert(hh_model_array(model, "ranker.query", &query));
    size_t cols = query.shape[1], first = (query.shape[0] - extra) * cols;
    for (size_t i = first; i < first + extra * cols; i++)
        most = fmaxf(most, fabsf(((const float *)query.data)[i]));
    return most;
}

// A ranker with room for it sees h_intent, where the network has intents, and lists by it.
Test(lister, ranks_by_intents)
{
    planted it = plant(900, ITEMS, 3);
    hh_error error = {0};
    hh_train_options options = small_training();
    options.held_out = 0;
    for (uint32_t intents = 0; intents <= 2; intents += 2) {
        options.network.intents = intents;
        options.network.intent_readout = intents > 0;
        hh_model *model = model_with(&it.data, 500, options, true);
        hh_fitted *fitted = hh_fitted_new(options.network.d, &error);
        const hh_fit_options how = hh_fit_defaults();
        cr_assert_eq(hh_fit(fitted, model, &it.data, 500, &how, &error), HH_OK, "%s", error.message);
        float most = largest_extra(fitted, model, options.network.d);
        cr_assert(intents ? most > 0 : most == 0, "%u intents: %g", intents, (double)most);
        hh_fitted *back = hh_fitted_read(model, &error);
        cr_assert_not_null(back, "%s", error.message);
        hh_lister_options list_options = {.k = 8, .ranked = true};
        hh_lister *lister = hh_lister_new(model, back, &list_options, &error);
        hh_recommendation list[8];
        size_t count;
        cr_assert_eq(hh_lister_list(lister, (uint32_t[]){3, 4}, 2, list, &count, &error), HH_OK);
        assert_good(model, list, count);
        hh_lister_free(lister);
        hh_fitted_free(back);
        hh_fitted_free(fitted);
        hh_model_free(model);
    }
    uproot(&it);
}

// ---- memory ----

Test(fitted, out_of_memory)
{
    planted it = plant(14, 6, 4);
    hh_error error = {0};
    hh_model *model = model_of(&it.data, 9, false);
    const hh_fit_options options = hh_fit_defaults();
    hh_fitted *fitted = hh_fitted_new(0, &error), *fresh = hh_fitted_new(0, &error);
    for (long n = 0;; n++) {
        fail_alloc_at(n);
        hh_fitted *made = hh_fitted_new(0, &error);
        if (!fail_alloc_done()) {
            hh_fitted_free(made);
            break;
        }
        cr_assert_null(made);
        cr_assert_eq(error.status, HH_MEMORY);
    }
    for (long n = 0;; n++) {
        fail_alloc_at(n);
        hh_status status = hh_fit(fitted, model, &it.data, 9, &options, &error);
        if (!fail_alloc_done())
            break;
        cr_assert(status == HH_MEMORY || status == HH_OK, "%d", status); // examples need not be kept
        cr_assert(status == HH_OK || same(fitted, fresh));
        hh_fitted_free(fitted);
        fitted = hh_fitted_new(0, &error);
    }
    hh_fitted_free(fresh);
    hh_fitted_free(fitted);
    hh_model_free(model);
    uproot(&it);
}

Test(lister, out_of_memory)
{
    planted it = plant(14, 6, 4);
    hh_error error = {0};
    hh_model *model = model_of(&it.data, 14, false);
    hh_fitted *fitted = hh_fitted_new(0, &error), *read = NULL;
    hh_lister_options options = hh_lister_defaults();
    hh_lister *lister = NULL;
    cr_assert_eq(hh_fitted_attach(fitted, model, &error), HH_OK);
    for (long n = 0; !read; n++) {
        fail_alloc_at(n);
        read = hh_fitted_read(model, &error);
        cr_assert(fail_alloc_done() ? !read && error.status == HH_MEMORY : read != NULL);
    }
    for (long n = 0; !lister; n++) {
        fail_alloc_at(n);
        lister = hh_lister_new(model, fitted, &options, &error);
        cr_assert(fail_alloc_done() ? !lister && error.status == HH_MEMORY : lister != NULL, "%ld: %s", n,
                  error.message);
    }
    hh_recommendation list[20];
    size_t count;
    bool failed = true;
    for (long n = 0; failed; n++) {
        fail_alloc_at(n);
        hh_status status = hh_lister_list(lister, (uint32_t[]){0, 1, 2}, 3, list, &count, &error);
        failed = fail_alloc_done();
        cr_assert_eq(status, failed ? HH_MEMORY : HH_OK);
    }
    cr_assert_eq(count, 6);
    hh_lister_free(lister);
    hh_fitted_free(read);
    hh_fitted_free(fitted);
    hh_model_free(model);
    uproot(&it);
}
