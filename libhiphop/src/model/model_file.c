// A model as bytes and back (docs/model-format.md): what the keys and arrays of its container mean.
#include "model/container.h"
#include "model/container_layout.h"
#include "model/whole_model.h"

#include <stdlib.h>

#define KIND "model"

// ---- writing ----

static const char *const source_keys[HH_SOURCES] = {"source0.name", "source1.name", "source2.name",
                                                    "source3.name", "source4.name", "source5.name",
                                                    "source6.name", "source7.name"};

static void pack_sources(hh_packer *packer, const hh_network *network)
{
    uint64_t count = network->source_count;
    hh_pack(packer, "network.sources", HH_KEY_COUNT, count > 0, &count, sizeof count);
    for (uint32_t s = 0; s < network->source_count; s++)
        hh_pack_text(packer, source_keys[s], network->source[s].name);
}

hh_status hh_model_encode(const hh_model *model, void **bytes, size_t *size, hh_error *error)
{
    hh_packer packer = {0};
    hh_array array;
    const hh_model_facts *facts = &model->facts;
    hh_pack_text(&packer, "kind", KIND);
    hh_pack_text(&packer, "made.by", facts->version);
    hh_pack(&packer, "made.at", HH_KEY_SIGNED, false, &facts->created, sizeof facts->created);
    hh_pack_text(&packer, "made.from", facts->source);
    hh_pack_options(&packer, "network", hh_network_option_table(), &model->network->options);
    hh_pack_options(&packer, "training", hh_train_option_table(), &facts->options);
    hh_pack_options(&packer, "record", hh_train_record_table(), &facts->record);
    pack_sources(&packer, model->network);
    for (size_t i = 0; hh_model_array_at(model, i, &array); i++)
        hh_pack_array(&packer, &array);
    return hh_pack_finish(&packer, bytes, size, error);
}

hh_status hh_model_save(const hh_model *model, const char *path, hh_error *error)
{
    void *bytes;
    size_t size;
    hh_status status = hh_model_encode(model, &bytes, &size, error);
    if (status)
        return status;
    status = hh_file_write(path, bytes, size, error);
    free(bytes);
    return status;
}

// ---- reading ----

static hh_status read_facts(hh_container *container, hh_model_facts *facts, hh_error *error)
{
    char kind[32] = "";
    *facts = (hh_model_facts){.options = hh_train_defaults(), .record = hh_train_record_new()};
    hh_status status = hh_container_text(container, "kind", kind, sizeof kind, error);
    if (!status && strcmp(kind, KIND) != 0)
        return hh_fail(error, HH_FORMAT, "this is no model but a '%s'", kind);
    if (!status)
        status = hh_container_text(container, "made.by", facts->version, sizeof facts->version, error);
    if (!status)
        status = hh_container_text(container, "made.from", facts->source, sizeof facts->source, error);
    if (!status)
        status = hh_container_signed(container, "made.at", &facts->created, error);
    if (!status)
        status = hh_container_options(container, "network", hh_network_option_table(),
                                      &facts->options.network, error);
    if (!status)
        status = hh_container_options(container, "training", hh_train_option_table(), &facts->options, error);
    if (!status)
        status = hh_container_options(container, "record", hh_train_record_table(), &facts->record, error);
    return status;
}

// Rising, from 0 to `end`. begin [count + 1], of `width` bytes each.
static bool rises(const hh_array *array, size_t width, uint64_t count, uint64_t end)
{
    const uint8_t *data = array->data;
    uint64_t before = 0;
    for (uint64_t i = 0; i <= count; i++) {
        uint64_t value = width == 8 ? hh_get_u64(data + 8 * i) : hh_get_u32(data + 4 * i);
        if (value < before || (i == 0 && value != 0))
            return false;
        before = value;
    }
    return before == end;
}

typedef struct ids {
    const hh_array *begin, *bytes;
    uint32_t count;
} ids;

static hh_status find_ids(const hh_container *container, ids *found, hh_error *error)
{
    const hh_array *begin = hh_container_find(container, "item.begin"),
                   *bytes = hh_container_find(container, "item.id");
    uint64_t rows = begin ? begin->shape[0] : 0;
    hh_status status = hh_container_matrix(container, "item.begin", HH_ARRAY_U64, rows, 1, &begin, error);
    if (!status)
        status = hh_container_matrix(container, "item.id", HH_ARRAY_U8, bytes ? bytes->shape[0] : 0, 1,
                                     &bytes, error);
    if (status)
        return status;
    if (rows < 1 || rows - 1 >= HH_MODEL_NO_ITEM || !rises(begin, 8, rows - 1, bytes->shape[0]))
        return hh_fail(error, HH_FORMAT, "the ids of the model file's items do not fit together");
    *found = (ids){begin, bytes, (uint32_t)(rows - 1)};
    return HH_OK;
}

