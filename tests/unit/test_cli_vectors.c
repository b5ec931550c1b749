// Vectors and titles of items in the command line: --vectors and --items, and files that are not what they
// should be.
#include "call_hiphop.h"

#include <jansson.h>

static char directory[] = "/tmp/hiphop-cli-vectors-XXXXXX";
static char sessions[64], vectors[64], items[64], model[64];
static char out[1 << 16], err[4096];

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

static void set_up(void)
{
    cr_assert_not_null(mkdtemp(directory));
    snprintf(sessions, sizeof sessions, "%s/sessions", directory);
    snprintf(vectors, sizeof vectors, "%s/vectors", directory);
    snprintf(items, sizeof items, "%s/items", directory);
    snprintf(model, sizeof model, "%s/model", directory);
    write_walks(sessions, 200);
    FILE *file = fopen(vectors, "w");
    for (int i = 0; i < 15; i++)
        fprintf(file, "{\"item\": \"item-%d\", \"vector\": [%d, -0.5, 1e30]}\n", i, i % 4);
    fputs("{\"item\": \"elsewhere\", \"vector\": [1, 2, 3]}\n{\"id\": \"item-15\", \"vector\": [0, 0, 0]}\n",
          file);
    fclose(file);
    write_file(items, "{\"id\": \"item-1\", \"title\": \"Red \\u001b[31m shoes\"}\n{\"id\": \"item-2\"}\n"
                      "{\"id\": \"item-3\", \"title\": \"Socks\", \"price\": 3}\n");
}

static void clean_up(void)
{
    const char *const paths[] = {sessions, vectors, items, model};
    for (int i = 0; i < 4; i++)
        unlink(paths[i]);
    cr_expect_eq(rmdir(directory), 0, "something is left in %s", directory);
}

static int run(const char *format)
{
    char all[1024];
    snprintf(all, sizeof all, format, model, model, model);
    return call(out, sizeof out, err, sizeof err, all);
}

static int train(const char *more)
{
    char all[1024];
    snprintf(all, sizeof all, "train --train %s --out %s --d 8 --epochs 1 --batch 32 --warm-up 5 %s",
             sessions, model, more);
    return call(out, sizeof out, err, sizeof err, all);
}

static json_t *read_json(const char *format)
{
    cr_assert_eq(run(format), 0, "%s", err);
    json_t *object = json_loads(out, 0, NULL);
    cr_assert_not_null(object, "%s", out);
    return object;
}

static bool has_array(const char *name)
{
    json_t *object = read_json("inspect --json %s"), *array;
    size_t i;
    bool found = false;
    json_array_foreach(json_object_get(object, "arrays"), i, array) found =
        found || strcmp(json_string_value(json_object_get(array, "name")), name) == 0;
    json_decref(object);
    return found;
}

static char *digest_of_model(void)
{
    json_t *object = read_json("inspect --json %s");
    char *digest = strdup(json_string_value(json_object_get(object, "digest")));
    json_decref(object);
    return digest;
}

Test(cli_vectors, a_model_holds_the_vectors_it_was_trained_with, .init = set_up, .fini = clean_up)
{
    char options[256];
    cr_assert_eq(train("--quiet"), 0, "%s", err);
    cr_expect_not(has_array("source0.vector"));
    char *digest = digest_of_model();
    snprintf(options, sizeof options, "--vectors text=%s --vectors image=%s", vectors, vectors);
    cr_assert_eq(train(options), 0, "%s", err);
    cr_expect_not_null(strstr(err, "text: 15 of 20 items have a vector of 3 numbers"), "%s", err);
    cr_expect(has_array("source0.vector"));
    cr_expect(has_array("source1.vector"));
    cr_expect_not(has_array("title.bytes"));
    char *with = digest_of_model();
    cr_expect_str_neq(with, digest);
    free(with);
    free(digest);
}

