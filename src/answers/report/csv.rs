//! The figures as CSV: one row for each point, units in the names.

use std::collections::BTreeSet;

use crate::answers::document::{Document, Point, Recovery, Times, Waits, Wave};

/// With a header line. What cannot be said is an empty cell.
pub fn render(document: &Document) -> String {
    let columns = Columns::of(document);
    let mut writer = csv::Writer::from_writer(Vec::new());
    let rows: Vec<Row> = document.points.iter().map(|point| columns.row(point)).collect();
    let header = rows.first().map_or_else(|| columns.row(&Point::default()).0, |row| row.0.clone());
    writer.write_record(header.iter().map(|(name, _)| name)).expect("memory can be written to");
    for row in &rows {
        writer.write_record(row.0.iter().map(|(_, value)| value)).expect("all rows have the same columns");
    }
    String::from_utf8(writer.into_inner().expect("memory can be written to")).expect("it was text")
}

/// The columns that depend on what there is.
#[derive(Default)]
struct Columns {
    paths: Vec<String>,
    errors: BTreeSet<String>,
    pools: Vec<String>,
    streams: Vec<String>,
    objectives: Vec<String>,
    /// Faults of the point that has most of them (those that overlap are one).
    faults: usize,
    /// Places that connects come to in waves.
    waves: Vec<String>,
    /// Whether sessions are nested anywhere.
    deadlocks: bool,
}

/// Names and values, in order.
#[derive(Default)]
struct Row(Vec<(String, String)>);

impl Columns {
    fn of(document: &Document) -> Columns {
        let mut columns = Columns::default();
        for point in &document.points {
            add(&mut columns.paths, point.vary.keys().map(String::as_str));
            add(&mut columns.pools, point.pools.iter().map(|(name, _)| name));
            add(&mut columns.streams, point.streams.iter().map(|(name, _)| name));
            add(&mut columns.objectives, point.objectives.iter().map(|met| met.objective.as_str()));
            columns.faults = columns.faults.max(point.recovery.len());
            add(&mut columns.waves, point.waves.iter().map(|wave| wave.place.as_str()));
            columns.deadlocks |= point.deadlocks.is_some();
            columns.errors.extend(point.requests.errors.keys().cloned());
        }
        columns
    }

    fn row(&self, point: &Point) -> Row {
        let mut row = Row::default();
        row.put("scenario", &point.scenario);
        for path in &self.paths {
            let value = point.vary.get(path).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            row.put(path, value.unwrap_or_default());
        }
        row.put("replications", point.replications);
        row.put("warmup_s", point.warmup);
        row.put("duration_s", point.duration);
        row.put("events", point.events);
        row.put("digest", &point.digest);
        row.put("verdict", &point.verdict);
        self.requests(point, &mut row);
        row.times("latency", &point.latency);
        row.waits("pool_wait", &point.pool_wait);
        row.waits("proxy_wait", &point.proxy_wait);
        self.pools(point, &mut row);
        usage(point, &mut row);
        for name in &self.streams {
            let figures = point.streams.get(name).cloned().unwrap_or_default();
            row.put(&format!("stream_{name}_arrived"), figures.requests.arrived);
            row.put(&format!("stream_{name}_failed"), figures.requests.failed);
            row.times(&format!("stream_{name}_latency"), &figures.latency);
            row.waits(&format!("stream_{name}_pool_wait"), &figures.pool_wait);
        }
        for index in 0..self.faults {
            row.recovery(&format!("fault_{}", index + 1), &point.recovery.get(index).cloned().unwrap_or_default());
        }
        for place in &self.waves {
            row.wave(&format!("waves_{place}"), point.waves.iter().find(|wave| wave.place == *place));
        }
        if self.deadlocks {
            row.deadlocks(point);
        }
        for objective in &self.objectives {
            let met = point.objectives.iter().find(|met| met.objective == *objective);
            row.put(&format!("met: {objective}"), met.map_or(String::new(), |met| met.met.to_string()));
        }
        row
    }

