//! The columns of what is internal to TCP: a line each.

use super::{Column, Definition, Needs, ValueKind};
use crate::lookup::rates::Rate;
use crate::model::details::WantedDetails;
use crate::model::system::{System, Systems};
use crate::model::tcp_info::{TcpField, TcpFields};
use crate::request::unit::Unit;

/// The columns that `--tcp-info` adds.
pub const TCP_INFO: &[Column] = &[
    Column::Tcp(TcpField::Rtt),
    Column::Tcp(TcpField::MinRtt),
    Column::Tcp(TcpField::Cwnd),
    Column::Tcp(TcpField::Mss),
    Column::Tcp(TcpField::Retransmits),
    Column::Tcp(TcpField::BytesSent),
    Column::Tcp(TcpField::BytesReceived),
    Column::Tcp(TcpField::DeliveryRate),
    Column::Tcp(TcpField::LastReceive),
    Column::Congestion,
];

/// What `--summary --tcp-info` adds up.
pub const TRAFFIC: &[Column] =
    &[Column::Tcp(TcpField::BytesSent), Column::Tcp(TcpField::BytesReceived), Column::Tcp(TcpField::BytesRetransmitted)];

/// Those that it adds under an interval.
pub const RATES: &[Column] = &[Column::Rate(Rate::Send), Column::Rate(Rate::Receive), Column::Rate(Rate::Retransmit)];

/// The object in JSON that holds most of them.
pub const JSON_OBJECT: &str = "tcp_info.";

/// What has to be read for a field.
const fn needs(fields: &[TcpField]) -> Needs {
    let tcp_info = TcpFields::of(fields);
    Needs { details: WantedDetails { tcp_info, ..WantedDetails::NONE }, ..Needs::NOTHING }
}

pub(super) const UPPER_LAYER: Needs =
    Needs { details: WantedDetails { upper_layer: true, ..WantedDetails::NONE }, ..Needs::NOTHING };

const COUNT: ValueKind = ValueKind::Number(Unit::Count);
const BYTES: ValueKind = ValueKind::Number(Unit::Bytes);
const BYTES_PER_SECOND: ValueKind = ValueKind::Number(Unit::BytesPerSecond);
const MICROSECONDS: ValueKind = ValueKind::Number(Unit::Microseconds);
const MILLISECONDS: ValueKind = ValueKind::Number(Unit::Milliseconds);

/// The words for the values of [`TcpField::AppLimited`].
pub const NO_YES: [(u8, &str); 2] = [(0, "no"), (1, "yes")];
/// The words for the values of [`TcpField::Ecn`].
pub const ECN: [(u8, &str); 3] = [(0, "off"), (1, "negotiated"), (2, "seen")];

const fn column(
    name: &'static str,
    json: &'static str,
    english: &'static str,
    korean: &'static str,
    kind: ValueKind,
) -> Definition {
    Definition::new(name, json, english, korean).of_kind(kind)
}

/// The definition of a field's column.
#[expect(clippy::indexing_slicing, reason = "every field has its place in the registry")]
pub(super) const fn definition_of_field(field: TcpField) -> &'static Definition {
    const REGISTRY: [Definition; TcpField::ALL.len()] = {
        let mut registry = [define_field(TcpField::Rtt); TcpField::ALL.len()];
        let mut place = 0;
        while place < registry.len() {
            registry[place] = define_field(TcpField::ALL[place]);
            place += 1;
        }
        registry
    };
    &REGISTRY[field as usize]
}

/// The definition of a rate's column.
pub(super) const fn definition_of_rate(rate: Rate) -> &'static Definition {
    match rate {
        Rate::Send => const { &define_rate(Rate::Send) },
        Rate::Receive => const { &define_rate(Rate::Receive) },
        Rate::Retransmit => const { &define_rate(Rate::Retransmit) },
    }
}

