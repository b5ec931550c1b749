// Model files that earlier versions wrote: each loads, and recommends what it recommended then
// (tests/golden/make_model.sh).
#include <criterion/criterion.h>
#include <hiphop/model_file.h>
#include <hiphop/network_list.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define LIST 9

static void assert_list(const hh_model *model, hh_network_reader *reader, const json_t *line)
{
    uint32_t clicks[16];
    hh_network_item list[LIST];
    hh_error error;
    size_t index, count, length = json_array_size(json_object_get(line, "session"));
    json_t *id;
    cr_assert(length >= 1 && length <= 16);
    json_array_foreach(json_object_get(line, "session"), index, id)
    {
        clicks[index] = hh_model_find(model, json_string_value(id), json_string_length(id));
        cr_assert_neq(clicks[index], HH_MODEL_NO_ITEM, "%s", json_string_value(id));
    }
    cr_assert_eq(hh_network_list(reader, clicks, length, list, &count, &error), HH_OK);
    const json_t *items = json_object_get(line, "items");
    cr_assert_eq(count, json_array_size(items));
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(items, i);
        double score = json_number_value(json_object_get(row, "score"));
        cr_assert_str_eq(hh_model_item(model, list[i].item, NULL),
                         json_string_value(json_object_get(row, "item")));
        cr_assert_float_eq(list[i].score, score, 1e-4 * score, "%g, not %g", (double)list[i].score, score);
    }
}

static void assert_golden(int version)
{
    char path[1024], lists[1024], text[8192];
    hh_error error = {0};
    snprintf(path, sizeof path, "%s/tests/golden/model-v%d.hiphop", HH_SOURCE_DIR, version);
    snprintf(lists, sizeof lists, "%s/tests/golden/model-v%d.jsonl", HH_SOURCE_DIR, version);
    hh_model *model = hh_model_load(path, &error);
    cr_assert_not_null(model, "%s", error.message);
    hh_train_data sessions;
    cr_assert(hh_model_sessions(model, &sessions));
    cr_assert_eq(sessions.sessions, 48);
    hh_network_list_options options = {.k = LIST, .longest = 100};
    hh_network_reader *reader = hh_network_reader_new(hh_model_network(model), &options, &sessions, &error);
    cr_assert_not_null(reader, "%s", error.message);
    FILE *file = fopen(lists, "r");
    cr_assert_not_null(file, "%s", lists);
    size_t lines = 0;
    for (; fgets(text, sizeof text, file); lines++) {
        json_t *line = json_loads(text, 0, NULL);
        cr_assert_not_null(line, "%s", text);
        assert_list(model, reader, line);
        json_decref(line);
    }
    cr_assert_eq(lines, 5);
    fclose(file);
    hh_network_reader_free(reader);
    hh_model_free(model);
}

Test(model_golden, version_1)
{
    assert_golden(1);
}
