//! The surface of Postfix: what smtpd does for a client without TLS.

use crate::postfix::Config;
use crate::source::Sources;
use crate::version::Range;

use super::{Endpoint, Question};

/// Every endpoint of the configuration, judged for the releases in `versions`.
pub fn endpoints(
    _config: &Config,
    _sources: &Sources,
    _versions: Range,
    _question: &Question,
) -> Vec<Endpoint> {
    Vec::new()
}
