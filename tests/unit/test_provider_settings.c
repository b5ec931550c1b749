// What the settings say of sources, providers and items, what of it is complained of, and hashing as a
// provider.
#include <criterion/criterion.h>

#include "daemon/inputs.h"
#include "daemon/provider.h"
#include "daemon/settings.h"
#include "fail_alloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static hh_error error;
static char said[4096];

static void hear(void *context, const char *sentence)
{
    (void)context;
    size_t used = strlen(said);
    snprintf(said + used, sizeof said - used, "%s\n", sentence);
}

// Settings out of "a=b" lines; what is complained of is in `said`.
static hh_settings *settings_of(const char *const *lines)
{
    hh_settings *settings = hh_settings_new();
    said[0] = '\0';
    for (; *lines; lines++)
        hh_settings_set(settings, *lines, hear, NULL);
    hh_settings_finish(settings, hear, NULL);
    return settings;
}

#define SETTINGS(...) settings_of((const char *const[]){__VA_ARGS__, NULL})

static void expect_complaint(hh_settings *settings, const char *option, const char *words)
{
    cr_expect(strstr(said, option) && strstr(said, words), "of %s, \"%s\" was expected:\n%s", option, words,
              said);
    hh_settings_free(settings);
}

Test(provider_settings, sources)
{
    hh_vector_source sources[HH_DESCRIPTIONS];
    hh_settings *settings =
        SETTINGS("semantics.provider=hashing", "semantics.sources=image=1024", "semantics.sources=sound.v2");
    cr_assert_str_empty(said);
    cr_assert_eq(hh_vector_sources(hh_settings_config(settings), sources, &error), 3);
    cr_assert(sources[0].own && sources[0].width == 512 && !strncmp(sources[0].name.bytes, "text", 4));
    cr_assert(!sources[1].own && sources[1].width == 1024 && sources[1].name.length == 5);
    cr_assert(!sources[2].own && sources[2].width == 0 && sources[2].name.length == 8);
    hh_settings_free(settings);

    settings = SETTINGS("semantics.provider=topic", "semantics.sources=text=3");
    cr_assert_str_empty(said);
    cr_assert_eq(hh_vector_sources(hh_settings_config(settings), sources, &error), 1);
    cr_assert(!sources[0].own && sources[0].width == 3);
    hh_settings_free(settings);

    settings = SETTINGS("semantics.provider=http", "semantics.url=http://localhost/v1/embeddings",
                        "semantics.width=7");
    cr_assert_str_empty(said);
    cr_assert_eq(hh_vector_sources(hh_settings_config(settings), sources, &error), 1);
    cr_assert(sources[0].own && sources[0].width == 7);
    hh_settings_free(settings);
}

Test(provider_settings, complaints)
{
    expect_complaint(SETTINGS("semantics.provider=hashing", "semantics.sources=text"), "semantics.sources",
                     "made here");
    expect_complaint(SETTINGS("semantics.provider=hashing", "semantics.sources=a", "semantics.sources=a=5"),
                     "semantics.sources", "twice");
    expect_complaint(SETTINGS("semantics.provider=hashing", "semantics.sources=a/b"), "semantics.sources",
                     "name=width");
    expect_complaint(SETTINGS("semantics.provider=hashing", "semantics.sources=a=0"), "semantics.sources",
                     "width");
    expect_complaint(SETTINGS("semantics.provider=hashing", "semantics.sources=a=70000"), "semantics.sources",
                     "width");
    expect_complaint(SETTINGS("semantics.provider=hashing", "semantics.sources=a=5x"), "semantics.sources",
                     "width");
    expect_complaint(SETTINGS("semantics.provider=hashing", "semantics.sources=a", "semantics.sources=b",
                              "semantics.sources=c", "semantics.sources=d", "semantics.sources=e",
                              "semantics.sources=f", "semantics.sources=g", "semantics.sources=h"),
                     "semantics.sources", "8");
    expect_complaint(SETTINGS("semantics.provider=topic"), "semantics.provider", "semantics.sources");
    expect_complaint(SETTINGS("semantics.provider=hashing", "semantics.source=a b"), "semantics.source",
                     "letters");
    expect_complaint(SETTINGS("semantics.provider=hashing", "semantics.template=none"), "semantics.template",
                     "");
    expect_complaint(SETTINGS("semantics.provider=http"), "semantics.provider", "semantics.url");
    expect_complaint(SETTINGS("semantics.provider=http", "semantics.url=ftp://a"), "semantics.url",
                     "https://");
    expect_complaint(SETTINGS("semantics.provider=http", "semantics.url=https://me:sk-1@a/v1"),
                     "semantics.url", "key_file");
    cr_expect_null(strstr(said, "sk-1"), "%s", said);
    expect_complaint(SETTINGS("semantics.provider=hashing", "items.format=avro"), "items.format",
                     "items.schema");
    expect_complaint(SETTINGS("semantics.provider=hashing", "items.schema=a.avsc"), "items.schema", "avro");
    expect_complaint(SETTINGS("semantics.provider=hashing", "topics.items="), "semantics.provider",
                     "topics.items");
    expect_complaint(SETTINGS("semantics.provider=hashing", "topics.item_vectors="), "semantics.provider",
                     "topics.item_vectors");
    expect_complaint(SETTINGS("semantics.provider=topic", "semantics.sources=a", "topics.item_vectors="),
                     "semantics.provider", "topics.item_vectors");
    hh_settings_free(SETTINGS("semantics.provider=topic", "semantics.sources=a", "topics.items="));
    cr_expect_str_empty(said);
    expect_complaint(SETTINGS("topics.item_vectors=clicks"), "topics.item_vectors", "topics.clicks");
    hh_settings_free(SETTINGS("semantics.provider=none", "semantics.template=none"));
    cr_expect_str_empty(said);
}

