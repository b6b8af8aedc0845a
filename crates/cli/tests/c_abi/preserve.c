/* Fills every integer and vector register, calls a preserve_all function, and
 * compares all of them, the vector registers with all 128 bits. Returns 0 if the
 * callee ran and no register changed; else 1 + the number of the first that did. */
#include <stdint.h>
#include <string.h>

uint64_t in_g[15], out_g[15], in_x[32], out_x[32];
void probe(void);

typedef struct { int64_t a; double b; } Both;
Both clobber(int64_t a, double b) {
    __asm__ volatile("pcmpeqd %%xmm0, %%xmm0\n"
                     "pcmpeqd %%xmm1, %%xmm1\n"
                     "pcmpeqd %%xmm2, %%xmm2\n"
                     "pcmpeqd %%xmm3, %%xmm3\n"
                     "pcmpeqd %%xmm4, %%xmm4\n"
                     "pcmpeqd %%xmm5, %%xmm5\n"
                     "pcmpeqd %%xmm6, %%xmm6\n"
                     "pcmpeqd %%xmm7, %%xmm7\n"
                     "pcmpeqd %%xmm8, %%xmm8\n"
                     "pcmpeqd %%xmm9, %%xmm9\n"
                     "pcmpeqd %%xmm10, %%xmm10\n"
                     "pcmpeqd %%xmm11, %%xmm11\n"
                     "pcmpeqd %%xmm12, %%xmm12\n"
                     "pcmpeqd %%xmm13, %%xmm13\n"
                     "pcmpeqd %%xmm14, %%xmm14\n"
                     "pcmpeqd %%xmm15, %%xmm15\n"
                     "mov $-1, %%rax\n"
                     "mov $-1, %%rcx\n"
                     "mov $-1, %%rdx\n"
                     "mov $-1, %%rsi\n"
                     "mov $-1, %%rdi\n"
                     "mov $-1, %%r8\n"
                     "mov $-1, %%r9\n"
                     "mov $-1, %%r10\n"
                     "mov $-1, %%r11\n"
                     ::: "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm0", "xmm1", "xmm2", "xmm3",
                     "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
    return (Both){a + 1, b + 2};
}

__asm__(".text\n.globl probe\nprobe:\n"
        "push %rbx\n"
        "push %rbp\n"
        "push %r12\n"
        "push %r13\n"
        "push %r14\n"
        "push %r15\n"
        "sub $8, %rsp\n"
        "movdqu in_x+0(%rip), %xmm0\n"
        "movdqu in_x+16(%rip), %xmm1\n"
        "movdqu in_x+32(%rip), %xmm2\n"
        "movdqu in_x+48(%rip), %xmm3\n"
        "movdqu in_x+64(%rip), %xmm4\n"
        "movdqu in_x+80(%rip), %xmm5\n"
        "movdqu in_x+96(%rip), %xmm6\n"
        "movdqu in_x+112(%rip), %xmm7\n"
        "movdqu in_x+128(%rip), %xmm8\n"
        "movdqu in_x+144(%rip), %xmm9\n"
        "movdqu in_x+160(%rip), %xmm10\n"
        "movdqu in_x+176(%rip), %xmm11\n"
        "movdqu in_x+192(%rip), %xmm12\n"
        "movdqu in_x+208(%rip), %xmm13\n"
        "movdqu in_x+224(%rip), %xmm14\n"
        "movdqu in_x+240(%rip), %xmm15\n"
        "mov in_g+0(%rip), %rax\n"
        "mov in_g+8(%rip), %rbx\n"
        "mov in_g+16(%rip), %rcx\n"
        "mov in_g+24(%rip), %rdx\n"
        "mov in_g+32(%rip), %rsi\n"
        "mov in_g+40(%rip), %rdi\n"
        "mov in_g+48(%rip), %rbp\n"
        "mov in_g+56(%rip), %r8\n"
        "mov in_g+64(%rip), %r9\n"
        "mov in_g+72(%rip), %r10\n"
        "mov in_g+80(%rip), %r11\n"
        "mov in_g+88(%rip), %r12\n"
        "mov in_g+96(%rip), %r13\n"
        "mov in_g+104(%rip), %r14\n"
        "mov in_g+112(%rip), %r15\n"
        "call busy\n"
        "mov %rax, out_g+0(%rip)\n"
        "mov %rbx, out_g+8(%rip)\n"
        "mov %rcx, out_g+16(%rip)\n"
        "mov %rdx, out_g+24(%rip)\n"
        "mov %rsi, out_g+32(%rip)\n"
        "mov %rdi, out_g+40(%rip)\n"
        "mov %rbp, out_g+48(%rip)\n"
        "mov %r8, out_g+56(%rip)\n"
        "mov %r9, out_g+64(%rip)\n"
        "mov %r10, out_g+72(%rip)\n"
        "mov %r11, out_g+80(%rip)\n"
        "mov %r12, out_g+88(%rip)\n"
        "mov %r13, out_g+96(%rip)\n"
        "mov %r14, out_g+104(%rip)\n"
        "mov %r15, out_g+112(%rip)\n"
        "movdqu %xmm0, out_x+0(%rip)\n"
        "movdqu %xmm1, out_x+16(%rip)\n"
        "movdqu %xmm2, out_x+32(%rip)\n"
        "movdqu %xmm3, out_x+48(%rip)\n"
        "movdqu %xmm4, out_x+64(%rip)\n"
        "movdqu %xmm5, out_x+80(%rip)\n"
        "movdqu %xmm6, out_x+96(%rip)\n"
        "movdqu %xmm7, out_x+112(%rip)\n"
        "movdqu %xmm8, out_x+128(%rip)\n"
        "movdqu %xmm9, out_x+144(%rip)\n"
        "movdqu %xmm10, out_x+160(%rip)\n"
        "movdqu %xmm11, out_x+176(%rip)\n"
        "movdqu %xmm12, out_x+192(%rip)\n"
        "movdqu %xmm13, out_x+208(%rip)\n"
        "movdqu %xmm14, out_x+224(%rip)\n"
        "movdqu %xmm15, out_x+240(%rip)\n"
        "add $8, %rsp\n"
        "pop %r15\n"
        "pop %r14\n"
        "pop %r13\n"
        "pop %r12\n"
        "pop %rbp\n"
        "pop %rbx\n"
        "ret\n");

int main(void) {
    int64_t result = 0;
    for (int i = 0; i < 15; i++) in_g[i] = 0x0101010101010101u * (i + 1);
    for (int i = 0; i < 32; i++) in_x[i] = 0x1111111111111111u ^ (0x0102030405060708u * (i + 1));
    in_g[5] = (uint64_t)&result;
    in_g[4] = 40;
    in_g[3] = 10;
    in_g[2] = 3;
    probe();
    if (result != (11 + 42) * 3 + 40) return 100;
    for (int i = 0; i < 15; i++) if (in_g[i] != out_g[i]) return 1 + i;
    for (int i = 0; i < 32; i++) if (in_x[i] != out_x[i]) return 20 + i / 2;
    return 0;
}
