//! The plain types of preview 1: kinds, flags, and the layouts of its structures.
//!
//! Each is decoded from the number that the guest passed; a number that means
//! nothing is `INVAL`. Structures are written as the specification lays them out
//! for 32-bit pointers.

use crate::errno::{Errno, Result};
use crate::memory::{GuestMemory, at};
use crate::rights::Rights;

/// Defines a set of flags on the smallest integer that holds them.
macro_rules! flags {
    ($(#[$doc:meta])* $name:ident: $int:ident { $($flag:ident = $bit:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub(crate) struct $name(pub(crate) $int);

        #[allow(dead_code)] // the whole set is written down
        impl $name {
            $(pub(crate) const $flag: $name = $name(1 << $bit);)*
            const ALL: $int = 0 $(| 1 << $bit)*;

            /// The flags that the guest passed; `INVAL` for bits without a meaning.
            pub(crate) fn decode(bits: u32) -> Result<$name> {
                match $int::try_from(bits) {
                    Ok(bits) if bits & !$name::ALL == 0 => Ok($name(bits)),
                    _ => Err(Errno::Inval),
                }
            }

            /// Are all flags of `other` set?
            pub(crate) fn has(self, other: $name) -> bool {
                self.0 & other.0 == other.0
            }

            /// Is one of the flags of `other` set?
            pub(crate) fn has_any(self, other: $name) -> bool {
                self.0 & other.0 != 0
            }
        }

        impl std::ops::BitOr for $name {
            type Output = $name;
            fn bitor(self, other: $name) -> $name {
                $name(self.0 | other.0)
            }
        }
    };
}

/// Defines an enumeration whose cases count up from 0.
macro_rules! enumeration {
    ($(#[$doc:meta])* $name:ident { $($case:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum $name { $($case,)* }

        impl $name {
            /// The case that the guest passed; `INVAL` for a number without a meaning.
            #[allow(dead_code)] // some only ever go to the guest
            pub(crate) fn decode(number: u32) -> Result<$name> {
                const CASES: &[$name] = &[$($name::$case,)*];
                CASES.get(number as usize).copied().ok_or(Errno::Inval)
            }
        }
    };
}

flags!(
    /// How an open file behaves.
    FdFlags: u16 { APPEND = 0, DSYNC = 1, NONBLOCK = 2, RSYNC = 3, SYNC = 4, }
);
flags!(
    /// How `path_open` opens.
    OFlags: u16 { CREAT = 0, DIRECTORY = 1, EXCL = 2, TRUNC = 3, }
);
flags!(
    /// How the last name of a path is looked up.
    LookupFlags: u32 { SYMLINK_FOLLOW = 0, }
);
flags!(
    /// Which times are set, and to what.
    FstFlags: u16 { ATIM = 0, ATIM_NOW = 1, MTIM = 2, MTIM_NOW = 3, }
);
flags!(
    /// Of a clock subscription: is the timeout a point in time?
    SubclockFlags: u16 { ABSTIME = 0, }
);
flags!(
    /// How `sock_recv` receives.
    RiFlags: u16 { PEEK = 0, WAITALL = 1, }
);
flags!(
    /// Which ways of a socket are shut down.
    SdFlags: u8 { RD = 0, WR = 1, }
);

enumeration!(
    /// What a seek is relative to.
    Whence { Set, Cur, End, }
);
enumeration!(
    /// What will be done with a range of a file.
    Advice { Normal, Sequential, Random, Willneed, Dontneed, Noreuse, }
);
enumeration!(
    /// What a file is.
    FileType {
        Unknown, BlockDevice, CharacterDevice, Directory, RegularFile, SocketDgram, SocketStream, SymbolicLink,
    }
);
enumeration!(
    /// What a subscription waits for.
    EventType { Clock, FdRead, FdWrite, }
);

impl From<rustix::fs::FileType> for FileType {
    fn from(host: rustix::fs::FileType) -> FileType {
        match host {
            rustix::fs::FileType::RegularFile => FileType::RegularFile,
            rustix::fs::FileType::Directory => FileType::Directory,
            rustix::fs::FileType::Symlink => FileType::SymbolicLink,
            rustix::fs::FileType::Socket => FileType::SocketStream,
            rustix::fs::FileType::CharacterDevice => FileType::CharacterDevice,
            rustix::fs::FileType::BlockDevice => FileType::BlockDevice,
            rustix::fs::FileType::Fifo | rustix::fs::FileType::Unknown => FileType::Unknown,
        }
    }
}

/// What `fd_fdstat_get` tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FdStat {
    pub(crate) filetype: FileType,
    pub(crate) flags: FdFlags,
    pub(crate) rights: Rights,
    pub(crate) inheriting: Rights,
}

impl FdStat {
    pub(crate) fn write(&self, memory: &mut [u8], address: u32) -> Result<()> {
        let mut bytes = [0; 24];
        bytes[0] = self.filetype as u8;
        bytes.write_u16(2, self.flags.0)?;
        bytes.write_u64(8, self.rights.0)?;
        bytes.write_u64(16, self.inheriting.0)?;
        memory.write(address, &bytes)
    }
}

/// What is known of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileStat {
    pub(crate) dev: u64,
    pub(crate) ino: u64,
    pub(crate) filetype: FileType,
    pub(crate) nlink: u64,
    pub(crate) size: u64,
    /// Nanoseconds since 1970, as the next two.
    pub(crate) atim: u64,
    pub(crate) mtim: u64,
    pub(crate) ctim: u64,
}

