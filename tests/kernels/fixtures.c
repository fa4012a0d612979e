// Makes sockets in every state, held by processes in every way, and lists who holds which socket by /proc. Linked statically, so that
// it runs in any guest.
//
//   build [idle]                     makes the fixtures, writes one line for each (see `expect`), and leaves them running
//   truth                            inode and PID of each socket that a process holds
//   scale SOCKETS PROCESSES          makes many sockets
//   churn SECONDS [PAUSE]            starts and ends processes with sockets
//   run [uid=N] [caps=HEX] [pidns] [netns] COMMAND...
//   lo                               sets the loopback interface up
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static int report; // fixtures write their expectations here

static void die(const char *what) { dprintf(2, "fixtures: %s: %s\n", what, strerror(errno)); _exit(3); }
#define OK(call) ({ long r_ = (long)(call); if (r_ < 0) die(#call); r_; })

// One expectation: TITLE|PROTOCOL|LOCAL|REMOTE or *|STATE|OWNERS. Owners: PIDs joined by `,`, the rows of one address by `;`;
// `none` or `gone` if no process holds the socket; `absent` if the row must not be listed.
static void expect(const char *form, ...) {
    char line[512];
    va_list a;
    va_start(a, form);
    int n = vsnprintf(line, sizeof line - 1, form, a);
    va_end(a);
    line[n++] = '\n';
    OK(write(report, line, n));
}
static void ready(void) { OK(write(report, ".\n", 2)); }
static void wait_forever(void) { for (;;) pause(); }

union addr { struct sockaddr sa; struct sockaddr_in v4; struct sockaddr_in6 v6; };
static socklen_t address(union addr *a, const char *ip, int port) {
    memset(a, 0, sizeof *a);
    if (strchr(ip, ':')) {
        a->v6.sin6_family = AF_INET6;
        a->v6.sin6_port = htons(port);
        inet_pton(AF_INET6, ip, &a->v6.sin6_addr);
        return sizeof a->v6;
    }
    a->v4.sin_family = AF_INET;
    a->v4.sin_port = htons(port);
    inet_pton(AF_INET, ip, &a->v4.sin_addr);
    return sizeof a->v4;
}
static int with_ipv6(void) { int s = socket(AF_INET6, SOCK_DGRAM, 0); if (s >= 0) close(s); return s >= 0 && access("/proc/net/if_inet6", F_OK) == 0; }
static int open_socket(int type, int protocol, const char *ip, int port) {
    union addr a;
    socklen_t n = address(&a, ip, port);
    int one = 1, s = socket(a.sa.sa_family, type, protocol);
    if (s < 0) return s;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (port && bind(s, &a.sa, n) < 0) { close(s); return -1; }
    return s;
}
static int tcp(const char *ip, int port) { return OK(open_socket(SOCK_STREAM, 0, ip, port)); }
static int udp(const char *ip, int port) { return OK(open_socket(SOCK_DGRAM, 0, ip, port)); }
static int listener(const char *ip, int port, int backlog) { int s = tcp(ip, port); OK(listen(s, backlog)); return s; }
static int connect_to(int s, const char *ip, int port) { union addr a; socklen_t n = address(&a, ip, port); return connect(s, &a.sa, n); }
static int client(const char *ip, int from, const char *to, int port) { int s = tcp(ip, from); OK(connect_to(s, to, port)); return s; }

// Starts a fixture, in a process that has the three standard descriptors and the report.
static pid_t start(void (*fixture)(void)) {
    pid_t pid = OK(fork());
    if (pid == 0) { fixture(); ready(); wait_forever(); }
    return pid;
}
// Runs `what` in a child, with no other descriptor of the parent than the report; the child does not end.
static pid_t in_child(void (*what)(void *), void *with) {
    int done[2];
    OK(pipe(done));
    pid_t pid = OK(fork());
    if (pid == 0) {
        for (int fd = 3; fd < 64; fd++) if (fd != report && fd != done[1]) close(fd);
        what(with);
        OK(write(done[1], "", 1));
        close(done[1]);
        wait_forever();
    }
    char c;
    close(done[1]);
    if (read(done[0], &c, 1) != 1) die("in_child");
    close(done[0]);
    return pid;
}

