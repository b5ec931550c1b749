// Model files that earlier versions wrote: each loads, and recommends what it recommended then
// (tests/golden/make_model.sh).
#include <criterion/criterion.h>
#include <hiphop/lister.h>
#include <hiphop/model_file.h>
#include <hiphop/network_list.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define LIST 9

// A row of a list, whoever made it.
typedef struct golden_row {
    uint32_t item;
    float score;
} golden_row;

typedef struct golden_lists {
    hh_model *model;
    hh_network_reader *network; // or
    hh_lister *lister;
} golden_lists;

static size_t list_of(const golden_lists *by, const uint32_t *clicks, size_t length, golden_row rows[LIST])
{
    hh_network_item network[LIST];
    hh_recommendation mixture[LIST];
    hh_error error;
    size_t count;
    if (by->network)
        cr_assert_eq(hh_network_list(by->network, clicks, length, network, &count, &error), HH_OK);
    else
        cr_assert_eq(hh_lister_list(by->lister, clicks, length, mixture, &count, &error), HH_OK);
    for (size_t i = 0; i < count; i++)
        rows[i] = by->network ? (golden_row){network[i].item, network[i].score}
                              : (golden_row){mixture[i].item, mixture[i].score};
    return count;
}

static void assert_list(const golden_lists *by, const json_t *line)
{
    uint32_t clicks[16];
    golden_row list[LIST];
    size_t index, length = json_array_size(json_object_get(line, "session"));
    json_t *id;
    cr_assert(length >= 1 && length <= 16);
    json_array_foreach(json_object_get(line, "session"), index, id)
    {
        clicks[index] = hh_model_find(by->model, json_string_value(id), json_string_length(id));
        cr_assert_neq(clicks[index], HH_MODEL_NO_ITEM, "%s", json_string_value(id));
    }
    size_t count = list_of(by, clicks, length, list);
    const json_t *items = json_object_get(line, "items");
    cr_assert_eq(count, json_array_size(items));
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(items, i);
        double score = json_number_value(json_object_get(row, "score"));
        cr_assert_str_eq(hh_model_item(by->model, list[i].item, NULL),
                         json_string_value(json_object_get(row, "item")));
        cr_assert_float_eq(list[i].score, score, 1e-4 * score, "%g, not %g", (double)list[i].score, score);
    }
}

static hh_model *golden_model(const char *name)
{
    char path[1024];
    hh_error error = {0};
    snprintf(path, sizeof path, "%s/tests/golden/%s.hiphop", HH_SOURCE_DIR, name);
    hh_model *model = hh_model_load(path, &error);
    cr_assert_not_null(model, "%s", error.message);
    hh_train_data sessions;
    cr_assert(hh_model_sessions(model, &sessions));
    cr_assert_eq(sessions.sessions, 48);
    return model;
}

static void assert_golden(const golden_lists *by, const char *name)
{
    char lists[1024], text[8192];
    snprintf(lists, sizeof lists, "%s/tests/golden/%s.jsonl", HH_SOURCE_DIR, name);
    FILE *file = fopen(lists, "r");
    cr_assert_not_null(file, "%s", lists);
    size_t lines = 0;
    for (; fgets(text, sizeof text, file); lines++) {
        json_t *line = json_loads(text, 0, NULL);
        cr_assert_not_null(line, "%s", text);
        assert_list(by, line);
        json_decref(line);
    }
    cr_assert_eq(lines, 5);
    fclose(file);
}

Test(model_golden, version_1)
{
    hh_train_data sessions;
    hh_error error = {0};
    golden_lists by = {.model = golden_model("model-v1")};
    hh_network_list_options options = {.k = LIST, .longest = 100};
    hh_model_sessions(by.model, &sessions);
    by.network = hh_network_reader_new(hh_model_network(by.model), &options, &sessions, &error);
    cr_assert_not_null(by.network, "%s", error.message);
    assert_golden(&by, "model-v1");
    cr_assert_null(hh_fitted_read(by.model, &error));
    cr_assert_eq(error.status, HH_NOT_FOUND, "there was no such part then");
    hh_network_reader_free(by.network);
    hh_model_free(by.model);
}

Test(model_golden, version_1_with_fitted_mixture_and_ranker)
{
    hh_error error = {0};
    golden_lists by = {.model = golden_model("fitted-v1")};
    hh_fitted *fitted = hh_fitted_read(by.model, &error);
    cr_assert_not_null(fitted, "%s", error.message);
    hh_lister_options options = {.k = LIST, .ranked = true};
    by.lister = hh_lister_new(by.model, fitted, &options, &error);
    cr_assert_not_null(by.lister, "%s", error.message);
    assert_golden(&by, "fitted-v1");
    hh_lister_free(by.lister);
    hh_fitted_free(fitted);
    hh_model_free(by.model);
}