// Vectors are no part of a checkpoint: they are named again, and must be the same ones.
Test(cli_vectors, a_training_with_vectors_goes_on_with_the_same_ones, .init = set_up, .fini = clean_up)
{
    char options[512], all[1024], checkpoint[96];
    write_walks(sessions, 1500);
    snprintf(checkpoint, sizeof checkpoint, "%s.checkpoint", model);
    snprintf(options, sizeof options, "--epochs 40 --patience 40 --seed 3 --vectors text=%s", vectors);
    cr_assert_eq(train(options), 0, "%s", err);
    char *whole = digest_of_model();
    unlink(model);
    snprintf(all, sizeof all, "train --train %s --out %s --d 8 --epochs 1 --batch 32 --warm-up 5 %s",
             sessions, model, options);
    running broken_off = begin(all, NULL);
    interrupt(&broken_off, checkpoint);
    cr_assert_eq(end(&broken_off, out, sizeof out, err, sizeof err), 130, "%s", err);
    snprintf(all, sizeof all, "train --resume --train %s --out %s", sessions, model);
    cr_expect_eq(call(out, sizeof out, err, sizeof err, all), 1);
    cr_expect_not_null(strstr(err, "other sources, than these"), "%s", err);
    write_file(items, "{\"item\": \"item-1\", \"vector\": [1, 2, 3]}\n");
    snprintf(all, sizeof all, "train --resume --train %s --out %s --vectors text=%s", sessions, model, items);
    cr_expect_eq(call(out, sizeof out, err, sizeof err, all), 1, "others under the same name");
    cr_expect_not_null(strstr(err, "other sources, than these"), "%s", err);
    cr_expect_eq(access(checkpoint, F_OK), 0, "it stays for the right call");
    cr_expect_neq(access(model, F_OK), 0);
    snprintf(all, sizeof all, "train --resume --train %s --out %s --vectors text=%s", sessions, model,
             vectors);
    cr_assert_eq(call(out, sizeof out, err, sizeof err, all), 0, "%s", err);
    cr_expect_neq(access(checkpoint, F_OK), 0);
    cr_expect(has_array("source0.vector"));
    char *resumed = digest_of_model();
    cr_expect_str_eq(resumed, whole);
    free(resumed);
    free(whole);
}

Test(cli_vectors, titles_are_printed_and_steer_no_terminal, .init = set_up, .fini = clean_up)
{
    char options[256];
    snprintf(options, sizeof options, "--items %s --quiet", items);
    cr_assert_eq(train(options), 0, "%s", err);
    cr_assert_eq(run("recommend --model %s item-1 item-3"), 0, "%s", err);
    cr_expect_not_null(strstr(out, "title"), "%s", out);
    cr_expect_not_null(strstr(out, "Red ?[31m shoes"), "%s", out);
    cr_expect_not_null(strstr(out, "item-2 "), "an item without a title is listed by its id: %s", out);
    cr_expect_null(strchr(out, '\033'));
    cr_assert_eq(run("inspect --near item-1 %s"), 0, "%s", err);
    cr_expect_not_null(strstr(out, "item-3  Socks"), "%s", out);
    json_t *object = read_json("recommend --model %s --json item-1"), *row;
    size_t i, titles = 0;
    json_array_foreach(json_object_get(object, "items"), i, row) titles +=
        json_object_get(row, "title") != NULL;
    cr_expect_eq(titles, 2);
    json_decref(object);
}

