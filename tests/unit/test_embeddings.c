// What an endpoint is asked and what it may answer; back-off; keys.
#include <criterion/criterion.h>

#include "daemon/api_key.h"
#include "daemon/backoff.h"
#include "daemon/embeddings.h"
#include "daemon/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static hh_error error;

Test(embeddings, question)
{
    hh_buffer out = {0};
    hh_text texts[] = {{"a \"kite\"\n", 9}, {"\xc3\xa4", 2}};
    hh_embeddings_ask(&out, "m", texts, 2);
    static const char wanted[] = "{\"model\":\"m\",\"input\":[\"a \\\"kite\\\"\\n\",\"\xc3\xa4\"]}";
    cr_assert(out.length == strlen(wanted) && !memcmp(out.bytes, wanted, out.length), "%.*s", (int)out.length,
              out.bytes);
    out.length = 0;
    hh_embeddings_ask(&out, "", texts, 1);
    cr_assert_eq(memcmp(out.bytes, "{\"input\":[", 10), 0);
    texts[0] = (hh_text){"\xff", 1};
    hh_embeddings_ask(&out, "", texts, 1);
    cr_assert_eq(out.status, HH_FORMAT);
    hh_buffer_free(&out);
}

static hh_answer_kind read_answer(const char *json, uint32_t count, uint32_t *width, float vectors[8])
{
    float *made;
    const char *reason = NULL;
    hh_answer_kind kind = hh_embeddings_read(json, strlen(json), count, width, &made, &reason);
    cr_assert(kind == HH_ANSWER_GOOD || (reason && reason[0]), "%s: no reason", json);
    if (kind == HH_ANSWER_GOOD)
        memcpy(vectors, made, count * *width * sizeof *vectors);
    free(made);
    return kind;
}

Test(embeddings, answers_in_any_order)
{
    float vectors[8];
    uint32_t width = 0;
    cr_assert_eq(read_answer("{\"object\":\"list\",\"data\":[{\"index\":1,\"embedding\":[3,4]},"
                             "{\"index\":0,\"embedding\":[1,-2.5]}],\"usage\":{}}",
                             2, &width, vectors),
                 HH_ANSWER_GOOD);
    cr_assert_eq(width, 2);
    cr_assert(vectors[0] == 1 && vectors[1] == -2.5f && vectors[2] == 3 && vectors[3] == 4);
    cr_assert_eq(read_answer("{\"data\":[{\"embedding\":[1,2]},{\"embedding\":[3,4]}]}", 2, &width, vectors),
                 HH_ANSWER_GOOD);
    cr_assert(vectors[0] == 1 && vectors[2] == 3);
}

Test(embeddings, answers_that_are_refused)
{
    static const struct {
        const char *json;
        hh_answer_kind kind;
    } bad[] = {
        {"", HH_ANSWER_MALFORMED},
        {"<html>", HH_ANSWER_MALFORMED},
        {"[]", HH_ANSWER_MALFORMED},
        {"{\"data\":{}}", HH_ANSWER_MALFORMED},
        {"{\"error\":{\"message\":\"sk-key\"}}", HH_ANSWER_MALFORMED},
        {"{\"data\":[]}", HH_ANSWER_WRONG_COUNT},
        {"{\"data\":[{\"index\":0,\"embedding\":[1,2]}]}", HH_ANSWER_WRONG_COUNT},
        {"{\"data\":[{\"index\":0,\"embedding\":[1,2]},{\"index\":0,\"embedding\":[1,2]}]}",
         HH_ANSWER_WRONG_COUNT},
        {"{\"data\":[{\"index\":0,\"embedding\":[1,2]},{\"index\":2,\"embedding\":[1,2]}]}",
         HH_ANSWER_WRONG_COUNT},
        {"{\"data\":[{\"index\":0,\"embedding\":[1,2]},{\"index\":-1,\"embedding\":[1,2]}]}",
         HH_ANSWER_WRONG_COUNT},
        {"{\"data\":[{\"index\":0,\"embedding\":[1,2]},{\"embedding\":[1,2]}]}", HH_ANSWER_MALFORMED},
        {"{\"data\":[{\"index\":0,\"embedding\":[1,2]},{\"index\":1.0,\"embedding\":[1,2]}]}",
         HH_ANSWER_MALFORMED},
        {"{\"data\":[{\"index\":0,\"embedding\":[1,2]},7]}", HH_ANSWER_MALFORMED},
        {"{\"data\":[{\"index\":0,\"embedding\":\"AAAA\"},{\"index\":1,\"embedding\":[1,2]}]}",
         HH_ANSWER_MALFORMED},
        {"{\"data\":[{\"index\":0,\"embedding\":[1,null]},{\"index\":1,\"embedding\":[1,2]}]}",
         HH_ANSWER_MALFORMED},
        {"{\"data\":[{\"index\":0,\"embedding\":[1,NaN]},{\"index\":1,\"embedding\":[1,2]}]}",
         HH_ANSWER_MALFORMED},
        {"{\"data\":[{\"index\":0,\"embedding\":[1,1e39]},{\"index\":1,\"embedding\":[1,2]}]}",
         HH_ANSWER_MALFORMED},
        {"{\"data\":[{\"index\":0,\"embedding\":[0,0]},{\"index\":1,\"embedding\":[1,2]}]}",
         HH_ANSWER_MALFORMED},
        {"{\"data\":[{\"index\":0,\"embedding\":[1,2]},{\"index\":1,\"embedding\":[1,2,3]}]}",
         HH_ANSWER_WRONG_WIDTH},
        {"{\"data\":[{\"index\":0,\"embedding\":[]},{\"index\":1,\"embedding\":[]}]}", HH_ANSWER_WRONG_WIDTH},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint32_t width = 0;
        float vectors[8];
        cr_assert_eq(read_answer(bad[i].json, 2, &width, vectors), bad[i].kind, "%s", bad[i].json);
        cr_assert_eq(width, 0, "a bad answer has said how wide vectors are: %s", bad[i].json);
    }
    uint32_t width = 3; // as configured
    float vectors[8];
    cr_assert_eq(read_answer("{\"data\":[{\"index\":0,\"embedding\":[1,2]}]}", 1, &width, vectors),
                 HH_ANSWER_WRONG_WIDTH);
    cr_assert_eq(width, 3);
}

