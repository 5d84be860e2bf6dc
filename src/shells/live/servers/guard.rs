//! Whatever ends poolcast (a panic, Ctrl-C, `kill -9`), its servers end too.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::shells::cli::Failure;

/// A small shell that waits for the end of a pipe which only poolcast holds, and then clears up.
pub struct Guard {
    shell: Child,
    pipe: Option<ChildStdin>,
}

/// Ends the servers whose pid files lie in the directory $1, and removes it. It belongs to a process group of its own and
/// is deaf to what a terminal sends, so it outlives a Ctrl-C.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
read -r _
for file in "$1"/postgres/postmaster.pid "$1"/pgbouncer.pid; do
    [ -r "$file" ] || continue
    read -r pid <"$file" || continue
    case $file in *postmaster.pid) kill -QUIT "$pid" ;; *) kill -KILL "$pid" ;; esac
    for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$pid" || break; sleep 0.1; done
    kill -KILL "$pid"
done 2>/dev/null
# Somebody who was in the middle of writing there may have come between.
for _ in 1 2 3 4 5 6 7 8 9 10; do rm -rf "$1" 2>/dev/null && break; sleep 0.2; done
"#;

impl Guard {
    /// A guard over the servers in this directory.
    pub fn over(directory: &Path) -> Result<Guard, Failure> {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(SCRIPT).arg("poolcast-guard").arg(directory).process_group(0).current_dir("/");
        let started = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut shell = started.map_err(|error| Failure::Outside(format!("cannot start /bin/sh: {error}")))?;
        let pipe = shell.stdin.take();
        Ok(Guard { shell, pipe })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.pipe.take());
        let _ = self.shell.wait();
    }
}
