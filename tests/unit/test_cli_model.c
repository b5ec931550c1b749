// hiphop train, recommend and inspect, called as programs.
#include "call_hiphop.h"

#include <jansson.h>

static char directory[] = "/tmp/hiphop-cli-model-XXXXXX";
static char sessions[64], model[64];

static void write_sessions(int count)
{
    cr_assert_not_null(mkdtemp(directory));
    snprintf(sessions, sizeof sessions, "%s/sessions", directory);
    snprintf(model, sizeof model, "%s/model", directory);
    write_walks(sessions, count);
}

static void clean_up(void)
{
    char checkpoint[96];
    snprintf(checkpoint, sizeof checkpoint, "%s.checkpoint", model);
    unlink(checkpoint);
    unlink(sessions);
    unlink(model);
    cr_expect_eq(rmdir(directory), 0, "something is left in %s", directory);
}

static int train(char *out, size_t size, char *err, size_t err_size, const char *arguments)
{
    char all[1024];
    snprintf(all, sizeof all, "train --train %s --out %s --d 16 --batch 32 --warm-up 10 %s", sessions, model,
             arguments);
    return call(out, size, err, err_size, all);
}

static int on_model(char *out, size_t size, char *err, size_t err_size, const char *format)
{
    char all[1024];
    snprintf(all, sizeof all, format, model);
    return call(out, size, err, err_size, all);
}

static json_t *json_of_model(const char *format)
{
    static char out[65536], err[1024];
    cr_assert_eq(on_model(out, sizeof out, err, sizeof err, format), 0, "%s", err);
    json_t *object = json_loads(out, 0, NULL);
    cr_assert_not_null(object, "%s", out);
    return object;
}

Test(cli_model, what_follows_is_learned_and_recommended, .fini = clean_up)
{
    char out[8192], err[8192];
    write_sessions(400);
    cr_assert_eq(train(out, sizeof out, err, sizeof err, "--epochs 6 --patience 6 --held-out 0.2"), 0, "%s",
                 err);
    cr_assert_not_null(strstr(out, " epochs on 400 sessions"), "%s", out);
    cr_assert_not_null(strstr(out, "On the sessions held out: HR@20 "), "%s", out);
    cr_assert_not_null(strstr(err, "epoch 2 of 6  loss "), "%s", err);
    cr_assert_not_null(strstr(err, "mixture and ranker, on the sessions held out"), "%s", err);
    cr_assert_not_null(strstr(out, "240 clicks was learned from: network HR@20 "), "%s", out);
    cr_assert_eq(
        on_model(out, sizeof out, err, sizeof err, "recommend --model %s --k 3 --list network item-4 item-5"),
        0);
    cr_assert_not_null(strstr(out, "   1  item-6 "), "%s", out);
    cr_assert_not_null(strstr(out, " % from item-5, the last click"), "%s", out);
    cr_assert_eq(
        on_model(out, sizeof out, err, sizeof err, "recommend --model %s --k 3 --list mixture item-4 item-5"),
        0);
    cr_assert_not_null(strstr(out, "   1  item-6 "), "%s", out);
    cr_assert(strstr(out, "followed this session's items ") || strstr(out, " sessions went on to this"), "%s",
              out);
    cr_assert_eq(on_model(out, sizeof out, err, sizeof err, "recommend --model %s --k 3 item-4 item-5"), 0);
    cr_assert_not_null(strstr(out, "   1  item-6 "), "%s", out);
    cr_assert_null(strstr(out, "   4  "), "%s", out);
    cr_assert_str_empty(err);
    json_t *list = json_of_model("recommend --json --hide-session-items --model %s item-8 none-such item-9");
    const json_t *first = json_array_get(json_object_get(list, "items"), 0);
    cr_assert_eq(json_array_size(json_object_get(list, "items")), 18);
    cr_assert_str_eq(json_string_value(json_object_get(first, "item")), "item-10");
    cr_assert_gt(json_number_value(json_object_get(first, "score")), 0.3);
    cr_assert_str_eq(json_string_value(json_array_get(json_object_get(list, "unknown"), 0)), "none-such");
    json_decref(list);
    list = json_of_model("recommend --json --list hiphop --model %s item-8 item-9");
    first = json_array_get(json_object_get(list, "items"), 0);
    cr_assert_str_eq(json_string_value(json_object_get(list, "list")), "hiphop");
    cr_assert_str_eq(json_string_value(json_object_get(first, "item")), "item-10");
    cr_assert_gt(json_integer_value(json_object_get(first, "count")), 10);
    json_decref(list);
}