    fn requests(&self, point: &Point, row: &mut Row) {
        let requests = &point.requests;
        row.put("arrived", requests.arrived);
        row.put("completed", requests.completed);
        row.put("failed", requests.failed);
        row.put("unfinished", requests.unfinished);
        row.put("throughput_per_s", requests.throughput);
        row.figure("error_rate", requests.error_rate);
        row.interval("error_rate", "", requests.error_rate_ci95);
        for name in &self.errors {
            row.put(&format!("errors_{name}"), requests.errors.get(name).copied().unwrap_or(0));
        }
    }

    fn pools(&self, point: &Point, row: &mut Row) {
        for name in &self.pools {
            let usage = point.pools.get(name).cloned().unwrap_or_default();
            let mut put = |figure: &str, value: f64| row.put(&format!("pool_{name}_{figure}"), value);
            put("connects", usage.connects as f64);
            put("closes", usage.closes as f64);
            put("in_use_mean", usage.in_use_mean);
            put("in_use_max", usage.in_use_max as f64);
            put("open_max", usage.open_max as f64);
            put("pending_mean", usage.pending_mean);
            put("pending_max", usage.pending_max as f64);
            put("timeouts", usage.timeouts as f64);
        }
    }
}

fn usage(point: &Point, row: &mut Row) {
    row.put("proxy_client_connections_max", point.proxy.client_connections_max);
    row.put("proxy_server_connections_max", point.proxy.server_connections_max);
    row.put("proxy_connects", point.proxy.connects);
    row.put("proxy_waiting_mean", point.proxy.waiting_mean);
    row.put("proxy_waiting_max", point.proxy.waiting_max);
    row.put("database_connections_mean", point.database.connections_mean);
    row.put("database_connections_max", point.database.connections_max);
    row.put("database_connects", point.database.connects);
    row.put("database_refused", point.database.refused);
    row.put("database_active_mean", point.database.active_mean);
    row.figure("database_utilisation", point.database.utilisation);
}

impl Row {
    fn put(&mut self, name: &str, value: impl ToString) {
        self.0.push((name.to_owned(), value.to_string()));
    }

    fn figure(&mut self, name: &str, value: Option<f64>) {
        self.put(name, value.filter(|value| value.is_finite()).map_or(String::new(), |value| value.to_string()));
    }

    fn interval(&mut self, name: &str, unit: &str, interval: Option<[f64; 2]>) {
        self.figure(&format!("{name}_low{unit}"), interval.map(|[low, _]| low));
        self.figure(&format!("{name}_high{unit}"), interval.map(|[_, high]| high));
    }

    fn times(&mut self, name: &str, times: &Times) {
        self.put(&format!("{name}_count"), times.count);
        self.figure(&format!("{name}_mean_s"), times.mean);
        self.interval(&format!("{name}_mean"), "_s", times.mean_ci95);
        for (figure, value) in [("p50", times.p50), ("p90", times.p90), ("p95", times.p95), ("p99", times.p99)] {
            self.figure(&format!("{name}_{figure}_s"), value);
        }
        self.interval(&format!("{name}_p99"), "_s", times.p99_ci95);
        self.figure(&format!("{name}_p999_s"), times.p999);
        self.figure(&format!("{name}_max_s"), times.max);
    }

    fn recovery(&mut self, name: &str, recovery: &Recovery) {
        self.put(name, &recovery.fault);
        self.put(&format!("{name}_at_s"), recovery.at);
        self.put(&format!("{name}_verdict"), &recovery.verdict);
        self.figure(&format!("{name}_recovery_s"), recovery.after);
        self.interval(&format!("{name}_recovery"), "_s", recovery.after_ci95);
        self.put(&format!("{name}_back_in"), recovery.back_in);
        self.figure(&format!("{name}_lost_mean"), recovery.lost);
        self.interval(&format!("{name}_lost"), "", recovery.lost_ci95);
        self.put(&format!("{name}_connects_per_s_peak"), recovery.connects_per_second_peak);
        self.put(&format!("{name}_connections_peak"), recovery.connections_peak);
    }

