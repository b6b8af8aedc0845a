/* Runs compiled code of another instruction set under its emulator.
 *
 * Problem: the code of a test must run in a process of its own architecture, be
 * patched there and run again, and whatever it does must come back as a value.
 * Approach: this program reads commands from its input and answers on its output.
 * Numbers are 8 bytes, the lowest first, on every target.
 *
 *   A size                      allocates memory for code; answers its address
 *   N length name               answers the address of a host function, 0 if unknown
 *   L sizes, tables, code       copies code, with its traps and calls, and publishes it
 *   P count, (offset length bytes)...   changes bytes of the code
 *   C entry seconds count slots calls the trampoline at an offset with the slots; SIGALRM
 *                               is its fault if it takes that many seconds
 *
 * A, N answer a number. L and P answer K. C answers one of
 *
 *   R slots                     it returned
 *   T code pc                   an instruction trapped that may
 *   F signal pc address         an instruction faulted that may not
 *   U tag first second          nobody handles an exception
 *   V register                  it did not preserve a register that it must
 *
 * What differs by target is in TARGET.h: how code is entered, left and thrown from,
 * in assembly, and where a signal's context has the program counter. It defines
 * sidetrack_enter, sidetrack_leave, sidetrack_throw, get_pc and set_pc. */

#define _GNU_SOURCE
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define STACK_SIZE (1 << 20)
/* Larger than any frame, so that no frame jumps over it. */
#define GUARD_SIZE (16 << 20)
#define STACK_OVERFLOW 0

/* The stack pointer that sidetrack_leave goes back to. */
uintptr_t sidetrack_saved_sp;

/* Calls stub(slots) on the stack below top. 0 if it returned, 1 if sidetrack_leave was
 * jumped to, else 2 and the number of a register that was not preserved. */
int sidetrack_enter(const void *stub, void *slots, void *top);
void sidetrack_leave(void);
/* (tag, first, second), called by compiled code: calls land with its frame pointer and
 * return address, and goes where that says. */
void sidetrack_throw(void);

struct landing {
    uintptr_t pc, sp, fp;
};
int sidetrack_land(uint64_t tag, uint64_t first, uint64_t second, uintptr_t fp, uintptr_t pc,
                   struct landing *to);

#include TARGET_HEADER

struct trap {
    uint64_t offset, code;
};
struct call {
    uint64_t return_offset, frame_offset, first, count;
};
struct handler {
    uint64_t any, tag, offset;
};

static uint8_t *code;
static size_t code_size;
static struct trap *traps;
static struct call *calls;
static struct handler *handlers;
static uint64_t trap_count, call_count;
static uint8_t *guard, *top;
static volatile sig_atomic_t inside;
/* How the call ended, if it did not return. */
static char outcome;
static uint64_t outcome_values[3];

static void get(void *bytes, size_t size) {
    if (size && fread(bytes, size, 1, stdin) != 1)
        exit(0);
}

static uint64_t get_number(void) {
    uint8_t bytes[8];
    uint64_t number = 0;
    get(bytes, 8);
    for (int i = 7; i >= 0; i--)
        number = number << 8 | bytes[i];
    return number;
}

static uint64_t *get_numbers(uint64_t count) {
    uint64_t *numbers = malloc(8 * count + 8);
    for (uint64_t i = 0; i < count; i++)
        numbers[i] = get_number();
    return numbers;
}

static void put_number(uint64_t number) {
    for (int i = 0; i < 8; i++)
        putchar(number >> 8 * i & 255);
}

static size_t pages(size_t size) {
    size_t page = sysconf(_SC_PAGESIZE);
    return (size + page) / page * page;
}

static void protect(int protection) {
    if (mprotect(code, pages(code_size), protection))
        exit(3);
}

static void publish(void) {
    protect(PROT_READ | PROT_EXEC);
    __builtin___clear_cache((char *)code, (char *)code + code_size);
}

static void leave_by_signal(int signal, siginfo_t *info, void *context) {
    uint64_t offset = (uint64_t)get_pc(context, signal) - (uintptr_t)code;
    uint8_t *address = info->si_addr;
    if (!inside)
        _exit(4);
    outcome = 'F';
    outcome_values[0] = signal;
    outcome_values[1] = offset;
    outcome_values[2] = (uintptr_t)address;
    if (signal == SIGSEGV && address >= guard && address < guard + GUARD_SIZE) {
        outcome = 'T';
        outcome_values[0] = STACK_OVERFLOW;
    }
    for (uint64_t i = 0; i < trap_count && outcome == 'F' && signal != SIGALRM; i++)
        if (traps[i].offset == offset) {
            outcome = 'T';
            outcome_values[0] = traps[i].code;
        }
    set_pc(context, (uintptr_t)sidetrack_leave);
}

