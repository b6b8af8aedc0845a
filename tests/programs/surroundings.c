// What a program is started with: arguments, environment, random numbers, its exit status.
// args: surroundings one two
// env: NAME=value with = in it
// stdout: 3 arguments: surroundings one two
// stdout: NAME is value with = in it
// stdout: OTHER is not there
// stdout: random numbers differ
// stdout: no terminal
// stdout: at exit
// exit: 42
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void last(void) { puts("at exit"); }

int main(int argc, char **argv) {
    printf("%d arguments:", argc);
    for (int i = 0; i < argc; i++) printf(" %s", argv[i]);
    printf("\nNAME is %s\n", getenv("NAME"));
    printf("OTHER is %s\n", getenv("OTHER") ? "there" : "not there");
    unsigned char a[32] = {0}, b[32] = {0};
    if (getentropy(a, sizeof a) || getentropy(b, sizeof b)) return 1;
    puts(memcmp(a, b, sizeof a) ? "random numbers differ" : "random numbers are the same");
    puts(isatty(1) ? "a terminal" : "no terminal");
    atexit(last);
    exit(42);
}
