/* logreport: a summary of a web server's log.
 *
 *     logreport [-t N] LOG
 *
 * LOG has one request a line: the common log format with the time it took, in
 * microseconds, at the end:
 *
 *     10.0.3.7 - ana [03/Mar/2025:14:02:11 +0000] "GET /cart?id=7 HTTP/1.1" 200 5120 1834
 *
 * The report counts requests, bytes and errors, shows the hours as bars, and lists
 * the N paths (10 unless told otherwise) that took most time in all, with the
 * median and the 95th percentile of each. Lines that are no requests are counted,
 * and the first of them is shown. Exit codes: 0, 1 if the log cannot be read, 2 for
 * wrong usage.
 *
 * Problem: thousands of paths, each with its own distribution of times. Approach:
 * one hash table from paths to entries; an entry keeps all its samples, which are
 * sorted once, at the end. Query strings are no part of a path. */

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LINE 4096
#define BAR_WIDTH 40

/* What is known about one path. */
struct entry {
    char *path;
    uint64_t hash;
    uint32_t *samples; /* microseconds, one for each request */
    size_t count, room;
    uint64_t total, bytes;
    size_t errors;
};

/* Open addressing; `slots` holds 1 + the index of an entry, 0 where free. The
 * number of slots is a power of two and at most half of them are taken. */
struct table {
    struct entry *entries;
    size_t count, room;
    uint32_t *slots;
    size_t slot_count;
};

struct summary {
    size_t lines, requests, bad_lines;
    size_t first_bad;
    char first_bad_text[64];
    uint64_t bytes, time;
    size_t by_class[6];  /* 1xx to 5xx */
    size_t by_hour[24];
    uint32_t slowest;
    char slowest_path[128];
};

/* One request; `path` points into the line. */
struct request {
    char *path;
    int hour, status;
    uint64_t bytes;
    uint32_t time;
};

