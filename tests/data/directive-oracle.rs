// SPDX-License-Identifier: Apache-2.0
//! What EnvFilter really does: prints tests/data/directive-oracle.tsv for directive_test.c.
//!
//! Cargo.toml: tracing = "=0.1.41", tracing-subscriber = { version = "=0.3.19", features = ["env-filter"] }
//! Input: filters, one a line. Output: the filter, a tab, then "error" or
//!   - for each target and each of {no fields, tid, tid+n}: the greatest level of an event that passes outside spans
//!   - for each target, span name, span level and set of values: 1 or 0 (the span is on), then the greatest level of an
//!     event without fields that passes inside it, for app::queue and for other
use std::cell::Cell;
use std::io::BufRead;
use tracing::{event, span, Level, Subscriber};
use tracing_subscriber::{layer::Context, prelude::*, EnvFilter, Layer};

thread_local!(static SEEN: Cell<bool> = const { Cell::new(false) });

struct Watch;
impl<S: Subscriber> Layer<S> for Watch {
    fn on_event(&self, _: &tracing::Event<'_>, _: Context<'_, S>) {
        SEEN.with(|s| s.set(true));
    }
}

fn seen(f: impl Fn()) -> bool {
    SEEN.with(|s| s.set(false));
    f();
    SEEN.with(|s| s.get())
}

macro_rules! greatest {
    ($target:literal $(, $k:ident = $v:expr)*) => {{
        let mut level = 0;
        if seen(|| event!(target: $target, Level::ERROR, $($k = $v,)* "m")) { level = 1 }
        if seen(|| event!(target: $target, Level::WARN, $($k = $v,)* "m")) { level = 2 }
        if seen(|| event!(target: $target, Level::INFO, $($k = $v,)* "m")) { level = 3 }
        if seen(|| event!(target: $target, Level::DEBUG, $($k = $v,)* "m")) { level = 4 }
        if seen(|| event!(target: $target, Level::TRACE, $($k = $v,)* "m")) { level = 5 }
        level
    }};
}

fn inside(span: tracing::Span) -> String {
    let on = !span.is_disabled();
    let _in = span.enter();
    format!(" {}{}{}", on as u8, greatest!("app::queue"), greatest!("other"))
}

macro_rules! spans {
    ($out:ident, $target:literal, $name:literal, $level:expr) => {
        $out += &inside(span!(target: $target, $level, $name));
        for tid in ["t1", "t12", "5"] {
            $out += &inside(span!(target: $target, $level, $name, tid = tid));
        }
        for n in [5u64, u64::MAX] {
            $out += &inside(span!(target: $target, $level, $name, n = n));
        }
        for n in [5i64, -5] {
            $out += &inside(span!(target: $target, $level, $name, n = n));
        }
        for n in [5f64, 0.25, f64::NAN] {
            $out += &inside(span!(target: $target, $level, $name, n = n));
        }
        for n in [true, false] {
            $out += &inside(span!(target: $target, $level, $name, n = n));
        }
        $out += &inside(span!(target: $target, $level, $name, tid = "t1", n = 5u64));
    };
}

fn judge() -> String {
    let mut out = String::new();
    macro_rules! outside {
        ($($target:literal)*) => {$(
            out += &format!("{}{}{}", greatest!($target), greatest!($target, tid = "t1"), greatest!($target, tid = "t1", n = 5));
        )*};
    }
    outside!("app" "app::queue" "application" "other");
    macro_rules! all {
        ($($target:literal)*) => {$(
            spans!(out, $target, "invoke", Level::INFO);
            spans!(out, $target, "invoke", Level::TRACE);
            spans!(out, $target, "run", Level::INFO);
            spans!(out, $target, "run", Level::TRACE);
        )*};
    }
    all!("app" "other");
    out
}

fn main() {
    for line in std::io::stdin().lock().lines() {
        let text = line.unwrap();
        let answer = match EnvFilter::builder().parse(&text) {
            Err(_) => "error".to_string(),
            Ok(filter) => tracing::subscriber::with_default(tracing_subscriber::registry().with(filter).with(Watch), judge),
        };
        println!("{text}\t{answer}");
    }
}
