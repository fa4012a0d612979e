#!/usr/bin/env python3
"""Compares what rnetstat wrote in a guest with the fixtures, /proc, ss and ip. check.py FOLDER KERNEL VARIANT"""
import ipaddress, json, os, re, sys

folder, kernel, variant = sys.argv[1:4]
result = os.path.join(folder, "result")
passed, failed = [], []


def text(name):
    try:
        with open(os.path.join(result, name), errors="replace") as file:
            return file.read()
    except OSError:
        return None


def check(name, good, why=""):
    (passed if good else failed).append(name if good else f"{name}: {why}")
    return good


def version(name):
    numbers = re.match(r"(\d+)\.(\d+)", name)
    return int(numbers[1]), int(numbers[2])


number = version(kernel)
console = ""
try:
    with open(os.path.join(folder, "console"), errors="replace") as file:
        console = file.read()
except OSError:
    pass
if not check("the guest reached its end", "guest: done" in console and text("dmesg") is not None, console[-300:]):
    print(f"FAILED {failed[-1]}")
    print(f"{kernel} {variant}: 0 passed, 1 failed")
    sys.exit(1)

system = text("system") or ""
command_line = next((l for l in system.splitlines() if "rnetstat.checks" in l), "")
ipv6 = "ipv6.disable=1" not in command_line
btf = "vmlinux" in system
locked = re.search(r"\[(\w+)\]", system)
locked = locked[1] if locked else "none"

# sock_diag lists bound sockets from 6.8 on.
lists_bound = "tcp_diag" in system and number >= (6, 8)

# --- what there is ----------------------------------------------------------

fixtures = []
for line in (text("expected") or "").splitlines():
    fields = line.split("|")
    if len(fields) == 6:
        fixtures.append(fields)
check("the fixtures", len(fixtures) > (25 if not ipv6 else 33) and not text("expected.err"), f"{len(fixtures)} {text('expected.err')}")


def owners_by_proc(name):
    owners = {}
    for line in (text(name) or "").splitlines():
        inode, pid = map(int, line.split())
        owners.setdefault(inode, set()).add(pid)
    return owners


truth = owners_by_proc("truth")
STATES = {1: "ESTABLISHED", 2: "SYN_SENT", 3: "SYN_RECEIVED", 4: "FIN_WAIT_1", 5: "FIN_WAIT_2", 6: "TIME_WAIT", 7: "CLOSED",
          8: "CLOSE_WAIT", 9: "LAST_ACK", 10: "LISTENING", 11: "CLOSING", 12: "SYN_RECEIVED"}
PASSING = {"TIME_WAIT", "SYN_SENT", "SYN_RECEIVED"}
DEFERRED = {5017}  # becomes ESTABLISHED after a while


def proc_address(word):
    raw, port = word.split(":")
    data = b"".join(int(raw[i:i + 8], 16).to_bytes(4, "little") for i in range(0, len(raw), 8))
    address = ipaddress.ip_address(data)
    if address.version == 6 and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address), int(port, 16)


def rows_of_proc(name):
    """Rows of /proc/net: protocol, local, remote or None, state -> inode"""
    rows = {}
    for line in (text(name) or "").splitlines():
        words = line.split()
        if len(words) < 11 or "address" in line:
            continue
        table, local, remote, state, inode = words[0], proc_address(words[2]), proc_address(words[3]), int(words[4], 16), int(words[10])
        protocol = table[:3]
        state = STATES.get(state) if protocol == "tcp" else None
        rows.setdefault((protocol, local, remote if remote[1] else None, state), set()).add(inode)
    return rows


def end(value):
    return (value["address"], value["port"]) if value else None


def key(socket):
    return socket["protocol"], end(socket["local"]), end(socket["remote"]), socket["state"]


def document(name):
    try:
        return json.loads(text(name + ".out"))
    except (ValueError, TypeError):
        return None