static void a_shared(void) {
    int s = listener("127.0.0.1", 5001, 5);
    pid_t p[3];
    for (int i = 0; i < 3; i++) if ((p[i] = OK(fork())) == 0) wait_forever();
    pid_t z = OK(fork());
    if (z == 0) _exit(0); // never waited for: a zombie
    (void)s;
    expect("shared listener|tcp|127.0.0.1:5001|*|LISTENING|%d,%d,%d,%d", getpid(), p[0], p[1], p[2]);
}
static void a_wildcard(void) {
    listener("0.0.0.0", 5004, 5);
    expect("wildcard v4|tcp|0.0.0.0:5004|*|LISTENING|%d", getpid());
    if (!with_ipv6()) return;
    listener("::", 5002, 5);
    listener("::1", 5003, 5);
    expect("wildcard v6|tcp|[::]:5002|*|LISTENING|%d", getpid());
    expect("loopback v6|tcp|[::1]:5003|*|LISTENING|%d", getpid());
}
struct call { const char *ip, *to; int from, port; void (*then)(int); };
static void call(void *with) { struct call *c = with; int s = client(c->ip, c->from, c->to, c->port); if (c->then) c->then(s); }
static void keep_alive(int s) { int one = 1; OK(setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one)); }

static void a_established4(void) {
    int l = listener("127.0.0.1", 5010, 5);
    pid_t c = in_child(call, &(struct call){"127.0.0.1", "127.0.0.1", 5110, 5010, keep_alive});
    OK(accept(l, 0, 0));
    expect("established v4, server|tcp|127.0.0.1:5010|127.0.0.1:5110|ESTABLISHED|%d", getpid());
    expect("established v4, client|tcp|127.0.0.1:5110|127.0.0.1:5010|ESTABLISHED|%d", c);
}
static void a_established6(void) {
    if (!with_ipv6()) return;
    int l = listener("::1", 5011, 5);
    pid_t c = in_child(call, &(struct call){"::1", "::1", 5111, 5011, 0});
    OK(accept(l, 0, 0));
    expect("established v6, server|tcp|[::1]:5011|[::1]:5111|ESTABLISHED|%d", getpid());
    expect("established v6, client|tcp|[::1]:5111|[::1]:5011|ESTABLISHED|%d", c);
}
static void a_mapped(void) {
    if (!with_ipv6()) return;
    int l = listener("::", 5012, 5);
    pid_t c = in_child(call, &(struct call){"127.0.0.1", "127.0.0.1", 5112, 5012, 0});
    OK(accept(l, 0, 0));
    expect("mapped, server|tcp|127.0.0.1:5012|127.0.0.1:5112|ESTABLISHED|%d", getpid());
    expect("mapped, client|tcp|127.0.0.1:5112|127.0.0.1:5012|ESTABLISHED|%d", c);
}
static void a_unaccepted(void) {
    listener("127.0.0.1", 5013, 5);
    pid_t c = in_child(call, &(struct call){"127.0.0.1", "127.0.0.1", 5113, 5013, 0});
    expect("unaccepted, server|tcp|127.0.0.1:5013|127.0.0.1:5113|ESTABLISHED|none");
    expect("unaccepted, client|tcp|127.0.0.1:5113|127.0.0.1:5013|ESTABLISHED|%d", c);
}
static void a_time_wait(void) {
    int l = listener("127.0.0.1", 5014, 5);
    int c = client("127.0.0.1", 5114, "127.0.0.1", 5014);
    int s = OK(accept(l, 0, 0));
    close(s);
    usleep(20000);
    close(c);
    expect("time wait|tcp|127.0.0.1:5014|127.0.0.1:5114|TIME_WAIT|none");
}
static void shut_down_writing(int s) { OK(shutdown(s, SHUT_WR)); }
static void a_close_wait(void) {
    int l = listener("127.0.0.1", 5015, 5);
    pid_t c = in_child(call, &(struct call){"127.0.0.1", "127.0.0.1", 5115, 5015, shut_down_writing});
    OK(accept(l, 0, 0));
    expect("close wait|tcp|127.0.0.1:5015|127.0.0.1:5115|CLOSE_WAIT|%d", getpid());
    expect("fin wait 2|tcp|127.0.0.1:5115|127.0.0.1:5015|FIN_WAIT_2|%d", c);
}
static void a_syn_sent(void) {
    listener("127.0.0.1", 5016, 0);
    client("127.0.0.1", 5116, "127.0.0.1", 5016);
    for (int from = 5216; from <= 5316; from += 100) {
        int s = tcp("127.0.0.1", from);
        OK(fcntl(s, F_SETFL, O_NONBLOCK));
        int tries = 60; // a slow guest takes longer than the usual two minutes
        setsockopt(s, IPPROTO_TCP, TCP_SYNCNT, &tries, sizeof tries);
        connect_to(s, "127.0.0.1", 5016);
    }
    expect("syn sent|tcp|127.0.0.1:5316|127.0.0.1:5016|SYN_SENT|%d", getpid());
}
static void a_syn_received(void) {
    int l = tcp("127.0.0.1", 5017), seconds = 20000;
    OK(setsockopt(l, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds));
    OK(listen(l, 5));
    client("127.0.0.1", 5117, "127.0.0.1", 5017);
    expect("syn received|tcp|127.0.0.1:5017|127.0.0.1:5117|SYN_RECEIVED|none");
}
static void a_bound(void) {
    tcp("127.0.0.1", 5018);
    expect("bound v4|tcp|127.0.0.1:5018|*|BOUND|%d", getpid());
    if (!with_ipv6()) return;
    tcp("::1", 5019);
    expect("bound v6|tcp|[::1]:5019|*|BOUND|%d", getpid());
}
static void a_closed(void) {
    int l = listener("127.0.0.1", 5020, 5);
    client("127.0.0.1", 5120, "127.0.0.1", 5020);
    int s = OK(accept(l, 0, 0));
    struct linger now = {1, 0};
    OK(setsockopt(s, SOL_SOCKET, SO_LINGER, &now, sizeof now));
    close(s);
    expect("closed|tcp|127.0.0.1:5120|127.0.0.1:5020|CLOSED|%d", getpid());
}
static void a_udp(void) {
    udp("0.0.0.0", 6001);
    int s = udp("127.0.0.1", 6003);
    OK(connect_to(s, "127.0.0.1", 6001));
    expect("udp v4|udp|0.0.0.0:6001|*||%d", getpid());
    expect("udp v4, connected|udp|127.0.0.1:6003|127.0.0.1:6001||%d", getpid());
    if (!with_ipv6()) return;
    udp("::", 6002);
    s = udp("::1", 6004);
    OK(connect_to(s, "::1", 6002));
    expect("udp v6|udp|[::]:6002|*||%d", getpid());
    expect("udp v6, connected|udp|[::1]:6004|[::1]:6002||%d", getpid());
}
static int step[2];
static void *thread_with_table(void *unused) {
    (void)unused;
    OK(unshare(CLONE_FILES));
    udp("127.0.0.1", 6010);
    OK(write(step[1], "", 1));
    wait_forever();
    return 0;
}
static void a_thread_with_table(void) {
    char c;
    pthread_t t;
    OK(pipe(step));
    if (pthread_create(&t, 0, thread_with_table, 0)) die("pthread_create");
    OK(read(step[0], &c, 1));
    udp("127.0.0.1", 6011);
    expect("thread with a table of its own|udp|127.0.0.1:6010|*||%d", getpid());
    expect("its process|udp|127.0.0.1:6011|*||%d", getpid());
}
static void *second_thread(void *unused) {
    (void)unused;
    usleep(200000); // the first thread has gone
    udp("127.0.0.1", 6012);
    expect("process whose first thread has ended|udp|127.0.0.1:6012|*||%d", getpid());
    ready();
    wait_forever();
    return 0;
}
static void a_process_without_leader(void) {
    pthread_t t;
    if (pthread_create(&t, 0, second_thread, 0)) die("pthread_create");
    pthread_exit(0);
}
static int process_with_table(void *unused) { (void)unused; wait_forever(); return 0; }
static void a_shared_table(void) {
    static char stack[65536];
    pid_t p = OK(clone(process_with_table, stack + sizeof stack - 64, CLONE_FILES | SIGCHLD, 0));
    udp("127.0.0.1", 6013);
    expect("table of two processes|udp|127.0.0.1:6013|*||%d,%d", getpid(), p);
}
static void a_high_descriptor(void) {
    struct rlimit l = {5000, 5000};
    OK(setrlimit(RLIMIT_NOFILE, &l));
    int s = udp("127.0.0.1", 6014);
    OK(dup2(s, 4999));
    close(s);
    expect("high descriptor|udp|127.0.0.1:6014|*||%d", getpid());
    s = udp("127.0.0.1", 6019);
    dup(s); dup(s); dup(s);
    expect("four descriptors|udp|127.0.0.1:6019|*||%d", getpid());
}
static void a_user(void) {
    OK(setresgid(1000, 1000, 1000));
    OK(setresuid(1000, 1000, 1000));
    udp("127.0.0.1", 6015);
    listener("127.0.0.1", 5021, 5);
    expect("user 1000, udp|udp|127.0.0.1:6015|*||%d", getpid());
    expect("user 1000, tcp|tcp|127.0.0.1:5021|*|LISTENING|%d", getpid());
}
static void a_in_flight(void) {
    int s = udp("127.0.0.1", 6016), pair[2];
    OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    char b[CMSG_SPACE(sizeof s)] = {0}, x = 0;
    struct iovec v = {&x, 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = b, .msg_controllen = sizeof b};
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    h->cmsg_level = SOL_SOCKET; h->cmsg_type = SCM_RIGHTS; h->cmsg_len = CMSG_LEN(sizeof s);
    memcpy(CMSG_DATA(h), &s, sizeof s);
    OK(sendmsg(pair[0], &m, 0));
    close(s);
    expect("in flight|udp|127.0.0.1:6016|*||gone");
}
static void reuse(void *with) {
    (void)with;
    int one = 1, s = OK(socket(AF_INET, SOCK_STREAM, 0));
    union addr a;
    socklen_t n = address(&a, "127.0.0.1", 5022);
    OK(setsockopt(s, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one));
    OK(bind(s, &a.sa, n));
    OK(listen(s, 5));
}
static void a_reuseport(void) {
    pid_t p = in_child(reuse, 0);
    reuse(0);
    expect("port of two listeners|tcp|127.0.0.1:5022|*|LISTENING|%d;%d", getpid(), p);
}
static void a_pid_namespace(void) {
    if (unshare(CLONE_NEWPID) < 0) return;
    int done[2];
    OK(pipe(done));
    pid_t p = OK(fork());
    if (p == 0) { udp("127.0.0.1", 6017); OK(write(done[1], "", 1)); wait_forever(); }
    char c;
    OK(read(done[0], &c, 1));
    expect("process in a PID namespace|udp|127.0.0.1:6017|*||%d", p);
}
static void a_net_namespace(void) {
    if (unshare(CLONE_NEWNET) < 0) return;
    udp("0.0.0.0", 6018);
    expect("another network namespace|udp|0.0.0.0:6018|*||absent");
}
static void a_mptcp(void) {
    int s = open_socket(SOCK_STREAM, IPPROTO_MPTCP, "127.0.0.1", 5023);
    if (s < 0) return;
    OK(listen(s, 5));
    pid_t c = in_child(call, &(struct call){"127.0.0.1", "127.0.0.1", 5123, 5023, 0});
    OK(accept(s, 0, 0));
    expect("mptcp listener|tcp|127.0.0.1:5023|*|LISTENING|%d", getpid());
    expect("mptcp, plain client|tcp|127.0.0.1:5123|127.0.0.1:5023|ESTABLISHED|%d", c);
}
static void idle_processes(void) {
    for (int i = 0; i < 80; i++) if (OK(fork()) == 0) { close(report); wait_forever(); }
}

