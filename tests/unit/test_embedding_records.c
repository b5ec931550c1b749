// Item vectors on their topic: what is written is read by others and by hiphop alike, and out of the records
// comes the snapshot, or why there is none.
#include <criterion/criterion.h>

#include "fail_alloc.h"
#include "wire/embedding_set.h"
#include "wire/schemas.h"

#include <avro.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define T(literal)                   \
    {                                \
        literal, sizeof(literal) - 1 \
    } // a hh_text

static const float numbers[4] = {0.25f, -0.1f, -0.0f, 1e-30f};
static const hh_embedding_record vector = {
    .kind = HH_EMBEDDING_VECTOR, .version = 7, .item = T("i\"1\n"), .vector = numbers, .dimension = 4};
static const hh_embedding_record mark = {.kind = HH_EMBEDDING_BEGIN,
                                         .version = INT64_MAX,
                                         .snapshot = {.count = 160,
                                                      .dimension = 4,
                                                      .checksum = 0x0123456789abcdef,
                                                      .since_full = 3,
                                                      .written = 12,
                                                      .removed = 1,
                                                      .scale = 12,
                                                      .tolerance = 0.02f}};
static hh_error error;

static hh_encoder *encoder(hh_format format)
{
    hh_encoder *made = hh_encoder_new(format, &error);
    cr_assert_not_null(made);
    return made;
}

// ---- records ----

Test(embedding_records, json_mirrors_the_schema)
{
    hh_encoder *json = encoder(HH_FORMAT_JSON);
    hh_text bytes;
    static const char of_vector[] = "{\"kind\":\"vector\",\"version\":7,\"item\":\"i\\\"1\\n\",\"vector\":"
                                    "[0.25,-0.100000001,-0.0,1e-30],\"snapshot\":null}";
    static const char of_mark[] =
        "{\"kind\":\"begin\",\"version\":9223372036854775807,\"item\":null,\"vector\":null,\"snapshot\":{"
        "\"count\":160,\"dimension\":4,\"checksum\":\"0123456789abcdef\",\"since_full\":3,\"written\":12,"
        "\"removed\":1,\"scale\":12,\"tolerance\":0.02}}";
    cr_assert_eq(hh_encode_embedding(json, &vector, &bytes), HH_OK);
    cr_assert(bytes.length == strlen(of_vector) && memcmp(bytes.bytes, of_vector, bytes.length) == 0, "%.*s",
              (int)bytes.length, bytes.bytes);
    cr_assert_eq(hh_encode_embedding(json, &mark, &bytes), HH_OK);
    cr_assert(bytes.length == strlen(of_mark) && memcmp(bytes.bytes, of_mark, bytes.length) == 0, "%.*s",
              (int)bytes.length, bytes.bytes);
    hh_encoder_free(json);
}

static avro_value_t field(avro_value_t *of, const char *name)
{
    avro_value_t found;
    cr_assert_eq(avro_value_get_by_name(of, name, &found, NULL), 0, "%s", name);
    return found;
}

// The branch of a union that is not null; false: it is null.
static bool there(avro_value_t *of, const char *name, avro_value_t *found)
{
    avro_value_t branches = field(of, name);
    int which;
    cr_assert_eq(avro_value_get_discriminant(&branches, &which), 0);
    cr_assert_eq(avro_value_get_current_branch(&branches, found), 0);
    return which == 1;
}

