// What mixture and ranker have learned, as numbers under names.
#include "recommend/lister_inside.h"
#include "recommend/mixture_numbers.h"
#include "recommend/ranker_settle.h"
#include "recommend/ranker_weights.h"

#include <stdlib.h>
#include <string.h>

#define MOST 1e6f // of any number: what is learned stays far below it, and sums of such are finite

enum { LOGITS, MEAN, LESSONS, FIGURES, RANKER, PARTS = RANKER + HH_RANKER_TENSORS };
enum { ACTIVE = PARTS - 1 }; // the last of the ranker's tensors

struct hh_fitted {
    hh_ranker_options options;
    hh_ranker_tensor part[PARTS]; // all in one block
    size_t count;
};

const char *hh_list_name(hh_list_by by)
{
    static const char *const names[HH_LIST_KINDS] = {"network", "mixture", "hiphop"};
    return names[by];
}

const char *hh_expert_name(hh_expert expert)
{
    static const char *const names[] = {"pop-short", "pop-middle", "pop-long", "next",        "pair-short",
                                        "pair-long", "knn-short",  "knn-long", "repeat-last", "repeat",
                                        "network",   "inherit",    "cosine"};
    _Static_assert(sizeof names / sizeof *names == HH_EXPERTS, "each expert has a name");
    return names[expert];
}

hh_fitted *hh_fitted_new(uint32_t extra, hh_error *error)
{
    hh_ranker_options options = hh_ranker_defaults();
    options.extra = extra;
    options.memory = HH_SETTLE_MEMORY;
    hh_ranker *ranker = hh_ranker_new(&options, error);
    hh_fitted *fitted = ranker ? calloc(1, sizeof *fitted) : NULL;
    if (fitted) {
        *fitted = (hh_fitted){.options = options,
                              .part = {
                                  [LOGITS] = {"mixture.logits", CONTEXTS, HH_MIXED_EXPERTS, NULL},
                                  [MEAN] = {"mixture.mean", 1, HH_EXPERTS, NULL},
                                  [LESSONS] = {"fitted.lessons", 1, 1, NULL},
                                  [FIGURES] = {"fitted.figures", HH_LIST_KINDS, 2, NULL},
                              }};
        hh_ranker_tensors(ranker, fitted->part + RANKER);
        for (int p = 0; p < PARTS; p++)
            fitted->count += fitted->part[p].rows * fitted->part[p].cols;
    }
    float *block = fitted ? calloc(fitted->count, sizeof *block) : NULL;
    for (int p = 0; p < PARTS && block; p++) {
        hh_ranker_tensor *part = &fitted->part[p];
        size_t size = part->rows * part->cols;
        if (part->value)
            memcpy(block, part->value, size * sizeof *block);
        part->value = block;
        block += size;
    }
    bool made = fitted && block;
    if (!made && ranker)
        hh_fail(error, HH_MEMORY, NULL);
    hh_ranker_free(ranker);
    if (made)
        return fitted;
    free(fitted);
    return NULL;
}

void hh_fitted_free(hh_fitted *fitted)
{
    if (!fitted)
        return;
    free(fitted->part[0].value);
    free(fitted);
}

float *hh_fitted_values(hh_fitted *fitted, size_t *count)
{
    *count = fitted->count;
    return fitted->part[0].value;
}

// ---- in and out ----

const hh_ranker_options *hh_fitted_ranker_options(const hh_fitted *fitted)
{
    return &fitted->options;
}

hh_mixture *hh_fitted_mixture(const hh_fitted *fitted)
{
    return hh_mixture_of((const float(*)[HH_MIXED_EXPERTS])fitted->part[LOGITS].value);
}

hh_ranker *hh_fitted_ranker(const hh_fitted *fitted)
{
    hh_ranker_tensor tensors[HH_RANKER_TENSORS];
    hh_ranker *ranker = hh_ranker_new(&fitted->options, NULL);
    if (!ranker)
        return NULL;
    hh_ranker_tensors(ranker, tensors);
    for (int t = 0; t < HH_RANKER_TENSORS; t++)
        memcpy(tensors[t].value, fitted->part[RANKER + t].value,
               tensors[t].rows * tensors[t].cols * sizeof(float));
    return ranker;
}

void hh_fitted_take(hh_fitted *fitted, const hh_mixture *mixture, hh_ranker *ranker,
                    const hh_fitted_record *record)
{
    hh_ranker_tensor tensors[HH_RANKER_TENSORS], *part = fitted->part;
    hh_mixture_numbers(mixture, (float(*)[HH_MIXED_EXPERTS])part[LOGITS].value, part[MEAN].value);
    hh_ranker_tensors(ranker, tensors);
    for (int t = 0; t < HH_RANKER_TENSORS; t++)
        memcpy(part[RANKER + t].value, tensors[t].value, tensors[t].rows * tensors[t].cols * sizeof(float));
    *part[LESSONS].value = (float)record->lessons;
    for (int l = 0; l < HH_LIST_KINDS; l++) {
        part[FIGURES].value[2 * l] = (float)record->hr20[l];
        part[FIGURES].value[2 * l + 1] = (float)record->mrr20[l];
    }
}