def place(word):
    host, port = word.rsplit(":", 1)
    return host.strip("[]"), int(port)


# --- one document -----------------------------------------------------------

UNLISTED = re.compile(r"BOUND ports cannot be shown: .*")


def complaints_of(name):
    """What was written to stderr, without the line that bound ports cannot be listed if this kernel does not list them."""
    lines = (text(name) or "").splitlines()
    return "\n".join(l for l in lines if lists_bound or not UNLISTED.fullmatch(l.removeprefix("rnetstat: "))).strip()


def unexpected(doc, bound=True):
    """The problems of a document, but for the one that bound ports cannot be listed."""
    missing = bound and not lists_bound
    return [p for p in doc["problems"] if not (missing and UNLISTED.fullmatch(p["message"]))]


def compare(name, bound=True, truth=truth, rows=True):
    """A whole listing: its rows those of /proc/net, its owners those of /proc/PID/fd."""
    doc = document(name)
    if not check(f"{name}: JSON, status 0, nothing on stderr of note", doc is not None and text(name + ".rc") == "0\n",
                 f"rc {text(name + '.rc')} {(text(name + '.err') or '')[-300:]}"):
        return None
    check(f"{name}: problems", not unexpected(doc, bound), unexpected(doc, bound))
    if bound:
        check(f"{name}: bound_ports_listed", doc["bound_ports_listed"] == lists_bound, doc["bound_ports_listed"])
    mine = {}
    for s in doc["sockets"]:
        mine.setdefault(key(s), set()).add(s["inode"])
    if rows:
        before, after = rows_of_proc(name + ".before"), rows_of_proc(name + ".after")
        both, either = before.keys() & after.keys(), before.keys() | after.keys()
        lost = {k for k in both if k not in mine and k[3] != "CLOSED"}
        more = {k for k in mine if k not in either and k[3] not in ("BOUND", "CLOSED")}
        check(f"{name}: no row missing", not lost, sorted(map(str, lost))[:3])
        check(f"{name}: no row too many", not more, sorted(map(str, more))[:3])
    wrong = []
    for s in doc["sockets"]:
        want = truth.get(s["inode"], set()) if s["inode"] else set()
        got = {o["pid"] for o in s["owners"]}
        if got != want:
            wrong.append((key(s), s["inode"], sorted(got), sorted(want)))
    check(f"{name}: owners as in /proc", not wrong, f"{len(wrong)} wrong: {wrong[:3]}")
    return doc


def compare_fixtures(name, doc, bound=True):
    """Each fixture with the owners that it was made with."""
    if doc is None:
        return
    rows = {}
    for s in doc["sockets"]:
        rows.setdefault((s["protocol"], end(s["local"]), end(s["remote"])), []).append(s)
    for title, protocol, local, remote, state, owners in fixtures:
        at = (protocol, place(local), None if remote == "*" else place(remote))
        there = [s for s in rows.get(at, []) if s["state"] == (state or None)]
        what = f"{name}: {title}"
        if owners == "absent" or state in ("BOUND", "CLOSED") and not (lists_bound and bound):
            check(what, not there, "is listed")
            continue
        if not there and state in PASSING and at not in {k[:3] for k in rows_of_proc(name + ".after")}:
            continue  # it has passed
        got = sorted(",".join(str(o["pid"]) for o in s["owners"]) + ("" if s["owners"] else s["owner_status"]) for s in there)
        if owners in ("none", "gone"):
            check(what, [bool(s["owners"]) for s in there] == [False] and there[0]["owner_status"] in ("none", "gone"), f"{got}")
        else:
            check(what, got == sorted(owners.split(";")), f"owners {got or 'row missing'} instead of {owners}")


# --- which source served -----------------------------------------------------

ITERATORS_FROM = (5, 8)
if number >= (6, 9):
    expected_iterators = {"iter/task"}
elif number >= (6, 2):  # has what the program over tasks needs, and may refuse it
    expected_iterators = {"iter/task", "iter/task_file"}
