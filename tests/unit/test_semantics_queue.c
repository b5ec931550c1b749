// The queue before a provider that does what the test says, on a clock of the test; and the index.
#include <criterion/criterion.h>

#include "daemon/semantics_queue.h"
#include "fail_alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUESTIONS = 4, WIDTH = 2 };

// Keeps what it is asked until the test answers.
typedef struct scripted {
    hh_provider base;
    struct {
        bool open;
        uint32_t count;
        char texts[8][16];
    } questions[QUESTIONS];
    int asked;
    char given_up[8][16];
    int gave_up;
} scripted;

static bool ask(hh_provider *base, uint32_t ticket, const hh_text *sentences, uint32_t count)
{
    scripted *provider = (scripted *)base;
    provider->asked++;
    provider->questions[ticket].open = true;
    provider->questions[ticket].count = count;
    for (uint32_t i = 0; i < count; i++)
        snprintf(provider->questions[ticket].texts[i], 16, "%.*s", (int)sentences[i].length,
                 sentences[i].bytes);
    return true;
}

static const hh_provider_functions functions = {NULL, NULL, ask, NULL};

static void on_answered(void *context, const hh_answer *answer, uint32_t texts)
{
    (void)context;
    (void)answer;
    cr_assert_gt(texts, 0);
}

static void on_given_up(void *context, hh_text item, const char *reason)
{
    scripted *provider = context;
    cr_assert_str_eq(reason, "no");
    snprintf(provider->given_up[provider->gave_up++], 16, "%.*s", (int)item.length, item.bytes);
}

static hh_semantics_queue *start(scripted *provider, uint32_t batch, uint32_t questions)
{
    *provider = (scripted){.base = {.functions = &functions,
                                    .on_answer = hh_semantics_queue_answer,
                                    .width = WIDTH,
                                    .batch = batch,
                                    .questions_max = questions}};
    hh_semantics_events events = {on_answered, on_given_up, provider};
    hh_semantics_queue *queue = hh_semantics_queue_new(&provider->base, &events, 10 * HH_SECOND, 1);
    cr_assert_not_null(queue);
    provider->base.context = queue;
    return queue;
}

static hh_text text_of(const char *text)
{
    return (hh_text){text, strlen(text)};
}

static bool add(hh_semantics_queue *queue, const char *item, const char *sentence)
{
    return hh_semantics_queue_add(queue, text_of(item), text_of(sentence), hh_text_hash_of(text_of(sentence)),
                                  NULL);
}

static void turn(hh_semantics_queue *queue, hh_time now)
{
    cr_assert(hh_semantics_queue_turn(queue, now, 0, false));
}

// The vector of a text: its first letter, and its length.
static void answer(scripted *provider, uint32_t ticket, hh_answer_kind kind, hh_time pause)
{
    float vectors[8 * WIDTH];
    cr_assert(provider->questions[ticket].open, "question %u was not asked", ticket);
    for (uint32_t i = 0; i < provider->questions[ticket].count; i++) {
        vectors[2 * i] = provider->questions[ticket].texts[i][0];
        vectors[2 * i + 1] = (float)strlen(provider->questions[ticket].texts[i]);
    }
    hh_answer said = {kind, vectors, provider->questions[ticket].count, WIDTH, pause, 1, kind ? "no" : NULL};
    provider->questions[ticket].open = false;
    provider->base.on_answer(provider->base.context, ticket, &said);
}

static void good(scripted *provider, uint32_t ticket)
{
    answer(provider, ticket, HH_ANSWER_GOOD, 0);
}

// Takes the next vector out and sees that it is the item's, of the sentence.
static void expect_made(hh_semantics_queue *queue, const char *item, const char *sentence)
{
    hh_made_vector made;
    cr_assert(hh_semantics_queue_made(queue, &made), "%s has no vector", item);
    cr_assert(made.item.length == strlen(item) && !memcmp(made.item.bytes, item, made.item.length), "%.*s",
              (int)made.item.length, made.item.bytes);
    cr_assert(made.vector[0] == sentence[0] && made.vector[1] == (float)strlen(sentence));
    cr_assert(hh_text_hash_same(made.text, hh_text_hash_of(text_of(sentence))));
}

static void see(hh_semantics_queue *queue, const char *item, const char *sentence)
{
    hh_semantics_queue_seen(queue, text_of(item), hh_text_hash_of(text_of(sentence)));
}

static int count_made(hh_semantics_queue *queue)
{
    hh_made_vector made;
    int vectors = 0;
    while (hh_semantics_queue_made(queue, &made))
        vectors++;
    return vectors;
}

