/* Fills every integer and vector register, calls a preserve_all function, and compares
 * all of them, the vector registers with all 128 bits. Not r0 and r1, which veneers may
 * overwrite, nor the link register. Returns 0 if the callee ran and no register changed;
 * else 1 + the number of the first that did. */
#include <stdint.h>

uint64_t in_r[16], out_r[16], in_v[64], out_v[64];
void probe(void);

#define ALL_VECTORS "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31"

/* No struct of C returns as an integer and a float do. */
__asm__(".text\n.globl clobber\nclobber:\n"
        "aghi %r2, 1\n"
        "lghi %r0, 2\n"
        "cdgbr %f1, %r0\n"
        "adbr %f0, %f1\n"
        ".irp n, 0,1,3,4,5\n"
        "lghi %r\\n, -1\n"
        ".endr\n"
        ".irp n, 1,2,3,4,5,6,7,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "vone %v\\n\n"
        ".endr\n"
        /* Of these the left halves are the caller's. */
        ".irp n, 8,9,10,11,12,13,14,15\n"
        "vlvgg %v\\n, %r0, 1\n"
        ".endr\n"
        "br %r14\n");

__asm__(".text\n.globl probe\nprobe:\n"
        "stmg %r6, %r15, 48(%r15)\n"
        "lay %r15, -224(%r15)\n"
        ".irp n, 8,9,10,11,12,13,14,15\n"
        "std %f\\n, 8 * \\n + 96(%r15)\n"
        ".endr\n"
        "larl %r1, in_v\n"
        ".irp n, " ALL_VECTORS "\n"
        "vl %v\\n, 16 * \\n(%r1)\n"
        ".endr\n"
        "larl %r1, in_r\n"
        "lmg %r2, %r13, 16(%r1)\n"
        "brasl %r14, busy\n"
        "larl %r1, out_r\n"
        "stmg %r2, %r13, 16(%r1)\n"
        "larl %r1, out_v\n"
        ".irp n, " ALL_VECTORS "\n"
        "vst %v\\n, 16 * \\n(%r1)\n"
        ".endr\n"
        ".irp n, 8,9,10,11,12,13,14,15\n"
        "ld %f\\n, 8 * \\n + 96(%r15)\n"
        ".endr\n"
        "lmg %r6, %r15, 272(%r15)\n"
        "br %r14\n");

int main(void) {
    int64_t result = 0;
    for (int i = 0; i < 16; i++) in_r[i] = 0x0101010101010101u * (i + 1);
    for (int i = 0; i < 64; i++) in_v[i] = 0x1111111111111111u ^ (0x0102030405060708u * (i + 1));
    in_r[2] = (uint64_t)&result;
    in_r[3] = 40;
    in_r[4] = 10;
    in_r[5] = 3;
    probe();
    if (result != (11 + 42) * 3 + 40) return 200;
    for (int i = 2; i < 14; i++) if (in_r[i] != out_r[i]) return 1 + i;
    for (int i = 0; i < 64; i++) if (in_v[i] != out_v[i]) return 40 + i / 2;
    return 0;
}
