// Directories by the C library: creating, listing, renaming, links, removing a whole tree.
// stdout: .
// stdout: ..
// stdout: a.txt (file, 5)
// stdout: b (directory)
// stdout: c.txt (link to a.txt)
// stdout: d.txt (file, 5)
// stdout: entries: 300, sum 44850
// stdout: removed 306
// stdout: gone: No such file or directory
// exit: 0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int removed;

static void must(int result, const char *what) {
    if (result < 0) {
        perror(what);
        exit(1);
    }
}

static void put(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0) must(-1, path);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }

static void list(const char *path) {
    char *names[16], full[256], target[64];
    int count = 0;
    DIR *dir = opendir(path);
    if (!dir) must(-1, path);
    for (struct dirent *entry; (entry = readdir(dir)) && count < 16;) names[count++] = strdup(entry->d_name);
    closedir(dir);
    qsort(names, count, sizeof *names, by_name);
    for (int i = 0; i < count; i++) {
        struct stat st;
        snprintf(full, sizeof full, "%s/%s", path, names[i]);
        must(lstat(full, &st), full);
        if (names[i][0] == '.') {
            printf("%s\n", names[i]);
        } else if (S_ISLNK(st.st_mode)) {
            ssize_t len = readlink(full, target, sizeof target - 1);
            must(len, full);
            target[len] = 0;
            printf("%s (link to %s)\n", names[i], target);
        } else if (S_ISDIR(st.st_mode)) {
            printf("%s (directory)\n", names[i]);
        } else {
            printf("%s (file, %d)\n", names[i], (int)st.st_size);
        }
        free(names[i]);
    }
}

// Removes a tree while it is being listed.
static void remove_tree(const char *path) {
    DIR *dir = opendir(path);
    if (!dir) must(-1, path);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char full[256];
        struct stat st;
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        snprintf(full, sizeof full, "%s/%s", path, entry->d_name);
        must(lstat(full, &st), full);
        if (S_ISDIR(st.st_mode)) {
            remove_tree(full);
        } else {
            must(unlink(full), full);
            removed++;
        }
    }
    closedir(dir);
    must(rmdir(path), path);
    removed++;
}

int main(void) {
    must(mkdir("/tree", 0777), "mkdir");
    must(mkdir("/tree/b", 0777), "mkdir");
    put("/tree/x.txt", "hello");
    must(rename("/tree/x.txt", "/tree/a.txt"), "rename");
    must(symlink("a.txt", "/tree/c.txt"), "symlink");
    must(link("/tree/a.txt", "/tree/d.txt"), "link");
    list("/tree");
    int sum = 0, entries = 0;
    for (int i = 0; i < 300; i++) {
        char path[64];
        snprintf(path, sizeof path, "/tree/b/number_%d", i);
        put(path, "");
    }
    DIR *dir = opendir("/tree/b");
    if (!dir) must(-1, "opendir");
    for (struct dirent *entry; (entry = readdir(dir));) {
        int number;
        if (sscanf(entry->d_name, "number_%d", &number) == 1) {
            sum += number;
            entries++;
        }
    }
    closedir(dir);
    printf("entries: %d, sum %d\n", entries, sum);
    if (rmdir("/tree") == 0 || errno != ENOTEMPTY) return 1;
    put("/tree/b/last", "");
    remove_tree("/tree");
    printf("removed %d\n", removed);
    errno = 0;
    opendir("/tree");
    printf("gone: %s\n", strerror(errno));
    return 0;
}
