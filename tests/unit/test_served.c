// What is measured is what is served: the lists of an evaluation on sessions, click by click, are those of a
// model of `hiphop train` on the same sessions (hiphop/lister.h).
#include "unit/small_log.h"

#include <hiphop/lister.h>
#include <hiphop/session_file.h>
#include <hiphop/train.h>
#include <unistd.h>

enum { ITEMS = 60, TAUGHT = 4500, ASKED = 60 };

// After item i comes one of three near 3 i, or the one two clicks before, or anything. Items of the last
// third come one by one among the sessions that are held out (the last two fifths of those that teach).
static void write_session(FILE *file, uint64_t *seed, uint32_t number)
{
    const uint32_t held = TAUGHT * 3 / 5, last = TAUGHT - 100, early = ITEMS * 2 / 3;
    uint32_t known = number < held   ? early
                     : number < last ? early + (ITEMS - early) * (number - held) / (last - held)
                                     : ITEMS;
    uint32_t item[9], count = 1 + small_random(seed, 8), back = small_random(seed, 2);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t mood = small_random(seed, 10);
        item[i] = i == 0 || mood > 7   ? small_random(seed, known)
                  : back && i % 3 == 2 ? item[i - 2]
                                       : (3 * item[i - 1] + small_random(seed, 3)) % known;
        fprintf(file, "i%u%s", item[i], i + 1 < count ? " " : "\n");
    }
}

static void read_some(hh_sessions *sessions, uint32_t count, uint64_t seed, hh_sessions_view *view)
{
    char path[] = "/tmp/hiphop-served-XXXXXX";
    int descriptor = mkstemp(path);
    hh_error error = {0};
    cr_assert_geq(descriptor, 0);
    FILE *file = fdopen(descriptor, "w");
    cr_assert_not_null(file);
    for (uint32_t s = 0; s < count; s++)
        write_session(file, &seed, s);
    fclose(file);
    cr_assert_eq(hh_sessions_read(sessions, path, &error), HH_OK, "%s", error.message);
    unlink(path);
    hh_sessions_view_read(sessions, view);
}

// ---- as `hiphop train` does it ----

typedef struct served {
    const hh_sessions *sessions;
    hh_train_data data; // the training
    hh_fitted *fitted;
    hh_model *model;
} served;

static hh_model *model_of(const served *self, hh_network *network, uint32_t known, hh_error *error)
{
    static char bytes[ITEMS * 8];
    static uint64_t begin[ITEMS + 1];
    hh_model_facts facts = {.options = hh_train_defaults(), .record = hh_train_record_new()};
    for (uint32_t item = 0; item < self->data.items; item++) {
        size_t length;
        const char *id = hh_sessions_item(self->sessions, item, &length);
        memcpy(bytes + begin[item], id, length);
        begin[item + 1] = begin[item] + length;
    }
    const hh_item_ids ids = {self->data.items, begin, bytes};
    hh_model *model = hh_model_new(network, &ids, &facts, error);
    hh_train_data sessions = self->data;
    sessions.sessions = known;
    cr_assert_not_null(model);
    cr_assert_eq(hh_model_keep_sessions(model, &sessions, UINT32_MAX, error), HH_OK);
    return model;
}

static hh_status fit(void *context, hh_network *network, uint32_t held, hh_error *error)
{
    served *self = context;
    const hh_fit_options options = hh_fit_defaults();
    hh_model *model = model_of(self, network, held, error);
    hh_status status = hh_fit(self->fitted, model, &self->data, held, &options, error);
    hh_model_free(model);
    return status;
}

static void serve(served *self)
{
    hh_error error = {0};
    hh_train_options options = hh_train_defaults();
    hh_train_record record;
    self->fitted = hh_fitted_new(0, &error);
    cr_assert_not_null(self->fitted);
    options.network.d = 16;
    options.epochs = 4;
    options.batch = 64;
    options.rate = 0.01f;
    options.held_out = 0.4;
    options.fit = fit;
    options.fitted = hh_fitted_values(self->fitted, &options.fitted_count);
    options.context = self;
    hh_network *network = hh_train(&self->data, &options, &record, &error);
    cr_assert_not_null(network, "%s", error.message);
    self->model = model_of(self, network, self->data.sessions, &error);
}

