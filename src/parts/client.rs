//! Who asks: births, deadlines, retries.

use serde::{Deserialize, Serialize};

use crate::kernel::agenda::Rank;
use crate::kernel::invalid::Invalid;
use crate::kernel::latency::LatencySpec;
use crate::kernel::patience::Patience;
use crate::kernel::rng::Seed;
use crate::kernel::time::Span;
use crate::parts::workload::{ArrivalsSpec, Batch};
use crate::protocol::cx::{Cx, World};
use crate::protocol::error::Error;
use crate::protocol::event::{AppId, Event, RequestId, StreamId, WorkerId};
use crate::protocol::fact::Fact;
use crate::protocol::program::StepSpec;
use crate::protocol::request::Stage;

pub use wants::{Balancer, Retrying, Wants};

mod wants;

/// A stream of requests, complete.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StreamSpec {
    /// Its name.
    pub name: String,
    /// The app it goes to.
    pub app: String,
    /// When requests are born.
    pub arrivals: ArrivalsSpec,
    /// What each does.
    pub steps: Vec<StepSpec>,
    /// When its client gives up, counted from its arrival through all attempts.
    pub deadline: Option<Span>,
    /// What its client does about failures.
    pub retry: Option<Retry>,
}

impl StreamSpec {
    /// Requests whose clients wait for ever and try once.
    pub fn new(name: &str, app: &str, arrivals: impl Into<ArrivalsSpec>, steps: Vec<StepSpec>) -> StreamSpec {
        StreamSpec { name: name.to_owned(), app: app.to_owned(), arrivals: arrivals.into(), steps, deadline: None, retry: None }
    }
}

/// What a client does about failures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Attempts in all, the first included.
    pub attempts: u32,
    /// The pause before another attempt.
    #[serde(default)]
    pub backoff: LatencySpec,
    /// Adds up to this fraction of the pause at random.
    #[serde(default)]
    pub jitter: f64,
    /// Retries allowed as a fraction of all first attempts so far; no limit if left out.
    #[serde(default)]
    pub budget: Option<f64>,
    /// What is retried; everything but a passed deadline if left out.
    #[serde(default)]
    pub on: Option<Vec<Error>>,
}

impl Retry {
    /// Says what is wrong with the parameters.
    pub fn check(&self) -> Result<(), Invalid> {
        if !(1..=100).contains(&self.attempts) {
            return Err(Invalid::field("attempts", "attempts counts the first one: 1 to 100"));
        }
        if !(0.0..=10.0).contains(&self.jitter) {
            return Err(Invalid::field("jitter", "jitter is a fraction of the pause: 0 to 10"));
        }
        if self.budget.is_some_and(|budget| !(0.0..=100.0).contains(&budget)) {
            return Err(Invalid::field("budget", "budget is retries per first attempt: 0.1 allows one retry for ten requests"));
        }
        self.backoff.check().map_err(|e| e.within("backoff"))
    }
}

/// How arrivals are spread over an app's workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Balance {
    /// One after the other.
    #[default]
    RoundRobin,
    /// By the request's own dice.
    Random,
    /// To the worker with the fewest requests, the first among equals.
    LeastBusy,
}

/// All clients: a state for each stream, and a balancer before each app.
#[derive(Clone)]
pub struct Clients {
    streams: Vec<StreamState>,
    balancers: Vec<Balancer>,
}

#[derive(Clone)]
struct StreamState {
    // Parameters.
    app: AppId,
    deadline: Option<Span>,
    // State.
    wants: Wants,
    retry: Option<Retrying>,
    users: u32,
    coming: u32,
    born: u64,
    deadlines: Patience<RequestId>,
}

