//! Which part of a sweep is this machine's: said on the command line, or by the cluster that started it.

/// One of several equal parts of a sweep: every so-many-th point, so that each has some of the expensive ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Counted from 0.
    index: usize,
    of: usize,
}

/// What clusters tell their jobs: the variable with the index, the number that it starts from, and the variables with
/// the total and the step, where there are any.
struct Cluster {
    index: &'static str,
    from: From,
    total: Option<&'static str>,
    step: Option<&'static str>,
}

enum From {
    Number(usize),
    Variable(&'static str),
}

const CLUSTERS: [Cluster; 4] = [
    // Kubernetes, a Job with `completionMode: Indexed`: from 0, the total is not told.
    Cluster { index: "JOB_COMPLETION_INDEX", from: From::Number(0), total: None, step: None },
    // Slurm, `sbatch --array=MIN-MAX:STEP`.
    Cluster {
        index: "SLURM_ARRAY_TASK_ID",
        from: From::Variable("SLURM_ARRAY_TASK_MIN"),
        total: Some("SLURM_ARRAY_TASK_COUNT"),
        step: Some("SLURM_ARRAY_TASK_STEP"),
    },
    // AWS Batch, an array job: from 0.
    Cluster { index: "AWS_BATCH_JOB_ARRAY_INDEX", from: From::Number(0), total: Some("AWS_BATCH_JOB_ARRAY_SIZE"), step: None },
    // GitLab's `parallel:`: from 1.
    Cluster { index: "CI_NODE_INDEX", from: From::Number(1), total: Some("CI_NODE_TOTAL"), step: None },
];

impl Shard {
    /// Reads `i/n`, counted from 1: `3/64`.
    pub fn parse(text: &str) -> Result<Shard, String> {
        let wrong = || format!("expected a part of the sweep such as 1/64 (the first) or 64/64 (the last), found {text}");
        let (index, of) = text.split_once('/').ok_or_else(wrong)?;
        let (index, of): (usize, usize) = (index.parse().map_err(|_| wrong())?, of.parse().map_err(|_| wrong())?);
        if index == 0 || index > of { Err(wrong()) } else { Ok(Shard { index: index - 1, of }) }
    }

    /// The part that the cluster says is this job's, and the variable that said so; nothing outside of a cluster.
    ///
    /// `total` is how many parts there are, where the user said it. Then an array's index counts from 0 whatever part of
    /// the array was started: a single task that is started once more is still the same part.
    pub fn of_environment(get: &dyn Fn(&str) -> Option<String>, total: Option<usize>) -> Result<Option<(Shard, &'static str)>, String> {
        let Some((cluster, index)) = CLUSTERS.iter().find_map(|cluster| Some((cluster, get(cluster.index)?))) else { return Ok(None) };
        let number = |name: &str, text: &str| text.trim().parse::<usize>().map_err(|_| format!("{name} is a number, found {text}"));
        let or = |name: Option<&'static str>, other: usize| match name.and_then(|name| Some((name, get(name)?))) {
            Some((name, text)) => number(name, &text),
            None => Ok(other),
        };
        let index = number(cluster.index, &index)?;
        let (from, of, step) = match (total, cluster.total) {
            (Some(total), _) => (if let From::Number(from) = cluster.from { from } else { 0 }, total, 1),
            (None, Some(variable)) if get(variable).is_some() => {
                let from = match cluster.from {
                    From::Number(from) => from,
                    From::Variable(name) => or(Some(name), 0)?,
                };
                (from, or(Some(variable), 1)?, or(cluster.step, 1)?.max(1))
            }
            _ => return Err(format!("{} says which part this is, but not how many there are", cluster.index)),
        };
        match index.checked_sub(from).map(|index| index / step) {
            Some(index) if index < of => Ok(Some((Shard { index, of }, cluster.index))),
            _ => Err(format!("{} is {}, outside of the {of} parts {from} to {}", cluster.index, index, from + of * step - step)),
        }
    }

    /// Whether point `point` of a plan belongs to it.
    pub fn owns(&self, point: usize) -> bool {
        point % self.of == self.index
    }
}

/// `3/64`, counted from 1.
impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{}/{}", self.index + 1, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(variables: &[(&str, &str)], total: Option<usize>) -> Result<Option<String>, String> {
        let get = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Shard::of_environment(&get, total).map(|found| found.map(|(shard, _)| shard.to_string()))
    }

    #[test]
    fn every_point_belongs_to_exactly_one_part() {
        let shards: Vec<Shard> = (1..=7).map(|index| Shard::parse(&format!("{index}/7")).expect("it is right")).collect();
        assert!((0..100).all(|point| shards.iter().filter(|shard| shard.owns(point)).count() == 1));
        for wrong in ["0/4", "5/4", "4", "a/b", "1/0", ""] {
            assert!(Shard::parse(wrong).is_err_and(|why| why.contains("1/64")), "{wrong}");
        }
    }

    #[test]
    fn clusters_say_which_part_a_job_is() {
        let part = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(said(&[], None), Ok(None));
        assert_eq!(said(&[("JOB_COMPLETION_INDEX", "0")], Some(64)), part("1/64"));
        assert!(said(&[("JOB_COMPLETION_INDEX", "0")], None).is_err_and(|why| why.contains("not how many")));
        let slurm = [("SLURM_ARRAY_TASK_ID", "7"), ("SLURM_ARRAY_TASK_MIN", "5"), ("SLURM_ARRAY_TASK_COUNT", "4")];
        assert_eq!(said(&slurm, None), part("3/4"));
        assert_eq!(said(&[&slurm[..], &[("SLURM_ARRAY_TASK_STEP", "2")]].concat(), None), part("2/4"));
        let again = [("SLURM_ARRAY_TASK_ID", "7"), ("SLURM_ARRAY_TASK_MIN", "7"), ("SLURM_ARRAY_TASK_COUNT", "1")];
        assert_eq!(said(&again, Some(64)), part("8/64"), "one task of 64 that is started once more");
        assert_eq!(said(&[("AWS_BATCH_JOB_ARRAY_INDEX", "3"), ("AWS_BATCH_JOB_ARRAY_SIZE", "4")], None), part("4/4"));
        assert_eq!(said(&[("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "4")], None), part("1/4"));
        assert!(said(&[("CI_NODE_INDEX", "5"), ("CI_NODE_TOTAL", "4")], None).is_err_and(|why| why.contains("outside")));
        assert!(said(&[("CI_NODE_INDEX", "x"), ("CI_NODE_TOTAL", "4")], None).is_err_and(|why| why.contains("a number")));
    }
}
