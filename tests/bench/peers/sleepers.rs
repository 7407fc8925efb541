// SPDX-License-Identifier: Apache-2.0
//! sleepers.rs - the sleepers of clock_bench on tokio with paused time: sleepers N WAKEUPS MEAN_S. Prints wakeups and
//! simulated seconds per second. Its timers tick in milliseconds.
use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::LocalSet;

struct Run {
    left: Cell<i64>,
    wakeups: i64,
    mean_s: f64,
    draw: Cell<u64>,
    begun: Cell<Option<(Instant, tokio::time::Instant)>>,
}

impl Run {
    /// xorshift64*, between 0 and twice the mean.
    fn delay(&self) -> Duration {
        let mut x = self.draw.get();
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.draw.set(x);
        let unit = (x.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64;
        Duration::from_secs_f64(unit * 2.0 * self.mean_s)
    }

    fn finish(&self) -> ! {
        let (real, simulated) = self.begun.get().unwrap();
        let took = real.elapsed().as_secs_f64();
        println!("{} {}", self.wakeups as f64 / took, simulated.elapsed().as_secs_f64() / took);
        std::process::exit(0)
    }
}

async fn sleeper(run: Rc<Run>) {
    loop {
        tokio::time::sleep(run.delay()).await;
        run.left.set(run.left.get() - 1);
        if run.left.get() == 0 {
            run.finish();
        }
    }
}

fn main() {
    let arg: Vec<String> = std::env::args().collect();
    let run = Rc::new(Run {
        left: Cell::new(i64::MAX),
        wakeups: arg[2].parse().unwrap(),
        mean_s: arg[3].parse().unwrap(),
        draw: Cell::new(1),
        begun: Cell::new(None),
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();

    LocalSet::new().block_on(&runtime, async {
        for _ in 0..arg[1].parse::<usize>().unwrap() {
            tokio::task::spawn_local(sleeper(run.clone()));
        }
        tokio::time::sleep(Duration::from_secs_f64(2.0 * run.mean_s)).await;
        run.left.set(run.wakeups);
        run.begun.set(Some((Instant::now(), tokio::time::Instant::now())));
        std::future::pending::<()>().await
    })
}
