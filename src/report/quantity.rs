//! Numbers with their units, for people.

/// Nanoseconds with three digits and the unit that fits.
pub fn duration(ns: u64) -> String {
    let ns = ns as f64;
    match ns {
        _ if ns < 1e3 => format!("{ns:.0} ns"),
        _ if ns < 1e6 => format!("{} µs", digits(ns / 1e3)),
        _ if ns < 1e9 => format!("{} ms", digits(ns / 1e6)),
        _ => format!("{} s", digits(ns / 1e9)),
    }
}

/// Bytes, in powers of 1024.
pub fn bytes(bytes: u64) -> String {
    let value = bytes as f64;
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..0x10_0000 => format!("{} KiB", digits(value / 1024.0)),
        0x10_0000..0x4000_0000 => format!("{} MiB", digits(value / 1_048_576.0)),
        _ => format!("{} GiB", digits(value / 1_073_741_824.0)),
    }
}

/// A count with a thin gap at each thousand.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Jobs a second.
pub fn rate(per_second: f64) -> String {
    // What would be rounded to 1000.0 is a thousand.
    if per_second < 999.95 {
        format!("{per_second:.1} jobs/s")
    } else {
        format!("{} jobs/s", count(per_second.round() as u64))
    }
}

/// A time, as `2026-11-23 18:56:31 UTC`, of seconds since 1970.
pub fn utc(unix: u64) -> String {
    let [year, month, day, hour, minute, second] = civil(unix);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// Year, month, day, hour, minute and second of seconds since 1970, in UTC.
pub fn civil(unix: u64) -> [u64; 6] {
    let (days, second) = (unix / 86_400, unix % 86_400);
    // Civil date from days, in years that begin in March (Hinnant).
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    [
        year,
        month,
        day,
        second / 3600,
        second / 60 % 60,
        second % 60,
    ]
}

fn digits(value: f64) -> String {
    match value {
        _ if value < 10.0 => format!("{value:.2}"),
        _ if value < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_and_a_unit() {
        for (ns, text) in [
            (999, "999 ns"),
            (1_234, "1.23 µs"),
            (45_600, "45.6 µs"),
            (789_000_000, "789 ms"),
            (12_000_000_000, "12.0 s"),
        ] {
            assert_eq!(duration(ns), text);
        }
        assert_eq!(bytes(1536), "1.50 KiB");
        assert_eq!(count(1_234_567), "1 234 567");
        assert_eq!(rate(12.34), "12.3 jobs/s");
        assert_eq!(utc(951_782_400), "2000-02-29 00:00:00 UTC");
        assert_eq!(rate(999.97), "1 000 jobs/s");
        assert_eq!(rate(123_456.7), "123 457 jobs/s");
    }
}