else:
    expected_iterators = {"iter/task_file"}


def iterator(name):
    """By the log of bpf(2) calls, which iterator served: the one over tasks uses a map, the one over files none."""
    loads = re.findall(r"bpf: load socket_owners, (with|without) a map = (-?\d+)", text(name + ".err") or "")
    served = [word for word, result in loads if int(result) >= 0]
    return {"with": "iter/task", "without": "iter/task_file"}[served[-1]] if served and document(name) else "no iterator"


iterates = btf and number >= ITERATORS_FROM
served = iterator("log")
if iterates:
    check("owners by the iterator of this kernel", served in expected_iterators,
          f"{served} instead of {expected_iterators}: {(text('log.err') or '')[-900:]}")
    for name in ("log-no-maps", "log-no-programs"):
        check(f"{name}: the iterator over files serves instead", iterator(name) == "iter/task_file", (text(name + ".err") or "")[-600:])
pass_served = text("ano-pass.rc") == "0\n"


def refuses(name):
    """A forced source that cannot serve: status 2, a reason, nothing else."""
    check(f"{name}: status 2 and the reason", text(name + ".rc") == "2\n" and text(name + ".err"), f"rc {text(name + '.rc')} {text(name + '.err')}")


# --- the checks -------------------------------------------------------------

for source in ("proc", "bpf", "auto"):
    if source == "bpf" and not iterates:
        refuses("json-bpf")
    else:
        compare_fixtures(f"json-{source}", compare(f"json-{source}"))
compare_fixtures("json-a", compare("json-a", bound=False), bound=False)
if iterates:
    for name in ("log", "log-no-maps", "log-no-programs"):
        compare(name)
if "tcp_diag" in system:
    compare("sockets-netlink")
if pass_served and lists_bound:
    compare("sockets-pass")
    # Timers of connections run out and are set anew meanwhile; a keepalive timer and TIME_WAIT stay.
    timers = {
        name: {str(key(s)): s["timer"]["kind"] for s in document(name)["sockets"] if s["timer"] and s["timer"]["kind"] != "retransmit"}
        for name in ("sockets-pass", "sockets-netlink")
    }
    check("sockets-pass: timers as by the dumps", timers["sockets-pass"] == timers["sockets-netlink"], f"{timers}")
by_text = document("sockets-proc")
check("sockets-proc: the reason why no BOUND row is listed", by_text is not None and not by_text["bound_ports_listed"], text("sockets-proc.err"))
if not pass_served:
    refuses("ano-pass")


def table_rows(name):
    rows = []
    for line in (text(name + ".out") or "").splitlines():
        words = line.split()
        if words and words[0] in ("TCP", "UDP"):
            rows.append(tuple(words))
    return sorted(rows)


def without_passing(rows):
    return [r for r in rows if not any(w in PASSING for w in r)]


for switch in ("ano", "anoq"):
    scan = without_passing(table_rows(f"{switch}-proc"))
    for source in ("bpf", "auto") if iterates else ("auto",):
        other = without_passing(table_rows(f"{switch}-{source}"))
        check(f"-{switch}: owners from {source} as from proc", scan and scan == other, f"{sorted(set(scan) ^ set(other))[:4]}")
    if switch == "ano" and pass_served:
        other = without_passing(table_rows("ano-pass"))
        check("-ano: sockets from the pass as from the dumps", scan == other, f"{sorted(set(scan) ^ set(other))[:4]}")
    check(f"-{switch}: status", text(f"{switch}-auto.rc") == "0\n", text(f"{switch}-auto.rc"))
check("-ano: no BOUND without -q", not any("BOUND" in r or "CLOSED" in r for r in table_rows("ano-auto")))
if lists_bound:
    check("-anoq: BOUND", any("BOUND" in r for r in table_rows("anoq-auto")), "no row")
    check("-anoq: CLOSED", any("CLOSED" in r for r in table_rows("anoq-auto")), "no row")
