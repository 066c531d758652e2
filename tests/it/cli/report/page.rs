//! report.html in a browser.

use super::a_run;
use crate::cli::{BOUND, read};
use crate::support::{TempDir, require_or_skip, run_with_deadline};
use std::process::Command;

/// Narrow and wide, in CSS pixels.
const WIDTHS: [u32; 2] = [390, 1280];

/// Says to the page around it how wide the page is, and how many pictures it shows.
const SAY: &str = "<script>\
    const shown = [...document.querySelectorAll('svg')].filter(s => s.getBoundingClientRect().width > 200);\
    parent.postMessage(`${document.documentElement.scrollWidth} of ${innerWidth}, ${shown.length} pictures`, '*');\
    </script></body>";

/// A page around it, since no window is as narrow as a phone; its title is what was said.
fn around(width: u32) -> String {
    format!(
        "<script>onmessage = said => document.title = said.data</script>\
         <iframe src=inner.html style='border:0;width:{width}px;height:900px'></iframe>"
    )
}

#[test]
fn a_browser_shows_it_without_overflow() {
    if !require_or_skip("chromium") {
        return;
    }
    let files = a_run("--jobs 3k --rate 1500 --clients 20 --workers 20 --warmup 1s");
    let page = read(&files, "report.html");
    assert!(page.len() < 1 << 20, "{} bytes", page.len());
    let scratch = TempDir::new();
    let inner = page.replace("</body>", SAY);
    std::fs::write(scratch.file("inner.html"), inner).expect("a page");
    for width in WIDTHS {
        let outer = scratch.file("outer.html");
        std::fs::write(&outer, around(width)).expect("a page");
        let mut chromium = Command::new("chromium");
        chromium.args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            "--window-size=1400,1000",
            // The page's own clock runs ahead to what it has to say.
            "--virtual-time-budget=5000",
            "--dump-dom",
        ]);
        chromium.arg(format!(
            "--user-data-dir={}",
            scratch.file("profile").display()
        ));
        chromium.arg(format!("file://{}", outer.display()));
        let finished = run_with_deadline(&mut chromium, BOUND);
        let dom = finished.out();
        let title = dom
            .split("<title>")
            .nth(1)
            .and_then(|rest| rest.split('<').next());
        let expected = format!("{width} of {width}, 6 pictures");
        assert_eq!(title, Some(expected.as_str()), "{}", finished.status);
    }
}
