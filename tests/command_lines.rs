//! A table of command lines, of Windows and of net-tools, and what each of them requests.

use rnetstat::cli::{self, Command};
use rnetstat::model::socket::{Protocol, State, StateSet};
use rnetstat::request::column::Column;
use rnetstat::request::language::Language;
use rnetstat::request::{Names, Request, UdpRows, View};
use std::ffi::OsString;

/// A request in a few words: tables, rows, columns and the rest.
fn meaning(line: &str) -> String {
    match cli::parse(line.split_whitespace().map(OsString::from)) {
        Ok(Command::Run(request)) => words(&request).join(" "),
        Ok(Command::Print(text)) if text.contains("INTERVAL") => "help".to_owned(),
        Ok(Command::Print(_)) => "version".to_owned(),
        Err(error) => format!("error: {}", error.sentence),
    }
}

fn words(request: &Request) -> Vec<String> {
    let mut words: Vec<String> =
        request.views.iter().filter(|view| **view != View::Sockets).map(|view| format!("{view:?}").to_lowercase()).collect();
    if request.views.contains(&View::Sockets) {
        let tables = request.query.tables.iter().map(|table| table.to_string().replace("/IPv", ""));
        words.extend(tables.map(|table| table.to_lowercase()));
        let tcp = request.query.tables.iter().any(|table| table.protocol() == Protocol::Tcp);
        words.extend(tcp.then(|| states(request.query.states).to_owned()));
        let udp = request.query.tables.iter().any(|table| table.protocol() == Protocol::Udp);
        words.extend((udp && !tcp).then(|| format!("{:?}", request.query.udp).to_lowercase()));
        if udp && tcp {
            assert_eq!(udp_rows(request.query.states), request.query.udp, "TCP and UDP rows agree");
        }
    }
    let columns = [
        (Column::Pid, "pid"),
        (Column::Process, "program"),
        (Column::Offload, "offload"),
        (Column::Dscp, "dscp"),
        (Column::TimeInState, "time"),
        (Column::Congestion, "template"),
        (Column::User, "user"),
        (Column::Inode, "inode"),
    ];
    words.extend(columns.iter().filter(|(column, _)| request.columns.contains(column)).map(|(_, word)| (*word).to_owned()));
    words.extend(request.executables.then(|| "executable".to_owned()));
    if let Some(query) = request.sockets_to_read(rnetstat::platform::SYSTEM).filter(|_| request.views.contains(&View::Sockets)) {
        let is_asked = (query.details.traffic_class, query.details.congestion);
        let is_shown = (request.columns.contains(&Column::Dscp), request.columns.contains(&Column::Congestion));
        assert_eq!(is_asked, is_shown, "the platform is asked for what is shown and nothing else");
    }
    words.extend((request.language == Language::Ko).then(|| "korean".to_owned()));
    match request.names {
        Names::Numeric => {}
        Names::Resolved { qualified: false, .. } => words.push("names".to_owned()),
        Names::Resolved { qualified: true, .. } => words.push("whole-names".to_owned()),
    }
    words.extend(request.interval.map(|pause| format!("every-{}s", pause.as_secs())));
    words.extend((!request.notes.is_empty()).then(|| "note".to_owned()));
    words
}

fn states(states: StateSet) -> &'static str {
    match () {
        () if states == StateSet::ALL => "all+bound",
        () if states == StateSet::ALL.without(State::Bound) => "all",
        () if states == StateSet::ALL.without(State::Bound).without(State::Listening) => "connected",
        () if states == StateSet::NONE.with(State::Listening) => "listening",
        () => "some",
    }
}

fn udp_rows(tcp_states: StateSet) -> UdpRows {
    match states(tcp_states) {
        "listening" => UdpRows::Listening,
        "connected" => UdpRows::Connected,
        _ => UdpRows::All,
    }
}

