//! Bodies that say whose they are, so that every payload and every result can be checked.
//!
//! A body begins with a header: run, job number, size, and a checksum of the three. The rest is a
//! slice of noise that both ends can find again from the number: checking is one comparison, and
//! nothing is kept for it.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Bytes of the header.
pub(crate) const HEADER: usize = 24;

/// Slices of noise begin at one of so many places, so that neighbouring jobs differ.
const STARTS: usize = 4096;

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Of a submission.
    Payload,
    /// Of a WORK_COMPLETE.
    Result,
    /// Of a WORK_DATA or WORK_WARNING; its number says which part of the job's it is.
    Part,
}

/// Bits of a part's number that are the job's.
const JOB_BITS: u32 = 40;

/// The number of a job's part.
#[inline]
pub(crate) fn part(job: u64, part: u32) -> u64 {
    job | u64::from(part) << JOB_BITS
}

/// The job and the part that a number of [`part`] names.
#[inline]
pub(crate) fn job_and_part(number: u64) -> (u64, u32) {
    (number & ((1 << JOB_BITS) - 1), (number >> JOB_BITS) as u32)
}

impl Kind {
    /// Keeps a payload from passing for a result.
    fn salt(self) -> u64 {
        match self {
            Kind::Payload => 0x5061_794c,
            Kind::Result => 0x5265_7355,
            Kind::Part => 0x5061_7254,
        }
    }
}

/// Why a body is not one of ours, whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bad {
    /// It was made by another run.
    Foreign,
    /// It is damaged, and if the header is whole, this is the job it was for.
    Damaged(Option<u64>),
}

/// Makes and checks the bodies of one run.
pub(crate) struct Bodies {
    run: u64,
    noise: Box<[u8]>,
}

impl Bodies {
    /// Bodies of at most `largest` bytes.
    pub(crate) fn new(run: u64, seed: u64, largest: usize) -> Self {
        let mut noise = vec![0; largest + STARTS].into_boxed_slice();
        ChaCha8Rng::seed_from_u64(seed).fill_bytes(&mut noise);
        Bodies { run, noise }
    }

    /// Makes `out` the body of `size` bytes for a job; none at all below [`HEADER`].
    #[inline]
    pub(crate) fn write(&self, out: &mut Vec<u8>, kind: Kind, job: u64, size: u32) {
        out.clear();
        if (size as usize) < HEADER {
            return;
        }
        out.extend_from_slice(&self.run.to_le_bytes());
        out.extend_from_slice(&job.to_le_bytes());
        out.extend_from_slice(&size.to_le_bytes());
        out.extend_from_slice(&checksum(self.run, job, size, kind).to_le_bytes());
        out.extend_from_slice(self.noise(kind, job, size as usize - HEADER));
    }

    /// The job that `body` is for.
    #[inline]
    pub(crate) fn read(&self, kind: Kind, body: &[u8]) -> Result<u64, Bad> {
        let (header, rest) = body
            .split_first_chunk::<HEADER>()
            .ok_or(Bad::Damaged(None))?;
        let (run, job) = (word(header, 0), word(header, 8));
        let [size, sum] = [word(header, 16) as u32, (word(header, 16) >> 32) as u32];
        if sum != checksum(run, job, size, kind) {
            return Err(Bad::Damaged(None));
        }
        if run != self.run {
            return Err(Bad::Foreign);
        }
        if body.len() != size as usize || self.noise(kind, job, rest.len()) != rest {
            return Err(Bad::Damaged(Some(job)));
        }
        Ok(job)
    }

    /// The noise behind the header; shorter than asked for when no body is that long.
    fn noise(&self, kind: Kind, job: u64, len: usize) -> &[u8] {
        let start = (mix(job ^ kind.salt()) >> 52) as usize;
        let end = (start + len).min(self.noise.len());
        &self.noise[start..end]
    }
}

/// Eight bytes of the header as a number.
fn word(header: &[u8; HEADER], at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&header[at..at + 8]);
    u64::from_le_bytes(bytes)
}

fn mix(value: u64) -> u64 {
    value.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn checksum(run: u64, job: u64, size: u32, kind: Kind) -> u32 {
    let size = u64::from(size);
    let sum = mix(mix(mix(run ^ kind.salt()).rotate_left(23) ^ job).rotate_left(29) ^ size);
    (sum >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_come_back_and_damage_is_seen() {
        let bodies = Bodies::new(7, 1, 5000);
        let mut body = Vec::new();
        for size in [24, 25, 64, 5000] {
            bodies.write(&mut body, Kind::Payload, 42, size);
            assert_eq!(body.len(), size as usize);
            assert_eq!(bodies.read(Kind::Payload, &body), Ok(42));
            for at in 0..body.len() {
                body[at] ^= 1;
                assert!(bodies.read(Kind::Payload, &body).is_err(), "{size} {at}");
                body[at] ^= 1;
            }
            assert!(bodies.read(Kind::Payload, &body[..body.len() - 1]).is_err());
        }
    }

    #[test]
    fn a_payload_is_no_result_and_another_run_is_foreign() {
        let (ours, theirs) = (Bodies::new(7, 1, 64), Bodies::new(8, 1, 64));
        let mut body = Vec::new();
        ours.write(&mut body, Kind::Payload, 1, 64);
        assert_eq!(ours.read(Kind::Result, &body), Err(Bad::Damaged(None)));
        assert_eq!(theirs.read(Kind::Payload, &body), Err(Bad::Foreign));
    }
}
