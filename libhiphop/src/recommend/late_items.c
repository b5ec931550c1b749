#include "recommend/late_items.h"

#include "nn/vector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint32_t number_of(const char *name, const hh_text *names, uint32_t count)
{
    uint32_t number = 0;
    while (number < count && !(names[number].length == strlen(name) &&
                               memcmp(names[number].bytes, name, names[number].length) == 0))
        number++;
    return number < count ? number : HH_DESCRIPTIONS; // which no source has
}

bool hh_late_items_init(hh_late_items *late, const hh_network *network, hh_reader *reader,
                        const hh_text *names, uint32_t count)
{
    hh_late_items_free(late);
    if (network->source_count == 0)
        return true;
    late->network = network;
    late->reader = reader;
    for (uint32_t s = 0; s < network->source_count; s++)
        late->source[s] = number_of(network->source[s].name, names, count);
    late->kept = calloc(HH_LATE_KEPT, sizeof *late->kept);
    late->x = calloc(HH_LATE_KEPT * network->d, sizeof *late->x);
    if (late->kept && late->x)
        return true;
    hh_late_items_free(late);
    return false;
}

void hh_late_items_free(hh_late_items *late)
{
    free(late->kept);
    free(late->x);
    *late = (hh_late_items){0};
}

void hh_late_items_begin(hh_late_items *late)
{
    late->budget = HH_LATE_READ;
}

// false: nothing that the network can read.
static bool read_description(const hh_late_items *late, hh_item item, float *x)
{
    const hh_network *network = late->network;
    memset(x, 0, network->d * sizeof *x);
    hh_reader_hold(late->reader);
    for (uint32_t s = 0; s < network->source_count; s++) {
        hh_description of = hh_graph_description(late->reader, item, late->source[s]);
        if (of.width && of.width == network->source[s].width)
            hh_source_says(x, network, s, of.bytes, of.scale);
    }
    hh_reader_release(late->reader);
    float length = sqrtf(hh_dot(x, x, network->d));
    for (size_t i = 0; i < network->d && length > 0; i++)
        x[i] /= length;
    return length > 0;
}

const float *hh_late_items_vector(hh_late_items *late, hh_item item)
{
    uint32_t stamp = late->kept && item != HH_ITEM_NONE ? hh_graph_description_stamp(late->reader, item) : 0;
    if (stamp == 0)
        return NULL;
    size_t place = item % HH_LATE_KEPT;
    float *x = late->x + place * late->network->d;
    if (late->kept[place].item == item && late->kept[place].stamp == stamp)
        return x;
    if (late->budget == 0)
        return NULL;
    late->budget--;
    late->kept[place].stamp = 0;
    if (!read_description(late, item, x))
        return NULL;
    late->kept[place].item = item;
    late->kept[place].stamp = stamp;
    return x;
}
