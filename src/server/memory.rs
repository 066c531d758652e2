//! Memory that is not needed any more goes back to the system.
//!
//! The program's allocator keeps what is freed for a second, since most of it is needed again at
//! once. After that it gives it back, but only when it is told to, and a thread that ends tells it.

use super::driver::Driver;
use crate::wire::Hub;
use std::convert::Infallible;
use std::hint::black_box;
use std::time::Duration;

/// As long as the allocator keeps what is freed, and a little more.
const PAUSE: Duration = Duration::from_millis(1100);

/// Has it given back while something happens, and once or twice afterwards, for ever.
pub(super) async fn give_back(hub: &Hub<Driver>) -> Infallible {
    const AFTERWARDS: u32 = 2;
    let (mut seen, mut rounds) = (0, 0);
    loop {
        tokio::time::sleep(PAUSE).await;
        let events = hub.with(|driver, _| driver.events);
        if std::mem::replace(&mut seen, events) != events {
            rounds = AFTERWARDS;
        } else if rounds > 0 {
            rounds -= 1;
        } else {
            continue;
        }
        // A system that has no room for a thread has nothing to give back either.
        let _ = std::thread::Builder::new()
            .name("memory".to_owned())
            // A thread that allocates nothing is not known to the allocator.
            .spawn(|| drop(black_box(Box::new(0_u8))));
    }
}
