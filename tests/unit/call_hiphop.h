// Calls the program HH_HIPHOP as people do: its arguments, what it prints and what it returns.
#ifndef CALL_HIPHOP_H
#define CALL_HIPHOP_H

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// A call that is under way.
typedef struct running {
    pid_t child;
    char out[32], err[32]; // paths of what it prints
} running;

// Calls the program with arguments separated by blanks, and this file as standard input (NULL: an empty one).
static inline running begin(const char *arguments, const char *input)
{
    running run = {.out = "/tmp/hiphop-out-XXXXXX", .err = "/tmp/hiphop-err-XXXXXX"};
    char words[8192], *argv[256] = {HH_HIPHOP}, *save = NULL;
    size_t count = 1;
    cr_assert_lt(strlen(arguments), sizeof words);
    memcpy(words, arguments, strlen(arguments) + 1);
    for (char *word = strtok_r(words, " ", &save); word && count < 255; word = strtok_r(NULL, " ", &save))
        argv[count++] = word;
    close(mkstemp(run.out));
    close(mkstemp(run.err));
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, input ? input : "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, run.out, O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&files, 2, run.err, O_WRONLY, 0);
    cr_assert_eq(posix_spawn(&run.child, HH_HIPHOP, &files, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&files);
    return run;
}

static inline void read_and_remove(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
    unlink(path);
}

// Waits for it: what it prints on stdout (out) and stderr (err, may be NULL), and what it returns.
static inline int end(const running *run, char *out, size_t size, char *err, size_t err_size)
{
    int status;
    cr_assert_eq(waitpid(run->child, &status, 0), run->child);
    char ignored[64];
    read_and_remove(run->out, out, size);
    read_and_remove(run->err, err ? err : ignored, err ? err_size : sizeof ignored);
    cr_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

// Ctrl-C as soon as there is something in this file, or the program has ended.
static inline void interrupt(const running *run, const char *path)
{
    struct timespec moment = {.tv_nsec = 1000000};
    struct stat about;
    siginfo_t ended = {0};
    while ((stat(path, &about) != 0 || about.st_size == 0) &&
           waitid(P_PID, (id_t)run->child, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == 0)
        nanosleep(&moment, NULL);
    kill(run->child, SIGINT);
}

static inline int call_with_input(char *out, size_t size, char *err, size_t err_size, const char *arguments,
                                  const char *input)
{
    running run = begin(arguments, input);
    return end(&run, out, size, err, err_size);
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
