#include "embeddings.h"

#include "wire/json_write.h"
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

enum { WIDTH_MAX = 65536 };

void hh_embeddings_ask(hh_buffer *out, const char *model, const hh_text *sentences, uint32_t count)
{
    hh_json_put(out, "{");
    if (model[0]) {
        hh_json_put(out, "\"model\":");
        hh_json_put_text(out, (hh_text){model, strlen(model)});
        hh_json_put(out, ",");
    }
    hh_json_put(out, "\"input\":[");
    for (uint32_t i = 0; i < count; i++) {
        if (i)
            hh_json_put(out, ",");
        hh_json_put_text(out, sentences[i]);
    }
    hh_json_put(out, "]}");
}

typedef struct reading {
    uint32_t count, *width;
    float *vectors;
    bool *seen; // which sentences have theirs
    const char *reason;
} reading;

static hh_answer_kind bad(reading *answer, hh_answer_kind kind, const char *reason)
{
    answer->reason = reason;
    return kind;
}

// The place that the element says; or its own where none of them says one.
static hh_answer_kind place_of(reading *answer, const json_t *element, bool indexed, size_t position,
                               size_t *place)
{
    const json_t *index = json_object_get(element, "index");
    *place = position;
    if (!indexed)
        return HH_ANSWER_GOOD;
    if (!json_is_integer(index))
        return bad(answer, HH_ANSWER_MALFORMED,
                   "its answer has a vector without an index beside others with one");
    if (json_integer_value(index) < 0 || json_integer_value(index) >= (json_int_t)answer->count)
        return bad(answer, HH_ANSWER_WRONG_COUNT,
                   "its answer has a vector for a text that was not asked for");
    *place = (size_t)json_integer_value(index);
    if (answer->seen[*place])
        return bad(answer, HH_ANSWER_WRONG_COUNT, "its answer has two vectors for one text");
    return HH_ANSWER_GOOD;
}

static hh_answer_kind take_vector(reading *answer, const json_t *numbers, float *vector)
{
    double square = 0;
    for (size_t i = 0; i < *answer->width; i++) {
        const json_t *number = json_array_get(numbers, i);
        if (!json_is_number(number))
            return bad(answer, HH_ANSWER_MALFORMED,
                       "its answer has a vector with something other than numbers in it");
        vector[i] = (float)json_number_value(number);
        if (!isfinite(vector[i]))
            return bad(answer, HH_ANSWER_MALFORMED, "its answer has a number that is too large for a vector");
        square += (double)vector[i] * (double)vector[i];
    }
    // A vector of zeros has no direction, and is how some servers say that they failed.
    return square > 0 ? HH_ANSWER_GOOD : bad(answer, HH_ANSWER_MALFORMED, "its answer has a vector of zeros");
}

static hh_answer_kind take_element(reading *answer, const json_t *element, bool indexed, size_t position)
{
    const json_t *numbers = json_object_get(element, "embedding");
    size_t place, width = json_array_size(numbers);
    if (!json_is_array(numbers))
        return bad(answer, HH_ANSWER_MALFORMED, "its answer has no \"embedding\" where a vector should be");
    if (width == 0 || width > WIDTH_MAX || (*answer->width && width != *answer->width))
        return bad(answer, HH_ANSWER_WRONG_WIDTH,
                   "its vectors are not as wide as those before, or as semantics.width");
    if (!*answer->width)
        *answer->width = (uint32_t)width;
    if (!answer->vectors)
        answer->vectors = malloc((size_t)answer->count * width * sizeof *answer->vectors);
    if (!answer->vectors)
        return bad(answer, HH_ANSWER_MALFORMED, "there is no memory for its answer");
    hh_answer_kind kind = place_of(answer, element, indexed, position, &place);
    if (kind)
        return kind;
    answer->seen[place] = true;
    return take_vector(answer, numbers, answer->vectors + place * width);
}

static hh_answer_kind take(reading *answer, const json_t *root)
{
    const json_t *data = json_object_get(root, "data"), *element;
    size_t position;
    bool indexed = false;
    if (!json_is_array(data))
        return bad(answer, HH_ANSWER_MALFORMED,
                   "its answer has no list \"data\": is this an OpenAI-compatible /v1/embeddings?");
    if (json_array_size(data) != answer->count)
        return bad(answer, HH_ANSWER_WRONG_COUNT,
                   "its answer has more or fewer vectors than texts were asked for");
    json_array_foreach(data, position, element) indexed |= json_object_get(element, "index") != NULL;
    json_array_foreach(data, position, element)
    {
        hh_answer_kind kind = take_element(answer, element, indexed, position);
        if (kind)
            return kind;
    }
    return HH_ANSWER_GOOD;
}

hh_answer_kind hh_embeddings_read(const void *bytes, size_t length, uint32_t count, uint32_t *width,
                                  float **vectors, const char **reason)
{
    reading answer = {.count = count, .width = width, .seen = calloc(count, sizeof(bool))};
    hh_answer_kind kind = HH_ANSWER_MALFORMED;
    json_t *root = answer.seen ? json_loadb(bytes, length, JSON_REJECT_DUPLICATES, NULL) : NULL;
    uint32_t known = *width;
    if (root)
        kind = take(&answer, root);
    else
        answer.reason = "its answer is no JSON";
    if (kind)
        *width = known; // a bad answer teaches nothing
    json_decref(root);
    free(answer.seen);
    *vectors = answer.vectors;
    *reason = answer.reason;
    return kind;
}