Test(embedding_records, avro_c_reads_them_by_the_schema)
{
    hh_encoder *avro = encoder(HH_FORMAT_AVRO);
    avro_schema_t schema;
    cr_assert_eq(avro_schema_from_json_length(hh_schema_embedding, strlen(hh_schema_embedding), &schema), 0);
    avro_value_iface_t *class = avro_generic_class_from_schema(schema);
    for (int kind = 0; kind < 2; kind++) {
        hh_text bytes;
        avro_value_t value, found, snapshot;
        cr_assert_eq(hh_encode_embedding(avro, kind ? &mark : &vector, &bytes), HH_OK);
        avro_generic_value_new(class, &value);
        avro_reader_t reader = avro_reader_memory(bytes.bytes, (int64_t)bytes.length);
        cr_assert_eq(avro_value_read(reader, &value), 0, "%s", avro_strerror());
        char one;
        cr_assert_neq(avro_read(reader, &one, 1), 0, "bytes are left over");
        const char *text;
        const void *raw;
        size_t size;
        int64_t version;
        found = field(&value, "kind");
        avro_value_get_string(&found, &text, &size);
        cr_assert_str_eq(text, kind ? "begin" : "vector");
        found = field(&value, "version");
        avro_value_get_long(&found, &version);
        cr_assert_eq(version, kind ? INT64_MAX : 7);
        cr_assert_eq(there(&value, "item", &found), !kind);
        if (!kind) {
            avro_value_get_string(&found, &text, &size);
            cr_assert_str_eq(text, "i\"1\n");
        }
        cr_assert_eq(there(&value, "vector", &found), !kind);
        if (!kind) {
            avro_value_get_bytes(&found, &raw, &size);
            cr_assert(size == sizeof numbers && memcmp(raw, numbers, size) == 0);
        }
        cr_assert_eq(there(&value, "snapshot", &snapshot), kind);
        if (kind) {
            static const char *const counts[] = {"count", "dimension", "since_full", "written", "removed"};
            static const int32_t wanted[] = {160, 4, 3, 12, 1};
            for (int i = 0; i < 5; i++) {
                int32_t count;
                found = field(&snapshot, counts[i]);
                avro_value_get_int(&found, &count);
                cr_assert_eq(count, wanted[i], "%s", counts[i]);
            }
            found = field(&snapshot, "checksum");
            avro_value_get_string(&found, &text, &size);
            cr_assert_str_eq(text, "0123456789abcdef");
            float tolerance;
            found = field(&snapshot, "tolerance");
            avro_value_get_float(&found, &tolerance);
            cr_assert_eq(tolerance, 0.02f);
        }
        avro_reader_free(reader);
        avro_value_decref(&value);
    }
    avro_value_iface_decref(class);
    avro_schema_decref(schema);
    hh_encoder_free(avro);
}

static void check_same(const hh_embedding_record *a, const hh_embedding_record *b)
{
    cr_assert(a->kind == b->kind && a->version == b->version);
    if (a->kind == HH_EMBEDDING_VECTOR) {
        cr_assert(a->item.length == b->item.length && a->dimension == b->dimension);
        cr_assert_eq(memcmp(a->item.bytes, b->item.bytes, a->item.length), 0);
        cr_assert_eq(memcmp(a->vector, b->vector, a->dimension * sizeof *a->vector), 0);
        return;
    }
    cr_assert(a->snapshot.count == b->snapshot.count && a->snapshot.dimension == b->snapshot.dimension &&
              a->snapshot.checksum == b->snapshot.checksum &&
              a->snapshot.since_full == b->snapshot.since_full &&
              a->snapshot.written == b->snapshot.written && a->snapshot.removed == b->snapshot.removed &&
              a->snapshot.scale == b->snapshot.scale && a->snapshot.tolerance == b->snapshot.tolerance);
    cr_assert_eq(b->snapshot.version, a->version);
}

// What is written is read back bit for bit; cut short anywhere it is refused.
Test(embedding_records, come_back_as_they_were_and_whole)
{
    static float many[HH_EMBEDDING_DIMENSION_MAX];
    for (int i = 0; i < HH_EMBEDDING_DIMENSION_MAX; i++)
        many[i] = sinf((float)i * 1.7f) * powf(10, (float)(i % 77) - 38);
    hh_embedding_record wide = vector, end = mark;
    wide.vector = many;
    wide.dimension = HH_EMBEDDING_DIMENSION_MAX;
    end.kind = HH_EMBEDDING_END;
    end.version = 1;
    const hh_embedding_record *const all[] = {&vector, &mark, &end, &wide};
    hh_embedding_decoder *decoder = hh_embedding_decoder_new(&error);
    for (hh_format format = HH_FORMAT_JSON; format <= HH_FORMAT_AVRO; format++) {
        hh_encoder *out = encoder(format);
        for (int i = 0; i < 4; i++) {
            hh_text bytes;
            hh_embedding_record read;
            cr_assert_eq(hh_encode_embedding(out, all[i], &bytes), HH_OK);
            cr_assert_eq(hh_embedding_decode(decoder, bytes.bytes, bytes.length, &read, &error), HH_OK, "%s",
                         error.message);
            check_same(all[i], &read);
            for (size_t cut = 0; cut < bytes.length; cut += i == 3 ? 997 : 1)
                cr_assert_eq(hh_embedding_decode(decoder, bytes.bytes, cut, &read, &error), HH_FORMAT);
        }
        hh_encoder_free(out);
    }
    hh_embedding_decoder_free(decoder);
}

