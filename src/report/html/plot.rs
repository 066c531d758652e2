//! What all pictures are drawn with: scales, axes, lines. The colours are classes of the page, so
//! that light, dark and paper need one drawing.

mod marks;

use super::Picture;
use crate::report::escape;
use minijinja::HtmlEscape;
use std::fmt::Write;

/// How large a picture is, in CSS pixels at the width that it is made for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Size {
    pub(super) width: f64,
    pub(super) height: f64,
}

/// About the width of a letter.
const LETTER: f64 = 7.0;

/// On a desk and on paper.
const WIDE: f64 = 880.0;
/// On a phone.
const NARROW: f64 = 350.0;

/// The same picture for a desk and for a phone; the page shows one of them.
pub(super) fn both(heights: [f64; 2], draw: impl Fn(Size) -> String) -> Picture {
    let [wide, narrow] = heights;
    Picture {
        wide: draw(Size {
            width: WIDE,
            height: wide,
        }),
        narrow: draw(Size {
            width: NARROW,
            height: narrow,
        }),
    }
}

/// From values to places on an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// From zero to a most.
    Linear { most: f64 },
    /// By powers of ten.
    Log { least: f64, most: f64 },
}

impl Scale {
    /// From zero to a round number not below `most`.
    pub(super) fn linear(most: f64) -> Self {
        let most = most.max(1.0);
        let step = step(most, 5.0);
        Scale::Linear {
            most: (most / step).ceil() * step,
        }
    }

    /// From zero to exactly `most`.
    pub(super) fn time(most: f64) -> Self {
        Scale::Linear {
            most: most.max(1e-3),
        }
    }

    /// Over all values, to the next of 1, 2 and 5 times a power of ten.
    pub(super) fn log(least: f64, most: f64) -> Self {
        let least = least.max(1.0);
        let most = most.max(least * 1.01);
        let (low, high) = (decade(least), decade(most));
        let below = [5.0, 2.0, 1.0].map(|m| m * low);
        let above = [1.0, 2.0, 5.0, 10.0].map(|m| m * high);
        Scale::Log {
            least: below.into_iter().find(|v| *v <= least).unwrap_or(low),
            most: above
                .into_iter()
                .find(|v| *v >= most)
                .unwrap_or(high * 10.0),
        }
    }

    /// The share of the axis at which a value lies.
    pub(super) fn share(self, value: f64) -> f64 {
        let share = match self {
            Scale::Linear { most } => value / most,
            Scale::Log { least, most } => (value.max(least) / least).ln() / (most / least).ln(),
        };
        share.clamp(0.0, 1.0)
    }

    /// Round values along the axis, no more than about `count`.
    pub(super) fn ticks(self, count: f64) -> Vec<f64> {
        match self {
            Scale::Linear { most } => {
                let step = step(most, count);
                let steps = (most / step + 1e-9).floor() as u32;
                (0..=steps).map(|n| f64::from(n) * step).collect()
            }
            Scale::Log { least, most } => {
                let decades = (most / least).log10();
                let marks: &[f64] = match decades {
                    _ if decades * 3.0 <= count => &[1.0, 2.0, 5.0],
                    _ => &[1.0],
                };
                let within = |value: &f64| (least * 0.999..=most * 1.001).contains(value);
                let first = decade(least);
                let powers = (0..=decades.ceil() as i32 + 1).map(|n| first * 10f64.powi(n));
                let all = powers.flat_map(|power| marks.iter().map(move |m| m * power));
                all.filter(within).collect()
            }
        }
    }
}

fn decade(value: f64) -> f64 {
    10f64.powf((value.log10() + 1e-9).floor())
}

/// A step of 1, 2 or 5 times a power of ten that makes no more than `count` of `most`.
fn step(most: f64, count: f64) -> f64 {
    let rough = most / count.max(1.0);
    let power = decade(rough);
    let fits = |m: &f64| m * power >= rough * 0.999;
    [1.0, 2.0, 5.0].into_iter().find(fits).unwrap_or(10.0) * power
}

/// An axis with its title and how its ticks are written.
pub(super) struct Axis<'a> {
    pub(super) scale: Scale,
    pub(super) title: &'a str,
    pub(super) label: &'a dyn Fn(f64) -> String,
    /// Where ticks stand, if not where the scale has them.
    pub(super) ticks: Option<Vec<f64>>,
}

