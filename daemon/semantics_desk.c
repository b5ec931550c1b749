#include "semantics_desk.h"

#include "embedder.h"
#include "inputs.h"
#include "semantics_log.h"
#include "semantics_queue.h"
#include "wire/item_fields.h"
#include "wire/utf8.h"
#include <hiphop/semantics.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH = 64,
    IDLE_MS = 20,
    BUSY_MS = 5,
    AGAIN_MS = 500,     // where no broker has told where the topics end
    LOOK_UP_MS = 30000, // between looks for new partitions
    REWRITE_MS = 1000,  // before what could not be written is tried again
    FETCHES = 4,        // of one vector
};

typedef enum phase {
    BEGIN_VECTORS,
    LOAD_VECTORS,
    BEGIN_TEXTS, // for providers that learn from texts: all of them once before the first vector is made
    LEARN_TEXTS,
    BEGIN_ITEMS,
    WORK,
} phase;

struct hh_semantics_desk {
    hh_shared *shared;
    hh_pulse *pulse;
    hh_text source;
    phase phase;
    hh_semantics_log *log;
    hh_vector_index *index;
    hh_semantics_queue *queue;
    hh_provider *provider;
    hh_template *template;
    hh_item_fields *fields;
    hh_item_vector_decoder *decoder;
    hh_encoder *encoder;
    hh_status trouble;
    hh_time next_begin, next_look_up, next_write; // steady clock
    rd_kafka_message_t *items[BATCH];             // taken, and from next_item on not worked through yet
    size_t item_count, next_item;
    bool down; // the provider's last answer was none
    char sentence[HH_SENTENCE_MAX + 1];
};

static void count(hh_semantics_desk *desk, size_t outcome)
{
    hh_metrics_add(desk->shared->metrics, HH_METRIC_SEMANTICS_ITEMS, outcome, 1);
}

// ---- the provider's answers ----

static void on_answered(void *context, const hh_answer *answer, uint32_t texts)
{
    hh_semantics_desk *desk = context;
    hh_metrics *metrics = desk->shared->metrics;
    hh_metrics_observe(metrics, HH_METRIC_SEMANTICS_SECONDS, (double)answer->took / HH_SECOND);
    hh_metrics_set(metrics, HH_METRIC_SEMANTICS_UP, 0, answer->kind == HH_ANSWER_GOOD);
    if (answer->kind == HH_ANSWER_GOOD) {
        hh_metrics_add(metrics, HH_METRIC_SEMANTICS_TEXTS, 0, texts);
        if (desk->down)
            HH_LOG(desk->shared->log, HH_LOG_INFO, "the provider of vectors answers again");
    } else {
        hh_metrics_add(metrics, HH_METRIC_SEMANTICS_FAILURES, (size_t)answer->kind - 1, 1);
        HH_COMPLAIN(desk->shared->log, HH_LOG_WARNING,
                    "no vectors from the provider; new items wait for theirs, all else goes on",
                    HH_TEXT("reason", answer->reason), HH_TEXT("kind", hh_answer_word(answer->kind)),
                    HH_NUMBER("texts", texts));
    }
    desk->down = answer->kind != HH_ANSWER_GOOD;
}

static void on_given_up(void *context, hh_text item, const char *reason)
{
    hh_semantics_desk *desk = context;
    count(desk, HH_ITEM_GIVEN_UP);
    HH_COMPLAIN(desk->shared->log, HH_LOG_WARNING,
                "the provider takes other texts but not this item's: it stays without a vector",
                HH_BYTES("item", item.bytes, item.length), HH_TEXT("reason", reason));
}

static void on_unwritten(void *context, hh_text key)
{
    hh_semantics_desk *desk = context;
    hh_text source, item;
    hh_error error;
    if (hh_vector_key_split(key.bytes, key.length, &source, &item, &error) == HH_OK)
        hh_semantics_queue_unwritten(desk->queue, item);
    desk->next_write = hh_steady_clock() + REWRITE_MS;
}

// ---- making ----

