//! How many processes and how many requests at once the command of an application server asks for.

use super::dotenv::{expanded, last};
use super::found::Found;

/// What a command says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// Processes, and the words that say so.
    pub processes: Option<(u32, String)>,
    /// Requests that one process handles at once, and why; nothing without a limit.
    pub at_once: Option<(u32, String)>,
}

/// Reads a command; `env` has what its variables stand for and what the server reads by itself.
pub fn read(command: &str, env: &[Found]) -> Said {
    let text = expanded(command, &|name| last(env, name));
    // sh -c "gunicorn …" has the command in one word.
    let text = text.replace(['"', '\''], " ");
    let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    let server = |name: &str| words.iter().any(|word| word.rsplit('/').next() == Some(name));
    let gunicorn = server("gunicorn");
    let celery = server("celery");
    if gunicorn {
        let more = last(env, "GUNICORN_CMD_ARGS").unwrap_or_default();
        // What stands in the command counts more than what stands in the environment.
        words.extend(more.split_whitespace().map(str::to_owned));
    }
    let number =
        |names: &[&str]| option(&words, names).and_then(|(value, said)| Some((value.parse::<u32>().ok().filter(|n| *n > 0)?, said)));
    if celery {
        let processes = number(&["-c", "--concurrency"]);
        return Said { processes, at_once: Some((1, "a celery process does one task at a time".to_owned())) };
    }
    let processes = number(&["-w", "--workers", "--processes"]);
    let at_once = if gunicorn { gunicorn_at_once(&words, number(&["--threads"])) } else { number(&["--limit-concurrency"]) };
    Said { processes, at_once }
}

/// gunicorn's `sync` workers do one request at a time, `gthread` one in each thread, asynchronous ones as many as come.
fn gunicorn_at_once(words: &[String], threads: Option<(u32, String)>) -> Option<(u32, String)> {
    let class = option(words, &["-k", "--worker-class"]).map(|(class, _)| class).unwrap_or_else(|| "sync".to_owned());
    match (class.as_str(), threads) {
        ("sync" | "gthread", Some((threads, said))) => Some((threads, said)),
        ("sync", None) => Some((1, "gunicorn's sync workers do one request at a time".to_owned())),
        _ => None,
    }
}

/// The value of an option: `-w 4`, `-w4`, `--workers 4`, `--workers=4`; and how it is written.
fn option(words: &[String], names: &[&str]) -> Option<(String, String)> {
    for (index, word) in words.iter().enumerate() {
        for name in names {
            if word == name {
                return words.get(index + 1).map(|value| (value.clone(), format!("{name} {value}")));
            }
            let short = !name.starts_with("--") && word.starts_with(name);
            let value =
                word.strip_prefix(name).and_then(|rest| if short { Some(rest.trim_start_matches('=')) } else { rest.strip_prefix('=') });
            if let Some(value) = value.filter(|value| !short || value.starts_with(|c: char| c.is_ascii_digit())) {
                return Some((value.to_owned(), word.clone()));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::dotenv;
    use super::*;

    #[test]
    fn servers_say_their_workers_in_many_ways() {
        let env = dotenv::read(".env", "N=6\nGUNICORN_CMD_ARGS=--workers=9 --threads 2\n");
        let processes = |command: &str| read(command, &env).processes.map(|(number, _)| number);
        for (command, number) in [
            ("uvicorn app:app --host 0.0.0.0 --workers 4", Some(4)),
            ("uvicorn app:app --workers=4", Some(4)),
            ("sh -c \"exec gunicorn -w ${N:-2} app\"", Some(6)),
            ("gunicorn -w3 app", Some(3)),
            ("gunicorn app", Some(9)),
            ("uvicorn app:app", None),
            ("celery -A app worker --concurrency=5", Some(5)),
            ("uvicorn app:app --workers", None),
            ("uvicorn app:app --workers zero", None),
        ] {
            assert_eq!(processes(command), number, "{command}");
        }
    }

    #[test]
    fn a_synchronous_worker_does_one_request_at_a_time() {
        let at_once = |command: &str| read(command, &[]).at_once.map(|(number, _)| number);
        assert_eq!(at_once("gunicorn -w 4 app"), Some(1));
        assert_eq!(at_once("gunicorn -w 4 --threads 8 app"), Some(8));
        assert_eq!(at_once("gunicorn -k uvicorn.workers.UvicornWorker app"), None);
        assert_eq!(at_once("uvicorn app:app --limit-concurrency 100"), Some(100));
        assert_eq!(at_once("uvicorn app:app"), None);
    }
}