/* The nearest handler of a throw from a call that returns to pc, in the frame at fp.
 * Each frame has at its pointer the caller's, and above it the return address. */
int sidetrack_land(uint64_t tag, uint64_t first, uint64_t second, uintptr_t fp, uintptr_t pc,
                   struct landing *to) {
    while (pc - (uintptr_t)code < code_size) {
        for (uint64_t i = 0; i < call_count; i++) {
            struct call *call = &calls[i];
            if (call->return_offset != pc - (uintptr_t)code)
                continue;
            for (uint64_t n = call->first; n < call->first + call->count; n++)
                if (handlers[n].any || handlers[n].tag == tag) {
                    to->pc = (uintptr_t)code + handlers[n].offset;
                    to->sp = fp - call->frame_offset;
                    to->fp = fp;
                    return 1;
                }
        }
        pc = ((uintptr_t *)fp)[1];
        fp = ((uintptr_t *)fp)[0];
    }
    outcome = 'U';
    outcome_values[0] = tag;
    outcome_values[1] = first;
    outcome_values[2] = second;
    return 0;
}

static const struct {
    const char *name;
    uintptr_t address;
} host_functions[] = {
    {"throw", (uintptr_t)sidetrack_throw},
    {"CeilF32", (uintptr_t)ceilf},
    {"CeilF64", (uintptr_t)ceil},
    {"FloorF32", (uintptr_t)floorf},
    {"FloorF64", (uintptr_t)floor},
    {"TruncF32", (uintptr_t)truncf},
    {"TruncF64", (uintptr_t)trunc},
    {"NearestF32", (uintptr_t)rintf},
    {"NearestF64", (uintptr_t)rint},
    {"FmaF32", (uintptr_t)fmaf},
    {"FmaF64", (uintptr_t)fma},
};

static void allocate(void) {
    if (code)
        munmap(code, pages(code_size));
    code_size = get_number();
    code = mmap(0, pages(code_size), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code == MAP_FAILED)
        exit(3);
    put_number((uintptr_t)code);
}

static void name(void) {
    char text[64] = {0};
    uint64_t length = get_number();
    uintptr_t address = 0;
    if (length >= sizeof text)
        exit(5);
    get(text, length);
    for (size_t i = 0; i < sizeof host_functions / sizeof *host_functions; i++)
        if (!strcmp(host_functions[i].name, text))
            address = host_functions[i].address;
    put_number(address);
}

static void load(void) {
    free(traps);
    free(calls);
    free(handlers);
    trap_count = get_number();
    traps = (struct trap *)get_numbers(2 * trap_count);
    call_count = get_number();
    calls = (struct call *)get_numbers(4 * call_count);
    handlers = (struct handler *)get_numbers(3 * get_number());
    get(code, code_size);
    publish();
    putchar('K');
}

static void patch(void) {
    protect(PROT_READ | PROT_WRITE);
    for (uint64_t count = get_number(); count; count--) {
        uint64_t offset = get_number(), length = get_number();
        if (offset > code_size || length > code_size - offset)
            exit(5);
        get(code + offset, length);
    }
    publish();
    putchar('K');
}

static void call(void) {
    uint64_t entry = get_number(), seconds = get_number(), count = get_number();
    uint8_t *slots = aligned_alloc(16, (8 * count + 31) / 16 * 16);
    get(slots, 8 * count);
    alarm(seconds);
    inside = 1;
    int how = sidetrack_enter(code + entry, slots, top);
    inside = 0;
    alarm(0);
    if (how == 0) {
        putchar('R');
        fwrite(slots, 8, count, stdout);
    } else if (how == 1) {
        putchar(outcome);
        for (int i = 0; i < (outcome == 'T' ? 2 : 3); i++)
            put_number(outcome_values[i]);
    } else {
        putchar('V');
        put_number(how - 2);
    }
    free(slots);
}

int main(void) {
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGALRM};
    struct sigaction action = {0};
    stack_t stack = {.ss_sp = malloc(1 << 18), .ss_size = 1 << 18};
    sigaltstack(&stack, 0);
    action.sa_sigaction = leave_by_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, 0);
    guard = mmap(0, GUARD_SIZE + STACK_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (guard == MAP_FAILED || mprotect(guard + GUARD_SIZE, STACK_SIZE, PROT_READ | PROT_WRITE))
        return 3;
    top = guard + GUARD_SIZE + STACK_SIZE;
    for (int command; (command = getchar()) != EOF; fflush(stdout))
        switch (command) {
        case 'A':
            allocate();
            break;
        case 'N':
            name();
            break;
        case 'L':
            load();
            break;
        case 'P':
            patch();
            break;
        case 'C':
            call();
            break;
        default:
            return 5;
        }
    return 0;
}
