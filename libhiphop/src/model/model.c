// A model in memory: the network, the ids of its items, and what else belongs to it.
#include "model/container_layout.h"
#include "model/whole_model.h"

#include <stdio.h>
#include <stdlib.h>

#define NETWORK_PART "network."

const char *const hh_source_arrays[HH_SOURCES][2] = {
    {"source0.vector", "source0.present"}, {"source1.vector", "source1.present"},
    {"source2.vector", "source2.present"}, {"source3.vector", "source3.present"},
    {"source4.vector", "source4.present"}, {"source5.vector", "source5.present"},
    {"source6.vector", "source6.present"}, {"source7.vector", "source7.present"}};

// ---- made and freed ----

static hh_status take_ids(hh_model *model, const hh_item_ids *ids, hh_error *error)
{
    uint64_t end = ids->begin[ids->count];
    model->id_begin = malloc((ids->count + (size_t)1) * sizeof *model->id_begin);
    model->ids = malloc(end + 1);
    model->interned = hh_intern_new(0);
    if (!model->id_begin || !model->ids || !model->interned)
        return hh_fail(error, HH_MEMORY, NULL);
    memcpy(model->id_begin, ids->begin, (ids->count + (size_t)1) * sizeof *model->id_begin);
    memcpy(model->ids, ids->bytes, end);
    for (uint32_t item = 0; item < ids->count; item++) {
        uint64_t begin = ids->begin[item], length = ids->begin[item + 1] - begin;
        if (length < 1 || length > HH_ITEM_ID_MAX)
            return hh_fail(error, HH_ARGUMENT, "the id of item %u has %llu bytes; it may have 1 to %d", item,
                           (unsigned long long)length, HH_ITEM_ID_MAX);
        uint32_t number = hh_intern_acquire(model->interned, ids->bytes + begin, length);
        if (number == HH_INTERN_NONE)
            return hh_fail(error, HH_MEMORY, NULL);
        if (number != item)
            return hh_fail(error, HH_ARGUMENT, "items %u and %u have the same id '%.*s'", number, item,
                           length < 100 ? (int)length : 100, ids->bytes + begin);
    }
    return HH_OK;
}

// The network points to somebody else's vectors; from here on to ours. Of bytes, which are in no file, what
// they say is kept.
static hh_status take_sources(hh_model *model, hh_error *error)
{
    hh_network *network = model->network;
    for (uint32_t s = 0; s < network->source_count; s++)
        if (network->source[s].bytes && hh_network_settle(network, error))
            return HH_MEMORY;
    size_t items = network->item.rows;
    for (uint32_t s = 0; s < network->source_count; s++) {
        hh_source *source = &network->source[s];
        size_t size = source->vector ? items * source->width * sizeof *source->vector : 0;
        model->source_name[s] = strdup(source->name ? source->name : "");
        model->source_vector[s] = source->vector ? malloc(size + 1) : NULL;
        model->source_present[s] = source->present ? malloc(items + 1) : NULL;
        if (!model->source_name[s] || (source->vector && !model->source_vector[s]) ||
            (source->present && !model->source_present[s]))
            return hh_fail(error, HH_MEMORY, NULL);
        if (size)
            memcpy(model->source_vector[s], source->vector, size);
        if (source->present && items)
            memcpy(model->source_present[s], source->present, items);
        *source = (hh_source){.name = model->source_name[s],
                              .width = source->width,
                              .vector = model->source_vector[s],
                              .present = model->source_present[s]};
    }
    return HH_OK;
}

