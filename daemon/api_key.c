#include "api_key.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Blanks at the ends cut off; false where something else than visible ASCII is left: it would not be a header
// any more, or more than one.
static bool tidy(char *key)
{
    size_t first = strspn(key, " \t\r\n"), length = strlen(key);
    while (length > first && strchr(" \t\r\n", key[length - 1]))
        length--;
    memmove(key, key + first, length - first);
    key[length - first] = '\0';
    for (const char *at = key; *at; at++)
        if (*at <= ' ' || *at > '~')
            return false;
    return true;
}

static hh_status find_file(const char *name, char *path, size_t size, hh_error *error)
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    if (strchr(name, '/')) {
        snprintf(path, size, "%s", name);
        return HH_OK;
    }
    if (!directory || !*directory)
        return hh_fail(
            error, HH_IO,
            "semantics.key_file: \"%.200s\" would be a systemd credential, but $CREDENTIALS_DIRECTORY "
            "is not set; give the unit LoadCredential=, or name a file with its path",
            name);
    snprintf(path, size, "%s/%s", directory, name);
    return HH_OK;
}

static hh_status from_file(const char *name, char key[HH_API_KEY_MAX + 1], hh_error *error)
{
    char path[4096];
    hh_status status = find_file(name, path, sizeof path, error);
    if (status)
        return status;
    FILE *file = fopen(path, "re");
    if (!file)
        return hh_fail(error, HH_IO, "semantics.key_file: %.300s can't be read: %s", path, strerror(errno));
    setvbuf(file, NULL, _IONBF, 0); // no copy of it stays in a buffer
    size_t length = fread(key, 1, HH_API_KEY_MAX, file);
    bool more = length == HH_API_KEY_MAX && fgetc(file) != EOF, broken = ferror(file);
    int reason = errno;
    fclose(file);
    key[length] = '\0';
    if (broken)
        return hh_fail(error, HH_IO, "semantics.key_file: %.300s can't be read: %s", path, strerror(reason));
    if (more || strlen(key) != length || !tidy(key) || !*key)
        return hh_fail(error, HH_FORMAT,
                       "semantics.key_file: %.300s holds no key: one line of visible ASCII, %d bytes at most",
                       path, HH_API_KEY_MAX);
    return HH_OK;
}

hh_status hh_api_key_read(const hh_config *config, char key[HH_API_KEY_MAX + 1], hh_error *error)
{
    const char *variable = config->semantics.key_variable;
    hh_status status = HH_OK;
    key[0] = '\0';
    if (config->semantics.key_file[0]) {
        status = from_file(config->semantics.key_file, key, error);
    } else if (variable[0]) {
        const char *value = getenv(variable);
        if (value && strlen(value) > HH_API_KEY_MAX)
            status = hh_fail(error, HH_FORMAT, "the environment variable %.200s is longer than %d bytes",
                             variable, HH_API_KEY_MAX);
        else if (value)
            memcpy(key, value, strlen(value) + 1);
        if (status == HH_OK && !tidy(key))
            status =
                hh_fail(error, HH_FORMAT,
                        "the environment variable %.200s holds no key: visible ASCII in one line", variable);
    }
    if (status)
        explicit_bzero(key, HH_API_KEY_MAX + 1);
    return status;
}