// ---- hashing ----

static struct {
    uint32_t ticket, count, width;
    hh_answer_kind kind;
    float vectors[4 * 512];
    int calls;
} heard;

static void on_answer(void *context, uint32_t ticket, const hh_answer *answer)
{
    (void)context;
    heard.calls++;
    heard.ticket = ticket;
    heard.kind = answer->kind;
    heard.count = answer->count;
    heard.width = answer->width;
    if (answer->kind == HH_ANSWER_GOOD)
        memcpy(heard.vectors, answer->vectors, (size_t)answer->count * answer->width * sizeof(float));
    else
        cr_expect_not_null(answer->reason);
}

static hh_text text_of(const char *text)
{
    return (hh_text){text, strlen(text)};
}

Test(provider_settings, hashing_answers_at_once)
{
    hh_settings *settings = SETTINGS("semantics.provider=hashing", "semantics.width=64");
    hh_provider *provider = hh_provider_new(hh_settings_config(settings), on_answer, NULL, &error);
    cr_assert_not_null(provider);
    cr_assert_str_eq(provider->model, "hashing-64");
    hh_text texts[] = {text_of("red kite"), text_of("red kites"), text_of("tax law")};
    for (int i = 0; i < 3; i++)
        cr_assert(provider->functions->learn(provider, texts[i]));
    cr_assert(provider->functions->ask(provider, 5, texts, 3));
    cr_assert(heard.calls == 1 && heard.ticket == 5 && heard.kind == HH_ANSWER_GOOD && heard.count == 3);
    float near = 0, far = 0;
    for (int i = 0; i < 64; i++) {
        near += heard.vectors[i] * heard.vectors[64 + i];
        far += heard.vectors[i] * heard.vectors[128 + i];
    }
    cr_assert_gt(near, far);
    texts[1] = text_of("...");
    cr_assert(provider->functions->ask(provider, 6, texts, 2));
    cr_assert_eq(heard.kind, HH_ANSWER_REFUSED);
    hh_provider_free(provider);
    hh_settings_free(settings);
}

Test(provider_settings, allocations_fail)
{
    hh_settings *both[] = {SETTINGS("semantics.provider=hashing"),
                           SETTINGS("semantics.provider=http", "semantics.url=http://localhost/")};
    for (int i = 0; i < 2; i++) {
        for (long n = 0;; n++) {
            fail_alloc_at(n);
            hh_provider *provider = hh_provider_new(hh_settings_config(both[i]), on_answer, NULL, &error);
            bool failed = fail_alloc_done();
            cr_assert_eq(provider == NULL, failed);
            cr_assert(!failed || error.status == HH_MEMORY);
            hh_provider_free(provider);
            if (!failed)
                break;
        }
        hh_settings_free(both[i]);
    }
}
