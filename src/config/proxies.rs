//! The proxies in front: addresses and networks.

use std::net::IpAddr;

use ipnet::IpNet;
use toml::Spanned;

use super::document::Document;
use super::env::Env;
use super::error::ConfigError;
use super::sections::Place;

const VARIABLE: &str = "STOWGATE_TRUSTED_PROXIES";

/// The proxies whose word for their clients is taken; none where nothing is said.
pub(super) fn build(
    env: &Env,
    in_file: Option<&[Spanned<String>]>,
    document: &Document,
) -> Result<Vec<IpNet>, ConfigError> {
    if let Some(list) = env.get(VARIABLE)? {
        let place = Place::Variable(VARIABLE);
        return list.split(',').map(|text| network(text.trim(), &place)).collect();
    }
    let listed = in_file.unwrap_or_default();
    listed.iter().map(|text| network(text.get_ref(), &Place::File(document, text.span()))).collect()
}

fn network(text: &str, place: &Place<'_>) -> Result<IpNet, ConfigError> {
    let network = text.parse::<IpNet>().ok();
    let network = network.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    let network = network.ok_or_else(|| {
        place.error(format!("{text:?} is no address or network such as 127.0.0.1 or 10.0.0.0/8"))
    })?;
    if network.prefix_len() == 0 {
        return Err(place.error(format!(
            "{text} is everyone: whoever connects could then say who they are; name the proxies"
        )));
    }
    if network.trunc() != network {
        return Err(place.error(format!(
            "{text} has bits behind its prefix; the network is {}",
            network.trunc()
        )));
    }
    Ok(network)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variable: &str) -> Result<Vec<IpNet>, String> {
        let document = Document::absent();
        let env = Env::of([(VARIABLE, variable)]);
        build(&env, None, &document).map_err(|error| error.to_string())
    }

    #[test]
    fn addresses_and_networks_are_read() {
        let read = |text| read(text).map(|nets| nets.iter().map(ToString::to_string).collect());
        let nets: Result<Vec<String>, _> = read("10.0.0.0/8, 127.0.0.1,::1,2001:db8::/32");
        let expected = ["10.0.0.0/8", "127.0.0.1/32", "::1/128", "2001:db8::/32"];
        assert_eq!(nets.as_deref(), Ok(expected.map(str::to_owned).as_slice()));
    }

    #[test]
    fn everything_else_stops_the_start() {
        for (text, hint) in [
            ("proxy.example.com", "is no address or network"),
            ("10.0.0.0/33", "is no address or network"),
            ("10.0.0.1,", "is no address or network"),
            ("0.0.0.0/0", "is everyone"),
            ("::/0", "is everyone"),
            ("10.0.0.1/8", "the network is 10.0.0.0/8"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(VARIABLE) && error.contains(hint), "{text}: {error}");
        }
    }
}
