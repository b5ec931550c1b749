#include <criterion/criterion.h>
#include <hiphop/recommend.h>
#include <stdio.h>
#include <string.h>

static hh_graph *graph;
static hh_mixture *mixture;

static void setup(void)
{
    hh_graph_options options = hh_graph_defaults();
    hh_error error;
    graph = hh_graph_new(&options, &error);
    mixture = hh_mixture_new();
    cr_assert(graph && mixture);
}

static void teardown(void)
{
    hh_mixture_free(mixture);
    hh_graph_free(graph);
}

TestSuite(recommend, .init = setup, .fini = teardown);

static hh_item item(const char *id)
{
    hh_item number = hh_graph_intern(graph, id, strlen(id));
    cr_assert_neq(number, HH_ITEM_NONE);
    return number;
}

// A session of one visitor: a click a second from `start` on, one for each letter.
static void session(uint64_t visitor, hh_time start, const char *letters)
{
    hh_graph_session *open = hh_graph_open(graph, visitor);
    for (size_t i = 0; letters[i]; i++) {
        char id[2] = {letters[i], '\0'};
        cr_assert_eq(hh_graph_click(graph, open, item(id), start + (hh_time)i * HH_SECOND), HH_OK);
    }
    hh_graph_close(graph, open);
}

// The list for a session of these letters, as a string of letters.
static size_t ask(uint32_t k, bool hide, const char *letters, hh_time as_of, hh_recommendation *list,
                  char *ids)
{
    hh_error error;
    hh_recommend_options options = {.k = k, .hide_session_items = hide};
    hh_recommender *recommender = hh_recommender_new(graph, mixture, &options, &error);
    cr_assert(recommender);
    hh_item items[16];
    size_t length = strlen(letters), count;
    for (size_t i = 0; i < length; i++)
        items[i] = hh_graph_find(hh_recommender_reader(recommender), &letters[i], 1);
    hh_query query = {
        .items = items, .length = length, .as_of = as_of, .visitor = 999, .session_start = as_of};
    cr_assert_eq(hh_recommend(recommender, &query, list, &count), HH_OK);
    for (size_t i = 0; i < count; i++) {
        char id[8];
        cr_assert_eq(hh_graph_id(hh_recommender_reader(recommender), list[i].item, id, sizeof id), 1);
        ids[i] = id[0];
    }
    ids[count] = '\0';
    hh_recommender_free(recommender);
    return count;
}

Test(recommend, what_followed_comes_first_with_its_reason)
{
    for (uint64_t visitor = 0; visitor < 5; visitor++)
        session(visitor, (hh_time)visitor * HH_MINUTE, "ab");
    session(10, 10 * HH_MINUTE, "cd");
    hh_recommendation list[8];
    char ids[9], text[64];
    cr_assert_eq(ask(1, true, "a", HH_HOUR, list, ids), 1);
    cr_assert_str_eq(ids, "b");
    cr_assert_eq(list[0].count, 5);
    hh_reason_text(&list[0], text, sizeof text);
    cr_assert(strcmp(text, "5 of the 5 nearest sessions went on to this") == 0 ||
              strcmp(text, "followed this session's items 5 times") == 0);
}

Test(recommend, a_list_is_full_when_enough_items_exist_and_ties_go_by_id)
{
    for (uint64_t visitor = 0; visitor < 6; visitor++)
        session(visitor, HH_MINUTE, (const char *[]){"f", "c", "a", "e", "b", "d"}[visitor]);
    hh_recommendation list[8];
    char ids[9];
    cr_assert_eq(ask(4, true, "", HH_HOUR, list, ids), 4);
    cr_assert_str_eq(ids, "abcd");
    cr_assert_eq(ask(8, true, "", HH_HOUR, list, ids), 6);
    cr_assert_str_eq(ids, "abcdef");
    cr_assert_eq(ask(4, true, "a", HH_HOUR, list, ids), 4);
    cr_assert_str_eq(ids, "bcde");
    cr_assert_eq(ask(8, true, "", HH_MINUTE, list, ids), 0, "nothing is earlier than the first click");
}

