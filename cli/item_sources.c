#include "item_sources.h"

#include "item_file.h"
#include "pace.h"
#include "text_map.h"

#include "wire/item_fields.h"

#include <float.h>
#include <hiphop/semantics.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH_MAX 65536

static const char name_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";

bool item_sources_take(cli_args *args, const char *text, item_sources *sources)
{
    static const char standard[] = "vectors";
    size_t length = strspn(text, name_bytes);
    bool named = length > 0 && text[length] == '=';
    const char *name = named ? text : standard, *path = named ? text + length + 1 : text;
    length = named ? length : sizeof standard - 1;
    if (sources->count == HH_SOURCES)
        return cli_usage_error(args, "--vectors: a network has %d sources at most", HH_SOURCES) == CLI_OK;
    if (length >= sizeof sources->name[0] || !*path)
        return cli_usage_error(args, "--vectors: '%s' is not [NAME=]FILE with a short name", text) == CLI_OK;
    for (uint32_t s = 0; s < sources->count; s++)
        if (strlen(sources->name[s]) == length && memcmp(sources->name[s], name, length) == 0)
            return cli_usage_error(args,
                                   "--vectors: there are two sources called '%s'; give them names: NAME=FILE",
                                   sources->name[s]) == CLI_OK;
    memcpy(sources->name[sources->count], name, length);
    sources->name[sources->count][length] = '\0';
    sources->path[sources->count++] = path;
    return true;
}

void item_sources_free(item_sources *sources)
{
    for (uint32_t s = 0; s < HH_SOURCES; s++) {
        free((void *)sources->source[s].vector);
        free((void *)sources->source[s].present);
        sources->source[s] = (hh_source){0};
    }
}

typedef struct reading { // of one file
    const char *path;
    const struct text_map *numbers; // item's id -> its number + 1
    uint32_t items, found;
    size_t width; // 0: not known yet
    float *vector;
    uint8_t *present;
} reading;

// The numbers of a line, at length 1; *none: all are 0. false: they are no vector, and why is in *error.
static hh_status read_vector(const json_t *numbers, float *vector, size_t width, bool *none, const char **why)
{
    double squares = 0;
    for (size_t i = 0; i < width; i++) {
        const json_t *number = json_array_get(numbers, i);
        double value = json_number_value(number);
        *why = "holds something that is no number";
        if (!json_is_number(number))
            return HH_FORMAT;
        *why = "holds a number that is too large";
        if (!(fabs(value) <= (double)FLT_MAX))
            return HH_FORMAT;
        squares += value * value;
    }
    double length = sqrt(squares);
    *none = !(length > 0);
    for (size_t i = 0; i < width; i++)
        vector[i] = *none ? 0 : (float)(json_number_value(json_array_get(numbers, i)) / length);
    return HH_OK;
}

static hh_status begin(reading *self, size_t width, hh_error *error)
{
    self->width = width;
    self->vector = calloc((self->items + (size_t)1) * width, sizeof *self->vector);
    return self->vector ? HH_OK : hh_fail(error, HH_MEMORY, NULL);
}

static hh_status take_row(void *context, const item_row *row, hh_error *error)
{
    reading *self = context;
    const json_t *list = json_object_get(row->object, "vector");
    size_t width = json_array_size(list);
    void *number = text_map_find(self->numbers, (hh_text){row->id, strlen(row->id)});
    const char *why;
    bool none;
    if (!list || width == 0 || width > WIDTH_MAX)
        return hh_fail(error, HH_FORMAT, "%s, line %zu: has no \"vector\", a list of 1 to %d numbers",
                       self->path, row->number, WIDTH_MAX);
    if (self->width && width != self->width)
        return hh_fail(error, HH_FORMAT, "%s, line %zu: a vector of %zu numbers, and those before have %zu",
                       self->path, row->number, width, self->width);
    if (!self->width && begin(self, width, error) != HH_OK)
        return HH_MEMORY;
    size_t item = number ? (size_t)(uintptr_t)number - 1 : self->items; // the last row is for all others
    if (item < self->items && self->present[item])
        return hh_fail(error, HH_FORMAT, "%s, line %zu: a second vector for '%s'", self->path, row->number,
                       row->id);
    if (read_vector(list, self->vector + item * width, width, &none, &why) != HH_OK)
        return hh_fail(error, HH_FORMAT, "%s, line %zu: the vector %s", self->path, row->number, why);
    if (item < self->items && !none) {
        self->present[item] = 1;
        self->found++;
    }
    return HH_OK;
}

