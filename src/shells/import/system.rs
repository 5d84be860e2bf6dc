//! All that the files say, put together into one system and written down.

use super::draft::{Draft, Field, Origin, one_line};
use super::found::Found;
use super::includes::{Files, beside};
use super::load::{self, Load, rounded};
use super::pgbouncer::{self, Proxy};
use super::services::{Role, Service};
use super::settings::{self, Address};
use super::{Given, Imported, Text, command, compose, conf, dotenv, ini, kubernetes, postgres};
use crate::experiment::Problem;

/// What the readers found.
struct System {
    apps: Vec<App>,
    proxy: Option<Proxy>,
    database: Vec<Field>,
    cpus: Option<Found>,
    load: Load,
    /// Whether the parts run on several machines.
    spread: bool,
    decided: Vec<String>,
}

/// An application.
struct App {
    name: String,
    env: Vec<Found>,
    service: Service,
}

/// Reads all files and writes the experiment.
pub fn translate(given: &Given, files: &Files) -> Result<Imported, Problem> {
    let variables: Vec<Found> = given.env.iter().flat_map(|file| dotenv::read(&file.name, &file.text)).collect();
    let mut decided = Vec::new();
    let services = services(given, &variables, files, &mut decided)?;
    let apps = apps(&services, &variables, &mut decided);
    let address = apps.iter().find_map(|app| settings::address(&app.env)).map(|(address, _)| address);
    let load = measured(given, address.as_ref()).map_err(Problem::nowhere)?;
    let system = System {
        proxy: proxy(given, &services, address.as_ref(), files, &mut decided),
        database: database(given, &services, &apps, files, &mut decided),
        cpus: services.iter().find(|service| service.role() == Role::Postgres).and_then(|service| service.cpus.clone()),
        spread: !given.kubernetes.is_empty() || given.compose.is_empty(),
        apps,
        load,
        decided,
    };
    Ok(system.write(given))
}

fn services(given: &Given, variables: &[Found], files: &Files, decided: &mut Vec<String>) -> Result<Vec<Service>, Problem> {
    let mut services: Vec<Service> = Vec::new();
    for file in &given.compose {
        // As docker does: the .env beside the file fills its variables in, unless another one is named.
        let path = beside(&file.name, ".env");
        let own =
            if variables.is_empty() { (files.read)(&path).map(|text| dotenv::read(&path, &text)).unwrap_or_default() } else { Vec::new() };
        let variables = if own.is_empty() { variables } else { &own };
        for service in compose::services(&file.name, &file.text, variables, files)? {
            match services.iter_mut().find(|known| known.name == service.name) {
                Some(known) => over(known, service),
                None => services.push(service),
            }
        }
    }
    for file in &given.kubernetes {
        let (found, more) = kubernetes::services(&file.name, &file.text)?;
        services.extend(found);
        decided.extend(more);
    }
    Ok(services)
}

/// Lays an override over a service of the same name.
fn over(known: &mut Service, service: Service) {
    if !service.image.is_empty() {
        known.image = service.image;
    }
    known.env.extend(service.env);
    known.command = service.command.or(known.command.take());
    known.replicas = service.replicas.or(known.replicas.take());
    known.surge = service.surge.or(known.surge.take());
    known.cpus = service.cpus.or(known.cpus.take());
}

fn apps(services: &[Service], variables: &[Found], decided: &mut Vec<String>) -> Vec<App> {
    let mut apps: Vec<App> = Vec::new();
    for service in services.iter().filter(|service| service.role() == Role::App) {
        // What a service says itself counts more than a .env file that was given for all.
        let env: Vec<Found> = variables.iter().chain(&service.env).cloned().collect();
        let mut name: String = service.name.chars().map(|c| if c.is_alphanumeric() || "-_".contains(c) { c } else { '-' }).collect();
        while name.is_empty() || apps.iter().any(|app| app.name == name) {
            name.push('x');
        }
        apps.push(App { name, env, service: service.clone() });
    }
    if apps.is_empty() {
        if !services.is_empty() {
            decided.push("no service looks like an application (a pool's variables, a server's command): one is assumed".to_owned());
        }
        apps.push(App { name: "api".to_owned(), env: variables.to_vec(), service: Service::default() });
    }
    apps
}

