//! What goes over a channel: a greeting of each side, then frames of the one that sends.
//!
//! Numbers are big-endian. Greeting: `PSI1`, kind (1 byte), name of the channel and name of the program, each after
//! its length (2 bytes). Frame: length of the payload (4), run number (4), sequence number on this connection (8),
//! payload.

use std::fmt;
use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::ChannelError;
use super::spec::Kind;

const MAGIC: [u8; 4] = *b"PSI1";
/// Longest name in a greeting.
const LONGEST_NAME: usize = 4096;
/// Longest payload, in bytes.
pub(super) const LONGEST_PAYLOAD: usize = 1 << 20;

/// How a side introduces itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Greeting {
    pub(super) kind: Kind,
    pub(super) channel: String,
    pub(super) who: String,
}

/// A piece of data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) run: u32,
    pub(super) sequence: u64,
    pub(super) payload: Vec<u8>,
}

impl fmt::Display for Greeting {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "channel {} ({}) of {}",
            self.channel,
            self.kind.name(),
            self.who
        )
    }
}

impl Greeting {
    pub(super) async fn write(&self, into: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let mut bytes = MAGIC.to_vec();
        bytes.push(self.kind.code());
        for name in [&self.channel, &self.who] {
            let length = u16::try_from(name.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
            bytes.extend(length.to_be_bytes());
            bytes.extend(name.as_bytes());
        }
        into.write_all(&bytes).await?;
        into.flush().await
    }

    pub(super) async fn read(from: &mut (impl AsyncRead + Unpin)) -> Result<Self, ChannelError> {
        let mut magic = [0; 4];
        from.read_exact(&mut magic).await?;
        if magic != MAGIC {
            return Err(ChannelError::Protocol("no greeting"));
        }
        let kind =
            Kind::of(from.read_u8().await?).ok_or(ChannelError::Protocol("an unknown kind of channel"))?;
        let (channel, who) = (name(from).await?, name(from).await?);
        Ok(Self { kind, channel, who })
    }
}

async fn name(from: &mut (impl AsyncRead + Unpin)) -> Result<String, ChannelError> {
    let length = usize::from(from.read_u16().await?);
    if length > LONGEST_NAME {
        return Err(ChannelError::Protocol("a name that is too long"));
    }
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes).await?;
    String::from_utf8(bytes).map_err(|_| ChannelError::Protocol("a name that is no text"))
}

impl Frame {
    pub(super) async fn write(&self, into: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let length = u32::try_from(self.payload.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let mut bytes = Vec::with_capacity(16 + self.payload.len());
        bytes.extend(length.to_be_bytes());
        bytes.extend(self.run.to_be_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(&self.payload);
        into.write_all(&bytes).await?;
        into.flush().await
    }

    /// The next frame; `None` where the other side closed the connection between two.
    pub(super) async fn read(from: &mut (impl AsyncRead + Unpin)) -> Result<Option<Self>, ChannelError> {
        let length = match from.read_u32().await {
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > LONGEST_PAYLOAD {
            return Err(ChannelError::Protocol("a frame that is too long"));
        }
        let (run, sequence) = (from.read_u32().await?, from.read_u64().await?);
        let mut payload = vec![0; length];
        from.read_exact(&mut payload).await?;
        Ok(Some(Self {
            run,
            sequence,
            payload,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn greetings_and_frames_arrive_as_they_were_sent() {
        let mut bytes = Vec::new();
        let greeting = Greeting {
            kind: Kind::Push,
            channel: "readout".into(),
            who: "readout[1]".into(),
        };
        let frame = Frame {
            run: 500_001,
            sequence: 3,
            payload: vec![1, 2, 3],
        };
        greeting.write(&mut bytes).await.expect("memory");
        frame.write(&mut bytes).await.expect("memory");
        let mut from = bytes.as_slice();
        assert_eq!(Greeting::read(&mut from).await.expect("a greeting"), greeting);
        assert_eq!(Frame::read(&mut from).await.expect("a frame"), Some(frame));
        assert_eq!(Frame::read(&mut from).await.expect("the end"), None);
    }

    #[tokio::test]
    async fn nonsense_is_refused() {
        assert!(Greeting::read(&mut &b"GET / HTTP/1.1\r\n"[..]).await.is_err());
        assert!(Frame::read(&mut &[255; 64][..]).await.is_err());
        assert!(Frame::read(&mut &[0, 0, 0, 9, 1][..]).await.is_err(), "cut");
    }
}