// What is not in the model can't make lists, and that is said.
Test(cli_model, lists_by_what_there_is, .fini = clean_up)
{
    char out[16384], err[2048];
    write_sessions(60);
    cr_assert_eq(train(out, sizeof out, err, sizeof err, "--epochs 2 --held-out 0"), 0, "%s", err);
    cr_assert_eq(on_model(out, sizeof out, err, sizeof err, "recommend --model %s item-1"), 0);
    cr_assert_not_null(strstr(err, "the network alone lists: the model holds no fitted mixture"), "%s", err);
    cr_assert_not_null(strstr(out, "item-1, the last click"), "%s", out);
    cr_assert_eq(on_model(out, sizeof out, err, sizeof err, "recommend --model %s --list network item-1"), 0);
    cr_assert_str_empty(err);
    cr_assert_eq(on_model(out, sizeof out, err, sizeof err, "recommend --model %s --list mixture item-1"), 1);
    cr_assert_not_null(strstr(err, "holds no fitted mixture"), "%s", err);
    cr_assert_eq(on_model(out, sizeof out, err, sizeof err, "inspect %s"), 0);
    cr_assert_not_null(strstr(out, "holds no fitted mixture"), "%s", out);
    cr_assert_eq(train(out, sizeof out, err, sizeof err, "--epochs 2 --keep-clicks 0"), 0, "%s", err);
    cr_assert_eq(on_model(out, sizeof out, err, sizeof err, "recommend --model %s item-1"), 0);
    cr_assert_not_null(strstr(err, "the network alone lists: the model holds no sessions"), "%s", err);
    cr_assert_eq(on_model(out, sizeof out, err, sizeof err, "recommend --model %s --list hiphop item-1"), 1);
    cr_assert_not_null(strstr(err, "the model holds no sessions"), "%s", err);
    cr_assert_eq(train(out, sizeof out, err, sizeof err, "--epochs 2 --keep-clicks 1"), 0, "%s", err);
    cr_assert_eq(on_model(out, sizeof out, err, sizeof err, "recommend --model %s item-1"), 0);
    cr_assert_not_null(strstr(err, "the model holds no sessions"), "the newest has more than one click");
    cr_assert_eq(train(out, sizeof out, err, sizeof err, "--epochs 2 --keep-clicks 30"), 0, "%s", err);
    json_t *object = json_of_model("inspect --json %s");
    cr_assert_eq(json_integer_value(json_object_get(object, "sessions")), 7);
    cr_assert_eq(json_integer_value(json_object_get(object, "clicks")), 29);
    json_decref(object);
}

Test(cli_model, what_is_unknown_is_said, .fini = clean_up)
{
    char out[2048], err[2048];
    write_sessions(40);
    cr_assert_eq(train(out, sizeof out, err, sizeof err, "--epochs 1 --quiet"), 0);
    cr_assert_str_empty(err);
    cr_assert_eq(on_model(out, sizeof out, err, sizeof err, "recommend --model %s item-1 hat"), 0);
    cr_assert_not_null(strstr(err, "'hat' is not among the 20 items"), "%s", err);
    cr_assert_eq(on_model(out, sizeof out, err, sizeof err, "recommend --model %s hat"), 1);
    cr_assert_not_null(strstr(err, "knows none of these items"), "%s", err);
    cr_assert_str_empty(out);
    cr_assert_eq(on_model(out, sizeof out, err, sizeof err, "recommend --model %s -- item-1 --k - hat"), 0);
    cr_assert_not_null(strstr(err, "'--k' is not among"), "behind '--' all are items: %s", err);
    cr_assert_not_null(strstr(err, "'-' is not among"), "%s", err);
    cr_assert_eq(on_model(out, sizeof out, err, sizeof err, "recommend --model %s item-1 -"), 0);
    cr_assert_eq(on_model(out, sizeof out, err, sizeof err, "inspect --near hat %s"), 1);
    cr_assert_not_null(strstr(err, "'hat' is not among the 20 items"), "%s", err);
}

