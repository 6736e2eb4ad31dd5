import type { Digest } from "../config/layers.ts";
import { asConfigSyncError, type ConfigSyncError } from "../errors.ts";
import { confine } from "../platform/confine.ts";
import type { Service } from "../services/catalog.ts";
import type { RenderedService } from "../services/render.ts";
import type { Ledger } from "./ledger.ts";
import { observeOutputs } from "./observe.ts";
import { inOrder } from "./order.ts";
import { planService, type ServicePlan } from "./plan.ts";
import type { Renderings, Wanted } from "./renderings.ts";

/** A service with its plan, or with what stands against one. */
export type Surveyed =
  | { readonly name: string; readonly service: RenderedService; readonly plan: ServicePlan; readonly error?: undefined }
  | { readonly name: string; readonly error: ConfigSyncError; readonly service?: undefined; readonly plan?: undefined };

type Known = { readonly ledger: Pick<Ledger, "record">; readonly digest: Digest };

/** Looks at what is there and plans every service: what `plan`, `status` and `apply` would do now. Changes nothing. */
export function surveyServices(
  renderings: Renderings,
  known: Known & { readonly roots: readonly string[] },
): Promise<Surveyed[]> {
  return Promise.all(
    [...renderings].map(async ([name, { wanted, error }]): Promise<Surveyed> => {
      if (error !== undefined) return { name, error };
      if (wanted === undefined) throw new Error(`${name} is neither wanted nor refused`);
      try {
        const plan = await lookAndPlan(wanted, known);
        refuseForbidden(plan, known.roots);
        return { name, service: wanted.service, plan };
      } catch (thrown) {
        return { name, error: asConfigSyncError(thrown) };
      }
    }),
  );
}

/** The same, in the order of application. */
export async function surveyInOrder(
  services: readonly Service[],
  renderings: Renderings,
  known: Parameters<typeof surveyServices>[1],
): Promise<Surveyed[]> {
  const byName = new Map((await surveyServices(renderings, known)).map((one) => [one.name, one]));
  return inOrder(services).flatMap((name) => byName.get(name) ?? []);
}

/** What apply will refuse to write is no plan. */
function refuseForbidden({ verdict, outputs }: ServicePlan, roots: readonly string[]): void {
  if (verdict !== "apply") return;
  for (const { output, action } of outputs) {
    if (action === "create" || action === "update") confine(output.path, roots);
  }
}

export async function lookAndPlan(
  { service, keys, form }: Wanted,
  { ledger, digest }: Known,
  forced = false,
): Promise<ServicePlan> {
  const observed = await observeOutputs(service);
  return planService({ service, keys, form, observed, record: ledger.record(service.name), digest, forced });
}