static void (*const fixtures[])(void) = {
    a_shared, a_wildcard, a_established4, a_established6, a_mapped, a_unaccepted, a_close_wait, a_bound, a_closed, a_udp, a_thread_with_table,
    a_process_without_leader, a_shared_table, a_high_descriptor, a_user, a_in_flight, a_reuseport, a_pid_namespace, a_net_namespace, a_mptcp, a_syn_sent,
    a_syn_received, a_time_wait,
};
static void build(int with_idle_processes) {
    int pipes[2];
    OK(pipe(pipes));
    OK(report = fcntl(pipes[1], F_DUPFD, 200));
    close(pipes[1]);
    int answers = fcntl(pipes[0], F_DUPFD_CLOEXEC, 201);
    close(pipes[0]);
    char line[512];
    unsigned count = sizeof fixtures / sizeof *fixtures;
    for (unsigned i = 0; i < count + !!with_idle_processes; i++) {
        pid_t pid = start(i < count ? fixtures[i] : idle_processes);
        unsigned n = 0;
        for (;;) {
            if (n >= sizeof line - 1) die("line");
            if (waitpid(pid, 0, WNOHANG) == pid) { dprintf(2, "fixtures: fixture %u has ended\n", i); break; }
            fcntl(answers, F_SETFL, O_NONBLOCK);
            if (read(answers, line + n, 1) != 1) { usleep(1000); continue; }
            if (line[n++] != '\n') continue;
            line[n] = 0;
            if (!strcmp(line, ".\n")) break;
            fputs(line, stdout);
            n = 0;
        }
    }
    fflush(stdout);
}

