//! Asks a server on this machine how it is, from outside.
//!
//! With TLS it takes any certificate: whom it talks to is settled by the address, and a
//! certificate that was just replaced is no sign of illness.

use std::io::{self, BufRead as _, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConnection, Stream};

use super::trust;

const PATIENCE: Duration = Duration::from_secs(5);

/// The status line of the answer to a GET of `path`. Blocks, for some seconds at most.
pub fn status_line(address: SocketAddr, tls: bool, path: &str) -> io::Result<String> {
    let mut socket = TcpStream::connect_timeout(&address, PATIENCE)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    if !tls {
        return exchange(&mut socket, path);
    }
    let config = trust::anyone().map_err(io::Error::other)?;
    let name = ServerName::from(address.ip());
    let mut connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
    exchange(&mut Stream::new(&mut connection, &mut socket), path)
}

fn exchange(stream: &mut (impl Read + Write), path: &str) -> io::Result<String> {
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    stream.flush()?;
    let mut line = String::new();
    io::BufReader::new(stream.take(256)).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}