static hh_status read_file(reading *self, hh_error *error)
{
    hh_status status = item_file_each(self->path, take_row, self, error);
    if (status == HH_OK && self->found == 0)
        status = hh_fail(error, HH_FORMAT,
                         "%s: has a vector for none of the %u items of the sessions; are the ids the same?",
                         self->path, self->items);
    return status;
}

static hh_status read_source(item_sources *sources, uint32_t s, const struct text_map *numbers,
                             uint32_t items, bool quiet, hh_error *error)
{
    reading self = {.path = sources->path[s],
                    .numbers = numbers,
                    .items = items,
                    .present = calloc(items + (size_t)1, 1)};
    hh_status status = self.present ? read_file(&self, error) : hh_fail(error, HH_MEMORY, NULL);
    sources->source[s] = (hh_source){.name = sources->name[s],
                                     .width = (uint32_t)self.width,
                                     .vector = self.vector,
                                     .present = self.present};
    char found[GROUPED_SIZE], all[GROUPED_SIZE];
    if (status == HH_OK && !quiet)
        fprintf(stderr, "%s: %s of %s items have a vector of %zu numbers\n", sources->name[s],
                grouped(self.found, found), grouped(items, all), self.width);
    return status;
}

// ---- texts ----

// The fields that items usually have; what an item lacks drops out.
#define TEMPLATE "{title}, {category}, {categories}, {brand}, {description}"

typedef struct texts {
    reading *into;
    hh_template *pattern;
    hh_item_fields *fields;
    hh_hashing *hashing;
    hh_text values[HH_ITEM_FIELDS_MAX];
    char sentence[HH_SENTENCE_MAX + 1];
    bool embed; // false: a text only counts for how common its words are; true: it becomes its item's vector
} texts;

static hh_status begin_texts(texts *self, hh_error *error)
{
    const char *names[HH_ITEM_FIELDS_MAX];
    self->pattern = hh_template_new(TEMPLATE, error);
    if (!self->pattern)
        return error->status;
    uint32_t count = hh_template_count(self->pattern);
    for (uint32_t i = 0; i < count; i++)
        names[i] = hh_template_field(self->pattern, i);
    self->fields = hh_item_fields_new(HH_FORMAT_JSON, NULL, names, count, error);
    self->hashing = self->fields ? hh_hashing_new(HH_HASHING_WIDTH, error) : NULL;
    return self->hashing ? begin(self->into, HH_HASHING_WIDTH, error) : error->status;
}

static hh_status take_text(void *context, const item_row *row, hh_error *error)
{
    texts *self = context;
    reading *into = self->into;
    bool any = false;
    hh_status status = hh_item_fields_read(self->fields, row->line, row->line_length, self->values, error);
    size_t length = status ? 0 : hh_template_fill(self->pattern, self->values, self->sentence);
    hh_text sentence = {self->sentence, length};
    if (status || length == 0)
        return status;
    if (!self->embed)
        return hh_hashing_count(self->hashing, sentence) == HH_MEMORY ? hh_fail(error, HH_MEMORY, NULL)
                                                                      : HH_OK;
    void *number = text_map_find(into->numbers, (hh_text){row->id, strlen(row->id)});
    if (!number)
        return HH_OK;
    size_t item = (size_t)(uintptr_t)number - 1;
    status = hh_hashing_embed(self->hashing, sentence, into->vector + item * into->width, &any);
    if (status == HH_MEMORY)
        return hh_fail(error, HH_MEMORY, NULL);
    into->found += any && !into->present[item];
    into->present[item] = any;
    return HH_OK;
}