    fn wave(&mut self, name: &str, wave: Option<&Wave>) {
        self.put(name, wave.map_or(0, |wave| wave.count));
        self.figure(&format!("{name}_connects_per_s_mean"), wave.map(|wave| wave.mean));
        self.figure(&format!("{name}_connects_per_s_peak"), wave.map(|wave| wave.peak));
        self.figure(&format!("{name}_period_s"), wave.and_then(|wave| wave.period));
    }

    fn deadlocks(&mut self, point: &Point) {
        let found = point.deadlocks.as_ref();
        self.figure("deadlocks", found.map(|found| found.seen as f64));
        self.figure("deadlocks_in_runs", found.map(|found| found.runs as f64));
        self.figure("deadlocks_per_hour", found.map(|found| found.per_hour));
        self.interval("deadlocks_per_hour", "", found.map(|found| found.per_hour_ci95));
    }

    fn waits(&mut self, name: &str, waits: &Waits) {
        self.times(name, &waits.times);
        self.figure(&format!("{name}_waited"), waits.waited);
    }
}

fn add<'a>(known: &mut Vec<String>, names: impl Iterator<Item = &'a str>) {
    for name in names {
        if !known.iter().any(|other| other == name) {
            known.push(name.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::document::{Deadlocks, Named};

    #[test]
    fn rows_have_equal_columns_whatever_happened_at_their_points() {
        let mut quiet = Point { scenario: "quiet, \"small\"".into(), ..Point::default() };
        quiet.streams = Named(vec![("api".into(), Default::default())]);
        quiet.latency.p99 = Some(0.0121);
        quiet.vary.insert("apps.api.pool.pool_size".into(), 5.into());
        let mut loud = Point { scenario: "loud".into(), ..Point::default() };
        loud.requests.errors.insert("PoolTimeout".into(), 7);
        loud.pools = Named(vec![("api".into(), Default::default())]);
        loud.recovery = vec![Recovery { fault: "a restart".into(), at: 60.0, after: Some(4.4), lost: None, ..Recovery::default() }];
        loud.waves = vec![Wave { place: "database".into(), count: 3, period: Some(60.0), ..Wave::default() }];
        loud.deadlocks = Some(Deadlocks { seen: 8, runs: 2, per_hour: 0.25, per_hour_ci95: [0.1, 0.5], ..Deadlocks::default() });
        let text = render(&Document { poolcast: "0".into(), question: "?".into(), seed: 1, points: vec![quiet, loud] });
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header = reader.headers().expect("there is a header").clone();
        let place = |name: &str| header.iter().position(|column| column == name).expect(name);
        let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("rows are as long as the header");
        assert_eq!(&rows[0][place("scenario")], "quiet, \"small\"");
        assert_eq!(&rows[0][place("latency_p99_s")], "0.0121");
        assert_eq!(&rows[1][place("latency_p99_s")], "", "what cannot be said is empty, not zero");
        assert_eq!((&rows[0][place("errors_PoolTimeout")], &rows[1][place("errors_PoolTimeout")]), ("0", "7"));
        assert_eq!(&rows[0][place("apps.api.pool.pool_size")], "5");
        assert_eq!(&rows[1][place("pool_api_in_use_mean")], "0");
        let of = |row: usize, names: [&str; 3]| names.map(|name| rows[row][place(name)].to_owned());
        let standstill = ["waves_database", "waves_database_period_s", "deadlocks_per_hour_high"];
        assert_eq!((of(0, standstill), of(1, standstill)), (["0", "", ""].map(str::to_owned), ["3", "60", "0.5"].map(str::to_owned)));
        let fault = ["fault_1", "fault_1_recovery_s", "fault_1_lost_mean"];
        assert_eq!((of(0, fault), of(1, fault)), (["", "", ""].map(str::to_owned), ["a restart", "4.4", ""].map(str::to_owned)));
    }
}