hh_fitted_record hh_fitted_record_of(const hh_fitted *fitted)
{
    const hh_ranker_tensor *part = fitted->part;
    hh_fitted_record record = {.lessons = (uint64_t)*part[LESSONS].value, .ranks = *part[ACTIVE].value != 0};
    for (int l = 0; l < HH_LIST_KINDS; l++) {
        record.hr20[l] = (double)part[FIGURES].value[2 * l];
        record.mrr20[l] = (double)part[FIGURES].value[2 * l + 1];
    }
    return record;
}

hh_list_by hh_fitted_best(const hh_fitted *fitted)
{
    hh_fitted_record record = hh_fitted_record_of(fitted);
    hh_list_by best = HH_LIST_BY_NETWORK;
    for (hh_list_by by = best; by < HH_LIST_KINDS; by++)
        if (record.hr20[by] + record.mrr20[by] > record.hr20[best] + record.mrr20[best])
            best = by;
    return best;
}

void hh_fitted_weights(const hh_fitted *fitted, double weights[HH_EXPERTS])
{
    for (int e = 0; e < HH_EXPERTS; e++)
        weights[e] = (double)fitted->part[MEAN].value[e];
}

// ---- in a model ----

static bool within(const hh_ranker_tensor *part, float low, float high)
{
    for (size_t i = 0; i < part->rows * part->cols; i++)
        if (!(part->value[i] >= low && part->value[i] <= high))
            return false;
    return true;
}

static hh_status check(const hh_fitted *fitted, hh_error *error)
{
    const hh_ranker_tensor *part = fitted->part;
    bool good = within(&part[MEAN], 0, HH_TEXT_WEIGHT) && within(&part[LESSONS], 0, 4e9f) &&
                within(&part[FIGURES], 0, 1) && (*part[ACTIVE].value == 0 || *part[ACTIVE].value == 1);
    for (int p = 0; p < PARTS && good; p++)
        good = p == LESSONS || within(&part[p], -MOST, MOST);
    return good ? HH_OK
                : hh_fail(error, HH_FORMAT,
                          "the fitted mixture and ranker have numbers that nothing could have taught them");
}

hh_status hh_fitted_attach(const hh_fitted *fitted, hh_model *model, hh_error *error)
{
    hh_status status = check(fitted, error);
    for (int p = 0; p < PARTS && !status; p++) {
        const hh_ranker_tensor *part = &fitted->part[p];
        const hh_array array = {part->name, HH_ARRAY_F32, {part->rows, part->cols, 1, 1}, part->value};
        status = hh_model_attach(model, &array, error);
    }
    return status;
}

static hh_status read_part(const hh_model *model, hh_ranker_tensor *part, hh_error *error)
{
    hh_array array;
    if (!hh_model_array(model, part->name, &array))
        return hh_fail(error, HH_FORMAT, "the model's fitted parts lack the array '%s'", part->name);
    if (array.type != HH_ARRAY_F32 || array.shape[0] != part->rows || array.shape[1] != part->cols ||
        array.shape[2] != 1 || array.shape[3] != 1)
        return hh_fail(error, HH_FORMAT,
                       "the model's array '%s' is not [%zu x %zu], as this version of hiphop has it: train "
                       "the model anew",
                       part->name, part->rows, part->cols);
    memcpy(part->value, array.data, part->rows * part->cols * sizeof(float));
    return HH_OK;
}

hh_fitted *hh_fitted_read(const hh_model *model, hh_error *error)
{
    hh_array array, query;
    if (!hh_model_array(model, "mixture.logits", &array) || !hh_model_array(model, "ranker.query", &query)) {
        hh_fail(error, HH_NOT_FOUND,
                "the model holds no fitted mixture, only its network: it was trained without sessions held "
                "out, as the stream goes, or by an earlier version");
        return NULL;
    }
    uint64_t rows = query.shape[0];
    uint32_t extra = rows > QUERY_INPUTS ? (uint32_t)(rows - QUERY_INPUTS) : 0;
    if (rows < QUERY_INPUTS || rows - QUERY_INPUTS > 1024) {
        hh_fail(error, HH_FORMAT, "the model's ranker is none that this version of hiphop knows");
        return NULL;
    }
    hh_fitted *fitted = hh_fitted_new(extra, error);
    hh_status status = fitted ? HH_OK : HH_MEMORY;
    for (int p = 0; p < PARTS && !status; p++)
        status = read_part(model, &fitted->part[p], error);
    if (!status)
        status = check(fitted, error);
    if (!status)
        return fitted;
    hh_fitted_free(fitted);
    return NULL;
}