else:
    check("-anoq: the reason why no BOUND row is listed", "BOUND ports cannot be shown" in (text("json-auto.out") or ""), "no problem")


def ss_rows():
    rows = {}
    words_of = {"LISTEN": "LISTENING", "ESTAB": "ESTABLISHED", "TIME-WAIT": "TIME_WAIT", "CLOSE-WAIT": "CLOSE_WAIT", "FIN-WAIT-1": "FIN_WAIT_1",
                "FIN-WAIT-2": "FIN_WAIT_2", "SYN-SENT": "SYN_SENT", "SYN-RECV": "SYN_RECEIVED", "LAST-ACK": "LAST_ACK", "CLOSING": "CLOSING"}
    for line in (text("ss.out") or "").splitlines():
        words = line.split()
        inode = re.search(r" ino:(\d+)", line)
        users = {int(p) for p in re.findall(r"pid=(\d+)", line)}
        state = words_of.get(words[1]) if words[0] == "tcp" else None
        timer = re.search(r"timer:\((\w+)", line)
        rows[(int(inode[1]) if inode else 0, words[4].rsplit(":")[-1], words[5].rsplit(":")[-1])] = (
            words[0], state, users, timer[1] if timer else None, int(words[2]), int(words[3]))
    return rows


doc = document("json-a")
if doc and text("ss.rc") == "0\n" and "tcp_diag" in system:  # without inodes nothing can be compared
    TIMER = {"keepalive": "keepalive", "on": "retransmit", "timewait": "time-wait", "persist": "window-probe", None: None}
    wrong, theirs = [], ss_rows()
    for s in doc["sockets"]:
        other = theirs.pop((s["inode"] or 0, str(s["local"]["port"]), str(s["remote"]["port"]) if s["remote"] else "*"), None)
        if other is None:
            if s["state"] not in PASSING and s["local"]["port"] not in DEFERRED:
                wrong.append(("not in ss", key(s)))
            continue
        timer = s["timer"]["kind"] if s["timer"] else None
        if (s["state"] not in PASSING and s["local"]["port"] not in DEFERRED and (TIMER.get(other[3]) != timer or other[1] != s["state"]
                or (s["receive_queue"], s["send_queue"]) != other[4:6])) or not other[2] <= {o["pid"] for o in s["owners"]}:
            wrong.append((other, key(s), timer, s["receive_queue"], s["send_queue"]))
    wrong += [("only in ss", k, v) for k, v in theirs.items() if v[1] not in PASSING]
    check("rows, queues, timers and owners of ss", not wrong, wrong[:3])

def explanation(name):
    return next(iter((document(name) or {}).get("explanations", [])), {})


