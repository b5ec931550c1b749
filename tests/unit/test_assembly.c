// Models out of the records of their topic: whole ones come through, and whatever else a topic may hold does
// not.
#include "daemon/assembly.h"
#include "fail_alloc.h"
#include "unit/small_model.h"

#include <stdio.h>

typedef struct message {
    char key[HH_MODEL_KEY_SIZE];
    size_t key_length;
    void *value;
    size_t length;
} message;

// The records of a model: chunks, then the manifest. Returns how many.
static size_t records_of(int64_t version, message *records, hh_manifest *manifest)
{
    void *bytes;
    size_t size, count = 0;
    hh_error error;
    hh_model *model = small_model();
    cr_assert_eq(hh_model_encode(model, &bytes, &size, &error), HH_OK);
    hh_model_free(model);
    *manifest = (hh_manifest){.version = version,
                              .promoted = true,
                              .trained = 1700000000000,
                              .as_of = -5,
                              .bytes = size,
                              .chunks = (uint32_t)((size + HH_MODEL_CHUNK - 1) / HH_MODEL_CHUNK),
                              .checksum = hh_model_checksum(bytes, size),
                              .sessions = 12,
                              .clicks = 50,
                              .items = SMALL_ITEMS,
                              .seconds = 0.5,
                              .instance = "one",
                              .text = "trained \"well\""};
    records[count].key_length = hh_model_key(version, 0, records[count].key);
    records[count].value = bytes;
    records[count++].length = size;
    records[count].key_length = hh_model_key(version, HH_MODEL_MANIFEST, records[count].key);
    records[count].value = hh_manifest_encode(manifest);
    cr_assert_not_null(records[count].value);
    records[count].length = strlen(records[count].value);
    return count + 1;
}

static hh_assembled take(hh_assembly *assembly, const message *record, hh_manifest *manifest,
                         hh_model **model, hh_error *error)
{
    return hh_assembly_take(assembly, record->key, record->key_length, record->value, record->length,
                            manifest, model, error);
}

static void free_records(message *records, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(records[i].value);
}

Test(assembly, chunks_and_manifest_make_a_model)
{
    message records[4];
    hh_manifest written, manifest;
    hh_model *model, *original = small_model();
    hh_error error;
    hh_assembly assembly = {0};
    size_t count = records_of(7, records, &written);
    cr_assert_eq(take(&assembly, &records[0], &manifest, &model, &error), HH_ASSEMBLED_NOTHING);
    cr_assert_eq(take(&assembly, &records[1], &manifest, &model, &error), HH_ASSEMBLED_MODEL, "%s",
                 error.message);
    cr_assert_eq(hh_model_digest(model), hh_model_digest(original));
    cr_assert(manifest.version == 7 && manifest.as_of == -5 && manifest.items == SMALL_ITEMS);
    cr_assert_str_eq(manifest.text, written.text);
    cr_assert_eq(assembly.bytes, NULL, "nothing is held any more");
    hh_model_free(model);
    hh_model_free(original);
    free_records(records, count);
}

Test(assembly, a_rejected_one_has_no_bytes)
{
    message records[4];
    hh_manifest written, manifest;
    hh_model *model;
    hh_error error;
    hh_assembly assembly = {0};
    size_t count = records_of(3, records, &written);
    written.promoted = false;
    written.bytes = written.chunks = 0;
    char *text = hh_manifest_encode(&written);
    cr_assert_eq(hh_assembly_take(&assembly, "3/manifest", 10, text, strlen(text), &manifest, &model, &error),
                 HH_ASSEMBLED_REJECTED);
    cr_assert(!manifest.promoted && manifest.version == 3);
    free(text);
    free_records(records, count);
}

