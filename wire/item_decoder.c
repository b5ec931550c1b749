// Item metadata: other teams' JSON, of which hiphop needs the title.
#include "wire/json_scan.h"

#include <stdlib.h>
#include <string.h>

hh_status hh_item_decode(const void *bytes, size_t length, char *title, size_t size, hh_error *error)
{
    static const hh_path path = {{{"title", 5}}, 1};
    hh_json_value value;
    if (size)
        title[0] = '\0';
    if (!bytes || length == 0)
        return hh_fail(error, HH_FORMAT, "the record is empty");
    hh_status status = hh_json_pick(bytes, length, &path, 1, &value, error);
    if (status != HH_OK)
        return status;
    if (value.kind == HH_JSON_ABSENT || value.kind == HH_JSON_NULL || size == 0)
        return HH_OK;
    if (value.kind != HH_JSON_STRING)
        return hh_fail(error, HH_FORMAT, "the title is %s, not text", hh_json_kind_name(value.kind));

    char *whole = malloc(value.text.length + 1);
    if (!whole)
        return hh_fail(error, HH_MEMORY, NULL);
    size_t full = hh_json_unescape(value.text, whole), kept = full < size ? full : size - 1;
    while (kept && kept < full && ((unsigned char)whole[kept] & 0xc0) == 0x80)
        kept--; // not in the middle of a character
    memcpy(title, whole, kept);
    title[kept] = '\0';
    free(whole);
    return HH_OK;
}