if text("b-proc.out") is not None:
    same = lambda name: re.sub(r"(?m)^.*(TIME_WAIT|SYN_SENT|SYN_RECEIVED).*\n(?:  ?\S.*\n| Can not.*\n)*", "", text(name) or "")
    check("-b: owners from bpf as from proc", "[fixtures]" in same("b-proc.out") and (not iterates or same("b-proc.out") == same("b-bpf.out")), (text("b-bpf.out") or "")[:200])
    cgroup = text("cgroup") or ""
    if "fixtures@1.service" in cgroup:
        check("-b: the unit", "fixtures@1.service" in text("b-proc.out"), cgroup)
        holder = next(iter(explanation("explain-5004-json").get("holders", [])), {})
        check("--explain: the container", (holder.get("container") or {}).get("runtime") == "docker", f"{holder} {cgroup}")
    for name in ("s", "s-json", "e", "e-json", "r", "r-json", "c", "x", "t", "d", "y", "i", "details", "summary", "wide", "csv"):
        complaints = complaints_of(name + ".err")
        check(f"{name}: status and stderr", text(name + ".rc") == "0\n" and not complaints, f"{text(name + '.rc')} {complaints[:300]}")
    for name, status in (("explain-5001", 0), ("explain-5018", 0 if lists_bound else None), ("explain-5014", 0), ("explain-5999", 1),
                         ("explain-5001-json", 0)):
        if status is not None:
            check(f"{name}: status", text(name + ".rc") == f"{status}\n", f"{text(name + '.rc')} {(text(name + '.err') or '')[:200]} {(text(name + '.out') or '')[:200]}")
    if not lists_bound:
        said = (text("explain-5018.out") or "") + (text("explain-5018.err") or "")
        check("explain-5018: bound ports that cannot be listed are mentioned", "BOUND" in said or "bound" in said.replace("can be bound", ""), said[:400])
    holders = {h["pid"] for h in explanation("explain-5001-json").get("holders", [])}
    check("--explain: taken", explanation("explain-5001-json").get("taken") is True, explanation("explain-5001-json").get("taken"))
    shared = next(({int(p) for p in z[5].split(",")} for z in fixtures if z[0] == "shared listener"), set())
    check("--explain: every holder of a shared listener", holders == shared, f"{holders} {shared}")

    def counters(name):
        values, names = {}, {}
        for line in (text(name) or "").splitlines():
            words = line.split()
            if words and words[0].endswith(":"):
                if words[0] in names:
                    values.update({words[0][:-1] + "." + n: int(v) for n, v in zip(names[words[0]], words[1:])})
                    names.pop(words[0])
                else:
                    names[words[0]] = words[1:]
            elif len(words) == 2:
                values[words[0]] = int(words[1])
        return values

    before, after = counters("stat-before.out"), counters("stat-after.out")
    stats = (document("s-json") or {}).get("statistics", {})
    pairs = [("ipv4", "packets_received", "Ip.InReceives"), ("ipv4", "received_packets_delivered", "Ip.InDelivers"), ("ipv4", "output_requests", "Ip.OutRequests"),
             ("tcp_ipv4", "active_opens", "Tcp.ActiveOpens"), ("tcp_ipv4", "passive_opens", "Tcp.PassiveOpens"), ("tcp_ipv4", "segments_received", "Tcp.InSegs"),
             ("udp_ipv4", "datagrams_received", "Udp.InDatagrams"), ("udp_ipv4", "datagrams_sent", "Udp.OutDatagrams"),
             ("ipv6", "packets_received", "Ip6InReceives"), ("ipv6", "output_requests", "Ip6OutRequests")]
    seen = 0
    for section, field, counter in pairs:
        value = (stats.get(section) or {}).get(field)
        if value is not None and counter in before:
            seen += 1
            check(f"-s: {section}.{field}", before[counter] <= value <= after[counter], f"{before[counter]} {value} {after[counter]}")
    check("-s: figures compared", seen >= (6 if ipv6 else 5), f"{seen} {list(stats)} {stats.get('ipv4')}")
    routes = (document("r-json") or {}).get("routes", {})
    for family, name in (("ipv4", "ip4"), ("ipv6", "ip6"))[:1 + ipv6 if text("ip4.out") else 0]:  # without IPv6 ip shows the other routes
        want = set()
        for line in (text(name + ".out") or "").splitlines():
            words = line.split()
            kind = words[0] if words[0] in ("local", "broadcast", "multicast", "anycast", "blackhole", "unreachable", "prohibit", "throw") else ""
            target = words[1] if kind else words[0]
            target = {"default": "0.0.0.0/0" if family == "ipv4" else "::/0"}.get(target, target)
            table = re.search(r" table (\w+)", line)
            if not table or table[1] in ("local", "main", "default"):
                want.add(str(ipaddress.ip_network(target)))
        got = {str(ipaddress.ip_network(f"{r['destination'].split('%')[0]}/{r['prefix_length']}")) for r in routes.get(family, [])}
        check(f"-r: {family} destinations as ip route's", want == got, f"only ip {sorted(want - got)[:4]}, only rnetstat {sorted(got - want)[:4]}")

    everything = document("json-auto")
    if everything:
        sockets = everything["sockets"]
        lasts = lambda s: s["state"] not in PASSING and not (s["local"]["port"] in DEFERRED and s["remote"])
        network = lambda s, net, side: s[side] and ipaddress.ip_address(s[side]["address"]) in ipaddress.ip_network(net)
        pid = next((int(z[5]) for z in fixtures if z[0] == "user 1000, tcp"), 0)
        is4 = lambda s: ":" not in s["local"]["address"]
        chosen = {
            "f-port": lambda s: 5001 <= s["local"]["port"] <= 5012 or 6000 <= s["local"]["port"] <= 6012,
            "f-not": lambda s: 5000 <= s["local"]["port"] <= 7000 and s["local"]["port"] != 5003 and not 5010 <= s["local"]["port"] <= 5020,
            "f-remote": lambda s: s["remote"] and 5010 <= s["remote"]["port"] <= 5020,
            "f-any": lambda s: 5010 in (s["local"]["port"], s["remote"] and s["remote"]["port"]),
            "f-local": lambda s: is4(s) and network(s, "127.0.0.0/8", "local"),
            "f-local6": lambda s: not is4(s) and network(s, "::1/128", "local"),
            "f-prefix": lambda s: s["remote"] and s["remote"]["address"] == "127.0.0.1",
            "f-state": lambda s: s["state"] in ("ESTABLISHED", "TIME_WAIT", "BOUND"),
            "f-state-only": lambda s: s["state"] == "BOUND",
            "f-v4": is4,
            "f-v6": lambda s: not is4(s),
            "f-listening": lambda s: s["state"] == "LISTENING" or s["protocol"] == "udp" and not s["remote"],
            "f-pid": lambda s: pid in [o["pid"] for o in s["owners"]],
            "f-tcpv6": lambda s: s["protocol"] == "tcp" and not is4(s),
            "f-udpv6": lambda s: s["protocol"] == "udp" and not is4(s),
        }
        for name, test in chosen.items():
            said = document(name)
            want = sorted(str(key(s)) for s in sockets if test(s) and lasts(s))
            got = sorted(str(key(s)) for s in said["sockets"] if lasts(s)) if said else None
            if want or name in ("f-tcpv6", "f-udpv6"):
                status = 0
            else:  # without a list of bound ports the answer is unknown
                status = 2 if name == "f-state-only" and not lists_bound else 1
            good = got == want and text(name + ".rc") == f"{status}\n"
            check(f"{name}: what is chosen of everything", good,
                  f"rc {text(name + '.rc')} {(text(name + '.err') or '')[:200]} {sorted(set(want) ^ set(got or []))[:3]}")

