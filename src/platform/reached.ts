/**
 * The steps of a change at which a crash leaves something of its own behind. Nothing happens at them: a test loads another module
 * in the place of this one (`module.registerHooks`), and ends the process there, or makes the disk fail from there on.
 */
export type Step =
  // Staging and making visible, once a file, also for files of our own; "folders-synced" once a commit.
  | "staging-begun"
  | "staged"
  | "renamed"
  | "removed"
  | "folders-synced"
  // Writing in place, between the first two.
  | "journalled"
  | "room-made"
  | "overwritten"
  | "cut-to-length"
  // A change of an app: it counts, and no file shows it yet, where there is one.
  | "recorded"
  // The turn of a service.
  | "way-back-kept"
  | "checked"
  | "committed"
  | "reload-due"
  | "reloaded"
  | "probed"
  | "healthy"
  // The way back.
  | "quarantined"
  | "restored"
  | "reloaded-as-before"
  | "rolled-back"
  // The ledger's file.
  | "ledger-appended"
  | "ledger-synced"
  | "ledger-replaced";

export function reached(_step: Step): void {}
