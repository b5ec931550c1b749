// The topic of models: records in a row, each "key length, key, two bytes of value length, value". No model
// comes of what is not whole, and a manifest that can be read can be written again and is the same.
#include "fuzz.h"

#include "daemon/assembly.h"

static void check_manifest(const hh_manifest *manifest)
{
    hh_manifest again;
    hh_error error;
    char *text = hh_manifest_encode(manifest);
    PROMISE(text);
    PROMISE(hh_manifest_decode(text, strlen(text), &again, &error) == HH_OK);
    PROMISE(again.version == manifest->version && again.promoted == manifest->promoted &&
            again.as_of == manifest->as_of && again.bytes == manifest->bytes &&
            again.checksum == manifest->checksum && strcmp(again.text, manifest->text) == 0);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t whole = size;
    hh_assembly assembly = {0};
    hh_manifest manifest;
    hh_error error;
    while (size > 0) {
        size_t key = data[0] < size - 1 ? data[0] : size - 1;
        const uint8_t *value = data + 1 + key;
        size_t left = size - 1 - key, length = left >= 2 ? (size_t)value[0] | (size_t)value[1] << 8 : 0;
        left = left >= 2 ? left - 2 : 0;
        length = length < left ? length : left;
        hh_model *model;
        hh_assembled result = hh_assembly_take(&assembly, data + 1, key, left ? value + 2 : NULL, length,
                                               &manifest, &model, &error);
        PROMISE((model != NULL) == (result == HH_ASSEMBLED_MODEL));
        PROMISE(assembly.size <= whole);
        hh_model_free(model);
        if (left && hh_manifest_decode(value + 2, length, &manifest, &error) == HH_OK)
            check_manifest(&manifest);
        size_t used = left ? 1 + key + 2 + length : size;
        data += used;
        size -= used;
    }
    hh_assembly_clear(&assembly);
    return 0;
}