impl<'a> Axis<'a> {
    /// One of numbers.
    pub(super) fn of(title: &'a str, scale: Scale) -> Self {
        Axis {
            scale,
            title,
            label: &short,
            ticks: None,
        }
    }
}

/// How an entry of a legend is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Line,
    Dashes,
    Area,
    Bar,
}

/// A picture under construction.
pub(super) struct Plot {
    svg: String,
    size: Size,
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
    x: Scale,
    y: Scale,
}

impl Plot {
    /// Draws the frame: `name` is what a screen reader says.
    pub(super) fn new(size: Size, name: &str, x: &Axis<'_>, y: &Axis<'_>) -> Self {
        Plot::indented(size, 58.0, name, x, y)
    }

    /// The same with more room for the labels on the left.
    pub(super) fn indented(size: Size, left: f64, name: &str, x: &Axis<'_>, y: &Axis<'_>) -> Self {
        let top = 26.0;
        let mut plot = Plot {
            svg: String::new(),
            size,
            left,
            top,
            right: size.width - 14.0,
            bottom: size.height - 40.0,
            x: x.scale,
            y: y.scale,
        };
        plot.put(format_args!(
            "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">",
            size.width,
            size.height,
            safe(name)
        ));
        plot.axes(x, y);
        plot
    }

    /// Writing to a string cannot fail.
    pub(super) fn put(&mut self, what: std::fmt::Arguments<'_>) {
        let _ = self.svg.write_fmt(what);
    }

    fn axes(&mut self, x: &Axis<'_>, y: &Axis<'_>) {
        let (left, right, top, bottom) = (self.left, self.right, self.top, self.bottom);
        let rows = ((bottom - top) / 34.0).max(2.0);
        let ticks = y.ticks.clone().unwrap_or_else(|| y.scale.ticks(rows));
        for value in ticks {
            let at = self.y_at(value);
            self.put(format_args!(
                "<path class=\"grid\" d=\"M{left} {at:.1}H{right}\"/>"
            ));
            let label = (y.label)(value);
            self.text(left - 7.0, at + 4.0, "tick end", &label);
        }
        let columns = (self.size.width / 90.0).max(3.0);
        let ticks = x.ticks.clone().unwrap_or_else(|| x.scale.ticks(columns));
        let mut taken = f64::NEG_INFINITY;
        for value in ticks {
            let at = self.x_at(value);
            let low = bottom + 5.0;
            self.put(format_args!(
                "<path class=\"axis\" d=\"M{at:.1} {bottom}V{low}\"/>"
            ));
            let label = (x.label)(value);
            let width = label.chars().count() as f64 * LETTER;
            // Inside of the picture, and beside the label before it.
            let middle = at.min(self.size.width - width / 2.0);
            if middle - width / 2.0 > taken {
                taken = middle + width / 2.0 + LETTER;
                self.text(middle, bottom + 18.0, "tick middle", &label);
            }
        }
        self.put(format_args!(
            "<path class=\"axis\" d=\"M{left} {bottom}H{right}\"/>"
        ));
        self.text(4.0, 13.0, "title", y.title);
        self.text(right, bottom + 34.0, "title end", x.title);
    }

    pub(super) fn x_at(&self, value: f64) -> f64 {
        self.left + self.x.share(value) * (self.right - self.left)
    }

    pub(super) fn y_at(&self, value: f64) -> f64 {
        self.bottom - self.y.share(value) * (self.bottom - self.top)
    }

    /// Left, top, right and bottom of what is inside the axes.
    pub(super) fn area(&self) -> [f64; 4] {
        [self.left, self.top, self.right, self.bottom]
    }

