//! `stowgate init`: a configuration to start from, with a key of its own.

use std::fs::Permissions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::json;
use uuid::Uuid;

use super::output::{OutputArgs, Style};
use super::{Failure, say};

#[derive(Debug, clap::Args)]
#[command(next_line_help = true)]
pub(super) struct InitArgs {
    /// The file to write, if it is not there [default: stowgate.toml]
    #[arg(default_value = "stowgate.toml", hide_default_value = true)]
    file: PathBuf,
    /// Where objects are to be kept
    #[arg(long, default_value = "stowgate-data")]
    data_dir: PathBuf,
    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1:9000")]
    listen: std::net::SocketAddr,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: &InitArgs) -> Result<(), Failure> {
    let access_key = format!("AK{}", random().get(..18).unwrap_or_default().to_uppercase());
    let secret = STANDARD_NO_PAD.encode(format!("{}{}", random(), random()));
    let secret: String = secret.chars().take(64).collect();
    let data_dir = args.data_dir.to_str();
    let data_dir = data_dir.ok_or_else(|| Failure::Usage("--data-dir is no UTF-8".to_owned()))?;
    let text = TEMPLATE
        .replace("{listen}", &args.listen.to_string())
        .replace("{data_dir}", &data_dir.replace('\\', "\\\\").replace('"', "\\\""))
        .replace("{access_key}", &access_key)
        .replace("{secret_key}", &secret);
    write_new(&args.file, &text)?;
    let file = args.file.display();
    match args.output.style() {
        Style::Sentences => say(format_args!(
            "wrote {file}, which only you can read, with the access key {access_key}\n\
             start the gateway:  stowgate serve --config {file}\n\
             and ask it:         stowgate info --config {file}"
        )),
        Style::Lines | Style::Whole => {
            say(json!({ "file": args.file.to_string_lossy(), "access_key": access_key }));
        }
    }
    Ok(())
}

/// 122 random bits, as hexadecimal digits.
fn random() -> String {
    Uuid::new_v4().simple().to_string()
}

/// Writes a file that was not there, for its owner's eyes alone.
#[allow(clippy::disallowed_types, reason = "the configuration is the user's, not the store's")]
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let fault = |error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::Failed(format!(
            "{} is there already; nothing was written. Another name can be given: stowgate init \
             FILE",
            path.display()
        )),
        _ => Failure::Failed(format!("{} cannot be written: {error}", path.display())),
    };
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path).map_err(fault)?;
    // Whatever the process's mask says.
    file.set_permissions(Permissions::from_mode(0o600)).map_err(fault)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(fault)
}

const TEMPLATE: &str = r#"# Stowgate's configuration. `config/stowgate.toml` in its sources explains every setting; what is not
# here has its default. Flags beat the environment (STOWGATE_…), which beats this file.

listen = "{listen}"
data_dir = "{data_dir}"
region = "us-east-1"

# A key for clients. One [[key]] for each of them; roles are admin, read-write and read-only. An admin
# key opens the side API (/storage/…) and the commands of `stowgate` as well.
[[key]]
access_key = "{access_key}"
secret_key = "{secret_key}"
role = "admin"

# Buckets that exist without having been made by a client.
# [[bucket]]
# name = "documents"
# mode = "local"

# An S3 service behind the gateway, for buckets of the modes "upstream" and "fallback".
# [upstream.main]
# endpoint = "https://s3.example.com"   # absent: AWS
# region = "eu-central-1"
# access_key = "AKUPSTREAM"
# secret_key_file = "/run/secrets/upstream"
#
# [[bucket]]
# name = "attachments"
# mode = "fallback"
# upstream = "main"

# TLS; SIGHUP reads both files again.
# [tls]
# cert = "/etc/stowgate/cert.pem"
# key = "/etc/stowgate/key.pem"
"#;

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test makes its own files")]
mod tests {
    use super::*;
    use crate::config::{Config, Env, Flags};

    #[test]
    fn what_it_writes_is_a_configuration_for_one_pair_of_eyes_and_written_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new.toml");
        let args = InitArgs {
            file: file.clone(),
            data_dir: folder.path().join("a \"b"),
            listen: "127.0.0.1:9100".parse().unwrap(),
            output: OutputArgs::default(),
        };
        run(&args).unwrap();
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let flags = Flags { config: Some(file.clone()), ..Flags::default() };
        let config = Config::load(&flags, &Env::default()).unwrap();
        assert_eq!((config.listen, &config.data_dir), (args.listen, &args.data_dir));
        assert!(!config.keys.built_in);
        let before = std::fs::read(&file).unwrap();
        assert!(matches!(run(&args), Err(Failure::Failed(why)) if why.contains("there already")));
        assert_eq!(std::fs::read(&file).unwrap(), before);
    }

    #[test]
    fn every_section_that_is_commented_out_can_be_put_in() {
        let text: String = TEMPLATE
            .replace("{listen}", "127.0.0.1:9000")
            .replace("{access_key}", "AKNEW")
            .replace("{secret_key}", "secret-of-it")
            .lines()
            .skip_while(|line| !line.starts_with("listen"))
            .map(|line| match line.strip_prefix("# ").or_else(|| line.strip_prefix('#')) {
                Some(setting) if setting.contains(" = ") || setting.starts_with('[') => setting,
                Some(_) => "",
                None => line,
            })
            .flat_map(|line| [line, "\n"])
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let (file, secret) = (folder.path().join("all.toml"), folder.path().join("secret"));
        std::fs::write(&secret, "upstream-secret").unwrap();
        std::fs::write(&file, text.replace("/run/secrets/upstream", secret.to_str().unwrap()))
            .unwrap();
        let flags = Flags { config: Some(file), ..Flags::default() };
        Config::load(&flags, &Env::default()).unwrap();
    }
}