Test(backoff, doubles_up_to_the_longest_with_jitter)
{
    cr_assert_eq(hh_backoff(1, HH_MINUTE, 0), 250);
    cr_assert_eq(hh_backoff(1, HH_MINUTE, UINT32_MAX), 126);
    cr_assert_eq(hh_backoff(2, HH_MINUTE, 0), 500);
    cr_assert_eq(hh_backoff(5, HH_MINUTE, 0), 4000);
    cr_assert_eq(hh_backoff(9, HH_MINUTE, 0), HH_MINUTE);
    cr_assert_eq(hh_backoff(UINT32_MAX, HH_MINUTE, 0), HH_MINUTE);
    cr_assert_eq(hh_backoff(UINT32_MAX, HH_MINUTE, 1u << 31), HH_MINUTE * 3 / 4);
    cr_assert_eq(hh_backoff(1, 100, 0), 100);
}

// ---- keys ----

static void no_complaint(void *context, const char *sentence)
{
    (void)context;
    cr_assert_fail("%s", sentence);
}

static hh_status read_key(const char *file, const char *variable, char key[HH_API_KEY_MAX + 1])
{
    hh_settings *settings = hh_settings_new();
    char assignment[600];
    snprintf(assignment, sizeof assignment, "semantics.key_file=%s", file);
    cr_assert_eq(hh_settings_set(settings, assignment, no_complaint, NULL), HH_OK);
    snprintf(assignment, sizeof assignment, "semantics.key_variable=%s", variable);
    cr_assert_eq(hh_settings_set(settings, assignment, no_complaint, NULL), HH_OK);
    hh_status status = hh_api_key_read(hh_settings_config(settings), key, &error);
    cr_assert(status == HH_OK || !strstr(error.message, "sk-"), "the key is told: %s", error.message);
    cr_assert(status == HH_OK || key[0] == '\0');
    hh_settings_free(settings);
    return status;
}

static void write_file(const char *path, const char *bytes, size_t length)
{
    FILE *file = fopen(path, "w");
    cr_assert_eq(fwrite(bytes, 1, length, file), length);
    fclose(file);
}

Test(api_key, from_a_file_a_credential_or_the_environment)
{
    char key[HH_API_KEY_MAX + 1], path[] = "/tmp/hiphop-key-XXXXXX", file[64];
    cr_assert_not_null(mkdtemp(path));
    snprintf(file, sizeof file, "%s/api", path);
    write_file(file, " sk-1 \r\n", 8);
    cr_assert_eq(read_key(file, "", key), HH_OK);
    cr_assert_str_eq(key, "sk-1");
    unsetenv("CREDENTIALS_DIRECTORY");
    cr_assert_eq(read_key("api", "", key), HH_IO);
    cr_assert(strstr(error.message, "CREDENTIALS_DIRECTORY"));
    setenv("CREDENTIALS_DIRECTORY", path, 1);
    cr_assert_eq(read_key("api", "", key), HH_OK);
    cr_assert_str_eq(key, "sk-1");
    setenv("SOME_KEY", "sk-2", 1);
    cr_assert_eq(read_key("", "SOME_KEY", key), HH_OK);
    cr_assert_str_eq(key, "sk-2");
    cr_assert_eq(read_key("", "NO_SUCH_KEY", key), HH_OK);
    cr_assert_str_eq(key, "");
    cr_assert_eq(read_key("", "", key), HH_OK);
    cr_assert_str_eq(key, "");

    static const struct {
        const char *bytes;
        size_t length;
    } bad[] = {{"", 0},       {" \n", 2},         {"sk-1\nX-Header: 1", 16},
               {"sk-\0x", 5}, {"sk-\xc3\xa4", 5}, {"sk- 1", 5}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_file(file, bad[i].bytes, bad[i].length);
        cr_assert_eq(read_key(file, "", key), HH_FORMAT, "case %zu", i);
    }
    static char large[HH_API_KEY_MAX + 2];
    memset(large, 'k', sizeof large - 1);
    write_file(file, large, HH_API_KEY_MAX);
    cr_assert_eq(read_key(file, "", key), HH_OK);
    write_file(file, large, HH_API_KEY_MAX + 1);
    cr_assert_eq(read_key(file, "", key), HH_FORMAT);
    setenv("SOME_KEY", "sk-1\nsk-2", 1);
    cr_assert_eq(read_key("", "SOME_KEY", key), HH_FORMAT);
    unlink(file);
    cr_assert_eq(read_key(file, "", key), HH_IO);
    rmdir(path);
}
