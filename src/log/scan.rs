//! A scan: the inputs, opened, what is asked of them, and the threads that read them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use super::crew::{Crew, Part, Progress, Watch};
use super::input::{Input, Named};
use super::inputs;
use super::period::{Bound, Period};
use super::resume::{self, Plan};
use super::rotation;
use super::row::Settings;
use super::saved::Saved;
use super::segment::Segment;
use super::{Options, ScanError};
use crate::evidence::Evidence;

/// What the logs prove, and what is to be kept for the next time; none of it where that would be worth less than what there is.
pub(super) type Found = (Evidence, Option<Vec<u8>>);

/// The inputs, opened.
pub(super) struct Scan<'a> {
    options: &'a Options,
    watch: Arc<Watch>,
    inputs: Vec<Input>,
    period: Period,
    /// What is to be said of inputs that were left out.
    copies: Vec<String>,
}

impl<'a> Scan<'a> {
    /// Opens all that `named` names; the journal behind `cursor`.
    ///
    /// # Errors
    /// One for each input that cannot be read at all.
    pub(super) fn open(
        named: &[Named],
        cursor: Option<&str>,
        options: &'a Options,
    ) -> Result<Self, Vec<ScanError>> {
        let watch = options.watch.clone().unwrap_or_default();
        let mut inputs = Vec::new();
        let mut errors = Vec::new();
        for named in rotation::files(named)? {
            match Input::open(&named, cursor, &watch) {
                Ok(input) => inputs.push(input),
                Err(why) => errors.push(ScanError::input(&named, why)),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let copies = inputs::leave_out_copies(&mut inputs);
        inputs::set_calendars(&mut inputs, options);
        Ok(Self {
            period: inputs::period(&inputs, options)?,
            options,
            watch,
            inputs,
            copies,
        })
    }

    /// What the logs prove, and the segment of all of them, as NDJSON if it is asked for.
    ///
    /// # Errors
    /// One for each input that cannot be read to its end.
    pub(super) fn all(self, as_segment: bool) -> Result<(Evidence, Vec<u8>), Vec<ScanError>> {
        let segment = if as_segment {
            Segment::of(self.period)
        } else {
            Segment::beginning(self.period)
        };
        let (plan, progress) = resume::whole(&self.inputs, segment);
        let progress = self.read(&plan, &plan.rest, progress)?;
        let saved = if as_segment {
            self.written(plan.kept(&self.inputs, &progress))
        } else {
            Vec::new()
        };
        Ok((self.evidence(&plan, progress), saved))
    }

    /// What the logs prove, and a state with nothing in it, for where what was kept turned out to be of no use.
    ///
    /// # Errors
    /// As for [`Self::all`].
    pub(super) fn anew(self) -> Result<Found, Vec<ScanError>> {
        let nothing = self.written(Saved {
            segment: Segment::beginning(self.period),
            ..Saved::default()
        });
        let stopped = Arc::clone(&self.watch);
        let (evidence, _) = self.all(false)?;
        let stopped = stopped.stop.load(Ordering::Relaxed);
        Ok((evidence, (!stopped).then_some(nothing)))
    }

    /// What the logs prove together with what was read before, and what is to be kept for the next time;
    /// none of both where all has to be read anew.
    ///
    /// # Errors
    /// As for [`Self::all`], and where one cannot go on.
    pub(super) fn on(self, mut saved: Saved) -> Result<Option<Found>, Vec<ScanError>> {
        let bounds = [self.options.since, self.options.until];
        let moving = |bound: &Option<Bound>| matches!(bound, Some(Bound::BeforeLast(_)));
        if bounds.iter().any(moving) {
            return Err(vec![ScanError::Saved(
                " a span back from the last line moves with the log, so that nothing can be kept; give a date"
                    .to_owned(),
            )]);
        }
        if !saved.files.is_empty() && saved.settings != self.settings() {
            return Err(vec![ScanError::Saved(
                "1: was made with another --timezone, --since or --until; use the same, or begin a new file"
                    .to_owned(),
            )]);
        }
        if saved.files.is_empty() {
            saved.segment = Segment::beginning(self.period);
        }
        saved.segment.period = self.period;
        let (plan, progress) = resume::new_only(&self.inputs, saved)?;
        let progress = self.read(&plan, &plan.keep, progress)?;
        let whole = plan
            .keep
            .iter()
            .all(|part| progress.reached[part.input].whole);
        let kept = whole.then(|| self.written(plan.kept(&self.inputs, &progress)));
        let mut progress = self.read(&plan, &plan.rest, progress)?;
        if let Some(input) = progress.overtaken {
            if plan.holds_gone_files(&self.inputs) {
                return Err(vec![ScanError::input(
                    &self.inputs[input].named,
                    "holds lines that were counted in another log before, and some of the files counted then are gone; begin a new file for --resume",
                )]);
            }
            return Ok(None);
        }
        let stopped = self.watch.stop.load(Ordering::Relaxed);
        progress.segment.warnings.extend(self.left_out());
        Ok(Some((
            self.evidence(&plan, progress),
            kept.filter(|_| !stopped),
        )))
    }

    fn read(
        &self,
        plan: &Plan,
        parts: &[Part],
        progress: Progress,
    ) -> Result<Progress, Vec<ScanError>> {
        let crew = Crew {
            inputs: &self.inputs,
            roles: &plan.roles,
            period: self.period,
            threads: match self.options.threads {
                0 => thread::available_parallelism().map_or(1, usize::from),
                threads => threads,
            },
            watch: &self.watch,
        };
        let bytes: u64 = parts
            .iter()
            .map(|part| self.inputs[part.input].bytes_of(part))
            .sum();
        self.watch.total.fetch_add(bytes, Ordering::Relaxed);
        let mut progress = crew.scan(parts, progress);
        let mut errors = std::mem::take(&mut progress.errors);
        if errors.is_empty() {
            return Ok(progress);
        }
        errors.sort_by_key(|(input, _)| *input);
        errors.dedup_by_key(|(input, _)| *input);
        Err(errors
            .into_iter()
            .map(|(input, why)| ScanError::input(&self.inputs[input].named, why))
            .collect())
    }

    fn evidence(&self, plan: &Plan, progress: Progress) -> Evidence {
        let mut segment = progress.segment;
        let before = self.copies.iter().cloned();
        let before = before.chain(inputs::warnings(&self.inputs));
        segment.warnings.splice(..0, before.collect::<Vec<_>>());
        let spans = plan.spans(&self.inputs, &progress.reached);
        let stopped = self.watch.stop.load(Ordering::Relaxed);
        if stopped {
            let warning = "stopped before the end: only what was read so far is counted";
            segment.warnings.push(warning.to_owned());
        }
        let names: Vec<PathBuf> = plan.names(&self.inputs);
        let names: Vec<&Path> = names.iter().map(PathBuf::as_path).collect();
        Evidence {
            stopped,
            spans,
            ..segment.evidence(self.options.calibration.as_ref(), &names)
        }
    }

    /// Where what is written before the next rotation would be missed.
    fn left_out(&self) -> Vec<String> {
        let named: Vec<Named> = self
            .inputs
            .iter()
            .map(|input| input.named.clone())
            .collect();
        rotation::left_out(&named)
            .into_iter()
            .map(|(log, part)| {
                format!(
                    "{}: its rotated parts ({}) are not given, so what it gets between a scan and the next rotation is missed; give {}*",
                    log.display(),
                    part.display(),
                    log.display()
                )
            })
            .collect()
    }

    fn written(&self, mut saved: Saved) -> Vec<u8> {
        saved.settings = self.settings();
        saved.written()
    }

    /// What must be the same the next time.
    fn settings(&self) -> Settings {
        let zone = self.options.timezone.as_ref();
        Settings {
            timezone: zone.map(|zone| match (zone.iana_name(), zone.to_fixed_offset()) {
                (Some(name), _) => name.to_owned(),
                (None, Ok(offset)) => offset.to_string(),
                (None, Err(_)) => format!("{zone:?}"),
            }),
            since: self.period.since,
            until: self.period.until,
        }
    }
}
