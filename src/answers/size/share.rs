//! A total of connections, shared by the pools of several apps.

use crate::answers::check;
use crate::experiment::Problem;
use crate::simulation::blueprint::{AppSpec, Blueprint};

/// The value of each path so that all workers' pools together have no more than `total` connections.
///
/// Each app gets what it has in use on average, and of the rest a part in proportion to the square root of that: so many
/// connections more make the same wait rare in a large pool as in a small one (square-root staffing).
pub fn of(total: u64, paths: &[String], blueprint: &Blueprint) -> Result<Vec<(String, u64)>, Problem> {
    let apps: Vec<&AppSpec> = paths.iter().map(|path| app(path, blueprint)).collect::<Result<_, _>>()?;
    let workers: Vec<u64> = apps.iter().map(|app| u64::from(app.workers)).collect();
    let least: u64 = workers.iter().sum();
    if total < least {
        let title = format!("{total} connections are fewer than one for each of {least} workers");
        return Err(Problem::nowhere(title).help(format!("begin the range at {least} or more")));
    }
    let needs: Vec<f64> = apps.iter().map(|app| check::in_use(blueprint, app).unwrap_or(f64::from(app.workers)).max(0.01)).collect();
    Ok(paths.iter().cloned().zip(share(total, &workers, &needs)).collect())
}

/// Connections for each worker of each app.
fn share(total: u64, workers: &[u64], needs: &[f64]) -> Vec<u64> {
    let (busy, roots) = (needs.iter().sum::<f64>(), needs.iter().map(|need| need.sqrt()).sum::<f64>());
    let spare = total as f64 - busy;
    let wished = |need: f64| if spare > 0.0 { need + spare * need.sqrt() / roots } else { total as f64 * need / busy };
    let wished: Vec<f64> = workers.iter().zip(needs).map(|(workers, need)| wished(*need) / *workers as f64).collect();
    let mut sizes: Vec<u64> = wished.iter().map(|size| (*size as u64).max(1)).collect();
    let all = |sizes: &[u64]| sizes.iter().zip(workers).map(|(size, workers)| size * workers).sum::<u64>();
    // One for each worker may be more than an app's part: the others give.
    while all(&sizes) > total {
        let largest = (0..sizes.len()).filter(|at| sizes[*at] > 1).max_by_key(|at| sizes[*at]).expect("one for each worker fits");
        sizes[largest] -= 1;
    }
    // What rounding has left goes to whom it took the most from.
    let lacks = |sizes: &[u64], at: usize| wished[at] - sizes[at] as f64;
    while let Some(next) =
        (0..sizes.len()).filter(|at| all(&sizes) + workers[*at] <= total).max_by(|a, b| lacks(&sizes, *a).total_cmp(&lacks(&sizes, *b)))
    {
        sizes[next] += 1;
    }
    sizes
}

fn app<'a>(path: &str, blueprint: &'a Blueprint) -> Result<&'a AppSpec, Problem> {
    let name = path.strip_prefix("apps.").and_then(|rest| rest.split_once(".pool.")).map(|(name, _)| name);
    name.and_then(|name| blueprint.apps.iter().find(|app| app.name == name)).ok_or_else(|| {
        let title = format!("`{path}` is not the size of an app's pool, so it cannot share a total");
        Problem::nowhere(title).help("write apps.api.pool.pool_size+apps.jobs.pool.pool_size=10..100")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_is_used_up_and_never_overdrawn() {
        for total in 5..200 {
            let sizes = share(total, &[4, 1], &[12.0, 0.5]);
            let used = sizes[0] * 4 + sizes[1];
            assert!(used <= total && total - used < 1 && sizes.iter().all(|size| *size > 0), "{total}: {sizes:?}");
        }
    }

    #[test]
    fn the_busy_app_gets_more_and_the_small_one_relatively_more_of_the_spare() {
        let sizes = share(100, &[1, 1], &[36.0, 4.0]);
        assert_eq!(sizes, [81, 19], "36 and 4 in use, and of the 60 that are spare three quarters and one quarter");
        assert_eq!(share(20, &[1, 1], &[36.0, 4.0]), [18, 2], "too little for both: in proportion");
    }
}
