//! What Prometheus is shown of mail.

use crate::metrics::{Counters, labels, metrics};

metrics! {
    /// What is counted of mail.
    pub struct MailMetrics {
        /// Mails that were handed over, and tries that failed.
        deliveries: Counters<MailResult> = "latchkey_mails_total",
    }
}

labels! {
    /// What became of a mail.
    MailResult = "result" {
        /// The mail server took it, or development mode kept it.
        Sent = "sent",
        /// The mail server did not take it: it will be tried again.
        Failed = "failed",
    }
}