impl Clients {
    /// The clients of a checked workload. `apps` gives each app's first worker, number of workers at the start and balance.
    pub fn new(workload: &[StreamSpec], apps: &[(String, u32, u32, Balance)], world: &World, seed: &Seed) -> Clients {
        let streams = workload.iter().enumerate().map(|(index, spec)| {
            let app = apps.iter().position(|(name, ..)| *name == spec.app).expect("a checked stream goes to an app that is there");
            StreamState::new(spec, AppId(app as u32), world.programs[index].words(), seed)
        });
        let balancers = apps.iter().map(|(_, first, workers, balance)| Balancer::new(*balance, *first, *workers));
        Clients { streams: streams.collect(), balancers: balancers.collect() }
    }

    /// From here on with the dice of `seed`: of what is still to arrive, and of all that requests under way have drawn and not
    /// met yet. Nothing that has happened depended on that, so it may as well be drawn now. A retry meets again what its
    /// first attempt has met, so after that nothing of it is drawn anew.
    pub fn reseed(&mut self, seed: &Seed, world: &mut World) {
        for state in &mut self.streams {
            state.wants.reseed(seed);
        }
        for request in world.requests.iter_mut().filter(|request| request.attempt == 1 && request.stage != Stage::AtClient) {
            let stream = request.stream.index();
            self.streams[stream].wants.draw_rest(&world.programs[stream], request);
        }
    }

    /// From now on the app's worker in this place gets requests too.
    pub fn worker_begins(&mut self, app: AppId, place: u32) {
        self.balancers[app.index()].join(place);
    }

    /// From now on it gets none.
    pub fn worker_retires(&mut self, app: AppId, place: u32) {
        self.balancers[app.index()].leave(place);
    }

    /// The first arrival of each stream.
    pub fn start(&mut self, cx: &mut Cx) {
        for index in 0..self.streams.len() {
            let stream = StreamId(index as u32);
            self.schedule_arrival(stream, cx);
            for user in 0..self.streams[index].users {
                self.think(stream, user, u64::from(user), cx);
            }
        }
    }

    /// Requests arrive.
    pub fn arrive(&mut self, stream: StreamId, cx: &mut Cx) {
        for _ in 0..self.streams[stream.index()].coming {
            let number = self.streams[stream.index()].born;
            self.bear(stream, number, 0, cx);
        }
        self.schedule_arrival(stream, cx);
    }

    /// A user of a closed stream sends the next request.
    pub fn thought(&mut self, stream: StreamId, user: u32, turn: u32, cx: &mut Cx) {
        let number = u64::from(user) + u64::from(turn) * u64::from(self.streams[stream.index()].users);
        self.bear(stream, number, user, cx);
    }

    /// The pause before another attempt is over.
    pub fn retry(&mut self, request: RequestId, cx: &mut Cx) {
        self.send(request, cx);
    }

    /// The oldest deadlines of a stream: their clients hang up.
    pub fn impatient(&mut self, stream: StreamId, cx: &mut Cx) {
        let now = cx.now();
        while let Some(request) = self.streams[stream.index()].deadlines.due(now, |request| lives(cx.world, request)) {
            let asked = cx.request(request);
            asked.given_up = true;
            let (stage, worker) = (asked.stage, asked.worker);
            match stage {
                Stage::AtClient => cx.world.graveyard.push(request),
                Stage::Sent => {
                    cx.world.load[worker.index()] -= 1;
                    cx.world.graveyard.push(request);
                }
                _ => cx.at_once(Event::Cancel { request }),
            }
            self.end(request, Some(Error::DeadlineExceeded), cx);
        }
        if let Some(due) = self.streams[stream.index()].deadlines.rearm() {
            cx.at(due, Rank::Timeout, Event::Impatient { stream });
        }
    }

    /// The worker is done with a request.
    #[inline]
    pub fn finished(&mut self, request: RequestId, cx: &mut Cx) {
        let asked = cx.request(request);
        if asked.given_up {
            return cx.world.graveyard.push(request);
        }
        let (stream, failure) = (asked.stream, asked.failure);
        if let Some(why) = failure
            && let Some(pause) = self.pause_before_retry(request, why, cx)
        {
            let again = cx.request(request);
            again.failure = None;
            again.step = 0;
            again.stage = Stage::AtClient;
            return cx.after(pause, Rank::Timer, Event::Retry { request });
        }
        cx.request(request).given_up = true;
        self.streams[stream.index()].deadlines.tidy(|request| lives(cx.world, request));
        self.end(request, failure, cx);
        cx.world.graveyard.push(request);
    }

