#include "model/network.h"

#include "nn/matrix.h"
#include "nn/vector.h"

#include <math.h>
#include <stdlib.h>

hh_network_options hh_network_defaults(void)
{
    return (hh_network_options){HH_NETWORK_OPTIONS(HH_OPTION_STANDARD)};
}

const hh_option *hh_network_option_table(void)
{
#define ROW(...) HH_OPTION_ROW(hh_network_options, __VA_ARGS__)
    static const hh_option table[] = {HH_NETWORK_OPTIONS(ROW){0}};
#undef ROW
    return table;
}

enum { NOTHING, WEIGHT, ONE };

static void fill(hh_tensor *tensor, float bound, hh_random *random)
{
    for (size_t i = 0; i < tensor->rows * tensor->cols; i++)
        tensor->value[i] = bound * (2 * hh_random_unit(random) - 1);
}

hh_status hh_network_options_check(const hh_network_options *options, hh_error *error)
{
    if (hh_options_check(hh_network_option_table(), options, error))
        return HH_ARGUMENT;
    if (options->intents > options->d)
        return hh_fail(error, HH_ARGUMENT, "a network of width %u can't have %u intents", options->d,
                       options->intents);
    if (options->intents == 0 && (options->denoising || options->intent_readout))
        return hh_fail(error, HH_ARGUMENT, "denoising and intent-readout need intents");
    if (!options->global && !options->local && (options->similar || options->votes))
        return hh_fail(error, HH_ARGUMENT, "similar and votes need neighbours: global, local or both");
    if (!options->similar && options->contrastive)
        return hh_fail(error, HH_ARGUMENT, "contrastive needs similar");
    return HH_OK;
}

static hh_status check_sources(const hh_source *sources, uint32_t count, hh_error *error)
{
    if (count > HH_SOURCES)
        return hh_fail(error, HH_ARGUMENT, "a network has %d sources at most, not %u", HH_SOURCES, count);
    for (uint32_t s = 0; s < count; s++)
        if (sources[s].width < 1 || sources[s].width > 65536)
            return hh_fail(error, HH_ARGUMENT, "the source %s has a width of %u, not of 1 to 65536",
                           sources[s].name, sources[s].width);
    return HH_OK;
}

hh_network *hh_network_new(const hh_network_options *options, uint32_t items, uint64_t seed, hh_error *error)
{
    return hh_network_new_described(options, items, NULL, 0, seed, error);
}