// Ids may hold anything but blanks: those of a session file are anybody's, as titles are.
Test(cli_vectors, ids_steer_no_terminal, .init = set_up, .fini = clean_up)
{
    FILE *file = fopen(sessions, "a");
    for (int i = 0; i < 40; i++)
        fputs("item-1 a\033[2Jb caf\xc3\xa9\xff\nitem-1 a\033[2Jb caf\xc3\xa9\xff item-1\n", file);
    fclose(file);
    cr_assert_eq(train("--quiet"), 0, "%s", err);
    const char *const calls[] = {"recommend --model %s item-1 a\033[2Jb no\033[2J",
                                 "recommend --list network --model %s item-1 a\033[2Jb no\033[2J",
                                 "inspect --near item-1 %s"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        cr_assert_eq(run(calls[i]), 0, "%s", err);
        cr_expect_not_null(strstr(out, "a?[2Jb"), "%s", out);
        cr_expect_not_null(strstr(out, "caf\xc3\xa9?"), "%s", out);
        cr_expect_null(strchr(out, '\033'));
        cr_expect_null(strchr(err, '\033'));
    }
    cr_expect_eq(run("inspect --near no\033[2J %s"), 1);
    cr_expect_not_null(strstr(err, "'no?[2J' is not among"), "%s", err);
}

// What takes hours to train must not fail at its titles.
Test(cli_vectors, titles_that_cannot_be_read_are_told_before_training, .init = set_up, .fini = clean_up)
{
    char options[256], said[256];
    cr_expect_eq(train("--items /nowhere/items"), 1);
    cr_expect_str_eq(err, "hiphop train: '/nowhere/items' can't be opened: No such file or directory\n");
    write_file(items, "{\"id\": \"item-1\"}\nno object\n");
    snprintf(options, sizeof options, "--items %s", items);
    cr_expect_eq(train(options), 1);
    snprintf(said, sizeof said, "hiphop train: %s, line 2: ", items);
    cr_expect_eq(strncmp(err, said, strlen(said)), 0, "%s", err);
    cr_expect_null(strstr(err, "epoch"), "%s", err);
}

Test(cli_vectors, evaluate_trains_with_them, .init = set_up, .fini = clean_up)
{
    char all[512], without[4096];
    const char *const call_it =
        "evaluate --train %s --model network --set network.d=8 --set network.epochs=1 "
        "--set network.warm-up=2 %s%s";
    snprintf(all, sizeof all, call_it, sessions, "", "");
    cr_assert_eq(call(without, sizeof without, err, sizeof err, all), 0, "%s", err);
    snprintf(all, sizeof all, call_it, sessions, "--vectors ", vectors);
    cr_assert_eq(call(out, sizeof out, err, sizeof err, all), 0, "%s", err);
    cr_expect_str_neq(strstr(out, "\nnetwork"), strstr(without, "\nnetwork"), "they change what is learned");
    snprintf(all, sizeof all,
             "ablate --train %s --vectors %s --seeds 1 --only on --set network.d=8 --set network.epochs=1",
             sessions, vectors);
    cr_assert_eq(call(out, sizeof out, err, sizeof err, all), 0, "%s", err);
    cr_expect_not_null(strstr(out, "default - vectors"), "%s", out);
}

// What a model foresees of a log of clicks on items of a kind, as --semantic has it.
static double foreseen(const char *model_name, const char *semantic)
{
    char all[1024];
    snprintf(all, sizeof all,
             "evaluate --clicks %s --from 0.1 --target-clicks 1 --json --items %s --model %s --semantic %s",
             sessions, items, model_name, semantic);
    cr_assert_eq(call(out, sizeof out, err, sizeof err, all), 0, "%s", err);
    cr_expect_not_null(strstr(err, "40 of 40 items have a text"), "%s", err);
    json_t *result = json_loads(out, JSON_DISABLE_EOF_CHECK, NULL);
    cr_assert_gt(json_integer_value(json_object_get(result, "targets")), 5);
    double hr = json_number_value(json_object_get(json_object_get(result, "hr"), "10"));
    json_decref(result);
    return hr;
}