// Whatever is changed, left out or put twice: no model comes of it, and the next whole one is taken.
Test(assembly, what_is_damaged_is_refused_and_the_next_one_taken)
{
    for (int damage = 0; damage < 9; damage++) {
        message records[4];
        hh_manifest written, manifest;
        hh_model *model;
        hh_error error = {0};
        hh_assembly assembly = {0};
        size_t count = records_of(7, records, &written);
        message *chunk = &records[0], *last = &records[1];
        switch (damage) {
        case 0: // a bit
            ((char *)chunk->value)[chunk->length / 2] ^= 4;
            break;
        case 1: // its end
            chunk->length--;
            break;
        case 2: // another version's manifest
            last->key_length = hh_model_key(8, HH_MODEL_MANIFEST, last->key);
            break;
        case 3: // not the first chunk
            chunk->key_length = hh_model_key(7, 1, chunk->key);
            break;
        case 4: // an empty chunk
            chunk->length = 0;
            break;
        case 5: // no JSON
            last->length /= 2;
            break;
        case 6: // a key that is none
            memcpy(chunk->key, "x", 1);
            break;
        case 7: // a number where there is none
            memcpy(strstr(last->value, "\"as_of\":-5"), "\"as_of\":[]", 10);
            break;
        default: // bytes that are no model, with the right checksum
            memset(chunk->value, 'x', chunk->length);
            written.checksum = hh_model_checksum(chunk->value, chunk->length);
            free(last->value);
            last->value = hh_manifest_encode(&written);
            last->length = strlen(last->value);
        }
        take(&assembly, chunk, &manifest, &model, &error);
        cr_assert_null(model);
        cr_assert_eq(take(&assembly, last, &manifest, &model, &error), HH_ASSEMBLED_BAD, "%d", damage);
        cr_assert_null(model);
        cr_assert_eq(error.status, HH_FORMAT);
        cr_assert(error.message[0], "%d", damage);
        free_records(records, count);
        count = records_of(9, records, &written);
        take(&assembly, &records[0], &manifest, &model, &error);
        cr_assert_eq(take(&assembly, &records[1], &manifest, &model, &error), HH_ASSEMBLED_MODEL, "%d",
                     damage);
        hh_model_free(model);
        free_records(records, count);
        hh_assembly_clear(&assembly);
    }
}

Test(assembly, what_compaction_leaves_of_old_models_is_passed_over)
{
    message records[4];
    hh_manifest written, manifest;
    hh_model *model;
    hh_error error;
    hh_assembly assembly = {0};
    size_t count = records_of(9, records, &written);
    cr_assert_eq(hh_assembly_take(&assembly, "2/1", 3, "rest", 4, &manifest, &model, &error),
                 HH_ASSEMBLED_NOTHING);
    cr_assert_eq(hh_assembly_take(&assembly, "1/manifest", 10, NULL, 0, &manifest, &model, &error),
                 HH_ASSEMBLED_NOTHING);
    cr_assert_eq(take(&assembly, &records[0], &manifest, &model, &error), HH_ASSEMBLED_NOTHING);
    cr_assert_eq(hh_assembly_take(&assembly, "1/0", 3, NULL, 0, &manifest, &model, &error),
                 HH_ASSEMBLED_NOTHING);
    cr_assert_eq(take(&assembly, &records[1], &manifest, &model, &error), HH_ASSEMBLED_MODEL);
    hh_model_free(model);
    free_records(records, count);
}

Test(assembly, keys_have_one_spelling)
{
    int64_t version;
    int32_t chunk;
    const char *bad[] = {"",
                         "/",
                         "7",
                         "7/",
                         "/1",
                         "07/1",
                         "7/01",
                         "7/-2",
                         "-7/1",
                         "0/1",
                         "7/1 ",
                         " 7/1",
                         "7/+1",
                         "7/manifesto",
                         "9223372036854775808/1",
                         "7/2147483648",
                         "7/1/1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_not(hh_model_key_parse(bad[i], strlen(bad[i]), &version, &chunk), "%s", bad[i]);
    cr_assert_not(hh_model_key_parse("7/1\0", 4, &version, &chunk));
    cr_assert_not(hh_model_key_parse(NULL, 0, &version, &chunk));
    cr_assert_not(hh_model_key_parse("1000000000000000/1", 18, &version, &chunk), "none could come after it");
    cr_assert(hh_model_key_parse("999999999999999/1", 17, &version, &chunk) &&
              version == HH_MODEL_VERSION_MAX);
    cr_assert(hh_model_key_parse("7/12", 4, &version, &chunk) && version == 7 && chunk == 12);
    cr_assert(hh_model_key_parse("7/manifest", 10, &version, &chunk) && chunk == HH_MODEL_MANIFEST);
}

Test(assembly, out_of_memory)
{
    message records[4];
    hh_manifest written, manifest;
    hh_error error;
    size_t count = records_of(7, records, &written);
    for (long n = 0;; n++) {
        hh_assembly assembly = {0};
        hh_model *model = NULL;
        hh_assembled result = HH_ASSEMBLED_NOTHING;
        fail_alloc_at(n);
        for (size_t i = 0; i < count && result == HH_ASSEMBLED_NOTHING; i++)
            result = take(&assembly, &records[i], &manifest, &model, &error);
        bool failed = fail_alloc_done();
        hh_assembly_clear(&assembly);
        if (!failed) {
            cr_assert_eq(result, HH_ASSEMBLED_MODEL);
            hh_model_free(model);
            break;
        }
        cr_assert_eq(result, HH_ASSEMBLED_BAD);
        cr_assert_null(model);
    }
    free_records(records, count);
}
