// From fields to a sentence, and from a sentence to a vector.
#include "fail_alloc.h"
#include <criterion/criterion.h>
#include <hiphop/semantics.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static hh_text text_of(const char *text)
{
    return (hh_text){text, text ? strlen(text) : 0};
}

// ---- templates ----

static const char *fill(const char *pattern, const char *a, const char *b, const char *c)
{
    static char sentence[HH_SENTENCE_MAX + 1];
    hh_error error;
    hh_template *made = hh_template_new(pattern, &error);
    cr_assert(made, "%s: %s", pattern, error.message);
    size_t length = hh_template_fill(made, (hh_text[]){text_of(a), text_of(b), text_of(c)}, sentence);
    cr_assert_eq(length, strlen(sentence));
    hh_template_free(made);
    return sentence;
}

Test(template, missing_fields_drop_out_with_the_text_before_them)
{
    const char *pattern = "A {title} by {brand}, {colour}.";
    cr_expect_str_eq(fill(pattern, "kite", "Wind", "red"), "A kite by Wind, red.");
    cr_expect_str_eq(fill(pattern, "kite", NULL, "red"), "A kite, red.");
    cr_expect_str_eq(fill(pattern, NULL, "Wind", "red"), "A Wind, red.");
    cr_expect_str_eq(fill(pattern, NULL, NULL, "red"), "A red.");
    cr_expect_str_eq(fill(pattern, "kite", "", " \t"), "A kite.");
    cr_expect_str_eq(fill(pattern, NULL, NULL, NULL), "");
}

Test(template, blanks_become_one_and_braces_can_be_written)
{
    cr_expect_str_eq(fill("{a}  {{{b}}}", "\n two\r\n  words ", "x", NULL), "two words {x}");
    cr_expect_str_eq(fill("{a}{b}{c}", "1", "2", "3"), "123");
}

Test(template, names_are_as_written)
{
    hh_template *made = hh_template_new("{title} {brand.name} {title}", NULL);
    cr_assert_eq(hh_template_count(made), 3);
    cr_expect_str_eq(hh_template_field(made, 1), "brand.name");
    cr_expect_str_eq(hh_template_field(made, 2), "title");
    hh_template_free(made);
}

Test(template, bad_patterns_say_what_is_wrong)
{
    const char *const patterns[][2] = {{"", "no field"},
                                       {"title", "no field"},
                                       {"{{title}}", "no field"},
                                       {"{title", "without its '}'"},
                                       {"{a{b}}", "without its '}'"},
                                       {"title}", "without its '{'"},
                                       {"{}", "names no field"}};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        hh_error error = {0};
        cr_expect_null(hh_template_new(patterns[i][0], &error));
        cr_expect_eq(error.status, HH_ARGUMENT);
        cr_expect(strstr(error.message, patterns[i][1]), "%s: %s", patterns[i][0], error.message);
    }
    char many[8 * (HH_TEMPLATE_FIELDS + 1)] = "";
    for (int i = 0; i <= HH_TEMPLATE_FIELDS; i++)
        memcpy(many + 3 * i, "{a}", 4);
    hh_error error;
    cr_expect_null(hh_template_new(many, &error));
    cr_expect_eq(error.status, HH_ARGUMENT);
    many[3 * HH_TEMPLATE_FIELDS] = 0;
    hh_template *made = hh_template_new(many, &error);
    cr_expect(made, "as many as are allowed");
    hh_template_free(made);
}

Test(template, what_is_too_long_is_cut_between_characters)
{
    char value[3 * HH_SENTENCE_MAX];
    for (size_t i = 0; i < sizeof value; i += 3)
        memcpy(value + i, "\xe2\x82\xac", 3); // three bytes each
    char sentence[HH_SENTENCE_MAX + 1];
    hh_template *made = hh_template_new("{a}", NULL);
    for (size_t skip = 0; skip < 3; skip++) {
        hh_template_free(made);
        made = hh_template_new(skip == 0 ? "{a}" : skip == 1 ? "x{a}" : "xy{a}", NULL);
        size_t length = hh_template_fill(made, &(hh_text){value, sizeof value}, sentence);
        cr_assert_eq((length - skip) % 3, 0);
        cr_assert(length > HH_SENTENCE_MAX - 3 && length <= HH_SENTENCE_MAX);
    }
    hh_template_free(made);
}

// ---- hashing ----

static void embed(const hh_hashing *hashing, const char *text, float *vector)
{
    bool any;
    cr_assert_eq(hh_hashing_embed(hashing, text_of(text), vector, &any), HH_OK);
    cr_assert(any, "%s", text);
}