    /// Words, whatever is in them.
    pub(super) fn text(&mut self, x: f64, y: f64, class: &str, words: &str) {
        let words = safe(words);
        self.put(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\">{words}</text>"
        ));
    }

    /// A line through all points; where a value is missing it is broken.
    pub(super) fn line(&mut self, class: &str, points: &[(f64, Option<f64>)]) {
        let d = self.path(points);
        if !d.is_empty() {
            self.put(format_args!("<path class=\"line {class}\" d=\"{d}\"/>"));
        }
    }

    fn path(&self, points: &[(f64, Option<f64>)]) -> String {
        let mut d = String::new();
        let mut drawing = false;
        for (x, y) in points {
            let Some(y) = y else {
                drawing = false;
                continue;
            };
            let letter = if drawing { 'L' } else { 'M' };
            let (x, y) = (self.x_at(*x), self.y_at(*y));
            let _ = write!(d, "{letter}{x:.1} {y:.1}");
            if !drawing {
                // A single point shows as a dot.
                let _ = write!(d, "h.1");
            }
            drawing = true;
        }
        d
    }

    /// What lies between two lines.
    pub(super) fn between(&mut self, class: &str, upper: &[(f64, f64)], lower: &[(f64, f64)]) {
        let mut d = String::new();
        for (index, (x, y)) in upper.iter().chain(lower.iter().rev()).enumerate() {
            let letter = if index == 0 { 'M' } else { 'L' };
            let (x, y) = (self.x_at(*x), self.y_at(*y));
            let _ = write!(d, "{letter}{x:.1} {y:.1}");
        }
        if !d.is_empty() {
            self.put(format_args!("<path class=\"{class}\" d=\"{d}Z\"/>"));
        }
    }

    /// Says what the lines are, at the right end of the top: the mark of each in its colour. One
    /// text, so that it holds together in whatever typeface there is.
    pub(super) fn legend(&mut self, entries: &[(Mark, &str, &str)]) {
        let (x, mut words) = (self.right, String::new());
        for (mark, class, name) in entries {
            let mark = match mark {
                Mark::Line => "━━",
                Mark::Dashes => "╍╍",
                Mark::Area => "■",
                Mark::Bar => "┃",
            };
            let (class, name) = (safe(class), safe(name));
            let _ = write!(
                words,
                "<tspan class=\"mark {class}\" dx=\"10\">{mark}</tspan><tspan dx=\"4\">{name}</tspan>"
            );
        }
        self.put(format_args!(
            "<text x=\"{x:.1}\" y=\"13\" class=\"key end\">{words}</text>"
        ));
    }

    pub(super) fn finish(mut self) -> String {
        self.svg.push_str("</svg>");
        self.svg
    }
}

/// Words that may come from anywhere, for the inside of an element or a quoted attribute.
pub(super) fn safe(words: &str) -> String {
    HtmlEscape(&escape::line(words)).to_string()
}

/// A number of something, short.
pub(super) fn short(value: f64) -> String {
    let (value, unit) = match value {
        _ if value >= 1e9 => (value / 1e9, "G"),
        _ if value >= 1e6 => (value / 1e6, "M"),
        _ if value >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}{unit}")
}

/// Nanoseconds, short.
pub(super) fn short_duration(ns: f64) -> String {
    let (value, unit) = match ns {
        _ if ns >= 0.9995e9 => (ns / 1e9, "s"),
        _ if ns >= 0.9995e6 => (ns / 1e6, "ms"),
        _ if ns >= 0.9995e3 => (ns / 1e3, "µs"),
        _ => (ns, "ns"),
    };
    let text = format!("{value:.1}");
    format!("{} {unit}", text.strip_suffix(".0").unwrap_or(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        let scale = Scale::linear(23_456.0);
        assert_eq!(scale, Scale::Linear { most: 25_000.0 });
        assert_eq!(scale.ticks(5.0), [0.0, 5e3, 1e4, 1.5e4, 2e4, 2.5e4]);
        assert_eq!(Scale::time(7.3).ticks(4.0), [0.0, 2.0, 4.0, 6.0]);
        let scale = Scale::log(213.0, 4.1e6);
        assert_eq!(
            scale,
            Scale::Log {
                least: 200.0,
                most: 5e6
            }
        );
        assert_eq!(scale.ticks(6.0), [1e3, 1e4, 1e5, 1e6]);
        assert_eq!(Scale::log(1e3, 4e3).ticks(9.0), [1e3, 2e3, 5e3]);
    }

    #[test]
    fn nothing_to_scale_is_no_harm() {
        for scale in [Scale::linear(0.0), Scale::time(0.0), Scale::log(0.0, 0.0)] {
            assert!(scale.share(0.0).is_finite());
            assert!(scale.ticks(5.0).len() < 12);
        }
    }

    #[test]
    fn labels_are_short() {
        assert_eq!(short(0.0), "0");
        assert_eq!(short(2500.0), "2500");
        assert_eq!(short(25_000.0), "25k");
        assert_eq!(short_duration(1e3), "1 µs");
        assert_eq!(short_duration(2.5e6), "2.5 ms");
    }

    #[test]
    fn words_from_outside_are_words() {
        assert_eq!(safe("<b>\"\u{1b}&'"), "&lt;b&gt;&quot;\\x1b&amp;&#x27;");
    }
}