static hh_status make_template(const hh_config *config, hh_template **template, hh_item_fields **fields,
                               hh_error *error)
{
    const char *names[HH_TEMPLATE_FIELDS];
    char *schema = NULL;
    *fields = NULL;
    *template = hh_template_new(config->semantics.template, error);
    if (!*template)
        return error->status;
    hh_status status = hh_item_schema(config, &schema, error);
    for (uint32_t i = 0; i < hh_template_count(*template); i++)
        names[i] = hh_template_field(*template, i);
    if (status == HH_OK)
        *fields = hh_item_fields_new((hh_format)config->items.format, schema, names,
                                     hh_template_count(*template), error);
    free(schema);
    return *fields ? HH_OK : error->status;
}

hh_status hh_embedder_try(const hh_config *config, hh_error *error)
{
    hh_template *template;
    hh_item_fields *fields;
    hh_status status = make_template(config, &template, &fields, error);
    hh_template_free(template);
    hh_item_fields_free(fields);
    hh_provider *provider = status ? NULL : hh_provider_new(config, NULL, NULL, error);
    if (!status && !provider)
        status = error->status;
    hh_provider_free(provider);
    return status;
}

hh_semantics_desk *hh_semantics_desk_new(hh_shared *shared, hh_pulse *pulse, hh_error *error)
{
    const hh_config *config = shared->config;
    hh_semantics_desk *desk = calloc(1, sizeof *desk);
    if (!desk) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    desk->shared = shared;
    desk->pulse = pulse;
    desk->source = (hh_text){config->semantics.source, strlen(config->semantics.source)};
    hh_semantics_events events = {on_answered, on_given_up, desk};
    bool good = make_template(config, &desk->template, &desk->fields, error) == HH_OK &&
                (desk->log = hh_semantics_log_new(shared, pulse, on_unwritten, desk, error)) &&
                (desk->decoder = hh_item_vector_decoder_new(error)) &&
                (desk->encoder = hh_encoder_new((hh_format)config->item_vectors.format, error)) &&
                (desk->provider = hh_provider_new(config, hh_semantics_queue_answer, NULL, error));
    if (good) {
        desk->index = hh_vector_index_new();
        desk->queue = hh_semantics_queue_new(desk->provider, &events, config->semantics.longest_pause,
                                             (uint32_t)hh_wall_clock());
        desk->provider->context = desk->queue;
        good = (desk->index && desk->queue) || hh_fail(error, HH_MEMORY, NULL) == HH_OK;
    }
    if (good)
        return desk;
    hh_semantics_desk_free(desk);
    return NULL;
}

void hh_semantics_desk_free(hh_semantics_desk *desk)
{
    if (!desk)
        return;
    hh_metrics_unset(desk->shared->metrics, HH_METRIC_SEMANTICS_QUEUE, 0);
    hh_metrics_unset(desk->shared->metrics, HH_METRIC_SEMANTICS_UP, 0);
    while (desk->next_item < desk->item_count)
        rd_kafka_message_destroy(desk->items[desk->next_item++]);
    hh_semantics_log_free(desk->log); // first: its last callbacks look at the queue
    hh_semantics_queue_free(desk->queue);
    hh_provider_free(desk->provider);
    hh_vector_index_free(desk->index);
    hh_template_free(desk->template);
    hh_item_fields_free(desk->fields);
    hh_item_vector_decoder_free(desk->decoder);
    hh_encoder_free(desk->encoder);
    free(desk);
}

// ---- the topic of vectors ----

static bool same(hh_text a, hh_text b)
{
    return a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0;
}

// Whether the record holds a vector that this provider would make; *text: of which text.
static bool is_ours(hh_semantics_desk *desk, const hh_item_vector_record *record, hh_text_hash *text)
{
    hh_text model = {desk->provider->model, strlen(desk->provider->model)};
    if (!same(record->model, model) || !hh_text_hash_parse(record->text_hash, text))
        return false;
    if (desk->provider->width == 0)
        desk->provider->width = (uint32_t)record->width;
    return record->width == desk->provider->width;
}