static void check_list(hh_recommender *recommender, const char *expected)
{
    hh_item a = item("a");
    hh_query query = {.items = &a, .length = 1, .as_of = HH_HOUR, .visitor = 999, .session_start = HH_HOUR};
    hh_recommendation list[8];
    size_t count;
    cr_assert_eq(hh_recommend(recommender, &query, list, &count), HH_OK);
    cr_assert_eq(count, strlen(expected));
    for (size_t i = 0; i < count; i++) {
        char id[8];
        hh_graph_id(hh_recommender_reader(recommender), list[i].item, id, sizeof id);
        cr_assert_eq(id[0], expected[i], "place %zu: %s, not %c", i, id, expected[i]);
        cr_assert(list[i].score > 0 && list[i].score <= 1);
        cr_assert(i == 0 || list[i].score <= list[i - 1].score);
    }
}

Test(recommend, a_ranker_makes_the_list_while_it_is_used_and_active)
{
    for (uint64_t visitor = 0; visitor < 9; visitor++) // b most often, then c, then d
        session(visitor, (hh_time)visitor * HH_MINUTE, visitor < 5 ? "ab" : visitor < 8 ? "ac" : "ad");
    hh_error error;
    hh_recommend_options options = {.k = 8, .hide_session_items = true};
    hh_recommender *recommender = hh_recommender_new(graph, mixture, &options, &error);
    check_list(recommender, "bcd");
    cr_assert_null(hh_recommender_shortlist(recommender));

    hh_ranker_options small = hh_ranker_defaults();
    small.candidates = 20;
    hh_ranker *ranker = hh_ranker_new(&small, &error);
    hh_ranker_tensor tensors[HH_RANKER_TENSORS];
    hh_ranker_tensors(ranker, tensors);
    for (int t = 0; t < HH_RANKER_TENSORS; t++) // it turns the mixture's order round
        if (strcmp(tensors[t].name, "ranker.skip") == 0)
            for (size_t i = 0; i < tensors[t].cols; i++)
                tensors[t].value[i] *= -1;
    cr_assert_eq(hh_recommender_use(recommender, ranker, &error), HH_OK);
    check_list(recommender, "bcd"); // switched off
    tensors[HH_RANKER_TENSORS - 1].value[0] = 1;
    check_list(recommender, "dcb");
    cr_assert_not_null(hh_recommender_shortlist(recommender));

    hh_ranker *other = hh_ranker_new(&(hh_ranker_options){.candidates = 40, .batch = 1, .memory = 1}, &error);
    cr_assert_eq(hh_recommender_use(recommender, other, &error), HH_OK, "of another size");
    hh_ranker_free(ranker);
    check_list(recommender, "bcd");
    cr_assert_eq(hh_recommender_use(recommender, NULL, &error), HH_OK);
    hh_ranker_free(other);
    check_list(recommender, "bcd");
    hh_recommender_free(recommender);
}

// The shelf learns that what comes last by the mixture is clicked, and has that on the shelf as of `now`.
static hh_time teach_to_reverse(hh_ranker_shelf *shelf, hh_time now)
{
    hh_error error;
    hh_recommend_options options = {.k = 8, .hide_session_items = true};
    hh_recommender *recommender = hh_recommender_new(graph, mixture, &options, &error);
    hh_ranker *ranker = hh_ranker_new(hh_ranker_shelf_options(shelf), &error);
    cr_assert_eq(hh_recommender_use(recommender, ranker, &error), HH_OK); // for its shortlist
    check_list(recommender, "bcd");
    for (int i = 0; i < 6000; i++)
        hh_ranker_shelf_learn(shelf, hh_recommender_shortlist(recommender), item("d"), now += HH_SECOND);
    hh_recommender_free(recommender);
    hh_ranker_free(ranker);
    return now;
}