/// The registry: one line for each field.
pub(super) const fn define_field(field: TcpField) -> Definition {
    use TcpField as F;
    let column = match field {
        F::Rtt => column("rtt", "tcp_info.rtt_us", "RTT", "왕복 시간", MICROSECONDS),
        F::RttVariation => column("rtt_variation", "tcp_info.rtt_variation_us", "RTT Var", "왕복 편차", MICROSECONDS),
        F::MinRtt => column("min_rtt", "tcp_info.min_rtt_us", "Min RTT", "최소 왕복", MICROSECONDS),
        F::Rto => column("rto", "tcp_info.rto_us", "RTO", "재전송 시한", MICROSECONDS),
        F::Cwnd => column("cwnd", "tcp_info.cwnd", "Cwnd", "혼잡 창", COUNT),
        F::Ssthresh => column("ssthresh", "tcp_info.ssthresh", "Ssthresh", "느린 시작 임계", COUNT),
        F::Mss => column("mss", "tcp_info.mss_bytes", "MSS", "MSS", COUNT),
        F::PathMtu => column("path_mtu", "tcp_info.path_mtu_bytes", "Path MTU", "경로 MTU", COUNT),
        F::Unacked => column("unacked", "tcp_info.unacked", "Unacked", "미확인", COUNT),
        F::Lost => column("lost", "tcp_info.lost", "Lost", "손실", COUNT),
        F::Retransmitting => column("retransmitting", "tcp_info.retransmitting", "Retransmitting", "재전송 중", COUNT),
        F::Retransmits => column("retransmits", "tcp_info.retransmits", "Retransmits", "재전송", COUNT),
        F::BytesSent => column("bytes_sent", "tcp_info.bytes_sent", "Sent", "보냄", BYTES),
        F::BytesAcked => column("bytes_acked", "tcp_info.bytes_acked", "Acked", "확인됨", BYTES),
        F::BytesReceived => column("bytes_received", "tcp_info.bytes_received", "Received", "받음", BYTES),
        F::BytesRetransmitted => {
            column("bytes_retransmitted", "tcp_info.bytes_retransmitted", "Retransmitted", "재전송량", BYTES)
        }
        F::SegmentsOut => column("segments_out", "tcp_info.segments_out", "Segs Out", "보낸 세그먼트", COUNT),
        F::SegmentsIn => column("segments_in", "tcp_info.segments_in", "Segs In", "받은 세그먼트", COUNT),
        F::NotSent => column("not_sent", "tcp_info.not_sent_bytes", "Not Sent", "미전송", BYTES),
        F::DeliveryRate => {
            column("delivery_rate", "tcp_info.delivery_rate_bytes_per_second", "Delivery", "전달 속도", BYTES_PER_SECOND)
        }
        F::AppLimited => column("app_limited", "tcp_info.app_limited", "App Limited", "앱 제한", ValueKind::Words(&NO_YES)),
        F::PacingRate => column("pacing_rate", "tcp_info.pacing_rate_bytes_per_second", "Pacing", "페이싱", BYTES_PER_SECOND),
        F::LastSend => column("last_send", "tcp_info.last_send_ms", "Last Send", "최근 송신", MILLISECONDS),
        F::LastReceive => column("last_receive", "tcp_info.last_receive_ms", "Last Recv", "최근 수신", MILLISECONDS),
        F::LastAck => column("last_ack", "tcp_info.last_ack_ms", "Last Ack", "최근 확인", MILLISECONDS),
        F::Busy => column("busy", "tcp_info.busy_us", "Busy", "전송 중", MICROSECONDS),
        F::WindowLimited => column("window_limited", "tcp_info.window_limited_us", "Window Limited", "창 제한", MICROSECONDS),
        F::BufferLimited => column("buffer_limited", "tcp_info.buffer_limited_us", "Buffer Limited", "버퍼 제한", MICROSECONDS),
        F::SendWindow => column("send_window", "tcp_info.send_window_bytes", "Send Window", "송신 창", BYTES),
        F::ReceiveWindow => column("receive_window", "tcp_info.receive_window_bytes", "Recv Window", "수신 창", BYTES),
        F::Reordering => column("reordering", "tcp_info.reordering", "Reordering", "순서 바뀜", COUNT),
        F::Ecn => column("ecn", "tcp_info.ecn", "ECN", "ECN", ValueKind::Words(&ECN)),
        F::Timeouts => column("timeouts", "tcp_info.timeouts", "Timeouts", "시한 초과", COUNT),
        F::MemoryReceive => column("memory_receive", "memory_receive_bytes", "Recv Memory", "수신 메모리", BYTES),
        F::MemorySend => column("memory_send", "memory_send_bytes", "Send Memory", "송신 메모리", BYTES),
        F::Drops => column("drops", "drops", "Drops", "버림", COUNT),
    };
    // What libproc of macOS has.
    let is_on_macos = matches!(field, F::Mss | F::MemoryReceive | F::MemorySend);
    let systems = if is_on_macos { Systems::LINUX.with(System::MacOs) } else { Systems::LINUX };
    column.on(systems).needing(needs(&[field]))
}

pub(super) const fn define_rate(rate: Rate) -> Definition {
    let column = match rate {
        Rate::Send => Definition::new("send_rate", "tcp_info.send_rate_bytes_per_second", "Send Rate", "송신 속도"),
        Rate::Receive => Definition::new("receive_rate", "tcp_info.receive_rate_bytes_per_second", "Recv Rate", "수신 속도"),
        Rate::Retransmit => {
            Definition::new("retransmit_rate", "tcp_info.retransmit_rate_bytes_per_second", "Retrans Rate", "재전송 속도")
        }
    };
    let needs = Needs { rates: true, ..needs(&[rate.counter()]) };
    column.on(Systems::LINUX).of_kind(BYTES_PER_SECOND).needing(needs)
}