Test(embedding_records, what_nobody_could_read_is_not_written)
{
    for (hh_format format = HH_FORMAT_JSON; format <= HH_FORMAT_AVRO; format++) {
        hh_encoder *out = encoder(format);
        hh_text bytes;
        float bad[2] = {0, NAN};
        static char long_id[HH_ID_MAX + 1];
        memset(long_id, 'x', sizeof long_id);
        const hh_text ids[] = {T(""), T("a\0b"), T("\xff"), {long_id, sizeof long_id}};
        hh_embedding_record record = vector;
        for (int i = 0; i < 4; i++) {
            record.item = ids[i];
            cr_assert_eq(hh_encode_embedding(out, &record, &bytes), HH_FORMAT, "%d", i);
        }
        record = vector;
        record.vector = bad;
        record.dimension = 2;
        cr_assert_eq(hh_encode_embedding(out, &record, &bytes), HH_FORMAT);
        record.dimension = 0;
        cr_assert_eq(hh_encode_embedding(out, &record, &bytes), HH_FORMAT);
        cr_assert_eq(hh_encode_embedding(out, &vector, &bytes), HH_OK, "a failure must not stick");
        hh_encoder_free(out);
    }
}

Test(embedding_records, json_of_others_is_looked_at_twice)
{
    static const char *const bad[] = {
        "{}",
        "{\"kind\":\"vector\"}",
        "{\"kind\":\"middle\",\"version\":1}",
        "{\"kind\":7,\"version\":1}",
        "{\"kind\":\"vector\",\"version\":0,\"item\":\"a\",\"vector\":[1]}",
        "{\"kind\":\"vector\",\"version\":1.5,\"item\":\"a\",\"vector\":[1]}",
        "{\"kind\":\"vector\",\"version\":1,\"item\":\"\",\"vector\":[1]}",
        "{\"kind\":\"vector\",\"version\":1,\"item\":null,\"vector\":[1]}",
        "{\"kind\":\"vector\",\"version\":1,\"item\":\"a\",\"vector\":[]}",
        "{\"kind\":\"vector\",\"version\":1,\"item\":\"a\",\"vector\":[null]}",
        "{\"kind\":\"vector\",\"version\":1,\"item\":\"a\",\"vector\":[1e39]}",
        "{\"kind\":\"vector\",\"version\":1,\"item\":\"a\",\"vector\":\"AAAA\"}",
        "{\"kind\":\"end\",\"version\":1,\"snapshot\":null}",
        "{\"kind\":\"end\",\"version\":1,\"snapshot\":{\"count\":1,\"dimension\":1,\"checksum\":\"12\","
        "\"since_full\":0,\"written\":0,\"removed\":0,\"scale\":1,\"tolerance\":0}}",
        "{\"kind\":\"end\",\"version\":1,\"snapshot\":{\"count\":-1,\"dimension\":1,\"checksum\":"
        "\"0123456789abcdef\",\"since_full\":0,\"written\":0,\"removed\":0,\"scale\":1,\"tolerance\":0}}",
        "{\"kind\":\"end\",\"version\":1,\"snapshot\":{\"count\":1,\"dimension\":4097,\"checksum\":"
        "\"0123456789abcdef\",\"since_full\":0,\"written\":0,\"removed\":0,\"scale\":1,\"tolerance\":0}}",
        "{\"kind\":\"end\",\"version\":1,\"snapshot\":{\"count\":1,\"dimension\":1,\"checksum\":"
        "\"0123456789abcdef\",\"since_full\":0,\"written\":0,\"removed\":0,\"scale\":1e300,\"tolerance\":0}}",
    };
    hh_embedding_decoder *decoder = hh_embedding_decoder_new(&error);
    hh_embedding_record read;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_eq(hh_embedding_decode(decoder, bad[i], strlen(bad[i]), &read, &error), HH_FORMAT, "%s",
                     bad[i]);
    cr_assert_eq(hh_embedding_decode(decoder, NULL, 0, &read, &error), HH_FORMAT);
    hh_embedding_decoder_free(decoder);
}