hh_model *hh_model_new(hh_network *network, const hh_item_ids *ids, const hh_model_facts *facts,
                       hh_error *error)
{
    hh_model *model = calloc(1, sizeof *model);
    if (!model) {
        hh_network_free(network);
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    model->network = network;
    model->facts = *facts;
    model->facts.options.sources = NULL;
    model->facts.options.source_count = 0;
    model->facts.options.progress = NULL;
    model->facts.options.checkpoint = NULL;
    model->facts.options.fit = NULL;
    model->facts.options.fitted = NULL;
    model->facts.options.fitted_count = 0;
    model->facts.options.context = NULL;
    model->facts.options.clock = NULL;
    model->facts.options.resume = NULL;
    model->facts.options.resume_size = 0;
    snprintf(model->facts.version, sizeof model->facts.version, "%s", HH_VERSION);
    hh_status status = HH_OK;
    if (network->item.rows != ids->count)
        status = hh_fail(error, HH_ARGUMENT, "the network is of %zu items, and there are %u ids",
                         network->item.rows, ids->count);
    else
        status = take_ids(model, ids, error);
    if (status == HH_OK)
        status = take_sources(model, error);
    if (status == HH_OK)
        return model;
    hh_model_free(model);
    return NULL;
}

static void free_attached(hh_attached *attached)
{
    free(attached->name);
    free(attached->data);
}

void hh_model_free(hh_model *model)
{
    if (!model)
        return;
    hh_network_free(model->network);
    free(model->id_begin);
    free(model->ids);
    if (model->interned)
        hh_intern_free(model->interned);
    for (int s = 0; s < HH_SOURCES; s++) {
        free(model->source_name[s]);
        free(model->source_vector[s]);
        free(model->source_present[s]);
    }
    free(model->session_item);
    free(model->session_first);
    for (size_t i = 0; i < model->attached_count; i++)
        free_attached(&model->attached[i]);
    free(model->attached);
    free(model);
}

const hh_network *hh_model_network(const hh_model *model)
{
    return model->network;
}

const hh_model_facts *hh_model_facts_of(const hh_model *model)
{
    return &model->facts;
}

// ---- items ----

uint32_t hh_model_items(const hh_model *model)
{
    return (uint32_t)model->network->item.rows;
}

const char *hh_model_item(const hh_model *model, uint32_t item, size_t *length)
{
    size_t ignored;
    return item < hh_model_items(model) ? hh_intern_bytes(model->interned, item, length ? length : &ignored)
                                        : NULL;
}

uint32_t hh_model_find(const hh_model *model, const char *id, size_t length)
{
    return hh_intern_find(model->interned, id, length);
}

// ---- sessions ----

hh_status hh_model_keep_sessions(hh_model *model, const hh_train_data *sessions, uint32_t clicks,
                                 hh_error *error)
{
    uint32_t from = sessions->sessions, end = sessions->first[from];
    while (from > 0 && end - sessions->first[from - 1] <= clicks)
        from--;
    uint32_t begin = sessions->first[from], count = sessions->sessions - from;
    for (uint32_t i = begin; i < end; i++)
        if (sessions->item[i] >= hh_model_items(model))
            return hh_fail(error, HH_ARGUMENT, "the sessions hold item %u, the model has %u items",
                           sessions->item[i], hh_model_items(model));
    uint32_t *item = malloc((end - begin + (size_t)1) * sizeof *item),
             *first = malloc((count + (size_t)1) * sizeof *first);
    if (!item || !first) {
        free(item);
        free(first);
        return hh_fail(error, HH_MEMORY, NULL);
    }
    if (end > begin)
        memcpy(item, sessions->item + begin, (end - begin) * sizeof *item);
    for (uint32_t s = 0; s <= count; s++)
        first[s] = sessions->first[from + s] - begin;
    free(model->session_item);
    free(model->session_first);
    model->session_item = item;
    model->session_first = first;
    model->sessions = count;
    return HH_OK;
}

bool hh_model_sessions(const hh_model *model, hh_train_data *sessions)
{
    *sessions = (hh_train_data){.sessions = model->sessions,
                                .items = hh_model_items(model),
                                .item = model->session_item,
                                .first = model->session_first};
    return model->sessions > 0;
}

// ---- attached arrays ----

static hh_attached *find_attached(const hh_model *model, const char *name)
{
    for (size_t i = 0; i < model->attached_count; i++)
        if (strcmp(model->attached[i].name, name) == 0)
            return &model->attached[i];
    return NULL;
}

static bool may_be_attached(const char *name)
{
    static const char *const own[] = {NETWORK_PART, "item.", "sessions.", "source"};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strncmp(name, own[i], strlen(own[i])) == 0)
            return false;
    for (size_t i = 0; i < length; i++)
        if (name[i] <= ' ' || name[i] > '~')
            return false;
    return length <= HH_ARRAY_NAME_MAX && strchr(name, '.') != NULL && name[0] != '.';
}

