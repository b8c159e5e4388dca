//! Which file systems are to be trusted (numbers of `linux/magic.h` and `statfs(2)`).

use super::FsKind;

const LOCAL: [(u32, &str); 12] = [
    (0x0000_ef53, "ext4"),
    (0x5846_5342, "xfs"),
    (0x9123_683e, "btrfs"),
    (0x2fc1_2fc1, "zfs"),
    (0xf2f5_2010, "f2fs"),
    (0xca45_1a4e, "bcachefs"),
    (0x794c_7630, "overlayfs"),
    (0x3153_464a, "jfs"),
    (0x5265_4973, "reiserfs"),
    (0x0000_4d44, "vfat"),
    (0x2011_bab0, "exfat"),
    (0x7366_746e, "ntfs3"),
];

const MEMORY: [(u32, &str); 2] = [(0x0102_1994, "tmpfs"), (0x8584_58f6, "ramfs")];

const NETWORK: [(u32, &str); 11] = [
    (0x0000_6969, "nfs"),
    (0xff53_4d42, "cifs"),
    (0xfe53_4d42, "smb2"),
    (0x0000_517b, "smb"),
    (0x00c3_6400, "ceph"),
    (0x0102_1997, "9p"),
    (0x6573_5546, "fuse"),
    (0x0bd0_0bd0, "lustre"),
    (0x4750_4653, "gpfs"),
    (0x5346_414f, "afs"),
    (0x7375_7245, "coda"),
];

/// The kind of a file system by its number, which comes in the machine's word and possibly with
/// its sign extended.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the kernel's numbers are 32 bits; the type around them differs by machine"
)]
pub(super) fn of(number: rustix::fs::FsWord) -> FsKind {
    let number = number as u32;
    let among = |list: &[(u32, &'static str)]| {
        list.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
    };
    among(&LOCAL)
        .map(FsKind::Local)
        .or_else(|| among(&MEMORY).map(FsKind::Memory))
        .or_else(|| among(&NETWORK).map(FsKind::Network))
        .unwrap_or(FsKind::Unknown(u64::from(number)))
}
