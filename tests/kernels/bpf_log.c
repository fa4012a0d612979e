// Preloaded into rnetstat: writes each bpf(2) call to stderr, and what the kernel's verifier says if it refuses a program.
//
// BPF_REFUSE=maps refuses every map, and BPF_REFUSE=programs every program that uses one. The iterator over tasks uses maps, the iterator
// over files none, so that both make rnetstat take the second.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAP_CREATE = 0, PROG_LOAD = 5 };
enum { LDDW = 0x18 }; // the instruction that loads a map, if its source register says so (`BPF_PSEUDO_MAP_*`)

static long (*real)(long, ...);

// As in `union bpf_attr`.
struct load {
    uint32_t type, count;
    uint64_t instructions, license;
    uint32_t log_level, log_size;
    uint64_t log;
    uint32_t kernel_version, flags;
    char name[16];
};

static int uses_map(const struct load *load) {
    const uint8_t *code = (const uint8_t *)(uintptr_t)load->instructions;
    for (uint32_t i = 0; i < load->count; i++, code += 8) {
        if (code[0] != LDDW) continue;
        if (code[1] >> 4 == 1 || code[1] >> 4 == 2) return 1;
        i++, code += 8; // its second half
    }
    return 0;
}

static void explain_refusal(const struct load *load, size_t size) {
    static char log[1 << 20];
    char copy[256] = {0};
    if (size > sizeof copy) size = sizeof copy;
    memcpy(copy, load, size);
    ((struct load *)(void *)copy)->log_level = 1;
    ((struct load *)(void *)copy)->log_size = sizeof log;
    ((struct load *)(void *)copy)->log = (uintptr_t)log;
    real(SYS_bpf, PROG_LOAD, copy, size);
    size_t length = strlen(log);
    dprintf(2, "%s\n", length > 3000 ? log + length - 3000 : log);
}

long syscall(long number, ...) {
    long a[6];
    va_list v;
    va_start(v, number);
    for (int i = 0; i < 6; i++) a[i] = va_arg(v, long);
    va_end(v);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "syscall");
    if (number != SYS_bpf) return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    const char *refuse = getenv("BPF_REFUSE");
    if (!refuse) refuse = "";
    const struct load *load = a[0] == PROG_LOAD ? (const struct load *)a[1] : 0;
    int injected = 0;
    if (a[0] == MAP_CREATE && !strcmp(refuse, "maps")) injected = EPERM;
    if (load && uses_map(load) && !strcmp(refuse, "programs")) injected = EINVAL;
    long result = injected ? -1 : real(number, a[0], a[1], a[2]);
    int error = injected ? injected : errno;
    if (load) dprintf(2, "bpf: load %.15s, %s = %ld %s%s\n", load->name, uses_map(load) ? "with a map" : "without a map", result,
                      result < 0 ? strerror(error) : "", injected ? " (injected)" : "");
    else dprintf(2, "bpf: command %ld = %ld %s%s\n", a[0], result, result < 0 ? strerror(error) : "", injected ? " (injected)" : "");
    if (load && result < 0 && !injected) explain_refusal(load, a[2]);
    errno = error;
    return result;
}
