//! Single values: dots, crosses, ranges and limits, each with words for whoever points at it.

use super::{Plot, safe};

/// Half of the width of a cross, and the radius of a dot.
const HALF: f64 = 4.5;

impl Plot {
    /// A value.
    pub(in super::super) fn dot(&mut self, class: &str, at: (f64, f64), words: &str) {
        let (x, y) = (self.x_at(at.0), self.y_at(at.1));
        let words = safe(words);
        self.put(format_args!(
            "<circle class=\"dot {class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{HALF}\"><title>{words}</title></circle>"
        ));
    }

    /// A value that is none.
    pub(in super::super) fn cross(&mut self, at: (f64, f64), words: &str) {
        let (x, y) = (self.x_at(at.0) - HALF, self.y_at(at.1) - HALF);
        let (side, words) = (2.0 * HALF, safe(words));
        self.put(format_args!(
            "<path class=\"cross\" d=\"M{x:.1} {y:.1}l{side} {side}m-{side} 0l{side} -{side}\"><title>{words}</title></path>"
        ));
    }

    /// Around a value that matters more than the others.
    pub(in super::super) fn ring(&mut self, at: (f64, f64)) {
        let (x, y, r) = (self.x_at(at.0), self.y_at(at.1), 2.0 * HALF);
        self.put(format_args!(
            "<circle class=\"ring\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{r}\"/>"
        ));
    }

    /// From the smallest to the largest of several values.
    pub(in super::super) fn range(&mut self, class: &str, x: f64, [low, high]: [f64; 2]) {
        let (x, low, high) = (self.x_at(x), self.y_at(low), self.y_at(high));
        let (left, right) = (x - HALF, x + HALF);
        self.put(format_args!(
            "<path class=\"range {class}\" d=\"M{x:.1} {low:.1}V{high:.1}M{left:.1} {low:.1}H{right:.1}M{left:.1} {high:.1}H{right:.1}\"/>"
        ));
    }

    /// A line across, that values should not pass.
    pub(in super::super) fn limit(&mut self, y: f64, words: &str) {
        let [left, _, right, _] = self.area();
        let y = self.y_at(y);
        self.put(format_args!(
            "<path class=\"line limit\" d=\"M{left} {y:.1}H{right}\"/>"
        ));
        self.text(left + 4.0, y - 4.0, "limit-note", words);
    }
}
