// SPDX-License-Identifier: Apache-2.0
//! Rust tracing as Iluvatar uses it, but without loss: JSON layer, EnvFilter, tracing-appender's thread and a queue that
//! blocks. The same programs and output as ../logger.h; "lines" ends when the guard of the thread has been dropped.
use std::fs::File;
use std::io::Read;
use std::time::Instant;
use tracing::info;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{fmt, layer::SubscriberExt, util::SubscriberInitExt, EnvFilter, Layer};

const TID: &str = "9f0c0000000000000000000000000001";

fn open(path: &str) -> WorkerGuard {
    let _ = std::fs::remove_file(path);
    let file = File::create(path).expect("file");
    let (writer, guard) = NonBlockingBuilder::default().lossy(false).finish(file);
    let layer: Vec<Box<dyn Layer<_> + Send + Sync>> =
        vec![fmt::layer().json().with_span_list(false).with_thread_names(true).with_writer(writer).boxed()];
    tracing_subscriber::registry().with(layer).with(EnvFilter::new("info")).init();
    guard
}

fn span() -> tracing::Span {
    tracing::info_span!(target: "worker::queue", "invoke", fqdn = "hello-3-0.0.1", tid = TID)
}

fn line(i: u64) {
    info!(target: "worker::queue", tid = TID, fqdn = "hello-3-0.0.1", insert_time = "2026-11-22 20:37:51.809164705",
          queue_len = i % 97, est = (i % 1000) as f64 / 1000.0, warm = i & 1 == 1, "Item starting to execute");
}

fn call(i: u64) {
    info!(target: "worker::queue", tid = TID, queue_len = i, n = 77, est = 0.25, warm = i & 1 == 1, "Item starting to execute");
}

#[inline(never)]
#[no_mangle]
pub extern "C" fn logger_counted(i: u64) {
    call(i)
}

fn cpu() -> f64 {
    let mut u: libc::rusage = unsafe { std::mem::zeroed() };
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut u) };
    (u.ru_utime.tv_sec + u.ru_stime.tv_sec) as f64 + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) as f64 * 1e-6
}

fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).map(|l| l.trim().trim_end_matches(" kB").to_string());
    kib.and_then(|k| k.parse::<u64>().ok()).unwrap_or(0) * 1024
}

fn lines(path: &str, threads: u64, n: u64) {
    let guard = open(path);
    let (begin, used) = (Instant::now(), cpu());
    let all: Vec<_> = (0..threads)
        .map(|_| {
            std::thread::spawn(move || {
                let span = span();
                let _entered = span.enter();
                (0..n / threads).for_each(line);
            })
        })
        .collect();
    for t in all {
        t.join().expect("thread");
    }
    drop(guard);
    let (wall, used) = (begin.elapsed().as_secs_f64(), cpu() - used);
    let (mut bytes, mut count, mut block) = (0, 0, vec![0u8; 1 << 18]);
    let mut file = File::open(path).expect("file");
    let peak = memory();
    loop {
        let got = file.read(&mut block).expect("read");
        if got == 0 {
            break;
        }
        bytes += got;
        count += block[..got].iter().filter(|b| **b == b'\n').count();
    }
    println!("{} {} {} {} {}", n as f64 / wall, used * 1e6 / n as f64, peak, bytes, count);
}

fn ticks() -> u64 {
    #[cfg(target_arch = "x86_64")]
    return unsafe { core::arch::x86_64::_rdtsc() };
    #[cfg(not(target_arch = "x86_64"))]
    return BEGIN.get_or_init(Instant::now).elapsed().as_nanos() as u64;
}

#[cfg(not(target_arch = "x86_64"))]
static BEGIN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();

fn ns_per_tick() -> f64 {
    let (begin, first) = (Instant::now(), ticks());
    while begin.elapsed().as_millis() < 50 {}
    begin.elapsed().as_nanos() as f64 / (ticks() - first) as f64
}

fn calls(path: &str, n: usize, paced: bool) {
    let ns = ns_per_tick();
    let guard = open(path);
    let mut t: Vec<u64> = (0..n as u64).collect();
    {
        let span = span();
        let _entered = span.enter();
        let pause = if paced { (10_000.0 / ns) as u64 } else { 0 };
        (0..1000).for_each(call);
        std::thread::sleep(std::time::Duration::from_millis(100));
        let mut next = ticks();
        for i in 0..n {
            while pause > 0 && ticks() < next {}
            next += pause;
            let begin = ticks();
            call(i as u64);
            t[i] = ticks() - begin;
        }
    }
    drop(guard);
    t.sort_unstable();
    let at: Vec<_> = [0.5, 0.9, 0.99, 0.999, 1.0].iter().map(|s| t[(s * (n - 1) as f64) as usize] as f64 * ns).collect();
    println!("{} {} {} {} {}", at[0], at[1], at[2], at[3], at[4]);
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let number = |i: usize| args.get(i).and_then(|a| a.parse::<u64>().ok()).expect("number");
    match args[1].as_str() {
        "lines" => lines(&args[2], number(3), number(4)),
        "count" => {
            let _guard = open(&args[2]);
            let span = span();
            let _entered = span.enter();
            (0..1000).for_each(call);
            (0..number(3)).for_each(|i| logger_counted(i));
            std::process::exit(3); // counted from outside only
        }
        how => calls(&args[2], number(3) as usize, how == "paced"),
    }
}