hh_network *hh_network_new_described(const hh_network_options *options, uint32_t items,
                                     const hh_source *sources, uint32_t source_count, uint64_t seed,
                                     hh_error *error)
{
    if (hh_network_options_check(options, error) || check_sources(sources, source_count, error))
        return NULL;
    if (openblas_get_parallel() == OPENBLAS_SEQUENTIAL) {
        hh_fail(error, HH_ARGUMENT,
                "this OpenBLAS is built without locks and computes wrongly where several threads use it: "
                "install libopenblas0-pthread, or remove libopenblas0-serial");
        return NULL;
    }
    openblas_set_num_threads(1); // nn/matrix.h
    hh_network *net = calloc(1, sizeof *net);
    if (!net) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    net->options = *options;
    net->d = options->d;
    net->positions = options->positions;
    net->source_count = source_count;
    for (uint32_t s = 0; s < source_count; s++)
        net->source[s] = sources[s];
    hh_random random = hh_random_of(seed, 0);
    float bound = 1 / sqrtf((float)net->d);
    bool made = hh_tensor_new(&net->item, "item", items, net->d);
    if (made)
        fill(&net->item, bound, &random);
    for (uint32_t item = 0; item < items && made; item++)
        if (hh_item_described(net, item)) // it learns on top of what is known
            memset(net->item.value + item * net->d, 0, net->d * sizeof(float));
#define MAKE(NAME, name, rows, cols, first)                                             \
    made = made && hh_tensor_new(&net->tensor[HH_TENSOR_##NAME], name, (rows), (cols)); \
    if (made && (first) == WEIGHT)                                                      \
        fill(&net->tensor[HH_TENSOR_##NAME], bound, &random);                           \
    if (made && (first) == ONE && (rows) > 0)                                           \
        net->tensor[HH_TENSOR_##NAME].value[0] = 1;
    HH_TENSORS(MAKE)
#undef MAKE
    if (!made) {
        hh_network_free(net);
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    return net;
}

void hh_network_free(hh_network *network)
{
    if (!network)
        return;
    hh_tensor_free(&network->item);
    hh_tensor_free(&network->said);
    for (int t = 0; t < HH_TENSOR_COUNT; t++)
        hh_tensor_free(&network->tensor[t]);
    free(network);
}

static bool copy(hh_tensor *to, const hh_tensor *from)
{
    if (!hh_tensor_new(to, from->name, from->rows, from->cols))
        return false;
    memcpy(to->value, from->value, from->rows * from->cols * sizeof *to->value);
    return true;
}

const hh_network_options *hh_network_options_of(const hh_network *network)
{
    return &network->options;
}

uint32_t hh_network_items(const hh_network *network)
{
    return (uint32_t)network->item.rows;
}

hh_network *hh_network_copy(const hh_network *network)
{
    hh_network *twin = calloc(1, sizeof *twin);
    if (!twin)
        return NULL;
    twin->options = network->options;
    twin->d = network->d;
    twin->positions = network->positions;
    twin->source_count = network->source_count;
    memcpy(twin->source, network->source, sizeof twin->source);
    bool done =
        copy(&twin->item, &network->item) && (network->said.cols == 0 || copy(&twin->said, &network->said));
    for (int t = 0; t < HH_TENSOR_COUNT; t++)
        done = done && copy(&twin->tensor[t], &network->tensor[t]);
    if (done)
        return twin;
    hh_network_free(twin);
    return NULL;
}

// Moments, where there are any; rows as hh_network_resume says.
static bool resume(hh_tensor *to, const hh_tensor *from, const uint32_t *row)
{
    size_t cols = from->cols;
    if (from->first && !hh_tensor_train(to))
        return false;
    for (size_t i = 0; i < to->rows; i++) {
        size_t at = row ? row[i] : i;
        if (at == HH_ROW_NEW)
            continue;
        memcpy(to->value + i * cols, from->value + at * cols, cols * sizeof(float));
        if (!from->first)
            continue;
        memcpy(to->first + i * cols, from->first + at * cols, cols * sizeof(float));
        memcpy(to->second + i * cols, from->second + at * cols, cols * sizeof(float));
    }
    return true;
}

uint32_t hh_network_source(const hh_network *network, const char *name, uint32_t width)
{
    for (uint32_t s = 0; s < network->source_count; s++)
        if (network->source[s].width == width && strcmp(network->source[s].name, name) == 0)
            return s;
    return HH_SOURCES;
}

// The items' own vectors where descriptions have come or gone since: of what is described they are short, and
// what is not described any more stays where it was.
static void adapt_own(hh_network *net, const hh_network *from, const uint32_t *row)
{
    for (uint32_t item = 0; item < net->item.rows; item++) {
        uint32_t at = row ? row[item] : item;
        if (at == HH_ROW_NEW)
            continue;
        if (hh_item_described(net, item))
            hh_items_keep_short(net, &item, 1);
        else
            hh_items_said(net->item.value + item * net->d, from, &at, 1);
    }
}

static bool resume_source(hh_network *net, uint32_t s, const hh_network *from)
{
    uint32_t at = hh_network_source(from, net->source[s].name, net->source[s].width);
    if (at == HH_SOURCES)
        return true;
    int to = HH_TENSOR_SOURCE0_P + 2 * (int)s, of = HH_TENSOR_SOURCE0_P + 2 * (int)at;
    return resume(&net->tensor[to], &from->tensor[of], NULL) &&
           resume(&net->tensor[to + 1], &from->tensor[of + 1], NULL);
}

hh_network *hh_network_resume(const hh_network *from, uint32_t items, const uint32_t *row,
                              const hh_source *sources, uint32_t source_count, uint64_t seed, hh_error *error)
{
    if (!row && items != from->item.rows) {
        hh_fail(error, HH_ARGUMENT, "the network is of %zu items, not of %u", from->item.rows, items);
        return NULL;
    }
    for (uint32_t i = 0; i < items && row; i++)
        if (row[i] != HH_ROW_NEW && row[i] >= from->item.rows) {
            hh_fail(error, HH_ARGUMENT, "the network has %zu items, and no item %u", from->item.rows, row[i]);
            return NULL;
        }
    hh_network *net = hh_network_new_described(&from->options, items, sources, source_count, seed, error);
    if (!net)
        return NULL;
    bool done = resume(&net->item, &from->item, row);
    for (int t = 0; t < HH_TENSOR_SOURCE0_P && done; t++)
        done = resume(&net->tensor[t], &from->tensor[t], NULL);
    for (uint32_t s = 0; s < source_count && done; s++)
        done = resume_source(net, s, from);
    net->steps = from->item.first ? from->steps : 0;
    if (done) {
        adapt_own(net, from, row);
        return net;
    }
    hh_network_free(net);
    hh_fail(error, HH_MEMORY, NULL);
    return NULL;
}

bool hh_gradients_init(hh_gradients *gradients, const hh_network *network)
{
    gradients->size = 0;
    for (int t = 0; t < HH_TENSOR_COUNT; t++)
        gradients->size += network->tensor[t].rows * network->tensor[t].cols;
    gradients->memory = calloc(gradients->size + 1, sizeof(float));
    size_t at = 0;
    for (int t = 0; t < HH_TENSOR_COUNT && gradients->memory; t++) {
        gradients->tensor[t] = gradients->memory + at;
        at += network->tensor[t].rows * network->tensor[t].cols;
    }
    return gradients->memory != NULL;
}

void hh_gradients_free(hh_gradients *gradients)
{
    free(gradients->memory);
    *gradients = (hh_gradients){0};
}

hh_batch_options hh_batch_options_of(const hh_network *network, bool last_only)
{
    return (hh_batch_options){
        .d = network->d,
        .positions = (uint32_t)network->positions,
        .graph = network->options.graph,
        .last_only = last_only,
        .whole = network->options.whole,
        .votes = network->options.votes,
    };
}

hh_neighbour_options hh_neighbour_options_of(const hh_network_options *options)
{
    return (hh_neighbour_options){
        .newest = options->newest, .nearest = options->nearest, .last = options->last};
}

size_t hh_network_parameters(const hh_network *network)
{
    size_t count = network->item.rows * network->item.cols;
    for (int t = 0; t < HH_TENSOR_COUNT; t++)
        count += network->tensor[t].rows * network->tensor[t].cols;
    return count;
}