// The recipe of the documentation, by python-xxhash: xxh3_64_intdigest(vector, xxh3_64_intdigest(b"a")).
Test(embedding_records, the_checksum_is_that_of_the_documentation)
{
    static const float one[2] = {1, 0};
    cr_assert_eq(hh_embedding_checksum((hh_text)T("a"), one, 2), UINT64_C(0x8325b3b6966acb62));
}

// ---- the set ----

static const hh_text A = T("a"), B = T("b"), C = T("c");
static const float x[2] = {1, 0}, y[2] = {0, 1}, z[3] = {0, 0, 1};

typedef struct topic { // a set, and who writes what it reads
    hh_embedding_set *set;
    hh_encoder *encoder;
} topic;

static topic open_topic(hh_format format)
{
    topic made = {hh_embedding_set_new(&error), encoder(format)};
    cr_assert_not_null(made.set);
    return made;
}

static void close_topic(topic *self)
{
    hh_embedding_set_free(self->set);
    hh_encoder_free(self->encoder);
}

static hh_status write_record(topic *self, const hh_embedding_record *record)
{
    hh_text bytes, key = record->kind == HH_EMBEDDING_VECTOR ? record->item : hh_embedding_mark(record->kind);
    cr_assert_eq(hh_encode_embedding(self->encoder, record, &bytes), HH_OK);
    return hh_embedding_set_take(self->set, key, bytes.bytes, bytes.length, &error);
}

static hh_status write_vector(topic *self, int64_t version, hh_text item, const float *of, uint32_t dimension)
{
    hh_embedding_record record = {
        .kind = HH_EMBEDDING_VECTOR, .version = version, .item = item, .vector = of, .dimension = dimension};
    return write_record(self, &record);
}

static hh_status write_mark(topic *self, hh_embedding_kind kind, int64_t version, uint32_t count,
                            uint64_t checksum)
{
    hh_embedding_record record = {
        .kind = kind, .version = version, .snapshot = {.count = count, .dimension = 2, .checksum = checksum}};
    return write_record(self, &record);
}

static uint64_t sum_of(hh_text one, const float *v, hh_text other, const float *w)
{
    return hh_embedding_checksum(one, v, 2) + hh_embedding_checksum(other, w, 2);
}

static hh_status check(const topic *self)
{
    hh_snapshot snapshot;
    return hh_embedding_set_check(self->set, &snapshot, &error);
}

Test(embedding_set, knows_when_a_snapshot_is_whole)
{
    for (hh_format format = HH_FORMAT_JSON; format <= HH_FORMAT_AVRO; format++) {
        topic on = open_topic(format);
        uint64_t first = sum_of(A, x, B, y), second = sum_of(A, x, C, x);
        cr_assert_eq(check(&on), HH_NOT_FOUND);
        write_mark(&on, HH_EMBEDDING_BEGIN, 1, 2, first);
        write_vector(&on, 1, A, x, 2);
        cr_assert_eq(check(&on), HH_FORMAT);
        write_vector(&on, 1, B, y, 2);
        cr_assert_eq(check(&on), HH_FORMAT, "it has not ended");
        write_mark(&on, HH_EMBEDDING_END, 1, 2, first);
        cr_assert_eq(check(&on), HH_OK, "%s", error.message);
        // The next one: a new item, one that goes, one that stays.
        write_mark(&on, HH_EMBEDDING_BEGIN, 2, 2, second);
        cr_assert_eq(hh_embedding_set_take(on.set, B, NULL, 0, &error), HH_OK);
        write_vector(&on, 2, C, x, 2);
        write_mark(&on, HH_EMBEDDING_END, 1, 2, first);
        cr_assert_eq(check(&on), HH_FORMAT, "this is the end of another");
        write_mark(&on, HH_EMBEDDING_END, 2, 2, second);
        hh_snapshot snapshot;
        cr_assert_eq(hh_embedding_set_check(on.set, &snapshot, &error), HH_OK, "%s", error.message);
        cr_assert(snapshot.version == 2 && snapshot.count == 2);
        hh_embedding found;
        cr_assert_not(hh_embedding_set_find(on.set, B, &found));
        cr_assert(hh_embedding_set_find(on.set, C, &found) && found.vector[0] == 1 && found.dimension == 2);
        cr_assert_eq(hh_embedding_set_count(on.set), 2);
        close_topic(&on);
    }
}

