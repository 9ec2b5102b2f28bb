//! Exposed ports as definitions write them, and as image configs list them.

/// Expands `8080`, `53/udp` or `4510-4559` to the ports that it means, each with its protocol; `None` if it is none of
/// these.
///
/// A config knows single ports
/// ([image configuration, "ExposedPorts"](https://github.com/opencontainers/image-spec/blob/main/config.md#properties)).
pub fn expand_ports(text: &str) -> Option<Vec<String>> {
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    if !["tcp", "udp", "sctp"].contains(&protocol) {
        return None;
    }
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let (first, last) = (port(first)?, port(last)?);
    (first <= last).then(|| (first..=last).map(|port| format!("{port}/{protocol}")).collect())
}

fn port(text: &str) -> Option<u16> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten().filter(|port| *port > 0)
}

#[cfg(test)]
mod tests {
    use super::expand_ports;

    #[test]
    fn ports_have_a_protocol_and_ranges_are_spelled_out() {
        for (text, expected) in [
            ("8080", "8080/tcp"),
            ("8080/tcp", "8080/tcp"),
            ("53/udp", "53/udp"),
            ("4510-4512", "4510/tcp 4511/tcp 4512/tcp"),
            ("7-8/udp", "7/udp 8/udp"),
            ("65535", "65535/tcp"),
        ] {
            assert_eq!(expand_ports(text).map(|ports| ports.join(" ")).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "0", "65536", "+80", "80/", "80/http", "9-8", "1-", "-1", "1-2-3", "http"] {
            assert_eq!(expand_ports(text), None, "{text}");
        }
    }
}
