//! gearmand's options that have no meaning here: accepted, so that its command lines and
//! configuration files work, and each named in a warning.

use clap::Args;
use clap::builder::BoolishValueParser;

#[derive(Args, Debug)]
#[command(next_help_heading = "Accepted for gearmand's sake, without meaning here")]
pub(in crate::cli::serve) struct Foreign {
    /// Threads: there is one for all jobs.
    #[arg(short, long, env = "GEARBENCH_THREADS", value_name = "N")]
    threads: Option<u32>,
    /// Buckets of a table: tables grow as they are needed.
    #[arg(long, env = "GEARBENCH_HASHTABLE_BUCKETS", value_name = "N")]
    hashtable_buckets: Option<u32>,
    /// Core dumps: the system decides about them.
    #[arg(long, env = "GEARBENCH_COREDUMP", value_parser = BoolishValueParser::new())]
    coredump: bool,
    #[arg(
        long,
        env = "GEARBENCH_LIBPQ_CONNINFO",
        value_name = "TEXT",
        hide_short_help = true
    )]
    libpq_conninfo: Option<String>,
    #[arg(
        long,
        env = "GEARBENCH_LIBPQ_TABLE",
        value_name = "TABLE",
        hide_short_help = true
    )]
    libpq_table: Option<String>,
    #[arg(
        long,
        env = "GEARBENCH_MYSQL_HOST",
        value_name = "HOST",
        hide_short_help = true
    )]
    mysql_host: Option<String>,
    #[arg(
        long,
        env = "GEARBENCH_MYSQL_PORT",
        value_name = "PORT",
        hide_short_help = true
    )]
    mysql_port: Option<String>,
    #[arg(
        long,
        env = "GEARBENCH_MYSQL_USER",
        value_name = "USER",
        hide_short_help = true
    )]
    mysql_user: Option<String>,
    #[arg(
        long,
        env = "GEARBENCH_MYSQL_PASSWORD",
        value_name = "TEXT",
        hide_short_help = true
    )]
    mysql_password: Option<String>,
    #[arg(
        long,
        env = "GEARBENCH_MYSQL_DB",
        value_name = "NAME",
        hide_short_help = true
    )]
    mysql_db: Option<String>,
    #[arg(
        long,
        env = "GEARBENCH_MYSQL_TABLE",
        value_name = "TABLE",
        hide_short_help = true
    )]
    mysql_table: Option<String>,
    #[arg(
        long,
        env = "GEARBENCH_REDIS_SERVER",
        value_name = "HOST",
        hide_short_help = true
    )]
    redis_server: Option<String>,
    #[arg(
        long,
        env = "GEARBENCH_REDIS_PORT",
        value_name = "PORT",
        hide_short_help = true
    )]
    redis_port: Option<String>,
    #[arg(
        long,
        env = "GEARBENCH_REDIS_PASSWORD",
        value_name = "TEXT",
        hide_short_help = true
    )]
    redis_password: Option<String>,
    #[arg(
        long,
        env = "GEARBENCH_REDIS_PREFIX",
        value_name = "TEXT",
        hide_short_help = true
    )]
    redis_prefix: Option<String>,
    #[arg(
        long,
        env = "GEARBENCH_LIBMEMCACHED_SERVERS",
        value_name = "LIST",
        hide_short_help = true
    )]
    libmemcached_servers: Option<String>,
    #[arg(
        long,
        env = "GEARBENCH_LIBMEMCACHED_PREFIX",
        value_name = "TEXT",
        hide_short_help = true
    )]
    libmemcached_prefix: Option<String>,
}

impl Foreign {
    /// One line for each that was given. Values are not repeated: some are passwords.
    pub(in crate::cli::serve) fn warnings(&self) -> Vec<String> {
        let other_store = "this store is not there";
        let given = [
            (
                self.threads.is_some(),
                "--threads",
                "one thread owns all jobs",
            ),
            (
                self.hashtable_buckets.is_some(),
                "--hashtable-buckets",
                "tables grow as they are needed",
            ),
            (
                self.coredump,
                "--coredump",
                "the system decides about core dumps",
            ),
            (
                self.libpq_conninfo.is_some(),
                "--libpq-conninfo",
                other_store,
            ),
            (self.libpq_table.is_some(), "--libpq-table", other_store),
            (self.mysql_host.is_some(), "--mysql-host", other_store),
            (self.mysql_port.is_some(), "--mysql-port", other_store),
            (self.mysql_user.is_some(), "--mysql-user", other_store),
            (
                self.mysql_password.is_some(),
                "--mysql-password",
                other_store,
            ),
            (self.mysql_db.is_some(), "--mysql-db", other_store),
            (self.mysql_table.is_some(), "--mysql-table", other_store),
            (self.redis_server.is_some(), "--redis-server", other_store),
            (self.redis_port.is_some(), "--redis-port", other_store),
            (
                self.redis_password.is_some(),
                "--redis-password",
                other_store,
            ),
            (self.redis_prefix.is_some(), "--redis-prefix", other_store),
            (
                self.libmemcached_servers.is_some(),
                "--libmemcached-servers",
                other_store,
            ),
            (
                self.libmemcached_prefix.is_some(),
                "--libmemcached-prefix",
                other_store,
            ),
        ];
        (given.into_iter())
            .filter(|(given, ..)| *given)
            .map(|(_, option, why)| format!("{option} has no meaning here: {why}"))
            .collect()
    }
}
