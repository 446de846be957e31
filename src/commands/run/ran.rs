//! What a run says of itself once it is over.

/// What a run says of itself.
#[derive(Clone, Debug)]
pub struct Ran {
    /// What to print.
    pub text: String,
    /// Its record, as `run.json` or that of a run that found nothing new; `None` where it only looked.
    pub record: Option<serde_json::Value>,
}
