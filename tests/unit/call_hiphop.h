// Calls the program HH_HIPHOP as people do: its arguments, what it prints and what it returns.
#ifndef CALL_HIPHOP_H
#define CALL_HIPHOP_H

#include <criterion/criterion.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// Starts the program with arguments separated by blanks.
static inline pid_t start(const char *arguments, const posix_spawn_file_actions_t *files)
{
    char words[8192], *argv[256] = {HH_HIPHOP}, *save = NULL;
    size_t count = 1;
    cr_assert_lt(strlen(arguments), sizeof words);
    memcpy(words, arguments, strlen(arguments) + 1);
    for (char *word = strtok_r(words, " ", &save); word && count < 255; word = strtok_r(NULL, " ", &save))
        argv[count++] = word;
    pid_t child;
    cr_assert_eq(posix_spawn(&child, HH_HIPHOP, files, NULL, argv, environ), 0);
    return child;
}

// The same without input or output; the caller waits for it.
static inline pid_t begin(const char *arguments)
{
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    pid_t child = start(arguments, &files);
    posix_spawn_file_actions_destroy(&files);
    return child;
}

static inline void read_and_remove(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
    unlink(path);
}

// Calls the program with arguments separated by blanks, and this file as standard input (NULL: an empty one).
// What it prints on stdout (out) and stderr (err, may be NULL), and what it returns.
static inline int call_with_input(char *out, size_t size, char *err, size_t err_size, const char *arguments,
                                  const char *input)
{
    char out_path[] = "/tmp/hiphop-out-XXXXXX", err_path[] = "/tmp/hiphop-err-XXXXXX";
    close(mkstemp(out_path));
    close(mkstemp(err_path));
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, input ? input : "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, out_path, O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&files, 2, err_path, O_WRONLY, 0);
    pid_t child = start(arguments, &files);
    posix_spawn_file_actions_destroy(&files);
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    char ignored[64];
    read_and_remove(out_path, out, size);
    read_and_remove(err_path, err ? err : ignored, err ? err_size : sizeof ignored);
    cr_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static inline int call(char *out, size_t size, char *err, size_t err_size, const char *arguments)
{
    return call_with_input(out, size, err, err_size, arguments, NULL);
}

// A file of sessions of 3 to 5 clicks on item-0 .. item-19: what follows item-N is item-N+1, round and round.
static inline void write_walks(const char *path, int count)
{
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    for (int i = 0; i < count; i++) {
        int at = (7 * i + i / 3) % 20, clicks = 3 + i % 3;
        for (int c = 0; c < clicks; c++)
            fprintf(file, "item-%d%c", (at + c) % 20, c + 1 < clicks ? ' ' : '\n');
    }
    fclose(file);
}

#endif
