//! Two answers, and where they part.

use proptest::test_runner::TestCaseError;

/// Nothing, or the difference.
pub(super) type Outcome = Result<(), TestCaseError>;

/// Compares the disk's answer with the model's; the error shows where they part.
pub(super) fn same(disk: &str, model: &str, what: &str) -> Outcome {
    if disk == model {
        return Ok(());
    }
    let lines = |text: &str| text.replace("\\n", "\n").lines().map(str::to_owned).collect();
    let (disk, model): (Vec<String>, Vec<String>) = (lines(disk), lines(model));
    let parted = disk.iter().zip(&model).take_while(|(disk, model)| disk == model).count();
    let around = |lines: &[String]| {
        let from = parted.saturating_sub(6).min(lines.len());
        lines[from..(parted + 12).min(lines.len())].join("\n")
    };
    let (disk, model) = (around(&disk), around(&model));
    Err(TestCaseError::fail(format!("{what}\nthe disk:\n{disk}\nthe model:\n{model}\n")))
}
