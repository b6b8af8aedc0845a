//! The error numbers of preview 1, and what errors of the host become.
//!
//! Invariants: an error that the operating system numbered is mapped by that
//! number, never by its text or kind; the kind decides only for errors that were
//! made up above the system (cap-std refusing to leave a directory is `PERM`).
//! `SUCCESS` is the absence of an error and so not one of these.

use std::io;

/// Defines the numbers of preview 1, which count up from 1, and the host's names of them.
macro_rules! errnos {
    ($first:ident = $first_host:ident, $($name:ident = $host:ident,)*) => {
        /// Why a function failed, as the guest sees it: POSIX's names without the E.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        #[allow(missing_docs)]
        pub enum Errno {
            $first = 1,
            $($name,)*
            /// A right that the descriptor does not have.
            Notcapable,
        }

        impl From<rustix::io::Errno> for Errno {
            /// Numbers that preview 1 does not have become `Io`.
            fn from(host: rustix::io::Errno) -> Errno {
                match host {
                    rustix::io::Errno::$first_host => Errno::$first,
                    $(rustix::io::Errno::$host => Errno::$name,)*
                    _ => Errno::Io,
                }
            }
        }
    };
}

#[rustfmt::skip]
errnos! {
    TooBig = TOOBIG, Acces = ACCESS, Addrinuse = ADDRINUSE, Addrnotavail = ADDRNOTAVAIL,
    Afnosupport = AFNOSUPPORT, Again = AGAIN, Already = ALREADY, Badf = BADF, Badmsg = BADMSG, Busy = BUSY,
    Canceled = CANCELED, Child = CHILD, Connaborted = CONNABORTED, Connrefused = CONNREFUSED,
    Connreset = CONNRESET, Deadlk = DEADLK, Destaddrreq = DESTADDRREQ, Dom = DOM, Dquot = DQUOT,
    Exist = EXIST, Fault = FAULT, Fbig = FBIG, Hostunreach = HOSTUNREACH, Idrm = IDRM, Ilseq = ILSEQ,
    Inprogress = INPROGRESS, Intr = INTR, Inval = INVAL, Io = IO, Isconn = ISCONN, Isdir = ISDIR,
    Loop = LOOP, Mfile = MFILE, Mlink = MLINK, Msgsize = MSGSIZE, Multihop = MULTIHOP,
    Nametoolong = NAMETOOLONG, Netdown = NETDOWN, Netreset = NETRESET, Netunreach = NETUNREACH,
    Nfile = NFILE, Nobufs = NOBUFS, Nodev = NODEV, Noent = NOENT, Noexec = NOEXEC, Nolck = NOLCK,
    Nolink = NOLINK, Nomem = NOMEM, Nomsg = NOMSG, Noprotoopt = NOPROTOOPT, Nospc = NOSPC, Nosys = NOSYS,
    Notconn = NOTCONN, Notdir = NOTDIR, Notempty = NOTEMPTY, Notrecoverable = NOTRECOVERABLE,
    Notsock = NOTSOCK, Notsup = OPNOTSUPP, Notty = NOTTY, Nxio = NXIO, Overflow = OVERFLOW,
    Ownerdead = OWNERDEAD, Perm = PERM, Pipe = PIPE, Proto = PROTO, Protonosupport = PROTONOSUPPORT,
    Prototype = PROTOTYPE, Range = RANGE, Rofs = ROFS, Spipe = SPIPE, Srch = SRCH, Stale = STALE,
    Timedout = TIMEDOUT, Txtbsy = TXTBSY, Xdev = XDEV,
}

/// The result of a function of preview 1.
pub type Result<T> = std::result::Result<T, Errno>;

impl Errno {
    /// The number of it; never 0, which is success.
    pub fn number(self) -> u16 {
        self as u16
    }
}

impl std::fmt::Display for Errno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Errno {}

impl From<io::Error> for Errno {
    fn from(error: io::Error) -> Errno {
        if let Some(host) = rustix::io::Errno::from_io_error(&error) {
            return host.into();
        }
        match error.kind() {
            io::ErrorKind::PermissionDenied => Errno::Perm,
            io::ErrorKind::NotFound => Errno::Noent,
            io::ErrorKind::AlreadyExists => Errno::Exist,
            io::ErrorKind::InvalidInput => Errno::Inval,
            io::ErrorKind::InvalidData => Errno::Ilseq,
            io::ErrorKind::BrokenPipe => Errno::Pipe,
            io::ErrorKind::Interrupted => Errno::Intr,
            io::ErrorKind::WouldBlock => Errno::Again,
            io::ErrorKind::Unsupported => Errno::Notsup,
            io::ErrorKind::OutOfMemory => Errno::Nomem,
            _ => Errno::Io,
        }
    }
}

impl From<std::num::TryFromIntError> for Errno {
    /// A number that does not fit its place in the guest.
    fn from(_: std::num::TryFromIntError) -> Errno {
        Errno::Overflow
    }
}

#[cfg(test)]
mod tests {
    use super::Errno;
    use std::io;

    /// Some numbers of the specification, along the whole table.
    #[test]
    fn the_numbers_are_those_of_the_specification() {
        let table = [
            (Errno::TooBig, 1),
            (Errno::Again, 6),
            (Errno::Badf, 8),
            (Errno::Exist, 20),
            (Errno::Fault, 21),
            (Errno::Inval, 28),
            (Errno::Isdir, 31),
            (Errno::Noent, 44),
            (Errno::Nosys, 52),
            (Errno::Notdir, 54),
            (Errno::Notsup, 58),
            (Errno::Perm, 63),
            (Errno::Spipe, 70),
            (Errno::Xdev, 75),
            (Errno::Notcapable, 76),
        ];
        for (errno, number) in table {
            assert_eq!(errno.number(), number, "{errno}");
        }
    }

    #[test]
    fn errors_of_the_system_go_by_their_number() {
        let enospc = rustix::io::Errno::NOSPC.raw_os_error();
        assert_eq!(Errno::from(io::Error::from_raw_os_error(enospc)), Errno::Nospc);
        assert_eq!(Errno::from(io::Error::other("no number")), Errno::Io);
        assert_eq!(Errno::from(io::Error::from(io::ErrorKind::PermissionDenied)), Errno::Perm);
    }
}