// MRR@20 on items that the training never shows.
static double found(const char *more)
{
    char all[1024];
    snprintf(all, sizeof all, "evaluate --train %s --test %s --target-clicks 1 --json --items %s %s",
             sessions, vectors, items, more);
    cr_assert_eq(call(out, sizeof out, err, sizeof err, all), 0, "%s", err);
    json_t *result = json_loads(out, JSON_DISABLE_EOF_CHECK, NULL);
    cr_assert_eq(json_integer_value(json_object_get(result, "targets")), 40);
    double mrr = json_number_value(json_object_get(json_object_get(result, "mrr"), "20"));
    json_decref(result);
    return mrr;
}

Test(cli_vectors, what_is_launched_when_the_test_begins_is_still_to_be_tried, .init = set_up,
     .fini = clean_up)
{
    static const char *const kinds[] = {"snowboard binding", "kitchen towel", "garden lantern", "paper bag"};
    FILE *texts = fopen(items, "w"), *train_on = fopen(sessions, "w"), *test = fopen(vectors, "w");
    for (int i = 0; i < 24; i++) // the last four are new
        fprintf(texts, "{\"id\": \"item-%d\", \"title\": \"%s %d\"}\n", i, kinds[i % 4], i * i);
    for (int s = 0; s < 400; s++)
        fprintf(train_on, "item-%d item-%d item-%d\n", s % 4, s * 4 % 20 + s % 4, (s * 12 + 8) % 20 + s % 4);
    for (int s = 0; s < 40; s++)
        fprintf(test, "item-%d item-%d\n", s % 20, 20 + s % 4);
    fclose(texts);
    fclose(train_on);
    fclose(test);
#define ALONE "--model mixture --set network.on=0 "
    double launched = found(ALONE "--launch"), in_vain = found(ALONE);
    cr_expect(launched > 0.1 && launched > 1.5 * in_vain, "%g, and %g", launched, in_vain);
    cr_expect_eq(found(ALONE "--launch"), launched, "and every time");
    // A network was not trained on them, but reads what they are, and does not stand in their way.
#define BESIDE \
    "--launch --set network.d=16 --set network.epochs=3 --set network.rate=0.01 --set network.batch=64 "
    double foreseen = found(BESIDE "--model network"), beside = found(BESIDE "--model mixture");
    cr_expect_gt(foreseen, 0.1, "%g", foreseen);
    cr_expect_gt(beside, 0.7 * launched, "%g, and %g without", beside, launched);
}

Test(cli_vectors, evaluate_makes_vectors_of_texts, .init = set_up, .fini = clean_up)
{
    static const char *const kinds[] = {"snowboard binding", "kitchen towel", "garden lantern", "paper bag"};
    FILE *texts = fopen(items, "w"), *clicks = fopen(sessions, "w");
    fputs("visitor\titem\tunix_ms\n", clicks);
    for (int i = 0; i < 40; i++)
        fprintf(texts, "{\"id\": \"item-%d\", \"title\": \"%s %d\"}\n", i, kinds[i % 4], i * i);
    for (int s = 0; s < 100; s++) // of one kind, on ever newer items
        for (int c = 0; c < 3; c++)
            fprintf(clicks, "v%d\titem-%d\t%d\n", s, (s / 10 * 4 + s * 4 * c + s % 4) % 40,
                    s * 10000000 + c * 1000);
    fclose(texts);
    fclose(clicks);
    cr_expect_gt(foreseen("cosine", "hashing"), 0.8);
    cr_expect_lt(foreseen("cosine", "random"), 0.2, "the control");
    static const char trained[] =
        "network --train-every 24h --gate off --set network.d=16 --set network.batch=16 --set "
        "network.warm-up=5 "
        "--set network.id-dropout=0.5 --set network.item-dropout=0.1 --set training.epochs=30 "
        "--set training.rate=0.01";
    double with = foreseen(trained, "hashing"), by_lot = foreseen(trained, "random");
    cr_expect(with > by_lot + 0.2, "%g, and %g by lot", with, by_lot);
    char all[512];
    snprintf(all, sizeof all, "evaluate --clicks %s --semantic hashing", sessions);
    cr_expect_eq(call(out, sizeof out, err, sizeof err, all), 2);
    cr_expect_not_null(strstr(err, "--items"), "%s", err);
    snprintf(all, sizeof all, "evaluate --clicks %s --items %s --semantic magic", sessions, items);
    cr_expect_eq(call(out, sizeof out, err, sizeof err, all), 2);
    write_file(items, "{\"id\": \"elsewhere\", \"title\": \"Socks\"}\n");
    snprintf(all, sizeof all, "evaluate --clicks %s --items %s", sessions, items);
    cr_expect_eq(call(out, sizeof out, err, sizeof err, all), 1);
    cr_expect_not_null(strstr(err, "are the ids the same"), "%s", err);
}