// ---- as `hiphop evaluate` does it ----

static kept_lists measure(const hh_log *log, const char *model)
{
    hh_evaluate_options options = hh_evaluate_defaults();
    const hh_setting_value settings[] = {{"network.d", 16},
                                         {"network.epochs", 4},
                                         {"network.batch", 64},
                                         {"network.rate", 0.01f},
                                         {"network.held-out", 0.4}};
    options.memory = HH_REMEMBER_TRAIN;
    options.settings = settings;
    options.setting_count = sizeof settings / sizeof *settings;
    return small_run(log, options, model);
}

// ---- both ----

static void assert_same_list(const hh_sessions *sessions, const served *self, const kept_list *measured,
                             const hh_recommendation *list, size_t count)
{
    cr_assert_eq(count, measured->count);
    for (size_t i = 0; i < count; i++) {
        size_t length, other;
        const char *id = hh_model_item(self->model, list[i].item, &length);
        const char *by = hh_sessions_item(sessions, measured->items[i], &other);
        cr_assert(length == other && memcmp(id, by, length) == 0,
                  "%s, session %llu, list %u: place %zu is %.*s, and was measured as %s", measured->model,
                  (unsigned long long)measured->visitor, measured->position, i + 1, (int)length, id, by);
    }
}

static void assert_same(const hh_sessions *sessions, const hh_sessions_view *both, const served *self,
                        const hh_log *log, bool ranked)
{
    hh_error error = {0};
    hh_lister_options options = hh_lister_defaults();
    options.ranked = ranked;
    hh_lister *lister = hh_lister_new(self->model, self->fitted, &options, &error);
    cr_assert_not_null(lister, "%s", error.message);
    kept_lists kept = measure(log, ranked ? "hiphop" : "mixture");
    uint32_t asked = both->first[TAUGHT + ASKED] - both->first[TAUGHT] - ASKED;
    cr_assert_eq(kept.count, asked);
    cr_assert_gt(asked, 150);
    for (size_t l = 0; l < kept.count; l++) {
        const kept_list *measured = &kept.lists[l];
        hh_recommendation list[HH_LIST];
        size_t count;
        const uint32_t *clicks = both->item + both->first[measured->visitor];
        cr_assert_eq(hh_lister_list(lister, clicks, measured->position, list, &count, &error), HH_OK);
        assert_same_list(sessions, self, measured, list, count);
    }
    free(kept.lists);
    hh_lister_free(lister);
}

Test(served, each_list_is_the_one_that_was_measured)
{
    hh_error error = {0};
    hh_sessions *sessions = hh_sessions_new(&error), *taught = hh_sessions_new(&error);
    hh_sessions_view train, both;
    read_some(taught, TAUGHT, 1, &train);
    read_some(sessions, TAUGHT, 1, &both);
    read_some(sessions, ASKED, 2, &both);
    cr_assert_eq(train.items, ITEMS, "the test has no item that the training lacks");
    cr_assert_eq(both.items, ITEMS);
    served self = {.sessions = taught, .data = {train.sessions, train.items, train.item, train.first}};
    serve(&self);
    cr_assert(hh_fitted_record_of(self.fitted).ranks, "no ranker, so this test tests half of what it shall");
    hh_log *log = hh_log_of_sessions(sessions, TAUGHT, TAUGHT + ASKED, &error);
    cr_assert_not_null(log, "%s", error.message);
    assert_same(sessions, &both, &self, log, false);
    assert_same(sessions, &both, &self, log, true);
    hh_log_free(log);
    hh_fitted_free(self.fitted);
    hh_model_free(self.model);
    hh_sessions_free(taught);
    hh_sessions_free(sessions);
}
