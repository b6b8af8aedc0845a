// Clocks and waiting by the C library: sleeping, polling with and without time, input that is ready.
// stdin: ready
// stdout: slept
// stdout: nothing: 0
// stdout: stdin: 1 of 2
// stdout: ready
// stdout: forward
// stdout: after 2020
// exit: 0
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

static long long now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(void) {
    long long begin = now(CLOCK_MONOTONIC);
    struct timespec some = {0, 5000000};
    nanosleep(&some, NULL);
    usleep(1000);
    if (now(CLOCK_MONOTONIC) - begin >= 6000000) puts("slept");

    begin = now(CLOCK_MONOTONIC);
    struct timeval time = {0, 5000};
    int ready = select(0, NULL, NULL, NULL, &time);
    if (now(CLOCK_MONOTONIC) - begin < 5000000) ready = -1;
    printf("nothing: %d\n", ready);

    struct pollfd fds[2] = {{.fd = 0, .events = POLLIN}, {.fd = 1, .events = POLLOUT}};
    ready = poll(fds, 1, 10000);
    printf("stdin: %d of 2\n", ready);
    char line[64];
    if (ready == 1 && (fds[0].revents & POLLIN) && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        puts(line);
    }
    long long first = now(CLOCK_MONOTONIC), second = now(CLOCK_MONOTONIC);
    puts(second >= first ? "forward" : "back");
    puts(now(CLOCK_REALTIME) > 1577836800LL * 1000000000LL ? "after 2020" : "before 2020");
    return 0;
}
