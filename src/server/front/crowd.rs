//! Connections of one kind on the front's thread.

use crate::server::accept::{accept_each, log_refused};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_local;

/// Connections of one kind, each with a task of its own.
#[derive(Debug)]
pub(super) struct Crowd {
    max: usize,
    /// A clone for each that is open.
    open: Rc<()>,
}

impl Crowd {
    pub(super) fn new(max: usize) -> Self {
        Crowd {
            max,
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
            let open = Rc::strong_count(&self.open) - 1;
            if open >= self.max {
                log_refused(address, open);
                return Ok(());
            }
            stream.set_nodelay(true)?;
            let (serving, one) = (serve(stream, address), Rc::clone(&self.open));
            spawn_local(async move {
                serving.await;
                drop(one);
            });
            Ok(())
        })
        .await
    }
}