// An array may lie anywhere among the bytes: a copy where its numbers can be read as such.
static void *aligned_copy(const hh_array *array)
{
    size_t size = hh_array_bytes(array);
    void *copy = malloc(size + 1);
    if (copy && size)
        memcpy(copy, array->data, size);
    return copy;
}

// ---- sources ----

typedef struct source_memory { // of a network that is being read; the model has copies
    char name[HH_SOURCES][256];
    float *vector[HH_SOURCES];
    uint8_t *present[HH_SOURCES];
} source_memory;

static void free_sources(source_memory *memory)
{
    for (int s = 0; s < HH_SOURCES; s++) {
        free(memory->vector[s]);
        free(memory->present[s]);
    }
}

static hh_status read_source(hh_container *container, source_memory *memory, int s, uint32_t items,
                             hh_source *source, hh_error *error)
{
    const char *projector;
    size_t rows, cols;
    hh_tensor_shape(&(hh_network){0}, HH_TENSOR_SOURCE0_P + 2 * s, &projector, &rows, &cols);
    const hh_array *vector = hh_container_find(container, hh_source_arrays[s][0]),
                   *present = hh_container_find(container, hh_source_arrays[s][1]),
                   *wide = hh_container_find(container, projector);
    uint64_t width = vector ? vector->shape[1] : wide ? wide->shape[0] : 0;
    if (width > UINT32_MAX)
        width = 0;
    hh_status status =
        hh_container_text(container, source_keys[s], memory->name[s], sizeof memory->name[s], error);
    if (!status && hh_container_find(container, HH_SAID_ARRAY)) {
        *source = (hh_source){.name = memory->name[s], .width = (uint32_t)width};
        return HH_OK;
    }
    if (!status)
        status = hh_container_matrix(container, hh_source_arrays[s][0], HH_ARRAY_F32, items, width, &vector,
                                     error);
    if (!status && present)
        status =
            hh_container_matrix(container, hh_source_arrays[s][1], HH_ARRAY_U8, items, 1, &present, error);
    if (status)
        return status;
    memory->vector[s] = aligned_copy(vector);
    memory->present[s] = present ? aligned_copy(present) : NULL;
    if (!memory->vector[s] || (present && !memory->present[s]))
        return hh_fail(error, HH_MEMORY, NULL);
    *source = (hh_source){.name = memory->name[s],
                          .width = (uint32_t)width,
                          .vector = memory->vector[s],
                          .present = memory->present[s]};
    return HH_OK;
}

static hh_status read_sources(hh_container *container, source_memory *memory, uint32_t items,
                              hh_network *shape, hh_error *error)
{
    uint64_t count = 0;
    hh_status status = hh_container_count(container, "network.sources", &count, error);
    if (!status && count > HH_SOURCES)
        return hh_fail(error, HH_FORMAT, "the model file has %llu sources of item vectors, more than %d",
                       (unsigned long long)count, HH_SOURCES);
    for (uint32_t s = 0; s < count && !status; s++)
        status = read_source(container, memory, (int)s, items, &shape->source[s], error);
    shape->source_count = (uint32_t)count;
    return status;
}

// ---- the network ----

// Every tensor is looked at before the network is made, so that it takes no more memory than the file has.
static hh_status read_network(const hh_container *container, const hh_network *shape, uint32_t items,
                              hh_network **network, hh_error *error)
{
    const hh_array *arrays[HH_TENSOR_COUNT + 1];
    for (int t = 0; t <= HH_TENSOR_COUNT; t++) {
        const char *name;
        size_t rows, cols;
        hh_tensor_shape(shape, t, &name, &rows, &cols);
        arrays[t] = NULL;
        if (t == HH_TENSOR_COUNT)
            rows = items;
        else if (rows == 0)
            continue;
        hh_status status = hh_container_matrix(container, name, HH_ARRAY_F32, rows, cols, &arrays[t], error);
        if (status)
            return status;
    }
    const hh_array *said = shape->source_count > 0 ? hh_container_find(container, HH_SAID_ARRAY) : NULL;
    if (said && hh_container_matrix(container, HH_SAID_ARRAY, HH_ARRAY_F32, items, shape->d, &said, error))
        return error->status;
    *network = hh_network_new_described(&shape->options, items, shape->source, shape->source_count, 0, error);
    if (!*network)
        return error ? error->status : HH_MEMORY;
    if (said && hh_network_settle(*network, error)) {
        hh_network_free(*network);
        return HH_MEMORY;
    }
    if (said && items)
        memcpy((*network)->said.value, said->data, hh_array_bytes(said));
    for (int t = 0; t <= HH_TENSOR_COUNT; t++)
        if (arrays[t] && arrays[t]->shape[0])
            memcpy(hh_network_tensor(*network, t)->value, arrays[t]->data, hh_array_bytes(arrays[t]));
    return HH_OK;
}

