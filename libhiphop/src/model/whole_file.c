// Files as wholes: read all at once, replaced all at once. A file is first written beside its place, is on
// disk, and then takes it; so is the directory's entry. Whoever dies in between leaves the old file as it
// was.
#include <errno.h>
#include <fcntl.h>
#include <hiphop/model_file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static hh_status failed(hh_error *error, const char *path)
{
    int why = errno;
    char text[128];
    return hh_fail(error, HH_IO, "%s: %s", path, strerror_r(why, text, sizeof text));
}

static bool write_all(int file, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(file, bytes, size < 1 << 30 ? size : 1 << 30);
        if (written < 0 && errno != EINTR)
            return false;
        bytes += written > 0 ? written : 0;
        size -= written > 0 ? (size_t)written : 0;
    }
    return true;
}

// The rename is on disk when the directory is. Where a directory can't be opened or flushed, nothing is lost
// but the promise for a power failure.
static void sync_directory(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash)
        slash[slash == path] = '\0';
    int directory = open(slash ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return;
    fsync(directory);
    close(directory);
}

// A new file beside its place, for this process alone; what others left behind is not touched.
static int create_beside(char *beside, size_t size, const char *path)
{
    int file = -1;
    errno = EEXIST;
    for (int i = 0; i < 100 && file < 0 && errno == EEXIST; i++) {
        snprintf(beside, size, "%s.%ld-%d.new", path, (long)getpid(), i);
        file = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    }
    return file;
}

// Where the file is or will be, behind symbolic links; to be freed. What is there and is no file stays.
static hh_status find_place(const char *path, char **place, hh_error *error)
{
    struct stat about;
    bool there = lstat(path, &about) == 0; // if not, it is to be made, and what is wrong is told then
    if (there && stat(path, &about) != 0)
        return failed(error, path);
    if (there && !S_ISREG(about.st_mode))
        return hh_fail(error, HH_IO, "%s: this is %s, not a file", path,
                       S_ISDIR(about.st_mode) ? "a directory" : "a device, a pipe or a socket");
    *place = there ? realpath(path, NULL) : strdup(path);
    if (*place)
        return HH_OK;
    return errno == ENOMEM ? hh_fail(error, HH_MEMORY, NULL) : failed(error, path);
}

// The file's place, and a new file beside it; both names are to be freed, also after a failure.
static hh_status open_beside(const char *path, char **place, char **beside, int *file, hh_error *error)
{
    *place = *beside = NULL;
    hh_status status = find_place(path, place, error);
    if (status)
        return status;
    size_t room = strlen(*place) + 48;
    if (!(*beside = malloc(room)))
        return hh_fail(error, HH_MEMORY, NULL);
    *file = create_beside(*beside, room, *place);
    return *file < 0 ? failed(error, path) : HH_OK;
}

hh_status hh_file_write(const char *path, const void *bytes, size_t size, hh_error *error)
{
    char *place, *beside;
    int file;
    hh_status status = open_beside(path, &place, &beside, &file, error);
    if (!status) {
        if (!write_all(file, bytes, size) || fsync(file) != 0)
            status = failed(error, path);
        if (close(file) != 0 && !status)
            status = failed(error, path);
        if (!status && rename(beside, place) != 0)
            status = failed(error, path);
        if (status)
            unlink(beside);
        else
            sync_directory(beside);
    }
    free(place);
    free(beside);
    return status;
}

hh_status hh_file_writable(const char *path, hh_error *error)
{
    char *place, *beside;
    int file;
    if (path[0] == '\0')
        return hh_fail(error, HH_ARGUMENT, "the name of the file to write is empty");
    hh_status status = open_beside(path, &place, &beside, &file, error);
    if (!status) {
        close(file);
        unlink(beside);
    }
    free(place);
    free(beside);
    return status;
}

static hh_status read_all(int file, const char *path, void **bytes, size_t *size, hh_error *error)
{
    struct stat about;
    if (fstat(file, &about) != 0)
        return failed(error, path);
    if (!S_ISREG(about.st_mode))
        return hh_fail(error, HH_IO, "%s: this is no regular file", path);
    *bytes = malloc((size_t)about.st_size + 1);
    if (!*bytes)
        return hh_fail(error, HH_MEMORY, NULL);
    while (*size < (size_t)about.st_size) {
        ssize_t got = read(file, (char *)*bytes + *size, (size_t)about.st_size - *size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return failed(error, path);
        if (got == 0)
            break;
        *size += (size_t)got;
    }
    return HH_OK;
}

hh_status hh_file_read(const char *path, void **bytes, size_t *size, hh_error *error)
{
    *bytes = NULL;
    *size = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return failed(error, path);
    hh_status status = read_all(file, path, bytes, size, error);
    close(file);
    if (status) {
        free(*bytes);
        *bytes = NULL;
    }
    return status;
}