#[track_caller]
fn check(table: &[(&str, &str)]) {
    let wrong: Vec<String> = table
        .iter()
        .map(|&(line, expected)| (line, expected, meaning(line)))
        .filter(|(_, expected, meant)| expected != meant)
        .map(|(line, expected, meant)| format!("'{line}' means '{meant}', not '{expected}'"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn windows_command_lines_have_their_meaning() {
    check(&[
        ("", "tcp4 tcp6 connected names"),
        ("-n", "tcp4 tcp6 connected"),
        ("-a", "tcp4 tcp6 udp4 udp6 all names"),
        ("-an", "tcp4 tcp6 udp4 udp6 all"),
        ("-ano", "tcp4 tcp6 udp4 udp6 all pid"),
        ("-a -n -o", "tcp4 tcp6 udp4 udp6 all pid"),
        ("-o -n -a", "tcp4 tcp6 udp4 udp6 all pid"),
        ("/a /n /o", "tcp4 tcp6 udp4 udp6 all pid"),
        ("/ano", "tcp4 tcp6 udp4 udp6 all pid"),
        ("/a -n /O", "tcp4 tcp6 udp4 udp6 all pid"),
        ("-ANO", "tcp4 tcp6 udp4 udp6 all pid"),
        ("-aNo -aNo", "tcp4 tcp6 udp4 udp6 all pid"),
        ("-anoQ", "tcp4 tcp6 udp4 udp6 all+bound pid"),
        ("-qn", "tcp4 tcp6 udp4 udp6 all+bound"),
        ("-f", "tcp4 tcp6 connected whole-names"),
        ("-af", "tcp4 tcp6 udp4 udp6 all whole-names"),
        ("-p tcp -n", "tcp4 connected"),
        ("-P TCPv6 -n", "tcp6 connected"),
        ("-anp UDP", "udp4 all"),
        ("-anp udpv6", "udp6 all"),
        ("-np udp", ""),
        ("-anop tcp 1", "tcp4 all pid every-1s"),
        ("-anop tcp", "tcp4 all pid"),
        ("5 -anop tcp", "tcp4 all pid every-5s"),
        ("-anpo tcp", "tcp4 all pid"),
        ("-ano 30", "tcp4 tcp6 udp4 udp6 all pid every-30s"),
        ("3 -n", "tcp4 tcp6 connected every-3s"),
        ("-nb", "tcp4 tcp6 connected executable"),
        ("-naob", "tcp4 tcp6 udp4 udp6 all pid executable"),
        ("-oat", "tcp4 tcp6 udp4 udp6 all pid offload names"),
        ("-ant", "tcp4 tcp6 udp4 udp6 all offload"),
        ("-nd", "tcp4 tcp6 connected dscp"),
        ("-ni", "tcp4 tcp6 connected time"),
        ("-ni 2", "tcp4 tcp6 connected time every-2s"),
        ("-ny", "tcp4 tcp6 connected template"),
        ("-ANDITYOB", "tcp4 tcp6 udp4 udp6 all pid offload dscp time template executable"),
        ("-nc", "consumers"),
        ("-nx", "rdma"),
        ("-xan", "rdma"),
        ("-nr", "routes"),
        ("-ne", "interfaces"),
        ("-ns", "statistics(none)"),
        ("-nsp ip", "statistics(some(ipv4))"),
        ("-nsp tcp", "statistics(some(tcpipv4)) tcp4 connected"),
        ("-nasert", "interfaces statistics(none) routes offload note"),
        ("-an --lang ko", "tcp4 tcp6 udp4 udp6 all korean"),
        ("-an --lang=KO", "tcp4 tcp6 udp4 udp6 all korean"),
        ("-an --lang en", "tcp4 tcp6 udp4 udp6 all"),
        ("-an --lang tlh", "error: invalid value 'tlh' for --lang: expected en or ko"),
        ("--all --numeric --owner", "tcp4 tcp6 udp4 udp6 all pid"),
        ("--protocol tcp -an", "tcp4 all"),
        ("--protocol=tcpv6 -an", "tcp6 all"),
        ("/?", "help"),
        ("-?", "help"),
        ("-h", "help"),
        ("-help", "help"),
        ("/help", "help"),
        ("--help", "help"),
        ("-V", "version"),
        ("-an -k", "error: unknown switch '-k'"),
        ("-ank", "error: unknown switch 'k' in '-ank'"),
        ("/l", "error: unknown switch '/l'"),
        ("/p", "error: -p needs a value: TCP, UDP, TCPv6 or UDPv6"),
        (
            "-anp sctp",
            "error: invalid value 'sctp' for -p: expected TCP, UDP, TCPv6 or UDPv6; with -s also IP, IPv6, ICMP or ICMPv6",
        ),
        ("-an 0", "error: the interval '0' is out of range"),
        ("-an 1 2", "error: unexpected argument '2': there is an interval already"),
        ("-an tcp", "error: unexpected argument 'tcp'"),
        ("-anp icmp", "error: -p ICMP has no connections to show"),
    ]);
}

#[test]
fn net_tools_command_lines_have_their_meaning() {
    check(&[
        ("-tulpn", "tcp4 tcp6 udp4 udp6 listening pid program"),
        ("-tulpen --dialect windows", "error: unknown switch 'u' in '-tulpen'"),
        ("-TULPN", "tcp4 tcp6 udp4 udp6 listening pid program"),
        ("-t -u -l -p -n", "tcp4 tcp6 udp4 udp6 listening pid program"),
        ("-antp", "tcp4 tcp6 all pid program"),
        ("-anp", "tcp4 tcp6 udp4 udp6 all pid program"),
        ("-anop", "tcp4 tcp6 udp4 udp6 all pid program"),
        ("-pant", "tcp4 tcp6 all pid program"),
        ("-p -an", "tcp4 tcp6 udp4 udp6 all pid program"),
        ("-np", "tcp4 tcp6 connected pid program"),
        ("-lntu", "tcp4 tcp6 udp4 udp6 listening"),
        ("-plnt", "tcp4 tcp6 listening pid program"),
        ("-ltnp", "tcp4 tcp6 listening pid program"),
        ("-lnpt", "tcp4 tcp6 listening pid program"),
        ("-ntl", "tcp4 tcp6 listening"),
        ("-ln", "tcp4 tcp6 udp4 udp6 listening"),
        ("-l", "tcp4 tcp6 udp4 udp6 listening names"),
        ("-uln", "udp4 udp6 listening"),
        ("-un", "udp4 udp6 connected"),
        ("-uan", "udp4 udp6 all"),
        ("-tun", "tcp4 tcp6 udp4 udp6 connected"),
        ("-tuan", "tcp4 tcp6 udp4 udp6 all"),
        ("-tulpan", "tcp4 tcp6 udp4 udp6 all pid program"),
        ("-tulnq", "tcp4 tcp6 udp4 udp6 all+bound"),
        ("-tn4", "tcp4 connected"),
        ("-tn6", "tcp6 connected"),
        ("-4an", "tcp4 udp4 all"),
        ("-46an", "tcp4 tcp6 udp4 udp6 all"),
        ("-6 -ln", "tcp6 udp6 listening"),
        ("-tnlo", "tcp4 tcp6 listening pid"),
        ("-tuf", "tcp4 tcp6 udp4 udp6 connected whole-names"),
        ("-tlnc", "tcp4 tcp6 listening every-1s"),
        ("-tlnc 5", "tcp4 tcp6 listening every-5s"),
        ("-tlnp 5", "error: '-p 5' can mean three things"),
        ("5 -tlnp", "tcp4 tcp6 listening pid program every-5s"),
        ("-antp 5", "error: '-p 5' can mean three things"),
        ("-tlpn 5", "tcp4 tcp6 listening pid program every-5s"),
        ("-lnp tcp", "tcp4 listening"),
        ("-lnp UDPv6", "udp6 listening"),
        ("-tulnW", "tcp4 tcp6 udp4 udp6 listening"),
        ("-tulpen", "tcp4 tcp6 udp4 udp6 listening pid program user inode"),
        ("-tulpen --wide", "tcp4 tcp6 udp4 udp6 listening pid program user inode"),
        ("-netulp", "tcp4 tcp6 udp4 udp6 listening pid program user inode"),
        ("-tulpnv", "tcp4 tcp6 udp4 udp6 listening pid program"),
        ("-tulpnFCMg", "tcp4 tcp6 udp4 udp6 listening pid program"),
        ("-vatn", "tcp4 tcp6 all"),
        ("--verbose -tn", "tcp4 tcp6 connected"),
        ("-ltni", "tcp4 tcp6 listening note"),
        ("-n -A inet", "tcp4 connected"),
        ("-lnA inet6", "tcp6 udp6 listening"),
        ("-lnA inet,inet6", "tcp4 tcp6 udp4 udp6 listening"),
        ("-A unix", "error: -A unix: sockets of this family cannot be shown"),
        ("-rn -4", "routes"),
        ("-rn6", "routes"),
        ("-lx", "error: -x (unix sockets) on a line of net-tools: the tables that are read have TCP and UDP only"),
        ("-tuwln", "error: -w (raw sockets): the tables that are read have TCP and UDP only"),
        ("-w", "error: -w (raw sockets): the tables that are read have TCP and UDP only"),
        ("-tulph", "error: 'h' asks for help and stands alone, not in '-tulph'"),
        ("-lnp sctp", "error: unexpected argument 'sctp'"),
        ("-tulpnk", "error: unknown switch 'k' in '-tulpnk'"),
        ("--tcp --listeners --programs -n", "tcp4 tcp6 listening pid program"),
        ("--tcp --listen --program --numeric-ports --numeric-hosts", "tcp4 tcp6 listening pid program"),
        ("--tcp --listening --program --extend --numeric", "tcp4 tcp6 listening pid program user inode"),
        ("--route --numeric", "routes"),
        ("--interfaces -n", "interfaces"),
        ("--udp --all -n --inet", "udp4 all"),
        ("--tcp -n --inet6", "tcp6 connected"),
        ("--tcp -n --continuous", "tcp4 tcp6 connected every-1s"),
    ]);
}

#[test]
fn ambiguous_command_lines_are_windows_unless_dialect_says_otherwise() {
    check(&[
        ("--dialect linux -ant", "tcp4 tcp6 all"),
        ("-ant --dialect=linux", "tcp4 tcp6 all"),
        ("--dialect windows --dialect linux -ant", "tcp4 tcp6 all"),
        ("--dialect LINUX -nc", "tcp4 tcp6 connected every-1s"),
        ("--dialect linux -nc", "tcp4 tcp6 connected every-1s"),
        ("-ant", "tcp4 tcp6 udp4 udp6 all offload"),
        ("-c -n", "consumers"),
        ("--dialect linux -ano", "tcp4 tcp6 udp4 udp6 all pid"),
        ("--dialect linux -anp tcp", "tcp4 all"),
        ("--dialect windows -anop tcp", "tcp4 all pid"),
        ("--dialect windows -anp", "error: -p needs a value: TCP, UDP, TCPv6 or UDPv6"),
        ("--dialect windows -l", "error: unknown switch '-l'"),
        ("--dialect mac -an", "error: invalid value 'mac' for --dialect: expected windows or linux"),
        ("-an --dialect", "error: --dialect needs a value"),
    ]);
}
