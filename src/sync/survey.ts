import type { Digest, Snapshot } from "../config/layers.ts";
import { asConfigSyncError, type ConfigSyncError } from "../errors.ts";
import type { RenderedService } from "../services/render.ts";
import type { Ledger } from "./ledger.ts";
import { observeOutputs } from "./observe.ts";
import { planService, type ServicePlan } from "./plan.ts";
import type { Renderings } from "./renderings.ts";

/** A service with its plan, or with what stands against one. */
export type Surveyed =
  | { readonly name: string; readonly service: RenderedService; readonly plan: ServicePlan; readonly error?: undefined }
  | { readonly name: string; readonly error: ConfigSyncError; readonly service?: undefined; readonly plan?: undefined };

/** Looks at what is there and plans every service: what `plan`, `status` and `apply` would do now. Changes nothing. */
export function surveyServices(
  renderings: Renderings,
  known: { readonly snapshot: Snapshot; readonly ledger: Pick<Ledger, "record">; readonly digest: Digest },
): Promise<Surveyed[]> {
  return Promise.all(
    [...renderings].map(async ([name, { service, error }]): Promise<Surveyed> => {
      if (service === undefined) return { name, error };
      try {
        return { name, service, plan: await lookAndPlan(service, known) };
      } catch (thrown) {
        return { name, error: asConfigSyncError(thrown) };
      }
    }),
  );
}

export async function lookAndPlan(
  service: RenderedService,
  known: { readonly snapshot: Snapshot; readonly ledger: Pick<Ledger, "record">; readonly digest: Digest },
  forced = false,
): Promise<ServicePlan> {
  const observed = await observeOutputs(service);
  const record = known.ledger.record(service.name);
  return planService({ service, snapshot: known.snapshot, observed, record, digest: known.digest, forced });
}
