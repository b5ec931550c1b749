#include "train/checkpoint.h"

#include "model/container.h"
#include "model/container_layout.h"
#include "model/whole_model.h"

#include <stdio.h>
#include <stdlib.h>

#define KIND "training"

hh_course_state hh_course_state_new(void)
{
    return (hh_course_state){HH_COURSE_STATE(HH_OPTION_STANDARD)};
}

static const hh_option *state_table(void)
{
#define ROW(...) HH_OPTION_ROW(hh_course_state, __VA_ARGS__)
    static const hh_option table[] = {HH_COURSE_STATE(ROW){0}};
#undef ROW
    return table;
}

// Of the sessions, and of what is known of their items.
static uint64_t digest(const hh_train_data *data, const hh_train_options *options)
{
    uint64_t sum =
        XXH3_64bits_withSeed(data->first, (data->sessions + (size_t)1) * sizeof *data->first, data->items);
    sum = XXH3_64bits_withSeed(data->item, data->first[data->sessions] * sizeof *data->item, sum);
    for (uint32_t s = 0; s < options->source_count; s++) {
        const hh_source *source = &options->sources[s];
        size_t numbers = (size_t)data->items * source->width;
        if (source->bytes) {
            sum = XXH3_64bits_withSeed(source->bytes, numbers, sum + 1);
            sum = XXH3_64bits_withSeed(source->scale, data->items * sizeof *source->scale, sum);
        } else {
            sum = XXH3_64bits_withSeed(source->vector, numbers * sizeof *source->vector, sum + 1);
        }
        if (source->present)
            sum = XXH3_64bits_withSeed(source->present, data->items, sum);
    }
    return sum;
}

// ---- the tensors under their names ----

enum { WEIGHTS, FIRST, SECOND, KEPT, SORTS };
static const char *const sorts[SORTS] = {"network.", "first.", "second.", "kept."};

// Of the t-th tensor; NULL: it has none.
static float *values(const hh_checkpoint *checkpoint, int sort, int t)
{
    if (sort == KEPT)
        return checkpoint->kept ? hh_network_tensor(checkpoint->kept, t)->value : NULL;
    hh_tensor *tensor = hh_network_tensor(checkpoint->network, t);
    return sort == WEIGHTS ? tensor->value : sort == FIRST ? tensor->first : tensor->second;
}

typedef char array_name[96];

static void name_of(array_name name, const hh_checkpoint *checkpoint, int sort, int t)
{
    const char *whole;
    size_t rows, cols;
    hh_tensor_shape(checkpoint->network, t, &whole, &rows, &cols);
    snprintf(name, sizeof(array_name), "%s%s", sorts[sort], whole + strlen(sorts[WEIGHTS]));
}

// ---- writing ----

hh_status hh_checkpoint_encode(const hh_checkpoint *checkpoint, void **bytes, size_t *size, hh_error *error)
{
    hh_packer packer = {0};
    array_name names[SORTS][HH_TENSOR_COUNT + 1];
    hh_pack_text(&packer, "kind", KIND);
    hh_pack_options(&packer, "network", hh_network_option_table(), &checkpoint->options->network);
    hh_pack_options(&packer, "training", hh_train_option_table(), checkpoint->options);
    hh_pack_options(&packer, "record", hh_train_record_table(), checkpoint->record);
    hh_pack_options(&packer, "state", state_table(), checkpoint->state);
    hh_pack_count(&packer, "data", digest(checkpoint->data, checkpoint->options));
    for (int sort = 0; sort < SORTS; sort++)
        for (int t = 0; t <= HH_TENSOR_COUNT; t++) {
            const hh_tensor *tensor = hh_network_tensor(checkpoint->network, t);
            name_of(names[sort][t], checkpoint, sort, t);
            hh_array array = {names[sort][t],
                              HH_ARRAY_F32,
                              {tensor->rows, tensor->cols, 1, 1},
                              values(checkpoint, sort, t)};
            if (array.data)
                hh_pack_array(&packer, &array);
        }
    hh_array drawn = {"drawn.item", HH_ARRAY_U32, {checkpoint->data->items, 1, 1, 1}, checkpoint->drawn};
    hh_pack_array(&packer, &drawn);
    const hh_train_options *options = checkpoint->options;
    hh_array fitted = {"fitted.value", HH_ARRAY_F32, {options->fitted_count, 1, 1, 1}, options->fitted};
    if (options->fitted_count > 0)
        hh_pack_array(&packer, &fitted);
    return hh_pack_finish(&packer, bytes, size, error);
}

// ---- reading ----

static hh_status check_kind(hh_container *container, hh_error *error)
{
    char kind[32] = "";
    hh_status status = hh_container_text(container, "kind", kind, sizeof kind, error);
    if (!status && strcmp(kind, KIND) != 0)
        status = hh_fail(error, HH_FORMAT, "this is no checkpoint of a training but a '%s'", kind);
    return status;
}

