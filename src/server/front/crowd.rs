//! Connections of one kind on the front's thread.

use crate::server::accept::{accept_each, keep_alive, log_refused};
use crate::server::settings::Keepalive;
use std::cell::Cell;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::spawn_local;

/// Connections of one kind, each with a task of its own; a handle that is cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Crowd {
    max: usize,
    keepalive: Option<Keepalive>,
    open: Rc<Open>,
}

/// How many there are, and who waits until there is none.
#[derive(Debug, Default)]
struct Open {
    count: Cell<usize>,
    emptied: Notify,
}

/// One of them, for as long as this lives.
#[derive(Debug)]
struct Ticket(Rc<Open>);

impl Ticket {
    fn new(open: &Rc<Open>) -> Self {
        open.count.update(|count| count + 1);
        Ticket(Rc::clone(open))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.count.update(|count| count - 1);
        if self.0.count.get() == 0 {
            self.0.emptied.notify_waiters();
        }
    }
}

impl Crowd {
    /// Room for so many connections, of which the system is to look after the silent ones.
    pub(super) fn new(max: usize, keepalive: Option<Keepalive>) -> Self {
        Crowd {
            max,
            keepalive,
            open: Rc::default(),
        }
    }

    /// Takes in connections, for ever.
    pub(super) async fn listen<F>(
        &self,
        listener: &TcpListener,
        serve: impl Fn(TcpStream, SocketAddr) -> F,
    ) -> Infallible
    where
        F: Future<Output = ()> + 'static,
    {
        accept_each(listener, |stream, address| {
            let open = self.open.count.get();
            if open >= self.max {
                log_refused(address, open);
                return Ok(());
            }
            stream.set_nodelay(true)?;
            if let Some(keepalive) = self.keepalive {
                keep_alive(&stream, keepalive)?;
            }
            let (serving, ticket) = (serve(stream, address), Ticket::new(&self.open));
            spawn_local(async move {
                serving.await;
                drop(ticket);
            });
            Ok(())
        })
        .await
    }

    /// Waits until there is no connection.
    pub(super) async fn emptied(&self) {
        let emptied = self.open.emptied.notified();
        if self.open.count.get() > 0 {
            emptied.await;
        }
    }
}