static void take_vector(hh_semantics_desk *desk, const rd_kafka_message_t *record)
{
    hh_text source, item;
    hh_text_hash text;
    hh_item_vector_record vector;
    hh_error error;
    if (hh_vector_key_split(record->key, record->key_len, &source, &item, &error) ||
        !same(source, desk->source))
        return;
    if (record->len == 0) {
        hh_vector_index_remove(desk->index, item);
        return;
    }
    bool ours =
        hh_item_vector_decode(desk->decoder, record->payload, record->len, &vector, &error) == HH_OK &&
        is_ours(desk, &vector, &text);
    if (!hh_vector_index_put(desk->index, item, ours ? &text : NULL,
                             (hh_vector_place){record->partition, record->offset}))
        desk->trouble = HH_MEMORY;
    if (ours)
        hh_semantics_queue_seen(desk->queue, item, text);
}

// The vector of a text, where it should stand in the topic. HH_NOT_FOUND: it isn't there; HH_IO: nobody can
// say now.
static hh_status fetch_from(hh_semantics_desk *desk, hh_vector_place place, hh_text_hash text,
                            const float **vector)
{
    hh_item_vector_record found;
    hh_text_hash made_of;
    hh_error error;
    rd_kafka_message_t *record;
    *vector = NULL;
    hh_status status = hh_semantics_log_fetch(desk->log, place, &record);
    if (status == HH_OK) {
        if (hh_item_vector_decode(desk->decoder, record->payload, record->len, &found, &error) == HH_OK &&
            is_ours(desk, &found, &made_of) && hh_text_hash_same(made_of, text))
            *vector = found.vector; // the decoder's
        rd_kafka_message_destroy(record);
        status = *vector ? HH_OK : HH_NOT_FOUND;
    }
    return status;
}

// Likewise, wherever an item has it: what compaction has taken with one may be there with another.
static hh_status fetch_vector(hh_semantics_desk *desk, hh_text_hash text, const float **vector)
{
    hh_vector_place place;
    *vector = NULL;
    if (!desk->provider->functions->wait) // what is made at once need not be fetched
        return HH_NOT_FOUND;
    for (int tries = 0; tries < FETCHES && hh_vector_index_text(desk->index, text, &place); tries++) {
        hh_status status = fetch_from(desk, place, text, vector);
        if (status != HH_NOT_FOUND)
            return status;
        hh_vector_index_forget(desk->index, text);
    }
    return HH_NOT_FOUND;
}

// ---- the topic of items ----

static bool put(hh_semantics_desk *desk, hh_text item, hh_text value)
{
    char key[HH_VECTOR_KEY_MAX];
    return hh_semantics_log_put(desk->log, (hh_text){key, hh_vector_key(desk->source, item, key)}, value);
}

// The item has no text any more: neither has it a vector.
static void withdraw(hh_semantics_desk *desk, hh_text item, size_t outcome)
{
    hh_text_hash text;
    bool written = false;
    hh_semantics_queue_find(desk->queue, item, &text, &written);
    hh_semantics_queue_cancel(desk->queue, item);
    if ((written || hh_vector_index_item(desk->index, item, &text)) && !put(desk, item, (hh_text){NULL, 0}))
        HH_COMPLAIN(desk->shared->log, HH_LOG_WARNING, "the vector of a withdrawn item can't be taken away",
                    HH_BYTES("item", item.bytes, item.length));
    count(desk, outcome);
}