static int is_number(const char *s) { for (; *s; s++) if (!isdigit(*s)) return 0; return 1; }
// Which process has which socket: inode and PID, in any thread.
static void truth(void) {
    DIR *proc = opendir("/proc");
    if (!proc) die("/proc");
    for (struct dirent *p; (p = readdir(proc));) {
        char path[600];
        if (!is_number(p->d_name) || atoi(p->d_name) == getpid()) continue;
        snprintf(path, sizeof path, "/proc/%s/task", p->d_name);
        DIR *tasks = opendir(path);
        if (!tasks) continue;
        for (struct dirent *t; (t = readdir(tasks));) {
            if (!is_number(t->d_name)) continue;
            snprintf(path, sizeof path, "/proc/%s/task/%s/fd", p->d_name, t->d_name);
            DIR *fds = opendir(path);
            if (!fds) continue;
            for (struct dirent *f; (f = readdir(fds));) {
                char link[64] = "";
                if (!is_number(f->d_name) || readlinkat(dirfd(fds), f->d_name, link, sizeof link - 1) < 0) continue;
                if (!strncmp(link, "socket:[", 8)) printf("%lu %s\n", strtoul(link + 8, 0, 10), p->d_name);
            }
            closedir(fds);
        }
        closedir(tasks);
    }
}

