/* Finds the patch sites of an object through the symbols that the linker makes,
   switches them, and counts the calls. Exit code 0 if all is as it should be,
   else the number of the check that failed. */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct sidetrack_patch_site {
    unsigned char *site;
    void *function;
    uint64_t tag;
    uint8_t len, kind, initially_on, reserved[5];
    uint8_t on[16], off[16];
};
_Static_assert(sizeof(struct sidetrack_patch_site) == 64, "record size");

extern struct sidetrack_patch_site __start_sidetrack_patch_sites[], __stop_sidetrack_patch_sites[];
void calls_inner(uint64_t *count), calls_outer(uint64_t *count);
void outer_hook(uint64_t *count) { *count += 100; }

static void set(struct sidetrack_patch_site *s, int on) {
    uintptr_t page = sysconf(_SC_PAGESIZE), start = (uintptr_t)s->site & -page;
    size_t len = (uintptr_t)s->site + s->len - start;
    mprotect((void *)start, len, PROT_READ | PROT_WRITE);
    memcpy(s->site, on ? s->on : s->off, s->len);
    mprotect((void *)start, len, PROT_READ | PROT_EXEC);
}

int main(void) {
    struct sidetrack_patch_site *inner = 0, *outer = 0, *s;
    for (s = __start_sidetrack_patch_sites; s < __stop_sidetrack_patch_sites; s++) {
        if (s->tag == 7) inner = s;
        if (s->tag == 8) outer = s;
    }
    if (s - __start_sidetrack_patch_sites != 2 || !inner || !outer) return 1;
    if (inner->function != (void *)calls_inner || outer->function != (void *)calls_outer) return 2;
    if (!inner->initially_on || outer->initially_on) return 3;
    if (memcmp(inner->site, inner->on, 5) || memcmp(outer->site, outer->off, 5)) return 4;
    uint64_t count = 0;
    calls_inner(&count), calls_outer(&count);
    if (count != 1) return 5;
    set(inner, 0), set(outer, 1);
    calls_inner(&count), calls_outer(&count);
    if (count != 101) return 6;
    set(inner, 1), set(outer, 0);
    calls_inner(&count), calls_outer(&count);
    return count == 102 ? 0 : 7;
}