Test(cli_model, inspect_shows_what_is_in_it, .fini = clean_up)
{
    char out[16384], err[2048];
    write_sessions(40);
    cr_assert_eq(train(out, sizeof out, err, sizeof err, "--epochs 2 --json --own-bias false"), 0);
    json_t *record = json_loads(out, 0, NULL);
    cr_assert_eq(json_integer_value(json_object_get(record, "sessions")), 40, "%s", out);
    json_decref(record);
    cr_assert_eq(on_model(out, sizeof out, err, sizeof err, "inspect %s"), 0, "%s", err);
    const char *const words[] = {"a model of 20 items, with 40 sessions of 159 clicks",
                                 "learned from 11 clicks of sessions held out",
                                 "  the best: hiphop recommend",
                                 "  knn-short        0.",
                                 "mixture.logits           f32  ",
                                 "own-bias         false",
                                 "d                16",
                                 "network.attention.w1     f32  16 x 16",
                                 "epochs           2",
                                 "memory while it was trained: parameters 0.0 MB"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        cr_assert_not_null(strstr(out, words[i]), "%s in %s", words[i], out);
    json_t *object = json_of_model("inspect --json %s");
    cr_assert_eq(json_integer_value(json_object_get(object, "sessions")), 40);
    cr_assert(json_is_false(json_object_get(json_object_get(object, "network"), "own-bias")));
    const json_t *fitted = json_object_get(object, "fitted");
    cr_assert_eq(json_integer_value(json_object_get(fitted, "lessons")), 11);
    cr_assert_eq(json_object_size(json_object_get(fitted, "weights")), 13);
    cr_assert(json_is_false(json_object_get(fitted, "ranks")));
    json_decref(object);
    object = json_of_model("inspect --json --near item-3 --k 5 %s");
    cr_assert_eq(json_array_size(json_object_get(object, "near")), 5);
    json_decref(object);
    cr_assert_eq(on_model(out, sizeof out, err, sizeof err, "inspect --near item-3 --k 2 %s"), 0);
    cr_assert_not_null(strstr(out, "item-"), "%s", out);
}

Test(cli_model, export_writes_vectors_and_ids, .fini = clean_up)
{
    char out[8192], err[8192], path[128];
    write_sessions(60);
    cr_assert_eq(train(out, sizeof out, err, sizeof err, "--epochs 1"), 0, "%s", err);
    cr_assert_eq(on_model(out, sizeof out, err, sizeof err, "export --model %1$s --embeddings %1$s-items"), 0,
                 "%s", err);
    cr_assert_not_null(strstr(out, "20 items, 16 numbers each, of "), "%s", out);
    snprintf(path, sizeof path, "%s-items.npy", model);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file);
    fseek(file, 0, SEEK_END);
    cr_assert_eq(ftell(file), 128 + 20 * 16 * 4);
    fclose(file);
    unlink(path);
    snprintf(path, sizeof path, "%s-items.ids.jsonl", model);
    read_and_remove(path, out, sizeof out);
    cr_assert_eq(strncmp(out, "\"item-0\"\n\"item-1\"\n\"item-10\"\n", 27), 0, "%s", out);
    cr_assert_eq(on_model(out, sizeof out, err, sizeof err, "export --model %s"), 2);
    cr_assert_not_null(strstr(err, "--embeddings is needed"), "%s", err);
    cr_assert_eq(on_model(out, sizeof out, err, sizeof err, "export --model %s --brokers x --embeddings y"),
                 2);
    cr_assert_not_null(strstr(err, "--brokers or --model, not both"), "%s", err);
    cr_assert_eq(on_model(out, sizeof out, err, sizeof err, "export --embeddings y"), 2);
    cr_assert_not_null(strstr(err, "either --brokers or --model is needed"), "%s", err);
    cr_assert_eq(on_model(out, sizeof out, err, sizeof err, "export --model %s --embeddings="), 2);
    cr_assert_not_null(strstr(err, "--embeddings is needed"), "%s", err);
}

