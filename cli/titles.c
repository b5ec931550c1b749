#include "titles.h"

#include "item_file.h"
#include "text_map.h"

#include <stdlib.h>
#include <string.h>

struct titles {
    struct text_map map; // to NUL-terminated text
};

struct titles *titles_new(void)
{
    return calloc(1, sizeof(struct titles));
}

void titles_free(struct titles *titles)
{
    if (!titles)
        return;
    text_map_clear(&titles->map, free);
    free(titles);
}

hh_status titles_put(struct titles *titles, hh_text id, hh_text title)
{
    if (title.length == 0)
        return HH_OK;
    char *copy = strndup(title.bytes, title.length);
    void **value = copy ? text_map_at(&titles->map, id) : NULL;
    if (!value) {
        free(copy);
        return HH_MEMORY;
    }
    free(*value);
    *value = copy;
    return HH_OK;
}

hh_text titles_find(const struct titles *titles, hh_text id)
{
    const char *title = text_map_find(&titles->map, id);
    return title ? (hh_text){title, strlen(title)} : id;
}

size_t titles_count(const struct titles *titles)
{
    return titles->map.count;
}

static hh_status take_title(void *context, const item_row *row, hh_error *error)
{
    hh_status status =
        titles_put(context, (hh_text){row->id, strlen(row->id)}, (hh_text){row->title, strlen(row->title)});
    return status == HH_OK ? HH_OK : hh_fail(error, status, NULL);
}

hh_status titles_read_file(struct titles *titles, const char *path, hh_error *error)
{
    return item_file_each(path, take_title, titles, error);
}