static double cosine(const hh_hashing *hashing, const char *a, const char *b)
{
    float x[HH_HASHING_WIDTH], y[HH_HASHING_WIDTH];
    double sum = 0;
    embed(hashing, a, x);
    embed(hashing, b, y);
    for (int i = 0; i < HH_HASHING_WIDTH; i++)
        sum += (double)x[i] * y[i];
    return sum;
}

Test(hashing, vectors_have_length_1_and_depend_on_the_words_alone)
{
    hh_hashing *hashing = hh_hashing_new(HH_HASHING_WIDTH, NULL);
    cr_expect_float_eq(cosine(hashing, "red kite", "red kite"), 1, 1e-5);
    cr_expect_float_eq(cosine(hashing, "RED,   Kite!", "kite (red)"), 1, 1e-5);
    cr_expect_float_eq(cosine(hashing, "\xc3\x89T\xc3\x89", "e\xcc\x81te\xcc\x81"), 1, 1e-5,
                       "composed or not, no case");
    hh_hashing_free(hashing);
}

Test(hashing, shared_words_and_shared_parts_of_words_are_near)
{
    hh_hashing *hashing = hh_hashing_new(HH_HASHING_WIDTH, NULL);
    double other = cosine(hashing, "red kite", "chess board");
    cr_expect_lt(fabs(other), 0.2);
    cr_expect_gt(cosine(hashing, "red kite", "red sledge"), 0.3);
    cr_expect_gt(cosine(hashing, "snowboard", "snowboards"), 0.3);
    cr_expect_gt(cosine(hashing, "\xe5\xb1\xb1\xe5\xb7\x9d", "\xe5\xb1\xb1\xe5\xb7\x9d\xe5\xb3\xb6"), 0.15,
                 "Chinese has no blanks");
    hh_hashing_free(hashing);
}

Test(hashing, a_word_that_all_texts_have_says_little)
{
    hh_hashing *hashing = hh_hashing_new(HH_HASHING_WIDTH, NULL);
    double before = cosine(hashing, "the kite", "the board");
    char text[32];
    for (int i = 0; i < 200; i++) {
        snprintf(text, sizeof text, "the %c%c%c", 'a' + i % 26, 'a' + i / 26, 'z' - i % 13);
        cr_assert_eq(hh_hashing_count(hashing, text_of(text)), HH_OK);
    }
    double after = cosine(hashing, "the kite", "the board");
    cr_expect_gt(before, 0.35);
    cr_expect_lt(after, 0.1);
    hh_hashing_free(hashing);
}

Test(hashing, what_says_nothing_has_no_vector)
{
    hh_hashing *hashing = hh_hashing_new(8, NULL);
    float vector[8];
    const char *const nothing[] = {"", "   ", "-- !? \xe2\x82\xac"};
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        bool any = true;
        memset(vector, 1, sizeof vector);
        cr_expect_eq(hh_hashing_embed(hashing, text_of(nothing[i]), vector, &any), HH_OK);
        cr_expect_not(any);
        for (int j = 0; j < 8; j++)
            cr_expect_eq(vector[j], 0);
    }
    bool any;
    cr_expect_eq(hh_hashing_embed(hashing, (hh_text){NULL, 0}, vector, &any), HH_OK);
    cr_expect_eq(hh_hashing_embed(hashing, text_of("a\xff"), vector, &any), HH_FORMAT);
    cr_expect_eq(hh_hashing_count(hashing, text_of("a\xff")), HH_FORMAT);
    hh_hashing_free(hashing);
    hh_error error;
    cr_expect_null(hh_hashing_new(0, &error));
    cr_expect_eq(error.status, HH_ARGUMENT);
    cr_expect_null(hh_hashing_new(65537, &error));
}

Test(hashing, every_allocation_may_fail)
{
    hh_hashing *hashing = hh_hashing_new(16, NULL);
    float vector[16];
    bool any;
    long counting = 0, embedding = 0;
    for (hh_status status = HH_MEMORY; status; counting++) {
        fail_alloc_at(counting);
        status = hh_hashing_count(hashing, text_of("red kite"));
        cr_assert_eq(status, fail_alloc_done() ? HH_MEMORY : HH_OK);
    }
    for (hh_status status = HH_MEMORY; status; embedding++) {
        fail_alloc_at(embedding);
        status = hh_hashing_embed(hashing, text_of("red kite"), vector, &any);
        cr_assert_eq(status, fail_alloc_done() ? HH_MEMORY : HH_OK);
        cr_assert_eq(any, status == HH_OK);
    }
    cr_expect_gt(counting, 1);
    cr_expect_gt(embedding, 1);
    hh_hashing_free(hashing);
}
