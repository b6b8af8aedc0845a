// Ways out of the directory that the program is given, none of which leads out.
// stdout: /etc/passwd: No such file or directory
// stdout: ../secret: no
// stdout: inside/../../secret: no
// stdout: link/secret: Operation not permitted
// stdout: mkdir ../new: no
// stdout: rename ../secret: no
// stdout: absolute link: Operation not permitted
// stdout: inside/../file: yes
// exit: 0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// The C library may resolve `..` itself, so that there is nothing of that name, or leave it
// to the sandbox, which does not permit it.
static const char *outcome(int result) {
    if (result >= 0) return "yes";
    return errno == ENOENT || errno == EPERM || errno == ENOTCAPABLE ? "no" : strerror(errno);
}

int main(void) {
    mkdir("inside", 0777);
    close(open("file", O_CREAT | O_RDWR, 0666));
    errno = 0;
    open("/etc/passwd", O_RDONLY);
    printf("/etc/passwd: %s\n", strerror(errno));
    printf("../secret: %s\n", outcome(open("../secret", O_RDONLY)));
    printf("inside/../../secret: %s\n", outcome(open("inside/../../secret", O_RDWR | O_CREAT, 0666)));
    if (symlink("..", "link")) perror("symlink");
    open("link/secret", O_RDONLY);
    printf("link/secret: %s\n", strerror(errno));
    printf("mkdir ../new: %s\n", outcome(mkdir("../new", 0777)));
    printf("rename ../secret: %s\n", outcome(rename("../secret", "secret")));
    symlink("/etc/passwd", "absolute");
    printf("absolute link: %s\n", strerror(errno));
    printf("inside/../file: %s\n", outcome(open("inside/../file", O_RDONLY)));
    return 0;
}
