// Keys and manifests of models.
#include "wire/model_records.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define MANIFEST_WORD "manifest"

size_t hh_model_key(int64_t version, int32_t chunk, char key[HH_MODEL_KEY_SIZE])
{
    int length = chunk == HH_MODEL_MANIFEST
                     ? snprintf(key, HH_MODEL_KEY_SIZE, "%lld/" MANIFEST_WORD, (long long)version)
                     : snprintf(key, HH_MODEL_KEY_SIZE, "%lld/%d", (long long)version, chunk);
    return (size_t)length;
}

bool hh_model_key_parse(const void *key, size_t length, int64_t *version, int32_t *chunk)
{
    char text[HH_MODEL_KEY_SIZE], again[HH_MODEL_KEY_SIZE];
    if (!key || length == 0 || length >= sizeof text)
        return false;
    memcpy(text, key, length);
    text[length] = '\0';
    char *slash = strchr(text, '/');
    if (!slash)
        return false;
    *version = strtoll(text, NULL, 10);
    *chunk = strcmp(slash + 1, MANIFEST_WORD) == 0 ? HH_MODEL_MANIFEST : (int32_t)strtol(slash + 1, NULL, 10);
    // There is one way to write a key: what is written otherwise is another one.
    return *version >= 1 && *version <= HH_MODEL_VERSION_MAX && *chunk >= HH_MODEL_MANIFEST &&
           hh_model_key(*version, *chunk, again) == length && memcmp(key, again, length) == 0;
}

uint64_t hh_model_checksum(const void *bytes, size_t size)
{
    return XXH3_64bits(bytes, size);
}

char *hh_manifest_encode(const hh_manifest *manifest)
{
    char checksum[17];
    snprintf(checksum, sizeof checksum, "%016llx", (unsigned long long)manifest->checksum);
    json_t *json = json_pack(
        "{s:I, s:s, s:I, s:I, s:I, s:I, s:s, s:I, s:I, s:I, s:f, s:s, s:s}", "version",
        (json_int_t)manifest->version, "status", manifest->promoted ? "promoted" : "rejected", "trained",
        (json_int_t)manifest->trained, "as_of", (json_int_t)manifest->as_of, "bytes",
        (json_int_t)manifest->bytes, "chunks", (json_int_t)manifest->chunks, "checksum", checksum, "sessions",
        (json_int_t)manifest->sessions, "clicks", (json_int_t)manifest->clicks, "items",
        (json_int_t)manifest->items, "seconds", isfinite(manifest->seconds) ? manifest->seconds : 0.0,
        "instance", manifest->instance, "text", manifest->text);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return text;
}

// ---- reading ----

static hh_status wrong(hh_error *error, const char *field)
{
    return hh_fail(error, HH_FORMAT, "the manifest's field \"%s\" is missing or wrong", field);
}

static bool whole(const json_t *json, const char *field, int64_t low, int64_t high, int64_t *value)
{
    const json_t *found = json_object_get(json, field);
    *value = json_integer_value(found);
    return json_is_integer(found) && *value >= low && *value <= high;
}

static bool text_of(const json_t *json, const char *field, char *text, size_t size)
{
    const char *found = json_string_value(json_object_get(json, field));
    return found && (size_t)snprintf(text, size, "%s", found) < size;
}

static hh_status read_fields(const json_t *json, hh_manifest *manifest, hh_error *error)
{
    const struct {
        const char *name;
        int64_t low, high;
    } rows[] = {
        {"version", 1, HH_MODEL_VERSION_MAX},
        {"trained", INT64_MIN, INT64_MAX},
        {"as_of", INT64_MIN, INT64_MAX},
        {"bytes", 0, HH_MODEL_BYTES_MAX},
        {"chunks", 0, INT32_MAX},
        {"sessions", 0, INT64_MAX},
        {"clicks", 0, INT64_MAX},
        {"items", 0, UINT32_MAX},
    };
    enum { ROWS = sizeof rows / sizeof *rows };
    int64_t value[ROWS];
    char status[16], checksum[24], *end;
    for (size_t i = 0; i < ROWS; i++)
        if (!whole(json, rows[i].name, rows[i].low, rows[i].high, &value[i]))
            return wrong(error, rows[i].name);
    if (!text_of(json, "status", status, sizeof status))
        return wrong(error, "status");
    if (!text_of(json, "checksum", checksum, sizeof checksum))
        return wrong(error, "checksum");
    manifest->version = value[0];
    manifest->trained = value[1];
    manifest->as_of = value[2];
    manifest->bytes = (uint64_t)value[3];
    manifest->chunks = (uint32_t)value[4];
    manifest->sessions = (uint64_t)value[5];
    manifest->clicks = (uint64_t)value[6];
    manifest->items = (uint32_t)value[7];
    manifest->seconds = json_number_value(json_object_get(json, "seconds"));
    manifest->promoted = strcmp(status, "promoted") == 0;
    if (!manifest->promoted && strcmp(status, "rejected") != 0)
        return wrong(error, "status");
    manifest->checksum = strtoull(checksum, &end, 16);
    if (strlen(checksum) != 16 || *end)
        return wrong(error, "checksum");
    // So many bytes make so many chunks, each full but the last.
    uint64_t chunks = (manifest->bytes + HH_MODEL_CHUNK - 1) / HH_MODEL_CHUNK;
    if (manifest->chunks != chunks || (manifest->promoted && chunks == 0))
        return wrong(error, "chunks");
    if (!text_of(json, "instance", manifest->instance, sizeof manifest->instance))
        return wrong(error, "instance");
    if (!text_of(json, "text", manifest->text, sizeof manifest->text))
        return wrong(error, "text");
    return HH_OK;
}

hh_status hh_manifest_decode(const void *bytes, size_t length, hh_manifest *manifest, hh_error *error)
{
    json_error_t trouble;
    *manifest = (hh_manifest){0};
    json_t *json = bytes ? json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &trouble) : NULL;
    if (!json_is_object(json)) {
        json_decref(json);
        return hh_fail(error, HH_FORMAT, "the manifest is no JSON object");
    }
    hh_status status = read_fields(json, manifest, error);
    json_decref(json);
    return status;
}
