//! The binary: exit codes, what it prints, signals.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// The binary in an environment of its own.
fn stowgate(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stowgate"));
    command.current_dir(folder).env_clear().stdin(Stdio::null());
    command
}

fn run(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let variables = variables.iter().copied();
    stowgate(folder).args(arguments).envs(variables).output().expect("it runs")
}

/// A running gateway; it is killed where a test fails.
struct Gateway {
    process: Child,
    out: BufReader<ChildStdout>,
    url: String,
}

impl Gateway {
    fn start(folder: &TempDir, arguments: &[&str]) -> Self {
        let mut process = stowgate(folder.path())
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut out = BufReader::new(process.stdout.take().expect("its output"));
        let mut line = String::new();
        out.read_line(&mut line).expect("a line");
        let url = line.trim_end().strip_prefix("listening on ").expect("where").to_owned();
        Self { process, out, url }
    }

    fn address(&self) -> &str {
        self.url.split_once("://").expect("a URL").1
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.process);
        kill_process(pid, signal).expect("signalled");
    }

    /// Ends it and gives what it logged.
    fn stop(mut self) -> String {
        self.signal(Signal::TERM);
        let status = self.process.wait().expect("it ends");
        assert!(status.success(), "{status}");
        let mut log = String::new();
        let mut err = self.process.stderr.take().expect("its log");
        err.read_to_string(&mut log).expect("text");
        log
    }

    fn get(&self, path: &str) -> String {
        get(self.address(), path)
    }
}

