// Log lines, and the table of complaints that are held back. See log.h.
#include "log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    LINE_SIZE = 2048, // below PIPE_BUF: a line is one write
    HELD_SIZE = 768,  // of a held complaint
    COMPLAINTS = 64,  // different messages; there are about twenty
    MINUTE = 60000,
    PATIENCE = 100, // ms that a line waits for a reader who stands still
};

typedef struct hh_complaint {
    const char *message; // NULL: free
    int level;
    int64_t said;         // when, by the log's clock
    uint64_t held;        // since then
    char line[HELD_SIZE]; // the newest of them
} hh_complaint;

struct hh_logger {
    int fd;
    bool journal;
    int level; // atomic
    pthread_mutex_t lock, writing;
    uint64_t dropped; // lines since one could be written; under `writing`
    hh_complaint complaints[COMPLAINTS];
    int64_t (*now)(void *context);
    void *context;
};

typedef struct hh_line {
    char *text;
    size_t size, used;
    bool cut;
} hh_line;

static const char *const level_names[] = {"error", "warning", "info", "debug"};
static const char *const priorities[] = {"<3>", "<4>", "<6>", "<7>"}; // syslog's

hh_log_field HH_TEXT(const char *key, const char *text)
{
    return HH_BYTES(key, text ? text : "", text ? strlen(text) : 0);
}

hh_log_field HH_BYTES(const char *key, const char *bytes, size_t length)
{
    return (hh_log_field){.key = key, .kind = HH_FIELD_TEXT, .text = bytes, .length = length};
}

hh_log_field HH_NUMBER(const char *key, int64_t number)
{
    return (hh_log_field){.key = key, .kind = HH_FIELD_NUMBER, .number = number};
}

hh_log_field HH_REAL(const char *key, double real)
{
    return (hh_log_field){.key = key, .kind = HH_FIELD_REAL, .real = real};
}

static int64_t monotonic(void *context)
{
    (void)context;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// systemd names the stream that it reads as "device:inode"; standard error may have been redirected since.
static bool is_journal(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat status;
    char name[64];
    if (!stream || fstat(fd, &status) != 0)
        return false;
    snprintf(name, sizeof name, "%llu:%llu", (unsigned long long)status.st_dev,
             (unsigned long long)status.st_ino);
    return strcmp(stream, name) == 0;
}

const char *hh_log_priority(int fd, int level)
{
    return is_journal(fd) ? priorities[level] : "";
}

hh_logger *hh_logger_new(int fd, int level)
{
    hh_logger *log = calloc(1, sizeof *log);
    if (!log)
        return NULL;
    log->fd = fd;
    log->journal = is_journal(fd);
    log->now = monotonic;
    hh_logger_set_level(log, level);
    pthread_mutex_init(&log->lock, NULL);
    pthread_mutex_init(&log->writing, NULL);
    return log;
}

void hh_logger_set_level(hh_logger *log, int level)
{
    __atomic_store_n(&log->level, level, __ATOMIC_RELAXED);
}

int hh_logger_level(const hh_logger *log)
{
    return __atomic_load_n(&log->level, __ATOMIC_RELAXED);
}

void hh_logger_set_clock(hh_logger *log, int64_t (*now_ms)(void *context), void *context)
{
    log->now = now_ms ? now_ms : monotonic;
    log->context = context;
}

// ---- a line ----

static void put(hh_line *line, const char *bytes, size_t length)
{
    size_t room = line->size - line->used;
    if (length > room) {
        length = room;
        line->cut = true;
    }
    memcpy(line->text + line->used, bytes, length);
    line->used += length;
}

static void put_text(hh_line *line, const char *text)
{
    put(line, text, strlen(text));
}

static bool plain(unsigned char byte)
{
    return byte > ' ' && byte != '"' && byte != '=' && byte != '\\' && byte != 0x7f;
}

// Bare where nobody could misread it, else in quotes; whatever came over the wire can't begin a line or move
// a terminal's cursor.
static void put_value(hh_line *line, const char *bytes, size_t length)
{
    bool bare = length > 0;
    for (size_t i = 0; i < length && bare; i++)
        bare = plain((unsigned char)bytes[i]);
    if (bare) {
        put(line, bytes, length);
        return;
    }
    put(line, "\"", 1);
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        char escape[8];
        if (byte == '\n')
            put(line, "\\n", 2);
        else if (byte == '"' || byte == '\\')
            put(line, (const char[]){'\\', (char)byte}, 2);
        else if (byte < ' ' || byte == 0x7f)
            put(line, escape, (size_t)snprintf(escape, sizeof escape, "\\x%02x", byte));
        else
            put(line, &bytes[i], 1);
    }
    put(line, "\"", 1);
}

static void put_event(hh_line *line, const hh_log_event *event)
{
    const hh_log_field *const fields[] = {&event->a, &event->b, &event->c, &event->d,
                                          &event->e, &event->f, &event->g, &event->h};
    put_text(line, event->message);
    for (size_t i = 0; i < sizeof fields / sizeof *fields && fields[i]->kind != HH_FIELD_END; i++) {
        const hh_log_field *field = fields[i];
        char number[40];
        put(line, " ", 1);
        put_text(line, field->key);
        put(line, "=", 1);
        if (field->kind == HH_FIELD_TEXT) {
            put_value(line, field->text, field->length);
            continue;
        }
        if (field->kind == HH_FIELD_NUMBER)
            snprintf(number, sizeof number, "%lld", (long long)field->number);
        else
            snprintf(number, sizeof number, "%.6g", field->real);
        put_text(line, number);
    }
}

