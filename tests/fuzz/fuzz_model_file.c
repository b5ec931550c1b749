// Model files: as they are, and with their size and checksum made right, which a stranger can do as well.
// What is loaded holds together, and is the same when it is written and read again; where mixture and ranker
// have learned something beside its network, it makes lists.
#include "fuzz.h"

#include "model/container_layout.h"

#include <hiphop/lister.h>
#include <hiphop/model_file.h>
#include <math.h>

#define LIST 5

static void check_list(const hh_model *model)
{
    hh_error error = {0};
    hh_fitted *fitted = hh_fitted_read(model, &error);
    hh_lister_options options = {.k = LIST, .ranked = true};
    hh_lister *lister = fitted ? hh_lister_new(model, fitted, &options, &error) : NULL;
    PROMISE(lister || error.message[0]);
    hh_recommendation list[LIST];
    size_t count = 0;
    const uint32_t clicks[] = {0};
    if (lister && hh_model_items(model) > 0)
        PROMISE(hh_lister_list(lister, clicks, 1, list, &count, &error) == HH_OK);
    for (size_t i = 0; i < count; i++)
        PROMISE(isfinite(list[i].score) && list[i].item < hh_model_items(model));
    hh_lister_free(lister);
    hh_fitted_free(fitted);
}

static void check_model(const hh_model *model)
{
    hh_array array;
    hh_train_data sessions;
    hh_error error;
    for (uint32_t item = 0; item < hh_model_items(model); item++) {
        size_t length;
        const char *id = hh_model_item(model, item, &length);
        PROMISE(id && length >= 1 && length <= HH_ITEM_ID_MAX && hh_model_find(model, id, length) == item);
    }
    if (hh_model_sessions(model, &sessions))
        for (uint32_t i = 0; i < sessions.first[sessions.sessions]; i++)
            PROMISE(sessions.item[i] < sessions.items);
    for (size_t i = 0; hh_model_array_at(model, i, &array); i++)
        for (uint64_t n = 0; array.type == HH_ARRAY_F32 && n < hh_array_bytes(&array) / sizeof(float); n++)
            PROMISE(isfinite(((const float *)array.data)[n]));
    void *bytes;
    size_t size;
    PROMISE(hh_model_encode(model, &bytes, &size, &error) == HH_OK);
    hh_model *again = hh_model_decode(bytes, size, &error);
    PROMISE(again && hh_model_digest(again) == hh_model_digest(model));
    hh_model_free(again);
    free(bytes);
}

static void decode(const uint8_t *data, size_t size)
{
    hh_error error = {0};
    hh_model *model = hh_model_decode(data, size, &error);
    if (model) {
        check_model(model);
        check_list(model);
    } else {
        PROMISE((error.status == HH_FORMAT || error.status == HH_MEMORY) && error.message[0]);
    }
    hh_model_free(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    decode(data, size);
    if (size < HH_HEADER)
        return 0;
    uint8_t *sealed = malloc(size);
    PROMISE(sealed != NULL);
    memcpy(sealed, data, size);
    hh_put_u64(sealed + HH_AT_SIZE, size);
    hh_put_u64(sealed + HH_AT_CHECKSUM, hh_container_checksum(sealed, size));
    decode(sealed, size);
    free(sealed);
    return 0;
}