Test(embedding_set, what_does_not_fit_is_said_and_made_good)
{
    topic on = open_topic(HH_FORMAT_JSON);
    uint64_t sum = sum_of(A, x, B, y);
    write_mark(&on, HH_EMBEDDING_BEGIN, 1, 2, sum);
    write_vector(&on, 1, A, x, 2);
    write_mark(&on, HH_EMBEDDING_END, 1, 2, sum);
    cr_assert_eq(check(&on), HH_FORMAT);
    cr_assert_not_null(strstr(error.message, "2 vectors, and 1"), "%s", error.message);
    write_vector(&on, 1, B, x, 2); // not what was summed up
    cr_assert_eq(check(&on), HH_FORMAT);
    cr_assert_not_null(strstr(error.message, "checksum"), "%s", error.message);
    write_vector(&on, 1, B, z, 3);
    cr_assert_eq(check(&on), HH_FORMAT);
    cr_assert_not_null(strstr(error.message, "has 3 numbers"), "%s", error.message);
    cr_assert_eq(hh_embedding_set_take(on.set, B, "rubbish", 7, &error), HH_FORMAT);
    hh_embedding found;
    cr_assert(hh_embedding_set_find(on.set, B, &found) && !found.vector, "its record must be replaced");
    cr_assert_eq(check(&on), HH_FORMAT);
    cr_assert_not_null(strstr(error.message, "can't be read"), "%s", error.message);
    write_vector(&on, 1, B, y, 2);
    cr_assert_eq(check(&on), HH_OK, "%s", error.message);
    cr_assert_eq(hh_embedding_set_take(on.set, hh_embedding_mark(HH_EMBEDDING_END), "{}", 2, &error),
                 HH_FORMAT);
    cr_assert_eq(check(&on), HH_FORMAT);
    cr_assert_not_null(strstr(error.message, "mark"), "%s", error.message);
    write_mark(&on, HH_EMBEDDING_END, 1, 2, sum);
    cr_assert_eq(check(&on), HH_OK);
    close_topic(&on);
}

// Something stands there, so "nothing has been published" would send its reader the wrong way.
Test(embedding_set, a_mark_that_can_not_be_read_is_told_from_none)
{
    topic on = open_topic(HH_FORMAT_JSON);
    hh_text begin = hh_embedding_mark(HH_EMBEDDING_BEGIN);
    uint64_t sum = sum_of(A, x, B, y);
    cr_assert_eq(hh_embedding_set_take(on.set, begin, "{}", 2, &error), HH_FORMAT);
    write_vector(&on, 1, A, x, 2);
    write_vector(&on, 1, B, y, 2);
    write_mark(&on, HH_EMBEDDING_END, 1, 2, sum);
    cr_assert_eq(check(&on), HH_FORMAT);
    cr_assert_not_null(strstr(error.message, "mark"), "%s", error.message);
    write_mark(&on, HH_EMBEDDING_BEGIN, 1, 2, sum);
    cr_assert_eq(check(&on), HH_FORMAT);
    cr_assert_not_null(strstr(error.message, "not ended"), "%s", error.message);
    write_mark(&on, HH_EMBEDDING_END, 1, 2, sum);
    cr_assert_eq(check(&on), HH_OK, "%s", error.message);
    close_topic(&on);
}

