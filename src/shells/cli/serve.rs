//! `poolcast serve`: the local page.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::{Failure, Outcome, answer, complain};
use crate::shells::files::Home;
use crate::shells::serve::{Experiment, Server};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  poolcast serve experiments/movehub.ron
  poolcast serve --port 8080    (then open another file on the page)

The page is for this machine alone (127.0.0.1), fetches nothing from elsewhere and writes no file: a changed experiment is
downloaded. Ctrl-C ends it.")]
pub(super) struct Serve {
    /// An experiment file; an example if left out
    file: Option<PathBuf>,
    /// The port; any free one if it is 0
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,
}

/// What is shown to whoever names no file: the guide's experiment.
const EXAMPLE: &str = include_str!("../../../experiments/movehub.ron");

impl Serve {
    pub(super) fn run(self) -> Outcome {
        let experiment = self.experiment()?;
        let outside = |error: std::io::Error| Failure::Outside(format!("cannot serve on 127.0.0.1:{}: {error}", self.port));
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(outside)?;
        runtime.block_on(async {
            let server = Server::bind(experiment, self.port).await.map_err(outside)?;
            answer(&format!("{}\n", server.address()))?;
            complain("Ctrl-C ends it");
            let interrupted = async {
                let _ = tokio::signal::ctrl_c().await;
            };
            server.run(interrupted).await.map_err(outside)
        })?;
        // Looks that nobody waits for any more need not end.
        runtime.shutdown_background();
        Ok(true)
    }

    fn experiment(&self) -> Result<Experiment, Failure> {
        let Some(file) = &self.file else {
            let home = Home::of(&PathBuf::from("movehub.ron"));
            return Ok(Experiment { name: home.name.clone(), text: EXAMPLE.to_owned(), home: Arc::new(home) });
        };
        let home = Home::of(file);
        let text = home.experiment()?.source.text.to_string();
        Ok(Experiment { name: home.name.clone(), text, home: Arc::new(home) })
    }
}