fn proxy(given: &Given, services: &[Service], address: Option<&Address>, files: &Files, decided: &mut Vec<String>) -> Option<Proxy> {
    let proxy = match (&given.pgbouncer, services.iter().find(|service| service.role() == Role::PgBouncer)) {
        (Some(Text { name, text }), _) => {
            let (lines, missing) = ini::read(name, text, files);
            decided.extend(missing);
            pgbouncer::of_ini(&lines, address)
        }
        (None, Some(service)) => pgbouncer::of_variables(&service.env, service.declared.clone()),
        (None, None) => return None,
    };
    decided.extend(proxy.decided.iter().cloned());
    Some(proxy)
}

fn database(given: &Given, services: &[Service], apps: &[App], files: &Files, decided: &mut Vec<String>) -> Vec<Field> {
    let mut settings: Vec<Found> = Vec::new();
    if let Some(Text { name, text }) = &given.postgres {
        let (found, missing) = conf::read(name, text, files);
        settings.extend(found);
        decided.extend(missing);
    }
    // A server's command line counts more than its file.
    let command = services.iter().find(|service| service.role() == Role::Postgres).and_then(|service| service.command.as_ref());
    settings.extend(command.map(postgres::of_command).unwrap_or_default());
    let mut fields = postgres::fields(&settings, decided);
    if let Some(field) = apps.iter().find_map(|app| settings::statement_timeout(&app.env, decided)) {
        fields.retain(|known| known.name != field.name);
        fields.push(field);
    }
    fields
}

/// What was measured: the surest source of each part first.
fn measured(given: &Given, address: Option<&Address>) -> Result<Load, String> {
    let database = address.map_or("", |address| &*address.database);
    let read = |text: &Option<Text>, reader: &dyn Fn(&Text) -> Result<Load, String>| text.as_ref().map_or(Ok(Load::default()), reader);
    let log = read(&given.access_log, &|file| load::access_log::read(&file.name, &file.text))?;
    let statements = read(&given.stat_statements, &|file| load::stat_statements::read(&file.name, &file.text, given.over))?;
    let stats = read(&given.show_stats, &|file| load::show_stats::stats(&file.name, &file.text, database))?;
    let pools = read(&given.show_pools, &|file| load::show_stats::pools(&file.name, &file.text, database))?;
    let bench = read(&given.pgbench, &|file| load::pgbench::read(&file.name, &file.text))?;
    Ok(log.or(statements).or(stats).or(bench).or(pools))
}

impl System {
    fn write(self, given: &Given) -> Imported {
        let mut draft = Draft::default();
        draft.guesses.extend(self.decided.iter().chain(&self.load.decided).cloned());
        let surge = self.write_system(&mut draft);
        let names = names(given);
        let mut text = format!("// Imported by poolcast from {}.\n", one_line(&names.join(", ")));
        text += "// Each value bears the file and line that it comes from. What no file says:\n";
        for guess in &draft.guesses {
            text += &format!("// - {}\n", one_line(guess));
        }
        let question = format!("How do the connections of {} fare under this load?", names.first().map_or("this system", |name| name));
        text += &format!("Experiment(\n    question: {:?},\n", one_line(&question));
        text += draft.text();
        text += "    duration: \"5min\",\n    replications: 10,\n    seed: 1,\n)\n";
        Imported { text, origins: draft.origins, guesses: draft.guesses, surge }
    }

    fn write_system(&self, draft: &mut Draft) -> Option<u64> {
        draft.indent();
        draft.open("", "system: System(");
        self.write_workload(draft);
        draft.open("apps", "apps: [");
        let surges: Vec<Option<u64>> = self.apps.iter().map(|app| self.write_app(app, draft)).collect();
        draft.close("],");
        self.write_proxy(draft);
        self.write_database(draft);
        self.write_network(draft);
        draft.close("),");
        surges.into_iter().flatten().max()
    }

    fn write_workload(&self, draft: &mut Draft) {
        draft.open("workload", "workload: [");
        for (index, app) in self.apps.iter().enumerate() {
            let name = if index == 0 { "requests".to_owned() } else { format!("requests-of-{}", app.name) };
            draft.open(&name, "Stream(");
            draft.field("name", format!("{name:?}"), Origin::Plain);
            draft.field("app", format!("{:?}", app.name), Origin::Plain);
            let rate = self.write_arrivals(index, draft);
            self.write_steps(rate, draft);
            draft.close("),");
        }
        draft.close("],");
    }

