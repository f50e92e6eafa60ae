//! A Prometheus server on a temporary directory, and questions to it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http::Method;
use serde_json::Value;
use tempfile::TempDir;
use testkit::{Problem, exchange};

use crate::agents::Sums;

/// How long something that must happen may take.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// A running server; ended, and its files removed, when dropped.
pub(crate) struct Prometheus {
    child: Child,
    address: String,
    _home: TempDir,
}

impl Prometheus {
    /// Starts it on a free port, scraping these addresses every second.
    pub(crate) fn start(program: &str, targets: &[String]) -> Result<Prometheus, Problem> {
        let home = tempfile::tempdir()?;
        let file = home.path().join("prometheus.yml");
        // JSON is YAML.
        let settings = serde_json::json!({
            "global": {"scrape_interval": "1s"},
            "scrape_configs": [
                {"job_name": "agents", "static_configs": [{"targets": targets}]}
            ],
        });
        fs::write(&file, settings.to_string())?;
        let mut child = Command::new(program)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                home.path().join("data").display()
            ))
            .arg("--web.listen-address=127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| Problem::from(error).while_doing(program))?;
        let log = child.stderr.take();
        let mut server = Prometheus {
            child,
            address: String::new(),
            _home: home,
        };
        let (sender, listening) = sync_channel(1);
        // It ends with the process, whose log it reads.
        thread::spawn(move || {
            let (mut address, mut is_ready) = (String::new(), false);
            for line in log.map(BufReader::new).into_iter().flat_map(BufRead::lines) {
                let Ok(line) = line else { return };
                if let Some((_, found)) = line.split_once("msg=\"Listening on\" address=") {
                    found.trim().clone_into(&mut address);
                }
                is_ready |= line.contains("Server is ready to receive web requests");
                if is_ready && !address.is_empty() {
                    // Once is enough; the rest is read so that it can go on writing.
                    let _ = sender.try_send(std::mem::take(&mut address));
                }
            }
        });
        server.address = listening
            .recv_timeout(PATIENCE)
            .map_err(|_| Problem::new(format!("{program} does not say where it listens")))?;
        Ok(server)
    }

    /// The sums that answer a question, by the values of these labels; at a time, or now.
    pub(crate) async fn ask(
        &self,
        question: &str,
        labels: &[&str],
        at: Option<f64>,
    ) -> Result<Sums, Problem> {
        let mut url = url::Url::parse(&format!("http://{}/api/v1/query", self.address))
            .map_err(|error| Problem::new(error.to_string()))?;
        url.query_pairs_mut().append_pair("query", question);
        if let Some(at) = at {
            url.query_pairs_mut().append_pair("time", &at.to_string());
        }
        let answer = exchange(Method::GET, url.as_str(), &[], "").await?.json()?;
        let series = answer["data"]["result"].as_array();
        let series = series
            .filter(|_| answer["status"] == "success")
            .ok_or_else(|| Problem::new(format!("{question}: {answer}")))?;
        let sum = |series: &Value| {
            let text = |label: &&str| {
                series["metric"][label]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            };
            let value = series["value"][1]
                .as_str()
                .and_then(|value| value.parse().ok());
            let value = value.ok_or_else(|| Problem::new(format!("{question}: {series}")))?;
            Ok((labels.iter().map(text).collect(), value))
        };
        series.iter().map(sum).collect()
    }

    /// Waits until every one of so many targets was scraped, well, after this moment; gives the time.
    pub(crate) async fn scraped_all(&self, targets: usize) -> Result<f64, Problem> {
        // Prometheus moves the times of scrapes by 2 ms at most, so that they are evenly spaced.
        let asked = now() + 0.01;
        let begun = Instant::now();
        loop {
            // `timestamp` of anything but plain series is the time of the question.
            let fresh = format!("count((timestamp(up) > {asked}) and (up == 1))");
            let count = self.ask(&fresh, &[], None).await?;
            if count.values().sum::<f64>() == targets as f64 {
                return Ok(now());
            }
            if begun.elapsed() > PATIENCE {
                let said = self.ask("up", &["instance"], None).await?;
                return Err(Problem::new(format!(
                    "not all targets are scraped: {said:?}"
                )));
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

/// Seconds since the Unix epoch.
fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
