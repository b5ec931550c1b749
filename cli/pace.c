#include "pace.h"

#include "wire/event_time.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

hh_time wall_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (hh_time)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

double steady_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

const char *grouped(uint64_t number, char text[GROUPED_SIZE])
{
    char digits[24];
    int count = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number), length = 0;
    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0)
            text[length++] = ',';
        text[length++] = digits[i];
    }
    text[length] = '\0';
    return text;
}

const char *moment(hh_time time, char text[MOMENT_SIZE])
{
    time_t seconds = (time_t)(time >= 0 ? time / 1000 : (time - 999) / 1000);
    struct tm parts;
    if (!localtime_r(&seconds, &parts) || strftime(text, MOMENT_SIZE, "%Y-%m-%d %H:%M:%S", &parts) == 0)
        snprintf(text, MOMENT_SIZE, "%lld", (long long)time);
    return text;
}

bool parse_moment(const char *text, hh_time *time)
{
    if (strcmp(text, "now") == 0) {
        *time = wall_now();
        return true;
    }
    size_t length = strlen(text);
    if (length > 0 && strspn(text, "0123456789") == length)
        return hh_event_time_decimal((hh_text){text, length}, HH_UNIT_MS, time);
    char whole[64]; // at the day's beginning, and of UTC, where it doesn't say otherwise
    snprintf(whole, sizeof whole, "%s%s", text, length == 10 ? "T00:00:00Z" : length == 19 ? "Z" : "");
    return hh_event_time_iso8601((hh_text){whole, strlen(whole)}, time);
}

// ---- progress ----

void progress_begin(struct progress *progress, const char *what, bool quiet)
{
    *progress = (struct progress){.what = what, .terminal = isatty(STDERR_FILENO), .quiet = quiet};
    progress->begun = progress->shown = steady_now();
}

double progress_seconds(const struct progress *progress)
{
    return steady_now() - progress->begun;
}

static void print_left(double seconds)
{
    if (seconds >= 48 * 3600)
        fprintf(stderr, ", %.0f days left", seconds / 86400);
    else if (seconds >= 3600)
        fprintf(stderr, ", %.0f:%02.0f h left", (double)((int)seconds / 3600),
                (double)((int)seconds % 3600 / 60));
    else
        fprintf(stderr, ", %d:%02d left", (int)seconds / 60, (int)seconds % 60);
}

// Whether it is time to say something again.
static bool due(struct progress *progress, bool always)
{
    double now = steady_now();
    if (progress->quiet || (!always && now - progress->shown < (progress->terminal ? 0.1 : 5)))
        return false;
    progress->shown = now;
    return true;
}

static void print_bar(const struct progress *progress, double share)
{
    static const char full[] = "====================";
    int width = (int)sizeof full - 1, done = (int)(share * width);
    if (progress->terminal)
        fputs("\r\033[K", stderr);
    if (share < 0)
        return;
    if (progress->terminal)
        fprintf(stderr, "[%.*s%*s] ", done, full, width - done, "");
    fprintf(stderr, "%3.0f %%  ", 100 * share);
}

static void end_line(const struct progress *progress)
{
    if (!progress->terminal)
        fputc('\n', stderr);
    fflush(stderr);
}

void progress_show(struct progress *progress, double share, uint64_t count, hh_time newest)
{
    if (!due(progress, false))
        return;
    double seconds = progress->shown - progress->begun;
    char number[GROUPED_SIZE], rate[GROUPED_SIZE], reached[MOMENT_SIZE];
    print_bar(progress, share);
    fprintf(stderr, "%s %s  %s/s  at %s", grouped(count, number), progress->what,
            grouped((uint64_t)((double)count / seconds), rate), moment(newest, reached));
    if (share > 0.001)
        print_left(seconds / share * (1 - share));
    end_line(progress);
}

void progress_text(struct progress *progress, double share, const char *text, double seconds_left,
                   bool always)
{
    if (!due(progress, always))
        return;
    print_bar(progress, share);
    fputs(text, stderr);
    if (seconds_left > 0)
        print_left(seconds_left);
    end_line(progress);
}

void progress_end(struct progress *progress)
{
    if (progress->terminal && !progress->quiet)
        fputs("\r\033[K", stderr);
}