if text("user.out") is not None:
    def limited(name):
        """Without the rights: own processes' sockets owned, others' denied, and no wrong owner."""
        doc = document(name)
        if not check(f"{name}: JSON", doc is not None and text(name + ".rc") == "0\n", f"{text(name + '.rc')} {text(name + '.err')}"):
            return
        wrong = [key(s) for s in doc["sockets"] if not {o["pid"] for o in s["owners"]} <= truth.get(s["inode"], set())]
        mislabelled = [key(s) for s in doc["sockets"] if not s["owners"] and s["inode"] in truth and s["owner_status"] != "denied"]
        check(f"{name}: no wrong owner, and what is hidden is called so", not wrong and not mislabelled and any(p["code"].startswith("owners") for p in doc["problems"]),
              f"{wrong[:3]} {mislabelled[:3]} {doc['problems']}")

    limited("user")
    limited("hidepid-user")
    for name in ("caps-scan", "caps-all", "root-nobpf", "hidepid-auto", "hidepid-proc", "hidepid-scan", "nobtf", "nosys"):
        compare(name, rows=False)
    for name in ("caps-bpf", "hidepid-caps", "caps-admin"):
        if iterates:
            compare(name, rows=False)
        else:
            limited(name)
    refuses("nobtf-forced")
    doc = document("netns")
    check("netns: an empty table", doc is not None and not doc["sockets"] and text("netns.rc") == "0\n", (text("netns.out") or "")[:300])
    doc = document("pidns")
    check("pidns: JSON, no failure", doc is not None, text("pidns.err"))
    for name in sorted(n[:-4] for n in os.listdir(result) if n.startswith("sysctl-") and n.endswith(".out")):
        if name.endswith("-log"):
            if iterates:
                compare(name, rows=False)
        elif name.endswith("-caps") and not iterates:
            limited(name)
        else:
            compare(name, rows=False)