// Many sockets, both ends of connections and some UDP sockets, in so many processes.
static void scale(int sockets, int processes) {
    struct rlimit l = {200000, 200000};
    setrlimit(RLIMIT_NOFILE, &l);
    int each = sockets / 2 / processes, done[2];
    OK(pipe(done));
    for (int p = 0; p < processes; p++) {
        if (OK(fork())) { char c; OK(read(done[0], &c, 1)); continue; }
        char ip[32];
        snprintf(ip, sizeof ip, "127.0.%d.%d", 1 + p / 200, 1 + p % 200);
        int s = listener(ip, 7000, 1024);
        for (int i = 0; i < each; i++) { client(ip, 0, ip, 7000); OK(accept(s, 0, 0)); }
        for (int i = 0; i < each / 5; i++) udp(ip, 10000 + i);
        OK(write(done[1], "", 1));
        wait_forever();
    }
}

// For so many seconds, three processes each start a child in so many microseconds, which opens sockets, leaves them to a child and ends.
static void churn(double seconds, int pause_us) {
    signal(SIGCHLD, SIG_IGN);
    time_t end = time(0) + seconds;
    struct rlimit l = {5000, 5000};
    setrlimit(RLIMIT_NOFILE, &l);
    for (int w = 0; w < 3; w++) if (OK(fork()) == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (time(0) < end) {
            pid_t p = fork();
            if (p == 0) {
                for (int i = 0; i < 20; i++) { int s = socket(AF_INET, SOCK_DGRAM, 0); if (i % 7 == 0) dup2(s, 70 + i * 90); }
                if (fork() == 0) usleep(pause_us / 2);
                _exit(0);
            }
            usleep(pause_us);
        }
        _exit(0);
    }
    sleep(seconds + 1);
}