static hh_status same_options(const hh_option *table, const void *options, const void *stored,
                              hh_error *error)
{
    for (const hh_option *row = table; row->name; row++)
        if (hh_option_get(row, options) != hh_option_get(row, stored))
            return hh_fail(
                error, HH_ARGUMENT,
                "the checkpoint was made with %s = %g, not %g; it goes on only with the same options",
                row->name, hh_option_get(row, stored), hh_option_get(row, options));
    return HH_OK;
}

static hh_status read_options(hh_container *container, hh_train_options *options, hh_error *error)
{
    *options = hh_train_defaults();
    hh_status status = check_kind(container, error);
    if (!status)
        status =
            hh_container_options(container, "network", hh_network_option_table(), &options->network, error);
    if (!status)
        status = hh_container_options(container, "training", hh_train_option_table(), options, error);
    return status;
}

hh_status hh_train_checkpoint_options(const void *bytes, size_t size, hh_train_options *options,
                                      hh_error *error)
{
    hh_container container;
    hh_status status = hh_container_read(&container, bytes, size, error);
    if (status)
        return status;
    status = read_options(&container, options, error);
    hh_container_free(&container);
    return status;
}

static hh_status read_state(const hh_checkpoint *checkpoint, hh_container *container, hh_error *error)
{
    hh_train_options options;
    uint64_t data = 0;
    hh_status status = read_options(container, &options, error);
    if (!status)
        status = same_options(hh_train_option_table(), checkpoint->options, &options, error);
    if (!status)
        status =
            same_options(hh_network_option_table(), &checkpoint->options->network, &options.network, error);
    if (!status)
        status = hh_container_count(container, "data", &data, error);
    if (!status && data != digest(checkpoint->data, checkpoint->options))
        return hh_fail(error, HH_ARGUMENT,
                       "the checkpoint was made from other sessions, or other sources, than these");
    if (!status)
        status =
            hh_container_options(container, "record", hh_train_record_table(), checkpoint->record, error);
    if (!status)
        status = hh_container_options(container, "state", state_table(), checkpoint->state, error);
    return status ? status : hh_container_all_known(container, error);
}

hh_status hh_checkpoint_state(const hh_checkpoint *checkpoint, const void *bytes, size_t size,
                              hh_error *error)
{
    hh_container container;
    hh_status status = hh_container_read(&container, bytes, size, error);
    if (status)
        return status;
    status = read_state(checkpoint, &container, error);
    hh_container_free(&container);
    return status;
}

// A permutation, or the trainer would reach outside its tables.
static hh_status read_drawn(const hh_checkpoint *checkpoint, const hh_container *container, hh_error *error)
{
    uint32_t items = checkpoint->data->items;
    const hh_array *array;
    hh_status status = hh_container_matrix(container, "drawn.item", HH_ARRAY_U32, items, 1, &array, error);
    if (status)
        return status;
    bool *there = calloc(items + (size_t)1, sizeof *there);
    if (!there)
        return hh_fail(error, HH_MEMORY, NULL);
    memcpy(checkpoint->drawn, array->data, items * sizeof *checkpoint->drawn);
    for (uint32_t i = 0; i < items && !status; i++) {
        uint32_t item = checkpoint->drawn[i];
        if (item >= items || there[item])
            status = hh_fail(error, HH_FORMAT, "the checkpoint holds what is no order of the items");
        else
            there[item] = true;
    }
    free(there);
    return status;
}

static hh_status read_fitted(const hh_train_options *options, const hh_container *container, hh_error *error)
{
    const hh_array *array;
    if (options->fitted_count == 0)
        return HH_OK;
    hh_status status =
        hh_container_matrix(container, "fitted.value", HH_ARRAY_F32, options->fitted_count, 1, &array, error);
    if (!status)
        memcpy(options->fitted, array->data, hh_array_bytes(array));
    return status;
}

hh_status hh_checkpoint_weights(const hh_checkpoint *checkpoint, const void *bytes, size_t size,
                                hh_error *error)
{
    hh_container container;
    hh_status status = hh_container_read(&container, bytes, size, error);
    if (status)
        return status;
    for (int sort = 0; sort < SORTS && !status; sort++)
        for (int t = 0; t <= HH_TENSOR_COUNT && !status; t++) {
            const hh_tensor *tensor = hh_network_tensor(checkpoint->network, t);
            float *to = values(checkpoint, sort, t);
            const hh_array *array;
            array_name name;
            if (!to)
                continue;
            name_of(name, checkpoint, sort, t);
            status = hh_container_matrix(&container, name, HH_ARRAY_F32, tensor->rows, tensor->cols, &array,
                                         error);
            if (!status && hh_array_bytes(array) > 0)
                memcpy(to, array->data, hh_array_bytes(array));
        }
    if (!status)
        status = read_drawn(checkpoint, &container, error);
    if (!status)
        status = read_fitted(checkpoint->options, &container, error);
    hh_container_free(&container);
    return status;
}