// What takes hours to make must have a place before it is made.
Test(cli_model, a_place_that_cannot_be_written_is_told_before_training, .fini = clean_up)
{
    char out[2048], err[2048], all[256], said[256];
    write_sessions(40);
    snprintf(all, sizeof all, "train --train %s --out %s", sessions, directory);
    cr_assert_eq(call(out, sizeof out, err, sizeof err, all), 1);
    snprintf(said, sizeof said, "hiphop train: %s: this is a directory, not a file\n", directory);
    cr_assert_str_eq(err, said);
    snprintf(all, sizeof all, "train --train %s --out /nowhere/model", sessions);
    cr_assert_eq(call(out, sizeof out, err, sizeof err, all), 1);
    cr_assert_str_eq(err, "hiphop train: /nowhere/model: No such file or directory\n");
    snprintf(all, sizeof all, "train --train %s --out=", sessions);
    cr_assert_eq(call(out, sizeof out, err, sizeof err, all), 1);
    cr_assert_str_eq(err, "hiphop train: the name of the file to write is empty\n");
    snprintf(all, sizeof all, "train --train %s --out %s", sessions, sessions);
    cr_assert_eq(call(out, sizeof out, err, sizeof err, all), 1);
    snprintf(said, sizeof said,
             "hiphop train: %s: this would be read and then replaced; write to another file\n", sessions);
    cr_assert_str_eq(err, said);
    snprintf(all, sizeof all, "ablate --train %s --html %s", sessions, sessions);
    cr_assert_eq(call(out, sizeof out, err, sizeof err, all), 1);
    cr_assert_not_null(strstr(err, "would be read and then replaced"), "%s", err);
}

Test(cli_model, damaged_files_are_refused, .fini = clean_up)
{
    char out[2048], err[2048];
    write_sessions(40);
    cr_assert_eq(train(out, sizeof out, err, sizeof err, "--epochs 1"), 0);
    FILE *file = fopen(model, "r+");
    fseek(file, 5000, SEEK_SET);
    fputc('x', file);
    fclose(file);
    cr_assert_eq(on_model(out, sizeof out, err, sizeof err, "recommend --model %s item-1"), 1);
    cr_assert_not_null(strstr(err, "damaged: its checksum does not fit"), "%s", err);
    cr_assert_eq(truncate(model, 3000), 0);
    cr_assert_eq(on_model(out, sizeof out, err, sizeof err, "inspect %s"), 1);
    cr_assert_not_null(strstr(err, "cut off or damaged"), "%s", err);
    cr_assert_eq(truncate(model, 0), 0);
    cr_assert_eq(on_model(out, sizeof out, err, sizeof err, "inspect %s"), 1);
    cr_assert_not_null(strstr(err, "no model file"), "%s", err);
}

static char *digest_of_model(void)
{
    json_t *object = json_of_model("inspect --json %s");
    char *digest = strdup(json_string_value(json_object_get(object, "digest")));
    json_decref(object);
    return digest;
}