static hh_status read_texts(reading *into, hh_error *error)
{
    texts self = {.into = into};
    hh_status status = begin_texts(&self, error);
    if (status == HH_OK)
        status = item_file_each(into->path, take_text, &self, error);
    self.embed = true;
    if (status == HH_OK)
        status = item_file_each(into->path, take_text, &self, error);
    if (status == HH_OK && into->found == 0)
        status = hh_fail(error, HH_FORMAT, "%s: has a text for none of the %u items; are the ids the same?",
                         into->path, into->items);
    hh_template_free(self.pattern);
    hh_item_fields_free(self.fields);
    hh_hashing_free(self.hashing);
    return status;
}

static hh_status make_source(item_sources *sources, const struct text_map *numbers, uint32_t items,
                             bool quiet, hh_error *error)
{
    reading self = {
        .path = sources->items, .numbers = numbers, .items = items, .present = calloc(items + (size_t)1, 1)};
    hh_status status = self.present ? read_texts(&self, error) : hh_fail(error, HH_MEMORY, NULL);
    if (status == HH_OK && strcmp(sources->semantic, "random") == 0)
        hh_vectors_by_lot(self.vector, (size_t)items * self.width, 1);
    uint32_t s = sources->count++;
    snprintf(sources->name[s], sizeof sources->name[s], "%s", sources->semantic);
    sources->source[s] = (hh_source){.name = sources->name[s],
                                     .width = (uint32_t)self.width,
                                     .vector = self.vector,
                                     .present = self.present};
    char found[GROUPED_SIZE], all[GROUPED_SIZE];
    if (status == HH_OK && !quiet)
        fprintf(stderr, "%s: %s of %s items have a text\n", sources->name[s], grouped(self.found, found),
                grouped(items, all));
    return status;
}

bool item_sources_semantic(cli_args *args, const char *text, item_sources *sources)
{
    sources->semantic = text;
    if (strcmp(text, "hashing") == 0 || strcmp(text, "random") == 0)
        return true;
    cli_usage_error(args, "--%s: '%s' is neither 'hashing' nor 'random'", args->row->name, text);
    return false;
}

bool item_sources_check(cli_args *args, item_sources *sources)
{
    const char *wrong = NULL;
    if (sources->semantic && !sources->items)
        wrong = "--semantic makes vectors of texts: give --items";
    else if (sources->items && sources->count == HH_SOURCES)
        wrong = "--items is a source like those of --vectors, and there are too many";
    if (sources->items && !sources->semantic)
        sources->semantic = "hashing";
    return !wrong || cli_usage_error(args, "%s", wrong) == CLI_OK;
}

// ---- for whom ----

static const char *id_in_sessions(const void *of, uint32_t item, size_t *length)
{
    return hh_sessions_item(of, item, length);
}

static const char *id_in_log(const void *of, uint32_t item, size_t *length)
{
    return hh_log_item(of, item, length);
}

item_ids item_ids_of_sessions(const hh_sessions *sessions)
{
    hh_sessions_view view;
    hh_sessions_view_read(sessions, &view);
    return (item_ids){sessions, view.items, id_in_sessions};
}

item_ids item_ids_of_log(const hh_log *log)
{
    hh_log_stats stats;
    hh_log_stats_read(log, &stats);
    return (item_ids){log, (uint32_t)stats.items, id_in_log};
}

hh_status item_sources_read(item_sources *sources, const item_ids *ids, bool quiet, hh_error *error)
{
    struct text_map numbers = {0};
    hh_status status = HH_OK;
    uint32_t files = sources->count;
    if (files == 0 && !sources->items)
        return HH_OK;
    for (uint32_t item = 0; item < ids->count && status == HH_OK; item++) {
        size_t length;
        const char *id = ids->id(ids->of, item, &length);
        void **number = text_map_at(&numbers, (hh_text){id, length});
        if (number)
            *number = (void *)(uintptr_t)(item + (size_t)1);
        else
            status = hh_fail(error, HH_MEMORY, NULL);
    }
    for (uint32_t s = 0; s < files && status == HH_OK; s++)
        status = read_source(sources, s, &numbers, ids->count, quiet, error);
    if (sources->items && status == HH_OK)
        status = make_source(sources, &numbers, ids->count, quiet, error);
    text_map_clear(&numbers, NULL);
    return status;
}