// ---- the rest ----

static hh_status read_sessions(const hh_container *container, hh_model *model, hh_error *error)
{
    const hh_array *first = hh_container_find(container, "sessions.first"),
                   *item = hh_container_find(container, "sessions.item");
    if (!first && !item)
        return HH_OK;
    uint64_t rows = first ? first->shape[0] : 0, clicks = item ? item->shape[0] : 0;
    hh_status status = hh_container_matrix(container, "sessions.first", HH_ARRAY_U32, rows, 1, &first, error);
    if (!status)
        status = hh_container_matrix(container, "sessions.item", HH_ARRAY_U32, clicks, 1, &item, error);
    if (status)
        return status;
    if (rows < 1 || rows > UINT32_MAX || !rises(first, 4, rows - 1, clicks))
        return hh_fail(error, HH_FORMAT, "the sessions of the model file do not fit together");
    hh_train_data data = {.sessions = (uint32_t)(rows - 1), .items = hh_model_items(model)};
    void *items = aligned_copy(item), *firsts = aligned_copy(first);
    data.item = items;
    data.first = firsts;
    status = items && firsts ? hh_model_keep_sessions(model, &data, UINT32_MAX, error)
                             : hh_fail(error, HH_MEMORY, NULL);
    free(items);
    free(firsts);
    return status;
}

// What is not read above is some other part's, or of a later version: kept, so that it is there when the
// model is saved again. A type that is not known is left behind.
static hh_status keep_others(const hh_container *container, hh_model *model, hh_error *error)
{
    for (size_t i = 0; i < container->array_count; i++) {
        const hh_array *array = &container->arrays[i];
        hh_error refused = {0};
        if (array->type < HH_ARRAY_F32 || array->type > HH_ARRAY_U64)
            continue;
        hh_status status = array->type == HH_ARRAY_F32 ? hh_array_check_finite(array, error) : HH_OK;
        if (status)
            return status;
        if (hh_model_attach(model, array, &refused) == HH_MEMORY)
            return hh_fail(error, HH_MEMORY, NULL);
    }
    return HH_OK;
}

// The ids, the sources, the tensors.
static hh_model *read_described(hh_container *container, const hh_model_facts *facts, source_memory *memory,
                                hh_error *error)
{
    hh_network shape = {.options = facts->options.network,
                        .d = facts->options.network.d,
                        .positions = facts->options.network.positions};
    hh_network *network = NULL;
    ids found = {0};
    if (find_ids(container, &found, error) || read_sources(container, memory, found.count, &shape, error) ||
        hh_container_all_known(container, error) ||
        read_network(container, &shape, found.count, &network, error))
        return NULL;
    uint64_t *begin = aligned_copy(found.begin);
    hh_model *model = NULL;
    if (begin) {
        const hh_item_ids item_ids = {found.count, begin, found.bytes->data};
        model = hh_model_new(network, &item_ids, facts, error);
    } else {
        hh_network_free(network);
        hh_fail(error, HH_MEMORY, NULL);
    }
    free(begin);
    return model;
}

static hh_model *read_model(hh_container *container, hh_error *error)
{
    hh_model_facts facts;
    source_memory memory = {0};
    if (read_facts(container, &facts, error))
        return NULL;
    hh_model *model = read_described(container, &facts, &memory, error);
    free_sources(&memory);
    if (!model)
        return NULL;
    memcpy(model->facts.version, facts.version, sizeof facts.version);
    if (!read_sessions(container, model, error) && !keep_others(container, model, error))
        return model;
    hh_model_free(model);
    return NULL;
}

hh_model *hh_model_decode(const void *bytes, size_t size, hh_error *error)
{
    hh_error reason = {0};
    hh_container container;
    hh_model *model = NULL;
    if (hh_container_read(&container, bytes, size, &reason) == HH_OK) {
        model = read_model(&container, &reason);
        hh_container_free(&container);
    }
    if (!model) // what is wrong with a file is no argument of the caller's
        hh_fail(error, reason.status == HH_MEMORY ? HH_MEMORY : HH_FORMAT, "%s", reason.message);
    return model;
}

hh_model *hh_model_load(const char *path, hh_error *error)
{
    void *bytes;
    size_t size;
    hh_error reason = {0};
    if (hh_file_read(path, &bytes, &size, error))
        return NULL;
    hh_model *model = hh_model_decode(bytes, size, &reason);
    free(bytes);
    if (!model)
        hh_fail(error, reason.status, "%s: %s", path, reason.message);
    return model;
}