fn get(address: &str, path: &str) -> String {
    let mut socket = TcpStream::connect(address).expect("connected");
    write!(socket, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .expect("sent");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("an answer");
    answer
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // After `stop` it is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn without_configuration_it_says_how_to_get_in() {
    let folder = folder();
    let mut gateway = Gateway::start(&folder, &[]);
    assert!(gateway.url.starts_with("http://127.0.0.1:") && !gateway.url.ends_with(":0"));
    let (mut why, mut line) = (String::new(), String::new());
    gateway.out.read_line(&mut why).expect("why");
    gateway.out.read_line(&mut line).expect("the line to paste");
    assert!(why.contains("no key is configured"), "{why}");
    for part in [
        "export AWS_ACCESS_KEY_ID=stowgate AWS_SECRET_ACCESS_KEY=stowgate-secret",
        "AWS_DEFAULT_REGION=us-east-1",
        &format!("AWS_ENDPOINT_URL={}", gateway.url),
        "aws s3 mb s3://my-bucket",
    ] {
        assert!(line.contains(part), "{line}");
    }
    assert!(gateway.get("/storage/health/live").starts_with("HTTP/1.1 200 "));
    let info = gateway.get("/storage/info");
    assert!(info.starts_with("HTTP/1.1 200 ") && info.contains(r#""version":"#), "{info}");
    assert!(gateway.get("/").starts_with("HTTP/1.1 403 "), "anonymous requests are refused");
    gateway.stop();
}

#[test]
fn a_wrong_command_or_configuration_is_exit_code_2() {
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);
    let folder = folder();
    let file = folder.path().join("broken.toml");
    std::fs::write(&file, "[server]\nmax_conections = 7\n").expect("written");
    let cases: &[Case<'_>] = &[
        (&[], &[], "Usage"),
        (&["brew"], &[], "brew"),
        (&["serve", "--port", "1"], &[], "--port"),
        (
            &["serve", "--config", "broken.toml"],
            &[],
            "broken.toml:2: [server] max_conections: unknown",
        ),
        (&["serve", "--config", "missing.toml"], &[], "missing.toml: cannot be read"),
        (&["serve"], &[("STOWGATE_CONFIG", "broken.toml")], "broken.toml:2"),
        (&["serve", "--listen", "0.0.0.0:0"], &[], "--listen: 0.0.0.0:0 is not a loopback address"),
        (&["serve", "--data-dir", ""], &[], "--data-dir"),
        (&["serve"], &[("USE_CLOUD_STORAGE", "true")], "USE_CLOUD_STORAGE: asks for cloud"),
        (
            &["serve", "--listen", "127.0.0.1:0"],
            &[("STOWGATE_TLS_CERT", "no.pem"), ("STOWGATE_TLS_KEY", "no.pem")],
            "STOWGATE_TLS_CERT: no.pem cannot be read",
        ),
        (
            &["serve", "--listen", "127.0.0.1:0"],
            &[("STOWGATE_TLS_CERT", "broken.toml"), ("STOWGATE_TLS_KEY", "broken.toml")],
            "cert broken.toml, key broken.toml: the certificate file is not a PEM",
        ),
    ];
    for (arguments, variables, hint) in cases {
        let output = run(folder.path(), arguments, variables);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(hint), "{arguments:?}: {error}");
    }
}

#[test]
fn an_address_that_is_taken_is_exit_code_1() {
    let folder = folder();
    let gateway = Gateway::start(&folder, &[]);
    let output = run(folder.path(), &["serve", "--listen", gateway.address()], &[]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains(&format!("cannot listen on {}", gateway.address())), "{error}");
}

#[test]
fn a_data_directory_that_is_in_use_is_exit_code_1() {
    let folder = folder();
    let gateway = Gateway::start(&folder, &[]);
    let output = run(folder.path(), &["serve", "--listen", "127.0.0.1:0"], &[]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("the store cannot be opened") && error.contains("in use"), "{error}");
    assert!(output.stdout.is_empty(), "nothing is announced");
    gateway.stop();
}

#[test]
fn a_store_is_checked_while_nobody_serves_it() {
    let folder = folder();
    let output = run(folder.path(), &["check"], &[]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("there is no store in stowgate-data"), "{error}");
    assert!(!folder.path().join("stowgate-data").exists(), "none is made");

    let gateway = Gateway::start(&folder, &[]);
    let output = run(folder.path(), &["check"], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("in use"));
    gateway.stop();
    for arguments in [&["check", "--json"] as &[_], &["check", "--json", "--rebuild-index"]] {
        let output = run(folder.path(), arguments, &[]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{error}");
        let report: serde_json::Value =
            serde_json::from_slice(&output.stdout).expect("a report in JSON");
        assert_eq!(report["problem_count"], 0, "{report}");
        assert_eq!(report["index_rebuilt"], arguments.contains(&"--rebuild-index"));
    }
    let output = run(folder.path(), &["check"], &[]);
    assert!(output.status.success() && !output.stdout.is_empty());
}

#[test]
fn the_version_is_told() {
    let output = run(folder().path(), &["version"], &[]);
    assert!(output.status.success());
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(told.trim_end(), concat!("stowgate ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn health_is_asked_of_the_configured_address() {
    let folder = folder();
    let gateway = Gateway::start(&folder, &[]);
    let listen = gateway.address().to_owned();
    let output = run(folder.path(), &["healthcheck", "--listen", &listen], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    gateway.stop();
    let output = run(folder.path(), &["healthcheck", "--listen", &listen], &[]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn the_side_api_can_have_a_listener_of_its_own() {
    let folder = folder();
    let config = "[admin]\nlisten = \"127.0.0.1:0\"\n";
    std::fs::write(folder.path().join("stowgate.toml"), config).expect("written");
    let mut gateway = Gateway::start(&folder, &["--config", "stowgate.toml"]);
    let mut line = String::new();
    gateway.out.read_line(&mut line).expect("where");
    let url = line.trim_end().strip_prefix("the side API is on http://").expect("where");
    let side = url.strip_suffix("/storage/").expect("its root");

    assert!(get(side, "/storage/health/live").starts_with("HTTP/1.1 200 "));
    assert!(get(side, "/storage/info").contains(r#""version":"#));
    let absent = get(side, "/my-bucket");
    assert!(
        absent.starts_with("HTTP/1.1 404 ") && absent.contains(r#""NoSuchResource""#),
        "{absent}"
    );
    let beside_s3 = gateway.get("/storage/info");
    assert!(beside_s3.contains("<Code>NoSuchBucket</Code>"), "{beside_s3}");

    let addresses = [("STOWGATE_LISTEN", gateway.address()), ("STOWGATE_ADMIN_LISTEN", side)];
    for command in [["healthcheck"].as_slice(), &["info", "--json"]] {
        let output = run(folder.path(), command, &addresses);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{command:?}: {error}");
    }
    let beside_s3 = run(folder.path(), &["healthcheck"], &addresses[..1]);
    assert_eq!(beside_s3.status.code(), Some(1));
    gateway.stop();
}

#[test]
fn a_reload_changes_keys_certificate_and_level_or_nothing() {
    let folder = folder();
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("written");
    };
    let certify = || rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
    let made = certify();
    write("cert.pem", &made.cert.pem());
    write("key.pem", &made.signing_key.serialize_pem());
    let config = |level: &str| {
        format!(
            "[tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n[log]\nlevel = \"{level}\"\n\
             [[key]]\naccess_key = \"ONE\"\nsecret_key = \"0123456789\"\n"
        )
    };
    write("stowgate.toml", &config("info"));
    let mut gateway = Gateway::start(&folder, &["--config", "stowgate.toml"]);
    assert!(gateway.url.starts_with("https://"));
    let mut log = BufReader::new(gateway.process.stderr.take().expect("its log")).lines();
    let mut wait_for = |words: &str| {
        let found = log.by_ref().map(|line| line.expect("text")).find(|line| line.contains(words));
        found.expect("the line comes")
    };
    wait_for("the store is open");
    let health = ["healthcheck", "--config", "stowgate.toml", "--listen", gateway.address()];
    assert_eq!(run(folder.path(), &health, &[]).status.code(), Some(0), "over TLS");

    let other = certify();
    write("key.pem", &other.signing_key.serialize_pem());
    gateway.signal(Signal::HUP);
    let line = wait_for("not reloaded");
    assert!(line.contains("cannot be used"), "{line}");
    write("cert.pem", &other.cert.pem());
    write("stowgate.toml", &config("loud"));
    gateway.signal(Signal::HUP);
    let line = wait_for("not reloaded");
    assert!(line.contains("stowgate.toml:5: [log] level"), "{line}");
    write("stowgate.toml", &(config("info") + "[auth]\nsigv2 = false\n"));
    gateway.signal(Signal::HUP);
    let line = wait_for("reloaded");
    assert!(line.contains("need a restart") && line.contains("[auth]"), "{line}");
    assert_eq!(run(folder.path(), &health, &[]).status.code(), Some(0));
    gateway.signal(Signal::TERM);
    wait_for("stopped");
    assert!(gateway.process.wait().expect("it ends").success());
}