Test(semantics_queue, batches_and_questions_at_a_time)
{
    scripted provider;
    hh_semantics_queue *queue = start(&provider, 2, 2);
    for (int i = 0; i < 6; i++) {
        char name[3] = {(char)('a' + i)};
        cr_assert(add(queue, name, name));
    }
    turn(queue, 1);
    cr_assert_eq(provider.asked, 2);
    cr_assert_eq(hh_semantics_queue_open(queue), 2);
    cr_assert_str_eq(provider.questions[1].texts[1], "d");
    good(&provider, 1);
    turn(queue, 2);
    cr_assert_eq(provider.asked, 3);
    good(&provider, 0);
    good(&provider, 1);
    for (int i = 0; i < 6; i++) {
        char name[3] = {(char)('a' + i)};
        expect_made(queue, name, name);
    }
    hh_made_vector made;
    cr_assert_not(hh_semantics_queue_made(queue, &made));
    cr_assert_eq(hh_semantics_queue_length(queue), 6); // until they are read back
    hh_semantics_queue_unwritten(queue, text_of("c"));
    expect_made(queue, "c", "c");
    see(queue, "c", "another text");
    cr_assert_eq(hh_semantics_queue_length(queue), 6);
    for (int i = 0; i < 6; i++) {
        char name[3] = {(char)('a' + i)};
        see(queue, name, name);
    }
    cr_assert_eq(hh_semantics_queue_length(queue), 0);
    hh_semantics_queue_free(queue);
}

Test(semantics_queue, a_text_is_asked_for_once)
{
    scripted provider;
    hh_semantics_queue *queue = start(&provider, 8, 2);
    add(queue, "a", "same");
    add(queue, "b", "same");
    add(queue, "a", "same");
    turn(queue, 1);
    add(queue, "c", "same");
    turn(queue, 2);
    cr_assert(provider.asked == 1 && provider.questions[0].count == 1);
    good(&provider, 0);
    add(queue, "d", "same"); // made already
    turn(queue, 3);
    cr_assert_eq(provider.asked, 1);
    for (const char *item = "abcd"; *item; item++)
        expect_made(queue, (char[]){*item, '\0'}, "same");
    hh_semantics_queue_free(queue);
}

Test(semantics_queue, what_is_not_wanted_any_more)
{
    scripted provider;
    hh_semantics_queue *queue = start(&provider, 8, 2);
    hh_made_vector made;
    add(queue, "a", "old");
    add(queue, "t", "old"); // its twin takes its place
    hh_semantics_queue_cancel(queue, text_of("a"));
    turn(queue, 1);
    cr_assert_eq(provider.asked, 1);
    hh_semantics_queue_cancel(queue, text_of("t")); // under way
    cr_assert_eq(hh_semantics_queue_length(queue), 0);
    add(queue, "a", "old"); // and wanted again: not asked again
    add(queue, "b", "first");
    turn(queue, 2);
    cr_assert(provider.asked == 2 && provider.questions[1].count == 1);
    add(queue, "b", "second");
    good(&provider, 1);
    cr_assert_not(hh_semantics_queue_made(queue, &made));
    good(&provider, 0);
    expect_made(queue, "a", "old");
    turn(queue, 3);
    good(&provider, 0);
    expect_made(queue, "b", "second");
    hh_text_hash text;
    bool written;
    cr_assert(hh_semantics_queue_find(queue, text_of("b"), &text, &written) && written);
    cr_assert(hh_text_hash_same(text, hh_text_hash_of(text_of("second"))));
    see(queue, "b", "first"); // an older record of it
    cr_assert(hh_semantics_queue_find(queue, text_of("b"), &text, &written));
    hh_semantics_queue_free(queue);
}

// An unwanted question that fails is not asked again, but its twin is.
Test(semantics_queue, twins_of_what_failed)
{
    scripted provider;
    hh_semantics_queue *queue = start(&provider, 8, 1);
    add(queue, "a", "text");
    turn(queue, 0);
    hh_semantics_queue_cancel(queue, text_of("a"));
    add(queue, "b", "text");
    answer(&provider, 0, HH_ANSWER_SERVER_ERROR, 0);
    turn(queue, 5000);
    cr_assert(provider.asked == 2 && provider.questions[0].count == 1);
    good(&provider, 0);
    expect_made(queue, "b", "text");
    hh_semantics_queue_free(queue);
}