// Signs alone say nothing to anybody.
static bool says_something(const char *sentence)
{
    for (; *sentence; sentence++) {
        unsigned char c = (unsigned char)*sentence;
        if (c >= 0x80 || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
            return true;
    }
    return false;
}

// The sentence of the record, in desk->sentence; its length, 0: none, or -1: it can't be read.
static long make_sentence(hh_semantics_desk *desk, const rd_kafka_message_t *record)
{
    hh_text values[HH_TEMPLATE_FIELDS];
    hh_error error;
    hh_status status = hh_item_fields_read(desk->fields, record->payload, record->len, values, &error);
    if (status == HH_OK) {
        size_t length = hh_template_fill(desk->template, values, desk->sentence);
        return says_something(desk->sentence) ? (long)length : 0;
    }
    if (status == HH_MEMORY)
        desk->trouble = status;
    HH_COMPLAIN(desk->shared->log, HH_LOG_WARNING, "an item can't be read: it gets no vector",
                HH_BYTES("item", record->key, record->key_len), HH_TEXT("reason", error.message));
    return -1;
}

// False: not now.
static bool want(hh_semantics_desk *desk, hh_text item, hh_text sentence)
{
    hh_text_hash text = hh_text_hash_of(sentence), has;
    bool written;
    const float *vector = NULL;
    if (hh_semantics_queue_find(desk->queue, item, &has, &written)) {
        if (hh_text_hash_same(has, text))
            return true;
    } else if (hh_vector_index_item(desk->index, item, &has) && hh_text_hash_same(has, text)) {
        count(desk, HH_ITEM_KNOWN);
        return true;
    }
    bool under_way = hh_semantics_queue_has(desk->queue, text);
    hh_status status = under_way ? HH_NOT_FOUND : fetch_vector(desk, text, &vector);
    if (status == HH_IO)
        return false;
    count(desk, under_way || vector ? HH_ITEM_COPIED : HH_ITEM_ASKED);
    if (!hh_semantics_queue_add(desk->queue, item, sentence, text, vector))
        desk->trouble = HH_MEMORY;
    return true;
}

static bool usable_id(const rd_kafka_message_t *record)
{
    return record->key && record->key_len > 0 && record->key_len <= HH_ID_MAX &&
           !memchr(record->key, '\0', record->key_len) && hh_utf8_valid(record->key, record->key_len);
}

// False: not now.
static bool take_item(hh_semantics_desk *desk, const rd_kafka_message_t *record)
{
    hh_text item = {record->key, record->key_len};
    bool (*learn)(hh_provider *, hh_text) = desk->provider->functions->learn;
    bool learning = desk->phase == LEARN_TEXTS;
    if (!usable_id(record)) {
        if (!learning)
            count(desk, HH_ITEM_MALFORMED);
        return true;
    }
    long length = record->len > 0 ? make_sentence(desk, record) : 0;
    hh_text sentence = {desk->sentence, length > 0 ? (size_t)length : 0};
    // Once each: what was there at the beginning was learned in a round of its own.
    bool old = hh_semantics_log_old(desk->log, HH_SEMANTICS_ITEMS, record);
    if (learn && length > 0 && learning == old && !learn(desk->provider, sentence))
        desk->trouble = HH_MEMORY;
    if (learning)
        return true;
    if (length > 0)
        return want(desk, item, sentence);
    if (length == 0)
        withdraw(desk, item, record->len > 0 ? HH_ITEM_EMPTY : HH_ITEM_WITHDRAWN);
    else
        count(desk, HH_ITEM_MALFORMED);
    return true;
}

// ---- writing ----

static void write_made(hh_semantics_desk *desk)
{
    hh_made_vector made;
    if (hh_steady_clock() < desk->next_write)
        return;
    while (hh_semantics_queue_made(desk->queue, &made)) {
        char hash[HH_TEXT_HASH_DIGITS + 1];
        hh_text bytes;
        hh_text_hash_print(made.text, hash);
        hh_item_vector_record record = {.source = desk->source,
                                        .item = made.item,
                                        .model = {desk->provider->model, strlen(desk->provider->model)},
                                        .text_hash = {hash, HH_TEXT_HASH_DIGITS},
                                        .vector = made.vector,
                                        .width = made.width};
        if (hh_encode_item_vector(desk->encoder, &record, &bytes) || !put(desk, made.item, bytes)) {
            hh_semantics_queue_unwritten(desk->queue, made.item);
            desk->next_write = hh_steady_clock() + REWRITE_MS;
            return;
        }
        hh_metrics_add(desk->shared->metrics, HH_METRIC_SEMANTICS_VECTORS, 0, 1);
    }
}

// ---- once round ----

static size_t take_vectors(hh_semantics_desk *desk, int timeout_ms)
{
    rd_kafka_message_t *records[BATCH];
    size_t taken = hh_semantics_log_take(desk->log, HH_SEMANTICS_VECTORS, records, BATCH, timeout_ms);
    for (size_t i = 0; i < taken; i++) {
        if (desk->trouble == HH_OK)
            take_vector(desk, records[i]);
        rd_kafka_message_destroy(records[i]);
    }
    return taken;
}

// Those that are left over come first; what is asked of the provider is not to wait for the rest for long.
static void take_items(hh_semantics_desk *desk, int timeout_ms)
{
    if (desk->next_item == desk->item_count) {
        desk->item_count =
            hh_semantics_log_take(desk->log, HH_SEMANTICS_ITEMS, desk->items, BATCH, timeout_ms);
        desk->next_item = 0;
    }
    hh_time by = hh_steady_clock() + BUSY_MS;
    while (desk->next_item < desk->item_count && desk->trouble == HH_OK && hh_steady_clock() <= by) {
        if (!take_item(desk, desk->items[desk->next_item]))
            return;
        rd_kafka_message_destroy(desk->items[desk->next_item++]);
    }
}

static void begin(hh_semantics_desk *desk, hh_semantics_topic topic)
{
    hh_time steady = hh_steady_clock();
    if (steady < desk->next_begin) {
        nanosleep(&(struct timespec){.tv_nsec = IDLE_MS * 1000000L}, NULL);
        return;
    }
    if (hh_semantics_log_begin(desk->log, topic))
        desk->phase++;
    else
        desk->next_begin = hh_steady_clock() + AGAIN_MS;
    desk->next_look_up = hh_steady_clock() + LOOK_UP_MS;
}

static void load(hh_semantics_desk *desk, hh_semantics_topic topic)
{
    if (!hh_semantics_log_caught_up(desk->log, topic) || desk->next_item < desk->item_count) {
        if (topic == HH_SEMANTICS_VECTORS)
            take_vectors(desk, IDLE_MS);
        else
            take_items(desk, IDLE_MS);
        return;
    }
    desk->phase++;
    if (desk->phase == BEGIN_TEXTS && !desk->provider->functions->learn)
        desk->phase = BEGIN_ITEMS;
}

static void look_up(hh_semantics_desk *desk)
{
    if (hh_steady_clock() < desk->next_look_up)
        return;
    desk->next_look_up = hh_steady_clock() + LOOK_UP_MS;
    hh_semantics_log_look_up(desk->log, HH_SEMANTICS_VECTORS);
    hh_semantics_log_look_up(desk->log, HH_SEMANTICS_ITEMS);
}

static void work(hh_semantics_desk *desk)
{
    bool room = hh_semantics_queue_length(desk->queue) < desk->shared->config->semantics.queue;
    bool idle = hh_semantics_queue_length(desk->queue) == 0;
    size_t vectors = take_vectors(desk, room ? 0 : BUSY_MS);
    if (room)
        take_items(desk, vectors ? 0 : idle ? IDLE_MS : BUSY_MS);
    if (!hh_semantics_queue_turn(desk->queue, hh_steady_clock(), BUSY_MS, false))
        desk->trouble = HH_MEMORY;
    write_made(desk);
    hh_semantics_log_serve(desk->log);
    hh_metrics_set(desk->shared->metrics, HH_METRIC_SEMANTICS_QUEUE, 0,
                   hh_semantics_queue_length(desk->queue));
    look_up(desk);
}

hh_status hh_semantics_desk_turn(hh_semantics_desk *desk)
{
    switch (desk->phase) {
    case BEGIN_VECTORS:
        begin(desk, HH_SEMANTICS_VECTORS);
        break;
    case LOAD_VECTORS:
        load(desk, HH_SEMANTICS_VECTORS);
        break;
    case BEGIN_TEXTS:
    case BEGIN_ITEMS:
        begin(desk, HH_SEMANTICS_ITEMS);
        break;
    case LEARN_TEXTS:
        load(desk, HH_SEMANTICS_ITEMS);
        break;
    case WORK:
        work(desk);
        break;
    }
    return desk->trouble;
}

void hh_semantics_desk_finish(hh_semantics_desk *desk, hh_time by)
{
    while (hh_steady_clock() < by && !hh_out_of_time(desk->shared)) {
        hh_pulse_beat(desk->pulse);
        bool open = hh_semantics_queue_open(desk->queue) > 0;
        if (!hh_semantics_queue_turn(desk->queue, hh_steady_clock(), IDLE_MS, true))
            return;
        write_made(desk);
        int waiting = hh_semantics_log_serve(desk->log);
        if (!open && waiting == 0)
            return;
        if (!open)
            nanosleep(&(struct timespec){.tv_nsec = BUSY_MS * 1000000L}, NULL);
    }
}