    /// The requests a second of an app, if they were measured.
    fn write_arrivals(&self, index: usize, draft: &mut Draft) -> Option<f64> {
        let shares = self.apps.len() as f64;
        match (&self.load.rate, self.load.statements) {
            (Some((rate, found)), _) => {
                let share = rounded(rate / shares).max(0.001);
                let words = if shares > 1.0 { format!("{}: an equal share of {rate}/s", found.key) } else { found.key.clone() };
                draft.field("arrivals", format!("Poisson(rate: {share})"), Origin::Worked(words, found));
                Some(share)
            }
            (None, Some(statements)) => {
                let share = rounded(statements / shares).max(0.001);
                draft.field(
                    "arrivals",
                    format!("Poisson(rate: {share})"),
                    Origin::Guess("each statement is taken for a request".to_owned()),
                );
                Some(share)
            }
            (None, None) if index == 0 => {
                draft.field(
                    "arrivals",
                    "Poisson(rate: 100)",
                    Origin::Guess("100 requests a second, as nobody measured it: --access-log, --show-stats or --pgbench would".to_owned()),
                );
                None
            }
            (None, None) => {
                draft.field(
                    "arrivals",
                    "Poisson(rate: 10)",
                    Origin::Guess("10 requests a second, a tenth of the first application's".to_owned()),
                );
                None
            }
        }
    }

    fn write_steps(&self, rate: Option<f64>, draft: &mut Draft) {
        match &self.load.steps {
            Some((steps, found)) => {
                draft.line(&format!("// {}", one_line(&format!("{}: {}", found.place.source.name, found.key))));
                draft.line("steps: [Session([");
                let each = self.load.statements.zip(rate).map_or(1.0, |(all, rate)| all / self.apps.len() as f64 / rate);
                let repeated = self.load.rate.is_some() && each >= 1.5;
                if repeated {
                    draft.guesses.push(format!("each request has {} statements: those a second over requests a second", each.round()));
                    draft.line(&format!("    Repeat({}, [", each.round().min(10_000.0)));
                }
                let indent = if repeated { "        " } else { "    " };
                for step in steps {
                    draft.line(&format!("{indent}{step}"));
                }
                if repeated {
                    draft.line("    ]),");
                }
                draft.line("])],");
            }
            None => {
                let steps = r#"[Session([Query(LogNormal(mean: "5ms", cv: 1.0)), Query(LogNormal(mean: "5ms", cv: 1.0))])]"#;
                let why =
                    "two statements of 5 ms for each request, as nobody measured it: --stat-statements or --show-stats would".to_owned();
                draft.field("steps", steps, Origin::Guess(why));
            }
        }
    }

    /// Writes an app; how many workers more there are while it is rolled out.
    fn write_app(&self, app: &App, draft: &mut Draft) -> Option<u64> {
        draft.open(&app.name, "App(");
        if let Some(declared) = &app.service.declared {
            draft.origin("", declared);
        }
        draft.field("name", format!("{:?}", app.name), Origin::Plain);
        let said = app.service.command.as_ref().map(|found| command::read(&found.value, &app.env)).unwrap_or_default();
        let processes = write_workers(app, &said, draft);
        if let (Some((at_once, why)), Some(found)) = (&said.at_once, &app.service.command) {
            draft.field("concurrency", at_once, Origin::Worked(format!("{}: {why}", found.at()), found));
        }
        write_driver(app, draft);
        write_pool(app, draft);
        draft.close("),");
        app.service.surge.as_ref().map(|(copies, _)| u64::from(*copies) * u64::from(processes))
    }

    fn write_proxy(&self, draft: &mut Draft) {
        let Some(proxy) = &self.proxy else {
            draft.field("proxy", "Direct", Origin::Plain);
            return;
        };
        draft.open("proxy", "proxy: PgBouncer(");
        if let Some(declared) = &proxy.declared {
            draft.origin("", declared);
        }
        let seen = self.load.pool_mode.as_ref().filter(|_| proxy.fields.iter().all(|field| field.name != "pool_mode"));
        if let Some((found, mode)) = seen.and_then(|found| Some((found, pgbouncer::mode(&found.value)?))) {
            draft.field("pool_mode", mode, Origin::Found(found));
        }
        if proxy.fields.iter().all(|field| field.name != "default_pool_size") {
            draft.line("// default_pool_size is left at PgBouncer's default, 20: no file sets it");
        }
        draft.fields(&proxy.fields);
        draft.close("),");
    }

