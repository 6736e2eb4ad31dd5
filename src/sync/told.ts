import type { Redact } from "../config/secret.ts";
import type { ConfigSyncError } from "../errors.ts";
import type { Emit, Step } from "./events.ts";

/** Telling of services, and knowing what was told: what every look finds anew is news once. */
export interface Told {
  readonly tell: (service: string, step: Step, text: string) => void;
  /** For what is found anew at every look: drift, and waiting. */
  readonly tellOnce: (service: string, step: Step, text: string) => void;
  /** Its files are as they should be: the next drift is news. */
  readonly driftIsOver: (service: string) => void;
  /**
   * What cannot be rendered, or not be merged into the file that is there. What was wanted before stays wanted, and every look looks
   * again.
   */
  readonly tellRefusal: (service: string, error: ConfigSyncError) => void;
  /** Whether a refusal was told that is over now. */
  readonly refusalIsOver: (service: string) => boolean;
}

export function createTold(emit: Emit, redact: Redact): Told {
  const last = new Map<string, { readonly step: Step; readonly text: string }>();
  const refusals = new Map<string, string>();

  const tell = (service: string, step: Step, text: string): void => {
    last.delete(service);
    emit({ type: "service", service, step, text });
  };

  return {
    tell,
    tellOnce: (service, step, text) => {
      const known = last.get(service);
      if (known?.step === step && known.text === text) return;
      tell(service, step, text);
      last.set(service, { step, text });
    },
    driftIsOver: (service) => {
      if (last.get(service)?.step === "drifted") last.delete(service);
    },
    tellRefusal: (service, error) => {
      const message = redact(error.toText());
      if (message !== refusals.get(service)) tell(service, "refused", message);
      refusals.set(service, message);
    },
    refusalIsOver: (service) => refusals.delete(service),
  };
}