Test(recommend, a_shelf_makes_the_list_as_of_its_time)
{
    session(1, 0, "ab");
    session(2, HH_MINUTE, "ab");
    session(3, 2 * HH_MINUTE, "ab");
    session(4, 3 * HH_MINUTE, "ac");
    session(5, 4 * HH_MINUTE, "ac");
    session(6, 5 * HH_MINUTE, "ad");
    hh_error error;
    hh_ranker_options small = hh_ranker_defaults();
    small.candidates = 20;
    small.hide_session_items = true;
    hh_ranker_shelf *shelf = hh_ranker_shelf_new(&small, &error);
    hh_time later = teach_to_reverse(shelf, HH_HOUR);
    hh_recommend_options options = {.k = 8, .hide_session_items = true};
    hh_recommender *recommender = hh_recommender_new(graph, mixture, &options, &error);
    cr_assert_eq(hh_recommender_follow(recommender, shelf, &error), HH_OK);
    check_list(recommender, "bcd"); // as of HH_HOUR, when nothing was learned
    cr_assert_null(hh_recommender_shortlist(recommender));
    hh_item asked = item("a");
    hh_query query = {.items = &asked, .length = 1, .as_of = later, .visitor = 999, .session_start = later};
    hh_recommendation list[8];
    size_t count;
    cr_assert_eq(hh_recommend(recommender, &query, list, &count), HH_OK);
    cr_assert_eq(count, 3, "the list is as long as without it");
    cr_assert_eq(list[0].item, item("d"));
    cr_assert(list[0].score > list[1].score && list[1].score > list[2].score && list[2].score > 0);
    hh_recommendation first = list[0];

    cr_assert_eq(hh_graph_withdraw(graph, item("d"), true), HH_OK);
    cr_assert_eq(hh_recommend(recommender, &query, list, &count), HH_OK);
    cr_assert_eq(count, 2);
    cr_assert(list[0].item != item("d") && list[1].item != item("d"));
    cr_assert_eq(hh_graph_withdraw(graph, item("d"), false), HH_OK);

    cr_assert_eq(hh_recommender_follow(recommender, NULL, &error), HH_OK);
    cr_assert_eq(hh_recommend(recommender, &query, list, &count), HH_OK);
    cr_assert_eq(list[0].item, item("b"));
    cr_assert_eq(list[2].item, first.item);
    cr_assert_eq(list[2].reason, first.reason, "the reason is that of the votes");
    cr_assert_eq(list[2].count, first.count);
    cr_assert_eq(list[2].of, first.of);
    hh_recommender_free(recommender);
    hh_ranker_shelf_free(shelf);
}

Test(recommend, withdrawn_items_never_show_until_restored)
{
    session(1, 0, "abc");
    cr_assert_eq(hh_graph_withdraw(graph, item("b"), true), HH_OK);
    hh_recommendation list[8];
    char ids[9];
    ask(8, true, "a", HH_HOUR, list, ids);
    cr_assert_str_eq(ids, "c");
    cr_assert_eq(hh_graph_withdraw(graph, item("b"), false), HH_OK);
    cr_assert_eq(ask(8, true, "a", HH_HOUR, list, ids), 2);
}

Test(recommend, others_can_see_who_is_withdrawn)
{
    hh_error error;
    hh_graph_stats stats;
    hh_reader *reader = hh_reader_new(graph, &error);
    session(1, 0, "abc");
    cr_assert_not(hh_graph_withdrawn(reader, "b", 1));
    for (int i = 0; i < 2; i++) { // twice is once
        cr_assert_eq(hh_graph_withdraw(graph, item("b"), true), HH_OK);
        cr_assert(hh_graph_withdrawn(reader, "b", 1));
        hh_graph_stats_read(graph, &stats);
        cr_assert_eq(stats.withdrawals, 1);
    }
    cr_assert_not(hh_graph_withdrawn(reader, "a", 1));
    cr_assert_not(hh_graph_withdrawn(reader, "never seen", 10));
    cr_assert_eq(hh_graph_withdraw(graph, item("b"), false), HH_OK);
    cr_assert_not(hh_graph_withdrawn(reader, "b", 1));
    hh_graph_stats_read(graph, &stats);
    cr_assert_eq(stats.withdrawals, 2);
    hh_reader_free(reader);
}

