// Chunks to models.
#include "assembly.h"

#include <stdlib.h>
#include <string.h>

void hh_assembly_clear(hh_assembly *assembly)
{
    free(assembly->bytes);
    *assembly = (hh_assembly){0};
}

static hh_assembled bad(hh_assembly *assembly)
{
    hh_assembly_clear(assembly);
    return HH_ASSEMBLED_BAD;
}

static hh_assembled take_chunk(hh_assembly *assembly, int64_t version, int32_t chunk, const void *value,
                               size_t length, hh_error *error)
{
    if (chunk == 0)
        hh_assembly_clear(assembly);
    if (assembly->version != version && chunk > 0)
        return HH_ASSEMBLED_NOTHING; // its begin is gone: an older one, of which compaction has left the rest
    if (chunk != 0 && (uint32_t)chunk != assembly->chunks) {
        hh_fail(error, HH_FORMAT, "chunk %d came after %u others", chunk, assembly->chunks);
        return bad(assembly);
    }
    if (length == 0 || length > HH_MODEL_CHUNK || assembly->size + length > HH_MODEL_BYTES_MAX) {
        hh_fail(error, HH_FORMAT, "a chunk of %zu bytes: it must have 1 to %d, and the model %d at most",
                length, HH_MODEL_CHUNK, HH_MODEL_BYTES_MAX);
        return bad(assembly);
    }
    if (assembly->size + length > assembly->room) {
        uint64_t room = 2 * assembly->room + HH_MODEL_CHUNK;
        uint8_t *larger = realloc(assembly->bytes, room);
        if (!larger) {
            hh_fail(error, HH_MEMORY, NULL);
            return bad(assembly);
        }
        assembly->bytes = larger;
        assembly->room = room;
    }
    memcpy(assembly->bytes + assembly->size, value, length);
    assembly->size += length;
    assembly->version = version;
    assembly->chunks++;
    return HH_ASSEMBLED_NOTHING;
}

static hh_assembled take_manifest(hh_assembly *assembly, int64_t version, const void *value, size_t length,
                                  hh_manifest *manifest, hh_model **model, hh_error *error)
{
    hh_status status = hh_manifest_decode(value, length, manifest, error);
    if (status == HH_OK && manifest->version != version)
        status = hh_fail(error, HH_FORMAT, "it says that it is version %lld", (long long)manifest->version);
    if (status == HH_OK && !manifest->promoted)
        return HH_ASSEMBLED_REJECTED;
    if (status == HH_OK && (assembly->version != version || assembly->chunks != manifest->chunks ||
                            assembly->size != manifest->bytes))
        status = hh_fail(error, HH_FORMAT, "%u chunks of %llu bytes are there instead of %u of %llu",
                         assembly->version == version ? assembly->chunks : 0,
                         (unsigned long long)(assembly->version == version ? assembly->size : 0),
                         manifest->chunks, (unsigned long long)manifest->bytes);
    if (status == HH_OK && hh_model_checksum(assembly->bytes, assembly->size) != manifest->checksum)
        status = hh_fail(error, HH_FORMAT, "its checksum is not that of its bytes");
    *model = status ? NULL : hh_model_decode(assembly->bytes, assembly->size, error);
    manifest->version = version;
    hh_assembly_clear(assembly);
    return *model ? HH_ASSEMBLED_MODEL : HH_ASSEMBLED_BAD;
}

hh_assembled hh_assembly_take(hh_assembly *assembly, const void *key, size_t key_length, const void *value,
                              size_t length, hh_manifest *manifest, hh_model **model, hh_error *error)
{
    int64_t version;
    int32_t chunk;
    *model = NULL;
    *manifest = (hh_manifest){0};
    if (!hh_model_key_parse(key, key_length, &version, &chunk)) {
        hh_fail(error, HH_FORMAT, "the key is not VERSION/CHUNK or VERSION/manifest");
        return HH_ASSEMBLED_BAD;
    }
    manifest->version = version;
    if (!value)
        return HH_ASSEMBLED_NOTHING;
    if (chunk == HH_MODEL_MANIFEST)
        return take_manifest(assembly, version, value, length, manifest, model, error);
    return take_chunk(assembly, version, chunk, value, length, error);
}