Test(semantics_queue, pauses_after_failures)
{
    scripted provider;
    hh_semantics_queue *queue = start(&provider, 1, 2);
    add(queue, "a", "a");
    add(queue, "b", "b");
    add(queue, "c", "c");
    turn(queue, 0);
    answer(&provider, 0, HH_ANSWER_UNREACHABLE, 0);
    answer(&provider, 1, HH_ANSWER_UNREACHABLE, 0); // the second in a row: 250 to 500
    turn(queue, 249);
    cr_assert_eq(provider.asked, 2);
    turn(queue, 500);
    cr_assert_eq(provider.asked, 3); // one alone, to see
    answer(&provider, 0, HH_ANSWER_RATE_LIMITED, 7000);
    turn(queue, 7499);
    cr_assert_eq(provider.asked, 3);
    turn(queue, 7500);
    cr_assert_eq(provider.asked, 4);
    good(&provider, 0);
    turn(queue, 7501);
    cr_assert_eq(provider.asked, 6); // as many as before
    good(&provider, 0);
    good(&provider, 1);
    cr_assert_eq(provider.gave_up, 0);
    hh_semantics_queue_free(queue);
}

// A pause that was asked for is kept though an older question is answered well meanwhile.
Test(semantics_queue, a_good_answer_does_not_end_a_pause)
{
    scripted provider;
    hh_semantics_queue *queue = start(&provider, 1, 2);
    add(queue, "a", "a");
    add(queue, "b", "b");
    turn(queue, 0);
    answer(&provider, 0, HH_ANSWER_RATE_LIMITED, 9000);
    good(&provider, 1);
    turn(queue, 8999);
    cr_assert_eq(provider.asked, 2);
    turn(queue, 9000);
    cr_assert_eq(provider.asked, 3);
    hh_semantics_queue_free(queue);
}

// Answers well unless the text is among them.
static void refuse(scripted *provider, const char *text)
{
    bool there = false;
    for (uint32_t i = 0; i < provider->questions[0].count; i++)
        there |= strcmp(provider->questions[0].texts[i], text) == 0;
    answer(provider, 0, there ? HH_ANSWER_REFUSED : HH_ANSWER_GOOD, 0);
}

Test(semantics_queue, one_text_that_is_refused_is_found_and_given_up)
{
    scripted provider;
    hh_semantics_queue *queue = start(&provider, 8, 1);
    for (int i = 0; i < 8; i++) {
        char name[3] = {(char)('a' + i)};
        add(queue, name, name);
    }
    add(queue, "twin", "e");
    hh_time now = 0;
    for (int round = 0; round < 40 && provider.gave_up == 0; round++) {
        turn(queue, now += 20 * HH_SECOND);
        if (provider.questions[0].open)
            refuse(&provider, "e");
    }
    cr_assert_eq(provider.gave_up, 2);
    cr_assert(!strcmp(provider.given_up[0], "e") && !strcmp(provider.given_up[1], "twin"));
    cr_assert_eq(count_made(queue), 7);
    hh_semantics_queue_free(queue);
}

Test(semantics_queue, nothing_is_given_up_while_all_is_refused)
{
    scripted provider;
    hh_semantics_queue *queue = start(&provider, 4, 1);
    for (int i = 0; i < 4; i++)
        add(queue, (char[]){(char)('a' + i), '\0'}, (char[]){(char)('a' + i), '\0'});
    hh_time now = 0;
    for (int round = 0; round < 100; round++) {
        turn(queue, now += 20 * HH_SECOND);
        answer(&provider, 0, round % 2 ? HH_ANSWER_MALFORMED : HH_ANSWER_WRONG_WIDTH, 0);
    }
    cr_assert_eq(provider.gave_up, 0);
    for (int round = 0; round < 4; round++) {
        turn(queue, now += 20 * HH_SECOND);
        if (provider.questions[0].open)
            good(&provider, 0);
    }
    cr_assert_eq(count_made(queue), 4);
    hh_semantics_queue_free(queue);
}

Test(semantics_queue, what_takes_too_long_is_asked_in_halves)
{
    scripted provider;
    hh_semantics_queue *queue = start(&provider, 8, 1);
    for (int i = 0; i < 8; i++)
        add(queue, (char[]){(char)('a' + i), '\0'}, (char[]){(char)('a' + i), '\0'});
    turn(queue, 0);
    answer(&provider, 0, HH_ANSWER_TIMEOUT, 0);
    turn(queue, 20 * HH_SECOND);
    cr_assert_eq(provider.questions[0].count, 4);
    good(&provider, 0);
    hh_semantics_queue_free(queue);
}

Test(semantics_queue, nothing_new_when_it_is_to_end)
{
    scripted provider;
    hh_semantics_queue *queue = start(&provider, 8, 2);
    add(queue, "a", "a");
    turn(queue, 0);
    add(queue, "b", "b");
    cr_assert(hh_semantics_queue_turn(queue, 1, 0, true));
    cr_assert_eq(provider.asked, 1);
    good(&provider, 0);
    expect_made(queue, "a", "a");
    hh_semantics_queue_free(queue);
}