    fn write_database(&self, draft: &mut Draft) {
        draft.open("database", "database: Postgres(");
        draft.fields(&self.database);
        if self.database.iter().all(|field| field.name != "max_connections") {
            draft.guesses.push("database.max_connections: 100, PostgreSQL's default; a managed service sets another".to_owned());
        }
        let cores = |cores: u32| format!("Sharing(cores: {cores}, sigma: 0.03, kappa: 0.0001)");
        match self.cpus.as_ref().and_then(|found| Some((found, whole_cores(&found.value)?))) {
            Some((found, number)) => draft.field("service", cores(number), Origin::Found(found)),
            None => draft.field("service", cores(8), Origin::Guess("8 cores, as no file says how many the database has".to_owned())),
        }
        draft.close("),");
    }

    fn write_network(&self, draft: &mut Draft) {
        let (trip, why) = if self.spread {
            ("250us", "250 us for each round trip, as within one availability zone")
        } else {
            ("50us", "50 us for each round trip, as on one machine")
        };
        let network = format!(r#"Network(app: Constant("{trip}"), proxy: Constant("{trip}"))"#);
        draft.field("network", network, Origin::Guess(why.to_owned()));
    }
}

/// Workers are copies times processes; how many processes each copy has.
fn write_workers(app: &App, said: &command::Said, draft: &mut Draft) -> u32 {
    let command = app.service.command.as_ref().zip(said.processes.as_ref());
    let variable = settings::workers(&app.env).and_then(|found| Some((found, found.whole().filter(|number| *number > 0)?)));
    let (processes, words, place) = match (command, variable) {
        (Some((found, (number, option))), _) => (*number, format!("{}: {option}", found.at()), Some(found.part(option))),
        (None, Some((found, number))) => (number, found.origin(), Some(found.clone())),
        (None, None) => (1, "1 process".to_owned(), None),
    };
    let replicas = app.service.replicas.as_ref().and_then(|found| Some((found, found.whole()?)));
    let most = |number: u64| number.clamp(1, 100_000);
    match (replicas, place) {
        (Some((found, copies)), place) => {
            let workers = most(u64::from(copies) * u64::from(processes));
            draft.field(
                "workers",
                workers,
                Origin::Worked(format!("{copies} replicas ({}) × {processes} ({words})", found.at()), place.as_ref().unwrap_or(found)),
            );
        }
        (None, Some(place)) => draft.field("workers", most(u64::from(processes)), Origin::Worked(words, &place)),
        (None, None) => {
            let why = "1, as no file says how many processes there are: WEB_CONCURRENCY or a command's --workers would".to_owned();
            draft.field("workers", 1, Origin::Guess(why));
        }
    }
    processes
}

fn write_driver(app: &App, draft: &mut Draft) {
    let Some((address, found)) = settings::address(&app.env) else { return };
    let driver = match address.driver.as_str() {
        "asyncpg" => "Asyncpg",
        "psycopg" | "psycopg_async" | "psycopg2" => "Psycopg",
        _ => return,
    };
    draft.field("driver", driver, Origin::Found(found));
}

fn write_pool(app: &App, draft: &mut Draft) {
    let mut decided = Vec::new();
    let pool = settings::pool(&app.env, &mut decided);
    draft.guesses.extend(decided);
    draft.open("pool", &format!("pool: {}(", pool.kind));
    if let Some(field) = pool.fields.first() {
        draft.origin("", &field.found);
    }
    if pool.fields.is_empty() {
        draft.guesses.push(format!("the pool of {} has SQLAlchemy's defaults: no file says anything of it", app.name));
    }
    draft.fields(&pool.fields);
    draft.close("),");
}

/// "4", "2.5", "1500m": whole cores, at least one.
fn whole_cores(text: &str) -> Option<u32> {
    let cores = match text.trim().strip_suffix('m') {
        Some(millis) => millis.parse::<f64>().ok()? / 1e3,
        None => text.trim().parse::<f64>().ok()?,
    };
    (cores > 0.0 && cores <= 4096.0).then(|| (cores.round() as u32).max(1))
}

/// The names of all files, what says most first.
fn names(given: &Given) -> Vec<String> {
    let several = given.compose.iter().chain(&given.kubernetes).chain(&given.env);
    let single = [
        &given.pgbouncer,
        &given.postgres,
        &given.stat_statements,
        &given.show_stats,
        &given.show_pools,
        &given.pgbench,
        &given.access_log,
    ];
    several.chain(single.into_iter().flatten()).map(|file| file.name.clone()).collect()
}