Test(recommend, items_of_the_session_are_shown_or_hidden_by_option)
{
    session(1, 0, "ab");
    hh_recommendation list[8];
    char ids[9], text[64];
    cr_assert_eq(ask(8, true, "a", HH_HOUR, list, ids), 1);
    cr_assert_eq(ask(8, false, "a", HH_HOUR, list, ids), 2);
    cr_assert(strchr(ids, 'a'));
    hh_reason_text(&(hh_recommendation){.reason = HH_REASON_REPEAT}, text, sizeof text);
    cr_assert_str_eq(text, "already in this session");
}

// No session with a holds c, but those that hold b, to which a leads, do.
Test(recommend, what_is_two_steps_away_is_listed_with_its_reason)
{
    for (uint64_t visitor = 1; visitor <= 3; visitor++)
        session(visitor, (hh_time)visitor * HH_MINUTE, "ab");
    for (uint64_t visitor = 4; visitor <= 5; visitor++)
        session(visitor, (hh_time)visitor * HH_MINUTE, "bc");
    for (uint64_t visitor = 6; visitor <= 25; visitor++)
        session(visitor, (hh_time)visitor * HH_MINUTE, (char[]){(char)('a' + visitor), '\0'});
    hh_recommendation list[8];
    char ids[9], text[64];
    cr_assert_eq(ask(8, true, "a", HH_HOUR, list, ids), 8);
    cr_assert_eq(strncmp(ids, "bc", 2), 0, "%s", ids);
    cr_assert_eq(list[0].reason, HH_REASON_FOLLOWED);
    cr_assert_eq(list[1].reason, HH_REASON_ONWARD);
    hh_reason_text(&list[1], text, sizeof text);
    cr_assert_str_eq(text, "followed 2 times what follows this session's items");
    list[1].count = 1;
    hh_reason_text(&list[1], text, sizeof text);
    cr_assert_str_eq(text, "followed once what follows this session's items");
    cr_assert_eq(ask(8, true, "a", 6 * HH_MINUTE, list, ids), 2, "as of then, without what came later");
    cr_assert_str_eq(ids, "bc");
    cr_assert_eq(hh_graph_withdraw(graph, item("c"), true), HH_OK);
    cr_assert_eq(ask(8, true, "a", 6 * HH_MINUTE, list, ids), 1);
    cr_assert_eq(hh_graph_withdraw(graph, item("c"), false), HH_OK);
    cr_assert_eq(ask(8, true, "ca", 6 * HH_MINUTE, list, ids), 1, "what the session has is hidden");
}

// With as many sessions as tell enough the second step is not taken.
Test(recommend, where_many_sessions_are_read_one_step_is_enough)
{
    for (uint64_t visitor = 1; visitor <= 200; visitor++)
        session(visitor, (hh_time)visitor * HH_MINUTE, visitor % 95 ? "ab" : "bc");
    hh_recommendation list[8];
    char ids[9];
    cr_assert_eq(ask(8, true, "a", 300 * HH_MINUTE, list, ids), 2);
    cr_assert_str_eq(ids, "bc");
    cr_assert_eq(list[1].reason, HH_REASON_POPULAR);
    cr_assert_eq(ask(8, true, "a", 100 * HH_MINUTE, list, ids), 2);
    cr_assert_eq(list[1].reason, HH_REASON_ONWARD, "as of then, a hundred sessions");
}

Test(recommend, an_empty_graph_gives_an_empty_list)
{
    hh_recommendation list[8];
    char ids[9];
    cr_assert_eq(ask(8, true, "", HH_HOUR, list, ids), 0);
}