Test(embedding_set, keys_are_what_they_say)
{
    topic on = open_topic(HH_FORMAT_AVRO);
    hh_text bytes, no_key = {NULL, 0}, strange = T("\0middle"), empty = T("");
    hh_embedding_record record = {
        .kind = HH_EMBEDDING_VECTOR, .version = 1, .item = A, .vector = x, .dimension = 2};
    cr_assert_eq(hh_encode_embedding(on.encoder, &record, &bytes), HH_OK);
    cr_assert_eq(hh_embedding_set_take(on.set, no_key, bytes.bytes, bytes.length, &error), HH_FORMAT);
    cr_assert_eq(hh_embedding_set_take(on.set, empty, bytes.bytes, bytes.length, &error), HH_FORMAT);
    cr_assert_eq(hh_embedding_set_take(on.set, strange, bytes.bytes, bytes.length, &error), HH_FORMAT);
    cr_assert_eq(hh_embedding_set_count(on.set), 0);
    hh_text begin = hh_embedding_mark(HH_EMBEDDING_BEGIN);
    cr_assert_eq(hh_embedding_set_take(on.set, begin, bytes.bytes, bytes.length, &error), HH_FORMAT);
    cr_assert_eq(hh_embedding_set_take(on.set, begin, NULL, 0, &error), HH_FORMAT);
    cr_assert_eq(hh_embedding_set_take(on.set, B, bytes.bytes, bytes.length, &error), HH_FORMAT,
                 "the vector of another item");
    cr_assert_eq(hh_embedding_set_take(on.set, A, bytes.bytes, bytes.length, &error), HH_OK);
    hh_embedding_set_remove(on.set, C); // of which nothing is known
    hh_embedding_set_remove(on.set, B);
    hh_embedding_set_remove(on.set, A);
    cr_assert_eq(hh_embedding_set_count(on.set), 0);
    close_topic(&on);
}

// Many items, some of which go: numbers are used again, and nothing is mixed up.
Test(embedding_set, many_items_come_and_go)
{
    topic on = open_topic(HH_FORMAT_AVRO);
    char id[16];
    hh_embedding found;
    for (int i = 0; i < 3000; i++) {
        float v[2] = {(float)i, 1};
        cr_assert_eq(write_vector(&on, 1, (hh_text){id, (size_t)snprintf(id, sizeof id, "i%d", i)}, v, 2),
                     HH_OK);
        if (i >= 1000)
            hh_embedding_set_remove(on.set, (hh_text){id, (size_t)snprintf(id, sizeof id, "i%d", i - 1000)});
    }
    cr_assert_eq(hh_embedding_set_count(on.set), 1000);
    for (int i = 0; i < 3000; i++) {
        bool known =
            hh_embedding_set_find(on.set, (hh_text){id, (size_t)snprintf(id, sizeof id, "i%d", i)}, &found);
        cr_assert_eq(known, i >= 2000);
        cr_assert(!known || found.vector[0] == (float)i);
    }
    size_t seen = 0;
    for (size_t i = 0; i < hh_embedding_set_end(on.set); i++)
        seen += hh_embedding_set_at(on.set, i, &found);
    cr_assert_eq(seen, 1000);
    close_topic(&on);
}

Test(embedding_set, every_allocation_may_fail)
{
    hh_encoder *out = encoder(HH_FORMAT_AVRO);
    hh_text bytes;
    char *record[300];
    size_t length[300];
    char id[300][8];
    for (int i = 0; i < 300; i++) {
        hh_embedding_record one = {.kind = HH_EMBEDDING_VECTOR, .version = 1, .vector = x, .dimension = 2};
        one.item = (hh_text){id[i], (size_t)snprintf(id[i], sizeof id[i], "i%d", i)};
        cr_assert_eq(hh_encode_embedding(out, &one, &bytes), HH_OK);
        record[i] = malloc(bytes.length);
        memcpy(record[i], bytes.bytes, length[i] = bytes.length);
    }
    long n = 0;
    for (;; n++) {
        hh_status status = HH_OK;
        fail_alloc_at(n);
        hh_embedding_set *set = hh_embedding_set_new(&error);
        for (int i = 0; set && status == HH_OK && i < 300; i++)
            status =
                hh_embedding_set_take(set, (hh_text){id[i], strlen(id[i])}, record[i], length[i], &error);
        bool failed = fail_alloc_done();
        cr_assert_eq(failed, !set || status == HH_MEMORY);
        hh_embedding_set_free(set);
        if (!failed)
            break;
    }
    cr_assert_gt(n, 300);
    for (int i = 0; i < 300; i++)
        free(record[i]);
    hh_encoder_free(out);
}