Test(semantics_queue, a_vector_that_is_known)
{
    scripted provider;
    hh_semantics_queue *queue = start(&provider, 8, 2);
    float vector[WIDTH] = {'k', 5};
    cr_assert(hh_semantics_queue_add(queue, text_of("a"), text_of("known"), hh_text_hash_of(text_of("known")),
                                     vector));
    vector[0] = 0; // it was copied
    turn(queue, 0);
    cr_assert_eq(provider.asked, 0);
    expect_made(queue, "a", "known");
    hh_semantics_queue_free(queue);
}

Test(semantics_queue, allocations_fail)
{
    for (long n = 0;; n++) {
        scripted provider;
        hh_semantics_queue *queue = start(&provider, 4, 1);
        fail_alloc_at(n);
        bool went =
            add(queue, "a", "a") && add(queue, "b", "a") && hh_semantics_queue_turn(queue, 0, 0, false);
        if (went && provider.questions[0].open) {
            good(&provider, 0);
            went = hh_semantics_queue_turn(queue, 1, 0, false);
        }
        bool failed = fail_alloc_done();
        cr_assert_eq(went, !failed);
        hh_semantics_queue_free(queue);
        if (!failed)
            break;
    }
}

// ---- the index ----

Test(vector_index, items_and_texts)
{
    hh_vector_index *index = hh_vector_index_new();
    hh_text_hash text, found;
    hh_vector_place place;
    char name[16];
    cr_assert_not(hh_vector_index_item(index, text_of("a"), &found));
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "i%d", i);
        text = hh_text_hash_of(text_of(name + 1));
        cr_assert(
            hh_vector_index_put(index, text_of(name), i % 7 ? &text : NULL, (hh_vector_place){i % 3, i}));
    }
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "i%d", i);
        text = hh_text_hash_of(text_of(name + 1));
        cr_assert(hh_vector_index_item(index, text_of(name), &found));
        cr_assert_eq(hh_text_hash_same(found, text), i % 7 != 0);
        cr_assert_eq(hh_vector_index_text(index, text, &place), i % 7 != 0);
        cr_assert(i % 7 == 0 || (place.partition == i % 3 && place.offset == i));
    }
    text = hh_text_hash_of(text_of("1"));
    hh_vector_index_remove(index, text_of("i1"));
    cr_assert_not(hh_vector_index_item(index, text_of("i1"), &found));
    cr_assert(hh_vector_index_text(index, text, &place)); // the record may still be there
    hh_vector_index_forget(index, text);
    cr_assert_not(hh_vector_index_text(index, text, &place));
    cr_assert(hh_vector_index_put(index, text_of("i1"), &text, (hh_vector_place){9, 9}));
    cr_assert(hh_vector_index_text(index, text, &place) && place.offset == 9);
    hh_vector_index_free(index);
}

Test(vector_index, a_text_is_found_with_another_item_where_it_is_gone_with_one)
{
    hh_vector_index *index = hh_vector_index_new();
    hh_vector_place place;
    hh_text_hash text = hh_text_hash_of(text_of("a kite"));
    cr_assert(hh_vector_index_put(index, text_of("i1"), &text, (hh_vector_place){0, 1}));
    cr_assert(hh_vector_index_put(index, text_of("i2"), &text, (hh_vector_place){0, 2}));
    hh_vector_index_remove(index, text_of("i2"));
    hh_vector_index_forget(index, text);
    cr_assert(hh_vector_index_text(index, text, &place) && place.offset == 1);
    hh_vector_index_remove(index, text_of("i1"));
    hh_vector_index_forget(index, text);
    cr_assert_not(hh_vector_index_text(index, text, &place));
    hh_vector_index_free(index);
}

Test(vector_index, hashes_in_hex)
{
    char digits[HH_TEXT_HASH_DIGITS + 1];
    hh_text_hash text = hh_text_hash_of(text_of("a kite")), read;
    hh_text_hash_print(text, digits);
    cr_assert_eq(strlen(digits), HH_TEXT_HASH_DIGITS);
    cr_assert(hh_text_hash_parse(text_of(digits), &read) && hh_text_hash_same(text, read));
    digits[3] = 'G';
    cr_assert_not(hh_text_hash_parse(text_of(digits), &read));
    cr_assert_not(hh_text_hash_parse(text_of(""), &read));
    cr_assert_not(hh_text_hash_parse(text_of("00000000000000000000000000000000"), &read));
}

Test(vector_index, allocations_fail)
{
    hh_text_hash text = hh_text_hash_of(text_of("t"));
    for (long n = 0;; n++) {
        fail_alloc_at(n);
        hh_vector_index *index = hh_vector_index_new();
        bool put = index && hh_vector_index_put(index, text_of("i"), &text, (hh_vector_place){0, 0});
        bool failed = fail_alloc_done();
        cr_assert_eq(put, !failed);
        hh_vector_index_free(index);
        if (!failed)
            break;
    }
}
