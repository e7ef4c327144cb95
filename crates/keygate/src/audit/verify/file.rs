//! The file of checkpoints as verification reads it: line by line, each against the one before.

use std::{collections::BTreeMap, path::Path};

use uuid::Uuid;

use super::{
    super::{
        Head, Keys, Log,
        checkpoint::{Hash, History, lines, root},
    },
    Finding, Report, Scope,
};
use crate::error::Fatal;

/// What the file says of each chain, in the order of the checkpoints.
type Marks = BTreeMap<(Uuid, Log), Vec<(u64, Head)>>;

/// The file of checkpoints, read and checked by itself.
#[derive(Default)]
pub(super) struct File {
    pub marks: Marks,
    /// Where each chain was at the checkpoint to begin from.
    pub from: BTreeMap<(Uuid, Log), Head>,
    pub unchained: i64,
    /// The newest root.
    root: Hash,
}

impl File {
    pub fn read(path: &Path, keys: &Keys, scope: &Scope, report: &mut Report) -> Result<File, Fatal> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                let what = format!("{}: {error}", path.display());
                return Err(Fatal::new(what, "run it as the user of the server"));
            }
        };
        let (mut file, mut history) = (File::default(), History::default());
        for line in lines(&bytes) {
            if let Err(finding) = file.add(line, &mut history, keys, scope) {
                report.findings.push(finding);
                break;
            }
        }
        if !history.heads.is_empty() && root(&history.heads) != file.root {
            let text = format!("checkpoint {}: its root is not that of its chains", history.number);
            report.findings.push(Finding::of_checkpoint(history.number, text));
        }
        if scope.from.is_some_and(|from| from == 0 || from > history.number) {
            return Err(Fatal::new(
                format!("the newest checkpoint is {}", history.number),
                "choose another --from",
            ));
        }
        file.unchained = history.unchained;
        report.checkpoint = history.number;
        report.covered = history.heads;
        Ok(file)
    }

    fn add(&mut self, line: &[u8], history: &mut History, keys: &Keys, scope: &Scope) -> Result<(), Finding> {
        let number = history.number + 1;
        let wrong = |text: &str| Finding::of_checkpoint(number, format!("checkpoint {number}: {text}"));
        let checkpoint = history.read(line, keys).map_err(wrong)?;
        for mark in &checkpoint.heads {
            let marks = self.marks.entry((mark.user, mark.log)).or_default();
            if marks.last().is_some_and(|(_, last)| last.seq >= mark.seq) {
                return Err(wrong("a chain went back"));
            }
            marks.push((number, Head { seq: mark.seq, mac: mark.mac.0 }));
        }
        self.root = checkpoint.root;
        if scope.from == Some(number) {
            self.from = history.heads.clone();
        }
        Ok(())
    }
}
