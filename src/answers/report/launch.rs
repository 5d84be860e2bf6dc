//! How a sweep is started on a cluster that is already there: a Kubernetes Job, a Slurm array, GNU parallel.

use crate::answers::why::quoted as word;

/// What is to be started.
pub struct Launch {
    /// The experiment's file without directory and ending.
    pub name: String,
    /// The experiment's file.
    pub file: String,
    /// Its text and that of the data files that it names, by their names: a pod has no other files.
    pub texts: Vec<(String, String)>,
    /// `--set …`, `--seed …`, as words of a command line.
    pub options: Vec<String>,
    /// Points of the sweep.
    pub points: usize,
    /// Parts of it.
    pub shards: usize,
    /// Where the results go.
    pub out: String,
    /// The container image, for Kubernetes.
    pub image: String,
    /// The claim of a volume that all pods can write to, for Kubernetes.
    pub claim: String,
}

impl Launch {
    /// A script for GNU parallel: one job for each part, on this machine or on those of `--sshlogin`.
    pub fn parallel(&self) -> String {
        let Launch { points, shards, .. } = self;
        let out = word(&self.out);
        format!(
            "#!/bin/sh\n\
             # {points} points in {shards} parts with GNU parallel. Started again, it goes on where it stopped.\n\
             set -eu\n\
             seq {shards} | parallel --will-cite --halt soon,fail=1 {} --shard {{}}/{shards} --jobs 1 --quiet\n\
             poolcast merge {out} --out {out}\n",
            self.sweep(),
        )
    }

    /// A batch script for Slurm: `sbatch` starts it as an array of jobs.
    pub fn slurm(&self) -> String {
        let Launch { points, shards, .. } = self;
        let (name, out) = (label(&self.name), word(&self.out));
        format!(
            "#!/bin/sh\n\
             # {points} points in {shards} parts as a Slurm array, into a directory that all nodes see:\n\
             #   job=$(sbatch --parsable THIS) && sbatch --dependency=afterok:$job --wrap 'poolcast merge {out} --out {out}'\n\
             # A part that was killed is started again by its number (sbatch --array=7 THIS): it goes on where it stopped.\n\
             #SBATCH --job-name=poolcast-{name}\n\
             #SBATCH --array=0-{}\n\
             #SBATCH --cpus-per-task=1\n\
             set -eu\n\
             {} --shards {shards} --jobs \"$SLURM_CPUS_PER_TASK\" --quiet\n",
            shards - 1,
            self.sweep(),
        )
    }

    /// A Job whose pods each do one part, with the experiment in a ConfigMap and the results on a shared volume.
    pub fn k8s(&self) -> String {
        let Launch { points, shards, image, claim, .. } = self;
        let name = label(&self.name);
        let (keys, items): (String, String) = self
            .texts
            .iter()
            .enumerate()
            .map(|(index, (file, text))| {
                let block: String =
                    text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("    {line}\n") }).collect();
                (format!("  file-{index}: |2\n{block}"), format!("              - {{ key: file-{index}, path: {} }}\n", quoted(file)))
            })
            .unzip();
        let mount = format!("/experiment/{}", self.texts.first().map_or("", |(file, _)| file));
        let command = self.words(&mount, "/results").iter().map(|word| format!("            - {}\n", quoted(word))).collect::<String>();
        format!(
            "# {points} points in {shards} parts: kubectl apply -f THIS. Results are on the volume of claim {claim}, which all pods\n\
             # must be able to write to (ReadWriteMany). When all are done: poolcast merge on that directory.\n\
             apiVersion: v1\n\
             kind: ConfigMap\n\
             metadata:\n  name: poolcast-{name}\n\
             data:\n{keys}\
             ---\n\
             apiVersion: batch/v1\n\
             kind: Job\n\
             metadata:\n  name: poolcast-{name}\n\
             spec:\n\
             \x20 completionMode: Indexed\n\
             \x20 completions: {shards}\n\
             \x20 parallelism: {shards}\n\
             \x20 backoffLimitPerIndex: 3\n\
             \x20 template:\n\
             \x20   spec:\n\
             \x20     restartPolicy: Never\n\
             \x20     containers:\n\
             \x20       - name: poolcast\n\
             \x20         image: {}\n\
             \x20         command:\n{command}\
             \x20         resources:\n\
             \x20           requests: {{ cpu: \"1\" }}\n\
             \x20         volumeMounts:\n\
             \x20           - {{ name: experiment, mountPath: /experiment }}\n\
             \x20           - {{ name: results, mountPath: /results }}\n\
             \x20     volumes:\n\
             \x20       - name: experiment\n\
             \x20         configMap:\n\
             \x20           name: poolcast-{name}\n\
             \x20           items:\n{items}\
             \x20       - name: results\n\
             \x20         persistentVolumeClaim: {{ claimName: {} }}\n",
            quoted(image),
            quoted(claim),
        )
    }

    fn sweep(&self) -> String {
        let words = ["poolcast", "sweep", &self.file, "--out", &self.out].into_iter().chain(self.options.iter().map(String::as_str));
        words.map(word).collect::<Vec<_>>().join(" ")
    }

    fn words(&self, file: &str, out: &str) -> Vec<String> {
        let shards = self.shards.to_string();
        let fixed = ["poolcast", "sweep", file, "--out", out, "--shards", &shards, "--jobs", "1", "--quiet"];
        fixed.into_iter().map(str::to_owned).chain(self.options.iter().cloned()).collect()
    }
}

/// A name as Kubernetes wants it: lower case letters, digits and hyphens.
fn label(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    name.chars().map(plain).collect::<String>().trim_matches('-').chars().take(50).collect()
}

/// A scalar of YAML in double quotes, which JSON's are.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