hh_status hh_model_attach(hh_model *model, const hh_array *array, hh_error *error)
{
    if (!may_be_attached(array->name))
        return hh_fail(
            error, HH_ARGUMENT,
            "'%s' is no name for an array of another part: PART.WHAT, not of network, item, source "
            "or sessions",
            array->name);
    uint64_t size = hh_array_bytes(array);
    hh_attached *old = find_attached(model, array->name);
    hh_attached made = {.array = *array, .name = strdup(array->name), .data = malloc(size + 1)};
    hh_attached *larger = model->attached;
    if (!old && made.name && made.data)
        larger = realloc(model->attached, (model->attached_count + 1) * sizeof *larger);
    if (!made.name || !made.data || !larger) {
        if (larger)
            model->attached = larger;
        free_attached(&made);
        return hh_fail(error, HH_MEMORY, NULL);
    }
    if (size)
        memcpy(made.data, array->data, size);
    made.array.name = made.name;
    made.array.data = made.data;
    model->attached = larger;
    if (old) {
        free_attached(old);
        *old = made;
    } else {
        model->attached[model->attached_count++] = made;
    }
    return HH_OK;
}

// ---- all arrays ----

void hh_tensor_shape(const hh_network *net, int index, const char **name, size_t *rows, size_t *cols)
{
    *rows = 0;
    *cols = net->d;
    *name = NETWORK_PART "item";
#define SHAPE(NAME, label, r, c, ...) \
    if (index == HH_TENSOR_##NAME) {  \
        *name = NETWORK_PART label;   \
        *rows = (r);                  \
        *cols = (c);                  \
    }
    HH_TENSORS(SHAPE)
#undef SHAPE
}

hh_tensor *hh_network_tensor(hh_network *network, int index)
{
    return index < HH_TENSOR_COUNT ? &network->tensor[index] : &network->item;
}

static hh_array matrix(const char *name, hh_array_type type, uint64_t rows, uint64_t cols, const void *data)
{
    return (hh_array){name, type, {rows, cols, 1, 1}, data};
}

// ids, the network's tensors, its sources, sessions, what is attached
bool hh_model_array_at(const hh_model *model, size_t index, hh_array *array)
{
    uint64_t items = hh_model_items(model);
    if (index-- == 0) {
        *array = matrix("item.begin", HH_ARRAY_U64, items + 1, 1, model->id_begin);
        return true;
    }
    if (index-- == 0) {
        *array = matrix("item.id", HH_ARRAY_U8, model->id_begin[items], 1, model->ids);
        return true;
    }
    for (int t = 0; t <= HH_TENSOR_COUNT; t++) {
        const char *name;
        size_t rows, cols;
        const hh_tensor *tensor = hh_network_tensor(model->network, t);
        hh_tensor_shape(model->network, t, &name, &rows, &cols);
        if ((tensor->rows > 0 || t == HH_TENSOR_COUNT) && index-- == 0) {
            *array = matrix(name, HH_ARRAY_F32, tensor->rows, tensor->cols, tensor->value);
            return true;
        }
    }
    for (uint32_t n = 0; n < model->network->source_count; n++) {
        const hh_source *source = &model->network->source[n];
        if (source->vector && index-- == 0) {
            *array = matrix(hh_source_arrays[n][0], HH_ARRAY_F32, items, source->width, source->vector);
            return true;
        }
        if (source->present && index-- == 0) {
            *array = matrix(hh_source_arrays[n][1], HH_ARRAY_U8, items, 1, source->present);
            return true;
        }
    }
    if (model->network->said.cols > 0 && index-- == 0) {
        *array = matrix(HH_SAID_ARRAY, HH_ARRAY_F32, items, model->network->d, model->network->said.value);
        return true;
    }
    if (model->session_first && index-- == 0) {
        *array =
            matrix("sessions.first", HH_ARRAY_U32, model->sessions + (uint64_t)1, 1, model->session_first);
        return true;
    }
    if (model->session_first && index-- == 0) {
        *array = matrix("sessions.item", HH_ARRAY_U32, model->session_first[model->sessions], 1,
                        model->session_item);
        return true;
    }
    if (index >= model->attached_count)
        return false;
    *array = model->attached[index].array;
    return true;
}

bool hh_model_array(const hh_model *model, const char *name, hh_array *array)
{
    for (size_t i = 0; hh_model_array_at(model, i, array); i++)
        if (strcmp(array->name, name) == 0)
            return true;
    return false;
}

uint64_t hh_model_digest(const hh_model *model)
{
    hh_array array;
    uint64_t digest = 0;
    for (size_t i = 0; hh_model_array_at(model, i, &array); i++) {
        digest = XXH3_64bits_withSeed(array.name, strlen(array.name), digest);
        digest = XXH3_64bits_withSeed(array.shape, sizeof array.shape, digest);
        digest = XXH3_64bits_withSeed(array.data, hh_array_bytes(&array), digest);
    }
    return digest;
}