static void *checked(void *memory) {
    if (memory == NULL) {
        fputs("logreport: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

/* FNV-1a. */
static uint64_t hash_text(const char *text) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *text != 0; text++) {
        hash ^= (unsigned char)*text;
        hash *= 0x100000001b3u;
    }
    return hash;
}

/* The slot of `path`, or the free one where it belongs. */
static uint32_t *find_slot(struct table *table, const char *path, uint64_t hash) {
    size_t mask = table->slot_count - 1;
    for (size_t i = (size_t)hash & mask;; i = (i + 1) & mask) {
        uint32_t *slot = &table->slots[i];
        if (*slot == 0) return slot;
        struct entry *entry = &table->entries[*slot - 1];
        if (entry->hash == hash && strcmp(entry->path, path) == 0) return slot;
    }
}

static void grow_slots(struct table *table) {
    free(table->slots);
    table->slot_count = table->slot_count == 0 ? 64 : table->slot_count * 2;
    table->slots = checked(calloc(table->slot_count, sizeof *table->slots));
    for (size_t i = 0; i < table->count; i++) {
        struct entry *entry = &table->entries[i];
        *find_slot(table, entry->path, entry->hash) = (uint32_t)(i + 1);
    }
}

/* The entry of `path`, made if there is none. */
static struct entry *find_entry(struct table *table, const char *path) {
    if (table->count * 2 >= table->slot_count) grow_slots(table);
    uint64_t hash = hash_text(path);
    uint32_t *slot = find_slot(table, path, hash);
    if (*slot != 0) return &table->entries[*slot - 1];
    if (table->count == table->room) {
        table->room = table->room == 0 ? 32 : table->room * 2;
        table->entries = checked(realloc(table->entries, table->room * sizeof *table->entries));
    }
    struct entry *entry = &table->entries[table->count++];
    memset(entry, 0, sizeof *entry);
    entry->path = checked(strdup(path));
    entry->hash = hash;
    *slot = (uint32_t)table->count;
    return entry;
}

/* Reads a number up to `limit` and moves past it. */
static bool read_number(char **at, uint64_t limit, uint64_t *number) {
    if (!isdigit((unsigned char)**at)) return false;
    uint64_t value = 0;
    for (; isdigit((unsigned char)**at); (*at)++) {
        value = value * 10 + (uint64_t)(**at - '0');
        if (value > limit) return false;
    }
    *number = value;
    return true;
}

/* Moves past `text`, which must come next. */
static bool expect(char **at, const char *text) {
    size_t length = strlen(text);
    if (strncmp(*at, text, length) != 0) return false;
    *at += length;
    return true;
}

/* Takes a line apart; the line is changed. */
static bool parse_line(char *line, struct request *request) {
    char *at = strchr(line, '[');
    if (at == NULL) return false;
    at = strchr(at, ':');
    if (at == NULL) return false;
    at++;
    uint64_t hour, status, time;
    if (!read_number(&at, 23, &hour)) return false;
    at = strstr(at, "] \"");
    if (at == NULL) return false;
    at += 3;
    while (isupper((unsigned char)*at)) at++;
    if (!expect(&at, " /")) return false;
    request->path = at - 1;
    at += strcspn(at, " \"");
    char *end = at;
    if (!expect(&at, " HTTP/")) return false;
    at = strchr(at, '"');
    if (at == NULL || !expect(&at, "\" ")) return false;
    if (!read_number(&at, 599, &status) || status < 100 || !expect(&at, " ")) return false;
    if (*at == '-') {
        request->bytes = 0;
        at++;
    } else if (!read_number(&at, UINT64_C(1) << 50, &request->bytes)) {
        return false;
    }
    if (!expect(&at, " ") || !read_number(&at, UINT32_MAX, &time) || *at != 0) return false;
    *end = 0;
    request->path[strcspn(request->path, "?#")] = 0;
    request->hour = (int)hour;
    request->status = (int)status;
    request->time = (uint32_t)time;
    return true;
}

static void add_request(struct table *table, struct summary *summary, const struct request *request) {
    struct entry *entry = find_entry(table, request->path);
    if (entry->count == entry->room) {
        entry->room = entry->room == 0 ? 8 : entry->room * 2;
        entry->samples = checked(realloc(entry->samples, entry->room * sizeof *entry->samples));
    }
    entry->samples[entry->count++] = request->time;
    entry->total += request->time;
    entry->bytes += request->bytes;
    entry->errors += request->status >= 500;

    summary->requests++;
    summary->bytes += request->bytes;
    summary->time += request->time;
    summary->by_class[request->status / 100]++;
    summary->by_hour[request->hour]++;
    if (request->time > summary->slowest) {
        summary->slowest = request->time;
        snprintf(summary->slowest_path, sizeof summary->slowest_path, "%s", request->path);
    }
}

/* Reads all lines; false if reading fails. */
static bool read_log(FILE *file, struct table *table, struct summary *summary) {
    static char line[MAX_LINE], copy[MAX_LINE];
    while (fgets(line, sizeof line, file) != NULL) {
        summary->lines++;
        size_t length = strcspn(line, "\r\n");
        bool whole = line[length] != 0 || feof(file);
        line[length] = 0;
        memcpy(copy, line, length + 1);
        struct request request;
        if (whole && parse_line(line, &request)) {
            add_request(table, summary, &request);
        } else {
            if (summary->bad_lines++ == 0) {
                summary->first_bad = summary->lines;
                snprintf(summary->first_bad_text, sizeof summary->first_bad_text, "%.63s", copy);
            }
            /* The rest of a line that is too long. */
            for (int c = 0; !whole && c != '\n' && c != EOF;) c = fgetc(file);
        }
    }
    return !ferror(file);
}

static int by_value(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Most time first; among equals by name, so that the order is always the same. */
static int by_total(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    if (x->total != y->total) return x->total < y->total ? 1 : -1;
    return strcmp(x->path, y->path);
}

/* The smallest sample that `percent` of all samples do not exceed. */
static uint32_t percentile(const struct entry *entry, size_t percent) {
    size_t rank = (entry->count * percent + 99) / 100;
    return entry->samples[rank == 0 ? 0 : rank - 1];
}

static void print_hours(const struct summary *summary) {
    if (summary->requests == 0) return;
    size_t most = 1;
    for (int hour = 0; hour < 24; hour++) {
        if (summary->by_hour[hour] > most) most = summary->by_hour[hour];
    }
    printf("\nhour  requests\n");
    for (int hour = 0; hour < 24; hour++) {
        if (summary->by_hour[hour] == 0) continue;
        size_t width = (summary->by_hour[hour] * BAR_WIDTH + most - 1) / most;
        printf("  %02d  %8zu  ", hour, summary->by_hour[hour]);
        while (width-- > 0) putchar('#');
        putchar('\n');
    }
}

static void print_paths(struct table *table, const struct summary *summary, size_t limit) {
    if (table->count == 0) return;
    qsort(table->entries, table->count, sizeof *table->entries, by_total);
    printf("\n%-24s %8s %7s %7s %9s %9s %6s\n", "path", "requests", "errors", "time %", "p50 ms", "p95 ms", "KiB");
    for (size_t i = 0; i < table->count && i < limit; i++) {
        struct entry *entry = &table->entries[i];
        qsort(entry->samples, entry->count, sizeof *entry->samples, by_value);
        double share = summary->time == 0 ? 0 : 100.0 * (double)entry->total / (double)summary->time;
        printf("%-24s %8zu %7zu %7.1f %9.2f %9.2f %6llu\n", entry->path, entry->count, entry->errors, share,
               percentile(entry, 50) / 1e3, percentile(entry, 95) / 1e3, (unsigned long long)entry->bytes / 1024);
    }
    if (table->count > limit) printf("and %zu other paths\n", table->count - limit);
}

static void print_report(struct table *table, const struct summary *summary, size_t limit) {
    printf("%zu lines, %zu requests, %zu paths, %.1f MiB\n", summary->lines, summary->requests, table->count,
           (double)summary->bytes / (1 << 20));
    printf("status: %zu ok, %zu redirected, %zu not found or refused, %zu failed\n", summary->by_class[2],
           summary->by_class[3], summary->by_class[4], summary->by_class[5]);
    if (summary->requests > 0) {
        printf("time: %.3f s in all, slowest %.2f ms for %s\n", (double)summary->time / 1e6,
               summary->slowest / 1e3, summary->slowest_path);
    }
    if (summary->bad_lines > 0) {
        printf("%zu lines are no requests; the first is line %zu: %s\n", summary->bad_lines, summary->first_bad,
               summary->first_bad_text);
    }
    print_hours(summary);
    print_paths(table, summary, limit);
}

static int usage(void) {
    fputs("usage: logreport [-t N] LOG\n", stderr);
    return 2;
}

int main(int argc, char **argv) {
    uint64_t limit = 10;
    int first = 1;
    if (argc > 2 && strcmp(argv[1], "-t") == 0) {
        char *at = argv[2];
        if (!read_number(&at, 1000000, &limit) || *at != 0) return usage();
        first = 3;
    }
    if (argc != first + 1) return usage();
    const char *name = argv[first];
    FILE *file = fopen(name, "r");
    if (file == NULL) {
        fprintf(stderr, "logreport: %s: %s\n", name, strerror(errno));
        return 1;
    }
    static struct table table;
    static struct summary summary;
    if (!read_log(file, &table, &summary)) {
        fprintf(stderr, "logreport: %s: %s\n", name, strerror(errno));
        return 1;
    }
    fclose(file);
    print_report(&table, &summary, (size_t)limit);
    return fflush(stdout) == 0 ? 0 : 1;
}