impl FileStat {
    /// Of something that is not a file of the host.
    pub(crate) fn of_no_file(filetype: FileType, size: u64) -> FileStat {
        FileStat { dev: 0, ino: 0, filetype, nlink: 1, size, atim: 0, mtim: 0, ctim: 0 }
    }

    pub(crate) fn write(&self, memory: &mut [u8], address: u32) -> Result<()> {
        let mut bytes = [0; 64];
        bytes.write_u64(0, self.dev)?;
        bytes.write_u64(8, self.ino)?;
        bytes[16] = self.filetype as u8;
        bytes.write_u64(24, self.nlink)?;
        bytes.write_u64(32, self.size)?;
        bytes.write_u64(40, self.atim)?;
        bytes.write_u64(48, self.mtim)?;
        bytes.write_u64(56, self.ctim)?;
        memory.write(address, &bytes)
    }
}

/// Nanoseconds since 1970 of a time of the host; what is out of range becomes the nearest that is in it.
pub(crate) fn nanoseconds(seconds: i64, nanoseconds: u64) -> u64 {
    u64::try_from(seconds)
        .map_or(0, |seconds| seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds))
}

impl From<rustix::fs::Stat> for FileStat {
    #[allow(clippy::unnecessary_cast)] // the fields' types differ between hosts
    fn from(stat: rustix::fs::Stat) -> FileStat {
        FileStat {
            dev: stat.st_dev as u64,
            ino: stat.st_ino as u64,
            filetype: rustix::fs::FileType::from_raw_mode(stat.st_mode).into(),
            nlink: stat.st_nlink as u64,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            atim: nanoseconds(stat.st_atime as i64, stat.st_atime_nsec as u64),
            mtim: nanoseconds(stat.st_mtime as i64, stat.st_mtime_nsec as u64),
            ctim: nanoseconds(stat.st_ctime as i64, stat.st_ctime_nsec as u64),
        }
    }
}

impl From<cap_std::fs::Metadata> for FileStat {
    fn from(metadata: cap_std::fs::Metadata) -> FileStat {
        use cap_std::fs::MetadataExt;
        FileStat {
            dev: metadata.dev(),
            ino: metadata.ino(),
            filetype: rustix::fs::FileType::from_raw_mode(metadata.mode()).into(),
            nlink: metadata.nlink(),
            size: metadata.size(),
            atim: nanoseconds(metadata.atime(), metadata.atime_nsec() as u64),
            mtim: nanoseconds(metadata.mtime(), metadata.mtime_nsec() as u64),
            ctim: nanoseconds(metadata.ctime(), metadata.ctime_nsec() as u64),
        }
    }
}

/// What a subscription of `poll_oneoff` asks for; 48 bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subscription {
    pub(crate) userdata: u64,
    pub(crate) kind: SubscriptionKind,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum SubscriptionKind {
    Clock { id: u32, timeout: u64, flags: SubclockFlags },
    FdRead(u32),
    FdWrite(u32),
}

impl Subscription {
    pub(crate) const SIZE: u32 = 48;

    pub(crate) fn read(memory: &[u8], address: u32) -> Result<Subscription> {
        let userdata = memory.read_u64(address)?;
        let kind = match EventType::decode(memory.read_u8(at(address, 8)?)?.into())? {
            EventType::Clock => SubscriptionKind::Clock {
                id: memory.read_u32(at(address, 16)?)?,
                timeout: memory.read_u64(at(address, 24)?)?,
                flags: SubclockFlags::decode(memory.read_u16(at(address, 40)?)?.into())?,
            },
            EventType::FdRead => SubscriptionKind::FdRead(memory.read_u32(at(address, 16)?)?),
            EventType::FdWrite => SubscriptionKind::FdWrite(memory.read_u32(at(address, 16)?)?),
        };
        Ok(Subscription { userdata, kind })
    }
}

/// What `poll_oneoff` tells of a subscription; 32 bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    pub(crate) userdata: u64,
    pub(crate) error: Option<Errno>,
    pub(crate) kind: EventType,
    pub(crate) nbytes: u64,
    pub(crate) hangup: bool,
}

impl Event {
    pub(crate) const SIZE: u32 = 32;

    pub(crate) fn write(&self, memory: &mut [u8], address: u32) -> Result<()> {
        let mut bytes = [0; 32];
        bytes.write_u64(0, self.userdata)?;
        bytes.write_u16(8, self.error.map_or(0, Errno::number))?;
        bytes[10] = self.kind as u8;
        bytes.write_u64(16, self.nbytes)?;
        bytes.write_u16(24, self.hangup.into())?;
        memory.write(address, &bytes)
    }
}
