/* Fills every integer and vector register, calls a preserve_all function, and compares
 * all of them, the vector registers with all 128 bits. Not the registers that veneers
 * may overwrite, x16 to x18, nor the link register. Returns 0 if the callee ran and no
 * register changed; else 1 + the number of the first that did. */
#include <stdint.h>
#include <string.h>

uint64_t in_x[32], out_x[32], in_v[64], out_v[64];
void probe(void);

/* AAPCS64 has no struct that returns as an integer and a float do. */
__asm__(".text\n.globl clobber\nclobber:\n"
        "add x17, x0, #1\n"
        "fmov d31, #2.0\n"
        "fadd d0, d0, d31\n"
        ".irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "mov x\\n, #-1\n"
        ".endr\n"
        ".irp n, 1,2,3,4,5,6,7,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "movi v\\n\\().16b, #255\n"
        ".endr\n"
        /* Of these the lower halves are the caller's. */
        ".irp n, 8,9,10,11,12,13,14,15\n"
        "mov v\\n\\().d[1], x1\n"
        ".endr\n"
        "mov x0, x17\n"
        "ret\n");

__asm__(".text\n.globl probe\nprobe:\n"
        "stp x29, x30, [sp, #-176]!\n"
        ".irp n, 19,20,21,22,23,24,25,26,27,28\n"
        "str x\\n, [sp, #(\\n * 8 - 136)]\n"
        ".endr\n"
        ".irp n, 8,9,10,11,12,13,14,15\n"
        "str d\\n, [sp, #(\\n * 8 + 32)]\n"
        ".endr\n"
        "adrp x16, in_v\nadd x16, x16, :lo12:in_v\n"
        ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "ldr q\\n, [x16, #(\\n * 16)]\n"
        ".endr\n"
        "adrp x16, in_x\nadd x16, x16, :lo12:in_x\n"
        ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,19,20,21,22,23,24,25,26,27,28,29\n"
        "ldr x\\n, [x16, #(\\n * 8)]\n"
        ".endr\n"
        "bl busy\n"
        "adrp x16, out_x\nadd x16, x16, :lo12:out_x\n"
        ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,19,20,21,22,23,24,25,26,27,28,29\n"
        "str x\\n, [x16, #(\\n * 8)]\n"
        ".endr\n"
        "adrp x16, out_v\nadd x16, x16, :lo12:out_v\n"
        ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "str q\\n, [x16, #(\\n * 16)]\n"
        ".endr\n"
        ".irp n, 19,20,21,22,23,24,25,26,27,28\n"
        "ldr x\\n, [sp, #(\\n * 8 - 136)]\n"
        ".endr\n"
        ".irp n, 8,9,10,11,12,13,14,15\n"
        "ldr d\\n, [sp, #(\\n * 8 + 32)]\n"
        ".endr\n"
        "ldp x29, x30, [sp], #176\n"
        "ret\n");

int main(void) {
    int64_t result = 0;
    for (int i = 0; i < 32; i++) in_x[i] = 0x0101010101010101u * (i + 1);
    for (int i = 0; i < 64; i++) in_v[i] = 0x1111111111111111u ^ (0x0102030405060708u * (i + 1));
    in_x[0] = (uint64_t)&result;
    in_x[1] = 40;
    in_x[2] = 10;
    in_x[3] = 3;
    probe();
    if (result != (11 + 42) * 3 + 40) return 200;
    for (int i = 0; i < 30; i++)
        if ((i < 16 || i > 18) && in_x[i] != out_x[i]) return 1 + i;
    for (int i = 0; i < 64; i++) if (in_v[i] != out_v[i]) return 40 + i / 2;
    return 0;
}