    /// The request is over for its client.
    #[inline(always)]
    fn end(&mut self, request: RequestId, failure: Option<Error>, cx: &mut Cx) {
        cx.fact(Fact::Ended { request, failure });
        let asked = cx.request(request);
        let (stream, user, number) = (asked.stream, asked.user, asked.number);
        let users = self.streams[stream.index()].users;
        if users > 0 {
            self.think(stream, user, number + u64::from(users), cx);
        }
    }

    fn pause_before_retry(&mut self, request: RequestId, why: Error, cx: &mut Cx) -> Option<Span> {
        let asked = cx.request(request);
        self.streams[asked.stream.index()].retry.as_mut()?.pause(asked.attempt, why, &asked.drawn)
    }

    fn schedule_arrival(&mut self, stream: StreamId, cx: &mut Cx) {
        let state = &mut self.streams[stream.index()];
        if let Some(Batch { at, size }) = state.wants.next_batch() {
            state.coming = size;
            cx.at(at, Rank::Arrival, Event::Arrive { stream });
        }
    }

    fn think(&mut self, stream: StreamId, user: u32, number: u64, cx: &mut Cx) {
        let think = self.streams[stream.index()].wants.think(number);
        let turn = (number / u64::from(self.streams[stream.index()].users)) as u32;
        // A user who neither thinks nor is kept waiting would send for ever in one instant.
        cx.after(think.max(Span::from_nanos(1)), Rank::Arrival, Event::Thought { stream, user, turn });
    }

    /// A request is born: all its dice are thrown now, at the place in the stream's dice that belongs to its number.
    fn bear(&mut self, stream: StreamId, number: u64, user: u32, cx: &mut Cx) {
        let now = cx.now();
        let request = cx.world.requests.claim();
        let state = &mut self.streams[stream.index()];
        let newborn = &mut cx.world.requests[request];
        newborn.reset(stream, number, user, now);
        newborn.balance = state.wants.draw(&cx.world.programs[stream.index()], number, &mut newborn.drawn);
        state.born += 1;
        if let Some(retry) = &mut state.retry {
            retry.first();
        }
        if let Some(deadline) = state.deadline
            && let Some(due) = state.deadlines.add(now + deadline, request)
        {
            cx.at(due, Rank::Timeout, Event::Impatient { stream });
        }
        cx.fact(Fact::Arrived { request });
        self.send(request, cx);
    }

    #[inline(always)]
    fn send(&mut self, request: RequestId, cx: &mut Cx) {
        let World { requests, load, .. } = &mut *cx.world;
        let sent = &mut requests[request];
        let app = self.streams[sent.stream.index()].app;
        let worker = WorkerId(self.balancers[app.index()].choose(sent.balance.wrapping_add(u64::from(sent.attempt)), load));
        sent.attempt += 1;
        sent.worker = worker;
        sent.stage = Stage::Sent;
        load[worker.index()] += 1;
        cx.at_once(Event::Begin { request });
    }
}

fn lives(world: &World, request: RequestId) -> bool {
    world.requests.get(request).is_some_and(|request| !request.given_up)
}

impl StreamState {
    fn new(spec: &StreamSpec, app: AppId, program_words: u64, seed: &Seed) -> StreamState {
        let wants = Wants::new(spec, program_words, seed);
        StreamState {
            app,
            deadline: spec.deadline,
            users: wants.users(),
            wants,
            retry: spec.retry.as_ref().map(Retrying::new),
            coming: 0,
            born: 0,
            deadlines: Patience::default(),
        }
    }
}
