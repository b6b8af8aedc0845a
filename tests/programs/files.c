// Files by the C library: streams, offsets, appending, cutting off, large contents, times.
// stdout: line 1 of 3
// stdout: line 3 of 3
// stdout: at 26, 36 bytes
// stdout: appended: line 3 of 3|more
// stdout: cut off: line 1 of
// stdout: pread: of 3
// stdout: large: 1000000 numbers, sum 499999500000
// stdout: modified in 2001
// stdout: Bad file descriptor
// stdout: File exists
// exit: 0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void must(int ok, const char *what) {
    if (!ok) {
        perror(what);
        exit(1);
    }
}

int main(void) {
    char line[64];
    FILE *file = fopen("text", "w+");
    must(file != NULL, "fopen");
    for (int i = 1; i <= 3; i++) fprintf(file, "line %d of 3\n", i);
    rewind(file);
    must(fgets(line, sizeof line, file) != NULL, "fgets");
    fputs(line, stdout);
    must(fseek(file, -12, SEEK_END) == 0, "fseek");
    must(fgets(line, sizeof line, file) != NULL, "fgets");
    fputs(line, stdout);
    must(fseek(file, -10, SEEK_CUR) == 0, "fseek");
    struct stat st;
    must(fstat(fileno(file), &st) == 0, "fstat");
    printf("at %ld, %d bytes\n", ftell(file), (int)st.st_size);
    fclose(file);

    file = fopen("text", "a+");
    must(file != NULL, "fopen");
    fputs("more", file);
    must(fseek(file, 24, SEEK_SET) == 0, "fseek");
    size_t len = fread(line, 1, sizeof line - 1, file);
    line[len] = 0;
    line[strcspn(line, "\n")] = '|';
    printf("appended: %s\n", line);
    fclose(file);

    int fd = open("text", O_RDWR);
    must(fd >= 0, "open");
    must(ftruncate(fd, 9) == 0, "ftruncate");
    len = read(fd, line, sizeof line);
    printf("cut off: %.*s\n", (int)len, line);
    must(pwrite(fd, "of 3", 4, 100) == 4, "pwrite");
    len = pread(fd, line, sizeof line, 100);
    printf("pread: %.*s\n", (int)len, line);
    must(fsync(fd) == 0, "fsync");
    close(fd);

    file = fopen("large", "wb");
    must(file != NULL, "fopen");
    for (int i = 0; i < 1000000; i++) must(fwrite(&i, sizeof i, 1, file) == 1, "fwrite");
    must(fclose(file) == 0, "fclose");
    file = fopen("large", "rb");
    must(file != NULL, "fopen");
    long long sum = 0;
    int count = 0;
    for (int i; fread(&i, sizeof i, 1, file) == 1; count++) sum += i;
    fclose(file);
    printf("large: %d numbers, sum %lld\n", count, sum);
    must(unlink("large") == 0, "unlink");

    struct timespec times[2] = {{1000000000, 0}, {1000000000, 5}};
    must(utimensat(AT_FDCWD, "text", times, 0) == 0, "utimensat");
    must(stat("text", &st) == 0 && st.st_mtim.tv_nsec == 5, "stat");
    printf("modified in %d\n", 1900 + gmtime(&st.st_mtim.tv_sec)->tm_year);

    fd = open("text", O_RDONLY);
    must(write(fd, "x", 1) == -1, "write");
    puts(strerror(errno));
    must(open("text", O_RDWR | O_CREAT | O_EXCL, 0666) == -1, "open");
    puts(strerror(errno));
    return 0;
}
