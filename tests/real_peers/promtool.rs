//! Prometheus' own reader on what `--format prometheus` prints.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::probe::binary;

#[test]
#[ignore = "needs Debian's prometheus, unpacked by .ci/unpack-peers"]
fn promtool_reads_the_metrics_and_has_no_complaint() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = std::env::var_os("SMTP_PREFLIGHT_PEERS").map_or_else(|| here.join("target/real-peers"), PathBuf::from);
    for evidence in ["agree.json", "no-ptr.json"] {
        let saved = here.join("fixtures/evidence").join(evidence);
        let mut printed = Command::new(binary())
            .args(["check", "--format", "prometheus", "--replay"])
            .arg(saved)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let metrics = printed.stdout.take().unwrap();
        let read = Command::new(folder.join("root/usr/bin/promtool"))
            .args(["check", "metrics"])
            .stdin(metrics)
            .output()
            .unwrap();
        printed.wait().unwrap();
        let said = [read.stderr, read.stdout].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(read.status.success() && said.is_empty(), "{evidence}: {said}");
    }
}