runs = sorted(n for n in os.listdir(result) if n.startswith("churn.") and n.endswith(".out")) if os.path.isdir(result) else []
if runs:
    bad = []
    for name in runs:
        doc = document(name[:-4])
        source = (text(name[:-4] + ".source") or "").strip()
        if doc is None:
            bad.append((name, "no JSON"))
            continue
        if unexpected(doc):
            bad.append((name, source, doc["problems"]))
        for s in doc["sockets"]:
            if s["inode"] in truth and {o["pid"] for o in s["owners"]} != truth[s["inode"]]:
                bad.append((name, source, key(s), s["owners"], truth[s["inode"]]))
    check(f"churn: {len(runs)} runs without a wrong or missing owner", not bad and not complaints_of("churn.err"),
          f"{len(bad)}: {bad[:3]} {complaints_of('churn.err')[:300]}")

if text("scale-proc.out") is not None:
    large = owners_by_proc("truth.scale")
    for name in ("proc", "auto") + (("bpf", "files") if iterates else ()):
        compare(f"scale-{name}", truth=large)
    if pass_served:
        dumps, by_pass = without_passing(table_rows("scale-ano-netlink")), without_passing(table_rows("scale-ano-pass"))
        check("scale: sockets from the pass as from the dumps", dumps and dumps == by_pass, f"{sorted(set(dumps) ^ set(by_pass))[:4]}")
    for name, test in (("scale-f", lambda s: s["local"]["port"] == 7000), ("scale-f2", lambda s: s["local"]["address"] == "127.0.1.3")):
        want, got = document("scale-auto"), document(name)
        want = sorted(str(key(s)) for s in want["sockets"] if test(s)) if want else None
        got = sorted(str(key(s)) for s in got["sockets"]) if got else None
        check(f"{name}: what is chosen of everything", want and want == got, f"{len(want or [])} {len(got or [])}")

kernel_log = text("dmesg") or console
noise = re.compile(r"WARNING|BUG:|Oops|verifier|bpf|BPF|general protection|page fault|soft lockup|hung|rcu.*stall|UBSAN|KASAN|Call Trace")
KNOWN = re.compile(r"string verifier disabled|LSM|lsm=|Command line|Kernel command line|initializing|Spectre|unprivileged eBPF|mitigation|rnetstat.*Lockdown|Lockdown: ")
noisy = [l for l in kernel_log.splitlines() if noise.search(l) and not KNOWN.search(l)]
check("nothing in the kernel's log", not noisy, noisy[:5])

for line in failed:
    print(f"FAILED {line}"[:1500])
with open(os.path.join(folder, "passed"), "w") as file:
    file.writelines(line + "\n" for line in passed)
owners_by = served if iterates else "the scan of /proc"
if not pass_served:
    print(f"{kernel} {variant}: " + next((l for l in (text("ano-pass.err") or "").splitlines() if l.startswith("rnetstat:")), "the pass left no reason"))
print(f"{kernel} {variant}: owners by {owners_by}; sockets by the pass: {'yes' if pass_served else 'no'}; lockdown {locked}")
print(f"{kernel} {variant}: {len(passed)} passed, {len(failed)} failed")
sys.exit(1 if failed else 0)