// Broken off by SIGINT as soon as there is a checkpoint, and gone on with.
Test(cli_model, a_training_that_is_broken_off_goes_on, .fini = clean_up)
{
    char out[4096], err[65536], arguments[512], checkpoint[96];
    const char *const settings = "--epochs 20 --patience 20 --threads 2 --seed 3";
    write_sessions(1500);
    snprintf(checkpoint, sizeof checkpoint, "%s.checkpoint", model);
    cr_assert_eq(train(out, sizeof out, err, sizeof err, settings), 0, "%s", err);
    char *whole = digest_of_model();
    unlink(model);
    snprintf(arguments, sizeof arguments, "train --train %s --out %s --d 16 --batch 32 --warm-up 10 %s",
             sessions, model, settings);
    running broken_off = begin(arguments, NULL);
    interrupt(&broken_off, checkpoint);
    cr_assert_eq(end(&broken_off, out, sizeof out, err, sizeof err), 130, "it had ended before");
    cr_assert_not_null(strstr(err, "the same call with --resume goes on from"), "%s", err);
    cr_assert_neq(access(model, F_OK), 0);
    cr_assert_eq(train(out, sizeof out, err, sizeof err, settings), 1);
    cr_assert_not_null(strstr(err, "go on with it by --resume, or remove it"), "%s", err);
    cr_assert_eq(train(out, sizeof out, err, sizeof err, "--resume --rate 0.1"), 1);
    cr_assert_not_null(strstr(err, "made with rate = 0.004, not 0.1"), "%s", err);
    cr_assert_eq(train(out, sizeof out, err, sizeof err, "--resume"), 0, "%s", err);
    cr_assert_neq(access(checkpoint, F_OK), 0, "it is gone when the model is there");
    char *resumed = digest_of_model();
    cr_assert_str_eq(resumed, whole);
    free(resumed);
    free(whole);
}

Test(cli_model, mistakes_in_the_call_are_explained)
{
    static const struct {
        const char *arguments;
        int status;
        const char *sentence;
    } calls[] = {
        {"train", 2, "--train FILE is needed"},
        {"train --train x", 2, "--out MODEL is needed"},
        {"train --train x --out y --graph maybe", 2, "'maybe' is neither 'true' nor 'false'"},
        {"train --train x --out y --d 0", 2, "'0' is not a whole number from 1 to 4096"},
        {"train --train x --out y --rate much", 2, "--rate: 'much' is not a number"},
        {"train --train /no/such --out /tmp/hiphop-none", 1, "/no/such: No such file or directory"},
        {"train --train x --out /tmp/hiphop-none --resume", 1,
         "there is nothing to go on with: /tmp/hiphop-none.checkpoint"},
        {"recommend item-1", 2, "--model FILE is needed"},
        {"recommend --model x", 2, "name the session's items"},
        {"recommend --model x --list best item-1", 2, "'best' is none of network, mixture and hiphop"},
        {"recommend --model /no/such item-1", 1, "/no/such: No such file or directory"},
        {"recommend --model x item-1 --k 1", 2, "'--k' stands too late: options come before ITEM..."},
        {"recommend --model x item-1 -k", 2, "'-k' stands too late"},
        {"recommend --model x --", 2, "name the session's items"},
        {"inspect x --json", 2, "'--json' stands too late: options come before MODEL"},
        {"inspect -- --json", 1, "--json: No such file or directory"},
        {"inspect", 2, "name the model file"},
        {"inspect x y", 2, "'y' is too much"},
        {"inspect --k 0 x", 2, "'0' is not a whole number from 1 to 10000"},
    };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        char out[256], err[1024];
        cr_assert_eq(call(out, sizeof out, err, sizeof err, calls[i].arguments), calls[i].status, "%s: %s",
                     calls[i].arguments, err);
        cr_assert_not_null(strstr(err, calls[i].sentence), "%s: %s", calls[i].arguments, err);
        cr_assert_str_empty(out);
    }
}

Test(cli_model, help_has_every_option_of_the_tables)
{
    char out[16384];
    cr_assert_eq(call(out, sizeof out, NULL, 0, "help train"), 0);
    const char *const words[] = {"--train FILE", "--out MODEL",   "--resume",
                                 "--seed N",     "--threads N",   "--epochs N",
                                 "--d N",        "--negatives N", "--graph true|false"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        cr_assert_not_null(strstr(out, words[i]), "%s", words[i]);
}
