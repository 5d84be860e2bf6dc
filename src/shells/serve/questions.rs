//! What the page asks. Each question carries the experiment's text, so nothing is kept between two of them.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answers::check::all_endless;
use crate::answers::knobs;
use crate::answers::look::{self, Level, Look};
use crate::answers::report::findings;
use crate::answers::report::html::points::Asked;
use crate::answers::why::quoted;
use crate::experiment::{Experiment, Plan, Problem};
use crate::shells::files::Home;

/// A first look may take so many seconds: with the browser's part the picture is there within 200 ms.
const FIRST_LOOK: f64 = 0.06;
/// Wall-clock seconds that a virtual one may cost, as long as nothing is known.
const GUESS: f64 = 0.005;

/// What was opened when the server started, and the directory that its files are relative to.
#[derive(Clone)]
pub struct Opened {
    /// The file's name.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Where it stands.
    pub home: Arc<Home>,
}

impl Opened {
    /// For the page's beginning.
    pub(super) fn start(&self) -> Value {
        json!({"name": self.name, "text": self.text})
    }
}

/// An experiment, one of its scenarios, and what is different in it.
#[derive(Deserialize)]
pub(super) struct Question {
    name: String,
    text: String,
    scenario: Option<String>,
    /// Paths and values, as a file writes them.
    #[serde(default)]
    values: Vec<(String, String)>,
    /// Which look, from 0; the longest that is quick enough if nothing is said.
    level: Option<usize>,
    /// Wall-clock seconds that a virtual one cost last.
    cost: Option<f64>,
}

/// Something is wrong with the experiment or a value.
pub(super) struct Refused(Problem);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({"problem": self.0.render(false)}))).into_response()
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Refused {
        Refused(problem)
    }
}

type Answer = Result<Json<Value>, Refused>;

/// What can be moved in each scenario.
pub(super) async fn knobs(State(opened): State<Opened>, Json(question): Json<Question>) -> Answer {
    let experiment = question.experiment(&opened)?;
    let names: Vec<Option<&str>> = match experiment.scenarios.as_slice() {
        [] => vec![None],
        scenarios => scenarios.iter().map(|scenario| Some(scenario.name.as_str())).collect(),
    };
    let scenario = |name: &Option<&str>| -> Result<Value, Problem> {
        let plan = experiment.alone(*name).plan(&[], None, None)?;
        Ok(json!({"name": name, "knobs": knobs::knobs(&plan.points[0].blueprint)}))
    };
    let scenarios = names.iter().map(scenario).collect::<Result<Vec<_>, _>>()?;
    let varied: Vec<&str> = experiment.vary.iter().flat_map(|axis| axis.settings.first()).map(|setting| setting.path.as_str()).collect();
    Ok(Json(json!({"question": experiment.question, "scenarios": scenarios, "varied": varied})))
}

/// One look at the system. Whoever no longer waits for it (a newer one is asked for) stops it by hanging up.
pub(super) async fn look(State(opened): State<Opened>, Json(question): Json<Question>) -> Answer {
    let hung_up = Arc::new(AtomicBool::new(false));
    let _guard = Guard(hung_up.clone());
    let seen = tokio::task::spawn_blocking(move || question.look(&opened, &|| !hung_up.load(Ordering::Relaxed))).await;
    // Who hung up does not read the answer.
    Ok(Json(seen.expect("a checked system runs")?.unwrap_or(Value::Null)))
}

/// The text with the values in their places.
pub(super) async fn save(State(opened): State<Opened>, Json(question): Json<Question>) -> Result<Response, Refused> {
    let experiment = question.experiment(&opened)?;
    let text = experiment.edited(question.scenario.as_deref(), &question.values, &|file| opened.home.neighbour(file))?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

/// Is dropped with the question's future, at its end or when the browser hangs up.
struct Guard(Arc<AtomicBool>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Question {
    fn experiment(&self, opened: &Opened) -> Result<Experiment, Problem> {
        Experiment::parse(&self.text, &self.name, &|file| opened.home.neighbour(file))
    }

    fn look(&self, opened: &Opened, goes_on: &(dyn Fn() -> bool + Sync)) -> Result<Option<Value>, Problem> {
        let plan = self.plan(opened)?;
        let experiment = self.experiment(opened)?;
        let levels = look::levels(&plan);
        let level = self.level.unwrap_or_else(|| self.first(&plan, &levels)).min(levels.len() - 1);
        let asked = Asked { command: "serve", reproduce: self.command(), source: &experiment.source, file: &self.name };
        let jobs = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let began = Instant::now();
        let Some(Look { data, words, seconds }) = look::look(&plan, levels[level], &asked, jobs, goes_on) else { return Ok(None) };
        let took = began.elapsed().as_secs_f64();
        // On one thread as a first look has it: more of them are only quicker.
        let cost = took / seconds * if levels[level].replications > 1 { jobs as f64 } else { 1.0 };
        let answer: BTreeMap<&str, Value> = BTreeMap::from([
            ("data", serde_json::from_str(&data.json()).expect("it is JSON")),
            ("words", words.into()),
            ("level", level.into()),
            ("last", (levels.len() - 1).into()),
            ("cost", cost.into()),
            ("took", took.into()),
        ]);
        Ok(Some(json!(answer)))
    }

    fn plan(&self, opened: &Opened) -> Result<Plan, Problem> {
        let experiment = self.experiment(opened)?.alone(self.scenario.as_deref());
        let mut plan = experiment.plan(&self.values, None, None)?;
        plan.load(&|file| opened.home.neighbour(file))?;
        all_endless(&experiment, &plan, &self.values).map_or(Ok(()), |finding| Err(findings::problem(&finding)))?;
        Ok(plan)
    }

    /// The longest look that is quick enough for a first one.
    fn first(&self, plan: &Plan, levels: &[Level]) -> usize {
        let cost = self.cost.unwrap_or(GUESS);
        levels.iter().rposition(|level| level.replications == 1 && look::seconds(plan, *level) * cost <= FIRST_LOOK).unwrap_or(0)
    }

    /// What a terminal would say for the whole of it.
    fn command(&self) -> String {
        let scenario = self.scenario.iter().map(|name| format!(" --scenario {}", quoted(name)));
        let values = self.values.iter().map(|(path, value)| format!(" --set {}", quoted(&format!("{path}={value}"))));
        format!("poolcast run {}{}", quoted(&self.name), scenario.chain(values).collect::<String>())
    }
}