static void put_head(hh_line *line, bool journal, int level)
{
    char head[64], time_text[32];
    const char *text = head;
    if (journal) {
        text = priorities[level];
    } else {
        struct timespec now;
        struct tm parts;
        clock_gettime(CLOCK_REALTIME, &now);
        gmtime_r(&now.tv_sec, &parts);
        strftime(time_text, sizeof time_text, "%Y-%m-%dT%H:%M:%S", &parts);
        snprintf(head, sizeof head, "%s.%03ldZ %s ", time_text, now.tv_nsec / 1000000, level_names[level]);
    }
    put_text(line, text);
}

// Whether a line can be written without waiting for whoever reads: a pipe or socket of journald's or of a
// container's may be full. (A terminal that is held has room for a part of a line, and is waited for.)
static bool has_room(const hh_logger *log)
{
    struct pollfd ready = {.fd = log->fd, .events = POLLOUT};
    int count;
    do
        count = poll(&ready, 1, log->dropped ? 0 : PATIENCE);
    while (count < 0 && errno == EINTR);
    return count > 0;
}

static void write_line(const hh_logger *log, const char *text, size_t length)
{
    if (write(log->fd, text, length) < 0)
        return; // a log that can't be written must not stop the daemon
}

static void finish(hh_logger *log, hh_line *line)
{
    if (line->cut)
        memcpy(line->text + line->used - 3, "...", 3);
    line->text[line->used++] = '\n';
    pthread_mutex_lock(&log->writing);
    bool room = has_room(log);
    if (room && log->dropped) {
        char text[128];
        hh_line news = {text, sizeof text - 1, 0, false};
        put_head(&news, log->journal, HH_LOG_WARNING);
        put_event(&news, &(hh_log_event){.message = "nobody read the log, and lines were dropped",
                                         .a = HH_NUMBER("lines", (int64_t)log->dropped)});
        news.text[news.used++] = '\n';
        write_line(log, news.text, news.used);
        log->dropped = 0;
        room = has_room(log);
    }
    if (room)
        write_line(log, line->text, line->used);
    else
        log->dropped++;
    pthread_mutex_unlock(&log->writing);
}

void hh_logger_write(hh_logger *log, int level, const hh_log_event *event)
{
    if (level > hh_logger_level(log))
        return;
    char text[LINE_SIZE];
    hh_line line = {text, sizeof text - 1, 0, false};
    put_head(&line, log->journal, level);
    put_event(&line, event);
    finish(log, &line);
}

// ---- complaints ----

static void say_held(hh_logger *log, hh_complaint *complaint, int64_t now)
{
    char text[LINE_SIZE], count[48];
    hh_line line = {text, sizeof text - 1, 0, false};
    put_head(&line, log->journal, complaint->level);
    put_text(&line, complaint->line);
    snprintf(count, sizeof count, " repeated=%llu", (unsigned long long)complaint->held);
    put_text(&line, count);
    complaint->held = 0;
    complaint->said = now;
    if (complaint->level <= hh_logger_level(log))
        finish(log, &line);
}

static hh_complaint *find(hh_logger *log, const char *message)
{
    for (size_t i = 0; i < COMPLAINTS; i++) {
        hh_complaint *complaint = &log->complaints[i];
        if (!complaint->message || strcmp(complaint->message, message) == 0)
            return complaint;
    }
    return NULL; // more kinds of complaints than the daemon has: say them all
}

static void hold(hh_complaint *complaint, const hh_log_event *event)
{
    hh_line line = {complaint->line, HELD_SIZE - 1, 0, false};
    put_event(&line, event);
    if (line.cut)
        memcpy(line.text + line.used - 3, "...", 3);
    line.text[line.used] = '\0';
    complaint->held++;
}

void hh_logger_complain(hh_logger *log, int level, const hh_log_event *event)
{
    pthread_mutex_lock(&log->lock);
    int64_t now = log->now(log->context);
    hh_complaint *complaint = find(log, event->message);
    bool first =
        !complaint || !complaint->message || (complaint->held == 0 && now - complaint->said >= MINUTE);
    if (complaint) {
        complaint->message = event->message;
        complaint->level = level;
    }
    if (first) {
        if (complaint)
            complaint->said = now;
        hh_logger_write(log, level, event);
    } else {
        hold(complaint, event);
        if (now - complaint->said >= MINUTE)
            say_held(log, complaint, now);
    }
    pthread_mutex_unlock(&log->lock);
}

static void say_due(hh_logger *log, int64_t age)
{
    pthread_mutex_lock(&log->lock);
    int64_t now = log->now(log->context);
    for (size_t i = 0; i < COMPLAINTS; i++)
        if (log->complaints[i].held > 0 && now - log->complaints[i].said >= age)
            say_held(log, &log->complaints[i], now);
    pthread_mutex_unlock(&log->lock);
}

void hh_logger_tick(hh_logger *log)
{
    say_due(log, MINUTE);
}

void hh_logger_free(hh_logger *log)
{
    if (!log)
        return;
    say_due(log, 0);
    pthread_mutex_destroy(&log->lock);
    pthread_mutex_destroy(&log->writing);
    free(log);
}
