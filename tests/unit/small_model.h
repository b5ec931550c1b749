// A model of a few items, and a file of it with something changed, for the tests of the model file.
#ifndef SMALL_MODEL_H
#define SMALL_MODEL_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "model/container.h"
#include "model/container_layout.h"

#define SMALL_ITEMS 5

static inline hh_model *small_model(void)
{
    static const char bytes[] = "socks-1shoes-4hatcap\xc3\xa9";
    static const uint64_t begin[SMALL_ITEMS + 1] = {0, 7, 14, 17, 20, 22};
    static const uint32_t item[] = {0, 1, 0, 2, 3, 4, 4}, first[] = {0, 3, 6, 7};
    hh_error error;
    hh_model_facts facts = {.options = hh_train_defaults(), .record = hh_train_record_new()};
    facts.options.network.d = 4;
    facts.options.network.positions = 3;
    facts.options.seed = 77;
    facts.record.epochs = 3;
    facts.record.hr = 0.5;
    facts.created = -123456789;
    memcpy(facts.source, "a test", 7);
    hh_network *network = hh_network_new(&facts.options.network, SMALL_ITEMS, 9, &error);
    const hh_item_ids ids = {SMALL_ITEMS, begin, bytes};
    hh_model *model = network ? hh_model_new(network, &ids, &facts, &error) : NULL;
    const hh_train_data sessions = {3, SMALL_ITEMS, item, first};
    const float weights[6] = {1, 2, 3, 4, 5, -6};
    const hh_array ranker = {"ranker.w1", HH_ARRAY_F32, {2, 3, 1, 1}, weights};
    cr_assert_not_null(model);
    cr_assert_eq(hh_model_keep_sessions(model, &sessions, UINT32_MAX, &error), HH_OK);
    cr_assert_eq(hh_model_attach(model, &ranker, &error), HH_OK);
    return model;
}

// The checksum made right again after a change.
static inline void seal(uint8_t *bytes, size_t size)
{
    hh_put_u64(bytes + HH_AT_CHECKSUM, hh_container_checksum(bytes, size));
}

#endif