// run [uid=N] [caps=HEX] [pidns] [netns] COMMAND...
static int run(char **argv) {
    for (; *argv; argv++) {
        if (!strncmp(*argv, "uid=", 4)) {
            uid_t u = atoi(*argv + 4);
            prctl(PR_SET_KEEPCAPS, 1);
            OK(setresgid(u, u, u));
            OK(setresuid(u, u, u));
        } else if (!strncmp(*argv, "caps=", 5)) {
            uint64_t c = strtoull(*argv + 5, 0, 16);
            struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
            struct __user_cap_data_struct d[2] = {{c, c, c}, {c >> 32, c >> 32, c >> 32}};
            OK(syscall(SYS_capset, &h, d));
            for (int i = 0; i < 64; i++) if (c >> i & 1) OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0));
        } else if (!strcmp(*argv, "pidns")) {
            OK(unshare(CLONE_NEWPID));
            pid_t p = OK(fork());
            int status;
            if (p) { waitpid(p, &status, 0); return WEXITSTATUS(status); }
        } else if (!strcmp(*argv, "netns")) {
            OK(unshare(CLONE_NEWNET));
        } else break;
    }
    execvp(*argv, argv);
    die(*argv);
    return 3;
}

static void lo(void) {
    int s = OK(socket(AF_INET, SOCK_DGRAM, 0));
    struct ifreq r = {.ifr_name = "lo"};
    OK(ioctl(s, SIOCGIFFLAGS, &r));
    r.ifr_flags |= IFF_UP;
    OK(ioctl(s, SIOCSIFFLAGS, &r));
}

int main(int argc, char **argv) {
    setlinebuf(stdout);
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "build")) build(argc > 2);
    else if (!strcmp(what, "truth")) { static char b[1 << 16]; setvbuf(stdout, b, _IOFBF, sizeof b); truth(); }
    else if (!strcmp(what, "scale") && argc > 3) scale(atoi(argv[2]), atoi(argv[3]));
    else if (!strcmp(what, "churn") && argc > 2) churn(atof(argv[2]), argc > 3 ? atoi(argv[3]) : 200);
    else if (!strcmp(what, "run")) return run(argv + 2);
    else if (!strcmp(what, "lo")) lo();
    else { fprintf(stderr, "fixtures build|truth|scale|churn|run|lo\n"); return 2; }
    fflush(stdout);
    return 0;
}