Test(cli_vectors, what_is_no_vector_is_refused_with_its_line, .init = set_up, .fini = clean_up)
{
#define GOOD "{\"item\": \"item-1\", \"vector\": [1, 2]}\n"
    static const char *const bad[][2] = {
        {"", "none of the 20 items"},
        {"{\"item\": \"elsewhere\", \"vector\": [1, 2]}\n", "none of the 20 items"},
        {"{\"item\": \"item-1\", \"vector\": [0, 0]}\n", "none of the 20 items"},
        {GOOD "item-2 0.1 0.2\n", "line 2"},
        {GOOD "[1, 2]\n", "line 2: not a JSON object"},
        {GOOD "{\"vector\": [1, 2]}\n", "line 2: has no id"},
        {GOOD "{\"item\": \"item-2\"}\n", "line 2: has no \"vector\""},
        {GOOD "{\"item\": \"item-2\", \"vector\": {}}\n", "line 2: has no \"vector\""},
        {GOOD "{\"item\": \"item-2\", \"vector\": []}\n", "line 2: has no \"vector\""},
        {GOOD "\n{\"item\": \"item-2\", \"vector\": [1]}\n", "line 3: a vector of 1 numbers"},
        {GOOD "{\"item\": \"elsewhere\", \"vector\": [1, 2, 3]}\n", "line 2: a vector of 3 numbers"},
        {GOOD "{\"item\": \"item-2\", \"vector\": [1, \"2\"]}\n", "line 2: the vector holds something"},
        {GOOD "{\"item\": \"item-2\", \"vector\": [1, null]}\n", "line 2: the vector holds something"},
        {GOOD "{\"item\": \"item-2\", \"vector\": [1, NaN]}\n", "line 2"},
        {GOOD "{\"item\": \"item-2\", \"vector\": [1, 1e300]}\n",
         "line 2: the vector holds a number that is"},
        {GOOD "{\"item\": \"item-2\", \"vector\": [1, 1e999]}\n", "line 2"},
        {GOOD GOOD, "line 2: a second vector for 'item-1'"},
        {GOOD "{\"item\": \"item-2\", \"vec", "line 2"},
    };
    char options[256];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_file(vectors, bad[i][0]);
        snprintf(options, sizeof options, "--vectors %s --quiet", vectors);
        cr_expect_eq(train(options), 1, "%s", bad[i][0]);
        cr_expect_not_null(strstr(err, bad[i][1]), "of %s it says %s", bad[i][0], err);
        cr_expect_not_null(strstr(err, vectors), "%s", err);
    }
    cr_expect_eq(train("--vectors /nowhere/vectors"), 1);
    cr_expect_eq(train("--vectors a=/x --vectors a=/y"), 2);
    cr_expect_not_null(strstr(err, "two sources called 'a'"), "%s", err);
    cr_expect_eq(
        train("--vectors a=/x --vectors b=/y --vectors c=/y --vectors d=/y --vectors e=/y --vectors f=/y "
              "--vectors g=/y --vectors h=/y --vectors i=/y"),
        2);
    cr_expect_eq(train("--vectors a="), 2);
    cr_expect_neq(access(model, F_OK), 0, "no model comes of any of these");
}
